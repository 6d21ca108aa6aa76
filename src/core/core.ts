/**
 * The one door to Wasm: a simulated system's pages, page lists, address spaces and faults.
 *
 * A result below 0 is a `zx_status_t`, and then nothing has changed. Callers above check arguments
 * (rights, alignment, ranges); the core checks memory.
 */
import type { AspaceRef, CoreOptions, FrameKinds, MappingRef, VmoRef } from './refs.js';
import { CALL_PAGES } from './memory.js';
import { CoreQueued } from './queued.js';
import { XFER_BYTES } from './vmos.js';
import { coreModule } from './wasm.js';

export * from './refs.js';
export { hasCoreBuild } from './wasm.js';

const NO_MEMORY = -4;
const WASM_PAGE_BYTES = 65536;

/** What the numbers of the audit (assembly/audit.ts) stand for. */
const AUDIT_NAMES: Readonly<Record<number, string>> = {
  1: 'pages by state', 2: 'node references', 3: 'frame references', 4: 'may-be-shared mask',
  5: 'subtree count', 6: 'page-table entry', 7: 'key outside the VMO', 8: 'index of mappings',
  9: 'frame of a run', 10: 'dirty pages', 11: 'compressed page', 12: 'page queue',
  14: 'loan',
  13: 'ring of a family', 16: 'writable entry', 17: 'present entries',
  18: 'page table', 19: 'look-aside buffer', 20: 'pins', 21: 'contents',
  22: 'references of a VMO', 23: 'mapping', 24: 'last path', 25: 'mapping found last',
};

/** A simulated system's memory. */
export class Core extends CoreQueued {
  /** Pages that accesses of programs had to fault for, ever; neighbours mapped along are none. */
  pageFaults = 0;

  /**
   * Is told when an operation was refused for want of memory.
   *
   * @internal
   */
  onNoMemory: (() => void) | undefined;

  /** An empty system, or NO_MEMORY (-4) when its frames do not fit into the host memory allowed. */
  static create(options: CoreOptions): Core | typeof NO_MEMORY {
    const core = new Core(options, coreModule(options.variant ?? 'release'));
    const status = core.raw.boot(options.physicalPages, core.hostBytesMax / WASM_PAGE_BYTES);
    return status < 0 ? NO_MEMORY : core;
  }

  /** An empty address space. */
  aspaceCreate(): AspaceRef | number {
    return this.raw.aspaceCreate();
  }

  /** Unmaps everything and forgets the address space. */
  aspaceDestroy(aspace: AspaceRef): void {
    this.raw.aspaceDestroy(aspace);
    this.settleReleases();
  }

  /** Maps pages of a VMO; the caller has checked for overlap. */
  map(
    aspace: AspaceRef, vmo: VmoRef, basePages: number, lengthPages: number, offsetPages: number,
      perms: number,
  ): MappingRef | number {
    return this.raw.map(aspace, vmo, basePages, lengthPages, offsetPages, perms);
  }

  /** Removes a mapping and its page-table entries. */
  unmap(mapping: MappingRef): void {
    this.raw.unmap(mapping);
    this.settleReleases();
  }

  /** Takes pages out of a mapping: the mapping behind the gap, 0, or NO_MEMORY. */
  unmapRange(mapping: MappingRef, firstPage: number, pages: number): MappingRef | number {
    const second = this.raw.unmapRange(mapping, firstPage, pages);
    this.settleReleases();
    return second;
  }

  /** Makes sure of so many more mappings in an address space, by maps or splits. 0 or NO_MEMORY. */
  reserveMappings(aspace: AspaceRef, count: number): number {
    return this.raw.reserveMappings(aspace, count);
  }

  /** Splits a mapping in two: the second one, or NO_MEMORY. */
  splitMapping(mapping: MappingRef, atPage: number): MappingRef | number {
    return this.raw.splitMapping(mapping, atPage);
  }

  /**
   * Makes one mapping of two neighbours that show consecutive pages of one VMO and allow the same;
   * the first one stays.
   */
  mergeMappings(first: MappingRef, second: MappingRef): void {
    this.raw.mergeMappings(first, second);
  }

  /** Mappings that show pages of a range of a VMO, by first page. */
  vmoMappings(vmo: VmoRef, page: number, pages: number): MappingRef[] {
    const room = XFER_BYTES / 4;
    const found = this.raw.vmoMappings(vmo, page, pages, this.word('H_XFER'), 0);
    const bytes = found * 4;
    const at = found <= room ? this.word('H_XFER') : this.raw.scratchAlloc(bytes) >>> 0;
    if (at === 0) throw new RangeError(`no host memory to list ${found} mappings`);
    this.raw.vmoMappings(vmo, page, pages, at, found);
    const list = Array.from(this.u32.subarray(at >>> 2, (at >>> 2) + found)) as MappingRef[];
    if (found > room) this.raw.scratchFree(at, bytes);
    return list;
  }

  /** New permissions (READ 1, WRITE 2, EXECUTE 4) for a whole mapping. */
  setPerms(mapping: MappingRef, perms: number): void {
    this.raw.setPerms(mapping, perms);
  }

  /**
   * Touches pages: how many, or the status of the first fault that fails, and then none is touched.
   */
  faultRange(aspace: AspaceRef, page: number, pages: number, access: number): number {
    const { raw } = this;
    if (pages <= CALL_PAGES) {
      const faults = pages === 1
        ? raw.fault(aspace, page, access) : raw.faultSpan(aspace, page, pages, access);
      if (faults < 0) return faults;
      this.pageFaults += faults;
      return pages;
    }
    const status = raw.faultPrepare(aspace, page, pages, access);
    if (status < 0) return status;
    for (let at = 0; at < pages; at += CALL_PAGES) {
      this.pageFaults += raw.faultRun(aspace, page + at, Math.min(CALL_PAGES, pages - at), access);
    }
    return pages;
  }

  /**
   * Touches ranges of `pages` pages from each of some first pages on, each a fault of its own.
   *
   * @returns how many ranges were touched, and the status of the next one if it failed (else 0)
   */
  faultEach(
    aspace: AspaceRef, firstPages: Float64Array, pages: number, access: number,
  ): {
    /** Ranges touched. */ done: number;
    /** 0, or why the next one was not. */ status: number;
  } {
    const room = XFER_BYTES / 8;
    const xfer = this.word('H_XFER');
    for (let at = 0; at < firstPages.length; at += room) {
      const part = firstPages.subarray(at, at + room);
      this.f64.set(part, xfer >>> 3);
      const done = this.raw.faultList(aspace, xfer, part.length, pages, access);
      if (done === part.length) continue;
      const status = this.u32[(this.constants.H_OUT as number) >>> 2] as number;
      return { done: at + done, status: status | 0 };
    }
    return { done: firstPages.length, status: 0 };
  }

  /** Entries for the pages of a mapped range that are there; no page is committed. 0, NO_MEMORY. */
  mapPresent(aspace: AspaceRef, page: number, pages: number): number {
    const status = this.raw.presentPrepare(aspace, page, pages);
    return status < 0 ? status : this.#mapPrepared(aspace, page, pages);
  }

  #mapPrepared(aspace: AspaceRef, page: number, pages: number): 0 {
    for (let at = 0; at < pages; at += CALL_PAGES) {
      this.raw.presentRun(aspace, page + at, Math.min(CALL_PAGES, pages - at));
    }
    return 0;
  }

  /**
   * Commits the pages of a range, all of which is mapped, and makes their entries; what the
   * mappings allow is not asked. All or nothing: 0, or NO_MEMORY.
   */
  commitMapped(aspace: AspaceRef, page: number, pages: number): number {
    const status = this.raw.commitPrepare(aspace, page, pages);
    if (status < 0) return status;
    for (let at = 0; at < pages; at += CALL_PAGES) {
      this.raw.commitMapped(aspace, page + at, Math.min(CALL_PAGES, pages - at));
    }
    return this.#mapPrepared(aspace, page, pages);
  }

  /**
   * Makes sure that zeroing or decommitting the parts of a mapped range, one after the other, finds
   * the memory it takes, where `kept` runs of pinned pages stay. 0 or NO_MEMORY.
   */
  prepareZero(aspace: AspaceRef, page: number, pages: number, kept: number): number {
    return this.raw.zeroPrepare(aspace, page, pages, kept);
  }

  /** Page-table pages of an address space. */
  aspaceTablePages(aspace: AspaceRef): number {
    return this.raw.aspaceTables(aspace);
  }

  /** Present entries of an address space. */
  aspacePresentPages(aspace: AspaceRef): number {
    return this.raw.aspacePresent(aspace);
  }

  /**
   * Leaf entry of a page: frame << 5 | dirty 16, accessed 8, execute 4, write 2, present 1; 0 =
   * absent.
   */
  entry(aspace: AspaceRef, page: number): number {
    return this.raw.entry(aspace, page) >>> 0;
  }

  /** Frame that an address leads to, 0 for none or the zero page. */
  translate(aspace: AspaceRef, page: number): number {
    return this.entry(aspace, page) >>> 5;
  }

  /** Builders: takes free frames that follow one another; the first one's number, or NO_MEMORY. */
  framesCreate(count: number): number {
    return this.raw.framesCreate(count);
  }

  /** Builders: says what a frame is. */
  frameSetKinds(frame: number, kinds: FrameKinds): void {
    const { constants } = this;
    let flags = 0;
    if (kinds.hugetlb) flags |= constants.B_HUGETLB as number;
    if (kinds.anonymous) flags |= constants.B_ANON as number;
    if (kinds.sharedMemory) flags |= constants.B_SHMEM as number;
    if (kinds.outside) flags |= constants.B_OUTSIDE as number;
    this.raw.frameFlag(frame, flags);
  }

  /**
   * Builders: puts frames into a VMO's list from `page` on; 0 leaves a page as it is. `alias`: the
   * frames stand in another list at another key. 0 or NO_MEMORY.
   */
  vmoInsertFrames(vmo: VmoRef, page: number, frames: Uint32Array, alias: boolean): number {
    return this.send(frames, (at, list, n) => this.raw.vmoInsert(vmo, page + at, list, n, alias
      ? 1 : 0));
  }

  /** Builders: writes page-table entries; 0 is the zero page, 0xffffffff none. 0 or NO_MEMORY. */
  ptesInstall(mapping: MappingRef, page: number, frames: Uint32Array, writable: boolean): number {
    const flag = writable ? 1 : 0;
    return this.send(frames, (at, list, n) => this.raw.entriesInstall(mapping, page
      + at, list, n, flag));
  }

  /** Hands words over through the transfer buffer, as many at a time as it holds. */
  private send(words: Uint32Array, call: (at: number, list: number, n: number) => number): number {
    const xfer = this.word('H_XFER');
    const room = XFER_BYTES / 4;
    for (let at = 0; at < words.length; at += room) {
      const part = words.subarray(at, at + room);
      this.u32.set(part, xfer >>> 2);
      const status = call(at, xfer, part.length);
      if (status < 0) return status;
    }
    return 0;
  }

  /** Digest of all that a program can see, as 16 hex digits. */
  digest(): string {
    this.raw.digest();
    return (this.u64[(this.constants.H_OUT as number) >>> 3] as bigint).toString(16).padStart(16,
      '0');
  }

  /** Checks the core's invariants; an empty list when all hold. */
  audit(): string[] {
    const found = this.raw.audit();
    if (found === 0) return [];
    if (found === NO_MEMORY) return ['audit: no host memory to look with'];
    const at = (this.constants.H_OUT as number) >>> 2;
    const [culprit, got, expected] = this.u32.subarray(at, at + 3);
    return [`${AUDIT_NAMES[found] ?? 'audit'}: ${culprit} has ${got}, expected ${expected}`];
  }
}
