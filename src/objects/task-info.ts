/**
 * What `getInfo` answers about a process's memory (memory-semantics 11).
 *
 * I1. Rows stand in the orders of ZX_INFO_PROCESS_MAPS (pre-order by address) and
 *     ZX_INFO_PROCESS_VMOS (every handle in table order, then every mapping by address).
 * I2. Only mappings count for ZX_INFO_TASK_STATS: a VMO that is held and not mapped costs nothing,
 *     one that is mapped twice counts twice.
 */

import {
  NO_FIGURES, VmoInfoFlag, type ProcessMapsEntry, type TaskStats, type VmoInfo, type VmoPart,
} from './info.js';
import type { Mapping, Piece } from './mapping.js';
import type { ProcessObject } from './process-object.js';
import { PAGE_BYTES, toBytes } from './units.js';
import { partFigures } from './vmo-figures.js';
import { VmoObject } from './vmo-object.js';
import { walkAspace, walkMappings } from './walk.js';

const FRACTION_BITS = 63n;

/** Rows of ZX_INFO_PROCESS_MAPS. */
export function processMaps(process: ProcessObject): ProcessMapsEntry[] {
  const rows = [...walkAspace(process.aspace, `proc:${process.koid}`)];
  const mapped = rows.flatMap(({ mapping, piece }) =>
    (mapping === undefined ? [] : [mappedPart(mapping, piece)]));
  const figures = partFigures(process.system, mapped)[Symbol.iterator]();
  return rows.map(({ type, depth, name, basePage, pages, mapping, piece }) => {
    const charged = mapping === undefined ? NO_FIGURES : figures.next().value ?? NO_FIGURES;
    const offset = mapping === undefined ? 0 : mapping.vmoOffsetPages + (piece?.first ?? 0);
    return {
      ...charged, type, depth, name, base: toBytes(basePage), size: toBytes(pages),
      perms: piece?.perms ?? 0, vmoKoid: mapping?.vmo.koid ?? 0, vmoOffsetBytes: toBytes(offset),
    };
  });
}

/** Entries of ZX_INFO_PROCESS_VMOS. */
export function processVmos(process: ProcessObject): VmoInfo[] {
  const found: { vmo: VmoObject; rights: number; via: number }[] = [];
  for (const { object, rights } of process.handles.values()) {
    if (object instanceof VmoObject) {
      found.push({ vmo: object, rights, via: VmoInfoFlag.VIA_HANDLE });
    }
  }
  for (const { vmo } of walkMappings(process.aspace)) {
    found.push({ vmo, rights: 0, via: VmoInfoFlag.VIA_MAPPING });
  }
  const figures = partFigures(process.system, found.map(({ vmo }) => vmo.part));
  return found.map(({ vmo, rights, via }, i) => vmo.describe(rights, via, figures[i]));
}

/**
 * ZX_INFO_TASK_STATS since RFC-0254 (11.1): what one address space alone maps is private as far as
 * no other VMO sees it; what several map is shared, and scaled by their number.
 */
export function taskStats(process: ProcessObject): TaskStats {
  const mappings = [...walkMappings(process.aspace)];
  const figures = partFigures(process.system, mappings.map((mapping) => mappedPart(mapping)));
  let memMappedBytes = 0;
  let memPrivateBytes = 0;
  let memSharedBytes = 0;
  let scaledShared = 0n;
  mappings.forEach((mapping, i) => {
    const charged = figures[i] ?? NO_FIGURES;
    const sharers = mapping.vmo.shareCount;
    const own = sharers === 1 ? charged.committedPrivateBytes : 0;
    const scaled = (BigInt(charged.committedScaledBytes) << FRACTION_BITS)
      | charged.committedFractionalScaledBytes;
    memMappedBytes += mapping.pages * PAGE_BYTES;
    memPrivateBytes += own;
    memSharedBytes += charged.committedBytes - own;
    scaledShared += scaled / BigInt(sharers) - (BigInt(own) << FRACTION_BITS);
  });
  return {
    memMappedBytes,
    memPrivateBytes,
    memSharedBytes,
    memScaledSharedBytes: Number(scaledShared >> FRACTION_BITS),
    memFractionalScaledSharedBytes: scaledShared & ((1n << FRACTION_BITS) - 1n),
  };
}

/** The pages of its VMO that a mapping, or one of its ranges, shows. */
function mappedPart(mapping: Mapping, piece?: Piece): VmoPart {
  const { vmo } = mapping;
  const first = mapping.vmoOffsetPages + (piece?.first ?? 0);
  const inside = Math.max(0, vmo.sizePages - first);
  return { vmo, first, pages: Math.min(piece?.pages ?? mapping.pages, inside) };
}
