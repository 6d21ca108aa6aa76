/**
 * Makes a failing program small.
 *
 * A random program names objects by numbers modulo what lives, so that leaving out one operation
 * makes all later ones mean other objects. It is first written down as it ran: arguments settled,
 * each object named by the step that made it. Then operations are left out, long runs first, and
 * numbers made smaller, as long as the program still fails.
 *
 * I1. Whatever is returned was run, and failed.
 */
import { OnModel } from './on-model.js';
import type { Op } from './operation.js';

/** Whether a program fails, as the law says. */
export type Fails = (program: readonly Op[]) => Promise<boolean>;

const MOST_RUNS = 3000;

/** The program as it runs on the model, with names for objects. */
export const named = (program: readonly Op[]): Op[] => {
  const model = new OnModel();
  const trace: Op[] = [];
  for (const [at, raw] of program.entries()) {
    const op = model.settle(raw);
    if (op === undefined) continue;
    const step = raw.step ?? at;
    trace.push({ ...model.withNames(op), step });
    model.apply(op);
    model.nameNew(step);
  }
  return trace;
};

/** Numbers that are simpler than this one. */
const simpler = (value: unknown): unknown[] => {
  if (typeof value === 'boolean') return value ? [false] : [];
  if (typeof value !== 'number' || value === 0) return [];
  return [...new Set([0, 1, Math.floor(value / 2), value - 1])].filter((n) => n < value);
};

/** A search that stops after so many runs. */
class Search {
  runs = 0;
  constructor(public best: Op[], readonly fails: Fails) {}

  async tries(candidate: Op[]): Promise<boolean> {
    if (this.runs >= MOST_RUNS) return false;
    this.runs += 1;
    if (!(await this.fails(candidate))) return false;
    this.best = candidate;
    return true;
  }

  /** Leaves out runs of `length` operations; whether any could go. */
  async leaveOut(length: number): Promise<boolean> {
    let some = false;
    for (let at = this.best.length - length; at >= 0; at -= length) {
      const rest = [...this.best.slice(0, at), ...this.best.slice(at + length)];
      if (await this.tries(rest)) some = true;
    }
    return some;
  }

  async simplify(): Promise<boolean> {
    let some = false;
    for (let at = 0; at < this.best.length; at++) {
      for (const [argument, value] of Object.entries(this.best[at]!)) {
        if (argument === 'step') continue;
        for (const other of simpler(value)) {
          const next = [...this.best];
          next[at] = { ...next[at]!, [argument]: other };
          if (!(await this.tries(next))) continue;
          some = true;
          break;
        }
      }
    }
    return some;
  }
}

/** A smaller program that fails too. */
export const shrink = async (program: readonly Op[], fails: Fails): Promise<Op[]> => {
  const start = named(program);
  if (!(await fails(start))) return [...program];
  const search = new Search(start, fails);
  for (let length = start.length >> 1; length > 1; length >>= 1) await search.leaveOut(length);
  while (await search.leaveOut(1) || await search.simplify()) { /* until nothing more goes */ }
  return search.best;
};
