/**
 * `memsim zx`: the kernel console's commands on kernel objects.
 *
 * I1. What the console answers to a wrong word is the first line on standard error: wrong usage
 *     (status 2) or, for a koid that nothing has, a failure (status 1).
 */

import { FIRST_USER_KOID } from '../objects/koid.js';
import { ObjectType } from '../objects/object.js';
import { handleArenaColumns, handleArenaText } from '../views/zx/arena.js';
import {
  channelColumns, channelRows, channelsText, handleColumns, htText, koidHelpRows, koidText,
} from '../views/zx/handles.js';
import {
  jobRows, jobsText, labelColumns, labelsText, taskColumns, zxPsColumns, zxPsHelpRows, zxPsRows,
  zxPsText,
} from '../views/zx/processes.js';
import {
  processVmos, processVmosText, systemVmos, systemVmosText, zxVmosColumns,
} from '../views/zx/vmos.js';
import {
  handleCountColumns, handleWatchText, hogColumns, hogRows, hogsText,
} from '../views/zx/watchdogs.js';
import { findProcess } from '../views/tasks.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { kernelRows, showDump } from './kernel.js';
import { parseKoid } from './options.js';

/** One command of the console, given the words behind it. */
type ConsoleAction = (context: Context, words: readonly string[]) => Promise<void>;

/** What `mwd` takes for too much, MiB. */
export const HOG_LIMIT_MIB = 32;
/** What `hwd` takes for too many. */
export const HANDLES_LIMIT = 1024;

/** Wrong usage of `zx`. */
function wrong(message: string): never {
  throw new UsageError(message, 'zx');
}

/** A number as C reads one of base 0. */
function numberOf(word: string | undefined): number {
  if (word === undefined) return wrong('not enough arguments:');
  const number = parseKoid(word);
  return number === undefined ? wrong(`"${word}" is not a number`) : Number(number);
}

async function zxPs(context: Context, [word]: readonly string[]): Promise<void> {
  if (word === 'help') {
    const rows = zxPsHelpRows();
    return context.show(rows, labelColumns(), () => labelsText(rows, 4));
  }
  if (word !== undefined) wrong(`unexpected word '${word}', expected help or none`);
  const console = await context.console();
  const rows = zxPsRows(console.processes(), console.handles());
  return context.show(rows, zxPsColumns(), () => zxPsText(rows, context.options.era));
}

/** The unit that a third word `-uX` fixes. */
function unitOf(word: string | undefined): string {
  if (word === undefined) return '';
  return word.startsWith('-u') ? word.slice(2, 3) : wrong(`dunno '${word}'`);
}

async function zxVmos(context: Context, [which, option]: readonly string[]): Promise<void> {
  if (which === undefined) wrong('not enough arguments:');
  const unit = unitOf(option);
  const { era } = context.options;
  if (which === 'all' || which === 'hidden') {
    const { tables, console } = await context.kernel();
    const rows = systemVmos(tables, which, console.vmoAddresses(tables.vmos.count));
    return context.show(rows, zxVmosColumns(), () => systemVmosText(rows, which, era, unit));
  }
  const koid = numberOf(which);
  const { tables, console } = await context.kernel();
  const task = findProcess(tables, koid);
  if (typeof task !== 'number') throw new CommandError('process not found!');
  const handles = console.handles(koid).filter(({ type }) => type === ObjectType.VMO)
    .map(({ value }) => value);
  const parts = processVmos(tables, task, handles, console.vmoAddresses(tables.vmos.count));
  return context.show([...parts.held, ...parts.mapped], zxVmosColumns(), () =>
    processVmosText(koid, parts, era, unit));
}

async function zxAsd(context: Context, [which]: readonly string[]): Promise<void> {
  if (which === undefined || which === '') wrong('not enough arguments:');
  const koid = 'kernel'.startsWith(which) ? undefined : numberOf(which);
  const { tables, console } = await context.kernel();
  const rows = koid === undefined
    ? console.kernelAspace(tables) : console.processAspace(koid, tables);
  if (rows === undefined) throw new CommandError(`process ${koid} not found!`);
  return showDump(context, kernelRows(rows));
}

async function zxJobs(context: Context): Promise<void> {
  const rows = jobRows((await context.console()).jobs(), context.options.era);
  return context.show(rows, taskColumns(), () => jobsText(rows));
}

async function zxHt(context: Context, [word]: readonly string[]): Promise<void> {
  const koid = numberOf(word);
  const console = await context.console();
  const process = console.processes().find((task) => task.koid === koid);
  if (process === undefined) throw new CommandError(`process ${koid} not found!`);
  const rows = console.handles(koid);
  return context.show(rows, handleColumns(), () => htText(process, rows, context.options.era));
}

async function zxKoid(context: Context, [word]: readonly string[]): Promise<void> {
  const { era } = context.options;
  if (word === 'help') {
    const labels = koidHelpRows(era);
    return context.show(labels, labelColumns(), () => labelsText(labels, 4));
  }
  const koid = numberOf(word);
  const rows = (await context.console()).handles().filter((handle) => handle.koid === koid);
  if (rows.length === 0) {
    const first = FIRST_USER_KOID;
    throw new CommandError(koid < first
      ? `invalid koid, non-reserved koids start at ${first}` : `no handles found for koid ${koid}`);
  }
  return context.show(rows, handleColumns(), () => koidText(rows, era));
}

async function zxKill(context: Context, [word]: readonly string[]): Promise<void> {
  const koid = numberOf(word);
  const console = await context.console();
  const process = console.processes().find((task) => task.koid === koid);
  if (process === undefined || !console.kill(koid)) throw new CommandError('process not found!');
  return context.show([process], taskColumns(), () => `killing process ${koid}\n`);
}

async function zxCh(context: Context, [word]: readonly string[]): Promise<void> {
  const koid = word === undefined ? undefined : numberOf(word);
  const console = await context.console();
  const rows = channelRows(console.channels(), console.processes(), koid);
  return context.show(rows, channelColumns(), () => channelsText(rows));
}

async function zxMwd(context: Context, [word]: readonly string[]): Promise<void> {
  const limitMib = word === undefined ? HOG_LIMIT_MIB : numberOf(word);
  const rows = hogRows(await context.tables(), limitMib);
  return context.show(rows, hogColumns(), () => hogsText(rows));
}

async function zxHwd(context: Context, [word]: readonly string[]): Promise<void> {
  const limit = word === undefined ? HANDLES_LIMIT : numberOf(word);
  const row = { handles: (await context.console()).openHandles, limit };
  return context.show([row], handleCountColumns(), () => handleWatchText(row));
}

async function zxHtinfo(context: Context): Promise<void> {
  const { tables, console } = await context.kernel();
  const row = console.handleArena(tables);
  return context.show([row], handleArenaColumns(), () =>
    handleArenaText(row, context.options.era));
}

/** The commands, each with the most words that may follow. */
const COMMANDS = new Map<string, readonly [words: number, action: ConsoleAction]>([
  ['ps', [1, zxPs]], ['vmos', [2, zxVmos]], ['asd', [1, zxAsd]], ['jobs', [0, zxJobs]],
  ['ht', [1, zxHt]], ['koid', [1, zxKoid]], ['kill', [1, zxKill]], ['ch', [1, zxCh]],
  ['htinfo', [0, zxHtinfo]], ['mwd', [1, zxMwd]], ['hwd', [1, zxHwd]],
]);

/** The words that may follow `zx`. */
export const ZX_WORDS: readonly string[] = [...COMMANDS.keys()];

/**
 * Runs the command that the words name.
 *
 * @param context - options, system, place for results
 * @param words - the command and what stands behind it
 */
export async function runZx(context: Context, words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  if (name === undefined) wrong('not enough arguments:');
  const [most, action] = COMMANDS.get(name) ?? wrong(`unrecognized subcommand '${name}'`);
  const excess = rest[most];
  if (excess !== undefined) wrong(`unexpected word '${excess}' behind ${name}`);
  await action(context, rest);
}
