/**
 * Making pages a VMO's own: allocate, or copy what is shared. The write half of every fault.
 *
 * I1. After `commitRun` every page of the run has a frame that only this VMO's tree holds, reached
 *     by nodes that only this tree holds.
 * I2. Other mappings lose entries that led to a page that was replaced.
 * Cost: first touch 4 stores for the frame and one for the slot; a copy one reference count more.
 */
import { poolAlloc } from "./heap";
import {
  A_REF_MASK, B_KEY_SHIFT, H_CONTENTS, H_FRAME_A, H_FRAME_B, H_FRAME_C, H_FRAME_D, NH_MASK,
  PAGE_BYTES, POOL_CONTENT, ST_FREE, ST_OBJECT, V_CHILD, V_FAMILY, V_HEIGHT, V_LIMIT, V_MAP_COUNT,
  V_PARENT,
} from "./layout";
import { frameTake, stateAdd } from "./frames";
import { headerOf, isChild } from "./nodes";
import { exclusiveLeaf, settlePath } from "./tree";
import { seenFrame, zeroMayBeMapped } from "./vmos";
import { dropOthers } from "./mappings";

/**
 * Makes the `n` pages from `key` on (all in one leaf) the VMO's own; returns the leaf. `mapping` is
 * the one whose entries the caller is about to write itself, or 0. Nodes, frames and contents must
 * be spare.
 */
export function commitRun(vmo: u32, key: u64, n: u32, mapping: u32): u32 {
  const leaf = exclusiveLeaf(vmo, key);
  const first = <u32>key & 31;
  const header = headerOf(leaf);
  let mask = load<u32>(header + NH_MASK);
  const live = load<u32>(vmo + V_PARENT) != 0 ? load<u64>(vmo + V_LIMIT) : 0;
  const watched = load<u32>(vmo + V_MAP_COUNT) > u32(mapping != 0) || load<u32>(vmo + V_CHILD) != 0;
  const columnA = load<u32>(H_FRAME_A);
  const columnB = load<u32>(H_FRAME_B);
  const columnC = load<u32>(H_FRAME_C);
  const columnD = load<u32>(H_FRAME_D);
  const family = load<u32>(vmo + V_FAMILY);
  const b = ST_OBJECT | (<u32>(key >> 22) << B_KEY_SHIFT);
  const c = family & 0xfff;
  const d = family >> 12 << 22;
  let added: i32 = 0;
  let taken: i32 = 0;
  for (let j: u32 = 0; j < n; j++) {
    const i = first + j;
    const at = leaf + (i << 2);
    const slot = load<u32>(at);
    let source: u32 = 0;
    if (isChild(slot)) {
      if ((mask >> i & 1) == 0) continue;
      mask &= ~(1 << i);
      const refs = load<u32>(columnA + (slot << 2));
      if ((refs & A_REF_MASK) == 1) continue;
      store<u32>(columnA + (slot << 2), refs - 1);
      source = slot;
    } else {
      added++;
      if (slot == 0 && key + j < live) source = seenFrame(vmo, key + j);
    }
    const frame = frameTake();
    taken++;
    store<u32>(columnA + (frame << 2), 1);
    store<u32>(columnB + (frame << 2), b);
    store<u32>(columnC + (frame << 2), c);
    store<u32>(columnD + (frame << 2), d | (<u32>(key + j) & 0x3fffff));
    store<u32>(at, frame);
    if (source != 0) copyContent(source, frame);
    if (watched && (source != 0 || zeroMayBeMapped(vmo))) dropOthers(vmo, key + j, mapping);
  }
  if (taken != 0) {
    stateAdd(ST_FREE, -taken);
    stateAdd(ST_OBJECT, taken);
  }
  store<u32>(header + NH_MASK, mask);
  if (added != 0 || mask == 0) settlePath(<u32>load<u8>(vmo + V_HEIGHT), added);
  return leaf;
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
