/**
 * The physical memory manager: frames (`vm_page`) in four columns, and how many stand in each
 * state.
 *
 * I1. Frame 0 is the zero page: WIRED, never in a page list; a page-table entry may name it.
 * I2. The counters at H_STATES sum to the number of frames but frame 0, after every operation.
 * I3. A frame is free exactly when its state is FREE: it is on the free list or at or above the
 *     bump mark.
 * I4. References of an OBJECT frame = leaf slots that hold it.
 * Cost: 16 bytes a frame; taking one is 4 stores to 4 streams.
 */
import {
  A_DIRTY_SHIFT, A_REF_MASK, B_BORROWED, B_QUEUE_MASK, B_QUEUE_SHIFT, B_STATE_MASK, H_CONTENTS,
  H_FRAMES, H_FRAME_A, H_FRAME_B, H_FRAME_BUMP, H_FRAME_C, H_FRAME_D, H_FRAME_FREE, H_QUEUES,
  H_STATES, PAGE_GOING, POOL_CONTENT, Q_ZERO_FORK, ST_FREE,
} from "./layout";
import { poolFree } from "./heap";
import { giveBack } from "./loans";

export function frameA(frame: u32): u32 { return load<u32>(H_FRAME_A) + (frame << 2); }
export function frameB(frame: u32): u32 { return load<u32>(H_FRAME_B) + (frame << 2); }
export function frameC(frame: u32): u32 { return load<u32>(H_FRAME_C) + (frame << 2); }
export function frameD(frame: u32): u32 { return load<u32>(H_FRAME_D) + (frame << 2); }

export function frameState(frame: u32): u32 { return load<u32>(frameB(frame)) & B_STATE_MASK; }

export function freeFrames(): u32 { return load<u32>(H_STATES); }

export function stateAdd(state: u32, delta: i32): void {
  const at = H_STATES + (state << 2);
  store<u32>(at, load<u32>(at) + delta);
}

/** Whether a page is on its way out of every list (sweep.ts). */
export function isGoing(frame: u32): bool {
  return load<u32>(frameA(frame)) >> A_DIRTY_SHIFT == PAGE_GOING;
}

/** Counts pages in a queue; the queue of what faults made of nothing is derived. */
// @ts-ignore: decorator
@inline
export function queueAdd(queue: u32, delta: i32): void {
  if (queue == Q_ZERO_FORK) return;
  const at = H_QUEUES + (queue << 2);
  store<u32>(at, load<u32>(at) + delta);
}

/** Takes a free frame without touching the counters (a run does them once). There must be one. */
export function frameTake(): u32 {
  const free = load<u32>(H_FRAME_FREE);
  if (free != 0) {
    store<u32>(H_FRAME_FREE, load<u32>(frameC(free)));
    return free;
  }
  const bump = load<u32>(H_FRAME_BUMP);
  assert(bump < load<u32>(H_FRAMES));
  store<u32>(H_FRAME_BUMP, bump + 1);
  return bump;
}

/** A frame with one reference in `state`, or 0 when none is free. */
export function frameAlloc(state: u32): u32 {
  if (freeFrames() == 0) return 0;
  const frame = frameTake();
  store<u32>(frameA(frame), 1);
  store<u32>(frameB(frame), state);
  store<u32>(frameC(frame), 0);
  store<u32>(frameD(frame), 0);
  stateAdd(ST_FREE, -1);
  stateAdd(state, 1);
  return frame;
}

/**
 * Frees a frame whatever its references say; its content goes too. A borrowed one is its lender's.
 */
export function frameFree(frame: u32): void {
  const b = frameB(frame);
  const word = load<u32>(b);
  stateAdd(word & B_STATE_MASK, -1);
  queueAdd((word & B_QUEUE_MASK) >> B_QUEUE_SHIFT, -1);
  const c = frameC(frame);
  const content = load<u32>(c) >> 12;
  if (content != 0) {
    poolFree(POOL_CONTENT, content << 12);
    store<u32>(H_CONTENTS, load<u32>(H_CONTENTS) - 1);
  }
  if ((word & B_BORROWED) != 0) {
    giveBack(frame);
    return;
  }
  stateAdd(ST_FREE, 1);
  store<u32>(frameA(frame), 0);
  store<u32>(b, 0);
  store<u32>(c, load<u32>(H_FRAME_FREE));
  store<u32>(H_FRAME_FREE, frame);
}

/** Drops one reference; the last frees the frame. */
export function frameDrop(frame: u32): void {
  const a = frameA(frame);
  const refs = load<u32>(a);
  if ((refs & A_REF_MASK) > 1) store<u32>(a, refs - 1);
  else frameFree(frame);
}
