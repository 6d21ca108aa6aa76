/**
 * `memsim ps`: reads its options, finds the job, prints the rows.
 */

import { type Command, Option } from 'commander';
import { type AccountTables, TaskType } from '../accounting/tables.js';
import { GROUP_KEYS, type GroupKey, groupColumns, groupRows, groupText } from '../views/groups.js';
import {
  PS_SORT_KEYS, type PsSelection, type PsSortKey, isFlat, psColumns, psRows, psText,
} from '../views/ps.js';
import { findTask } from '../views/tasks.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { parseDecimalKoid, parsePositive } from './options.js';

/** Options of `ps` as commander leaves them. */
interface PsOptions {
  readonly T?: boolean;
  readonly J?: boolean;
  readonly units?: string;
  readonly job?: number;
  readonly sort?: PsSortKey;
  readonly top?: number;
  readonly group?: GroupKey;
}

/** Gives the command its options. */
export function definePs(command: Command): Command {
  return command
    .option('-T')
    .option('-J')
    .option('--units <unit>')
    .option('--job <koid>', '', parseDecimalKoid)
    .addOption(new Option('--sort <key>').choices(PS_SORT_KEYS))
    .option('--top <n>', '', parsePositive)
    .addOption(new Option('--group <key>').choices(GROUP_KEYS)
      .conflicts(['sort', 'top', 'J', 'T']));
}

/** Fails where `--job` names no job, in upstream's words. */
function checkJob(tables: AccountTables, koid: number | undefined): void {
  if (koid === undefined) return;
  const row = findTask(tables.tasks, koid);
  if (row < 0) {
    throw new CommandError('ERROR: get_task_by_koid failed: ZX_ERR_NOT_FOUND (-25)');
  }
  if (tables.tasks.type[row] !== TaskType.JOB) {
    throw new CommandError(`ERROR: object with koid ${koid} is not a job`);
  }
}

/** Fails where the tables have nothing to sort by: an order by nothing would look like a result. */
function checkSort({ tasks }: AccountTables, key: PsSortKey | undefined): void {
  if (key === 'swap' && tasks.swapBytes === undefined && tasks.swapPssBytes === undefined) {
    throw new CommandError('ps --sort=swap: this system knows no swap');
  }
  if ((key === 'unmapped' || key === 'kernel') && tasks.unmappedBytes === undefined) {
    throw new UsageError(`--sort=${key} goes with --policy exact only`, 'ps');
  }
}

/** Runs the command. */
export async function runPs(context: Context, options: PsOptions): Promise<void> {
  const { era } = context.options;
  const { group, job } = options;
  const tables = await context.tables(undefined, group === undefined
    ? {} : { groups: { by: group, ...(job === undefined ? {} : { jobKoid: job }) } });
  checkJob(tables, options.job);
  checkSort(tables, options.sort);
  if (options.group === 'user' && tables.tasks.user === undefined) {
    throw new CommandError('ps --group user: this system knows no users, expected name or job');
  }
  if (options.group !== undefined) {
    const rows = groupRows(tables, options.group, options.job);
    await context.show(rows, groupColumns(tables), () => groupText(rows, era, options.units));
    return;
  }
  const selection: PsSelection = {
    threads: options.T,
    jobsOnly: options.J,
    jobKoid: options.job,
    sort: options.sort,
    top: options.top,
  };
  const rows = psRows(tables, selection);
  await context.show(rows, psColumns(tables), () => psText(rows, {
    era,
    threads: options.T,
    jobsOnly: options.J,
    flat: isFlat(selection),
    unit: options.units,
    exactColumns: tables.policy === 'exact',
    swapColumn: options.sort === 'swap',
  }));
}
