/**
 * Compressing pages and making them again; pages that are all zero become a zero tag.
 *
 * Only pages of anonymous VMOs: those of pagers are dropped instead, those of devices and of
 * contiguous VMOs stay where they are. A page that is pinned, or stands in lists of several
 * families, is left.
 *
 * I1. What any VMO reads is the same before and after, whoever shares the page.
 * I2. An access makes its pages again before it looks at them, with what it had reserved.
 */
import {
  B_ALIAS, B_HUGETLB, B_OUTSIDE, B_PIN_MASK, B_STATE_MASK, FANOUT, FANOUT_BITS, H_EXPANDED,
  H_FRAME_A, H_FRAME_B, H_FRAME_C, H_FRAME_D, H_OUT, H_LIST, A_DIRTY_SHIFT, PAGE_BYTES, PAGE_GOING,
  Q_FAILED_RECLAIM, Q_HIGH_PRIORITY, SLOT_ZERO, STORED_BYTES_MOST, ST_FREE, ST_OBJECT, S_BYTES,
  S_GOING, S_REFS, VK_ANONYMOUS, V_KIND, V_PARENT,
} from "./layout";
import { contentOf, nameFrame } from "./commit";
import { frameFree, frameTake, freeFrames, queueAdd, stateAdd } from "./frames";
import { compressedTake, compressPage, expandPage } from "./host";
import { isChild, mayHaveStored, nodeOf, nodeRefs } from "./nodes";
import { queueMove, queueOf, queueOfNew } from "./queues";
import { reserveContents } from "./reserve";
import {
  anyStored, isStored, slotOfStored, storedAt, storedFree, storedNew, storedOf,
} from "./stored";
import {
  goingTo, refsLeft, SWEEP_IN, SWEEP_OUT, sweepFamily, sweepTree,
} from "./sweep";
import { firstIndex } from "./tree";
import { vmoHeight, vmoRoot } from "./vmos";

/** Pages of one batch: the list's chunk has two words for each. */
const BATCH_PAGES: u32 = 8192;
const FLAGS: u32 = B_PIN_MASK | B_ALIAS | B_HUGETLB | B_OUTSIDE | B_STATE_MASK;

/** What is to be done with pages that are not all zero. */
export const ZEROS_ONLY: u32 = 0;
export const COMPRESS: u32 = 1;
// leaves pages that nobody wrote bytes into, and those that were tried since somebody did
export const COMPRESS_WRITTEN: u32 = 2;

/** Whether a page's content, if it has any, is all zero. */
export function isZero(content: u32): bool {
  if (content == 0) return true;
  for (let at: u32 = 0; at < PAGE_BYTES; at += 64) {
    const a = v128.or(v128.load(content + at), v128.load(content + at, 16));
    const b = v128.or(v128.load(content + at, 32), v128.load(content + at, 48));
    if (v128.any_true(v128.or(a, b))) return false;
  }
  return true;
}

/** What a page becomes: a slot; 0 where it stays. Notes at H_OUT what was met. */
function replacement(frame: u32, mode: u32): u32 {
  const content = load<u32>(load<u32>(H_FRAME_C) + (frame << 2)) >> 12 << 12;
  if (content == 0 && mode == COMPRESS_WRITTEN) return 0;
  if (isZero(content)) {
    count(ZEROS);
    return SLOT_ZERO;
  }
  if (mode == ZEROS_ONLY) return 0;
  const bytes = compressPage(content);
  if (bytes > STORED_BYTES_MOST) {
    count(INCOMPRESSIBLE);
    queueMove(frame, Q_FAILED_RECLAIM);
    return 0;
  }
  const record = storedNew(bytes);
  if (record == 0) {
    count(NO_ROOM);
    return 0;
  }
  compressedTake(storedAt(record));
  count(COMPRESSED);
  return slotOfStored(record);
}

// what became of the pages of a batch: words at H_OUT, behind the key to go on from (f64)
const COMPRESSED: u32 = 8;
const ZEROS: u32 = 12;
const INCOMPRESSIBLE: u32 = 16;
const NO_ROOM: u32 = 20;

function count(what: u32): void {
  store<u32>(H_OUT + what, load<u32>(H_OUT + what) + 1);
}

/**
 * Compresses pages of the keys [lo, hi) of one VMO, and of every VMO that shares them, until `most`
 * have gone, a batch at most.
 * H_OUT: | key to go on from f64 | compressed | zero | incompressible | without room |.
 */
export function compressKeys(vmo: u32, lo: u64, hi: u64, mode: u32, most: u32): void {
  memory.fill(H_OUT, 0, 24);
  store<f64>(H_OUT, <f64>hi);
  if (load<u8>(vmo + V_KIND) != VK_ANONYMOUS || load<u32>(vmo + V_PARENT) != 0) return;
  const root = vmoRoot(vmo);
  if (!isChild(root)) return;
  const room = min(most, BATCH_PAGES);
  const n = gatherPages(nodeOf(root), vmoHeight(vmo), 0, lo, hi, mode, room, 0);
  if (n == 0) return;
  sweepFamily(vmo, lo, <u64>load<f64>(H_OUT), SWEEP_OUT);
  const list = load<u32>(H_LIST);
  for (let i: u32 = 0; i < n; i++) settleOut(list + (i << 3));
}

/** Marks pages below a node, until there are `room`; how many there are with `found` before. */
function gatherPages(
  node: u32, height: u32, base: u64, lo: u64, hi: u64, mode: u32, room: u32, found: u32
): u32 {
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  let n = found;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi || <f64>at >= load<f64>(H_OUT)) break;
    const slot = load<u32>(node + (i << 2));
    if (!isChild(slot)) continue;
    if (height > 1) {
      n = gatherPages(nodeOf(slot), height - 1, at, lo, hi, mode, room, n);
      continue;
    }
    if (n == room) {
      store<f64>(H_OUT, <f64>at);
      break;
    }
    n += markOut(slot, mode, load<u32>(H_LIST) + (n << 3));
    if (load<u32>(H_OUT + NO_ROOM) != 0) {
      store<f64>(H_OUT, <f64>at);
      break;
    }
  }
  return n;
}

/** Marks one page as going, if it goes; 1 or 0. */
function markOut(frame: u32, mode: u32, entry: u32): u32 {
  const a = load<u32>(H_FRAME_A) + (frame << 2);
  if ((load<u32>(load<u32>(H_FRAME_B) + (frame << 2)) & FLAGS) != ST_OBJECT) return 0;
  if (load<u32>(a) >> A_DIRTY_SHIFT != 0) return 0; // going already: two keys have it
  const queue = queueOf(frame);
  if (queue == Q_HIGH_PRIORITY) return 0;
  if (queue == Q_FAILED_RECLAIM && mode == COMPRESS_WRITTEN) return 0;
  const slot = replacement(frame, mode);
  if (slot == 0) return 0;
  const d = load<u32>(H_FRAME_D) + (frame << 2);
  store<u32>(entry, frame);
  store<u32>(entry + 4, load<u32>(d));
  store<u32>(d, slot);
  store<u32>(a, load<u32>(a) | PAGE_GOING << A_DIRTY_SHIFT);
  return 1;
}

/** A page that is in no list any more is free; one that is somewhere else as well stays there. */
function settleOut(entry: u32): void {
  const frame = load<u32>(entry);
  if (refsLeft(frame) == 0) {
    frameFree(frame);
    return;
  }
  store<u32>(load<u32>(H_FRAME_A) + (frame << 2), refsLeft(frame));
  store<u32>(load<u32>(H_FRAME_D) + (frame << 2), load<u32>(entry + 4));
}

/** Compressed pages in the keys [lo, hi) of a tree. */
export function storedIn(vmo: u32, lo: u64, hi: u64): u32 {
  const root = vmoRoot(vmo);
  return anyStored() && isChild(root)
    ? countStored(nodeOf(root), vmoHeight(vmo), 0, lo, hi) : 0;
}

function countStored(node: u32, height: u32, base: u64, lo: u64, hi: u64): u32 {
  if (!mayHaveStored(node)) return 0;
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  let n: u32 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const slot = load<u32>(node + (i << 2));
    if (height == 1) n += u32(isStored(slot));
    else if (isChild(slot)) n += countStored(nodeOf(slot), height - 1, at, lo, hi);
  }
  return n;
}

/** Reserves what making the compressed pages of a range again takes. */
export function reserveExpand(vmo: u32, lo: u64, hi: u64): bool {
  const n = storedIn(vmo, lo, hi);
  return n <= freeFrames() && reserveContents(n);
}

/**
 * Makes the compressed pages of the keys [lo, hi) again, for all that share them. Frames and
 * contents were reserved.
 */
export function expandKeys(vmo: u32, lo: u64, hi: u64): void {
  if (!anyStored()) return;
  const root = vmoRoot(vmo);
  if (!isChild(root)) return;
  for (let from = lo; ;) {
    store<f64>(H_OUT, <f64>hi);
    const found = gatherStored(vmo, nodeOf(root), vmoHeight(vmo), 0, from, hi, 0, false);
    const n = found >> 1;
    if (n == 0) return;
    const end = <u64>load<f64>(H_OUT);
    // bit 0: some page, or the way to it, is shared
    if ((found & 1) != 0) sweepFamily(vmo, from, end, SWEEP_IN);
    else sweepTree(vmo, from, end, SWEEP_IN);
    const list = load<u32>(H_LIST);
    for (let i: u32 = 0; i < n; i++) settleIn(load<u32>(list + (i << 2)));
    if (end == hi) return;
    from = end;
  }
}

/** Makes pages below a node again; twice how many, and 1 if anything is shared. */
function gatherStored(
  vmo: u32, node: u32, height: u32, base: u64, lo: u64, hi: u64, found: u32, above: bool
): u32 {
  if (!mayHaveStored(node)) return found;
  const shared = above || nodeRefs(node) > 1;
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  let n = found;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi || <f64>at >= load<f64>(H_OUT)) break;
    const slot = load<u32>(node + (i << 2));
    if (height > 1) {
      if (isChild(slot)) n = gatherStored(vmo, nodeOf(slot), height - 1, at, lo, hi, n, shared);
      continue;
    }
    if (!isStored(slot)) continue;
    if (n >> 1 == BATCH_PAGES) {
      store<f64>(H_OUT, <f64>at);
      break;
    }
    const record = storedOf(slot);
    n |= u32(shared || load<u32>(record + S_REFS) > 1);
    if (load<u32>(record + S_GOING) != 0) continue; // two keys have it
    store<u32>(load<u32>(H_LIST) + (n >> 1 << 2), record);
    makeAgain(vmo, at, record);
    n += 2;
  }
  return n;
}

/** A frame, still in no list, with what a compressed page contains. */
function makeAgain(vmo: u32, key: u64, record: u32): void {
  const frame = frameTake();
  const queue = queueOfNew(vmo, false);
  nameFrame(vmo, key, frame, queue);
  queueAdd(queue, 1);
  store<u32>(load<u32>(H_FRAME_A) + (frame << 2), 0);
  stateAdd(ST_FREE, -1);
  stateAdd(ST_OBJECT, 1);
  const content = contentOf(frame, false);
  if (content == 0) unreachable(); // was to be reserved
  store<u64>(H_EXPANDED, load<u64>(H_EXPANDED) + 1);
  expandPage(storedAt(record), load<u32>(record + S_BYTES), content);
  store<u32>(record + S_GOING, goingTo(frame, load<u32>(record + S_REFS) > 1));
}

function settleIn(record: u32): void {
  store<u32>(record + S_GOING, 0);
  if (load<u32>(record + S_REFS) == 0) storedFree(record);
}
