/**
 * zx_vmo_set_size of the model.
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
  if (bytes < vmo.stream.bytes && bytes < size) {
    const end = size < sizeBytes(vmo) ? size : sizeBytes(vmo);
    if (bytes < end) zeroRange(world, vmo, bytes, end - bytes);
  }
  vmo.stream.bytes = bytes;
  world.resize(vmo.tree, pages);
};
