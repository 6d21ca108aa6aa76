/**
 * Figures of VMOs, or of ranges of them, at once, for `getInfo`: a small pass over their families
 * alone.
 *
 * `committed` and `populated` are what the VMO sees, `scaled` its share among the VMOs that see it,
 * as Zircon reports since RFC-0254 (memory-semantics 4.1 to 4.4). Slices and references are charged
 * nothing.
 */

import { PassMemoryError, TreePass, type Sums } from '../core/passes.js';
import { ZxError } from '../objects/errors.js';
import { NO_FIGURES, type VmoFigures, type VmoPart } from '../objects/info.js';
import type { PageTree } from '../objects/page-tree.js';
import type { KernelSystem } from '../objects/system.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { Windows } from './windows.js';

interface TreePart {
  readonly tree: PageTree;
  readonly first: number;
  readonly pages: number;
}

/**
 * The figures of each range; nothing while a pass runs, when none can begin.
 *
 * @throws ZxError ZX_ERR_NO_MEMORY without room for a pass
 */
export function figuresOf(
  system: KernelSystem, parts: readonly VmoPart[],
): readonly VmoFigures[] | undefined {
  if (system.busy) return undefined;
  return treeFigures(system, parts.map(({ vmo, first, pages }) =>
    (vmo.isPhysical || !vmo.isOwner ? undefined : { tree: vmo.tree, first, pages })));
}

/**
 * What a VMO would be charged if it were the one that its pages belong to: how an IO buffer asks
 * about a reference (memory-semantics 4.3).
 */
export function ownerFigures(system: KernelSystem, vmo: VmoObject): VmoFigures {
  const [figures] = treeFigures(system, [{ tree: vmo.tree, first: 0, pages: vmo.sizePages }]);
  return figures ?? NO_FIGURES;
}

function treeFigures(
  system: KernelSystem, parts: readonly (TreePart | undefined)[],
): readonly VmoFigures[] {
  const { core } = system;
  const asked = new Map<PageTree, number>();
  const ranges = new Windows();
  parts.forEach((part, row) => {
    if (part === undefined) return;
    ranges.add(part.tree.ref, part.first, part.pages, row);
    asked.set(part.tree, Math.max(asked.get(part.tree) ?? 0, part.first + part.pages));
  });
  if (ranges.vmo.length === 0) return parts.map(() => NO_FIGURES);
  const families = new Set([...asked.keys()].map(({ ref }) => core.vmoFamily(ref)));
  const owners = new Windows();
  for (const tree of system.trees) {
    const pages = tree.owner?.sizePages ?? asked.get(tree);
    if (pages !== undefined && families.has(core.vmoFamily(tree.ref))) {
      owners.add(tree.ref, 0, pages, 1);
    }
  }
  try {
    const pass = new TreePass(core, 'sum');
    try {
      pass.inject(owners);
      pass.scan();
      const sums = pass.read(ranges, parts.length);
      return parts.map((_, row) => rowOf(sums, row));
    } finally {
      pass.end();
    }
  } catch (error) {
    if (!(error instanceof PassMemoryError)) throw error;
    throw new ZxError('ZX_ERR_NO_MEMORY', `${error.message}: ${core.hostBytesLeft} are left`, {
      bytes: error.bytes, hostBytesLeft: core.hostBytesLeft,
    });
  }
}

function rowOf(sums: Sums, row: number): VmoFigures {
  const bytes = (sums.pages[row] as number) * PAGE_BYTES;
  const privateBytes = (sums.privatePages[row] as number) * PAGE_BYTES;
  const scaled = Number(sums.bytes[row]);
  const fraction = sums.fraction[row] as bigint;
  return {
    committedBytes: bytes, populatedBytes: bytes,
    committedPrivateBytes: privateBytes, populatedPrivateBytes: privateBytes,
    committedScaledBytes: scaled, populatedScaledBytes: scaled,
    committedFractionalScaledBytes: fraction, populatedFractionalScaledBytes: fraction,
  };
}
