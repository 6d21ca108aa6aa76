/**
 * Processes of this machine with the kernel's figures of their areas, pages not looked at.
 */

import { type Area, parseAreas } from './areas.js';
import type { Breather } from './breather.js';
import { Denied, parseCounts, type ProcFiles, type ProcStat } from './proc-files.js';
import type { UserNames } from './users.js';

/** One process. */
export interface Found {
  /** What its stat says. */ readonly stat: ProcStat;
  /** Its areas by address. */ readonly areas: readonly Area[];
  /** Its smaps as they stand. */ readonly smaps: string;
  /** Its smaps_rollup as they stand; empty where the kernel has none. */ readonly rollup: string;
}

/**
 * Reads the figures of processes.
 *
 * @param proc - where to read
 * @param pids - which; kernel threads, the dead and this process are left out
 * @param breather - when to let go
 * @param unreadable - takes the ids of those that may not be read
 */
export async function findProcesses(
  proc: ProcFiles, pids: readonly number[], breather: Breather, unreadable: number[],
): Promise<Map<number, Found>> {
  const found = new Map<number, Found>();
  for (const pid of pids) {
    await breather.breathe();
    if (pid === process.pid) continue;
    try {
      const stat = proc.stat(pid);
      const smaps = proc.text(pid, 'smaps');
      const rollup = proc.text(pid, 'smaps_rollup') ?? '';
      if (stat === undefined || !smaps) continue;
      found.set(pid, { stat, smaps, rollup, areas: parseAreas(smaps) });
    } catch (error) {
      if (!(error instanceof Denied)) throw error;
      unreadable.push(pid);
    }
  }
  return found;
}

/** smaps_rollup as numbers in kB; its first line is a header. */
export function rollupOf(text: string): Map<string, number> {
  return parseCounts(text.slice(text.indexOf('\n') + 1));
}

/** Whose a process is, by its status: the effective user. */
export function userOf(status: string, users: UserNames): string | undefined {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  return uid === undefined ? undefined : users.nameOf(Number(uid));
}
