/**
 * What must be taken off where one process reaches a page by several trees of a family: the trees
 * are walked in step by key, and where they meet in the same node all but one are surplus.
 */
import { FANOUT, FANOUT_BITS } from "./layout";
import { isChild, nodeOf } from "./nodes";
import { rangeOwners, rangeSum } from "./readout";
import { injectRange } from "./weights";

// A list of windows, 24 bytes each: | root slot u32 | height u32 | lo u64 | hi u64 |
export const WINDOW_BYTES: u32 = 24;

/** What to do where windows meet in the same node. */
const MEET_INJECT: u32 = 0; // take the weight at `out` off for each surplus
const MEET_SUBTRACT: u32 = 1; // take the surplus off an accumulator; 2: off a histogram

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
