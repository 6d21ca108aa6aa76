/**
 * Random programs: lists of operations drawn from the table.
 *
 * Objects are named by small numbers modulo what lives, so that any program runs on any state; for
 * how one becomes small see `shrink.ts`. Unless an operation is `wild`, its arguments are
 * then brought inside the object (`settle`), so that most calls succeed.
 */
import fc from 'fast-check';
import type { Group, Op } from './operation.js';
import { OPERATIONS } from './operations.js';

/** Which parts of the API a campaign uses. */
export type Mix = readonly Group[];

/** All of it. */
export const ALL: Mix = ['vmo', 'file', 'device', 'task', 'vmar'];

/** What every program starts from, so that few operations find nothing to work on. */
const PROLOGUE: Op[] = [
  { kind: 'create', size: 8, resizable: false },
  { kind: 'create', size: 40, resizable: true },
];
const TASKS: Op[] = [
  { kind: 'process' },
  { kind: 'process' },
  { kind: 'map', process: 0, handle: 0, place: 0, shift: 0, pages: 8, offset: 0, perms: 3 },
  { kind: 'map', process: 1, handle: 1, place: 1, shift: 3, pages: 40, offset: 0, perms: 3 },
];

/**
 * Programs of `least` to `length` operations after a short prologue: long from the start, so that
 * state builds up.
 */
export const programs = (
  length: number, mix: Mix, least = Math.floor(length / 3),
): fc.Arbitrary<Op[]> => {
  const rows = Object.entries(OPERATIONS).filter(([, row]) => mix.includes(row.group));
  const choices = rows.map(([kind, { weight, args }]) => ({
    weight, arbitrary: fc.record({ kind: fc.constant(kind), ...args }) as fc.Arbitrary<Op>,
  }));
  const op = fc.oneof(...choices);
  const body = fc.array(op, { minLength: least, maxLength: length, size: 'max' });
  const prologue = mix.includes('task') ? [...PROLOGUE, ...TASKS] : PROLOGUE;
  return body.map((rest) => [...prologue, ...rest]);
};

/** A program as text, one operation a line: what a failing run prints. */
export const show = (program: readonly Op[]): string =>
  program.map((op) => JSON.stringify(op)).join('\n');
