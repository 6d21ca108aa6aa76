/**
 * Contents of VMOs: reading, writing and zeroing byte ranges through the core.
 *
 * I1. The caller has checked the range against the VMO's size.
 * I2. The core takes byte offsets as `number`. Page offsets are exact up to 2^64; other offsets
 *     above 2^53 are served by whole pages, so no byte goes astray.
 */

import { PagedUse } from '../core/paged.js';
import { checkCore, checkMemory, fail } from './errors.js';
import { usePages, type PageUse } from './paged-use.js';
import { isPageAligned, newBytes, PAGE_BYTES, pageOf, pagesUp, toBytes } from './units.js';
import type { VmoObject } from './vmo-object.js';

const EXACT = 1n << 53n;

/**
 * Bytes of a VMO. A pager may be asked for them first: see `usePages`. A contiguous VMO takes back
 * what it has lent out, and compressed pages are made again, which changes the system: not while a
 * pass runs.
 */
export function readBytes(vmo: VmoObject, offset: bigint, length: bigint): Uint8Array {
  const { tree, system } = vmo;
  const first = vmo.offsetPages + pageOf(offset);
  const pages = vmo.offsetPages + pagesUp(offset + length) - first;
  if (tree.hasLentPages || tree.hasCompressed(first, pages)) system.assertNotBusy();
  if (vmo.tree.source === undefined) return readNow(vmo, offset, length);
  const uses = usesOf(offset, length, PagedUse.READ);
  return usePages(vmo, uses, () => readNow(vmo, offset, length));
}

/**
 * Writes bytes into a VMO; all or none. Device memory is not simulated: it reads as zeros. A pager
 * may be asked first: see `usePages`.
 */
export function writeBytes(vmo: VmoObject, offset: bigint, data: Uint8Array): void {
  if (vmo.tree.source === undefined) {
    writeNow(vmo, offset, data);
    return;
  }
  const uses = usesOf(offset, BigInt(data.length), PagedUse.WRITE);
  usePages(vmo, uses, () => { writeNow(vmo, offset, data); });
}

/**
 * Zeroes bytes of a VMO. Whole pages go (pinned and contiguous ones stay and are zeroed in place),
 * in partial pages bytes are written only where there is content. Where a pager fills the VMO, it
 * is asked for the partial pages, and `isTracked` says whether it is to write the zeros back.
 */
export function zeroBytes(
  vmo: VmoObject, offset: bigint, length: bigint, isTracked = true,
): void {
  if (length === 0n) return;
  const { tree } = vmo;
  const end = offset + length;
  if (tree.source === undefined) {
    zeroNow(vmo, offset, length);
    return;
  }
  const isRoot = tree.source.isRoot(tree);
  const use = PagedUse.ZERO;
  const partial = [offset, end].filter((at) => !isPageAligned(at));
  const uses = partial.map((at) => ({ first: pageOf(at), pages: 1, use }));
  if (isRoot && isTracked) { // pinned pages are zeroed in place: that is a write
    const first = pageOf(offset);
    for (const span of tree.pinnedSpans(vmo.offsetPages + first, pagesUp(end) - first)) {
      uses.push({ first: span.first - vmo.offsetPages, pages: span.pages, use });
    }
  }
  usePages(vmo, uses, () => {
    if (isRoot) zeroRoot(vmo, offset, end, isTracked);
    else zeroNow(vmo, offset, length);
  });
}

/** The pages of a byte range. */
function usesOf(offset: bigint, length: bigint, use: PagedUse): PageUse[] {
  const first = pageOf(offset);
  return length === 0n ? [] : [{ first, pages: pagesUp(offset + length) - first, use }];
}

/** Zeroes bytes of a VMO that a pager fills, not of a clone. */
function zeroRoot(vmo: VmoObject, offset: bigint, end: bigint, isTracked: boolean): void {
  const { tree, system } = vmo;
  const first = vmo.offsetPages + pageOf(offset);
  const pages = vmo.offsetPages + pagesUp(end) - first;
  const pinnedPages = isTracked ? 0 : tree.pinnedPages(first, pages);
  if (pinnedPages > 0) {
    fail('ZX_ERR_BAD_STATE', `${pinnedPages} pages are pinned: expected none`, { pinnedPages });
  }
  const from = { page: first, byte: Number(offset & 4095n) };
  const to = { page: vmo.offsetPages + pageOf(end), byte: Number(end & 4095n) };
  const status = system.core.pagedZero(tree.ref, from, to, isTracked);
  checkMemory(system.core, status, 'to zero', { offset, end });
  tree.source?.noteChange();
}

function readNow(vmo: VmoObject, offset: bigint, bytes: bigint): Uint8Array {
  const out = newBytes(bytes);
  const { length } = out;
  if (length === 0) return out;
  const at = toBytes(vmo.offsetPages) + offset;
  const { core } = vmo.system;
  const { ref } = vmo.tree;
  if (at + BigInt(length) <= EXACT) {
    const status = core.vmoRead(ref, Number(at), out);
    checkMemory(core, status, `to read ${length} bytes at ${offset}`, { offset, length });
    return out;
  }
  const skip = Number(at & 4095n);
  const whole = new Uint8Array(skip + length);
  const start = pageOf(at) * PAGE_BYTES;
  const status = core.vmoRead(ref, start, whole);
  checkMemory(core, status, `to read ${length} bytes at ${offset}`, { offset, length });
  out.set(whole.subarray(skip));
  return out;
}

function writeNow(vmo: VmoObject, offset: bigint, data: Uint8Array): void {
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

function zeroNow(vmo: VmoObject, offset: bigint, length: bigint): void {
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
