/**
 * Making and closing chains and crowds of ten thousand is work in proportion to their number, in
 * whatever order: counted in calls of the core, links between parents and bytes, not in seconds.
 */
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import { Lineage } from '../../src/objects/lineage.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { VmoChild, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { System } from '../../src/system.js';
import { makeSystem, P, word } from './support.js';

const FEW = 1000;
const MANY = 10000;
const { SNAPSHOT, SNAPSHOT_AT_LEAST_ON_WRITE, SLICE, REFERENCE } = VmoChild;

/** What was done: calls, links, and host bytes at the most. */
interface Work {
  readonly calls: number;
  readonly links: number;
  readonly bytes: number;
}

/** Counts every call of the core's functions from now on. */
const countCalls = (system: KernelSystem): (() => number) => {
  let calls = 0;
  const raw = system.core.raw as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, call] of Object.entries(raw)) {
    raw[name] = (...args) => {
      calls += 1;
      return call(...args);
    };
  }
  return () => calls;
};

const orders: [name: string, order: (vmos: Vmo[]) => Vmo[]][] = [
  ['oldest first', (vmos) => vmos],
  ['youngest first', (vmos) => [...vmos].reverse()],
  ['in no order', (vmos) => vmos.map((_, i) => vmos[(i * 7919) % vmos.length]!)],
];

const kinds: [name: string, kind: number, isFile: boolean][] = [
  ['snapshots', SNAPSHOT, false], ['slices', SLICE, false], ['references', REFERENCE, false],
  ['clones of a file', SNAPSHOT_AT_LEAST_ON_WRITE, true],
];

/** Makes `count` VMOs by `from` and closes them in an order. */
const work = (
  kind: number, isFile: boolean, count: number, from: (vmos: Vmo[]) => Vmo,
  order: (vmos: Vmo[]) => Vmo[],
): Work => {
  const system = makeSystem(2 * MANY, { countKernelMemory: false });
  const calls = countCalls(system);
  const links = Lineage.linksFollowed;
  const root = isFile ? system.createFileVmo(4 * P) : system.createVmo(4 * P);
  root.write(0, word(1));
  const vmos = [root];
  const size = kind === REFERENCE ? 0 : 4 * P;
  while (vmos.length < count) {
    const child = from(vmos).createChild(kind, 0, size);
    if (kind === SNAPSHOT) child.write(P, word(vmos.length));
    vmos.push(child);
  }
  const bytes = system.core.hostBytesUsed;
  for (const vmo of order(vmos)) vmo.close();
  if (system.core.freePages !== 2 * MANY) throw new Error('pages are left');
  return { calls: calls(), links: Lineage.linksFollowed - links, bytes };
};

const shapes: [name: string, from: (vmos: Vmo[]) => Vmo][] = [
  ['a chain', (vmos) => vmos.at(-1)!], ['a crowd', (vmos) => vmos[0]!],
];

for (const [shape, from] of shapes) {
  for (const [name, kind, isFile] of kinds) {
    t.test(`${shape} of ${name} costs the same for each`, async (t) => {
      for (const [order, arrange] of orders) {
        const few = work(kind, isFile, FEW, from, arrange);
        const many = work(kind, isFile, MANY, from, arrange);
        t.ok(many.calls <= 10.5 * few.calls, `${order}: calls ${few.calls}, ${many.calls}`);
        t.ok(many.links <= 40 * MANY, `${order}: links ${few.links}, ${many.links}`);
        t.ok(many.bytes <= 12 * few.bytes, `${order}: bytes ${few.bytes}, ${many.bytes}`);
      }
    });
  }
}

t.test('compressing a crowd of VMOs does not ask each about all others', async (t) => {
  const perVmo = [FEW, MANY].map((count) => {
    const system = makeSystem(2 * MANY, { countKernelMemory: false });
    for (let i = 0; i < count; i++) system.createVmo(P).write(0, word(i + 1));
    const calls = countCalls(system);
    t.ok(system.reclaim.compressOldest(count) > 0);
    return calls() / count;
  });
  t.ok(perVmo[1]! < 2 * perVmo[0]!, `${perVmo.join(' and ')} calls for each`);
});

t.test('figures of a VMO do not ask about strangers, nor those of compressed pages', async (t) => {
  const perCall = [FEW, MANY].map((count) => {
    const system = System.boot({ memoryBytes: 2 * MANY * P, countKernelMemory: false });
    const vmos = Array.from({ length: count }, () => system.createVmo(P));
    vmos.forEach((vmo, i) => { vmo.write(0, word(i + 1)); });
    const calls = countCalls(system);
    vmos[1]!.getInfo(Topic.VMO);
    return calls();
  });
  t.equal(perCall[0], perCall[1], 'calls of the core');
  const system = System.boot({ memoryBytes: 4 * MANY * P, countKernelMemory: false });
  const parent = system.createVmo(P);
  parent.write(0, word(1));
  for (let i = 0; i < MANY; i++) parent.createChild(SNAPSHOT, 0, P);
  for (let i = 0; i < 2 * MANY; i++) system.createVmo(P).write(0, word(i + 2));
  system.reclaim.compressOldest(MANY);
  const started = performance.now();
  const tables = await system.account({ policy: 'attributed', workers: 0 });
  t.ok(performance.now() - started < 5000, 'half a minute where each looked at all others');
  const { bytes, scaled } = tables.vmos.compressed!;
  const shares = Number(scaled.bytes.reduce((sum, one) => sum + one, 0n));
  const pages = system.reclaim.compressedPages;
  t.equal([...bytes].filter((one) => one > 0).length, pages + MANY, 'each sees its own or one');
  t.ok(pages * P - shares <= P, 'their shares are the pages, but for fractions');
});

t.test('growing and shrinking one VMO of a crowd does not visit the others', async (t) => {
  const system = makeSystem(2 * MANY);
  const root = system.createVmo(4 * P, VmoOption.RESIZABLE);
  root.write(0, word(1));
  for (let i = 0; i < FEW; i++) root.createChild(SNAPSHOT, 0, 4 * P);
  const calls = countCalls(system);
  root.setSize(P);
  root.setSize(4 * P);
  t.ok(calls() < 20, `${calls()} calls`);
});
