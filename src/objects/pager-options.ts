/**
 * Numbers and shapes of the pager calls (`zx_pager_*`), by Zircon's numbers.
 */

import { Status } from './status.js';

/** What a pager is asked (`zx_packet_page_request_t`). */
export const PagerCommand = {
  /** ZX_PAGER_VMO_READ: supply these pages. */
  READ: 0,
  /** ZX_PAGER_VMO_COMPLETE: nothing more will be asked for this VMO. */
  COMPLETE: 1,
  /** ZX_PAGER_VMO_DIRTY: may these pages be written? */
  DIRTY: 2,
} as const;
/** One of {@link PagerCommand}. */
export type PagerCommand = (typeof PagerCommand)[keyof typeof PagerCommand];

/** Operations of `Pager.opRange` (`zx_pager_op_range`). */
export const PagerOp = {
  /** ZX_PAGER_OP_FAIL: the requests for these pages fail with the status given. */
  FAIL: 1,
  /** ZX_PAGER_OP_DIRTY: these pages may be written; they are dirty from now on. */
  DIRTY: 2,
  /** ZX_PAGER_OP_WRITEBACK_BEGIN: the pager begins to write dirty pages back. */
  WRITEBACK_BEGIN: 3,
  /** ZX_PAGER_OP_WRITEBACK_END: it has; they are clean. */
  WRITEBACK_END: 4,
} as const;

/** ZX_VMO_DIRTY_RANGE_IS_ZERO: writeback of zeros alone; pages that are there stay dirty. */
export const DIRTY_RANGE_IS_ZERO = 1;
/** ZX_PAGER_RESET_VMO_STATS: forget what `queryVmoStats` tells. */
export const RESET_VMO_STATS = 1;

/** Statuses that a pager may fail a request with. */
export const FAILURES: readonly number[] = [
  Status.ZX_ERR_IO, Status.ZX_ERR_IO_DATA_INTEGRITY, Status.ZX_ERR_BAD_STATE,
  Status.ZX_ERR_NO_SPACE, Status.ZX_ERR_BUFFER_TOO_SMALL,
];

/** What a pager is asked. Offset and length are bytes, multiples of 4096; 0 for COMPLETE. */
export interface PageRequest {
  /** One of {@link PagerCommand}. */ readonly command: PagerCommand;
  /** The VMO's key, as the pager gave it. */ readonly key: bigint;
  /** First byte. */ readonly offset: bigint;
  /** Bytes. */ readonly length: bigint;
}

/**
 * A program's pager. READ and DIRTY are answered before it returns: with `supplyPages`, or with
 * `opRange` DIRTY or FAIL; what asked goes on then. COMPLETE comes after the call that caused it.
 */
export type PagerHandler = (request: PageRequest) => void;

/** A run of pages that have not been written back. */
export interface DirtyRange {
  /** First byte. */ readonly offset: bigint;
  /** Bytes. */ readonly length: bigint;
  /** No pages: zeros (ZX_VMO_DIRTY_RANGE_IS_ZERO). */ readonly isZero: boolean;
}

/** Answer of `Pager.queryDirtyRanges`. */
export interface DirtyRanges {
  /** The first ranges, in order. */ readonly ranges: DirtyRange[];
  /** How many there are in all. */ readonly available: number;
}

/** How a pager's VMO is named. */
export interface PagerVmoNames {
  /** What requests call it; its koid if left out. */ readonly key?: number | bigint;
  /** Name of the VMO. */ readonly name?: string;
  /** A koid that was never given. */ readonly koid?: number;
}
