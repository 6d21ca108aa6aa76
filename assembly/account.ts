/**
 * Accounting, as the host calls it: begin a pass, inject what reaches the trees, scan, read out.
 * Keys travel as VMO page numbers; accumulators and lists lie where the host allocated them
 * (`scratch`).
 */
import {
  B_OUTSIDE, CHUNK_BYTES, FANOUT_BITS, H_CLAIM, H_DIRTY, H_FRAME_WEIGHT, H_MAX_HEIGHT,
  H_NODE_CHUNKS, NC_NEXT, NH_BYTES, NODE_BYTES, NO_MEMORY, VMO_BYTES, V_FAMILY, V_HEIGHT, V_LIMIT,
  V_PARENT, V_ROOT, V_SEQ,
} from "./layout";
import { frameB } from "./frames";
import { chunkAlloc, chunksFree } from "./heap";
import { isChild, nodeOf, nodeRefs } from "./nodes";
import { deriveChunk, downChunk, upChunk, upDerivedChunk } from "./passes";
import * as present from "./present";
import * as runs from "./runs";
import * as readout from "./readout";
import { storeSum } from "./shares";
import * as trees from "./tree";
import { vmoBase, vmoHeight, vmoRoot, vmoSize } from "./vmos";
import * as weights from "./weights";

export const MODE_SUM: u32 = weights.MODE_SUM;
export const MODE_LEAST: u32 = weights.MODE_LEAST;
export const MODE_HELD: u32 = weights.MODE_HELD;

/** Scratch of `bytes` for the host's lists and accumulators: its address, or 0. */
export function scratchAlloc(bytes: u32): u32 {
  return chunkAlloc((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
}
export function scratchFree(at: u32, bytes: u32): void {
  chunksFree(at, (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

export function passBegin(mode: u32): i32 { return weights.passBegin(mode) ? 0 : NO_MEMORY; }

/** Adds a weight to pages [page, page + n) of a VMO's own tree. */
export function passInject(vmo: u32, page: f64, n: f64, weight: u32): void {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  const hi = lo + <u64>n;
  const whole = <u64>page == 0 && hi >= vmoBase(v) + load<u64>(v + 16);
  injectTree(vmoRoot(v), vmoHeight(v), lo, hi, weight, whole);
}

function injectTree(root: u32, height: u32, lo: u64, hi: u64, weight: u32, whole: bool): void {
  if (!isChild(root)) return;
  if (whole) weights.injectRange(root, height, 0, 0, <u64>1 << (height * FANOUT_BITS), weight);
  else weights.injectRange(root, height, 0, lo, hi, weight);
}

/** Many injections: `count` records of | vmo u32 | weight u32 | page f64 | n f64 |. */
export function passInjectList(list: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = list + i * 24;
    passInject(load<u32>(at), load<f64>(at + 8), load<f64>(at + 16), load<u32>(at + 4));
  }
}

/** Weight of every VMO's own creation number on its own tree (policy classic). */
export function passInjectSeq(vmo: u32): void {
  const v = vmo << 4;
  injectTree(vmoRoot(v), vmoHeight(v), 0, 0, load<u32>(v + V_SEQ), true);
}

/** Both scans on the calling thread. */
export function passScan(): void {
  const top = load<u32>(H_MAX_HEIGHT);
  for (let h = top; h > 0; h--) {
    scanHeight(h, DERIVE);
    scanHeight(h, DOWN);
  }
  for (let h: u32 = 1; h <= top; h++) {
    scanHeight(h, UP);
    scanHeight(h, UP_DERIVED);
  }
}

const ENTER: u32 = 0;
const DERIVE: u32 = 1;
const DOWN: u32 = 2;
const UP: u32 = 3;
const UP_DERIVED: u32 = 4;

function scanHeight(h: u32, what: u32): void {
  for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT)) {
    scanChunk(c, h, what, false);
  }
}

function scanChunk(chunk: u32, h: u32, what: u32, parallel: bool): void {
  if (what == ENTER) weights.enterChunk(chunk);
  else if (what == DERIVE) deriveChunk(chunk, h, parallel);
  else if (what == DOWN) downChunk(chunk, h, parallel);
  else if (what == UP) upChunk(chunk, h);
  else upDerivedChunk(chunk, h);
}

/** Gets the claim counters ready for `passHelp` on any number of threads. */
export function passShare(): void {
  memory.fill(H_CLAIM, 0, 512); // 5 phases a height
}

/**
 * Both scans, shared with whoever else calls this: chunks are claimed one by one; a phase begins
 * when all chunks of the one before are done. One caller alone does all the work.
 */
export function passHelp(): void {
  const top = load<u32>(H_MAX_HEIGHT);
  let phase: u32 = 0;
  for (let h = top; h > 0; h--) helpHeight(phase++, h, ENTER);
  for (let h = top; h > 0; h--) {
    helpHeight(phase++, h, DERIVE);
    helpHeight(phase++, h, DOWN);
  }
  for (let h: u32 = 1; h <= top; h++) {
    helpHeight(phase++, h, UP);
    helpHeight(phase++, h, UP_DERIVED);
  }
}

function helpHeight(phase: u32, h: u32, what: u32): void {
  const claim = H_CLAIM + (phase << 3);
  let mine = atomic.add<u32>(claim, 1);
  let ordinal: u32 = 0;
  for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT), ordinal++) {
    if (ordinal != mine) continue;
    scanChunk(c, h, what, true);
    atomic.add<u32>(claim + 4, 1);
    mine = atomic.add<u32>(claim, 1);
  }
  while (atomic.load<u32>(claim + 4) < ordinal) {
    // another thread still works on the last chunks of this phase
  }
}

/** Adds what pages [page, page + n) of a VMO's own tree hold to an accumulator. */
export function passRead(vmo: u32, page: f64, n: f64, acc: u32): void {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  const hi = lo + <u64>n;
  const height = vmoHeight(v);
  if (<u64>page == 0 && hi >= vmoBase(v) + load<u64>(v + 16)) {
    readout.rangeSum(vmoRoot(v), height, 0, 0, <u64>1 << (height * FANOUT_BITS), acc, 1);
  } else readout.rangeSum(vmoRoot(v), height, 0, lo, hi, acc, 1);
}

/**
 * Many reads: `count` records of | vmo u32 | 0 | page f64 | n f64 |, one 32-byte accumulator each.
 */
export function passReadList(list: u32, count: u32, accs: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = list + i * 24;
    const acc = accs + (i << 5);
    memory.fill(acc, 0, 32);
    passRead(load<u32>(at), load<f64>(at + 8), load<f64>(at + 16), acc);
  }
}

/**
 * Many reads into shared accumulators: records of | vmo u32 | accumulator index u32 | page | n |.
 */
export function passReadInto(list: u32, count: u32, accs: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = list + i * 24;
    passRead(load<u32>(at), load<f64>(at + 8), load<f64>(at + 16), accs + (load<u32>(at + 4) << 5));
  }
}

/** Turns the lanes of accumulators into | bytes u64 | units of 2^-63 byte u64 |. */
export function sumsSettle(accs: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) storeSum(accs + (i << 5), v128.load(accs + (i << 5)));
}

/** `classic`: pages of a range that are charged to this VMO. */
export function passLeast(vmo: u32, page: f64, n: f64): f64 {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  return <f64>readout.rangeLeast(vmoRoot(v), vmoHeight(v), 0, lo, lo
    + <u64>n, load<u32>(v + V_SEQ));
}

/** Adds the pages of a range to a histogram of u32 by number of owners. */
export function passOwners(vmo: u32, page: f64, n: f64, hist: u32): void {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  readout.rangeOwners(vmoRoot(v), vmoHeight(v), 0, lo, lo + <u64>n, hist, 1);
}

/**
 * Settles what one process reaches by several trees of a family. `list`: `count` records of
 * | vmo u32 | 0 | page f64 | n f64 |; `work`: 24 bytes for each, and 12 slots of 4 for each.
 */
export function passMeet(list: u32, count: u32, work: u32, action: u32, out: u32): void {
  let top: u32 = 0;
  const slots = work + count * readout.WINDOW_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    const at = list + i * 24;
    const v = load<u32>(at) << 4;
    const window = work + i * readout.WINDOW_BYTES;
    const page = <u64>load<f64>(at + 8);
    const lo = vmoBase(v) + page;
    const hi = lo + <u64>load<f64>(at + 16);
    // whole as in `passInject`: then no mark leads below the root, and trees meet in it
    const whole = page == 0 && hi >= vmoBase(v) + vmoSize(v);
    store<u32>(window, vmoRoot(v));
    store<u32>(window + 4, vmoHeight(v));
    store<u64>(window + 8, whole ? 0 : lo);
    store<u64>(window + 16, whole ? <u64>1 << (vmoHeight(v) * FANOUT_BITS) : hi);
    top = max(top, vmoHeight(v));
    store<u32>(slots + (i << 2), isChild(vmoRoot(v)) ? vmoRoot(v) : 0);
  }
  readout.meet(work, slots, count, top, 0, action, out);
}

/** Takes a weight off one frame, where it is reached by two lists that hold it as an alias. */
export function passWeighFrame(frame: u32, delta: i32): void {
  weights.weighFrame(frame, <u32>delta, false, false);
}

/** Live parent of a VMO (>> 4), and how many of its pages from page 0 on look through. */
export function vmoParent(vmo: u32): u32 { return load<u32>((vmo << 4) + V_PARENT) >> 4; }
export function vmoLivePages(vmo: u32): f64 {
  const v = vmo << 4;
  const limit = load<u64>(v + V_LIMIT);
  return load<u32>(v + V_PARENT) == 0 || limit < vmoBase(v) ? 0 : <f64>(limit - vmoBase(v));
}
/** Pages between the first pages of two VMOs of a family. */
export function vmoOffsetIn(vmo: u32, relative: u32): f64 {
  return <f64>(<i64>(vmoBase(vmo << 4) - vmoBase(relative << 4)));
}
export function vmoFamily(vmo: u32): u32 { return load<u32>((vmo << 4) + V_FAMILY); }
export function vmoSeq(vmo: u32): u32 { return load<u32>((vmo << 4) + V_SEQ); }
export function vmoTree(vmo: u32): u32 { return load<u32>((vmo << 4) + V_ROOT); }
export function vmoTreeHeight(vmo: u32): u32 { return <u32>load<u8>((vmo << 4) + V_HEIGHT); }
/** Slot of the own tree at a page: 0 nothing, a frame, or a tag. */
export function vmoSlot(vmo: u32, page: f64): u32 {
  const v = vmo << 4;
  return trees.treeGet(vmoRoot(v), vmoHeight(v), vmoBase(v) + <u64>page);
}

/** Heap bytes of a VMO: its record and the nodes that only it holds; 0 before the first page. */
export function vmoMetadataBytes(vmo: u32): f64 {
  const root = vmoRoot(vmo << 4);
  if (!isChild(root)) return 0;
  return <f64>(VMO_BYTES + ownNodes(root, vmoHeight(vmo << 4)) * (NODE_BYTES + NH_BYTES));
}

function ownNodes(slot: u32, height: u32): u32 {
  const node = nodeOf(slot);
  if (nodeRefs(node) > 1) return 0;
  let n: u32 = 1;
  if (height == 1) return n;
  for (let i: u32 = 0; i < NODE_BYTES; i += 4) {
    const child = load<u32>(node + i);
    if (isChild(child)) n += ownNodes(child, height - 1);
  }
  return n;
}

/**
 * Runs of pages [page, page + n) where a VMO's own tree says something (a page or a zero marker):
 * pairs of f64 (first page, length) at `out`. Returns how many there are; only `room` of them are
 * written.
 */
export function vmoRuns(vmo: u32, page: f64, n: f64, out: u32, room: u32): u32 {
  const v = vmo << 4;
  const base = vmoBase(v);
  const lo = base + <u64>page;
  runs.runsBegin(out, room);
  runs.runsOf(vmoRoot(v), vmoHeight(v), 0, lo, lo + <u64>n, base);
  return runs.runsCount();
}

/** Alias frames of pages [page, page + n): | frame u32 | 0 | key f64 | each at `out`. How many. */
export function vmoAliases(vmo: u32, page: f64, n: f64, out: u32, room: u32): u32 {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  runs.runsBegin(out, room);
  runs.aliasesOf(vmoRoot(v), vmoHeight(v), 0, lo, lo + <u64>n);
  return runs.runsCount();
}

// ---- page tables --------------------------------------------------------------------------------
export const SCAN_COUNT: u32 = present.SCAN_COUNT;
export const SCAN_DISTINCT: u32 = present.SCAN_DISTINCT;
export const READ_MAPCOUNT: u32 = present.READ_MAPCOUNT;
export const READ_EXACT: u32 = present.READ_EXACT;
export const READ_OWNERS: u32 = present.READ_OWNERS;
export const SCAN_COUNT_SHARED: u32 = present.SCAN_COUNT_SHARED;
export const SCAN_DISTINCT_SHARED: u32 = present.SCAN_DISTINCT_SHARED;
export const READ_BYTES: u32 = present.R_BYTES;
export function stampColumn(): u32 { return present.stampColumn(); }
export function presentScan(
  aspace: u32, lo: f64, n: f64, op: u32, stamps: u32, stamp: u32, out: u32
): void {
  present.scanAspace(aspace << 4, <u64>lo, <u64>lo + <u64>n, op, stamps, stamp, out);
}
/** Gets the claim counter ready for `presentHelp` on any number of threads. */
export function presentShare(): void { memory.fill(H_CLAIM, 0, 256); }
/**
 * Works records off, shared with whoever else calls this; returns when all are done. `count`
 * records of
 * | aspace u32 | stamp u32 | page f64 | pages f64 | out u32 | pad |; `stamps` is the caller's own.
 */
export function presentHelp(list: u32, count: u32, op: u32, stamps: u32): void {
  let i = atomic.add<u32>(H_CLAIM, 1);
  while (i < count) {
    const at = list + (i << 5);
    presentScan(
      load<u32>(at), load<f64>(at + 8), load<f64>(at + 16), op, stamps, load<u32>(at
        + 4), load<u32>(at + 24));
    atomic.add<u32>(H_CLAIM + 4, 1);
    i = atomic.add<u32>(H_CLAIM, 1);
  }
  while (atomic.load<u32>(H_CLAIM + 4) < count) {
    // another thread still works on its last record
  }
}
/**
 * Adds references from outside to frames' counts: `count` pairs of | frame u32 | extra i32 |. A
 * frame that was freed since is another one's now.
 */
export function presentExtras(list: u32, count: u32, atMostOne: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const frame = load<u32>(list + (i << 3));
    if ((load<u32>(frameB(frame)) & B_OUTSIDE) == 0) continue;
    let extra = load<i32>(list + (i << 3) + 4);
    if (atMostOne != 0) extra = extra > 0 ? 1 : 0;
    store<u8>(load<u32>(H_DIRTY) + (frame >> 12), 1);
    const cell = load<u32>(H_FRAME_WEIGHT) + (frame << 2);
    store<i32>(cell, max<i32>(1, load<i32>(cell) + extra));
  }
}
export function presentSettle(acc: u32): void { storeSum(acc, v128.load(acc)); }
export function frameWeight(frame: u32): u32 {
  return load<u32>(load<u32>(H_FRAME_WEIGHT) + (frame << 2));
}

