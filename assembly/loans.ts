/**
 * Loans: frames that contiguous VMOs have lent out, and pages of pagers' VMOs that stand in them
 * meanwhile (memory-semantics 6.4).
 *
 *   LOANED, on the list --a page is supplied--> borrowed: OBJECT with B_BORROWED
 *   borrowed --the page goes, or moves to a normal frame--> LOANED --its lender takes it--> OBJECT
 *
 * I1. Frames of state LOANED are a list, through C (next) and D (the one before).
 * I2. A borrowed frame holds a page that can go at once: of a pager's root of usual priority,
 *     clean, not pinned, not hinted ALWAYS_NEED. D is its loan's record >> 4:
 *     | VMO u32 | 0 u32 | key u64 |.
 * I3. What is about to be written, pinned or always needed moves to a normal frame first.
 * Cost: 16 bytes for each borrowed page. Leaving a borrowed frame takes no host memory, for the
 * page's bytes stay where they are and change hands.
 */
import {
  B_BORROWED, H_LOANED, POOL_LOAN, P_LIVE, ST_LOANED, ST_OBJECT, V_FAMILY, V_TAKEN,
} from "./layout";
import { frameA, frameAlloc, frameB, frameC, frameD, frameFree, stateAdd } from "./frames";
import { poolAlloc, poolAt, poolFree } from "./heap";
import { dropOthers } from "./mappings";
import { isChild } from "./nodes";
import { spanAt, spanEnd } from "./pager";
import { isPagerRoot } from "./queues";
import { findLeaf, treeFill } from "./tree";
import { dropEntries, vmoHeight, vmoRoot } from "./vmos";

const L_VMO: u32 = 0;
const L_KEY: u32 = 8;

/** Frames that pages stand in and somebody else has lent. */
export function borrowedFrames(): u32 { return load<u32>(poolAt(POOL_LOAN) + P_LIVE); }

export function isBorrowed(frame: u32): bool {
  return (load<u32>(frameB(frame)) & B_BORROWED) != 0;
}

function loanOf(frame: u32): u32 { return load<u32>(frameD(frame)) << 4; }

/** The VMO whose page stands in a borrowed frame. */
export function borrowerOf(frame: u32): u32 { return load<u32>(loanOf(frame) + L_VMO); }

/** The key of the page that stands in a borrowed frame. */
export function borrowedKey(frame: u32): u64 { return load<u64>(loanOf(frame) + L_KEY); }

/** A frame without content waits for a borrower. Counters are the caller's. */
export function offer(frame: u32): void {
  const first = load<u32>(H_LOANED);
  store<u32>(frameA(frame), 0);
  store<u32>(frameB(frame), ST_LOANED);
  store<u32>(frameC(frame), first);
  store<u32>(frameD(frame), 0);
  if (first != 0) store<u32>(frameD(first), frame);
  store<u32>(H_LOANED, frame);
}

/** Takes a frame off the list of those that wait. Counters are the caller's. */
export function withdraw(frame: u32): void {
  const next = load<u32>(frameC(frame));
  const before = load<u32>(frameD(frame));
  if (next != 0) store<u32>(frameD(next), before);
  store<u32>(before == 0 ? H_LOANED : frameC(before), next);
  store<u32>(frameC(frame), 0);
}

/**
 * Moves what a page of nobody has into a frame on loan, which is the page of a key of a VMO from
 * now on; the old frame is free. Where no loan is to be had it stays. A record must be spare.
 */
export function lodge(frame: u32, vmo: u32, key: u64): u32 {
  const to = load<u32>(H_LOANED);
  if (to == 0) return frame;
  withdraw(to);
  const record = poolAlloc(POOL_LOAN);
  store<u32>(record + L_VMO, vmo);
  store<u32>(record + L_VMO + 4, 0);
  store<u64>(record + L_KEY, key);
  store<u32>(frameA(to), 1);
  store<u32>(frameB(to), ST_OBJECT | B_BORROWED);
  store<u32>(frameC(to), load<u32>(frameC(frame)));
  store<u32>(frameD(to), record >> 4);
  store<u32>(frameC(frame), 0);
  stateAdd(ST_LOANED, -1);
  stateAdd(ST_OBJECT, 1);
  frameFree(frame);
  return to;
}

/** The page in a borrowed frame has gone: the frame waits again. Its state's count was seen to. */
export function giveBack(frame: u32): void {
  poolFree(POOL_LOAN, loanOf(frame));
  offer(frame);
  stateAdd(ST_LOANED, 1);
}

/** The lender goes: a borrowed frame is its borrower's own. */
export function keepBorrowed(frame: u32): void {
  const record = loanOf(frame);
  const back = wayBack(load<u32>(record + L_VMO), load<u64>(record + L_KEY), frame);
  store<u32>(frameB(frame), load<u32>(frameB(frame)) & ~B_BORROWED);
  store<u32>(frameD(frame), back);
  poolFree(POOL_LOAN, record);
}

/** Column D of a frame that is not borrowed; the VMO may be gone, its family stands in C too. */
function wayBack(vmo: u32, key: u64, frame: u32): u32 {
  const family = (load<u32>(vmo + V_FAMILY) & ~0xfff) | (load<u32>(frameC(frame)) & 0xfff);
  return (family >> 12 << 22) | (<u32>key & 0x3fffff);
}

/** Moves a page from its borrowed frame to a normal one, of which one must be free. */
function moveOut(frame: u32): void {
  const vmo = borrowerOf(frame);
  const key = borrowedKey(frame);
  const to = frameAlloc(ST_OBJECT);
  assert(to != 0); // was to be looked for
  store<u32>(frameA(to), load<u32>(frameA(frame)));
  store<u32>(frameB(to), load<u32>(frameB(frame)) & ~B_BORROWED); // the same queue and hint
  store<u32>(frameC(to), load<u32>(frameC(frame)));
  store<u32>(frameD(to), wayBack(vmo, key, frame));
  const leaf = findLeaf(vmoRoot(vmo), vmoHeight(vmo), key) & ~1;
  store<u32>(leaf + ((<u32>key & 31) << 2), to);
  stateAdd(ST_OBJECT, -1);
  giveBack(frame);
  dropOthers(vmo, key, 0);
}

/**
 * A page leaves its borrowed frame at once: for a free one if it may have it; else it goes, and its
 * pager is asked for it when it is used next.
 */
export function surrender(frame: u32, moves: bool): void {
  if (moves) {
    moveOut(frame);
    return;
  }
  const vmo = borrowerOf(frame);
  const key = borrowedKey(frame);
  treeFill(vmo, key, key + 1, 0);
  dropEntries(vmo, key, key + 1);
  store<u32>(vmo + V_TAKEN, load<u32>(vmo + V_TAKEN) + 1);
}

/** Whether the page of a root at a key stands in a borrowed frame: moving it takes a free one. */
export function isLodged(root: u32, key: u64): bool {
  if (borrowedFrames() == 0) return false;
  const slot = spanAt(root, key);
  return isChild(slot) && isBorrowed(slot);
}

/** Pages of the keys [lo, hi) leave their borrowed frames; so many frames must be free. */
export function settle(vmo: u32, lo: u64, hi: u64): void {
  if (borrowedFrames() == 0 || !isPagerRoot(vmo)) return;
  for (let key = lo; key < hi;) {
    const slot = spanAt(vmo, key);
    key = spanEnd();
    if (isChild(slot) && isBorrowed(slot)) moveOut(slot);
  }
}
