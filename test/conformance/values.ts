/**
 * Reading the arguments of a step: numbers that may be hex strings, pages or bytes, names, lists.
 */
import { Lacking, type Step } from './cases.js';

/** A whole number: a JSON number, or a hex string where it passes 2^53. */
export const big = (value: unknown, what: string): bigint => {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^0x[0-9a-f]+$/i.test(value)) return BigInt(value);
  throw new Error(`${what}: ${String(value)} is no whole number`);
};

/** The whole number under `key`. */
export const whole = (step: Step, key: string): bigint => big(step[key], `${step.op}.${key}`);

/** The whole number under `key`, as a number. */
export const count = (step: Step, key: string): number => Number(whole(step, key));

/** The whole number under `key`, or `otherwise` where the step has none. */
export const countOr = (step: Step, key: string, otherwise: number): number =>
  step[key] === undefined ? otherwise : count(step, key);

/** The text under `key`. */
export const text = (step: Step, key: string): string => {
  const value = step[key];
  if (typeof value !== 'string') throw new Error(`${step.op}.${key}: expected a name`);
  return value;
};

/** The list of names under `key`, empty where there is none. */
export const names = (step: Step, key: string): string[] => {
  const value = step[key] ?? [];
  if (!Array.isArray(value)) throw new Error(`${step.op}.${key}: expected a list`);
  return value.map(String);
};

/** Bytes given as `<name>_bytes`, or as a count of pages under `pagesKey`. */
export const bytesOf = (step: Step, bytesKey: string, pagesKey: string): bigint => {
  if (step[bytesKey] !== undefined) return whole(step, bytesKey);
  return step[pagesKey] === undefined ? 0n : whole(step, pagesKey) * 4096n;
};

/** Byte offset of a word: its page and the byte inside. */
export const wordOffset = (step: Step): bigint =>
  whole(step, 'page') * 4096n + (step['byte'] === undefined ? 0n : whole(step, 'byte'));

/** A word as its four bytes, little end first. */
export const wordBytes = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Number(BigInt.asUintN(32, value)), true);
  return bytes;
};

/** Four bytes as a word. */
export const word = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);

/** Objects by the name a case binds them to. */
export class Names<T> {
  readonly #bound = new Map<string, T>();

  /** Binds `name`, also again. */
  set(name: string, value: T): void {
    this.#bound.set(name, value);
  }

  /** Is anything bound to `name`? */
  has(name: string): boolean {
    return this.#bound.has(name);
  }

  /** What `name` is bound to. */
  get(name: string): T {
    const value = this.#bound.get(name);
    if (value === undefined) throw new Lacking(`anything called ${name}`);
    return value;
  }
}
