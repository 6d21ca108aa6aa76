/**
 * Compressed pages in figures: each counts with its size before it was compressed, shared out among
 * the VMOs that see it, in `populated` but not in `committed` (memory-semantics 4, 7.5).
 */

import type { Core } from '../core/core.js';
import type { PageWindow } from '../core/compressed.js';
import type { Sums } from '../core/passes.js';
import { StoredPass } from '../core/stored-pass.js';
import type { VmoFigures } from '../objects/info.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { PageTree } from '../objects/page-tree.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { joinShare, setShare, shareColumn } from './columns.js';
import type { CompressedColumns } from './tables.js';
import { Windows } from './windows.js';

const FRACTION_BITS = 63n;
const FRACTION_MASK = (1n << FRACTION_BITS) - 1n;
const PAGE_UNITS = BigInt(PAGE_BYTES) << FRACTION_BITS;

/** Compressed pages of a range: how many, how many nobody else sees, and its share of them. */
interface Compressed {
  readonly pages: number;
  readonly privatePages: number;
  readonly units: bigint;
}

/**
 * Figures with the compressed pages of each range added.
 *
 * @param owners - every tree that shares in the pages, whole
 * @param isBusy - whether another pass runs: then pages are counted one by one
 */
export function withCompressed(
  core: Core, figures: readonly VmoFigures[], parts: readonly (PageWindow | undefined)[],
  owners: readonly PageWindow[], isBusy: boolean,
): readonly VmoFigures[] {
  if (core.compressedPages === 0) return figures;
  if (isBusy) {
    const tallies = core.compressedViewers(owners, parts);
    return figures.map((row, i) => add(row, sumOf(tallies[i] ?? new Map<number, number>())));
  }
  const ranges = new Windows();
  parts.forEach((part, row) => {
    if (part !== undefined) ranges.add(part.vmo, part.page, part.pages, row);
  });
  const sums = within(new StoredPass(core, 'sum'), (pass) => {
    pass.scan(allOf(owners));
    return pass.read(ranges, parts.length);
  });
  return figures.map((row, i) => add(row, compressedAt(sums, i)));
}

/**
 * Columns for VMOs, oldest first; undefined where no page is compressed.
 *
 * @param ownerless - trees that share in the pages without a VMO that pays
 * @param isClassic - each page is charged to the oldest VMO that sees it, else to all of them
 * @throws PassMemoryError
 */
export function compressedColumns(
  core: Core, vmos: readonly VmoObject[], ownerless: readonly PageTree[], isClassic: boolean,
): CompressedColumns | undefined {
  if (core.compressedPages === 0) return undefined;
  const columns = {
    bytes: new Float64Array(vmos.length), privateBytes: new Float64Array(vmos.length),
    scaled: shareColumn(vmos.length),
  };
  const whole = new Windows();
  vmos.forEach((vmo, row) => {
    if (vmo.isOwner && !vmo.isPhysical) whole.add(vmo.tree.ref, 0, vmo.sizePages, row + 1);
  });
  const put = (row: number, { pages, privatePages, units }: Compressed): void => {
    columns.bytes[row] = pages * PAGE_BYTES;
    columns.privateBytes[row] = privatePages * PAGE_BYTES;
    setShare(columns.scaled, row, units);
  };
  if (isClassic) {
    within(new StoredPass(core, 'least'), (pass) => {
      pass.scan(whole);
      pass.least(whole).forEach((pages, i) => {
        const units = BigInt(pages) * PAGE_UNITS;
        put((whole.value[i] as number) - 1, { pages, privatePages: pages, units });
      });
    });
    return columns;
  }
  const viewers = new Windows();
  whole.vmo.forEach((vmo, i) => {
    viewers.add(vmo, whole.page[i] as number, whole.pages[i] as number, 1);
  });
  for (const { ref } of ownerless) viewers.add(ref, 0, core.vmoSizePages(ref), 1);
  within(new StoredPass(core, 'sum'), (pass) => {
    pass.scan(viewers);
    const sums = pass.read(whole, vmos.length + 1);
    for (const row of whole.value) put(row - 1, compressedAt(sums, row));
  });
  return columns;
}

/** Windows of weight 1. */
function allOf(owners: readonly PageWindow[]): Windows {
  const list = new Windows();
  for (const { vmo, page, pages } of owners) list.add(vmo, page, pages, 1);
  return list;
}

/** Does something in a pass, and ends it. */
function within<R>(pass: StoredPass, work: (pass: StoredPass) => R): R {
  try {
    return work(pass);
  } finally {
    pass.end();
  }
}

function compressedAt(sums: Sums, row: number): Compressed {
  return {
    pages: sums.pages[row] as number, privatePages: sums.privatePages[row] as number,
    units: joinShare(sums.bytes[row] as bigint, sums.fraction[row] as bigint),
  };
}

/** Pages by number of viewers: how many, and what one viewer's shares of them come to. */
function sumOf(tally: ReadonlyMap<number, number>): Compressed {
  let pages = 0;
  let units = 0n;
  for (const [viewers, count] of tally) {
    pages += count;
    units += PAGE_UNITS / BigInt(Math.max(1, viewers)) * BigInt(count);
  }
  return { pages, privatePages: tally.get(1) ?? 0, units };
}

/** Adds compressed pages to a row. */
function add(figures: VmoFigures, { pages, privatePages, units: more }: Compressed): VmoFigures {
  if (pages === 0) return figures;
  const units = (BigInt(figures.committedScaledBytes) << FRACTION_BITS)
    + figures.committedFractionalScaledBytes + more;
  return {
    ...figures,
    populatedBytes: figures.committedBytes + pages * PAGE_BYTES,
    populatedPrivateBytes: figures.committedPrivateBytes + privatePages * PAGE_BYTES,
    populatedScaledBytes: Number(units >> FRACTION_BITS),
    populatedFractionalScaledBytes: units & FRACTION_MASK,
  };
}
