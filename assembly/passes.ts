/**
 * The two scans of a pass over trees: weights down, sums up, height by height.
 *
 *   down  h = top .. 1   node weight -> children whose mask or mark bit is set; leaves -> frames
 *   up    h = 1 .. top   shares of frames -> leaf sums -> node sums
 *
 * A bit that is clear stops both: everything below has exactly the node's viewers, counted by one
 * multiplication. A bit that is set with nothing shared under it is cleared on the way up.
 *
 * I1. A scan visits only chunks that carry the number of the pass, and in them nodes with weight or
 *     mark.
 * Cost: about 1 ns a slot down and 2 ns up.
 */
import {
  A_REF_MASK, H_FRAME_A, H_FRAME_WEIGHT, H_DIRTY, H_PASS, H_SHARE_COUNT, H_SHARE_TABLE, NC_HEADERS,
  NC_MARK, NC_PASS, NC_PRIVATE, NC_SUM, NC_WEIGHT, NH_COUNT, NH_MASK, NODES_PER_CHUNK, NODE_SHIFT,
  H_WEIGHT_MODE,
} from "./layout";
import { columnOf, headerOf, nodeCount, nodeMask, nodeOf, nodeRefs } from "./nodes";
import { shareOf, shareTimes } from "./shares";
import { MODE_HELD, MODE_LEAST, ownersOf, reached, touch, weigh } from "./weights";

/** Address of a node's sum. */
export function sumOf(node: u32): u32 {
  return (node & ~0xffff) + NC_SUM + ((node & 0xffff) >> NODE_SHIFT << 4);
}

/** Pushes the weights of one chunk's nodes to their children. */
export function downChunk(chunk: u32, height: u32, parallel: bool): void {
  if (load<u32>(chunk + NC_PASS) != load<u32>(H_PASS)) return;
  const least = load<u32>(H_WEIGHT_MODE) == MODE_LEAST;
  const frames = load<u32>(H_FRAME_WEIGHT);
  const dirty = load<u32>(H_DIRTY);
  for (let n: u32 = 0; n < NODES_PER_CHUNK; n++) {
    const weight = load<u32>(chunk + NC_WEIGHT + (n << 2));
    if (weight == 0) continue;
    const mask = load<u32>(chunk + NC_HEADERS + (n << 4) + NH_MASK);
    let bits = mask | load<u32>(chunk + NC_MARK + (n << 2));
    const node = chunk + (n << NODE_SHIFT);
    if (height == 1) {
      for (; bits != 0; bits &= bits - 1) {
        const frame = load<u32>(node + (ctz(bits) << 2));
        store<u8>(dirty + (frame >> 12), 1);
        weigh(frames + (frame << 2), weight, least, parallel);
      }
    } else {
      for (; bits != 0; bits &= bits - 1) {
        const child = nodeOf(load<u32>(node + (ctz(bits) << 2)));
        touch(child);
        weigh(columnOf(child, NC_WEIGHT), weight, least, parallel);
      }
    }
  }
}

/** Sums the shares below every node of one chunk. */
export function upChunk(chunk: u32, height: u32): void {
  if (load<u32>(chunk + NC_PASS) != load<u32>(H_PASS)) return;
  const least = load<u32>(H_WEIGHT_MODE) == MODE_LEAST;
  for (let n: u32 = 0; n < NODES_PER_CHUNK; n++) {
    const weight = load<u32>(chunk + NC_WEIGHT + (n << 2));
    const mark = load<u32>(chunk + NC_MARK + (n << 2));
    if ((weight | mark) == 0) continue;
    const node = chunk + (n << NODE_SHIFT);
    if (least) sumLeast(node, height, weight);
    else if (height == 1) sumLeaf(node, weight, mark);
    else sumUpper(node, weight, mark);
  }
}

function sumLeaf(node: u32, weight: u32, mark: u32): void {
  const header = headerOf(node);
  const mask = load<u32>(header + NH_MASK);
  const frames = load<u32>(H_FRAME_WEIGHT);
  const columnA = load<u32>(H_FRAME_A);
  const table = load<u32>(H_SHARE_TABLE);
  const tableCount = load<u32>(H_SHARE_COUNT);
  const held = load<u32>(H_WEIGHT_MODE) == MODE_HELD;
  let sum = i64x2.splat(0);
  let own: u32 = 0;
  let seen: u32 = 0;
  let clean: u32 = 0;
  for (let bits = mask | mark; bits != 0; bits &= bits - 1) {
    const i = ctz(bits);
    const frame = load<u32>(node + (i << 2));
    const w = load<u32>(frames + (frame << 2));
    const owners = ownersOf(w, held);
    sum = i64x2.add(sum, shareOf(owners, table, tableCount));
    own += u32(owners == 1);
    seen++;
    if (w == weight && (load<u32>(columnA + (frame << 2)) & A_REF_MASK) == 1) clean |= 1 << i;
  }
  const rest = load<u32>(header + NH_COUNT) - seen;
  const owners = ownersOf(weight, held);
  if (rest != 0) sum = i64x2.add(sum, shareTimes(shareOf(owners, table, tableCount), rest));
  if (owners == 1) own += rest;
  if ((clean & mask) != 0) store<u32>(header + NH_MASK, mask & ~clean);
  store<u32>(columnOf(node, NC_PRIVATE), own);
  v128.store(sumOf(node), sum);
}

function sumUpper(node: u32, weight: u32, mark: u32): void {
  const header = headerOf(node);
  const mask = load<u32>(header + NH_MASK);
  const table = load<u32>(H_SHARE_TABLE);
  const tableCount = load<u32>(H_SHARE_COUNT);
  const held = load<u32>(H_WEIGHT_MODE) == MODE_HELD;
  let sum = i64x2.splat(0);
  let own: u32 = 0;
  let seen: u32 = 0;
  let clean: u32 = 0;
  for (let bits = mask | mark; bits != 0; bits &= bits - 1) {
    const i = ctz(bits);
    const child = nodeOf(load<u32>(node + (i << 2)));
    seen += nodeCount(child);
    if (reached(child)) {
      sum = i64x2.add(sum, v128.load(sumOf(child)));
      own += load<u32>(columnOf(child, NC_PRIVATE));
    }
    if (nodeMask(child) == 0 && nodeRefs(child) == 1) clean |= 1 << i;
  }
  const rest = load<u32>(header + NH_COUNT) - seen;
  const owners = ownersOf(weight, held);
  if (rest != 0) sum = i64x2.add(sum, shareTimes(shareOf(owners, table, tableCount), rest));
  if (owners == 1) own += rest;
  if ((clean & mask) != 0) store<u32>(header + NH_MASK, mask & ~clean);
  store<u32>(columnOf(node, NC_PRIVATE), own);
  v128.store(sumOf(node), sum);
}

/** `classic`: pages below whose smallest creation number is this node's own. */
function sumLeast(node: u32, height: u32, weight: u32): void {
  const mask = nodeMask(node);
  const frames = load<u32>(H_FRAME_WEIGHT);
  let own: u32 = 0;
  let seen: u32 = 0;
  for (let bits = mask; bits != 0; bits &= bits - 1) {
    const slot = load<u32>(node + (ctz(bits) << 2));
    if (height == 1) {
      seen++;
      own += u32(load<u32>(frames + (slot << 2)) == weight);
      continue;
    }
    const child = nodeOf(slot);
    seen += nodeCount(child);
    if (load<u32>(columnOf(child, NC_WEIGHT)) == weight)
      own += load<u32>(columnOf(child, NC_PRIVATE));
  }
  store<u32>(columnOf(node, NC_PRIVATE), own + nodeCount(node) - seen);
}
