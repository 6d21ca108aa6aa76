/**
 * The slow model of reclaim: one VMO that a pager fills, anonymous VMOs with snapshots, a
 * discardable one. A page is one word; the pager's pages know their queue.
 *
 * I1. Pages of the pager stand where memory-semantics 7.2 says; what any VMO reads changes with
 *     writes, snapshots and discards alone.
 */

import { LoanModel } from './loans.js';

/** A page of the pager's VMO that is there. */
interface FilePage {
  dirty: 'clean' | 'dirty' | 'cleaning';
  pins: number;
  /** Generation 0 to 7, 8 for isolated. */
  age: number;
  needed: boolean;
}

/** Isolated: older than the oldest generation. */
const ISOLATED = 8;

/** What the pager has for a page that nobody wrote yet. */
export const wordOnDisk = (page: number): number => 1000 + page;

/** The model. */
export class ReclaimModel {
  /** Pages of the pager's VMO that are there. */
  readonly file = new Map<number, FilePage>();
  /** What its pages contain, there or not. */
  readonly fileWords: number[];
  /** What the pager would supply. */
  readonly disk: number[];
  /** Words of each anonymous VMO. */
  readonly vmos: Map<number, number>[] = [new Map()];
  /** Pages of the discardable VMO, its locks, and whether they went. */
  readonly scratch = new Set<number>();
  /** Frames of a lender that pages of the pager stand in. */
  readonly loans = new LoanModel();
  locked = true;
  discarded = false;

  constructor(readonly filePages: number) {
    this.fileWords = Array.from({ length: filePages }, (_, page) => wordOnDisk(page));
    this.disk = [...this.fileWords];
  }

  /** The page, supplied if it is not there, and used. */
  use(page: number): FilePage {
    let one = this.file.get(page);
    if (one === undefined) {
      one = { dirty: 'clean', pins: 0, age: 0, needed: false };
      this.file.set(page, one);
      this.loans.borrow(page);
    }
    if (this.#hasAge(one)) one.age = 0;
    return one;
  }

  writeFile(page: number, word: number): void {
    this.use(page).dirty = 'dirty';
    this.loans.leave(page);
    this.fileWords[page] = word;
  }

  pin(page: number): void {
    this.use(page).pins += 1;
    this.loans.leave(page);
    this.loans.mayBorrow = false;
  }

  unpin(page: number): void {
    const one = this.file.get(page)!;
    one.pins -= 1;
    if (one.pins === 0) one.age = 0;
  }

  writeback(): void {
    for (const [page, one] of this.file) {
      if (one.dirty === 'dirty' && one.pins === 0) {
        one.dirty = 'clean';
        one.age = 0;
        this.disk[page] = this.fileWords[page]!;
      }
    }
  }

  /** @param hasMoved - whether a page that was lodged found a normal frame */
  hint(
    first: number, pages: number, needed: boolean, hasMoved: (page: number) => boolean,
  ): void {
    const end = Math.min(this.filePages, first + pages);
    if (needed) for (let page = first; page < end; page++) this.use(page);
    for (let page = first; page < end; page++) {
      const one = this.file.get(page);
      if (one === undefined) continue;
      if (needed && this.loans.lodged.has(page)) {
        if (!hasMoved(page)) continue;
        this.loans.leave(page);
      }
      one.needed = needed;
      if (this.#hasAge(one)) one.age = needed ? 0 : ISOLATED;
    }
  }

  rotate(): void {
    for (const one of this.file.values()) if (this.#hasAge(one)) one.age = this.#older(one.age);
  }

  /** How many pages of the pager and of the discardable VMO go. */
  evict(most: number, ignoreHints: boolean): { file: number; scratch: number } {
    let file = 0;
    let scratch = 0;
    for (let age = ISOLATED; age >= 0; age--) {
      if (age === 1 && file < most && !this.locked && !this.discarded && this.scratch.size > 0) {
        scratch = this.scratch.size;
        this.scratch.clear();
        this.discarded = true;
      }
      const pages = [...this.file].filter(([page, one]) =>
        this.#hasAge(one) && one.age === age && !this.loans.lodged.has(page));
      for (const [page, one] of pages.sort(([a], [b]) => a - b)) {
        if (file + scratch >= most) break;
        if (one.needed && !ignoreHints) one.age = 0;
        else {
          this.file.delete(page);
          file++;
        }
      }
    }
    return { file, scratch };
  }

  evictRange(first: number, pages: number): number {
    let gone = 0;
    for (let page = first; page < first + pages; page++) {
      const one = this.file.get(page);
      if (one === undefined || !this.#hasAge(one) || one.needed) continue;
      this.file.delete(page);
      this.loans.leave(page);
      gone++;
    }
    return gone;
  }

  /** The lender takes pages back. */
  recall(first: number, pages: number, freeFrames: number): void {
    for (const page of this.loans.recall(first, pages, freeFrames)) this.file.delete(page);
  }

  /** Where a page of the pager stands. */
  placeOf(page: number): string {
    const one = this.file.get(page);
    if (one === undefined) return 'none';
    if (one.pins > 0) return 'wired';
    if (one.dirty !== 'clean') return 'pager_backed_dirty';
    return one.age === ISOLATED ? 'isolate' : `reclaim ${one.age}`;
  }

  #hasAge(one: FilePage): boolean {
    return one.pins === 0 && one.dirty === 'clean';
  }

  #older(age: number): number {
    return Math.min(ISOLATED, age + 1);
  }
}
