/*
 * Reservation: whether an operation can be done, before anything is changed.
 * After assembly/reserve.ts and assembly/content.ts, by the formulas for one run in one mapping: all
 * that rows ask for.
 */
static bool ready(void) {
  if (R32(H_LOW) == 0) return true;
  u32 top = R32(H_MAX_HEIGHT);
  for (u32 h = 1; h <= top; h++) if (!nodeReserve(h, KEEP_NODES + 1)) return false;
  for (u32 pool = 0; pool < POOL_NODE; pool++) {
    u32 keep = R32(poolAt(pool) + P_KEEP);
    if (keep != 0 && !poolReserve(pool, keep + 1)) return false;
  }
  R32(H_LOW) = 0;
  return true;
}

static bool admitKey(u64 key) {
  u32 height = heightFor(key);
  return height <= R32(H_MAX_HEIGHT) || admitHeight(height);
}

static bool reserveNodes(u64 pages, u64 hi) {
  if (!admitKey(hi - 1)) return false;
  u32 top = heightFor(hi - 1);
  u64 n = pages;
  for (u32 h = 1; h <= top; h++) {
    n = (n >> FANOUT_BITS) + 3;
    if (!nodeReserve(h, (u32)n + KEEP_NODES)) return false;
  }
  return true;
}

static bool reserveTables(u64 pages) {
  u32 leaves = (u32)(pages >> 9) + 3;
  return poolReserve(POOL_TABLE, leaves + (leaves >> 8) + 8)
    && poolReserve(POOL_TABLE_DATA + CLASS_DENSE, leaves + 4)
    && poolReserve(POOL_TABLE_DATA, leaves + 4)
    && poolReserve(POOL_TABLE_DATA + 1, leaves + 4)
    && poolReserve(POOL_TABLE_DATA + 2, leaves + 4)
    && poolReserve(POOL_TABLE_DATA + 3, leaves + 4);
}

static bool isOwn(u32 leaf, u32 i, u32 frame) {
  if ((R32(headerOf(leaf) + NH_MASK) >> i & 1) == 0) return true;
  return (R32(frameA(frame)) & A_REF_MASK) == 1;
}

static u64 writeNeeds(u32 vmo, u64 lo, u64 hi) {
  u32 root = vmoRoot(vmo);
  u32 height = vmoHeight(vmo);
  bool contents = R32(H_CONTENTS) != 0;
  u64 live = R32(vmo + V_PARENT) != 0 ? R64(vmo + V_LIMIT) : 0;
  u64 frames = 0;
  u64 slots = 0;
  for (u64 key = lo; key < hi;) {
    u32 i = (u32)key & (FANOUT - 1);
    u32 n = (u32)least64(FANOUT - i, hi - key);
    u32 found = beyond(height, key) ? 0 : findLeaf(root, height, key);
    u32 leaf = found & ~1u;
    bool shared = (found & 1) != 0;
    for (u32 j = 0; j < n; j++) {
      u32 slot = leaf == 0 ? 0 : R32(leaf + ((i + j) << 2));
      if (isChild(slot)) {
        if (!shared && isOwn(leaf, i + j, slot)) continue;
        if (contents && R32(frameC(slot)) >> 12 != 0) slots++;
      } else if (contents && key + j < live) {
        u32 seen = seenFrame(vmo, key + j);
        if (seen != 0 && R32(frameC(seen)) >> 12 != 0) slots++;
      }
      frames++;
    }
    key += n;
  }
  return frames | (slots << 32);
}

static bool reserveContents(u32 n) { return n == 0 || poolReserve(POOL_CONTENT, n); }

static bool reservePages(u32 vmo, u64 lo, u64 hi) {
  if (!ready()) return false;
  bool ample = R32(H_CONTENTS) == 0 && hi - lo <= freeFrames();
  u64 needs = ample ? 0 : writeNeeds(vmo, lo, hi);
  if ((needs & 0xffffffff) > freeFrames()) return false;
  return reserveNodes(hi - lo, hi) && reserveContents((u32)(needs >> 32));
}
