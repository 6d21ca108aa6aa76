/**
 * A process's handles, in the order in which they came in (ZX_INFO_PROCESS_VMOS reads them so).
 *
 * I1. Every handle in the table is open and names this process as its owner.
 */

import type { Handle } from './handle.js';
import type { ProcessObject } from './process-object.js';

/** Values there are in 32 bits; after so many the lowest free ones come again. */
const VALUES_MAX = 2 ** 30 - 2;

/** Handle table of one process. */
export class HandleTable {
  readonly #owner: ProcessObject;
  readonly #handles = new Map<number, Handle>();
  #given = 0;

  /** @param owner - the process whose table it is */
  constructor(owner: ProcessObject) {
    this.#owner = owner;
  }

  /** Number of handles. */
  get size(): number {
    return this.#handles.size;
  }

  /** The handles in table order. */
  values(): IterableIterator<Handle> {
    return this.#handles.values();
  }

  /** The handle with this value, if there is one. */
  get(value: number): Handle | undefined {
    return this.#handles.get(value);
  }

  /** Takes a handle in and returns its value: never 0, the two lowest bits set. */
  insert(handle: Handle): number {
    const value = this.#nextValue();
    handle.owner?.handles.forget(handle);
    handle.settle(this.#owner, value);
    this.#handles.set(value, handle);
    return value;
  }

  #nextValue(): number {
    for (;;) {
      this.#given = this.#given % VALUES_MAX + 1;
      const value = this.#given * 4 + 3;
      if (!this.#handles.has(value)) return value;
    }
  }

  /** Forgets a handle that was closed or moved away. */
  forget(handle: Handle): void {
    this.#handles.delete(handle.value);
  }

  /** Closes every handle: the process died. */
  closeAll(): void {
    for (const handle of [...this.#handles.values()]) handle.retire();
  }
}
