/*
 * The mappings of a VMO by the keys they show, as a treap with the highest end of each subtree.
 * After assembly/intervals.ts, without what no row of the bench takes: mappings that change.
 */
static u64 endOf(u32 m) { return R64(m + M_KEY) + R64(m + M_PAGES); }
static u64 maxOf(u32 m) { return m == 0 ? 0 : R64(m + M_MAX); }

static u32 heapRank(u32 m) {
  u32 h = (m >> 6) * 0x9e3779b1u;
  h = (h ^ h >> 15) * 0x85ebca6bu;
  return h ^ h >> 13;
}

static bool isBefore(u32 a, u32 b) {
  u64 ka = R64(a + M_KEY);
  u64 kb = R64(b + M_KEY);
  return ka < kb || (ka == kb && a < b);
}

static void pull(u32 m) {
  u64 below = most64(maxOf(R32(m + M_LEFT)), maxOf(R32(m + M_RIGHT)));
  R64(m + M_MAX) = most64(endOf(m), below);
}

static void replace(u32 vmo, u32 up, u32 old, u32 child) {
  if (up == 0) R32(vmo + V_MAPS) = child;
  else if (R32(up + M_LEFT) == old) R32(up + M_LEFT) = child;
  else R32(up + M_RIGHT) = child;
  if (child != 0) R32(child + M_UP) = up;
}

static void rotateUp(u32 vmo, u32 m) {
  u32 up = R32(m + M_UP);
  bool wasLeft = R32(up + M_LEFT) == m;
  u32 inner = R32(m + (wasLeft ? M_RIGHT : M_LEFT));
  replace(vmo, R32(up + M_UP), up, m);
  R32(up + (wasLeft ? M_LEFT : M_RIGHT)) = inner;
  if (inner != 0) R32(inner + M_UP) = up;
  R32(m + (wasLeft ? M_RIGHT : M_LEFT)) = up;
  R32(up + M_UP) = m;
  pull(up);
  pull(m);
}

static void addShowing(u32 vmo, u32 m) {
  u64 end = endOf(m);
  R32(m + M_LEFT) = 0;
  R32(m + M_RIGHT) = 0;
  R64(m + M_MAX) = end;
  u32 up = 0;
  bool toLeft = false;
  for (u32 at = R32(vmo + V_MAPS); at != 0;) {
    if (R64(at + M_MAX) < end) R64(at + M_MAX) = end;
    up = at;
    toLeft = isBefore(m, at);
    at = R32(at + (toLeft ? M_LEFT : M_RIGHT));
  }
  R32(m + M_UP) = up;
  if (up == 0) R32(vmo + V_MAPS) = m;
  else R32(up + (toLeft ? M_LEFT : M_RIGHT)) = m;
  u32 rank = heapRank(m);
  while (R32(m + M_UP) != 0 && heapRank(R32(m + M_UP)) < rank) rotateUp(vmo, m);
}

static void removeShowing(u32 vmo, u32 m) {
  for (;;) {
    u32 left = R32(m + M_LEFT);
    u32 right = R32(m + M_RIGHT);
    if (left == 0 && right == 0) break;
    rotateUp(vmo, right == 0 || (left != 0 && heapRank(left) > heapRank(right)) ? left : right);
  }
  u32 up = R32(m + M_UP);
  replace(vmo, up, m, 0);
  for (u32 at = up; at != 0; at = R32(at + M_UP)) pull(at);
}

static u32 firstBelow(u32 at, u64 lo, u64 hi) {
  u32 left = R32(at + M_LEFT);
  while (maxOf(left) > lo || endOf(at) <= lo) {
    at = maxOf(left) > lo ? left : R32(at + M_RIGHT);
    left = R32(at + M_LEFT);
  }
  return R64(at + M_KEY) < hi ? at : 0;
}

static u32 firstShowing(u32 vmo, u64 lo, u64 hi) {
  u32 root = R32(vmo + V_MAPS);
  return maxOf(root) > lo ? firstBelow(root, lo, hi) : 0;
}

static u32 nextShowing(u32 at, u64 lo, u64 hi) {
  while (at != 0) {
    u32 right = R32(at + M_RIGHT);
    if (maxOf(right) > lo) return firstBelow(right, lo, hi);
    u32 up = R32(at + M_UP);
    while (up != 0 && R32(up + M_RIGHT) == at) {
      at = up;
      up = R32(at + M_UP);
    }
    at = up;
    if (at != 0 && R64(at + M_KEY) >= hi) return 0;
    if (at != 0 && endOf(at) > lo) return at;
  }
  return 0;
}
