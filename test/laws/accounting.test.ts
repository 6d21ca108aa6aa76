/**
 * Every policy with every reach gives the model's figures, and the laws of sums hold in whole
 * numbers.
 */
import t from 'tap';
import { law, runBoth } from './law.js';
import { checkPasses } from './passes.js';
import { ALL } from './program.js';

t.test('figures of every policy are the model\'s, and their sums close', (t) => law(
  t, 'figures and sums after a program',
  { usual: 800, long: 50_000, length: 60, mix: ALL },
  (program) => runBoth(program, 'release', (model, system, step) =>
    step === program.length - 1 ? checkPasses(model, system) : []),
));

t.test('and in the middle of long programs', (t) => law(
  t, 'figures and sums every 20 operations',
  { usual: 40, long: 5_000, length: 300, mix: ALL },
  (program) => runBoth(program, 'debug', (model, system, step) =>
    step % 20 === 19 ? checkPasses(model, system) : []),
));
