/**
 * Accounting passes as the core offers them: over page trees, and over page tables.
 *
 * Lists travel through scratch memory in the core; the figures come back as columns. One pass at a
 * time: whoever begins one has made sure that nothing changes until `end`.
 */
import type { AspaceRef, Core, VmoRef } from './core.js';
import { ACC_BYTES, RECORD_BYTES, Scratch, type Sums, type WindowList } from './pass-scratch.js';
import { PassMemoryError } from './scratch.js';
import { instantiateCore } from './wasm.js';

/** How weights combine, see `assembly/weights.ts`. */
export type PassMode = 'sum' | 'least' | 'held';

/** Ranges of an address space to scan or read. */
export interface EntryRange {
  /** Address space. */ readonly aspace: AspaceRef;
  /** Number of the process, from 1: tells processes apart when each counts once. */
  readonly stamp: number;
  /** First virtual page. */ readonly page: number;
  /** Number of pages. */ readonly pages: number;
}

/** What the entries of a range came to. */
export interface EntryFigures {
  /** `mapcount`: share in units of 2^-12 byte; `exact`: whole bytes. */ readonly share: bigint;
  /** `exact`: units of 2^-63 byte beyond the whole bytes. */ readonly fraction: bigint;
  /** Pages. */ readonly pages: number;
  /** Pages with one owner. */ readonly privatePages: number;
  /** Pages with several. */ readonly sharedPages: number;
  /** Hugetlb pages with one owner. */ readonly hugePrivatePages: number;
  /** Hugetlb pages with several. */ readonly hugeSharedPages: number;
  /** `mapcount`: anonymous part of the share. */ readonly anonShare: bigint;
  /** `mapcount`: file part. */ readonly fileShare: bigint;
  /** `mapcount`: shared memory part. */ readonly shmemShare: bigint;
}

const RANGE_BYTES = 32;
const ALL_PAGES = 2 ** 36;
const MEET_INJECT = 0;
const MEET_SUBTRACT = 1;
const MEET_OWNERS = 2;
const HEIGHTS = 13;

export { PassMemoryError };
export type { Sums, WindowList };

/** Milliseconds without any progress after which a thread gives its helpers up. */
export const PATIENCE_MS = 20_000;

/** A thread that had claimed a part of a shared scan died: the pass is worth nothing. */
export class PassStalledError extends Error {
  constructor() {
    super('a worker of the accounting pass stopped before its part was done');
  }
}

function checkDone(status: number): void {
  if (status < 0) throw new PassStalledError();
}

/** A pass over page trees. */
export class TreePass {
  readonly #core: Core;
  readonly #scratch: Scratch;

  /**
   * Begins.
   *
   * @param core - the core
   * @param mode - how weights combine
   * @throws PassMemoryError
   */
  constructor(core: Core, mode: PassMode) {
    this.#core = core;
    this.#scratch = new Scratch(core);
    const number = core.constants[`MODE_${mode.toUpperCase()}`] as number;
    if (core.raw.passBegin(number) < 0) throw new PassMemoryError(core.physicalPages * 4);
  }

  /** Adds weights to windows. */
  inject(list: WindowList): void {
    if (list.vmo.length === 0) return;
    this.#scratch.within(() => {
      this.#core.raw.passInjectList(this.#scratch.windows(list), list.vmo.length);
    });
  }

  /** Gives trees their creation numbers as weights (mode `least`). */
  injectCreation(vmos: readonly VmoRef[]): void {
    for (const vmo of vmos) this.#core.raw.passInjectSeq(vmo);
  }

  /** Takes `weight` off wherever these windows of one process meet in the same node or frame. */
  injectMeeting(list: WindowList, weight: number): void {
    this.#scratch.within(() => {
      const out = this.#scratch.take(8);
      this.#core.u32[out >>> 2] = weight;
      this.#meet(list, MEET_INJECT, out);
    });
  }

  /** Takes weight off a frame that a holder reaches at several keys. */
  weighFrame(frame: number, delta: number): void {
    this.#core.raw.passWeighFrame(frame, delta);
  }

  /** Weight of a frame that has several references, after the scans. */
  frameWeight(frame: number): number {
    return this.#core.raw.frameWeight(frame) >>> 0;
  }

  /** Both scans on this thread. */
  scan(): void {
    this.#core.raw.passScan();
  }

  /** Gets the scans ready for several threads; each then calls {@link help}. */
  share(patienceMs = PATIENCE_MS): void {
    this.#core.raw.passShare(patienceMs);
  }

  /**
   * Works on a shared scan until it is done.
   *
   * @throws PassStalledError
   */
  help(): void {
    checkDone(this.#core.raw.passHelp());
  }

  /**
   * Sums of windows, added up by accumulator; what meets is counted once.
   *
   * @param list - windows; `value` is the accumulator
   * @param rows - number of accumulators
   * @param meetings - windows of one process in one family, by accumulator
   */
  read(list: WindowList, rows: number, meetings: readonly [number, WindowList][] = []): Sums {
    return this.#scratch.within(() => this.#read(list, rows, meetings));
  }

  #read(list: WindowList, rows: number, meetings: readonly [number, WindowList][]): Sums {
    return this.#scratch.sums(rows, (accs) => {
      this.#core.raw.passReadInto(this.#scratch.windows(list), list.vmo.length, accs);
      for (const [row, windows] of meetings)
        this.#meet(windows, MEET_SUBTRACT, accs + row * ACC_BYTES);
    });
  }

  /** Mode `least`: pages of a window charged to the tree's own VMO. */
  least(vmo: VmoRef, page: number, pages: number): number {
    return this.#core.raw.passLeast(vmo, page, pages);
  }

  /** Pages of windows by number of owners (up to `most`); what meets is counted once. */
  owners(list: WindowList, meetings: readonly WindowList[], most: number): Map<number, number> {
    return this.#scratch.within(() => this.#owners(list, meetings, most));
  }

  #owners(list: WindowList, meetings: readonly WindowList[], most: number): Map<number, number> {
    const bytes = (most + 1) * 4;
    const hist = this.#scratch.take(bytes);
    const { raw, u8 } = this.#core;
    u8.fill(0, hist, hist + bytes);
    list.vmo.forEach((vmo, i) => {
      raw.passOwners(vmo, list.page[i] as number, list.pages[i] as number, hist);
    });
    for (const windows of meetings) this.#meet(windows, MEET_OWNERS, hist);
    const found = new Map<number, number>();
    const counts = this.#core.u32.subarray(hist >>> 2, (hist >>> 2) + most + 1);
    counts.forEach((count, owners) => {
      if (count !== 0) found.set(owners, count);
    });
    return found;
  }

  /** Ends: gives the scratch back. */
  end(): void {
    this.#scratch.free();
  }

  #meet(list: WindowList, action: number, out: number): void {
    const count = list.vmo.length;
    this.#scratch.within(() => {
      const work = this.#scratch.take(count * (RECORD_BYTES + HEIGHTS * 4));
      this.#core.raw.passMeet(this.#scratch.windows(list), count, work, action, out);
    });
  }
}

/** How entries are weighed. */
export type EntryRule = 'mapcount' | 'exact';

/** A pass over page tables. */
export class EntryPass {
  readonly #core: Core;
  readonly #scratch: Scratch;
  readonly #rule: EntryRule;
  #stamps = 0;
  #stamp = 0;

  /**
   * Begins.
   *
   * @param core - the core
   * @param rule - `mapcount`: each entry counts; `exact`: each process counts once
   * @throws PassMemoryError
   */
  constructor(core: Core, rule: EntryRule) {
    this.#core = core;
    this.#rule = rule;
    this.#scratch = new Scratch(core);
    if (core.raw.passBegin(core.constants.MODE_SUM as number) < 0) {
      throw new PassMemoryError(core.physicalPages * 4);
    }
  }

  /** Counts the entries of whole address spaces on this thread. */
  scan(aspaces: readonly AspaceRef[]): void {
    const { raw, constants } = this.#core;
    const op = this.#rule === 'exact' ? constants.SCAN_DISTINCT : constants.SCAN_COUNT;
    const stamps = this.#rule === 'exact' ? this.#stampColumn() : 0;
    for (const aspace of aspaces) {
      raw.presentScan(aspace, 0, ALL_PAGES, op as number, stamps, ++this.#stamp, 0);
    }
  }

  /** `exact`: the same where each group of address spaces counts once, on this thread. */
  scanGroups(groups: readonly (readonly AspaceRef[])[]): void {
    const { raw, constants } = this.#core;
    const stamps = this.#stampColumn();
    for (const aspaces of groups) {
      this.#stamp += 1;
      for (const aspace of aspaces) {
        const op = constants.SCAN_DISTINCT as number;
        raw.presentScan(aspace, 0, ALL_PAGES, op, stamps, this.#stamp, 0);
      }
    }
  }

  /**
   * Gets a scan ready for several threads.
   *
   * @returns what {@link helpScan} takes; stamps columns are given out one a thread
   */
  share(
    aspaces: readonly AspaceRef[], threads: number, patienceMs = PATIENCE_MS,
  ): SharedScan[] {
    const list = this.#scratch.take(aspaces.length * RANGE_BYTES);
    const { raw, constants, u32, f64 } = this.#core;
    aspaces.forEach((aspace, i) => {
      const at = list + i * RANGE_BYTES;
      u32[at >>> 2] = aspace;
      u32[(at >>> 2) + 1] = i + 1;
      f64[(at >>> 3) + 1] = 0;
      f64[(at >>> 3) + 2] = ALL_PAGES;
    });
    raw.presentShare(patienceMs);
    const exact = this.#rule === 'exact';
    const op = (exact ? constants.SCAN_DISTINCT_SHARED : constants.SCAN_COUNT_SHARED) as number;
    return Array.from({ length: threads }, () => ({
      kind: 'entries' as const, list, count: aspaces.length, op,
      stamps: exact ? this.#newStamps() : 0,
    }));
  }

  /**
   * Works on a shared scan until it is done.
   *
   * @throws PassStalledError
   */
  help(scan: SharedScan): void {
    checkDone(this.#core.raw.presentHelp(scan.list, scan.count, scan.op, scan.stamps));
  }

  /**
   * Adds references of processes that were not recorded: pairs of frame and extra. Under `exact`
   * they are one more owner.
   */
  addOutside(extras: Int32Array): void {
    if (extras.length === 0) return;
    const words = new Uint32Array(extras.buffer, extras.byteOffset, extras.length);
    this.#scratch.within(() => {
      const list = this.#scratch.take(extras.length * 4);
      this.#core.u32.set(words, list >>> 2);
      this.#core.raw.presentExtras(list, extras.length / 2, this.#rule === 'exact' ? 1 : 0);
    });
  }

  /** Figures of ranges, one each. */
  read(ranges: readonly EntryRange[]): EntryFigures[] {
    const { raw, constants } = this.#core;
    const op = (this.#rule === 'exact' ? constants.READ_EXACT : constants.READ_MAPCOUNT) as number;
    const out = this.#scratch.take(constants.READ_BYTES as number);
    return ranges.map(({ aspace, page, pages }) => this.#figures(out, () => {
      raw.presentScan(aspace, page, pages, op, 0, 0, out);
    }));
  }

  /** `exact`: figures of whole address spaces, each frame once. */
  readDistinct(aspaces: readonly AspaceRef[]): EntryFigures[] {
    return this.readGroups(aspaces.map((aspace) => [aspace]));
  }

  /** `exact`: figures of groups of address spaces, each frame once for a group. */
  readGroups(groups: readonly (readonly AspaceRef[])[]): EntryFigures[] {
    const { raw, constants } = this.#core;
    const stamps = this.#stampColumn();
    const out = this.#scratch.take(constants.READ_BYTES as number);
    return groups.map((aspaces) => this.#figures(out, () => {
      this.#stamp += 1;
      for (const aspace of aspaces) {
        const op = constants.READ_EXACT as number;
        raw.presentScan(aspace, 0, ALL_PAGES, op, stamps, this.#stamp, out);
      }
    }));
  }

  /** Pages of an address space by number of owners, each frame once. */
  owners(aspace: AspaceRef, most: number): Map<number, number> {
    const stamps = this.#stampColumn();
    return this.#scratch.within(() => this.#owners(aspace, most, stamps));
  }

  #owners(aspace: AspaceRef, most: number, stamps: number): Map<number, number> {
    const bytes = (most + 1) * 4;
    const hist = this.#scratch.take(bytes);
    const { raw, constants, u8 } = this.#core;
    u8.fill(0, hist, hist + bytes);
    const op = constants.READ_OWNERS as number;
    raw.presentScan(aspace, 0, ALL_PAGES, op, stamps, ++this.#stamp, hist);
    const found = new Map<number, number>();
    this.#core.u32.subarray(hist >>> 2, (hist >>> 2) + most + 1).forEach((count, owners) => {
      if (count !== 0) found.set(owners, count);
    });
    return found;
  }

  /** Owners or entries counted for a frame. */
  weight(frame: number): number {
    return this.#core.raw.frameWeight(frame) >>> 0;
  }

  /** Ends: gives the scratch back. */
  end(): void {
    this.#scratch.free();
  }

  /** What reads at `out` came to. */
  #figures(out: number, read: () => void): EntryFigures {
    const { constants, raw } = this.#core;
    this.#core.u8.fill(0, out, out + (constants.READ_BYTES as number));
    read();
    const exact = this.#rule === 'exact';
    if (exact) raw.presentSettle(out);
    const words = this.#core.u64.subarray(out >>> 3, (out >>> 3) + 12);
    return {
      share: words[0] as bigint, fraction: exact ? (words[1] as bigint) : 0n,
      pages: Number(words[2]), privatePages: Number(words[3]),
      sharedPages: Number((words[2] as bigint) - (words[3] as bigint)),
      hugePrivatePages: Number(words[5]), hugeSharedPages: Number(words[6]),
      anonShare: words[7] as bigint, fileShare: words[8] as bigint, shmemShare: words[9] as bigint,
    };
  }

  #stampColumn(): number {
    if (this.#stamps === 0) this.#stamps = this.#newStamps();
    return this.#stamps;
  }

  #newStamps(): number {
    const bytes = this.#core.framesUsed * 4;
    const at = this.#scratch.take(bytes);
    this.#core.u8.fill(0, at, at + bytes);
    return at;
  }
}

/** A shared scan of page tables, for one thread. */
export interface SharedScan {
  /** Kind of work. */ readonly kind: 'entries';
  /** Address of the records. */ readonly list: number;
  /** Number of records. */ readonly count: number;
  /** Operation. */ readonly op: number;
  /** This thread's own stamps, 0 where none are needed. */ readonly stamps: number;
}

/** Work that a thread can help with. */
export type SharedWork = SharedScan | { readonly kind: 'trees' };

/** A thread's own instance of the core, on the memory of another. */
export function helperOf(
  module: WebAssembly.Module, memory: WebAssembly.Memory,
): (work: SharedWork) => void {
  const { raw } = instantiateCore(module, memory);
  return (work) => {
    try {
      checkDone(work.kind === 'trees'
        ? raw.passHelp() : raw.presentHelp(work.list, work.count, work.op, work.stamps));
    } catch (error) {
      raw.giveUp();
      throw error;
    }
  };
}

