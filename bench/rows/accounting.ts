/**
 * Exact accounting of ten thousand forks against reading what they are made of.
 *
 * Ours is the whole pass as `src/accounting` runs it: begin (the scratch of the pass before is
 * cleared here), inject every fork, both scans, read every fork's figures into columns. The other
 * side reads, once and in order of address, the slots and header of every living node and the four
 * columns of every frame: the distinct metadata.
 */
import type { Core, VmoRef } from '../../src/core/core.js';
import { TreePass } from '../../src/core/passes.js';
import type { Sums, WindowList } from '../../src/core/passes.js';
import { Collector, mustAgree, withPair } from '../support/context.js';
import type { Context, Group } from '../support/context.js';
import { good, makeForks, timed } from '../support/ours.js';

const PARENT_PAGES = 2 ** 18; // 1 GiB
const OWN_PAGES = 100;
const SEED = 99;
const WARM_UPS = 2;

/** Lists that inject each VMO with weight 1, and read it into a row of its own. */
function listsOf(vmos: readonly VmoRef[], pages: number): { inject: WindowList; read: WindowList } {
  const page = vmos.map(() => 0);
  const length = vmos.map(() => pages);
  return {
    inject: { vmo: vmos, page, pages: length, value: vmos.map(() => 1) },
    read: { vmo: vmos, page, pages: length, value: vmos.map((_, row) => row) },
  };
}

/** One exact pass: its figures. */
export function exactPass(core: Core, lists: ReturnType<typeof listsOf>): Sums {
  const pass = new TreePass(core, 'sum');
  pass.inject(lists.inject);
  pass.scan();
  const sums = pass.read(lists.read, lists.read.vmo.length);
  pass.end();
  return sums;
}

/** The law of sums: shares of all add up to the pages reached (a few units are lost to floors). */
function mustAddUp(sums: Sums, pagesReached: number): void {
  let bytes = 0n;
  let fraction = 0n;
  sums.bytes.forEach((value, i) => {
    bytes += value;
    fraction += sums.fraction[i] as bigint;
  });
  const pages = Number(((bytes << 63n) + fraction) >> 63n) / 4096;
  if (Math.abs(pages - pagesReached) > 1) throw new Error(`shares are ${pages} pages`);
}

async function forkRow(context: Context, scattered: boolean, bar: number): Promise<void> {
  const count = context.isShort ? 2000 : 10_000;
  const name = `accounting of forks, ${scattered ? 'scattered' : 'in a row'}`;
  const frames = PARENT_PAGES + count * OWN_PAGES + 16;
  const nodeBytes = count * (scattered ? 230 : 14) * 192;
  await withPair(context, frames, frames * 21 + nodeBytes + 2 ** 26, async (pair) => {
    const vmos: VmoRef[] = [];
    for (const machine of [pair.ours, pair.native]) {
      const parent = await machine.vmo(PARENT_PAGES);
      await machine.commit(parent, 0, PARENT_PAGES);
      if (machine === pair.native) {
        await machine.forks(parent, count, OWN_PAGES, scattered, SEED);
        continue;
      }
      vmos.push(parent as VmoRef);
      vmos.push(...makeForks(pair.ours.core, parent as VmoRef, count, OWN_PAGES, scattered, SEED));
    }
    await mustAgree(pair, name);
    const { core } = pair.ours;
    const lists = listsOf(vmos, PARENT_PAGES);
    mustAddUp(exactPass(core, lists), core.pagesInState(4));
    const rows = new Collector();
    let bytesRead = 0;
    for (let i = -WARM_UPS; i < (context.isShort ? 7 : 15); i++) {
      const ours = timed(() => exactPass(core, lists));
      const other = await pair.native.read(true, 1, core.framesUsed - 1);
      bytesRead = other.bytes;
      if (i >= 0) rows.add(name, ours / 1e6, other.ns / 1e6);
    }
    rows.emit(context, {
      name, unit: 'ms', ratioOf: 'ours/other', bar,
      compares: `exact pass over ${count} forks of 1 GiB, ${OWN_PAGES} own pages each, / C reading `
        + `their nodes and frames once, ${(bytesRead / 2 ** 20).toFixed(0)} MiB`,
    });
  });
}

async function unsharedRows(context: Context): Promise<void> {
  const pages = context.isShort ? 2 ** 22 : 2 ** 24;
  const reps = context.isShort ? 11 : 21;
  const nodeBytes = (pages / 31) * 192;
  await withPair(context, pages * 2 + 1024, pages * 36 + nodeBytes * 2, async (pair) => {
    const { core } = pair.ours;
    const vmo = good<VmoRef>(core.vmoCreate(0, pages));
    good(core.vmoCommit(vmo, 0, pages));
    const nativeVmo = await pair.native.vmo(pages);
    await pair.native.commit(nativeVmo, 0, pages);
    const lists = listsOf([vmo], pages);
    const rows = new Collector();
    const measure = async (
      name: string, bar: number, text: string, firstFrame: number,
    ): Promise<void> => {
      await mustAgree(pair, name);
      for (let i = -WARM_UPS; i < reps; i++) {
        let sums: Sums | undefined;
        const ours = timed(() => { sums = exactPass(core, lists); });
        if (sums?.privatePages[0] !== pages) throw new Error('not all pages are private');
        const other = await pair.native.read(false, firstFrame, pages);
        if (i >= 0) rows.add(name, ours / 1e6, other.ns / 1e6);
      }
      rows.emit(context, {
        name, unit: 'ms', ratioOf: 'ours/other', bar,
        compares: `exact pass over ${pages} pages of one VMO${text} / C reading their frames' `
          + 'four columns',
      });
    };
    await measure('accounting, unshared', 0.1, '', 1);
    const child = good<VmoRef>(core.vmoSnapshot(vmo, 0, pages));
    good(core.vmoCommit(vmo, 0, pages));
    core.vmoRelease(child);
    const nativeChild = await pair.native.snapshot(nativeVmo);
    await pair.native.commit(nativeVmo, 0, pages);
    await pair.native.drop(nativeChild);
    await measure('accounting, unshared again', 0.12, ' after snapshot, rewrite, release',
      pages + 1);
  });
}

async function run(context: Context): Promise<void> {
  await forkRow(context, false, 4);
  await forkRow(context, true, 10);
  await unsharedRows(context);
}

/** Exact accounting against plain reading. */
export const accounting: Group = { name: 'accounting', needsNative: true, run };
