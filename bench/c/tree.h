/*
 * Page lists: nodes, and persistent radix trees of them.
 * After assembly/nodes.ts and assembly/tree.ts, without what no row of the bench takes: trimmed
 * copies (windows on a part) and filling ranges with tags.
 */
static u32 headerOf(u32 node) {
  return (node & ~(CHUNK_BYTES - 1)) + NC_HEADERS
    + ((node & (CHUNK_BYTES - 1)) >> (NODE_SHIFT - NH_SHIFT));
}
static u32 nodeRefs(u32 node) { return R32(headerOf(node) + NH_REFS); }
static u32 nodeMask(u32 node) { return R32(headerOf(node) + NH_MASK); }
static u32 nodeCount(u32 node) { return R32(headerOf(node) + NH_COUNT); }
static u32 nodeHeight(u32 node) { return R32((node & ~(CHUNK_BYTES - 1)) + NC_HEIGHT); }
static u32 nodeOf(u32 slot) { return slot << NODE_SHIFT; }
static u32 slotOf(u32 node) { return node >> NODE_SHIFT; }
static bool isChild(u32 slot) { return slot - 1 < SLOT_TAGS - 1; }

static bool nodeReserve(u32 height, u32 n) {
  u32 p = poolAt(POOL_NODE + height);
  while (R32(p + P_SPARE) < n) {
    u32 chunk = chunkAlloc(1);
    if (chunk == 0) return false;
    u32 list = H_NODE_CHUNKS + (height << 2);
    R32(chunk + NC_NEXT) = R32(list);
    R32(list) = chunk;
    R32(chunk + NC_HEIGHT) = height;
    fill(chunk + NC_HEADERS, 0, NODES_PER_CHUNK * (NH_BYTES + NR_BYTES + 4));
    R32(chunk + NC_FRESH) = R32(p + P_FRESH);
    R32(p + P_FRESH) = chunk;
    R32(p + P_SPARE) += NODES_PER_CHUNK;
  }
  return true;
}

static u32 nodeTake(u32 height) {
  u32 p = poolAt(POOL_NODE + height);
  u32 spare = R32(p + P_SPARE);
  R32(p + P_SPARE) = spare - 1;
  if (spare <= R32(p + P_KEEP)) R32(H_LOW) = 1;
  R32(p + P_LIVE) += 1;
  u32 free = R32(p + P_FREE);
  if (free != 0) {
    R32(p + P_FREE) = R32(headerOf(free) + NH_AUX);
    return free;
  }
  u32 at = R32(p + P_BUMP);
  if (at == R32(p + P_END)) {
    at = R32(p + P_FRESH);
    R32(p + P_FRESH) = R32(at + NC_FRESH);
    R32(p + P_END) = at + NODES_PER_CHUNK * NODE_BYTES;
  }
  R32(p + P_BUMP) = at + NODE_BYTES;
  return at;
}

static u32 nodeNew(u32 height, u32 value) {
  u32 node = nodeTake(height);
  u32a *slots = WORDS(node);
  for (u32 i = 0; i < FANOUT; i++) slots[i] = value;
  u32 h = headerOf(node);
  R32(h + NH_REFS) = 1;
  R32(h + NH_MASK) = 0;
  R32(h + NH_COUNT) = 0;
  R32(h + NH_AUX) = 0;
  return node;
}

static void nodeFree(u32 node, u32 height) {
  u32 p = poolAt(POOL_NODE + height);
  u32 h = headerOf(node);
  R32(h + NH_REFS) = 0;
  R32(h + NH_AUX) = R32(p + P_FREE);
  R32(p + P_FREE) = node;
  R32(p + P_SPARE) += 1;
  R32(p + P_LIVE) -= 1;
}

static u32 originOf(u32 old, u32 header) {
  u32 first = R32(header + NH_AUX);
  return first != 0 && nodeRefs(first) != 0 ? first : old;
}

static u32 shareFrames(u32 leaf, u32 wanted) {
  u32a *columnA = WORDS(R32(H_FRAME_A));
  const u32a *slots = WORDS(leaf);
  u32 mask = 0;
  for (u32 i = 0; i < FANOUT; i++) {
    u32 slot = slots[i];
    if (!isChild(slot) || (wanted >> i & 1) == 0) continue;
    mask |= 1u << i;
    columnA[slot] += A_REF;
  }
  return mask;
}

static u32 shareNodes(u32 node) {
  const u32a *slots = WORDS(node);
  u32 mask = 0;
  for (u32 i = 0; i < FANOUT; i++) {
    if (!isChild(slots[i])) continue;
    mask |= 1u << i;
    R32(headerOf(nodeOf(slots[i])) + NH_REFS) += 1;
  }
  return mask;
}

/* What stands in the slots of `replaced` is only borrowed from the old node. */
static u32 nodeCopy(u32 old, u32 height, u32 replaced) {
  u32 node = nodeTake(height);
  memcpy(AT(node), AT(old), NODE_BYTES);
  u32 mask = replaced == ~0u ? 0 : height == 1 ? shareFrames(node, ~replaced) : shareNodes(node);
  u32 h = headerOf(node);
  u32 o = headerOf(old);
  R32(h + NH_REFS) = 1;
  R32(h + NH_MASK) = mask;
  R32(h + NH_COUNT) = R32(o + NH_COUNT);
  R32(h + NH_AUX) = originOf(old, o);
  R32(o + NH_MASK) |= mask;
  R32(o + NH_REFS) -= 1;
  return node;
}

static void nodeDrop(u32 node) {
  u32 h = headerOf(node);
  u32 refs = R32(h + NH_REFS) - 1;
  R32(h + NH_REFS) = refs;
  if (refs != 0) return;
  R32(h + NH_AUX) = R32(H_PENDING);
  R32(H_PENDING) = node;
}

/* ---- trees --------------------------------------------------------------------------------- */
#define KEEP_NODES 4u

static u32 heightFor(u64 key) {
  u32 bits = key == 0 ? 0 : 64 - (u32)__builtin_clzll(key);
  return most32(1, (bits + FANOUT_BITS - 1) / FANOUT_BITS);
}
static bool beyond(u32 height, u64 key) { return key >> (height * FANOUT_BITS) != 0; }
static u32 indexAt(u64 key, u32 height) {
  return (u32)(key >> ((height - 1) * FANOUT_BITS)) & (FANOUT - 1);
}

static bool admitHeight(u32 height) {
  u32 have = R32(H_MAX_HEIGHT);
  while (have < height) {
    have++;
    if (!nodeReserve(have, KEEP_NODES + 1)) return false;
    R32(poolAt(POOL_NODE + have) + P_KEEP) = KEEP_NODES;
    R32(H_MAX_HEIGHT) = have;
  }
  return true;
}

static u32 treeGet(u32 root, u32 height, u64 key) {
  if (!isChild(root)) return root;
  if (beyond(height, key)) return 0;
  u32 slot = root;
  for (u32 h = height; h > 0; h--) {
    slot = R32(nodeOf(slot) + (indexAt(key, h) << 2));
    if (!isChild(slot)) return slot;
  }
  return slot;
}

static u32 findLeaf(u32 root, u32 height, u64 key) {
  if (!isChild(root) || beyond(height, key)) return 0;
  u32 node = nodeOf(root);
  u32 shared = nodeRefs(node) > 1;
  for (u32 h = height; h > 1; h--) {
    u32 slot = R32(node + (indexAt(key, h) << 2));
    if (!isChild(slot)) return 0;
    node = nodeOf(slot);
    shared |= nodeRefs(node) > 1;
  }
  return node | shared;
}

static void growTo(u32 vmo, u64 key) {
  u32 height = R8(vmo + V_HEIGHT);
  u32 root = R32(vmo + V_ROOT);
  if (!isChild(root)) {
    height = most32(height, heightFor(key));
    R32(vmo + V_ROOT) = slotOf(nodeNew(height, root));
    R8(vmo + V_HEIGHT) = (u8)height;
    return;
  }
  while (beyond(height, key)) {
    u32 below = R32(vmo + V_ROOT);
    u32 node = nodeOf(below);
    u32 top = nodeNew(++height, 0);
    R32(top) = below;
    u32 h = headerOf(top);
    R32(h + NH_COUNT) = nodeCount(node);
    R32(h + NH_MASK) = nodeRefs(node) > 1 || nodeMask(node) != 0;
    R32(vmo + V_ROOT) = slotOf(top);
    R8(vmo + V_HEIGHT) = (u8)height;
  }
}

static u32 exclusiveChild(u32 node, u32 i, u32 height, u32 replaced) {
  u32 at = node + (i << 2);
  u32 slot = R32(at);
  if (!isChild(slot)) {
    u32 made = nodeNew(height, slot);
    R32(at) = slotOf(made);
    return made;
  }
  u32 child = nodeOf(slot);
  if (nodeRefs(child) == 1) return child;
  u32 copied = nodeCopy(child, height, replaced);
  R32(at) = slotOf(copied);
  u32 m = headerOf(node) + NH_MASK;
  if (nodeMask(copied) != 0) R32(m) |= 1u << i;
  return copied;
}

static void forgetPath(void) { R32(H_PATH_VMO) = 0; }

/* The rest of the way, from an exclusive node of some height on. */
static u32 descendFrom(u32 vmo, u64 key, u32 from, u32 height, u32 replaced) {
  u32 node = from;
  u32 borrowed = 0;
  for (u32 h = height; h > 1; h--) {
    u32 i = indexAt(key, h);
    R32(H_PATH + (h << 2)) = node;
    u32 slot = R32(node + (i << 2));
    if (isChild(slot) && nodeRefs(nodeOf(slot)) == 1) {
      node = nodeOf(slot);
      continue;
    }
    borrowed = replaced != 0 && h == 2 && isChild(slot);
    node = exclusiveChild(node, i, h - 1, h == 2 ? replaced : 0);
  }
  R32(H_PATH + 4) = node;
  R32(H_PATH_VMO) = vmo;
  R64(H_PATH_LEAF) = key >> FANOUT_BITS;
  return node | borrowed;
}

static u32 descend(u32 vmo, u64 key, u32 replaced) {
  if (!isChild(R32(vmo + V_ROOT)) || beyond(R8(vmo + V_HEIGHT), key)) growTo(vmo, key);
  u32 height = R8(vmo + V_HEIGHT);
  u32 root = nodeOf(R32(vmo + V_ROOT));
  if (nodeRefs(root) == 1) return descendFrom(vmo, key, root, height, replaced);
  u32 copied = nodeCopy(root, height, height == 1 ? replaced : 0);
  R32(vmo + V_ROOT) = slotOf(copied);
  u32 leaf = descendFrom(vmo, key, copied, height, replaced);
  return height == 1 && replaced != 0 ? leaf | 1 : leaf;
}

static u32 exclusiveLeaf(u32 vmo, u64 key, u32 replaced) {
  bool known = R32(H_PATH_VMO) == vmo;
  u64 parted = R64(H_PATH_LEAF) ^ key >> FANOUT_BITS;
  if (known && parted == 0) return R32(H_PATH + 4);
  if (!known || beyond(R8(vmo + V_HEIGHT), key)) return descend(vmo, key, replaced);
  u32 level = 2 + (63 - (u32)__builtin_clzll(parted)) / FANOUT_BITS;
  return descendFrom(vmo, key, R32(H_PATH + (level << 2)), level, replaced);
}

static void settlePath(u32 height, i32 delta) {
  u32 h = headerOf(R32(H_PATH + 4));
  R32(h + NH_COUNT) += (u32)delta;
  bool clean = R32(h + NH_MASK) == 0;
  for (u32 level = 2; level <= height; level++) {
    h = headerOf(R32(H_PATH + (level << 2)));
    if (delta != 0) R32(h + NH_COUNT) += (u32)delta;
    else if (!clean) return;
    if (!clean) continue;
    u32 old = R32(h + NH_MASK);
    u32 mask = old & ~(1u << indexAt(R64(H_PATH_LEAF), level - 1));
    if (delta == 0 && mask == old) return;
    R32(h + NH_MASK) = mask;
    clean = mask == 0;
  }
}

static bool releaseStep(u32 budget) {
  while (budget-- > 0) {
    u32 node = R32(H_PENDING);
    if (node == 0) return false;
    R32(H_PENDING) = R32(headerOf(node) + NH_AUX);
    u32 height = nodeHeight(node);
    const u32a *slots = WORDS(node);
    for (u32 i = 0; i < FANOUT; i++) {
      u32 slot = slots[i];
      if (slot != 0 && (slot & SLOT_TAG) == 0) {
        if (height == 1) frameDrop(slot);
        else nodeDrop(nodeOf(slot));
      }
    }
    nodeFree(node, height);
  }
  return R32(H_PENDING) != 0;
}
