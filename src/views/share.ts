/**
 * Proportional shares as numbers: whole bytes, and units of 2^-63 byte beyond them.
 *
 * I1. A share's fraction is below 2^63: sums carry.
 * I2. Nothing is a float before it is printed; the one rounding is to the nearest double.
 */

import type { Policy, ShareColumn } from '../accounting/tables.js';

/** One share: `bytes + fraction / 2^63` bytes. */
export interface Share {
  /** Whole bytes. */
  readonly bytes: bigint;
  /** Units of 2^-63 byte, below 2^63. */
  readonly fraction: bigint;
}

const FRACTION_BITS = 63n;
const FRACTION_ONE = 1n << FRACTION_BITS;
const FRACTION_SCALE = 2 ** 63;

/** The share in a row of a column. */
export function shareAt(column: ShareColumn, row: number): Share {
  return { bytes: column.bytes[row] ?? 0n, fraction: column.fraction[row] ?? 0n };
}

/** The sum of two shares, carried. */
export function addShares(a: Share, b: Share): Share {
  const fraction = a.fraction + b.fraction;
  return { bytes: a.bytes + b.bytes + fraction / FRACTION_ONE, fraction: fraction % FRACTION_ONE };
}

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareShares(a: Share, b: Share): number {
  if (a.bytes !== b.bytes) return a.bytes < b.bytes ? -1 : 1;
  if (a.fraction !== b.fraction) return a.fraction < b.fraction ? -1 : 1;
  return 0;
}

/**
 * What `--json` and `--csv` print for a share: under `exact` and `attributed` the nearest double
 * with its fraction, under `classic` and `mapcount` whole bytes, rounded down.
 */
export function shareValue(share: Share, policy: Policy): number | bigint {
  if (policy === 'classic' || policy === 'mapcount' || share.fraction === 0n) return share.bytes;
  return Number((share.bytes << FRACTION_BITS) | share.fraction) / FRACTION_SCALE;
}
