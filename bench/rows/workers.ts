/**
 * Accounting that has to descend, by four threads and by one: forks with many scattered pages of
 * their own. The scans only; begin, inject and read are the calling thread's in both.
 */
import type { VmoRef } from '../../src/core/core.js';
import { TreePass } from '../../src/core/passes.js';
import { PassPool } from '../../src/accounting/pool.js';
import { Collector } from '../support/context.js';
import type { Context, Group } from '../support/context.js';
import { bootCore, good, makeForks } from '../support/ours.js';

const PARENT_PAGES = 2 ** 18; // 1 GiB
const OWN_PAGES = 10_000;
const HELPERS = 3;
const SEED = 4242;
const WARM_UPS = 2;

async function run(context: Context): Promise<void> {
  const count = context.isShort ? 60 : 1000;
  const frames = PARENT_PAGES + count * OWN_PAGES + 16;
  const core = bootCore(frames, frames * 20 + count * 6400 * 182 + 2 ** 26);
  const parent = good<VmoRef>(core.vmoCreate(0, PARENT_PAGES));
  good(core.vmoCommit(parent, 0, PARENT_PAGES));
  const vmo = [parent, ...makeForks(core, parent, count, OWN_PAGES, true, SEED)];
  const list = {
    vmo, page: vmo.map(() => 0), pages: vmo.map(() => PARENT_PAGES), value: vmo.map(() => 1),
  };
  const rows = { ...list, value: vmo.map((_, i) => i) };
  const name = 'descending accounting, 4 threads';
  const pool = new PassPool(core, HELPERS);
  const samples = new Collector();
  try {
    for (let i = -WARM_UPS; i < (context.isShort ? 5 : 9); i++) {
      const figures: string[] = [];
      const once = async (scan: (pass: TreePass) => void | Promise<void>): Promise<number> => {
        const pass = new TreePass(core, 'sum');
        pass.inject(list);
        const start = process.hrtime.bigint();
        await scan(pass);
        const ns = Number(process.hrtime.bigint() - start);
        figures.push(pass.read(rows, vmo.length).bytes.join());
        pass.end();
        return ns;
      };
      const four = await once((pass) => {
        pass.share();
        const tasks = Array.from({ length: HELPERS }, () => ({ kind: 'trees' as const }));
        return pool.run(tasks, () => pass.help());
      });
      const one = await once((pass) => pass.scan());
      if (figures[0] !== figures[1]) throw new Error('four threads give other figures than one');
      if (i >= 0) samples.add(name, four / 1e6, one / 1e6);
    }
  } finally {
    await pool.close();
  }
  samples.emit(context, {
    name, unit: 'ms', ratioOf: 'other/ours', bar: 2,
    compares: `both scans over ${count} forks with ${OWN_PAGES} scattered pages each: one thread / `
      + 'four (three workers and the caller)',
  });
}

/** Accounting by several threads. */
export const workers: Group = { name: 'workers', needsNative: false, run };
