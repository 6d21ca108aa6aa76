/**
 * Workers that share a pass with the calling thread (piscina).
 *
 * Work is claimed piece by piece in shared memory, so a pass is right with any number of helpers,
 * also with none that came in time; the caller helps too. What is small never gets here: reaching a
 * worker costs about 100 us.
 *
 * I1. `run` returns when every helper has left the pass; nothing may change before.
 */

import { Piscina } from 'piscina';
import type { Core } from '../core/core.js';
import type { SharedWork } from '../core/passes.js';

/** A pool on one system's memory. */
export class PassPool {
  readonly #pool: Piscina<SharedWork, void>;
  readonly #threads: number;

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
   */
  async run(tasks: readonly SharedWork[], own: () => void): Promise<void> {
    const helpers = tasks.map((task) => this.#pool.run(task));
    try {
      own();
    } finally {
      await Promise.allSettled(helpers);
    }
    await Promise.all(helpers);
  }

  /** Ends the workers. */
  async close(): Promise<void> {
    await this.#pool.close();
  }
}
