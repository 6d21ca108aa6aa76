/**
 * VMOs of user pagers through the core's door: what has to be asked for, dirty pages, moved pages.
 *
 * I1. A root is the VMO that the pager made: kind PAGER, no live parent. Its clones ask through it.
 */
import type { VmoRef } from './refs.js';
import { CoreVmos, XFER_BYTES } from './vmos.js';

/** What is about to be done to pages of a pager's VMO. */
export const PagedUse = {
  /** Read. */ READ: 0,
  /** Give pages of its own, without writing. */ COMMIT: 1,
  /** Write. */ WRITE: 2,
  /** Zero a part of a page. */ ZERO: 4,
} as const;
/** One of {@link PagedUse}. */
export type PagedUse = (typeof PagedUse)[keyof typeof PagedUse];

/** A run of pages that the pager has to be asked for. */
export interface PagedNeed {
  /** The pages are there but clean, and the pager wants to hear of writes; else they are absent. */
  readonly isDirty: boolean;
  /** First page in the root. */
  readonly rootPage: number;
  /** Number of pages. */
  readonly pages: number;
  /** First page in the VMO that was asked about. */
  readonly page: number;
}

/** A run of pages that are not clean. */
export interface DirtyRun {
  /** First page. */
  readonly page: number;
  /** Number of pages. */
  readonly pages: number;
  /** No pages, but zeros that are to be written back. */
  readonly isZero: boolean;
}

/** A core's trees that a pager fills. */
export class CorePaged extends CoreVmos {
  /**
   * The first run of pages that the pager must be asked for before they are used; undefined if
   * there is none. Pages past the VMO's end need nothing.
   */
  pagedNeed(
    vmo: VmoRef, page: number, pages: number, use: PagedUse, traps: boolean,
  ): PagedNeed | undefined {
    const mode = use | (traps ? (this.constants.TRAPS as number) : 0);
    const ask = this.raw.pagerNeed(vmo, page, pages, mode);
    if (ask === 0) return undefined;
    const at = (this.constants.H_OUT as number) >>> 3;
    const [rootPage, count, first] = this.f64.subarray(at, at + 3) as unknown as number[];
    const isDirty = ask === this.constants.ASK_DIRTY;
    return { isDirty, rootPage: rootPage!, pages: count!, page: first! };
  }

  /** Pages of a root were written: they are dirty. */
  pagedWritten(root: VmoRef, page: number, pages: number): void {
    this.raw.pagerWritten(root, page, pages);
  }

  /** Makes pages of a root dirty. 0, NOT_FOUND where one is absent, NO_MEMORY. */
  pagedAllowDirty(root: VmoRef, page: number, pages: number): number {
    return this.raw.pagerAllowDirty(root, page, pages);
  }

  /** Dirty pages of a root begin to be cleaned; zero intervals alone if `zeros`. 0 or NO_MEMORY. */
  pagedWritebackBegin(root: VmoRef, page: number, pages: number, zeros: boolean): number {
    return this.raw.pagerWritebackBegin(root, page, pages, zeros ? 1 : 0);
  }

  /** What was being cleaned is clean. 0 or NO_MEMORY. */
  pagedWritebackEnd(root: VmoRef, page: number, pages: number): number {
    const status = this.raw.pagerWritebackEnd(root, page, pages);
    this.settleReleases();
    return status;
  }

  /** The first runs of a root's pages that are not clean, and how many there are. */
  pagedDirtyRuns(
    root: VmoRef, page: number, pages: number, most: number,
  ): {
    /** At most `most`, and at most 4096. */ runs: DirtyRun[];
    /** How many there are. */ available: number;
  } {
    const room = Math.min(most, XFER_BYTES / 16);
    const xfer = this.word('H_XFER');
    const available = this.raw.pagerDirtyRuns(root, page, pages, xfer, room);
    const runs: DirtyRun[] = [];
    for (let i = 0; i < Math.min(room, available); i++) {
      const at = (xfer >>> 3) + i * 2;
      const length = this.f64[at + 1] as number;
      runs.push({ page: this.f64[at] as number, pages: Math.abs(length), isZero: length < 0 });
    }
    return { runs, available };
  }

  /**
   * Zeroes bytes of a root. Whole pages become an interval of zeros that are dirty, or not tracked.
   * 0 or NO_MEMORY.
   */
  pagedZero(
    root: VmoRef, from: { page: number; byte: number }, to: { page: number; byte: number },
    isTracked: boolean,
  ): number {
    const { SLOT_ZERO_DIRTY, SLOT_ZERO_UNTRACKED } = this.constants;
    const slot = (isTracked ? SLOT_ZERO_DIRTY : SLOT_ZERO_UNTRACKED) as number;
    const status = this.raw.pagerZero(root, from.page, from.byte, to.page, to.byte, slot);
    this.settleReleases();
    return status;
  }

  /**
   * A new size for a root; what it gains are dirty zeros. `tail`: byte of the new last page from
   * which on it becomes zero, 0 for none. 0, NO_MEMORY, OUT_OF_RANGE.
   */
  pagedResize(root: VmoRef, sizePages: number, tail: number): number {
    const status = this.raw.pagerResize(root, sizePages, tail);
    this.settleReleases();
    return status;
  }

  /**
   * Takes clean pages of a root away: how many, or NO_MEMORY.
   *
   * @param isFinal - nobody will supply them again: supplied zeros go too
   * @param heedHints - what was hinted ALWAYS_NEED stays
   */
  pagedDropClean(
    root: VmoRef, page: number, pages: number, isFinal: boolean, heedHints: boolean,
  ): number {
    const [markers, heeds] = [isFinal ? 1 : 0, heedHints ? 1 : 0];
    const gone = this.raw.pagerDropClean(root, page, pages, markers, heeds);
    this.settleReleases();
    return gone;
  }

  /**
   * Moves pages out of `aux`, which reads zero there next. 0 or NO_MEMORY.
   *
   * @param how - `replace`: what the VMO has goes, else it stays; `borrow`: pages of a pager's root
   *     stand in frames that contiguous VMOs have lent, as far as there are any
   */
  pagesMove(
    vmo: VmoRef, page: number, pages: number, aux: VmoRef, auxPage: number,
    how: {
      /** What is there goes. */ readonly replace: boolean;
      /** Frames on loan may be used. */ readonly borrow: boolean;
    },
  ): number {
    if (this.compressedPages > 0) {
      const made = Math.min(this.vmoExpand(vmo, page, pages), this.vmoExpand(aux, auxPage, pages));
      if (made < 0) return made;
    }
    const [replace, borrow] = [how.replace ? 1 : 0, how.borrow ? 1 : 0];
    const status = this.raw.pagesMove(vmo, page, pages, aux, auxPage, replace, borrow);
    this.settleReleases();
    return status;
  }
}
