/**
 * `memsim pmm` and `vmm`: the kernel console's commands on physical memory and address spaces. What
 * is a timer there is one report here.
 */

import type { DumpRow } from '../accounting/console-types.js';
import { dumpColumns, dumpPieces } from '../views/zx/dump.js';
import { freeColumns, freeText, pmmText, stateColumns, stateRows } from '../views/zx/memory.js';
import { memoryState, memoryStateColumns, memoryStateText } from '../views/zx/pressure.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { runLeak } from './leak.js';

/** A command of the console that takes fixed words. */
export type KernelCommand = 'pmm' | 'vmm';

const PHRASES: Readonly<Record<KernelCommand, ReadonlyMap<string, Report>>> = {
  pmm: new Map([['dump', pmmDump], ['free', pmmFree], ['mem_avail_state info', pmmState]]),
  vmm: new Map([['aspaces', vmmAspaces], ['kaspace', vmmKaspace]]),
};

/** Prints one report. */
type Report = (context: Context) => Promise<void>;

async function pmmDump(context: Context): Promise<void> {
  const { era } = context.options;
  const memory = (await context.console()).physicalPages();
  return context.show(stateRows(memory, era), stateColumns(), () => pmmText(memory, era));
}

async function pmmFree(context: Context): Promise<void> {
  const { freeBytes } = (await context.console()).kmem;
  return context.show([{ freeBytes }], freeColumns(), () => freeText({ freeBytes }));
}

async function pmmState(context: Context): Promise<void> {
  const { kmem, watchdog } = await context.console();
  const row = memoryState(kmem.freeBytes, watchdog);
  return context.show([row], memoryStateColumns(), () =>
    memoryStateText(row, context.options.era));
}

async function vmmAspaces(context: Context): Promise<void> {
  const { tables, console } = await context.kernel();
  return showDump(context, console.aspaces(tables));
}

async function vmmKaspace(context: Context): Promise<void> {
  const { tables, console } = await context.kernel();
  return showDump(context, kernelRows(console.kernelAspace(tables)));
}

/** The rows of the kernel's address space, of which there have to be some. */
export function kernelRows(rows: DumpRow[]): DumpRow[] {
  if (rows.length > 0) return rows;
  throw new CommandError('the kernel\'s address space of this system is not known');
}

/** Prints the records of address spaces. */
export function showDump(context: Context, rows: readonly DumpRow[]): Promise<void> {
  return context.show(rows, dumpColumns(), () => dumpPieces(rows, context.options.era));
}

/** The words that may follow a command. */
export function kernelWords(command: KernelCommand): readonly string[] {
  return [...PHRASES[command].keys()];
}

/**
 * Runs a command of the console.
 *
 * @param context - options, system, place for results
 * @param command - which
 * @param words - what stands behind it
 */
export async function runKernel(
  context: Context, command: KernelCommand, words: readonly string[],
): Promise<void> {
  if (words.length === 0) throw new UsageError('not enough arguments', command);
  if (command === 'pmm' && words[0] === 'mem_avail_state' && words[1] !== 'info') {
    return runLeak(context, words.slice(1));
  }
  const phrase = words.join(' ');
  const report = PHRASES[command].get(phrase);
  if (report === undefined) {
    const expected = kernelWords(command).join(', ').replace(/, (?=[^,]*$)/, ' or ');
    throw new UsageError(`unknown command '${phrase}', expected ${expected}`, command);
  }
  await report(context);
}
