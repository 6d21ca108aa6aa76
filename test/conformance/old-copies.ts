/**
 * Old-rule cases whose numbers come from copies that only the 2019-2023 tree makes: the core has no
 * such tree, so it cannot pass them. This tells them from cases that it fails.
 *
 * I1. A case is told so only where the old tree's model gives the very number that the case
 *     expects, and holds another number of pages in all than the core does.
 */
import { OldTree } from '../model/old-tree.js';
import { type Case, Lacking, Mismatch, type Step } from './cases.js';
import { bytesOf, count, names, text } from './values.js';

const pagesOf = (bytes: bigint): number => Number((bytes + 4095n) / 4096n);

/** Steps that change no page of a VMO. */
const HARMLESS = /^(read|expect|map$|map_read|unmap|note|duplicate|get_|process_create)/;

/** Follows a case on the old tree. */
export class OldShadow {
  readonly #tree = new OldTree();
  readonly #maps = new Map<string, { vmo: string; first: number }>();
  #holders = new Map<string, number>();
  #lost = false;

  /** Notes a step that went well. */
  note(step: Step): void {
    if (this.#lost) return;
    const change = this.#changes[step.op];
    if (change !== undefined) change(step);
    else if (!HARMLESS.test(step.op)) this.#lost = true;
    if (step.op === 'map') this.#noteMap(step);
  }

  /** Does the old tree say what the step expects, with another number of pages than `corePages`? */
  explains(step: Step, corePages: number): boolean {
    if (this.#lost || !step.op.startsWith('expect_attributed_')) return false;
    const charges = this.#tree.charges();
    const sum = (list: Iterable<number>): number => [...list].reduce((a, b) => a + b, 0);
    const asked = step['vmos'] === undefined ? [text(step, 'vmo')] : names(step, 'vmos');
    const pages = sum(asked.map((name) => charges.get(name) ?? 0));
    const bytes = bytesOf(step, 'bytes', 'pages');
    return BigInt(pages) * 4096n === bytes && sum(charges.values()) !== corePages;
  }

  readonly #changes: Readonly<Record<string, (step: Step) => void>> = {
    vmo_create: (s) => {
      const name = text(s, 'out');
      this.#tree.create(name, pagesOf(bytesOf(s, 'size_bytes', 'pages')));
      this.#holders.set(name, 1);
    },
    clone: (s) => {
      if (!text(s, 'kind').startsWith('SNAPSHOT')) this.#lost = true;
      else {
        const offset = Number(bytesOf(s, 'offset_bytes', 'offset_pages') / 4096n);
        const size = pagesOf(bytesOf(s, 'size_bytes', 'pages'));
        this.#tree.clone(text(s, 'of'), text(s, 'out'), offset, size);
        this.#holders.set(text(s, 'out'), 1);
      }
    },
    write: (s) => this.#tree.write(text(s, 'vmo'), count(s, 'page')),
    map_write: (s) => {
      const map = this.#maps.get(text(s, 'map'));
      if (map === undefined) this.#lost = true;
      else this.#tree.write(map.vmo, map.first + count(s, 'page'));
    },
    set_size: (s) => this.#tree.resize(text(s, 'vmo'), pagesOf(bytesOf(s, 'bytes', ''))),
    close: (s) => this.#letGo(text(s, 'handle')),
  };

  #noteMap(step: Step): void {
    const vmo = text(step, 'vmo');
    this.#maps.set(text(step, 'out'), { vmo, first: count(step, 'vmo_offset') / 4096 });
    this.#holders.set(vmo, (this.#holders.get(vmo) ?? 0) + 1);
  }

  #letGo(name: string): void {
    const left = (this.#holders.get(name) ?? 1) - 1;
    this.#holders.set(name, left);
    if (left === 0) this.#tree.close(name);
  }
}

/**
 * Does the steps of a case; an old-rule step that fails for want of the old tree's copies lacks
 * them.
 *
 * @param perform - does one step
 * @param corePages - pages that all VMOs of the case have now
 */
export const withOldTree = (
  one: Case, perform: (step: Step) => void | Promise<void>, corePages: () => number,
): ((step: Step) => Promise<void>) => {
  const shadow = one.rule === 'old' ? new OldShadow() : undefined;
  return async (step) => {
    try {
      await perform(step);
    } catch (error) {
      if (error instanceof Mismatch && shadow?.explains(step, corePages()) === true) {
        throw new Lacking('copies that only the 2019-2023 tree makes');
      }
      throw error;
    }
    shadow?.note(step);
  };
};
