/**
 * The page fault: address -> mapping -> page of the VMO -> page-table entry, for one page and for
 * runs.
 *
 * A run is worked leaf by leaf: entries that already allow the access are stepped over four at a
 * time; where one does not, up to 32 pages (a leaf of the page list) are resolved at once.
 *
 * I1. `faultRun` is called only for ranges that `prepare` accepted; it cannot fail.
 * I2. An entry is writable (over all levels) only if the VMO's tree alone holds the page.
 */
import {
  ACCESS_DENIED, AS_PRESENT, A_REF_MASK, FANOUT, H_CONTENTS, H_FAULTS, H_FRAME_A, H_OUT, M_KEY,
  M_PERMS, M_VMO, NH_MASK, NOT_FOUND, NO_MEMORY, OUT_OF_RANGE, PERM_EXECUTE, PERM_WRITE, PTE_A,
  PTE_D, PTE_P, PTE_SHIFT, PTE_W, PTE_X, T_COUNT, T_DATA, VK_CONTIGUOUS, VK_PAGER, VK_PHYSICAL,
  V_KIND, V_LIMIT, V_PARENT,
} from "./layout";
import { mapAlong } from "./along";
import { commitRun } from "./commit";
import { expandKeys, storedIn } from "./compress";
import { recallMapped, recallNeeds, takeBack } from "./contiguous";
import { freeFrames } from "./frames";
import { settle } from "./loans";
import { findMapping, mappingBase, mappingEnd } from "./mappings";
import { headerOf, isChild } from "./nodes";
import { isPagerRoot } from "./queues";
import { DO_ACCESS, eachSeen } from "./reclaim";
import {
  admitKey, contentsLow, ready, reserveContents, reserveNodes, reserveTables, writeNeeds,
} from "./reserve";
import { anyStored } from "./stored";
import { entriesSet, entryGet, entrySet, hitRun, makeRoomFor, TABLE_MASK } from "./tables";
import { writeOne } from "./single";
import { findLeaf } from "./tree";
import {
  isDiscarded, noteZeroMapped, seenFrame, vmoBase, vmoHeight, vmoRoot, vmoSize,
} from "./vmos";
import { findTable, knownDense, missingTables, needTable } from "./walk";

/** Entry bits that let an access pass without a fault. */
function needOf(access: u32): u32 {
  return PTE_P | PTE_A | ((access & PERM_WRITE) != 0 ? PTE_W | PTE_D : 0)
    | ((access & PERM_EXECUTE) != 0 ? PTE_X : 0);
}

/** Status of an access to `n` pages of one mapping, before anything is done. */
function checkAccess(m: u32, vpn: u64, n: u64, access: u32): i32 {
  if ((access & ~load<u32>(m + M_PERMS)) != 0) return ACCESS_DENIED;
  const vmo = load<u32>(m + M_VMO);
  const key = load<u64>(m + M_KEY) + (vpn - mappingBase(m));
  const end = vmoBase(vmo) + vmoSize(vmo);
  if (key < end && isDiscarded(vmo)) return NOT_FOUND;
  return key + n > end ? OUT_OF_RANGE : 0;
}

/** Checks an access to a range and reserves all that it can take. 0, or the status of the fault. */
export function prepare(aspace: u32, vpn: u64, n: u64, access: u32): i32 {
  const end = vpn + n;
  for (let at = vpn; at < end;) {
    const m = findMapping(aspace, at);
    if (m == 0) return NOT_FOUND;
    const run = min(end, mappingEnd(m)) - at;
    const status = checkAccess(m, at, run, access);
    if (status < 0) return status;
    at += run;
  }
  const frames = reserveAccess(aspace, vpn, n, access);
  if (frames < 0) return frames;
  recallMapped(aspace, vpn, end, frames);
  return 0;
}

/**
 * Reserves all that an access to a mapped range can take, whatever its mappings allow. How many of
 * the free frames that are, at the most, or NO_MEMORY.
 */
export function reserveAccess(aspace: u32, vpn: u64, n: u64, access: u32): i32 {
  const end = vpn + n;
  if (!ready()) return NO_MEMORY;
  const tables: u64 = (n >> 9) + (n >> 18) + 8; // at the most
  let top: u64 = 0;
  let runs: u64 = 0;
  let pages: u64 = 0;
  let frames = tables;
  let contents: u64 = 0;
  if ((access & PERM_WRITE) != 0) {
    const ample = load<u32>(H_CONTENTS) == 0 && frames + n <= <u64>freeFrames();
    for (let at = vpn; at < end;) {
      const m = findMapping(aspace, at);
      const run = min(end, mappingEnd(m)) - at;
      const vmo = load<u32>(m + M_VMO);
      const key = load<u64>(m + M_KEY) + (at - mappingBase(m));
      if (load<u8>(vmo + V_KIND) != VK_PHYSICAL) {
        const needs = ample ? 0 : writeNeeds(vmo, key, key + run);
        frames += needs & 0xffffffff;
        contents += needs >> 32;
        if (frames > <u64>freeFrames() + tables) return NO_MEMORY;
        top = max(top, key + run);
        pages += run;
        runs++;
      }
      at += run;
    }
  }
  if ((access & PERM_WRITE) == 0 && anyStored()) {
    contents = compressedIn(aspace, vpn, end);
    frames += contents;
  }
  if (frames > <u64>freeFrames()) frames -= tables - tablesNeeded(aspace, vpn, n);
  const moves = recallNeeds(aspace, vpn, end);
  if (frames + moves > <u64>freeFrames()) return NO_MEMORY;
  if (!reserveTables(n, partsOf(aspace, vpn, end))) return NO_MEMORY;
  if (runs != 0 && !reserveNodes(pages, top, runs)) return NO_MEMORY;
  return reserveContents(<u32>contents) ? <i32>frames : NO_MEMORY;
}

/** Pages of a mapped range that are compressed. */
function compressedIn(aspace: u32, vpn: u64, end: u64): u64 {
  let pages: u64 = 0;
  for (let at = vpn; at < end;) {
    const m = findMapping(aspace, at);
    const stop = min(end, mappingEnd(m));
    const key = load<u64>(m + M_KEY) + (at - mappingBase(m));
    pages += storedIn(load<u32>(m + M_VMO), key, key + (stop - at));
    at = stop;
  }
  return pages;
}

/** Mappings that a range has pages of. */
function partsOf(aspace: u32, vpn: u64, end: u64): u64 {
  let parts: u64 = 0;
  for (let at = vpn; at < end; parts++) at = mappingEnd(findMapping(aspace, at));
  return parts;
}

/** Page tables that a range needs and an address space does not have: exactly. */
function tablesNeeded(aspace: u32, vpn: u64, n: u64): u64 {
  let needed: u64 = 0;
  for (let at = vpn; at < vpn + n; at = (at | 511) + 1) {
    const missing = missingTables(aspace, at);
    const first = at == vpn;
    if (missing > 0) needed++;
    if (missing > 1 && (first || (at & 0x3ffff) == 0)) needed++;
    if (missing > 2 && (first || (at & 0x7ffffff) == 0)) needed++;
    if (missing > 3 && first) needed++;
  }
  return needed;
}

/** Touches `n` prepared pages from `vpn` on: how many of them had to fault. */
export function faultRun(aspace: u32, vpn: u64, n: u32, access: u32): u32 {
  const need = needOf(access);
  const end = vpn + n;
  let at = vpn;
  let faults: u32 = 0;
  while (at < end) {
    const i = <u32>at & 511;
    const room = <u32>min(<u64>(512 - i), end - at);
    const found = findTable(aspace, at);
    if (found != 0 && ((need & PTE_W) == 0 || (found & PTE_W) != 0)) {
      const hits = hitRun(found & TABLE_MASK, i, room, need);
      at += hits;
      if (hits == room) continue;
    }
    const m = findMapping(aspace, at);
    const run = min(min(end, mappingEnd(m)), (at | 511) + 1) - at;
    at += resolve(aspace, m, at, <u32>run, access);
    faults += load<u32>(H_FAULTS);
  }
  return faults;
}

/**
 * A range of at most 65,536 pages: the whole fault. What needs none is stepped over before anything
 * is reserved. How many pages had to fault, or the status of the first fault that fails, and then
 * nothing has changed.
 */
export function faultSpan(aspace: u32, vpn: u64, n: u32, access: u32): i32 {
  const hits = hitSpan(aspace, vpn, n, needOf(access));
  return hits == n ? 0 : faultRest(aspace, vpn + hits, n - hits, access);
}

/** How many pages from `vpn` on need no fault. */
// @ts-ignore: decorator
@inline
function hitSpan(aspace: u32, vpn: u64, n: u32, need: u32): u32 {
  let done: u32 = 0;
  while (done < n) {
    const at = vpn + done;
    const found = findTable(aspace, at);
    if (found == 0 || (need & ~(found | ~PTE_W)) != 0) break;
    const i = <u32>at & 511;
    const room = min<u32>(512 - i, n - done);
    const hits = hitRun(found & TABLE_MASK, i, room, need);
    done += hits;
    if (hits < room) break;
  }
  return done;
}

/** The pages behind the first hits. */
function faultRest(aspace: u32, vpn: u64, n: u32, access: u32): i32 {
  const status = prepare(aspace, vpn, n, access);
  return status < 0 ? status : faultRun(aspace, vpn, n, access);
}

/**
 * One page, as a program touches it: the fault, and its neighbours mapped along. 1, 0 where there
 * was none, or its status.
 */
export function faultAlong(aspace: u32, vpn: u64, access: u32): i32 {
  const status = faultOne(aspace, vpn, access);
  if (status <= 0) return status;
  mapAlong(findMapping(aspace, vpn), vpn, (access & PERM_WRITE) != 0);
  return 1;
}

/** One page: the whole fault. 1, 0 where the entry allowed the access, or the fault's status. */
export function faultOne(aspace: u32, vpn: u64, access: u32): i32 {
  const need = needOf(access);
  const dense = knownDense(aspace, vpn);
  const entry = entryOf(dense, vpn);
  if (dense != 0) if (lacksOf(need, entry, dense) == 0) return 0;
  return faultMissed(aspace, vpn, access, need, dense, entry);
}

/** The entry of a page in a dense table; 0 in none. */
// @ts-ignore: decorator
@inline
function entryOf(dense: u32, vpn: u64): u32 {
  if (dense == 0) return 0;
  return load<u32>(load<u32>((dense & TABLE_MASK) + T_DATA) + ((<u32>vpn & 511) << 2));
}

/** Bits of `need` that an entry lacks, below tables that allow writing or do not. */
// @ts-ignore: decorator
@inline
function lacksOf(need: u32, entry: u32, found: u32): u32 {
  return need & ~(entry & (found | ~PTE_W));
}

/** A virtual page that a program listed: an integer below 2^52, whose bits an addition aligns. */
// @ts-ignore: decorator
@inline
function vpnAt(listed: u32): u64 {
  return reinterpret<u64>(load<f64>(listed) + 4503599627370496.0) & 0xfffffffffffff;
}

/**
 * How many of the listed pages, from the first on, need no fault. A loop of its own, for one with
 * calls in it keeps nothing in registers, and then fewer of the loads, which miss the caches, are
 * under way at once.
 */
function hitsEach(aspace: u32, list: u32, count: u32, need: u32): u32 {
  const end = list + (count << 3);
  let at = list;
  for (; at < end; at += 8) {
    const vpn = vpnAt(at);
    const dense = knownDense(aspace, vpn);
    if (dense == 0) break;
    if (lacksOf(need, entryOf(dense, vpn), dense) != 0) break;
  }
  return at - list >>> 3;
}

/** Many ranges of `n` pages, each a fault of its own; see `faultList`. */
export function faultEach(aspace: u32, list: u32, count: u32, n: u32, access: u32): u32 {
  const need = needOf(access);
  for (let i: u32 = 0; i < count; i++) {
    const vpn = vpnAt(list + (i << 3));
    let status: i32 = 0;
    if (n == 1) {
      const dense = knownDense(aspace, vpn);
      const entry = entryOf(dense, vpn);
      if (dense != 0) if (lacksOf(need, entry, dense) == 0) { // and the next ones, perhaps
        i += hitsEach(aspace, list + (i + 1 << 3), count - i - 1, need);
        continue;
      }
      status = faultMissed(aspace, vpn, access, need, dense, entry);
    } else {
      const hits = hitSpan(aspace, vpn, n, need);
      if (hits == n) continue;
      status = faultRest(aspace, vpn + hits, n - hits, access);
    }
    if (status < 0) {
      store<i32>(H_OUT, status);
      return i;
    }
  }
  return count;
}

/** One page that did not pass with `seen` in a dense table, or of which nothing is known yet. */
function faultMissed(
  aspace: u32, vpn: u64, access: u32, need: u32, dense: u32, seen: u32
): i32 {
  const i = <u32>vpn & 511;
  let found = dense;
  let entry = seen;
  if (dense == 0) {
    found = findTable(aspace, vpn);
    entry = found == 0 ? 0 : entryGet(found & TABLE_MASK, i);
  }
  const lacks = lacksOf(need, entry, found);
  if (lacks == 0) return 0;
  if ((lacks & ~(PTE_A | PTE_D)) == 0) { // these two the processor sets itself: no fault
    entrySet(found & TABLE_MASK, i, entry | need);
    return 0;
  }
  const writes = (access & (PERM_WRITE | PERM_EXECUTE)) == PERM_WRITE;
  if (writes && found != 0) if (writeOne(aspace, vpn, found)) return 1;
  return faultSlow(aspace, vpn, access);
}

function faultSlow(aspace: u32, vpn: u64, access: u32): i32 {
  const m = findMapping(aspace, vpn);
  if (m == 0) return NOT_FOUND;
  const status = checkAccess(m, vpn, 1, access);
  if (status < 0) return status;
  const key = load<u64>(m + M_KEY) + (vpn - mappingBase(m));
  if (!ready() || !admitKey(key)) return NO_MEMORY;
  if (freeFrames() < 6 || contentsLow() || storedIn(load<u32>(m + M_VMO), key, key + 1) != 0) {
    const tight = prepare(aspace, vpn, 1, access);
    if (tight < 0) return tight;
  }
  resolve(aspace, m, vpn, 1, access);
  return load<u8>(load<u32>(m + M_VMO) + V_KIND) == VK_PHYSICAL ? 0 : 1;
}

/**
 * Resolves up to `n` pages of one mapping and one leaf table: how many it did. At H_FAULTS: how
 * many of those had to fault.
 */
function resolve(aspace: u32, m: u32, vpn: u64, n: u32, access: u32): u32 {
  const vmo = load<u32>(m + M_VMO);
  const kind = load<u8>(vmo + V_KIND);
  if (kind == VK_PHYSICAL) { // a device's pages have no entries here
    store<u32>(H_FAULTS, 0);
    return n;
  }
  const key = load<u64>(m + M_KEY) + (vpn - mappingBase(m));
  const perms = load<u32>(m + M_PERMS);
  const base = PTE_P | PTE_A | ((perms & PERM_EXECUTE) != 0 ? PTE_X : 0);
  if (kind == VK_CONTIGUOUS) takeBack(vmo, key, key + n);
  expandKeys(vmo, key, key + n);
  if ((access & PERM_WRITE) != 0) {
    settle(vmo, key, key + n);
    return writeLeaves(aspace, m, vmo, vpn, key, n, base | PTE_W | PTE_D);
  }
  const table = needTable(aspace, vpn, false);
  makeRoomFor(table, <u32>vpn & 511, n);
  const before = load<u16>(table + T_COUNT);
  const run = min<u32>(n, FANOUT - (<u32>key & 31));
  // a clean page of a pager's VMO must fault when it is written first
  const write = (perms & PERM_WRITE) != 0 && !isPagerRoot(vmo) ? PTE_W : 0;
  readRun(table, <u32>vpn & 511, vmo, key, run, base, write);
  if (kind == VK_PAGER) eachSeen(vmo, key - vmoBase(vmo), run, DO_ACCESS);
  const fresh = load<u16>(table + T_COUNT) - before;
  notePresent(aspace, fresh);
  store<u32>(H_FAULTS, fresh);
  return run;
}

function notePresent(aspace: u32, more: u32): void {
  store<u32>(aspace + AS_PRESENT, load<u32>(aspace + AS_PRESENT) + more);
}

/** Writes pages leaf by leaf, until all `n` are done or an entry needs no fault. */
function writeLeaves(
  aspace: u32, m: u32, vmo: u32, vpn: u64, key: u64, n: u32, flags: u32
): u32 {
  let done: u32 = 0;
  let faults: u32 = 0;
  do {
    const at = <u32>key + done & 31;
    const run = min<u32>(n - done, FANOUT - at);
    // committing may empty a table that another mapping of the VMO has in reach: so it comes first
    const leaf = commitRun(vmo, key + done, run, m);
    const table = needTable(aspace, vpn + done, true);
    const i = <u32>(vpn + done) & 511;
    makeRoomFor(table, i, n - done);
    const before = load<u16>(table + T_COUNT);
    faults += entriesSet(table, i, run, leaf + (at << 2), flags);
    notePresent(aspace, load<u16>(table + T_COUNT) - before);
    done += run;
    if (done < n && (entryGet(table, i + run) & flags) == flags) break;
  } while (done < n);
  store<u32>(H_FAULTS, faults);
  return done;
}

/**
 * Entries for a read of pages that lie in one leaf: the page, what a live parent has, or the zero
 * page.
 */
function readRun(table: u32, i: u32, vmo: u32, key: u64, n: u32, base: u32, write: u32): void {
  const found = findLeaf(vmoRoot(vmo), vmoHeight(vmo), key);
  const leaf = found & ~1;
  const first = <u32>key & 31;
  const mask = leaf == 0 ? 0 : load<u32>(headerOf(leaf) + NH_MASK);
  const columnA = load<u32>(H_FRAME_A);
  const live = load<u32>(vmo + V_PARENT) != 0 ? load<u64>(vmo + V_LIMIT) : 0;
  let zero = false;
  for (let j: u32 = 0; j < n; j++) {
    const slot = leaf == 0 ? 0 : load<u32>(leaf + ((first + j) << 2));
    const there = entryGet(table, i + j);
    if ((there & PTE_P) != 0) { // right already, and keeps its dirty bit
      if ((there & PTE_A) == 0) entrySet(table, i + j, there | PTE_A);
      continue;
    }
    let entry = base;
    if (isChild(slot)) {
      entry |= slot << PTE_SHIFT;
      const own = (mask >> (first + j) & 1) == 0
        || (load<u32>(columnA + (slot << 2)) & A_REF_MASK) == 1;
      if ((found & 1) == 0 && own) entry |= write;
    } else if (key + j < live) entry |= seenFrame(vmo, key + j) << PTE_SHIFT;
    zero = zero || entry >> PTE_SHIFT == 0;
    entrySet(table, i + j, entry);
  }
  if (zero) noteZeroMapped(vmo);
}
