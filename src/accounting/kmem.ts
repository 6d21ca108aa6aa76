/**
 * Physical memory by use, as tables: ZX_INFO_KMEM_STATS with what could be had beside it, its
 * extended form, and what compression holds.
 */

import type { KernelMemoryCompression } from '../objects/compression-stats.js';
import type { KernelMemoryExtended } from '../objects/info.js';
import { kernelMemoryExtended } from '../objects/kernel-memory.js';
import type { KernelSystem } from '../objects/system.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { KmemStats } from './tables.js';

/** The tables of physical memory. */
export interface KmemTables {
  /** By use. */ readonly kmem: KmemStats;
  /** Each state by itself. */ readonly kmemExtended: KernelMemoryExtended;
  /** What compression holds. */ readonly kmemCompression: KernelMemoryCompression;
}

/** By use, and what an eviction could free: clean pages of pagers, unlocked discardable VMOs. */
export function kmemOf(system: KernelSystem): KmemStats {
  const stats = system.kernelMemory();
  let discardablePages = 0;
  for (const vmo of system.reclaim.unlocked) {
    if (!vmo.tree.isPinned) discardablePages += vmo.ownPages;
  }
  const evictableBytes = system.queues.reclaimable.totalBytes + discardablePages * PAGE_BYTES;
  return { ...stats, availableBytes: stats.freeBytes + evictableBytes };
}

/** All tables of a system that is simulated. */
export function kmemTables(system: KernelSystem): KmemTables {
  return {
    kmem: kmemOf(system), kmemExtended: kernelMemoryExtended(system),
    kmemCompression: system.reclaim.compression.info(system.core),
  };
}
