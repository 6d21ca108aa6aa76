/**
 * Places in a scenario, for messages: the file and the JSON path.
 */

import { InputError, shown } from '../errors.js';

/** A place in a scenario. */
export class Where {
  /**
   * @param file - name of the file as the user gave it
   * @param keys - the way to the place
   */
  constructor(readonly file: string, private readonly keys: readonly (string | number)[] = []) {}

  /** A place below this one. */
  at(...keys: (string | number)[]): Where {
    return new Where(this.file, [...this.keys, ...keys]);
  }

  /** The JSON path: `$.steps[3].vmo`. */
  get path(): string {
    return this.keys.reduce((path: string, key) => {
      if (typeof key === 'number') return `${path}[${key}]`;
      return path + (/^[A-Za-z_$]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
    }, '$');
  }

  /** Refuses what stands there. */
  fail(found: unknown, expected: string): never {
    throw new InputError(this.file, 0, `${shown(found)} at ${this.path}`, expected);
  }
}
