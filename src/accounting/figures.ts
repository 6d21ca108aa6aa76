/**
 * One VMO's figures at once, for `getInfo(Topic.VMO)`: a small pass over its family alone.
 *
 * `committed` and `populated` are what the VMO sees, `scaled` its share among the VMOs that see it,
 * as Zircon reports since RFC-0254. Slices and references are charged nothing.
 */

import { TreePass } from '../core/passes.js';
import type { VmoFigures } from '../objects/info.js';
import type { KernelSystem } from '../objects/system.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { Windows } from './windows.js';

/** The figures; nothing while a pass runs, when none can begin. */
export function figuresOf(system: KernelSystem, vmo: VmoObject): VmoFigures | undefined {
  if (system.busy || vmo.isPhysical || !vmo.isOwner) return undefined;
  const { core } = system;
  const family = core.vmoFamily(vmo.tree.ref);
  const windows = new Windows();
  for (const { owner, ref } of system.trees) {
    if (owner !== undefined && core.vmoFamily(ref) === family)
      windows.add(ref, 0, owner.sizePages, 1);
  }
  const pass = new TreePass(core, 'sum');
  try {
    pass.inject(windows);
    pass.scan();
    const own = new Windows();
    own.add(vmo.tree.ref, 0, vmo.sizePages, 0);
    const sums = pass.read(own, 1);
    const bytes = (sums.pages[0] as number) * PAGE_BYTES;
    const privateBytes = (sums.privatePages[0] as number) * PAGE_BYTES;
    const scaled = Number(sums.bytes[0]);
    const fraction = sums.fraction[0] as bigint;
    return {
      committedBytes: bytes, populatedBytes: bytes,
      committedPrivateBytes: privateBytes, populatedPrivateBytes: privateBytes,
      committedScaledBytes: scaled, populatedScaledBytes: scaled,
      committedFractionalScaledBytes: fraction, populatedFractionalScaledBytes: fraction,
    };
  } finally {
    pass.end();
  }
}
