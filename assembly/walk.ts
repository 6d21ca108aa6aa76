/**
 * Walking page tables: four levels, from an address space's top table to a leaf.
 *
 *   level 4 -> 3 -> 2 -> 1 (leaf)
 *
 * Each table is one simulated frame of state MMU; it appears with its first entry and goes with its
 * last. An address is writable when W is set in its entries of all levels, so a snapshot takes
 * write permission from a gigabyte by clearing one bit. A write fault below a cleared bit sets it
 * again after clearing the 512 bits below (`protectEntries`).
 *
 * I1. A table without entries does not exist.
 * I2. What the look-aside buffers say of this epoch is what a walk would find, but that a
 *     permission may be missing there.
 */
import {
  AS_PRESENT, AS_ROOT, AS_TABLES, CLASS_DENSE, H_TLB, H_TLB_EPOCH, H_WALKS, POOL_TABLE,
  POOL_TABLE_DATA, PTE_SHIFT, PTE_W, ST_MMU, T_BITMAP, T_CLASS, T_COUNT, T_DATA, T_FRAME, T_LEVEL,
  TLB_MASK, WALKS_MASK,
} from "./layout";
import { poolAlloc, poolFree } from "./heap";
import { frameAlloc, frameFree, isGoing } from "./frames";
import {
  entryAt, entryClear, entryGet, entrySet, makeRoom, nextEntry, protectEntries, TABLE_MASK,
} from "./tables";

function newTable(aspace: u32, level: u32): u32 {
  const table = poolAlloc(POOL_TABLE);
  const data = poolAlloc(POOL_TABLE_DATA);
  const frame = frameAlloc(ST_MMU);
  assert(table != 0 && data != 0 && frame != 0);
  for (let i: u32 = 0; i < T_BITMAP; i += 16) v128.store(data + i, i64x2.splat(0));
  store<u32>(table + T_DATA, data);
  store<u32>(table + T_FRAME, frame);
  store<u16>(table + T_COUNT, 0);
  store<u8>(table + T_CLASS, 0);
  store<u8>(table + T_LEVEL, <u8>level);
  store<u32>(aspace + AS_TABLES, load<u32>(aspace + AS_TABLES) + 1);
  return table;
}

function freeTable(aspace: u32, table: u32): void {
  tlbForget();
  frameFree(load<u32>(table + T_FRAME));
  poolFree(POOL_TABLE_DATA + <u32>load<u8>(table + T_CLASS), load<u32>(table + T_DATA));
  poolFree(POOL_TABLE, table);
  store<u32>(aspace + AS_TABLES, load<u32>(aspace + AS_TABLES) - 1);
}

function indexOf(vpn: u64, level: u32): u32 {
  return <u32>(vpn >> ((level - 1) * 9)) & 511;
}

/** Makes every entry of the look-aside buffers stale: a table went, or a permission did. */
export function tlbForget(): void {
  const epoch = load<u32>(H_TLB_EPOCH) + 1;
  store<u32>(H_TLB_EPOCH, epoch);
  if (epoch != 0) return;
  // the numbers begin anew: what is of an old epoch must not look like one of a new
  memory.fill(H_TLB, 0, (TLB_MASK + 1) << 4);
  memory.fill(H_WALKS, 0, (WALKS_MASK + 1) << 4);
}

function tlbAt(aspace: u32, leaf: u32): u32 {
  return H_TLB + (((leaf ^ aspace >> 6) & TLB_MASK) << 4);
}

/** 0 where an entry of the buffer is of this leaf table, and not stale: one test, not three. */
// @ts-ignore: decorator
@inline
function tlbDiffers(at: u32, aspace: u32, leaf: u32): u32 {
  return (load<u32>(at) ^ aspace) | (load<u32>(at, 4) ^ leaf)
    | (load<u32>(at, 12) ^ load<u32>(H_TLB_EPOCH));
}

/**
 * `findTable` as far as the look-aside buffer alone tells it, and only of a dense table: short, for
 * where faults are counted in nanoseconds. 0 means nothing.
 */
// @ts-ignore: decorator
@inline
export function knownDense(aspace: u32, vpn: u64): u32 {
  const leaf = <u32>(vpn >> 9);
  const at = tlbAt(aspace, leaf);
  if (tlbDiffers(at, aspace, leaf) != 0) return 0;
  const found = load<u32>(at + 8);
  return load<u8>((found & TABLE_MASK) + T_CLASS) == CLASS_DENSE ? found : 0;
}

/** Leaf table of a virtual page | W where all levels above allow writing; 0 when there is none. */
// @ts-ignore: decorator
@inline
export function findTable(aspace: u32, vpn: u64): u32 {
  const leaf = <u32>(vpn >> 9);
  const at = tlbAt(aspace, leaf);
  if (tlbDiffers(at, aspace, leaf) == 0) return load<u32>(at + 8);
  const found = walkTables(aspace, vpn);
  if (found != 0) {
    store<u32>(at, aspace);
    store<u32>(at + 4, leaf);
    store<u32>(at + 8, found);
    store<u32>(at + 12, load<u32>(H_TLB_EPOCH));
  }
  return found;
}

function walkAt(aspace: u32, giga: u32): u32 {
  return H_WALKS + (((giga ^ aspace >> 6) & WALKS_MASK) << 4);
}

// @ts-ignore: decorator
@inline
function walkTables(aspace: u32, vpn: u64): u32 {
  const giga = <u32>(vpn >> 18);
  const at = walkAt(aspace, giga);
  const above = tlbDiffers(at, aspace, giga) == 0 ? load<u32>(at + 8) : walkAbove(aspace, vpn, at);
  if (above == 0) return 0;
  const entry = entryGet(above & TABLE_MASK, indexOf(vpn, 2));
  return entry & (above | ~PTE_W);
}

/** Table of level 2 for a virtual page | W, remembered at `line`; 0 when there is none. */
function walkAbove(aspace: u32, vpn: u64, line: u32): u32 {
  let table = load<u32>(aspace + AS_ROOT);
  if (table == 0) return 0;
  let writable = PTE_W;
  for (let level: u32 = 4; level > 2; level--) {
    const entry = entryGet(table, indexOf(vpn, level));
    if (entry == 0) return 0;
    writable &= entry;
    table = entry & TABLE_MASK;
  }
  store<u32>(line, aspace);
  store<u32>(line + 4, <u32>(vpn >> 18));
  store<u32>(line + 8, table | writable);
  store<u32>(line + 12, load<u32>(H_TLB_EPOCH));
  return table | writable;
}

/**
 * Leaf table of a virtual page, made where it is missing; with `writable`, W set on all levels
 * above.
 */
export function needTable(aspace: u32, vpn: u64, writable: bool): u32 {
  const found = findTable(aspace, vpn);
  if (found != 0 && (!writable || (found & PTE_W) != 0)) return found & TABLE_MASK;
  const table = makeTables(aspace, vpn, writable);
  // what they said of permission may be old
  store<u32>(tlbAt(aspace, <u32>(vpn >> 9)), 0);
  store<u32>(walkAt(aspace, <u32>(vpn >> 18)), 0);
  return table;
}

function makeTables(aspace: u32, vpn: u64, writable: bool): u32 {
  let table = load<u32>(aspace + AS_ROOT);
  if (table == 0) {
    table = newTable(aspace, 4);
    store<u32>(aspace + AS_ROOT, table);
  }
  for (let level: u32 = 4; level > 1; level--) {
    const i = indexOf(vpn, level);
    const at = entryAt(table, i);
    const entry = at == 0 ? 0 : load<u32>(at);
    if (entry == 0) {
      const below = newTable(aspace, level - 1);
      makeRoom(table, 1);
      entrySet(table, i, below | PTE_W);
      table = below;
      continue;
    }
    const below = entry & TABLE_MASK;
    if (writable && (entry & PTE_W) == 0) {
      protectEntries(below, 0, 512);
      store<u32>(at, entry | PTE_W);
    }
    table = below;
  }
  return table;
}

/** Page tables that `needTable` would make. */
export function missingTables(aspace: u32, vpn: u64): u32 {
  let table = load<u32>(aspace + AS_ROOT);
  if (table == 0) return 4;
  for (let level: u32 = 4; level > 1; level--) {
    const entry = entryGet(table, indexOf(vpn, level));
    if (entry == 0) return level - 1;
    table = entry & TABLE_MASK;
  }
  return 0;
}

/** Clears W for the virtual pages [lo, hi), in the highest entries that cover them. */
export function tablesProtect(table: u32, level: u32, base: u64, lo: u64, hi: u64): void {
  const shift = (level - 1) * 9;
  const step = <u64>1 << shift;
  const end = min(hi, base + (step << 9));
  const first: u32 = lo <= base ? 0 : <u32>((lo - base + step - 1) >> shift); // first whole entry
  const last: u32 = <u32>((end - base) >> shift); // behind the last whole one
  if (first < last) protectEntries(table, first, last);
  if (level == 1) return;
  const before: u32 = lo <= base ? 0 : <u32>((lo - base) >> shift);
  if (before < first) protectBelow(table, before, level, base + <u64>before * step, lo, hi);
  if (last < 512 && last >= first && base + <u64>last * step < end) {
    protectBelow(table, last, level, base + <u64>last * step, lo, hi);
  }
}

/** The entry's table, for the part of it that a range covers. */
function protectBelow(table: u32, i: u32, level: u32, base: u64, lo: u64, hi: u64): void {
  const entry = entryGet(table, i);
  if (entry != 0) tablesProtect(entry & TABLE_MASK, level - 1, base, lo, hi);
}

/**
 * Removes the entries of the virtual pages [lo, hi) and every table that becomes empty; `going`:
 * only entries to pages that are on their way out.
 */
function tablesUnmap(
  aspace: u32, table: u32, level: u32, base: u64, lo: u64, hi: u64, going: bool
): void {
  const step = <u64>1 << ((level - 1) * 9);
  const first: u32 = lo <= base ? 0 : <u32>min<u64>((lo - base) / step, 512);
  for (let i = nextEntry(table, first); i < 512; i = nextEntry(table, i + 1)) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    if (level == 1) {
      if (going && !isGoing(entryGet(table, i) >> PTE_SHIFT)) continue;
      entryClear(table, i);
      store<u32>(aspace + AS_PRESENT, load<u32>(aspace + AS_PRESENT) - 1);
      continue;
    }
    const below = entryGet(table, i) & TABLE_MASK;
    tablesUnmap(aspace, below, level - 1, at, lo, hi, going);
    if (load<u16>(below + T_COUNT) != 0) continue;
    freeTable(aspace, below);
    entryClear(table, i);
  }
}

/** Removes entries of an address space, the top table included when it becomes empty. */
export function aspaceUnmap(aspace: u32, lo: u64, hi: u64, going: bool = false): void {
  const root = load<u32>(aspace + AS_ROOT);
  if (root == 0) return;
  tablesUnmap(aspace, root, 4, 0, lo, hi, going);
  if (load<u16>(root + T_COUNT) != 0) return;
  freeTable(aspace, root);
  store<u32>(aspace + AS_ROOT, 0);
}

/** A leaf entry, 0 when absent. */
export function pteGet(aspace: u32, vpn: u64): u32 {
  const table = findTable(aspace, vpn);
  return table == 0 ? 0 : entryGet(table & TABLE_MASK, indexOf(vpn, 1));
}

/** Removes one leaf entry if it is there. */
export function pteClear(aspace: u32, vpn: u64): void {
  if (findTable(aspace, vpn) != 0) aspaceUnmap(aspace, vpn, vpn + 1);
}
