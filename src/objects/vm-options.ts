/**
 * Option bits of the VMAR calls (`zx_vm_option_t`), by Zircon's numbers (memory-semantics 9.2).
 */

/** Options of `map`, `allocate` and `protect`. */
export const VmOption = {
  PERM_READ: 1 << 0,
  PERM_WRITE: 1 << 1,
  PERM_EXECUTE: 1 << 2,
  COMPACT: 1 << 3,
  SPECIFIC: 1 << 4,
  SPECIFIC_OVERWRITE: 1 << 5,
  CAN_MAP_SPECIFIC: 1 << 6,
  CAN_MAP_READ: 1 << 7,
  CAN_MAP_WRITE: 1 << 8,
  CAN_MAP_EXECUTE: 1 << 9,
  MAP_RANGE: 1 << 10,
  REQUIRE_NON_RESIZABLE: 1 << 11,
  ALLOW_FAULTS: 1 << 12,
  OFFSET_IS_UPPER_LIMIT: 1 << 13,
  PERM_READ_IF_XOM_UNSUPPORTED: 1 << 14,
  FAULT_BEYOND_STREAM_SIZE: 1 << 15,
} as const;

/** Permissions of a mapping and kinds of access. */
export const Access = { READ: 1, WRITE: 2, EXECUTE: 4 } as const;

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
