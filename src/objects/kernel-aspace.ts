/**
 * The kernel's own address space: the physmap, the kernel's image, its heap, windows on devices; as
 * VMARs, mappings and VMOs like everybody's, which no user can hold.
 *
 * I1. Everything in it has koid 0. Its VMOs have no pages: the memory behind the windows is counted
 *     by its own frame states (wired, heap), or is a device's.
 * I2. Nothing touches it, so it has no page tables here; what the real one has is among the pages
 *     that a builder states (`addKernelUse`).
 */

import { CoreVmoKind, type AspaceRef } from '../core/core.js';
import { AddressSpace } from './aspace.js';
import { checkMemory } from './errors.js';
import { OBJECT_BYTES, ObjectType } from './object.js';
import type { KernelSystem } from './system.js';
import {
  isPageAligned, pageOf, refuse, toBytes, toCount, toOptions, toText, toU64, type Bytes,
} from './units.js';
import { CAN_MAP_ALL, VmOption } from './vm-options.js';
import type { VmarObject } from './vmar-object.js';
import { makeVmo } from './vmo-create.js';
import { CachePolicy } from './vmo-options.js';

/** A region of the kernel's address space. */
export interface KernelRegion {
  /** Name of the VMO, or of the VMAR; empty if left out. */ readonly name?: string;
  /** First address, a multiple of 4096. */ readonly base: Bytes;
  /** Length in bytes, a multiple of 4096. */ readonly size: Bytes;
  /**
   * Bytes of the VMO: `size` if left out. 0 for a range that has entries and no memory of its own
   * (the physmap).
   */
  readonly vmoSize?: Bytes;
  /** Physical address behind a device's, or the image's. */ readonly physicalAddress?: Bytes;
  /** READ 1, WRITE 2, EXECUTE 4; 3 if left out. */ readonly perms?: number;
  /** Whether it is a device's: uncached. */ readonly isDevice?: boolean;
  /** Regions inside: then it is a VMAR, else a mapping. */
  readonly regions?: readonly KernelRegion[];
}

/** The kernel's address space, as a builder states it. */
export interface KernelPlan {
  /** First address, a multiple of 4096. */ readonly base: Bytes;
  /** Length in bytes, a multiple of 4096. */ readonly size: Bytes;
  /** What is in it. */ readonly regions: readonly KernelRegion[];
}

const ALL_PERMS = 7;
const READ_WRITE = 3;

/**
 * Builds it.
 *
 * @throws ZxError as `system.layOutKernel`; then nothing of it is there
 */
export function buildKernelAspace(system: KernelSystem, plan: KernelPlan): AddressSpace {
  const { base, size, regions } = toOptions(plan, 'plan');
  const [basePage, pages] = pagesOf(base, size);
  checkRegions(regions);
  const place = { name: 'root', koid: 0, basePage, pages, canMap: CAN_MAP_ALL };
  return system.heap.hold(OBJECT_BYTES[ObjectType.VMAR], () => {
    const ref = checkMemory<AspaceRef>(
      system.core, system.core.aspaceCreate(), 'for the kernel\'s address space');
    const aspace = new AddressSpace(system, place, ref);
    try {
      fill(aspace.root, regions);
    } catch (error) {
      aspace.destroy();
      throw error;
    }
    return aspace;
  });
}

/** Makes the regions of a VMAR, which were checked. A plan nests as deep as it was written. */
function fill(vmar: VmarObject, regions: readonly KernelRegion[]): void {
  for (const region of regions) {
    const [basePage, pages] = pagesOf(region.base, region.size);
    if (basePage < vmar.basePage) refuse(region.base, 'base', 'one inside the region around it');
    const offset = toBytes(basePage - vmar.basePage);
    const placement = { options: VmOption.SPECIFIC, offset, pages, maxPerms: ALL_PERMS };
    if (region.regions !== undefined) {
      const names = { name: region.name ?? '', koid: 0 };
      const child = vmar.system.heap.hold(OBJECT_BYTES[ObjectType.VMAR], () =>
        vmar.createChild(placement, CAN_MAP_ALL, names));
      fill(child, region.regions);
    } else mapRegion(vmar, region, placement);
  }
}

function mapRegion(
  vmar: VmarObject, region: KernelRegion, placement: Parameters<VmarObject['createChild']>[0],
): void {
  const { name = '', perms = READ_WRITE, isDevice = false } = region;
  const sizeBytes = toU64(region.vmoSize ?? region.size, 'vmoSize');
  const kind = sizeBytes === 0n ? CoreVmoKind.ANONYMOUS : CoreVmoKind.PHYSICAL;
  const vmo = makeVmo(vmar.system, {
    kind, sizePages: pageOf(sizeBytes), streamSizeBytes: sizeBytes, names: { name, koid: 0 },
    physicalAddress: toU64(region.physicalAddress ?? 0, 'physicalAddress'),
  });
  vmo.object.cachePolicy = isDevice ? CachePolicy.UNCACHED_DEVICE : CachePolicy.CACHED;
  try {
    vmar.mapVmo({ ...placement, vmo: vmo.object, vmoOffsetPages: 0, perms, maxPerms: ALL_PERMS });
  } finally {
    vmo.close();
  }
}

function checkRegions(regions: readonly KernelRegion[]): void {
  if (!Array.isArray(regions)) refuse(regions, 'regions', 'an array');
  const waiting: KernelRegion[] = [...regions];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { base, size, vmoSize, name, perms, regions: inner } = toOptions(next, 'region');
    pagesOf(base, size);
    if (vmoSize !== undefined && !isPageAligned(toU64(vmoSize, 'vmoSize'))) {
      refuse(vmoSize, 'vmoSize', 'a multiple of 4096');
    }
    toU64(next.physicalAddress ?? 0, 'physicalAddress');
    if (name !== undefined) toText(name, 'name');
    if (perms !== undefined) toCount(perms, 'perms', 0, ALL_PERMS);
    if (inner === undefined) continue;
    if (!Array.isArray(inner)) refuse(inner, 'regions', 'an array');
    for (const region of inner as readonly KernelRegion[]) waiting.push(region);
  }
}

/** First page and number of pages of a range. */
function pagesOf(base: Bytes, size: Bytes): [first: number, pages: number] {
  const from = toU64(base, 'base');
  const bytes = toU64(size, 'size');
  if (bytes === 0n || !isPageAligned(from) || !isPageAligned(bytes) || from + bytes > 1n << 64n) {
    refuse(`${from}+${bytes}`, 'range', 'whole pages up to 2^64');
  }
  return [pageOf(from), pageOf(bytes)];
}
