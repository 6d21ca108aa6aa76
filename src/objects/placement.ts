/**
 * Where a new region goes in its VMAR, and which refusal it gets (memory-semantics 9.3, in that
 * order).
 *
 * I1. Nothing is changed here.
 */

import { fail } from './errors.js';
import { Mapping } from './mapping.js';
import { hex, isPageAligned, pageOf, toBytes } from './units.js';
import { ALIGN_SHIFT, CAN_MAP_SHIFT, VmOption } from './vm-options.js';
import { drawn, randomGap } from './randomise.js';
import type { GapRequest } from './region-list.js';
import type { Region, VmarObject } from './vmar-object.js';

/** Where a region is wanted. */
export interface Placement {
  /** Bits of `VmOption`, the alignment among them. */ readonly options: number;
  /** Bytes from the VMAR's base, or the upper limit. */ readonly offset: bigint;
  /** Number of pages. */ readonly pages: number;
  /** Most it may allow, READ 1, WRITE 2, EXECUTE 4. */ readonly maxPerms: number;
}

/** Where a region goes. */
export interface Place {
  /** First virtual page. */ readonly basePage: number;
  /** Regions that go for it. */ readonly replaced: readonly Region[];
}

/**
 * Finds the place of a new region.
 *
 * @param vmar - the VMAR
 * @param wanted - what was asked
 * @throws ZxError with the status that 9.3 names
 */
export function placeRegion(vmar: VmarObject, wanted: Placement): Place {
  const { options, offset, pages } = wanted;
  const overwrite = (options & VmOption.SPECIFIC_OVERWRITE) !== 0;
  const specific = overwrite || (options & VmOption.SPECIFIC) !== 0;
  const upperLimit = (options & VmOption.OFFSET_IS_UPPER_LIMIT) !== 0;
  vmar.assertAlive();
  checkWanted(vmar, wanted, specific, upperLimit);
  const alignPages = alignmentPages(options);
  if (specific) return specificPlace(vmar, wanted, alignPages, overwrite);
  const endPage = upperLimit ? vmar.basePage + pageOf(offset) : vmar.endPage;
  const basePage = findPlace(vmar, { pages, alignPages, endPage }, options);
  if (basePage !== undefined) return { basePage, replaced: [] };
  return fail('ZX_ERR_NO_RESOURCES', `no gap of ${pages} pages in VMAR ${vmar.koid}`, {
    pages,
    vmarPages: vmar.pages,
  });
}

/** The lowest gap that fits, or one of many slots at random (9.11). */
function findPlace(vmar: VmarObject, request: GapRequest, options: number): number | undefined {
  const { regions, basePage, aspace, canMap } = vmar;
  const { aslr } = aspace.system;
  if (aslr === undefined) return regions.findGap(request);
  const isCompact = ((options | canMap) & VmOption.COMPACT) !== 0;
  const bits = isCompact ? aslr.compactEntropyBits : aslr.entropyBits;
  const random = drawn(aslr.seed, aspace.root.koid, aspace.placements);
  return randomGap(regions, basePage, request, bits, random);
}

/**
 * Pages that a region has to be aligned to.
 *
 * @param options - bits 24 to 31: log2 of bytes
 * @throws ZxError ZX_ERR_INVALID_ARGS for other values than 0 and 10 to 32
 */
export function alignmentPages(options: number): number {
  const log2Bytes = options >>> ALIGN_SHIFT;
  if (log2Bytes !== 0 && (log2Bytes < 10 || log2Bytes > 32)) {
    fail('ZX_ERR_INVALID_ARGS', `alignment 2^${log2Bytes}: allowed 2^10 to 2^32`, { log2Bytes });
  }
  return 2 ** Math.max(0, log2Bytes - 12);
}

function checkWanted(
  vmar: VmarObject,
  { options, offset, pages, maxPerms }: Placement,
  specific: boolean,
  upperLimit: boolean,
): void {
  if (pages === 0) fail('ZX_ERR_INVALID_ARGS', 'size 0: a region needs at least 1 page', { pages });
  if (((maxPerms << CAN_MAP_SHIFT) & ~vmar.canMap) !== 0) {
    fail('ZX_ERR_ACCESS_DENIED', `permissions ${maxPerms}: the VMAR does not allow them`, {
      permissions: maxPerms,
      allowedPermissions: (vmar.canMap >> CAN_MAP_SHIFT) & 7,
    });
  }
  if (specific && upperLimit) {
    fail('ZX_ERR_INVALID_ARGS', 'SPECIFIC excludes OFFSET_IS_UPPER_LIMIT', { options });
  }
  if (offset !== 0n && !specific && !upperLimit) {
    fail('ZX_ERR_INVALID_ARGS', `offset ${offset} without SPECIFIC: expected 0`, { offset });
  }
  if (!isPageAligned(offset)) {
    fail('ZX_ERR_INVALID_ARGS', `offset ${offset}: expected a multiple of 4096`, { offset });
  }
  if ((specific || upperLimit) && (vmar.canMap & VmOption.CAN_MAP_SPECIFIC) === 0) {
    fail('ZX_ERR_ACCESS_DENIED', `VMAR ${vmar.koid} does not allow places to be chosen`, {
      options,
    });
  }
  checkFits(vmar, offset, pages, upperLimit);
}

function checkFits(vmar: VmarObject, offset: bigint, pages: number, upperLimit: boolean): void {
  const at = pageOf(offset);
  const fits = upperLimit
    ? at <= vmar.pages && pages <= at
    : at < vmar.pages && pages <= vmar.pages - at;
  if (fits) return;
  const size = toBytes(pages);
  const vmarSize = toBytes(vmar.pages);
  fail('ZX_ERR_INVALID_ARGS', `${size} bytes at ${offset}: the VMAR has ${vmarSize}`, {
    offset,
    size,
    vmarSize,
  });
}

function specificPlace(
  vmar: VmarObject,
  { offset, pages }: Placement,
  alignPages: number,
  overwrite: boolean,
): Place {
  const basePage = vmar.basePage + pageOf(offset);
  const address = toBytes(basePage);
  if (basePage % alignPages !== 0) {
    fail('ZX_ERR_INVALID_ARGS', `address ${hex(address)}: not aligned to ${alignPages} pages`, {
      address,
      alignmentPages: alignPages,
    });
  }
  const replaced = vmar.regions.overlapping(basePage, basePage + pages);
  if (replaced.length === 0) return { basePage, replaced };
  const occupant = toBytes((replaced[0] as Region).basePage);
  const details = { address, pages, occupant };
  if (!overwrite) {
    fail('ZX_ERR_ALREADY_EXISTS', `address ${hex(address)}: occupied at ${hex(occupant)}`, details);
  }
  if (!replaced.every((region) => region instanceof Mapping)) {
    fail('ZX_ERR_INVALID_ARGS', `address ${hex(address)}: a VMAR cannot be overwritten`, details);
  }
  vmar.aspace.assertNoVdsoCode(basePage, basePage + pages);
  return { basePage, replaced };
}
