/**
 * Starting a core: the header, the pools, the frame columns.
 */
import {
  ASPACE_BYTES, CHUNK_BYTES, CLASS_DENSE, FIRST_CHUNK, HEADER, H_BRK, H_FRAMES, H_FRAME_A,
  H_FRAME_B, H_FRAME_BUMP, H_FRAME_C, H_FRAME_D, H_LIMIT, H_LIST, H_LOW, H_MAGIC, H_STATES, H_XFER,
  LOAN_BYTES, MAPPING_BYTES, NO_MEMORY, PAGE_BYTES, POOL_ASPACE, POOL_CONTENT, POOL_LOAN,
  POOL_MAPPING, POOL_NODE, POOL_STORED, POOL_TABLE, POOL_TABLE_DATA, POOL_VMO, POOL_ZRAM,
  STORED_BYTES, ST_WIRED, TABLE_BYTES, VMO_BYTES, ZRAM_BYTES,
} from "./layout";
import { chunkAlloc, poolInit } from "./heap";
import { frameB } from "./frames";
import { admitHeight } from "./tree";

const MAGIC: u32 = 0x6d736d31;

/**
 * Prepares an empty system of `pages` frames in at most `limitChunks` chunks of 64 KiB. 0 or
 * NO_MEMORY.
 */
export function boot(pages: u32, limitChunks: u32): i32 {
  memory.fill(HEADER, 0, (FIRST_CHUNK - 1) * CHUNK_BYTES);
  store<u32>(H_BRK, FIRST_CHUNK);
  store<u32>(H_LIMIT, min<u32>(limitChunks, 65535));
  const frames = pages + 1;
  const column = <u32>((<u64>frames * 4 + CHUNK_BYTES - 1) / CHUNK_BYTES);
  if (!placeColumn(H_FRAME_A, column) || !placeColumn(H_FRAME_B, column)
    || !placeColumn(H_FRAME_C, column) || !placeColumn(H_FRAME_D, column)) return NO_MEMORY;
  if (!placeColumn(H_XFER, 1) || !placeColumn(H_LIST, 1)) return NO_MEMORY;
  store<u32>(H_FRAMES, frames);
  store<u32>(H_FRAME_BUMP, 1);
  store<u32>(frameB(0), ST_WIRED);
  store<u32>(H_STATES, pages);
  poolInit(POOL_VMO, VMO_BYTES, 0);
  poolInit(POOL_ASPACE, ASPACE_BYTES, 0);
  poolInit(POOL_MAPPING, MAPPING_BYTES, 0);
  poolInit(POOL_TABLE, TABLE_BYTES, 8);
  for (let c: u32 = 0; c <= CLASS_DENSE; c++) poolInit(POOL_TABLE_DATA + c, 128 << c, 4);
  poolInit(POOL_CONTENT, PAGE_BYTES, 0);
  for (let h: u32 = 1; h < 12; h++) poolInit(POOL_NODE + h, 0, 0);
  poolInit(POOL_STORED, STORED_BYTES, 0);
  poolInit(POOL_ZRAM, ZRAM_BYTES, 0);
  poolInit(POOL_LOAN, LOAN_BYTES, 0);
  store<u32>(H_LOW, 1);
  if (!admitHeight(2)) return NO_MEMORY;
  store<u32>(H_MAGIC, MAGIC);
  return 0;
}

function placeColumn(field: u32, chunks: u32): bool {
  const at = chunkAlloc(chunks);
  store<u32>(field, at);
  return at != 0;
}
