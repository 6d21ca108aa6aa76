/**
 * Whose page is it, as far as the core knows: the page lists and page tables that a frame stands
 * in.
 */
import type { Core } from './core.js';
import type { AspaceRef, VmoRef } from './refs.js';
import { XFER_BYTES } from './vmos.js';

/** A page table of four levels, of which a frame is one. */
export interface TablePlace {
  /** 4 the top, 1 a leaf. */ readonly level: number;
  /** First virtual page that it covers. */ readonly page: number;
}

const ROOM = XFER_BYTES / 8;

/**
 * Pages of trees whose own lists hold a frame: every place, also where one list has it twice.
 *
 * @param core - the core
 * @param frame - a frame in a page list
 * @param vmos - the trees to look in
 * @returns the pages of each tree that has any, by its index in `vmos`; undefined without host
 *     memory to look with
 */
export function framePlaces(
  core: Core, frame: number, vmos: readonly VmoRef[],
): Map<number, readonly number[]> | undefined {
  const marks = core.raw.whoseBegin(frame) >>> 0;
  if (marks === 0) return undefined;
  const chunks = core.u32[(core.constants.H_OUT as number) >>> 2] as number;
  try {
    const places = new Map<number, readonly number[]>();
    for (const [i, vmo] of vmos.entries()) {
      const pages = list(core, (out, room) => core.raw.whosePages(vmo, frame, marks, out, room));
      if (pages === undefined) return undefined;
      if (pages.length > 0) places.set(i, pages);
    }
    return places;
  } finally {
    core.raw.whoseEnd(marks, chunks);
  }
}

/** How many entries of an address space lead to a frame; 0 is the zero page. */
export function entriesTo(core: Core, aspace: AspaceRef, frame: number): number {
  return core.raw.whoseEntries(aspace, frame);
}

/** The page table that a frame is in an address space. */
export function tableOf(core: Core, aspace: AspaceRef, frame: number): TablePlace | undefined {
  const level = core.raw.whoseTable(aspace, frame);
  const page = core.f64[(core.constants.H_OUT as number) >>> 3] as number;
  return level === 0 ? undefined : { level, page };
}

/** Page tables that an entry for a virtual page would have to make. */
export function missingTables(core: Core, aspace: AspaceRef, page: number): number {
  return core.raw.whoseMissingTables(aspace, page);
}

/** First frame of a contiguous VMO. */
export function firstFrameOf(core: Core, vmo: VmoRef): number {
  return core.raw.whoseRun(vmo);
}

/** A list of pages, with as much room as it turns out to need; undefined where none is left. */
function list(core: Core, fill: (out: number, room: number) => number): number[] | undefined {
  const xfer = core.u32[(core.constants.H_XFER as number) >>> 2] as number;
  const found = fill(xfer, ROOM);
  if (found <= ROOM) return Array.from(core.f64.subarray(xfer >>> 3, (xfer >>> 3) + found));
  const at = core.raw.scratchAlloc(found * 8) >>> 0;
  if (at === 0) return undefined;
  fill(at, found);
  const pages = Array.from(core.f64.subarray(at >>> 3, (at >>> 3) + found));
  core.raw.scratchFree(at, found * 8);
  return pages;
}
