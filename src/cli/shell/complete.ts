/**
 * What the tab key offers: a command or verb first, then its options and their values, koids of
 * processes, systems, and files behind `>`, `-o` and `-s`.
 */

import { readdirSync } from 'node:fs';

/** What a command takes, for completion. */
export interface CommandWords {
  /** As typed. */ readonly name: string;
  /** `-x` and `--long`. */ readonly options: readonly string[];
  /** Words that may follow at once, such as those of `zx`. */ readonly words: readonly string[];
  /** Values that an option takes. */ readonly values: ReadonlyMap<string, readonly string[]>;
  /** Whether a process is named. */ readonly takesProcess: boolean;
}

/** What can be offered now. */
export interface Offers {
  /** Commands and verbs. */ readonly commands: ReadonlyMap<string, CommandWords>;
  /** Koids of living processes. */ readonly processKoids: () => readonly string[];
  /** Embedded systems and kinds of them. */ readonly systems: readonly string[];
}

/** Files and folders (these with a slash) that begin like `start`. */
export function filesLike(start: string): string[] {
  const slash = start.lastIndexOf('/') + 1;
  const folder = start.slice(0, slash);
  try {
    return readdirSync(folder === '' ? '.' : folder, { withFileTypes: true })
      .filter(({ name }) => name.startsWith('.') === start.slice(slash).startsWith('.'))
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`)
      .sort();
  } catch {
    return [];
  }
}

const FILE_OPTIONS: ReadonlySet<string> = new Set(['>', '>>', '-o', '--output']);
const SYSTEM_WORDS: ReadonlySet<string> = new Set(['-s', '--system', 'system']);

/** Words that may stand where `start` is being typed, behind `before` in the same command. */
function candidates(before: readonly string[], start: string, offers: Offers): readonly string[] {
  const last = before.at(-1);
  if (last === undefined) return [...offers.commands.keys(), 'k'];
  if (FILE_OPTIONS.has(last)) return filesLike(start);
  if (SYSTEM_WORDS.has(last)) return [...offers.systems, ...filesLike(start)];
  const words = last !== undefined && before[0] === 'k' ? before.slice(1) : before;
  if (words.length === 0) return ['pmm', 'scanner', 'vmm', 'zx'];
  const command = offers.commands.get(words[0] as string);
  if (command === undefined) return filesLike(start);
  const values = command.values.get(last);
  if (values !== undefined) return values;
  if (start.startsWith('-')) return command.options;
  if (words.length === 1 && command.words.length > 0) return command.words;
  return command.takesProcess ? offers.processKoids() : filesLike(start);
}

/**
 * Completes a line.
 *
 * @param line - up to the cursor
 * @returns the words that fit, and the part of the line that they stand for
 */
export function complete(line: string, offers: Offers): [fits: string[], start: string] {
  const segment = /[^|]*$/.exec(line)?.[0] ?? '';
  const words = segment.split(/\s+/).filter((word, i, all) => word !== '' || i === all.length - 1);
  const start = words.pop() ?? '';
  const all = candidates(words, start, offers);
  const fits = [...new Set(all)].filter((word) => word.startsWith(start)).sort();
  // a single one is finished with a blank, but for a folder, which goes on
  const only = fits.length === 1 ? fits[0] : undefined;
  return [only === undefined || only.endsWith('/') ? fits : [`${only} `], start];
}
