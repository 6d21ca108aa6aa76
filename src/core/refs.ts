/**
 * Names of the core's records and numbers, as everybody above uses them.
 *
 * A ref is a record's place in the core's memory; 0 is none.
 */
import type { CoreVariant } from './wasm.js';

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
