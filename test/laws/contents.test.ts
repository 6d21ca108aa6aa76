/**
 * Contents, errors, page-table entries and frames of random programs are those of the slow model,
 * and the core's own audit finds every invariant whole after each operation.
 */
import t from 'tap';
import { checkSystem, wrongFrames } from './check.js';
import { law, runBoth } from './law.js';
import type { Op } from './operation.js';
import { ALL } from './program.js';

const check = (variant: 'release' | 'debug') => (program: readonly Op[]): Promise<string[]> =>
  runBoth(program, variant, (model, system, step) => {
    const last = step === program.length - 1;
    if (last) return checkSystem(model, system);
    return [...wrongFrames(model, system), ...system.system.core.audit()];
  });

t.test('VMOs alone behave as the model says', (t) => law(
  t, 'bytes, errors, frames, invariants',
  { usual: 800, long: 100_000, length: 60, mix: ['vmo'] },
  check('release'),
));

t.test('files and their live clones behave as the model says', (t) => law(
  t, 'bytes, errors, frames, invariants',
  { usual: 600, long: 100_000, length: 60, mix: ['vmo', 'file'] },
  check('release'),
));

t.test('processes with mappings behave as the model says', (t) => law(
  t, 'bytes, errors, entries, frames, invariants',
  { usual: 700, long: 100_000, length: 80, mix: ALL },
  check('release'),
));

t.test('no assert of the debug core trips', (t) => law(
  t, 'the same with asserts',
  { usual: 120, long: 20_000, length: 200, mix: ALL },
  check('debug'),
));
