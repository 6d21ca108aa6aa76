/**
 * The page's data as a tree: columns from the page, rows below each row, and what is searched for.
 *
 * Runs in the browser. I1. Rows are pre-order, so a row and all below it are one range.
 */

/** What can be an area. */
export type Measure = 'pss' | 'private' | 'committed' | 'virtual';

type ColumnName = Measure | 'parent' | 'name' | 'kind' | 'koid';

type Columns = Readonly<Record<ColumnName, readonly number[]>>;

/** What the page's JSON holds. */
export interface PageData {
  /** What was looked at. */ readonly title: string;
  /** Facts about it, for the line below the title. */ readonly facts: readonly string[];
  /** Columns: `export/treemap/tree.ts`. */
  readonly tree: Columns & { readonly names: readonly string[] };
}

/** Kinds of rows, by their number in the data. */
export const KINDS = [
  'kernel', 'free', 'job', 'process', 'group', 'private', 'shared', 'unmapped', 'unknown',
] as const;

/** A kind of row. */
export type Kind = (typeof KINDS)[number];

/** What rows of a kind are called. */
const KIND_WORDS: Readonly<Record<Kind, string>> = {
  kernel: 'kernel', free: 'free', job: 'job', process: 'process', group: 'group',
  private: 'private', shared: 'shared', unmapped: 'unmapped', unknown: 'unknown',
};

/** The tree of one system. */
export class Tree {
  /** Number of rows. */
  readonly count: number;
  private readonly first: Uint32Array;
  private readonly below: Uint32Array;
  private readonly lowerNames: readonly string[];

  /** @param data - as it came with the page */
  constructor(readonly data: PageData) {
    const { parent, names } = data.tree;
    this.count = parent.length;
    this.first = new Uint32Array(this.count + 1);
    this.below = new Uint32Array(Math.max(0, this.count - 1));
    for (let row = 1; row < this.count; row++) this.first[parent[row]! + 1]!++;
    for (let row = 0; row < this.count; row++) this.first[row + 1]! += this.first[row]!;
    const next = this.first.slice();
    for (let row = 1; row < this.count; row++) this.below[next[parent[row]!]!++] = row;
    this.lowerNames = names.map((name) => name.toLowerCase());
  }

  /** Rows directly below a row. */
  children(row: number): Uint32Array {
    return this.below.subarray(this.first[row]!, this.first[row + 1]!);
  }

  /** Whether rows stand below a row. */
  hasChildren(row: number): boolean {
    return this.first[row + 1]! > this.first[row]!;
  }

  /** Row above, -1 for the first. */
  parent(row: number): number {
    return this.data.tree.parent[row] ?? -1;
  }

  /** Bytes of a row. */
  bytes(row: number, measure: Measure): number {
    return this.data.tree[measure][row] ?? 0;
  }

  /** Kind of a row. */
  kind(row: number): Kind {
    return KINDS[this.data.tree.kind[row] ?? 4] ?? 'group';
  }

  /** Koid of a row, 0 for none. */
  koid(row: number): number {
    return this.data.tree.koid[row] ?? 0;
  }

  /** What it is: `process 1043`, `VMO 1031, shared`. */
  what(row: number): string {
    const word = KIND_WORDS[this.kind(row)];
    const koid = this.koid(row);
    if (koid === 0) return word;
    const isVmo = !['job', 'process'].includes(this.kind(row));
    return isVmo ? `VMO ${koid}, ${word}` : `${word} ${koid}`;
  }

  /** Its name as people read it: characters that cannot be seen become escapes. */
  name(row: number): string {
    const name = this.data.tree.names[this.data.tree.name[row] ?? 0] ?? '';
    const visible = name.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
      `\\u{${character.codePointAt(0)!.toString(16)}}`);
    return visible === '' ? 'unnamed' : visible;
  }

  /** The way from the first row to a row, both included. */
  path(row: number): number[] {
    const rows: number[] = [];
    for (let at = row; at >= 0; at = this.parent(at)) rows.unshift(at);
    return rows;
  }

  /** Where a measure's picture begins: kernel memory counts in `pss` alone. */
  top(measure: Measure): number {
    if (measure === 'pss') return 0;
    for (let row = 0; row < this.count; row++) if (this.kind(row) === 'job') return row;
    return 0;
  }

  /** Rows whose name holds the text, or whose koid it is. */
  find(text: string): number[] {
    const wanted = text.trim().toLowerCase();
    if (wanted === '') return [];
    const koid = /^\d+$/.test(wanted) ? Number(wanted) : -1;
    const hits = this.lowerNames.map((name) => name.includes(wanted));
    const { name } = this.data.tree;
    const rows: number[] = [];
    for (let row = 0; row < this.count; row++) {
      if (hits[name[row]!] || this.koid(row) === koid) rows.push(row);
    }
    return rows;
  }

  /** 1 for each row that is found, stands below one, or has one below. */
  lit(found: readonly number[]): Uint8Array {
    const lit = new Uint8Array(this.count);
    for (const row of found) lit[row] = 2;
    for (let row = 1; row < this.count; row++) if (lit[this.parent(row)] === 2) lit[row] = 2;
    for (let row = this.count - 1; row > 0; row--) {
      const above = this.parent(row);
      if (lit[row]! > 0 && lit[above] === 0) lit[above] = 1;
    }
    return lit;
  }
}
