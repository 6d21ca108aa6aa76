/**
 * The one door to Wasm: a simulated system's pages, page lists, address spaces and faults.
 *
 * A ref (`VmoRef`, `AspaceRef`, `MappingRef`) is a record's place in the core's memory; 0 is none.
 * A result below 0 is a `zx_status_t`, and then nothing has changed. Callers above check arguments
 * (rights, alignment, ranges); the core checks memory.
 *
 * I1. Every range operation reserves before it changes anything, then works in calls of at most
 *     65,536 pages: V8 never replaces a running Wasm function, so a long first call would stay in
 *     unoptimised code.
 */
import { coreModule, instantiateCore } from './wasm.js';
import type { CoreVariant, RawConstants, RawExports } from './wasm.js';

declare const brand: unique symbol;
/** A number that names one kind of record. */
export type Ref<Kind extends string> = number & { readonly [brand]: Kind };
/** A VMO's page tree. */
export type VmoRef = Ref<'vmo'>;
/** An address space. */
export type AspaceRef = Ref<'aspace'>;
/** A mapping. */
export type MappingRef = Ref<'mapping'>;

/** Kinds of page tree: what a fault on an absent page means. */
export const CoreVmoKind = { ANONYMOUS: 0, PHYSICAL: 1, FILE: 2 } as const;

/** Page states as Zircon names them (`vm_page_state`). */
export const FrameState = {
  FREE: 0, ALLOC: 1, WIRED: 2, HEAP: 3, OBJECT: 4, MMU: 5, IOMMU: 6, IPC: 7, CACHE: 8, SLAB: 9,
    ZRAM: 10,
  LOANED: 11,
} as const;

/** What a core is made with. */
export interface CoreOptions {
  /** Physical pages of 4 KiB, 1 to 2^26 - 1. */
  readonly physicalPages: number;
  /** Host memory it may use, bytes; default and most: 4 GiB. */
  readonly hostBytesMax?: number;
  /** Build of the core; default `release`. */
  readonly variant?: CoreVariant;
}

/** What the core knows of a frame. */
export interface FrameInfo {
  /** {@link FrameState}. */ readonly state: number;
  /** Page-list slots that hold it. */ readonly references: number;
  /** Pins. */ readonly pins: number;
  /** Whether it has bytes of its own. */ readonly hasContent: boolean;
}

/** What a frame of a recorded system is; the kernel's figures tell these apart. */
export interface FrameKinds {
  /** hugetlbfs: in no Rss. */ readonly hugetlb?: boolean;
  /** Anonymous memory. */ readonly anonymous?: boolean;
  /** Shared memory. */ readonly sharedMemory?: boolean;
}

const CALL_PAGES = 65536;
const RELEASE_NODES = 4096;
const XFER_BYTES = 65536;
const NO_MEMORY = -4;
const WASM_PAGE_BYTES = 65536;
const WASM_PAGES_MAX = 65536;
const FIRST_WASM_PAGES = 16;

/** A simulated system's memory. */
export class Core {
  /** The shared memory that holds all state. */
  readonly memory: WebAssembly.Memory;
  /** The compiled module, for workers. */
  readonly module: WebAssembly.Module;
  /** Raw exports, for hot loops. */
  readonly raw: RawExports;
  /** Layout numbers. */
  readonly constants: RawConstants;
  /** Physical pages of the system. */
  readonly physicalPages: number;
  #u8: Uint8Array;
  #u32: Uint32Array;
  #f64: Float64Array;
  #u64: BigUint64Array;

  private constructor(options: CoreOptions, module: WebAssembly.Module) {
    const most =
      Math.min(WASM_PAGES_MAX, Math.floor((options.hostBytesMax ?? 2 ** 32) / WASM_PAGE_BYTES));
    this.memory = new WebAssembly.Memory({
      initial: FIRST_WASM_PAGES, maximum: WASM_PAGES_MAX, shared: true,
    });
    this.module = module;
    const { raw, constants } = instantiateCore(module, this.memory);
    this.raw = raw;
    this.constants = constants;
    this.physicalPages = options.physicalPages;
    this.hostBytesMax = most * WASM_PAGE_BYTES;
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
    this.#u64 = new BigUint64Array(this.memory.buffer);
  }

  /** Host memory this core may use, bytes. */
  readonly hostBytesMax: number;

  /** An empty system, or NO_MEMORY (-4) when its frames do not fit into the host memory allowed. */
  static create(options: CoreOptions): Core | typeof NO_MEMORY {
    const core = new Core(options, coreModule(options.variant ?? 'release'));
    const status = core.raw.boot(options.physicalPages, core.hostBytesMax / WASM_PAGE_BYTES);
    return status < 0 ? NO_MEMORY : core;
  }

  /** Bytes of the whole memory; made anew after it has grown. */
  get u8(): Uint8Array {
    if (this.#u8.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#u8;
  }

  /** 32-bit words of the whole memory. */
  get u32(): Uint32Array {
    if (this.#u32.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#u32;
  }

  /** Doubles of the whole memory. */
  get f64(): Float64Array {
    if (this.#f64.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#f64;
  }

  /** 64-bit words of the whole memory. */
  get u64(): BigUint64Array {
    if (this.#u64.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#u64;
  }

  #renew(): void {
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
    this.#u64 = new BigUint64Array(this.memory.buffer);
  }

  #word(name: string): number {
    return this.u32[(this.constants[name] as number) >>> 2] as number;
  }

  /** Free pages. */
  get freePages(): number {
    return this.pagesInState(FrameState.FREE);
  }

  /** Pages in a {@link FrameState}. */
  pagesInState(state: number): number {
    return this.u32[((this.constants.H_STATES as number) >>> 2) + state] as number;
  }

  /** Frames that were ever in use, the zero page included: no higher number stands anywhere. */
  get framesUsed(): number {
    return this.#word('H_FRAME_BUMP');
  }

  /** Host bytes in use: the core's memory up to its mark. */
  get hostBytesUsed(): number {
    return this.#word('H_BRK') * WASM_PAGE_BYTES;
  }

  /** Host bytes that can still be had. */
  get hostBytesLeft(): number {
    return this.hostBytesMax - this.hostBytesUsed;
  }

  /** Moves free pages to a state that keeps no identity (wired, heap, ipc). 0 or NO_MEMORY. */
  allocStatePages(state: number, pages: number): number {
    return this.raw.takeFrames(state, pages);
  }

  /** Gives such pages back. */
  freeStatePages(state: number, pages: number): void {
    this.raw.giveFrames(state, pages);
  }

  #release(): void {
    while (this.raw.releaseStep(RELEASE_NODES) !== 0);
  }

  /** A VMO without pages. */
  vmoCreate(kind: number, sizePages: number): VmoRef | number {
    return this.raw.vmoCreate(kind, sizePages);
  }

  /** SNAPSHOT child of a window; zeros past the parent for ever. */
  vmoSnapshot(parent: VmoRef, offsetPages: number, sizePages: number): VmoRef | number {
    return this.raw.vmoSnapshot(parent, offsetPages, sizePages);
  }

  /** Unidirectional clone: pages it has not written follow the parent. */
  vmoLiveChild(parent: VmoRef, offsetPages: number, sizePages: number): VmoRef | number {
    return this.raw.vmoLiveChild(parent, offsetPages, sizePages);
  }

  /** Drops the object's reference; mappings and live children hold their own. */
  vmoRelease(vmo: VmoRef): void {
    this.raw.vmoDrop(vmo);
    this.#release();
  }

  /** Size in pages. */
  vmoSizePages(vmo: VmoRef): number {
    return this.raw.vmoSizePages(vmo);
  }

  /**
   * Changes the size; pages past the new end are freed and unmapped. 0, NO_MEMORY, OUT_OF_RANGE.
   */
  vmoResize(vmo: VmoRef, sizePages: number): number {
    const status = this.raw.vmoResize(vmo, sizePages);
    this.#release();
    return status;
  }

  /** Gives a range pages of its own (allocates, forks). 0 or NO_MEMORY. */
  vmoCommit(vmo: VmoRef, page: number, pages: number): number {
    const status = this.raw.vmoReserve(vmo, page, pages);
    if (status < 0) return status;
    for (let at = 0; at < pages; at += CALL_PAGES) {
      this.raw.vmoCommit(vmo, page + at, Math.min(CALL_PAGES, pages - at));
    }
    return 0;
  }

  /** Drops the pages of a range; they read as zero next. 0 or NO_MEMORY. */
  vmoDecommit(vmo: VmoRef, page: number, pages: number): number {
    return this.vmoZeroPages(vmo, page, pages);
  }

  /** Whole pages become zero without costing any. 0 or NO_MEMORY. */
  vmoZeroPages(vmo: VmoRef, page: number, pages: number): number {
    const status = this.raw.vmoZero(vmo, page, pages);
    this.#release();
    return status;
  }

  /**
   * Zeroes bytes: whole pages go, partial ones are written only where there is a page. 0 or
   * NO_MEMORY.
   */
  vmoZeroBytes(vmo: VmoRef, byteOffset: number, byteLength: number): number {
    const end = byteOffset + byteLength;
    const first = Math.ceil(byteOffset / 4096);
    const last = Math.floor(end / 4096);
    if (first > last) return this.raw.vmoZeroInPage(vmo, byteOffset, byteLength);
    if (byteOffset < first * 4096 && end > last * 4096) {
      const status = this.raw.vmoReservePair(vmo, byteOffset, end - 1);
      if (status < 0) return status;
    }
    if (byteOffset < first * 4096) {
      const status = this.raw.vmoZeroInPage(vmo, byteOffset, first * 4096 - byteOffset);
      if (status < 0) return status;
    }
    if (end > last * 4096) {
      const status = this.raw.vmoZeroInPage(vmo, last * 4096, end - last * 4096);
      if (status < 0) return status;
    }
    return first < last ? this.vmoZeroPages(vmo, first, last - first) : 0;
  }

  /** Pages in a range of its own list. */
  vmoCommittedPages(vmo: VmoRef, page: number, pages: number): number {
    return this.raw.vmoOwnPages(vmo, page, pages);
  }

  /** Frame seen at a page, through live parents; 0 for none. */
  vmoFrame(vmo: VmoRef, page: number): number {
    return this.raw.vmoFrame(vmo, page);
  }

  /** Copies bytes out. The range lies inside the VMO. */
  vmoRead(vmo: VmoRef, byteOffset: number, out: Uint8Array): number {
    const xfer = this.#word('H_XFER');
    for (let at = 0; at < out.length; at += XFER_BYTES) {
      const n = Math.min(XFER_BYTES, out.length - at);
      this.raw.vmoRead(vmo, byteOffset + at, n);
      out.set(this.u8.subarray(xfer, xfer + n), at);
    }
    return 0;
  }

  /** Writes bytes, making pages the VMO's own. All or nothing. 0 or NO_MEMORY. */
  vmoWrite(vmo: VmoRef, byteOffset: number, data: Uint8Array): number {
    const status = this.raw.vmoPrepareWrite(vmo, byteOffset, data.length);
    if (status < 0) return status;
    const xfer = this.#word('H_XFER');
    for (let at = 0; at < data.length; at += XFER_BYTES) {
      const n = Math.min(XFER_BYTES, data.length - at);
      this.u8.set(data.subarray(at, at + n), xfer);
      this.raw.vmoWrite(vmo, byteOffset + at, n);
    }
    return 0;
  }

  /** Pins pages (commits and forks them). 0, NO_MEMORY, UNAVAILABLE. */
  vmoPin(vmo: VmoRef, page: number, pages: number): number {
    return this.raw.vmoPin(vmo, page, pages);
  }

  /** Takes a pin back. */
  vmoUnpin(vmo: VmoRef, page: number, pages: number): void {
    this.raw.vmoUnpin(vmo, page, pages);
  }

  /** State, references, pins of a frame. */
  frameInfo(frame: number): FrameInfo {
    this.raw.frameInfo(frame);
    const at = (this.constants.H_OUT as number) >>> 2;
    const words = this.u32;
    return {
      state: words[at] as number, references: words[at + 1] as number, pins: words[at
        + 2] as number,
      hasContent: words[at + 3] !== 0,
    };
  }

  /** An empty address space. */
  aspaceCreate(): AspaceRef | number {
    return this.raw.aspaceCreate();
  }

  /** Unmaps everything and forgets the address space. */
  aspaceDestroy(aspace: AspaceRef): void {
    this.raw.aspaceDestroy(aspace);
    this.#release();
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
    this.#release();
  }

  /** Takes pages out of a mapping: the mapping behind the gap, 0, or NO_MEMORY. */
  unmapRange(mapping: MappingRef, firstPage: number, pages: number): MappingRef | number {
    const second = this.raw.unmapRange(mapping, firstPage, pages);
    this.#release();
    return second;
  }

  /** Splits a mapping in two: the second one, or NO_MEMORY. */
  splitMapping(mapping: MappingRef, atPage: number): MappingRef | number {
    return this.raw.splitMapping(mapping, atPage);
  }

  /** New permissions (READ 1, WRITE 2, EXECUTE 4) for a whole mapping. */
  setPerms(mapping: MappingRef, perms: number): void {
    this.raw.setPerms(mapping, perms);
  }

  /**
   * Touches pages: how many, or the status of the first fault that fails, and then none is touched.
   */
  faultRange(aspace: AspaceRef, page: number, pages: number, access: number): number {
    if (pages === 1) {
      const status = this.raw.fault(aspace, page, access);
      return status < 0 ? status : 1;
    }
    const status = this.raw.faultPrepare(aspace, page, pages, access);
    if (status < 0) return status;
    for (let at = 0; at < pages; at += CALL_PAGES) {
      this.raw.faultRun(aspace, page + at, Math.min(CALL_PAGES, pages - at), access);
    }
    return pages;
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

  /** Heap bytes of a VMO: its record and the nodes that it alone holds; 0 before the first page. */
  vmoMetadataBytes(vmo: VmoRef): number {
    return this.raw.vmoMetadataBytes(vmo);
  }

  /**
   * Pages from page 0 on that look through to the live parent where the VMO's own list is silent.
   */
  vmoLivePages(vmo: VmoRef): number {
    return this.raw.vmoLivePages(vmo);
  }

  /** Pages from the first page of `relative` to this VMO's first one, in one key space. */
  vmoOffsetIn(vmo: VmoRef, relative: VmoRef): number {
    return this.raw.vmoOffsetIn(vmo, relative);
  }

  /** Number of the family: trees that descend from one VMO share it. */
  vmoFamily(vmo: VmoRef): number {
    return this.raw.vmoFamily(vmo);
  }

  /** Runs of pages where a VMO's own list says something: pairs of first page and length. */
  vmoRuns(vmo: VmoRef, page: number, pages: number): Float64Array {
    let room = XFER_BYTES / 16;
    const xfer = this.#word('H_XFER');
    const found = this.raw.vmoRuns(vmo, page, pages, xfer, room);
    if (found <= room) return this.f64.slice(xfer >>> 3, (xfer >>> 3) + found * 2);
    room = found;
    const at = this.raw.scratchAlloc(room * 16) >>> 0;
    if (at === 0) throw new RangeError(`no host memory to list ${found} runs`);
    this.raw.vmoRuns(vmo, page, pages, at, room);
    const runs = this.f64.slice(at >>> 3, (at >>> 3) + found * 2);
    this.raw.scratchFree(at, room * 16);
    return runs;
  }

  /** What a frame of a recorded system is. */
  frameKinds(frame: number): FrameKinds {
    const b = this.u32[(this.#word('H_FRAME_B') >>> 2) + frame] as number;
    const has = (flag: string): boolean => (b & (this.constants[flag] as number)) !== 0;
    return { hugetlb: has('B_HUGETLB'), anonymous: has('B_ANON'), sharedMemory: has('B_SHMEM') };
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
    this.raw.frameFlag(frame, flags);
  }

  /**
   * Builders: puts frames into a VMO's list from `page` on; 0 leaves a page as it is. `alias`: the
   * frames stand in another list at another key. 0 or NO_MEMORY.
   */
  vmoInsertFrames(vmo: VmoRef, page: number, frames: Uint32Array, alias: boolean): number {
    return this.#send(frames, (at, list, n) => this.raw.vmoInsert(vmo, page + at, list, n, alias
      ? 1 : 0));
  }

  /** Builders: writes page-table entries; 0 is the zero page, 0xffffffff none. 0 or NO_MEMORY. */
  ptesInstall(mapping: MappingRef, page: number, frames: Uint32Array, writable: boolean): number {
    const flag = writable ? 1 : 0;
    return this.#send(frames, (at, list, n) => this.raw.entriesInstall(mapping, page
      + at, list, n, flag));
  }

  /** Hands words over through the transfer buffer, as many at a time as it holds. */
  #send(words: Uint32Array, call: (at: number, list: number, n: number) => number): number {
    const xfer = this.#word('H_XFER');
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
    const at = (this.constants.H_OUT as number) >>> 2;
    const names =
      ['', 'pages by state', 'node references', 'frame references', 'may-be-shared mask',
      'subtree count', 'page-table entry', 'key outside the VMO'];
    const [culprit, got, expected] = this.u32.subarray(at, at + 3);
    return [`${names[found] ?? 'audit'}: ${culprit} has ${got}, expected ${expected}`];
  }
}
