/**
 * The audit's part for page tables: every table of every address space is walked, so it costs what
 * is present, however much is mapped.
 */
import {
  AS_NEXT, AS_PRESENT, AS_ROOT, AS_TABLES, CLASS_DENSE, H_ASPACES, H_OUT, H_TLB, H_TLB_EPOCH,
  H_WALKS, M_KEY, M_PERMS, M_VMO, PERM_EXECUTE, PERM_WRITE, PTE_P, PTE_SHIFT, PTE_W, PTE_X,
  TLB_MASK, T_BITMAP, T_CLASS, T_COUNT, T_DATA, T_LEVEL, WALKS_MASK,
} from "./layout";
import {
  broken, BROKEN_ENTRY, BROKEN_LOOK_ASIDE, BROKEN_PRESENT, BROKEN_TABLE, BROKEN_WRITABLE,
} from "./audit";
import { findMapping, mappingBase } from "./mappings";
import { isOwn } from "./reserve";
import { entryGet, TABLE_MASK } from "./tables";
import { findLeaf } from "./tree";
import { seenFrame, vmoHeight, vmoRoot } from "./vmos";

// while an address space is walked: entries and tables met so far
const MET_ENTRIES: u32 = H_OUT + 16;
const MET_TABLES: u32 = H_OUT + 20;

/** Tables hold what they count, entries lead to the right pages, and nothing stale is kept. */
export function auditTables(): i32 {
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    store<u32>(MET_ENTRIES, 0);
    store<u32>(MET_TABLES, 0);
    const root = load<u32>(a + AS_ROOT);
    const result = root == 0 ? 0 : auditTable(a, root, 4, 0, true);
    if (result != 0) return result;
    const present = load<u32>(a + AS_PRESENT);
    const entries = load<u32>(MET_ENTRIES);
    if (present != entries) return broken(BROKEN_PRESENT, a, present, entries);
    const tables = load<u32>(a + AS_TABLES);
    const met = load<u32>(MET_TABLES);
    if (tables != met) return broken(BROKEN_TABLE, a, tables, met);
  }
  return auditLookAside();
}

function auditTable(a: u32, table: u32, level: u32, base: u64, writable: bool): i32 {
  store<u32>(MET_TABLES, load<u32>(MET_TABLES) + 1);
  if (<u32>load<u8>(table + T_LEVEL) != level) {
    return broken(BROKEN_TABLE, table, load<u8>(table + T_LEVEL), level);
  }
  const step = <u64>1 << ((level - 1) * 9);
  let entries: u32 = 0;
  for (let i: u32 = 0; i < 512; i++) {
    const entry = entryGet(table, i);
    if (entry == 0) continue;
    entries++;
    const at = base + <u64>i * step;
    const open = writable && (entry & PTE_W) != 0;
    const result = level == 1
      ? auditEntry(a, at, entry, open)
      : auditTable(a, entry & TABLE_MASK, level - 1, at, open);
    if (result != 0) return result;
  }
  const count = <u32>load<u16>(table + T_COUNT);
  if (count != entries || count == 0) return broken(BROKEN_TABLE, table, count, entries);
  if (<u32>load<u8>(table + T_CLASS) != CLASS_DENSE && bitsOf(table) != entries) {
    return broken(BROKEN_TABLE, table, bitsOf(table), entries);
  }
  if (level == 1) store<u32>(MET_ENTRIES, load<u32>(MET_ENTRIES) + entries);
  return 0;
}

function bitsOf(table: u32): u32 {
  const data = load<u32>(table + T_DATA);
  let bits: u64 = 0;
  for (let w: u32 = 0; w < T_BITMAP; w += 8) bits += popcnt(load<u64>(data + w));
  return <u32>bits;
}

/**
 * An entry stands in a mapping that allows what it does, and leads to the page that the VMO has, or
 * to the zero page where it has none. One that can be written through is for a page that the VMO's
 * list alone holds.
 */
function auditEntry(a: u32, vpn: u64, entry: u32, writable: bool): i32 {
  if ((entry & PTE_P) == 0) return broken(BROKEN_ENTRY, <u32>vpn, entry, entry | PTE_P);
  const m = findMapping(a, vpn);
  if (m == 0) return broken(BROKEN_ENTRY, <u32>vpn, entry >> PTE_SHIFT, 0);
  const perms = load<u32>(m + M_PERMS);
  if ((entry & PTE_X) != 0 && (perms & PERM_EXECUTE) == 0) {
    return broken(BROKEN_ENTRY, <u32>vpn, entry, perms);
  }
  const vmo = load<u32>(m + M_VMO);
  const key = load<u64>(m + M_KEY) + (vpn - mappingBase(m));
  const frame = seenFrame(vmo, key);
  if (entry >> PTE_SHIFT != frame) return broken(BROKEN_ENTRY, <u32>vpn, entry >> PTE_SHIFT, frame);
  if (!writable) return 0;
  if ((perms & PERM_WRITE) == 0) return broken(BROKEN_WRITABLE, <u32>vpn, entry, perms);
  const found = findLeaf(vmoRoot(vmo), vmoHeight(vmo), key);
  const i = <u32>key & 31;
  const own = found != 0 && (found & 1) == 0 && load<u32>(found + (i << 2)) == frame
    && frame != 0 && isOwn(found, i, frame);
  return own ? 0 : broken(BROKEN_WRITABLE, <u32>vpn, entry, frame);
}

/**
 * What the look-aside buffers say of this epoch is what a walk finds, but that a permission may be
 * missing there.
 */
function auditLookAside(): i32 {
  const leaves = auditBuffer(H_TLB, TLB_MASK, 1);
  return leaves != 0 ? leaves : auditBuffer(H_WALKS, WALKS_MASK, 2);
}

function auditBuffer(buffer: u32, mask: u32, level: u32): i32 {
  for (let i: u32 = 0; i <= mask; i++) {
    const at = buffer + (i << 4);
    if (load<u32>(at) == 0 || load<u32>(at + 12) != load<u32>(H_TLB_EPOCH)) continue;
    const said = load<u32>(at + 8);
    const found = isAspace(load<u32>(at)) ? walkTo(load<u32>(at), load<u32>(at + 4), level) : 0;
    if (said != found && (said | PTE_W) != found) return broken(BROKEN_LOOK_ASIDE, i, said, found);
  }
  return 0;
}

/** Table of a level, numbered by the pages it spans, | W where all levels above allow writing. */
function walkTo(a: u32, number: u32, bottom: u32): u32 {
  let table = load<u32>(a + AS_ROOT);
  let writable = PTE_W;
  for (let level: u32 = 4; level > bottom && table != 0; level--) {
    const entry = entryGet(table, number >> ((level - 1 - bottom) * 9) & 511);
    writable &= entry;
    table = entry & TABLE_MASK;
  }
  return table == 0 ? 0 : table | writable;
}

function isAspace(record: u32): bool {
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    if (a == record) return true;
  }
  return false;
}
