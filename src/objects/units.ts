/**
 * Bytes and pages: how the objects take 64-bit sizes from programs, and count inside.
 *
 * I1. A byte count from outside is a whole number from 0 to 2^64 - 1, `number` or `bigint`.
 * I2. Inside, sizes and addresses are page numbers below 2^52, exact in a `number`.
 * I3. Programs in plain JavaScript pass anything: each argument is checked for its kind here, and a
 *     wrong one is refused with what it was, before anything is changed.
 */

import { fail } from './errors.js';
import type { StatusName } from './status.js';

/** A byte size, offset or address as programs give it. */
export type Bytes = number | bigint;

/** Bytes of a page. */
export const PAGE_BYTES = 4096;
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
  if (big < 0n || big >= LIMIT) refuse(value, name, 'a whole number from 0 to 2^64 - 1');
  return big;
}

/**
 * A word of options, rights or permissions.
 *
 * @param value - what the program gave
 * @param name - the argument's name, for the message
 * @throws ZxError ZX_ERR_INVALID_ARGS if it is no `number` that is whole and from 0 to 2^32 - 1
 */
export function toBits(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    refuse(value, name, 'a whole number from 0 to 2^32 - 1');
  }
  return value;
}

/**
 * A number of things, or of one of them.
 *
 * @param value - what the program gave
 * @param name - the argument's name, for the message
 * @param least - the least allowed
 * @param most - the most allowed
 * @throws ZxError ZX_ERR_INVALID_ARGS if it is no `number` that is whole and in that range
 */
export function toCount(
  value: number, name: string, least = 0, most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    refuse(value, name, `a whole number from ${least} to ${most}`);
  }
  return value;
}

/**
 * Text.
 *
 * @param value - what the program gave
 * @param name - the argument's name, for the message
 * @throws ZxError ZX_ERR_INVALID_ARGS if it is no string
 */
export function toText(value: string, name: string): string {
  if (typeof value !== 'string') refuse(value, name, 'a string');
  return value;
}

/**
 * An object of options.
 *
 * @param value - what the program gave
 * @param name - the argument's name, for the message
 * @throws ZxError ZX_ERR_INVALID_ARGS if it is no object
 */
export function toOptions<T extends object>(value: T, name = 'options'): T {
  if (typeof value !== 'object' || value === null) refuse(value, name, 'an object');
  return value;
}

/**
 * Bytes to be stored.
 *
 * @param value - what the program gave
 * @throws ZxError ZX_ERR_INVALID_ARGS if it is no Uint8Array (a Buffer is one)
 */
export function toData(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) refuse(value, 'data', 'a Uint8Array');
  return value;
}

/**
 * A copy of bytes: `slice` of a Buffer is a window on it.
 *
 * @param data - the bytes
 */
export function copyOf(data: Uint8Array): Uint8Array {
  return new Uint8Array(data);
}

/**
 * An array for so many bytes.
 *
 * @param length - number of bytes
 * @throws ZxError ZX_ERR_NO_MEMORY for more than an array of this host can have
 */
export function newBytes(length: bigint): Uint8Array {
  try {
    return new Uint8Array(Number(length));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail('ZX_ERR_NO_MEMORY', `length ${length}: no array of this host has so many bytes`, {
      length,
    });
  }
}

/**
 * Refuses an argument of the wrong kind or out of range.
 *
 * @param value - what the program gave
 * @param name - the argument's name
 * @param expected - what was expected instead, a phrase
 * @param status - the refusal's status
 */
export function refuse(
  value: unknown, name: string, expected: string, status: StatusName = 'ZX_ERR_INVALID_ARGS',
): never {
  const told = typeof value === 'number' || typeof value === 'bigint' ? value : shown(value);
  return fail(status, `${name} ${shown(value)}: expected ${expected}`, {
    [name]: told,
  });
}

/** Any value as a message shows it, in at most 60 characters. */
function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) {
    const { constructor } = value;
    return typeof constructor === 'function' ? `of type ${constructor.name}` : 'an object';
  }
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
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
