/**
 * Reclaim of shared pages: one sweep of the family against a walk of every tree in it.
 *
 * A thousand clones of one VMO have each written a page of their own, so none has the other's root.
 * The sweep looks at each distinct leaf once. The other side only reads the slots of every clone's
 * leaves, which is the least that doing the same clone by clone would take.
 */
import type { Core, VmoRef } from '../../src/core/core.js';
import { StoredPass } from '../../src/core/stored-pass.js';
import { Collector } from '../support/context.js';
import type { Context, Group } from '../support/context.js';
import { bootCore, good, timed } from '../support/ours.js';

const CLONES = 1000;
const PAGE_BYTES = 4096;
const TEXT = new Uint8Array(PAGE_BYTES).map((_, i) => (i >> 6) * 7 & 255);

/** A VMO of which `pages` pages are there, with bytes or not, and its clones. */
function family(core: Core, pages: number, withBytes: boolean): VmoRef[] {
  const vmo = good<VmoRef>(core.vmoCreate(0, pages));
  good(core.vmoCommit(vmo, 0, pages));
  if (withBytes) for (let i = 0; i < pages; i++) good(core.vmoWrite(vmo, i * PAGE_BYTES, TEXT));
  const vmos = [vmo];
  for (let i = 0; i < CLONES; i++) {
    const clone = good<VmoRef>(core.vmoSnapshot(vmo, 0, pages));
    good(core.vmoCommit(clone, i * 7 % pages, 1));
    vmos.push(clone);
  }
  return vmos;
}

/** Reads each slot of every tree; how many pages that were. */
function walkAll(core: Core, vmos: readonly VmoRef[], pages: number): number {
  const hist = core.raw.scratchAlloc(4 * 4) >>> 0;
  core.raw.passBegin(0);
  let seen = 0;
  for (const vmo of vmos) {
    core.raw.passOwners(vmo, 0, pages, hist);
    seen += pages;
  }
  core.raw.scratchFree(hist, 4 * 4);
  return seen;
}

/** What the compressed pages cost each VMO, shared out among those that see them; in all, pages. */
function figuresOf(core: Core, vmo: readonly VmoRef[], sizePages: number): number {
  const list = {
    vmo, page: vmo.map(() => 0), pages: vmo.map(() => sizePages), value: vmo.map(() => 1),
  };
  const pass = new StoredPass(core, 'sum');
  pass.scan(list);
  const { bytes } = pass.read({ ...list, value: vmo.map((_, i) => i) }, vmo.length);
  pass.end();
  return Math.round(bytes.reduce((sum, part) => sum + Number(part), 0) / PAGE_BYTES);
}

function run(context: Context): Promise<void> {
  const pages = context.isShort ? 2 ** 15 : 2 ** 18;
  const rows = new Collector();
  for (const [name, withBytes] of [['zero pages', false], ['compression', true]] as const) {
    const contents = withBytes ? PAGE_BYTES + 1200 : 0;
    const bytes = pages * (contents + 40) + CLONES * 2000 + 2 ** 27;
    for (let i = 0; i < 3; i++) {
      const core = bootCore(pages * 2 + CLONES + 1024, bytes);
      const vmos = family(core, pages, withBytes);
      const walks = timed(() => { walkAll(core, vmos, pages); });
      let done = 0;
      const ours = timed(() => {
        const { compressed, zero } = core.vmoCompress(
          vmos[0] as VmoRef, 0, pages, withBytes ? 'all' : 'zeros');
        done = compressed + zero;
      });
      if (done < pages * 0.99) throw new Error(`${done} of ${pages} pages went`);
      rows.add(`reclaim: ${name}`, ours / pages, walks / pages);
      if (!withBytes) continue;
      let shared = 0;
      const figures = timed(() => { shared = figuresOf(core, vmos, pages); });
      if (Math.abs(shared - done) > CLONES) throw new Error(`${shared} of ${done} pages shared`);
      rows.add('reclaim: figures', figures / pages, walks / pages);
    }
    if (withBytes) {
      rows.emit(context, {
        name: 'reclaim: figures', unit: 'ns/page', ratioOf: 'other/ours',
        compares: `${pages} compressed pages shared out among ${CLONES + 1} VMOs / the same walks`,
      });
    }
    rows.emit(context, {
      name: `reclaim: ${name}`, unit: 'ns/page', ratioOf: 'other/ours',
      compares: `${pages} pages shared by ${CLONES} clones, one sweep of the family / reading the `
        + `slots of each clone's tree in turn${withBytes ? '; LZ4 is in the sweep' : ''}`,
    });
  }
  return Promise.resolve();
}

/** One sweep against a thousand walks. */
export const reclaim: Group = { name: 'reclaim', needsNative: false, run };
