/**
 * Pins of the model: pages that are committed and stay where they are.
 */
import { refuseIf } from './status.js';
import { inRange } from './vmo-bytes.js';
import { type ModelHandle, type ModelVmo, Right, needs, reap } from './vmo.js';
import type { World } from './world.js';

const MOST_PINS = 31;

/** A pin on pages of a VMO. */
export interface ModelPin {
  readonly vmo: ModelVmo;
  readonly first: number;
  readonly pages: number;
}

/** Pins pages: commits and forks them, and keeps the VMO. The range is widened to whole pages. */
export const pinVmo = (
  world: World, handle: ModelHandle, offset: bigint, length: bigint,
): ModelPin => {
  const { vmo } = handle;
  needs(handle, Right.MAP);
  inRange(vmo, offset, length);
  refuseIf(length === 0n, 'ZX_ERR_INVALID_ARGS');
  const first = Number(offset / 4096n) + vmo.treeOffset;
  const pages = Number((offset + length + 4095n) / 4096n) - Number(offset / 4096n);
  const most = vmo.tree.kind === 'physical' ? Infinity : MOST_PINS;
  for (let at = first; at < first + pages; at++) {
    refuseIf((vmo.tree.pins.get(at) ?? 0) >= most, 'ZX_ERR_UNAVAILABLE');
  }
  world.pin(vmo.tree, first, pages);
  vmo.pins += 1;
  return { vmo, first, pages };
};

/** Lets pinned pages go. */
export const unpinVmo = (world: World, pin: ModelPin): void => {
  world.unpin(pin.vmo.tree, pin.first, pin.pages);
  pin.vmo.pins -= 1;
  reap(world, pin.vmo);
};
