/**
 * Locks of a discardable VMO (memory-semantics 5.5): while one is held its pages stay.
 *
 *            lock                 last unlock               discard
 *   unset ----------> unreclaimable <------> reclaimable ----------> discarded
 *                           ^          lock                              |
 *                           +--------------------------------------------+ LOCK
 *
 * I1. Locks are held exactly while it is unreclaimable.
 * I2. What is discarded has no pages; nobody but a LOCK brings it back, empty.
 */

import { fail } from './errors.js';

/** States of a discardable VMO. */
export type DiscardableState = 'unset' | 'unreclaimable' | 'reclaimable' | 'discarded';

/** What a LOCK tells: the buffer of `zx_vmo_op_range` (`zx_vmo_lock_state_t`). */
export class VmoLockState {
  /** First byte that was locked. */
  offset = 0n;
  /** Bytes that were locked. */
  size = 0n;
  /** First byte that was discarded; 0 if none was. */
  discardedOffset = 0n;
  /** Bytes that were discarded since the last lock: 0, or all. */
  discardedSize = 0n;
}

/** Locks of one VMO. */
export class Discardable {
  #state: DiscardableState = 'unset';
  #locks = 0;

  /** Where it stands. */
  get state(): DiscardableState {
    return this.#state;
  }

  /** Locks held. */
  get locks(): number {
    return this.#locks;
  }

  /** Whether a TRY_LOCK would be refused. */
  get isDiscarded(): boolean {
    return this.#state === 'discarded';
  }

  /**
   * Counts a lock.
   *
   * @returns whether the pages were discarded before
   */
  lock(): boolean {
    const wasDiscarded = this.isDiscarded;
    this.#locks += 1;
    this.#state = 'unreclaimable';
    return wasDiscarded;
  }

  /**
   * Takes a lock back.
   *
   * @returns whether it was the last
   * @throws ZxError ZX_ERR_BAD_STATE if none is held
   */
  unlock(): boolean {
    if (this.#locks === 0) {
      fail('ZX_ERR_BAD_STATE', '0 locks are held: an unlock needs at least 1', { locks: 0 });
    }
    this.#locks -= 1;
    if (this.#locks > 0) return false;
    this.#state = 'reclaimable';
    return true;
  }

  /**
   * Notes that the pages go.
   *
   * @returns false if they may not: the VMO is locked, was never locked, or has gone before
   */
  discard(): boolean {
    if (this.#state !== 'reclaimable') return false;
    this.#state = 'discarded';
    return true;
  }
}
