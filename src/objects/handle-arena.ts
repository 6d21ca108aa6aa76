/**
 * The arena that handles stand in, as its dump describes it (`zx htinfo`): a pool of slots for the
 * handles, and one of nodes for the list of slots that are free again.
 *
 *   data     | slot | slot | slot |        a slot that was taken once stays taken
 *   control  | node | node |               a node for each of those that no handle has now
 *
 * I1. A handle takes the slot that was freed last, a new one only where none is.
 * I2. A pool commits four pages when its slots need more, and gives pages back when eight are free.
 * I3. Only what a dump shows is kept here: the memory itself is counted as heap (kernel-heap.ts).
 */

import { HANDLE_BYTES } from './kernel-heap.js';
import { PAGE_BYTES } from './units.js';

/** Bytes of a node of the list of free slots. */
const NODE_BYTES = 16;
const COMMIT_PAGES = 4;
const DECOMMIT_PAGES = 8;

/** Slots of equal size, taken from the bottom up. */
export class ArenaPool {
  #taken = 0;
  #pages = 0;
  #mostPages = 0;

  /** @param slotBytes - size of a slot */
  constructor(readonly slotBytes: number) {}

  /** Slots that were taken and not given back. */
  get taken(): number {
    return this.#taken;
  }

  /** Pages committed. */
  get pages(): number {
    return this.#pages;
  }

  /** Pages committed when there were most. */
  get mostPages(): number {
    return this.#mostPages;
  }

  /** Takes the next slot. */
  take(): void {
    this.#taken += 1;
    if (this.#taken * this.slotBytes <= this.#pages * PAGE_BYTES) return;
    this.#pages += COMMIT_PAGES;
    if (this.#pages > this.#mostPages) this.#mostPages = this.#pages;
  }

  /** Gives the last slot back. */
  give(): void {
    this.#taken -= 1;
    const usedBytes = this.#taken * this.slotBytes;
    if (this.#pages * PAGE_BYTES - usedBytes < DECOMMIT_PAGES * PAGE_BYTES) return;
    this.#pages = Math.ceil(usedBytes / PAGE_BYTES) + COMMIT_PAGES;
  }
}

/** The arena of all handles: of processes, of the host program, in messages. */
export class HandleArena {
  /** Nodes of free slots. */
  readonly control = new ArenaPool(NODE_BYTES);
  /** Slots of handles. */
  readonly data = new ArenaPool(HANDLE_BYTES);

  /** Handles that are open. */
  get open(): number {
    return this.data.taken - this.control.taken;
  }

  /** A handle is made. */
  take(): void {
    if (this.control.taken > 0) this.control.give();
    else this.data.take();
  }

  /** A handle is gone. */
  give(): void {
    this.control.take();
  }
}
