/**
 * One page written, the common way: straight through, without a call.
 *
 * V8 keeps no register across a call and inlines no function of a module, so a fault made of a
 * dozen small calls costs twice what its work does. What is not common (a table to make, nodes to
 * copy, contents, other mappings) is left to `fault.ts`, before anything is changed.
 *
 * I1. Does what `commitRun` and `entriesSet` do for one page, or nothing: the laws compare them.
 */
import {
  AS_LAST, AS_PRESENT, A_REF_MASK, CLASS_DENSE, FANOUT_BITS, H_CONTENTS, H_FRAME_A, H_FRAME_BUMP,
  H_FRAME_FREE, H_LOW, H_QUEUES, H_PATH, H_PATH_LEAF, H_PATH_VMO, M_BASE, M_KEY, M_PAGES, M_PERMS,
  M_VMO, NH_MASK, PERM_EXECUTE, PERM_WRITE, PTE_A, PTE_D, PTE_P, PTE_SHIFT, PTE_W, PTE_X,
  Q_ANONYMOUS, ST_FREE, ST_OBJECT, T_CLASS, T_COUNT, T_DATA, VF_HIGH_PRIORITY, VK_CONTIGUOUS,
  VK_PAGER, VK_PHYSICAL, V_BASE, V_CHILD, V_HEIGHT, V_MAP_COUNT, V_PARENT, V_ROOT, V_SIZE,
} from "./layout";
import { takeBumped } from "./commit";
import { freeFrames, stateAdd } from "./frames";
import { headerOf, isChild, nodeOf, nodeRefs } from "./nodes";
import { packedPlace, roomOf, TABLE_MASK } from "./tables";
import { beyond, settlePath } from "./tree";

// frames of their own, or pages that join other queues
const OTHER_KINDS: u32 = 1 << VK_PHYSICAL | 1 << VK_CONTIGUOUS | 1 << VK_PAGER;
const COPIES: u32 = H_QUEUES + (Q_ANONYMOUS << 2);
const FRAMES_AMPLE: u32 = 6; // with fewer the slow way counts what tables may need

/**
 * Writes virtual page `vpn`, whose leaf table is `found` (as `findTable` says it). False when it is
 * not as simple as that: nothing has changed then.
 */
export function writeOne(aspace: u32, vpn: u64, found: u32): bool {
  const m = load<u32>(aspace + AS_LAST);
  const perms = load<u32>(m + M_PERMS); // at 0 stand zeros
  if ((perms & found & PERM_WRITE) == 0) return false;
  const page = vpn - load<u64>(m + M_BASE);
  if (page >= load<u64>(m + M_PAGES)) return false;
  const vmo = load<u32>(m + M_VMO);
  const key = load<u64>(m + M_KEY) + page;
  if (key >= load<u64>(vmo + V_BASE) + load<u64>(vmo + V_SIZE)) return false;
  if (notPlain(vmo) != 0 || freeFrames() < FRAMES_AMPLE) return false;
  const table = found & TABLE_MASK;
  const cls = <u32>load<u8>(table + T_CLASS);
  const before = <u32>load<u16>(table + T_COUNT);
  if (cls != CLASS_DENSE) if (before >= roomOf(cls)) return false;
  // down to the leaf, as far as all is this tree's own already
  const height = <u32>load<u8>(vmo + V_HEIGHT);
  const root = load<u32>(vmo + V_ROOT);
  if (!isChild(root)) return false;
  if (beyond(height, key)) return false;
  let leaf = nodeOf(root);
  if (nodeRefs(leaf) != 1) return false;
  store<u32>(H_PATH_VMO, 0); // until it is whole
  let digits = key << (64 - height * FANOUT_BITS);
  for (let path = H_PATH + (height << 2); path > H_PATH + 4; path -= 4) {
    store<u32>(path, leaf);
    const slot = load<u32>(leaf + (<u32>(digits >> (64 - FANOUT_BITS)) << 2));
    digits <<= FANOUT_BITS;
    if (!isChild(slot)) return false;
    leaf = nodeOf(slot);
    if (nodeRefs(leaf) != 1) return false;
  }
  store<u32>(H_PATH + 4, leaf);
  store<u32>(H_PATH_VMO, vmo);
  store<u64>(H_PATH_LEAF, key >> FANOUT_BITS);
  const frame = ownPage(vmo, height, key, leaf);
  if (frame == 0) return false;
  const flags = PTE_P | PTE_A | PTE_W | PTE_D | ((perms & PERM_EXECUTE) != 0 ? PTE_X : 0);
  const i = <u32>vpn & 511;
  const data = load<u32>(table + T_DATA);
  let at = data + (i << 2);
  let after = before;
  if (cls != CLASS_DENSE) {
    at = packedPlace(table, data, i, 1);
    after = load<u16>(table + T_COUNT);
  } else if (load<u32>(at) == 0) {
    after++;
    store<u16>(table + T_COUNT, <u16>after);
  }
  store<u32>(at, frame << PTE_SHIFT | flags);
  if (after != before) store<u32>(aspace + AS_PRESENT, load<u32>(aspace + AS_PRESENT) + 1);
  return true;
}

/** 0: nobody to tell of a new page, nothing to copy, nothing behind an empty slot, no pool low. */
// @ts-ignore: decorator
@inline
function notPlain(vmo: u32): u32 {
  const word = load<u32>(vmo + V_HEIGHT); // height, kind, flags
  return (OTHER_KINDS >> (word >> 8 & 0xff) & 1) | (word >> 16 & VF_HIGH_PRIORITY)
    | (load<u32>(vmo + V_MAP_COUNT) ^ 1)
    | load<u32>(vmo + V_CHILD) | load<u32>(vmo + V_PARENT)
    | load<u32>(H_CONTENTS) | load<u32>(H_LOW) | load<u32>(H_FRAME_FREE);
}

/** The frame at `key`, made the leaf's own; 0 where the slot holds a tag. */
// @ts-ignore: decorator
@inline
function ownPage(vmo: u32, height: u32, key: u64, leaf: u32): u32 {
  const i = <u32>key & 31;
  const at = leaf + (i << 2);
  const slot = load<u32>(at);
  const header = headerOf(leaf);
  const mask = load<u32>(header + NH_MASK);
  const rest = mask & ~(1 << i);
  let added: i32 = 1;
  if (slot != 0) {
    if (!isChild(slot)) return 0;
    if (rest == mask) return slot;
    added = 0;
    const refs = load<u32>(H_FRAME_A) + (slot << 2);
    const count = load<u32>(refs);
    store<u32>(header + NH_MASK, rest);
    if ((count & A_REF_MASK) == 1) {
      if (rest == 0) settlePath(height, 0);
      return slot;
    }
    store<u32>(refs, count - 1);
  }
  const frame = load<u32>(H_FRAME_BUMP);
  // Q_ZERO_FORK where nothing was there, Q_ANONYMOUS for a copy: 0 and 1, and without a choice
  const copies: u32 = 1 - added;
  takeBumped(vmo, key, frame, copies);
  store<u32>(COPIES, load<u32>(COPIES) + copies);
  store<u32>(at, frame);
  stateAdd(ST_FREE, -1);
  stateAdd(ST_OBJECT, 1);
  if (added != 0 || rest == 0) settlePath(height, added);
  return frame;
}
