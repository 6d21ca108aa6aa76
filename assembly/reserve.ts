/**
 * Reservation: whether an operation can be done, before anything is changed.
 *
 * I1. After `ready()` every pool in use has its spare records, so one ordinary operation cannot
 *     fail.
 * I2. After `reservePages` a run of that many pages cannot fail either.
 * What is reserved and not used stays spare in its pool: memory that nobody has touched.
 */
import { chunksLeft, poolAt, poolReserve, poolSpare } from "./heap";
import {
  A_REF_MASK, FANOUT, FANOUT_BITS, H_CONTENTS, H_LOW, H_MAX_HEIGHT, NH_MASK, POOL_CONTENT,
  POOL_NODE, POOL_TABLE, POOL_TABLE_DATA, CLASS_DENSE, P_KEEP, S_REFS, VK_CONTIGUOUS, V_HEIGHT,
  V_KIND, V_LIMIT, V_PARENT, V_ROOT,
} from "./layout";
import { admitHeight, beyond, findLeaf, heightFor, KEEP_NODES } from "./tree";
import { chunksForNodes, headerOf, isChild, nodeReserve } from "./nodes";
import { frameA, frameC, freeFrames } from "./frames";
import { borrowedFrames, isBorrowed } from "./loans";
import { isStored, storedOf } from "./stored";
import { seenFrame } from "./vmos";

/**
 * Refills every pool that an ordinary operation may draw on; false when host memory is exhausted.
 */
export function ready(): bool {
  if (load<u32>(H_LOW) == 0) return true;
  const top = load<u32>(H_MAX_HEIGHT);
  for (let h: u32 = 1; h <= top; h++) if (!nodeReserve(h, KEEP_NODES + 1)) return false;
  for (let pool: u32 = 0; pool < POOL_NODE; pool++) {
    const keep = load<u32>(poolAt(pool) + P_KEEP);
    if (keep != 0 && !poolReserve(pool, keep + 1)) return false;
  }
  store<u32>(H_LOW, 0);
  return true;
}

/** Makes place in the spares for trees that hold `key`. */
export function admitKey(key: u64): bool {
  const height = heightFor(key);
  return height <= load<u32>(H_MAX_HEIGHT) || admitHeight(height);
}

/** Runs of keys that zeroing a range of one VMO comes to: two borders and what lies between. */
export const ZERO_RUNS: u32 = 3;

/** Nodes for `runs` runs of `pages` keys together, none of which ends above `hi`. */
export function reserveNodes(pages: u64, hi: u64, runs: u64 = 1): bool {
  if (!admitKey(hi - 1)) return false;
  const top = load<u32>(H_MAX_HEIGHT); // a tree may be higher than these keys ask
  let chunks: u32 = 0;
  let n = pages;
  for (let h: u32 = 1; h <= top; h++) {
    n = (n >> FANOUT_BITS) + 3 * runs;
    chunks += chunksForNodes(h, <u32>n + KEEP_NODES);
  }
  if (chunks != 0 && !chunksLeft(chunks)) return false; // rather none than all there are in vain
  n = pages;
  for (let h: u32 = 1; h <= top; h++) {
    n = (n >> FANOUT_BITS) + 3 * runs;
    if (!nodeReserve(h, <u32>n + KEEP_NODES)) return false;
  }
  return true;
}

/**
 * Page tables for a run of `pages` that `parts` mappings show.
 *
 * A leaf inside one mapping is dense from its first entry on, or gets none. Only leaves where
 * mappings meet or the run ends, and upper tables, grow class by class: each has one record at a
 * time, and the one that grows two.
 */
export function reserveTables(pages: u64, parts: u64): bool {
  const leaves = (pages >> 9) + 2;
  const upper = (leaves >> 9) + (leaves >> 18) + 5;
  const growing = <u32>(min(leaves, parts + 1) + upper + 1);
  if (!poolReserve(POOL_TABLE, <u32>(leaves + upper))) return false;
  for (let c: u32 = 0; c < CLASS_DENSE; c++) {
    if (!poolReserve(POOL_TABLE_DATA + c, growing + u32(c == 0))) return false;
  }
  return poolReserve(POOL_TABLE_DATA + CLASS_DENSE, <u32>(leaves + upper) + 1);
}

/**
 * What writing the keys [lo, hi) of a VMO will take: frames in the low half, content slots in the
 * high. Walks leaf run by leaf run.
 */
export function writeNeeds(vmo: u32, lo: u64, hi: u64): u64 {
  if (load<u8>(vmo + V_KIND) == VK_CONTIGUOUS) return 0; // its frames are its own, lent ones too
  const root = load<u32>(vmo + V_ROOT);
  const height = <u32>load<u8>(vmo + V_HEIGHT);
  const contents = load<u32>(H_CONTENTS) != 0;
  const live = load<u32>(vmo + V_PARENT) != 0 ? load<u64>(vmo + V_LIMIT) : 0;
  const anyLodged = borrowedFrames() != 0;
  const most = <u64>freeFrames();
  let frames: u64 = 0;
  let slots: u64 = 0;
  for (let key = lo; key < hi && frames <= most;) { // more than there are is enough to refuse
    const i = <u32>key & (FANOUT - 1);
    const n = <u32>min(<u64>(FANOUT - i), hi - key);
    const found = beyond(height, key) ? 0 : findLeaf(root, height, key);
    const leaf = found & ~1;
    const shared = (found & 1) != 0;
    for (let j: u32 = 0; j < n; j++) {
      const slot = leaf == 0 ? 0 : load<u32>(leaf + ((i + j) << 2));
      if (isChild(slot)) {
        if (!shared && isOwn(leaf, i + j, slot)) {
          if (anyLodged) frames += u32(isBorrowed(slot));
          continue;
        }
        if (contents && load<u32>(frameC(slot)) >> 12 != 0) slots++;
      } else if (isStored(slot)) { // made again, and copied then where it is shared
        const copies = u32(shared || load<u32>(storedOf(slot) + S_REFS) > 1);
        frames += copies;
        slots += 1 + copies;
      } else if (contents && key + j < live) {
        const seen = seenFrame(vmo, key + j);
        if (seen != 0 && load<u32>(frameC(seen)) >> 12 != 0) slots++;
      }
      frames++;
    }
    key += n;
  }
  return frames | (slots << 32);
}

/** Whether the frame in a slot of an exclusive leaf belongs to that leaf alone. */
export function isOwn(leaf: u32, i: u32, frame: u32): bool {
  if ((load<u32>(headerOf(leaf) + NH_MASK) >> i & 1) == 0) return true;
  return (load<u32>(frameA(frame)) & A_REF_MASK) == 1;
}

/** Some page has content and no slot is spare: who copies a page must reserve one first. */
export function contentsLow(): bool {
  return load<u32>(H_CONTENTS) != 0 && poolSpare(POOL_CONTENT) == 0;
}

export function reserveContents(n: u32): bool {
  return n == 0 || poolReserve(POOL_CONTENT, n);
}
