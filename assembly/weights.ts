/**
 * Weights in a pass: how many viewers reach a node or a frame.
 *
 * A node's weight, mark and sums stand in its pass record, which counts only while it carries the
 * number of the running pass: nothing is cleared that no pass touched. Frame weights are one
 * column; blocks of 4096 that a pass dirtied are cleared when the next begins.
 *
 * I1. Weights are added (policies exact, attributed) or the smallest wins (classic, creation
 *     numbers).
 * I2. With `parallel` every update is atomic and integer, so any number of workers gives the same.
 */
import {
  CHUNK_BYTES, FANOUT, FANOUT_BITS, H_CHUNK_PASS, H_DIRTY, H_FRAMES, H_FRAME_WEIGHT, H_PASS,
  H_WEIGHT_MODE, NC_PUSH, NC_RECORDS, NODES_PER_CHUNK, NR_BYTES, NR_MARK, NR_STAMP, NR_WEIGHT,
} from "./layout";
import { chunkFresh } from "./heap";
import { isChild, nodeOf, recordOf } from "./nodes";
import { firstIndex } from "./tree";
import { shareTableReady } from "./shares";

export const MODE_SUM: u32 = 0;
export const MODE_LEAST: u32 = 1;
/**
 * Two counters in one word: | mappers 16 | handle holders 16 |; pages nobody maps are the holders'.
 */
export const MODE_HELD: u32 = 2;

const CHUNK_TABLE_CHUNKS: u32 = 4; // a word for each of 65,536 chunks

/** Number of owners that a weight stands for; in MODE_HELD of pages that are only held. */
export function ownersOf(weight: u32, held: bool): u32 {
  if (!held) return weight;
  return weight >> 16 == 0 ? weight : 0;
}

/** Starts a pass; false when there is no memory for its scratch. */
export function passBegin(mode: u32): bool {
  const frames = load<u32>(H_FRAMES);
  const column = <u32>((<u64>frames * 4 + CHUNK_BYTES - 1) / CHUNK_BYTES);
  if (!placed(H_DIRTY, (frames >> 12) / CHUNK_BYTES + 1)) return false;
  if (!placed(H_FRAME_WEIGHT, column) || !placed(H_CHUNK_PASS, CHUNK_TABLE_CHUNKS)) return false;
  if (!shareTableReady()) return false;
  clearDirty();
  store<u32>(H_PASS, load<u32>(H_PASS) + 1);
  store<u32>(H_WEIGHT_MODE, mode);
  return true;
}

/** Whether a header field has its table of zeros; made on first use, and kept. */
function placed(field: u32, chunks: u32): bool {
  if (load<u32>(field) == 0) store<u32>(field, chunkFresh(chunks));
  return load<u32>(field) != 0;
}

function clearDirty(): void {
  const dirty = load<u32>(H_DIRTY);
  const column = load<u32>(H_FRAME_WEIGHT);
  const blocks = (load<u32>(H_FRAMES) >> 12) + 1;
  for (let b: u32 = 0; b < blocks; b++) {
    if (load<u8>(dirty + b) == 0) continue;
    store<u8>(dirty + b, 0);
    memory.fill(column + (b << 14), 0, min<u32>(16384, (load<u32>(H_FRAMES) - (b << 12)) << 2));
  }
}

/** Makes a node's record part of the pass; returns the record. */
export function touch(node: u32): u32 {
  const record = recordOf(node);
  const pass = load<u32>(H_PASS);
  if (load<u32>(record + NR_STAMP) != pass) enter(record, pass);
  return record;
}

/** Address of the weight that a node pushes to its children, by the node's record. */
export function pushOf(record: u32): u32 {
  const chunk = record & ~(CHUNK_BYTES - 1);
  return chunk + NC_PUSH + ((record - chunk - NC_RECORDS) >> 3);
}

function enter(record: u32, pass: u32): void {
  store<u64>(record + NR_WEIGHT, 0); // the mark too
  store<u32>(record + NR_STAMP, pass);
  store<u32>(pushOf(record), 0);
  store<u32>(load<u32>(H_CHUNK_PASS) + (record >> 16 << 2), pass);
}

/** Makes every node of a chunk part of the pass, before threads share it. */
export function enterChunk(chunk: u32): void {
  const pass = load<u32>(H_PASS);
  const end = chunk + NC_RECORDS + NODES_PER_CHUNK * NR_BYTES;
  for (let record = chunk + NC_RECORDS; record < end; record += NR_BYTES) {
    if (load<u32>(record + NR_STAMP) != pass) enter(record, pass);
  }
}

/** Whether the pass entered any node of a chunk. */
export function entered(chunk: u32): bool {
  return load<u32>(load<u32>(H_CHUNK_PASS) + (chunk >> 16 << 2)) == load<u32>(H_PASS);
}

/** True when the pass reaches this node, or something below it by a mark. */
export function reached(record: u32): bool {
  return load<u32>(record + NR_STAMP) == load<u32>(H_PASS) && load<u64>(record + NR_WEIGHT) != 0;
}

export function weightOf(node: u32): u32 {
  const record = recordOf(node);
  return load<u32>(record + NR_STAMP) == load<u32>(H_PASS) ? load<u32>(record + NR_WEIGHT) : 0;
}

export function markOf(node: u32): u32 {
  const record = recordOf(node);
  return load<u32>(record + NR_STAMP) == load<u32>(H_PASS) ? load<u32>(record + NR_MARK) : 0;
}

/** Combines a weight into a cell. */
export function weigh(at: u32, weight: u32, least: bool, parallel: bool): void {
  if (!least) {
    if (parallel) atomic.add<u32>(at, weight);
    else store<u32>(at, load<u32>(at) + weight);
    return;
  }
  if (!parallel) {
    const old = load<u32>(at);
    if (old == 0 || weight < old) store<u32>(at, weight);
    return;
  }
  let old = atomic.load<u32>(at);
  while (old == 0 || weight < old) {
    const seen = atomic.cmpxchg<u32>(at, old, weight);
    if (seen == old) return;
    old = seen;
  }
}

export function weighFrame(frame: u32, weight: u32, least: bool, parallel: bool): void {
  store<u8>(load<u32>(H_DIRTY) + (frame >> 12), 1);
  weigh(load<u32>(H_FRAME_WEIGHT) + (frame << 2), weight, least, parallel);
}

/** Adds a weight to a whole subtree. */
export function injectNode(node: u32, weight: u32): void {
  weigh(touch(node) + NR_WEIGHT, weight, load<u32>(H_WEIGHT_MODE) == MODE_LEAST, false);
}

/** Adds a weight to what the keys [lo, hi) hold: at the highest nodes that lie inside. */
export function injectRange(
  slot: u32, height: u32, base: u64, lo: u64, hi: u64, weight: u32
): void {
  if (!isChild(slot)) return;
  if (height == 0) {
    weighFrame(slot, weight, load<u32>(H_WEIGHT_MODE) == MODE_LEAST, false);
    return;
  }
  const node = nodeOf(slot);
  if (lo <= base && base + (<u64>1 << (height * FANOUT_BITS)) <= hi) {
    injectNode(node, weight);
    return;
  }
  const mark = touch(node) + NR_MARK;
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    const child = load<u32>(node + (i << 2));
    if (!isChild(child)) continue;
    store<u32>(mark, load<u32>(mark) | (1 << i));
    injectRange(child, height - 1, at, lo, hi, weight);
  }
}
