/**
 * zx_vmo_set_size and zx_vmo_set_stream_size of the model.
 */
import { refuseIf } from './status.js';
import { zeroRange } from './vmo-bytes.js';
import { LIMIT, type ModelHandle, Right, needs, roundUp, sizeBytes } from './vmo.js';
import type { World } from './world.js';

/** zx_vmo_set_size. */
export const setSize = (world: World, handle: ModelHandle, bytes: bigint): void => {
  const { vmo } = handle;
  needs(handle, Right.WRITE);
  refuseIf(!vmo.resizable, 'ZX_ERR_UNAVAILABLE');
  needs(handle, Right.RESIZE);
  const size = roundUp(bytes);
  refuseIf(vmo.rootOffset + size >= LIMIT, 'ZX_ERR_INVALID_ARGS');
  const pages = Number(size / 4096n);
  for (const page of vmo.tree.pins.keys()) refuseIf(page >= pages, 'ZX_ERR_BAD_STATE');
  const shrinks = size < sizeBytes(vmo) || bytes < vmo.stream.bytes;
  if (shrinks && bytes < size) {
    const end = size < sizeBytes(vmo) ? size : sizeBytes(vmo);
    if (bytes < end) zeroRange(world, vmo, bytes, end - bytes);
  }
  vmo.stream.bytes = bytes;
  world.resize(vmo.tree, pages);
};

/** zx_vmo_set_stream_size. */
export const setStreamSize = (world: World, handle: ModelHandle, bytes: bigint): void => {
  needs(handle, Right.WRITE);
  const { vmo } = handle;
  refuseIf(vmo.tree.kind === 'physical', 'ZX_ERR_NOT_SUPPORTED');
  const size = sizeBytes(vmo);
  refuseIf(bytes > size, 'ZX_ERR_OUT_OF_RANGE');
  const { bytes: old } = vmo.stream;
  if (bytes === old) return;
  const from = bytes < old ? bytes : old;
  if (from < size) zeroRange(world, vmo, from, size - from);
  vmo.stream.bytes = bytes;
};
