/**
 * Jobs, processes, handles, and the walks over them.
 */
import t from 'tap';
import { Topic, VmoInfoFlag } from '../../src/objects/info.js';
import { DefaultRights, Right, SAME_RIGHTS } from '../../src/objects/rights.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild } from '../../src/objects/vmo-options.js';
import {
  mappingWindow, vmoHandles, vmoWindow, walkAspace, walkMappings, walkProcesses, walkTasks,
} from '../../src/objects/walk.js';
import { KernelSystem } from '../../src/objects/system.js';
import * as api from '../support/api.js';
import { makeProcess, makeSystem, P, refused, statusOf, word } from './support.js';

const RW = VmOption.PERM_READ | VmOption.PERM_WRITE;

t.test('handles: duplicate, replace, close (10.5)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(P);
  const same = vmo.duplicate();
  t.equal(same.rights, vmo.rights);
  t.equal(same.koid, vmo.koid);
  const less = vmo.duplicate(Right.READ);
  t.equal(less.rights, Right.READ);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => less.duplicate(), 'no DUPLICATE');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.duplicate(vmo.rights | Right.EXECUTE), 'more');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => less.replace(Right.WRITE), 'replace with more');
  const replaced = same.replace(Right.READ | Right.WRITE);
  t.notOk(same.isOpen);
  t.equal(statusOf(() => same.getSize()), 'ZX_ERR_BAD_HANDLE');
  t.equal(replaced.replace(SAME_RIGHTS).rights, Right.READ | Right.WRITE);
  t.equal(vmo.getInfo(Topic.HANDLE_COUNT), 3);
  t.strictSame({ ...vmo.getInfo(Topic.HANDLE_BASIC) },
    { koid: vmo.koid, rights: vmo.rights, type: 3, relatedKoid: 0 });
  const runs = vmo.replaceAsExecutable();
  t.equal(runs.rights, DefaultRights.VMO | Right.EXECUTE);
  t.equal(statusOf(() => vmo.close()), 'ZX_ERR_BAD_HANDLE');
});

t.test('what calls take and answer has its names in the package', async (t) => {
  t.strictSame([api.SAME_RIGHTS, api.KillCode.SYSCALL, api.KillCode.OOM, api.KillCode.POLICY],
    [0x80000000, -1024, -1025, -1026]);
});

t.test('a VMO dies with its last handle or mapping', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(P);
  const address = process.rootVmar.map(RW, 0, vmo, 0, P);
  process.write(address, word(1));
  vmo.close();
  t.equal(s.vmos.size, 1, 'the mapping keeps it');
  t.equal(process.read(address, 1)[0], 1);
  process.rootVmar.unmap(address, P);
  t.equal(s.vmos.size, 0);
  t.equal(s.core.pagesInState(4), 0);
});

t.test('a process\'s table: order, values, transfer', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(P, 0, { name: 'held' });
  const other = s.rootJob.createProcess('q');
  const first = process.insertHandle(vmo.duplicate());
  const second = process.insertHandle(vmo.duplicate(Right.TRANSFER | Right.DUPLICATE));
  t.ok(first !== second && (first & 3) === 3 && (second & 3) === 3);
  const [a, b] = process.handles();
  t.equal(a!.value, first);
  const copy = a!.duplicate();
  t.equal(copy.owner, process.object, 'a duplicate has the same owner');
  t.equal(process.handles().length, 3);
  other.insertHandle(b!);
  t.strictSame(process.handles().map((h) => h.value), [first, copy.value]);
  t.equal(b!.owner, other.object);
  const fixed = vmo.duplicate(Right.READ);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => process.insertHandle(fixed), 'no TRANSFER');
  const vmos = process.getInfo(Topic.PROCESS_VMOS);
  t.equal(vmos.length, 2);
  t.ok(vmos[0]!.flags & VmoInfoFlag.VIA_HANDLE);
  vmo.close();
  fixed.close();
  other.kill();
  process.exit(3);
  t.equal(s.vmos.size, 0, 'a dead process holds nothing');
  t.strictSame(process.getInfo(Topic.PROCESS), { returnCode: 3, exited: true });
  for (const topic of [Topic.PROCESS_MAPS, Topic.PROCESS_VMOS, Topic.TASK_STATS]) {
    refused(t, s, 'ZX_ERR_BAD_STATE', () => process.getInfo(topic), `topic ${topic}`);
  }
  refused(t, s, 'ZX_ERR_BAD_STATE', () => process.touch(0, 1, 1), 'touch');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => process.exit(), 'exit');
  process.kill();
});

t.test('a dying process gives everything back', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(64 * P);
  const vmar = process.rootVmar.allocate(
    VmOption.CAN_MAP_READ | VmOption.CAN_MAP_WRITE, 0, 64 * P);
  const address = vmar.map(RW, 0, vmo, 0, 64 * P);
  process.touch(address, 64 * P, Access.WRITE);
  vmo.close();
  process.kill();
  t.equal(s.core.freePages, 4096);
  t.equal(s.vmos.size + s.trees.size, 0);
  t.equal(statusOf(() => vmar.map(RW, 0, s.createVmo(P), 0, P)), 'ZX_ERR_BAD_STATE');
});

t.test('jobs: depth, death, order of the walk (10.2)', async (t) => {
  const s = makeSystem(64, { rootJobKoid: 1028 });
  const a = s.rootJob.createJob('a');
  const b = s.rootJob.createJob('b');
  const p = s.rootJob.createProcess('p');
  const q = b.createProcess('q');
  a.createJob('c').createProcess('r', { koid: 77 });
  const names = [...walkTasks(s.rootJob.object)].map((r) => [r.task.name, r.depth, r.parentKoid]);
  t.strictSame(names, [
    ['root', 0, 0], ['p', 1, 1028], ['a', 1, 1028], ['c', 2, a.koid],
    ['r', 3, [...a.object.jobs][0]!.koid],
    ['b', 1, 1028], ['q', 2, b.koid],
  ]);
  t.strictSame([...walkProcesses(s.rootJob.object)].map((x) => x.name), ['p', 'r', 'q']);
  t.strictSame(s.rootJob.getInfo(Topic.JOB_CHILDREN), [a.koid, b.koid]);
  t.strictSame(s.rootJob.getInfo(Topic.JOB_PROCESSES), [p.koid]);
  a.kill();
  t.strictSame(s.rootJob.getInfo(Topic.JOB_CHILDREN), [b.koid]);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => a.createJob(), 'a dead job');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => a.createProcess(), 'a dead job');
  b.close();
  t.strictSame(s.rootJob.getInfo(Topic.JOB_CHILDREN), [b.koid], 'its process keeps it');
  q.kill();
  t.strictSame(s.rootJob.getInfo(Topic.JOB_CHILDREN), []);
  let deep = s.rootJob.createJob();
  for (let i = 1; i < 32; i++) deep = deep.createJob();
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => deep.createJob(), 'too deep');
  const poor = s.rootJob.duplicate(Right.INSPECT);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.createJob(), 'MANAGE_JOB');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.createProcess(), 'MANAGE_PROCESS');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.kill(), 'DESTROY');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.getInfo(Topic.JOB_CHILDREN), 'ENUMERATE');
  s.rootJob.kill();
  t.strictSame([...walkTasks(s.rootJob.object)].length, 1, 'the root job stays');
});

t.test('PROCESS_MAPS and the walks agree (11.2)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(8 * P, 0, { name: 'heap' });
  const slice = vmo.createChild(VmoChild.SLICE, 4 * P, 2 * P);
  const address = process.rootVmar.map(RW, 0, vmo, P, 4 * P);
  process.rootVmar.allocate(VmOption.CAN_MAP_READ, 0, P);
  process.rootVmar.map(RW, 0, slice, P, 3 * P);
  process.rootVmar.protect(1, address + BigInt(P), P);
  process.touch(address, P, Access.WRITE);
  const maps = process.getInfo(Topic.PROCESS_MAPS);
  t.strictSame(maps.map((r) => [r.type, r.depth, r.name, Number(r.size) / P, r.perms]), [
    [1, 0, `proc:${process.koid}`, Number(process.rootVmar.size) / P, 0],
    [2, 1, 'root', Number(process.rootVmar.size) / P, 0],
    [3, 2, 'heap', 1, 3], [3, 2, 'heap', 1, 1], [3, 2, 'heap', 2, 3],
    [2, 2, 'useralloc', 1, 0], [3, 2, 'heap', 3, 3],
  ]);
  t.equal(maps[2]!.committedBytes, P);
  t.equal(maps[3]!.vmoOffsetBytes, BigInt(2 * P));
  const mappings = [...walkMappings(process.object.aspace)];
  t.equal(mappings.length, 2);
  t.equal(mappings[0]!.pieces.filter(({ ref }) => ref !== 0).length, 3);
  const window = mappingWindow(mappings[1]!);
  t.match(window, { offsetPages: 5, pages: 1, ref: vmo.object.tree.ref });
  t.match(vmoWindow(slice.object), { offsetPages: 4, pages: 2 });
  t.equal([...walkAspace(process.object.aspace, 'x')].length, maps.length);
  t.strictSame([...s.vmos].map((v) => v.koid), [vmo.koid, slice.koid]);
  t.equal(s.trees.size, 1);
  process.insertHandle(slice);
  t.equal([...vmoHandles(process.object)][0]!.koid, slice.koid);
  t.match(process.getInfo(Topic.TASK_STATS), {
    memMappedBytes: 7 * P, memPrivateBytes: P, memSharedBytes: 0, memScaledSharedBytes: 0,
  });
});

t.test('kernel memory is what the builder said and the core counts (6.5)', async (t) => {
  const { system: s, process } = makeProcess(1024);
  s.addKernelUse({
    wiredPages: 10, heapPages: 20, ipcPages: 3, otherPages: 4, freeHeapBytes: 5000, mmuPages: 6,
  });
  const vmo = s.createVmo(8 * P);
  process.touch(process.rootVmar.map(RW, 0, vmo, 0, 8 * P), 8 * P, Access.WRITE);
  const k = s.rootJob.getInfo(Topic.KMEM_STATS);
  t.equal(k.totalBytes, 1024 * P);
  t.match(k, {
    wiredBytes: 10 * P, totalHeapBytes: 20 * P, freeHeapBytes: 5000, vmoBytes: 8 * P,
    ipcBytes: 3 * P, otherBytes: 4 * P, mmuOverheadBytes: 10 * P,
  });
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => s.addKernelUse({ wiredPages: 2000 }), 'too much');
  t.equal(statusOf(() => KernelSystem.createCore({ physicalPages: 1e6, hostBytesMax: 1e6 })),
    'ZX_ERR_NO_MEMORY');
});
