/**
 * What ranges of VMOs are charged, as far as it is known: by a pass where somebody runs passes,
 * else the pages of each VMO's own tree, which is exact where no trees share pages.
 */

import { NO_FIGURES, type VmoFigures, type VmoPart } from './info.js';
import type { KernelSystem } from './system.js';
import { PAGE_BYTES } from './units.js';

/** Figures of each range. */
export function partFigures(
  system: KernelSystem, parts: readonly VmoPart[],
): readonly VmoFigures[] {
  return system.figures?.(parts) ?? parts.map(ownFigures);
}

function ownFigures({ vmo, first, pages }: VmoPart): VmoFigures {
  if (!vmo.isOwner || vmo.isPhysical || pages <= 0) return NO_FIGURES;
  const bytes = vmo.system.core.vmoCommittedPages(vmo.tree.ref, first, pages) * PAGE_BYTES;
  const { core } = vmo.system;
  const populated = bytes + core.vmoCompressedPages(vmo.tree.ref, first, pages) * PAGE_BYTES;
  return {
    committedBytes: bytes, populatedBytes: populated,
    committedPrivateBytes: bytes, populatedPrivateBytes: populated,
    committedScaledBytes: bytes, populatedScaledBytes: populated,
    committedFractionalScaledBytes: 0n, populatedFractionalScaledBytes: 0n,
  };
}
