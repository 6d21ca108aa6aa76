/**
 * How many VMOs see each compressed page: counted in the pages' records, which are clear again
 * afterwards. Slow, for the time while a pass runs and no other can begin: else stored-pass.ts.
 */
import { FANOUT, FANOUT_BITS, H_OUT, S_GOING } from "./layout";
import { isChild, mayHaveStored, nodeOf } from "./nodes";
import { anyStored, isStored, storedOf } from "./stored";
import { firstIndex } from "./tree";
import { vmoHeight, vmoRoot } from "./vmos";

export const SEE_COUNT: u32 = 0; // one more sees it
export const SEE_CLEAR: u32 = 1;
// a histogram of what the records say, in cells at `value`: | pages | link |, all 0 before; cells
// that are not empty are linked by their numbers + 1, from what is returned on
export const SEE_TALLY: u32 = 2;

/** Works on the compressed pages of the keys [lo, hi) of a VMO; what TALLY found. */
export function seeStoredKeys(vmo: u32, lo: u64, hi: u64, what: u32, value: u32): u32 {
  store<u32>(H_OUT, 0);
  const root = vmoRoot(vmo);
  if (anyStored() && isChild(root)) see(nodeOf(root), vmoHeight(vmo), 0, lo, hi, what, value);
  return load<u32>(H_OUT);
}

function see(
  node: u32, height: u32, base: u64, lo: u64, hi: u64, what: u32, value: u32
): void {
  if (!mayHaveStored(node)) return;
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    const slot = load<u32>(node + (i << 2));
    if (height > 1) {
      if (isChild(slot)) see(nodeOf(slot), height - 1, at, lo, hi, what, value);
    } else if (isStored(slot)) seeOne(storedOf(slot) + S_GOING, what, value);
  }
}

function seeOne(word: u32, what: u32, value: u32): void {
  const seen = load<u32>(word);
  if (what == SEE_COUNT) store<u32>(word, seen + 1);
  else if (what == SEE_CLEAR) store<u32>(word, 0);
  else tally(value + (seen << 3), seen + 1);
}

function tally(cell: u32, link: u32): void {
  const pages = load<u32>(cell);
  store<u32>(cell, pages + 1);
  if (pages != 0) return;
  store<u32>(cell + 4, load<u32>(H_OUT));
  store<u32>(H_OUT, link);
}
