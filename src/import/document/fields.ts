/**
 * Reading fields of a JSON document, with the path of the one that is wrong.
 *
 * I1. Every refusal is an {@link InputError} that names the file, the JSON path, what stood there
 *     and what was expected. Keys nobody asks for are ignored.
 *
 * Checked by hand: a document has an entry for each VMO of each process, often a million.
 */

import { InputError, shown } from '../errors.js';

/** A JSON value with the way to it. */
export class Field {
  /**
   * @param file - name of the file, for messages
   * @param value - what stands there
   * @param above - the value it stands in
   * @param key - where in it
   */
  constructor(
    readonly file: string, readonly value: unknown,
    private readonly above?: Field, private readonly key: string | number = '$',
  ) {}

  /** The JSON path: `$[3].vmos[0].koid`. */
  get path(): string {
    if (this.above === undefined) return String(this.key);
    if (typeof this.key === 'number') return `${this.above.path}[${this.key}]`;
    const plain = /^[A-Za-z_]\w*$/.test(this.key);
    return this.above.path + (plain ? `.${this.key}` : `[${JSON.stringify(this.key)}]`);
  }

  /** Refuses the value. */
  fail(expected: string): never {
    throw new InputError(this.file, 0, `${shown(this.value)} at ${this.path}`, expected);
  }

  /** The value of a key of an object; its value is undefined where there is none. */
  at(key: string): Field {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.fail('an object');
    }
    const own = Object.hasOwn(value, key);
    return new Field(this.file, own ? (value as Record<string, unknown>)[key] : undefined,
      this, key);
  }

  /** The keys of an object. */
  keys(): string[] {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.fail('an object');
    }
    return Object.keys(value);
  }

  /** The items of an array. */
  items(): Field[] {
    if (!Array.isArray(this.value)) this.fail('an array');
    return this.value.map((item, i) => new Field(this.file, item, this, i));
  }

  /** The items of an array; none where there is no such key. */
  itemsIfAny(): Field[] {
    return this.value === undefined ? [] : this.items();
  }

  /** A text. */
  text(): string {
    if (typeof this.value !== 'string') this.fail('a text');
    return this.value;
  }

  /** A whole number from 0 to `max`. */
  count(max = Number.MAX_SAFE_INTEGER): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max) {
      this.fail(max === Number.MAX_SAFE_INTEGER
        ? 'a whole number from 0 to 2^53 - 1' : `a whole number from 0 to ${max}`);
    }
    return value;
  }

  /** As {@link Field.count}, or 0 where there is no such key. */
  countIfAny(max?: number): number {
    return this.value === undefined ? 0 : this.count(max);
  }

  /** A size below 2^64; above 2^53 only multiples of 4096 are exact in JSON, and VMOs are such. */
  size(): bigint {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= 2 ** 64) {
      this.fail('a whole number of bytes below 2^64');
    }
    return BigInt(value);
  }
}
