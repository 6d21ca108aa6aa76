/**
 * `ps`: jobs, processes and threads with what they cost.
 *
 * Rows are those of the task walk (accounting's I1); sorting makes a flat list of processes (of
 * jobs under `-J`), because a job's figures are sums and would count them twice.
 *
 * I1. A row's sizes are bytes; they are formatted once, so printed children need not add up.
 * I2. The header line stands first and again after the last row; no rows print nothing.
 */

import { type AccountTables, type TaskTable, TaskType } from '../accounting/tables.js';
import { type Era, sizeAlgorithmOf } from './era.js';
import { visibleName } from './escape.js';
import { type Share, compareShares, shareAt, shareValue } from './share.js';
import { formatSize } from './size.js';
import { type CellValue, type Column, joinLines, right } from './table.js';
import { findTask } from './tasks.js';

/** One row of `ps`: a job (`j`), a process (`p`) or a thread (`t`). Sizes are bytes. */
export interface PsRow {
  /** Letter of its kind. */ readonly type: 'j' | 'p' | 't';
  /** Its koid. */ readonly koid: number;
  /** Koid of the task above, 0 for the root job. */ readonly parentKoid: number;
  /** Depth below the job the walk began with. */ readonly depth: number;
  /** Its name: untrusted. */ readonly name: string;
  /** Name of its user, where users are known: untrusted. */ readonly user?: string;
  /** State of a thread, `killoom` of a marked job, else empty. */ readonly state: string;
  /** Proportional share; undefined for threads. */ readonly pss?: Share;
  /** Private bytes; undefined for threads. */ readonly privateBytes?: number;
  /** Shared bytes; processes only. */ readonly sharedBytes?: number;
  /** Swapped bytes, where known. */ readonly swapBytes?: number;
  /** Share of swapped bytes, where known. */ readonly swapPssBytes?: number;
  /** Anonymous part of the PSS, where known. */ readonly pssAnonBytes?: number;
  /** File part of the PSS, where known. */ readonly pssFileBytes?: number;
  /** Shared-memory part of the PSS, where known. */ readonly pssShmemBytes?: number;
  /** Pages it reaches by number of owners; processes under `exact`. */
  readonly pagesByOwners?: ReadonlyMap<number, number>;
  /** Share of pages reached by handles alone; `exact` only. */ readonly unmappedBytes?: number;
  /** Page tables and kernel records; `exact` only. */ readonly kernelBytes?: number;
}

/** What rows of `ps` can be sorted by. */
export const PS_SORT_KEYS = [
  'pss', 'private', 'shared', 'swap', 'unmapped', 'kernel', 'name', 'koid',
] as const;

/** A key of {@link PS_SORT_KEYS}: sizes sort downwards, names and koids upwards. */
export type PsSortKey = (typeof PS_SORT_KEYS)[number];

/** Which rows to show. */
export interface PsSelection {
  /** `-T`: threads too. */ readonly threads?: boolean;
  /** `-J`: jobs, and with `-T` threads, but no processes. */ readonly jobsOnly?: boolean;
  /** `--job`: koid of the job to begin with; its depth becomes 0. */ readonly jobKoid?: number;
  /** `--sort`: a flat list of processes (with `-J`: of jobs) in this order. */
  readonly sort?: PsSortKey;
  /** `--top`: only the first rows of the sorted list (by PSS where no key is given). */
  readonly top?: number;
}

/** How to lay out the text. */
export interface PsLayout {
  /** Generation of the layout. */ readonly era: Era;
  /** `-T`: a column for the state. */ readonly threads?: boolean;
  /** `-J`: no column SHARED. */ readonly jobsOnly?: boolean;
  /** A flat list: no indentation. */ readonly flat?: boolean;
  /** `--units`: letter to fix all sizes to; empty chooses. */ readonly unit?: string;
  /** Columns UNMAPPED and KERNEL (policy `exact`). */ readonly exactColumns?: boolean;
  /** A column SWAP after SHARED: the share of swapped bytes, what `--sort=swap` sorts by. */
  readonly swapColumn?: boolean;
}

const LETTERS = ['j', 'p', 't'] as const;

function rowAt(tasks: TaskTable, row: number, baseDepth: number): PsRow {
  const type = LETTERS[tasks.type[row] ?? TaskType.THREAD] ?? 't';
  const task = {
    type,
    koid: tasks.koid[row] ?? 0,
    parentKoid: tasks.parentKoid[row] ?? 0,
    depth: (tasks.depth[row] ?? 0) - baseDepth,
    name: tasks.name[row] ?? '',
    state: tasks.state[row] ?? '',
    ...(type === 'p' && tasks.user !== undefined ? { user: tasks.user[row] ?? '' } : {}),
  };
  if (type === 't') return task;
  return {
    ...task,
    pss: shareAt(tasks.pss, row),
    privateBytes: tasks.privateBytes[row] ?? 0,
    sharedBytes: type === 'p' ? (tasks.sharedBytes[row] ?? 0) : undefined,
    swapBytes: tasks.swapBytes?.[row],
    swapPssBytes: tasks.swapPssBytes?.[row],
    pssAnonBytes: tasks.pssAnonBytes?.[row],
    pssFileBytes: tasks.pssFileBytes?.[row],
    pssShmemBytes: tasks.pssShmemBytes?.[row],
    pagesByOwners: type === 'p' ? tasks.pagesByOwners?.[row] : undefined,
    unmappedBytes: tasks.unmappedBytes?.[row],
    kernelBytes: tasks.kernelBytes?.[row],
  };
}

/** Rows `first .. end` are a task and its subtree. */
function subtree(tasks: TaskTable, jobKoid: number | undefined): { first: number; end: number } {
  if (jobKoid === undefined) return { first: 0, end: tasks.count };
  const first = findTask(tasks, jobKoid);
  if (first < 0) return { first: 0, end: 0 };
  const depth = tasks.depth[first] ?? 0;
  let end = first + 1;
  while (end < tasks.count && (tasks.depth[end] ?? 0) > depth) end++;
  return { first, end };
}

/** What a row pays of swap: its share of the slots, where that is known. */
function swapShare(row: PsRow): number | undefined {
  return row.swapPssBytes ?? row.swapBytes;
}

function sizeForSort(row: PsRow, key: PsSortKey): number {
  switch (key) {
    case 'private': return row.privateBytes ?? 0;
    case 'shared': return row.sharedBytes ?? 0;
    case 'swap': return swapShare(row) ?? 0;
    case 'unmapped': return row.unmappedBytes ?? 0;
    case 'kernel': return row.kernelBytes ?? 0;
    default: return 0;
  }
}

const NOTHING: Share = { bytes: 0n, fraction: 0n };

function compareRows(a: PsRow, b: PsRow, key: PsSortKey): number {
  if (key === 'koid') return a.koid - b.koid;
  if (key === 'name') return a.name < b.name ? -1 : Number(a.name > b.name);
  if (key === 'pss') return compareShares(b.pss ?? NOTHING, a.pss ?? NOTHING);
  return sizeForSort(b, key) - sizeForSort(a, key);
}

/** True where a selection asks for a flat list instead of the tree. */
export function isFlat(selection: PsSelection): boolean {
  return selection.sort !== undefined || selection.top !== undefined;
}

/**
 * The rows that `ps` shows.
 *
 * @param tables - one accounting pass
 * @param selection - which rows; a `jobKoid` that no task has gives none
 * @returns rows in walk order, or sorted; equal keys keep the walk order
 */
export function psRows(tables: AccountTables, selection: PsSelection = {}): PsRow[] {
  const { tasks } = tables;
  const flat = isFlat(selection);
  const wanted = (type: number | undefined): boolean => {
    if (flat) return type === (selection.jobsOnly ? TaskType.JOB : TaskType.PROCESS);
    if (type === TaskType.THREAD) return selection.threads === true;
    return type === TaskType.JOB || !selection.jobsOnly;
  };
  const { first, end } = subtree(tasks, selection.jobKoid);
  const baseDepth = tasks.depth[first] ?? 0;
  const rows: PsRow[] = [];
  for (let row = first; row < end; row++) {
    if (wanted(tasks.type[row])) rows.push(rowAt(tasks, row, baseDepth));
  }
  if (!flat) return rows;
  const key = selection.sort ?? 'pss';
  return rows.sort((a, b) => compareRows(a, b, key)).slice(0, selection.top);
}

/** Width of every cell between the task and the name, and of those that only `exact` has. */
const CELL_WIDTH = 7;
const EXACT_CELL_WIDTH = 8;

/** Cells of a line between the task and the name, each with its separating space. */
function cells(layout: PsLayout, texts: readonly string[]): string {
  const [pss = '', own = '', shared = '', swap = '', unmapped = '', kernel = '', state = ''] =
    texts;
  const jobsOnly = layout.jobsOnly === true && layout.threads !== true;
  const early = layout.era === 'page' || layout.era === '2017';
  let line = ` ${right(pss, CELL_WIDTH)} ${right(own, CELL_WIDTH)}`;
  if (!jobsOnly) line += ` ${right(shared, CELL_WIDTH)}`;
  if (layout.swapColumn) line += ` ${right(swap, CELL_WIDTH)}`;
  if (layout.exactColumns) {
    line += ` ${right(unmapped, EXACT_CELL_WIDTH)} ${right(kernel, EXACT_CELL_WIDTH)}`;
  }
  if (!early || layout.threads) line += ` ${right(state, CELL_WIDTH)}`;
  return line;
}

/**
 * The rows as the tool prints them.
 *
 * @param rows - from {@link psRows}
 * @param layout - era, columns and units
 * @returns lines, each ended; an empty text for no rows
 * @see tool-formats, section 3.3
 */
export function psText(rows: readonly PsRow[], layout: PsLayout): string {
  if (rows.length === 0) return '';
  const algorithm = sizeAlgorithmOf(layout.era);
  const unit = layout.unit ?? '';
  const size = (bytes: number | bigint | undefined): string =>
    bytes === undefined ? '' : formatSize(bytes, unit, algorithm);
  const separator = layout.era === '2022' || layout.era === '2025' ? ': ' : ':';
  const indent = layout.flat ? 0 : 2;
  const tasks = rows.map((row) =>
    ' '.repeat(indent * row.depth) + row.type + separator + row.koid);
  const width = tasks.reduce((widest, task) => Math.max(widest, task.length), 0);
  const header = 'TASK'.padEnd(width)
    + cells(layout, ['PSS', 'PRIVATE', 'SHARED', 'SWAP', 'UNMAPPED', 'KERNEL', 'STATE']) + ' NAME';
  const lines = rows.map((row, index) => {
    const sizes = [row.pss?.bytes, row.privateBytes, row.sharedBytes, swapShare(row),
      row.unmappedBytes, row.kernelBytes].map(size);
    const task = (tasks[index] ?? '').padEnd(width);
    return `${task}${cells(layout, [...sizes, row.state])} ${visibleName(row.name)}`;
  });
  return joinLines([header, ...lines, header]);
}

/**
 * The columns of `ps --json` and `--csv`.
 *
 * @param tables - the pass the rows came from: its policy decides how shares print, and columns
 *   that it does not know (swap off Linux, owners but under `exact`) are left out
 */
export function psColumns(tables: AccountTables): Column<PsRow>[] {
  const { policy, tasks } = tables;
  const column = (key: string, value: (row: PsRow) => CellValue): Column<PsRow> => ({ key, value });
  const known = (source: unknown, key: string, value: (row: PsRow) => CellValue): Column<PsRow>[] =>
    source === undefined ? [] : [column(key, value)];
  return [
    column('type', (row) => row.type),
    column('koid', (row) => row.koid),
    column('parent', (row) => row.parentKoid),
    column('depth', (row) => row.depth),
    column('name', (row) => row.name),
    ...known(tasks.user, 'user', (row) => row.user),
    column('pss_bytes', (row) => row.pss && shareValue(row.pss, policy)),
    column('private_bytes', (row) => row.privateBytes),
    column('shared_bytes', (row) => row.sharedBytes),
    ...known(tasks.swapBytes, 'swap_bytes', (row) => row.swapBytes),
    ...known(tasks.swapPssBytes, 'swap_pss_bytes', (row) => row.swapPssBytes),
    ...known(tasks.pssAnonBytes, 'pss_anon_bytes', (row) => row.pssAnonBytes),
    ...known(tasks.pssFileBytes, 'pss_file_bytes', (row) => row.pssFileBytes),
    ...known(tasks.pssShmemBytes, 'pss_shmem_bytes', (row) => row.pssShmemBytes),
    ...known(tasks.pagesByOwners, 'pages_by_owners', (row) => row.pagesByOwners),
    ...known(tasks.unmappedBytes, 'unmapped_bytes', (row) => row.unmappedBytes),
    ...known(tasks.kernelBytes, 'kernel_bytes', (row) => row.kernelBytes),
    column('state', (row) => (row.type === 't' || row.state !== '' ? row.state : undefined)),
  ];
}
