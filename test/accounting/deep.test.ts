/**
 * Deep and wide: chains and crowds of ten thousand, made, looked at and taken down. Nothing
 * overflows, and every page comes back.
 */

import t from 'tap';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { System } from '../../src/system.js';
import { unitsAt } from './by-frame.js';

const P = 4096;
const MANY = 10000;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const POLICIES = ['classic', 'attributed', 'exact', 'mapcount'] as const;

function boot(pages: number): System {
  return System.boot({ memoryBytes: pages * P });
}

/** VMO of 64 pages, and a chain of children, each with a page of its own. */
function chain(system: System, kind: number, first: Vmo, length: number): Vmo[] {
  const links = [first];
  for (let i = 1; i < length; i++) {
    const next = (links.at(-1) as Vmo).createChild(kind, 0, 64 * P);
    next.opRange(VmoOp.COMMIT, (i % 64) * P, P);
    links.push(next);
  }
  return links;
}

const shuffled = (links: Vmo[]): Vmo[] => links.map((_, i) =>
  links[(i * 7919) % links.length] as Vmo);
const orders: [name: string, order: (links: Vmo[]) => Vmo[]][] = [
  ['from the oldest', (links) => links],
  ['from the youngest', (links) => [...links].reverse()],
  ['in no order', shuffled],
];

/** Free pages, and those that the records of objects take. */
const withHeap = ({ core, heap }: System): number => core.freePages + heap.pages;

for (const [name, order] of orders) {
  t.test(`a chain of 10,000 snapshots, closed ${name}`, async (t) => {
    const system = boot(30000);
    const root = system.createVmo(64 * P);
    root.opRange(VmoOp.COMMIT, 0, 64 * P);
    const links = chain(system, VmoChild.SNAPSHOT, root, MANY);
    t.equal(withHeap(system), 30000 - 64 - (MANY - 1), 'a page for each');
    const { vmos } = await system.account({ policy: 'attributed' });
    let units = 0n;
    for (let row = 0; row < vmos.count; row++) units += unitsAt(vmos.scaled, row);
    const gap = (BigInt((64 + MANY - 1) * P) << 63n) - units;
    t.ok(gap >= 0n && gap < BigInt(64 * MANY), 'the VMOs share out every page');
    const classic = await system.account({ policy: 'classic' });
    const charged = classic.vmos.committedBytes.reduce((sum, bytes) => sum + bytes, 0);
    t.equal(charged, (64 + MANY - 1) * P, 'each page has one VMO that is charged');
    const closing = order(links);
    for (const vmo of closing.slice(0, MANY / 2)) vmo.close();
    t.strictSame(system.core.audit(), []);
    await system.account({ policy: 'classic' });
    for (const vmo of closing.slice(MANY / 2)) vmo.close();
    t.strictSame([system.core.freePages, system.vmos.size, system.trees.size], [30000, 0, 0]);
    t.strictSame(system.core.audit(), []);
  });

  t.test(`a chain of 10,000 copies of copies of a file, closed ${name}`, async (t) => {
    const system = boot(30000);
    const file = system.createFileVmo(64 * P);
    file.opRange(VmoOp.COMMIT, 0, 64 * P);
    const links = chain(system, VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, file, MANY);
    const process = system.rootJob.createProcess('last');
    const address = process.rootVmar.map(READ_WRITE, 0, links.at(-1) as Vmo, 0, 64 * P);
    process.touch(address, 64 * P, Access.READ);
    const { tasks } = await system.account({ policy: 'exact' });
    t.equal(tasks.privateBytes[1], 64 * P, 'it reaches 64 pages through all of them');
    process.kill();
    for (const vmo of order(links)) vmo.close();
    t.strictSame([system.core.freePages, system.vmos.size, system.trees.size], [30000, 0, 0]);
    t.strictSame(system.core.audit(), []);
  });
}

for (const parentFirst of [true, false]) {
  t.test(`a parent with 10,000 children, closed ${parentFirst ? 'first' : 'last'}`, async (t) => {
    const system = boot(30000);
    const parent = system.createVmo(2048 * P);
    parent.opRange(VmoOp.COMMIT, 0, 2048 * P);
    const children: Vmo[] = [];
    for (let i = 0; i < MANY; i++) {
      const from = i % 1000;
      children.push(parent.createChild(VmoChild.SNAPSHOT, from * P, (2048 - from) * P));
      if (i % 2 === 0) (children.at(-1) as Vmo).opRange(VmoOp.COMMIT, 5 * P, P);
    }
    t.equal(withHeap(system), 30000 - 2048 - MANY / 2);
    if (parentFirst) parent.close();
    for (const policy of POLICIES) {
      const { vmos } = await system.account({ policy });
      t.equal(vmos.count, MANY + (parentFirst ? 0 : 1), policy);
    }
    t.strictSame(system.core.audit(), []);
    for (const child of children) child.close();
    if (!parentFirst) parent.close();
    t.strictSame([system.core.freePages, system.vmos.size, system.trees.size], [30000, 0, 0]);
  });
}

t.test('10,000 processes forked, each with pages of its own', async (t) => {
  const system = boot(200000);
  const image = system.createVmo(4096 * P);
  image.opRange(VmoOp.COMMIT, 0, 4096 * P);
  const library = system.createFileVmo(300 * P);
  library.opRange(VmoOp.COMMIT, 0, 300 * P);
  const job = system.rootJob.createJob('server');
  for (let i = 0; i < MANY; i++) {
    const process = job.createProcess('worker');
    const memory = image.createChild(VmoChild.SNAPSHOT, 0, 4096 * P);
    const address = process.rootVmar.map(READ_WRITE, 0, memory, 0, 4096 * P);
    process.rootVmar.map(VmOption.PERM_READ, 0, library, 0, 300 * P);
    process.touch(address + BigInt((i % 4000) * P), 4 * P, Access.WRITE);
    memory.close();
  }
  const exact = await system.account({ policy: 'exact', pagesByOwners: true });
  const pages = new Map<number, number>();
  for (const owners of exact.tasks.pagesByOwners ?? []) {
    for (const [k, n] of owners ?? []) pages.set(k, (pages.get(k) ?? 0) + n);
  }
  t.equal(pages.get(1), 4 * MANY, 'four pages each are its own');
  for (const [k, n] of pages) if (n % k !== 0) t.fail(`${n} pages of ${k} owners`);
  const frames = [...pages].reduce((sum, [k, n]) => sum + n / k, 0);
  t.equal(frames, 4 * MANY + 4096 + 300, 'every page once, and no other');
  for (const policy of POLICIES) {
    const { tasks } = await system.account({ policy });
    t.equal(tasks.count, MANY + 2, policy);
  }
  job.kill();
  image.close();
  library.close();
  t.strictSame([withHeap(system), system.vmos.size], [200000, 0]);
  t.strictSame(system.core.audit(), []);
});

t.test('one process with 10,000 mappings, and jobs 30 deep', async (t) => {
  const system = boot(60000);
  let job = system.rootJob;
  for (let depth = 0; depth < 30; depth++) job = job.createJob(`depth ${depth}`);
  const process = job.createProcess('deep');
  const vmo = system.createVmo(MANY * P);
  vmo.opRange(VmoOp.COMMIT, 0, MANY * P);
  for (let i = 0; i < MANY; i++) {
    process.rootVmar.map(READ_WRITE, 0, vmo, (MANY - 1 - i) * P, (1 + (i % 3)) * P);
  }
  const { tasks, maps } = await system.account({ policy: 'exact' });
  t.equal(maps.count, MANY + 2);
  t.equal(tasks.privateBytes.at(-1), MANY * P, 'each page once');
  for (let row = 0; row < tasks.count; row++) {
    t.equal(tasks.pss.bytes[row], BigInt(MANY * P), `every job above has it, row ${row}`);
  }
  process.kill();
  vmo.close();
  t.equal(system.core.freePages, 60000);
});
