/**
 * Making pages a VMO's own: allocate, or copy what is shared. The write half of every fault.
 *
 * I1. After `commitRun` every page of the run has a frame that only this VMO's tree holds, reached
 *     by nodes that only this tree holds.
 * I2. Other mappings lose entries that led to a page that was replaced.
 * I3. A page that a fault makes of nothing is a zero fork, for which nothing is counted.
 * Cost: first touch 4 stores for the frame and one for the slot; a copy one reference count more.
 */
import { poolAlloc } from "./heap";
import {
  A_REF_MASK, B_KEY_SHIFT, B_QUEUE_SHIFT, FANOUT, H_CONTENTS, H_FRAME_A, H_FRAME_B, H_FRAME_BUMP,
  H_FRAME_C, H_FRAME_D, H_FRAME_FREE, NH_COUNT, NH_MASK, PAGE_BYTES, POOL_CONTENT, Q_ANONYMOUS,
  Q_ZERO_FORK, SLOT_TAGS, ST_FREE, ST_OBJECT, V_CHILD, V_FAMILY, V_HEIGHT, V_LIMIT, V_MAP_COUNT,
  V_PARENT,
} from "./layout";
import { frameA, frameB, frameC, frameD, frameTake, queueAdd, stateAdd } from "./frames";
import { headerOf, isChild } from "./nodes";
import { queueOfNew } from "./queues";
import { exclusiveLeaf, settlePath } from "./tree";
import { seenFrame, zeroMayBeMapped } from "./vmos";
import { dropOthers } from "./mappings";

/**
 * Makes the `n` pages from `key` on (all in one leaf) the VMO's own; returns the leaf. `mapping` is
 * the one whose entries the caller is about to write itself, or 0. Nodes, frames and contents must
 * be spare.
 */
export function commitRun(vmo: u32, key: u64, n: u32, mapping: u32): u32 {
  const run = (n == FANOUT ? ~0 : (1 << n) - 1) << (<u32>key & 31);
  const found = exclusiveLeaf(vmo, key, run);
  const leaf = found & ~1;
  // nobody to tell, nothing to copy, nothing behind an empty slot
  const plain = load<u32>(vmo + V_MAP_COUNT) <= u32(mapping != 0) && load<u32>(vmo + V_CHILD) == 0
    && load<u32>(vmo + V_PARENT) == 0 && load<u32>(H_CONTENTS) == 0;
  const queue = queueOfNew(vmo, mapping != 0);
  const added = plain ? commitPlain(vmo, key, n, leaf, found & 1, queue)
    : commitWatched(vmo, key, n, leaf, found & 1, mapping, queue);
  if (added != 0 || load<u32>(headerOf(leaf) + NH_MASK) == 0) {
    settlePath(<u32>load<u8>(vmo + V_HEIGHT), added);
  }
  return leaf;
}

/**
 * The run of a VMO that no other mapping and no child looks at, while no page has content. Pages
 * that were not there are counted.
 */
function commitPlain(
  vmo: u32, key: u64, n: u32, leaf: u32, borrowed: u32, queue: u32
): u32 {
  const slots = leaf + ((<u32>key & 31) << 2);
  const isEmpty = load<u32>(headerOf(leaf) + NH_COUNT) == 0;
  const there = isEmpty ? 0 : countChildren(slots, n);
  if (there != 0 && borrowed == 0) return commitMixed(vmo, key, n, leaf, queue);
  const some = there != 0 && there != n;
  if (some || load<u32>(H_FRAME_FREE) != 0) takeEach(vmo, key, n, slots, queue);
  else takeRow(vmo, key, n, slots, there == 0 ? queue : queueOfCopy(queue));
  stateAdd(ST_FREE, -<i32>n);
  stateAdd(ST_OBJECT, n);
  return n - there;
}

/** How many of `n` slots hold something. */
function countChildren(slots: u32, n: u32): u32 {
  const end = slots + (n << 2);
  const tag = i32x4.splat(SLOT_TAGS - 1);
  let lanes = i64x2.splat(0);
  let at = slots;
  for (; at + 16 <= end; at += 16) {
    // a child is from 1 on and below the tags
    const less = i32x4.sub(v128.load(at), i32x4.splat(1));
    lanes = i32x4.sub(lanes, i32x4.lt_u(less, tag));
  }
  let there = i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1)
    + i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3);
  for (; at < end; at += 4) there += i32(isChild(load<u32>(at)));
  return there;
}

/** New frames for `n` slots, from above the bump mark: a row in every column. */
function takeRow(vmo: u32, key: u64, n: u32, slots: u32, queue: u32): void {
  const first = load<u32>(H_FRAME_BUMP);
  store<u32>(H_FRAME_BUMP, first + n);
  const family = load<u32>(vmo + V_FAMILY);
  const b = wordB(key, queue);
  queueAdd(queue, n);
  const c = family & 0xfff;
  const d = wordD(family, key); // a leaf's keys differ in the low bits only
  const a = load<u32>(H_FRAME_A) + (first << 2);
  const columnB = load<u32>(H_FRAME_B) + (first << 2);
  const columnC = load<u32>(H_FRAME_C) + (first << 2);
  const columnD = load<u32>(H_FRAME_D) + (first << 2);
  const bytes = n << 2;
  let at: u32 = 0;
  if (n >= 4) {
    const steps = i32x4(0, 1, 2, 3);
    let frames = i32x4.add(i32x4.splat(first), steps);
    let back = i32x4.add(i32x4.splat(d), steps);
    for (; at + 16 <= bytes; at += 16) {
      v128.store(a + at, i32x4.splat(1));
      v128.store(columnB + at, i32x4.splat(b));
      v128.store(columnC + at, i32x4.splat(c));
      v128.store(columnD + at, back);
      v128.store(slots + at, frames);
      frames = i32x4.add(frames, i32x4.splat(4));
      back = i32x4.add(back, i32x4.splat(4));
    }
  }
  for (; at < bytes; at += 4) {
    store<u32>(a + at, 1);
    store<u32>(columnB + at, b);
    store<u32>(columnC + at, c);
    store<u32>(columnD + at, d + (at >> 2));
    store<u32>(slots + at, first + (at >> 2));
  }
}

/** The same from the list of free frames, as far as it goes. */
function takeEach(vmo: u32, key: u64, n: u32, slots: u32, queue: u32): void {
  for (let j: u32 = 0; j < n; j++) {
    const at = slots + (j << 2);
    const joins = isChild(load<u32>(at)) ? queueOfCopy(queue) : queue;
    store<u32>(at, takeFrame(vmo, key + j, joins));
  }
}

/** Where a copy goes when a page made of nothing would go to `queue`. */
function queueOfCopy(queue: u32): u32 { return queue == Q_ZERO_FORK ? Q_ANONYMOUS : queue; }

/** A frame for a page of a VMO, with its way back. Counters of states are the caller's. */
function takeFrame(vmo: u32, key: u64, queue: u32): u32 {
  const frame = frameTake();
  nameFrame(vmo, key, frame, queue);
  queueAdd(queue, 1);
  return frame;
}

/** Takes the frame at the bump mark, as `takeFrame` does. All counters are the caller's. */
// @ts-ignore: decorator
@inline
export function takeBumped(vmo: u32, key: u64, frame: u32, queue: u32): void {
  store<u32>(H_FRAME_BUMP, frame + 1);
  nameFrame(vmo, key, frame, queue);
}

// @ts-ignore: decorator
@inline
export function nameFrame(vmo: u32, key: u64, frame: u32, queue: u32): void {
  const family = load<u32>(vmo + V_FAMILY);
  store<u32>(frameA(frame), 1);
  store<u32>(frameB(frame), wordB(key, queue));
  store<u32>(frameC(frame), family & 0xfff);
  store<u32>(frameD(frame), wordD(family, key));
}

function wordB(key: u64, queue: u32): u32 {
  return ST_OBJECT | queue << B_QUEUE_SHIFT | (<u32>(key >> 22) << B_KEY_SHIFT);
}
function wordD(family: u32, key: u64): u32 { return family >> 12 << 22 | (<u32>key & 0x3fffff); }

/** `commitPlain` where some pages are there: own ones stay, shared ones are replaced. */
function commitMixed(vmo: u32, key: u64, n: u32, leaf: u32, queue: u32): u32 {
  const header = headerOf(leaf);
  const first = <u32>key & 31;
  const columnA = load<u32>(H_FRAME_A);
  let mask = load<u32>(header + NH_MASK);
  let added: u32 = 0;
  let taken: i32 = 0;
  for (let i = first; i < first + n; i++) {
    const at = leaf + (i << 2);
    const slot = load<u32>(at);
    let joins = queue;
    if (!isChild(slot)) added++;
    else {
      joins = queueOfCopy(queue);
      if ((mask >> i & 1) == 0) continue;
      mask &= ~(1 << i);
      const refs = load<u32>(columnA + (slot << 2));
      if ((refs & A_REF_MASK) == 1) continue;
      store<u32>(columnA + (slot << 2), refs - 1);
    }
    store<u32>(at, takeFrame(vmo, key + (i - first), joins));
    taken++;
  }
  store<u32>(header + NH_MASK, mask);
  stateAdd(ST_FREE, -taken);
  stateAdd(ST_OBJECT, taken);
  return added;
}

/** Any run: contents are copied, live parents looked into, other mappings told. */
function commitWatched(
  vmo: u32, key: u64, n: u32, leaf: u32, borrowed: u32, mapping: u32, queue: u32
): u32 {
  const header = headerOf(leaf);
  const first = <u32>key & 31;
  const live = load<u32>(vmo + V_PARENT) != 0 ? load<u64>(vmo + V_LIMIT) : 0;
  const watched = load<u32>(vmo + V_MAP_COUNT) > u32(mapping != 0) || load<u32>(vmo + V_CHILD) != 0;
  let mask = load<u32>(header + NH_MASK);
  let added: u32 = 0;
  let taken: i32 = 0;
  for (let j: u32 = 0; j < n; j++) {
    const i = first + j;
    const at = leaf + (i << 2);
    const slot = load<u32>(at);
    let source: u32 = 0;
    if (!isChild(slot)) {
      added++;
      if (slot == 0 && key + j < live) source = seenFrame(vmo, key + j);
    } else {
      source = slot;
      if (borrowed == 0) {
        if ((mask >> i & 1) == 0) continue;
        mask &= ~(1 << i);
        const refs = load<u32>(frameA(slot));
        if ((refs & A_REF_MASK) == 1) continue;
        store<u32>(frameA(slot), refs - 1);
      }
    }
    const frame = takeFrame(vmo, key + j, source == 0 ? queue : queueOfCopy(queue));
    taken++;
    store<u32>(at, frame);
    if (source != 0) copyContent(source, frame);
    if (watched && (source != 0 || zeroMayBeMapped(vmo))) dropOthers(vmo, key + j, mapping);
  }
  store<u32>(header + NH_MASK, mask);
  stateAdd(ST_FREE, -taken);
  stateAdd(ST_OBJECT, taken);
  return added;
}

/** Gives `frame` a copy of what `source` contains, if it contains anything. */
function copyContent(source: u32, frame: u32): void {
  const from = load<u32>(load<u32>(H_FRAME_C) + (source << 2)) >> 12;
  if (from == 0) return;
  const to = contentOf(frame, false);
  if (to == 0) unreachable(); // was to be reserved: rather stop than write over address 0
  memory.copy(to, from << 12, PAGE_BYTES);
}

/**
 * Address of a frame's 4 KiB content, made on demand (zeroed if `clean`); 0 when memory is
 * exhausted.
 */
export function contentOf(frame: u32, clean: bool): u32 {
  const c = load<u32>(H_FRAME_C) + (frame << 2);
  const word = load<u32>(c);
  if (word >> 12 != 0) return word >> 12 << 12;
  const slot = poolAlloc(POOL_CONTENT);
  if (slot == 0) return 0;
  if (clean) memory.fill(slot, 0, PAGE_BYTES);
  store<u32>(c, slot | word);
  store<u32>(H_CONTENTS, load<u32>(H_CONTENTS) + 1);
  return slot;
}
