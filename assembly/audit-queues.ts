/**
 * The audit's part for page queues: counters against a recount, and that every page stands where
 * its pins, its dirty state and its VMO put it.
 */
import {
  A_DIRTY_SHIFT, B_PIN_MASK, B_STATE_MASK, H_FRAME_BUMP, H_VMOS, PAGE_CLEAN, QUEUE_COUNT, Q_DIRTY,
  Q_WIRED, Q_ZERO_FORK, ST_OBJECT, VF_HIGH_PRIORITY, VK_CONTIGUOUS, V_FLAGS, V_KIND, V_NEXT,
} from "./layout";
import { broken, BROKEN_QUEUE } from "./audit";
import { frameA, frameB } from "./frames";
import { isChild } from "./nodes";
import { spanAt, spanEnd } from "./pager";
import { isPagerRoot, isReclaimable, queueCount, queueOf } from "./queues";
import { vmoBase, vmoSize } from "./vmos";

/** Checks the queues of all frames, then those of pagers' roots and contiguous VMOs. */
export function auditQueues(): i32 {
  const bump = load<u32>(H_FRAME_BUMP);
  for (let q: u32 = Q_ZERO_FORK; q < QUEUE_COUNT; q++) {
    let counted: u32 = 0;
    for (let f: u32 = 1; f < bump; f++) counted += u32(isObject(f) && queueOf(f) == q);
    if (counted != queueCount(q)) return broken(BROKEN_QUEUE, q, queueCount(q), counted);
  }
  let aged: u32 = 0;
  let wired: u32 = 0; // of contiguous VMOs, if all is well
  for (let f: u32 = 1; f < bump; f++) {
    const queue = queueOf(f);
    if (!isObject(f)) {
      if (queue != Q_ZERO_FORK) return broken(BROKEN_QUEUE, f, queue, Q_ZERO_FORK);
      continue;
    }
    if (isPinned(f)) {
      if (queue != Q_WIRED) return broken(BROKEN_QUEUE, f, queue, Q_WIRED);
      continue;
    }
    const isDirty = load<u32>(frameA(f)) >> A_DIRTY_SHIFT != PAGE_CLEAN;
    if (isDirty != (queue == Q_DIRTY)) return broken(BROKEN_QUEUE, f, queue, Q_DIRTY);
    aged += u32(isReclaimable(queue));
    wired += u32(queue == Q_WIRED);
  }
  for (let v = load<u32>(H_VMOS); v != 0; v = load<u32>(v + V_NEXT)) {
    if (isPagerRoot(v)) aged -= agedOf(v);
    else if (load<u8>(v + V_KIND) == VK_CONTIGUOUS) wired -= wiredOf(v);
  }
  if (aged != 0) return broken(BROKEN_QUEUE, 0, aged, 0);
  return wired == 0 ? 0 : broken(BROKEN_QUEUE, Q_WIRED, wired, 0);
}

function isObject(frame: u32): bool {
  return (load<u32>(frameB(frame)) & B_STATE_MASK) == ST_OBJECT;
}

function isPinned(frame: u32): bool { return (load<u32>(frameB(frame)) & B_PIN_MASK) != 0; }

/** Clean, unpinned pages of a root: they have an age, but for those of high priority. */
function agedOf(root: u32): u32 {
  const isHigh = (load<u16>(root + V_FLAGS) & <u16>VF_HIGH_PRIORITY) != 0;
  return isHigh ? 0 : pagesOf(root, true);
}

/** Unpinned pages of a contiguous VMO that are not lent out. */
function wiredOf(vmo: u32): u32 { return pagesOf(vmo, false); }

function pagesOf(vmo: u32, cleanOnly: bool): u32 {
  const hi = vmoBase(vmo) + vmoSize(vmo);
  let pages: u32 = 0;
  for (let key = vmoBase(vmo); key < hi; key = spanEnd()) {
    const slot = spanAt(vmo, key);
    if (!isChild(slot) || isPinned(slot)) continue;
    pages += u32(!cleanOnly || load<u32>(frameA(slot)) >> A_DIRTY_SHIFT == PAGE_CLEAN);
  }
  return pages;
}
