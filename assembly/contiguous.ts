/**
 * Contiguous VMOs: one run of adjacent frames, each at its page for as long as the VMO lives. A
 * page may be lent out meanwhile, and comes back, zeroed, with the next access.
 *
 * I1. Page p has frame `run + p`, which is in state OBJECT and in the slot; or the slot is empty
 *     and the frame in state LOANED, or somebody's who borrowed it: `lent` counts both.
 * I2. The leaves are made with the VMO and never go before it: lending and taking back need no
 *     memory, so they cannot fail. A borrower whose page finds no other frame loses it.
 */
import {
  B_KEY_SHIFT, B_QUEUE_SHIFT, FANOUT, H_CONTENTS, H_FRAMES, H_FRAME_BUMP, H_FRAME_FREE, M_KEY,
  M_VMO, NO_MEMORY, PAGE_BYTES, POOL_CONTENT, Q_WIRED, ST_FREE, ST_LOANED, ST_OBJECT, VK_CONTIGUOUS,
  VK_PAGER, V_FAMILY, V_HEIGHT, V_KIND, V_LENT, V_RUN,
} from "./layout";
import {
  frameA, frameB, frameC, frameD, frameFree, frameState, freeFrames, queueAdd, stateAdd,
} from "./frames";
import { poolFree } from "./heap";
import { borrowedFrames, isBorrowed, keepBorrowed, offer, surrender, withdraw } from "./loans";
import { findMapping, mappingBase, mappingEnd } from "./mappings";
import { isChild } from "./nodes";
import { ready, reserveNodes } from "./reserve";
import { exclusiveLeaf, settlePath } from "./tree";
import { dropEntries, newVmo, seenFrame, vmoBase, vmoSize } from "./vmos";

/**
 * A VMO of `pages` adjacent frames, the first one's number a multiple of `align` (a power of two).
 * Its record >> 4, or NO_MEMORY.
 */
export function newContiguous(pages: u32, align: u32): i32 {
  if (pages > freeFrames()) return NO_MEMORY;
  const first = findRun(pages, align);
  if (first == 0 || !ready() || !reserveNodes(pages, pages)) return NO_MEMORY;
  const vmo = newVmo(VK_CONTIGUOUS, pages);
  if (vmo == 0) return NO_MEMORY;
  takeRun(first, pages);
  store<u32>(vmo + V_RUN, first);
  fill(vmo, 0, pages, ST_FREE);
  return <i32>(vmo >> 4);
}

/** First frame of the lowest run of free ones, or 0. */
function findRun(pages: u32, align: u32): u32 {
  const frames = load<u32>(H_FRAMES);
  let first = align;
  while (<u64>first + pages <= frames) {
    let end = first + pages;
    while (end > first && frameState(end - 1) == ST_FREE) end--;
    if (end == first) return first;
    first = (end + align - 1) & ~(align - 1);
  }
  return 0;
}

/** Takes free frames off the free list, or from above the bump mark. */
function takeRun(first: u32, pages: u32): void {
  const end = first + pages;
  const bump = load<u32>(H_FRAME_BUMP);
  let at = H_FRAME_FREE;
  for (let frame = load<u32>(at); frame != 0 && first < bump; frame = load<u32>(at)) {
    if (frame - first < pages) store<u32>(at, load<u32>(frameC(frame)));
    else at = frameC(frame);
  }
  if (end <= bump) return;
  for (let frame = bump; frame < first; frame++) {
    store<u32>(frameC(frame), load<u32>(H_FRAME_FREE));
    store<u32>(H_FRAME_FREE, frame);
  }
  store<u32>(H_FRAME_BUMP, end);
}

/** Puts the frames of the keys [lo, hi) that are not there into their slots. */
function fill(vmo: u32, lo: u64, hi: u64, from: u32): u32 {
  const first = load<u32>(vmo + V_RUN);
  const family = load<u32>(vmo + V_FAMILY);
  let all: u32 = 0;
  for (let key = lo; key < hi;) {
    const leaf = exclusiveLeaf(vmo, key);
    let added: i32 = 0;
    for (let i = <u32>key & (FANOUT - 1); i < FANOUT && key < hi; i++, key++) {
      if (load<u32>(leaf + (i << 2)) != 0) continue;
      const frame = first + <u32>key;
      if (from == ST_LOANED) withdraw(frame);
      store<u32>(frameA(frame), 1);
      const wired = ST_OBJECT | Q_WIRED << B_QUEUE_SHIFT;
      store<u32>(frameB(frame), wired | (<u32>(key >> 22) << B_KEY_SHIFT));
      store<u32>(frameC(frame), family & 0xfff);
      store<u32>(frameD(frame), family >> 12 << 22 | (<u32>key & 0x3fffff));
      store<u32>(leaf + (i << 2), frame);
      added++;
    }
    if (added != 0) settlePath(<u32>load<u8>(vmo + V_HEIGHT), added);
    all += added;
  }
  stateAdd(from, -<i32>all);
  stateAdd(ST_OBJECT, all);
  queueAdd(Q_WIRED, all);
  return all;
}

/** Lends the pages [page, page + n) out: they are free for who can give them back at once. */
export function lend(vmo: u32, page: u64, n: u64): void {
  const hi = page + n;
  let all: u32 = 0;
  for (let key = page; key < hi;) {
    const leaf = exclusiveLeaf(vmo, key);
    let gone: i32 = 0;
    for (let i = <u32>key & (FANOUT - 1); i < FANOUT && key < hi; i++, key++) {
      const frame = load<u32>(leaf + (i << 2));
      if (frame == 0) continue;
      dropContent(frame);
      offer(frame);
      store<u32>(leaf + (i << 2), 0);
      gone++;
    }
    if (gone != 0) settlePath(<u32>load<u8>(vmo + V_HEIGHT), -gone);
    all += gone;
  }
  stateAdd(ST_OBJECT, -<i32>all);
  queueAdd(Q_WIRED, -<i32>all);
  stateAdd(ST_LOANED, all);
  store<u32>(vmo + V_LENT, load<u32>(vmo + V_LENT) + all);
  dropEntries(vmo, page, hi);
}

/** The pages of the keys [lo, hi) that are lent out come back; who borrowed them is seen to. */
export function takeBack(vmo: u32, lo: u64, hi: u64): void {
  const lent = load<u32>(vmo + V_LENT);
  if (lent == 0) return;
  recallKeys(vmo, lo, hi, freeFrames());
  store<u32>(vmo + V_LENT, lent - fill(vmo, lo, hi, ST_LOANED));
}

/** Who borrowed pages of the keys [lo, hi) leaves them, for `most` free frames. What is left. */
function recallKeys(vmo: u32, lo: u64, hi: u64, most: u32): u32 {
  if (borrowedFrames() == 0) return most;
  const run = load<u32>(vmo + V_RUN);
  let left = most;
  for (let frame = run + <u32>lo; frame < run + <u32>hi; frame++) {
    if (!isBorrowed(frame)) continue;
    surrender(frame, left != 0);
    left -= u32(left != 0);
  }
  return left;
}

/**
 * Frames that an access to a mapped range takes for those who borrowed what it takes back: where it
 * goes to pagers' VMOs as well, for they might lose the very pages that it is about to use.
 */
export function recallNeeds(aspace: u32, vpn: u64, end: u64): u32 {
  if (borrowedFrames() == 0) return 0;
  let borrowed: u32 = 0;
  let paged = false;
  for (let at = vpn; at < end;) {
    const m = findMapping(aspace, at);
    const stop = min(end, mappingEnd(m));
    const vmo = load<u32>(m + M_VMO);
    const kind = load<u8>(vmo + V_KIND);
    if (kind == VK_PAGER) paged = true;
    else if (kind == VK_CONTIGUOUS && load<u32>(vmo + V_LENT) != 0) {
      const frame = load<u32>(vmo + V_RUN) + <u32>(load<u64>(m + M_KEY) + (at - mappingBase(m)));
      for (let i: u32 = 0; i < <u32>(stop - at); i++) borrowed += u32(isBorrowed(frame + i));
    }
    at = stop;
  }
  return paged ? borrowed : 0;
}

/**
 * Makes ready what an access to a mapped range takes back, leaving it `keep` free frames: and those
 * of page tables that go with their last entry on the way, for it may have to make them again.
 */
export function recallMapped(aspace: u32, vpn: u64, end: u64, keep: u32): void {
  if (borrowedFrames() == 0) return;
  let most = freeFrames() - keep;
  for (let at = vpn; at < end;) {
    const m = findMapping(aspace, at);
    const stop = min(end, mappingEnd(m));
    const vmo = load<u32>(m + M_VMO);
    if (load<u8>(vmo + V_KIND) == VK_CONTIGUOUS && load<u32>(vmo + V_LENT) != 0) {
      const key = load<u64>(m + M_KEY) + (at - mappingBase(m));
      most = recallKeys(vmo, key, key + (stop - at), most);
    }
    at = stop;
  }
}

/** The VMO goes: what it lent out is free, or its borrower's own. */
export function endLoans(vmo: u32): void {
  const first = load<u32>(vmo + V_RUN);
  const end = first + <u32>vmoSize(vmo);
  for (let frame = first; frame < end; frame++) {
    if (isBorrowed(frame)) keepBorrowed(frame);
    else if (frameState(frame) == ST_LOANED) {
      withdraw(frame);
      frameFree(frame);
    }
  }
}

/** The first frame of a contiguous VMO's run that is not where I1 says, or 0. */
export function strayFrame(vmo: u32): u32 {
  const first = load<u32>(vmo + V_RUN);
  let lent: u32 = 0;
  for (let page: u32 = 0; page < <u32>vmoSize(vmo); page++) {
    const frame = first + page;
    const seen = seenFrame(vmo, page);
    if (seen == 0 && (frameState(frame) == ST_LOANED || isBorrowed(frame))) lent++;
    else if (seen != frame || frameState(frame) != ST_OBJECT) return frame;
  }
  return lent == load<u32>(vmo + V_LENT) ? 0 : first;
}

/** Zeroes bytes of a VMO whose pages stay where they are: also what is pinned. */
export function zeroInPlace(vmo: u32, offset: u64, length: u64): void {
  const end = offset + length;
  for (let at = offset; at < end;) {
    const inPage = <u32>at & (PAGE_BYTES - 1);
    const n = <u32>min(<u64>(PAGE_BYTES - inPage), end - at);
    const frame = seenFrame(vmo, vmoBase(vmo) + (at >> 12));
    const content = isChild(frame) ? load<u32>(frameC(frame)) >> 12 << 12 : 0;
    if (content != 0 && n == PAGE_BYTES) dropContent(frame);
    else if (content != 0) memory.fill(content + inPage, 0, n);
    at += n;
  }
}

/** A frame without content reads as zero. */
function dropContent(frame: u32): void {
  const c = frameC(frame);
  const content = load<u32>(c) >> 12;
  if (content == 0) return;
  poolFree(POOL_CONTENT, content << 12);
  store<u32>(H_CONTENTS, load<u32>(H_CONTENTS) - 1);
  store<u32>(c, load<u32>(c) & 0xfff);
}
