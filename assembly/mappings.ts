/**
 * Address spaces and mappings: found by address for a fault, and from the VMO for an invalidation.
 *
 * I1. An address space's index holds its mappings in address order; none overlap.
 * I2. A mapping is in its VMO's tree of mappings by key (V_MAPS, intervals.ts), and holds one
 *     reference to it.
 * Cost: 64 bytes a mapping, 4 in the index; a fault finds its mapping in log2(n) steps, or at once
 * when it is the one found last.
 */
import { chunkAlloc, chunksFree, poolAlloc, poolFree, poolReserve } from "./heap";
import {
  ASPACE_BYTES, AS_CAP, AS_COUNT, AS_INDEX, AS_LAST, AS_NEXT, AS_PREV, CHUNK_BYTES, H_ASPACES,
  MAPPING_BYTES, M_ASPACE, M_BASE, M_KEY, M_PAGES, M_PERMS, M_VMO, NO_MEMORY,
  PERM_EXECUTE, PERM_READ, PERM_WRITE, POOL_ASPACE, POOL_MAPPING, POOL_TABLE_DATA,
  V_LIMIT, V_MAP_COUNT, V_REFS, AS_ROOT,
} from "./layout";
import {
  addShowing, firstShowing, mappingEndMoved, mappingMoved, nextShowing, removeShowing,
} from "./intervals";
import { treeGet } from "./tree";
import { nextBelow, nextBeside, vmoBase, vmoDrop, vmoHeight, vmoRoot } from "./vmos";
import { aspaceUnmap, pteClear, tablesProtect, tlbForget } from "./walk";

export function mappingBase(m: u32): u64 { return load<u64>(m + M_BASE); }
export function mappingEnd(m: u32): u64 { return load<u64>(m + M_BASE) + load<u64>(m + M_PAGES); }

export function newAspace(): u32 {
  const aspace = poolAlloc(POOL_ASPACE);
  if (aspace == 0) return 0;
  memory.fill(aspace, 0, ASPACE_BYTES);
  const first = load<u32>(H_ASPACES);
  store<u32>(aspace + AS_NEXT, first);
  if (first != 0) store<u32>(first + AS_PREV, aspace);
  store<u32>(H_ASPACES, aspace);
  return aspace;
}

export function freeAspace(aspace: u32): void {
  tlbForget();
  while (load<u32>(aspace + AS_COUNT) != 0) {
    freeMapping(load<u32>(load<u32>(aspace + AS_INDEX)
      + ((load<u32>(aspace + AS_COUNT) - 1) << 2)));
  }
  freeIndex(load<u32>(aspace + AS_INDEX), load<u32>(aspace + AS_CAP));
  const next = load<u32>(aspace + AS_NEXT);
  const prev = load<u32>(aspace + AS_PREV);
  if (next != 0) store<u32>(next + AS_PREV, prev);
  if (prev != 0) store<u32>(prev + AS_NEXT, next);
  else store<u32>(H_ASPACES, next);
  poolFree(POOL_ASPACE, aspace);
}

/** Room for `cap` index entries: 32 to 512 come from the table pools, more in whole chunks. */
function allocIndex(cap: u32): u32 {
  if (cap <= 512) return poolAlloc(POOL_TABLE_DATA + ctz(cap) - 5);
  return chunkAlloc(max<u32>(1, (cap << 2) / CHUNK_BYTES));
}

function freeIndex(index: u32, cap: u32): void {
  if (index == 0) return;
  if (cap <= 512) {
    poolFree(POOL_TABLE_DATA + ctz(cap) - 5, index);
    return;
  }
  chunksFree(index, max<u32>(1, (cap << 2) / CHUNK_BYTES));
}

/** Makes room for `n` more mappings in the index; false when host memory is exhausted. */
function growIndex(aspace: u32, n: u32): bool {
  const count = load<u32>(aspace + AS_COUNT);
  const cap = load<u32>(aspace + AS_CAP);
  if (count + n <= cap) return true;
  let want: u32 = max<u32>(cap, 32);
  while (want < count + n) want = want == 512 ? 16384 : want << 1;
  const index = allocIndex(want);
  if (index == 0) return false;
  memory.copy(index, load<u32>(aspace + AS_INDEX), count << 2);
  freeIndex(load<u32>(aspace + AS_INDEX), cap);
  store<u32>(aspace + AS_INDEX, index);
  store<u32>(aspace + AS_CAP, want);
  return true;
}

/** Place in the index of the first mapping that ends above `vpn`. */
function lowerBound(aspace: u32, vpn: u64): u32 {
  const index = load<u32>(aspace + AS_INDEX);
  let lo: u32 = 0;
  let hi = load<u32>(aspace + AS_COUNT);
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (mappingEnd(load<u32>(index + (mid << 2))) <= vpn) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** Mapping that covers a virtual page, or 0. */
export function findMapping(aspace: u32, vpn: u64): u32 {
  const last = load<u32>(aspace + AS_LAST);
  if (last != 0 && vpn - mappingBase(last) < load<u64>(last + M_PAGES)) return last;
  const i = lowerBound(aspace, vpn);
  if (i >= load<u32>(aspace + AS_COUNT)) return 0;
  const m = load<u32>(load<u32>(aspace + AS_INDEX) + (i << 2));
  if (mappingBase(m) > vpn) return 0;
  store<u32>(aspace + AS_LAST, m);
  return m;
}

/** Makes sure of `n` more mappings, made by maps or splits; false when host memory is exhausted. */
export function reserveMappings(aspace: u32, n: u32): bool {
  return growIndex(aspace, n) && poolReserve(POOL_MAPPING, n);
}

/** A mapping of `pages` pages; its record >> 4, or a status. */
export function newMapping(
  aspace: u32, vmo: u32, base: u64, pages: u64, offset: u64, perms: u32
): i32 {
  if (!growIndex(aspace, 1)) return NO_MEMORY;
  const m = poolAlloc(POOL_MAPPING);
  if (m == 0) return NO_MEMORY;
  memory.fill(m, 0, MAPPING_BYTES);
  store<u32>(m + M_ASPACE, aspace);
  store<u32>(m + M_VMO, vmo);
  store<u64>(m + M_BASE, base);
  store<u64>(m + M_PAGES, pages);
  store<u64>(m + M_KEY, vmoBase(vmo) + offset);
  store<u32>(m + M_PERMS, perms);
  addShowing(vmo, m);
  store<u32>(vmo + V_MAP_COUNT, load<u32>(vmo + V_MAP_COUNT) + 1);
  store<u32>(vmo + V_REFS, load<u32>(vmo + V_REFS) + 1);
  const i = lowerBound(aspace, base);
  const at = load<u32>(aspace + AS_INDEX) + (i << 2);
  const count = load<u32>(aspace + AS_COUNT);
  memory.copy(at + 4, at, (count - i) << 2);
  store<u32>(at, m);
  store<u32>(aspace + AS_COUNT, count + 1);
  return <i32>(m >> 4);
}

/** Removes a mapping with its page-table entries. */
export function freeMapping(m: u32): void {
  aspaceUnmap(load<u32>(m + M_ASPACE), mappingBase(m), mappingEnd(m));
  forgetMapping(m);
}

/** Removes a mapping's record; its page-table entries stay. */
function forgetMapping(m: u32): void {
  const aspace = load<u32>(m + M_ASPACE);
  const vmo = load<u32>(m + M_VMO);
  const at = load<u32>(aspace + AS_INDEX) + (lowerBound(aspace, mappingBase(m)) << 2);
  const count = load<u32>(aspace + AS_COUNT) - 1;
  memory.copy(at, at + 4, load<u32>(aspace + AS_INDEX) + (count << 2) - at);
  store<u32>(aspace + AS_COUNT, count);
  store<u32>(aspace + AS_LAST, 0);
  removeShowing(vmo, m);
  store<u32>(vmo + V_MAP_COUNT, load<u32>(vmo + V_MAP_COUNT) - 1);
  poolFree(POOL_MAPPING, m);
  vmoDrop(vmo);
}

/**
 * Takes pages out of a mapping: all, one end, or the middle. New second mapping >> 4, 0, or a
 * status.
 */
export function cutMapping(m: u32, first: u64, pages: u64): i32 {
  const length = load<u64>(m + M_PAGES);
  const base = mappingBase(m);
  const end = first + pages;
  if (first == 0 && end == length) {
    freeMapping(m);
    return 0;
  }
  let second: i32 = 0;
  if (first != 0 && end != length) {
    second = splitMapping(m, end);
    if (second < 0) return second;
  }
  aspaceUnmap(load<u32>(m + M_ASPACE), base + first, base + end);
  if (first == 0) {
    store<u64>(m + M_BASE, base + pages);
    store<u64>(m + M_KEY, load<u64>(m + M_KEY) + pages);
    store<u64>(m + M_PAGES, length - pages);
    mappingMoved(load<u32>(m + M_VMO), m);
  } else {
    store<u64>(m + M_PAGES, first);
    mappingEndMoved(m);
  }
  return second;
}

/**
 * Splits a mapping in two at page `at`; page-table entries stay. The second one >> 4, or a status.
 */
export function splitMapping(m: u32, at: u64): i32 {
  const length = load<u64>(m + M_PAGES);
  const vmo = load<u32>(m + M_VMO);
  const offset = load<u64>(m + M_KEY) - vmoBase(vmo) + at;
  store<u64>(m + M_PAGES, at);
  const second = newMapping(
    load<u32>(m + M_ASPACE), vmo, mappingBase(m) + at, length - at, offset, load<u32>(m + M_PERMS));
  if (second < 0) store<u64>(m + M_PAGES, length);
  else mappingEndMoved(m);
  return second;
}

/**
 * Makes one mapping of two that stand side by side, show consecutive keys of one VMO and have the
 * same permissions: the first one grows, the second one goes. Page-table entries stay.
 */
export function mergeMappings(m: u32, second: u32): void {
  const pages = load<u64>(second + M_PAGES);
  forgetMapping(second);
  store<u64>(m + M_PAGES, load<u64>(m + M_PAGES) + pages);
  mappingEndMoved(m);
}

/** Takes hardware write permission from virtual pages of a mapping. */
export function writeProtect(m: u32, vpn: u64, n: u64): void {
  const root = load<u32>(load<u32>(m + M_ASPACE) + AS_ROOT);
  if (root == 0) return;
  tlbForget();
  tablesProtect(root, 4, 0, vpn, vpn + n);
}

export function unmapPages(m: u32, vpn: u64, n: u64): void {
  aspaceUnmap(load<u32>(m + M_ASPACE), vpn, vpn + n);
}

/** Writes the mappings that show some of the keys [lo, hi) to a list; how many there are. */
export function listShowing(vmo: u32, lo: u64, hi: u64, out: u32, room: u32): u32 {
  let n: u32 = 0;
  for (let m = firstShowing(vmo, lo, hi); m != 0; m = nextShowing(m, lo, hi)) {
    if (n < room) store<u32>(out + (n << 2), m >> 4);
    n++;
  }
  return n;
}

/**
 * Invalidates one key in every mapping that shows it but `except`: those of the VMO, and those of
 * live children that follow it there because their own list says nothing.
 */
export function dropOthers(vmo: u32, key: u64, except: u32): void {
  let at = vmo;
  for (;;) {
    if (at != vmo && !follows(at, key)) {
      at = nextBeside(vmo, at);
      if (at == 0) return;
      continue;
    }
    for (let m = firstShowing(at, key, key + 1); m != 0; m = nextShowing(m, key, key + 1)) {
      if (m == except) continue;
      pteClear(load<u32>(m + M_ASPACE), mappingBase(m) + (key - load<u64>(m + M_KEY)));
    }
    at = nextBelow(vmo, at);
    if (at == 0) return;
  }
}

/** Whether a live child shows its parent's page at `key`. */
function follows(child: u32, key: u64): bool {
  return key < load<u64>(child + V_LIMIT) && treeGet(vmoRoot(child), vmoHeight(child), key) == 0;
}

/** New permissions for a mapping. Entries go where they might allow more than the new ones. */
export function setPerms(m: u32, perms: u32): void {
  const old = load<u32>(m + M_PERMS);
  store<u32>(m + M_PERMS, perms);
  const pages = load<u64>(m + M_PAGES);
  if ((old ^ perms) & PERM_EXECUTE || (perms & PERM_READ) == 0)
    unmapPages(m, mappingBase(m), pages);
  else if ((perms & PERM_WRITE) == 0) writeProtect(m, mappingBase(m), pages);
}
