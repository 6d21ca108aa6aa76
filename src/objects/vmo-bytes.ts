/**
 * Contents of VMOs: reading, writing and zeroing byte ranges through the core.
 *
 * I1. The caller has checked the range against the VMO's size.
 * I2. The core takes byte offsets as `number`. Page offsets are exact up to 2^64; other offsets
 *     above 2^53 are served by whole pages, so no byte goes astray.
 */

import { checkCore, checkMemory } from './errors.js';
import { newBytes, PAGE_BYTES, pageOf, pagesUp, toBytes } from './units.js';
import type { VmoObject } from './vmo-object.js';

const EXACT = 1n << 53n;

/** Bytes of a VMO. */
export function readBytes(vmo: VmoObject, offset: bigint, bytes: bigint): Uint8Array {
  const out = newBytes(bytes);
  const { length } = out;
  if (length === 0) return out;
  const at = toBytes(vmo.offsetPages) + offset;
  const { core } = vmo.system;
  const { ref } = vmo.tree;
  if (at + BigInt(length) <= EXACT) {
    checkCore(core.vmoRead(ref, Number(at), out), 'read failed', { offset, length });
    return out;
  }
  const skip = Number(at & 4095n);
  const whole = new Uint8Array(skip + length);
  const start = pageOf(at) * PAGE_BYTES;
  checkCore(core.vmoRead(ref, start, whole), 'read failed', { offset, length });
  out.set(whole.subarray(skip));
  return out;
}

/** Writes bytes into a VMO; all or none. Device memory is not simulated: it reads as zeros. */
export function writeBytes(vmo: VmoObject, offset: bigint, data: Uint8Array): void {
  if (data.length === 0 || vmo.isPhysical) return;
  const at = toBytes(vmo.offsetPages) + offset;
  const { core } = vmo.system;
  const { ref } = vmo.tree;
  const details = { offset, length: data.length };
  const pages = pagesUp(offset + BigInt(data.length)) - pageOf(offset);
  const what = `to write ${data.length} bytes in ${pages} pages at ${offset}`;
  const skip = Number(at & 4095n);
  if (at + BigInt(data.length) <= EXACT || skip === 0) {
    checkMemory(core, core.vmoWrite(ref, Number(at), data), what, details);
    return;
  }
  const start = pageOf(at) * PAGE_BYTES;
  const whole = new Uint8Array(skip + data.length);
  checkCore(core.vmoRead(ref, start, whole.subarray(0, skip)), 'read failed', details);
  whole.set(data, skip);
  checkMemory(core, core.vmoWrite(ref, start, whole), what, details);
}

/**
 * Writes bytes into pages that were touched for writing, with room for their contents reserved:
 * cannot fail.
 */
export function writeTouched(vmo: VmoObject, offset: bigint, data: Uint8Array): void {
  const at = toBytes(vmo.offsetPages) + offset;
  const { core } = vmo.system;
  const { ref } = vmo.tree;
  const skip = Number(at & 4095n);
  if (at + BigInt(data.length) <= EXACT || skip === 0) {
    core.vmoWriteReserved(ref, Number(at), data);
    return;
  }
  const start = pageOf(at) * PAGE_BYTES;
  const whole = new Uint8Array(skip + data.length);
  core.vmoRead(ref, start, whole.subarray(0, skip));
  whole.set(data, skip);
  core.vmoWriteReserved(ref, start, whole);
}

/**
 * Zeroes bytes of a VMO, all or none. Whole pages go (pinned and contiguous ones stay and are
 * zeroed in place), in partial pages bytes are written only where there is content.
 */
export function zeroBytes(vmo: VmoObject, offset: bigint, length: bigint): void {
  if (length === 0n) return;
  const from = toBytes(vmo.offsetPages) + offset;
  const to = from + length;
  const { core } = vmo.system;
  if (vmo.isContiguous) {
    core.vmoZeroInPlace(vmo.tree.ref, Number(from), Number(length));
    return;
  }
  const first = pageOf(from);
  const kept = vmo.tree.isPinned ? vmo.tree.pinnedSpans(first, pagesUp(to) - first) : [];
  const status = core.vmoZeroBytes(vmo.tree.ref, from, to, kept);
  checkMemory(core, status, `to zero ${length} bytes at ${from}`, { offset: from, length });
}
