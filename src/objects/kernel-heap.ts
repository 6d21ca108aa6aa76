/**
 * Memory that the kernel takes for its own records: the heap (objects, handles, queued packets) and
 * the buffers of messages, counted in whole pages of a frame state.
 *
 * The sizes of records are this simulator's, of the order of Zircon's: they make a million handles
 * weigh what a million handles weigh, not to the byte what some build of the kernel takes.
 *
 * I1. Pages held = those that the used bytes fill, less what the kernel's image brings along. So
 *     they depend on what there is, not on how it came about: when all is given back, all are free.
 * I2. Who makes something first has its bytes held (`hold`), so that NO_MEMORY comes before
 *     anything has changed; what is taken inside cannot fail.
 */

import type { Core } from '../core/core.js';
import { checkMemory } from './errors.js';
import { PAGE_BYTES } from './units.js';

/** Heap bytes of a handle. */
export const HANDLE_BYTES = 32;
/** Heap bytes of what a port or a channel queues beside the bytes themselves. */
export const PACKET_BYTES = 64;
/** Heap that stands in the kernel's image: it takes no page of the memory that is simulated. */
export const IMAGE_HEAP_BYTES = 65536;

/** Bytes of one kind of kernel memory. */
export class KernelHeap {
  readonly #core: Core;
  readonly #state: number;
  readonly #imageBytes: number;
  readonly #counted: boolean;
  #usedBytes = 0;
  #heldBytes = 0;
  #pages = 0;

  /**
   * @param core - where the pages come from
   * @param state - the state that they have, one of `FrameState`
   * @param imageBytes - bytes that need no page
   * @param counted - whether pages are taken at all; not where a recording says what the kernel has
   */
  constructor(core: Core, state: number, imageBytes: number, counted: boolean) {
    this.#core = core;
    this.#state = state;
    this.#imageBytes = imageBytes;
    this.#counted = counted;
  }

  /** Bytes in use, those in the kernel's image included. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Pages taken for them. */
  get pages(): number {
    return this.#pages;
  }

  /** Bytes of those pages that are free. */
  get freeBytes(): number {
    if (this.#pages === 0) return 0;
    return this.#pages * PAGE_BYTES + this.#imageBytes - this.#usedBytes;
  }

  /**
   * Makes something that takes up to `bytes`: they are there, or nothing is made.
   *
   * @param bytes - most that `make` takes
   * @param make - makes it
   * @returns what `make` returns
   * @throws ZxError ZX_ERR_NO_MEMORY, and whatever `make` throws
   */
  hold<R>(bytes: number, make: () => R): R {
    const before = this.#heldBytes;
    this.#heldBytes += bytes;
    try {
      this.#settle();
      return make();
    } finally {
      this.#heldBytes = Math.min(this.#heldBytes, before);
      this.#settle();
    }
  }

  /**
   * Takes bytes that somebody holds, or bytes that nobody holds, if they are there.
   *
   * @throws ZxError ZX_ERR_NO_MEMORY where nobody held them; then none are taken
   */
  take(bytes: number): void {
    const held = Math.min(bytes, this.#heldBytes);
    this.#heldBytes -= held;
    this.#usedBytes += bytes;
    try {
      this.#settle();
    } catch (error) {
      this.#heldBytes += held;
      this.#usedBytes -= bytes;
      throw error;
    }
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#settle();
  }

  /** Brings the pages to what the bytes need. */
  #settle(): void {
    if (!this.#counted) return;
    const bytes = this.#usedBytes + this.#heldBytes - this.#imageBytes;
    const needed = bytes <= 0 ? 0 : Math.ceil(bytes / PAGE_BYTES);
    if (needed === this.#pages) return;
    if (needed < this.#pages) this.#core.freeStatePages(this.#state, this.#pages - needed);
    else {
      const more = needed - this.#pages;
      const status = this.#core.allocStatePages(this.#state, more);
      const what = `for ${bytes} bytes of the kernel's own: ${more} pages more`;
      checkMemory(this.#core, status, what, { bytes, pages: more });
    }
    this.#pages = needed;
  }
}
