/**
 * Reading and writing what pages contain. A page that was only touched has no content and reads as
 * zero.
 *
 * Bytes travel through a transfer buffer of 64 KiB: the host fills or empties it, a call here moves
 * it.
 */
import {
  FANOUT, H_CONTENTS, H_XFER, KEY_MAX, NO_MEMORY, OUT_OF_RANGE, PAGE_BYTES, POOL_CONTENT, V_KIND,
  V_LENT, VK_PHYSICAL,
} from "./layout";
import { poolReserve } from "./heap";
import { commitRun, contentOf } from "./commit";
import { expandKeys, reserveExpand, storedIn } from "./compress";
import { takeBack } from "./contiguous";
import { frameC, freeFrames } from "./frames";
import { settle } from "./loans";
import { commitPaged } from "./pager";
import { isPagerRoot, markAccessed, markWritten } from "./queues";
import { ready, reserveContents, reserveNodes, ZERO_RUNS, writeNeeds } from "./reserve";
import { seenFrame, setSize, taggedEnd, vmoBase, vmoSize } from "./vmos";

/**
 * Copies bytes of a VMO into the transfer buffer. The range is inside the VMO and at most 64 KiB;
 * what is compressed in it was made again by `expand`.
 */
export function readBytes(vmo: u32, offset: u64, length: u32): void {
  let to = load<u32>(H_XFER);
  let at = offset;
  const end = offset + length;
  recall(vmo, vmoBase(vmo) + (at >> 12), vmoBase(vmo) + ((end + PAGE_BYTES - 1) >> 12));
  while (at < end) {
    const inPage = <u32>at & (PAGE_BYTES - 1);
    const n = <u32>min(<u64>(PAGE_BYTES - inPage), end - at);
    const frame = load<u8>(vmo + V_KIND) == VK_PHYSICAL
      ? 0 : seenFrame(vmo, vmoBase(vmo) + (at >> 12));
    const content = frame == 0 ? 0 : load<u32>(frameC(frame)) >> 12 << 12;
    if (frame != 0) markAccessed(frame);
    if (content == 0) memory.fill(to, 0, n);
    else memory.copy(to, content + inPage, n);
    to += n;
    at += n;
  }
}

/** Reserves all that writing these bytes can take. 0 or NO_MEMORY. */
export function prepareWrite(vmo: u32, offset: u64, length: u64): i32 {
  if (load<u8>(vmo + V_KIND) == VK_PHYSICAL) return 0;
  const lo = vmoBase(vmo) + (offset >> 12);
  const hi = vmoBase(vmo) + ((offset + length + PAGE_BYTES - 1) >> 12);
  if (!reservePages(vmo, lo, hi)) return NO_MEMORY;
  const contents = <u32>(hi - lo) + 1 + storedIn(vmo, lo, hi); // bytes for each, and made again
  return poolReserve(POOL_CONTENT, contents) ? 0 : NO_MEMORY;
}

/** Reserves all that committing the keys [lo, hi) can take. */
export function reservePages(vmo: u32, lo: u64, hi: u64): bool {
  if (lo >= hi) return true;
  if (!ready()) return false;
  const ample = load<u32>(H_CONTENTS) == 0 && hi - lo <= <u64>freeFrames();
  const needs = ample ? 0 : writeNeeds(vmo, lo, hi);
  if ((needs & 0xffffffff) > <u64>freeFrames()) return false;
  return reserveNodes(hi - lo, hi) && reserveContents(<u32>(needs >> 32));
}

/**
 * Reserves all that zeroing pages [page, page + n) can take, in `runs` runs. `partial`: the first
 * (1) and the last (2) are not dropped but zeroed in part. 0 or NO_MEMORY.
 */
export function prepareZero(vmo: u32, page: u64, n: u64, partial: u32, runs: u32): i32 {
  if (!ready()) return NO_MEMORY;
  const lo = vmoBase(vmo) + page;
  let top = taggedEnd(vmo, lo, lo + n);
  if (top == lo) top = 1; // no tag: no node has to be made for one
  let needs: u64 = 0;
  for (let i: u32 = 0; i < 2; i++) {
    const key = i == 0 ? lo : lo + n - 1;
    if ((partial >> i & 1) == 0 || !shows(vmo, key)) continue;
    needs += writeNeeds(vmo, key, key + 1);
    top = max(top, key + 1);
  }
  if ((needs & 0xffffffff) > <u64>freeFrames()) return NO_MEMORY;
  const nodes = reserveNodes(2, top, ZERO_RUNS - 1 + runs);
  return nodes && reserveContents(<u32>(needs >> 32)) ? 0 : NO_MEMORY;
}

/**
 * Writes the transfer buffer's bytes into a VMO. Prepared by `prepareWrite`, or the pages are the
 * VMO's own and a content slot for each is spare.
 */
export function writeBytes(vmo: u32, offset: u64, length: u32): void {
  if (load<u8>(vmo + V_KIND) == VK_PHYSICAL) return; // a device's business
  let from = load<u32>(H_XFER);
  let at = offset;
  const end = offset + length;
  while (at < end) {
    const inPage = <u32>at & (PAGE_BYTES - 1);
    const n = <u32>min(<u64>(PAGE_BYTES - inPage), end - at);
    const frame = ownFrame(vmo, vmoBase(vmo) + (at >> 12));
    const content = contentOf(frame, true);
    assert(content != 0); // was to be reserved
    memory.copy(content + inPage, from, n);
    markWritten(frame);
    from += n;
    at += n;
  }
}

/**
 * Whoever uses pages gets them here first, also by reading: those that a contiguous VMO has lent
 * out, and compressed ones.
 */
function recall(vmo: u32, lo: u64, hi: u64): void {
  if (load<u32>(vmo + V_LENT) != 0) takeBack(vmo, lo, hi);
  expandKeys(vmo, lo, hi);
}

/** Whether a VMO shows a page at `key`, compressed or not. */
function shows(vmo: u32, key: u64): bool {
  return seenFrame(vmo, key) != 0 || storedIn(vmo, key, key + 1) != 0;
}

/** Makes the compressed pages [page, page + n) again, as an access does. 0 or NO_MEMORY. */
export function expand(vmo: u32, page: u64, n: u64): i32 {
  const lo = vmoBase(vmo) + page;
  if (!reserveExpand(vmo, lo, lo + n)) return NO_MEMORY;
  expandKeys(vmo, lo, lo + n);
  return 0;
}

/** The frame at `key`, made the VMO's own. */
function ownFrame(vmo: u32, key: u64): u32 {
  recall(vmo, key, key + 1);
  settle(vmo, key, key + 1);
  return load<u32>(commitRun(vmo, key, 1, 0) + ((<u32>key & 31) << 2));
}

/** Zeroes bytes of one page, where there is content to zero. Prepared by `prepareZero`. */
export function zeroInPage(vmo: u32, page: u64, from: u32, length: u32): void {
  const key = vmoBase(vmo) + page;
  if (!shows(vmo, key)) return;
  const frame = ownFrame(vmo, key);
  const content = load<u32>(frameC(frame)) >> 12 << 12;
  if (content == 0) return;
  memory.fill(content + from, 0, length);
  markWritten(frame);
}

/**
 * Changes the size. `tail`: so many bytes of the new last page stay, the others become zero; 0
 * leaves that page as it is. 0, OUT_OF_RANGE, NO_MEMORY.
 */
export function resize(vmo: u32, sizePages: u64, tail: u32): i32 {
  if (sizePages > KEY_MAX - vmoBase(vmo)) return OUT_OF_RANGE;
  if (tail != 0) {
    if (prepareZero(vmo, sizePages - 1, 1, 1, 1) < 0) return NO_MEMORY;
    zeroInPage(vmo, sizePages - 1, tail, PAGE_BYTES - tail);
  } else if (sizePages < vmoSize(vmo) && !ready()) return NO_MEMORY;
  setSize(vmo, sizePages);
  return 0;
}

/** Commits the keys [lo, hi), reserved before. */
export function commitKeys(vmo: u32, lo: u64, hi: u64): void {
  recall(vmo, lo, hi);
  if (isPagerRoot(vmo)) {
    settle(vmo, lo, hi);
    commitPaged(vmo, lo, hi);
    return;
  }
  for (let key = lo; key < hi;) {
    const n = <u32>min(<u64>(FANOUT - (<u32>key & (FANOUT - 1))), hi - key);
    commitRun(vmo, key, n, 0);
    key += n;
  }
}
