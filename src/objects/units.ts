/**
 * Bytes and pages: how the objects take 64-bit sizes from programs, and count inside.
 *
 * I1. A byte count from outside is a whole number from 0 to 2^64 - 1, `number` or `bigint`.
 * I2. Inside, sizes and addresses are page numbers below 2^52, exact in a `number`.
 */

import { fail } from './errors.js';

/** A byte size, offset or address as programs give it. */
export type Bytes = number | bigint;

/** Bytes of a page. */
export const PAGE_BYTES = 4096;
/** Bytes of a page, for 64-bit arithmetic. */
export const PAGE_BYTES_BIG = 4096n;
/** Pages of the 64-bit range. */
export const PAGES_IN_64_BITS = 2 ** 52;
/** Largest size of a VMO in bytes: 64 pages below 2^64 (memory-semantics 1.1). */
export const MAX_VMO_SIZE_BYTES = 0xfffffffffffc0000n;
/** The same in pages. */
export const MAX_VMO_SIZE_PAGES = PAGES_IN_64_BITS - 64;

const LIMIT = 1n << 64n;

/**
 * A byte count as an unsigned 64-bit number.
 *
 * @param value - what the program gave
 * @param name - the argument's name, for the message
 * @throws ZxError ZX_ERR_INVALID_ARGS if it is no whole number from 0 to 2^64 - 1
 */
export function toU64(value: Bytes, name: string): bigint {
  const whole = typeof value === 'bigint' || Number.isSafeInteger(value);
  const big = whole ? BigInt(value) : -1n;
  if (big < 0n || big >= LIMIT) {
    fail('ZX_ERR_INVALID_ARGS', `${name} ${value}: expected a whole number from 0 to 2^64 - 1`, {
      [name]: value,
    });
  }
  return big;
}

/** Whether a byte count is a multiple of the page size. */
export function isPageAligned(bytes: bigint): boolean {
  return (bytes & 4095n) === 0n;
}

/** Pages that hold so many bytes: rounds up. May be 2^52, one more than an address can have. */
export function pagesUp(bytes: bigint): number {
  return Number((bytes + 4095n) >> 12n);
}

/** Number of the page that holds a byte: rounds down. */
export function pageOf(bytes: bigint): number {
  return Number(bytes >> 12n);
}

/** Bytes of so many pages. */
export function toBytes(pages: number): bigint {
  return BigInt(pages) << 12n;
}

/**
 * Pages of a VMO of so many bytes.
 *
 * @param sizeBytes - the size asked
 * @throws ZxError ZX_ERR_OUT_OF_RANGE above {@link MAX_VMO_SIZE_BYTES}
 */
export function vmoSizePages(sizeBytes: bigint): number {
  if (sizeBytes > MAX_VMO_SIZE_BYTES) {
    fail('ZX_ERR_OUT_OF_RANGE', `size ${sizeBytes} bytes: allowed 0 to ${MAX_VMO_SIZE_BYTES}`, {
      sizeBytes,
      maximumBytes: MAX_VMO_SIZE_BYTES,
    });
  }
  return pagesUp(sizeBytes);
}

/** A number as 0x and lower-case hexadecimal digits. */
export function hex(value: Bytes): string {
  return `0x${value.toString(16)}`;
}
