/**
 * The memory page's beginning: the three ways in which a process uses memory, and over-commit.
 */
import t from 'tap';
import { Access, Topic, System, VmOption } from '../../src/index.js';
import { statusOf } from '../objects/support.js';
import { KIB, look, map, mapNew, MIB, PAGE, READ_WRITE } from './support.js';

t.test('mapped memory: heap, stacks, code and data are VMOs that VMARs refer to', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const heap = mapNew(on, process, 'heap', 2 * MIB, 76 * KIB);
  const stack = on.system.createVmo(256 * KIB, 0, { name: 'stack' });
  const around = process.rootVmar.allocate(
    VmOption.CAN_MAP_READ | VmOption.CAN_MAP_WRITE | VmOption.CAN_MAP_SPECIFIC, 0, 260 * KIB);
  const stackAt = around.map(READ_WRITE | VmOption.SPECIFIC, PAGE, stack, 0, 256 * KIB);
  process.touch(stackAt + 252n * 1024n, PAGE, Access.WRITE);
  const file = on.system.createVmo(8 * KIB, 0, { name: 'program' });
  file.write(0, Uint8Array.of(7));
  map(process, file.replaceAsExecutable(), VmOption.PERM_READ | VmOption.PERM_EXECUTE);

  const regions = (await on.rows(`vmaps ${process.koid}`)).filter(({ type }) => type === 'mapping');
  t.strictSame(
    regions.map(({ name, perms, committed_bytes: bytes }) => [name, perms, bytes]).sort(),
    [['heap', 'rw-', 76 * KIB], ['program', 'r-x', PAGE], ['stack', 'rw-', PAGE]]);
  t.match(await on.ps(process), { private_bytes: (76 + 4 + 4) * KIB });

  process.write(heap.address + 100n, Uint8Array.of(1, 2, 3));
  t.strictSame([...process.read(heap.address + 100n, 3)], [1, 2, 3], 'used by addresses');
  const { koid } = heap.vmo;
  const exists = async (): Promise<boolean> =>
    (await on.rows('zx vmos all')).some((row) => row['koid'] === koid);
  heap.vmo.close();
  t.ok(await exists(), 'the region\'s reference keeps it');
  process.rootVmar.unmap(heap.address, 2 * MIB);
  t.notOk(await exists(), 'and is the last one');
});

t.test('stand-alone VMOs: no region has them, they are read and written by handle', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const before = on.system.kernelMemory();
  const vmo = on.system.createVmo(MIB, 0, { name: 'store' });
  vmo.write(10 * KIB, new Uint8Array(6 * KIB).fill(9));
  t.strictSame(vmo.read(10 * KIB, 6 * KIB), new Uint8Array(6 * KIB).fill(9));
  const koid = vmo.koid;
  process.insertHandle(vmo);
  t.equal((await on.rows(`vmaps ${process.koid}`)).length, 2, 'the address space is empty');
  t.match(await on.ps(process), { private_bytes: 0, shared_bytes: 0, pss_bytes: 0 });
  t.match(await on.rows(`vmos ${process.koid}`),
    [{ koid, num_mappings: 0, size_bytes: MIB, committed_bytes: 8 * KIB }]);
  t.equal(on.system.kernelMemory().vmoBytes - before.vmoBytes, 8 * KIB, 'there are two pages');
});

t.test('kernel memory: what handles and the objects behind them take', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const kernelOf = async (): Promise<number> =>
    Number((await on.ps(process, '--policy exact'))['kernel_bytes']);
  const heapUsed = (): number => {
    const { totalHeapBytes, freeHeapBytes } = on.system.kernelMemory();
    return totalHeapBytes - freeHeapBytes;
  };
  // The kernel's image brings 64 KiB of heap that no page stands for: use those up first.
  const first = 4_000;
  for (let i = 0; i < first; i++) process.createEvent();
  const [kernelBefore, heapBefore] = [await kernelOf(), heapUsed()];
  const count = 10_000;
  for (let i = 0; i < count; i++) process.createEvent();
  const grown = await kernelOf() - kernelBefore;
  t.ok(grown >= count * 32, `${grown} bytes, at least 32 for each handle`);
  t.equal(heapUsed() - heapBefore, grown, 'they are the kernel\'s heap\'s');
  t.match(await on.ps(process), { pss_bytes: 0 }, 'and no mapped memory');
  const handles = first + count;
  t.match(await on.rows('zx ps'), [{ koid: process.koid, handles, events: handles }]);
});

t.test('over-commit: more can be had than there is', async (t) => {
  const on = look(System.boot({ memoryBytes: 64 * MIB }));
  const process = on.system.rootJob.createProcess('p');
  const before = on.system.kernelMemory().freeBytes;
  const addresses = Array.from({ length: 64 },
    (_, i) => mapNew(on, process, `sparse ${i}`, 1024 * MIB, 0).address);
  const tasks = process.getInfo(Topic.TASK_STATS);
  t.equal(tasks.memMappedBytes, 64 * 1024 * MIB, '64 GiB in a machine of 64 MiB');
  const { freeBytes, vmoBytes } = on.system.kernelMemory();
  t.equal(vmoBytes, 0);
  t.ok(before - freeBytes < MIB, 'records alone');
  t.equal(statusOf(() => process.touch(addresses[0]!, 64 * MIB, Access.WRITE)),
    'ZX_ERR_NO_MEMORY', 'it shows only when it is used');
});

t.test('pages are allocated as they are written, one by one', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const { vmo, address } = mapNew(on, process, 'heap', MIB, 0);
  const committed = async (): Promise<[mapped: number, vmo: number, all: number]> => {
    const [, , row] = await on.rows(`vmaps ${process.koid}`);
    const { committedBytes } = vmo.getInfo(Topic.VMO);
    return [Number(row?.['committed_bytes']), Number(committedBytes),
      on.system.kernelMemory().vmoBytes];
  };
  t.strictSame(await committed(), [0, 0, 0]);
  process.touch(address, MIB, Access.READ);
  t.strictSame([...process.read(address, 4)], [0, 0, 0, 0]);
  t.strictSame(await committed(), [0, 0, 0], 'reading zeros takes none');
  for (const [at, pages] of [[5, 1], [5, 1], [200, 2], [4095, 3]] as const) {
    process.write(address + BigInt(at * PAGE / 16), Uint8Array.of(1));
    t.strictSame(await committed(), [pages * PAGE, pages * PAGE, pages * PAGE], `${at}`);
  }
  process.write(address + BigInt(100 * PAGE - 1), Uint8Array.of(1, 1));
  t.strictSame((await committed())[0], 5 * PAGE, 'two, where it lies across');
});
