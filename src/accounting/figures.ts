/**
 * Figures of VMOs, or of ranges of them, at once, for `getInfo`: a small pass over their families
 * alone, or a slow count while another pass runs.
 *
 * `committed` and `populated` are what the VMO sees, `scaled` its share among the VMOs that see it,
 * as Zircon reports since RFC-0254 (memory-semantics 4.1 to 4.4). Slices and references are charged
 * nothing.
 */

import type { PageWindow } from '../core/compressed.js';
import type { Core } from '../core/core.js';
import { PassMemoryError, TreePass } from '../core/passes.js';
import { ZxError } from '../objects/errors.js';
import { NO_FIGURES, type VmoFigures, type VmoPart } from '../objects/info.js';
import type { KernelSystem } from '../objects/system.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { joinShare } from './columns.js';
import { withCompressed } from './compressed.js';
import { countFigures, figuresOfPages } from './counted.js';
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
    (vmo.isPhysical || !vmo.isOwner ? undefined : { vmo: vmo.tree.ref, page: first, pages })));
}

/**
 * What a VMO would be charged if it were the one that its pages belong to: how an IO buffer asks
 * about a reference (memory-semantics 4.3).
 */
export function ownerFigures(system: KernelSystem, vmo: VmoObject): VmoFigures {
  const whole = { vmo: vmo.tree.ref, page: 0, pages: vmo.sizePages };
  const [figures] = treeFigures(system, [whole]);
  return figures ?? NO_FIGURES;
}

function treeFigures(
  system: KernelSystem, parts: readonly (PageWindow | undefined)[],
): readonly VmoFigures[] {
  const { core } = system;
  const owners = ownersOf(core, parts);
  if (system.busy) {
    return withCompressed(core, countFigures(core, parts, owners), parts, owners, true);
  }
  try {
    return withCompressed(core, passFigures(core, parts, owners), parts, owners, false);
  } catch (error) {
    if (!(error instanceof PassMemoryError)) throw error;
    throw new ZxError('ZX_ERR_NO_MEMORY', `${error.message}: ${core.hostBytesLeft} are left`, {
      bytes: error.bytes, hostBytesLeft: core.hostBytesLeft,
    });
  }
}

/** The trees that share in the pages of ranges, whole, also those that no VMO owns any more. */
function ownersOf(core: Core, parts: readonly (PageWindow | undefined)[]): PageWindow[] {
  const families = new Set<number>();
  const owners: PageWindow[] = [];
  for (const part of parts) {
    if (part === undefined || families.has(core.vmoFamily(part.vmo))) continue;
    families.add(core.vmoFamily(part.vmo));
    for (const vmo of core.vmoKin(part.vmo)) {
      owners.push({ vmo, page: 0, pages: core.vmoSizePages(vmo) });
    }
  }
  return owners;
}

function passFigures(
  core: Core, parts: readonly (PageWindow | undefined)[], owners: readonly PageWindow[],
): readonly VmoFigures[] {
  const ranges = new Windows();
  parts.forEach((part, row) => {
    if (part !== undefined) ranges.add(part.vmo, part.page, part.pages, row);
  });
  if (ranges.vmo.length === 0) return parts.map(() => NO_FIGURES);
  const holders = new Windows();
  for (const { vmo, page, pages } of owners) holders.add(vmo, page, pages, 1);
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
