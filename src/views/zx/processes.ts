/**
 * `zx ps` and `zx jobs`: what each process holds by handles, and the jobs.
 *
 * @see tool-formats, sections 10.1 and 10.4
 */

import type { ConsoleHandle, ConsoleTask } from '../../accounting/console-types.js';
import type { Era } from '../era.js';
import { visibleName } from '../escape.js';
import { type Column, joinLines, right } from '../table.js';
import { isLate } from './labels.js';

/** A column of counts: label, key for programs, width, what it counts, types of objects. */
type Count = readonly [
  label: string, key: string, width: number, what: string, types: readonly number[],
];

const COUNTS: readonly Count[] = [
  ['#jb', 'jobs', 4, 'number of job handles', [17]],
  ['#pr', 'processes', 3, 'number of process handles', [1]],
  ['#th', 'threads', 3, 'number of thread handles', [2]],
  ['#vo', 'vmos', 3, 'number of vmo handles', [3]],
  ['#vm', 'vmars', 3, 'number of virtual memory address region handles', [18]],
  ['#ch', 'channels', 3, 'number of channel handles', [4]],
  ['#ev', 'events', 3, 'number of event and event pair handles', [5, 16]],
  ['#po', 'ports', 3, 'number of port handles', [6]],
  ['#so', 'sockets', 3, 'number of sockets', [14]],
  ['#tm', 'timers', 3, 'number of timers', [22]],
  ['#fi', 'fifos', 3, 'number of fifos', [19]],
  ['#??', 'others', 3, 'number of all other handle types', []],
];
const COLUMN_OF_TYPE = new Map(COUNTS.flatMap(([, , , , types], column) =>
  types.map((type) => [type, column] as const)));
const OTHERS = COUNTS.length - 1;

/** One process with what it holds. */
export interface ZxPsRow extends ConsoleTask {
  /** All handles. */ readonly handles: number;
  /** Handles by kind, in the order of the columns. */ readonly counts: readonly number[];
}

/**
 * The rows of `zx ps`.
 *
 * @param processes - the processes
 * @param handles - the handles of all of them
 */
export function zxPsRows(
  processes: readonly ConsoleTask[], handles: readonly ConsoleHandle[],
): ZxPsRow[] {
  const counts = new Map(processes.map(({ koid }) =>
    [koid, new Array<number>(COUNTS.length).fill(0)] as const));
  for (const { process, type } of handles) {
    const row = counts.get(process.koid);
    const column = COLUMN_OF_TYPE.get(type) ?? OTHERS;
    if (row !== undefined) row[column] = (row[column] ?? 0) + 1;
  }
  return processes.map(({ koid, name }) => {
    const own = counts.get(koid) ?? [];
    return { koid, name, handles: own.reduce((sum, count) => sum + count, 0), counts: own };
  });
}

/**
 * The rows of `zx ps` as the console prints them. The early console left no space before the number
 * of handles, where four digits fill its column: one stands there here.
 */
export function zxPsText(rows: readonly ZxPsRow[], era: Era): string {
  const gap = isLate(era) ? ' ' : '';
  const labels = COUNTS.map(([label]) => label).join(' ');
  const lines = rows.map(({ koid, name, handles, counts }) => {
    const cells = COUNTS.map(([, , width], column) => right(counts[column] ?? 0, width));
    const all = right(handles, 4);
    const space = gap === '' && !all.startsWith(' ') ? ' ' : gap;
    return `${right(koid, 7)}${space}${all}: ${cells.join(' ')} [${visibleName(name)}]`;
  });
  return joinLines([`${right('id', 7)}${gap}  #h:  ${labels} [name]`, ...lines]);
}

/** The columns of `zx ps` for programs. */
export function zxPsColumns(): Column<ZxPsRow>[] {
  return [
    { key: 'koid', value: (row) => row.koid },
    { key: 'name', value: (row) => row.name },
    { key: 'handles', value: (row) => row.handles },
    ...COUNTS.map(([, key], column) => ({ key, value: (row: ZxPsRow) => row.counts[column] })),
  ];
}

/** What a label of a header means. */
export interface LabelRow {
  /** The label. */ readonly label: string;
  /** What it stands for. */ readonly meaning: string;
}

/** The rows of `zx ps help`. */
export function zxPsHelpRows(): LabelRow[] {
  return [
    { label: 'id', meaning: 'process id number' },
    { label: '#h', meaning: 'total number of handles' },
    ...COUNTS.map(([label, , , meaning]) => ({ label, meaning })),
  ];
}

/**
 * Labels and meanings, a line each.
 *
 * @param rows - the labels
 * @param width - of the label's column
 */
export function labelsText(rows: readonly LabelRow[], width: number): string {
  return joinLines(rows.map(({ label, meaning }) => `${label.padEnd(width)}: ${meaning}`));
}

/** The columns of a help for programs. */
export function labelColumns(): Column<LabelRow>[] {
  return [
    { key: 'label', value: (row) => row.label },
    { key: 'meaning', value: (row) => row.meaning },
  ];
}

/** The rows of `zx jobs`; since 2020 the root job itself is missing. */
export function jobRows(jobs: readonly ConsoleTask[], era: Era): readonly ConsoleTask[] {
  return isLate(era) ? jobs.slice(1) : jobs;
}

/** The jobs as the console prints them. */
export function jobsText(rows: readonly ConsoleTask[]): string {
  const lines = rows.map(({ koid, name }) => `${right(koid, 7)} '${visibleName(name)}'`);
  return joinLines(['All jobs:', `${right('koid', 7)} name`, ...lines]);
}

/** The columns of jobs and processes for programs. */
export function taskColumns(): Column<ConsoleTask>[] {
  return [
    { key: 'koid', value: (row) => row.koid },
    { key: 'name', value: (row) => row.name },
  ];
}
