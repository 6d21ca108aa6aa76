/**
 * The system's own clock: time passes only when a program says so.
 *
 * What is due happens in order of time, and of what was asked for first; the clock shows that time
 * meanwhile. So the same program sees the same order always.
 *
 * I1. The clock never goes back.
 * I2. Timers of programs, the kernel's periodic work and single deadlines stand in one order.
 */

import { fail } from './errors.js';
import type { TimerQueue } from './timer-queue.js';
import { toU64, type Bytes } from './units.js';

/** Something to be done at a time. */
interface Due {
  atNs: bigint;
  /** Order among those of one time. */ readonly seq: number;
  /** Nanoseconds until it is due again; undefined for once. */
  readonly periodNs: bigint | undefined;
  readonly run: () => void;
}

/** Most nanoseconds that pass in one step: 104 days, of which each second may have work. */
const ADVANCE_MOST_NS = 1n << 53n;

/** A clock. */
export class SystemClock {
  readonly #due = new Set<Due>();
  readonly #timers: TimerQueue;
  readonly #age: (nowNs: bigint) => void;
  #nowNs = 0n;
  #seq = 0;

  /**
   * @param timers - the timers of programs that are set
   * @param age - what time does by itself, up to a moment; called before anything happens then
   * @internal
   */
  constructor(timers: TimerQueue, age: (nowNs: bigint) => void = () => undefined) {
    this.#timers = timers;
    this.#age = age;
  }

  /** Nanoseconds since the system began. */
  get nowNs(): bigint {
    return this.#nowNs;
  }

  /**
   * Has something done every so often, the first time a period from now.
   *
   * @returns takes it back
   * @internal
   */
  every(periodNs: bigint, run: () => void): () => void {
    return this.#add({ atNs: this.#nowNs + periodNs, seq: this.#seq++, periodNs, run });
  }

  /**
   * Has something done once, at a time that is not over.
   *
   * @returns takes it back
   * @internal
   */
  at(atNs: bigint, run: () => void): () => void {
    return this.#add({ atNs, seq: this.#seq++, periodNs: undefined, run });
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
    for (;;) {
      const timer = this.#timers.firstBy(endNs);
      const due = this.#nextDue(endNs);
      if (timer === undefined && due === undefined) break;
      const timerNs = timer?.deadlineNs;
      if (timer !== undefined && timerNs !== undefined
        && (due === undefined || timerNs <= due.atNs)) {
        this.#reach(timerNs);
        timer.fire();
      } else if (due !== undefined) {
        this.#reach(due.atNs);
        if (due.periodNs === undefined) this.#due.delete(due);
        else due.atNs += due.periodNs;
        due.run();
      }
    }
    this.#reach(endNs);
  }

  #add(due: Due): () => void {
    this.#due.add(due);
    return () => { this.#due.delete(due); };
  }

  #reach(ns: bigint): void {
    if (ns <= this.#nowNs) return;
    this.#nowNs = ns;
    this.#age(ns);
  }

  #nextDue(endNs: bigint): Due | undefined {
    let next: Due | undefined;
    for (const due of this.#due) {
      if (due.atNs > endNs) continue;
      if (next === undefined || due.atNs < next.atNs
        || (due.atNs === next.atNs && due.seq < next.seq)) next = due;
    }
    return next;
  }
}
