/**
 * Stops processes for a while: SIGSTOP, and SIGCONT whatever happens.
 *
 * I1. Only what was running is stopped, so only that is continued. This process and the first of
 *     the machine are never stopped.
 * I2. Whoever stops calls {@link Stopped.continue} in a `finally`. An interrupt, a hangup and a
 *     request to terminate continue them at once, and so does the end of this process.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcFiles } from './proc-files.js';

const WAIT_MS = 2;
/** A process in an uninterruptible wait stops only after it: not waited for longer than this. */
const PATIENCE_MS = 1000;
const STOPPED_STATES = 'TtZX';
const DEADLY = ['SIGTERM', 'SIGHUP'] as const;

/** Processes that were stopped. */
export class Stopped {
  private readonly pids = new Set<number>();
  private readonly release = (): void => this.continue();
  private readonly die = (signal: NodeJS.Signals): void => {
    this.continue();
    process.kill(process.pid, signal);
  };

  /** @param proc - where states are read */
  constructor(private readonly proc: ProcFiles) {
    process.on('exit', this.release).on('SIGINT', this.release);
    for (const signal of DEADLY) process.on(signal, this.die);
  }

  /**
   * Stops processes until no new ones appear: they may fork until they are stopped.
   *
   * @param pids - which; asked anew until all are stopped
   * @param signal - ends the wait
   * @returns those that did not stop in time
   */
  async stop(pids: () => readonly number[], signal?: AbortSignal): Promise<number[]> {
    const startMs = performance.now();
    for (;;) {
      signal?.throwIfAborted();
      const going = pids().filter((pid) => this.isGoing(pid));
      if (going.length === 0 || performance.now() - startMs > PATIENCE_MS) return going;
      for (const pid of going) {
        if (!this.pids.has(pid) && send(pid, 'SIGSTOP')) this.pids.add(pid);
      }
      await sleep(WAIT_MS);
    }
  }

  /** Continues all of them, and hears signals no more; may be called again. */
  continue(): void {
    process.off('exit', this.release).off('SIGINT', this.release);
    for (const signal of DEADLY) process.off(signal, this.die);
    const pids = [...this.pids];
    this.pids.clear();
    for (const pid of pids) {
      try {
        send(pid, 'SIGCONT');
      } catch {
        // It changed its user since: the others must not stay stopped for that.
      }
    }
  }

  private isGoing(pid: number): boolean {
    if (pid === process.pid || pid === 1) return false;
    const state = this.proc.stat(pid)?.state;
    return state !== undefined && !STOPPED_STATES.includes(state);
  }
}

/** Sends a signal; false where the process is gone. */
function send(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
