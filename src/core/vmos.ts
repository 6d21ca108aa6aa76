/**
 * Page trees through the core's door: making, cloning, committing, reading, and what accounting
 * asks.
 *
 * I1. Every range operation reserves before it changes anything, then works in calls of at most
 *     65,536 pages: V8 never replaces a running Wasm function, so a long first call would stay in
 *     unoptimised code.
 */
import { CoreCompressed } from './compressed.js';
import { CALL_PAGES } from './memory.js';
import type { PageRun, VmoRef } from './refs.js';

/** Bytes of the transfer buffer. */
export const XFER_BYTES = 65536;
const RELEASE_NODES = 4096;
const NO_MEMORY = -4;
const PAGE_BYTES = 4096;

/** A core's page trees. */
export class CoreVmos extends CoreCompressed {
  /** Works off what was released. */
  protected settleReleases(): void {
    while (this.raw.releaseStep(RELEASE_NODES) !== 0);
  }

  /** A VMO without pages. */
  vmoCreate(kind: number, sizePages: number): VmoRef | number {
    return this.raw.vmoCreate(kind, sizePages);
  }

  /** SNAPSHOT child of a window; zeros past the parent for ever. */
  vmoSnapshot(parent: VmoRef, offsetPages: number, sizePages: number): VmoRef | number {
    return this.raw.vmoSnapshot(parent, offsetPages, sizePages);
  }

  /** Unidirectional clone: pages it has not written follow the parent. */
  vmoLiveChild(parent: VmoRef, offsetPages: number, sizePages: number): VmoRef | number {
    return this.raw.vmoLiveChild(parent, offsetPages, sizePages);
  }

  /**
   * A VMO of adjacent frames, all there from the start.
   *
   * @param alignPages - a power of two that divides the first frame's number
   * @returns NO_MEMORY where no run is free
   */
  vmoCreateContiguous(pages: number, alignPages: number): VmoRef | number {
    if (pages > this.freePages || alignPages > this.physicalPages) return NO_MEMORY;
    return this.raw.vmoCreateContiguous(pages, alignPages);
  }

  /** Contiguous VMOs: lends pages out until somebody asks for them. Cannot fail. */
  vmoLend(vmo: VmoRef, page: number, pages: number): void {
    this.raw.vmoLend(vmo, page, pages);
  }

  /** Contiguous VMOs: pages that are lent out, whether somebody has borrowed them or not. */
  vmoLentPages(vmo: VmoRef): number {
    return this.raw.vmoLentPages(vmo);
  }

  /** Pages that a pager's VMO lost because a lender took their frames back and none was free. */
  vmoTakenPages(vmo: VmoRef): number {
    return this.raw.vmoTakenPages(vmo);
  }

  /** Frames on loan that a page of a pager's VMO stands in. */
  get borrowedPages(): number {
    return this.raw.framesBorrowed();
  }

  /** Whether a frame is one of these. */
  isBorrowed(frame: number): boolean {
    return this.raw.frameIsBorrowed(frame) !== 0;
  }

  /** Zeroes bytes of pages that are there, which stay where they are. Cannot fail. */
  vmoZeroInPlace(vmo: VmoRef, byteOffset: number, byteLength: number): void {
    this.raw.vmoZeroInPlace(vmo, byteOffset, byteLength);
  }

  /**
   * Drops all pages of a VMO that has no children, and makes accesses to it fault with NOT_FOUND.
   *
   * @returns how many pages went: none if some are pinned, and then nothing was done
   */
  vmoDiscard(vmo: VmoRef): number {
    const gone = this.raw.vmoDiscard(vmo);
    this.settleReleases();
    return gone;
  }

  /** A discarded VMO may be accessed again; it is empty. */
  vmoRevive(vmo: VmoRef): void {
    this.raw.vmoRevive(vmo);
  }

  /** Drops the object's reference; mappings and live children hold their own. */
  vmoRelease(vmo: VmoRef): void {
    this.raw.vmoDrop(vmo);
    this.settleReleases();
  }

  /** Size in pages. */
  vmoSizePages(vmo: VmoRef): number {
    return this.raw.vmoSizePages(vmo);
  }

  /**
   * Changes the size; pages past the new end are freed and unmapped. 0, NO_MEMORY, OUT_OF_RANGE.
   *
   * @param tailBytes - bytes of the new last page that stay, the others become zero; 0 for all
   */
  vmoResize(vmo: VmoRef, sizePages: number, tailBytes = 0): number {
    const status = this.raw.vmoResize(vmo, sizePages, tailBytes);
    this.settleReleases();
    return status;
  }

  /** Gives a range pages of its own (allocates, forks). 0 or NO_MEMORY. */
  vmoCommit(vmo: VmoRef, page: number, pages: number): number {
    const status = this.raw.vmoReserve(vmo, page, pages);
    if (status < 0) return status;
    for (let at = 0; at < pages; at += CALL_PAGES) {
      this.raw.vmoCommit(vmo, page + at, Math.min(CALL_PAGES, pages - at));
    }
    return 0;
  }

  /** Drops the pages of a range; they read as zero next. 0 or NO_MEMORY. */
  vmoDecommit(vmo: VmoRef, page: number, pages: number): number {
    return this.vmoZeroPages(vmo, page, pages);
  }

  /** Whole pages become zero without costing any. 0 or NO_MEMORY. */
  vmoZeroPages(vmo: VmoRef, page: number, pages: number): number {
    const status = this.raw.vmoZero(vmo, page, pages);
    this.settleReleases();
    return status;
  }

  /**
   * Zeroes the bytes [from, to), to > from: whole pages go, in partial ones bytes are written where
   * there is a page. All or nothing. 0 or NO_MEMORY.
   *
   * @param kept - pinned pages, in order: they don't go but are zeroed where they are
   */
  vmoZeroBytes(vmo: VmoRef, from: bigint, to: bigint, kept: readonly PageRun[] = []): number {
    const first = Number(from >> 12n);
    const end = Number((to + 4095n) >> 12n);
    const head = Number(from & 4095n);
    const tail = Number(to & 4095n);
    const inOne = end - first === 1 && head + tail > 0;
    const partial = inOne ? 1 : (head > 0 ? 1 : 0) | (tail > 0 ? 2 : 0);
    const status = this.raw.vmoPrepareZero(vmo, first, end - first, partial, kept.length + 1);
    if (status < 0) return status;
    if (inOne) {
      this.raw.vmoZeroInPage(vmo, first, head, (tail === 0 ? PAGE_BYTES : tail) - head);
      return 0;
    }
    if (head > 0) this.raw.vmoZeroInPage(vmo, first, head, PAGE_BYTES - head);
    if (tail > 0) this.raw.vmoZeroInPage(vmo, end - 1, 0, tail);
    this.#zeroPages(vmo, head > 0 ? first + 1 : first, tail > 0 ? end - 1 : end, kept);
    this.settleReleases();
    return 0;
  }

  #zeroPages(vmo: VmoRef, first: number, end: number, kept: readonly PageRun[]): void {
    let at = first;
    for (const run of kept) {
      const stop = Math.min(end, run.first + run.pages);
      const start = Math.min(Math.max(at, run.first), stop);
      if (at < start) this.raw.vmoDropPages(vmo, at, start - at);
      at = Math.max(at, start);
      for (; at < stop; at++) this.raw.vmoZeroInPage(vmo, at, 0, PAGE_BYTES);
    }
    if (at < end) this.raw.vmoDropPages(vmo, at, end - at);
  }

  /** Pages in a range of its own list. */
  vmoCommittedPages(vmo: VmoRef, page: number, pages: number): number {
    return this.raw.vmoOwnPages(vmo, page, pages);
  }

  /** Frame seen at a page, through live parents; 0 for none. */
  vmoFrame(vmo: VmoRef, page: number): number {
    return this.raw.vmoFrame(vmo, page);
  }

  /** Copies bytes out; compressed pages are made again first. 0, or NO_MEMORY for want of them. */
  vmoRead(vmo: VmoRef, byteOffset: number, out: Uint8Array): number {
    if (this.compressedPages > 0) {
      const page = Math.floor(byteOffset / PAGE_BYTES);
      const pages = Math.ceil((byteOffset + out.length) / PAGE_BYTES) - page;
      const status = this.vmoExpand(vmo, page, pages);
      if (status < 0) return status;
    }
    const xfer = this.word('H_XFER');
    for (let at = 0; at < out.length; at += XFER_BYTES) {
      const n = Math.min(XFER_BYTES, out.length - at);
      this.raw.vmoRead(vmo, byteOffset + at, n);
      out.set(this.u8.subarray(xfer, xfer + n), at);
    }
    return 0;
  }

  /** Writes bytes, making pages the VMO's own. All or nothing. 0 or NO_MEMORY. */
  vmoWrite(vmo: VmoRef, byteOffset: number, data: Uint8Array): number {
    const status = this.raw.vmoPrepareWrite(vmo, byteOffset, data.length);
    if (status < 0) return status;
    this.vmoWriteReserved(vmo, byteOffset, data);
    return 0;
  }

  /** Makes sure that so many pages can get bytes of their own. 0 or NO_MEMORY. */
  contentsReserve(pages: number): number {
    return this.raw.contentsReserve(pages);
  }

  /** Writes bytes into pages that are the VMO's own; {@link contentsReserve} came before. */
  vmoWriteReserved(vmo: VmoRef, byteOffset: number, data: Uint8Array): void {
    const xfer = this.word('H_XFER');
    for (let at = 0; at < data.length; at += XFER_BYTES) {
      const n = Math.min(XFER_BYTES, data.length - at);
      this.u8.set(data.subarray(at, at + n), xfer);
      this.raw.vmoWrite(vmo, byteOffset + at, n);
    }
  }

  /** Pins pages (commits and forks them). 0, NO_MEMORY, UNAVAILABLE. */
  vmoPin(vmo: VmoRef, page: number, pages: number): number {
    if (pages > this.physicalPages) return NO_MEMORY;
    return this.raw.vmoPin(vmo, page, pages);
  }

  /** Takes a pin back. */
  vmoUnpin(vmo: VmoRef, page: number, pages: number): void {
    this.raw.vmoUnpin(vmo, page, pages);
  }

  /** Heap bytes of a VMO: its record and the nodes that it alone holds; 0 before the first page. */
  vmoMetadataBytes(vmo: VmoRef): number {
    return this.raw.vmoMetadataBytes(vmo);
  }

  /**
   * Pages from page 0 on that look through to the live parent where the VMO's own list is silent.
   */
  vmoLivePages(vmo: VmoRef): number {
    return this.raw.vmoLivePages(vmo);
  }

  /** Pages from the first page of `relative` to this VMO's first one, in one key space. */
  vmoOffsetIn(vmo: VmoRef, relative: VmoRef): number {
    return this.raw.vmoOffsetIn(vmo, relative);
  }

  /** Number of the family: trees that descend from one VMO share it. */
  vmoFamily(vmo: VmoRef): number {
    return this.raw.vmoFamily(vmo);
  }

  /** Every VMO of its family, itself first: what may share its pages. */
  vmoKin(vmo: VmoRef): VmoRef[] {
    const kin = [vmo];
    for (let next = this.raw.vmoNextKin(vmo); next !== vmo; next = this.raw.vmoNextKin(next)) {
      kin.push(next as VmoRef);
    }
    return kin;
  }

  /** Runs of pages where a VMO's own list says something: pairs of first page and length. */
  vmoRuns(vmo: VmoRef, page: number, pages: number): Float64Array {
    return this.#list((out, room) => this.raw.vmoRuns(vmo, page, pages, out, room));
  }

  /** Whether any frame stands in several lists or at several keys. */
  get hasAliases(): boolean {
    return this.word('H_ALIASES') > 0;
  }

  /** Alias frames in a range of a VMO's own list: pairs of frame and key. */
  vmoAliases(vmo: VmoRef, page: number, pages: number): Float64Array {
    const pairs = this.#list((out, room) => this.raw.vmoAliases(vmo, page, pages, out, room));
    const frames = new Uint32Array(pairs.buffer);
    for (let i = 0; i < pairs.length; i += 2) pairs[i] = frames[i * 2] as number;
    return pairs;
  }

  /** Gets a list of 16-byte records, with as much room as it turns out to need. */
  #list(fill: (out: number, room: number) => number): Float64Array {
    const room = XFER_BYTES / 16;
    const xfer = this.word('H_XFER');
    const found = fill(xfer, room);
    if (found <= room) return this.f64.slice(xfer >>> 3, (xfer >>> 3) + found * 2);
    const at = this.raw.scratchAlloc(found * 16) >>> 0;
    if (at === 0) throw new RangeError(`no host memory to list ${found} records`);
    fill(at, found);
    const records = this.f64.slice(at >>> 3, (at >>> 3) + found * 2);
    this.raw.scratchFree(at, found * 16);
    return records;
  }
}
