/**
 * Pins: pages that must stay where they are. A pin commits and forks, as a write would.
 *
 * I1. A VMO's `pinned` = the sum of the pin counts of its own pages.
 */
import {
  B_PIN_MASK, B_PIN_ONE, H_FRAMES, NO_MEMORY, Q_WIRED, UNAVAILABLE, V_HEIGHT, V_PINNED, V_ROOT,
} from "./layout";
import { commitKeys, reservePages } from "./content";
import { frameB } from "./frames";
import { isChild } from "./nodes";
import { goHome, queueMove } from "./queues";
import { treeGet } from "./tree";
import { vmoBase } from "./vmos";

function frameAt(vmo: u32, key: u64): u32 {
  const slot = treeGet(load<u32>(vmo + V_ROOT), <u32>load<u8>(vmo + V_HEIGHT), key);
  return isChild(slot) ? slot : 0;
}

/** Pins pages [page, page + n): 0, NO_MEMORY, or UNAVAILABLE when one is pinned 31 times. */
export function pin(vmo: u32, page: u64, n: u64): i32 {
  if (n >= <u64>load<u32>(H_FRAMES)) return NO_MEMORY; // more than there could ever be
  const lo = vmoBase(vmo) + page;
  for (let key = lo; key < lo + n; key++) {
    const frame = frameAt(vmo, key);
    if (frame != 0 && (load<u32>(frameB(frame)) & B_PIN_MASK) == B_PIN_MASK) return UNAVAILABLE;
  }
  if (!reservePages(vmo, lo, lo + n)) return NO_MEMORY;
  commitKeys(vmo, lo, lo + n);
  for (let key = lo; key < lo + n; key++) {
    const frame = frameAt(vmo, key);
    const b = frameB(frame);
    store<u32>(b, load<u32>(b) + B_PIN_ONE);
    queueMove(frame, Q_WIRED);
  }
  store<u32>(vmo + V_PINNED, load<u32>(vmo + V_PINNED) + <u32>n);
  return 0;
}

export function unpin(vmo: u32, page: u64, n: u64): void {
  const lo = vmoBase(vmo) + page;
  for (let key = lo; key < lo + n; key++) {
    const frame = frameAt(vmo, key);
    const b = frameB(frame);
    assert((load<u32>(b) & B_PIN_MASK) != 0);
    store<u32>(b, load<u32>(b) - B_PIN_ONE);
    goHome(vmo, frame);
  }
  store<u32>(vmo + V_PINNED, load<u32>(vmo + V_PINNED) - <u32>n);
}
