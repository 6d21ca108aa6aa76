/**
 * Runs of keys where a tree says something: for those who must know what hides a live parent's
 * pages.
 *
 * H_OUT holds the state of one listing: | out | room | count | pad | end of the last run u64 |.
 */
import { B_ALIAS, FANOUT, FANOUT_BITS, H_OUT } from "./layout";
import { frameB } from "./frames";
import { isChild, nodeMask, nodeOf } from "./nodes";
import { firstIndex } from "./tree";

export function runsBegin(out: u32, room: u32): void {
  store<u32>(H_OUT, out);
  store<u32>(H_OUT + 4, room);
  store<u32>(H_OUT + 8, 0);
  store<u64>(H_OUT + 16, 0);
}

export function runsCount(): u32 { return load<u32>(H_OUT + 8); }

/**
 * Lists the runs of [lo, hi) below a slot whose subtree starts at `base`; pages count from `zero`.
 */
export function runsOf(slot: u32, height: u32, base: u64, lo: u64, hi: u64, zero: u64): void {
  if (slot == 0) return;
  const span = <u64>1 << (height * FANOUT_BITS);
  if (height == 0 || !isChild(slot)) {
    const from = max(lo, base);
    const to = min(hi, base + span);
    if (from < to) addRun(from, to, zero);
    return;
  }
  const step = span >> FANOUT_BITS;
  const node = nodeOf(slot);
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    runsOf(load<u32>(node + (i << 2)), height - 1, at, lo, hi, zero);
  }
}

/**
 * Lists alias frames of the keys [lo, hi) at `out`: | frame u32 | 0 | key f64 |.
 * H_OUT counts as above.
 */
export function aliasesOf(slot: u32, height: u32, base: u64, lo: u64, hi: u64): void {
  if (!isChild(slot)) return;
  if (height == 0) {
    if ((load<u32>(frameB(slot)) & B_ALIAS) == 0) return;
    const count = load<u32>(H_OUT + 8);
    store<u32>(H_OUT + 8, count + 1);
    if (count >= load<u32>(H_OUT + 4)) return;
    const at = load<u32>(H_OUT) + (count << 4);
    store<u32>(at, slot);
    store<f64>(at + 8, <f64>base);
    return;
  }
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  const node = nodeOf(slot);
  const mask = nodeMask(node); // a frame in two places has its bits set on every way to it
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    if ((mask >> i & 1) == 0) continue;
    aliasesOf(load<u32>(node + (i << 2)), height - 1, at, lo, hi);
  }
}

function addRun(from: u64, to: u64, zero: u64): void {
  const count = load<u32>(H_OUT + 8);
  const end = load<u64>(H_OUT + 16);
  const joins = count != 0 && end == from;
  store<u64>(H_OUT + 16, to);
  const place = joins ? count - 1 : count;
  if (place < load<u32>(H_OUT + 4)) {
    const at = load<u32>(H_OUT) + (place << 4);
    if (!joins) store<f64>(at, <f64>(from - zero));
    store<f64>(at + 8, <f64>(to - zero) - load<f64>(at));
  }
  if (!joins) store<u32>(H_OUT + 8, count + 1);
}
