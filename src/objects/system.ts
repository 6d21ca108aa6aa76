/**
 * A simulated system: the core, the objects that stand on it, and the rule that nothing changes
 * while an accounting pass reads it.
 *
 * I1. `busy` counts the passes under way. While it is above 0 every call that would change the
 *     system fails with ZX_ERR_SHOULD_WAIT: `assertNotBusy` is the one place that says so.
 * I2. Koids rise from 1024; the root job takes the first, unless a builder names another.
 */

import { Core, CoreVmoKind, FrameState, hasCoreBuild, type CoreOptions } from '../core/core.js';
import { Ageing } from './ageing.js';
import type { AddressSpace } from './aspace.js';
import { SystemCounters } from './counters.js';
import { fail } from './errors.js';
import type { FaultObserver, FaultRecord } from './faults.js';
import type { KernelMemory, VmoFigures, VmoPart } from './info.js';
import { HandleArena } from './handle-arena.js';
import { Job } from './job.js';
import { JobObject } from './job-object.js';
import { buildKernelAspace, type KernelPlan } from './kernel-aspace.js';
import { HANDLE_BYTES, IMAGE_HEAP_BYTES, KernelHeap } from './kernel-heap.js';
import { kernelMemory } from './kernel-memory.js';
import { loanCounts, type LoanCounts } from './loan-counts.js';
import { FIRST_USER_KOID, KoidAllocator } from './koid.js';
import { checkNames, OBJECT_BYTES, ObjectType, type NameOptions } from './object.js';
import { PageQueues } from './page-queues.js';
import type { PageTree, TreeHome } from './page-tree.js';
import { PagerObject } from './pager-object.js';
import type { PagerHandler } from './pager-options.js';
import { Pager } from './pager.js';
import type { Aslr } from './randomise.js';
import { SystemClock } from './clock.js';
import { Reclaim, type EvictOptions } from './reclaim.js';
import { DefaultRights } from './rights.js';
import { MemoryScanner } from './scanner.js';
import { checkCoreOptions, systemSettings, type SystemOptions } from './system-options.js';
import {
  isPageAligned, MAX_VMO_SIZE_BYTES, MAX_VMO_SIZE_PAGES, PAGE_BYTES,  refuse,
  toBits, toCount, toOptions, toU64, vmoSizePages, type Bytes,
} from './units.js';
import type { Vmo } from './vmo.js';
import { ObjectMaker } from './object-create.js';
import { ObjectSource } from './object-source.js';
import { MemoryWatchdog } from './watchdog.js';
import { makeVmo } from './vmo-create.js';
import type { VmoObject } from './vmo-object.js';
import { VmoOption } from './vmo-options.js';

export type { SystemOptions } from './system-options.js';

/** Use of memory by the kernel itself, as a builder states it. */
export interface KernelUse {
  /** Fixed pages: image, boot data. */ readonly wiredPages?: number;
  /** Pages of the heap. */ readonly heapPages?: number;
  /** Free bytes of the heap. */ readonly freeHeapBytes?: number;
  /** Pages of message buffers. */ readonly ipcPages?: number;
  /** Pages allocated for anything else. */ readonly otherPages?: number;
  /** Page-table pages beyond those of the simulated processes. */ readonly mmuPages?: number;
  /** Pages of device page tables. */ readonly iommuPages?: number;
  /** Pages of the caches of free pages. */ readonly cachePages?: number;
  /** Pages of slabs. */ readonly slabPages?: number;
}

/** A simulated system, without accounting: see `System` for that. */
export class KernelSystem extends ObjectSource implements TreeHome {
  /** Pages, page tables, faults. */
  readonly core: Core;
  /**
   * Gives out koids.
   *
   * @internal
   */
  readonly koids: KoidAllocator;
  /**
   * Every living VMO, oldest first.
   *
   * @internal
   */
  readonly vmos = new Set<VmoObject>();
  /**
   * Every living page tree, oldest first.
   *
   * @internal
   */
  readonly trees = new Set<PageTree>();
  /** Where each page waits, and how old it is. */
  readonly queues = new PageQueues(this);
  /**
   * What time does to pages by itself.
   *
   * @internal
   */
  readonly ageing: Ageing;
  /** What happened since the system began. */
  readonly counters: SystemCounters;
  /** How far memory is from running out, and what is done about it. */
  readonly watchdog: MemoryWatchdog;
  /** What is taken back when memory is short. */
  readonly reclaim = new Reclaim(this);
  /** What looks for pages to take while nothing else is done. */
  readonly scanner = new MemoryScanner(this);
  /** The root job. */
  readonly rootJob: Job;
  /** Longest name in bytes of UTF-8. */
  readonly nameLimitBytes: number;
  /** First user address of new processes. */
  readonly userBase: bigint;
  /** Bytes of a new process's address space. */
  readonly userSize: bigint;
  /** First address behind all that a program may use. */
  readonly userEnd: bigint;
  /** How addresses are chosen; undefined: the lowest gap that fits. */
  readonly aslr: Aslr | undefined;
  /** Whether debugging calls are allowed. */
  readonly debugSyscalls: boolean;
  /**
   * Whether decommitting pages of contiguous VMOs lends them out, and pages that pagers supply
   * stand in what is lent; else the first is refused, and the second not done.
   */
  pageLoaning: boolean;
  /**
   * What a pass finds about ranges of VMOs; set by who runs passes, for `getInfo`.
   *
   * @internal
   */
  figures: ((parts: readonly VmoPart[]) => readonly VmoFigures[]) | undefined;
  /**
   * The kernel's heap, beside what a builder stated.
   *
   * @internal
   */
  readonly heap: KernelHeap;
  /**
   * Buffers of messages that wait to be read, beside what a builder stated.
   *
   * @internal
   */
  readonly messages: KernelHeap;
  /**
   * What all handles stand in: of processes, of the host program, in messages.
   *
   * @internal
   */
  readonly handleArena = new HandleArena();
  /** Processes that live. @internal */
  runningProcesses = 0;
  #statedFreeHeapBytes = 0;
  #kernelAspace: AddressSpace | undefined;
  readonly #maker = new ObjectMaker(this);
  /** Its own time, which {@link KernelSystem.advance} lets pass. */
  readonly clock = new SystemClock((nowNs) => { this.ageing.passTime(nowNs); });
  #busy = 0;
  readonly #faultObservers = new Set<FaultObserver>();

  /**
   * @param core - a core that nobody else uses
   * @param options - names, koids, the user's address range
   */
  constructor(core: Core, options: SystemOptions = {}) {
    super();
    const settings = systemSettings(options);
    this.core = core;
    this.counters = new SystemCounters(core);
    const counted = settings.countKernelMemory;
    this.heap = new KernelHeap(core, FrameState.HEAP, IMAGE_HEAP_BYTES, counted);
    this.messages = new KernelHeap(core, FrameState.IPC, 0, counted);
    this.koids = new KoidAllocator(settings.firstKoid ?? FIRST_USER_KOID);
    this.nameLimitBytes = settings.nameLimitBytes;
    this.userBase = settings.userBase;
    this.userSize = settings.userSize;
    this.userEnd = settings.userEnd;
    this.aslr = settings.aslr;
    this.debugSyscalls = settings.debugSyscalls;
    this.pageLoaning = settings.pageLoaning;
    this.ageing = new Ageing(this, settings.ageing);
    this.watchdog = new MemoryWatchdog(this, settings.pressure);
    core.onNoMemory = () => { this.watchdog.noteRefusal(); };
    const { rootJobName: name, rootJobKoid: koid } = settings;
    const root = new JobObject(this, undefined, koid === undefined ? { name } : { name, koid });
    this.rootJob = new Job(root, DefaultRights.JOB);
  }

  /**
   * An empty core for a system of so many physical pages.
   *
   * @throws ZxError ZX_ERR_INVALID_ARGS for impossible options, ZX_ERR_NO_MEMORY if the host memory
   *     allowed cannot hold its frames, ZX_ERR_NOT_SUPPORTED for a build of the core that is not
   *     there
   */
  static createCore(options: CoreOptions): Core {
    checkCoreOptions(options);
    const { variant } = options;
    if (variant === 'debug' && !hasCoreBuild(variant)) {
      fail('ZX_ERR_NOT_SUPPORTED', `build ${variant} of the core: only a checkout has it`, {
        variant,
      });
    }
    const core = Core.create(options);
    if (typeof core !== 'number') return core;
    const { physicalPages, hostBytesMax = 2 ** 32 } = options;
    return fail(
      'ZX_ERR_NO_MEMORY',
      `${physicalPages} physical pages do not fit into ${hostBytesMax} bytes of host memory`,
      { physicalPages, hostBytesMax },
    );
  }

  /**
   * Observes faults: accesses of programs (`process.touch`, `read`, `write`) that fail.
   *
   * @param observer - called for each, before the call throws; changes to the system are allowed
   * @returns ends the observation
   */
  onFault(observer: FaultObserver): () => void {
    if (typeof observer !== 'function') refuse(observer, 'observer', 'a function');
    const own: FaultObserver = (fault) => { observer(fault); };
    this.#faultObservers.add(own);
    return () => { this.#faultObservers.delete(own); };
  }

  /**
   * Tells the observers.
   *
   * @internal
   */
  reportFault(fault: FaultRecord): void {
    this.counters.failedFaults += 1;
    for (const observer of [...this.#faultObservers]) observer(fault);
  }

  /** Physical memory in bytes. */
  get memoryBytes(): number {
    return this.core.physicalPages * PAGE_BYTES;
  }

  /** Pages that contiguous VMOs have lent out, and who uses them. */
  get loans(): LoanCounts {
    return loanCounts(this.core);
  }

  protected override get maker(): ObjectMaker {
    return this.#maker;
  }

  /** Whether an accounting pass is under way. */
  get busy(): boolean {
    return this.#busy > 0;
  }

  /**
   * Begins a pass: from here on nothing changes.
   *
   * @internal
   */
  beginPass(): void {
    this.#busy += 1;
  }

  /**
   * Ends a pass.
   *
   * @internal
   */
  endPass(): void {
    this.#busy -= 1;
  }

  /**
   * Refuses a change while a pass runs.
   *
   * @internal
   */
  assertNotBusy(): void {
    if (this.#busy > 0) {
      fail('ZX_ERR_SHOULD_WAIT', 'an accounting pass is under way: await it first', {
        passes: this.#busy,
      });
    }
    this.watchdog.beforeCall();
  }

  /**
   * Makes an anonymous VMO (`zx_vmo_create`).
   *
   * @param size - bytes, rounded up to a page; zero is legal
   * @param options - bits of `VmoOption`: RESIZABLE or UNBOUNDED, and DISCARDABLE
   * @param names - a builder's name and koid
   * @throws ZxError ZX_ERR_INVALID_ARGS for other bits or both, ZX_ERR_OUT_OF_RANGE above
   *     0xfffffffffffc0000 bytes
   */
  createVmo(size: Bytes, options = 0, names: NameOptions = {}): Vmo {
    this.assertNotBusy();
    this.counters.calls += 1;
    toBits(options, 'options');
    const known = VmoOption.RESIZABLE | VmoOption.DISCARDABLE | VmoOption.UNBOUNDED;
    const both = VmoOption.RESIZABLE | VmoOption.UNBOUNDED;
    if ((options & ~known) !== 0 || (options & both) === both) {
      const allowed = 'RESIZABLE or UNBOUNDED, and DISCARDABLE';
      fail('ZX_ERR_INVALID_ARGS', `VMO options ${options}: allowed ${allowed}`, {
        options, allowedOptions: known,
      });
    }
    const bytes = toU64(size, 'size');
    const asked = vmoSizePages(bytes);
    const sizePages = (options & VmoOption.UNBOUNDED) !== 0 ? MAX_VMO_SIZE_PAGES : asked;
    const kind = CoreVmoKind.ANONYMOUS;
    return makeVmo(this, { kind, sizePages, streamSizeBytes: bytes, options, names });
  }

  /**
   * Makes a VMO of one run of adjacent physical pages, all there from the start
   * (`zx_vmo_create_contiguous`).
   *
   * @param size - bytes, at least 1, rounded up to a page
   * @param alignmentLog2 - the first page's address is a multiple of 2 to this; 12 to 63, 0 is 12
   * @param names - a builder's name and koid
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_OUT_OF_RANGE above 0xfffffffffffc0000 bytes,
   *     ZX_ERR_NO_MEMORY where no run is free
   */
  createContiguousVmo(size: Bytes, alignmentLog2 = 0, names: NameOptions = {}): Vmo {
    this.assertNotBusy();
    this.counters.calls += 1;
    const bytes = toU64(size, 'size');
    if (bytes === 0n) {
      fail('ZX_ERR_INVALID_ARGS', 'size 0: a contiguous VMO needs at least 1 byte', { size });
    }
    toCount(alignmentLog2, 'alignmentLog2', 0, 63);
    const log2 = alignmentLog2 === 0 ? 12 : alignmentLog2;
    if (log2 < 12) {
      fail('ZX_ERR_INVALID_ARGS', `alignment 2^${alignmentLog2}: allowed 2^12 to 2^63, or 0`, {
        alignmentLog2,
      });
    }
    return makeVmo(this, {
      kind: CoreVmoKind.CONTIGUOUS, sizePages: vmoSizePages(bytes), streamSizeBytes: bytes, names,
      alignPages: 2 ** (log2 - 12),
    });
  }

  /**
   * Makes a window on device memory (`zx_vmo_create_physical`): no pages of the PMM, uncached.
   *
   * @param address - physical address, a multiple of 4096
   * @param size - bytes, at least 1, rounded up to a page
   * @param names - a builder's name and koid
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_OUT_OF_RANGE
   */
  createPhysicalVmo(address: Bytes, size: Bytes, names: NameOptions = {}): Vmo {
    this.assertNotBusy();
    this.counters.calls += 1;
    const bytes = toU64(size, 'size');
    const sizePages = vmoSizePages(bytes);
    const start = toU64(address, 'address');
    if (sizePages === 0 || !isPageAligned(start) || start + bytes > MAX_VMO_SIZE_BYTES) {
      fail('ZX_ERR_INVALID_ARGS', `physical range ${start}+${bytes}: expected whole pages`, {
        address: start,
        size: bytes,
      });
    }
    return makeVmo(this, {
      kind: CoreVmoKind.PHYSICAL, sizePages, streamSizeBytes: bytes, names, physicalAddress: start,
    });
  }

  /**
   * Makes a file's VMO, whose pages the program or an importer supplies; clones of it follow it
   * (SNAPSHOT_AT_LEAST_ON_WRITE), as with Zircon's file systems.
   *
   * @param size - bytes, rounded up to a page
   * @param names - a builder's name and koid
   * @throws ZxError ZX_ERR_OUT_OF_RANGE
   */
  createFileVmo(size: Bytes, names: NameOptions = {}): Vmo {
    this.assertNotBusy();
    const bytes = toU64(size, 'size');
    return makeVmo(this, {
      kind: CoreVmoKind.FILE, sizePages: vmoSizePages(bytes), streamSizeBytes: bytes, names,
    });
  }

  /**
   * Makes a pager (`zx_pager_create`), which makes VMOs and fills them.
   *
   * @param handler - answers its page requests; without one the program reads them with
   *     `nextRequest`, and an access that needs an answer fails with ZX_ERR_SHOULD_WAIT
   * @param options - 0
   * @param names - a builder's name and koid
   * @throws ZxError ZX_ERR_INVALID_ARGS for options
   */
  createPager(handler?: PagerHandler, options = 0, names: NameOptions = {}): Pager {
    this.assertNotBusy();
    this.counters.calls += 1;
    if (toBits(options, 'options') !== 0) {
      fail('ZX_ERR_INVALID_ARGS', `pager options ${options}: expected 0`, { options });
    }
    if (handler !== undefined && typeof handler !== 'function') {
      refuse(handler, 'handler', 'a function');
    }
    checkNames(this, toOptions(names, 'names'));
    return this.heap.hold(OBJECT_BYTES[ObjectType.PAGER] + HANDLE_BYTES, () =>
      new Pager(new PagerObject(this, handler, names), DefaultRights.PAGER));
  }

  /**
   * Lets time pass on the system's clock: timers become due, and the kernel does what it does from
   * time to time.
   *
   * @param ns - nanoseconds, at most 2^53
   * @throws ZxError ZX_ERR_OUT_OF_RANGE for more, ZX_ERR_SHOULD_WAIT while a pass runs
   */
  advance(ns: Bytes): void {
    this.assertNotBusy();
    this.clock.advance(ns);
    this.watchdog.look();
  }

  /**
   * Takes clean, unpinned pages from a pager's VMO, as the kernel does when memory is short; the
   * pager is asked again when they are used next. Other VMOs have none.
   *
   * @param vmo - any VMO
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes
   * @param options - `ignoreHints`: also what was hinted ALWAYS_NEED
   * @returns how many pages went
   * @throws ZxError ZX_ERR_OUT_OF_RANGE, ZX_ERR_NO_MEMORY
   */
  evictPages(
    vmo: Vmo, offset: Bytes, length: Bytes, options: Pick<EvictOptions, 'ignoreHints'> = {},
  ): number {
    return this.reclaim.evictRange(vmo, offset, length, options);
  }

  /**
   * Sets aside pages for the kernel's own use, for builders; adds to what was set before.
   *
   * @throws ZxError ZX_ERR_INVALID_ARGS for what is no number of pages, ZX_ERR_NO_MEMORY; then none
   *     is set aside
   */
  addKernelUse(use: KernelUse): void {
    this.assertNotBusy();
    for (const [name, count] of Object.entries(toOptions(use))) {
      if (count !== undefined) toCount(count as number, name);
    }
    const parts: [state: number, pages: number][] = [
      [FrameState.WIRED, use.wiredPages ?? 0],
      [FrameState.HEAP, use.heapPages ?? 0],
      [FrameState.IPC, use.ipcPages ?? 0],
      [FrameState.ALLOC, use.otherPages ?? 0],
      [FrameState.MMU, use.mmuPages ?? 0],
      [FrameState.IOMMU, use.iommuPages ?? 0],
      [FrameState.CACHE, use.cachePages ?? 0],
      [FrameState.SLAB, use.slabPages ?? 0],
    ];
    const pages = parts.reduce((sum, [, count]) => sum + count, 0);
    const { freePages } = this.core;
    if (pages > freePages) {
      fail('ZX_ERR_NO_MEMORY', `the kernel asks for ${pages} pages, ${freePages} are free`, {
        pages,
        freePages,
      });
    }
    for (const [state, count] of parts) this.core.allocStatePages(state, count);
    this.#statedFreeHeapBytes += use.freeHeapBytes ?? 0;
  }

  /** Physical memory by use (ZX_INFO_KMEM_STATS, memory-semantics 6.5). */
  kernelMemory(): KernelMemory {
    return kernelMemory(this.core, this.#statedFreeHeapBytes + this.heap.freeBytes);
  }

  /**
   * Lays out the kernel's own address space, for builders: each region a VMO that no user ever
   * holds (koid 0), mapped where the plan says.
   *
   * @param plan - range and regions; none may overlap
   * @throws ZxError ZX_ERR_BAD_STATE if it was done before, ZX_ERR_INVALID_ARGS for what is no
   *     range of whole pages inside, ZX_ERR_ALREADY_EXISTS for regions that overlap,
   *     ZX_ERR_NO_MEMORY; then none of it is there
   */
  layOutKernel(plan: KernelPlan): void {
    this.assertNotBusy();
    if (this.#kernelAspace !== undefined) {
      fail('ZX_ERR_BAD_STATE', 'the kernel\'s address space was laid out before');
    }
    this.#kernelAspace = buildKernelAspace(this, plan);
  }

  /**
   * The kernel's own address space; undefined where no builder laid it out.
   *
   * @internal
   */
  get kernelAspace(): AddressSpace | undefined {
    return this.#kernelAspace;
  }
}
