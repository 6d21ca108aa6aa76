/**
 * A law: something that holds for every random program. Runs fast-check and says what broke it.
 *
 * MEMSIM_RUNS multiplies nothing: it is the number of programs. MEMSIM_SEED repeats a run. Without
 * them `npm test` tries the same few programs each time, and `npm run test:long` many new ones.
 */
import fc from 'fast-check';
import type { Test } from 'tap';
import { isLong, runs } from '../support/long.js';
import { forgetDropped } from './check.js';
import { OnModel } from './on-model.js';
import { OnSystem } from './on-system.js';
import { type Mix, type Op, programs, show } from './program.js';

/** How much of a law is tried. */
export interface Effort {
  /** Programs in `npm test`. */
  readonly usual: number;
  /** Programs in `npm run test:long`. */
  readonly long: number;
  /** Operations of a program. */
  readonly length: number;
  readonly mix: Mix;
}

const QUICK_SEED = 20260;

/** Tries a law: `broken` tells what is wrong with a program's run, nothing if all is well. */
export const law = async (
  t: Test, name: string, effort: Effort, broken: (program: readonly Op[]) => Promise<string[]>,
): Promise<void> => {
  const asked = Number(process.env['MEMSIM_RUNS'] ?? 0);
  const numRuns = asked > 0 ? asked : runs(effort.usual, effort.long);
  const seed = Number(process.env['MEMSIM_SEED'] ?? 0) || (isLong ? undefined : QUICK_SEED);
  const property = fc.asyncProperty(programs(effort.length, effort.mix), async (program) => {
    const wrong = await broken(program);
    if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join('\n'));
  });
  const found = await fc.check(property, { numRuns, ...(seed === undefined ? {} : { seed }) });
  if (found.counterexample !== null) {
    const [program] = found.counterexample;
    const { message } = found.errorInstance as Error;
    t.comment(`${name}: seed ${found.seed}\n${show(program)}\n${message}`);
  }
  t.notOk(found.failed, `${name}, ${found.numRuns} programs`);
};

/** Runs a program on both; `after` is asked after each operation what is wrong. */
export const runBoth = async (
  program: readonly Op[], variant: 'release' | 'debug',
  after: (model: OnModel, system: OnSystem, step: number) => string[] | Promise<string[]>,
): Promise<string[]> => {
  const model = new OnModel();
  const system = new OnSystem(variant);
  for (const [step, raw] of program.entries()) {
    const op = model.settle(raw);
    const wanted = model.apply(op);
    const got = system.apply(op);
    const what = `step ${step} ${JSON.stringify(op)}`;
    if (got.status !== wanted.status) return [`${what}: ${got.status}, model ${wanted.status}`];
    if (wanted.bytes && !Buffer.from(wanted.bytes).equals(got.bytes ?? new Uint8Array())) {
      return [`${what}: read other bytes than the model`];
    }
    forgetDropped(model, system);
    const wrong = await after(model, system, step);
    if (wrong.length > 0) return [what, ...wrong];
  }
  return [];
};
