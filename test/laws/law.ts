/**
 * A law: something that holds for every random program. Runs fast-check and says what broke it.
 *
 * MEMSIM_RUNS multiplies nothing: it is the number of programs. MEMSIM_SEED repeats a run. Without
 * them `npm test` tries the same few programs each time, and `npm run test:long` many new ones.
 */
import fc from 'fast-check';
import type { Test } from 'tap';
import { isLong, runs } from '../support/long.js';
import { asCase } from './as-case.js';
import { forgetDropped } from './check.js';
import { OnModel } from './on-model.js';
import { OnSystem } from './on-system.js';
import { type Answer, type Op, compareValues } from './operation.js';
import { rowOf } from './operations.js';
import { type Mix, programs, show } from './program.js';
import { shrink } from './shrink.js';

/** How much of a law is tried. */
export interface Effort {
  /** Programs in `npm test`. */
  readonly usual: number;
  /** Programs in `npm run test:long`. */
  readonly long: number;
  /** Most operations of a program. */
  readonly length: number;
  /** Fewest; a third of `length` if left out. */
  readonly least?: number;
  readonly mix: Mix;
}

const QUICK_SEED = 20260;

/** What is wrong with a program's run; an error on the way is wrong too. */
const brokenOrThrown = (
  broken: (program: readonly Op[]) => Promise<string[]>, program: readonly Op[],
): Promise<string[]> => broken(program).catch((error: Error) => [error.message]);

/** What kind of failure it is, whatever the numbers: a program shrinks within one kind. */
const failure = (wrong: readonly string[]): string =>
  wrong.slice(-1).join().replaceAll(/-?\b(0x)?[0-9a-f]*[0-9][0-9a-f]*\b/g, '');

/** Tries a law: `broken` tells what is wrong with a program's run, nothing if all is well. */
export const law = async (
  t: Test, name: string, effort: Effort, broken: (program: readonly Op[]) => Promise<string[]>,
): Promise<void> => {
  const asked = Number(process.env['MEMSIM_RUNS'] ?? 0);
  const numRuns = asked > 0 ? asked : runs(effort.usual, effort.long);
  const seed = Number(process.env['MEMSIM_SEED'] ?? 0) || (isLong ? undefined : QUICK_SEED);
  const drawn = programs(effort.length, effort.mix, effort.least);
  const property = fc.asyncProperty(drawn, async (program) => {
    const wrong = await broken(program);
    if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join('\n'));
  });
  const found = await fc.check(property, {
    numRuns, endOnFailure: true, ...(seed === undefined ? {} : { seed }),
  });
  if (found.counterexample !== null) {
    const [whole] = found.counterexample;
    const wrongAtFirst = await brokenOrThrown(broken, whole);
    const first = failure(wrongAtFirst);
    const stoppedAt = /^step (\d+)/.exec(wrongAtFirst[0] ?? '')?.[1];
    const part = stoppedAt === undefined ? whole : whole.slice(0, Number(stoppedAt) + 1);
    const fails = async (program: readonly Op[]): Promise<boolean> =>
      failure(await brokenOrThrown(broken, program)) === first;
    const program = await shrink(part, fails);
    const wrong = (await brokenOrThrown(broken, program)).slice(0, 20).join('\n');
    t.comment(`${name}: seed ${found.seed}\n${show(program)}\n${wrong}`);
    t.comment(asCase(program, `${name}, seed ${found.seed}`));
  }
  t.notOk(found.failed, `${name}, ${found.numRuns} programs`);
};

/** What is wrong with the system's answer to an operation, or with what a refusal left behind. */
const wrongAnswer = (
  model: OnModel, op: Op, wanted: Answer, got: Answer, isChanged: boolean,
): string[] => {
  if (got.status !== wanted.status) return [`${got.status}, model ${wanted.status}`];
  if (wanted.status !== 'ZX_OK') return isChanged ? [`${got.status} changed the state`] : [];
  const { compare } = rowOf(op);
  const wrong = compare === undefined
    ? compareValues(wanted.value, got.value)
    : compare(model, op as never, wanted.value, got.value);
  return wrong === undefined ? [] : [wrong];
};

/** Does one settled operation on both; what is wrong then. */
export const step = (model: OnModel, system: OnSystem, op: Op): string[] => {
  const { core } = system.system;
  const wanted = model.apply(op);
  const before = wanted.status === 'ZX_OK' ? '' : core.digest();
  const got = system.apply(op);
  const isChanged = wanted.status !== 'ZX_OK' && core.digest() !== before;
  return wrongAnswer(model, op, wanted, got, isChanged);
};

/** Runs a program on both; `after` is asked after each operation what is wrong. */
export const runBoth = async (
  program: readonly Op[], variant: 'release' | 'debug',
  after: (model: OnModel, system: OnSystem, at: number) => string[] | Promise<string[]>,
): Promise<string[]> => {
  const model = new OnModel();
  const system = new OnSystem(variant);
  for (const [at, raw] of program.entries()) {
    const op = model.settle(raw);
    const wrong = op === undefined ? [] : step(model, system, op);
    model.nameNew(raw.step ?? at);
    const what = `step ${at} ${JSON.stringify(op ?? raw)}`;
    if (wrong.length > 0) return [what, ...wrong];
    forgetDropped(model, system);
    const broken = await after(model, system, at);
    if (broken.length > 0) return [what, ...broken];
  }
  return [];
};
