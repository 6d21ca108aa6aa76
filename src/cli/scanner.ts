/**
 * `memsim scanner`: the memory scanner of the system that is looked at. What it changes lasts as
 * long as that system: in a shell until its end, else only for the command.
 */

import type { MemoryScanner, ScannerReclaim } from '../objects/scanner.js';
import { reclaimColumns, reclaimText, scanColumns, scanText } from '../views/zx/scanner.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';

/** A command on the scanner of a system, given the words behind it. */
type ScannerAction = (
  context: Context, scanner: MemoryScanner, words: readonly string[],
) => Promise<void>;

const PAGES_PER_MIB = 256;
const MIB_MOST = 2 ** 18;

function show(context: Context, row: ScannerReclaim): Promise<void> {
  return context.show([row], reclaimColumns(), () => reclaimText(row));
}

const dump: ScannerAction = (context, scanner) => {
  const report = scanner.report();
  return context.show([report], scanColumns(), () => scanText(report));
};

const reclaim: ScannerAction = (context, scanner, [megabytes = '', age]) => {
  const mib = /^\d{1,6}$/.test(megabytes) ? Number(megabytes) : 0;
  if (mib < 1 || mib > MIB_MOST) {
    throw new UsageError(`reclaim '${megabytes}': expected MB, 1 to ${MIB_MOST}`, 'scanner');
  }
  if (age !== undefined && age !== 'only_old') {
    throw new UsageError(`'${age}' behind the MB, expected only_old or nothing`, 'scanner');
  }
  return show(context, scanner.reclaim(mib * PAGES_PER_MIB, age !== undefined));
};

/** What prints nothing. */
const quiet = (work: (scanner: MemoryScanner) => void): ScannerAction => (_context, scanner) => {
  work(scanner);
  return Promise.resolve();
};

const COMMANDS = new Map<string, readonly [words: number, action: ScannerAction]>([
  ['dump', [0, dump]],
  ['push_disable', [0, quiet((scanner) => { scanner.disable(); })]],
  ['pop_disable', [0, quiet((scanner) => { scanner.enable(); })]],
  ['reclaim_all', [0, (context, scanner) => show(context, scanner.reclaimAll())]],
  ['rotate_queue', [0, quiet((scanner) => { scanner.rotate(); })]],
  ['reclaim', [2, reclaim]],
  ['harvest_accessed', [0, quiet((scanner) => { scanner.harvestAccessed(); })]],
]);

/** The words that may follow `scanner`. */
export const SCANNER_WORDS: readonly string[] = [...COMMANDS.keys()];

/**
 * Runs the command that the words name.
 *
 * @param context - options, system, place for results
 * @param words - the command and what stands behind it
 */
export async function runScanner(context: Context, words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  if (name === undefined) throw new UsageError('not enough arguments', 'scanner');
  const command = COMMANDS.get(name);
  if (command === undefined) {
    const expected = SCANNER_WORDS.join(', ').replace(/, (?=[^,]*$)/, ' or ');
    throw new UsageError(`unknown command '${name}', expected ${expected}`, 'scanner');
  }
  const [most, action] = command;
  const excess = rest[most];
  if (excess !== undefined) {
    throw new UsageError(`unexpected word '${excess}' behind ${name}`, 'scanner');
  }
  const { scanner } = await context.console();
  if (scanner === undefined) {
    throw new CommandError('scanner: nobody recorded in which queue each page of this system is');
  }
  await action(context, scanner, rest);
}
