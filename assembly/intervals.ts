/**
 * The mappings of a VMO by the keys they show: who maps this page, without asking every mapping.
 *
 *              [ 40..90 | max 90 ]         a treap: search tree by first key (then by record),
 *               /               \          heap by a hash of the record's address; `max` is the
 *   [ 10..60 | max 60 ]   [ 70..75 | 75 ]  highest end of the subtree, so what ends too early is
 *                                          passed over whole
 *
 * I1. Whoever changes a mapping's first key or end says so (`mappingMoved`, `mappingEndMoved`)
 *     before the next call.
 * I2. A walk (`firstShowing`, `nextShowing`) allows no change of the tree on the way.
 * Cost: no memory but 20 bytes of the mapping's record; insert and remove about log2(n) steps, a
 * walk log2(n) steps for each mapping that it finds.
 */
import { M_KEY, M_LEFT, M_MAX, M_PAGES, M_RIGHT, M_UP, V_MAPS } from "./layout";

function endOf(m: u32): u64 { return load<u64>(m + M_KEY) + load<u64>(m + M_PAGES); }
function maxOf(m: u32): u64 { return m == 0 ? 0 : load<u64>(m + M_MAX); }

/** Heap order. Records come from a pool in rising order, so their addresses alone would not do. */
function heapRank(m: u32): u32 {
  let h = (m >> 6) * 0x9e3779b1;
  h = (h ^ h >> 15) * 0x85ebca6b;
  return h ^ h >> 13;
}

function isBefore(a: u32, b: u32): bool {
  const ka = load<u64>(a + M_KEY);
  const kb = load<u64>(b + M_KEY);
  return ka < kb || (ka == kb && a < b);
}

/** Recomputes the highest end of a subtree from those of its children. */
function pull(m: u32): void {
  const below = max(maxOf(load<u32>(m + M_LEFT)), maxOf(load<u32>(m + M_RIGHT)));
  store<u64>(m + M_MAX, max(endOf(m), below));
}

/** Puts `child` (or nothing) where `old` hangs. */
function replace(vmo: u32, up: u32, old: u32, child: u32): void {
  if (up == 0) store<u32>(vmo + V_MAPS, child);
  else if (load<u32>(up + M_LEFT) == old) store<u32>(up + M_LEFT, child);
  else store<u32>(up + M_RIGHT, child);
  if (child != 0) store<u32>(child + M_UP, up);
}

/** Exchanges a mapping with the one it hangs below. */
function rotateUp(vmo: u32, m: u32): void {
  const up = load<u32>(m + M_UP);
  const wasLeft = load<u32>(up + M_LEFT) == m;
  const inner = load<u32>(m + (wasLeft ? M_RIGHT : M_LEFT));
  replace(vmo, load<u32>(up + M_UP), up, m);
  store<u32>(up + (wasLeft ? M_LEFT : M_RIGHT), inner);
  if (inner != 0) store<u32>(inner + M_UP, up);
  store<u32>(m + (wasLeft ? M_RIGHT : M_LEFT), up);
  store<u32>(up + M_UP, m);
  pull(up);
  pull(m);
}

/** Takes a mapping in, whose first key and length are set. */
export function addShowing(vmo: u32, m: u32): void {
  const end = endOf(m);
  store<u32>(m + M_LEFT, 0);
  store<u32>(m + M_RIGHT, 0);
  store<u64>(m + M_MAX, end);
  let up: u32 = 0;
  let toLeft: bool = false;
  for (let at = load<u32>(vmo + V_MAPS); at != 0;) {
    if (load<u64>(at + M_MAX) < end) store<u64>(at + M_MAX, end);
    up = at;
    toLeft = isBefore(m, at);
    at = load<u32>(at + (toLeft ? M_LEFT : M_RIGHT));
  }
  store<u32>(m + M_UP, up);
  if (up == 0) store<u32>(vmo + V_MAPS, m);
  else store<u32>(up + (toLeft ? M_LEFT : M_RIGHT), m);
  const rank = heapRank(m);
  while (load<u32>(m + M_UP) != 0 && heapRank(load<u32>(m + M_UP)) < rank) rotateUp(vmo, m);
}

/** Takes a mapping out; its first key may have changed already. */
export function removeShowing(vmo: u32, m: u32): void {
  for (;;) {
    const left = load<u32>(m + M_LEFT);
    const right = load<u32>(m + M_RIGHT);
    if (left == 0 && right == 0) break;
    rotateUp(vmo, right == 0 || (left != 0 && heapRank(left) > heapRank(right)) ? left : right);
  }
  const up = load<u32>(m + M_UP);
  replace(vmo, up, m, 0);
  for (let at = up; at != 0; at = load<u32>(at + M_UP)) pull(at);
}

/** A mapping's first key changed: finds its new place. */
export function mappingMoved(vmo: u32, m: u32): void {
  removeShowing(vmo, m);
  addShowing(vmo, m);
}

/** A mapping's end changed. */
export function mappingEndMoved(m: u32): void {
  for (let at = m; at != 0; at = load<u32>(at + M_UP)) pull(at);
}

/** First mapping of a VMO, by key, that shows some of the keys [lo, hi); 0 for none. */
export function firstShowing(vmo: u32, lo: u64, hi: u64): u32 {
  const root = load<u32>(vmo + V_MAPS);
  return maxOf(root) > lo ? firstBelow(root, lo, hi) : 0;
}

/**
 * The same in a subtree that has an end above `lo`. If the left side has one, then either it holds
 * the answer, or what ends there begins behind `hi`, and so does all that follows.
 */
function firstBelow(top: u32, lo: u64, hi: u64): u32 {
  let at = top;
  let left = load<u32>(at + M_LEFT);
  while (maxOf(left) > lo || endOf(at) <= lo) {
    at = maxOf(left) > lo ? left : load<u32>(at + M_RIGHT);
    left = load<u32>(at + M_LEFT);
  }
  return load<u64>(at + M_KEY) < hi ? at : 0;
}

/** The next one after `m`; 0 at the end. */
export function nextShowing(m: u32, lo: u64, hi: u64): u32 {
  let at = m;
  while (at != 0) {
    const right = load<u32>(at + M_RIGHT);
    if (maxOf(right) > lo) return firstBelow(right, lo, hi);
    at = nextAbove(at);
    if (at != 0 && load<u64>(at + M_KEY) >= hi) return 0;
    if (at != 0 && endOf(at) > lo) return at;
  }
  return 0;
}

/** The nearest ancestor whose left side `m` stands in: what follows it and all below it. */
function nextAbove(m: u32): u32 {
  let at = m;
  let up = load<u32>(at + M_UP);
  while (up != 0 && load<u32>(up + M_RIGHT) == at) {
    at = up;
    up = load<u32>(at + M_UP);
  }
  return up;
}

/** Checks the tree of a VMO: 0, or the record at which links, order, rank or `max` are wrong. */
export function wrongShowing(vmo: u32): u32 {
  let last: u32 = 0;
  let at = leftmost(load<u32>(vmo + V_MAPS));
  while (at != 0) {
    const left = load<u32>(at + M_LEFT);
    const right = load<u32>(at + M_RIGHT);
    const most = max(endOf(at), max(maxOf(left), maxOf(right)));
    if (load<u64>(at + M_MAX) != most || (last != 0 && !isBefore(last, at))) return at;
    if (left != 0 && (load<u32>(left + M_UP) != at || heapRank(left) > heapRank(at))) return at;
    if (right != 0 && (load<u32>(right + M_UP) != at || heapRank(right) > heapRank(at))) return at;
    last = at;
    at = right != 0 ? leftmost(right) : nextAbove(at);
  }
  return 0;
}

function leftmost(top: u32): u32 {
  let at = top;
  while (at != 0 && load<u32>(at + M_LEFT) != 0) at = load<u32>(at + M_LEFT);
  return at;
}
