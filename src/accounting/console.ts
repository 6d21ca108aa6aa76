/**
 * The kernel's console on one system: what it finds beside the tables of a pass, and the one thing
 * that it changes (`kill`).
 *
 * I1. Looking changes nothing that a program can see; nothing here waits.
 */

import { FrameState } from '../core/core.js';
import { ChannelObject } from '../objects/channel-object.js';
import { checkMemory } from '../objects/errors.js';
import type { ArenaPool } from '../objects/handle-arena.js';
import { JobObject } from '../objects/job-object.js';
import { killTask } from '../objects/kill.js';
import type { Mapping } from '../objects/mapping.js';
import type { ProcessObject } from '../objects/process-object.js';
import type { MemoryScanner } from '../objects/scanner.js';
import type { KernelSystem } from '../objects/system.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { VmoObject } from '../objects/vmo-object.js';
import type { PressureRecord } from '../objects/watchdog.js';
import { walkAspace, walkProcesses, walkTasks } from '../objects/walk.js';
import { addressBookOf } from './addresses.js';
import { type DumpSource, dumpAspace, ownMappedBytes } from './aspace-dump.js';
import type {
  ArenaPoolRow, ConsoleChannel, ConsoleHandle, ConsoleTask, DumpRow, HandleArenaRow, PagesInState,
  PhysicalPages, WatchdogState,
} from './console-types.js';
import { kmemOf } from './kmem.js';
import type { AccountTables, KmemStats } from './tables.js';

const STATE_NAMES: readonly (readonly [state: number, name: string])[] = [
  [FrameState.FREE, 'free'], [FrameState.ALLOC, 'alloc'], [FrameState.WIRED, 'wired'],
  [FrameState.HEAP, 'heap'], [FrameState.OBJECT, 'object'], [FrameState.MMU, 'mmu'],
  [FrameState.IOMMU, 'iommu'], [FrameState.IPC, 'ipc'], [FrameState.CACHE, 'cache'],
  [FrameState.SLAB, 'slab'], [FrameState.ZRAM, 'zram'],
];
const NODE_ADDRESS = 0xffffffff80254c40n;
const ARENA_ADDRESS = 0xffffffff80254ce0n;
const PHYSMAP_ADDRESS = 0xffffff8000000000n;
const PAGE_RECORD_BYTES = 48;
const NS_PER_SECOND = 1_000_000_000n;

const ARENA_NAME = 'arena:handles';
/** Where the arena stands if nobody laid it out, and the slots that the kernel gives it. */
const HANDLES_ADDRESS = 0xffffff9800000000n;
const HANDLES_MAX = 262144;

/** A job's or a process's koid and name. */
function taskOf({ koid, name }: ConsoleTask): ConsoleTask {
  return { koid, name };
}

/** The kernel's console. */
export class Console {
  readonly #system: KernelSystem;
  readonly #recorded: () => KmemStats | undefined;

  /**
   * @param system - the system it looks at
   * @param recorded - of a recorded system, the machine's own figures; else undefined
   */
  constructor(system: KernelSystem, recorded: () => KmemStats | undefined) {
    this.#system = system;
    this.#recorded = recorded;
  }

  /** Handles that are open: of processes, of the host program, in messages. */
  get openHandles(): number {
    return this.#system.handleArena.open;
  }

  /**
   * The arena that handles stand in. Zircon refuses handles beyond its slots; here it grows.
   *
   * @param tables - a pass of the same instant
   */
  handleArena(tables: AccountTables): HandleArenaRow {
    const { open: handles, control, data } = this.#system.handleArena;
    const mappings = arenaRows(this.kernelAspace(tables));
    const [first, second] = mappings.filter((row) => row.kind === 'mapping');
    const slots = Math.ceil(Math.max(data.taken, 1) / HANDLES_MAX) * HANDLES_MAX;
    const row = (pool: ArenaPool, address: bigint): ArenaPoolRow => ({
      address, slotBytes: pool.slotBytes, taken: pool.taken, pages: pool.pages,
      mostPages: pool.mostPages, slots,
    });
    const controlAt = first?.base ?? HANDLES_ADDRESS;
    const guarded = BigInt(slots * control.slotBytes + PAGE_BYTES);
    return {
      handles, name: ARENA_NAME, mappings, control: row(control, controlAt),
      data: row(data, second?.base ?? controlAt + guarded),
    };
  }

  /** Physical memory, bytes. */
  get kmem(): KmemStats {
    const recorded = this.#recorded();
    if (recorded !== undefined) return recorded;
    return kmemOf(this.#system);
  }

  /** The memory scanner; undefined where pages were recorded without their queues. */
  get scanner(): MemoryScanner | undefined {
    return this.#recorded() === undefined ? this.#system.scanner : undefined;
  }

  /** What the memory watchdog signals; undefined where it is off. */
  get watchdog(): WatchdogState | undefined {
    const { watchdog } = this.#system;
    if (!watchdog.isOn) return undefined;
    const { level: state, marksBytes: limitsBytes, debounceBytes, hysteresisNs } = watchdog;
    return { state, limitsBytes, debounceBytes, hysteresisNs };
  }

  /** Whether the system was recorded elsewhere: then nothing can be taken from it. */
  get isRecorded(): boolean {
    return this.#recorded() !== undefined;
  }

  /** Tells what the memory watchdog does; returns what ends that. */
  observeMemory(observer: (record: PressureRecord) => void): () => void {
    return this.#system.watchdog.observe(observer);
  }

  /**
   * Takes pages for nobody, as a leak does.
   *
   * @throws ZxError ZX_ERR_NO_MEMORY, ZX_ERR_SHOULD_WAIT while a pass runs
   */
  takePages(pages: number): void {
    const { core, watchdog } = this.#system;
    this.#system.assertNotBusy();
    checkMemory(core, core.allocStatePages(FrameState.ALLOC, pages), 'to leak', { pages });
    watchdog.look();
  }

  /** Gives such pages back. */
  givePages(pages: number): void {
    this.#system.core.freeStatePages(FrameState.ALLOC, pages);
    this.#system.watchdog.look();
  }

  /** Lets seconds pass on the system's clock. */
  pass(seconds: number): void {
    this.#system.advance(BigInt(seconds) * NS_PER_SECOND);
  }

  /** The processes, as the task tree has them. */
  processes(): ConsoleTask[] {
    return Array.from(walkProcesses(this.#system.rootJob.object), taskOf);
  }

  /** The jobs, as the task tree has them. */
  jobs(): ConsoleTask[] {
    return Array.from(walkTasks(this.#system.rootJob.object), ({ task }) => task)
      .filter((task) => task instanceof JobObject).map(taskOf);
  }

  /**
   * The handles of processes, in the order of the walk and of each table.
   *
   * @param koid - only of this process
   */
  handles(koid?: number): ConsoleHandle[] {
    const rows: ConsoleHandle[] = [];
    for (const owner of walkProcesses(this.#system.rootJob.object)) {
      if (koid !== undefined && owner.koid !== koid) continue;
      const process = taskOf(owner);
      for (const { value, rights, object } of owner.handles.values()) {
        const { koid: objectKoid, type, name, relatedKoid } = object;
        rows.push({ process, value, rights, koid: objectKoid, type, name, relatedKoid });
      }
    }
    return rows;
  }

  /** The ends of channels that processes hold, in the same order. */
  channels(): ConsoleChannel[] {
    const rows: ConsoleChannel[] = [];
    for (const owner of walkProcesses(this.#system.rootJob.object)) {
      const process = taskOf(owner);
      for (const { object } of owner.handles.values()) {
        if (!(object instanceof ChannelObject)) continue;
        const { koid, relatedKoid: peerKoid, numMessages, mostMessages } = object;
        rows.push({ process, koid, peerKoid, numMessages, mostMessages });
      }
    }
    return rows;
  }

  /**
   * Where the records of the VMOs stand, row by row of the VMO table; 0 for a row that is none.
   *
   * @param rows - rows of that table
   */
  vmoAddresses(rows: number): bigint[] {
    const book = addressBookOf(this.#system);
    const found = Array.from(this.#system.vmos, (vmo) => book.of(vmo));
    return Array.from({ length: rows }, (_, row) => found[row] ?? 0n);
  }

  /**
   * Dumps the kernel's own address space.
   *
   * @param tables - a pass of the same instant: what VMOs are charged
   * @returns the rows; none where nobody laid it out
   */
  kernelAspace(tables: AccountTables): DumpRow[] {
    const { kernelAspace } = this.#system;
    if (kernelAspace === undefined) return [];
    return dumpAspace(kernelAspace, 'kernel', this.#source(tables, ownMappedBytes));
  }

  /**
   * Dumps the address space of a process.
   *
   * @param koid - the process
   * @param tables - a pass of the same instant: what VMOs are charged, what mappings reach
   * @returns undefined where no process has that koid
   */
  processAspace(koid: number, tables: AccountTables): DumpRow[] | undefined {
    const process = this.#process(koid);
    const row = tables.tasks.koid.indexOf(koid);
    if (process === undefined || row < 0) return undefined;
    return this.#dump(process, row, tables, this.#source(tables, ownMappedBytes));
  }

  /**
   * Dumps every address space: the kernel's own, then those of the processes.
   *
   * @param tables - a pass of the same instant
   */
  aspaces(tables: AccountTables): DumpRow[] {
    const source = this.#source(tables, ownMappedBytes);
    const rowOf = new Map(Array.from(tables.tasks.koid, (koid, row) => [koid, row]));
    const rows = this.kernelAspace(tables);
    for (const process of walkProcesses(this.#system.rootJob.object)) {
      const row = rowOf.get(process.koid);
      if (row === undefined) continue;
      for (const record of this.#dump(process, row, tables, source)) rows.push(record);
    }
    return rows;
  }

  #dump(
    process: ProcessObject, row: number, tables: AccountTables, source: DumpSource,
  ): DumpRow[] {
    const bytes = new Map<Mapping, number>();
    let at = tables.mapsStart[row] ?? 0;
    for (const { mapping } of walkAspace(process.aspace, '')) {
      const committed = tables.maps.committedBytes[at++] ?? 0;
      if (mapping !== undefined) bytes.set(mapping, (bytes.get(mapping) ?? 0) + committed);
    }
    const mapped = (mapping: Mapping): number => bytes.get(mapping) ?? 0;
    return dumpAspace(process.aspace, `proc:${process.koid}`, { ...source, mapped });
  }

  /** Physical memory as the page allocator has it. */
  physicalPages(): PhysicalPages {
    const states = this.#states();
    const pagesOf = (wanted: string): number =>
      states.find(({ state }) => state === wanted)?.pages ?? 0;
    const totalPages = Math.floor(this.kmem.totalBytes / PAGE_BYTES);
    const arrayPages = Math.ceil(totalPages * PAGE_RECORD_BYTES / PAGE_BYTES);
    return {
      nodeAddress: NODE_ADDRESS, arenaAddress: ARENA_ADDRESS,
      arrayAddress: PHYSMAP_ADDRESS + BigInt(Math.max(0, totalPages - arrayPages) * PAGE_BYTES),
      arenaName: 'memory', base: 0n, totalPages, freePages: pagesOf('free'),
      freeLoanedPages: Math.floor(this.kmem.freeLoanedBytes / PAGE_BYTES), states,
    };
  }

  /**
   * Kills a process.
   *
   * @returns false where no process has that koid
   * @throws ZxError ZX_ERR_SHOULD_WAIT while a pass runs
   */
  kill(koid: number): boolean {
    const process = this.#process(koid);
    if (process === undefined) return false;
    killTask(process);
    return true;
  }

  /** Pages by state; of a recorded system as far as its own counters tell. */
  #states(): PagesInState[] {
    const { core } = this.#system;
    const kmem = this.#recorded();
    if (kmem === undefined) {
      return STATE_NAMES.map(([state, name]) => ({ state: name, pages: core.pagesInState(state) }));
    }
    const known: Readonly<Record<string, number>> = {
      free: kmem.freeBytes, alloc: kmem.otherBytes, wired: kmem.wiredBytes,
      heap: kmem.totalHeapBytes, object: kmem.vmoBytes, mmu: kmem.mmuOverheadBytes,
      ipc: kmem.ipcBytes,
    };
    return STATE_NAMES.map(([, state]) =>
      ({ state, pages: Math.floor((known[state] ?? 0) / PAGE_BYTES) }));
  }

  #process(koid: number): ProcessObject | undefined {
    for (const process of walkProcesses(this.#system.rootJob.object)) {
      if (process.koid === koid) return process;
    }
    return undefined;
  }

  #source(tables: AccountTables, mapped: DumpSource['mapped']): DumpSource {
    const rows = new Map<VmoObject, number>();
    for (const vmo of this.#system.vmos) rows.set(vmo, rows.size);
    const charged = (vmo: VmoObject): number =>
      tables.vmos.committedBytes[rows.get(vmo) ?? -1] ?? 0;
    const compressed = (vmo: VmoObject): number =>
      tables.vmos.compressed?.bytes[rows.get(vmo) ?? -1] ?? 0;
    return { book: addressBookOf(this.#system), charged, compressed, mapped };
  }
}

/** The VMAR of the arena and what is in it, moved to depth 1. */
function arenaRows(kernel: readonly DumpRow[]): DumpRow[] {
  const at = kernel.findIndex(({ kind, name }) => kind === 'vmar' && name === ARENA_NAME);
  const arena = kernel[at];
  if (arena === undefined) return [];
  const rest = kernel.slice(at + 1);
  const end = rest.findIndex(({ depth }) => depth <= arena.depth);
  const rows = [arena, ...(end < 0 ? rest : rest.slice(0, end))];
  return rows.map((row) => ({ ...row, depth: row.depth - arena.depth + 1 }));
}
