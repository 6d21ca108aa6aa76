/**
 * What each present page of a mapping is, and a cursor over the pages of one kind.
 *
 *   OWN   belongs to the process alone until it is found in another: anonymous memory, private
 *   copies FILE  the file's (or shared memory's) page at that offset
 *   ZERO  the zero page: a present entry, no page
 *   SKIP  device memory and frame numbers without a page: in no figure of the kernel, not made
 *
 * I1. The kind depends only on the mapping's role and the frame's kpageflags class: one table
 *     lookup.
 *
 * Cost: about 5 ns a page, nothing allocated for a page.
 */

import { FrameBit } from './frames.js';
import { RunKind } from './runs.js';
import type { LinuxMapping, LinuxSnapshot } from './snapshot.js';

/** Kind of a present page; see the module's head. */
export const PageKind = { SKIP: 0, OWN: 1, FILE: 2, ZERO: 3 } as const;

/** How a mapping relates to a file. */
export const MapRole = { ANONYMOUS: 0, SHARED_FILE: 1, PRIVATE_FILE: 2 } as const;

/** Names of mappings without a file whose pages belong to the kernel: `[vdso]`, `[uprobes]` ... */
const KERNEL_NAME = /^\[(?!heap\]|stack|anon)/;

/**
 * The role of a mapping.
 *
 * @param mapping - any mapping
 */
export function roleOf(mapping: LinuxMapping): number {
  if (mapping.ino !== 0 || mapping.dev !== '00:00') {
    return mapping.shared ? MapRole.SHARED_FILE : MapRole.PRIVATE_FILE;
  }
  return KERNEL_NAME.test(mapping.name) ? MapRole.PRIVATE_FILE : MapRole.ANONYMOUS;
}

function kindFor(bits: number, role: number, pfnmap: boolean): number {
  if (bits & FrameBit.NO_PAGE) return PageKind.SKIP;
  if (bits & FrameBit.ZERO) return PageKind.ZERO;
  if (pfnmap && !(bits & FrameBit.ANON)) return PageKind.SKIP;
  if (role === MapRole.ANONYMOUS) return PageKind.OWN;
  if (role === MapRole.SHARED_FILE) return PageKind.FILE;
  return bits & FrameBit.ANON ? PageKind.OWN : PageKind.FILE;
}

/** The kinds of a snapshot's pages, by role and kpageflags class. */
export class PageKinds {
  private readonly tables: Uint8Array[] = [];

  /**
   * @param snapshot - the snapshot
   */
  constructor(readonly snapshot: LinuxSnapshot) {
    for (const pfnmap of [false, true]) {
      for (const role of Object.values(MapRole)) {
        const bits = snapshot.frames.bits;
        this.tables.push(Uint8Array.from(bits, (word) => kindFor(word, role, pfnmap)));
      }
    }
  }

  /** {@link PageKind} of each kpageflags class in a mapping. */
  tableOf(mapping: LinuxMapping): Uint8Array {
    return this.tables[roleOf(mapping) + (mapping.pfnmap ? 3 : 0)] as Uint8Array;
  }
}

/** Walks the present pages of mappings in the order given; `page` is the page within `mapping`. */
export class PageCursor {
  /** The mapping of the current page. */
  mapping: LinuxMapping;
  /** Virtual page number of the current page; Infinity at the end. */
  vpn = -1;
  /** Dense frame index of the current page. */
  frame = 0;
  /** {@link PageKind} of the current page. */
  kind = 0;
  private at = 0;
  private row = 0;
  private rowEnd = 0;
  private left = 0;
  private step = 1;
  private table: Uint8Array;
  private readonly classOf: Uint16Array;
  private readonly runKinds: Uint8Array;

  /**
   * @param kinds - kinds of the snapshot's pages
   * @param mappings - mappings to walk, by address
   * @param only - stop at pages of this {@link PageKind} only; undefined for all but SKIP
   */
  constructor(
    private readonly kinds: PageKinds,
    private readonly mappings: readonly LinuxMapping[],
    private readonly only?: number,
  ) {
    this.classOf = kinds.snapshot.frames.classOf;
    this.runKinds = kinds.snapshot.runKinds;
    this.mapping = mappings[0] as LinuxMapping;
    this.table = kinds.tableOf(this.mapping);
    this.row = this.mapping.runs.start;
    this.rowEnd = this.mapping.runs.end;
  }

  /** Goes to the next page; false (and `vpn` Infinity) when there is none. */
  next(): boolean {
    for (;;) {
      if (this.left > 0) {
        this.left--;
        this.vpn++;
        this.frame += this.step;
      } else if (!this.nextRun()) {
        this.vpn = Infinity;
        return false;
      }
      this.kind = this.table[this.classOf[this.frame] as number] as number;
      if (this.kind === this.only) return true;
      if (this.only === undefined && this.kind !== PageKind.SKIP) return true;
    }
  }

  private nextRun(): boolean {
    for (;;) {
      while (this.row >= this.rowEnd) {
        const mapping = this.mappings[++this.at];
        if (!mapping) return false;
        this.mapping = mapping;
        this.table = this.kinds.tableOf(mapping);
        this.row = mapping.runs.start;
        this.rowEnd = mapping.runs.end;
      }
      const { segment } = this.mapping.runs;
      const row = this.row++;
      if (this.runKinds[segment.flags[row] as number] !== RunKind.PRESENT) continue;
      const length = segment.length[row] as number;
      this.step = length < 0 ? -1 : 1;
      this.left = Math.abs(length) - 1;
      this.vpn = this.mapping.startPage + (segment.page[row] as number);
      this.frame = segment.first[row] as number;
      return true;
    }
  }
}

/** A sparse list of numbers by page, 0 where nothing was set. 2 KiB for each 512 pages in use. */
export class PageMap {
  private readonly blocks = new Map<number, Int32Array>();
  private lastNumber = -1;
  private last: Int32Array | undefined;

  /** The value of a page, 0 if none was set. */
  get(page: number): number {
    const block = this.block(Math.floor(page / 512));
    return block ? (block[page % 512] as number) : 0;
  }

  /** Sets the value of a page. */
  set(page: number, value: number): void {
    const number = Math.floor(page / 512);
    let block = this.block(number);
    if (!block) {
      block = new Int32Array(512);
      this.blocks.set(number, block);
      this.last = block;
    }
    block[page % 512] = value;
  }

  /** Blocks of 512 pages that have values, by first page ascending. */
  entries(): ReadonlyArray<readonly [firstPage: number, values: Int32Array]> {
    const numbers = [...this.blocks.keys()].sort((a, b) => a - b);
    return numbers.map((number) => [number * 512, this.blocks.get(number) as Int32Array]);
  }

  private block(number: number): Int32Array | undefined {
    if (number !== this.lastNumber) {
      this.lastNumber = number;
      this.last = this.blocks.get(number);
    }
    return this.last;
  }
}
