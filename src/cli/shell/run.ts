/**
 * Puts a shell together: the system that `-s` names, the verbs, what the tab key offers.
 */

import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { walkTasks } from '../../objects/walk.js';
import { ProcessObject } from '../../objects/process-object.js';
import { EMBEDDED_SYSTEMS } from '../../import/scenario/embedded.js';
import { System } from '../../system.js';
import type { Context } from '../context.js';
import { CommandError, osReason, UsageError } from '../errors.js';
import { SHELL_WORDS } from '../help.js';
import type { CommandWords } from './complete.js';
import { Session, type RunCommand } from './session.js';
import { runLines } from './shell.js';
import { shellVerbs } from './verbs.js';

/** A script as a stream. */
async function scriptOf(file: string): Promise<Readable> {
  try {
    return Readable.from([await readFile(file, 'utf8')]);
  } catch (error) {
    const reason = osReason(error);
    if (reason === undefined) throw error;
    throw new CommandError(`cannot read ${file}: ${reason}`);
  }
}

/** Koids of the living processes of a system, as typed. */
function processKoids(session: Session): string[] {
  const { system } = session;
  if (!(system instanceof System)) return [];
  return [...walkTasks(system.rootJob.object)]
    .filter(({ task }) => task instanceof ProcessObject)
    .map(({ task }) => String(task.koid));
}

/**
 * Runs a shell on the system that the context names.
 *
 * @param commands - what each command takes
 * @param runCommand - runs one of them
 * @param file - a script; standard input if left out
 * @returns the exit status: 0 from a terminal, of a script that of its last command
 */
export async function runShell(
  context: Context, commands: readonly CommandWords[], runCommand: RunCommand, file?: string,
): Promise<number> {
  const { deps, options } = context;
  if (deps.live !== undefined) throw new CommandError('shell: this is one already');
  if (options.json || options.csv || options.output !== undefined) {
    throw new UsageError('shell prints what its lines ask for, found --json, --csv or -o', 'shell');
  }
  if (options.system === '-' && deps.stdin.isTTY !== true) {
    throw new UsageError('standard input has the lines, so it cannot have the system', 'shell');
  }
  const verbs = shellVerbs(SHELL_WORDS);
  const session = new Session(deps, runCommand, verbs);
  const system = await context.openClocked();
  session.change(options.system, system);
  const known = new Map(commands.map((command) => [command.name, command]));
  known.delete('shell');
  for (const name of verbs.keys()) {
    known.set(name, { name, options: [], words: [], values: new Map(), takesProcess: false });
  }
  const input = file === undefined ? deps.stdin : await scriptOf(file);
  return runLines(session, { input, output: deps.stderr, env: deps.env }, {
    commands: known,
    processKoids: () => processKoids(session),
    systems: [...EMBEDDED_SYSTEMS, 'linux'],
  });
}
