/**
 * Entries for pages that are there already: the neighbours that a fault maps along, and ranges that
 * a program asks to have mapped (MAP_RANGE, COMMIT, ALWAYS_NEED, PREFETCH; memory-semantics 9.10).
 *
 * Mapping along is for a program's fault on one page. Ranges, and lists of them, are touched in one
 * call by who knows what it is going to use: nothing behind their ends is guessed, and those paths
 * stay as short as they are (looking at the neighbours of each page of a random list costs a third
 * of the fault). Entries of an imported system are written by its importer, not by faults.
 *
 * I1. Nothing here commits or copies a page, and an entry that is there stays as it is.
 * I2. An entry made here is neither accessed nor dirty: nobody has used it yet. It is writable only
 *     if the VMO's tree alone holds the page.
 */
import {
  A_DIRTY_SHIFT, AS_PRESENT, FANOUT, FANOUT_BITS, H_PATH, H_PATH_LEAF, H_PATH_VMO, KEY_MAX,
  M_ASPACE, M_KEY, M_PERMS, M_VMO, NO_MEMORY, PAGE_DIRTY, PERM_EXECUTE, PERM_READ, PERM_WRITE,
  PTE_P, PTE_SHIFT, PTE_W, PTE_X, VK_PHYSICAL, V_KIND, V_LIMIT, V_PARENT,
} from "./layout";
import { commitKeys } from "./content";
import { frameA, freeFrames } from "./frames";
import { findMapping, mappingBase, mappingEnd } from "./mappings";
import { isChild, nodeOf } from "./nodes";
import { isPagerRoot } from "./queues";
import { isOwn, ready, reserveNodes, reserveTables, ZERO_RUNS } from "./reserve";
import { entryGet, entrySet, hitRun, makeRoom, TABLE_MASK } from "./tables";
import { beyond, findLeaf, indexAt } from "./tree";
import { seenFrame, vmoHeight, vmoRoot } from "./vmos";
import { findTable, missingTables, needTable } from "./walk";

/** Pages that one fault maps at most, the faulting one included. */
const ALONG_PAGES: u64 = 16;

function isPhysical(vmo: u32): bool {
  return load<u8>(vmo + V_KIND) == VK_PHYSICAL;
}

/** Clean pages of a pager's VMO must fault when they are written first. */
function mayWrite(vmo: u32, frame: u32): bool {
  return !isPagerRoot(vmo) || load<u32>(frameA(frame)) >> A_DIRTY_SHIFT == PAGE_DIRTY;
}

/** Entry for the page at a key, 0 when none is there; with `write` only if it may be written. */
function entryFor(vmo: u32, key: u64, perms: u32, write: bool): u32 {
  const base = PTE_P | ((perms & PERM_EXECUTE) != 0 ? PTE_X : 0);
  // the last path is exclusive, so it serves where it leads to this leaf
  const isLast = load<u32>(H_PATH_VMO) == vmo && load<u64>(H_PATH_LEAF) == key >> FANOUT_BITS;
  const found = isLast ? load<u32>(H_PATH + 4) : findLeaf(vmoRoot(vmo), vmoHeight(vmo), key);
  const leaf = found & ~1;
  const i = <u32>key & (FANOUT - 1);
  const slot = leaf == 0 ? 0 : load<u32>(leaf + (i << 2));
  if (isChild(slot)) {
    const own = (found & 1) == 0 && isOwn(leaf, i, slot) && mayWrite(vmo, slot);
    if (write && !own) return 0;
    return slot << PTE_SHIFT | base | (own && (perms & PERM_WRITE) != 0 ? PTE_W : 0);
  }
  if (write || load<u32>(vmo + V_PARENT) == 0) return 0;
  const frame = seenFrame(vmo, key);
  return frame == 0 ? 0 : frame << PTE_SHIFT | base;
}

/**
 * After a fault on page `vpn`: maps the pages behind it that are there, up to the first that is
 * not, up to 16 pages together; never past the mapping (one range of permissions) or the table.
 *
 * After a write only pages that may be written follow, and an entry that may not be written ends
 * it: to ask whether its page is the VMO's alone by now would cost a write fault more than the
 * fault itself, for a page that is mapped already.
 */
export function mapAlong(m: u32, vpn: u64, write: bool): void {
  const vmo = load<u32>(m + M_VMO);
  const aspace = load<u32>(m + M_ASPACE);
  const found = findTable(aspace, vpn);
  if (found == 0 || isPhysical(vmo)) return;
  const end = min(min(vpn + ALONG_PAGES, (vpn | 511) + 1), mappingEnd(m));
  const table = found & TABLE_MASK;
  const perms = load<u32>(m + M_PERMS);
  const key = load<u64>(m + M_KEY) - mappingBase(m);
  let added: u32 = 0;
  let at = vpn + 1;
  while (at < end) {
    const i = <u32>at & 511;
    if (write) {
      const hits = hitRun(table, i, <u32>(end - at), PTE_P | PTE_W);
      at += hits;
      if (hits != 0) continue;
    }
    const there = entryGet(table, i);
    if ((there & PTE_P) != 0) {
      if (write || there >> PTE_SHIFT == 0) break; // the zero page: the VMO has none there
      at++;
      continue;
    }
    const entry = entryFor(vmo, key + at, perms, write);
    if (entry == 0) break;
    makeRoom(table, 1);
    entrySet(table, i, entry);
    added++;
    at++;
  }
  if (added != 0) countPresent(aspace, added);
}

function countPresent(aspace: u32, added: u32): void {
  store<u32>(aspace + AS_PRESENT, load<u32>(aspace + AS_PRESENT) + added);
}

/** First key from `key` on where a tree has a page; `hi` where it has none. */
function nextOwn(root: u32, height: u32, first: u64, hi: u64): u64 {
  let key = first;
  if (!isChild(root)) return hi;
  while (key < hi && !beyond(height, key)) {
    let slot = root;
    let h = height;
    while (h > 0 && isChild(slot)) slot = load<u32>(nodeOf(slot) + (indexAt(key, h--) << 2));
    if (isChild(slot)) return key;
    const shift = <u64>h * FANOUT_BITS;
    key = (key >> shift) + 1 << shift;
  }
  return hi;
}

/** First key from `key` on where a VMO may show a page, its own or a live parent's. */
function nextShown(first: u32, key: u64, hi: u64): u64 {
  let best = hi;
  let limit = hi;
  for (let vmo = first; vmo != 0; vmo = load<u32>(vmo + V_PARENT)) {
    best = min(best, nextOwn(vmoRoot(vmo), vmoHeight(vmo), key, min(limit, best)));
    limit = min(limit, load<u64>(vmo + V_LIMIT));
    if (key >= limit) break;
  }
  return best;
}

/** Next page of a range from `at` on that a readable mapping has a page for; `end` for none. */
function nextPresent(aspace: u32, first: u64, end: u64): u64 {
  let at = first;
  while (at < end) {
    const m = findMapping(aspace, at);
    if (m == 0) return end;
    const stop = min(end, mappingEnd(m));
    const vmo = load<u32>(m + M_VMO);
    if ((load<u32>(m + M_PERMS) & PERM_READ) != 0 && !isPhysical(vmo)) {
      const shift = load<u64>(m + M_KEY) - mappingBase(m);
      const key = nextShown(vmo, at + shift, min(KEY_MAX, stop + shift));
      if (key < stop + shift) return key - shift;
    }
    at = stop;
  }
  return end;
}

/**
 * Makes sure that `mapPresent` can map a range, all of which is mapped. 0 or NO_MEMORY.
 */
export function preparePresent(aspace: u32, vpn: u64, n: u64): i32 {
  if (!ready()) return NO_MEMORY;
  const end = vpn + n;
  let leaves: u64 = 0;
  let tables: u64 = 0;
  let last: u64 = ~(<u64>0);
  for (let at = nextPresent(aspace, vpn, end); at < end;) {
    const missing = missingTables(aspace, at);
    if (missing > 0) {
      leaves++;
      tables++;
      if (missing > 1 && at >> 18 != last >> 18) tables++;
      if (missing > 2 && at >> 27 != last >> 27) tables++;
      if (missing > 3 && last == ~(<u64>0)) tables++;
      last = at;
    }
    at = nextPresent(aspace, (at | 511) + 1, end);
  }
  if (tables > <u64>freeFrames()) return NO_MEMORY;
  return reserveTables(leaves << 9, leaves) ? 0 : NO_MEMORY;
}

/** Maps the pages of a prepared range that are there, with a step for each of them. */
export function mapPresent(aspace: u32, vpn: u64, n: u64): void {
  const end = vpn + n;
  for (let at = nextPresent(aspace, vpn, end); at < end; at = nextPresent(aspace, at + 1, end)) {
    const m = findMapping(aspace, at);
    const key = load<u64>(m + M_KEY) + (at - mappingBase(m));
    const entry = entryFor(load<u32>(m + M_VMO), key, load<u32>(m + M_PERMS), false);
    if (entry == 0) continue;
    const table = needTable(aspace, at, false);
    const i = <u32>at & 511;
    const there = entryGet(table, i);
    if ((there & PTE_P) != 0 && there >> PTE_SHIFT != 0) continue;
    makeRoom(table, 1);
    entrySet(table, i, entry);
    if (there == 0) countPresent(aspace, 1);
  }
}

/**
 * Reserves what zeroing or decommitting the pages of a mapped range takes, mapping by mapping,
 * around `kept` runs of pinned pages: the sum of what each of them asks for. 0 or NO_MEMORY.
 */
export function prepareZeroes(aspace: u32, vpn: u64, n: u64, kept: u32): i32 {
  if (!ready()) return NO_MEMORY;
  const end = vpn + n;
  let runs: u64 = kept;
  let top: u64 = 1;
  for (let at = vpn; at < end;) {
    const m = findMapping(aspace, at);
    const stop = min(end, mappingEnd(m));
    top = max(top, load<u64>(m + M_KEY) + (stop - mappingBase(m)));
    runs += ZERO_RUNS;
    at = stop;
  }
  return reserveNodes(2, top, runs) ? 0 : NO_MEMORY;
}

/** Gives every page of a prepared range to the VMO that is mapped there. */
export function commitMapped(aspace: u32, vpn: u64, n: u64): void {
  const end = vpn + n;
  for (let at = vpn; at < end;) {
    const m = findMapping(aspace, at);
    const stop = min(end, mappingEnd(m));
    const key = load<u64>(m + M_KEY) + (at - mappingBase(m));
    commitKeys(load<u32>(m + M_VMO), key, key + (stop - at));
    at = stop;
  }
}
