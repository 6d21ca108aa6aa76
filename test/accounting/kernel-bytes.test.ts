/**
 * KERNEL under `exact`: kernel memory in the form of handles, and of what they lead to.
 */
import t from 'tap';
import { HANDLE_BYTES, IMAGE_HEAP_BYTES, PACKET_BYTES } from '../../src/objects/kernel-heap.js';
import { Topic } from '../../src/objects/info.js';
import { OBJECT_BYTES, ObjectType } from '../../src/objects/object.js';
import type { Process } from '../../src/objects/process.js';
import { VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { System } from '../../src/system.js';

const P = 4096;
const CHANNEL_BYTES = OBJECT_BYTES[ObjectType.CHANNEL];

/** KERNEL of processes. */
const kernelBytes = async (s: System, processes: readonly Process[]): Promise<number[]> => {
  const { tasks } = await s.account({ policy: 'exact' });
  return processes.map(({ koid }) => tasks.kernelBytes![tasks.koid.indexOf(koid)] as number);
};

/** What a system has of everything. */
const state = ({ core, heap, messages, vmos, trees }: System): number[] => [
  core.freePages, heap.usedBytes, messages.usedBytes, vmos.size, trees.size,
];

t.test('a million handles and 100,000 channels, counted and closed', async (t) => {
  const s = System.boot({ memoryBytes: 2 ** 30 });
  const hoarder = s.rootJob.createProcess('hoarder');
  const talker = s.rootJob.createProcess('talker');
  const start = state(s);
  const vmo = s.createVmo(P);
  const startMs = performance.now();
  for (let i = 0; i < 1e6; i++) hoarder.insertHandle(vmo.duplicate());
  for (let i = 0; i < 1e5; i++) {
    const [, other] = talker.createChannel();
    other.write(new Uint8Array(36));
    if (i % 2 === 0) hoarder.insertHandle(other);
  }
  const [held, talked] = await kernelBytes(s, [hoarder, talker]) as [number, number];
  const waiting = PACKET_BYTES + 36;
  const end = HANDLE_BYTES + CHANNEL_BYTES;
  t.equal(held, 1e6 * HANDLE_BYTES + 5e4 * end);
  t.equal(talked, 1.5e5 * end + 1e5 * waiting, 'messages wait at the end that did not write');
  const { totalHeapBytes, ipcBytes } = s.kernelMemory();
  t.ok(totalHeapBytes + IMAGE_HEAP_BYTES > held + talked - 1e5 * waiting);
  t.equal(ipcBytes, Math.ceil(1e5 * waiting / P) * P);
  for (const process of [hoarder, talker]) for (const h of process.handles()) h.close();
  vmo.close();
  const seconds = (performance.now() - startMs) / 1000;
  t.strictSame(state(s), start);
  t.ok(seconds < 20, `${seconds} s`);
  t.strictSame(await kernelBytes(s, [hoarder, talker]), [0, 0]);
});

t.test('what several hold is divided; threads are their process\'s', async (t) => {
  const s = System.boot({ memoryBytes: 2 ** 24 });
  const [a, b] = [s.rootJob.createProcess('a'), s.rootJob.createProcess('b')];
  const port = a.createPort();
  for (let i = 0; i < 10; i++) port.queue({ key: i });
  b.insertHandle(port.duplicate().replace(port.rights));
  b.insertHandle(port.duplicate());
  a.createThread('t');
  const bytes = OBJECT_BYTES[ObjectType.PORT] + 10 * PACKET_BYTES;
  t.strictSame(await kernelBytes(s, [a, b]), [
    HANDLE_BYTES + bytes / 2 + OBJECT_BYTES[ObjectType.THREAD], 2 * HANDLE_BYTES + bytes / 2,
  ]);
});

t.test('a pass has the tables of physical memory, and what could be had', async (t) => {
  const s = System.boot({ memoryBytes: 2 ** 24 });
  const pager = s.createPager();
  const file = pager.createVmo(16 * P);
  const aux = s.createVmo(16 * P);
  aux.opRange(VmoOp.COMMIT, 0, 16 * P);
  pager.supplyPages(file, 0, 16 * P, aux, 0);
  file.write(0, new Uint8Array(2 * P));
  const pin = file.pin(3 * P, P);
  file.opRange(VmoOp.ALWAYS_NEED, 4 * P, P);
  file.opRange(VmoOp.DONT_NEED, 5 * P, P);
  const caches = [1, 2, 3, 4].map((pages) => {
    const cache = s.createVmo(pages * P, VmoOption.DISCARDABLE);
    cache.opRange(VmoOp.TRY_LOCK, 0, pages * P);
    cache.opRange(VmoOp.COMMIT, 0, pages * P);
    return cache;
  });
  caches[2]!.pin(0, P);
  for (const cache of caches.slice(1)) cache.opRange(VmoOp.UNLOCK, 0, cache.getSize());
  const text = s.createVmo(8 * P);
  text.write(0, new Uint8Array(8 * P).fill(65));
  s.reclaim.compress(text);
  const tables = await s.account({ policy: 'exact' });
  t.strictSame(tables.kmemExtended, s.rootJob.getInfo(Topic.KMEM_STATS_EXTENDED));
  t.strictSame(tables.kmemCompression, s.rootJob.getInfo(Topic.KMEM_STATS_COMPRESSION));
  t.equal(tables.kmemCompression?.uncompressedStorageBytes, 8 * P);
  t.equal(tables.kmem.availableBytes - tables.kmem.freeBytes, (13 + 2 + 4) * P);
  t.equal(s.console.kmem.availableBytes, tables.kmem.availableBytes);
  t.equal(s.reclaim.evict(1000, { ignoreHints: true }).pages, 13 + 2 + 4);
  t.equal((await s.account()).kmem.freeBytes, tables.kmem.availableBytes);
  pin.unpin();
});
