/**
 * `zx mwd` and `zx hwd`: who has more than a limit. On the console they are timers; here each is
 * one report.
 *
 * @see tool-formats, section 10.4
 */

import { type AccountTables, TaskType } from '../../accounting/tables.js';
import { visibleName } from '../escape.js';
import { type Column, joinLines, right } from '../table.js';

const PAGE_BYTES = 4096;
const PAGES_PER_MIB = 256;

/** A process above the limit of `zx mwd`. */
export interface HogRow {
  /** Its koid. */ readonly koid: number;
  /** Its name. */ readonly name: string;
  /** Pages of its mappings, shared ones in full. */ readonly pages: number;
}

/**
 * The rows of `zx mwd`: sharing and VMOs that are not mapped are left out of account.
 *
 * @param tables - one accounting pass
 * @param limitMib - so many MiB are too much
 */
export function hogRows({ tasks }: AccountTables, limitMib: number): HogRow[] {
  const rows: HogRow[] = [];
  for (let row = 0; row < tasks.count; row++) {
    if (tasks.type[row] !== TaskType.PROCESS) continue;
    const bytes = (tasks.privateBytes[row] ?? 0) + (tasks.sharedBytes[row] ?? 0);
    const pages = Math.floor(bytes / PAGE_BYTES);
    if (pages < limitMib * PAGES_PER_MIB) continue;
    rows.push({ koid: tasks.koid[row] ?? 0, name: tasks.name[row] ?? '', pages });
  }
  return rows;
}

/** The processes as the console prints them. */
export function hogsText(rows: readonly HogRow[]): string {
  return joinLines(rows.map(({ koid, name, pages }) => {
    const mib = right(Math.floor(pages / PAGES_PER_MIB), 4);
    return `MemoryHog! proc ${right(koid, 5)} ${mib}M '${visibleName(name)}'`;
  }));
}

/** The columns of `zx mwd` for programs. */
export function hogColumns(): Column<HogRow>[] {
  return [
    { key: 'koid', value: (row) => row.koid },
    { key: 'name', value: (row) => row.name },
    { key: 'mapped_committed_bytes', value: (row) => row.pages * PAGE_BYTES },
  ];
}

/** What `zx hwd` reports. */
export interface HandleCountRow {
  /** Handles that are open. */ readonly handles: number;
  /** So many are allowed. */ readonly limit: number;
}

/** `zx hwd`: a line where there are more than the limit. */
export function handleWatchText({ handles, limit }: HandleCountRow): string {
  if (handles <= limit) return '';
  return `HandleWatchdog! ${handles} handles outstanding (greater than limit ${limit})\n`;
}

/** `zx hwd` on a timer: there are no longer more than the limit. */
export function handleDropText({ handles, limit }: HandleCountRow): string {
  return `HandleWatchdog! ${handles} handles outstanding (dropping below limit ${limit})\n`;
}

/** The columns of `zx hwd` for programs. */
export function handleCountColumns(): Column<HandleCountRow>[] {
  return [
    { key: 'handles', value: (row) => row.handles },
    { key: 'limit', value: (row) => row.limit },
  ];
}
