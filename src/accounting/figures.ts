/**
 * One VMO's figures at once, for `getInfo(Topic.VMO)`: a small pass over its family alone.
 *
 * `committed` and `populated` are what the VMO sees, `scaled` its share among the VMOs that see it,
 * as Zircon reports since RFC-0254. Slices and references are charged nothing.
 */

import { TreePass } from '../core/passes.js';
import type { VmoFigures } from '../objects/info.js';
import type { PageTree } from '../objects/page-tree.js';
import type { KernelSystem } from '../objects/system.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { Windows } from './windows.js';

/** The figures; nothing while a pass runs, when none can begin. */
export function figuresOf(system: KernelSystem, vmo: VmoObject): VmoFigures | undefined {
  if (system.busy || vmo.isPhysical || !vmo.isOwner) return undefined;
  return treeFigures(system, vmo.tree, vmo.sizePages);
}

/**
 * What a VMO would be charged if it were the one that its pages belong to: how an IO buffer asks
 * about a reference (memory-semantics 4.3).
 */
export function ownerFigures(system: KernelSystem, vmo: VmoObject): VmoFigures {
  return treeFigures(system, vmo.tree, vmo.tree.owner?.sizePages ?? vmo.sizePages);
}

function treeFigures(system: KernelSystem, tree: PageTree, sizePages: number): VmoFigures {
  const { core } = system;
  const family = core.vmoFamily(tree.ref);
  const windows = new Windows();
  for (const other of system.trees) {
    const isOwned = other === tree || other.owner !== undefined;
    if (!isOwned || core.vmoFamily(other.ref) !== family) continue;
    windows.add(other.ref, 0, other.owner?.sizePages ?? sizePages, 1);
  }
  const pass = new TreePass(core, 'sum');
  try {
    pass.inject(windows);
    pass.scan();
    const own = new Windows();
    own.add(tree.ref, 0, sizePages, 0);
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
