/**
 * What a system has counted since it began, as ZX_INFO_CPU_STATS has it of a processor.
 *
 * Only what happens in the simulation is counted. Nothing schedules threads and no device
 * interrupts, so nothing counts context switches, yields, preemptions, interrupts of devices or
 * between processors.
 *
 * I1. Counters only grow.
 * I2. A call of the API that is a system call on Zircon counts as one, also where it is refused for
 *     its rights; what a program does to its own memory (touch, read, write) is none.
 */

import type { Core } from '../core/core.js';

/** Counters of a system. */
export class SystemCounters {
  readonly #core: Core;
  #timerInts = 0;
  #timers = 0;
  #lastTimerNs = -1n;
  /**
   * System calls.
   *
   * @internal
   */
  calls = 0;
  /**
   * Exceptions but for accesses that faulted.
   *
   * @internal
   */
  raised = 0;
  /**
   * Accesses that no page could be found for.
   *
   * @internal
   */
  failedFaults = 0;

  /** @param core - counts the faults that found a page */
  constructor(core: Core) {
    this.#core = core;
  }

  /** System calls. */
  get syscalls(): number {
    return this.calls;
  }

  /** Pages that accesses had to fault for, and accesses that faulted for good. */
  get pageFaults(): number {
    return this.#core.pageFaults + this.failedFaults;
  }

  /** Exceptions: of threads, by policies of jobs, and by accesses that faulted for good. */
  get exceptions(): number {
    return this.raised + this.failedFaults;
  }

  /** Timers that came due as time passed. */
  get timers(): number {
    return this.#timers;
  }

  /** Moments at which timers came due: an interrupt each. */
  get timerInts(): number {
    return this.#timerInts;
  }

  /**
   * A timer came due.
   *
   * @internal
   */
  noteTimer(nowNs: bigint): void {
    this.#timers += 1;
    if (nowNs !== this.#lastTimerNs) this.#timerInts += 1;
    this.#lastTimerNs = nowNs;
  }
}
