/**
 * A progress bar on standard error, on a terminal only, for what takes longer than a second.
 */

import { SingleBar } from 'cli-progress';

const PATIENCE_MS = 1000;
const MIB = 1 << 20;

/** The bar of one load: drawn once a second has passed, gone when the load is done. */
export class ProgressBar {
  private readonly startMs: number;
  private bar: SingleBar | undefined;
  private unit = 'bytes';

  /**
   * @param stream - standard error
   * @param what - what is read: stands beside the bar
   * @param nowMs - the clock
   */
  constructor(
    private readonly stream: NodeJS.WritableStream,
    private readonly what: string,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.startMs = nowMs();
  }

  /**
   * Takes a step.
   *
   * @param doneSoFar - bytes read so far, or steps done
   * @param inAll - bytes or steps in all, 0 where that is not known
   * @param unit - which of the two
   */
  step(doneSoFar: number, inAll: number, unit: 'bytes' | 'steps' = 'bytes'): void {
    const size = unit === 'bytes' ? MIB : 1;
    const done = Math.floor(doneSoFar / size);
    const total = inAll > 0 ? Math.ceil(inAll / size) : done + 1;
    if (unit !== this.unit) this.stop();
    this.unit = unit;
    if (this.bar === undefined) {
      if (this.nowMs() - this.startMs < PATIENCE_MS) return;
      this.bar = new SingleBar({
        stream: this.stream,
        format: `${this.what} {bar} {value}/${inAll > 0 ? '{total}' : '?'} `
          + (unit === 'bytes' ? 'MiB' : 'steps'),
        // An interrupt ends the load at once: nothing of the terminal's state may need restoring,
        // and the bar's own handler would swallow the signal.
        hideCursor: false,
        linewrap: true,
        gracefulExit: false,
        clearOnComplete: true,
      });
      this.bar.start(total, done);
    } else {
      this.bar.setTotal(total);
      this.bar.update(done);
    }
  }

  /** Takes the bar off the terminal; may be called again. */
  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
