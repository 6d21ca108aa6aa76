/**
 * Reading and writing what pages contain. A page that was only touched has no content and reads as
 * zero.
 *
 * Bytes travel through a transfer buffer of 64 KiB: the host fills or empties it, a call here moves
 * it.
 */
import {
  FANOUT, H_CONTENTS, H_XFER, NO_MEMORY, PAGE_BYTES, POOL_CONTENT, V_KIND, V_LENT, VK_PHYSICAL,
} from "./layout";
import { poolReserve } from "./heap";
import { commitRun, contentOf } from "./commit";
import { takeBack } from "./contiguous";
import { frameC, freeFrames } from "./frames";
import { ready, reserveContents, reserveNodes, writeNeeds } from "./reserve";
import { seenFrame, vmoBase } from "./vmos";

/**
 * Copies bytes of a VMO into the transfer buffer. The range is inside the VMO and at most 64 KiB.
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
    if (content == 0) memory.fill(to, 0, n);
    else memory.copy(to, content + inPage, n);
    to += n;
    at += n;
  }
}

/** Reserves all that writing these bytes can take. 0 or NO_MEMORY. */
export function prepareWrite(vmo: u32, offset: u64, length: u64): i32 {
  const lo = vmoBase(vmo) + (offset >> 12);
  const hi = vmoBase(vmo) + ((offset + length + PAGE_BYTES - 1) >> 12);
  if (!reservePages(vmo, lo, hi)) return NO_MEMORY;
  return poolReserve(POOL_CONTENT, <u32>(hi - lo) + 1) ? 0 : NO_MEMORY;
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

/** Reserves all that writing two pages of a VMO can take together. */
export function reservePair(vmo: u32, first: u64, second: u64): bool {
  const a = vmoBase(vmo) + (first >> 12);
  const b = vmoBase(vmo) + (second >> 12);
  if (!reservePages(vmo, a, a + 1) || !reservePages(vmo, b, b + 1)) return false;
  const needs = writeNeeds(vmo, a, a + 1) + writeNeeds(vmo, b, b + 1);
  return (needs & 0xffffffff) <= <u64>freeFrames() && reserveContents(<u32>(needs >> 32));
}

/** Writes the transfer buffer's bytes into a VMO. Prepared by `prepareWrite`. */
export function writeBytes(vmo: u32, offset: u64, length: u32): void {
  let from = load<u32>(H_XFER);
  let at = offset;
  const end = offset + length;
  while (at < end) {
    const inPage = <u32>at & (PAGE_BYTES - 1);
    const n = <u32>min(<u64>(PAGE_BYTES - inPage), end - at);
    const content = contentOf(ownFrame(vmo, vmoBase(vmo) + (at >> 12)), true);
    memory.copy(content + inPage, from, n);
    from += n;
    at += n;
  }
}

/** Whoever uses a page that a contiguous VMO has lent out takes it back, also by reading. */
function recall(vmo: u32, lo: u64, hi: u64): void {
  if (load<u32>(vmo + V_LENT) != 0) takeBack(vmo, lo, hi);
}

/** The frame at `key`, made the VMO's own. */
function ownFrame(vmo: u32, key: u64): u32 {
  recall(vmo, key, key + 1);
  return load<u32>(commitRun(vmo, key, 1, 0) + ((<u32>key & 31) << 2));
}

/** Zeroes bytes inside one page: only where there is content to zero. 0 or NO_MEMORY. */
export function zeroInPage(vmo: u32, offset: u64, length: u32): i32 {
  const key = vmoBase(vmo) + (offset >> 12);
  const seen = seenFrame(vmo, key);
  if (seen == 0) return 0;
  if (!reservePages(vmo, key, key + 1)) return NO_MEMORY;
  const frame = ownFrame(vmo, key);
  if (load<u32>(frameC(frame)) >> 12 == 0) return 0;
  memory.fill(contentOf(frame, true) + (<u32>offset & (PAGE_BYTES - 1)), 0, length);
  return 0;
}

/** Commits the keys [lo, hi), reserved before. */
export function commitKeys(vmo: u32, lo: u64, hi: u64): void {
  recall(vmo, lo, hi);
  for (let key = lo; key < hi;) {
    const n = <u32>min(<u64>(FANOUT - (<u32>key & (FANOUT - 1))), hi - key);
    commitRun(vmo, key, n, 0);
    key += n;
  }
}

