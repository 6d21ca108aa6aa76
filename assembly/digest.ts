/**
 * A digest of all that a program can see of the pages, or could find out later: frames by state,
 * trees with what their pages contain and their pins, mappings, page tables with every entry.
 *
 * I1. What no program can tell apart gives the same digest: how the host's memory is used, spare
 *     records, masks that are more careful than they need be, and mappings split where nothing
 *     changes from one to the next.
 */
import {
  A_DIRTY_SHIFT, AS_COUNT, AS_INDEX, AS_NEXT, AS_PRESENT, AS_ROOT, AS_TABLES, B_KEY_SHIFT,
  B_QUEUE_MASK, B_QUEUE_SHIFT, FANOUT, H_ASPACES, H_CONTENTS, H_OUT, H_STATES, H_VMOS, M_BASE,
  M_KEY, M_PAGES, M_PERMS, M_VMO, NH_COUNT, PAGE_BYTES, PTE_W, Q_GENERATION, SLOT_STORED,
  STATE_COUNT, S_BYTES, VF_DISCARDED, VF_HIGH_PRIORITY, V_BASE, V_FAMILY, V_FLAGS, V_HEIGHT, V_KIND,
  V_LENT, V_LIMIT, V_NEXT, V_PARENT, V_PINNED, V_ROOT, V_SEQ, V_SIZE, V_TAKEN,
} from "./layout";
import { frameA, frameB, frameC } from "./frames";
import { headerOf, isChild, nodeOf } from "./nodes";
import { ageOf, queueOf } from "./queues";
import { isStored, storedAt, storedOf } from "./stored";
import { entryGet, TABLE_MASK } from "./tables";

function mix(hash: u64, value: u64): u64 {
  return (hash ^ value) * 0x100000001b3 ^ hash >> 29;
}

/** The digest, at H_OUT as u64. */
export function digest(): void {
  let hash: u64 = 0xcbf29ce484222325;
  for (let s: u32 = 0; s < STATE_COUNT; s++) hash = mix(hash, load<u32>(H_STATES + (s << 2)));
  hash = mix(hash, load<u32>(H_CONTENTS));
  for (let v = load<u32>(H_VMOS); v != 0; v = load<u32>(v + V_NEXT)) hash = digestVmo(hash, v);
  for (let a = load<u32>(H_ASPACES); a != 0; a = load<u32>(a + AS_NEXT)) {
    hash = mix(mix(hash, load<u32>(a + AS_PRESENT)), load<u32>(a + AS_TABLES));
    hash = digestMappings(hash, a);
    const root = load<u32>(a + AS_ROOT);
    if (root != 0) hash = digestTable(hash, root, 4);
  }
  store<u64>(H_OUT, hash);
}

function digestVmo(start: u64, v: u32): u64 {
  let hash = mix(mix(start, load<u64>(v + V_BASE)), load<u64>(v + V_SIZE));
  const parent = load<u32>(v + V_PARENT);
  hash = mix(mix(hash, load<u64>(v + V_LIMIT)), parent == 0 ? 0 : load<u32>(parent + V_SEQ));
  hash = mix(mix(hash, load<u32>(v + V_FAMILY)), load<u8>(v + V_KIND));
  const flags = load<u16>(v + V_FLAGS) & <u16>(VF_DISCARDED | VF_HIGH_PRIORITY);
  hash = mix(mix(mix(hash, flags), load<u32>(v + V_LENT)), load<u32>(v + V_TAKEN));
  hash = mix(mix(hash, load<u32>(v + V_SEQ)), load<u32>(v + V_PINNED));
  const root = load<u32>(v + V_ROOT);
  if (root == 0) return mix(hash, 0);
  return digestNode(hash, nodeOf(root), <u32>load<u8>(v + V_HEIGHT));
}

function digestNode(start: u64, node: u32, height: u32): u64 {
  let hash = mix(start, load<u32>(headerOf(node) + NH_COUNT));
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (isStored(slot)) hash = digestStored(mix(hash, SLOT_STORED), storedOf(slot));
    else if (!isChild(slot)) hash = mix(hash, slot);
    else if (height > 1) hash = digestNode(mix(hash, i), nodeOf(slot), height - 1);
    else hash = digestFrame(mix(hash, i), slot);
  }
  return hash;
}

function digestStored(start: u64, record: u32): u64 {
  const bytes = load<u32>(record + S_BYTES);
  const from = storedAt(record);
  let hash = mix(start, bytes);
  for (let at: u32 = 0; at < bytes; at++) hash = mix(hash, load<u8>(from + at));
  return hash;
}

function digestFrame(start: u64, frame: u32): u64 {
  const word = load<u32>(frameB(frame)) & ((1 << B_KEY_SHIFT) - 1); // pins and flags too
  const queue = queueOf(frame);
  const age = queue < Q_GENERATION ? queue : Q_GENERATION | ageOf(queue);
  const state = (word & ~B_QUEUE_MASK) | age << B_QUEUE_SHIFT;
  let hash = mix(mix(start, frame), state);
  hash = mix(hash, load<u32>(frameA(frame)) >> A_DIRTY_SHIFT);
  const content = load<u32>(frameC(frame)) >> 12 << 12;
  if (content != 0)
    for (let at: u32 = 0; at < PAGE_BYTES; at += 8) hash = mix(hash, load<u64>(content + at));
  return hash;
}

/** Mappings in address order; one that only goes on with the one before counts as one with it. */
function digestMappings(start: u64, aspace: u32): u64 {
  let hash = start;
  let before: u32 = 0;
  for (let i: u32 = 0; i < load<u32>(aspace + AS_COUNT); i++) {
    const m = load<u32>(load<u32>(aspace + AS_INDEX) + (i << 2));
    if (before == 0 || !goesOn(before, m)) {
      hash = mix(mix(hash, load<u64>(m + M_BASE)), load<u64>(m + M_KEY));
      hash = mix(mix(hash, load<u32>(m + M_PERMS)), load<u32>(load<u32>(m + M_VMO) + V_SEQ));
    }
    if (i + 1 == load<u32>(aspace + AS_COUNT)
      || !goesOn(m, load<u32>(load<u32>(aspace + AS_INDEX) + ((i + 1) << 2)))) {
      hash = mix(hash, load<u64>(m + M_BASE) + load<u64>(m + M_PAGES));
    }
    before = m;
  }
  return hash;
}

function goesOn(a: u32, b: u32): bool {
  const pages = load<u64>(a + M_PAGES);
  return load<u32>(a + M_VMO) == load<u32>(b + M_VMO)
    && load<u32>(a + M_PERMS) == load<u32>(b + M_PERMS)
    && load<u64>(a + M_BASE) + pages == load<u64>(b + M_BASE)
    && load<u64>(a + M_KEY) + pages == load<u64>(b + M_KEY);
}

function digestTable(start: u64, table: u32, level: u32): u64 {
  let hash = mix(start, level);
  for (let i: u32 = 0; i < 512; i++) {
    const entry = entryGet(table, i);
    if (entry == 0) continue;
    hash = mix(hash, i);
    if (level == 1) hash = mix(hash, entry);
    else hash = digestTable(mix(hash, entry & PTE_W), entry & TABLE_MASK, level - 1);
  }
  return hash;
}
