/**
 * Page lists as persistent radix trees: descend, copy what is shared, count, cut.
 *
 * A tree is (root slot, height): the root is a node of that height, or empty.
 *
 *   height 2            [ . . N . . ]          slot i covers keys i*32 .. i*32+31
 *                             |
 *   height 1            [ f . f f . ]          slot i is the frame of key 2*32+i
 *
 * I1. A node with more than one reference is never changed but for its mask and, in a family sweep,
 *     in place.
 * I2. After `exclusiveLeaf` every node on the path has one reference, and H_PATH holds the path.
 * I3. An operation that adds a reference sideways sets the mask bits of the root path it came down.
 * Cost: a descent is 2 loads a level; a leaf copy 32 reference counts.
 */
import {
  FANOUT, FANOUT_BITS, H_MAX_HEIGHT, H_PATH, H_PATH_LEAF, H_PATH_VMO, H_PENDING, NH_AUX, NH_COUNT,
  NH_MASK, NH_REFS, NODE_BYTES, POOL_NODE, P_KEEP, SLOT_TAG, V_HEIGHT, V_ROOT,
} from "./layout";
import { poolAt } from "./heap";
import {
  headerOf, isChild, mayHaveStored, nodeCopy, nodeCount, nodeDrop, nodeFree, nodeHeight, nodeMask,
  nodeNew, nodeOf, nodeRefs, nodeReserve, noteStored, slotOf,
} from "./nodes";
import { isStored, storedAdd, storedDrop } from "./stored";
import { frameA, frameDrop } from "./frames";

export const KEEP_NODES: u32 = 4;

/** Height of the smallest tree that has a place for `key`. */
export function heightFor(key: u64): u32 {
  return max<u32>(1, (64 + FANOUT_BITS - 1 - <u32>clz(key)) / FANOUT_BITS);
}

/** True when `key` lies outside a tree of this height. */
export function beyond(height: u32, key: u64): bool {
  return key >> (height * FANOUT_BITS) != 0;
}

export function indexAt(key: u64, height: u32): u32 {
  return (<u32>(key >> ((height - 1) * FANOUT_BITS))) & (FANOUT - 1);
}

/**
 * Every height up to `height` keeps spare nodes from now on; false when there is no memory for
 * them.
 */
export function admitHeight(height: u32): bool {
  let have = load<u32>(H_MAX_HEIGHT);
  while (have < height) {
    have++;
    if (!nodeReserve(have, KEEP_NODES + 1)) return false;
    store<u32>(poolAt(POOL_NODE + have) + P_KEEP, KEEP_NODES);
    store<u32>(H_MAX_HEIGHT, have);
  }
  return true;
}

/** The slot value that `key` has in the tree: 0, a frame, or a tag. */
export function treeGet(root: u32, height: u32, key: u64): u32 {
  if (root == 0 || beyond(height, key)) return 0;
  let slot = root;
  for (let h = height; h > 0; h--) {
    slot = load<u32>(nodeOf(slot) + (indexAt(key, h) << 2));
    if (!isChild(slot)) return slot;
  }
  return slot;
}

/** Leaf that holds `key`, or 0; bit 0 of the result says whether the way to it is shared. */
export function findLeaf(root: u32, height: u32, key: u64): u32 {
  if (!isChild(root) || beyond(height, key)) return 0;
  let node = nodeOf(root);
  let shared: u32 = u32(nodeRefs(node) > 1);
  for (let h = height; h > 1; h--) {
    const slot = load<u32>(node + (indexAt(key, h) << 2));
    if (!isChild(slot)) return 0;
    node = nodeOf(slot);
    shared |= u32(nodeRefs(node) > 1);
  }
  return node | shared;
}

/** Puts nodes above the root until the tree has a place for `key`. Nodes must be spare. */
function growTo(vmo: u32, key: u64): void {
  let height = <u32>load<u8>(vmo + V_HEIGHT);
  const root = load<u32>(vmo + V_ROOT);
  if (root == 0) {
    height = max(height, heightFor(key));
    store<u32>(vmo + V_ROOT, slotOf(nodeNew(height, 0)));
    store<u8>(vmo + V_HEIGHT, <u8>height);
    return;
  }
  while (beyond(height, key)) {
    const below = load<u32>(vmo + V_ROOT);
    const node = nodeOf(below);
    const top = nodeNew(++height, 0);
    store<u32>(top, below);
    const h = headerOf(top);
    store<u32>(h + NH_COUNT, nodeCount(node));
    store<u32>(h + NH_MASK, u32(nodeRefs(node) > 1 || nodeMask(node) != 0));
    if (mayHaveStored(node)) noteStored(top);
    store<u32>(vmo + V_ROOT, slotOf(top));
    store<u8>(vmo + V_HEIGHT, <u8>height);
  }
}

/**
 * The leaf for `key`, with every node on the way to it owned by this tree alone. Nodes must be
 * spare: two of each height up to the tree's new one.
 *
 * `replaced`: slots of the leaf that the caller is about to fill anew. If there are any and the
 * leaf had to be copied, bit 0 of the result is set, and what stands in those slots is only
 * borrowed (`nodeCopy`).
 */
export function exclusiveLeaf(vmo: u32, key: u64, replaced: u32 = 0): u32 {
  const known = load<u32>(H_PATH_VMO) == vmo;
  const parted = load<u64>(H_PATH_LEAF) ^ key >> FANOUT_BITS;
  if (known && parted == 0) return load<u32>(H_PATH + 4);
  const height = <u32>load<u8>(vmo + V_HEIGHT);
  if (!known || beyond(height, key)) return descend(vmo, key, replaced);
  // the last path holds down to the node in which the two keys part
  const level = 2 + (63 - <u32>clz(parted)) / FANOUT_BITS;
  return descendFrom(vmo, key, load<u32>(H_PATH + (level << 2)), level, replaced);
}

function descend(vmo: u32, key: u64, replaced: u32): u32 {
  if (!isChild(load<u32>(vmo + V_ROOT)) || beyond(<u32>load<u8>(vmo + V_HEIGHT), key)) {
    growTo(vmo, key);
  }
  const height = <u32>load<u8>(vmo + V_HEIGHT);
  const root = nodeOf(load<u32>(vmo + V_ROOT));
  if (nodeRefs(root) == 1) return descendFrom(vmo, key, root, height, replaced);
  const copy = nodeCopy(root, height, height == 1 ? replaced : 0);
  store<u32>(vmo + V_ROOT, slotOf(copy));
  const leaf = descendFrom(vmo, key, copy, height, replaced);
  return height == 1 && replaced != 0 ? leaf | 1 : leaf;
}

/** The rest of the way, from an exclusive node of some height on. */
function descendFrom(vmo: u32, key: u64, from: u32, height: u32, replaced: u32): u32 {
  let node = from;
  let borrowed: u32 = 0;
  for (let h = height; h > 1; h--) {
    const i = indexAt(key, h);
    store<u32>(H_PATH + (h << 2), node);
    const slot = load<u32>(node + (i << 2));
    if (isChild(slot) && nodeRefs(nodeOf(slot)) == 1) {
      node = nodeOf(slot);
      continue;
    }
    borrowed = u32(replaced != 0 && h == 2 && isChild(slot));
    node = exclusiveChild(node, i, h - 1, h == 2 ? replaced : 0);
  }
  store<u32>(H_PATH + 4, node);
  store<u32>(H_PATH_VMO, vmo);
  store<u64>(H_PATH_LEAF, key >> FANOUT_BITS);
  return node | borrowed;
}

/**
 * Whoever shares nodes, cuts trees or forgets a VMO says so: the last path may be none any more.
 */
export function forgetPath(): void {
  store<u32>(H_PATH_VMO, 0);
}

/**
 * The child in slot `i`, made if there is none, copied if it is shared. The parent is exclusive.
 */
function exclusiveChild(node: u32, i: u32, height: u32, replaced: u32 = 0): u32 {
  const at = node + (i << 2);
  const slot = load<u32>(at);
  if (!isChild(slot)) {
    const made = nodeNew(height, slot);
    store<u32>(at, slotOf(made));
    return made;
  }
  const child = nodeOf(slot);
  if (nodeRefs(child) == 1) return child;
  const copy = nodeCopy(child, height, replaced);
  store<u32>(at, slotOf(copy));
  const m = headerOf(node) + NH_MASK;
  if (nodeMask(copy) != 0) store<u32>(m, load<u32>(m) | (1 << i));
  return copy;
}

/** Mask bit of the slot by which the last path leaves its node of a height. */
export function pathBit(height: u32): u32 {
  const leaf = load<u64>(H_PATH_LEAF);
  return 1 << indexAt(leaf, height - 1);
}

/**
 * After a leaf changed: adds `delta` pages to the counts of the last path, and clears mask bits
 * that stand for a subtree with nothing shared in it any more.
 */
// @ts-ignore: decorator
@inline
export function settlePath(height: u32, delta: i32): void {
  let h = headerOf(load<u32>(H_PATH + 4));
  store<u32>(h + NH_COUNT, load<u32>(h + NH_COUNT) + delta);
  let clean = load<u32>(h + NH_MASK) == 0;
  for (let level: u32 = 2; level <= height; level++) {
    h = headerOf(load<u32>(H_PATH + (level << 2)));
    if (delta != 0) store<u32>(h + NH_COUNT, load<u32>(h + NH_COUNT) + delta);
    else if (!clean) return;
    if (!clean) continue;
    const old = load<u32>(h + NH_MASK);
    const mask = old & ~pathBit(level);
    if (delta == 0 && mask == old) return;
    store<u32>(h + NH_MASK, mask);
    clean = mask == 0;
  }
}

/** Pages in the keys [lo, hi) below a slot whose subtree starts at `base`. */
export function countRange(slot: u32, height: u32, base: u64, lo: u64, hi: u64): u64 {
  if (!isChild(slot) || lo >= hi) return 0;
  if (height == 0) return 1;
  const node = nodeOf(slot);
  const shift = height * FANOUT_BITS;
  if (lo <= base && base + ((<u64>1) << shift) <= hi) return nodeCount(node);
  const step = (<u64>1) << (shift - FANOUT_BITS);
  let total: u64 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    total += countRange(load<u32>(node + (i << 2)), height - 1, at, lo, hi);
  }
  return total;
}

/** First slot of a node at `base` that reaches keys from `lo` on. */
export function firstIndex(base: u64, lo: u64, step: u64): u32 {
  if (lo <= base) return 0;
  const i = (lo - base) / step;
  return i < FANOUT ? <u32>i : FANOUT;
}

/** Drops what a slot of a node of height + 1 holds. */
export function dropSlot(slot: u32, height: u32): void {
  if (isStored(slot)) storedDrop(slot);
  if (!isChild(slot)) return;
  if (height == 0) frameDrop(slot);
  else nodeDrop(nodeOf(slot));
}

/**
 * Sets every slot of the keys [lo, hi) to `fill` (0 or the zero tag) below an exclusive node;
 * returns the pages that went. Two nodes of each height must be spare.
 */
export function fillRange(node: u32, height: u32, base: u64, lo: u64, hi: u64, fill: u32): u32 {
  const step = (<u64>1) << ((height - 1) * FANOUT_BITS);
  const h = headerOf(node);
  const before = load<u32>(h + NH_COUNT);
  let gone: u32 = 0;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const place = node + (i << 2);
    const slot = load<u32>(place);
    if (slot == fill) continue;
    if (lo <= at && at + step <= hi) {
      if (isChild(slot)) gone += height == 1 ? 1 : nodeCount(nodeOf(slot));
      store<u32>(place, fill);
      clearBit(h, i);
      dropSlot(slot, height - 1);
      continue;
    }
    const child = exclusiveChild(node, i, height - 1);
    gone += fillRange(child, height - 1, at, lo, hi, fill);
    if (fill == 0 && isEmpty(child)) {
      store<u32>(place, 0);
      clearBit(h, i);
      nodeFree(child, height - 1);
    } else if (nodeMask(child) == 0) clearBit(h, i);
  }
  store<u32>(h + NH_COUNT, before - gone);
  return gone;
}

function clearBit(header: u32, i: u32): void {
  store<u32>(header + NH_MASK, load<u32>(header + NH_MASK) & ~(1 << i));
}

function isEmpty(node: u32): bool {
  let any = v128.load(node);
  for (let i: u32 = 16; i < NODE_BYTES; i += 16) any = v128.or(any, v128.load(node + i));
  return !v128.any_true(any);
}

/** `fillRange` for a VMO's whole tree, root included. Returns the pages that went. */
export function treeFill(vmo: u32, lo: u64, hi: u64, fill: u32): u32 {
  forgetPath();
  if (lo >= hi || (fill == 0 && load<u32>(vmo + V_ROOT) == 0)) return 0;
  if (fill != 0) growTo(vmo, hi - 1);
  const root = load<u32>(vmo + V_ROOT);
  const height = <u32>load<u8>(vmo + V_HEIGHT);
  const end = (<u64>1) << (height * FANOUT_BITS);
  if (lo >= end) return 0;
  let node = nodeOf(root);
  if (lo == 0 && hi >= end && fill == 0) {
    const gone = nodeCount(node);
    store<u32>(vmo + V_ROOT, 0);
    nodeDrop(node);
    return gone;
  }
  if (nodeRefs(node) > 1) {
    node = nodeCopy(node, height);
    store<u32>(vmo + V_ROOT, slotOf(node));
  }
  const gone = fillRange(node, height, 0, lo, hi, fill);
  if (fill == 0 && isEmpty(node)) {
    store<u32>(vmo + V_ROOT, 0);
    nodeFree(node, height);
  }
  return gone;
}

/**
 * A copy of the subtree in `slot` that has only the keys [lo, hi): what lies inside is shared, the
 * two borders are copied. Two nodes of each height must be spare. Returns a slot.
 */
export function trimCopy(slot: u32, height: u32, base: u64, lo: u64, hi: u64): u32 {
  const old = nodeOf(slot);
  const made = nodeNew(height, 0);
  const step = (<u64>1) << ((height - 1) * FANOUT_BITS);
  const o = headerOf(old);
  let mask: u32 = 0;
  let count: u32 = 0;
  let any = false;
  for (let i = firstIndex(base, lo, step); i < FANOUT; i++) {
    const at = base + <u64>i * step;
    if (at >= hi) break;
    const child = load<u32>(old + (i << 2));
    if (child == 0) continue;
    let kept = child;
    if (isChild(child)) {
      if (lo <= at && at + step <= hi) {
        addSideways(child, height - 1);
        mask |= 1 << i;
        store<u32>(o + NH_MASK, load<u32>(o + NH_MASK) | (1 << i));
        count += height == 1 ? 1 : nodeCount(nodeOf(child));
      } else {
        kept = trimCopy(child, height - 1, at, lo, hi);
        if (nodeMask(nodeOf(child)) != 0)
          store<u32>(o + NH_MASK, load<u32>(o + NH_MASK) | (1 << i));
        if (kept == 0) continue;
        if (nodeMask(nodeOf(kept)) != 0) mask |= 1 << i;
        count += nodeCount(nodeOf(kept));
      }
    } else if (isStored(child)) storedAdd(child);
    store<u32>(made + (i << 2), kept);
    any = true;
  }
  if (!any) {
    nodeFree(made, height);
    return 0;
  }
  store<u32>(headerOf(made) + NH_MASK, mask);
  store<u32>(headerOf(made) + NH_COUNT, count);
  if (mayHaveStored(old)) noteStored(made);
  return slotOf(made);
}

/** One more reference to a frame (height 0) or a node. */
function addSideways(slot: u32, height: u32): void {
  const at = height == 0 ? frameA(slot) : headerOf(nodeOf(slot)) + NH_REFS;
  store<u32>(at, load<u32>(at) + 1);
}

/** Works off up to `budget` released nodes; true when more wait. */
export function releaseStep(budget: u32): bool {
  while (budget-- > 0) {
    const node = load<u32>(H_PENDING);
    if (node == 0) return false;
    store<u32>(H_PENDING, load<u32>(headerOf(node) + NH_AUX));
    const height = nodeHeight(node);
    for (let i: u32 = 0; i < NODE_BYTES; i += 4) {
      const slot = load<u32>(node + i);
      if (slot != 0 && (slot & SLOT_TAG) == 0) {
        if (height == 1) frameDrop(slot);
        else nodeDrop(nodeOf(slot));
      } else if (isStored(slot)) storedDrop(slot);
    }
    nodeFree(node, height);
  }
  return load<u32>(H_PENDING) != 0;
}
