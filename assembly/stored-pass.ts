/**
 * A pass over compressed pages: as over pages (passes.ts), each distinct node once, so that the
 * cost follows what is stored and not how many see it.
 *
 *   down  node weight -> children with stored slots below; leaves -> records of compressed pages
 *   up    what the records say -> sums of leaves -> sums of nodes
 *
 * A page is shared out by its size before it was compressed. Weights of pages stand in their
 * records (S_GOING), and are clear again at the end; sums stand in the nodes' pass records, where
 * NR_MARK counts the compressed pages below.
 *
 * I1. It is a pass of its own: it begins with `passBegin` when no other is under way.
 * I2. A node that lies whole in a window of some viewer has a weight before its sum is taken.
 */
import {
  FANOUT, FANOUT_BITS, H_MAX_HEIGHT, H_NODE_CHUNKS, H_PASS, H_SHARE_COUNT,
  H_SHARE_TABLE, H_WEIGHT_MODE, NC_NEXT, NC_RECORDS, NODES_PER_CHUNK, NODE_SHIFT, NR_BYTES, NR_MARK,
  NR_PRIVATE, NR_STAMP, NR_SUM, NR_WEIGHT, S_GOING,
} from "./layout";
import { isChild, mayHaveStored, nodeOf, recordOf } from "./nodes";
import { accumulate } from "./readout";
import { shareOf } from "./shares";
import { isStored, storedOf } from "./stored";
import { firstIndex } from "./tree";
import { entered, MODE_LEAST, reached, touch, weigh, weightOf } from "./weights";

/** The node that a slot leads to, if there may be compressed pages below it; else 0. */
function below(slot: u32): u32 {
  if (!isChild(slot)) return 0;
  const node = nodeOf(slot);
  return mayHaveStored(node) ? node : 0;
}

/** Adds a weight to the compressed pages of the keys [lo, hi): at the highest nodes inside. */
export function injectStored(
  slot: u32, height: u32, base: u64, lo: u64, hi: u64, weight: u32
): void {
  const node = height == 0 ? 0 : below(slot);
  if (node == 0) return;
  const least = load<u32>(H_WEIGHT_MODE) == MODE_LEAST;
  const record = touch(node);
  if (lo <= base && base + (<u64>1 << (height * FANOUT_BITS)) <= hi) {
    weigh(record + NR_WEIGHT, weight, least, false);
    return;
  }
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    const child = load<u32>(node + (i << 2));
    if (height > 1) injectStored(child, height - 1, at, lo, hi, weight);
    else if (isStored(child)) weigh(storedOf(child) + S_GOING, weight, least, false);
  }
}

const DOWN: u32 = 0;
const UP: u32 = 1;
const CLEAR: u32 = 2;

/** Both scans: weights down, sums up. */
export function scanStored(): void {
  const top = load<u32>(H_MAX_HEIGHT);
  for (let h = top; h > 0; h--) scanHeight(h, DOWN);
  for (let h: u32 = 1; h <= top; h++) scanHeight(h, UP);
}

/** Ends the pass: the records of compressed pages are clear again. */
export function endStored(): void { scanHeight(1, CLEAR); }

function scanHeight(h: u32, what: u32): void {
  const pass = load<u32>(H_PASS);
  const least = load<u32>(H_WEIGHT_MODE) == MODE_LEAST;
  for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT)) {
    if (!entered(c)) continue;
    for (let n: u32 = 0; n < NODES_PER_CHUNK; n++) {
      const record = c + NC_RECORDS + n * NR_BYTES;
      if (load<u32>(record + NR_STAMP) != pass) continue;
      const node = c + (n << NODE_SHIFT);
      const weight = load<u32>(record + NR_WEIGHT);
      if (what == CLEAR) clearLeaf(node);
      else if (weight == 0) continue;
      else if (what == DOWN) push(node, h, weight, least);
      else if (least) settleLeast(node, record, h, weight);
      else settleSum(node, record, h);
    }
  }
}

function push(node: u32, height: u32, weight: u32, least: bool): void {
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (height == 1) {
      if (isStored(slot)) weigh(storedOf(slot) + S_GOING, weight, least, false);
      continue;
    }
    const child = below(slot);
    if (child != 0) weigh(touch(child) + NR_WEIGHT, weight, least, false);
  }
}

function clearLeaf(node: u32): void {
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (isStored(slot)) store<u32>(storedOf(slot) + S_GOING, 0);
  }
}

function shareFor(owners: u32): v128 {
  return shareOf(owners, load<u32>(H_SHARE_TABLE), load<u32>(H_SHARE_COUNT));
}

/** A node's compressed pages: how many, how many with one viewer, and one viewer's part of them. */
function settleSum(node: u32, record: u32, height: u32): void {
  let sum = i64x2.splat(0);
  let pages: u32 = 0;
  let own: u32 = 0;
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (height == 1) {
      if (!isStored(slot)) continue;
      const viewers = load<u32>(storedOf(slot) + S_GOING);
      sum = i64x2.add(sum, shareFor(viewers));
      own += u32(viewers == 1);
      pages++;
      continue;
    }
    const child = below(slot);
    if (child == 0) continue;
    const result = recordOf(child);
    sum = i64x2.add(sum, v128.load(result + NR_SUM));
    own += load<u32>(result + NR_PRIVATE);
    pages += load<u32>(result + NR_MARK);
  }
  v128.store(record + NR_SUM, sum);
  store<u32>(record + NR_PRIVATE, own);
  store<u32>(record + NR_MARK, pages);
}

/** `classic`: compressed pages below whose smallest creation number is this node's own. */
function settleLeast(node: u32, record: u32, height: u32, weight: u32): void {
  let own: u32 = 0;
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (height == 1) {
      own += u32(isStored(slot) && load<u32>(storedOf(slot) + S_GOING) == weight);
      continue;
    }
    const child = below(slot);
    if (child == 0 || weightOf(child) != weight) continue;
    own += load<u32>(recordOf(child) + NR_PRIVATE);
  }
  store<u32>(record + NR_PRIVATE, own);
}

/** Adds what the keys [lo, hi) of a subtree hold to an accumulator (readout.ts). */
export function readStored(
  slot: u32, height: u32, base: u64, lo: u64, hi: u64, acc: u32
): void {
  const node = height == 0 ? 0 : below(slot);
  if (node == 0) return;
  if (lo <= base && base + (<u64>1 << (height * FANOUT_BITS)) <= hi) {
    const record = recordOf(node);
    if (!reached(record)) return;
    accumulate(acc, v128.load(record + NR_SUM), load<u32>(record + NR_MARK),
      load<u32>(record + NR_PRIVATE), 1);
    return;
  }
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) return;
    const child = load<u32>(node + (i << 2));
    if (height > 1) readStored(child, height - 1, at, lo, hi, acc);
    else if (isStored(child)) {
      const viewers = load<u32>(storedOf(child) + S_GOING);
      accumulate(acc, shareFor(viewers), 1, u64(viewers == 1), 1);
    }
  }
}

/** `classic`: compressed pages of the keys [lo, hi) whose smallest creation number is `seq`. */
export function leastStored(
  slot: u32, height: u32, base: u64, lo: u64, hi: u64, seq: u32
): u32 {
  const node = height == 0 ? 0 : below(slot);
  if (node == 0) return 0;
  if (lo <= base && base + (<u64>1 << (height * FANOUT_BITS)) <= hi) {
    return weightOf(node) == seq ? load<u32>(recordOf(node) + NR_PRIVATE) : 0;
  }
  const step = <u64>1 << ((height - 1) * FANOUT_BITS);
  let total: u32 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const child = load<u32>(node + (i << 2));
    if (height > 1) total += leastStored(child, height - 1, at, lo, hi, seq);
    else total += u32(isStored(child) && load<u32>(storedOf(child) + S_GOING) == seq);
  }
  return total;
}
