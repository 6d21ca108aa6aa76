/**
 * Contents of VMOs: reading, writing and zeroing byte ranges through the core.
 *
 * I1. The caller has checked the range against the VMO's size.
 * I2. The core takes byte offsets as `number`. Page offsets are exact up to 2^64; other offsets
 *     above 2^53 are served by whole pages, so no byte goes astray.
 */

import { checkCore, checkMemory } from './errors.js';
import { newBytes, PAGE_BYTES, PAGE_BYTES_BIG, pageOf, pagesUp, toBytes } from './units.js';
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
 * Zeroes bytes of a VMO. Whole pages go (pinned and contiguous ones stay and are zeroed in place),
 * in partial pages bytes are written only where there is content.
 */
export function zeroBytes(vmo: VmoObject, offset: bigint, length: bigint): void {
  if (length === 0n) return;
  const from = toBytes(vmo.offsetPages) + offset;
  const to = from + length;
  if (vmo.isContiguous) {
    vmo.system.core.vmoZeroInPlace(vmo.tree.ref, Number(from), Number(length));
    return;
  }
  if (!vmo.tree.isPinned && to <= EXACT) {
    zeroUnpinned(vmo, from, Number(length));
    return;
  }
  const firstWhole = pageOf(from + 4095n);
  const endWhole = pageOf(to);
  if (endWhole < firstWhole) {
    zeroInPage(vmo, from, Number(length));
    return;
  }
  zeroInPage(vmo, from, Number(toBytes(firstWhole) - from));
  zeroInPage(vmo, toBytes(endWhole), Number(to - toBytes(endWhole)));
  zeroPages(vmo, firstWhole, endWhole);
}

/** One call of the core: all or nothing. Whole pages are dropped. */
function zeroUnpinned(vmo: VmoObject, at: bigint, length: number): void {
  const { core } = vmo.system;
  const status = core.vmoZeroBytes(vmo.tree.ref, Number(at), length);
  checkMemory(core, status, `to zero ${length} bytes at ${at}`, { offset: at, length });
}

function zeroInPage(vmo: VmoObject, at: bigint, length: number): void {
  if (length === 0) return;
  if (at + BigInt(length) <= EXACT) {
    zeroUnpinned(vmo, at, length);
    return;
  }
  const { core } = vmo.system;
  const { ref } = vmo.tree;
  const details = { offset: at, length };
  if (core.vmoFrame(ref, pageOf(at)) === 0) return;
  const start = pageOf(at) * PAGE_BYTES;
  const page = new Uint8Array(PAGE_BYTES);
  checkCore(core.vmoRead(ref, start, page), 'read failed', details);
  const skip = Number(at & 4095n);
  page.fill(0, skip, skip + length);
  const status = core.vmoWrite(ref, start, page);
  checkMemory(core, status, `to zero ${length} bytes at ${at}`, details);
}

/** Zeroes whole pages of the tree: runs without pins are dropped, pinned pages are filled. */
function zeroPages(vmo: VmoObject, first: number, end: number): void {
  const { tree } = vmo;
  let at = first;
  for (const span of tree.pinnedSpans(first, end - first)) {
    dropPages(vmo, at, span.first);
    at = span.first + span.pages;
    for (let page = span.first; page < at; page++) {
      // Half by half: the core would drop a whole page.
      zeroInPage(vmo, toBytes(page), PAGE_BYTES / 2);
      zeroInPage(vmo, toBytes(page) + PAGE_BYTES_BIG / 2n, PAGE_BYTES / 2);
    }
  }
  dropPages(vmo, at, end);
}

function dropPages(vmo: VmoObject, first: number, end: number): void {
  if (end <= first) return;
  const { core } = vmo.system;
  const pages = end - first;
  const status = core.vmoZeroPages(vmo.tree.ref, first, pages);
  checkMemory(core, status, `to zero ${pages} pages`, { page: first, pages });
}
