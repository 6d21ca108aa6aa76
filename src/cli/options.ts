/**
 * The options that every command takes, and how arguments are read.
 */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { ERAS } from '../views/era.js';

const WORKERS_MAX = 64;

/** Reads `--workers`: 0 (this thread alone) to 64. */
function parseWorkers(text: string): number {
  const workers = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  if (!(workers <= WORKERS_MAX)) {
    throw new InvalidArgumentError(`Expected a number of workers, 0 to ${WORKERS_MAX}.`);
  }
  return workers;
}

/** Reads a number above 0, such as that of `--top`. */
export function parsePositive(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (value === 0) throw new InvalidArgumentError('Expected a whole number above 0.');
  return value;
}

/** Reads a koid in decimal, such as that of `--job`. */
export function parseDecimalKoid(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a koid in decimal.');
  return Number(text);
}

/**
 * A koid as C reads a number of base 0: decimal, 0x and hex, 0 and octal.
 *
 * @returns the koid; undefined for what is no number
 */
export function parseKoid(text: string): bigint | undefined {
  if (/^0x[0-9a-f]+$/i.test(text) || /^[1-9]\d*$/.test(text)) return BigInt(text);
  return /^0[0-7]*$/.test(text) ? BigInt(`0o0${text}`) : undefined;
}

/** Gives `program` the options that every command takes, before or after the command's name. */
export function addSharedOptions(program: Command): void {
  program
    .addOption(new Option('-s, --system <SPEC>', 'the system to look at').default('boot'))
    .addOption(new Option('--policy <POLICY>', 'how a page is charged')
      .choices(['classic', 'attributed', 'exact', 'mapcount']))
    .addOption(new Option('--reach <REACH>', 'what reaches a page')
      .choices(['committed', 'present']))
    .addOption(new Option('--era <ERA>', 'layout of the text').choices(ERAS).default('page'))
    .addOption(new Option('--workers <N>', 'worker threads').argParser(parseWorkers))
    .addOption(new Option('--stats', 'time and memory it took, on standard error'))
    .addOption(new Option('--json', 'JSON, sizes in bytes').conflicts('csv'))
    .addOption(new Option('--csv', 'CSV, sizes in bytes'))
    .addOption(new Option('-o, --output <FILE>', 'write the result to a file'));
}
