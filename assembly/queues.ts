/**
 * Page queues: where each page of a VMO stands on its way to reclaim (memory-semantics 7.1, 7.2).
 *
 *   zero fork, anonymous, high priority, wired, dirty: pages that eviction leaves alone
 *   failed reclaim: anonymous ones that compression could make no smaller, until they are written
 *   generation 0 (newest) .. 7 (oldest) -> isolate: clean pages of pagers, by their last access
 *
 * The queue is four bits of the frame (column B). Generations are stamps: a ring of eight numbers,
 * of which H_NEWEST is the newest, so rotation moves no page but those that leave the oldest.
 *
 * I1. A page is in the wired queue if it is pinned or a contiguous VMO's; else in the dirty one if
 *     it is not clean; generations and isolate hold clean pages of pagers' roots alone.
 * I2. The counters at H_QUEUES are the pages in each queue, but for the zero forks: those are the
 *     OBJECT pages that stand in no other. Frames of other states have queue 0.
 * Cost: no memory; a rotation looks at the frames only if the oldest generation has pages.
 */
import {
  A_DIRTY_SHIFT, B_NEEDED, B_PIN_MASK, B_QUEUE_MASK, B_QUEUE_SHIFT, GENERATIONS, H_FRAME_B,
  H_FRAME_BUMP, H_NEWEST, H_QUEUES, H_STATES, PAGE_CLEAN, QUEUE_COUNT, Q_ANONYMOUS, Q_DIRTY,
  Q_FAILED_RECLAIM, Q_GENERATION, Q_HIGH_PRIORITY, Q_ISOLATE, Q_WIRED, Q_ZERO_FORK, ST_OBJECT,
  VF_HIGH_PRIORITY, VK_CONTIGUOUS, VK_PAGER, V_FLAGS, V_HEIGHT, V_KIND, V_PARENT,
} from "./layout";
import { frameA, frameB, queueAdd } from "./frames";

/** Whether a VMO is the root of a pager's family. */
export function isPagerRoot(vmo: u32): bool {
  return load<u8>(vmo + V_KIND) == VK_PAGER && load<u32>(vmo + V_PARENT) == 0;
}

/** The queue that a page stands in, as it is stored. */
export function queueOf(frame: u32): u32 {
  return (load<u32>(frameB(frame)) & B_QUEUE_MASK) >> B_QUEUE_SHIFT;
}

/** Pages in a stored queue. */
export function queueCount(queue: u32): u32 {
  if (queue != Q_ZERO_FORK) return load<u32>(H_QUEUES + (queue << 2));
  let others: u32 = 0;
  for (let q: u32 = 1; q < QUEUE_COUNT; q++) others += load<u32>(H_QUEUES + (q << 2));
  return load<u32>(H_STATES + (ST_OBJECT << 2)) - others;
}

/** The stored queue of a generation: 0 is the newest, 7 the oldest. */
export function generation(age: u32): u32 {
  return Q_GENERATION | (load<u32>(H_NEWEST) - age & (GENERATIONS - 1));
}

/** How old a stored generation is: 0 to 7. */
export function ageOf(queue: u32): u32 {
  return load<u32>(H_NEWEST) - queue & (GENERATIONS - 1);
}

/** Whether eviction may take pages of a stored queue. */
export function isReclaimable(queue: u32): bool {
  return queue == Q_ISOLATE || queue >= Q_GENERATION;
}

/** Puts a page into another queue. */
export function queueMove(frame: u32, to: u32): void {
  const b = frameB(frame);
  const word = load<u32>(b);
  const from = (word & B_QUEUE_MASK) >> B_QUEUE_SHIFT;
  if (from == to) return;
  queueAdd(from, -1);
  queueAdd(to, 1);
  store<u32>(b, (word & ~B_QUEUE_MASK) | to << B_QUEUE_SHIFT);
}

/** Queue of a page that a VMO gets: from a fault that finds nothing, or otherwise. */
// @ts-ignore: decorator
@inline
export function queueOfNew(vmo: u32, byFault: bool): u32 {
  const word = load<u32>(vmo + V_HEIGHT); // height, kind, flags
  const isUsual = (word >> 8 & 0xff) != VK_PAGER && (word >> 16 & VF_HIGH_PRIORITY) == 0;
  return isUsual && byFault ? Q_ZERO_FORK : queueOfUnusual(vmo, byFault);
}

function queueOfUnusual(vmo: u32, byFault: bool): u32 {
  if ((load<u16>(vmo + V_FLAGS) & <u16>VF_HIGH_PRIORITY) != 0) return Q_HIGH_PRIORITY;
  if (isPagerRoot(vmo)) return generation(0);
  return byFault ? Q_ZERO_FORK : Q_ANONYMOUS;
}

/**
 * Puts a page of a VMO where it belongs: after a pin, its last unpin, a change of its dirty state.
 * What becomes clean or unpinned counts as used just now.
 */
export function goHome(vmo: u32, frame: u32): void {
  const isWired = (load<u32>(frameB(frame)) & B_PIN_MASK) != 0
    || load<u8>(vmo + V_KIND) == VK_CONTIGUOUS;
  const isDirty = load<u32>(frameA(frame)) >> A_DIRTY_SHIFT != PAGE_CLEAN;
  queueMove(frame, isWired ? Q_WIRED : isDirty ? Q_DIRTY : queueOfUnusual(vmo, false));
}

/** Bytes were written into a page: what could not be compressed may be tried again. */
export function markWritten(frame: u32): void {
  if (queueOf(frame) == Q_FAILED_RECLAIM) queueMove(frame, Q_ANONYMOUS);
}

/** A page was used: it is as young as the newest, if it stands in an order of age at all. */
export function markAccessed(frame: u32): void {
  if (isReclaimable(queueOf(frame))) queueMove(frame, generation(0));
}

/** Whether a page was hinted ALWAYS_NEED. */
export function isNeeded(frame: u32): bool { return (load<u32>(frameB(frame)) & B_NEEDED) != 0; }

/** ALWAYS_NEED (sticky) or DONT_NEED (which ends that) for a page of a pager's root. */
export function hint(frame: u32, needed: bool): void {
  const b = frameB(frame);
  store<u32>(b, (load<u32>(b) & ~B_NEEDED) | (needed ? B_NEEDED : 0));
  if (isReclaimable(queueOf(frame))) queueMove(frame, needed ? generation(0) : Q_ISOLATE);
}

/** Every generation is one older; the oldest one's pages are isolated. */
export function rotate(): void {
  const newest = load<u32>(H_NEWEST) + 1 & (GENERATIONS - 1);
  isolateAll(Q_GENERATION | newest);
  store<u32>(H_NEWEST, newest);
}

function isolateAll(queue: u32): void {
  const columnB = load<u32>(H_FRAME_B);
  const bump = load<u32>(H_FRAME_BUMP);
  const stamp = queue << B_QUEUE_SHIFT;
  let left = queueCount(queue);
  for (let frame: u32 = 1; left != 0 && frame < bump; frame++) {
    if ((load<u32>(columnB + (frame << 2)) & B_QUEUE_MASK) != stamp) continue;
    queueMove(frame, Q_ISOLATE);
    left--;
  }
}
