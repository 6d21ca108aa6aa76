/**
 * What the host may call for page queues, reclaim and zero-page dedup, in the manner of `index.ts`.
 */
import { A_REF_MASK, B_STATE_MASK, H_OUT, QUEUE_COUNT, ST_OBJECT } from "./layout";
import * as dedup from "./dedup";
import { frameA, frameB } from "./frames";
import * as queues from "./queues";
import * as reclaim from "./reclaim";

/** Pages in each stored queue, 16 words at `out`. */
export function queueCounts(out: u32): void {
  for (let q: u32 = 0; q < QUEUE_COUNT; q++) {
    store<u32>(out + (q << 2), queues.queueCount(q));
  }
}
/** The stored queue of a frame, or -1 for one that is no VMO's. H_OUT: whether it is needed. */
export function frameQueue(frame: u32): i32 {
  const b = load<u32>(frameB(frame));
  if ((b & B_STATE_MASK) != ST_OBJECT || (load<u32>(frameA(frame)) & A_REF_MASK) == 0) return -1;
  store<u32>(H_OUT, u32(queues.isNeeded(frame)));
  return <i32>queues.queueOf(frame);
}
/** The stored queue of a generation, 0 the newest. */
export function queueOfAge(age: u32): u32 { return queues.generation(age); }
export function queueSet(frame: u32, queue: u32): void { queues.queueMove(frame, queue); }
export function queueAccess(frame: u32): void { queues.markAccessed(frame); }
export function queuesRotate(): void { queues.rotate(); }
export function queuesHarvest(): void { reclaim.harvest(); }
/** `what`: one of the exported DO_ numbers. */
export function vmoEachSeen(vmo: u32, page: f64, n: f64, what: u32): void {
  reclaim.eachSeen(vmo << 4, <u64>page, <u64>n, what);
}
export function vmoHighPriority(vmo: u32, isHigh: u32): void {
  reclaim.setHighPriority(vmo << 4, isHigh != 0);
}
export function pagerEvict(root: u32, queue: u32, most: u32, ignoreHints: u32): i32 {
  return reclaim.evict(root << 4, queue, most, ignoreHints != 0);
}
export function vmoDedupZero(vmo: u32, page: f64): u32 {
  return dedup.dedupZero(vmo << 4, <u64>page);
}
export function vmoDedupScan(vmo: u32, page: f64, most: u32, untouchedToo: u32): u32 {
  return dedup.dedupScan(vmo << 4, <u64>page, most, untouchedToo != 0);
}
export function zeroPages(): u32 { return dedup.zeroPages(); }
export { DO_ACCESS, DO_NEED, DO_NOT_NEED } from "./reclaim";
export {
  GENERATIONS, Q_ANONYMOUS, Q_DIRTY, Q_FAILED_RECLAIM, Q_GENERATION, Q_HIGH_PRIORITY, Q_ISOLATE,
  Q_WIRED, Q_ZERO_FORK,
} from "./layout";
