/**
 * Builders' doors: frames, page lists and page tables of a system that was recorded elsewhere.
 */
import {
  A_REF_MASK, AS_PRESENT, B_ALIAS, B_QUEUE_SHIFT, FANOUT, H_ALIASES, H_FRAMES, H_FRAME_BUMP, H_PATH,
  M_ASPACE, M_BASE, M_PERMS, M_VMO, NH_MASK, NO_MEMORY, PERM_EXECUTE, PTE_A, PTE_P, PTE_SHIFT,
  PTE_W, PTE_X, Q_ANONYMOUS, ST_FREE, ST_OBJECT, T_COUNT, V_HEIGHT,
} from "./layout";
import {
  frameA, frameB, frameC, frameD, frameDrop, freeFrames, queueAdd, stateAdd,
} from "./frames";
import { headerOf, isChild } from "./nodes";
import { ready, reserveNodes, reserveTables } from "./reserve";
import { entrySet, makeRoom } from "./tables";
import { exclusiveLeaf, pathBit, settlePath } from "./tree";
import { noteZeroMapped, vmoBase } from "./vmos";
import { needTable } from "./walk";

/**
 * Takes `n` free frames, state OBJECT, without a reference: the first one's number; they follow one
 * another on a system that has freed none. NO_MEMORY otherwise.
 */
export function framesCreate(n: u32): i32 {
  const first = load<u32>(H_FRAME_BUMP);
  if (n > freeFrames() || n > load<u32>(H_FRAMES) - first) return NO_MEMORY;
  store<u32>(H_FRAME_BUMP, first + n);
  for (let frame = first; frame < first + n; frame++) {
    store<u32>(frameA(frame), 0);
    store<u32>(frameB(frame), ST_OBJECT | Q_ANONYMOUS << B_QUEUE_SHIFT);
    store<u32>(frameC(frame), 0);
    store<u32>(frameD(frame), 0);
  }
  stateAdd(ST_FREE, -<i32>n);
  stateAdd(ST_OBJECT, n);
  queueAdd(Q_ANONYMOUS, n);
  return <i32>first;
}

/** Sets flag bits (hugetlb, anonymous, shared memory) of a frame. */
export function frameFlag(frame: u32, flags: u32): void {
  store<u32>(frameB(frame), load<u32>(frameB(frame)) | flags);
}

/**
 * Puts frames into a VMO's list, `n` from `page` on; 0 in the list leaves a page as it is. A frame
 * gains a reference for each place; the second place makes it an alias if `alias` says so, else
 * only shared.
 */
export function vmoInsert(vmo: u32, page: f64, list: u32, n: u32, alias: u32): i32 {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  if (n == 0) return 0;
  if (!ready() || !reserveNodes(n, lo + n)) return NO_MEMORY;
  for (let i: u32 = 0; i < n;) {
    const key = lo + i;
    const run = min<u32>(n - i, FANOUT - (<u32>key & (FANOUT - 1)));
    insertRun(v, key, list + (i << 2), run, alias != 0);
    i += run;
  }
  return 0;
}

function insertRun(v: u32, key: u64, list: u32, run: u32, alias: bool): void {
  let any: u32 = 0;
  for (let j: u32 = 0; j < run; j++) any |= load<u32>(list + (j << 2));
  if (any == 0) return;
  const leaf = exclusiveLeaf(v, key);
  const header = headerOf(leaf);
  let mask = load<u32>(header + NH_MASK);
  let added: i32 = 0;
  for (let j: u32 = 0; j < run; j++) {
    const frame = load<u32>(list + (j << 2));
    if (frame == 0) continue;
    const i = (<u32>key & 31) + j;
    const at = leaf + (i << 2);
    const old = load<u32>(at);
    if (isChild(old)) {
      if (old == frame) continue;
      frameDrop(old);
    } else added++;
    store<u32>(at, frame);
    const refs = load<u32>(frameA(frame));
    store<u32>(frameA(frame), refs + 1);
    if ((refs & A_REF_MASK) != 0) {
      if (alias) {
        store<u32>(frameB(frame), load<u32>(frameB(frame)) | B_ALIAS);
        store<u32>(H_ALIASES, load<u32>(H_ALIASES) + 1);
      }
    }
    mask |= 1 << i; // another place may follow: conservative until a pass looks
  }
  store<u32>(header + NH_MASK, mask);
  const height = <u32>load<u8>(v + V_HEIGHT);
  settlePath(height, added);
  markPath(height);
}

/** Sets the mask bits of the last path (a reference was added sideways below it). */
function markPath(height: u32): void {
  for (let level: u32 = 2; level <= height; level++) {
    const mask = headerOf(load<u32>(H_PATH + (level << 2))) + NH_MASK;
    store<u32>(mask, load<u32>(mask) | pathBit(level));
  }
}

export const NO_ENTRY: u32 = 0xffffffff;

/**
 * Writes page-table entries for `n` pages of a mapping from its page `first` on: a frame number, 0
 * for the zero page, NO_ENTRY for none. NO_MEMORY when tables or their frames run out.
 */
export function entriesInstall(mapping: u32, first: f64, list: u32, n: u32, writable: u32): i32 {
  const m = mapping << 4;
  const aspace = load<u32>(m + M_ASPACE);
  const vpn = load<u64>(m + M_BASE) + <u64>first;
  if (!ready() || !reserveTables(n, n) || freeFrames() < (n >> 9) + 8) return NO_MEMORY;
  const flags = PTE_P | PTE_A | (writable != 0 ? PTE_W : 0)
    | ((load<u32>(m + M_PERMS) & PERM_EXECUTE) != 0 ? PTE_X : 0);
  let added: u32 = 0;
  for (let i: u32 = 0; i < n;) {
    const at = vpn + i;
    const run = min<u32>(n - i, 512 - (<u32>at & 511));
    let some: u32 = 0;
    for (let j: u32 = 0; j < run; j++) some += u32(load<u32>(list + ((i + j) << 2)) != NO_ENTRY);
    if (some != 0) {
      const table = needTable(aspace, at, true);
      makeRoom(table, some);
      const before = load<u16>(table + T_COUNT);
      for (let j: u32 = 0; j < run; j++) {
        const frame = load<u32>(list + ((i + j) << 2));
        if (frame != NO_ENTRY) entrySet(table, (<u32>at & 511) + j, frame << PTE_SHIFT | flags);
        if (frame == 0) noteZeroMapped(load<u32>(m + M_VMO));
      }
      added += load<u16>(table + T_COUNT) - before;
    }
    i += run;
  }
  store<u32>(aspace + AS_PRESENT, load<u32>(aspace + AS_PRESENT) + added);
  return 0;
}
