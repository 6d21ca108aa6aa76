/**
 * The core's page tables in typed arrays: the algorithm of `assembly/tables.ts`, packed while they
 * are sparse, with the look-aside buffer of leaf tables. Virtual pages are below 2^31.
 */
import type { Columns, Trees } from './typed-trees.js';

const CLASS_DENSE = 4;
const BITMAP_WORDS = 16;
const ST_MMU = 5;
const TLB_ENTRIES = 1024;
export const PTE_W = 2;

function popcount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

function roomOf(cls: number): number {
  return cls === CLASS_DENSE ? 512 : (32 << cls) - 16;
}

/** Page tables of all address spaces; table 0 is none. A table's number shifted left 4 is its name
 * in entries, so that flags fit below. */
export class Tables {
  readonly #at: Uint32Array;
  readonly #frame: Uint32Array;
  readonly #count: Uint32Array;
  readonly #cls: Uint32Array;
  readonly #words: Uint32Array;
  readonly #free = new Uint32Array(CLASS_DENSE + 1);
  readonly #tlb: Uint32Array;
  #epoch = 1;
  #bumpTable = 1;
  #bumpWord = 0;

  constructor(columns: Columns, readonly trees: Trees, tables: number, words: number) {
    this.#at = columns.words(tables);
    this.#frame = columns.words(tables);
    this.#count = columns.words(tables);
    this.#cls = columns.words(tables);
    this.#words = columns.words(words);
    this.#tlb = columns.words(TLB_ENTRIES * 4);
  }

  reset(): void {
    this.#bumpTable = 1;
    this.#bumpWord = 0;
    this.#free.fill(0);
    this.#epoch++;
  }

  /** Makes the look-aside buffer stale. */
  forget(): void {
    this.#epoch++;
  }

  #takeData(cls: number): number {
    const free = this.#free[cls] as number;
    if (free !== 0) {
      this.#free[cls] = this.#words[free - 1] as number;
      return free - 1;
    }
    const at = this.#bumpWord;
    this.#bumpWord += 32 << cls;
    return at;
  }

  #newTable(): number {
    const table = this.#bumpTable++;
    const at = this.#takeData(0);
    this.#words.fill(0, at, at + BITMAP_WORDS);
    this.#at[table] = at;
    const frame = this.trees.takeFrame();
    this.trees.framesInUse--; // counts pages of objects
    this.trees.a[frame] = 1;
    this.trees.b[frame] = ST_MMU;
    this.trees.c[frame] = 0;
    this.trees.d[frame] = 0;
    this.#frame[table] = frame;
    this.#count[table] = 0;
    this.#cls[table] = 0;
    return table;
  }

  #rank(at: number, i: number): number {
    let n = 0;
    const word = i >>> 5;
    for (let w = 0; w < word; w++) n += popcount(this.#words[at + w] as number);
    return n + popcount((this.#words[at + word] as number) & ((1 << (i & 31)) - 1));
  }

  #has(at: number, i: number): boolean {
    return (((this.#words[at + (i >>> 5)] as number) >>> (i & 31)) & 1) !== 0;
  }

  /** Entry `i` of a table, 0 when absent. */
  get(table: number, i: number): number {
    const at = this.#at[table] as number;
    if (this.#cls[table] === CLASS_DENSE) return this.#words[at + i] as number;
    if (!this.#has(at, i)) return 0;
    return this.#words[at + BITMAP_WORDS + this.#rank(at, i)] as number;
  }

  #makeRoom(table: number): void {
    const cls = this.#cls[table] as number;
    if (cls === CLASS_DENSE || (this.#count[table] as number) + 1 <= roomOf(cls)) return;
    const words = this.#words;
    const old = this.#at[table] as number;
    const at = this.#takeData(cls + 1);
    if (cls + 1 === CLASS_DENSE) {
      words.fill(0, at, at + 512);
      let from = old + BITMAP_WORDS;
      for (let i = 0; i < 512; i++) if (this.#has(old, i)) words[at + i] = words[from++] as number;
    } else words.copyWithin(at, old, old + BITMAP_WORDS + roomOf(cls));
    words[old] = this.#free[cls] as number;
    this.#free[cls] = old + 1;
    this.#at[table] = at;
    this.#cls[table] = cls + 1;
  }

  /** Sets entry `i`. */
  set(table: number, i: number, value: number): void {
    this.#makeRoom(table);
    const words = this.#words;
    const at = this.#at[table] as number;
    const count = this.#count[table] as number;
    if (this.#cls[table] === CLASS_DENSE) {
      if (words[at + i] === 0) this.#count[table] = count + 1;
      words[at + i] = value;
      return;
    }
    const rank = this.#rank(at, i);
    const place = at + BITMAP_WORDS + rank;
    if (!this.#has(at, i)) {
      for (let to = at + BITMAP_WORDS + count; to > place; to--) {
        words[to] = words[to - 1] as number;
      }
      words[at + (i >>> 5)] = (words[at + (i >>> 5)] as number) | (1 << (i & 31));
      this.#count[table] = count + 1;
    }
    words[place] = value;
  }

  #protectAll(table: number): void {
    const dense = this.#cls[table] === CLASS_DENSE;
    const at = (this.#at[table] as number) + (dense ? 0 : BITMAP_WORDS);
    const end = at + (dense ? 512 : this.#count[table] as number);
    for (let i = at; i < end; i++) this.#words[i] = (this.#words[i] as number) & ~PTE_W;
  }

  /** Leaf table << 4 | W where all levels above allow writing; 0 when there is none. */
  find(root: number, page: number): number {
    const leaf = page >>> 9;
    const tlb = this.#tlb;
    const at = ((leaf ^ root) & (TLB_ENTRIES - 1)) << 2;
    if (tlb[at] === root && tlb[at + 1] === leaf && tlb[at + 3] === this.#epoch) {
      return tlb[at + 2] as number;
    }
    let table = root;
    let writable = PTE_W;
    for (let shift = 27; shift > 0; shift -= 9) {
      const entry = this.get(table, (page >>> shift) & 511);
      if (entry === 0) return 0;
      writable &= entry;
      table = entry >>> 4;
    }
    tlb[at] = root;
    tlb[at + 1] = leaf;
    tlb[at + 2] = (table << 4) | writable;
    tlb[at + 3] = this.#epoch;
    return (table << 4) | writable;
  }

  /** The leaf table of a page, made where it is missing, writable on all levels. */
  need(root: number, page: number): number {
    const found = this.find(root, page);
    if ((found & PTE_W) !== 0) return found >>> 4;
    let table = root;
    for (let shift = 27; shift > 0; shift -= 9) {
      const i = (page >>> shift) & 511;
      const entry = this.get(table, i);
      if (entry === 0) {
        const below = this.#newTable();
        this.set(table, i, (below << 4) | PTE_W);
        table = below;
        continue;
      }
      if ((entry & PTE_W) === 0) {
        this.#protectAll(entry >>> 4);
        this.set(table, i, entry | PTE_W);
      }
      table = entry >>> 4;
    }
    this.#tlb[(((page >>> 9) ^ root) & (TLB_ENTRIES - 1)) << 2] = 0;
    return table;
  }

  /** A top table. */
  root(): number {
    return this.#newTable();
  }

  /** Takes write permission from everything below a top table. */
  protect(root: number): void {
    this.forget();
    this.#protectAll(root);
  }
}
