/**
 * Moving pages from one VMO into another: what a pager supplies, and what a transfer puts in place
 * of what was there. What a pager supplies may stand in a frame on loan (loans.ts).
 *
 * I1. All that can run out is reserved before the first page moves.
 * I2. A frame that others hold too is copied: they keep theirs.
 * I3. What the source had reads zero afterwards, for its clones as well.
 * Cost: two descents for each page that moves, one call for each run of zeros.
 */
import {
  A_REF, A_REF_MASK, B_BORROWED, B_KEY_SHIFT, FANOUT_BITS, H_STATES, NH_MASK, NO_MEMORY, PAGE_BYTES,
  POOL_LOAN, Q_ZERO_FORK, SLOT_ZERO, ST_LOANED, ST_OBJECT, VF_HIGH_PRIORITY, V_FLAGS, V_FAMILY,
  V_HEIGHT, V_LIMIT, V_PARENT,
} from "./layout";
import { contentOf } from "./commit";
import { frameA, frameAlloc, frameB, frameC, frameD, frameDrop, freeFrames } from "./frames";
import { poolReserve } from "./heap";
import { lodge } from "./loans";
import { headerOf, isChild } from "./nodes";
import { spanAt, spanEnd } from "./pager";
import { goHome, isPagerRoot, queueMove } from "./queues";
import { isOwn, ready, reserveContents, reserveNodes } from "./reserve";
import { exclusiveLeaf, findLeaf, settlePath, treeFill } from "./tree";
import { dropEntries, vmoBase, vmoHeight, vmoRoot } from "./vmos";

/**
 * Moves `n` pages of `aux`, another VMO without a live parent, into a VMO. What is there stays, and
 * the page that came for it is freed; with `replace` it goes instead. Where `aux` has no page the
 * VMO reads zero. `borrow`: pages stand in frames on loan, as far as there are any and the VMO may.
 * 0 or NO_MEMORY.
 */
export function moveIn(
  vmo: u32, page: u64, n: u64, aux: u32, auxPage: u64, replace: bool, borrow: bool,
): i32 {
  if (n == 0) return 0;
  const lo = vmoBase(vmo) + page;
  const from = vmoBase(aux) + auxPage;
  const lodges = borrow && isPagerRoot(vmo)
    && (load<u16>(vmo + V_FLAGS) & <u16>VF_HIGH_PRIORITY) == 0;
  if (!reserveMoves(vmo, lo, n, aux, from, lodges)) return NO_MEMORY;
  for (let i: u64 = 0; i < n;) {
    const source = spanAt(aux, from + i);
    const end = min(n, spanEnd() - from);
    if (isChild(source)) {
      const frame = takeOut(aux, from + i);
      if (!replace && spanAt(vmo, lo + i) != 0) frameDrop(frame);
      else putIn(vmo, lo + i, lodges ? lodge(frame, vmo, lo + i) : frame);
    } else if (replace) fillZero(vmo, lo + i, lo + end);
    else fillAbsent(vmo, lo + i, lo + end);
    i = end;
  }
  fillZero(aux, from, from + n);
  dropEntries(aux, from, from + n);
  if (replace) dropEntries(vmo, lo, lo + n);
  return 0;
}

/** Whether a frame has to be copied to leave the tree that holds it at a key. */
function mustCopy(aux: u32, key: u64, frame: u32): bool {
  const found = findLeaf(vmoRoot(aux), vmoHeight(aux), key);
  return (found & 1) != 0 || !isOwn(found, <u32>key & 31, frame);
}

function reserveMoves(
  vmo: u32, lo: u64, n: u64, aux: u32, from: u64, lodges: bool,
): bool {
  let moves: u64 = 0;
  let zeros: u64 = 0;
  let copies: u32 = 0;
  let contents: u32 = 0;
  for (let i: u64 = 0; i < n;) {
    const source = spanAt(aux, from + i);
    let end = min(n, spanEnd() - from);
    if (!isChild(source)) {
      // runs of zeros are counted where the target changes, too
      spanAt(vmo, lo + i);
      end = min(end, spanEnd() - lo);
      zeros++;
    } else {
      moves++;
      if (mustCopy(aux, from + i, source)) {
        copies++;
        contents += u32(load<u32>(frameC(source)) >> 12 != 0);
      }
    }
    i = end;
  }
  if (copies > freeFrames() || !ready()) return false;
  const onLoan = <u64>load<u32>(H_STATES + (ST_LOANED << 2));
  if (lodges && !poolReserve(POOL_LOAN, <u32>min(moves, onLoan))) return false;
  const leaves = min(moves, (n >> FANOUT_BITS) + 2);
  return reserveNodes(0, max(lo + n, from + n), zeros + 2 * leaves + 4)
    && reserveContents(contents);
}

/** Takes the frame that a VMO has at a key, or a copy of it, out of its tree. */
function takeOut(aux: u32, key: u64): u32 {
  const leaf = exclusiveLeaf(aux, key);
  const i = <u32>key & 31;
  const at = leaf + (i << 2);
  const slot = load<u32>(at);
  const refs = load<u32>(frameA(slot));
  let frame = slot;
  if ((refs & A_REF_MASK) != 1) {
    frame = copyOf(slot);
    store<u32>(frameA(slot), refs - A_REF);
  }
  store<u32>(at, 0);
  const mask = headerOf(leaf) + NH_MASK;
  store<u32>(mask, load<u32>(mask) & ~(1 << i));
  settlePath(<u32>load<u8>(aux + V_HEIGHT), -1);
  return frame;
}

function copyOf(source: u32): u32 {
  const frame = frameAlloc(ST_OBJECT);
  const content = load<u32>(frameC(source)) >> 12 << 12;
  if (content != 0) memory.copy(contentOf(frame, false), content, PAGE_BYTES);
  return frame;
}

/** Puts a frame that nobody holds into a VMO's list, clean. */
function putIn(vmo: u32, key: u64, frame: u32): void {
  const leaf = exclusiveLeaf(vmo, key);
  const i = <u32>key & 31;
  const at = leaf + (i << 2);
  const old = load<u32>(at);
  const mask = headerOf(leaf) + NH_MASK;
  store<u32>(mask, load<u32>(mask) & ~(1 << i));
  if (isChild(old)) frameDrop(old);
  store<u32>(at, frame);
  const family = load<u32>(vmo + V_FAMILY);
  store<u32>(frameA(frame), 1);
  queueMove(frame, Q_ZERO_FORK);
  const borrowed = load<u32>(frameB(frame)) & B_BORROWED;
  store<u32>(frameB(frame), ST_OBJECT | borrowed | (<u32>(key >> 22) << B_KEY_SHIFT));
  store<u32>(frameC(frame), (load<u32>(frameC(frame)) >> 12 << 12) | (family & 0xfff));
  if (borrowed == 0) store<u32>(frameD(frame), (family >> 12 << 22) | (<u32>key & 0x3fffff));
  goHome(vmo, frame);
  settlePath(<u32>load<u8>(vmo + V_HEIGHT), isChild(old) ? 0 : 1);
}

/** Makes the keys [lo, hi) read zero, whatever a live parent has. */
function fillZero(vmo: u32, lo: u64, hi: u64): void {
  const live = load<u32>(vmo + V_PARENT) != 0 ? load<u64>(vmo + V_LIMIT) : 0;
  const tagged = min(hi, max(lo, live));
  treeFill(vmo, lo, tagged, SLOT_ZERO);
  treeFill(vmo, tagged, hi, 0);
}

/** Supplies zeros: a marker wherever the root has nothing. */
function fillAbsent(root: u32, lo: u64, hi: u64): void {
  for (let key = lo; key < hi;) {
    const first = key;
    const absent = spanAt(root, key) == 0;
    key = min(hi, spanEnd());
    if (absent) treeFill(root, first, key, SLOT_ZERO);
  }
}
