/**
 * What ages pages and what takes them: accesses and hints over ranges, the harvest of accessed
 * bits, eviction (memory-semantics 7.2, 7.3).
 *
 * I1. Pages of a pager's root alone have an age. A clone's own pages are anonymous: what it is told
 *     of a range is meant for the root's pages that it still sees there.
 * I2. The order of a harvest makes no difference: all that was used is of one age.
 * Cost: a descent for each page of a range; an eviction asks the mappings once for each run of
 *       pages that go; a harvest reads every present entry once.
 */
import {
  AS_NEXT, AS_ROOT, H_ASPACES, KEY_MAX, NO_MEMORY, PTE_A, PTE_SHIFT, T_LEVEL, VF_HIGH_PRIORITY,
  V_FLAGS, V_LIMIT, V_PARENT,
} from "./layout";
import { freeFrames } from "./frames";
import { isBorrowed, settle, surrender } from "./loans";
import { isChild } from "./nodes";
import { spanAt, spanEnd } from "./pager";
import {
  generation, goHome, hint, isNeeded, isPagerRoot, markAccessed, queueMove, queueOf,
} from "./queues";
import { ready } from "./reserve";
import { entryGet, entrySet, nextEntry, TABLE_MASK } from "./tables";
import { dropKeys, vmoBase, vmoSize } from "./vmos";

export const DO_ACCESS: u32 = 0;
export const DO_NEED: u32 = 1;
export const DO_NOT_NEED: u32 = 2;

/** Does one thing to the pages of a root that a VMO sees at pages [page, page + n). */
export function eachSeen(vmo: u32, page: u64, n: u64, what: u32): void {
  const base = vmoBase(vmo);
  const hi = base + min(page + n, vmoSize(vmo));
  for (let key = base + page; key < hi;) {
    let end = hi;
    for (let at = vmo; at != 0; at = load<u32>(at + V_PARENT)) {
      const slot = spanAt(at, key);
      end = min(end, spanEnd());
      if (isChild(slot) && isPagerRoot(at)) does(at, key, what);
      if (slot != 0 || load<u32>(at + V_PARENT) == 0) break;
      const limit = load<u64>(at + V_LIMIT);
      if (key >= limit) break;
      end = min(end, limit);
    }
    key = max(key + 1, end);
  }
}

/**
 * A page that is always needed leaves its borrowed frame. A hint is kept where it can be: without a
 * free frame the page is young, and no more.
 */
function does(root: u32, key: u64, what: u32): void {
  let frame = spanAt(root, key);
  const lodged = what == DO_NEED && isBorrowed(frame);
  if (lodged && freeFrames() != 0) {
    settle(root, key, key + 1);
    frame = spanAt(root, key);
  } else if (lodged || what == DO_ACCESS) {
    markAccessed(frame);
    return;
  }
  hint(frame, what == DO_NEED);
}

/** Takes the accessed bits of all page tables: pages that have one are of the newest age. */
export function harvest(): void {
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    const root = load<u32>(a + AS_ROOT);
    if (root != 0) harvestTable(root);
  }
}

function harvestTable(table: u32): void {
  const isLeaf = load<u8>(table + T_LEVEL) == 1;
  for (let i = nextEntry(table, 0); i < 512; i = nextEntry(table, i + 1)) {
    const entry = entryGet(table, i);
    if (!isLeaf) harvestTable(entry & TABLE_MASK);
    else if ((entry & PTE_A) != 0) {
      entrySet(table, i, entry & ~PTE_A);
      markAccessed(entry >> PTE_SHIFT);
    }
  }
}

/**
 * Evicts pages of a root that stand in a stored queue, at most `most`, lowest first: but none in a
 * borrowed frame, which would be no more free memory. Pages that are always needed are as young as
 * the newest instead, unless `ignoreHints`. How many went, or NO_MEMORY.
 */
export function evict(root: u32, queue: u32, most: u32, ignoreHints: bool): i32 {
  if (!ready()) return NO_MEMORY;
  const hi = vmoBase(root) + vmoSize(root);
  let gone: u32 = 0;
  let first = hi; // of the run of pages that go, up to `key`
  let key = vmoBase(root);
  while (key < hi && gone < most) {
    const slot = spanAt(root, key);
    const end = min(hi, spanEnd());
    let goes = isChild(slot) && queueOf(slot) == queue && !isBorrowed(slot);
    if (goes && !ignoreHints && isNeeded(slot)) {
      queueMove(slot, generation(0));
      goes = false;
    }
    if (goes) {
      first = min(first, key);
      gone++;
    } else if (first != hi) {
      dropKeys(root, first, key);
      first = hi;
    }
    key = end;
  }
  if (first != hi) dropKeys(root, first, key);
  return <i32>gone;
}

/**
 * A VMO's memory priority: its pages leave the order of reclaim, or come back. With high priority
 * none stands in a borrowed frame.
 */
export function setHighPriority(vmo: u32, isHigh: bool): void {
  const flags = load<u16>(vmo + V_FLAGS) & <u16>~VF_HIGH_PRIORITY;
  store<u16>(vmo + V_FLAGS, isHigh ? flags | <u16>VF_HIGH_PRIORITY : flags);
  const hi = min(KEY_MAX, vmoBase(vmo) + vmoSize(vmo));
  for (let key = vmoBase(vmo); key < hi;) {
    const slot = spanAt(vmo, key);
    if (isHigh && isChild(slot) && isBorrowed(slot)) surrender(slot, freeFrames() != 0);
    const left = spanAt(vmo, key);
    if (isChild(left)) goHome(vmo, left);
    key = spanEnd();
  }
}
