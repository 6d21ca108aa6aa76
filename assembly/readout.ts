/**
 * Reading a finished pass: the sums over a range of keys, and what must be taken off where one
 * process reaches a page by several trees.
 *
 * An accumulator is 32 bytes: | share sum, two lanes | pages u64 | private pages u64 |
 */
import {
  FANOUT, FANOUT_BITS, H_FRAME_WEIGHT, H_SHARE_COUNT, H_SHARE_TABLE, H_WEIGHT_MODE, NR_PRIVATE,
  NR_SUM,
} from "./layout";
import { isChild, nodeCount, nodeMask, nodeOf, recordOf } from "./nodes";
import { shareOf, shareTimes } from "./shares";
import { countRange, firstIndex } from "./tree";
import { injectRange, markOf, MODE_HELD, ownersOf, reached, weightOf } from "./weights";

export const ACC_PAGES: u32 = 16;
export const ACC_PRIVATE: u32 = 24;

/** Adds `times` (1 or -1 as u64) a sum, pages and private pages to an accumulator. */
function accumulate(acc: u32, sum: v128, pages: u64, own: u64, times: i64): void {
  const scaled = i64x2.mul(sum, i64x2.splat(times));
  v128.store(acc, i64x2.add(v128.load(acc), scaled));
  store<u64>(acc + ACC_PAGES, load<u64>(acc + ACC_PAGES) + pages * times);
  store<u64>(acc + ACC_PRIVATE, load<u64>(acc + ACC_PRIVATE) + own * times);
}

function owners(weight: u32): u32 {
  return ownersOf(weight, load<u32>(H_WEIGHT_MODE) == MODE_HELD);
}

/** Adds `times` what the keys [lo, hi) of a subtree hold. */
export function rangeSum(
  slot: u32, height: u32, base: u64, lo: u64, hi: u64, acc: u32, times: i64
): void {
  if (!isChild(slot)) return;
  if (height == 0) {
    const w = owners(load<u32>(load<u32>(H_FRAME_WEIGHT) + (slot << 2)));
    accumulate(acc, shareOf(w, load<u32>(H_SHARE_TABLE), load<u32>(H_SHARE_COUNT)), 1, u64(w == 1),
      times);
    return;
  }
  const node = nodeOf(slot);
  if (lo <= base && base + (<u64>1 << (height * FANOUT_BITS)) <= hi) {
    const record = recordOf(node);
    if (reached(record)) {
      accumulate(acc, v128.load(record + NR_SUM), nodeCount(node),
        load<u32>(record + NR_PRIVATE), times);
    } else accumulate(acc, i64x2.splat(0), nodeCount(node), 0, times);
    return;
  }
  const bits = nodeMask(node) | markOf(node);
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  let plain: u64 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const child = load<u32>(node + (i << 2));
    if ((bits >> i & 1) != 0) rangeSum(child, height - 1, at, lo, hi, acc, times);
    else plain += countRange(child, height - 1, at, lo, hi);
  }
  if (plain == 0) return;
  const w = owners(weightOf(node));
  const share = shareOf(w, load<u32>(H_SHARE_TABLE), load<u32>(H_SHARE_COUNT));
  accumulate(acc, shareTimes(share, <u32>plain), plain, w == 1 ? plain : 0, times);
}

/** `classic`: pages of the keys [lo, hi) whose smallest creation number is `seq`. */
export function rangeLeast(slot: u32, height: u32, base: u64, lo: u64, hi: u64, seq: u32): u64 {
  if (!isChild(slot)) return 0;
  if (height == 0) return u64(load<u32>(load<u32>(H_FRAME_WEIGHT) + (slot << 2)) == seq);
  const node = nodeOf(slot);
  if (weightOf(node) != seq) return 0;
  if (lo <= base && base + (<u64>1 << (height * FANOUT_BITS)) <= hi)
    return load<u32>(recordOf(node) + NR_PRIVATE);
  const bits = nodeMask(node);
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  let total: u64 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const child = load<u32>(node + (i << 2));
    if ((bits >> i & 1) != 0) total += rangeLeast(child, height - 1, at, lo, hi, seq);
    else total += countRange(child, height - 1, at, lo, hi);
  }
  return total;
}

/** Adds the pages of the keys [lo, hi) to a histogram of u32 by number of owners. */
export function rangeOwners(
  slot: u32, height: u32, base: u64, lo: u64, hi: u64, hist: u32, times: i32
): void {
  if (!isChild(slot)) return;
  if (height == 0) {
    tally(hist, load<u32>(load<u32>(H_FRAME_WEIGHT) + (slot << 2)), times);
    return;
  }
  const node = nodeOf(slot);
  const bits = nodeMask(node) | markOf(node);
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  let plain: u64 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const child = load<u32>(node + (i << 2));
    if ((bits >> i & 1) != 0) rangeOwners(child, height - 1, at, lo, hi, hist, times);
    else plain += countRange(child, height - 1, at, lo, hi);
  }
  tally(hist, weightOf(node), <i32>plain * times);
}

function tally(hist: u32, owners: u32, pages: i32): void {
  const at = hist + (owners << 2);
  store<u32>(at, load<u32>(at) + pages);
}

// ---- one process, several trees of a family -----------------------------------------------------
// A list of windows, 24 bytes each: | root slot u32 | height u32 | lo u64 | hi u64 |
export const WINDOW_BYTES: u32 = 24;

/** What to do where windows meet in the same node. */
export const MEET_INJECT: u32 = 0; // take the weight at `out` off for each surplus
export const MEET_SUBTRACT: u32 = 1; // take the surplus off an accumulator
export const MEET_OWNERS: u32 = 2; // take the surplus off a histogram

/**
 * Walks `count` windows in step by key. `slots` holds one slot for each window at this height (0 =
 * not there) and room for the heights below. Where m of them hold the same node inside their
 * windows, m - 1 are surplus; the others are descended.
 */
export function meet(
  windows: u32, slots: u32, count: u32, height: u32, base: u64, action: u32, out: u32,
): void {
  const span = <u64>1 << (height * FANOUT_BITS);
  const left = joinEqual(windows, slots, count, height, base, span, action, out);
  if (left < 2 || height == 0) return;
  const step = span >> FANOUT_BITS;
  const below = slots + (count << 2);
  for (let i: u32 = 0; i < FANOUT; i++) {
    const at = base + <u64>i * step;
    let present: u32 = 0;
    for (let k: u32 = 0; k < count; k++) {
      const slot = load<u32>(slots + (k << 2));
      let child: u32 = 0;
      if (slot != 0 && overlaps(windows, k, at, step)) {
        const tree = windows + k * WINDOW_BYTES;
        // a tree lower than this height stands in its place as slot 0 of virtual nodes above it
        if (load<u32>(tree + 4) < height) child = i == 0 ? slot : 0;
        else child = load<u32>(nodeOf(slot) + (i << 2));
      }
      if (!isChild(child)) child = 0;
      store<u32>(below + (k << 2), child);
      present += u32(child != 0);
    }
    if (present > 1) meet(windows, below, count, height - 1, at, action, out);
  }
}

function overlaps(windows: u32, k: u32, at: u64, span: u64): bool {
  const tree = windows + k * WINDOW_BYTES;
  return load<u64>(tree + 8) < at + span && at < load<u64>(tree + 16);
}

function inside(windows: u32, k: u32, at: u64, span: u64): bool {
  const tree = windows + k * WINDOW_BYTES;
  return load<u64>(tree + 8) <= at && at + span <= load<u64>(tree + 16);
}

/**
 * Settles equal slots of windows that hold them whole; returns how many different ones are left.
 */
function joinEqual(
  windows: u32, slots: u32, count: u32, height: u32, base: u64, span: u64, action: u32, out: u32,
): u32 {
  let left: u32 = 0;
  for (let k: u32 = 0; k < count; k++) {
    const slot = load<u32>(slots + (k << 2));
    if (slot == 0) continue;
    left++;
    if (load<u32>(windows + k * WINDOW_BYTES + 4) < height || !inside(windows, k, base, span))
      continue;
    for (let j = k + 1; j < count; j++) {
      if (load<u32>(slots + (j << 2)) != slot || !inside(windows, j, base, span)) continue;
      if (load<u32>(windows + j * WINDOW_BYTES + 4) < height) continue;
      store<u32>(slots + (j << 2), 0);
      surplus(slot, height, base, span, action, out);
    }
  }
  return left;
}

function surplus(slot: u32, height: u32, base: u64, span: u64, action: u32, out: u32): void {
  if (action == MEET_INJECT) injectRange(slot, height, base, base, base + span, -load<u32>(out));
  else if (action == MEET_SUBTRACT) rangeSum(slot, height, base, base, base + span, out, -1);
  else rangeOwners(slot, height, base, base, base + span, out, -1);
}
