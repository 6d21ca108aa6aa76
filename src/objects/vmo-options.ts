/**
 * Option bits of the VMO calls, by Zircon's numbers (memory-semantics 1.1, 2.1, 5.1, 1.7).
 */

/** Options of `createVmo` (`zx_vmo_create`). */
export const VmoOption = {
  RESIZABLE: 1 << 1,
  DISCARDABLE: 1 << 2,
  TRAP_DIRTY: 1 << 3,
  UNBOUNDED: 1 << 4,
} as const;

/** Kinds of children and their options (`zx_vmo_create_child`). */
export const VmoChild = {
  SNAPSHOT: 1,
  RESIZABLE: 4,
  SLICE: 8,
  SNAPSHOT_AT_LEAST_ON_WRITE: 16,
  NO_WRITE: 32,
  REFERENCE: 64,
  SNAPSHOT_MODIFIED: 128,
} as const;

/** Operations of `opRange` (`zx_vmo_op_range`). */
export const VmoOp = {
  COMMIT: 1,
  DECOMMIT: 2,
  LOCK: 3,
  UNLOCK: 4,
  CACHE_SYNC: 6,
  CACHE_INVALIDATE: 7,
  CACHE_CLEAN: 8,
  CACHE_CLEAN_INVALIDATE: 9,
  ZERO: 10,
  TRY_LOCK: 11,
  DONT_NEED: 12,
  ALWAYS_NEED: 13,
  PREFETCH: 14,
} as const;

/** Cache policies (`zx_vmo_set_cache_policy`). */
export const CachePolicy = {
  CACHED: 0,
  UNCACHED: 1,
  UNCACHED_DEVICE: 2,
  WRITE_COMBINING: 3,
} as const;

/** Signals of a VMO. */
export const VmoSignal = { ZERO_CHILDREN: 1 << 3 } as const;
