/**
 * Bytes of the model's VMOs: zx_vmo_read, zx_vmo_write, and zeroing.
 */
import { refuseIf } from './status.js';
import { PAGE_BYTES, getBytes, lookup, setBytes } from './tree.js';
import { type ModelHandle, type ModelVmo, Right, needs, sizeBytes } from './vmo.js';
import type { World } from './world.js';

/** Refuses a byte range that leaves the VMO. */
export const inRange = (vmo: ModelVmo, offset: bigint, length: bigint): void =>
  refuseIf(offset + length > sizeBytes(vmo), 'ZX_ERR_OUT_OF_RANGE');

/** Calls `visit` for each page touched by a byte range: tree page, first byte in it, byte count. */
export const eachPage = (
  vmo: ModelVmo, offset: bigint, length: bigint,
  visit: (page: number, at: number, count: number, done: number) => void,
): void => {
  let done = 0;
  while (BigInt(done) < length) {
    const here = offset + BigInt(done);
    const at = Number(here % 4096n);
    const left = length - BigInt(done);
    const count = Math.min(PAGE_BYTES - at, left > 4096n ? PAGE_BYTES : Number(left));
    visit(Number(here / 4096n) + vmo.treeOffset, at, count, done);
    done += count;
  }
};

/** zx_vmo_read. */
export const readVmo = (handle: ModelHandle, offset: bigint, length: number): Uint8Array => {
  needs(handle, Right.READ);
  inRange(handle.vmo, offset, BigInt(length));
  refuseIf(handle.vmo.cachePolicy !== 0, 'ZX_ERR_BAD_STATE');
  const out = new Uint8Array(length);
  eachPage(handle.vmo, offset, BigInt(length), (page, at, count, done) => {
    out.set(getBytes(lookup(handle.vmo.tree, page), at, count), done);
  });
  return out;
};

/** zx_vmo_write. */
export const writeVmo = (
  world: World, handle: ModelHandle, offset: bigint, data: Uint8Array,
): void => {
  needs(handle, Right.WRITE);
  inRange(handle.vmo, offset, BigInt(data.length));
  refuseIf(handle.vmo.cachePolicy !== 0, 'ZX_ERR_BAD_STATE');
  if (handle.vmo.tree.kind === 'physical') return;
  eachPage(handle.vmo, offset, BigInt(data.length), (page, at, count, done) => {
    setBytes(world.fork(handle.vmo.tree, page), at, data.subarray(done, done + count));
  });
};

/** Zeroes bytes inside one page. */
const zeroInPage = (world: World, vmo: ModelVmo, from: bigint, to: bigint): void => {
  const page = Number(from / 4096n) + vmo.treeOffset;
  if (from >= to || lookup(vmo.tree, page) === undefined) return;
  const zeros = new Uint8Array(Number(to - from));
  setBytes(world.fork(vmo.tree, page), Number(from % 4096n), zeros);
};

/**
 * Makes bytes read as zero: whole pages go, parts of pages are written where there is content. The
 * range may have 2^52 pages.
 */
export const zeroRange = (world: World, vmo: ModelVmo, offset: bigint, length: bigint): void => {
  const end = offset + length;
  const first = (offset + 4095n) / 4096n;
  const last = end / 4096n;
  if (first > last) return zeroInPage(world, vmo, offset, end);
  zeroInPage(world, vmo, offset, first * 4096n);
  zeroInPage(world, vmo, last * 4096n, end);
  world.clearRange(vmo.tree, Number(first) + vmo.treeOffset, Number(last) + vmo.treeOffset);
};
