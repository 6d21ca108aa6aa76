/**
 * Page tables: four levels of 512 entries, kept packed on the host while they are sparse.
 *
 *   level 4 -> 3 -> 2 -> 1 (leaf)
 *   upper entry: table | W            leaf entry: frame << 5 | D A X W P
 *
 * Each table is one simulated frame of state MMU; it appears with its first entry and goes with its
 * last. An address is writable when W is set in its entries of all levels, so a snapshot takes
 * write permission from a gigabyte by clearing one bit. A write fault below a cleared bit sets it
 * again after clearing the 512 bits below (`protectEntries`).
 *
 * I1. `count` of a table = its entries that are not 0. A table of count 0 does not exist.
 * I2. A packed table's entries stand in the order of the bits of its bitmap.
 * Cost: 16 bytes, and 128 to 2048 bytes of data, by how many entries it has.
 */
import {
  AS_PRESENT, AS_ROOT, AS_TABLES, CLASS_DENSE, H_TLB, H_TLB_EPOCH, H_WALKS, POOL_TABLE,
  POOL_TABLE_DATA, WALKS_MASK,
  PTE_SHIFT, PTE_W, ST_MMU, T_BITMAP, T_CLASS, T_COUNT, T_DATA, T_FRAME, T_LEVEL, TLB_MASK,
} from "./layout";
import { poolAlloc, poolFree } from "./heap";
import { frameAlloc, frameFree } from "./frames";

const TABLE_MASK: u32 = ~15;

/** Entries a class has room for: 16, 48, 112, 240, 512. */
// @ts-ignore: decorator
@inline
export function roomOf(cls: u32): u32 {
  return cls == CLASS_DENSE ? 512 : (32 << cls) - 16;
}

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

/** How many bits of a bitmap stand before bit `i`. */
// @ts-ignore: decorator
@inline
function rankOf(data: u32, i: u32): u32 {
  let n: u64 = 0;
  const word = i >> 6 << 3;
  for (let w: u32 = 0; w < word; w += 8) n += popcnt(load<u64>(data + w));
  return <u32>(n + popcnt(load<u64>(data + word) & ((<u64>1 << (i & 63)) - 1)));
}

function hasBit(data: u32, i: u32): bool {
  return (load<u32>(data + (i >> 5 << 2)) >> (i & 31) & 1) != 0;
}

/** Address of entry `i`, or 0 when it is not there. */
// @ts-ignore: decorator
@inline
function entryAt(table: u32, i: u32): u32 {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) return data + (i << 2);
  return hasBit(data, i) ? data + T_BITMAP + (rankOf(data, i) << 2) : 0;
}

// @ts-ignore: decorator
@inline
export function entryGet(table: u32, i: u32): u32 {
  const at = entryAt(table, i);
  return at == 0 ? 0 : load<u32>(at);
}

/** Gives a table the room of a higher class. */
function growTable(table: u32, cls: u32): void {
  const old = load<u32>(table + T_DATA);
  const oldClass = <u32>load<u8>(table + T_CLASS);
  const data = poolAlloc(POOL_TABLE_DATA + cls);
  assert(data != 0);
  if (cls == CLASS_DENSE) {
    memory.fill(data, 0, 2048);
    let from = old + T_BITMAP;
    for (let w: u32 = 0; w < 16; w++) {
      let bits = load<u32>(old + (w << 2));
      while (bits != 0) {
        store<u32>(data + (((w << 5) + ctz(bits)) << 2), load<u32>(from));
        from += 4;
        bits &= bits - 1;
      }
    }
  } else {
    memory.copy(data, old, T_BITMAP + (roomOf(oldClass) << 2));
  }
  poolFree(POOL_TABLE_DATA + oldClass, old);
  store<u32>(table + T_DATA, data);
  store<u8>(table + T_CLASS, <u8>cls);
}

/** Makes place for `more` entries: a table that is about to fill becomes dense at once. */
export function makeRoom(table: u32, more: u32): void {
  const want = <u32>load<u16>(table + T_COUNT) + more;
  let cls = <u32>load<u8>(table + T_CLASS);
  if (cls == CLASS_DENSE || want <= roomOf(cls)) return;
  while (cls < CLASS_DENSE && want > roomOf(cls)) cls++;
  growTable(table, cls);
}

/** Makes place for the entries [i, i + n), of which some may be there. */
export function makeRoomFor(table: u32, i: u32, n: u32): void {
  const cls = <u32>load<u8>(table + T_CLASS);
  if (cls == CLASS_DENSE || <u32>load<u16>(table + T_COUNT) + n <= roomOf(cls)) return;
  const data = load<u32>(table + T_DATA);
  const end = i + n == 512 ? <u32>load<u16>(table + T_COUNT) : rankOf(data, i + n);
  makeRoom(table, n - (end - rankOf(data, i)));
}

/** Sets entry `i` to a value that is not 0. There must be room. */
export function entrySet(table: u32, i: u32, value: u32): void {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) != CLASS_DENSE) {
    store<u32>(packedPlace(table, data, i, 1), value);
    return;
  }
  const at = data + (i << 2);
  const count = load<u16>(table + T_COUNT);
  store<u16>(table + T_COUNT, count + u16(load<u32>(at) == 0));
  store<u32>(at, value);
}

/**
 * Sets the entries [i, i + n), at most 32 of them, to the frames of as many words with `flags`.
 * There must be room.
 */
export function entriesSet(table: u32, i: u32, n: u32, frames: u32, flags: u32): void {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) {
    const at = data + (i << 2);
    const fresh = countZeros(at, n);
    if (fresh != 0) store<u16>(table + T_COUNT, load<u16>(table + T_COUNT) + <u16>fresh);
    framesToEntries(at, n, frames, flags);
    return;
  }
  const place = packedPlace(table, data, i, n);
  if (place != 0) framesToEntries(place, n, frames, flags);
  else {
    for (let j: u32 = 0; j < n; j++) {
      entrySet(table, i + j, load<u32>(frames + (j << 2)) << PTE_SHIFT | flags);
    }
  }
}

function framesToEntries(to: u32, n: u32, frames: u32, flags: u32): void {
  const bytes = n << 2;
  let j: u32 = 0;
  const all = i32x4.splat(flags);
  for (; j + 16 <= bytes; j += 16) {
    v128.store(to + j, v128.or(i32x4.shl(v128.load(frames + j), PTE_SHIFT), all));
  }
  for (; j < bytes; j += 4) store<u32>(to + j, load<u32>(frames + j) << PTE_SHIFT | flags);
}

/** How many of `n` words are 0. */
function countZeros(at: u32, n: u32): u32 {
  const end = at + (n << 2);
  let lanes = i64x2.splat(0);
  let word = at;
  for (; word + 16 <= end; word += 16) {
    lanes = i32x4.sub(lanes, i32x4.eq(v128.load(word), i64x2.splat(0)));
  }
  let zeros = i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1)
    + i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3);
  for (; word < end; word += 4) zeros += i32(load<u32>(word) == 0);
  return zeros;
}

/**
 * Address for the entries [i, i + n), at most 32, in a packed table: where they stand, or where
 * they do now that what follows has moved up. 0 when only some of them are there.
 */
// @ts-ignore: decorator
@inline
export function packedPlace(table: u32, data: u32, i: u32, n: u32): u32 {
  // at the last word the upper half of the bits is 0, and what it is or-ed to an entry
  const word = data + (i >> 5 << 2);
  const bits = ((<u64>1 << n) - 1) << (i & 31);
  const there = load<u64>(word) & bits;
  const at = data + T_BITMAP + (rankOf(data, i) << 2);
  if (there == bits) return at;
  if (there != 0) return 0;
  const count = <u32>load<u16>(table + T_COUNT);
  moveUp(at, data + T_BITMAP + (count << 2), n << 2);
  store<u64>(word, load<u64>(word) | bits);
  store<u16>(table + T_COUNT, <u16>(count + n));
  return at;
}

/** Moves the words [from, end) up, from the last one on. */
// @ts-ignore: decorator
@inline
function moveUp(from: u32, end: u32, bytes: u32): void {
  let at = end;
  for (; at >= from + 16; at -= 16) v128.store(at - 16 + bytes, v128.load(at - 16));
  for (; at > from; at -= 4) store<u32>(at - 4 + bytes, load<u32>(at - 4));
}

/** Removes entry `i`; false when it was not there. */
export function entryClear(table: u32, i: u32): bool {
  const data = load<u32>(table + T_DATA);
  const count = <u32>load<u16>(table + T_COUNT);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) {
    if (load<u32>(data + (i << 2)) == 0) return false;
    store<u32>(data + (i << 2), 0);
  } else {
    if (!hasBit(data, i)) return false;
    const rank = rankOf(data, i);
    const at = data + T_BITMAP + (rank << 2);
    memory.copy(at, at + 4, (count - rank - 1) << 2);
    const word = data + (i >> 5 << 2);
    store<u32>(word, load<u32>(word) & ~(1 << (i & 31)));
  }
  store<u16>(table + T_COUNT, <u16>(count - 1));
  return true;
}

/** Clears W in the words [from, to), four at a time. */
function clearWrite(from: u32, to: u32): void {
  const keep = i32x4.splat(~PTE_W);
  let at = from;
  for (; at + 16 <= to; at += 16) v128.store(at, v128.and(v128.load(at), keep));
  for (; at < to; at += 4) store<u32>(at, load<u32>(at) & ~PTE_W);
}

/** Clears W in the entries [first, end) of a table. */
function protectEntries(table: u32, first: u32, end: u32): void {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) clearWrite(data + (first << 2), data + (end << 2));
  else {
    const entries = data + T_BITMAP;
    const last = end == 512 ? <u32>load<u16>(table + T_COUNT) : rankOf(data, end);
    clearWrite(entries + (rankOf(data, first) << 2), entries + (last << 2));
  }
}

function indexOf(vpn: u64, level: u32): u32 {
  return <u32>(vpn >> ((level - 1) * 9)) & 511;
}

/** Makes every entry of the look-aside buffer stale: a table went, or a permission did. */
export function tlbForget(): void {
  store<u32>(H_TLB_EPOCH, load<u32>(H_TLB_EPOCH) + 1);
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
 * Whether the look-aside buffer alone tells that an access may pass: small, so that it is inlined
 * where faults are counted in nanoseconds. False means nothing.
 */
// @ts-ignore: decorator
@inline
export function tlbPasses(aspace: u32, vpn: u64, need: u32): bool {
  const leaf = <u32>(vpn >> 9);
  const at = tlbAt(aspace, leaf);
  if (tlbDiffers(at, aspace, leaf) != 0) return false;
  const found = load<u32>(at + 8);
  const table = found & TABLE_MASK;
  if (load<u8>(table + T_CLASS) != CLASS_DENSE) return false;
  const entry = load<u32>(load<u32>(table + T_DATA) + ((<u32>vpn & 511) << 2));
  return (need & ~(entry & (found | ~PTE_W))) == 0;
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

/** Length of the run of entries from `i` on, `n` at most, that have all bits of `need`. */
// @ts-ignore: decorator
@inline
export function hitRun(table: u32, i: u32, n: u32, need: u32): u32 {
  const data = load<u32>(table + T_DATA);
  let run: u32 = 0;
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) {
    const from = data + (i << 2);
    const v = i32x4.splat(need);
    while (run + 16 <= n) {
      const at = from + (run << 2);
      const low = v128.and(v128.load(at), v128.load(at, 16));
      const high = v128.and(v128.load(at, 32), v128.load(at, 48));
      if (!i32x4.all_true(i32x4.eq(v128.and(v128.and(low, high), v), v))) break;
      run += 16;
    }
    while (run + 4 <= n) {
      const got = v128.and(v128.load(from + (run << 2)), v);
      if (!i32x4.all_true(i32x4.eq(got, v))) break;
      run += 4;
    }
    while (run < n && (load<u32>(from + (run << 2)) & need) == need) run++;
    return run;
  }
  let at = data + T_BITMAP + (rankOf(data, i) << 2);
  while (run < n && hasBit(data, i + run) && (load<u32>(at) & need) == need) {
    run++;
    at += 4;
  }
  return run;
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

/** Removes the entries of the virtual pages [lo, hi) and every table that becomes empty. */
export function tablesUnmap(
  aspace: u32, table: u32, level: u32, base: u64, lo: u64, hi: u64
): void {
  const step = <u64>1 << ((level - 1) * 9);
  const first = lo <= base ? 0 : <u32>((lo - base) / step);
  for (let i = first; i < 512; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    if (level == 1) {
      if (entryClear(table, i)) store<u32>(aspace + AS_PRESENT, load<u32>(aspace + AS_PRESENT) - 1);
      continue;
    }
    const entry = entryGet(table, i);
    if (entry == 0) continue;
    const below = entry & TABLE_MASK;
    tablesUnmap(aspace, below, level - 1, at, lo, hi);
    if (load<u16>(below + T_COUNT) != 0) continue;
    freeTable(aspace, below);
    entryClear(table, i);
  }
}

/** Removes entries of an address space, the top table included when it becomes empty. */
export function aspaceUnmap(aspace: u32, lo: u64, hi: u64): void {
  const root = load<u32>(aspace + AS_ROOT);
  if (root == 0) return;
  tablesUnmap(aspace, root, 4, 0, lo, hi);
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

export { T_LEVEL, TABLE_MASK };
