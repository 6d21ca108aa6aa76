/**
 * Long programs over the whole API: after each operation its status, its answer and the frames in
 * use are the model's; every few operations also all bytes, all that the system tells of its
 * objects, page tables and invariants; at the end the figures of every policy.
 */
import t from 'tap';
import { checkSystem, wrongFrames } from './check.js';
import { law, runBoth } from './law.js';
import type { Op } from './operation.js';
import { checkPasses } from './passes.js';
import { ALL } from './program.js';

const LOOK_EVERY = 12;

const check = (variant: 'release' | 'debug') => (program: readonly Op[]): Promise<string[]> =>
  runBoth(program, variant, (model, system, at) => {
    const last = at === program.length - 1;
    const wrong = last || at % LOOK_EVERY === 0
      ? checkSystem(model, system) : wrongFrames(model, system);
    return wrong.length > 0 || !last ? wrong : checkPasses(model, system);
  });

t.test('programs of 200 and more operations behave as the model says', (t) => law(
  t, 'answers, bytes, information, entries, frames, figures',
  { usual: 60, long: 20_000, length: 400, least: 200, mix: ALL },
  check('release'),
));

t.test('and on the debug core, whose asserts hold', (t) => law(
  t, 'the same with asserts',
  { usual: 15, long: 5_000, length: 400, least: 200, mix: ALL },
  check('debug'),
));
