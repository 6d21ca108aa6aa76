/**
 * Timers that are set, in the order in which they become due.
 *
 * I1. Those of one moment stand in the order in which they were set.
 * I2. A timer that is set anew or taken back leaves its old place in the heap, which is passed
 *     over; places that nobody has are swept out before they are more than half of it.
 */

import type { TimerObject } from './event.js';

interface Place {
  readonly atNs: bigint;
  readonly seq: number;
  readonly timer: TimerObject;
}

/** A heap of timers. */
export class TimerQueue {
  #heap: Place[] = [];
  readonly #places = new Map<TimerObject, Place>();
  #seq = 0;

  /** Timers in it. */
  get size(): number {
    return this.#places.size;
  }

  /** Puts a timer in, or moves it. */
  set(timer: TimerObject, atNs: bigint): void {
    const place = { atNs, seq: this.#seq++, timer };
    this.#places.set(timer, place);
    this.#heap.push(place);
    this.#rise(this.#heap.length - 1);
    this.#sweep();
  }

  /** Takes a timer out, if it is in. */
  delete(timer: TimerObject): void {
    this.#places.delete(timer);
    this.#sweep();
  }

  /** The first timer that is due by then, which stays in. */
  firstBy(endNs: bigint): TimerObject | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#isCurrent(top)) return top.atNs <= endNs ? top.timer : undefined;
      this.#drop();
    }
    return undefined;
  }

  #isCurrent(place: Place): boolean {
    return this.#places.get(place.timer) === place;
  }

  #sweep(): void {
    if (this.#heap.length <= 2 * this.#places.size + 64) return;
    this.#heap = [...this.#places.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #drop(): void {
    const last = this.#heap.pop() as Place;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!isBefore(heap[at] as Place, heap[above] as Place)) return;
      [heap[at], heap[above]] = [heap[above] as Place, heap[at] as Place];
      at = above;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const isRight = right < heap.length && isBefore(heap[right] as Place, heap[left] as Place);
      const least = isRight ? right : left;
      if (!isBefore(heap[least] as Place, heap[at] as Place)) return;
      [heap[at], heap[least]] = [heap[least] as Place, heap[at] as Place];
      at = least;
    }
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.atNs === b.atNs ? a.seq < b.seq : a.atNs < b.atNs;
}
