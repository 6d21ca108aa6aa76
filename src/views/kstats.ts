/**
 * `kstats -m`: physical memory by use, report by report.
 *
 * I1. A data line's cells are each followed by a space, so the line ends in one.
 * I2. Sizes are fixed to `M`: exactly 0 prints `0M`, a little prints `0.0M`.
 */

import type { KmemStats } from '../accounting/tables.js';
import { type Era, sizeAlgorithmOf } from './era.js';
import { formatSize } from './size.js';
import { type Column, joinLines, right } from './table.js';

/** One report. */
export interface KstatsRow {
  /** Physical memory by use. */ readonly kmem: KmemStats;
  /** `-t`: when the figures were taken, ISO 8601 in UTC with milliseconds. */
  readonly timestamp?: string;
}

const CELL_WIDTH = 9;
const TITLES = [
  'mem total', 'free', 'VMOs', 'kheap', 'kfree', 'wired', 'mmu', 'ipc', 'other',
] as const;

/** `-m`: a header and a line. */
export function kmemLines(kmem: KmemStats, era: Era): string[] {
  const algorithm = sizeAlgorithmOf(era);
  const values = [
    kmem.totalBytes,
    kmem.freeBytes,
    kmem.vmoBytes,
    kmem.totalHeapBytes - kmem.freeHeapBytes,
    kmem.freeHeapBytes,
    kmem.wiredBytes,
    kmem.mmuOverheadBytes,
    kmem.ipcBytes,
    kmem.otherBytes,
  ];
  return [
    TITLES.map((title) => right(title, CELL_WIDTH)).join(' '),
    values.map((bytes) => `${right(formatSize(bytes, 'M', algorithm), CELL_WIDTH)} `).join(''),
  ];
}

/**
 * A report of finished lines: an empty line and the timestamp where there is one, the lines; since
 * 2025 an empty line ends each report.
 *
 * @see tool-formats, section 6
 */
export function reportText(
  lines: readonly string[], era: Era, timestamp: string | undefined,
): string {
  const head = timestamp === undefined ? [] : ['', `--- ${timestamp} ---`];
  return joinLines([...head, ...lines, ...(era === '2025' ? [''] : [])]);
}

/** One report as `kstats -m` prints it. */
export function kstatsText({ kmem, timestamp }: KstatsRow, era: Era): string {
  return reportText(kmemLines(kmem, era), era, timestamp);
}

/** The columns of `kstats -m --json` and `--csv`: keys of zx_info_kmem_stats, and available. */
export function kstatsColumns(): Column<KstatsRow>[] {
  return [
    { key: 'total_bytes', value: ({ kmem }) => kmem.totalBytes },
    { key: 'free_bytes', value: ({ kmem }) => kmem.freeBytes },
    { key: 'free_loaned_bytes', value: ({ kmem }) => kmem.freeLoanedBytes },
    { key: 'wired_bytes', value: ({ kmem }) => kmem.wiredBytes },
    { key: 'total_heap_bytes', value: ({ kmem }) => kmem.totalHeapBytes },
    { key: 'free_heap_bytes', value: ({ kmem }) => kmem.freeHeapBytes },
    { key: 'vmo_bytes', value: ({ kmem }) => kmem.vmoBytes },
    { key: 'mmu_overhead_bytes', value: ({ kmem }) => kmem.mmuOverheadBytes },
    { key: 'ipc_bytes', value: ({ kmem }) => kmem.ipcBytes },
    { key: 'other_bytes', value: ({ kmem }) => kmem.otherBytes },
    { key: 'available_bytes', value: ({ kmem }) => kmem.availableBytes },
  ];
}
