/**
 * `memsim vmaps` and `memsim vmos`: one argument, the koid of a process.
 */

import type { AccountTables } from '../accounting/tables.js';
import { findProcess } from '../views/tasks.js';
import { vmapsColumns, vmapsRows, vmapsText } from '../views/vmaps.js';
import { vmosColumns, vmosRows, vmosText } from '../views/vmos.js';
import { Status } from '../objects/status.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { parseKoid } from './options.js';

/** A command that takes the koid of a process. */
export type ProcessCommand = 'vmaps' | 'vmos';

/** What such a command answers to a wrong number of arguments. */
export function processUsage(command: ProcessCommand): string {
  return `Usage: ${command} <process-koid>|help`;
}

/** Row of the process, or upstream's words on why there is none. */
export function processRow(tables: AccountTables, koid: bigint): number {
  const row = findProcess(tables, Number(koid));
  if (typeof row === 'number') return row;
  throw new CommandError(
    `ERROR: couldn't find process with koid ${koid}: ${row} (${Status[row]})`,
  );
}

/** Runs one of the commands on the process that `argument` names. */
export async function runProcessView(
  context: Context, command: ProcessCommand, argument: string,
): Promise<void> {
  const koid = parseKoid(argument);
  if (koid === undefined) throw new UsageError(`ERROR: "${argument}" is not a number`, command);
  const { era } = context.options;
  const tables = await context.tables();
  const missing = tables.missing?.[command === 'vmaps' ? 'maps' : 'vmoRefs'];
  if (missing !== undefined) throw new CommandError(`${command}: ${missing}`);
  const task = processRow(tables, koid);
  if (command === 'vmaps') {
    const rows = vmapsRows(tables, task);
    await context.show(rows, vmapsColumns(tables), () => vmapsText(rows, era));
  } else {
    const rows = vmosRows(tables, task);
    await context.show(rows, vmosColumns(), () => vmosText(rows, era));
  }
}
