/**
 * VMOs of user pagers: what a key has, what must be asked for, dirty pages and their way back.
 *
 * The root of such a family (kind PAGER, no live parent) tells absent from zero. What a key of it
 * can be, and what the next of a page's life is:
 *
 *   EMPTY --supplied--> CLEAN or MARKER --written--> DIRTY
 *   DIRTY --writeback begins--> CLEANING --writeback ends--> CLEAN --evicted--> EMPTY
 *   grown or zeroed: ZERO_DIRTY --writeback begins--> ZERO_CLEANING --writeback ends--> EMPTY
 *
 * I1. Dirty bits of a frame (column A) are set in the trees of such roots alone. No snapshot
 *     shares a root's nodes, so each of its frames has one reference.
 * I2. A page-table entry of a root's page is writable only while the page is DIRTY.
 * I3. No page that is not clean stands in a borrowed frame (loans.ts).
 * I4. Who writes has asked before (`need`) and says so after (`written`): both are cheap, and a
 *     fault of an anonymous page knows nothing of them.
 * Cost: a descent for each page, and one for each span that has none.
 */
import {
  A_DIRTY_SHIFT, A_REF_MASK, B_PIN_MASK, FANOUT, FANOUT_BITS, H_OUT, KEY_MAX, M_BASE, M_KEY,
  M_PAGES, M_ASPACE, NOT_FOUND, NO_MEMORY, PAGE_BYTES, PAGE_CLEAN, PAGE_CLEANING, PAGE_DIRTY, PTE_W,
  SLOT_ZERO, SLOT_ZERO_CLEANING, SLOT_ZERO_DIRTY, SLOT_ZERO_UNTRACKED, V_LIMIT, V_PARENT,
} from "./layout";
import { commitRun } from "./commit";
import { commitKeys, reservePages, resize } from "./content";
import { frameA, frameB, frameC, freeFrames } from "./frames";
import { firstShowing, nextShowing } from "./intervals";
import { isLodged, settle } from "./loans";
import { isChild, nodeOf } from "./nodes";
import { goHome, isNeeded, isPagerRoot } from "./queues";
import { ready, reserveNodes } from "./reserve";
import { entryGet, TABLE_MASK } from "./tables";
import { beyond, indexAt, treeFill, treeGet } from "./tree";
import { dropEntries, dropKeys, protectWindow, vmoBase, vmoHeight, vmoRoot, vmoSize } from "./vmos";
import { findTable } from "./walk";

// what a key is
export const EMPTY: u32 = 0;
const CLEAN: u32 = 1;
const DIRTY: u32 = 2;
const CLEANING: u32 = 3;
const MARKER: u32 = 4;
const ZERO_DIRTY: u32 = 5;
const ZERO_CLEANING: u32 = 6;
const ZERO_UNTRACKED: u32 = 7;
const OTHERS: u32 = 8; // a clone has it, or sees its root's

// what is about to be done, and what the pager has to be asked for first
export const FOR_COMMIT: u32 = 1;
export const FOR_WRITE: u32 = 2;
export const FOR_ZERO: u32 = 4; // zeroing a part of a page: nothing to do where it reads zero
export const TRAPS: u32 = 8; // the pager wants to hear of the first write
export const ASK_READ: u32 = 1;
export const ASK_DIRTY: u32 = 2;

const SPAN_END: u32 = H_OUT + 24; // u64: first key behind what was found last

/** The slot of a key in a VMO's own tree; SPAN_END is where it stops being the same empty one. */
export function spanAt(vmo: u32, key: u64): u32 {
  let slot = vmoRoot(vmo);
  let level = vmoHeight(vmo);
  store<u64>(SPAN_END, u64.MAX_VALUE);
  if (!isChild(slot)) return slot;
  if (beyond(level, key)) return 0;
  while (level > 0 && isChild(slot)) {
    slot = load<u32>(nodeOf(slot) + (indexAt(key, level) << 2));
    level--;
  }
  const shift = level * FANOUT_BITS;
  store<u64>(SPAN_END, ((key >> shift) + 1) << shift);
  return slot;
}

export function spanEnd(): u64 { return load<u64>(SPAN_END); }

/** What a key of a root is. */
function stateAt(root: u32, key: u64): u32 {
  const slot = spanAt(root, key);
  if (isChild(slot)) return CLEAN + (load<u32>(frameA(slot)) >> A_DIRTY_SHIFT);
  if (slot == 0) return EMPTY;
  if (slot == SLOT_ZERO) return MARKER;
  return ZERO_DIRTY + (slot - SLOT_ZERO_DIRTY);
}

/** What a VMO of a pager's family sees at a key: a root's states, OTHERS in clones, or EMPTY. */
function seenAt(vmo: u32, key: u64): u32 {
  if (load<u32>(vmo + V_PARENT) == 0) return stateAt(vmo, key);
  let end = u64.MAX_VALUE;
  let at = vmo;
  while (at != 0) {
    const slot = spanAt(at, key);
    end = min(end, spanEnd());
    store<u64>(SPAN_END, end);
    if (slot != 0) return OTHERS;
    const parent = load<u32>(at + V_PARENT);
    const limit = load<u64>(at + V_LIMIT);
    if (parent != 0 && key >= limit) return OTHERS;
    if (parent != 0) end = min(end, limit);
    at = parent;
  }
  return EMPTY;
}

/** What the pager has to be asked before something is done to a page that is `state`. */
function askFor(state: u32, mode: u32): u32 {
  if (state == EMPTY) return ASK_READ;
  if ((mode & TRAPS) == 0 || state == DIRTY || state == OTHERS) return 0;
  if (state <= CLEANING) return (mode & (FOR_WRITE | FOR_ZERO)) != 0 ? ASK_DIRTY : 0;
  if ((mode & FOR_WRITE) != 0) return ASK_DIRTY;
  const tracked = state == ZERO_DIRTY || state == ZERO_CLEANING;
  return tracked && (mode & FOR_COMMIT) != 0 ? ASK_DIRTY : 0;
}

/**
 * The first run of pages [page, page + n) that the pager must be asked for: 0 for none, ASK_READ or
 * ASK_DIRTY. At H_OUT: its first page in the root, its length, its first page in the VMO (f64).
 */
export function need(vmo: u32, page: u64, n: u64, mode: u32): u32 {
  const base = vmoBase(vmo);
  const hi = base + min(page + n, vmoSize(vmo));
  let key = base + page;
  while (key < hi) {
    const ask = askFor(seenAt(vmo, key), mode);
    const first = key;
    key = min(hi, spanEnd());
    if (ask == 0) continue;
    while (key < hi && askFor(seenAt(vmo, key), mode) == ask) key = min(hi, spanEnd());
    store<f64>(H_OUT, <f64>(first - vmoBase(rootOf(vmo))));
    store<f64>(H_OUT + 8, <f64>(key - first));
    store<f64>(H_OUT + 16, <f64>(first - base));
    return ask;
  }
  return 0;
}

function rootOf(vmo: u32): u32 {
  let root = vmo;
  while (load<u32>(root + V_PARENT) != 0) root = load<u32>(root + V_PARENT);
  return root;
}

function setState(root: u32, frame: u32, state: u32): void {
  const a = frameA(frame);
  store<u32>(a, (load<u32>(a) & A_REF_MASK) | (state << A_DIRTY_SHIFT));
  goHome(root, frame);
}

function isPinned(frame: u32): bool {
  return (load<u32>(frameB(frame)) & B_PIN_MASK) != 0;
}

/** Pages of a root were written: those that are there become dirty. */
export function written(root: u32, page: u64, n: u64): void {
  const hi = vmoBase(root) + page + n;
  for (let key = vmoBase(root) + page; key < hi; key = spanEnd()) {
    const slot = spanAt(root, key);
    if (isChild(slot)) setState(root, slot, PAGE_DIRTY);
  }
}

/** `commitKeys` for a root: pages of a dirty zero interval are dirty, those of markers clean. */
export function commitPaged(root: u32, lo: u64, hi: u64): void {
  for (let key = lo; key < hi;) {
    const n = <u32>min(<u64>(FANOUT - (<u32>key & (FANOUT - 1))), hi - key);
    let dirty: u32 = 0;
    for (let i: u32 = 0; i < n; i++) {
      const state = stateAt(root, key + i);
      if (state == ZERO_DIRTY || state == ZERO_CLEANING) dirty |= 1 << i;
    }
    const leaf = commitRun(root, key, n, 0) + ((<u32>key & (FANOUT - 1)) << 2);
    for (; dirty != 0; dirty &= dirty - 1) {
      setState(root, load<u32>(leaf + (ctz(dirty) << 2)), PAGE_DIRTY);
    }
    key += n;
  }
}

/** The pager lets pages be written: 0, NOT_FOUND where one is absent, or NO_MEMORY. */
export function allowDirty(root: u32, page: u64, n: u64): i32 {
  const lo = vmoBase(root) + page;
  for (let key = lo; key < lo + n; key = spanEnd()) {
    if (stateAt(root, key) == EMPTY) return NOT_FOUND;
  }
  if (!reservePages(root, lo, lo + n)) return NO_MEMORY;
  commitKeys(root, lo, lo + n);
  written(root, page, n);
  return 0;
}

/** Whether a zero interval goes on from the key before. */
function isInsideZero(root: u32, key: u64): bool {
  if (key == vmoBase(root)) return false;
  return isTracked(stateAt(root, key)) && isTracked(stateAt(root, key - 1));
}

function isTracked(state: u32): bool { return state == ZERO_DIRTY || state == ZERO_CLEANING; }

/** First key from `lo` on that is not of the zero interval that began before `lo`. */
function pastInterval(root: u32, lo: u64, hi: u64): u64 {
  if (!isInsideZero(root, lo)) return lo;
  let key = lo;
  while (key < hi && isTracked(stateAt(root, key))) key = spanEnd();
  return min(key, hi);
}

/**
 * The pager begins to write back: what is dirty awaits the end. `zeros` alone if it means to write
 * zeros. Pinned pages, and intervals that begin before the range, stay dirty. 0 or NO_MEMORY.
 */
export function writebackBegin(root: u32, page: u64, n: u64, zeros: bool): i32 {
  const lo = vmoBase(root) + page;
  const hi = lo + n;
  const from = pastInterval(root, lo, hi);
  if (!reserveRuns(root, from, hi, ZERO_DIRTY)) return NO_MEMORY;
  if (!zeros) {
    for (let key = lo; key < hi; key = spanEnd()) {
      const slot = spanAt(root, key);
      const dirty = isChild(slot) && load<u32>(frameA(slot)) >> A_DIRTY_SHIFT == PAGE_DIRTY;
      if (dirty && !isPinned(slot)) setState(root, slot, PAGE_CLEANING);
    }
  }
  fillRuns(root, from, hi, ZERO_DIRTY, SLOT_ZERO_CLEANING);
  if (lo < hi) protectWindow(root, lo, hi);
  // pinned pages stay dirty, and lose write permission for a moment only
  return 0;
}

/** The pager has written back: what awaited that is clean, zeros can be asked for again. */
export function writebackEnd(root: u32, page: u64, n: u64): i32 {
  const lo = vmoBase(root) + page;
  const hi = lo + n;
  const from = pastInterval(root, lo, hi);
  if (!reserveRuns(root, from, hi, ZERO_CLEANING)) return NO_MEMORY;
  for (let key = lo; key < hi; key = spanEnd()) {
    const slot = spanAt(root, key);
    const cleaning = isChild(slot) && load<u32>(frameA(slot)) >> A_DIRTY_SHIFT == PAGE_CLEANING;
    if (cleaning) setState(root, slot, PAGE_CLEAN);
  }
  fillRuns(root, from, hi, ZERO_CLEANING, 0);
  return 0;
}

/** Nodes for `fillRuns`. */
function reserveRuns(root: u32, lo: u64, hi: u64, state: u32): bool {
  let runs: u64 = 1;
  let was = OTHERS;
  for (let key = lo; key < hi; key = spanEnd()) {
    const now = stateAt(root, key);
    runs += u64(now == state && was != state);
    was = now;
  }
  return ready() && reserveNodes(0, max(hi, 1), runs);
}

/** Gives every key of [lo, hi) that is `state`, a kind of zero, another slot. */
function fillRuns(root: u32, lo: u64, hi: u64, state: u32, slot: u32): void {
  for (let key = lo; key < hi;) {
    const first = key;
    while (key < hi && stateAt(root, key) == state) key = min(hi, spanEnd());
    if (first < key) {
      treeFill(root, first, key, slot);
      if (slot == 0) dropEntries(root, first, key);
    }
    while (key < hi && stateAt(root, key) != state) key = min(hi, spanEnd());
  }
}

/**
 * Lists what is not clean in [page, page + n): | first page f64 | pages f64, negative for zeros |.
 * How many runs there are; at most `room` are stored.
 */
export function dirtyRuns(root: u32, page: u64, n: u64, out: u32, room: u32): u32 {
  const base = vmoBase(root);
  const hi = base + page + n;
  let count: u32 = 0;
  for (let key = base + page; key < hi;) {
    const first = key;
    const kind = dirtyKind(stateAt(root, key));
    key = min(hi, spanEnd());
    if (kind == 0) continue;
    while (key < hi && dirtyKind(stateAt(root, key)) == kind) key = min(hi, spanEnd());
    if (count < room) {
      store<f64>(out + (count << 4), <f64>(first - base));
      const pages = <f64>(key - first);
      store<f64>(out + (count << 4) + 8, kind == 2 ? -pages : pages);
    }
    count++;
  }
  return count;
}

/** 1 for pages that are not clean, 2 for zeros that are not, 0 for the rest. */
function dirtyKind(state: u32): u32 {
  return state == DIRTY || state == CLEANING ? 1 : isTracked(state) ? 2 : 0;
}

/**
 * Zeroes from byte `firstByte` of a page to byte `endByte` of another: whole pages become a zero
 * interval (`slot`: dirty or untracked), pinned ones and parts of pages are zeroed in place, where
 * there is a page. What reads zero already stays as it is. 0 or NO_MEMORY.
 */
export function zeroBytes(
  root: u32, firstPage: u64, firstByte: u32, endPage: u64, endByte: u32, slot: u32,
): i32 {
  const base = vmoBase(root);
  const inOne = firstPage == endPage;
  const moves = u32((inOne || firstByte != 0) && isLodged(root, base + firstPage))
    + u32(!inOne && endByte != 0 && isLodged(root, base + endPage));
  if (moves > freeFrames()) return NO_MEMORY;
  if (inOne) {
    fillInPage(root, base + firstPage, firstByte, endByte);
    return 0;
  }
  const lo = base + firstPage + u64(firstByte != 0);
  const hi = base + endPage;
  if (lo < hi && !zeroWhole(root, lo, hi, slot)) return NO_MEMORY;
  if (firstByte != 0) fillInPage(root, base + firstPage, firstByte, PAGE_BYTES);
  if (endByte != 0) fillInPage(root, hi, 0, endByte);
  return 0;
}

/** Zeroes bytes of a page that is there, and says that it was written: not in a borrowed frame. */
function fillInPage(root: u32, key: u64, from: u32, to: u32): void {
  settle(root, key, key + 1);
  const slot = treeGet(vmoRoot(root), vmoHeight(root), key);
  if (!isChild(slot)) return;
  const content = load<u32>(frameC(slot)) >> 12 << 12;
  if (content != 0) memory.fill(content + from, 0, to - from);
  setState(root, slot, PAGE_DIRTY);
}

/** Whether a span keeps what it has when it is zeroed. */
function keepsZero(state: u32, slot: u32): bool {
  if (slot == SLOT_ZERO_UNTRACKED) return state == ZERO_UNTRACKED;
  return state == MARKER || isTracked(state);
}

function zeroWhole(root: u32, lo: u64, hi: u64, slot: u32): bool {
  let runs: u64 = 1;
  let kept: bool = true;
  for (let key = lo; key < hi; key = spanEnd()) {
    const stays = staysWhenZeroed(root, key, slot);
    runs += u64(!stays && kept);
    kept = stays;
  }
  if (!ready() || !reserveNodes(0, hi, runs)) return false;
  for (let key = lo; key < hi;) {
    const first = key;
    while (key < hi && !staysWhenZeroed(root, key, slot)) key = min(hi, spanEnd());
    if (first < key) treeFill(root, first, key, slot);
    while (key < hi && staysWhenZeroed(root, key, slot)) {
      fillInPage(root, key, 0, PAGE_BYTES);
      key = min(hi, spanEnd());
    }
  }
  dropEntries(root, lo, hi);
  return true;
}

/** Pinned pages stay, to be zeroed in place; what `keepsZero` stays too. SPAN_END as `spanAt`. */
function staysWhenZeroed(root: u32, key: u64, slot: u32): bool {
  const had = spanAt(root, key);
  return isChild(had) ? isPinned(had) : keepsZero(stateAt(root, key), slot);
}

/**
 * A new size for a root: what it gains is a dirty zero interval, and the new last page is zeroed
 * from byte `tail` on unless that is 0. 0, NO_MEMORY, OUT_OF_RANGE.
 */
export function resizePaged(root: u32, sizePages: u64, tail: u32): i32 {
  const base = vmoBase(root);
  const old = vmoSize(root);
  const fits = sizePages <= KEY_MAX - base; // else `resize` says so
  if (fits && sizePages > old && !(ready() && reserveNodes(0, base + sizePages, 1)))
    return NO_MEMORY;
  const lodged = tail != 0 && isLodged(root, base + sizePages - 1);
  if (lodged && freeFrames() == 0) return NO_MEMORY;
  const status = resize(root, sizePages, 0);
  if (status < 0) return status;
  if (tail != 0) fillInPage(root, base + sizePages - 1, tail, PAGE_BYTES);
  if (sizePages > old) treeFill(root, base + old, base + sizePages, SLOT_ZERO_DIRTY);
  return 0;
}

/**
 * Takes clean pages that are not pinned away: they are absent next. `markers` too when the VMO
 * loses its pager; but not what is always needed with `heedHints`. How many pages went, or
 * NO_MEMORY.
 */
export function dropClean(
  root: u32, page: u64, n: u64, markers: bool, heedHints: bool,
): i32 {
  if (!ready()) return NO_MEMORY;
  const lo = vmoBase(root) + page;
  const hi = lo + n;
  let gone: u32 = 0;
  let first = hi; // of the run that goes, up to `key`
  for (let key = lo; key < hi;) {
    const slot = spanAt(root, key);
    const end = min(hi, spanEnd());
    const clean = isChild(slot) && load<u32>(frameA(slot)) >> A_DIRTY_SHIFT == PAGE_CLEAN;
    const stays = clean && (isPinned(slot) || (heedHints && isNeeded(slot)));
    const goes = clean ? !stays : markers && slot == SLOT_ZERO;
    if (goes) {
      first = min(first, key);
      gone += u32(clean);
    } else if (first != hi) {
      dropKeys(root, first, key);
      first = hi;
    }
    key = end;
  }
  if (first != hi) dropKeys(root, first, hi);
  return <i32>gone;
}

/**
 * For the audit: 0, or what is wrong with a VMO's dirty bits. H_OUT: how many of its pages are not
 * clean, 0 for all but roots.
 */
export function pagedFault(vmo: u32): u32 {
  let dirty: u32 = 0;
  if (isPagerRoot(vmo)) {
    const hi = vmoBase(vmo) + vmoSize(vmo);
    for (let key = vmoBase(vmo); key < hi; key = spanEnd()) {
      const slot = spanAt(vmo, key);
      if (!isChild(slot)) continue;
      if ((load<u32>(frameA(slot)) & A_REF_MASK) != 1) return 1;
      dirty += u32(load<u32>(frameA(slot)) >> A_DIRTY_SHIFT != PAGE_CLEAN);
    }
    if (letsWriteClean(vmo)) return 2;
  }
  store<u32>(H_OUT, dirty);
  return 0;
}

/** Whether an entry lets a page that is not dirty be written. */
function letsWriteClean(root: u32): bool {
  const lo = vmoBase(root);
  const hi = lo + vmoSize(root);
  for (let m = firstShowing(root, lo, hi); m != 0; m = nextShowing(m, lo, hi)) {
    const pages = min<u64>(load<u64>(m + M_PAGES), 1 << 16);
    for (let i: u64 = 0; i < pages; i++) {
      const vpn = load<u64>(m + M_BASE) + i;
      const table = findTable(load<u32>(m + M_ASPACE), vpn);
      if ((table & PTE_W) == 0) continue;
      if ((entryGet(table & TABLE_MASK, <u32>vpn & 511) & PTE_W) == 0) continue;
      if (stateAt(root, load<u64>(m + M_KEY) + i) != DIRTY) return true;
    }
  }
  return false;
}
