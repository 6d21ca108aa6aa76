/**
 * The audit's part for loans: the list of frames that wait for a borrower, and that every borrowed
 * frame holds a page that can go at once, where its loan says.
 */
import {
  A_DIRTY_SHIFT, A_REF_MASK, B_NEEDED, B_PIN_MASK, H_FRAME_BUMP, H_LOANED, H_STATES, H_VMOS,
  PAGE_CLEAN, ST_LOANED, ST_OBJECT, VF_HIGH_PRIORITY, VK_CONTIGUOUS, V_FLAGS, V_KIND, V_LENT,
  V_NEXT,
} from "./layout";
import { broken, BROKEN_LOAN } from "./audit";
import { frameA, frameB, frameC, frameD, frameState } from "./frames";
import { borrowedFrames, borrowedKey, borrowerOf, isBorrowed } from "./loans";
import { isPagerRoot } from "./queues";
import { treeGet } from "./tree";
import { vmoHeight, vmoRoot } from "./vmos";

/** What is lent waits on the list or is borrowed, and is as much as the lenders count. */
export function auditLoans(): i32 {
  const waiting = load<u32>(H_STATES + (ST_LOANED << 2));
  let listed: u32 = 0;
  let before: u32 = 0;
  for (let f = load<u32>(H_LOANED); f != 0; f = load<u32>(frameC(f))) {
    if (++listed > waiting) break;
    if (frameState(f) != ST_LOANED) return broken(BROKEN_LOAN, f, frameState(f), ST_LOANED);
    if (load<u32>(frameD(f)) != before) return broken(BROKEN_LOAN, f, load<u32>(frameD(f)), before);
    before = f;
  }
  if (listed != waiting) return broken(BROKEN_LOAN, 0, listed, waiting);
  let borrowed: u32 = 0;
  for (let f: u32 = 1; f < load<u32>(H_FRAME_BUMP); f++) {
    if (!isBorrowed(f)) continue;
    borrowed++;
    if (!mayBeBorrowed(f)) return broken(BROKEN_LOAN, f, load<u32>(frameB(f)), 0);
  }
  if (borrowed != borrowedFrames()) return broken(BROKEN_LOAN, 0, borrowed, borrowedFrames());
  let lent: u32 = 0;
  for (let v = load<u32>(H_VMOS); v != 0; v = load<u32>(v + V_NEXT)) {
    if (load<u8>(v + V_KIND) == VK_CONTIGUOUS) lent += load<u32>(v + V_LENT);
  }
  return lent == waiting + borrowed ? 0 : broken(BROKEN_LOAN, 0, lent, waiting + borrowed);
}

/** A borrowed frame is a clean page of the root that its loan names, and nothing holds it there. */
function mayBeBorrowed(f: u32): bool {
  const a = load<u32>(frameA(f));
  if ((a & A_REF_MASK) != 1 || a >> A_DIRTY_SHIFT != PAGE_CLEAN) return false;
  if (frameState(f) != ST_OBJECT) return false;
  if ((load<u32>(frameB(f)) & (B_PIN_MASK | B_NEEDED)) != 0) return false;
  const wanted = borrowerOf(f);
  let vmo = load<u32>(H_VMOS);
  while (vmo != 0 && vmo != wanted) vmo = load<u32>(vmo + V_NEXT);
  if (vmo == 0 || !isPagerRoot(vmo)) return false;
  if ((load<u16>(vmo + V_FLAGS) & <u16>VF_HIGH_PRIORITY) != 0) return false;
  return treeGet(vmoRoot(vmo), vmoHeight(vmo), borrowedKey(f)) == f;
}
