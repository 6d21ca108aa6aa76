/**
 * Physical memory by use: ZX_INFO_KMEM_STATS and its extended form (memory-semantics 6.5).
 *
 * I1. The figures are the core's counters of frames by state, kept as frames change; nothing is
 *     walked but the discardable VMOs, whose locks no frame knows.
 */

import { FrameState, type Core } from '../core/core.js';
import type { KernelMemory, KernelMemoryExtended } from './info.js';
import type { KernelSystem } from './system.js';
import { PAGE_BYTES } from './units.js';

/**
 * Physical memory by use. States that came after the first kernels (cache, slab, zram) are among
 * `otherBytes`, as those had it.
 *
 * @param core - the pages
 * @param freeHeapBytes - free bytes of the heap
 */
export function kernelMemory(core: Core, freeHeapBytes: number): KernelMemory {
  const bytes = (state: number): number => core.pagesInState(state) * PAGE_BYTES;
  const totalBytes = core.physicalPages * PAGE_BYTES;
  const known = {
    freeBytes: bytes(FrameState.FREE),
    freeLoanedBytes: bytes(FrameState.LOANED),
    wiredBytes: bytes(FrameState.WIRED),
    totalHeapBytes: bytes(FrameState.HEAP),
    vmoBytes: bytes(FrameState.OBJECT),
    mmuOverheadBytes: bytes(FrameState.MMU) + bytes(FrameState.IOMMU),
    ipcBytes: bytes(FrameState.IPC),
  };
  const sum = Object.values(known).reduce((total, part) => total + part);
  return { ...known, totalBytes, freeHeapBytes, otherBytes: Math.max(0, totalBytes - sum) };
}

/** The same, each state by itself, and what could be reclaimed. */
export function kernelMemoryExtended(system: KernelSystem): KernelMemoryExtended {
  const { core } = system;
  const bytes = (state: number): number => core.pagesInState(state) * PAGE_BYTES;
  const base = system.kernelMemory();
  const { reclaimable } = system.queues;
  const newer = {
    cacheBytes: bytes(FrameState.CACHE),
    slabBytes: bytes(FrameState.SLAB),
    zramBytes: bytes(FrameState.ZRAM),
  };
  let vmoDiscardableLockedBytes = 0;
  let vmoDiscardableUnlockedBytes = 0;
  for (const vmo of system.vmos) {
    if (vmo.discardable === undefined) continue;
    const ownBytes = vmo.ownPages * PAGE_BYTES; // asks the core
    if (vmo.discardable.locks > 0) vmoDiscardableLockedBytes += ownBytes;
    else vmoDiscardableUnlockedBytes += ownBytes;
  }
  const { cacheBytes, slabBytes, zramBytes } = newer;
  const otherBytes = Math.max(0, base.otherBytes - cacheBytes - slabBytes - zramBytes);
  return {
    ...base, ...newer, otherBytes, vmoDiscardableLockedBytes, vmoDiscardableUnlockedBytes,
    vmoReclaimTotalBytes: reclaimable.totalBytes,
    vmoReclaimNewestBytes: reclaimable.newestBytes,
    vmoReclaimOldestBytes: reclaimable.oldestBytes,
    vmoReclaimDisabledBytes: reclaimable.disabledBytes,
  };
}
