/**
 * Scratch memory of a pass: the lists that travel through it, and the sums that come back.
 */
import type { Core, VmoRef } from './core.js';
import { PassMemoryError } from './scratch.js';

/** Of a list of windows: | tree | value | first page | pages |. */
export const RECORD_BYTES = 24;
/** Of an accumulator: | share, two lanes | pages | private pages |. */
export const ACC_BYTES = 32;

/** Windows on page trees: columns of equal length. */
export interface WindowList {
  /** Trees. */ readonly vmo: readonly VmoRef[];
  /** First pages. */ readonly page: readonly number[];
  /** Numbers of pages. */ readonly pages: readonly number[];
  /** Weights to inject, or accumulators to read into. */ readonly value: readonly number[];
}

/** What a read gave, a row each. */
export interface Sums {
  /** Whole bytes of the shares. */ readonly bytes: BigUint64Array;
  /** Units of 2^-63 byte beyond them. */ readonly fraction: BigUint64Array;
  /** Pages. */ readonly pages: Float64Array;
  /** Pages with one owner. */ readonly privatePages: Float64Array;
}

function whole(halves: Uint32Array, at: number): number {
  return (halves[at] as number) + (halves[at + 1] as number) * 2 ** 32;
}

/** Scratch in the core, given back at the end of a pass. */
export class Scratch {
  readonly #held: [at: number, bytes: number][] = [];

  constructor(readonly core: Core) {}

  take(bytes: number): number {
    const size = Math.max(bytes, 8);
    const at = this.core.raw.scratchAlloc(size) >>> 0;
    if (at === 0) throw new PassMemoryError(bytes);
    this.#held.push([at, size]);
    return at;
  }

  windows(list: WindowList): number {
    const count = list.vmo.length;
    const at = this.take(count * RECORD_BYTES);
    const { u32, f64 } = this.core;
    for (let i = 0; i < count; i++) {
      const record = at + i * RECORD_BYTES;
      u32[record >>> 2] = list.vmo[i] as number;
      u32[(record >>> 2) + 1] = list.value[i] as number;
      f64[(record >>> 3) + 1] = list.page[i] as number;
      f64[(record >>> 3) + 2] = list.pages[i] as number;
    }
    return at;
  }

  /**
   * Accumulators that a call adds to, as columns.
   *
   * @param rows - how many
   * @param add - adds to them, given the address of the first
   */
  sums(rows: number, add: (accs: number) => void): Sums {
    const { core } = this;
    const accs = this.take(rows * ACC_BYTES);
    core.u8.fill(0, accs, accs + rows * ACC_BYTES);
    add(accs);
    core.raw.sumsSettle(accs, rows);
    const sums = {
      bytes: new BigUint64Array(rows), fraction: new BigUint64Array(rows),
      pages: new Float64Array(rows), privatePages: new Float64Array(rows),
    };
    const words = core.u64;
    const halves = core.u32;
    for (let row = 0; row < rows; row++) {
      const at = (accs >>> 3) + row * 4;
      sums.bytes[row] = words[at] as bigint;
      sums.fraction[row] = words[at + 1] as bigint;
      sums.pages[row] = whole(halves, (at + 2) * 2);
      sums.privatePages[row] = whole(halves, (at + 3) * 2);
    }
    return sums;
  }

  /** Makes a call, and gives back what it took. */
  within<T>(call: () => T): T {
    const before = this.#held.length;
    try {
      return call();
    } finally {
      this.#freeTo(before);
    }
  }

  free(): void {
    this.#freeTo(0);
  }

  #freeTo(count: number): void {
    for (const [at, bytes] of this.#held.splice(count)) this.core.raw.scratchFree(at, bytes);
  }
}
