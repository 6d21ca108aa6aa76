/**
 * Status names and numbers (`zx_status_t`), as far as the simulated calls use them.
 *
 * I1. `ZX_OK` is 0, every refusal is negative; the numbers are Zircon's
 *     (memory-semantics section 12).
 */

/** Number of each status, by name. */
export const Status = {
  ZX_OK: 0,
  ZX_ERR_INTERNAL: -1,
  ZX_ERR_NOT_SUPPORTED: -2,
  ZX_ERR_NO_RESOURCES: -3,
  ZX_ERR_NO_MEMORY: -4,
  ZX_ERR_INVALID_ARGS: -10,
  ZX_ERR_BAD_HANDLE: -11,
  ZX_ERR_WRONG_TYPE: -12,
  ZX_ERR_OUT_OF_RANGE: -14,
  ZX_ERR_BAD_STATE: -20,
  ZX_ERR_TIMED_OUT: -21,
  ZX_ERR_SHOULD_WAIT: -22,
  ZX_ERR_NOT_FOUND: -25,
  ZX_ERR_ALREADY_EXISTS: -26,
  ZX_ERR_UNAVAILABLE: -28,
  ZX_ERR_ACCESS_DENIED: -30,
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
