/**
 * An address space as the kernel's own records describe it: VMARs, mappings, VMOs behind them.
 *
 * I1. Regions stand in pre-order by address; each mapping is followed by its VMO, so one that is
 *     mapped twice comes twice.
 * I2. References are those that the kernel would count: a region keeps its address space; a
 *     mapping, a child and the handles (together one) keep a VMO.
 */

import type { AddressSpace } from '../objects/aspace.js';
import type { Mapping } from '../objects/mapping.js';
import { toBytes, PAGE_BYTES } from '../objects/units.js';
import { VmarObject } from '../objects/vmar-object.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { mappingWindow, walkRegions } from '../objects/walk.js';
import type { AddressBook } from './addresses.js';
import type { DumpMapping, DumpRow } from './console-types.js';

/** Flags of the kernel's page tables beside the cache policy; a mapping's READ 1 is READ 8. */
const MMU_USER = 4;
const MMU_PERMS_SHIFT = 3;

/** What each VMO is charged, bytes. */
export type ChargedBytes = (vmo: VmoObject) => number;
/** Committed bytes of the parts of a mapping, in the order of the walk. */
export type MappedBytes = (mapping: Mapping) => number;

/** Committed bytes of a mapping as its VMO's own page list has them. */
export function ownMappedBytes(mapping: Mapping): number {
  const { vmo } = mapping;
  if (vmo.isPhysical) return 0;
  const { ref, offsetPages, pages } = mappingWindow(mapping);
  return pages === 0 ? 0 : vmo.system.core.vmoCommittedPages(ref, offsetPages, pages) * PAGE_BYTES;
}

/** Compressed bytes of a mapping as its VMO's own page list has them. */
function compressedBytes(mapping: Mapping): number {
  const { core } = mapping.vmo.system;
  const { ref, offsetPages, pages } = mappingWindow(mapping);
  if (core.compressedPages === 0 || pages === 0 || mapping.vmo.isPhysical) return 0;
  return core.vmoCompressedPages(ref, offsetPages, pages) * PAGE_BYTES;
}

/** What makes the rows of a dump. */
export interface DumpSource {
  /** Where records stand. */ readonly book: AddressBook;
  /** What each VMO is charged. */ readonly charged: ChargedBytes;
  /** The compressed part of that. */ readonly compressed: ChargedBytes;
  /** What each mapping reaches. */ readonly mapped: MappedBytes;
}

/**
 * Dumps an address space.
 *
 * @param aspace - the address space
 * @param name - its name
 * @param source - addresses and figures
 */
export function dumpAspace(aspace: AddressSpace, name: string, source: DumpSource): DumpRow[] {
  const { root } = aspace;
  const isUser = aspace.process !== undefined;
  const rows: DumpRow[] = [];
  let regions = 0;
  for (const { region, depth } of walkRegions(root)) {
    regions += 1;
    if (region instanceof VmarObject) {
      rows.push({
        kind: 'vmar', depth, address: source.book.of(region), name: region.name,
        refs: 1 + Number(region.handleCount > 0), numRegions: [...region.regions.values()].length,
        base: toBytes(region.basePage), sizeBytes: toBytes(region.pages),
      });
    } else rows.push(mappingRow(region, depth, isUser, source), vmoRow(region, depth + 1, source));
  }
  const range = { base: toBytes(root.basePage), sizeBytes: toBytes(root.pages) };
  const head: DumpRow = {
    kind: 'aspace', depth: 0, address: source.book.of(aspace), type: isUser ? 0 : 1, name,
    refs: 1 + regions, ...range,
  };
  return [head, ...rows];
}

function mappingRow(
  mapping: Mapping, depth: number, isUser: boolean, { book, mapped }: DumpSource,
): DumpMapping {
  const { vmo, basePage } = mapping;
  const user = isUser ? MMU_USER : 0;
  const vmoAddress = book.of(vmo);
  return {
    kind: 'mapping', depth, address: book.of(mapping), name: vmo.name, refs: 1,
    base: toBytes(basePage), sizeBytes: toBytes(mapping.pages),
    parts: mapping.protections().map(({ first, pages, perms }) => ({
      base: toBytes(basePage + first), sizeBytes: toBytes(pages),
      mmuFlags: vmo.cachePolicy | user | (perms << MMU_PERMS_SHIFT),
    })),
    mergeable: isUser && vmo.handleCount === 0,
    vmoAddress, vmoKoid: vmo.koid, offsetBytes: toBytes(mapping.vmoOffsetPages),
    committedBytes: mapped(mapping), compressedBytes: compressedBytes(mapping),
  };
}

function vmoRow({ vmo }: Mapping, depth: number, source: DumpSource): DumpRow {
  const { book, charged, compressed } = source;
  const refs = vmo.numMappings + Number(vmo.handleCount > 0) + vmo.numChildren + vmo.numPins;
  const { koid, name, sizeBytes, parent, tree } = vmo;
  const base = { depth, address: book.of(vmo), name, koid, sizeBytes, refs };
  if (vmo.isPhysical) {
    const physicalAddress = vmo.physicalAddress + toBytes(vmo.offsetPages);
    return { kind: 'physical', ...base, physicalAddress };
  }
  const firstPage = (of: VmoObject): number => of.tree.rootOffsetPages + of.offsetPages;
  const offset = parent === undefined ? 0 : Math.max(0, firstPage(vmo) - firstPage(parent));
  const seen = parent === undefined ? 0 : Math.max(0, parent.sizePages - offset);
  return {
    kind: 'vmo', ...base, committedBytes: charged(vmo), compressedBytes: compressed(vmo),
    parentAddress: book.of(parent), parentKoid: vmo.parentKoid, offsetBytes: toBytes(offset),
    limitBytes: toBytes(Math.min(seen, vmo.sizePages)), pagesAddress: book.of(tree),
    pagesParentAddress: book.of(tree.parent), isSlice: vmo.role === 'slice',
    isPagerBacked: vmo.isPagerBacked,
  };
}
