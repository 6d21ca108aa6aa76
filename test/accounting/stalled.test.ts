/**
 * A worker that dies with work claimed: the others give up after a while and the pass says so,
 * and the next pass is as good as any.
 */
import t from 'tap';
import { PassPool } from '../../src/accounting/pool.js';
import { EntryPass, TreePass } from '../../src/core/passes.js';
import type { System } from '../../src/system.js';
import { newSystem } from '../support/api.js';

const P = 4096;
const PATIENCE_MS = 50;
const STALLED = { message: /stopped before its part was done/ };

function makeWorld() {
  const system = newSystem(4096);
  const vmo = system.createVmo(512 * P);
  const process = system.rootJob.createProcess('p');
  process.touch(process.rootVmar.map(3, 0, vmo, 0, 512 * P), 512 * P, 2);
  return { system, vmo, aspace: process.object.aspace.ref };
}

/** Claims a piece of the first phase, as a worker that dies then. */
function claim(system: System): void {
  const { core } = system;
  Atomics.add(core.u32, (core.constants['H_CLAIM'] as number) >>> 2, 1);
}

t.test('over trees', async (t) => {
  const { system, vmo } = makeWorld();
  const pass = new TreePass(system.core, 'sum');
  pass.inject({ vmo: [vmo.object.tree.ref], page: [0], pages: [512], value: [1] });
  pass.share(PATIENCE_MS);
  claim(system);
  t.throws(() => pass.help(), STALLED);
  t.throws(() => pass.help(), STALLED, 'whoever comes later does not wait again');
  pass.end();
  const { vmos } = await system.account({ policy: 'exact', workers: 1, shareAbovePages: 0 });
  t.equal(vmos.committedBytes[0], 512 * P, 'the next pass is whole');
  await system.close();
});

t.test('over page tables', async (t) => {
  const { system, aspace } = makeWorld();
  const pass = new EntryPass(system.core, 'mapcount');
  const [own] = pass.share([aspace], 2, PATIENCE_MS);
  claim(system);
  t.throws(() => pass.help(own!), STALLED);
  pass.end();
});

t.test('a pool ends its workers, and is of no use any more', async (t) => {
  const { system } = makeWorld();
  const pass = new TreePass(system.core, 'sum');
  const pool = new PassPool(system.core, 2);
  pass.share(PATIENCE_MS);
  claim(system);
  const tasks = [{ kind: 'trees' as const }, { kind: 'trees' as const }];
  await t.rejects(pool.run(tasks, () => pass.help()), STALLED);
  t.equal(pool.broken, true);
  await pool.close();
  pass.end();
});
