/**
 * Any number of workers gives the same bytes: 0, 1, 2, 4 and 8, on random systems and on one with
 * enough forks that its passes have work to share out.
 */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { runs } from '../support/long.js';
import { type System, VmoChild, VmoOp, newSystem } from '../support/api.js';
import { PASSES, tablesText } from './compare.js';
import { OnModel } from './on-model.js';
import { OnSystem } from './on-system.js';
import { ALL, programs } from './program.js';

const WORKERS = [0, 1, 2, 4, 8];

/** One number of workers after the other, so that each pool is started once. */
const compareWorkers = async (t: Test, system: System, what: string): Promise<void> => {
  const texts = new Map<number, string[]>();
  for (const workers of WORKERS) {
    const list: string[] = [];
    for (const pass of PASSES) {
      list.push(tablesText(await system.account({ ...pass, workers, shareAbovePages: 0 })));
    }
    texts.set(workers, list);
  }
  await system.close();
  for (const [i, pass] of PASSES.entries()) {
    const odd = WORKERS.filter((workers) => texts.get(workers)![i] !== texts.get(0)![i]);
    t.strictSame(odd, [], `${what}: ${pass.policy} by ${pass.reach}`);
  }
};

t.test('random systems look the same to any number of workers', async (t) => {
  const some = fc.sample(
    programs(200, ALL), { numRuns: runs(1, 50), seed: 7 },
  );
  for (const [i, program] of some.entries()) {
    const model = new OnModel();
    const system = new OnSystem();
    for (const raw of program) {
      const op = model.settle(raw);
      if (op === undefined) continue;
      model.apply(op);
      system.apply(op);
    }
    await compareWorkers(t, system.system, `program ${i}`);
  }
});

t.test('a family of forks looks the same to any number of workers', async (t) => {
  const system = newSystem(65536);
  const parent = system.createVmo(16384 * 4096);
  parent.opRange(VmoOp.COMMIT, 0, 16384 * 4096);
  for (let i = 0; i < 40; i++) {
    const child = parent.createChild(VmoChild.SNAPSHOT, 0, 16384 * 4096);
    const process = system.rootJob.createProcess(`fork ${i}`);
    const base = process.rootVmar.map(3, 0, child, 0, 16384 * 4096);
    for (let k = 0; k < 50; k++) {
      process.touch(base + BigInt((i * 7919 + k * 331) % 16384) * 4096n, 4096, 2);
    }
    process.touch(base + BigInt(i) * 4096n * 100n, 64 * 4096, 1);
  }
  await compareWorkers(t, system, '40 forks of 64 MiB');
});
