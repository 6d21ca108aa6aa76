/**
 * The values that a scenario's fields hold: sizes, times, permissions, names.
 *
 * A size or offset is bytes: a number, or a text such as `16k`, `2M`, `1.5G` or `0x1000`. A time is
 * a text with its unit: `250ms`, `1.5s`. What a schema lets through here can be read without a
 * further check.
 */

import * as v from 'valibot';
import { Access } from '../../objects/vm-options.js';

const SIZE = /^(?:0x[0-9a-f]{1,16}|\d{1,20}|\d{1,9}(?:\.\d{1,3})?[kKMGT])$/;
const TIME = /^\d{1,9}(?:\.\d{1,9})?(?:ns|us|ms|s|min|h)$/;
const ID = /^[A-Za-z_][\w-]*$/;
const TARGET = /^[A-Za-z_][\w-]*(?:\.(?:\*|[1-9]\d*))?$/;
const PERMS = /^r?w?x?$/;

const UNIT_BYTES: Readonly<Record<string, number>> = {
  k: 2 ** 10, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40,
};
const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1, us: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9,
};
const U64_MAX = (1n << 64n) - 1n;

/** A whole number, from 0. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A whole number, from 1. */
export const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const TIMES_MAX = 10_000_000;
/** How many of a thing. */
export const howMany = v.pipe(
  positive, v.maxValue(TIMES_MAX, `a number from 1 to ${TIMES_MAX}`),
);

const SIZE_RULE = 'a size in bytes, such as 4096, "16k", "2M" or "0x1000"';
/** Bytes. */
export const size = v.union([count, v.pipe(v.string(), v.regex(SIZE, SIZE_RULE))], SIZE_RULE);
/** Bytes. */
export type Size = v.InferOutput<typeof size>;

const TIME_RULE = 'a time, such as "250ms" or "1.5s"';
/** Nanoseconds, as a text with a unit. */
export const time = v.pipe(v.string(TIME_RULE), v.regex(TIME, TIME_RULE));

const ID_RULE = 'an id: a letter or _, then letters, digits, _ or -';
/** A name of the scenario's own for something that it makes. */
export const id = v.pipe(v.string(ID_RULE), v.regex(ID, ID_RULE));

const TARGET_RULE = 'an id, "id.*" or "id.2" of a group, or a koid';
/** Something that exists: by id, by `id.*` (all of a group), by `id.7`, or by koid. */
export const target = v.union(
  [positive, v.pipe(v.string(), v.regex(TARGET, TARGET_RULE))], TARGET_RULE,
);
/** Something that exists. */
export type Target = v.InferOutput<typeof target>;

/** A koid that a scenario gives. */
export const koid = positive;

/** Text that is shown: a name, a note. */
export const text = v.string('a text');

/** Permissions of a mapping: `r`, `rw`, `rx`, `rwx`. */
export const perms = v.pipe(
  v.string('permissions, such as "rw"'),
  v.regex(PERMS, 'permissions: r, w and x in this order'),
);

/** A range: its first so many bytes, or from an offset on. */
export const range = v.union(
  [size, v.strictObject({ offset: size, size })],
  'a size in bytes (from the start), or an object with offset and size',
);
/** A range. */
export type Range = v.InferOutput<typeof range>;

/** Ranges. */
export const ranges = v.union(
  [range, v.array(range)], 'a size, an object with offset and size, or a list of these',
);
/** Ranges. */
export type Ranges = v.InferOutput<typeof ranges>;

/**
 * Bytes of a size.
 *
 * @param given - a value that {@link size} lets through
 * @returns undefined where it passes 2^64 - 1, or is no whole number of bytes
 */
export function sizeBytes(given: Size): bigint | undefined {
  if (typeof given === 'number') return BigInt(given);
  const unit = UNIT_BYTES[given.at(-1) ?? ''];
  if (unit === undefined) {
    const bytes = BigInt(given);
    return bytes > U64_MAX ? undefined : bytes;
  }
  const bytes = Number(given.slice(0, -1)) * unit;
  return Number.isSafeInteger(bytes) ? BigInt(bytes) : undefined;
}

/**
 * Nanoseconds of a time.
 *
 * @param given - a value that {@link time} lets through
 */
export function timeNs(given: string): bigint {
  const found = /^([\d.]+)([a-z]+)$/.exec(given);
  return BigInt(Math.round(Number(found?.[1]) * (UNIT_NS[found?.[2] ?? ''] ?? 0)));
}

/**
 * Bits of `Access` of permissions.
 *
 * @param given - a value that {@link perms} lets through
 */
export function permBits(given: string): number {
  return (given.includes('r') ? Access.READ : 0) | (given.includes('w') ? Access.WRITE : 0)
    | (given.includes('x') ? Access.EXECUTE : 0);
}

/**
 * A key that may be left out, with what it means: for the published schema.
 *
 * @param schema - its value
 * @param meaning - what it means, a phrase
 */
export function key<S extends v.GenericSchema>(
  schema: S, meaning: string,
): v.ExactOptionalSchema<
  v.SchemaWithPipe<readonly [S, v.DescriptionAction<v.InferOutput<S>, string>]>, undefined
> {
  return v.exactOptional(v.pipe(schema, v.description(meaning)));
}
