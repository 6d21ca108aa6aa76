/**
 * The shell's own words that act on the shell: help, system, exit.
 */

import { visibleName } from '../../views/escape.js';
import { objectVerbs } from './objects.js';
import { type Verb, verbOf } from './session.js';

/** Ends the shell. */
const exit: Verb = (session) => {
  session.end();
  return Promise.resolve();
};

/** Changes over to another system; without an argument, says which one is looked at. */
const system: Verb = async (session, [spec], print) => {
  if (spec !== undefined) {
    session.change(spec, await session.open(spec));
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
    ['exit', verbOf('exit', 0, 0, exit)],
    ['quit', verbOf('quit', 0, 0, exit)],
    ['help', verbOf('help', 0, 0, (_session, _args, print) => print(help))],
    ['system', verbOf('system [SPEC]', 0, 1, system)],
  ]);
}
