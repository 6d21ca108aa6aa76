/**
 * Accounting, as the host calls it: begin a pass, inject what reaches the trees, scan, read out.
 * Keys travel as VMO page numbers; accumulators and lists lie where the host allocated them
 * (`scratch`).
 */
import {
  CHUNK_BYTES, FANOUT_BITS, NO_MEMORY, V_SEQ, V_SIZE,
} from "./layout";
import { chunkAlloc, chunksFree } from "./heap";
import * as meeting from "./meet";
import { isChild } from "./nodes";
import * as readout from "./readout";
import { storeSum } from "./shares";
import * as stored from "./stored-pass";
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
  const whole = <u64>page == 0 && hi >= vmoBase(v) + load<u64>(v + V_SIZE);
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

/** Adds what pages [page, page + n) of a VMO's own tree hold to an accumulator. */
export function passRead(vmo: u32, page: f64, n: f64, acc: u32): void {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  const hi = lo + <u64>n;
  const height = vmoHeight(v);
  if (<u64>page == 0 && hi >= vmoBase(v) + load<u64>(v + V_SIZE)) {
    readout.rangeSum(vmoRoot(v), height, 0, 0, <u64>1 << (height * FANOUT_BITS), acc, 1);
  } else readout.rangeSum(vmoRoot(v), height, 0, lo, hi, acc, 1);
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
  const slots = work + count * meeting.WINDOW_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    const at = list + i * 24;
    const v = load<u32>(at) << 4;
    const window = work + i * meeting.WINDOW_BYTES;
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
  meeting.meet(work, slots, count, top, 0, action, out);
}

/** Adds a weight to compressed pages [page, page + n) of a VMO's own tree (stored-pass.ts). */
export function storedInject(vmo: u32, page: f64, n: f64, weight: u32): void {
  const v = vmo << 4;
  const lo = lowKey(v, <u64>page, <u64>n);
  stored.injectStored(vmoRoot(v), vmoHeight(v), 0, lo, highKey(v, <u64>page, <u64>n), weight);
}

/** Adds what the compressed pages of a range come to to an accumulator. */
export function storedRead(vmo: u32, page: f64, n: f64, acc: u32): void {
  const v = vmo << 4;
  const lo = lowKey(v, <u64>page, <u64>n);
  stored.readStored(vmoRoot(v), vmoHeight(v), 0, lo, highKey(v, <u64>page, <u64>n), acc);
}

/** `classic`: compressed pages of a range whose smallest creation number is `seq`. */
export function storedLeast(vmo: u32, page: f64, n: f64, seq: u32): u32 {
  const v = vmo << 4;
  const lo = lowKey(v, <u64>page, <u64>n);
  return stored.leastStored(
    vmoRoot(v), vmoHeight(v), 0, lo, highKey(v, <u64>page, <u64>n), seq);
}

export function storedScan(): void { stored.scanStored(); }
export function storedEnd(): void { stored.endStored(); }

/** Whether pages are all that a VMO has: its tree has nothing else, so all of it is meant. */
function isWhole(v: u32, page: u64, n: u64): bool {
  return page == 0 && n >= vmoSize(v);
}

function lowKey(v: u32, page: u64, n: u64): u64 {
  return isWhole(v, page, n) ? 0 : vmoBase(v) + page;
}

function highKey(v: u32, page: u64, n: u64): u64 {
  return isWhole(v, page, n) ? <u64>1 << (vmoHeight(v) * FANOUT_BITS) : vmoBase(v) + page + n;
}

/** Takes a weight off one frame, where it is reached by two lists that hold it as an alias. */
export function passWeighFrame(frame: u32, delta: i32): void {
  weights.weighFrame(frame, <u32>delta, false, false);
}
