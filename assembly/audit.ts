/**
 * Self-examination: a digest of the whole state, and a check of the invariants that the modules
 * number.
 */
import {
  A_REF_MASK, AS_INDEX, AS_COUNT, AS_NEXT, AS_PRESENT, B_STATE_MASK, FANOUT, H_ASPACES, H_FRAMES,
  H_FRAME_BUMP, H_STATES, H_VMOS, M_BASE, M_KEY, M_PAGES, M_VMO, NH_COUNT, NH_MASK, NH_REFS, PTE_P,
  PTE_SHIFT, STATE_COUNT, ST_OBJECT, V_BASE, V_HEIGHT, V_LIMIT, V_NEXT, V_PARENT, V_ROOT, V_SIZE,
  H_NODE_CHUNKS, NC_NEXT, NODES_PER_CHUNK, NODE_SHIFT, NC_HEADERS, NC_RECORDS, NR_BYTES, NR_MARK,
  HEIGHT_MAX, H_OUT, ST_FREE, VK_CONTIGUOUS, V_KIND,
} from "./layout";
import { strayFrame } from "./contiguous";
import { frameA, frameB, frameC, frameState } from "./frames";
import { headerOf, isChild, nodeOf, recordOf } from "./nodes";
import { wrongShowing } from "./intervals";
import { pteGet } from "./walk";
import { countRange } from "./tree";
import { seenFrame } from "./vmos";
import { scratchAlloc, scratchFree } from "./account";

function mix(hash: u64, value: u64): u64 {
  return (hash ^ value) * 0x100000001b3 ^ hash >> 29;
}

/**
 * Digest of what a program can see of the pages: trees, contents, mappings, entries. At H_OUT as
 * u64.
 */
export function digest(): void {
  let hash: u64 = 0xcbf29ce484222325;
  for (let s: u32 = 0; s < STATE_COUNT; s++) hash = mix(hash, load<u32>(H_STATES + (s << 2)));
  for (let v = load<u32>(H_VMOS); v != 0; v = load<u32>(v + V_NEXT)) {
    hash = mix(mix(hash, load<u64>(v + V_BASE)), load<u64>(v + V_SIZE));
    hash = mix(mix(hash, load<u64>(v + V_LIMIT)), u64(load<u32>(v + V_PARENT) != 0));
    if (isChild(load<u32>(v + V_ROOT)))
      hash = digestNode(hash, nodeOf(load<u32>(v + V_ROOT)), <u32>load<u8>(v + V_HEIGHT));
    else hash = mix(hash, load<u32>(v + V_ROOT));
  }
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    hash = mix(hash, load<u32>(a + AS_PRESENT));
    for (let i: u32 = 0; i < load<u32>(a + AS_COUNT); i++) {
      const m = load<u32>(load<u32>(a + AS_INDEX) + (i << 2));
      hash = mix(mix(hash, load<u64>(m + M_BASE)), load<u64>(m + M_PAGES));
      hash = mix(hash, load<u64>(m + M_KEY));
    }
  }
  store<u64>(H_OUT, hash);
}

function digestNode(start: u64, node: u32, height: u32): u64 {
  let hash = mix(start, load<u32>(headerOf(node) + NH_COUNT));
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (!isChild(slot)) hash = mix(hash, slot);
    else if (height > 1) hash = digestNode(mix(hash, i), nodeOf(slot), height - 1);
    else hash = digestFrame(mix(hash, i), slot);
  }
  return hash;
}

function digestFrame(start: u64, frame: u32): u64 {
  let hash = mix(start, frame);
  const content = load<u32>(frameC(frame)) >> 12 << 12;
  if (content != 0)
    for (let at: u32 = 0; at < 4096; at += 8) hash = mix(hash, load<u64>(content + at));
  return hash;
}

export const BROKEN_STATES: i32 = 1;
export const BROKEN_NODE_REFS: i32 = 2;
export const BROKEN_FRAME_REFS: i32 = 3;
export const BROKEN_MASK: i32 = 4;
export const BROKEN_COUNT: i32 = 5;
export const BROKEN_ENTRY: i32 = 6;
export const BROKEN_KEY: i32 = 7;
export const BROKEN_INTERVAL: i32 = 8;
export const BROKEN_RUN: i32 = 9;

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
  if (result == 0) result = auditEntries();
  if (result == 0) result = auditRuns();
  scratchFree(seen, bytes);
  return result;
}

function broken(what: i32, culprit: u32, got: u32, expected: u32): i32 {
  store<u32>(H_OUT, culprit);
  store<u32>(H_OUT + 4, got);
  store<u32>(H_OUT + 8, expected);
  return what;
}

function auditStates(): i32 {
  let sum: u32 = 0;
  for (let s: u32 = 0; s < STATE_COUNT; s++) sum += load<u32>(H_STATES + (s << 2));
  const frames = load<u32>(H_FRAMES) - 1;
  if (sum != frames) return broken(BROKEN_STATES, 0, sum, frames);
  let objects: u32 = 0;
  for (let f: u32 = 1; f < load<u32>(H_FRAME_BUMP); f++) {
    objects += u32((load<u32>(frameB(f)) & B_STATE_MASK) == ST_OBJECT);
  }
  const counted = load<u32>(H_STATES + (ST_OBJECT << 2));
  return objects == counted ? 0 : broken(BROKEN_STATES, ST_OBJECT, objects, counted);
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

/**
 * Every present entry leads to the page its VMO has there, or to the zero page where there is none.
 */
function auditEntries(): i32 {
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    for (let i: u32 = 0; i < load<u32>(a + AS_COUNT); i++) {
      const m = load<u32>(load<u32>(a + AS_INDEX) + (i << 2));
      const pages = min<u64>(load<u64>(m + M_PAGES), 1 << 16);
      for (let p: u64 = 0; p < pages; p++) {
        const entry = pteGet(a, load<u64>(m + M_BASE) + p);
        if ((entry & PTE_P) == 0) continue;
        const frame = seenFrame(load<u32>(m + M_VMO), load<u64>(m + M_KEY) + p);
        if (entry >> PTE_SHIFT != frame)
          return broken(BROKEN_ENTRY, <u32>p, entry >> PTE_SHIFT, frame);
      }
    }
  }
  return 0;
}
