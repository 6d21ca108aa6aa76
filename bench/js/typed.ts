/**
 * The core's own algorithm in JavaScript: columns in typed arrays over one SharedArrayBuffer, for
 * single faults. Persistent page lists, masks, packed page tables, a look-aside buffer, as in
 * `assembly/`; no live parents, contents or reservations.
 */
import { PTE_W, Tables } from './typed-tables.js';
import { Columns, Trees } from './typed-trees.js';
import type { Tree } from './typed-trees.js';

const PTE_P = 1;
const PTE_A = 8;
const PTE_D = 16;
const PTE_SHIFT = 5;
const NEED = PTE_P | PTE_W | PTE_A | PTE_D;

interface TypedVmo extends Tree {
  id: number;
  size: number;
}

interface TypedMapping {
  vmo: number;
  base: number;
  pages: number;
}

interface TypedSpace {
  root: number;
  mappings: TypedMapping[];
  last: TypedMapping | null;
}

/** A system in typed arrays. */
export class TypedSystem {
  readonly #trees: Trees;
  readonly #tables: Tables;
  #vmos: TypedVmo[] = [];
  #spaces: TypedSpace[] = [];

  constructor(physicalPages: number) {
    const nodes = Math.ceil(physicalPages / 31) + 4096;
    const tables = Math.ceil(physicalPages / 256) + 64;
    const words = tables * 1024;
    const columns = new Columns((physicalPages * 4 + nodes * 36 + tables * 4 + words) * 4 + 65536);
    this.#trees = new Trees(columns, physicalPages, nodes);
    this.#tables = new Tables(columns, this.#trees, tables, words);
  }

  /** Pages of objects. */
  get framesInUse(): number {
    return this.#trees.framesInUse;
  }

  boot(): void {
    this.#trees.reset();
    this.#tables.reset();
    this.#vmos = [];
    this.#spaces = [];
  }

  vmoCreate(size: number): number {
    return this.#vmos.push({ root: 0, height: 0, id: this.#vmos.length + 1, size }) - 1;
  }

  aspaceCreate(): number {
    return this.#spaces.push({ root: this.#tables.root(), mappings: [], last: null }) - 1;
  }

  map(space: number, vmo: number, base: number, pages: number): void {
    (this.#spaces[space] as TypedSpace).mappings.push({ vmo, base, pages });
  }

  /** A write fault: 0, or a status. */
  fault(space: number, page: number, _access: number): number {
    const s = this.#spaces[space] as TypedSpace;
    const tables = this.#tables;
    const found = tables.find(s.root, page);
    if ((found & PTE_W) !== 0 && (tables.get(found >>> 4, page & 511) & NEED) === NEED) return 0;
    let m = s.last;
    if (m === null || page < m.base || page >= m.base + m.pages) {
      m = s.mappings.find((x) => page >= x.base && page < x.base + x.pages) ?? null;
      if (m === null) return -25;
      s.last = m;
    }
    const vmo = this.#vmos[m.vmo] as TypedVmo;
    const key = page - m.base;
    if (key >= vmo.size) return -14;
    const frame = this.#trees.commit(vmo, vmo.id, key);
    tables.set(tables.need(s.root, page), page & 511, (frame << PTE_SHIFT) | NEED);
    return 0;
  }

  /** A copy-on-write child. */
  snapshot(vmo: number): number {
    const parent = this.#vmos[vmo] as TypedVmo;
    const child = this.#vmos.push({ ...parent, id: this.#vmos.length + 1 }) - 1;
    const refs = this.#trees.refs;
    if (parent.root !== 0) refs[parent.root] = (refs[parent.root] as number) + 1;
    this.#trees.pathTree = -1;
    for (const space of this.#spaces) {
      if (space.mappings.some((m) => m.vmo === vmo)) this.#tables.protect(space.root);
    }
    return child;
  }
}
