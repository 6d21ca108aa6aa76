/**
 * Option bits of the VMAR calls (`zx_vm_option_t`), by Zircon's numbers (memory-semantics 9.2).
 */

/** Options of `map`, `allocate` and `protect`. */
export const VmOption = {
  /** Allow reading. */
  PERM_READ: 1 << 0,
  /** Allow writing. */
  PERM_WRITE: 1 << 1,
  /** Allow executing. */
  PERM_EXECUTE: 1 << 2,
  /** Place it near others; without randomisation it is so anyway. */
  COMPACT: 1 << 3,
  /** At this offset. */
  SPECIFIC: 1 << 4,
  /** At this offset, in place of other mappings. */
  SPECIFIC_OVERWRITE: 1 << 5,
  /** Places may be chosen in the new VMAR. */
  CAN_MAP_SPECIFIC: 1 << 6,
  /** Readable mappings may be made. */
  CAN_MAP_READ: 1 << 7,
  /** Writable mappings may be made. */
  CAN_MAP_WRITE: 1 << 8,
  /** Executable mappings may be made. */
  CAN_MAP_EXECUTE: 1 << 9,
  /** Install entries for the pages that are there. */
  MAP_RANGE: 1 << 10,
  /** Refuse resizable VMOs. */
  REQUIRE_NON_RESIZABLE: 1 << 11,
  /** The program is ready for faults. */
  ALLOW_FAULTS: 1 << 12,
  /** Anywhere below this offset. */
  OFFSET_IS_UPPER_LIMIT: 1 << 13,
  /** Reading too where executing alone is not possible. */
  PERM_READ_IF_XOM_UNSUPPORTED: 1 << 14,
  /** Fault past the page that holds the stream's end. */
  FAULT_BEYOND_STREAM_SIZE: 1 << 15,
} as const;

/** Operations of `vmar.opRange` (`zx_vmar_op_range`). */
export const VmarOp = {
  /** Give the VMO's pages their memory, and make entries. */
  COMMIT: 1,
  /** Drop the VMO's pages. */
  DECOMMIT: 2,
  /** Make entries for the pages that are there. */
  MAP_RANGE: 3,
  /** Make the VMO's bytes zero. */
  ZERO: 10,
  /** Hint: reclaim first. */
  DONT_NEED: 12,
  /** Hint: reclaim last; makes entries. */
  ALWAYS_NEED: 13,
  /** Fetch from a pager, and make entries. */
  PREFETCH: 14,
} as const;

/** A VMAR in which everything may be mapped, anywhere. */
export const CAN_MAP_ALL = VmOption.CAN_MAP_SPECIFIC | VmOption.CAN_MAP_READ
  | VmOption.CAN_MAP_WRITE | VmOption.CAN_MAP_EXECUTE;

/** Permissions of a mapping and kinds of access. */
export const Access = {
  /** Read. */
  READ: 1,
  /** Write. */
  WRITE: 2,
  /** Execute. */
  EXECUTE: 4,
} as const;

/** All permissions a mapping can have. */
export const ALL_ACCESS = Access.READ | Access.WRITE | Access.EXECUTE;

/** First bit of the field that asks for an alignment: log2 of bytes, 0 or 10 to 32. */
export const ALIGN_SHIFT = 24;

/** How far the CAN_MAP bits stand above the permissions they allow. */
export const CAN_MAP_SHIFT = 7;

/**
 * Options that ask for an alignment.
 *
 * @param log2Bytes - 10 to 32
 */
export function alignOption(log2Bytes: number): number {
  return log2Bytes * 2 ** ALIGN_SHIFT;
}
