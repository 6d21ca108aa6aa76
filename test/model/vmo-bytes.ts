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
  eachPage(handle.vmo, offset, BigInt(data.length), (page, at, count, done) => {
    setBytes(world.fork(handle.vmo.tree, page), at, data.subarray(done, done + count));
  });
};

/** Makes bytes read as zero: whole pages go, parts of pages are written where there is content. */
export const zeroRange = (world: World, vmo: ModelVmo, offset: bigint, length: bigint): void => {
  eachPage(vmo, offset, length, (page, at, count) => {
    if (count === PAGE_BYTES) world.clear(vmo.tree, page);
    else if (lookup(vmo.tree, page) !== undefined) {
      setBytes(world.fork(vmo.tree, page), at, new Uint8Array(count));
    }
  });
};
