/**
 * Nodes of page lists: 32 slots of 32 bits, and a header that stands apart in the node's chunk.
 *
 * A node is named by the byte address of its slots; a slot names it by that address >> 7.
 *   header | references | may-be-shared mask | pages below | link |
 *
 * I1. Bit i of a node's mask is set when the child (node or frame) in slot i may have more than one
 *     reference, or is a node with a mask of its own. Clear means: all below has exactly this
 *     node's viewers. (The design's one bit for each node is `mask != 0`; one bit for each slot
 *     costs the same word, lets a fault clear it again, and lets accounting step over what is
 *     private without reading it.)
 * I2. Clear slots (empty or tagged) have clear mask bits.
 * I3. `pages below` counts frames in the leaves below, with multiplicity.
 */
import { chunkAlloc, poolAt, strictCount, strictRefuses } from "./heap";
import { isStored, storedAdd } from "./stored";
import {
  AUX_STORED, A_REF, CHUNK_BYTES, FANOUT, H_FRAME_A, H_LOW, H_NODE_CHUNKS, H_PENDING, NC_FRESH,
  NC_HEADERS, NC_HEIGHT, NC_NEXT, NC_RECORDS, NH_AUX, NH_BYTES, NH_COUNT, NH_MASK, NH_REFS,
  NH_SHIFT, NODES_PER_CHUNK, NODE_BYTES, NODE_SHIFT, NR_BYTES, POOL_NODE, P_BUMP, P_END, P_FREE,
  P_FRESH, P_KEEP, P_LIVE, P_SPARE, SLOT_TAGS,
} from "./layout";

/** Address of a node's header. */
export function headerOf(node: u32): u32 {
  return (node & ~(CHUNK_BYTES - 1)) + NC_HEADERS
    + ((node & (CHUNK_BYTES - 1)) >> (NODE_SHIFT - NH_SHIFT));
}

/** Address of a node's pass record. */
export function recordOf(node: u32): u32 {
  return (node & ~(CHUNK_BYTES - 1)) + NC_RECORDS
    + ((node & (CHUNK_BYTES - 1)) >> NODE_SHIFT) * NR_BYTES;
}

export function nodeRefs(node: u32): u32 { return load<u32>(headerOf(node) + NH_REFS); }
export function nodeMask(node: u32): u32 { return load<u32>(headerOf(node) + NH_MASK); }
export function nodeCount(node: u32): u32 { return load<u32>(headerOf(node) + NH_COUNT); }
export function nodeHeight(node: u32): u32 {
  return load<u32>((node & ~(CHUNK_BYTES - 1)) + NC_HEIGHT);
}

/** Node in a slot value that is known to hold one. */
export function nodeOf(slot: u32): u32 { return slot << NODE_SHIFT; }
export function slotOf(node: u32): u32 { return node >> NODE_SHIFT; }
export function isChild(slot: u32): bool { return slot - 1 < SLOT_TAGS - 1; }

/** Chunks that `nodeReserve` would take. */
export function chunksForNodes(height: u32, n: u32): u32 {
  const spare = load<u32>(poolAt(POOL_NODE + height) + P_SPARE);
  return spare >= n ? 0 : (n - spare + NODES_PER_CHUNK - 1) / NODES_PER_CHUNK;
}

/** Makes sure that `n` nodes of a height can be had without failing. */
export function nodeReserve(height: u32, n: u32): bool {
  if (ASC_NO_ASSERT == false && strictRefuses(POOL_NODE + height, n)) return false;
  const p = poolAt(POOL_NODE + height);
  while (load<u32>(p + P_SPARE) < n) {
    const chunk = chunkAlloc(1);
    if (chunk == 0) return false;
    const list = H_NODE_CHUNKS + (height << 2);
    store<u32>(chunk + NC_NEXT, load<u32>(list));
    store<u32>(list, chunk);
    store<u32>(chunk + NC_HEIGHT, height);
    memory.fill(chunk + NC_HEADERS, 0, NODES_PER_CHUNK * (NH_BYTES + NR_BYTES + 4));
    store<u32>(chunk + NC_FRESH, load<u32>(p + P_FRESH));
    store<u32>(p + P_FRESH, chunk);
    store<u32>(p + P_SPARE, load<u32>(p + P_SPARE) + NODES_PER_CHUNK);
  }
  return true;
}

/** A node with one reference and unspecified slots. One must be spare. */
function nodeTake(height: u32): u32 {
  const p = poolAt(POOL_NODE + height);
  const spare = load<u32>(p + P_SPARE);
  if (spare == 0) unreachable(); // was to be reserved: rather stop than hand out address 0
  if (ASC_NO_ASSERT == false) strictCount(POOL_NODE + height, -1);
  store<u32>(p + P_SPARE, spare - 1);
  if (spare <= load<u32>(p + P_KEEP)) store<u32>(H_LOW, 1);
  store<u32>(p + P_LIVE, load<u32>(p + P_LIVE) + 1);
  const free = load<u32>(p + P_FREE);
  if (free != 0) {
    store<u32>(p + P_FREE, load<u32>(headerOf(free) + NH_AUX));
    return free;
  }
  let at = load<u32>(p + P_BUMP);
  if (at == load<u32>(p + P_END)) {
    at = load<u32>(p + P_FRESH);
    store<u32>(p + P_FRESH, load<u32>(at + NC_FRESH));
    store<u32>(p + P_END, at + NODES_PER_CHUNK * NODE_BYTES);
  }
  store<u32>(p + P_BUMP, at + NODE_BYTES);
  return at;
}

/** A node with one reference and every slot `fill`. */
export function nodeNew(height: u32, fill: u32): u32 {
  const node = nodeTake(height);
  const v = i32x4.splat(fill);
  for (let i: u32 = 0; i < NODE_BYTES; i += 16) v128.store(node + i, v);
  const h = headerOf(node);
  store<u32>(h + NH_REFS, 1);
  store<u32>(h + NH_MASK, 0);
  store<u32>(h + NH_COUNT, 0);
  store<u32>(h + NH_AUX, 0);
  return node;
}

export function nodeFree(node: u32, height: u32): void {
  const p = poolAt(POOL_NODE + height);
  if (ASC_NO_ASSERT == false) strictCount(POOL_NODE + height, 1);
  const h = headerOf(node);
  store<u32>(h + NH_REFS, 0);
  store<u32>(h + NH_AUX, load<u32>(p + P_FREE));
  store<u32>(p + P_FREE, node);
  store<u32>(p + P_SPARE, load<u32>(p + P_SPARE) + 1);
  store<u32>(p + P_LIVE, load<u32>(p + P_LIVE) - 1);
}

/**
 * A copy of a shared node for one of its holders: the children gain a reference each, the holder's
 * reference moves from the old node to the new one. Both masks gain "every child" (I1).
 *
 * The slots of `replaced` are about to hold something else: what they show here is only borrowed
 * from the old node, without a reference.
 */
export function nodeCopy(old: u32, height: u32, replaced: u32 = 0): u32 {
  const node = nodeTake(height);
  for (let i: u32 = 0; i < NODE_BYTES; i += 16) v128.store(node + i, v128.load(old + i));
  const mask = replaced == ~0 ? 0 : height == 1 ? shareFrames(node, ~replaced) : shareNodes(node);
  const h = headerOf(node);
  const o = headerOf(old);
  store<u32>(h + NH_REFS, 1);
  store<u32>(h + NH_MASK, mask);
  store<u32>(h + NH_COUNT, load<u32>(o + NH_COUNT));
  store<u32>(h + NH_AUX, originOf(old, o) | load<u32>(o + NH_AUX) & AUX_STORED);
  store<u32>(o + NH_MASK, load<u32>(o + NH_MASK) | mask);
  store<u32>(o + NH_REFS, load<u32>(o + NH_REFS) - 1);
  return node;
}

/**
 * One more reference to each frame in the wanted slots of a leaf, a bit for each; and to each
 * compressed page.
 */
function shareFrames(leaf: u32, wanted: u32): u32 {
  const columnA = load<u32>(H_FRAME_A);
  let mask: u32 = 0;
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(leaf + (i << 2));
    if (!isChild(slot) || (wanted >> i & 1) == 0) {
      if (isStored(slot)) storedAdd(slot); // never among the replaced: an access expands it first
      continue;
    }
    mask |= 1 << i;
    const refs = columnA + (slot << 2);
    store<u32>(refs, load<u32>(refs) + A_REF);
  }
  return mask;
}

/** One more reference to each child of an inner node; a bit for each. */
function shareNodes(node: u32): u32 {
  let mask: u32 = 0;
  for (let i: u32 = 0; i < FANOUT; i++) {
    const slot = load<u32>(node + (i << 2));
    if (!isChild(slot)) continue;
    mask |= 1 << i;
    const refs = headerOf(nodeOf(slot)) + NH_REFS;
    store<u32>(refs, load<u32>(refs) + 1);
  }
  return mask;
}

/**
 * What a copy of `old` says it was copied from: the first of a line of copies, while that one
 * lives.
 */
function originOf(old: u32, header: u32): u32 {
  const first = load<u32>(header + NH_AUX) & ~(NODE_BYTES - 1);
  return first != 0 && nodeRefs(first) != 0 ? first : old;
}

/**
 * A node that this one was copied from, or 0. It may have changed since, or be another node of the
 * same height by now: whoever uses it compares the slots.
 */
export function nodeOrigin(node: u32): u32 {
  const origin = load<u32>(headerOf(node) + NH_AUX) & ~(NODE_BYTES - 1);
  return origin != 0 && nodeRefs(origin) != 0 ? origin : 0;
}

/** Bit i: slot i of two nodes differs. */
export function slotsDiffer(a: u32, b: u32): u32 {
  let bits: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) {
    const unlike = i32x4.ne(v128.load(a + (i << 4)), v128.load(b + (i << 4)));
    bits |= <u32>i32x4.bitmask(unlike) << (i << 2);
  }
  return bits;
}

/** Whether a compressed page may stand below a living node. */
export function mayHaveStored(node: u32): bool {
  return (load<u32>(headerOf(node) + NH_AUX) & AUX_STORED) != 0;
}

/** From now on one may. */
export function noteStored(node: u32): void {
  const at = headerOf(node) + NH_AUX;
  store<u32>(at, load<u32>(at) | AUX_STORED);
}

/** Drops one reference to a node; the last puts it on the list that `releaseStep` works off. */
export function nodeDrop(node: u32): void {
  const h = headerOf(node);
  const refs = load<u32>(h + NH_REFS) - 1;
  store<u32>(h + NH_REFS, refs);
  if (refs != 0) return;
  store<u32>(h + NH_AUX, load<u32>(H_PENDING));
  store<u32>(H_PENDING, node);
}
