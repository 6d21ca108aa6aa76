/**
 * How many VMOs see each compressed page: counted in the pages' records, which are clear again
 * afterwards. For figures; a page is shared out as pages are, by its size before it was compressed.
 */
import { FANOUT, FANOUT_BITS, S_GOING } from "./layout";
import { isChild, mayHaveStored, nodeOf } from "./nodes";
import { anyStored, isStored, storedOf } from "./stored";
import { firstIndex } from "./tree";
import { vmoHeight, vmoRoot } from "./vmos";

export const SEE_COUNT: u32 = 0; // one more sees it
export const SEE_FIRST: u32 = 1; // who sees it first keeps it
export const SEE_CLEAR: u32 = 2;
export const SEE_TALLY: u32 = 3; // a histogram of u32 by what the records say

/** Works on the compressed pages of the keys [lo, hi) of a VMO. */
export function seeStoredKeys(vmo: u32, lo: u64, hi: u64, what: u32, value: u32): void {
  const root = vmoRoot(vmo);
  if (anyStored() && isChild(root)) see(nodeOf(root), vmoHeight(vmo), 0, lo, hi, what, value);
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
  else if (what == SEE_FIRST) store<u32>(word, seen == 0 ? value : seen);
  else {
    const tally = value + (seen << 2);
    store<u32>(tally, load<u32>(tally) + 1);
  }
}
