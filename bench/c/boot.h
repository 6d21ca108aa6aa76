/*
 * Starting the baseline: the block of memory, the header, the pools, the frame columns.
 * After assembly/boot.ts. What will be used is touched first: the first touch of a page of the host
 * costs microseconds, and is no part of what is compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static bool mapMemory(void) {
  u64 skipped = MEMORY_BASE == 0 ? HEADER : 0; // the zero page cannot be had; nothing lies there
  void *want = (void *)(uintptr_t)(MEMORY_BASE + skipped);
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  return mmap(want, MEMORY_BYTES - skipped, PROT_READ | PROT_WRITE, flags, -1, 0) == want;
}

static void touchMemory(u64 bytes) {
  for (u64 at = HEADER; at < bytes; at += PAGE_BYTES) *(volatile u8 *)AT(at) = 0;
}

static bool placeColumn(u32 field, u32 chunks) {
  u32 at = chunkAlloc(chunks);
  R32(field) = at;
  return at != 0;
}

static i32 boot(u32 pages, u32 limitChunks) {
  fill(HEADER, 0, (FIRST_CHUNK - 1) * CHUNK_BYTES);
  R32(H_BRK) = FIRST_CHUNK;
  R32(H_LIMIT) = least32(limitChunks, 65535);
  u32 frames = pages + 1;
  u32 column = (u32)(((u64)frames * 4 + CHUNK_BYTES - 1) / CHUNK_BYTES);
  if (!placeColumn(H_FRAME_A, column) || !placeColumn(H_FRAME_B, column)
    || !placeColumn(H_FRAME_C, column) || !placeColumn(H_FRAME_D, column)) return NO_MEMORY;
  if (!placeColumn(H_XFER, 1)) return NO_MEMORY;
  R32(H_FRAMES) = frames;
  R32(H_FRAME_BUMP) = 1;
  R32(frameB(0)) = ST_WIRED;
  R32(H_STATES) = pages;
  poolInit(POOL_VMO, VMO_BYTES, 0);
  poolInit(POOL_ASPACE, ASPACE_BYTES, 0);
  poolInit(POOL_MAPPING, MAPPING_BYTES, 0);
  poolInit(POOL_TABLE, TABLE_BYTES, 8);
  for (u32 c = 0; c <= CLASS_DENSE; c++) poolInit(POOL_TABLE_DATA + c, 128u << c, 4);
  poolInit(POOL_CONTENT, PAGE_BYTES, 0);
  for (u32 h = 1; h <= HEIGHT_MAX; h++) poolInit(POOL_NODE + h, 0, 0);
  R32(H_LOW) = 1;
  return admitHeight(2) ? 0 : NO_MEMORY;
}
