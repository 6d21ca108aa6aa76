/**
 * One page table: 512 entries, kept packed on the host while they are sparse.
 *
 *   packed   | bitmap of 512 bits | entries in order |        dense   | 512 entries |
 *   upper entry: table | W            leaf entry: frame << 5 | D A X W P
 *
 * I1. `count` of a table = its entries that are not 0.
 * I2. A packed table's entries stand in the order of the bits of its bitmap.
 * Cost: 16 bytes, and 128 to 2048 bytes of data, by how many entries it has.
 */
import {
  CLASS_DENSE, POOL_TABLE_DATA, PTE_P, PTE_SHIFT, PTE_W, T_BITMAP, T_CLASS, T_COUNT, T_DATA,
} from "./layout";
import { poolAlloc, poolFree } from "./heap";

export const TABLE_MASK: u32 = ~15;

/** Entries a class has room for: 16, 48, 112, 240, 512. */
// @ts-ignore: decorator
@inline
export function roomOf(cls: u32): u32 {
  return cls == CLASS_DENSE ? 512 : (32 << cls) - 16;
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
export function entryAt(table: u32, i: u32): u32 {
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

/** Index of the first entry from `i` on that is there; 512 when none is. */
export function nextEntry(table: u32, i: u32): u32 {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) {
    let at = i;
    while (at < 512 && load<u32>(data + (at << 2)) == 0) at++;
    return at;
  }
  for (let at = i; at < 512; at = (at | 63) + 1) {
    const bits = load<u64>(data + (at >> 6 << 3)) >> (at & 63);
    if (bits != 0) return at + <u32>ctz(bits);
  }
  return 512;
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
 * Sets the entries [i, i + n), at most 32 of them, to the frames of as many words with `flags`. How
 * many of them did not let a program write before. There must be room.
 */
export function entriesSet(table: u32, i: u32, n: u32, frames: u32, flags: u32): u32 {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) {
    const at = data + (i << 2);
    const fresh = countZeros(at, n);
    if (fresh != 0) store<u16>(table + T_COUNT, load<u16>(table + T_COUNT) + <u16>fresh);
    const lacking = fresh == n ? n : countLacking(at, n);
    framesToEntries(at, n, frames, flags);
    return lacking;
  }
  const before = <u32>load<u16>(table + T_COUNT);
  const place = packedPlace(table, data, i, n);
  if (place != 0) {
    const lacking = load<u16>(table + T_COUNT) != before ? n : countLacking(place, n);
    framesToEntries(place, n, frames, flags);
    return lacking;
  }
  let lacking: u32 = 0;
  for (let j: u32 = 0; j < n; j++) {
    lacking += u32(!mayWrite(entryGet(table, i + j)));
    entrySet(table, i + j, load<u32>(frames + (j << 2)) << PTE_SHIFT | flags);
  }
  return lacking;
}

function mayWrite(entry: u32): bool { return (entry & (PTE_P | PTE_W)) == (PTE_P | PTE_W); }

/** How many of `n` entries do not let a program write. */
function countLacking(at: u32, n: u32): u32 {
  let lacking: u32 = 0;
  for (let word = at; word < at + (n << 2); word += 4) lacking += u32(!mayWrite(load<u32>(word)));
  return lacking;
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
export function protectEntries(table: u32, first: u32, end: u32): void {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) clearWrite(data + (first << 2), data + (end << 2));
  else {
    const entries = data + T_BITMAP;
    const last = end == 512 ? <u32>load<u16>(table + T_COUNT) : rankOf(data, end);
    clearWrite(entries + (rankOf(data, first) << 2), entries + (last << 2));
  }
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
