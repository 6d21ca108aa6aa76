/**
 * Figures of VMOs, or of ranges of them, at once, for `getInfo`: a small pass over their families
 * alone, or a slow count while another pass runs.
 *
 * `committed` and `populated` are what the VMO sees, `scaled` its share among the VMOs that see it,
 * as Zircon reports since RFC-0254 (memory-semantics 4.1 to 4.4). Slices and references are charged
 * nothing.
 */

import { PassMemoryError, TreePass } from '../core/passes.js';
import { ZxError } from '../objects/errors.js';
import { NO_FIGURES, type VmoFigures, type VmoPart } from '../objects/info.js';
import type { KernelSystem } from '../objects/system.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { joinShare } from './columns.js';
import { withCompressed } from './compressed.js';
import { countFigures, figuresOfPages, type TreePart } from './counted.js';
import { Windows } from './windows.js';

/**
 * The figures of each range.
 *
 * @throws ZxError ZX_ERR_NO_MEMORY without room for a pass
 */
export function figuresOf(
  system: KernelSystem, parts: readonly VmoPart[],
): readonly VmoFigures[] {
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
  const owners = ownersOf(system, parts);
  if (system.busy) return withCompressed(core, countFigures(core, parts, owners), parts, owners);
  try {
    return withCompressed(core, passFigures(system, parts, owners), parts, owners);
  } catch (error) {
    if (!(error instanceof PassMemoryError)) throw error;
    throw new ZxError('ZX_ERR_NO_MEMORY', `${error.message}: ${core.hostBytesLeft} are left`, {
      bytes: error.bytes, hostBytesLeft: core.hostBytesLeft,
    });
  }
}

/** The trees that share in the pages of ranges, also those that no VMO owns any more. */
function ownersOf(
  { core, trees }: KernelSystem, parts: readonly (TreePart | undefined)[],
): TreePart[] {
  const families = new Set<number>();
  for (const part of parts) {
    if (part !== undefined) families.add(core.vmoFamily(part.tree.ref));
  }
  const owners: TreePart[] = [];
  for (const tree of trees) {
    if (families.has(core.vmoFamily(tree.ref))) {
      owners.push({ tree, first: 0, pages: core.vmoSizePages(tree.ref) });
    }
  }
  return owners;
}

function passFigures(
  { core }: KernelSystem, parts: readonly (TreePart | undefined)[], owners: readonly TreePart[],
): readonly VmoFigures[] {
  const ranges = new Windows();
  parts.forEach((part, row) => {
    if (part !== undefined) ranges.add(part.tree.ref, part.first, part.pages, row);
  });
  if (ranges.vmo.length === 0) return parts.map(() => NO_FIGURES);
  const holders = new Windows();
  for (const { tree, first, pages } of owners) holders.add(tree.ref, first, pages, 1);
  const pass = new TreePass(core, 'sum');
  try {
    pass.inject(holders);
    pass.scan();
    const sums = pass.read(ranges, parts.length);
    return parts.map((_, row) => figuresOfPages(
      sums.pages[row] as number, sums.privatePages[row] as number,
      joinShare(sums.bytes[row] as bigint, sums.fraction[row] as bigint),
    ));
  } finally {
    pass.end();
  }
}
