/**
 * Reading a scenario: JSON, checked against the schema, then for what a schema cannot say.
 *
 * I1. What comes out can be built but for what only the system knows (memory, addresses, koids).
 */

import * as v from 'valibot';
import { InputError } from '../errors.js';
import { readJson } from '../json-text.js';
import { sourceName, type SourceOptions } from '../source.js';
import { checkScenario } from './check.js';
import { type Scenario, scenario } from './schema.js';
import { Where } from './where.js';

/** A complaint of the schema's, and the way to it. */
interface Complaint {
  readonly issue: v.BaseIssue<unknown>;
  readonly keys: (string | number)[];
}

/** Of what a choice refused, the complaint that came furthest: it is about what was meant. */
function deepest(issue: v.BaseIssue<unknown>): Complaint {
  const keys = (issue.path ?? []).map(({ key }) => key as string | number);
  let best: Complaint | undefined;
  for (const inner of issue.issues ?? []) {
    const found = deepest(inner);
    if (found.keys.length > (best?.keys.length ?? 0)) best = found;
  }
  if (best === undefined) return { issue, keys };
  return { issue: best.issue, keys: [...keys, ...best.keys] };
}

/** Deeper than anything that can be built: a tree of jobs ends at 32. */
const DEPTH_MAX = 512;

/** Refuses what is nested so deeply that checking it would not end well. */
function checkDepth(value: unknown, file: string): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) {
      throw new InputError(file, 0, 'values nested too deeply', `at most ${DEPTH_MAX} levels`);
    }
    level = level.flatMap((outer) =>
      (typeof outer === 'object' && outer !== null ? Object.values(outer) : []));
  }
}

/** What a complaint expected, as a phrase. */
function expectedBy({ issue }: Complaint): string {
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  const { expected, type, input } = issue;
  if (expected === 'never') return 'no such key';
  if (type === 'strict_object' && input === undefined) return 'a value: it cannot be left out';
  const words: Readonly<Record<string, string>> = {
    Object: 'an object', Array: 'a list', string: 'a text', boolean: 'true or false',
    number: 'a number', '>=0': 'a number from 0', '>=1': 'a number from 1',
  };
  if (expected === null) return 'a whole number';
  return words[expected] ?? expected.replace(/^\(|\)$/g, '').replaceAll(' | ', ', ');
}

/**
 * Checks a value that is to be a scenario.
 *
 * @param value - JSON
 * @param file - what it is called in messages
 * @throws InputError with the JSON path of what is wrong
 */
export function toScenario(value: unknown, file: string): Scenario {
  const where = new Where(file);
  checkDepth(value, file);
  const parsed = v.safeParse(scenario, value, { abortEarly: true });
  if (parsed.success) {
    checkScenario(parsed.output, where);
    return parsed.output;
  }
  const found = deepest(parsed.issues[0]);
  const isKey = found.issue.expected === 'never';
  const place = isKey ? found.keys.slice(0, -1) : found.keys;
  return where.at(...place).fail(isKey ? found.keys.at(-1) : found.issue.input, expectedBy(found));
}

/**
 * Reads a scenario.
 *
 * @param file - path, or `-` for standard input
 * @param options - progress, or bytes to read instead
 * @throws InputError with the JSON path of what is wrong
 */
export async function readScenario(file: string, options: SourceOptions = {}): Promise<Scenario> {
  return toScenario(await readJson(file, options), sourceName(file));
}
