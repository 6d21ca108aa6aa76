/**
 * Zero-page dedup: a page that reads zero goes, and its slot says zero (memory-semantics 7.4).
 *
 * I1. Pages that one tree has to itself alone are taken here: shared ones go from all trees of
 *     their family at once (compress.ts).
 * I2. A scan steps over nodes that have several trees, so scanning every VMO meets each node once.
 * Cost: a page with content is read until a byte is not zero; a page without content not at all.
 */
import {
  A_DIRTY_SHIFT, A_REF_MASK, B_PIN_MASK, B_STATE_MASK, FANOUT, FANOUT_BITS, H_FRAME_B, H_FRAME_BUMP,
  H_FRAME_C, H_OUT, PAGE_CLEAN, Q_ANONYMOUS, Q_HIGH_PRIORITY, Q_ZERO_FORK, SLOT_ZERO, ST_OBJECT,
  V_KIND, VK_CONTIGUOUS, VK_PHYSICAL,
} from "./layout";
import { isZero } from "./compress";
import { frameA, frameB, frameC } from "./frames";
import { isChild, nodeOf, nodeRefs } from "./nodes";
import { isPagerRoot, queueMove, queueOf } from "./queues";
import { isOwn, ready, reserveNodes } from "./reserve";
import { findLeaf, firstIndex, treeFill } from "./tree";
import { dropEntries, vmoBase, vmoHeight, vmoRoot, vmoSize, zeroKeys } from "./vmos";

/** Whether a page's state allows that it goes, if it reads zero. */
function maySettle(frame: u32): bool {
  return (load<u32>(frameB(frame)) & B_PIN_MASK) == 0 && queueOf(frame) != Q_HIGH_PRIORITY
    && load<u32>(frameA(frame)) >> A_DIRTY_SHIFT == PAGE_CLEAN;
}

/** Takes a page that its VMO has to itself and that reads zero: 1, or 0 where it must stay. */
export function dedupZero(vmo: u32, page: u64): u32 {
  const kind = load<u8>(vmo + V_KIND);
  if (kind == VK_PHYSICAL || kind == VK_CONTIGUOUS) return 0;
  const key = vmoBase(vmo) + page;
  const leaf = findLeaf(vmoRoot(vmo), vmoHeight(vmo), key);
  if (leaf == 0 || (leaf & 1) != 0) return 0;
  const frame = load<u32>(leaf + ((<u32>key & (FANOUT - 1)) << 2));
  if (!isChild(frame) || !isOwn(leaf, <u32>key & (FANOUT - 1), frame)) return 0;
  if (!maySettle(frame) || !isZero(load<u32>(frameC(frame)) >> 12 << 12)) return 0;
  if (!isPagerRoot(vmo)) return u32(zeroKeys(vmo, key, key + 1) == 0);
  if (!ready() || !reserveNodes(0, key + 1, 1)) return 0;
  treeFill(vmo, key, key + 1, SLOT_ZERO);
  dropEntries(vmo, key, key + 1);
  return 1;
}

/**
 * Looks at zero forks of a VMO from a page on, at most `most`: those that read zero go, the others
 * are anonymous from now on. Pages without content stay zero forks and do not count, unless
 * `untouchedToo`: nobody wrote into them, so nobody knows what they stand for. How many went; at
 * H_OUT: how many were looked at, and (f64) the next page to look at, or -1 at the end.
 */
export function dedupScan(vmo: u32, page: u64, most: u32, untouchedToo: bool): u32 {
  const base = vmoBase(vmo);
  const hi = base + vmoSize(vmo);
  let from = base + page;
  let seen: u32 = 0;
  let gone: u32 = 0;
  while (seen < most) {
    const root = vmoRoot(vmo);
    const key = isChild(root) && nodeRefs(nodeOf(root)) == 1
      ? nextFork(nodeOf(root), vmoHeight(vmo), 0, from, untouchedToo) : u64.MAX_VALUE;
    if (key >= hi) {
      from = u64.MAX_VALUE;
      break;
    }
    seen++;
    from = key + 1;
    if (dedupZero(vmo, key - base) != 0) gone++;
    else queueMove(frameAt(vmo, key), Q_ANONYMOUS);
  }
  store<u32>(H_OUT, seen);
  store<f64>(H_OUT + 8, from == u64.MAX_VALUE ? -1 : <f64>(from - base));
  return gone;
}

/** Pages that somebody wrote bytes into and that read zero all the same, in every list. */
export function zeroPages(): u32 {
  const end = load<u32>(H_FRAME_BUMP);
  const states = load<u32>(H_FRAME_B);
  const contents = load<u32>(H_FRAME_C);
  let found: u32 = 0;
  for (let frame: u32 = 1; frame < end; frame++) {
    if ((load<u32>(states + (frame << 2)) & B_STATE_MASK) != ST_OBJECT) continue;
    const content = load<u32>(contents + (frame << 2)) >> 12 << 12;
    if (content != 0 && isZero(content)) found++;
  }
  return found;
}

function frameAt(vmo: u32, key: u64): u32 {
  const leaf = findLeaf(vmoRoot(vmo), vmoHeight(vmo), key) & ~1;
  return load<u32>(leaf + ((<u32>key & (FANOUT - 1)) << 2));
}

/** First key from `from` on below an exclusive node whose page is a zero fork of its own. */
function nextFork(node: u32, height: u32, base: u64, from: u64, untouchedToo: bool): u64 {
  const step = (<u64>1) << ((height - 1) * FANOUT_BITS);
  for (let i = firstIndex(base, from, step); i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (!isChild(slot)) continue;
    const at = base + <u64>i * step;
    if (height == 1) {
      if (isFork(slot, untouchedToo)) return at;
    } else if (nodeRefs(nodeOf(slot)) == 1) {
      const found = nextFork(nodeOf(slot), height - 1, at, from, untouchedToo);
      if (found != u64.MAX_VALUE) return found;
    }
  }
  return u64.MAX_VALUE;
}

function isFork(frame: u32, untouchedToo: bool): bool {
  if (queueOf(frame) != Q_ZERO_FORK) return false;
  if ((load<u32>(frameA(frame)) & A_REF_MASK) != 1) return false;
  return untouchedToo || load<u32>(frameC(frame)) >> 12 != 0;
}
