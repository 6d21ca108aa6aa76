/**
 * The family sweep: pages that change in every list that holds them, at once.
 *
 * A snapshot's lists share nodes, and a page may stand in leaves that were copied since. All trees
 * that can hold it are those of one family, at one key. So the ring of the family is swept over a
 * range of keys: each distinct node once, changed in place, with counts and masks repaired on the
 * way back up. It is the one change of shared nodes that is legal, and never happens while a pass
 * runs.
 *
 *   out   a page (dirty state GOING) becomes what its D says: the zero tag, or a compressed slot
 *   in    a compressed slot whose record names a frame becomes that frame
 *
 * I1. A node's record carries the sweep's number once it was swept, and how many pages it gained.
 * I2. Mappings keep no entry to a page that went.
 */
import {
  A_REF_MASK, FANOUT, FANOUT_BITS, H_FRAME_A, H_FRAME_D, H_PASS, M_ASPACE, M_KEY, M_PAGES, NH_COUNT,
  NH_MASK, NR_PRIVATE, NR_STAMP, S_GOING, S_REFS,
} from "./layout";
import { isGoing } from "./frames";
import { firstShowing, nextShowing } from "./intervals";
import { mappingBase } from "./mappings";
import {
  headerOf, isChild, mayHaveStored, nodeMask, nodeOf, nodeRefs, noteStored, recordOf,
} from "./nodes";
import { isStored, storedAdd, storedOf } from "./stored";
import { firstIndex, forgetPath } from "./tree";
import { nextKin, vmoHeight, vmoRoot } from "./vmos";
import { aspaceUnmap } from "./walk";

export const SWEEP_OUT: u32 = 0;
export const SWEEP_IN: u32 = 1;

const GOING_FRAME: u32 = 0x7fffffff;
const GOING_SHARED: u32 = 0x80000000;

/** Sweeps the keys [lo, hi) of all trees of a VMO's family. */
export function sweepFamily(vmo: u32, lo: u64, hi: u64, way: u32): void {
  forgetPath();
  store<u32>(H_PASS, load<u32>(H_PASS) + 1); // stamps of this sweep are no pass's
  let v = vmo;
  do {
    const root = vmoRoot(v);
    if (isChild(root)) sweepNode(nodeOf(root), vmoHeight(v), 0, lo, hi, way);
    if (way == SWEEP_OUT) dropEntriesOf(v, lo, hi);
    v = nextKin(v);
  } while (v != vmo);
}

/** Sweeps one tree, whose pages are its own alone. */
export function sweepTree(vmo: u32, lo: u64, hi: u64, way: u32): void {
  forgetPath();
  store<u32>(H_PASS, load<u32>(H_PASS) + 1);
  const root = vmoRoot(vmo);
  if (isChild(root)) sweepNode(nodeOf(root), vmoHeight(vmo), 0, lo, hi, way);
}

/** Entries that lead to pages on their way out. */
function dropEntriesOf(vmo: u32, lo: u64, hi: u64): void {
  for (let m = firstShowing(vmo, lo, hi); m != 0; m = nextShowing(m, lo, hi)) {
    const key = load<u64>(m + M_KEY);
    const shift = mappingBase(m) - key;
    const aspace = load<u32>(m + M_ASPACE);
    const end = min(hi, key + load<u64>(m + M_PAGES)) + shift;
    aspaceUnmap(aspace, max(lo, key) + shift, end, true);
  }
}

/** Sweeps what is below a node, once; pages that it gained, as u32 (they may be fewer). */
function sweepNode(node: u32, height: u32, base: u64, lo: u64, hi: u64, way: u32): u32 {
  const record = recordOf(node);
  if (load<u32>(record + NR_STAMP) == load<u32>(H_PASS)) return load<u32>(record + NR_PRIVATE);
  const gained = height == 1 ? sweepLeaf(node, base, lo, hi, way)
    : sweepBelow(node, height, base, lo, hi, way);
  const count = headerOf(node) + NH_COUNT;
  store<u32>(count, load<u32>(count) + gained);
  store<u32>(record + NR_STAMP, load<u32>(H_PASS));
  store<u32>(record + NR_PRIVATE, gained);
  return gained;
}

function sweepBelow(node: u32, height: u32, base: u64, lo: u64, hi: u64, way: u32): u32 {
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  const maskAt = headerOf(node) + NH_MASK;
  let gained: u32 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const slot = load<u32>(node + (i << 2));
    if (!isChild(slot)) continue;
    const child = nodeOf(slot);
    if (way == SWEEP_IN && !mayHaveStored(child)) continue;
    gained += sweepNode(child, height - 1, at, lo, hi, way);
    if (mayHaveStored(child)) noteStored(node);
    const mask = load<u32>(maskAt);
    if (nodeMask(child) != 0) store<u32>(maskAt, mask | 1 << i);
    else if (nodeRefs(child) == 1) store<u32>(maskAt, mask & ~(1 << i));
  }
  return gained;
}

function sweepLeaf(leaf: u32, base: u64, lo: u64, hi: u64, way: u32): u32 {
  const header = headerOf(leaf);
  let mask = load<u32>(header + NH_MASK);
  let gained: u32 = 0;
  for (let i = firstIndex(base, lo, 1); i < FANOUT && base + i < hi; i++) {
    const at = leaf + (i << 2);
    const slot = load<u32>(at);
    if (way == SWEEP_OUT) {
      if (!isChild(slot) || !isGoing(slot)) continue;
      store<u32>(at, goOut(leaf, slot));
      mask &= ~(1 << i);
      gained--;
    } else if (isStored(slot)) {
      const going = load<u32>(storedOf(slot) + S_GOING);
      if (going == 0) continue;
      store<u32>(at, comeIn(storedOf(slot), going & GOING_FRAME));
      if ((going & GOING_SHARED) != 0) mask |= 1 << i;
      gained++;
    }
  }
  store<u32>(header + NH_MASK, mask);
  return gained;
}

/** A page leaves a slot: what stands there instead. */
function goOut(leaf: u32, frame: u32): u32 {
  const a = load<u32>(H_FRAME_A) + (frame << 2);
  store<u32>(a, load<u32>(a) - 1);
  const slot = load<u32>(load<u32>(H_FRAME_D) + (frame << 2));
  if (isStored(slot)) {
    storedAdd(slot);
    noteStored(leaf);
  }
  return slot;
}

/** A compressed page comes back into a slot. */
function comeIn(record: u32, frame: u32): u32 {
  const a = load<u32>(H_FRAME_A) + (frame << 2);
  store<u32>(a, load<u32>(a) + 1);
  store<u32>(record + S_REFS, load<u32>(record + S_REFS) - 1);
  return frame;
}

/** References of a page on its way out. */
export function refsLeft(frame: u32): u32 {
  return load<u32>(load<u32>(H_FRAME_A) + (frame << 2)) & A_REF_MASK;
}

/** What a compressed page's record says of the frame it goes to. */
export function goingTo(frame: u32, shared: bool): u32 {
  return frame | (shared ? GOING_SHARED : 0);
}
