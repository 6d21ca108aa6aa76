/**
 * The regions of one VMAR in address order: found by page, and the gaps between them.
 *
 * I1. Regions don't overlap and are sorted by first page; a lookup takes log2(n) steps.
 * I2. Everything before `#solid` stands without a gap from the start of the range, so filling an
 *     address space from the bottom does not scan what is full already.
 */

/** What a list holds: a range of pages. */
export interface PageRange {
  /** First page. */
  readonly basePage: number;
  /** Number of pages, at least 1. */
  readonly pages: number;
}

/** What is asked of a gap. */
export interface GapRequest {
  /** Pages needed. */
  readonly pages: number;
  /** The first page has to be a multiple of this. */
  readonly alignPages: number;
  /** Pages from here on are not to be used. */
  readonly endPage: number;
}

/** Sorted ranges between two bounds. */
export class RegionList<T extends PageRange> {
  readonly #basePage: number;
  readonly #items: T[] = [];
  #solid = 0;

  /** @param basePage - first page that a region may use */
  constructor(basePage: number) {
    this.#basePage = basePage;
  }

  /** The regions in address order. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** The region that covers a page. */
  find(page: number): T | undefined {
    const found = this.#items[this.#indexOf(page)];
    return found !== undefined && found.basePage <= page ? found : undefined;
  }

  /** The first region that ends above a page: the one that covers it, or the next. */
  findFrom(page: number): T | undefined {
    return this.#items[this.#indexOf(page)];
  }

  /** The regions that have pages in [firstPage, endPage), in address order. */
  overlapping(firstPage: number, endPage: number): T[] {
    const from = this.#indexOf(firstPage);
    let to = from;
    while (to < this.#items.length && this.#at(to).basePage < endPage) to += 1;
    return this.#items.slice(from, to);
  }

  /** Takes in a region that overlaps no other. */
  insert(region: T): void {
    const at = this.#indexOf(region.basePage);
    this.#items.splice(at, 0, region);
    this.#solid = Math.min(this.#solid, at);
  }

  /** Forgets a region. */
  remove(region: T): void {
    const at = this.#indexOf(region.basePage);
    if (this.#items[at] !== region) throw new Error('region list: not in the list');
    this.#items.splice(at, 1);
    this.#solid = Math.min(this.#solid, at);
  }

  /** Forgets all regions. */
  clear(): void {
    this.#items.length = 0;
    this.#solid = 0;
  }

  /** Notes that a region's range became smaller. */
  shrunk(region: T): void {
    this.#solid = Math.min(this.#solid, this.#indexOf(region.basePage));
  }

  /** First page of the lowest gap that fits; undefined if there is none. */
  findGap(request: GapRequest): number | undefined {
    this.#advanceSolid();
    let start = this.#solid === 0 ? this.#basePage : this.#endOf(this.#solid - 1);
    for (let i = this.#solid; ; i++) {
      const stop = i < this.#items.length ? this.#at(i).basePage : request.endPage;
      const first = Math.ceil(start / request.alignPages) * request.alignPages;
      if (first + request.pages <= Math.min(stop, request.endPage)) return first;
      if (i >= this.#items.length || stop >= request.endPage) return undefined;
      start = this.#endOf(i);
    }
  }

  #advanceSolid(): void {
    const items = this.#items;
    let end = this.#solid === 0 ? this.#basePage : this.#endOf(this.#solid - 1);
    while (this.#solid < items.length && this.#at(this.#solid).basePage === end) {
      end = this.#endOf(this.#solid);
      this.#solid += 1;
    }
  }

  #at(index: number): T {
    return this.#items[index] as T;
  }

  #endOf(index: number): number {
    const item = this.#at(index);
    return item.basePage + item.pages;
  }

  /** Index of the first region that ends above a page. */
  #indexOf(page: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#endOf(middle) <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
