/**
 * Host memory: 64 KiB chunks from a rising mark, and pools of fixed-stride records cut out of them.
 *
 * Single chunks that were given back are a list; adjacent ones are regions, which join where they
 * touch: | next region | chunks |.
 *
 * I1. A pool's `spare` is the number of records it can hand out without a new chunk.
 * I2. While H_LOW is 0 every pool that an ordinary operation may draw on has at least its `keep`
 *     spare, so such an operation needs no check of its own. What takes more reserves first.
 * I3. Debug build, while H_STRICT is set: a pool has no spare but its budget, which is what was
 *     reserved and not taken yet. So every request that might fail is one that does ask, and the
 *     injector (H_FAIL_AT) can refuse it; what was not reserved cannot be taken.
 * Cost: a record from a pool is two loads and two stores.
 */
import {
  CHUNK_BYTES, H_BRK, H_BUDGET, H_FAIL_AT, H_FREE_CHUNK, H_LIMIT, H_LOW, H_POOLS, H_REGIONS,
  H_STRICT, POOL_BYTES, P_BUMP, P_END, P_FREE, P_KEEP, P_LIVE, P_SPARE, P_STRIDE,
} from "./layout";

/** Address of `n` adjacent chunks, or 0. What they hold is unspecified. */
export function chunkAlloc(n: u32): u32 {
  if (ASC_NO_ASSERT == false && failNow()) return 0;
  if (n == 1) {
    const free = load<u32>(H_FREE_CHUNK);
    if (free != 0) {
      store<u32>(H_FREE_CHUNK, load<u32>(free));
      return free;
    }
  }
  const used = regionTake(n);
  return used != 0 ? used : chunksAboveMark(n);
}

/** The same, but of chunks that nobody ever used: they hold zeros. */
export function chunkFresh(n: u32): u32 {
  if (ASC_NO_ASSERT == false && failNow()) return 0;
  return chunksAboveMark(n);
}

/** Whether `n` single chunks can be had. */
export function chunksLeft(n: u32): bool {
  let left = load<u32>(H_LIMIT) - min(load<u32>(H_BRK), load<u32>(H_LIMIT));
  for (let at = load<u32>(H_FREE_CHUNK); at != 0 && left < n; at = load<u32>(at)) left++;
  for (let at = load<u32>(H_REGIONS); at != 0 && left < n; at = load<u32>(at)) {
    left += load<u32>(at + 4);
  }
  return left >= n;
}

function chunksAboveMark(n: u32): u32 {
  const brk = load<u32>(H_BRK);
  const limit = load<u32>(H_LIMIT);
  if (brk > limit || n > limit - brk) return 0;
  const have = <u32>memory.size();
  const want = brk + n;
  if (want > have) {
    const more = min<u32>(limit - have, max<u32>(want - have, max<u32>(16, have >> 3)));
    if (memory.grow(more) < 0 && memory.grow(want - have) < 0) return 0;
  }
  store<u32>(H_BRK, want);
  return brk * CHUNK_BYTES;
}

/** Gives one chunk back. */
export function chunkFree(chunk: u32): void {
  store<u32>(chunk, load<u32>(H_FREE_CHUNK));
  store<u32>(H_FREE_CHUNK, chunk);
}

/** Gives `n` adjacent chunks back. */
export function chunksFree(first: u32, n: u32): void {
  if (n == 1) {
    chunkFree(first);
    return;
  }
  let before = H_REGIONS;
  let next = load<u32>(before);
  while (next != 0 && next < first) {
    before = next;
    next = load<u32>(next);
  }
  let chunks = n;
  if (next != 0 && first + n * CHUNK_BYTES == next) {
    chunks += load<u32>(next + 4);
    next = load<u32>(next);
  }
  let region = first;
  if (before != H_REGIONS && before + load<u32>(before + 4) * CHUNK_BYTES == first) {
    chunks += load<u32>(before + 4);
    region = before;
  } else store<u32>(before, first);
  store<u32>(region, next);
  store<u32>(region + 4, chunks);
}

/** The first `n` chunks of the first region that has so many; 0 where none has. */
function regionTake(n: u32): u32 {
  let before = H_REGIONS;
  for (let region = load<u32>(before); region != 0; region = load<u32>(before)) {
    const chunks = load<u32>(region + 4);
    if (chunks < n) {
      before = region;
      continue;
    }
    let next = load<u32>(region);
    if (chunks > n) {
      const rest = region + n * CHUNK_BYTES;
      store<u32>(rest, next);
      store<u32>(rest + 4, chunks - n);
      next = rest;
    }
    store<u32>(before, next);
    return region;
  }
  return 0;
}

/** Debug build: whether the fault injector wants this request to fail. */
function failNow(): bool {
  const left = load<u32>(H_FAIL_AT);
  if (left == 0) return false;
  store<u32>(H_FAIL_AT, left - 1);
  return left == 1;
}

/**
 * Debug build: whether a request for `n` records of a pool is refused by the injector. Granted, so
 * many may be taken.
 */
export function strictRefuses(pool: u32, n: u32): bool {
  if (load<u32>(H_STRICT) == 0) return false;
  const budget = H_BUDGET + (pool << 2);
  if (load<u32>(budget) >= n) return false;
  if (failNow()) return true;
  store<u32>(budget, n);
  return false;
}

/** Records that a pool can hand out for certain without asking for memory. */
export function poolSpare(pool: u32): u32 {
  if (ASC_NO_ASSERT == false && load<u32>(H_STRICT) != 0) return load<u32>(H_BUDGET + (pool << 2));
  return load<u32>(poolAt(pool) + P_SPARE);
}

/** Debug build: a record of a pool is taken (-1) or comes back (1). */
export function strictCount(pool: u32, delta: i32): void {
  if (load<u32>(H_STRICT) == 0) return;
  const budget = H_BUDGET + (pool << 2);
  const left = load<u32>(budget);
  assert(delta > 0 || left != 0); // nobody reserved it
  store<u32>(budget, left + delta);
  if (left <= load<u32>(poolAt(pool) + P_KEEP)) store<u32>(H_LOW, 1);
}

export function poolAt(pool: u32): u32 {
  return H_POOLS + pool * POOL_BYTES;
}

export function poolInit(pool: u32, stride: u32, keep: u32): void {
  const p = poolAt(pool);
  store<u32>(p + P_STRIDE, stride);
  store<u32>(p + P_KEEP, keep);
  if (keep > 0) store<u32>(H_LOW, 1);
}

/** Makes sure that `n` records can be had; false when host memory is exhausted. */
export function poolReserve(pool: u32, n: u32): bool {
  if (ASC_NO_ASSERT == false && strictRefuses(pool, n)) return false;
  const p = poolAt(pool);
  const spare = load<u32>(p + P_SPARE);
  if (spare >= n) return true;
  const stride = load<u32>(p + P_STRIDE);
  const perChunk = CHUNK_BYTES / stride;
  const chunks = (n - spare + perChunk - 1) / perChunk;
  const region = chunkAlloc(chunks);
  if (region == 0) return false;
  drainBump(p, stride);
  store<u32>(p + P_BUMP, region);
  store<u32>(p + P_END, region + chunks * CHUNK_BYTES - (CHUNK_BYTES - perChunk * stride));
  store<u32>(p + P_SPARE, spare + (chunks * CHUNK_BYTES) / stride);
  return true;
}

/** Moves what is left of the old bump region to the free list. */
function drainBump(p: u32, stride: u32): void {
  let at = load<u32>(p + P_BUMP);
  const end = load<u32>(p + P_END);
  while (at + stride <= end && at != 0) {
    store<u32>(at, load<u32>(p + P_FREE));
    store<u32>(p + P_FREE, at);
    at += stride;
  }
}

/** A record, its bytes unspecified; 0 when host memory is exhausted. */
export function poolAlloc(pool: u32): u32 {
  const p = poolAt(pool);
  if (ASC_NO_ASSERT == false && strictRefuses(pool, 1)) return 0;
  const spare = load<u32>(p + P_SPARE);
  if (spare == 0) return poolReserve(pool, 1) ? poolAlloc(pool) : 0;
  if (ASC_NO_ASSERT == false) strictCount(pool, -1);
  store<u32>(p + P_SPARE, spare - 1);
  if (spare <= load<u32>(p + P_KEEP)) store<u32>(H_LOW, 1);
  store<u32>(p + P_LIVE, load<u32>(p + P_LIVE) + 1);
  const free = load<u32>(p + P_FREE);
  if (free != 0) {
    store<u32>(p + P_FREE, load<u32>(free));
    return free;
  }
  const at = load<u32>(p + P_BUMP);
  store<u32>(p + P_BUMP, at + load<u32>(p + P_STRIDE));
  return at;
}

export function poolFree(pool: u32, record: u32): void {
  const p = poolAt(pool);
  if (ASC_NO_ASSERT == false) strictCount(pool, 1);
  store<u32>(record, load<u32>(p + P_FREE));
  store<u32>(p + P_FREE, record);
  store<u32>(p + P_SPARE, load<u32>(p + P_SPARE) + 1);
  store<u32>(p + P_LIVE, load<u32>(p + P_LIVE) - 1);
}
