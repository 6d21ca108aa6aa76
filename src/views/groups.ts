/**
 * `ps --group`: what processes of one name, user or job cost together.
 *
 * A group's figure is the sum of its members' proportional shares. Under a policy whose shares
 * add up (`exact`, `attributed`, `mapcount`) a page that only members reach is counted once, and
 * one that others reach too counts with the members' part; under `classic` process sums obey no
 * law.
 */

import type { AccountTables } from '../accounting/tables.js';
import { type Era, sizeAlgorithmOf } from './era.js';
import { visibleName } from './escape.js';
import { type PsRow, psRows } from './ps.js';
import { type Share, addShares, compareShares, shareValue } from './share.js';
import { formatSize } from './size.js';
import { type Column, joinLines, right } from './table.js';

/** What `--group` can group by. */
export const GROUP_KEYS = ['name', 'user', 'job'] as const;

/** A key of {@link GROUP_KEYS}; only recorded systems know users. */
export type GroupKey = (typeof GROUP_KEYS)[number];

/** One group. */
export interface GroupRow {
  /** The processes' name, their user's or the job's: untrusted. */ readonly name: string;
  /** Koid of the job; other groups have none. */ readonly koid?: number;
  /** Number of processes. */ readonly processes: number;
  /** Sum of their proportional shares. */ readonly pss: Share;
}

/** What the members of a process's group have in common. */
function memberOf(row: PsRow, key: GroupKey): string | number {
  if (key === 'name') return row.name;
  return key === 'user' ? row.user || '-' : row.parentKoid;
}

/** The groups of a system (or of one job's subtree), the largest first. */
export function groupRows(tables: AccountTables, key: GroupKey, jobKoid?: number): GroupRow[] {
  const groups = new Map<string | number, { first: PsRow; processes: number; pss: Share }>();
  const jobNames = new Map<number, string>();
  for (const row of psRows(tables, { jobKoid })) {
    if (row.type === 'j') jobNames.set(row.koid, row.name);
    if (row.type !== 'p' || row.pss === undefined) continue;
    const member = memberOf(row, key);
    const group = groups.get(member);
    if (group === undefined) groups.set(member, { first: row, processes: 1, pss: row.pss });
    else {
      group.processes++;
      group.pss = addShares(group.pss, row.pss);
    }
  }
  const rows = [...groups.values()].map(({ first, processes, pss }): GroupRow => ({
    name: key === 'job' ? (jobNames.get(first.parentKoid) ?? '') : String(memberOf(first, key)),
    koid: key === 'job' ? first.parentKoid : undefined,
    processes,
    pss,
  }));
  return rows.sort((a, b) => compareShares(b.pss, a.pss));
}

/** The groups as text, between two header lines; no groups print nothing. */
export function groupText(rows: readonly GroupRow[], era: Era, unit = ''): string {
  if (rows.length === 0) return '';
  const header = `${right('PROCS', 7)} ${right('PSS', 7)} NAME`;
  const lines = rows.map((row) => [
    right(row.processes, 7),
    right(formatSize(row.pss.bytes, unit, sizeAlgorithmOf(era)), 7),
    visibleName(row.name),
  ].join(' '));
  return joinLines([header, ...lines, header]);
}

/** The columns of `ps --group --json` and `--csv`. */
export function groupColumns(tables: AccountTables): Column<GroupRow>[] {
  return [
    { key: 'name', value: (row) => row.name },
    { key: 'koid', value: (row) => row.koid },
    { key: 'processes', value: (row) => row.processes },
    { key: 'pss_bytes', value: (row) => shareValue(row.pss, tables.policy) },
  ];
}
