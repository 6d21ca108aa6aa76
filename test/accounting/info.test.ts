/**
 * What `getInfo` says of VMOs and processes is what sections 4 and 11 of the semantics say, to the
 * fraction of a byte, and what an accounting pass says.
 */
import t from 'tap';
import { ownerFigures } from '../../src/accounting/figures.js';
import {
  Access, type AccountTables, type Process, Right, type System, Topic, VmoChild, VmoInfoFlag,
  VmoOp, VmoOption, newSystem,
} from '../support/api.js';

const P = 4096;
const RW = Access.READ | Access.WRITE;
const { SNAPSHOT, SLICE, REFERENCE } = VmoChild;
const stats = (process: Process) => process.getInfo(Topic.TASK_STATS);
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1);
const scaledShared = (...processes: Process[]): number[] =>
  processes.map((process) => stats(process).memScaledSharedBytes);

/** PSS of processes as a pass finds it. */
const pssOf = (tables: AccountTables, ...processes: Process[]): bigint[] =>
  processes.map(({ koid }) => tables.tasks.pss.bytes[tables.tasks.koid.indexOf(koid)] as bigint);

/** Three processes, and a VMO of one page with a snapshot of it. */
const makeForked = () => {
  const system = newSystem(1000);
  const [p1, p2, p3] = ['p1', 'p2', 'p3'].map((name) => system.rootJob.createProcess(name)) as
    [Process, Process, Process];
  const parent = system.createVmo(P);
  parent.write(0, bytes(P));
  const child = parent.createChild(SNAPSHOT, 0, P);
  return { system, p1, p2, p3, parent, child };
};

t.test('RFC-0254: P in p1, C in p2 and p3 share a page 1/2, 1/4, 1/4', async (t) => {
  const { system, p1, p2, p3, parent, child } = makeForked();
  p1.rootVmar.map(RW, 0, parent, 0, P);
  p2.rootVmar.map(RW, 0, child, 0, P);
  p3.rootVmar.map(RW, 0, child, 0, P);
  t.strictSame(scaledShared(p1, p2, p3), [P / 2, P / 4, P / 4]);
  t.match(stats(p1), { memMappedBytes: P, memPrivateBytes: 0, memSharedBytes: P });
  t.match(stats(p2), { memMappedBytes: P, memPrivateBytes: 0, memSharedBytes: P });
  const tables = await system.account({ policy: 'attributed' });
  t.strictSame(pssOf(tables, p1, p2, p3), [2048n, 1024n, 1024n]);
});

t.test('RFC-0254: P in p1, C in p1 and p2 share a page 3/4, 1/4', async (t) => {
  const { system, p1, p2, parent, child } = makeForked();
  p1.rootVmar.map(RW, 0, parent, 0, P);
  p1.rootVmar.map(RW, 0, child, 0, P);
  p2.rootVmar.map(RW, 0, child, 0, P);
  t.strictSame(scaledShared(p1, p2), [(P * 3) / 4, P / 4]);
  t.match(stats(p1), { memMappedBytes: 2 * P, memPrivateBytes: 0, memSharedBytes: 2 * P });
  const tables = await system.account({ policy: 'attributed' });
  t.strictSame(pssOf(tables, p1, p2), [3072n, 1024n]);
});

t.test('a third of a page is 1365 bytes and a third (4.1)', async (t) => {
  const { parent, child } = makeForked();
  const third = child.createChild(SNAPSHOT, 0, P);
  for (const vmo of [parent, child, third]) {
    t.match(vmo.getInfo(Topic.VMO), {
      committedBytes: P, populatedBytes: P, committedPrivateBytes: 0, populatedPrivateBytes: 0,
      committedScaledBytes: 1365, populatedScaledBytes: 1365,
      committedFractionalScaledBytes: 0x2aaaaaaaaaaaaaaan,
      populatedFractionalScaledBytes: 0x2aaaaaaaaaaaaaaan,
    });
  }
  third.write(0, bytes(1));
  t.match(third.getInfo(Topic.VMO), { committedPrivateBytes: P, committedScaledBytes: P });
  t.match(parent.getInfo(Topic.VMO), { committedPrivateBytes: 0, committedScaledBytes: P / 2 });
});

t.test('fractions of a process add up over its mappings', async (t) => {
  const { p1, parent, child } = makeForked();
  child.createChild(SNAPSHOT, 0, P);
  for (let i = 0; i < 2; i++) p1.rootVmar.map(RW, 0, parent, 0, P);
  p1.rootVmar.map(RW, 0, child, 0, P);
  const { memScaledSharedBytes, memFractionalScaledSharedBytes, memSharedBytes } = stats(p1);
  t.equal(memSharedBytes, 3 * P, 'mapped twice counts twice');
  t.equal(memScaledSharedBytes, 4095);
  t.equal(memFractionalScaledSharedBytes, 3n * 0x2aaaaaaaaaaaaaaan);
});

t.test('only mappings cost a process anything, and only as much as they map (11.1)', async (t) => {
  const system = newSystem(1000);
  const process = system.rootJob.createProcess('p');
  const held = system.createVmo(4 * P);
  held.write(0, bytes(4 * P));
  process.insertHandle(held);
  t.match(stats(process), {
    memMappedBytes: 0, memPrivateBytes: 0, memSharedBytes: 0, memScaledSharedBytes: 0,
  });
  const vmo = system.createVmo(4 * P);
  vmo.write(0, bytes(3 * P));
  process.rootVmar.map(RW, 0, vmo, P, 8 * P);
  t.match(stats(process), { memMappedBytes: 8 * P, memPrivateBytes: 2 * P, memSharedBytes: 0 });
  process.kill();
  for (const topic of [Topic.TASK_STATS, Topic.PROCESS_MAPS, Topic.PROCESS_VMOS]) {
    t.throws(() => process.getInfo(topic), /^ZX_ERR_BAD_STATE/, `${topic} of a dead process`);
  }
});

t.test('PROCESS_MAPS: every field of each range (11.2)', async (t) => {
  const { p1, p2, parent, child } = makeForked();
  parent.setName('heap');
  const address = p1.rootVmar.map(RW, 0, parent, 0, P);
  p2.rootVmar.map(Access.READ, 0, parent, 0, P);
  const [aspace, root, mapping] = p1.getInfo(Topic.PROCESS_MAPS);
  t.match(aspace, { type: 1, depth: 0, name: `proc:${p1.koid}`, committedBytes: 0, vmoKoid: 0 });
  t.match(root, { type: 2, depth: 1, name: 'root', perms: 0 });
  t.strictSame(mapping, {
    type: 3, depth: 2, name: 'heap', base: address, size: BigInt(P), perms: RW,
    vmoKoid: parent.koid, vmoOffsetBytes: 0n, committedBytes: P, populatedBytes: P,
    committedPrivateBytes: 0, populatedPrivateBytes: 0, committedScaledBytes: P / 2,
    populatedScaledBytes: P / 2, committedFractionalScaledBytes: 0n,
    populatedFractionalScaledBytes: 0n,
  }, 'the share is the VMO\'s, however many address spaces map it');
  child.close();
  t.match(p1.getInfo(Topic.PROCESS_MAPS)[2], { committedPrivateBytes: P, committedScaledBytes: P });
});

t.test('PROCESS_VMOS: handles in table order, repeated, then mappings (11.3)', async (t) => {
  const { p1, parent, child } = makeForked();
  const { parent: a, child: b } = { parent: parent.duplicate(), child: child.duplicate() };
  p1.insertHandle(b);
  p1.insertHandle(a);
  p1.insertHandle(child.duplicate(child.rights & ~Right.READ));
  p1.rootVmar.map(RW, 0, parent, 0, P);
  const found = p1.getInfo(Topic.PROCESS_VMOS);
  const via = VmoInfoFlag.VIA_HANDLE;
  t.strictSame(found.map((v) => [v.koid, v.handleRights, (v.flags & via) !== 0]), [
    [child.koid, child.rights, true], [parent.koid, parent.rights, true],
    [child.koid, child.rights & ~Right.READ, true], [parent.koid, 0, false],
  ]);
  t.ok((found[3]!.flags & VmoInfoFlag.VIA_MAPPING) !== 0);
  t.ok(found.every((v) => v.committedScaledBytes === P / 2 && v.committedBytes === P));
});

t.test('slices and references are charged nothing, and an owner can be asked (4.3)', async (t) => {
  const system = newSystem(1000);
  const vmo = system.createVmo(4 * P);
  vmo.write(0, bytes(4 * P));
  const slice = vmo.createChild(SLICE, P, 2 * P);
  const reference = vmo.createChild(REFERENCE);
  const child = vmo.createChild(SNAPSHOT, 0, 4 * P);
  child.write(0, bytes(1));
  for (const window of [slice, reference]) {
    t.match(window.getInfo(Topic.VMO), {
      committedBytes: 0, populatedBytes: 0, committedPrivateBytes: 0, committedScaledBytes: 0,
      metadataBytes: 0,
    });
  }
  const asked = {
    committedBytes: 4 * P, committedPrivateBytes: P, committedScaledBytes: P + (3 * P) / 2,
  };
  t.match(vmo.getInfo(Topic.VMO), asked);
  t.match(ownerFigures(system, reference.object), asked);
  child.close();
  vmo.close();
  t.equal(reference.getInfo(Topic.VMO).committedBytes, 0, 'nobody is charged for what is left');
  t.equal(system.kernelMemory().vmoBytes, 4 * P, 'though it lives');
  t.match(ownerFigures(system, reference.object), { committedPrivateBytes: 4 * P });
});

t.test('metadata is 0 until the first page (4.4)', async (t) => {
  const system = newSystem(1000);
  const vmo = system.createVmo(100 * P, VmoOption.RESIZABLE);
  t.equal(vmo.getInfo(Topic.VMO).metadataBytes, 0);
  vmo.write(99 * P, bytes(1));
  const { metadataBytes } = vmo.getInfo(Topic.VMO);
  t.ok(metadataBytes > 0);
  const { vmos } = await system.account({ policy: 'attributed' });
  t.equal(vmos.metadataBytes[vmos.koid.indexOf(vmo.koid)], metadataBytes, 'a pass says the same');
});

t.test('while a pass runs the figures are the same', async (t) => {
  const { system, p1, parent, child } = makeForked();
  const third = child.createChild(SNAPSHOT, 0, P);
  const wide = system.createVmo(100 * P);
  wide.write(P, bytes(50 * P));
  wide.opRange(VmoOp.ZERO, 10 * P, 5 * P);
  const copy = wide.createChild(SNAPSHOT, 5 * P, 80 * P);
  copy.write(0, bytes(3 * P));
  const file = system.createFileVmo(8 * P);
  file.write(0, bytes(8 * P));
  const live = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 8 * P);
  live.write(P, bytes(1));
  live.opRange(VmoOp.ZERO, 2 * P, 2 * P);
  const slice = wide.createChild(SLICE, 0, P);
  const held = [parent, child, third, wide, copy, file, live, slice];
  for (const vmo of held) p1.rootVmar.map(RW, 0, vmo, 0, P);
  const look = (): unknown => [
    stats(p1), p1.getInfo(Topic.PROCESS_MAPS), held.map((vmo) => vmo.getInfo(Topic.VMO)),
  ];
  const before = look();
  const pass = system.account({ policy: 'exact' });
  t.ok(system.busy);
  t.strictSame(look(), before);
  await pass;
  t.strictSame(look(), before);
});

t.test('looking changes nothing', async (t) => {
  const { system, p1, parent } = makeForked();
  p1.rootVmar.map(RW, 0, parent, 0, P);
  p1.insertHandle(parent.duplicate());
  const state = (from: System): unknown => [from.core.digest(), from.core.freePages];
  const before = state(system);
  for (const topic of [Topic.TASK_STATS, Topic.PROCESS_MAPS, Topic.PROCESS_VMOS]) p1.getInfo(topic);
  parent.getInfo(Topic.VMO);
  t.strictSame(state(system), before);
  t.strictSame(system.core.audit(), []);
});
