/**
 * `memsim aspace` and `memsim handle`: the debugger's views of one process.
 */

import { rightNames } from '../objects/rights.js';
import {
  aspaceText, debuggerColumns, debuggerHandles, handleText, handlesText, holdsAddress,
} from '../views/zx/debugger.js';
import { vmapsColumns, vmapsRows } from '../views/vmaps.js';
import { vmosRows } from '../views/vmos.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { parseKoid } from './options.js';
import { processRow } from './process-views.js';

/** A command of the debugger. */
export type DebuggerCommand = 'aspace' | 'handle';

/** What such a command answers to a wrong number of arguments. */
export const DEBUGGER_USAGE: Readonly<Record<DebuggerCommand, string>> = {
  aspace: 'Usage: aspace <process-koid> [<address>]',
  handle: 'Usage: handle <process-koid> [<handle>]',
};

function numberOf(word: string, command: DebuggerCommand): bigint {
  return parseKoid(word) ?? wrongNumber(word, command);
}

function wrongNumber(word: string, command: DebuggerCommand): never {
  throw new UsageError(`ERROR: "${word}" is not a number`, command);
}

async function aspace(context: Context, koid: bigint, word: string | undefined): Promise<void> {
  const address = word === undefined ? undefined : numberOf(word, 'aspace');
  const tables = await context.tables();
  if (tables.missing?.maps !== undefined) throw new CommandError(`aspace: ${tables.missing.maps}`);
  const rows = vmapsRows(tables, processRow(tables, koid));
  if (address !== undefined && !rows.some((row) => holdsAddress(row, address))) {
    throw new CommandError('Region not mapped.');
  }
  const shown = address === undefined || !(context.options.json || context.options.csv)
    ? rows : rows.filter((row) => holdsAddress(row, address));
  return context.show(shown, vmapsColumns(tables), () => aspaceText(rows, address));
}

async function handle(context: Context, koid: bigint, word: string | undefined): Promise<void> {
  const value = word === undefined ? undefined : numberOf(word, 'handle');
  const { tables, console } = await context.kernel();
  const task = processRow(tables, koid);
  const rows = debuggerHandles(console.handles(Number(koid)), vmosRows(tables, task));
  if (value === undefined) return context.show(rows, debuggerColumns(), () => handlesText(rows));
  const row = value === 0n ? undefined : rows.find((found) => found.value === Number(value));
  if (row === undefined) throw new CommandError(`No handle with value ${value} in the process.`);
  return context.show([row], debuggerColumns(), () => handleText(row, rightNames(row.rights)));
}

/**
 * Runs a command of the debugger.
 *
 * @param context - options, system, place for results
 * @param command - which
 * @param words - the process, and an address or a handle
 */
export async function runDebugger(
  context: Context, command: DebuggerCommand, words: readonly string[],
): Promise<void> {
  const [process = '', word] = words;
  const koid = numberOf(process, command);
  await (command === 'aspace' ? aspace : handle)(context, koid, word);
}
