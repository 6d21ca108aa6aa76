/**
 * Whose page is it: from a frame back to the lists, page tables and runs that it stands in.
 *
 * No way back is kept with a frame, because one that is shared by ten thousand trees would need as
 * many. The nodes are scanned height by height instead: first the leaves that hold the frame, then
 * the nodes that hold one of these, and so on. Each node found is marked in a bitmap, and a tree is
 * descended along marked nodes only. So a shared node is looked at once, however many trees have
 * it.
 *
 *   bitmap | 64 bytes for each chunk of the core, a bit for each 128 bytes of it |
 *
 * I1. A marked node leads to the frame. Free nodes may be marked too; no tree leads to them.
 * I2. Nothing here changes anything but scratch.
 * Cost: the slots of all nodes are read once, 4 bytes for each page that some list has.
 */
import {
  AS_ROOT, CHUNK_BYTES, FANOUT, FANOUT_BITS, HEIGHT_MAX, H_BRK, H_NODE_CHUNKS, H_OUT, NC_NEXT,
  NODE_BYTES, NODES_PER_CHUNK, PTE_P, PTE_SHIFT, T_FRAME, T_LEVEL, V_RUN,
} from "./layout";
import { chunkAlloc, chunksFree } from "./heap";
import { isChild, nodeOf } from "./nodes";
import { entryGet, nextEntry, TABLE_MASK } from "./tables";
import { vmoBase, vmoHeight, vmoRoot } from "./vmos";
import { missingTables } from "./walk";

const BITMAP_BYTES_A_CHUNK: u32 = CHUNK_BYTES / NODE_BYTES / 8;

/** Listing state at H_OUT: | out | room | count |; entries are f64. */
function listBegin(out: u32, room: u32): void {
  store<u32>(H_OUT, out);
  store<u32>(H_OUT + 4, room);
  store<u32>(H_OUT + 8, 0);
}

function listAdd(value: f64): void {
  const count = load<u32>(H_OUT + 8);
  store<u32>(H_OUT + 8, count + 1);
  if (count < load<u32>(H_OUT + 4)) store<f64>(load<u32>(H_OUT) + (count << 3), value);
}

function bitmapChunks(): u32 {
  return (load<u32>(H_BRK) * BITMAP_BYTES_A_CHUNK + CHUNK_BYTES - 1) / CHUNK_BYTES;
}

/**
 * Marks every node that leads to `frame`: address of the bitmap, 0 without room for it; its size in
 * chunks at H_OUT.
 */
export function whoseBegin(frame: u32): u32 {
  const chunks = bitmapChunks() + 1; // the bitmap itself may move the mark up
  const marks = chunkAlloc(chunks);
  if (marks == 0) return 0;
  store<u32>(H_OUT, chunks);
  memory.fill(marks, 0, chunks * CHUNK_BYTES);
  let chunk = load<u32>(H_NODE_CHUNKS + (1 << 2));
  for (; chunk != 0; chunk = load<u32>(chunk + NC_NEXT)) markLeaves(chunk, frame, marks);
  for (let height: u32 = 2; height <= HEIGHT_MAX; height++) {
    chunk = load<u32>(H_NODE_CHUNKS + (height << 2));
    for (; chunk != 0; chunk = load<u32>(chunk + NC_NEXT)) markAbove(chunk, marks);
  }
  return marks;
}

export function whoseEnd(marks: u32, chunks: u32): void { chunksFree(marks, chunks); }

function mark(marks: u32, node: u32): void {
  const at = marks + (node >> 5 << 2);
  store<u32>(at, load<u32>(at) | <u32>1 << (node & 31));
}

function isMarked(marks: u32, node: u32): bool {
  return (load<u32>(marks + (node >> 5 << 2)) >> (node & 31) & 1) != 0;
}

/** Leaves of a chunk that hold the frame, four slots at a time. */
function markLeaves(chunk: u32, frame: u32, marks: u32): void {
  const wanted = i32x4.splat(frame);
  const end = chunk + NODES_PER_CHUNK * NODE_BYTES;
  for (let at = chunk; at < end; at += 16) {
    if (v128.any_true(i32x4.eq(v128.load(at), wanted))) mark(marks, at / NODE_BYTES);
  }
}

/** Nodes of a chunk that hold a marked node. */
function markAbove(chunk: u32, marks: u32): void {
  const end = chunk + NODES_PER_CHUNK * NODE_BYTES;
  const most = load<u32>(H_BRK) * (CHUNK_BYTES / NODE_BYTES); // a free node's slot may be anything
  for (let at = chunk; at < end; at += 4) {
    const slot = load<u32>(at);
    if (isChild(slot) && slot < most && isMarked(marks, slot)) mark(marks, at / NODE_BYTES);
  }
}

/** Pages of a VMO's own list that hold the frame, as f64 at `out`; how many there are. */
export function whosePages(vmo: u32, frame: u32, marks: u32, out: u32, room: u32): u32 {
  const v = vmo << 4;
  listBegin(out, room);
  descend(vmoRoot(v), vmoHeight(v), 0, vmoBase(v), frame, marks);
  return load<u32>(H_OUT + 8);
}

function descend(
  slot: u32, height: u32, base: u64, zero: u64, frame: u32, marks: u32
): void {
  if (!isChild(slot)) return;
  if (height == 0) {
    if (slot == frame) listAdd(<f64>(<i64>(base - zero)));
    return;
  }
  if (!isMarked(marks, slot)) return;
  const node = nodeOf(slot);
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  for (let i: u32 = 0; i < FANOUT; i++) {
    descend(load<u32>(node + (i << 2)), height - 1, base + <u64>i * step, zero, frame, marks);
  }
}

/** Level of the page table that a frame is in an address space, 0 for none; first page at H_OUT. */
export function whoseTable(aspace: u32, frame: u32): u32 {
  const root = load<u32>((aspace << 4) + AS_ROOT);
  return root == 0 ? 0 : findTableFrame(root, 0, frame);
}

function findTableFrame(table: u32, base: u64, frame: u32): u32 {
  const level = <u32>load<u8>(table + T_LEVEL);
  if (load<u32>(table + T_FRAME) == frame) {
    store<f64>(H_OUT, <f64>base);
    return level;
  }
  if (level == 1) return 0;
  const step = <u64>1 << ((level - 1) * 9);
  for (let i = nextEntry(table, 0); i < 512; i = nextEntry(table, i + 1)) {
    const below = entryGet(table, i) & TABLE_MASK;
    const found = findTableFrame(below, base + <u64>i * step, frame);
    if (found != 0) return found;
  }
  return 0;
}

/** How many entries of an address space lead to a frame; 0 is the zero page. */
export function whoseEntries(aspace: u32, frame: u32): u32 {
  const root = load<u32>((aspace << 4) + AS_ROOT);
  return root == 0 ? 0 : countEntries(root, frame);
}

function countEntries(table: u32, frame: u32): u32 {
  const isLeaf = load<u8>(table + T_LEVEL) == 1;
  let count: u32 = 0;
  for (let i = nextEntry(table, 0); i < 512; i = nextEntry(table, i + 1)) {
    const entry = entryGet(table, i);
    if (!isLeaf) count += countEntries(entry & TABLE_MASK, frame);
    else count += u32((entry & PTE_P) != 0 && entry >> PTE_SHIFT == frame);
  }
  return count;
}

/** Page tables that an entry for a virtual page would have to make, 0 to 4. */
export function whoseMissingTables(aspace: u32, vpn: f64): u32 {
  return missingTables(aspace << 4, <u64>vpn);
}

/** First frame of a contiguous VMO's run. */
export function whoseRun(vmo: u32): u32 { return load<u32>((vmo << 4) + V_RUN); }
