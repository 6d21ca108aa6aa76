/**
 * The tables of one accounting pass: all that a view may look at.
 *
 * Columns are typed arrays, one element a row; names are string arrays. Byte figures are whole
 * numbers in a Float64Array (exact below 2^53). A share is a pair: whole bytes, and what is left
 * over in units of 2^-63 byte, the way ZX_INFO_TASK_STATS and ZX_INFO_VMO report it.
 *
 * I1. Rows of `tasks` stand in the order of the task walk: a job, its processes (each followed by
 *     its threads), then its child jobs, each followed by its own subtree.
 * I2. `maps` rows of process row p are `mapsStart[p] .. mapsStart[p + 1]`, likewise `vmoRefs`.
 * I3. A job's figures are the sums over every process below it.
 */

import type { KernelMemoryCompression } from '../objects/compression-stats.js';
import type { KernelMemoryExtended } from '../objects/info.js';

/** How a page is charged to those who reach it (design, section 5). */
export type Policy = 'classic' | 'attributed' | 'exact' | 'mapcount';

/** What reaches a page: the committed pages of a mapped VMO, or the present page-table entries. */
export type Reach = 'committed' | 'present';

/** The kinds of reach that a policy can account by; only `exact` leaves a choice. */
export function reachesOf(policy: Policy): readonly Reach[] {
  if (policy === 'exact') return ['committed', 'present'];
  return policy === 'mapcount' ? ['present'] : ['committed'];
}

/** Kind of a task row. */
export const TaskType = {
  /** A job. */ JOB: 0,
  /** A process. */ PROCESS: 1,
  /** A thread. */ THREAD: 2,
} as const;

/** Kind of an address-space row: as ZX_INFO_PROCESS_MAPS counts them. */
export const MapType = {
  /** A whole address space. */ ASPACE: 1,
  /** A region. */ VMAR: 2,
  /** A mapping of a VMO. */ MAPPING: 3,
} as const;

/** A column of proportional shares: whole bytes, and units of 2^-63 byte beyond them. */
export interface ShareColumn {
  /** Whole bytes of each row's share. */
  readonly bytes: BigUint64Array;
  /** What is left over, in units of 2^-63 byte (always below 2^63). */
  readonly fraction: BigUint64Array;
}

/** One row for each job, process and thread, in walk order. */
export interface TaskTable {
  /** Number of rows. */
  readonly count: number;
  /** {@link TaskType} of each row. */
  readonly type: Uint8Array;
  /** Koid of each row. */
  readonly koid: Float64Array;
  /** Koid of the task above; 0 for the root job. */
  readonly parentKoid: Float64Array;
  /** Depth below the root job (depth 0). */
  readonly depth: Uint16Array;
  /** Names, at most 31 characters on Zircon. Untrusted text. */
  readonly name: readonly string[];
  /** Names of the users of processes, empty for others; undefined where no user is known. */
  readonly user?: readonly string[];
  /** State word of a thread (`running`, ...), `killoom` of a marked job, else empty. */
  readonly state: readonly string[];
  /** Proportional share of each process (PRIVATE plus scaled SHARED); jobs: sums. */
  readonly pss: ShareColumn;
  /** Bytes that only this process reaches. */
  readonly privateBytes: Float64Array;
  /** Bytes that this process reaches and another does too. Blank (0) for jobs. */
  readonly sharedBytes: Float64Array;
  /** Virtual size of all mappings, bytes. */
  readonly mappedBytes: Float64Array;
  /** Swapped bytes, as Linux counts them; undefined where no row can have any. */
  readonly swapBytes?: Float64Array;
  /** Proportional share of swapped bytes (Linux SwapPss); undefined as above. */
  readonly swapPssBytes?: Float64Array;
  /** Parts of the PSS by kind, whole bytes, rounded down; undefined off Linux. */
  readonly pssAnonBytes?: Float64Array;
  /** See {@link TaskTable.pssAnonBytes}. */
  readonly pssFileBytes?: Float64Array;
  /** See {@link TaskTable.pssAnonBytes}. */
  readonly pssShmemBytes?: Float64Array;
  /** `exact` only: the share of pages reached by handles alone. */
  readonly unmapped?: ShareColumn;
  /** `exact` only: whole bytes of that share. */
  readonly unmappedBytes?: Float64Array;
  /** `exact` only: page tables, handles, mapping and VMO records of the process. */
  readonly kernelBytes?: Float64Array;
  /**
   * `exact` only: for a process row, pages it reaches by number of owners; undefined for others.
   */
  readonly pagesByOwners?: ReadonlyArray<ReadonlyMap<number, number> | undefined>;
  /**
   * Where asked for: for a process row, its handles by type of object (`zx_obj_type_t`); undefined
   * for others.
   */
  readonly handleCounts?: ReadonlyArray<ReadonlyMap<number, number> | undefined>;
}

/** Groups of processes, in the order of their first members. */
export interface GroupTable {
  /** What they were grouped by. */
  readonly by: 'name' | 'user' | 'job';
  /** Number of rows. */
  readonly count: number;
  /** The name of the processes or of their user, or the koid of their job. Untrusted text. */
  readonly key: readonly (string | number)[];
  /** Number of members. */
  readonly processes: Uint32Array;
  /** What the members pay together. */
  readonly pss: ShareColumn;
  /** Bytes that only members reach, each page once. */
  readonly privateBytes: Float64Array;
  /** Bytes that others reach too, each page once. */
  readonly sharedBytes: Float64Array;
}

/** Rows of every process's address space, pre-order by address (ZX_INFO_PROCESS_MAPS). */
export interface MapTable {
  /** Number of rows. */
  readonly count: number;
  /** {@link MapType} of each row. */
  readonly type: Uint8Array;
  /** 0 address space, 1 root VMAR, 2 and more below. */
  readonly depth: Uint16Array;
  /** `proc:<koid>`, the VMAR's name, or the VMO's name. Untrusted text. */
  readonly name: readonly string[];
  /** First address. */
  readonly base: BigUint64Array;
  /** Length in bytes. */
  readonly size: BigUint64Array;
  /** Mappings: READ 1, WRITE 2, EXECUTE 4. */
  readonly perms: Uint8Array;
  /** Mappings: koid of the VMO. */
  readonly vmoKoid: Float64Array;
  /** Mappings: offset into the VMO, bytes. */
  readonly vmoOffset: BigUint64Array;
  /** Mappings: what `:res` shows: committed (or present) bytes of the mapped range. */
  readonly committedBytes: Float64Array;
  /** Mappings: proportional share. */
  readonly pss: ShareColumn;
  /** Mappings: bytes only this process reaches. */
  readonly privateBytes: Float64Array;
  /** Mappings: bytes that others reach too. */
  readonly sharedBytes: Float64Array;
  /** Mappings: swapped bytes (Linux), else 0. */
  readonly swapBytes: Float64Array;
}

/** Compressed pages of VMOs: what `populated` has beyond `committed`. */
export interface CompressedColumns {
  /** Bytes charged. */ readonly bytes: Float64Array;
  /** Of those, bytes that no other VMO sees. */ readonly privateBytes: Float64Array;
  /** Its share of the compressed pages it sees. */ readonly scaled: ShareColumn;
}

/**
 * One row for each VMO, oldest first (ZX_INFO_VMO). Of a recorded system one more, last:
 * `not recorded`, what no recorded process maps. Under `exact` and `mapcount` the figures are those
 * of `attributed`.
 */
export interface VmoTable {
  /** Number of rows. */
  readonly count: number;
  /** Koid; 0 for a VMO that never had a user handle. */
  readonly koid: Float64Array;
  /** Name; may be empty. Untrusted text. */
  readonly name: readonly string[];
  /** Size in bytes. */
  readonly sizeBytes: BigUint64Array;
  /** Koid of the parent, 0 for none. */
  readonly parentKoid: Float64Array;
  /** Direct children made by users. */
  readonly numChildren: Uint32Array;
  /** Mappings of it, in all address spaces. */
  readonly numMappings: Uint32Array;
  /** Zircon's share count: distinct address spaces, 1 below two mappings, an estimate above 64. */
  readonly shareCount: Uint32Array;
  /** ZX_INFO_VMO_* flag bits 0-9, without VIA_*. */
  readonly flags: Uint32Array;
  /** Cache policy 0..3. */
  readonly cachePolicy: Uint8Array;
  /** Committed bytes charged to it. */
  readonly committedBytes: Float64Array;
  /** Of those, bytes that no other VMO sees. */
  readonly privateBytes: Float64Array;
  /** Its share of the pages it sees. */
  readonly scaled: ShareColumn;
  /** Its compressed pages, by their size before; undefined where no page is compressed. */
  readonly compressed?: CompressedColumns;
  /** Heap bytes of its records. */
  readonly metadataBytes: Float64Array;
  /** Times that the kernel took pages it sees; undefined of what was recorded. */
  readonly changeEvents?: Float64Array;
}

/** The VMOs a process refers to: every handle in table order, then every mapping by address. */
export interface VmoRefTable {
  /** Number of rows. */
  readonly count: number;
  /** Row in {@link VmoTable}. */
  readonly vmo: Uint32Array;
  /** 1 via handle, 0 via mapping. */
  readonly viaHandle: Uint8Array;
  /** Rights bits of the handle; 0 via mapping. */
  readonly rights: Uint32Array;
}

/** Physical memory by use, bytes: ZX_INFO_KMEM_STATS. */
export interface KmemStats {
  /** All physical memory. */ readonly totalBytes: number;
  /** Unallocated. */ readonly freeBytes: number;
  /** Lent out of contiguous VMOs and not in use. */ readonly freeLoanedBytes: number;
  /** Fixed kernel memory. */ readonly wiredBytes: number;
  /** Kernel heap, used and free. */ readonly totalHeapBytes: number;
  /** Free part of the kernel heap. */ readonly freeHeapBytes: number;
  /** Committed to VMOs. */ readonly vmoBytes: number;
  /** Page tables. */ readonly mmuOverheadBytes: number;
  /** Messages. */ readonly ipcBytes: number;
  /** Everything else. */ readonly otherBytes: number;
  /** Free, and what could be reclaimed at once. */ readonly availableBytes: number;
}

/** What tables that were read from a document do not have: a sentence for each. */
export interface MissingTables {
  /** There are no rows in `maps`. */ readonly maps?: string;
  /** There are no rows in `vmoRefs`. */ readonly vmoRefs?: string;
  /** The figures of `kmem` are zeros. */ readonly kmem?: string;
}

/** Everything one pass found, of one instant. */
export interface AccountTables {
  /** The rule the figures follow. */ readonly policy: Policy;
  /** What reached a page. */ readonly reach: Reach;
  /** Jobs, processes, threads. */ readonly tasks: TaskTable;
  /** `exact`, where asked for: groups of processes. */
  readonly groups?: GroupTable;
  /** Address spaces; row ranges by process row of `tasks`. */ readonly maps: MapTable;
  /** First row in `maps` of each task row, and one more element at the end. */
  readonly mapsStart: Uint32Array;
  /** VMOs. */ readonly vmos: VmoTable;
  /** VMOs referred to by each process. */ readonly vmoRefs: VmoRefTable;
  /** First row in `vmoRefs` of each task row, and one more element at the end. */
  readonly vmoRefsStart: Uint32Array;
  /** Physical memory by use. */ readonly kmem: KmemStats;
  /** The same, each state by itself; of systems that are simulated. */
  readonly kmemExtended?: KernelMemoryExtended;
  /** What compression has done and holds; of systems that are simulated. */
  readonly kmemCompression?: KernelMemoryCompression;
  /** Lines a user should see (a lower bound, an inconsistent snapshot). */
  readonly notes: readonly string[];
  /** When the figures were taken, ISO 8601; undefined: now. */ readonly takenAt?: string;
  /** Documents only: what they do not say. */ readonly missing?: MissingTables;
}
