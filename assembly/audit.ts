/**
 * Self-examination: a check of the invariants that the modules number. Here: page lists, whose
 * references, masks and counts are recounted from the roots.
 */
import {
  A_DIRTY_SHIFT, A_REF_MASK, B_STATE_MASK, FANOUT, FANOUT_BITS, HEIGHT_MAX, H_FRAMES, H_FRAME_BUMP,
  H_NODE_CHUNKS, H_OUT, H_PATH, H_PATH_LEAF, H_PATH_VMO, H_VMOS, NC_HEADERS, NC_NEXT, NC_RECORDS,
  NH_COUNT, NH_MASK, NH_REFS, NODES_PER_CHUNK, NODE_SHIFT, NR_BYTES, NR_MARK, ST_FREE, ST_OBJECT,
  VK_CONTIGUOUS, V_BASE, V_HEIGHT, V_KIND, V_NEXT, V_ROOT, V_SIZE,
} from "./layout";
import { auditLoans } from "./audit-loans";
import { auditQueues } from "./audit-queues";
import { auditRecords, auditStates } from "./audit-records";
import { auditTables } from "./audit-tables";
import { auditStored, seeStored } from "./audit-stored";
import { strayFrame } from "./contiguous";
import { frameA, frameB, frameState } from "./frames";
import { headerOf, isChild, mayHaveStored, nodeOf, nodeRefs, recordOf } from "./nodes";
import { wrongShowing } from "./intervals";
import { pagedFault } from "./pager";
import { isStored } from "./stored";
import { countRange, indexAt } from "./tree";
import { scratchAlloc, scratchFree } from "./account";

export const BROKEN_STATES: i32 = 1;
export const BROKEN_NODE_REFS: i32 = 2;
export const BROKEN_FRAME_REFS: i32 = 3;
export const BROKEN_MASK: i32 = 4;
export const BROKEN_COUNT: i32 = 5;
export const BROKEN_ENTRY: i32 = 6;
export const BROKEN_KEY: i32 = 7;
export const BROKEN_INTERVAL: i32 = 8;
export const BROKEN_RUN: i32 = 9;
export const BROKEN_DIRTY: i32 = 10;
export const BROKEN_STORED: i32 = 11;
export const BROKEN_QUEUE: i32 = 12;
export const BROKEN_FAMILY: i32 = 13;
export const BROKEN_LOAN: i32 = 14;
export const BROKEN_WRITABLE: i32 = 16;
export const BROKEN_PRESENT: i32 = 17;
export const BROKEN_TABLE: i32 = 18;
export const BROKEN_LOOK_ASIDE: i32 = 19;
export const BROKEN_PINS: i32 = 20;
export const BROKEN_CONTENTS: i32 = 21;
export const BROKEN_VMO_REFS: i32 = 22;
export const BROKEN_MAPPING: i32 = 23;
export const BROKEN_PATH: i32 = 24;
export const BROKEN_LAST: i32 = 25;

/**
 * 0, or the number of the first invariant found broken; culprit and numbers at H_OUT. NO_MEMORY as
 * -4.
 */
export function audit(): i32 {
  const states = auditStates();
  if (states != 0) return states;
  const bytes = load<u32>(H_FRAMES) << 2;
  const seen = scratchAlloc(bytes);
  if (seen == 0) return -4;
  memory.fill(seen, 0, bytes);
  clearRecounts();
  let result: i32 = 0;
  for (let v = load<u32>(H_VMOS); v != 0 && result == 0; v = load<u32>(v + V_NEXT)) {
    const wrong = wrongShowing(v);
    if (wrong != 0) {
      result = broken(BROKEN_INTERVAL, v, wrong, 0);
      break;
    }
    const root = load<u32>(v + V_ROOT);
    if (!isChild(root)) continue;
    result = recount(nodeOf(root), <u32>load<u8>(v + V_HEIGHT), seen);
    if (result == 0) result = auditKeys(v, root);
  }
  if (result == 0) result = compareRefs(seen);
  if (result == 0) result = auditStored();
  if (result == 0) result = auditPath();
  if (result == 0) result = auditRecords();
  if (result == 0) result = auditTables();
  if (result == 0) result = auditRuns();
  if (result == 0) result = auditPaged();
  if (result == 0) result = auditQueues();
  if (result == 0) result = auditLoans();
  scratchFree(seen, bytes);
  return result;
}

/** Notes what is broken, at H_OUT. */
export function broken(what: i32, culprit: u32, got: u32, expected: u32): i32 {
  store<u32>(H_OUT, culprit);
  store<u32>(H_OUT + 4, got);
  store<u32>(H_OUT + 8, expected);
  return what;
}

/**
 * Uses the pass columns of every node as room for a recount of references (mark) and a visit flag
 * (weight).
 */
function clearRecounts(): void {
  for (let h: u32 = 1; h <= HEIGHT_MAX; h++) {
    for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT)) {
      memory.fill(c + NC_RECORDS, 0, NODES_PER_CHUNK * NR_BYTES);
    }
  }
}

/** Every page of a VMO's tree lies inside the VMO. */
function auditKeys(v: u32, root: u32): i32 {
  const base = load<u64>(v + V_BASE);
  const height = <u32>load<u8>(v + V_HEIGHT);
  const inside = countRange(root, height, 0, base, base + load<u64>(v + V_SIZE));
  const all = load<u32>(headerOf(nodeOf(root)) + NH_COUNT);
  return inside == all ? 0 : broken(BROKEN_KEY, v, all, <u32>inside);
}

/** The last path, if it is one, is that of a living VMO, and every node on it has one reference. */
function auditPath(): i32 {
  const vmo = load<u32>(H_PATH_VMO);
  if (vmo == 0) return 0;
  let v = load<u32>(H_VMOS);
  while (v != 0 && v != vmo) v = load<u32>(v + V_NEXT);
  if (v == 0) return broken(BROKEN_PATH, vmo, 0, 0);
  const key = load<u64>(H_PATH_LEAF) << FANOUT_BITS;
  let slot = load<u32>(v + V_ROOT);
  for (let h = <u32>load<u8>(v + V_HEIGHT); h > 0; h--) {
    const said = load<u32>(H_PATH + (h << 2));
    if (!isChild(slot) || nodeOf(slot) != said) return broken(BROKEN_PATH, v, said, slot);
    if (nodeRefs(said) != 1) return broken(BROKEN_PATH, said, nodeRefs(said), 1);
    slot = load<u32>(said + (indexAt(key, h) << 2));
  }
  return 0;
}

/** Counts a reference to a node; on the first visit checks it and what is below. */
function recount(node: u32, height: u32, seen: u32): i32 {
  const mark = recordOf(node) + NR_MARK;
  store<u32>(mark, load<u32>(mark) + 1);
  if (load<u32>(mark) > 1) return 0;
  const header = headerOf(node);
  const mask = load<u32>(header + NH_MASK);
  let pages: u32 = 0;
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    const set = (mask >> i & 1) != 0;
    if (!isChild(slot)) {
      if (set) return broken(BROKEN_MASK, node, i, 0);
      if (isStored(slot)) {
        if (height != 1 || !mayHaveStored(node)) return broken(BROKEN_STORED, node, slot, height);
        seeStored(slot);
      }
      continue;
    }
    if (height == 1) {
      pages++;
      const refs = load<u32>(frameA(slot)) & A_REF_MASK;
      if (refs > 1 && !set) return broken(BROKEN_MASK, node, i, refs);
      store<u32>(seen + (slot << 2), load<u32>(seen + (slot << 2)) + 1);
      continue;
    }
    const child = headerOf(nodeOf(slot));
    if (mayHaveStored(nodeOf(slot)) && !mayHaveStored(node)) {
      return broken(BROKEN_STORED, node, i, 0);
    }
    pages += load<u32>(child + NH_COUNT);
    if (!set && (load<u32>(child + NH_REFS) > 1 || load<u32>(child + NH_MASK) != 0)) {
      return broken(BROKEN_MASK, node, i, load<u32>(child + NH_REFS));
    }
    const result = recount(nodeOf(slot), height - 1, seen);
    if (result != 0) return result;
  }
  const count = load<u32>(header + NH_COUNT);
  return pages == count ? 0 : broken(BROKEN_COUNT, node, count, pages);
}

function compareRefs(seen: u32): i32 {
  for (let h: u32 = 1; h <= HEIGHT_MAX; h++) {
    for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT)) {
      for (let n: u32 = 0; n < NODES_PER_CHUNK; n++) {
        const refs = load<u32>(c + NC_HEADERS + (n << 4) + NH_REFS);
        const got = load<u32>(c + NC_RECORDS + n * NR_BYTES + NR_MARK);
        if (refs != got) return broken(BROKEN_NODE_REFS, c + (n << NODE_SHIFT), refs, got);
      }
    }
  }
  for (let f: u32 = 1; f < load<u32>(H_FRAME_BUMP); f++) {
    const state = load<u32>(frameB(f)) & B_STATE_MASK;
    const refs = state == ST_OBJECT ? load<u32>(frameA(f)) & A_REF_MASK : 0;
    const got = load<u32>(seen + (f << 2));
    if (refs != got) return broken(BROKEN_FRAME_REFS, f, refs, got);
    if (got != 0 && state == ST_FREE) return broken(BROKEN_FRAME_REFS, f, state, got);
  }
  return 0;
}

/** Every contiguous VMO has its own frames, in the list or lent out. */
function auditRuns(): i32 {
  for (let v = load<u32>(H_VMOS); v != 0; v = load<u32>(v + V_NEXT)) {
    if (load<u8>(v + V_KIND) != VK_CONTIGUOUS) continue;
    const frame = strayFrame(v);
    if (frame != 0) return broken(BROKEN_RUN, frame, frameState(frame), ST_OBJECT);
  }
  return 0;
}

/** Pages are dirty in VMOs of pagers alone, and there wherever an entry lets them be written. */
function auditPaged(): i32 {
  let dirty: u32 = 0;
  for (let f: u32 = 1; f < load<u32>(H_FRAME_BUMP); f++) {
    if ((load<u32>(frameB(f)) & B_STATE_MASK) != ST_OBJECT) continue;
    dirty += u32(load<u32>(frameA(f)) >> A_DIRTY_SHIFT != 0);
  }
  let counted: u32 = 0;
  for (let v = load<u32>(H_VMOS); v != 0; v = load<u32>(v + V_NEXT)) {
    const fault = pagedFault(v);
    if (fault != 0) return broken(BROKEN_DIRTY, v, fault, 0);
    counted += load<u32>(H_OUT);
  }
  return dirty == counted ? 0 : broken(BROKEN_DIRTY, 0, dirty, counted);
}
