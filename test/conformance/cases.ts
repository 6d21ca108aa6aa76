/**
 * Conformance cases as data: what a case file holds, and reading one.
 *
 * A file is an array of cases, a case a list of steps, a step `{op, ...}`. The vocabulary is not
 * checked here: whoever runs a step knows the operations it can do and names those it can't.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** One step: an operation and its arguments. */
export interface Step {
  readonly op: string;
  readonly [key: string]: unknown;
}

/** Which attribution a case's numbers follow. */
export type Rule = 'old' | 'new' | 'both' | 'neutral';

/** One case. */
export interface Case {
  readonly file: string;
  readonly name: string;
  readonly source: string;
  readonly rule: Rule;
  readonly steps: readonly Step[];
}

/** What became of a case. */
export interface Outcome {
  readonly file: string;
  readonly case: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Failed: index of the step, from 0. */
  readonly step?: number;
  /** Failed: the operation of that step. */
  readonly op?: string;
  readonly expected?: string;
  readonly got?: string;
  /** Skipped: the capability that is lacking. */
  readonly lacks?: string;
}

/** A step did not do what the case says. */
export class Mismatch extends Error {
  constructor(readonly expected: string, readonly got: string) {
    super(`expected ${expected}, got ${got}`);
  }
}

/** The system under test cannot do this at all. */
export class Lacking extends Error {
  constructor(readonly capability: string) {
    super(capability);
  }
}

/** A case file that is no list of cases: where, and what was expected. */
export class CaseFileError extends Error {}

const isStep = (value: unknown): value is Step =>
  typeof value === 'object' && value !== null && typeof (value as Step).op === 'string';

const RULES = ['old', 'new', 'both', 'neutral'];

const checked = (file: string, value: unknown, at: number): Case => {
  const item = value as Partial<Case> | null;
  const where = `${file}: case ${at + 1}`;
  if (typeof item !== 'object' || item === null || typeof item.name !== 'string') {
    throw new CaseFileError(`${where} has no name; expected an object with name, rule and steps`);
  }
  if (!RULES.includes(item.rule ?? '')) {
    const rule = String(item.rule);
    throw new CaseFileError(`${where} (${item.name}): rule ${rule}; expected ${RULES}`);
  }
  if (!Array.isArray(item.steps) || !item.steps.every(isStep)) {
    throw new CaseFileError(`${where} (${item.name}): expected steps, a list of {op, ...}`);
  }
  return { file, name: item.name, source: item.source ?? '', rule: item.rule!, steps: item.steps };
};

/** The cases of one file. */
export const loadFile = (path: string): Case[] => {
  const file = basename(path);
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CaseFileError(`${file}: ${(error as Error).message}; expected a JSON array of cases`);
  }
  if (!Array.isArray(parsed)) throw new CaseFileError(`${file}: expected a JSON array of cases`);
  return parsed.map((item, at) => checked(file, item, at));
};

/** The cases of a file, or of every `*.json` in a folder, by name. */
export const loadCases = (path: string): Case[] => {
  if (!statSync(path).isDirectory()) return loadFile(path);
  const files = readdirSync(path).filter((name) => name.endsWith('.json')).sort();
  return files.flatMap((name) => loadFile(join(path, name)));
};

/** Runs one case with `step`; the first step that does not fit ends it. */
export const runCase = async (
  one: Case, step: (step: Step) => void | Promise<void>,
): Promise<Outcome> => {
  for (const [at, item] of one.steps.entries()) {
    const base = { file: one.file, case: one.name, step: at, op: item.op };
    try {
      await step(item);
    } catch (error) {
      if (error instanceof Lacking) {
        return { file: one.file, case: one.name, result: 'skipped', lacks: error.capability };
      }
      if (!(error instanceof Mismatch)) {
        const got = error instanceof Error ? error.message : String(error);
        return { ...base, result: 'failed', expected: 'success', got };
      }
      return { ...base, result: 'failed', expected: error.expected, got: error.got };
    }
  }
  return { file: one.file, case: one.name, result: 'passed' };
};

/** Outcomes as text: a line for each failing and each skipped case, and the count. */
export const report = (outcomes: readonly Outcome[]): string => {
  const lines: string[] = [];
  for (const o of outcomes) {
    if (o.result === 'failed') {
      const where = `${o.file}: ${o.case}: step ${o.step} (${o.op})`;
      lines.push(`failed  ${where}: expected ${o.expected}, got ${o.got}`);
    }
    if (o.result === 'skipped') lines.push(`skipped ${o.file}: ${o.case}: lacks ${o.lacks}`);
  }
  const count = (result: string): number => outcomes.filter((o) => o.result === result).length;
  lines.push(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  return lines.join('\n');
};
