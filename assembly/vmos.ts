/**
 * VMO records: a page list with a size, a key space, and its relations (mappings, live parent).
 *
 * Page p of a VMO has key `base + p`. A snapshot child keeps its parent's key space, so whole
 * subtrees stay shared; a live child (unidirectional clone) keeps it too, and looks in its parent
 * where its own list says nothing and the key is below `limit`.
 *
 * I1. No key of a VMO's tree lies outside [base, base + size).
 * I2. A record lives while `refs` > 0: one for the object, one for each mapping, one for each live
 *     child.
 * I3. Every present page-table entry leads to the page its VMO has at that key (or to the zero
 *     page).
 * I4. The VMOs of one family are a ring: what concerns a family does not look at all others.
 */
import { poolAlloc, poolFree } from "./heap";
import {
  FANOUT_BITS, H_FAMILY_NEXT, H_SEQ_NEXT, H_VMOS, KEY_MAX, M_KEY, M_PAGES, NH_REFS,
  NO_MEMORY, OUT_OF_RANGE, POOL_VMO, SLOT_ZERO, VF_DISCARDED, VF_ZERO_MAPPED, VMO_BYTES, V_BASE,
  V_CHILD, V_FAMILY, V_FLAGS, V_HEIGHT, V_KIN, V_KIND, V_KIN_PREV, V_LENT, V_LIMIT, V_NEXT,
  V_PARENT, V_PINNED, V_PREV, V_REFS, V_ROOT, V_SEQ, V_SIB, V_SIB_PREV, V_SIZE,
} from "./layout";
import { endLoans } from "./contiguous";
import { countRange, forgetPath, treeFill, treeGet, trimCopy } from "./tree";
import { headerOf, isChild, nodeDrop, nodeOf } from "./nodes";
import { firstShowing, nextShowing } from "./intervals";
import { mappingBase, unmapPages, writeProtect } from "./mappings";
import { admitKey, ready } from "./reserve";

export function vmoBase(vmo: u32): u64 { return load<u64>(vmo + V_BASE); }
export function vmoSize(vmo: u32): u64 { return load<u64>(vmo + V_SIZE); }
export function vmoRoot(vmo: u32): u32 { return load<u32>(vmo + V_ROOT); }
export function vmoHeight(vmo: u32): u32 { return <u32>load<u8>(vmo + V_HEIGHT); }

/**
 * A new VMO without pages; 0 when host memory is exhausted, or the numbers that tell VMOs and
 * families apart are: none is given twice.
 */
export function newVmo(kind: u32, sizePages: u64): u32 {
  if (load<u32>(H_SEQ_NEXT) == u32.MAX_VALUE) return 0;
  const vmo = poolAlloc(POOL_VMO);
  if (vmo == 0) return 0;
  memory.fill(vmo, 0, VMO_BYTES);
  store<u8>(vmo + V_KIND, <u8>kind);
  store<u64>(vmo + V_SIZE, sizePages);
  store<u32>(vmo + V_REFS, 1);
  store<u32>(vmo + V_FAMILY, take(H_FAMILY_NEXT));
  store<u32>(vmo + V_SEQ, take(H_SEQ_NEXT));
  const first = load<u32>(H_VMOS);
  store<u32>(vmo + V_NEXT, first);
  if (first != 0) store<u32>(first + V_PREV, vmo);
  store<u32>(H_VMOS, vmo);
  store<u32>(vmo + V_KIN, vmo);
  store<u32>(vmo + V_KIN_PREV, vmo);
  return vmo;
}

function take(counter: u32): u32 {
  const value = load<u32>(counter) + 1;
  store<u32>(counter, value);
  return value;
}

/** Gives an empty VMO the key space of another one's window. */
function placeInFamily(vmo: u32, relative: u32, offsetPages: u64): void {
  store<u64>(vmo + V_BASE, vmoBase(relative) + offsetPages);
  store<u32>(vmo + V_FAMILY, load<u32>(relative + V_FAMILY));
  const next = nextKin(relative);
  store<u32>(vmo + V_KIN, next);
  store<u32>(next + V_KIN_PREV, vmo);
  store<u32>(vmo + V_KIN_PREV, relative);
  store<u32>(relative + V_KIN, vmo);
}

/** Next VMO in the ring of a family. */
export function nextKin(vmo: u32): u32 { return load<u32>(vmo + V_KIN); }

function leaveFamily(vmo: u32): void {
  const next = nextKin(vmo);
  const prev = load<u32>(vmo + V_KIN_PREV);
  store<u32>(prev + V_KIN, next);
  store<u32>(next + V_KIN_PREV, prev);
}

/**
 * SNAPSHOT child: what the window shows now, copy-on-write; zeros past the parent's end for ever.
 */
export function snapshot(parent: u32, offsetPages: u64, sizePages: u64): i32 {
  const base = vmoBase(parent) + offsetPages;
  if (base > KEY_MAX || sizePages > KEY_MAX - base) return OUT_OF_RANGE;
  if (!ready()) return NO_MEMORY;
  const child = newVmo(load<u8>(parent + V_KIND), sizePages);
  if (child == 0) return NO_MEMORY;
  placeInFamily(child, parent, offsetPages);
  const end = vmoBase(parent) + vmoSize(parent);
  const hi = min(base + sizePages, end);
  if (hi > base) {
    shareWindow(parent, child, base, hi, offsetPages == 0 && hi == end);
    protectWindow(parent, base, hi);
  }
  const live = load<u32>(parent + V_PARENT);
  if (live != 0) linkLive(live, child, min(hi, load<u64>(parent + V_LIMIT)));
  return <i32>(child >> 4);
}

function shareWindow(parent: u32, child: u32, lo: u64, hi: u64, whole: bool): void {
  forgetPath();
  const root = vmoRoot(parent);
  const height = vmoHeight(parent);
  store<u8>(child + V_HEIGHT, <u8>height);
  if (root == 0) return;
  if (whole) {
    const refs = headerOf(nodeOf(root)) + NH_REFS;
    store<u32>(refs, load<u32>(refs) + 1);
    store<u32>(child + V_ROOT, root);
    return;
  }
  if (lo >> (height * FANOUT_BITS) == 0)
    store<u32>(child + V_ROOT, trimCopy(root, height, 0, lo, hi));
}

/** Takes hardware write permission for the keys [lo, hi) from every mapping of a VMO. */
export function protectWindow(vmo: u32, lo: u64, hi: u64): void {
  for (let m = firstShowing(vmo, lo, hi); m != 0; m = nextShowing(m, lo, hi)) {
    const key = load<u64>(m + M_KEY);
    const from = max(lo, key);
    const to = min(hi, key + load<u64>(m + M_PAGES));
    writeProtect(m, mappingBase(m) + (from - key), to - from);
  }
}

/** Unidirectional clone: pages it has not written follow the parent. */
export function liveChild(parent: u32, offsetPages: u64, sizePages: u64): i32 {
  const base = vmoBase(parent) + offsetPages;
  if (base > KEY_MAX || sizePages > KEY_MAX - base) return OUT_OF_RANGE;
  const child = newVmo(load<u8>(parent + V_KIND), sizePages);
  if (child == 0) return NO_MEMORY;
  placeInFamily(child, parent, offsetPages);
  linkLive(parent, child, max(base, min(base + sizePages, vmoBase(parent) + vmoSize(parent))));
  return <i32>(child >> 4);
}

function linkLive(parent: u32, child: u32, limit: u64): void {
  store<u32>(child + V_PARENT, parent);
  store<u64>(child + V_LIMIT, limit);
  const first = load<u32>(parent + V_CHILD);
  store<u32>(child + V_SIB, first);
  if (first != 0) store<u32>(first + V_SIB_PREV, child);
  store<u32>(parent + V_CHILD, child);
  store<u32>(parent + V_REFS, load<u32>(parent + V_REFS) + 1);
}

function unlinkLive(parent: u32, child: u32): void {
  const next = load<u32>(child + V_SIB);
  const prev = load<u32>(child + V_SIB_PREV);
  if (next != 0) store<u32>(next + V_SIB_PREV, prev);
  if (prev != 0) store<u32>(prev + V_SIB, next);
  else store<u32>(parent + V_CHILD, next);
}

/**
 * Drops one reference; the last one releases the pages (through the pending list) and the record.
 */
export function vmoDrop(first: u32): void {
  forgetPath();
  let vmo = first;
  while (vmo != 0) {
    const refs = load<u32>(vmo + V_REFS) - 1;
    store<u32>(vmo + V_REFS, refs);
    if (refs != 0) return;
    if (load<u32>(vmo + V_LENT) != 0) endLoans(vmo);
    const root = vmoRoot(vmo);
    if (isChild(root)) nodeDrop(nodeOf(root));
    const parent = load<u32>(vmo + V_PARENT);
    if (parent != 0) unlinkLive(parent, vmo);
    const next = load<u32>(vmo + V_NEXT);
    const prev = load<u32>(vmo + V_PREV);
    if (next != 0) store<u32>(next + V_PREV, prev);
    if (prev != 0) store<u32>(prev + V_NEXT, next);
    else store<u32>(H_VMOS, next);
    leaveFamily(vmo);
    poolFree(POOL_VMO, vmo);
    vmo = parent;
  }
}

/** Frame seen at `key`, through live parents; 0 for none (reads as zero). */
export function seenFrame(first: u32, key: u64): u32 {
  let vmo = first;
  while (vmo != 0) {
    const slot = treeGet(vmoRoot(vmo), vmoHeight(vmo), key);
    if (isChild(slot)) return slot;
    if (slot != 0 || key >= load<u64>(vmo + V_LIMIT)) return 0;
    vmo = load<u32>(vmo + V_PARENT);
  }
  return 0;
}

/** Pages of its own list in [page, page + n). */
export function ownPages(vmo: u32, page: u64, n: u64): u64 {
  const lo = vmoBase(vmo) + page;
  return countRange(vmoRoot(vmo), vmoHeight(vmo), 0, lo, lo + n);
}

/** End of the keys from `lo` on that need a tag to read zero: a live parent shows through there. */
export function taggedEnd(vmo: u32, lo: u64, hi: u64): u64 {
  const live = load<u32>(vmo + V_PARENT) != 0 ? load<u64>(vmo + V_LIMIT) : 0;
  return min(hi, max(lo, live));
}

/** Removes the pages of the keys [lo, hi): they read as zero next. */
export function zeroKeys(vmo: u32, lo: u64, hi: u64): i32 {
  if (!ready()) return NO_MEMORY;
  const tagged = taggedEnd(vmo, lo, hi);
  if (lo < tagged && !admitKey(tagged - 1)) return NO_MEMORY;
  dropKeys(vmo, lo, hi);
  return 0;
}

/** The same, where `prepareZero` reserved. */
export function dropKeys(vmo: u32, lo: u64, hi: u64): void {
  const tagged = taggedEnd(vmo, lo, hi);
  if (lo < tagged) treeFill(vmo, lo, tagged, SLOT_ZERO);
  treeFill(vmo, max(lo, tagged), hi, 0);
  dropEntries(vmo, lo, hi);
}

/**
 * Unmaps the keys [lo, hi) from every mapping that shows this VMO's pages, live children's
 * included.
 */
export function dropEntries(vmo: u32, lo: u64, hi: u64): void {
  let at = vmo;
  for (;;) {
    for (let m = firstShowing(at, lo, hi); m != 0; m = nextShowing(m, lo, hi)) {
      const key = load<u64>(m + M_KEY);
      const from = max(lo, key);
      const to = min(hi, key + load<u64>(m + M_PAGES));
      unmapPages(m, mappingBase(m) + (from - key), to - from);
    }
    at = nextBelow(vmo, at);
    if (at == 0) return;
  }
}

/** Next VMO in the pre-order of live children below `top`; 0 at the end. */
export function nextBelow(top: u32, at: u32): u32 {
  const child = load<u32>(at + V_CHILD);
  return child != 0 ? child : nextBeside(top, at);
}

/** The same, without what lies below `at`. */
export function nextBeside(top: u32, from: u32): u32 {
  let at = from;
  while (at != top) {
    const next = load<u32>(at + V_SIB);
    if (next != 0) return next;
    at = load<u32>(at + V_PARENT);
  }
  return 0;
}

/**
 * Changes the size. What lies past the new end goes, also for those who look through. Two nodes of
 * each height must be spare.
 */
export function setSize(vmo: u32, sizePages: u64): void {
  const base = vmoBase(vmo);
  const old = vmoSize(vmo);
  if (sizePages < old) {
    const lo = base + sizePages;
    treeFill(vmo, lo, base + old, 0);
    dropEntries(vmo, lo, base + old);
    clipLimits(vmo, lo);
  }
  store<u64>(vmo + V_SIZE, sizePages);
}

function clipLimits(vmo: u32, limit: u64): void {
  if (load<u64>(vmo + V_LIMIT) > limit) store<u64>(vmo + V_LIMIT, limit);
  for (let c = load<u32>(vmo + V_CHILD); c != 0; c = load<u32>(c + V_SIB)) {
    if (load<u64>(c + V_LIMIT) > limit) store<u64>(c + V_LIMIT, limit);
  }
}

/**
 * Drops all pages of a VMO without children; accesses find nothing until it is `revive`d. How many
 * pages went: none if some are pinned.
 */
export function discard(vmo: u32): u32 {
  if (load<u32>(vmo + V_PINNED) != 0) return 0;
  const gone = treeFill(vmo, 0, u64.MAX_VALUE, 0);
  dropEntries(vmo, vmoBase(vmo), vmoBase(vmo) + vmoSize(vmo));
  store<u16>(vmo + V_FLAGS, load<u16>(vmo + V_FLAGS) | <u16>VF_DISCARDED);
  return gone;
}

/** A discarded VMO may be used again. */
export function revive(vmo: u32): void {
  store<u16>(vmo + V_FLAGS, load<u16>(vmo + V_FLAGS) & <u16>~VF_DISCARDED);
}

export function isDiscarded(vmo: u32): bool {
  return (load<u16>(vmo + V_FLAGS) & <u16>VF_DISCARDED) != 0;
}

/**
 * Some mapping of the VMO shows the zero page: its first page there, or a live parent's, has to be
 * looked for in all of them.
 */
export function noteZeroMapped(first: u32): void {
  for (let vmo = first; vmo != 0; vmo = load<u32>(vmo + V_PARENT)) {
    store<u16>(vmo + V_FLAGS, load<u16>(vmo + V_FLAGS) | <u16>VF_ZERO_MAPPED);
  }
}

export function zeroMayBeMapped(vmo: u32): bool {
  return (load<u16>(vmo + V_FLAGS) & <u16>VF_ZERO_MAPPED) != 0;
}
