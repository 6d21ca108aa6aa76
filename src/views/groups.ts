/**
 * `ps --group`: what processes of one name, user or job cost together.
 *
 * A group's PSS is the sum of its members' proportional shares. Under a policy whose shares add up
 * (`exact`, `attributed`, `mapcount`) a page that only members reach is counted once, and one that
 * others reach too counts with the members' part; under `classic` process sums obey no law.
 *
 * PRIVATE and SHARED are under `exact` those of the group: each page once, private where only
 * members reach it. Other policies have no such figure, and their columns are the members' sums: a
 * page that two members share is counted twice in SHARED.
 */

import { type GroupKey, memberKey } from '../accounting/groups.js';
import { type AccountTables, type GroupTable, TaskType } from '../accounting/tables.js';
import { type Era, sizeAlgorithmOf } from './era.js';
import { visibleName } from './escape.js';
import { type PsRow, psRows } from './ps.js';
import { type Share, addShares, compareShares, shareAt, shareValue } from './share.js';
import { formatSize } from './size.js';
import { type Column, joinLines, right } from './table.js';

export { GROUP_KEYS, type GroupKey } from '../accounting/groups.js';

/** One group. */
export interface GroupRow {
  /** The processes' name, their user's or the job's: untrusted. */ readonly name: string;
  /** Koid of the job; other groups have none. */ readonly koid?: number;
  /** Number of processes. */ readonly processes: number;
  /** Sum of their proportional shares. */ readonly pss: Share;
  /** Bytes that only they reach. */ readonly privateBytes: number;
  /** Bytes that others reach too. */ readonly sharedBytes: number;
}

/** A group by what its members have in common. */
type KeyedRow = Omit<GroupRow, 'name' | 'koid'> & { readonly key: string | number };

/** The groups that a pass found. */
function rowsOfTable(groups: GroupTable): KeyedRow[] {
  return groups.key.map((key, row) => ({
    key, processes: groups.processes[row] ?? 0, pss: shareAt(groups.pss, row),
    privateBytes: groups.privateBytes[row] ?? 0, sharedBytes: groups.sharedBytes[row] ?? 0,
  }));
}

/** The groups as sums of their members. */
function summedRows(members: readonly PsRow[], by: GroupKey): KeyedRow[] {
  const groups = new Map<string | number, KeyedRow>();
  for (const { pss, privateBytes = 0, sharedBytes = 0, ...row } of members) {
    if (row.type !== 'p' || pss === undefined) continue;
    const key = memberKey(row, by);
    const group = groups.get(key);
    groups.set(key, group === undefined
      ? { key, processes: 1, pss, privateBytes, sharedBytes }
      : {
        key, processes: group.processes + 1, pss: addShares(group.pss, pss),
        privateBytes: group.privateBytes + privateBytes,
        sharedBytes: group.sharedBytes + sharedBytes,
      });
  }
  return [...groups.values()];
}

/**
 * The groups of a system (or of one job's subtree), the largest first.
 *
 * @param tables - one pass; under `exact` with the same groups asked for
 */
export function groupRows(tables: AccountTables, key: GroupKey, jobKoid?: number): GroupRow[] {
  const { tasks, groups } = tables;
  const found = groups?.by === key
    ? rowsOfTable(groups) : summedRows(psRows(tables, { jobKoid }), key);
  const jobNames = new Map<string | number, string>();
  tasks.koid.forEach((koid, row) => {
    if (tasks.type[row] === TaskType.JOB) jobNames.set(koid, tasks.name[row] ?? '');
  });
  return found.map(({ key: member, ...row }): GroupRow => ({
    ...row,
    name: key === 'job' ? jobNames.get(member) ?? '' : String(member),
    koid: key === 'job' ? Number(member) : undefined,
  })).sort((a, b) => compareShares(b.pss, a.pss));
}

/** The groups as text, between two header lines; no groups print nothing. */
export function groupText(rows: readonly GroupRow[], era: Era, unit = ''): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly (string | number)[], name: string): string =>
    [...cells.map((cell) => right(cell, 7)), name].join(' ');
  const size = (bytes: number | bigint): string => formatSize(bytes, unit, sizeAlgorithmOf(era));
  const header = line(['PROCS', 'PSS', 'PRIVATE', 'SHARED'], 'NAME');
  const lines = rows.map(({ name, processes, pss, privateBytes, sharedBytes }) => line(
    [processes, size(pss.bytes), size(privateBytes), size(sharedBytes)], visibleName(name)));
  return joinLines([header, ...lines, header]);
}

/** The columns of `ps --group --json` and `--csv`. */
export function groupColumns(tables: AccountTables): Column<GroupRow>[] {
  return [
    { key: 'name', value: (row) => row.name },
    { key: 'koid', value: (row) => row.koid },
    { key: 'processes', value: (row) => row.processes },
    { key: 'pss_bytes', value: (row) => shareValue(row.pss, tables.policy) },
    { key: 'private_bytes', value: (row) => row.privateBytes },
    { key: 'shared_bytes', value: (row) => row.sharedBytes },
  ];
}
