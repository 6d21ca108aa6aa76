/**
 * Weights in a pass: how many viewers reach a node or a frame.
 *
 * A node's weight, mark and sums are columns of its chunk; they count only while the chunk carries
 * the number of the running pass, so nothing is cleared that no pass touched. Frame weights are one
 * column; blocks of 4096 that a pass dirtied are cleared when the next begins.
 *
 * I1. Weights are added (policies exact, attributed) or the smallest wins (classic, creation
 *     numbers).
 * I2. With `parallel` every update is atomic and integer, so any number of workers gives the same.
 */
import {
  CHUNK_BYTES, FANOUT, FANOUT_BITS, H_DIRTY, H_FRAMES, H_FRAME_WEIGHT, H_NODE_CHUNKS, H_PASS,
  H_WEIGHT_MODE, NC_MARK, NC_NEXT, NC_PASS, NC_WEIGHT, NODES_PER_CHUNK,
} from "./layout";
import { chunkAlloc } from "./heap";
import { columnOf, isChild, nodeOf } from "./nodes";
import { firstIndex } from "./tree";
import { shareTableReady } from "./shares";

export const MODE_SUM: u32 = 0;
export const MODE_LEAST: u32 = 1;
/**
 * Two counters in one word: | mappers 16 | handle holders 16 |; pages nobody maps are the holders'.
 */
export const MODE_HELD: u32 = 2;

/** Number of owners that a weight stands for; in MODE_HELD of pages that are only held. */
export function ownersOf(weight: u32, held: bool): u32 {
  if (!held) return weight;
  return weight >> 16 == 0 ? weight : 0;
}

/** Starts a pass; false when there is no memory for its scratch. */
export function passBegin(mode: u32): bool {
  if (load<u32>(H_FRAME_WEIGHT) == 0) {
    const frames = load<u32>(H_FRAMES);
    const column = chunkAlloc(<u32>((<u64>frames * 4 + CHUNK_BYTES - 1) / CHUNK_BYTES));
    const dirty = chunkAlloc((frames >> 12) / CHUNK_BYTES + 1);
    if (column == 0 || dirty == 0) return false;
    store<u32>(H_FRAME_WEIGHT, column);
    store<u32>(H_DIRTY, dirty);
    memory.fill(dirty, 0, (frames >> 12) + 1);
    // more than one chunk comes from fresh memory; a single one may be used
    if (frames << 2 <= CHUNK_BYTES) memory.fill(column, 0, frames << 2);
  }
  if (!shareTableReady()) return false;
  clearDirty();
  store<u32>(H_PASS, load<u32>(H_PASS) + 1);
  store<u32>(H_WEIGHT_MODE, mode);
  return true;
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

/** Makes a node's chunk part of the pass. */
export function touch(node: u32): void {
  const chunk = node & ~(CHUNK_BYTES - 1);
  if (load<u32>(chunk + NC_PASS) != load<u32>(H_PASS)) enter(chunk);
}

function enter(chunk: u32): void {
  memory.fill(chunk + NC_WEIGHT, 0, NODES_PER_CHUNK << 2);
  memory.fill(chunk + NC_MARK, 0, NODES_PER_CHUNK << 2);
  store<u32>(chunk + NC_PASS, load<u32>(H_PASS));
}

/** Makes every chunk of the heights up to `top` part of the pass, before workers share it. */
export function enterAll(top: u32): void {
  for (let h: u32 = 1; h <= top; h++) {
    for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT)) {
      if (load<u32>(c + NC_PASS) != load<u32>(H_PASS)) enter(c);
    }
  }
}

/** True when the pass reaches this node or something below it by a mark. */
export function reached(node: u32): bool {
  const chunk = node & ~(CHUNK_BYTES - 1);
  if (load<u32>(chunk + NC_PASS) != load<u32>(H_PASS)) return false;
  return (load<u32>(columnOf(node, NC_WEIGHT)) | load<u32>(columnOf(node, NC_MARK))) != 0;
}

export function weightOf(node: u32): u32 {
  const chunk = node & ~(CHUNK_BYTES - 1);
  return load<u32>(chunk + NC_PASS) == load<u32>(H_PASS) ? load<u32>(columnOf(node, NC_WEIGHT)) : 0;
}

export function markOf(node: u32): u32 {
  const chunk = node & ~(CHUNK_BYTES - 1);
  return load<u32>(chunk + NC_PASS) == load<u32>(H_PASS) ? load<u32>(columnOf(node, NC_MARK)) : 0;
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
  touch(node);
  weigh(columnOf(node, NC_WEIGHT), weight, load<u32>(H_WEIGHT_MODE) == MODE_LEAST, false);
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
  touch(node);
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  const mark = columnOf(node, NC_MARK);
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    const child = load<u32>(node + (i << 2));
    if (!isChild(child)) continue;
    store<u32>(mark, load<u32>(mark) | (1 << i));
    injectRange(child, height - 1, at, lo, hi, weight);
  }
}
