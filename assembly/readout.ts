/**
 * Reading a finished pass: the sums over a range of keys.
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
import { markOf, MODE_HELD, ownersOf, reached, weightOf } from "./weights";

const ACC_PAGES: u32 = 16;
const ACC_PRIVATE: u32 = 24;

/** Adds `times` (1 or -1 as u64) a sum, pages and private pages to an accumulator. */
export function accumulate(acc: u32, sum: v128, pages: u64, own: u64, times: i64): void {
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
