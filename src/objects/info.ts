/**
 * Topics of `getInfo`, and what they answer: the structures of `zx_object_get_info`.
 *
 * I1. Bytes that can pass 2^53 are `bigint`; counts, koids and committed bytes are `number`.
 * I2. Figures that need an accounting pass come from `system.figures`; without it a VMO's committed
 *     bytes are the pages of its own tree, which is exact where no tree shares pages.
 */

import type { KernelMemoryCompression } from './compression-stats.js';
import type { Koid } from './koid.js';
import { Right } from './rights.js';
import type { VmoObject } from './vmo-object.js';

/** Topics, by Zircon's numbers. */
export const Topic = {
  /** ZX_INFO_HANDLE_BASIC. */
  HANDLE_BASIC: 2,
  /** ZX_INFO_PROCESS. */
  PROCESS: 3,
  /** ZX_INFO_PROCESS_THREADS. */
  PROCESS_THREADS: 4,
  /** ZX_INFO_VMAR. */
  VMAR: 7,
  /** ZX_INFO_JOB_CHILDREN. */
  JOB_CHILDREN: 8,
  /** ZX_INFO_JOB_PROCESSES. */
  JOB_PROCESSES: 9,
  /** ZX_INFO_THREAD. */
  THREAD: 10,
  /** ZX_INFO_TASK_STATS. */
  TASK_STATS: 12,
  /** ZX_INFO_PROCESS_MAPS. */
  PROCESS_MAPS: 13,
  /** ZX_INFO_PROCESS_VMOS. */
  PROCESS_VMOS: 14,
  /** ZX_INFO_KMEM_STATS, asked of the root job. */
  KMEM_STATS: 17,
  /** ZX_INFO_HANDLE_COUNT. */
  HANDLE_COUNT: 19,
  /** ZX_INFO_VMO. */
  VMO: 23,
  /** ZX_INFO_JOB. */
  JOB: 24,
  /** ZX_INFO_KMEM_STATS_EXTENDED, asked of the root job. */
  KMEM_STATS_EXTENDED: 31,
  /** ZX_INFO_KMEM_STATS_COMPRESSION, asked of the root job. */
  KMEM_STATS_COMPRESSION: 33,
} as const;
/** A topic. */
export type Topic = (typeof Topic)[keyof typeof Topic];

/** Name of a topic, such as `ZX_INFO_VMO`. */
export function topicName(topic: number): string {
  const found = Object.entries(Topic).find(([, number]) => number === topic);
  return found === undefined ? String(topic) : `ZX_INFO_${found[0]}`;
}

/** Rights that a handle needs for each topic. */
export const INFO_RIGHTS: Readonly<Record<number, number>> = {
  [Topic.HANDLE_BASIC]: 0,
  [Topic.PROCESS]: Right.INSPECT,
  [Topic.PROCESS_THREADS]: Right.ENUMERATE,
  [Topic.VMAR]: Right.INSPECT,
  [Topic.JOB_CHILDREN]: Right.ENUMERATE,
  [Topic.JOB_PROCESSES]: Right.ENUMERATE,
  [Topic.THREAD]: Right.INSPECT,
  [Topic.TASK_STATS]: Right.INSPECT,
  [Topic.PROCESS_MAPS]: Right.INSPECT,
  [Topic.PROCESS_VMOS]: Right.INSPECT,
  [Topic.KMEM_STATS]: Right.INSPECT,
  [Topic.HANDLE_COUNT]: Right.INSPECT,
  [Topic.VMO]: 0,
  [Topic.JOB]: Right.INSPECT,
  [Topic.KMEM_STATS_EXTENDED]: Right.INSPECT,
  [Topic.KMEM_STATS_COMPRESSION]: Right.INSPECT,
};

/** Flags of ZX_INFO_VMO. */
export const VmoInfoFlag = {
  /** It has pages, and is no device memory. */
  PAGED: 1 << 0,
  /** Its size may change. */
  RESIZABLE: 1 << 1,
  /** A snapshot or clone. */
  IS_COW_CLONE: 1 << 2,
  /** Found by a handle. */
  VIA_HANDLE: 1 << 3,
  /** Found by a mapping. */
  VIA_MAPPING: 1 << 4,
  /** A pager supplies its pages, or its ancestor's. */
  PAGER_BACKED: 1 << 5,
  /** One run of physical memory. */
  CONTIGUOUS: 1 << 6,
  /** May be discarded while unlocked. */
  DISCARDABLE: 1 << 7,
  /** A snapshot that nobody can write. */
  IMMUTABLE: 1 << 8,
  /** Found by an IO buffer's handle. */
  VIA_IOB_HANDLE: 1 << 9,
} as const;

/** What an accounting pass knows of one VMO, bytes; fractions in units of 2^-63 byte. */
export interface VmoFigures {
  /** Uncompressed bytes charged to it. */ readonly committedBytes: number;
  /** With compressed ones. */ readonly populatedBytes: number;
  /** Committed bytes nobody else sees. */ readonly committedPrivateBytes: number;
  /** With compressed ones. */ readonly populatedPrivateBytes: number;
  /** Its share of committed bytes. */ readonly committedScaledBytes: number;
  /** With compressed ones. */ readonly populatedScaledBytes: number;
  /** What `committedScaledBytes` leaves over. */ readonly committedFractionalScaledBytes: bigint;
  /** What `populatedScaledBytes` leaves over. */ readonly populatedFractionalScaledBytes: bigint;
}

/**
 * Figures of what is charged nothing.
 *
 * @internal
 */
export const NO_FIGURES: VmoFigures = {
  committedBytes: 0, populatedBytes: 0, committedPrivateBytes: 0, populatedPrivateBytes: 0,
  committedScaledBytes: 0, populatedScaledBytes: 0,
  committedFractionalScaledBytes: 0n, populatedFractionalScaledBytes: 0n,
};

/**
 * A range of a VMO's pages.
 *
 * @internal
 */
export interface VmoPart {
  /** The VMO. */ readonly vmo: VmoObject;
  /** First page. */ readonly first: number;
  /** Number of pages, all inside the VMO. */ readonly pages: number;
}

/** ZX_INFO_HANDLE_BASIC. */
export interface HandleBasicInfo {
  /** Koid of the object. */ readonly koid: Koid;
  /** The handle's rights. */ readonly rights: number;
  /** `zx_obj_type_t`. */ readonly type: number;
  /** Koid of the related object, 0 for none. */ readonly relatedKoid: Koid;
}

/** ZX_INFO_VMO. */
export interface VmoInfo extends VmoFigures {
  /** Koid. */ readonly koid: Koid;
  /** Name. */ readonly name: string;
  /** Size, a multiple of the page size. */ readonly sizeBytes: bigint;
  /** Bytes of the stream, at most `sizeBytes` while the VMO is not cut. */
  readonly streamSizeBytes: bigint;
  /** Koid of the parent, 0 for none. */ readonly parentKoid: Koid;
  /** Direct children made by users. */ readonly numChildren: number;
  /** Mappings in all address spaces. */ readonly numMappings: number;
  /** Address spaces that map it. */ readonly shareCount: number;
  /** Bits of {@link VmoInfoFlag}. */ readonly flags: number;
  /** Rights of the handle asked through. */ readonly handleRights: number;
  /** 0 cached, 1 uncached, 2 uncached device, 3 write combining. */ readonly cachePolicy: number;
  /** Bytes of records and nodes. */ readonly metadataBytes: number;
  /** Times that pages it sees were reclaimed. */ readonly committedChangeEvents: number;
}

/** ZX_INFO_VMAR. */
export interface VmarInfo {
  /** First address. */ readonly base: bigint;
  /** Length in bytes. */ readonly length: bigint;
}

/** ZX_INFO_PROCESS. */
export interface ProcessInfo {
  /** What it ended with; 0 while it runs. */ readonly returnCode: number;
  /** True once it ended. */ readonly exited: boolean;
}

/** ZX_INFO_THREAD. */
export interface ThreadInfo {
  /** One of `ThreadState`; of a BLOCKED one `BlockedOn` stands in the byte above. */
  readonly state: number;
  /** `ExceptionChannel` of the exception that it waits in; 0 for none. */
  readonly waitExceptionChannelType: number;
}

/** ZX_INFO_JOB. */
export interface JobInfo {
  /** What it was killed with; 0 while it lives. */ readonly returnCode: number;
  /** True once it died. */ readonly exited: boolean;
  /** Whether the kernel may kill it when memory runs out. */ readonly killOnOom: boolean;
}

/** ZX_INFO_TASK_STATS, bytes. */
export interface TaskStats {
  /** Length of all mappings. */ readonly memMappedBytes: number;
  /** Bytes only this process reaches. */ readonly memPrivateBytes: number;
  /** Bytes others reach too. */ readonly memSharedBytes: number;
  /** Its share of those. */ readonly memScaledSharedBytes: number;
  /** What that leaves over, in units of 2^-63 byte. */
  readonly memFractionalScaledSharedBytes: bigint;
}

/** One entry of ZX_INFO_PROCESS_MAPS; figures are those of the mapped range, else 0. */
export interface ProcessMapsEntry extends VmoFigures {
  /** 1 address space, 2 VMAR, 3 mapping. */ readonly type: 1 | 2 | 3;
  /** 0 address space, 1 root VMAR, 2 and more below. */ readonly depth: number;
  /** `proc:<koid>`, the VMAR's name, or the VMO's. */ readonly name: string;
  /** First address. */ readonly base: bigint;
  /** Length in bytes. */ readonly size: bigint;
  /** Mappings: READ 1, WRITE 2, EXECUTE 4; else 0. */ readonly perms: number;
  /** Mappings: koid of the VMO; else 0. */ readonly vmoKoid: number;
  /** Mappings: first byte in the VMO; else 0. */ readonly vmoOffsetBytes: bigint;
}

/** What each topic answers. */
export interface InfoByTopic {
  /** See {@link HandleBasicInfo}. */ [Topic.HANDLE_BASIC]: HandleBasicInfo;
  /** See {@link ProcessInfo}. */ [Topic.PROCESS]: ProcessInfo;
  /** See {@link VmarInfo}. */ [Topic.VMAR]: VmarInfo;
  /** Koids of the direct child jobs. */ [Topic.JOB_CHILDREN]: Koid[];
  /** Koids of the direct processes. */ [Topic.JOB_PROCESSES]: Koid[];
  /** Koids of the threads that did not end. */ [Topic.PROCESS_THREADS]: Koid[];
  /** See {@link ThreadInfo}. */ [Topic.THREAD]: ThreadInfo;
  /** See {@link TaskStats}. */ [Topic.TASK_STATS]: TaskStats;
  /** Rows in pre-order by address. */ [Topic.PROCESS_MAPS]: ProcessMapsEntry[];
  /** VMOs by handle, then by mapping. */ [Topic.PROCESS_VMOS]: VmoInfo[];
  /** Physical pages by state, bytes. */ [Topic.KMEM_STATS]: KernelMemory;
  /** Open handles to the object. */ [Topic.HANDLE_COUNT]: number;
  /** See {@link VmoInfo}. */ [Topic.VMO]: VmoInfo;
  /** See {@link JobInfo}. */ [Topic.JOB]: JobInfo;
  /** The same, each state by itself. */ [Topic.KMEM_STATS_EXTENDED]: KernelMemoryExtended;
  /** What compression holds. */ [Topic.KMEM_STATS_COMPRESSION]: KernelMemoryCompression;
}

/** ZX_INFO_KMEM_STATS, bytes. */
export interface KernelMemory {
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
}

/** ZX_INFO_KMEM_STATS_EXTENDED, bytes: `otherBytes` is without those named here. */
export interface KernelMemoryExtended extends KernelMemory {
  /** Caches of free pages. */ readonly cacheBytes: number;
  /** Slabs of kernel objects. */ readonly slabBytes: number;
  /** Compressed pages. */ readonly zramBytes: number;
  /** Pages of discardable VMOs that are locked. */ readonly vmoDiscardableLockedBytes: number;
  /** Pages of those that are not: they may go. */ readonly vmoDiscardableUnlockedBytes: number;
  /** Pages that have an age: clean ones of pagers. */ readonly vmoReclaimTotalBytes: number;
  /** Of those, what the active generations have. */ readonly vmoReclaimNewestBytes: number;
  /** What the oldest generations have, and isolated. */ readonly vmoReclaimOldestBytes: number;
  /** Pages that are not reclaimed: high priority. */ readonly vmoReclaimDisabledBytes: number;
}
