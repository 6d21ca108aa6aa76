/**
 * The system's own clock: time passes only when a program says so.
 *
 * What is due happens in order of time, and of what was asked for first; the clock shows that time
 * meanwhile. So the same program sees the same order always.
 *
 * I1. The clock never goes back.
 * I2. Timers of programs and the kernel's own deadlines stand in one order.
 */

import { DueQueue } from './due-queue.js';
import { fail } from './errors.js';
import { toU64, type Bytes } from './units.js';

/** Most nanoseconds that pass in one step: 104 days, of which each second may have work. */
const ADVANCE_MOST_NS = 1n << 53n;

/** A clock. */
export class SystemClock {
  readonly #due = new DueQueue();
  readonly #age: (nowNs: bigint) => void;
  #nowNs = 0n;

  /**
   * @param age - what time does by itself, up to a moment; called before anything happens then
   * @internal
   */
  constructor(age: (nowNs: bigint) => void = () => undefined) {
    this.#age = age;
  }

  /** Nanoseconds since the system began. */
  get nowNs(): bigint {
    return this.#nowNs;
  }

  /**
   * How much is to happen yet.
   *
   * @internal
   */
  get numDue(): number {
    return this.#due.size;
  }

  /**
   * Has something done once, at a time that is not over.
   *
   * @returns takes it back
   * @internal
   */
  at(atNs: bigint, run: () => void): () => void {
    const due = this.#due.add(atNs, run);
    return () => { this.#due.remove(due); };
  }

  /**
   * Lets time pass; what is due happens on the way.
   *
   * @param ns - nanoseconds, at most 2^53
   * @throws ZxError ZX_ERR_OUT_OF_RANGE
   * @internal
   */
  advance(ns: Bytes): void {
    const step = toU64(ns, 'ns');
    if (step > ADVANCE_MOST_NS) {
      fail('ZX_ERR_OUT_OF_RANGE', `${step} ns: allowed 0 to ${ADVANCE_MOST_NS} in one step`, {
        ns: step, mostNs: ADVANCE_MOST_NS,
      });
    }
    const endNs = this.#nowNs + step;
    for (let due = this.#due.first; due !== undefined && due.atNs <= endNs; due = this.#due.first) {
      this.#due.remove(due);
      this.#reach(due.atNs);
      due.run();
    }
    this.#reach(endNs);
  }

  #reach(ns: bigint): void {
    if (ns <= this.#nowNs) return;
    this.#nowNs = ns;
    this.#age(ns);
  }
}
