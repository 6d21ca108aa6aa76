/**
 * What `getInfo` answers about a process's memory (memory-semantics 11).
 *
 * I1. Rows stand in the orders of ZX_INFO_PROCESS_MAPS (pre-order by address) and
 *     ZX_INFO_PROCESS_VMOS (every handle in table order, then every mapping by address).
 * I2. Committed bytes of a row are the pages of the VMO's own tree in the range; shares need a
 *     pass.
 */

import { VmoInfoFlag, type ProcessMapsEntry, type TaskStats, type VmoInfo } from './info.js';
import type { Mapping, Piece } from './mapping.js';
import type { ProcessObject } from './process-object.js';
import { PAGE_BYTES, toBytes } from './units.js';
import { VmoObject } from './vmo-object.js';
import { walkAspace, walkMappings } from './walk.js';

/** Rows of ZX_INFO_PROCESS_MAPS. */
export function processMaps(process: ProcessObject): ProcessMapsEntry[] {
  const rows: ProcessMapsEntry[] = [];
  for (const row of walkAspace(process.aspace, `proc:${process.koid}`)) {
    const mapped = row.mapping === undefined ? undefined : mappedPart(row.mapping, row.piece);
    rows.push({
      type: row.type,
      depth: row.depth,
      name: row.name,
      base: toBytes(row.basePage),
      size: toBytes(row.pages),
      perms: row.piece?.perms ?? 0,
      vmoKoid: row.mapping?.vmo.koid ?? 0,
      vmoOffsetBytes: mapped?.offsetBytes ?? 0n,
      committedBytes: mapped?.committedBytes ?? 0,
    });
  }
  return rows;
}

/** Entries of ZX_INFO_PROCESS_VMOS. */
export function processVmos(process: ProcessObject): VmoInfo[] {
  const found: VmoInfo[] = [];
  for (const handle of process.handles.values()) {
    if (handle.object instanceof VmoObject) {
      found.push(handle.object.describe(handle.rights, VmoInfoFlag.VIA_HANDLE));
    }
  }
  for (const mapping of walkMappings(process.aspace)) {
    found.push(mapping.vmo.describe(0, VmoInfoFlag.VIA_MAPPING));
  }
  return found;
}

/**
 * ZX_INFO_TASK_STATS by the older rule (11.1), from each VMO's own pages: private where one address
 * space maps the VMO, else shared, scaled by the number that do.
 */
export function taskStats(process: ProcessObject): TaskStats {
  const figures = process.system.taskFigures?.(process);
  if (figures !== undefined) return figures;
  let memMappedBytes = 0;
  let memPrivateBytes = 0;
  let memSharedBytes = 0;
  let memScaledSharedBytes = 0;
  for (const mapping of walkMappings(process.aspace)) {
    const { committedBytes } = mappedPart(mapping, undefined);
    const sharers = mapping.vmo.shareCount;
    memMappedBytes += mapping.pages * PAGE_BYTES;
    if (sharers === 1) memPrivateBytes += committedBytes;
    else {
      memSharedBytes += committedBytes;
      memScaledSharedBytes += Math.floor(committedBytes / sharers);
    }
  }
  return {
    memMappedBytes,
    memPrivateBytes,
    memSharedBytes,
    memScaledSharedBytes,
    memFractionalScaledSharedBytes: 0n,
  };
}

/** Offset in the VMO and committed bytes of a mapping, or of one of its ranges. */
function mappedPart(
  mapping: Mapping,
  piece: Piece | undefined,
): { offsetBytes: bigint; committedBytes: number } {
  const { vmo } = mapping;
  const first = mapping.vmoOffsetPages + (piece?.first ?? 0);
  const pages = Math.min(piece?.pages ?? mapping.pages, Math.max(0, vmo.sizePages - first));
  const counts = vmo.isOwner && !vmo.isPhysical && pages > 0;
  const own = counts ? vmo.system.core.vmoCommittedPages(vmo.tree.ref, first, pages) : 0;
  return { offsetBytes: toBytes(first), committedBytes: own * PAGE_BYTES };
}
