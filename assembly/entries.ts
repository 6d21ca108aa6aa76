/**
 * Accounting over page tables, as the host calls it: scan, alone or shared, correct, read out.
 */
import { B_OUTSIDE, H_CLAIM, H_DIRTY, H_FRAME_WEIGHT, TIMED_OUT } from "./layout";
import { frameB } from "./frames";
import * as present from "./present";
import { shareWork, waitFor } from "./sharing";
import { storeSum } from "./shares";

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
/** Gets the claim counter ready for `presentHelp` on any number of threads, see `passShare`. */
export function presentShare(patienceMs: u32): void { shareWork(patienceMs); }
/**
 * Works records off, shared with whoever else calls this; returns when all are done. `count`
 * records of
 * | aspace u32 | stamp u32 | page f64 | pages f64 | out u32 | pad |; `stamps` is the caller's own.
 * 0, or TIMED_OUT as `passHelp`.
 */
export function presentHelp(list: u32, count: u32, op: u32, stamps: u32): i32 {
  let i = atomic.add<u32>(H_CLAIM, 1);
  while (i < count) {
    const at = list + (i << 5);
    presentScan(
      load<u32>(at), load<f64>(at + 8), load<f64>(at + 16), op, stamps, load<u32>(at
        + 4), load<u32>(at + 24));
    atomic.add<u32>(H_CLAIM + 4, 1);
    i = atomic.add<u32>(H_CLAIM, 1);
  }
  return waitFor(H_CLAIM + 4, count) ? 0 : TIMED_OUT;
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
