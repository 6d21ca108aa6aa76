/**
 * The regions of one VMAR in address order: found by page, and the gaps between them.
 *
 * The regions stand in blocks of at most 128, the blocks in a list: taking one in or out moves some
 * hundred references, wherever it lies among a million others.
 *
 * I1. Regions don't overlap and are sorted by first page; a lookup takes log2(n) steps.
 * I2. No block is empty.
 * I3. There is no gap from the start of the range up to `#solidPage`, so filling an address space
 *     from the bottom does not scan what is full already.
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

const BLOCK_ITEMS_MAX = 128;

/** Sorted ranges between two bounds. */
export class RegionList<T extends PageRange> {
  readonly #basePage: number;
  readonly #blocks: T[][] = [];
  #solidPage: number;

  /** @param basePage - first page that a region may use */
  constructor(basePage: number) {
    this.#basePage = basePage;
    this.#solidPage = basePage;
  }

  /** The regions in address order; the list must not change meanwhile. */
  *values(): Generator<T, void, void> {
    for (const block of this.#blocks) yield* block;
  }

  /** The region that covers a page. */
  find(page: number): T | undefined {
    const found = this.findFrom(page);
    return found !== undefined && found.basePage <= page ? found : undefined;
  }

  /** The first region that ends above a page: the one that covers it, or the next. */
  findFrom(page: number): T | undefined {
    const block = this.#blocks[this.#blockOf(page)];
    return block?.[firstEndingAbove(block, page)];
  }

  /** The regions that have pages in [firstPage, endPage), in address order. */
  overlapping(firstPage: number, endPage: number): T[] {
    const found: T[] = [];
    for (const region of this.#from(firstPage)) {
      if (region.basePage >= endPage) break;
      found.push(region);
    }
    return found;
  }

  /** Takes in a region that overlaps no other. */
  insert(region: T): void {
    const blocks = this.#blocks;
    const at = Math.min(this.#blockOf(region.basePage), blocks.length - 1);
    const block = blocks[at];
    if (block === undefined) {
      blocks.push([region]);
      return;
    }
    block.splice(firstEndingAbove(block, region.basePage), 0, region);
    if (block.length > BLOCK_ITEMS_MAX) this.#split(at, region);
  }

  /** Forgets a region. */
  remove(region: T): void {
    const at = this.#blockOf(region.basePage);
    const block = this.#blocks[at] ?? [];
    const index = firstEndingAbove(block, region.basePage);
    if (block[index] !== region) throw new Error('region list: not in the list');
    this.#noteGap(region);
    block.splice(index, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** Forgets all regions. */
  clear(): void {
    this.#blocks.length = 0;
    this.#solidPage = this.#basePage;
  }

  /** Notes that a region's range became smaller. */
  shrunk(region: T): void {
    this.#noteGap(region);
  }

  /** First page of the lowest gap that fits; undefined if there is none. */
  findGap(request: GapRequest): number | undefined {
    const { pages, alignPages, endPage } = request;
    let start = this.#solidPage;
    let solid = true;
    for (const region of this.#from(start)) {
      const stop = Math.min(region.basePage, endPage);
      const first = Math.ceil(start / alignPages) * alignPages;
      if (first + pages <= stop) return first;
      if (region.basePage >= endPage) return undefined;
      solid &&= region.basePage === start;
      start = endOf(region);
      if (solid) this.#solidPage = start;
    }
    const first = Math.ceil(start / alignPages) * alignPages;
    return first + pages <= endPage ? first : undefined;
  }

  /** The regions from the first one on that ends above a page. */
  *#from(page: number): Generator<T, void, void> {
    let at = this.#blockOf(page);
    let block = this.#blocks[at];
    for (let index = block === undefined ? 0 : firstEndingAbove(block, page); block; index = 0) {
      for (; index < block.length; index++) yield block[index] as T;
      block = this.#blocks[++at];
    }
  }

  /** A region is about to go or became smaller: the gap may begin where the one before it ends. */
  #noteGap(region: T): void {
    if (region.basePage > this.#solidPage) return;
    const at = this.#blockOf(region.basePage);
    const block = this.#blocks[at] as T[];
    const index = firstEndingAbove(block, region.basePage);
    const before = block[index - 1] ?? this.#blocks[at - 1]?.at(-1);
    this.#solidPage = before === undefined ? this.#basePage : endOf(before);
  }

  /** Cuts a full block in two; unevenly where regions come in order, so that blocks fill up. */
  #split(at: number, region: T): void {
    const block = this.#blocks[at] as T[];
    let index = block.length >>> 1;
    if (block[block.length - 1] === region) index = block.length - 1;
    else if (block[0] === region) index = 1;
    this.#blocks.splice(at + 1, 0, block.splice(index));
  }

  /** Index of the first block whose last region ends above a page. */
  #blockOf(page: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle] as T[];
      if (endOf(block[block.length - 1] as T) <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function endOf(region: PageRange): number {
  return region.basePage + region.pages;
}

/** Index of the first region of a block that ends above a page. */
function firstEndingAbove(block: readonly PageRange[], page: number): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOf(block[middle] as PageRange) <= page) low = middle + 1;
    else high = middle;
  }
  return low;
}
