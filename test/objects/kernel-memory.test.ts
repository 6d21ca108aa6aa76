/**
 * The kernel's own memory: what objects and handles take of the heap, and give back.
 */
import t from 'tap';
import { FrameState } from '../../src/core/core.js';
import { forkProcess } from '../../src/objects/fork.js';
import { Topic } from '../../src/objects/info.js';
import { HANDLE_BYTES, IMAGE_HEAP_BYTES } from '../../src/objects/kernel-heap.js';
import { Right } from '../../src/objects/rights.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { VmOption } from '../../src/objects/vm-options.js';
import { makeProcess, makeSystem, P, refused } from './support.js';

/** Bytes in use and pages taken, from the counters of both sides. */
function use({ core, heap, messages }: KernelSystem): number[] {
  return [
    heap.usedBytes, messages.usedBytes, core.pagesInState(FrameState.HEAP),
    core.pagesInState(FrameState.IPC), core.freePages,
  ];
}

t.test('each object and each handle is counted once, and given back', async (t) => {
  const { system: s, process } = makeProcess();
  const start = use(s);
  const vmo = s.createVmo(P);
  const child = vmo.createChild(1, 0, P);
  const vmar = process.rootVmar.allocate(VmOption.CAN_MAP_READ, 0, P);
  const job = s.rootJob.createJob('j');
  const other = job.createProcess('q');
  const before = s.heap.usedBytes;
  const copy = vmo.duplicate();
  t.equal(s.heap.usedBytes, before + HANDLE_BYTES);
  const less = copy.replace(Right.READ);
  t.equal(s.heap.usedBytes, before + HANDLE_BYTES, 'replace keeps their number');
  other.kill();
  for (const handle of [less, child, vmo, other.rootVmar, other, job]) handle.close();
  vmar.destroy();
  vmar.close();
  t.strictSame(use(s), start);
  process.kill();
  process.rootVmar.close();
  process.close();
  t.equal(s.heap.usedBytes, makeSystem().heap.usedBytes, 'only the root job is left');
});

t.test('a million handles weigh 32 MB while they are open', async (t) => {
  const { system: s, process } = makeProcess(16384);
  const vmo = s.createVmo(P);
  const start = use(s);
  for (let i = 0; i < 1e6; i++) process.insertHandle(vmo.duplicate());
  const used = s.heap.usedBytes - IMAGE_HEAP_BYTES;
  t.equal(s.heap.usedBytes, start[0]! + 1e6 * HANDLE_BYTES);
  t.equal(s.core.pagesInState(FrameState.HEAP), Math.ceil(used / P));
  const { totalHeapBytes, freeHeapBytes } = s.rootJob.getInfo(Topic.KMEM_STATS);
  t.equal(totalHeapBytes - freeHeapBytes, used, 'used is what is not free');
  for (const handle of process.handles()) handle.close();
  t.strictSame(use(s), start);
});

t.test('where the heap finds no page nothing is made', async (t) => {
  const { system: s, process } = makeProcess(64);
  const vmo = s.createVmo(P);
  while (s.core.pagesInState(FrameState.HEAP) === 0) process.insertHandle(vmo.duplicate());
  while (s.heap.freeBytes >= HANDLE_BYTES) process.insertHandle(vmo.duplicate());
  s.addKernelUse({ otherPages: s.core.freePages });
  const { usedBytes } = s.heap;
  const same = (): void => void t.equal(s.heap.usedBytes, usedBytes, 'as many bytes as before');
  const calls: [string, () => unknown][] = [
    ['createVmo', () => s.createVmo(P)],
    ['createContiguousVmo', () => s.createContiguousVmo(P)],
    ['createChild', () => vmo.createChild(1, 0, P)],
    ['duplicate', () => vmo.duplicate()],
    ['replace', () => vmo.replace(Right.READ)],
    ['allocate', () => process.rootVmar.allocate(VmOption.CAN_MAP_READ, 0, P)],
    ['createJob', () => s.rootJob.createJob()],
    ['createProcess', () => s.rootJob.createProcess()],
  ];
  for (const [name, call] of calls) {
    refused(t, s, 'ZX_ERR_NO_MEMORY', call, name);
    same();
  }
  process.handles()[0]!.close();
  const { usedBytes: less } = s.heap;
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => forkProcess(process), 'room for a handle is not enough');
  t.equal(s.heap.usedBytes, less);
  vmo.duplicate().close();
  t.pass('a handle that is closed makes room for another');
});

t.test('a system that does not count takes no page', async (t) => {
  const s = makeSystem(64, { countKernelMemory: false });
  for (let i = 0; i < 10000; i++) s.createVmo(0);
  t.strictSame([s.core.freePages, s.heap.pages, s.heap.freeBytes], [64, 0, 0]);
});

t.test('numbers of topics and of what the killed return', async (t) => {
  t.equal(Topic.HANDLE_COUNT, 19);
  const { process } = makeProcess();
  process.kill();
  t.equal(process.getInfo(Topic.PROCESS).returnCode, -1024);
});
