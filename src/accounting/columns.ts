/**
 * Making the columns of a table: figures that start at zero, shares as pairs.
 */

import type { ShareColumn } from './tables.js';

/** Figures of a row: what every policy fills in. */
export interface Figures {
  /** Proportional share. */ readonly pss: ShareColumn;
  /** Bytes only the row's process reaches. */ readonly privateBytes: Float64Array;
  /** Bytes others reach too. */ readonly sharedBytes: Float64Array;
  /** Bytes reached in all. */ readonly committedBytes: Float64Array;
}

/** Figures of a VMO table. */
export interface VmoFigureColumns {
  /** Bytes charged. */ readonly committedBytes: Float64Array;
  /** Bytes no other VMO sees. */ readonly privateBytes: Float64Array;
  /** Share of the bytes it sees. */ readonly scaled: ShareColumn;
}

/** A share column of `rows` zeros. */
export function shareColumn(rows: number): ShareColumn {
  return { bytes: new BigUint64Array(rows), fraction: new BigUint64Array(rows) };
}

/** Figures of `rows` zeros. */
export function figures(rows: number): Figures {
  return {
    pss: shareColumn(rows), privateBytes: new Float64Array(rows),
    sharedBytes: new Float64Array(rows), committedBytes: new Float64Array(rows),
  };
}

/** VMO figures of `rows` zeros. */
export function vmoFigures(rows: number): VmoFigureColumns {
  return {
    committedBytes: new Float64Array(rows), privateBytes: new Float64Array(rows),
    scaled: shareColumn(rows),
  };
}

const FRACTION_BITS = 63n;
const FRACTION_MASK = (1n << FRACTION_BITS) - 1n;

/** A share as one integer in units of 2^-63 byte. */
export function joinShare(bytes: bigint, fraction: bigint): bigint {
  return (bytes << FRACTION_BITS) | fraction;
}

/** A row's share as one integer in units of 2^-63 byte. */
export function shareAt(column: ShareColumn, row: number): bigint {
  return joinShare(column.bytes[row] as bigint, column.fraction[row] as bigint);
}

/** Sets a row's share from units of 2^-63 byte. */
export function setShare(column: ShareColumn, row: number, share: bigint): void {
  column.bytes[row] = share >> FRACTION_BITS;
  column.fraction[row] = share & FRACTION_MASK;
}

/** Adds units of 2^-63 byte to a row's share, carrying. */
export function addShare(column: ShareColumn, row: number, share: bigint): void {
  setShare(column, row, shareAt(column, row) + share);
}
