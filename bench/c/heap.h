/*
 * Host memory and frames: chunks of 64 KiB, pools of records, the four frame columns.
 * After assembly/heap.ts and assembly/frames.ts, function by function.
 */
static u32 chunkAlloc(u32 n) {
  if (n == 1) {
    u32 free = R32(H_FREE_CHUNK);
    if (free != 0) {
      R32(H_FREE_CHUNK) = R32(free);
      return free;
    }
  }
  u32 brk = R32(H_BRK);
  if (n > R32(H_LIMIT) - brk) return 0;
  R32(H_BRK) = brk + n;
  return brk * CHUNK_BYTES;
}

static void chunkFree(u32 chunk) {
  R32(chunk) = R32(H_FREE_CHUNK);
  R32(H_FREE_CHUNK) = chunk;
}

static u32 poolAt(u32 pool) { return H_POOLS + pool * POOL_BYTES; }

static void poolInit(u32 pool, u32 stride, u32 keep) {
  u32 p = poolAt(pool);
  R32(p + P_STRIDE) = stride;
  R32(p + P_KEEP) = keep;
  if (keep > 0) R32(H_LOW) = 1;
}

static void drainBump(u32 p, u32 stride) {
  u32 at = R32(p + P_BUMP);
  u32 end = R32(p + P_END);
  while (at + stride <= end && at != 0) {
    R32(at) = R32(p + P_FREE);
    R32(p + P_FREE) = at;
    at += stride;
  }
}

static bool poolReserve(u32 pool, u32 n) {
  u32 p = poolAt(pool);
  u32 spare = R32(p + P_SPARE);
  if (spare >= n) return true;
  u32 stride = R32(p + P_STRIDE);
  u32 perChunk = CHUNK_BYTES / stride;
  u32 chunks = (n - spare + perChunk - 1) / perChunk;
  u32 region = chunkAlloc(chunks);
  if (region == 0) return false;
  drainBump(p, stride);
  R32(p + P_BUMP) = region;
  R32(p + P_END) = region + chunks * CHUNK_BYTES - (CHUNK_BYTES - perChunk * stride);
  R32(p + P_SPARE) = spare + chunks * CHUNK_BYTES / stride;
  return true;
}

static u32 poolAlloc(u32 pool) {
  u32 p = poolAt(pool);
  u32 spare = R32(p + P_SPARE);
  if (spare == 0) return poolReserve(pool, 1) ? poolAlloc(pool) : 0;
  R32(p + P_SPARE) = spare - 1;
  if (spare <= R32(p + P_KEEP)) R32(H_LOW) = 1;
  R32(p + P_LIVE) += 1;
  u32 free = R32(p + P_FREE);
  if (free != 0) {
    R32(p + P_FREE) = R32(free);
    return free;
  }
  u32 at = R32(p + P_BUMP);
  R32(p + P_BUMP) = at + R32(p + P_STRIDE);
  return at;
}

static void poolFree(u32 pool, u32 record) {
  u32 p = poolAt(pool);
  R32(record) = R32(p + P_FREE);
  R32(p + P_FREE) = record;
  R32(p + P_SPARE) += 1;
  R32(p + P_LIVE) -= 1;
}

/* ---- frames -------------------------------------------------------------------------------- */
static u32 frameA(u32 frame) { return R32(H_FRAME_A) + (frame << 2); }
static u32 frameB(u32 frame) { return R32(H_FRAME_B) + (frame << 2); }
static u32 frameC(u32 frame) { return R32(H_FRAME_C) + (frame << 2); }
static u32 frameD(u32 frame) { return R32(H_FRAME_D) + (frame << 2); }
static u32 freeFrames(void) { return R32(H_STATES); }
static void stateAdd(u32 state, i32 delta) { R32(H_STATES + (state << 2)) += (u32)delta; }

static u32 frameTake(void) {
  u32 free = R32(H_FRAME_FREE);
  if (free != 0) {
    R32(H_FRAME_FREE) = R32(frameC(free));
    return free;
  }
  u32 bump = R32(H_FRAME_BUMP);
  R32(H_FRAME_BUMP) = bump + 1;
  return bump;
}

static u32 frameAlloc(u32 state) {
  if (freeFrames() == 0) return 0;
  u32 frame = frameTake();
  R32(frameA(frame)) = 1;
  R32(frameB(frame)) = state;
  R32(frameC(frame)) = 0;
  R32(frameD(frame)) = 0;
  stateAdd(ST_FREE, -1);
  stateAdd(state, 1);
  return frame;
}

static void frameFree(u32 frame) {
  u32 b = frameB(frame);
  stateAdd(R32(b) & B_STATE_MASK, -1);
  stateAdd(ST_FREE, 1);
  u32 c = frameC(frame);
  u32 content = R32(c) >> 12;
  if (content != 0) {
    poolFree(POOL_CONTENT, content << 12);
    R32(H_CONTENTS) -= 1;
  }
  R32(frameA(frame)) = 0;
  R32(b) = 0;
  R32(c) = R32(H_FRAME_FREE);
  R32(H_FRAME_FREE) = frame;
}

static void frameDrop(u32 frame) {
  u32 a = frameA(frame);
  u32 refs = R32(a);
  if ((refs & A_REF_MASK) > 1) R32(a) = refs - 1;
  else frameFree(frame);
}
