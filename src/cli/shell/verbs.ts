/**
 * The shell's own words that act on the shell: help, system, exit.
 */

import { visibleName } from '../../views/escape.js';
import { UsageError } from '../errors.js';
import { objectVerbs } from './objects.js';
import { oneArgument, type Verb } from './session.js';

/** Ends the shell. */
const exit: Verb = (session, args) => {
  if (args.length > 0) throw new UsageError(`'${args[0]}' behind exit, expected nothing`);
  session.end();
  return Promise.resolve();
};

/** Changes over to another system; without an argument, says which one is looked at. */
const system: Verb = async (session, args, print) => {
  if (args.length > 0) {
    const spec = oneArgument('system', '[SPEC]', args);
    session.change(spec, await session.deps.open(spec, { steps: 'clock' }));
    for (const note of session.system.notes) await print(`${visibleName(note)}\n`);
  }
  await print(`${visibleName(session.spec)}\n`);
};

/**
 * The shell's own words.
 *
 * @param help - what `help` prints
 */
export function shellVerbs(help: string): Map<string, Verb> {
  return new Map<string, Verb>([
    ...objectVerbs,
    ['exit', exit],
    ['quit', exit],
    ['help', (_session, _args, print) => print(help)],
    ['system', system],
  ]);
}
