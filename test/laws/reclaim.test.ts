/**
 * Reclaim keeps what VMOs read, and pages stand where the slow model says: random programs of
 * accesses, pins, hints, writeback, rotations, evictions, zero scans, compression, pages on loan
 * and time, with the audit after each step.
 */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { isLong, runs } from '../support/long.js';
import {
  KINDS, LOAN_KINDS, type ReclaimOp, ReclaimWorld, type WorldSize,
} from './reclaim-world.js';

const operation = (kinds: readonly ReclaimOp['kind'][]) => fc.record<ReclaimOp>({
  kind: fc.constantFrom(...kinds), page: fc.nat(79), pages: fc.nat(24), value: fc.nat(1 << 20),
});

const broken = (ops: readonly ReclaimOp[], size: WorldSize): string[] => {
  const world = new ReclaimWorld(size);
  for (const [i, op] of ops.entries()) {
    const wrong = [...world.step(op), ...world.wrongQueues()];
    if (wrong.length > 0) return [`step ${i} ${JSON.stringify(op)}`, ...wrong];
  }
  return world.wrongContents();
};

const law = (t: Test, size: WorldSize, usual: number, long: number): void => {
  const kinds = size.lenderPages > 0 ? LOAN_KINDS : KINDS.filter((kind) => !LENDS.has(kind));
  const programs = fc.array(operation(kinds), { minLength: 1, maxLength: 80, size: 'max' });
  const property = fc.property(programs, (ops) => {
    const wrong = broken(ops, size);
    if (wrong.length > 0) throw new Error(wrong.slice(0, 8).join('\n'));
  });
  const numRuns = Number(process.env['MEMSIM_RUNS'] ?? 0) || runs(usual, long);
  const seed = Number(process.env['MEMSIM_SEED'] ?? 0) || (isLong ? undefined : 20271);
  const found = fc.check(property, { numRuns, ...(seed === undefined ? {} : { seed }) });
  if (found.counterexample !== null) {
    const { message } = found.errorInstance as Error;
    t.comment(`seed ${found.seed}\n${JSON.stringify(found.counterexample[0])}\n${message}`);
  }
  t.notOk(found.failed, `${found.numRuns} programs`);
  t.end();
};

const LENDS: ReadonlySet<string> = new Set(['lend', 'recall', 'relet']);
const roomy = {
  physicalPages: 1024, filePages: 40, vmoPages: 80, keepFree: 0, lenderPages: 0,
} as const;

t.test('with memory to spare', (t) => law(t, { ...roomy, variant: 'release' }, 150, 20_000));
t.test('with the asserts of the debug core', (t) =>
  law(t, { ...roomy, variant: 'debug' }, 25, 4000));
t.test('with too little memory', (t) =>
  law(t, { ...roomy, physicalPages: 70, keepFree: 5, variant: 'release' }, 150, 20_000));
t.test('with pages on loan', (t) =>
  law(t, { ...roomy, lenderPages: 24, variant: 'release' }, 150, 20_000));
t.test('with pages on loan and too little memory', (t) =>
  law(t, { ...roomy, physicalPages: 90, keepFree: 3, lenderPages: 24, variant: 'debug' },
    150, 20_000));
t.test('with pages on loan and no memory to spare', (t) =>
  law(t, { ...roomy, physicalPages: 60, lenderPages: 16, variant: 'debug' }, 150, 20_000));
