/**
 * Compressed pages in figures: each counts with its size before it was compressed, shared out among
 * the VMOs that see it, in `populated` but not in `committed` (memory-semantics 4, 7.5).
 */

import type { Core } from '../core/core.js';
import type { PageWindow } from '../core/compressed.js';
import type { VmoFigures } from '../objects/info.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { PageTree } from '../objects/page-tree.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { setShare, shareColumn } from './columns.js';
import type { CompressedColumns } from './tables.js';

const FRACTION_BITS = 63n;
const FRACTION_MASK = (1n << FRACTION_BITS) - 1n;
const PAGE_UNITS = BigInt(PAGE_BYTES) << FRACTION_BITS;

/**
 * Figures with the compressed pages of each range added.
 *
 * @param owners - every tree that shares in the pages, whole
 */
export function withCompressed(
  core: Core, figures: readonly VmoFigures[], parts: readonly (PageWindow | undefined)[],
  owners: readonly PageWindow[],
): readonly VmoFigures[] {
  if (core.compressedPages === 0) return figures;
  const tallies = core.compressedViewers(owners, parts);
  return figures.map((row, i) => add(row, tallies[i]));
}

/**
 * Columns for VMOs, oldest first; undefined where no page is compressed.
 *
 * @param ownerless - trees that share in the pages without a VMO that pays
 * @param isClassic - each page is charged to the oldest VMO that sees it, else to all of them
 */
export function compressedColumns(
  core: Core, vmos: readonly VmoObject[], ownerless: readonly PageTree[], isClassic: boolean,
): CompressedColumns | undefined {
  if (core.compressedPages === 0) return undefined;
  const columns = {
    bytes: new Float64Array(vmos.length), privateBytes: new Float64Array(vmos.length),
    scaled: shareColumn(vmos.length),
  };
  const windows: PageWindow[] = [];
  const rows: number[] = [];
  vmos.forEach((vmo, row) => {
    if (!vmo.isOwner || vmo.isPhysical) return;
    windows.push({ vmo: vmo.tree.ref, page: 0, pages: vmo.sizePages });
    rows.push(row);
  });
  if (isClassic) {
    core.compressedFirst(windows).forEach((pages, i) => {
      const row = rows[i] as number;
      columns.bytes[row] = columns.privateBytes[row] = pages * PAGE_BYTES;
      setShare(columns.scaled, row, BigInt(pages) * PAGE_UNITS);
    });
    return columns;
  }
  const kept = ownerless.map(({ ref }) =>
    ({ vmo: ref, page: 0, pages: core.vmoSizePages(ref) }));
  core.compressedViewers([...windows, ...kept], windows).forEach((tally, i) => {
    const row = rows[i] as number;
    const { pages, units } = sumOf(tally);
    columns.bytes[row] = pages * PAGE_BYTES;
    columns.privateBytes[row] = (tally.get(1) ?? 0) * PAGE_BYTES;
    setShare(columns.scaled, row, units);
  });
  return columns;
}

/** Pages by number of viewers: how many, and what one viewer's shares of them come to. */
function sumOf(tally: ReadonlyMap<number, number>): { pages: number; units: bigint } {
  let pages = 0;
  let units = 0n;
  for (const [viewers, count] of tally) {
    pages += count;
    units += PAGE_UNITS / BigInt(Math.max(1, viewers)) * BigInt(count);
  }
  return { pages, units };
}

/** Adds pages by number of VMOs that see them. */
function add(figures: VmoFigures, tally: ReadonlyMap<number, number> | undefined): VmoFigures {
  if (tally === undefined || tally.size === 0) return figures;
  const { pages, units: more } = sumOf(tally);
  const units = (BigInt(figures.committedScaledBytes) << FRACTION_BITS)
    + figures.committedFractionalScaledBytes + more;
  return {
    ...figures,
    populatedBytes: figures.committedBytes + pages * PAGE_BYTES,
    populatedPrivateBytes: figures.committedPrivateBytes + (tally.get(1) ?? 0) * PAGE_BYTES,
    populatedScaledBytes: Number(units >> FRACTION_BITS),
    populatedFractionalScaledBytes: units & FRACTION_MASK,
  };
}
