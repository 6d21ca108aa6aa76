/**
 * Physical memory by use, from meminfo: `kstats` of an imported system.
 *
 * I1. Right after the import the figures are meminfo's own, whatever was recorded of processes.
 *     What the simulation does later is added as the core counts it.
 */

import { FrameState, type Core } from '../../core/core.js';
import type { KernelMemory } from '../../objects/info.js';

const PAGE_BYTES = 4096;

/** Names of meminfo's lines that make up each figure. */
const PARTS = {
  totalBytes: ['MemTotal'],
  freeBytes: ['MemFree'],
  vmoBytes: ['AnonPages', 'Cached', 'Buffers', 'SwapCached', 'Hugetlb'],
  totalHeapBytes: ['Slab'],
  wiredBytes: ['KernelStack', 'Percpu'],
  mmuOverheadBytes: ['PageTables', 'SecPageTables'],
} as const;

/**
 * The figures of meminfo under Zircon's names.
 *
 * @param meminfo - /proc/meminfo in kB by name; what is missing counts as 0
 * @returns bytes; what no other figure covers is `otherBytes`, 0 where meminfo adds up to more
 */
export function meminfoFigures(meminfo: ReadonlyMap<string, number>): KernelMemory {
  const sum = (names: readonly string[]): number =>
    names.reduce((bytes, name) => bytes + 1024 * (meminfo.get(name) ?? 0), 0);
  const totalBytes = sum(PARTS.totalBytes);
  const freeBytes = sum(PARTS.freeBytes);
  const wiredBytes = sum(PARTS.wiredBytes);
  const totalHeapBytes = sum(PARTS.totalHeapBytes);
  const vmoBytes = sum(PARTS.vmoBytes);
  const mmuOverheadBytes = sum(PARTS.mmuOverheadBytes);
  const known = freeBytes + wiredBytes + totalHeapBytes + vmoBytes + mmuOverheadBytes;
  return {
    totalBytes,
    freeBytes,
    freeLoanedBytes: 0,
    wiredBytes,
    totalHeapBytes,
    freeHeapBytes: 0,
    vmoBytes,
    mmuOverheadBytes,
    ipcBytes: 0,
    otherBytes: Math.max(0, totalBytes - known),
  };
}

/** Follows the figures of an imported system from the moment it was built. */
export class ImportedMemory {
  private readonly objectPages: number;
  private readonly tablePages: number;
  private readonly freePages: number;

  /**
   * @param core - the core, everything built
   * @param base - the figures of meminfo
   */
  constructor(
    private readonly core: Core,
    private readonly base: KernelMemory,
  ) {
    this.objectPages = core.pagesInState(FrameState.OBJECT);
    this.tablePages = core.pagesInState(FrameState.MMU);
    this.freePages = core.freePages;
  }

  /** The figures now. */
  now(): KernelMemory {
    const { core, base } = this;
    const since = (pages: number, then: number): number => (pages - then) * PAGE_BYTES;
    const objects = since(core.pagesInState(FrameState.OBJECT), this.objectPages);
    const tables = since(core.pagesInState(FrameState.MMU), this.tablePages);
    return {
      ...base,
      freeBytes: Math.max(0, base.freeBytes + since(core.freePages, this.freePages)),
      vmoBytes: Math.max(0, base.vmoBytes + objects),
      mmuOverheadBytes: Math.max(0, base.mmuOverheadBytes + tables),
    };
  }

  /** Bytes of VMOs whose pages no recorded process maps: counted, not made. */
  get notRecordedBytes(): number {
    return Math.max(0, this.base.vmoBytes - this.objectPages * PAGE_BYTES);
  }
}
