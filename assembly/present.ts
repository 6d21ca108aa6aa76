/**
 * Passes over page tables: what reaches a page is a present entry, as Linux counts.
 *
 * First every process's leaf tables are scanned into a count for each frame, then read back.
 *   SCAN_COUNT    each entry counts                   (mapcount)
 *   SCAN_DISTINCT each process counts once a frame    (exact)
 *
 * The zero page (frame 0) and hugetlb frames are in no figure but their own, as in smaps.
 */
import {
  AS_PRESENT, AS_ROOT, B_ANON, B_HUGETLB, B_SHMEM, CHUNK_BYTES, CLASS_DENSE, H_DIRTY, H_FRAMES,
  H_FRAME_B, H_FRAME_BUMP, H_FRAME_WEIGHT, H_SHARE_COUNT, H_SHARE_TABLE, PTE_P, PTE_SHIFT,
  T_BITMAP, T_CLASS, T_COUNT, T_DATA,
} from "./layout";
import { chunkAlloc } from "./heap";
import { shareOf } from "./shares";
import { TABLE_MASK, entryGet, nextEntry } from "./tables";

export const SCAN_COUNT: u32 = 0;
export const SCAN_DISTINCT: u32 = 1;
export const READ_MAPCOUNT: u32 = 2;
export const READ_EXACT: u32 = 3;
export const READ_OWNERS: u32 = 4;
export const SCAN_COUNT_SHARED: u32 = 5; // the same with atomic adds, for several threads
export const SCAN_DISTINCT_SHARED: u32 = 6;

// accumulator of a read, 96 bytes
export const R_SUM: u32 = 0; // exact: two lanes; mapcount: u64 of 2^-12 byte
export const R_PAGES: u32 = 16;
export const R_PRIVATE: u32 = 24;
export const R_SHARED: u32 = 32;
export const R_HUGE_PRIVATE: u32 = 40;
export const R_HUGE_SHARED: u32 = 48;
export const R_ANON: u32 = 56; // mapcount: part of the sum, u64 of 2^-12 byte
export const R_FILE: u32 = 64;
export const R_SHMEM: u32 = 72;
export const R_BYTES: u32 = 96;

const DIRTY_SHIFT: u32 = 12; // frames of one byte of H_DIRTY
const SCAN_COUNT_MARKED: u32 = 7; // SCAN_COUNT where all blocks of frames are marked dirty
const MANY: u32 = 4; // a space with a quarter of the frames: clearing all costs less than marking
const SMAPS_PAGE: u32 = 1 << 24; // a page in the kernel's 2^-12 byte
const PAGE_KIND: u32 = B_HUGETLB | B_ANON | B_SHMEM;

/** Room for one stamp a frame; 0 when host memory is exhausted. */
export function stampColumn(): u32 {
  const bytes = <u64>load<u32>(H_FRAMES) * 4;
  const at = chunkAlloc(<u32>((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES));
  if (at != 0) memory.fill(at, 0, <u32>bytes);
  return at;
}

/** Applies a scan or a read to the entries of the virtual pages [lo, hi) of an address space. */
export function scanAspace(
  aspace: u32, lo: u64, hi: u64, op: u32, stamps: u32, stamp: u32, out: u32
): void {
  const root = load<u32>(aspace + AS_ROOT);
  if (root == 0) return;
  const frames = load<u32>(H_FRAME_BUMP);
  if (op == SCAN_COUNT && load<u32>(aspace + AS_PRESENT) >= frames / MANY) {
    memory.fill(load<u32>(H_DIRTY), 1, (frames >> DIRTY_SHIFT) + 1); // for all entries at once
    scanTable(root, 4, 0, lo, hi, SCAN_COUNT_MARKED, stamps, stamp, out);
  } else scanTable(root, 4, 0, lo, hi, op, stamps, stamp, out);
}

function scanTable(
  table: u32, level: u32, base: u64, lo: u64, hi: u64, op: u32, stamps: u32, stamp: u32, out: u32,
): void {
  const step = <u64>1 << ((level - 1) * 9);
  const first: u32 = lo <= base ? 0 : <u32>((lo - base) / step);
  const last: u32 = hi >= base + 512 * step ? 512 : <u32>((hi - base + step - 1) / step);
  if (level == 1) {
    scanLeaf(table, first, last, op, stamps, stamp, out);
    return;
  }
  for (let i = nextEntry(table, first); i < last; i = nextEntry(table, i + 1)) {
    const below = entryGet(table, i) & TABLE_MASK;
    scanTable(below, level - 1, base + <u64>i * step, lo, hi, op, stamps, stamp, out);
  }
}

/**
 * Visits a leaf's entries in order: dense ones by index, packed ones by the bits of their bitmap.
 */
function scanLeaf(
  table: u32, first: u32, last: u32, op: u32, stamps: u32, stamp: u32, out: u32
): void {
  const data = load<u32>(table + T_DATA);
  if (load<u8>(table + T_CLASS) == CLASS_DENSE) {
    scanRun(data + (first << 2), data + (last << 2), op, stamps, stamp, out);
    return;
  }
  let from = data + T_BITMAP;
  if (first == 0 && last == 512) {
    const end = from + (<u32>load<u16>(table + T_COUNT) << 2);
    scanRun(from, end, op, stamps, stamp, out);
    return;
  }
  let to = from;
  for (let w: u32 = 0; w < 16; w++) {
    const bits = load<u32>(data + (w << 2));
    from += popcnt(bits & below(first, w)) << 2;
    to += popcnt(bits & below(last, w)) << 2;
  }
  scanRun(from, to, op, stamps, stamp, out);
}

/** Bits of word `w` that stand before bit `i` of the bitmap. */
function below(i: u32, w: u32): u32 {
  if (i >= (w + 1) << 5) return 0xffffffff;
  return i <= w << 5 ? 0 : (1 << (i & 31)) - 1;
}

function scanRun(from: u32, to: u32, op: u32, stamps: u32, stamp: u32, out: u32): void {
  if (op == SCAN_COUNT) countRun(from, to, false);
  else if (op == SCAN_COUNT_MARKED) countRun(from, to, true);
  else if (op == SCAN_COUNT_SHARED) countRunShared(from, to);
  else if (op == SCAN_DISTINCT) distinctRun(from, to, stamps, stamp, false);
  else if (op == SCAN_DISTINCT_SHARED) distinctRun(from, to, stamps, stamp, true);
  else if (op == READ_MAPCOUNT) mapcountRun(from, to, out);
  else exactRun(from, to, op, stamps, stamp, out);
}

/**
 * Four entries that are present, with equal flags and frames one after another: what most runs of a
 * page table are made of.
 */
// @ts-ignore: decorator
@inline
function inRow(four: v128, first: u32): bool {
  const steps = i32x4.sub(four, i32x4.splat(first));
  const row = i32x4(0, 1 << PTE_SHIFT, 2 << PTE_SHIFT, 3 << PTE_SHIFT);
  return (first & PTE_P) != 0 && i32x4.all_true(i32x4.eq(steps, row));
}

/** Sixteen entries of that kind. */
// @ts-ignore: decorator
@inline
function sixteenInRow(at: u32, four: v128, first: u32): bool {
  if (!inRow(four, first)) return false;
  const second = v128.load(at, 16);
  const third = v128.load(at, 32);
  const step = i32x4.splat(4 << PTE_SHIFT);
  const low = v128.and(i32x4.eq(i32x4.sub(second, four), step),
    i32x4.eq(i32x4.sub(third, second), step));
  const high = i32x4.eq(i32x4.sub(v128.load(at, 48), third), step);
  return i32x4.all_true(v128.and(low, high));
}

/** Counts entries; `marked`: the blocks of their frames are marked dirty already. */
// @ts-ignore: decorator
@inline
function countRun(from: u32, to: u32, marked: bool): void {
  const weights = load<u32>(H_FRAME_WEIGHT);
  const dirty = load<u32>(H_DIRTY);
  let at = from;
  for (; at + 64 <= to; at += 64) {
    const four = v128.load(at);
    const entry = <u32>i32x4.extract_lane(four, 0);
    if (!sixteenInRow(at, four, entry)) {
      for (let one = at; one < at + 64; one += 16) {
        countEntry(load<u32>(one), weights, dirty, marked);
        countEntry(load<u32>(one, 4), weights, dirty, marked);
        countEntry(load<u32>(one, 8), weights, dirty, marked);
        countEntry(load<u32>(one, 12), weights, dirty, marked);
      }
      continue;
    }
    const frame = entry >> PTE_SHIFT;
    const cells = weights + (frame << 2);
    const one = i32x4.splat(1);
    v128.store(cells, i32x4.add(v128.load(cells), one));
    v128.store(cells, i32x4.add(v128.load(cells, 16), one), 16);
    v128.store(cells, i32x4.add(v128.load(cells, 32), one), 32);
    v128.store(cells, i32x4.add(v128.load(cells, 48), one), 48);
    if (!marked) {
      store<u8>(dirty + (frame >> DIRTY_SHIFT), 1);
      store<u8>(dirty + ((frame + 15) >> DIRTY_SHIFT), 1);
    }
  }
  for (; at < to; at += 4) countEntry(load<u32>(at), weights, dirty, marked);
}

// @ts-ignore: decorator
@inline
function countEntry(entry: u32, weights: u32, dirty: u32, marked: bool): void {
  const frame = entry >> PTE_SHIFT;
  if (!marked) store<u8>(dirty + (frame >> DIRTY_SHIFT), 1); // at worst for one not present
  const cell = weights + (frame << 2);
  store<u32>(cell, load<u32>(cell) + (entry & PTE_P));
}

/** `countRun` where other threads count too. */
function countRunShared(from: u32, to: u32): void {
  const weights = load<u32>(H_FRAME_WEIGHT);
  const dirty = load<u32>(H_DIRTY);
  for (let at = from; at < to; at += 4) {
    const entry = load<u32>(at);
    if ((entry & PTE_P) == 0) continue;
    const frame = entry >> PTE_SHIFT;
    store<u8>(dirty + (frame >> DIRTY_SHIFT), 1);
    atomic.add<u32>(weights + (frame << 2), 1);
  }
}

function distinctRun(from: u32, to: u32, stamps: u32, stamp: u32, parallel: bool): void {
  const weights = load<u32>(H_FRAME_WEIGHT);
  const dirty = load<u32>(H_DIRTY);
  for (let at = from; at < to; at += 4) {
    const entry = load<u32>(at);
    if ((entry & PTE_P) == 0) continue;
    const frame = entry >> PTE_SHIFT;
    const mark = stamps + (frame << 2);
    if (load<u32>(mark) == stamp) continue;
    store<u32>(mark, stamp);
    store<u8>(dirty + (frame >> DIRTY_SHIFT), 1);
    const cell = weights + (frame << 2);
    if (parallel) atomic.add<u32>(cell, 1);
    else store<u32>(cell, load<u32>(cell) + 1);
  }
}

/**
 * smaps arithmetic: floor(2^24 / mapcount) of 2^-12 byte for each page, private below two mappings.
 */
function mapcountRun(from: u32, to: u32, out: u32): void {
  const weights = load<u32>(H_FRAME_WEIGHT);
  const columnB = load<u32>(H_FRAME_B);
  const kind = i32x4.splat(PAGE_KIND);
  let last: u32 = 1; // pages with as many mappings as the one before need no division
  let share = SMAPS_PAGE;
  for (let at = from; at < to;) {
    const entry = load<u32>(at);
    const frame = entry >> PTE_SHIFT;
    if ((entry & PTE_P) == 0 || frame == 0) {
      at += 4;
      continue;
    }
    const cell = weights + (frame << 2);
    const w = load<u32>(cell);
    const flags = load<u32>(columnB + (frame << 2)) & PAGE_KIND;
    if (w != last) {
      last = w;
      share = SMAPS_PAGE / max<u32>(w, 1);
    }
    let n: u32 = 1;
    const sameW = i32x4.splat(w);
    const sameKind = i32x4.splat(flags);
    while (at + (n << 2) + 16 <= to) {
      const next = frame + n << 2;
      if (!inRow(v128.load(at + (n << 2)), entry + (n << PTE_SHIFT))) break;
      const differs = v128.or(v128.xor(v128.load(weights + next), sameW),
        v128.xor(v128.and(v128.load(columnB + next), kind), sameKind));
      if (v128.any_true(differs)) break;
      n += 4;
    }
    notePages(out, flags, w, n, <u64>share * n);
    at += n << 2;
  }
}

/** Adds `n` pages of one kind with `w` mappings each to a read. */
function notePages(out: u32, flags: u32, w: u32, n: u32, sum: u64): void {
  if ((flags & B_HUGETLB) != 0) {
    bump(out + (w < 2 ? R_HUGE_PRIVATE : R_HUGE_SHARED), n);
    return;
  }
  bump(out + R_SUM, sum);
  bump(out + R_PAGES, n);
  bump(out + (w < 2 ? R_PRIVATE : R_SHARED), n);
  bump(out + ((flags & B_ANON) != 0 ? R_ANON : (flags & B_SHMEM) != 0 ? R_SHMEM : R_FILE), sum);
}

function bump(at: u32, n: u64): void {
  store<u64>(at, load<u64>(at) + n);
}

/**
 * Shares by number of owners; with stamps each frame counts once. READ_OWNERS fills a histogram
 * instead.
 */
function exactRun(from: u32, to: u32, op: u32, stamps: u32, stamp: u32, out: u32): void {
  const weights = load<u32>(H_FRAME_WEIGHT);
  const columnB = load<u32>(H_FRAME_B);
  const table = load<u32>(H_SHARE_TABLE);
  const tableCount = load<u32>(H_SHARE_COUNT);
  for (let at = from; at < to; at += 4) {
    const entry = load<u32>(at);
    const frame = entry >> PTE_SHIFT;
    if ((entry & PTE_P) == 0 || frame == 0) continue;
    if (stamps != 0) {
      const mark = stamps + (frame << 2);
      if (load<u32>(mark) == stamp) continue;
      store<u32>(mark, stamp);
    }
    const w = load<u32>(weights + (frame << 2));
    const huge = (load<u32>(columnB + (frame << 2)) & B_HUGETLB) != 0;
    if (op == READ_OWNERS) {
      if (!huge) store<u32>(out + (w << 2), load<u32>(out + (w << 2)) + 1);
      continue;
    }
    if (huge) {
      bump(out + (w < 2 ? R_HUGE_PRIVATE : R_HUGE_SHARED), 1);
      continue;
    }
    v128.store(out, i64x2.add(v128.load(out), shareOf(w, table, tableCount)));
    bump(out + R_PAGES, 1);
    bump(out + (w == 1 ? R_PRIVATE : R_SHARED), 1);
  }
}

