/**
 * Workers that share a pass with the calling thread (piscina).
 *
 * Work is claimed piece by piece in shared memory, so a pass is right with any number of helpers,
 * also with none that came in time; the caller helps too. What is small never gets here: reaching a
 * worker costs about 100 us.
 *
 * I1. `run` returns when every helper has left the pass; nothing may change before. Where one died,
 *     all are ended first.
 */

import { Piscina } from 'piscina';
import type { Core } from '../core/core.js';
import type { SharedWork } from '../core/passes.js';

/** A pool on one system's memory. */
export class PassPool {
  readonly #pool: Piscina<SharedWork, void>;
  readonly #threads: number;
  #broken = false;

  /**
   * @param core - whose memory the workers share
   * @param threads - workers, 1 or more
   */
  constructor(core: Core, threads: number) {
    this.#threads = threads;
    this.#pool = new Piscina<SharedWork, void>({
      filename: new URL('../../build/accounting/worker.js', import.meta.url).href,
      workerData: { module: core.module, memory: core.memory },
      execArgv: [], // loaders of the program's own would only cost each worker time
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Infinity,
    });
  }

  /** Number of workers. */
  get threads(): number {
    return this.#threads;
  }

  /**
   * Shares work with the workers.
   *
   * @param tasks - one for each worker
   * @param own - the calling thread's part
   * @throws PassStalledError if a worker died before its part was done
   */
  async run(tasks: readonly SharedWork[], own: () => void): Promise<void> {
    const helpers = tasks.map((task) => this.#pool.run(task));
    const all = Promise.allSettled(helpers); // from the start: a helper may fail while `own` works
    try {
      own();
    } catch (error) {
      this.#broken = true;
      await this.#pool.destroy();
      await all;
      throw error;
    }
    await all;
    await Promise.all(helpers);
  }

  /** Whether its workers were ended because one had died. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Ends the workers. */
  async close(): Promise<void> {
    if (!this.#broken) await this.#pool.close();
  }
}
