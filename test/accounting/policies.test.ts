/**
 * What each policy says of small systems made by hand: RFC-0254's worked examples, the memory
 * page's four limitations, clones, slices, devices, and what lies past an end.
 */

import t from 'tap';
import type { AccountTables, Policy, Reach } from '../../src/accounting/tables.js';
import type { Process } from '../../src/objects/process.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { Topic } from '../../src/objects/info.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { System } from '../../src/system.js';
import { checkFigures, unitsAt } from './by-frame.js';

const P = 4096;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE | VmOption.ALLOW_FAULTS;
const ONE = 1n << 63n;
const POLICIES: [Policy, Reach][] = [
  ['classic', 'committed'], ['attributed', 'committed'], ['exact', 'committed'],
  ['exact', 'present'], ['mapcount', 'present'],
];

/** A row of the task table in pages. */
interface Pages {
  readonly pss: number;
  readonly own: number;
  readonly shared: number;
}

class World {
  readonly system = System.boot({ memoryBytes: 8192 * P });

  process(name = 'p'): Process {
    return this.system.rootJob.createProcess(name);
  }

  /** A VMO with pages. */
  vmo(pages: number, options = 0): Vmo {
    const vmo = this.system.createVmo(pages * P, options);
    vmo.opRange(VmoOp.COMMIT, 0, pages * P);
    return vmo;
  }

  map(process: Process, vmo: Vmo, page = 0, pages = Number(vmo.getSize()) / P - page): bigint {
    return process.rootVmar.map(READ_WRITE, 0, vmo, page * P, pages * P);
  }

  /** A pass, checked frame by frame too. */
  async tables(policy: Policy, reach?: Reach): Promise<AccountTables> {
    const tables = await this.system.account(reach === undefined ? { policy } : { policy, reach });
    checkFigures(this.system, tables);
    return tables;
  }

  /** Figures of processes in the order asked for. */
  async pages(policy: Policy, ...processes: Process[]): Promise<Pages[]> {
    const { tasks } = await this.tables(policy);
    return processes.map(({ koid }) => {
      const row = tasks.koid.indexOf(koid);
      return {
        pss: Number(unitsAt(tasks.pss, row)) / Number(ONE) / P,
        own: (tasks.privateBytes[row] as number) / P,
        shared: (tasks.sharedBytes[row] as number) / P,
      };
    });
  }
}

/** A row of the VMO table in pages. */
function vmoPages({ vmos }: AccountTables, { koid }: Vmo): Pages {
  const row = vmos.koid.indexOf(koid);
  return {
    pss: Number(unitsAt(vmos.scaled, row)) / Number(ONE) / P,
    own: (vmos.privateBytes[row] as number) / P, shared: (vmos.committedBytes[row] as number) / P,
  };
}

t.test('attributed: a clone mapped by two, its parent by one (RFC-0254): 1/2, 1/4, 1/4',
  async (t) => {
  const world = new World();
  const [a, b, c] = [world.process('a'), world.process('b'), world.process('c')];
  const parent = world.vmo(4);
  const clone = parent.createChild(VmoChild.SNAPSHOT, 0, 4 * P);
  world.map(a, parent);
  world.map(b, clone);
  world.map(c, clone);
  t.strictSame(await world.pages('attributed', a, b, c), [
    { pss: 2, own: 0, shared: 4 }, { pss: 1, own: 0, shared: 4 }, { pss: 1, own: 0, shared: 4 },
  ]);
});

t.test('attributed: one process with both, one with the clone (RFC-0254): 3/4, 1/4', async (t) => {
  const world = new World();
  const [a, b] = [world.process('a'), world.process('b')];
  const parent = world.vmo(4);
  const clone = parent.createChild(VmoChild.SNAPSHOT, 0, 4 * P);
  world.map(a, parent);
  world.map(a, clone);
  world.map(b, clone);
  t.strictSame(await world.pages('attributed', a, b), [
    { pss: 3, own: 0, shared: 8 }, { pss: 1, own: 0, shared: 4 },
  ]);
  t.strictSame(await world.pages('exact', a, b), [
    { pss: 2, own: 0, shared: 4 }, { pss: 2, own: 0, shared: 4 },
  ], 'exact counts the process with both mappings once');
});

t.test('attributed: a third of a page is 1365 bytes and 0x2aaaaaaaaaaaaaaa of 2^63', async (t) => {
  const world = new World();
  const vmo = world.vmo(1);
  const clones = [vmo, vmo.createChild(VmoChild.SNAPSHOT, 0, P),
    vmo.createChild(VmoChild.SNAPSHOT, 0, P)];
  const { vmos } = await world.tables('attributed');
  for (const { koid } of clones) {
    const row = vmos.koid.indexOf(koid);
    t.equal(vmos.scaled.bytes[row], 1365n);
    t.equal(vmos.scaled.fraction[row], 0x2aaaaaaaaaaaaaaan);
    t.equal(vmos.committedBytes[row], P);
    t.equal(vmos.privateBytes[row], 0);
  }
});

t.test('attributed: what slices and references keep still shares, and pays nothing', async (t) => {
  for (const [kind, pages] of [[VmoChild.REFERENCE, 0], [VmoChild.SLICE, 2]] as const) {
    const world = new World();
    const vmo = world.vmo(2);
    const kept = vmo.createChild(kind, 0, pages * P);
    const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, P);
    vmo.close();
    const figures = async (): Promise<number[]> => {
      const info = clone.getInfo(Topic.VMO);
      const { vmos } = await world.tables('attributed');
      const row = vmos.koid.indexOf(clone.koid);
      t.strictSame([vmos.privateBytes[row], Number(vmos.scaled.bytes[row])],
        [info.populatedPrivateBytes, info.populatedScaledBytes]);
      const keptRow = vmos.koid.indexOf(kept.koid);
      if (keptRow >= 0) t.equal(vmos.scaled.bytes[keptRow], 0n);
      return [info.committedBytes, info.populatedPrivateBytes, info.populatedScaledBytes];
    };
    t.strictSame(await figures(), [P, 0, P / 2]);
    const [share] = (await world.system.page({ koid: clone.koid, offset: 0 })).shares
      .filter(({ policy, payer }) => policy === 'attributed' && payer === 'vmo');
    t.strictSame([share?.koid, share?.share],
      [clone.koid, { numerator: BigInt(P / 2), denominator: 1n }]);
    kept.close();
    t.strictSame(await figures(), [P, P, P], 'alone at last');
  }
});

t.test('limitation 1: an unmapped VMO shows up under exact alone, as unmapped', async (t) => {
  const world = new World();
  const [a, b] = [world.process('a'), world.process('b')];
  const vmo = world.vmo(256);
  a.insertHandle(vmo.duplicate());
  b.insertHandle(vmo.duplicate());
  a.insertHandle(world.vmo(10));
  const nothing = { pss: 0, own: 0, shared: 0 };
  t.strictSame(await world.pages('classic', a, b), [nothing, nothing]);
  t.strictSame(await world.pages('exact', a, b), [nothing, nothing]);
  const { tasks } = await world.tables('exact');
  const at = (process: Process): number =>
    tasks.unmappedBytes?.[tasks.koid.indexOf(process.koid)] as number;
  t.strictSame([at(a), at(b)], [(128 + 10) * P, 128 * P]);
  t.equal(tasks.unmappedBytes?.[0], 266 * P, 'the root job has the sum');
  world.map(b, vmo, 0, 56);
  const after = (await world.tables('exact')).tasks;
  t.equal(after.unmappedBytes?.[after.koid.indexOf(a.koid)], (100 + 10) * P,
    'mapped pages are mapped');
  t.strictSame(await world.pages('exact', a, b), [nothing, { pss: 56, own: 56, shared: 0 }]);
});

t.test('exact tells 65535 holders and mappers of held pages apart, and refuses more', async (t) => {
  const system = System.boot({ memoryBytes: 2 ** 33 });
  const vmo = system.createVmo(2 * P);
  vmo.opRange(VmoOp.COMMIT, 0, 2 * P);
  const other = system.createVmo(P);
  other.opRange(VmoOp.COMMIT, 0, P);
  const add = (count: number, make: (process: Process) => void): void => {
    for (let i = 0; i < count; i++) make(system.rootJob.createProcess('p'));
  };
  const unmapped = async (): Promise<number | undefined> => {
    const { tasks } = await system.account({ policy: 'exact', workers: 0 });
    return tasks.unmappedBytes?.[0];
  };
  add(2, (process) => process.insertHandle(vmo.duplicate()));
  add(65536, (process) => process.rootVmar.map(READ_WRITE, 0, other, 0, P));
  t.equal(await unmapped(), 2 * P, 'who maps something else does not matter');
  const mapHeld = (process: Process): void => {
    process.rootVmar.map(READ_WRITE, 0, vmo, 0, P);
  };
  add(65535, mapHeld);
  t.equal(await unmapped(), P);
  add(1, mapHeld);
  await t.rejects(system.account({ policy: 'exact', workers: 0 }), {
    status: 'ZX_ERR_NOT_SUPPORTED',
    message: 'ZX_ERR_NOT_SUPPORTED: policy exact: 65536 processes map VMOs that processes hold '
      + 'handles to; at most 65535 are told apart',
    details: { processes: 65536, processesMax: 65535 },
  });
  t.equal((await system.account({ policy: 'classic', workers: 0 })).tasks.unmapped, undefined);
});

t.test('exact with 65536 holders of handles is refused', async (t) => {
  const system = System.boot({ memoryBytes: 2 ** 33 });
  const vmo = system.createVmo(P);
  vmo.opRange(VmoOp.COMMIT, 0, P);
  const add = (): unknown => system.rootJob.createProcess('p').insertHandle(vmo.duplicate());
  for (let i = 0; i < 65535; i++) add();
  const { tasks } = await system.account({ policy: 'exact', workers: 0 });
  t.equal(tasks.unmapped?.bytes[1], BigInt(Math.floor(P / 65535)));
  add();
  await t.rejects(system.account({ policy: 'exact', workers: 0 }), {
    status: 'ZX_ERR_NOT_SUPPORTED',
    message: 'ZX_ERR_NOT_SUPPORTED: policy exact: 65536 processes hold handles to VMOs; '
      + 'at most 65535 are told apart',
  });
});

t.test('limitation 2: what one process maps twice is counted twice, but once under exact',
  async (t) => {
  const world = new World();
  const a = world.process('a');
  const vmo = world.vmo(8);
  const first = world.map(a, vmo);
  world.map(a, vmo);
  world.map(a, vmo, 4, 4);
  t.strictSame(await world.pages('classic', a), [{ pss: 20, own: 20, shared: 0 }]);
  t.strictSame(await world.pages('attributed', a), [{ pss: 20, own: 20, shared: 0 }]);
  t.strictSame(await world.pages('exact', a), [{ pss: 8, own: 8, shared: 0 }]);
  const { tasks } = await world.tables('exact');
  t.strictSame([...(tasks.pagesByOwners?.[tasks.koid.indexOf(a.koid)] ?? [])], [[1, 8]]);
  a.touch(first, 8 * P, Access.READ);
  a.touch(first + BigInt(8 * P), 2 * P, Access.READ); // a range: a single fault maps all along
  t.strictSame(await world.pages('mapcount', a), [{ pss: 8, own: 6, shared: 4 }],
    'as Linux has it');
  t.strictSame((await world.tables('exact', 'present')).tasks.privateBytes[1], 8 * P);
});

t.test('limitation 3: handles and page tables cost kernel memory, which exact shows', async (t) => {
  const world = new World();
  const [a, b] = [world.process('a'), world.process('b')];
  const vmo = world.vmo(1);
  const kernel = async (): Promise<number[]> => {
    const { tasks } = await world.tables('exact');
    return [a, b].map(({ koid }) => tasks.kernelBytes?.[tasks.koid.indexOf(koid)] as number);
  };
  t.strictSame(await kernel(), [0, 0]);
  for (let i = 0; i < 1000; i++) a.insertHandle(vmo.duplicate());
  const [held] = await kernel() as [number];
  t.ok(held >= 1000 * 16, `1,000 handles are ${held} bytes`);
  b.touch(world.map(b, vmo), P, Access.READ);
  const [, mapped] = await kernel() as [number, number];
  t.ok(mapped >= 4 * P, `four page tables and more: ${mapped} bytes`);
  const classic = await world.tables('classic');
  t.equal(classic.tasks.kernelBytes, undefined);
});

t.test('limitation 4: clean pages of a clone are charged to the parent under classic',
  async (t) => {
  const world = new World();
  const [a, b] = [world.process('a'), world.process('b')];
  const parent = world.vmo(10);
  const clone = parent.createChild(VmoChild.SNAPSHOT, 0, 10 * P);
  world.map(a, parent);
  b.touch(world.map(b, clone), 3 * P, Access.WRITE);
  t.strictSame(await world.pages('classic', a, b), [
    { pss: 10, own: 10, shared: 0 }, { pss: 3, own: 3, shared: 0 },
  ], 'clean pages count towards private of the parent, and not for the clone');
  t.strictSame(await world.pages('exact', a, b), [
    { pss: 6.5, own: 3, shared: 7 }, { pss: 6.5, own: 3, shared: 7 },
  ]);
  parent.close();
  a.kill();
  t.strictSame(await world.pages('classic', b), [{ pss: 10, own: 10, shared: 0 }], 'the heir pays');
});

t.test('a process that maps parent and clones reaches each page once under exact', async (t) => {
  const world = new World();
  const [a, b] = [world.process('a'), world.process('b')];
  const parent = world.vmo(100, VmoOption.RESIZABLE);
  const clone = parent.createChild(VmoChild.SNAPSHOT, 10 * P, 80 * P);
  const second = clone.createChild(VmoChild.SNAPSHOT, 5 * P, 100 * P);
  world.map(a, parent);
  world.map(a, clone);
  world.map(a, second);
  t.strictSame(await world.pages('exact', a), [{ pss: 100, own: 100, shared: 0 }]);
  clone.write(0, new Uint8Array(4 * P));
  parent.write(50 * P, new Uint8Array(P));
  t.strictSame(await world.pages('exact', a), [{ pss: 105, own: 105, shared: 0 }]);
  world.map(b, second, 0, 10);
  t.strictSame(await world.pages('exact', a, b), [
    { pss: 100, own: 95, shared: 10 }, { pss: 5, own: 0, shared: 10 },
  ]);
});

t.test('a private copy of a file shows the file where it was not written, under exact',
  async (t) => {
  const world = new World();
  const [a, b, c] = [world.process('a'), world.process('b'), world.process('c')];
  const file = world.system.createFileVmo(64 * P);
  file.opRange(VmoOp.COMMIT, 0, 40 * P);
  const copy = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 64 * P);
  const other = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 8 * P, 16 * P);
  world.map(a, copy);
  world.map(b, other);
  world.map(c, file, 0, 8);
  copy.write(0, new Uint8Array(2 * P));
  copy.write(50 * P, new Uint8Array(P));
  other.write(0, new Uint8Array(P));
  t.strictSame(await world.pages('exact', a, b, c), [
    { pss: 3 + 6 / 2 + 1 + 15 / 2 + 16, own: 3 + 1 + 16, shared: 6 + 15 },
    { pss: 1 + 15 / 2, own: 1, shared: 15 },
    { pss: 2 + 6 / 2, own: 2, shared: 6 },
  ]);
  t.strictSame(await world.pages('classic', a, b, c), [
    { pss: 3, own: 3, shared: 0 }, { pss: 1, own: 1, shared: 0 }, { pss: 8, own: 8, shared: 0 },
  ], 'a clone pays for what it wrote alone');
  copy.opRange(VmoOp.ZERO, 10 * P, 4 * P);
  t.strictSame(await world.pages('exact', b), [{ pss: 1 + 4 + 11 / 2, own: 5, shared: 11 }]);
  const chain = copy.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 64 * P);
  a.kill();
  b.kill();
  world.map(c, chain);
  t.strictSame(await world.pages('exact', c), [{ pss: 39, own: 39, shared: 0 }],
    '36 of the file and 3 of the copy through two clones; 2 are hidden, but mapped directly too');
});

t.test('slices mapped in two processes are one set of pages', async (t) => {
  const world = new World();
  const [a, b] = [world.process('a'), world.process('b')];
  const vmo = world.vmo(32);
  const slice = vmo.createChild(VmoChild.SLICE, 8 * P, 16 * P);
  const inner = slice.createChild(VmoChild.SLICE, 4 * P, 4 * P);
  const reference = vmo.createChild(VmoChild.REFERENCE);
  world.map(a, slice);
  world.map(b, inner);
  t.strictSame(await world.pages('exact', a, b), [
    { pss: 14, own: 12, shared: 4 }, { pss: 2, own: 0, shared: 4 },
  ]);
  const nothing = { pss: 0, own: 0, shared: 0 };
  t.strictSame(await world.pages('classic', a, b), [nothing, nothing],
    'slices are charged nothing');
  world.map(b, reference, 8, 1);
  t.strictSame(await world.pages('exact', a, b), [
    { pss: 13.5, own: 11, shared: 5 }, { pss: 2.5, own: 0, shared: 5 },
  ]);
  const attributed = await world.tables('attributed');
  t.strictSame(vmoPages(attributed, vmo), { pss: 32, own: 32, shared: 32 });
  for (const window of [slice, inner, reference]) {
    t.strictSame(vmoPages(attributed, window), { pss: 0, own: 0, shared: 0 });
  }
  vmo.close();
  t.strictSame(await world.pages('exact', a), [{ pss: 13.5, own: 11, shared: 5 }],
    'orphans are reached');
});

t.test('a mapping past the end of its VMO reaches what is there', async (t) => {
  const world = new World();
  const [a, b] = [world.process('a'), world.process('b')];
  const vmo = world.vmo(6, VmoOption.RESIZABLE);
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 4 * P, 40 * P);
  const slice = clone.createChild(VmoChild.SLICE, 0, P);
  const address = world.map(a, vmo, 2, 100);
  world.map(b, clone, 0, 50);
  world.map(b, slice, 0, 7);
  t.throws(() => a.touch(address + BigInt(4 * P), P, Access.READ), 'the VMO ends there');
  t.strictSame(await world.pages('exact', a, b), [
    { pss: 3, own: 2, shared: 2 }, { pss: 1, own: 0, shared: 2 },
  ]);
  const { tasks } = await world.tables('classic');
  t.equal(tasks.mappedBytes[tasks.koid.indexOf(b.koid)], 57 * P, 'its length is its length');
  vmo.setSize(3 * P);
  t.strictSame(await world.pages('exact', a, b), [
    { pss: 1, own: 1, shared: 0 }, { pss: 2, own: 2, shared: 0 },
  ]);
  vmo.setSize(0);
  t.strictSame(await world.pages('exact', a), [{ pss: 0, own: 0, shared: 0 }]);
});

t.test('device memory costs nobody anything', async (t) => {
  const world = new World();
  const a = world.process('a');
  const before = world.system.core.freePages;
  const device = world.system.createPhysicalVmo(0xfee00000, 64 * P);
  const slice = device.createChild(VmoChild.SLICE, 0, 8 * P);
  a.touch(world.map(a, device), 64 * P, Access.WRITE);
  world.map(a, slice);
  a.insertHandle(device.duplicate());
  const pin = device.pin(0, 4 * P);
  for (const [policy, reach] of POLICIES) {
    const { tasks, vmos, kmem } = await world.tables(policy, reach);
    const row = tasks.koid.indexOf(a.koid);
    t.equal(unitsAt(tasks.pss, row), 0n, policy);
    t.equal(tasks.privateBytes[row], 0);
    t.equal(tasks.sharedBytes[row], 0);
    t.equal(tasks.mappedBytes[row], 72 * P);
    t.equal(vmos.committedBytes[vmos.koid.indexOf(device.koid)], 0);
    t.equal(kmem.vmoBytes, 0);
  }
  pin.unpin();
  a.kill();
  device.close();
  slice.close();
  t.equal(world.system.core.freePages, before);
});

t.test('share counts: 1 below two mappings, address spaces up to 64, an estimate above',
  async (t) => {
  const world = new World();
  const vmo = world.vmo(64);
  const shares = async (): Promise<number> => {
    const { vmos } = await world.tables('classic');
    return vmos.shareCount[vmos.koid.indexOf(vmo.koid)] as number;
  };
  t.equal(await shares(), 1, 'nobody maps it');
  const first = world.process('first');
  world.map(first, vmo);
  t.equal(await shares(), 1);
  for (let i = 0; i < 36; i++) world.map(first, vmo, 0, 1);
  t.equal(await shares(), 1, 'one address space, however many mappings');
  const others = Array.from({ length: 63 }, (_, i) => world.process(`other ${i}`));
  for (const process of others) world.map(process, vmo, 0, 1);
  t.equal(await shares(), 64);
  const [shown] = await world.pages('classic', others[0] as Process);
  t.strictSame(shown, { pss: 64 / P, own: 0, shared: 1 });
  const next = world.process('next');
  world.map(next, vmo, 0, 1);
  t.equal(await shares(), 64, '64 of 100 mappings looked at, one left: 64 + 1 * 64 div 100');
  for (let i = 0; i < 35; i++) world.map(world.process(), vmo, 0, 1);
  t.equal(await shares(), 64 + Math.floor((36 * 64) / 100));
  t.strictSame(await world.pages('exact', next), [{ pss: 1 / 100, own: 0, shared: 1 }],
    'there are 100');
});

t.test('ranges of permissions are rows of one mapping, divided as one', async (t) => {
  const world = new World();
  const [a, b, c] = [world.process('a'), world.process('b'), world.process('c')];
  const vmo = world.vmo(7);
  const address = world.map(a, vmo);
  world.map(b, vmo);
  world.map(c, vmo);
  a.rootVmar.protect(VmOption.PERM_READ, address + BigInt(2 * P), 2 * P);
  const { tasks, maps, mapsStart } = await world.tables('classic');
  const row = tasks.koid.indexOf(a.koid);
  t.equal(tasks.pss.bytes[row], BigInt(Math.floor((7 * P) / 3)));
  const from = mapsStart[row] as number;
  const bytes = [...maps.committedBytes.subarray(from, mapsStart[row + 1])];
  const ranges = bytes.filter((count) => count > 0);
  t.strictSame(ranges, [2 * P, 2 * P, 3 * P]);
});

t.test('nothing at all is fine too', async (t) => {
  const world = new World();
  for (const [policy, reach] of POLICIES) {
    const { tasks, maps, vmos, vmoRefs } = await world.tables(policy, reach);
    t.strictSame([tasks.count, maps.count, vmos.count, vmoRefs.count], [1, 0, 0, 0]);
  }
  const process = world.process();
  world.map(process, world.system.createVmo(0), 0, 1);
  world.map(process, world.system.createVmo(2n ** 63n), 0, 1);
  for (const [policy, reach] of POLICIES) {
    const tables = await world.system.account({ policy, reach });
    t.equal(tables.tasks.count, 2);
    t.equal(tables.tasks.privateBytes[1], 0);
  }
});
