/**
 * The audit's part for frames, VMOs and mappings: what is counted as it changes is counted again.
 */
import {
  AS_COUNT, AS_INDEX, AS_LAST, AS_NEXT, AS_TABLES, B_PIN_MASK, B_PIN_SHIFT, B_STATE_MASK, H_ASPACES,
  H_CONTENTS, H_FRAMES, H_FRAME_BUMP, H_FRAME_FREE, H_STATES, H_VMOS, M_ASPACE, M_BASE,
  M_PAGES, M_VMO, STATE_COUNT, ST_FREE, ST_LOANED, ST_MMU, ST_OBJECT, ST_ZRAM, V_CHILD, V_FAMILY,
  V_KIN, V_KIN_PREV, V_MAP_COUNT, V_NEXT, V_PARENT, V_PINNED, V_REFS, V_SIB,
} from "./layout";
import {
  broken, BROKEN_CONTENTS, BROKEN_FAMILY, BROKEN_LAST, BROKEN_MAPPING, BROKEN_PINS, BROKEN_STATES,
  BROKEN_VMO_REFS,
} from "./audit";
import { frameB, frameC } from "./frames";
import { firstShowing, nextShowing } from "./intervals";

const ALL: u64 = u64.MAX_VALUE;

function inState(state: u32): u32 { return load<u32>(H_STATES + (state << 2)); }

/**
 * Pages by state, recounted: those of page lists and of page tables frame by frame; those that the
 * kernel took have no frame of their own, so the others must be free by the counters with them.
 */
export function auditStates(): i32 {
  let sum: u32 = 0;
  let nameless: u32 = 0;
  for (let s: u32 = 0; s < STATE_COUNT; s++) {
    sum += inState(s);
    if (s != ST_OBJECT && s != ST_MMU) nameless += inState(s);
  }
  const frames = load<u32>(H_FRAMES) - 1;
  if (sum != frames) return broken(BROKEN_STATES, 0, sum, frames);
  const bump = load<u32>(H_FRAME_BUMP);
  let objects: u32 = 0;
  let tables: u32 = 0;
  let free: u32 = 0;
  let lent: u32 = 0;
  let zram: u32 = 0;
  for (let f: u32 = 1; f < bump; f++) {
    const state = load<u32>(frameB(f)) & B_STATE_MASK;
    objects += u32(state == ST_OBJECT);
    tables += u32(state == ST_MMU);
    free += u32(state == ST_FREE);
    lent += u32(state == ST_LOANED);
    zram += u32(state == ST_ZRAM);
  }
  if (objects != inState(ST_OBJECT)) {
    return broken(BROKEN_STATES, ST_OBJECT, inState(ST_OBJECT), objects);
  }
  let listed: u32 = 0;
  for (let f = load<u32>(H_FRAME_FREE); f != 0 && listed <= free; f = load<u32>(frameC(f))) {
    if (f >= bump || (load<u32>(frameB(f)) & B_STATE_MASK) != ST_FREE) {
      return broken(BROKEN_STATES, f, ST_FREE, load<u32>(frameB(f)) & B_STATE_MASK);
    }
    listed++;
  }
  if (listed != free) return broken(BROKEN_STATES, ST_FREE, listed, free);
  let named: u32 = 0;
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    named += load<u32>(a + AS_TABLES);
  }
  if (tables != named) return broken(BROKEN_STATES, ST_MMU, named, tables);
  const left = free + (load<u32>(H_FRAMES) - bump); // frames for what is free or nameless
  const stated = nameless - lent - zram + (inState(ST_MMU) - tables);
  return left == stated ? 0 : broken(BROKEN_STATES, ST_FREE, stated, left);
}

/** Pins, contents, who holds each VMO, and that families are rings. */
export function auditRecords(): i32 {
  let pins: u32 = 0;
  let contents: u32 = 0;
  for (let f: u32 = 1; f < load<u32>(H_FRAME_BUMP); f++) {
    const b = load<u32>(frameB(f));
    if ((b & B_STATE_MASK) == ST_ZRAM) contents++;
    if ((b & B_STATE_MASK) != ST_OBJECT) continue;
    pins += (b & B_PIN_MASK) >> B_PIN_SHIFT;
    contents += u32(load<u32>(frameC(f)) >> 12 != 0);
  }
  if (contents != load<u32>(H_CONTENTS)) {
    return broken(BROKEN_CONTENTS, 0, load<u32>(H_CONTENTS), contents);
  }
  let pinned: u32 = 0;
  let mapped: u32 = 0;
  for (let v = load<u32>(H_VMOS); v != 0; v = load<u32>(v + V_NEXT)) {
    pinned += load<u32>(v + V_PINNED);
    mapped += load<u32>(v + V_MAP_COUNT);
    const result = auditHolders(v);
    if (result != 0) return result;
    const kin = load<u32>(v + V_KIN);
    const isRing = load<u32>(kin + V_KIN_PREV) == v
      && load<u32>(kin + V_FAMILY) == load<u32>(v + V_FAMILY);
    if (!isRing) return broken(BROKEN_FAMILY, v, kin, load<u32>(kin + V_KIN_PREV));
  }
  if (pinned != pins) return broken(BROKEN_PINS, 0, pinned, pins);
  return auditIndexes(mapped);
}

/** A VMO's mappings and live children are as many as it counts, and know it. */
function auditHolders(v: u32): i32 {
  let maps: u32 = 0;
  for (let m = firstShowing(v, 0, ALL); m != 0; m = nextShowing(m, 0, ALL)) {
    if (load<u32>(m + M_VMO) != v) return broken(BROKEN_MAPPING, m, load<u32>(m + M_VMO), v);
    maps++;
  }
  if (maps != load<u32>(v + V_MAP_COUNT)) {
    return broken(BROKEN_VMO_REFS, v, load<u32>(v + V_MAP_COUNT), maps);
  }
  let children: u32 = 0;
  for (let c = load<u32>(v + V_CHILD); c != 0; c = load<u32>(c + V_SIB)) {
    if (load<u32>(c + V_PARENT) != v) return broken(BROKEN_VMO_REFS, c, load<u32>(c + V_PARENT), v);
    children++;
  }
  // the object's own reference is there or has gone
  const refs = load<u32>(v + V_REFS);
  const known = maps + children;
  return refs == known + 1 || (refs == known && known != 0)
    ? 0 : broken(BROKEN_VMO_REFS, v, refs, known);
}

/**
 * Every mapping stands once in its address space's index, in order, apart from the others, and so
 * does the one that was found last.
 */
function auditIndexes(mapped: u32): i32 {
  let indexed: u32 = 0;
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    let end: u64 = 0;
    let last = load<u32>(a + AS_LAST);
    for (let i: u32 = 0; i < load<u32>(a + AS_COUNT); i++) {
      const m = load<u32>(load<u32>(a + AS_INDEX) + (i << 2));
      if (m == last) last = 0;
      const owner = load<u32>(m + M_ASPACE);
      if (owner != a) return broken(BROKEN_MAPPING, m, owner, a);
      const base = load<u64>(m + M_BASE);
      if (base < end) return broken(BROKEN_MAPPING, m, <u32>base, <u32>end);
      end = base + load<u64>(m + M_PAGES);
      indexed++;
    }
    if (last != 0) return broken(BROKEN_LAST, a, last, 0);
  }
  return indexed == mapped ? 0 : broken(BROKEN_MAPPING, 0, indexed, mapped);
}
