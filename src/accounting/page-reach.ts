/**
 * Who has one frame, and who reaches it: every page list that holds it, every VMO that shows it,
 * every mapping and handle that leads to it.
 *
 * I1. A page-table entry leads to what its VMO has there, so all entries that lead to the frame
 *     stand in the mappings found here.
 * I2. A tree that looks through to another one is younger than it: one walk over the trees, oldest
 *     first, settles chains of any depth.
 *
 * Cost: the core's scan of all page lists, then a walk over trees, VMOs, mappings and handles.
 */

import type { Core } from '../core/core.js';
import { framePlaces } from '../core/whose.js';
import { fail } from '../objects/errors.js';
import type { Handle } from '../objects/handle.js';
import type { Mapping } from '../objects/mapping.js';
import type { PageTree } from '../objects/page-tree.js';
import type { ProcessObject } from '../objects/process-object.js';
import type { KernelSystem } from '../objects/system.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { mappingWindow, vmoHandles, walkMappings, walkProcesses } from '../objects/walk.js';
import { ShareCounter } from './share-count.js';

/** A page of a tree that shows the frame. */
export interface TreePlace {
  /** Page of the tree. */ readonly page: number;
  /** In its own list, not through the tree that it follows. */ readonly isOwn: boolean;
}

/** A page of a VMO that shows the frame. */
export interface VmoPlace extends TreePlace {
  /** The VMO. */ readonly vmo: VmoObject;
}

/** A page of a mapping that shows the frame. */
export interface MappedPlace {
  /** The process. */ readonly process: ProcessObject;
  /** The mapping. */ readonly mapping: Mapping;
  /** Where its VMO has the page. */ readonly place: VmoPlace;
  /** Virtual page. */ readonly page: number;
  /** Whether an entry leads to the frame. */ readonly isPresent: boolean;
}

/** A handle to a VMO that shows the frame. */
export interface HeldPlace {
  /** The process. */ readonly process: ProcessObject;
  /** The handle. */ readonly handle: Handle<VmoObject>;
}

/** Everybody who has a frame or reaches it. */
export interface FrameReach {
  /** Trees that show it, oldest first. */
  readonly trees: ReadonlyMap<PageTree, readonly TreePlace[]>;
  /** VMOs that show it, oldest first. */ readonly vmos: readonly VmoPlace[];
  /** Where it is mapped, in the order of the task walk. */ readonly mapped: readonly MappedPlace[];
  /** Handles to those VMOs. */ readonly held: readonly HeldPlace[];
  /** Zircon's share count of each of those VMOs. */
  readonly shareCount: ReadonlyMap<VmoObject, number>;
}

/**
 * Finds everybody who has a frame or reaches it.
 *
 * @throws ZxError ZX_ERR_NO_MEMORY without host memory to look with
 */
export function reachOfFrame(system: KernelSystem, frame: number): FrameReach {
  const trees = treesShowing(system, frame);
  const vmos: VmoPlace[] = [];
  for (const vmo of system.vmos) {
    for (const place of trees.get(vmo.tree) ?? []) {
      const at = place.page - vmo.offsetPages;
      if (at >= 0 && at < vmo.sizePages) vmos.push({ ...place, vmo });
    }
  }
  return { trees, vmos, ...walkHolders(system, frame, vmos) };
}

/** Trees that show the frame, see I2. */
function treesShowing(
  { core, trees }: KernelSystem, frame: number,
): Map<PageTree, TreePlace[]> {
  const all = [...trees];
  const own = framePlaces(core, frame, all.map((tree) => tree.ref));
  if (own === undefined) {
    const { hostBytesLeft } = core;
    fail('ZX_ERR_NO_MEMORY', `no host memory to look for a page: ${hostBytesLeft} are left`, {
      hostBytesLeft,
    });
  }
  const showing = new Map<PageTree, TreePlace[]>();
  all.forEach((tree, i) => {
    const places = (own.get(i) ?? []).map((page) => ({ page, isOwn: true }));
    const { parent } = tree;
    const above = parent === undefined ? undefined : showing.get(parent);
    if (parent !== undefined && above !== undefined) {
      places.push(...seenThrough(core, frame, tree, parent, above));
    }
    if (places.length > 0) showing.set(tree, places);
  });
  return showing;
}

/** Pages where a tree's own list is silent and the tree that it follows shows the frame. */
function seenThrough(
  core: Core, frame: number, tree: PageTree, parent: PageTree, above: readonly TreePlace[],
): TreePlace[] {
  const offset = core.vmoOffsetIn(tree.ref, parent.ref);
  const end = core.vmoLivePages(tree.ref);
  return above
    .map(({ page }) => page - offset)
    .filter((page) => page >= 0 && page < end && core.vmoRuns(tree.ref, page, 1).length === 0
      && core.vmoFrame(tree.ref, page) === frame)
    .map((page) => ({ page, isOwn: false }));
}

/** One walk over mappings and handles. */
function walkHolders(
  system: KernelSystem, frame: number, vmos: readonly VmoPlace[],
): Pick<FrameReach, 'mapped' | 'held' | 'shareCount'> {
  const { core } = system;
  const rows: VmoObject[] = [];
  const rowOf = new Map<VmoObject, number>();
  const places: VmoPlace[][] = [];
  for (const place of vmos) { // places of one VMO follow one another
    if (!rowOf.has(place.vmo)) {
      rowOf.set(place.vmo, rows.length);
      rows.push(place.vmo);
      places.push([]);
    }
    places.at(-1)?.push(place);
  }
  const counter = new ShareCounter(rows);
  const mapped: MappedPlace[] = [];
  const held: HeldPlace[] = [];
  let index = 0;
  for (const process of walkProcesses(system.rootJob.object)) {
    for (const mapping of walkMappings(process.aspace)) {
      const row = rowOf.get(mapping.vmo);
      if (row === undefined) continue;
      counter.add(row, index);
      const { offsetPages, pages } = mappingWindow(mapping);
      for (const place of places[row] as VmoPlace[]) {
        const at = place.page - offsetPages;
        if (at < 0 || at >= pages) continue;
        const page = mapping.basePage + at;
        const isPresent = core.entry(process.aspace.ref, page) >>> 5 === frame;
        mapped.push({ process, mapping, place, page, isPresent });
      }
    }
    for (const handle of vmoHandles(process)) {
      if (rowOf.has(handle.object)) held.push({ process, handle });
    }
    index += 1;
  }
  const counts = counter.counts();
  return {
    mapped, held, shareCount: new Map(rows.map((vmo, row) => [vmo, counts[row] as number])),
  };
}
