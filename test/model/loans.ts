/**
 * The slow model of loans: which pages of one contiguous VMO are lent, who waits to be borrowed
 * next, and which page of the pager's VMO stands in which of them.
 *
 * I1. Pages that are lent and lodge nobody wait; the one that came last is borrowed first.
 */
export class LoanModel {
  /** Pages that are lent. */
  readonly lent = new Set<number>();
  /** Words that the lender wrote into pages that are not. */
  readonly words = new Map<number, number>();
  /** Pages of the pager's VMO, and the lent page that each stands in. */
  readonly lodged = new Map<number, number>();
  /** No page of the pager's VMO was pinned yet. */
  mayBorrow = true;
  #waiting: number[] = [];

  lend(first: number, pages: number): void {
    for (let page = first; page < first + pages; page++) {
      if (this.lent.has(page)) continue;
      this.lent.add(page);
      this.words.delete(page);
      this.#waiting.unshift(page);
    }
  }

  /** A page of the pager's VMO comes. */
  borrow(page: number): void {
    const next = this.mayBorrow ? this.#waiting.shift() : undefined;
    if (next !== undefined) this.lodged.set(page, next);
  }

  /** A page of the pager's VMO is no longer where it was lodged, if it was. */
  leave(page: number): void {
    const at = this.lodged.get(page);
    if (at === undefined) return;
    this.lodged.delete(page);
    this.#waiting.unshift(at);
  }

  /** The lender wants pages, and so many frames are free: pages that find none, in order. */
  recall(first: number, pages: number, freeFrames: number): number[] {
    const inRange = [...this.lodged].filter(([, at]) => at >= first && at < first + pages)
      .sort(([, a], [, b]) => a - b).map(([page]) => page);
    for (const page of inRange) this.leave(page);
    for (let page = first; page < first + pages; page++) this.lent.delete(page);
    this.#waiting = this.#waiting.filter((page) => this.lent.has(page));
    return inRange.slice(freeFrames);
  }

  /** The lender goes; another one comes. */
  end(): void {
    this.lent.clear();
    this.words.clear();
    this.lodged.clear();
    this.#waiting = [];
  }
}
