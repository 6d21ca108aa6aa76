/**
 * Koids: the numbers that name kernel objects.
 *
 * I1. No koid is given twice in the life of a system, also after its object died.
 * I2. Without names they rise from `first` by one; a builder may name any that was never given.
 */

import { fail } from './errors.js';
import { toCount } from './units.js';

/** A kernel object's number: 0 none, 1 the kernel, users' from 1024 (memory-semantics 10.1). */
export type Koid = number & {
  /** Only in types: keeps other numbers out. */
  readonly __koid: unique symbol;
};

/** First koid that a Zircon system gives to a user's object. */
export const FIRST_USER_KOID = 1024;

/** No object. */
export const NO_KOID = 0 as Koid;

/** Gives out koids. */
export class KoidAllocator {
  readonly #first: number;
  #next: number;
  readonly #named = new Set<number>();

  /** @param first - the first koid given without a name */
  constructor(first: number = FIRST_USER_KOID) {
    this.#first = first;
    this.#next = first;
  }

  /** The next koid in the row. */
  next(): Koid {
    while (this.#named.has(this.#next)) this.#next += 1;
    return this.#next++ as Koid;
  }

  /**
   * Says whether a koid was never given.
   *
   * @param koid - a whole number
   */
  isFree(koid: number): boolean {
    const inRow = koid >= this.#first && koid < this.#next;
    return Number.isSafeInteger(koid) && koid > 0 && !inRow && !this.#named.has(koid);
  }

  /**
   * Refuses a koid that a builder cannot name.
   *
   * @param koid - a whole number from 1 to 2^53 - 1 that was never given
   * @throws ZxError ZX_ERR_ALREADY_EXISTS if it was, ZX_ERR_INVALID_ARGS if it is no such number
   */
  checkFree(koid: number): void {
    toCount(koid, 'koid', 1);
    if (this.isFree(koid)) return;
    fail('ZX_ERR_ALREADY_EXISTS', `koid ${koid} was given before`, { koid });
  }

  /** Takes the koid a builder names; refuses as `checkFree` does. */
  name(koid: number): Koid {
    this.checkFree(koid);
    this.#named.add(koid);
    return koid as Koid;
  }
}
