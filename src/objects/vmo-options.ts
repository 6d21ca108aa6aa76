/**
 * Option bits of the VMO calls, by Zircon's numbers (memory-semantics 1.1, 2.1, 5.1, 1.7).
 */

/** Options of `createVmo` (`zx_vmo_create`). */
export const VmoOption = {
  /** The size may change. */
  RESIZABLE: 1 << 1,
  /** May be discarded while unlocked. */
  DISCARDABLE: 1 << 2,
  /** A pager hears of the first write to each page. */
  TRAP_DIRTY: 1 << 3,
  /** As large as can be; the size asked is the stream's. */
  UNBOUNDED: 1 << 4,
} as const;

/** Kinds of children and their options (`zx_vmo_create_child`). */
export const VmoChild = {
  /** A copy of this instant. */
  SNAPSHOT: 1,
  /** The size may change. */
  RESIZABLE: 4,
  /** A window on the same pages. */
  SLICE: 8,
  /** A copy of each page at the latest when it is written. */
  SNAPSHOT_AT_LEAST_ON_WRITE: 16,
  /** The child's handle cannot write. */
  NO_WRITE: 32,
  /** The same VMO under another koid. */
  REFERENCE: 64,
  /** A copy of what the parent changed; the rest follows the root. */
  SNAPSHOT_MODIFIED: 128,
} as const;

/** Operations of `opRange` (`zx_vmo_op_range`). */
export const VmoOp = {
  /** Give pages of its own. */
  COMMIT: 1,
  /** Drop pages. */
  DECOMMIT: 2,
  /** Keep a discardable VMO. */
  LOCK: 3,
  /** Let a discardable VMO go. */
  UNLOCK: 4,
  /** Checked, nothing to do. */
  CACHE_SYNC: 6,
  /** Checked, nothing to do; a debugging call. */
  CACHE_INVALIDATE: 7,
  /** Checked, nothing to do. */
  CACHE_CLEAN: 8,
  /** Checked, nothing to do. */
  CACHE_CLEAN_INVALIDATE: 9,
  /** Make bytes zero. */
  ZERO: 10,
  /** Lock unless it was discarded. */
  TRY_LOCK: 11,
  /** Hint: reclaim first. */
  DONT_NEED: 12,
  /** Hint: reclaim last. */
  ALWAYS_NEED: 13,
  /** Fetch from a pager. */
  PREFETCH: 14,
} as const;

/** Cache policies (`zx_vmo_set_cache_policy`). */
export const CachePolicy = {
  /** Ordinary memory. */
  CACHED: 0,
  /** No caching. */
  UNCACHED: 1,
  /** No caching, device ordering. */
  UNCACHED_DEVICE: 2,
  /** Writes may be combined. */
  WRITE_COMBINING: 3,
} as const;

/** Signals of a VMO. */
export const VmoSignal = {
  /** No child is left. */
  ZERO_CHILDREN: 1 << 3,
} as const;
