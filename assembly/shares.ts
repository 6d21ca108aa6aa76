/**
 * Shares of a page, and sums of them, in integers.
 *
 * A share is floor(4096 * 2^63 / owners) in units of 2^-63 byte, kept in two 64-bit lanes of 38
 * bits:
 *   high lane | bytes 13 | fraction, upper 25 |        low lane | fraction, lower 38 |
 * 2^26 shares (the most pages there can be) add up in either lane without a carry: 38 + 26 = 64. A
 * vector add sums both lanes at once; the carry is settled when a sum is read.
 */
import { H_SHARE_COUNT, H_SHARE_TABLE } from "./layout";
import { chunkAlloc } from "./heap";

export const LANE_BITS: u64 = 38;
export const LANE_MASK: u64 = (1 << 38) - 1;
const TABLE_CHUNKS: u32 = 4; // 16,384 weights

/** The share of each of `owners` in one page; nothing for 0. */
export function shareComputed(owners: u32): v128 {
  if (owners == 0) return i64x2.splat(0);
  const w = <u64>owners;
  const bytes = 4096 / w;
  const left = (4096 % w) << 32;
  const upper = left / w;
  const fraction = (upper << 31) | (((left % w) << 31) / w);
  const high = (bytes << 25) | (fraction >> LANE_BITS);
  return i64x2.replace_lane(i64x2.splat(<i64>high), 1, <i64>(fraction & LANE_MASK));
}

/** Fills the table of shares up to its room; false when host memory is exhausted. */
export function shareTableReady(): bool {
  if (load<u32>(H_SHARE_TABLE) != 0) return true;
  const table = chunkAlloc(TABLE_CHUNKS);
  if (table == 0) return false;
  const count = TABLE_CHUNKS << 12;
  for (let w: u32 = 0; w < count; w++) v128.store(table + (w << 4), shareComputed(w));
  store<u32>(H_SHARE_TABLE, table);
  store<u32>(H_SHARE_COUNT, count);
  return true;
}

/** Share by weight, from the table where it reaches. */
export function shareOf(weight: u32, table: u32, count: u32): v128 {
  return weight < count ? v128.load(table + (weight << 4)) : shareComputed(weight);
}

/** `n` times a share. */
export function shareTimes(share: v128, n: u32): v128 {
  return i64x2.mul(share, i64x2.splat(n));
}

/** Writes a sum as (bytes, units of 2^-63 byte), two u64. */
export function storeSum(at: u32, sum: v128): void {
  const high = <u64>i64x2.extract_lane(sum, 0);
  const low = <u64>i64x2.extract_lane(sum, 1);
  const carried = high + (low >> LANE_BITS);
  store<u64>(at, carried >> 25);
  store<u64>(at + 8, ((carried & 0x1ffffff) << LANE_BITS) | (low & LANE_MASK));
}
