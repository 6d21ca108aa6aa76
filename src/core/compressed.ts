/**
 * Compressed pages through the core's door: making and making again, and who sees them.
 */
import { CALL_PAGES, CoreMemory } from './memory.js';
import type { VmoRef } from './refs.js';
import { PassMemoryError } from './scratch.js';

/** Of a histogram: | pages | next cell that is not empty, its number + 1 |. */
const CELL_BYTES = 8;

/** Pages of a VMO. */
export interface PageWindow {
  /** The VMO. */ readonly vmo: VmoRef;
  /** First page. */ readonly page: number;
  /** Number of pages. */ readonly pages: number;
}

const COMPRESS_MODES = {
  zeros: 'ZEROS_ONLY', all: 'COMPRESS', written: 'COMPRESS_WRITTEN',
} as const;

/** What became of pages that were to be compressed. */
export interface CompressionOutcome {
  /** Compressed. */ readonly compressed: number;
  /** All zero: they cost nothing any more. */ readonly zero: number;
  /** Kept: they compress to more than half a page. */ readonly incompressible: number;
  /** Kept: there was no memory for the bytes; the first such page ends the work. */
  readonly withoutRoom: number;
}

/** A core's compressed pages. */
export class CoreCompressed extends CoreMemory {
  /** Compressed pages of all VMOs. */
  get compressedPages(): number {
    return this.raw.storedPages();
  }

  /** Compressed pages in a range of a VMO's own list. */
  vmoCompressedPages(vmo: VmoRef, page: number, pages: number): number {
    return this.raw.vmoCompressed(vmo, page, pages);
  }

  /**
   * Compressed pages of ranges, by how many of the `viewers` see them: slow, but fit for the time
   * while a pass runs. Only their records are written to, and are clear again when this returns.
   *
   * @throws PassMemoryError without host memory to count in
   */
  compressedViewers(
    viewers: readonly PageWindow[], ranges: readonly (PageWindow | undefined)[],
  ): Map<number, number>[] {
    const bytes = (viewers.length + 1) * CELL_BYTES;
    const at = this.raw.scratchAlloc(bytes) >>> 0;
    if (at === 0) throw new PassMemoryError(bytes);
    const { SEE_COUNT, SEE_TALLY, SEE_CLEAR } = this.constants;
    this.u8.fill(0, at, at + bytes);
    for (const viewer of viewers) this.#see(viewer, SEE_COUNT);
    const tallies = ranges.map((range) => (range === undefined
      ? new Map<number, number>() : this.#takeTally(this.#see(range, SEE_TALLY, at), at)));
    for (const viewer of viewers) this.#see(viewer, SEE_CLEAR);
    this.raw.scratchFree(at, bytes);
    return tallies;
  }

  /** Works on the records of a window's compressed pages; what it found (stored-shares.ts). */
  #see({ vmo, page, pages }: PageWindow, what: number | undefined, value = 0): number {
    return this.raw.vmoSeeCompressed(vmo, page, pages, what as number, value);
  }

  /** Reads the cells of a histogram that are linked from `first` on, and clears them. */
  #takeTally(first: number, at: number): Map<number, number> {
    const { u32 } = this;
    const tally = new Map<number, number>();
    for (let link = first; link !== 0;) {
      const cell = (at + (link - 1) * CELL_BYTES) >>> 2;
      tally.set(link - 1, u32[cell] as number);
      u32[cell] = 0;
      link = u32[cell + 1] as number;
    }
    return tally;
  }

  /** Compressed pages that were made again so far. */
  get pagesExpanded(): number {
    return this.raw.pagesExpanded();
  }

  /** Bytes that the compressed pages came to. */
  get compressedBytes(): number {
    return this.raw.storedBytes();
  }

  /** Makes the compressed pages of a range again, for all that share them. 0 or NO_MEMORY. */
  vmoExpand(vmo: VmoRef, page: number, pages: number): number {
    return this.raw.vmoExpand(vmo, page, pages);
  }

  /**
   * Compresses the pages of a range, for all that share them; those that are all zero go.
   *
   * @param what - `zeros`: only these; `written`: not those that nobody wrote bytes into
   * @param wantedPages - it ends when so many frames are free that were not
   */
  vmoCompress(
    vmo: VmoRef, page: number, pages: number, what: keyof typeof COMPRESS_MODES,
    wantedPages = Infinity,
  ): CompressionOutcome {
    const outcome = { compressed: 0, zero: 0, incompressible: 0, withoutRoom: 0 };
    const mode = this.constants[COMPRESS_MODES[what]] as number;
    const end = page + pages;
    const enoughPages = this.freePages + wantedPages;
    for (let next = page; next < end && outcome.withoutRoom === 0;) {
      const missing = enoughPages - this.freePages;
      if (missing <= 0) break;
      this.raw.vmoCompress(vmo, next, end - next, mode, Math.min(missing, CALL_PAGES));
      const { u32, f64 } = this;
      const out = (this.constants.H_OUT as number) >>> 2;
      next = f64[out >>> 1] as number;
      outcome.compressed += u32[out + 2] as number;
      outcome.zero += u32[out + 3] as number;
      outcome.incompressible += u32[out + 4] as number;
      outcome.withoutRoom += u32[out + 5] as number;
    }
    return outcome;
  }
}
