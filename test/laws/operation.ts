/**
 * One operation of random programs, all of it in one place: how often it comes, what its arguments
 * are drawn from, what it does to the model, what it does to the system, how answers compare.
 *
 * To add one, add a row to a table (`ops-*.ts`), and a new table to `operations.ts`.
 *
 * I1. Objects are named by small numbers, taken modulo what lives at that moment: an argument that
 *     has a list's name in {@link LISTS} is such a number. With nothing in the list the operation
 *     does nothing.
 * I2. `model` throws a Refusal and `system` a ZxError where the call is refused; both leave their
 *     lists as they were then, and change them in the same way where it is not.
 */
import type fc from 'fast-check';
import type { OnModel } from './on-model.js';
import type { OnSystem } from './on-system.js';

/** Arguments that name objects, and the lists of both drivers that they are numbers in. */
export const LISTS = {
  handle: 'handles', process: 'processes', pin: 'pins', vmar: 'vmars', closed: 'closed',
  dead: 'dead',
} as const;

/** Name of a list. */
export type ListName = (typeof LISTS)[keyof typeof LISTS];

/** What an operation may answer: bytes read, an address, a number. */
export type Value = Uint8Array | bigint | number | string | undefined;

/** Status of an operation, and what it answered. */
export interface Answer {
  readonly status: string;
  readonly value?: Value;
}

/** Parts of the API that a campaign may leave out. */
export type Group = 'vmo' | 'file' | 'device' | 'task' | 'vmar';

/** A row of a table. `A` are the arguments as drawn, `S` as settled. */
export interface Row<A, S = A> {
  /** How often it comes, relative to the others. */
  readonly weight: number;
  readonly group: Group;
  readonly args: { readonly [F in keyof A]: fc.Arbitrary<A[F]> };
  /** Brings arguments inside what lives now, so that most calls succeed. */
  readonly settle?: (model: OnModel, args: A) => S;
  readonly model: (model: OnModel, args: S) => Value | void;
  readonly system: (system: OnSystem, args: S) => Value | void;
  /** What is wrong with the system's answer, nothing if it is right; by default both are equal. */
  readonly compare?: (model: OnModel, args: S, wanted: Value, got: Value) => string | undefined;
}

/** An operation of a program, its arguments as drawn; with a `step`, as settled (`shrink.ts`). */
export interface Op {
  readonly kind: string;
  readonly step?: number;
  readonly [argument: string]: unknown;
}

/** A row whose types of arguments are its own affair. */
export type AnyRow = Row<Record<string, never>>;

/** A row for a table. */
export const row = <A, S = A>(one: Row<A, S>): AnyRow => one as unknown as AnyRow;

/** The arguments of an operation that name objects, with their lists. */
export const listsOf = (op: Op): [string, ListName][] =>
  Object.entries(LISTS).filter(([argument]) => op[argument] !== undefined);

/** The operation with its objects' numbers in their lists; undefined if one is not there. */
export const settleObjects = (model: OnModel, op: Op): Op | undefined => {
  const settled: Record<string, unknown> = { ...op };
  for (const [argument, list] of listsOf(op)) {
    const { length } = model[list];
    const object = op[argument] as number | string;
    const at = typeof object === 'string' ? model.numberOf(list, object) : object % length;
    if (length === 0 || at < 0) return undefined;
    settled[argument] = at;
  }
  return settled as unknown as Op;
};

const isSame = (wanted: Value, got: Value): boolean =>
  wanted instanceof Uint8Array
    ? got instanceof Uint8Array && Buffer.from(wanted).equals(got) : wanted === got;

/** By default: the answers are the same. */
export const compareValues = (wanted: Value, got: Value): string | undefined => {
  if (isSame(wanted, got)) return undefined;
  return wanted instanceof Uint8Array ? 'other bytes' : `answered ${got}, model ${wanted}`;
};
