/**
 * Status names and numbers (`zx_status_t`), as far as the simulated calls use them.
 *
 * I1. `ZX_OK` is 0, every refusal is negative; the numbers are Zircon's
 *     (memory-semantics section 12).
 */

/** Number of each status, by name. */
export const Status = {
  /** Success. */
  ZX_OK: 0,
  /** An error of the system itself. */
  ZX_ERR_INTERNAL: -1,
  /** The object cannot do that. */
  ZX_ERR_NOT_SUPPORTED: -2,
  /** No gap or resource is left. */
  ZX_ERR_NO_RESOURCES: -3,
  /** Memory ran out. */
  ZX_ERR_NO_MEMORY: -4,
  /** An argument is wrong in itself. */
  ZX_ERR_INVALID_ARGS: -10,
  /** The handle is closed. */
  ZX_ERR_BAD_HANDLE: -11,
  /** The object is of another type. */
  ZX_ERR_WRONG_TYPE: -12,
  /** The room given is too small. */
  ZX_ERR_BUFFER_TOO_SMALL: -15,
  /** A range leaves the object. */
  ZX_ERR_OUT_OF_RANGE: -14,
  /** The object is in a state that forbids it. */
  ZX_ERR_BAD_STATE: -20,
  /** The time is up. */
  ZX_ERR_TIMED_OUT: -21,
  /** Not now: try again later. */
  ZX_ERR_SHOULD_WAIT: -22,
  /** The other end is closed. */
  ZX_ERR_PEER_CLOSED: -24,
  /** Nothing is there. */
  ZX_ERR_NOT_FOUND: -25,
  /** Something is there already. */
  ZX_ERR_ALREADY_EXISTS: -26,
  /** Not possible for this object or at this time. */
  ZX_ERR_UNAVAILABLE: -28,
  /** A right or permission is missing. */
  ZX_ERR_ACCESS_DENIED: -30,
  /** Reading or writing the store failed. */
  ZX_ERR_IO: -40,
  /** The store has other data than were written. */
  ZX_ERR_IO_DATA_INTEGRITY: -42,
  /** The store is full. */
  ZX_ERR_NO_SPACE: -54,
} as const;

/** A status by name, such as `ZX_ERR_OUT_OF_RANGE`. */
export type StatusName = keyof typeof Status;

const NAMES = new Map<number, StatusName>(
  Object.entries(Status).map(([name, code]) => [code, name as StatusName]),
);

/**
 * The name of a status number.
 *
 * @param code - a status number; one that is not listed counts as `ZX_ERR_INTERNAL`
 */
export function statusName(code: number): StatusName {
  return NAMES.get(code) ?? 'ZX_ERR_INTERNAL';
}
