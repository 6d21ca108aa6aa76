/**
 * What the memory page says its tools miss, as the scenarios of examples/ show it: the classic
 * figure, and the exact one by arithmetic.
 */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openScenario, type Policy, type System, TaskType } from '../../src/index.js';

const EXAMPLES = new URL('../../examples/', import.meta.url);
const KIB = 2 ** 10;
const MIB = 2 ** 20;

/** A process's figures, whole bytes. */
interface Figures {
  readonly pss: number;
  readonly priv: number;
  readonly shared: number;
  readonly unmapped: number;
  readonly kernel: number;
}

/** Every process's figures, by name. */
const figures = async (system: System, policy: Policy): Promise<Map<string, Figures>> => {
  const { tasks } = await system.account({ policy });
  const found = new Map<string, Figures>();
  for (let row = 0; row < tasks.count; row++) {
    if (tasks.type[row] !== TaskType.PROCESS) continue;
    found.set(tasks.name[row]!, {
      pss: Number(tasks.pss.bytes[row]), priv: tasks.privateBytes[row]!,
      shared: tasks.sharedBytes[row]!, unmapped: Number(tasks.unmapped?.bytes[row] ?? 0),
      kernel: Number(tasks.kernelBytes?.[row] ?? 0),
    });
  }
  return found;
};

/** Opens one of the scenarios; `to` does its steps up to the n-th, those that only show too. */
const open = async (name: string): Promise<{ system: System; to: (step: number) => void }> => {
  const run = await openScenario(fileURLToPath(new URL(`limit-${name}.scenario.json`, EXAMPLES)));
  return { system: run.system, to: (step) => { while (run.doneSteps < step) run.next(); } };
};

t.test('unmapped VMOs: nothing in classic, UNMAPPED in exact', async (t) => {
  const { system, to } = await open('unmapped');
  for (const [step, holders] of [[2, 1], [4, 2]] as const) {
    to(step);
    const classic = await figures(system, 'classic');
    t.match(classic.get('writer'), { pss: 0, priv: 0, shared: 0 });
    const exact = await figures(system, 'exact');
    const share = 1024 * MIB / holders;
    t.match(exact.get('writer'), { pss: 0, priv: 0, shared: 0, unmapped: share });
    t.match(exact.get('reader'), { pss: 0, unmapped: holders === 1 ? 0 : share });
  }
});

t.test('pages with several mappings count once in exact', async (t) => {
  const { system, to } = await open('multiply-mapped');
  to(2);
  t.match((await figures(system, 'classic')).get('player'), { pss: 48 * MIB, priv: 48 * MIB });
  t.match((await figures(system, 'exact')).get('player'), { pss: 16 * MIB, priv: 16 * MIB });
  to(7);
  const classic = await figures(system, 'classic');
  t.match(classic.get('player'), { pss: 24 * MIB, shared: 48 * MIB });
  t.match(classic.get('mixer'), { pss: 8 * MIB, shared: 16 * MIB });
  const exact = await figures(system, 'exact');
  for (const name of ['player', 'mixer']) {
    t.match(exact.get(name), { pss: 8 * MIB, priv: 0, shared: 16 * MIB });
  }
  t.equal(system.kernelMemory().vmoBytes, 16 * MIB, 'what there is');
  to(12);
  t.match((await figures(system, 'classic')).get('mixer'),
    { pss: (8 + 4 + 4) * MIB, priv: (4 + 4) * MIB, shared: 16 * MIB }, 'copies on write as well');
  t.match((await figures(system, 'exact')).get('mixer'),
    { pss: (8 + 4) * MIB, priv: 4 * MIB, shared: 16 * MIB });
  t.equal(system.kernelMemory().vmoBytes, 20 * MIB);
});

t.test('a million handles and unread messages are on the bill in exact', async (t) => {
  const { system, to } = await open('kernel-memory');
  to(1);
  const before = await figures(system, 'exact');
  to(7);
  for (const [name, { pss }] of await figures(system, 'classic')) t.equal(pss, 64 * KIB, name);
  const after = await figures(system, 'exact');
  const grown = (name: string): number => after.get(name)!.kernel - before.get(name)!.kernel;
  t.ok(grown('hoarder') >= 32_000_000 && grown('hoarder') < 32_000_000 + 16 * KIB,
    '32 bytes for each handle');
  const { totalHeapBytes } = system.kernelMemory();
  t.ok(totalHeapBytes >= 32_000_000 - 64 * KIB, 'kstats has it as heap; 64k are in the image');
  const messages = 100 * 10 * 16 * KIB;
  t.ok(grown('sleeper') >= messages && grown('sleeper') < messages * 1.02);
});

t.test('clean pages of a clone: shared in exact, the original\'s in classic', async (t) => {
  const { system, to } = await open('cow-clones');
  to(2);
  const untouched = await figures(system, 'classic');
  t.match(untouched.get('original'), { priv: 64 * MIB, shared: 0 });
  t.match(untouched.get('copy'), { pss: 0, priv: 0, shared: 0 });
  to(6);
  const classic = await figures(system, 'classic');
  t.match(classic.get('original'), { priv: 64 * MIB, shared: 0 });
  t.match(classic.get('copy'), { priv: 4 * MIB, shared: 0 });
  for (const policy of ['attributed', 'exact'] as const) {
    const each = await figures(system, policy);
    for (const name of ['original', 'copy']) {
      t.match(each.get(name), { pss: 34 * MIB, priv: 4 * MIB, shared: 60 * MIB }, policy);
    }
  }
});
