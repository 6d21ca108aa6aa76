/*
 * Address spaces, mappings and VMO records.
 * After assembly/mappings.ts and assembly/vmos.ts: snapshots of whole VMOs, mappings that are made
 * and removed whole.
 */
static u64 mappingBase(u32 m) { return R64(m + M_BASE); }
static u64 mappingEnd(u32 m) { return R64(m + M_BASE) + R64(m + M_PAGES); }
static u64 vmoBase(u32 vmo) { return R64(vmo + V_BASE); }
static u64 vmoSize(u32 vmo) { return R64(vmo + V_SIZE); }
static u32 vmoRoot(u32 vmo) { return R32(vmo + V_ROOT); }
static u32 vmoHeight(u32 vmo) { return R8(vmo + V_HEIGHT); }

static void vmoDrop(u32 vmo) {
  forgetPath();
  u32 refs = R32(vmo + V_REFS) - 1;
  R32(vmo + V_REFS) = refs;
  if (refs != 0) return;
  u32 root = vmoRoot(vmo);
  if (isChild(root)) nodeDrop(nodeOf(root));
  u32 next = R32(vmo + V_NEXT);
  u32 prev = R32(vmo + V_PREV);
  if (next != 0) R32(next + V_PREV) = prev;
  if (prev != 0) R32(prev + V_NEXT) = next;
  else R32(H_VMOS) = next;
  poolFree(POOL_VMO, vmo);
}

static u32 seenFrame(u32 vmo, u64 key) {
  while (vmo != 0) {
    u32 slot = treeGet(vmoRoot(vmo), vmoHeight(vmo), key);
    if (isChild(slot)) return slot;
    if (slot != 0 || key >= R64(vmo + V_LIMIT)) return 0;
    vmo = R32(vmo + V_PARENT);
  }
  return 0;
}

static u32 newAspace(void) {
  u32 aspace = poolAlloc(POOL_ASPACE);
  if (aspace == 0) return 0;
  fill(aspace, 0, ASPACE_BYTES);
  u32 first = R32(H_ASPACES);
  R32(aspace + AS_NEXT) = first;
  if (first != 0) R32(first + AS_PREV) = aspace;
  R32(H_ASPACES) = aspace;
  return aspace;
}

static u32 allocIndex(u32 cap) {
  if (cap <= 512) return poolAlloc(POOL_TABLE_DATA + (u32)__builtin_ctz(cap) - 5);
  return chunkAlloc(most32(1, (cap << 2) / CHUNK_BYTES));
}

static void freeIndex(u32 index, u32 cap) {
  if (index == 0) return;
  if (cap <= 512) {
    poolFree(POOL_TABLE_DATA + (u32)__builtin_ctz(cap) - 5, index);
    return;
  }
  for (u32 at = 0; at < cap << 2; at += CHUNK_BYTES) chunkFree(index + at);
}

static bool growIndex(u32 aspace) {
  u32 count = R32(aspace + AS_COUNT);
  u32 cap = R32(aspace + AS_CAP);
  if (count < cap) return true;
  u32 want = most32(32, cap * 2);
  u32 index = allocIndex(want);
  if (index == 0) return false;
  copy(index, R32(aspace + AS_INDEX), (u64)count << 2);
  freeIndex(R32(aspace + AS_INDEX), cap);
  R32(aspace + AS_INDEX) = index;
  R32(aspace + AS_CAP) = want;
  return true;
}

static u32 lowerBound(u32 aspace, u64 vpn) {
  u32 index = R32(aspace + AS_INDEX);
  u32 lo = 0;
  u32 hi = R32(aspace + AS_COUNT);
  while (lo < hi) {
    u32 mid = (lo + hi) >> 1;
    if (mappingEnd(R32(index + (mid << 2))) <= vpn) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

static u32 findMapping(u32 aspace, u64 vpn) {
  u32 last = R32(aspace + AS_LAST);
  if (last != 0 && vpn - mappingBase(last) < R64(last + M_PAGES)) return last;
  u32 i = lowerBound(aspace, vpn);
  if (i >= R32(aspace + AS_COUNT)) return 0;
  u32 m = R32(R32(aspace + AS_INDEX) + (i << 2));
  if (mappingBase(m) > vpn) return 0;
  R32(aspace + AS_LAST) = m;
  return m;
}

static u32 newMapping(u32 aspace, u32 vmo, u64 base, u64 pages, u64 offset, u32 perms) {
  if (!growIndex(aspace)) return 0;
  u32 m = poolAlloc(POOL_MAPPING);
  if (m == 0) return 0;
  fill(m, 0, MAPPING_BYTES);
  R32(m + M_ASPACE) = aspace;
  R32(m + M_VMO) = vmo;
  R64(m + M_BASE) = base;
  R64(m + M_PAGES) = pages;
  R64(m + M_KEY) = vmoBase(vmo) + offset;
  R32(m + M_PERMS) = perms;
  addShowing(vmo, m);
  R32(vmo + V_MAP_COUNT) += 1;
  R32(vmo + V_REFS) += 1;
  u32 i = lowerBound(aspace, base);
  u32 at = R32(aspace + AS_INDEX) + (i << 2);
  u32 count = R32(aspace + AS_COUNT);
  copy(at + 4, at, (u64)(count - i) << 2);
  R32(at) = m;
  R32(aspace + AS_COUNT) = count + 1;
  return m;
}

static void freeMapping(u32 m) {
  u32 aspace = R32(m + M_ASPACE);
  u32 vmo = R32(m + M_VMO);
  aspaceUnmap(aspace, mappingBase(m), mappingEnd(m));
  u32 at = R32(aspace + AS_INDEX) + (lowerBound(aspace, mappingBase(m)) << 2);
  u32 count = R32(aspace + AS_COUNT) - 1;
  copy(at, at + 4, R32(aspace + AS_INDEX) + (count << 2) - at);
  R32(aspace + AS_COUNT) = count;
  R32(aspace + AS_LAST) = 0;
  removeShowing(vmo, m);
  R32(vmo + V_MAP_COUNT) -= 1;
  poolFree(POOL_MAPPING, m);
  vmoDrop(vmo);
}

static void freeAspace(u32 aspace) {
  tlbForget();
  while (R32(aspace + AS_COUNT) != 0) {
    freeMapping(R32(R32(aspace + AS_INDEX) + ((R32(aspace + AS_COUNT) - 1) << 2)));
  }
  freeIndex(R32(aspace + AS_INDEX), R32(aspace + AS_CAP));
  u32 next = R32(aspace + AS_NEXT);
  u32 prev = R32(aspace + AS_PREV);
  if (next != 0) R32(next + AS_PREV) = prev;
  if (prev != 0) R32(prev + AS_NEXT) = next;
  else R32(H_ASPACES) = next;
  poolFree(POOL_ASPACE, aspace);
}

static u32 nextBelow(u32 top, u32 at) {
  u32 child = R32(at + V_CHILD);
  if (child != 0) return child;
  while (at != top) {
    u32 next = R32(at + V_SIB);
    if (next != 0) return next;
    at = R32(at + V_PARENT);
  }
  return 0;
}

static void dropOthers(u32 vmo, u64 key, u32 except) {
  u32 at = vmo;
  for (;;) {
    for (u32 m = firstShowing(at, key, key + 1); m != 0; m = nextShowing(m, key, key + 1)) {
      if (m == except) continue;
      pteClear(R32(m + M_ASPACE), mappingBase(m) + (key - R64(m + M_KEY)));
    }
    at = nextBelow(vmo, at);
    if (at == 0) return;
  }
}

static void noteZeroMapped(u32 vmo) {
  for (; vmo != 0; vmo = R32(vmo + V_PARENT)) R16(vmo + V_FLAGS) |= VF_ZERO_MAPPED;
}
static bool zeroMayBeMapped(u32 vmo) { return (R16(vmo + V_FLAGS) & VF_ZERO_MAPPED) != 0; }

/* ---- VMOs ---------------------------------------------------------------------------------- */
static u32 take(u32 counter) { return R32(counter) += 1; }

static u32 newVmo(u32 kind, u64 sizePages) {
  u32 vmo = poolAlloc(POOL_VMO);
  if (vmo == 0) return 0;
  fill(vmo, 0, VMO_BYTES);
  R8(vmo + V_KIND) = (u8)kind;
  R64(vmo + V_SIZE) = sizePages;
  R32(vmo + V_REFS) = 1;
  R32(vmo + V_FAMILY) = take(H_FAMILY_NEXT);
  R32(vmo + V_SEQ) = take(H_SEQ_NEXT);
  u32 first = R32(H_VMOS);
  R32(vmo + V_NEXT) = first;
  if (first != 0) R32(first + V_PREV) = vmo;
  R32(H_VMOS) = vmo;
  return vmo;
}

static void protectWindow(u32 vmo, u64 lo, u64 hi) {
  for (u32 m = firstShowing(vmo, lo, hi); m != 0; m = nextShowing(m, lo, hi)) {
    u64 key = R64(m + M_KEY);
    u64 from = most64(lo, key);
    u64 to = least64(hi, key + R64(m + M_PAGES));
    u32 root = R32(R32(m + M_ASPACE) + AS_ROOT);
    if (root == 0) continue;
    u64 vpn = mappingBase(m) + (from - key);
    tlbForget();
    tablesProtect(root, 4, 0, vpn, vpn + (to - from));
  }
}

/* SNAPSHOT of a whole VMO without a live parent. */
static u32 snapshot(u32 parent) {
  u32 child = newVmo(R8(parent + V_KIND), vmoSize(parent));
  if (child == 0) return 0;
  R64(child + V_BASE) = vmoBase(parent);
  R32(child + V_FAMILY) = R32(parent + V_FAMILY);
  forgetPath();
  u32 root = vmoRoot(parent);
  R8(child + V_HEIGHT) = R8(parent + V_HEIGHT);
  R32(child + V_ROOT) = root;
  if (isChild(root)) R32(headerOf(nodeOf(root)) + NH_REFS) += 1;
  protectWindow(parent, vmoBase(parent), vmoBase(parent) + vmoSize(parent));
  return child;
}
