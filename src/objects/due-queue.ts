/**
 * What is to happen at its time, the earliest first, and of one time what was asked for first: a
 * binary heap whose entries know their places.
 *
 * I1. No entry comes before its parent, at (place - 1) >> 1; `place` is -1 once it is out.
 * Cost: log2 n steps to put one in or to take one out, wherever it stands.
 */

/** Something to be done at a time. */
export interface Due {
  /** Nanoseconds on the clock. */ readonly atNs: bigint;
  /** Does it. */ readonly run: () => void;
  /** Order among those of one time. */ readonly seq: number;
  /** Where it stands; the queue's own. */ place: number;
}

/** A queue of them. */
export class DueQueue {
  readonly #heap: Due[] = [];
  #seq = 0;

  /** How many wait. */
  get size(): number {
    return this.#heap.length;
  }

  /** The next one; undefined for none. */
  get first(): Due | undefined {
    return this.#heap[0];
  }

  /** Puts one in. */
  add(atNs: bigint, run: () => void): Due {
    const due = { atNs, run, seq: this.#seq++, place: this.#heap.length };
    this.#heap.push(due);
    this.#rise(due);
    return due;
  }

  /** Takes one out; one that is out already stays so. */
  remove(due: Due): void {
    const { place } = due;
    if (place < 0) return;
    due.place = -1;
    const last = this.#heap.pop() as Due;
    if (last === due) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #put(due: Due, place: number): void {
    this.#heap[place] = due;
    due.place = place;
  }

  #rise(due: Due): void {
    while (due.place > 0) {
      const parent = this.#heap[(due.place - 1) >> 1] as Due;
      if (isBefore(parent, due)) return;
      this.#swap(parent, due);
    }
  }

  #sink(due: Due): void {
    for (;;) {
      const left = this.#heap[2 * due.place + 1];
      const right = this.#heap[2 * due.place + 2];
      if (left === undefined) return;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (isBefore(due, child)) return;
      this.#swap(due, child);
    }
  }

  /** `upper` stands right above `lower`. */
  #swap(upper: Due, lower: Due): void {
    const { place } = upper;
    this.#put(upper, lower.place);
    this.#put(lower, place);
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.atNs < other.atNs || (one.atNs === other.atNs && one.seq < other.seq);
}
