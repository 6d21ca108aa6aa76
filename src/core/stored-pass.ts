/**
 * An accounting pass over compressed pages (`assembly/stored-pass.ts`).
 *
 * As with other passes: one at a time, and nothing changes until `end`.
 */
import type { Core } from './core.js';
import { ACC_BYTES, Scratch, type Sums, type WindowList } from './pass-scratch.js';
import { PassMemoryError } from './scratch.js';

/** A pass over compressed pages. */
export class StoredPass {
  readonly #core: Core;
  readonly #scratch: Scratch;

  /**
   * Begins.
   *
   * @param core - the core
   * @param mode - `sum`: weights add up to viewers; `least`: the smallest creation number wins
   * @throws PassMemoryError
   */
  constructor(core: Core, mode: 'sum' | 'least') {
    this.#core = core;
    this.#scratch = new Scratch(core);
    const number = (mode === 'sum' ? core.constants.MODE_SUM : core.constants.MODE_LEAST) as number;
    if (core.raw.passBegin(number) < 0) throw new PassMemoryError(core.physicalPages * 4);
  }

  /** Adds weights to windows, and scans; a pass does it once. */
  scan(list: WindowList): void {
    list.vmo.forEach((vmo, i) => {
      const [page, pages, weight] = [list.page[i], list.pages[i], list.value[i]];
      this.#core.raw.storedInject(vmo, page as number, pages as number, weight as number);
    });
    this.#core.raw.storedScan();
  }

  /** Mode `sum`: what windows come to, by accumulator (`value`). */
  read(list: WindowList, rows: number): Sums {
    return this.#scratch.within(() => this.#scratch.sums(rows, (accs) => {
      list.vmo.forEach((vmo, i) => {
        const at = accs + (list.value[i] as number) * ACC_BYTES;
        this.#core.raw.storedRead(vmo, list.page[i] as number, list.pages[i] as number, at);
      });
    }));
  }

  /** Mode `least`: pages of each window whose smallest weight is its `value`. */
  least(list: WindowList): number[] {
    return list.vmo.map((vmo, i) => this.#core.raw.storedLeast(
      vmo, list.page[i] as number, list.pages[i] as number, list.value[i] as number) >>> 0);
  }

  /** Ends: the pages' records are clear again, the scratch is given back. */
  end(): void {
    this.#core.raw.storedEnd();
    this.#scratch.free();
  }
}
