/**
 * Names of the core's records and numbers, as everybody above uses them.
 *
 * A ref is a record's place in the core's memory; 0 is none.
 */
import type { CoreVariant } from './wasm.js';

declare const brand: unique symbol;
/** A number that names one kind of record. */
export type Ref<Kind extends string> = number & {
  /** Only for the type checker. */ readonly [brand]: Kind;
};
/** A VMO's page tree. */
export type VmoRef = Ref<'vmo'>;
/** An address space. */
export type AspaceRef = Ref<'aspace'>;
/** A mapping. */
export type MappingRef = Ref<'mapping'>;

/** Kinds of page tree: what a fault on an absent page means. */
export const CoreVmoKind = {
  /** A page of zeros. */ ANONYMOUS: 0,
  /** Nothing to allocate: device memory. */ PHYSICAL: 1,
  /** What a live parent has, or a page of zeros. */ FILE: 2,
  /** What a live parent has; without one, the pager is asked. */ PAGER: 3,
  /** Its own frame, lent out: one run of physical memory. */ CONTIGUOUS: 4,
} as const;

/** Page states as Zircon names them (`vm_page_state`). */
export const FrameState = {
  /** Unallocated. */ FREE: 0,
  /** Allocated for a use that has no state of its own. */ ALLOC: 1,
  /** Fixed kernel memory. */ WIRED: 2,
  /** The kernel's heap. */ HEAP: 3,
  /** In a page list of a VMO. */ OBJECT: 4,
  /** A page table. */ MMU: 5,
  /** A page table of a device. */ IOMMU: 6,
  /** A message buffer. */ IPC: 7,
  /** In a cache of free pages. */ CACHE: 8,
  /** A slab of kernel objects. */ SLAB: 9,
  /** Holds compressed pages. */ ZRAM: 10,
  /** Lent out of a contiguous VMO. */ LOANED: 11,
} as const;

/** What a core is made with. */
export interface CoreOptions {
  /** Physical pages of 4 KiB, 1 to 2^26 - 1. */
  readonly physicalPages: number;
  /** Host memory it may use, bytes; default and most: 4 GiB. */
  readonly hostBytesMax?: number;
  /**
   * Build of the core; default `release`. Only a checkout has the other one.
   *
   * @internal
   */
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
  /** It was recorded with mappings that were not. */ readonly outside?: boolean;
}

/** A run of pages. */
export interface PageRun {
  /** First page. */ readonly first: number;
  /** Number of pages. */ readonly pages: number;
}
