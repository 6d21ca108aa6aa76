/**
 * Figures of ranges of VMOs without a pass: each page of the families is looked at, and the trees
 * that hold its frame are counted. Slow, for the time while a pass runs and no other can begin.
 */

import type { PageWindow } from '../core/compressed.js';
import type { Core } from '../core/core.js';
import { NO_FIGURES, type VmoFigures } from '../objects/info.js';
import { PAGE_BYTES } from '../objects/units.js';

const FRACTION_BITS = 63n;
const PAGE_UNITS = BigInt(PAGE_BYTES) << FRACTION_BITS;

/**
 * Figures of each range.
 *
 * @param owners - every tree that shares in the pages, whole
 */
export function countFigures(
  core: Core, parts: readonly (PageWindow | undefined)[], owners: readonly PageWindow[],
): readonly VmoFigures[] {
  const holders = new Map<number, number>();
  for (const owner of owners) {
    for (const frame of ownFrames(core, owner)) holders.set(frame, (holders.get(frame) ?? 0) + 1);
  }
  return parts.map((part) => {
    if (part === undefined) return NO_FIGURES;
    let pages = 0;
    let privatePages = 0;
    let units = 0n;
    for (const frame of ownFrames(core, part)) {
      const sharers = holders.get(frame) ?? 1;
      pages += 1;
      privatePages += sharers === 1 ? 1 : 0;
      units += PAGE_UNITS / BigInt(sharers);
    }
    return figuresOfPages(pages, privatePages, units);
  });
}

/** The figures that pages come to, compressed ones apart. */
export function figuresOfPages(pages: number, privatePages: number, units: bigint): VmoFigures {
  const bytes = pages * PAGE_BYTES;
  const privateBytes = privatePages * PAGE_BYTES;
  const scaled = Number(units >> FRACTION_BITS);
  const fraction = units & ((1n << FRACTION_BITS) - 1n);
  return {
    committedBytes: bytes, populatedBytes: bytes,
    committedPrivateBytes: privateBytes, populatedPrivateBytes: privateBytes,
    committedScaledBytes: scaled, populatedScaledBytes: scaled,
    committedFractionalScaledBytes: fraction, populatedFractionalScaledBytes: fraction,
  };
}

/** Frames of a tree's own pages in a range. */
function* ownFrames(core: Core, { vmo, page: first, pages }: PageWindow): Generator<number> {
  if (pages <= 0) return;
  const runs = core.vmoRuns(vmo, first, pages);
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] as number;
    const end = start + (runs[i + 1] as number);
    if (core.vmoCommittedPages(vmo, start, end - start) === 0) continue; // zero markers
    for (let page = start; page < end; page++) {
      const frame = core.vmoFrame(vmo, page);
      if (frame !== 0) yield frame;
    }
  }
}
