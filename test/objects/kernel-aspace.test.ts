/**
 * The kernel's own address space, and physical memory by use.
 */
import t from 'tap';
import { FrameState } from '../../src/core/core.js';
import { Topic } from '../../src/objects/info.js';
import type { KernelPlan } from '../../src/objects/kernel-aspace.js';
import { walkAspace, walkMappings } from '../../src/objects/walk.js';
import { VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { System } from '../../src/system.js';
import { makeSystem, P, refused } from './support.js';

const BASE = 0xffffff8000000000n;
const PLAN: KernelPlan = {
  base: BASE, size: 0x8000000000n, regions: [
    { name: 'physmap', base: BASE, size: 2n ** 36n, vmoSize: 0 },
    { name: 'uart', base: BASE + 2n ** 36n, size: P, physicalAddress: 0xfed00000, isDevice: true },
    {
      name: 'image', base: BASE + 2n ** 37n, size: 8 * P, regions: [
        { name: 'code', base: BASE + 2n ** 37n, size: 4 * P, perms: 5 },
      ],
    },
  ],
};

t.test('VMARs, mappings and VMOs that no user holds', async (t) => {
  const s = makeSystem();
  t.equal(s.kernelAspace, undefined);
  s.layOutKernel(PLAN);
  const aspace = s.kernelAspace!;
  const rows = [...walkAspace(aspace, 'kernel')].map((row) => [
    row.type, row.depth, row.name, BigInt(row.basePage) * 4096n - BASE, row.piece?.perms ?? 0]);
  t.strictSame(rows, [
    [1, 0, 'kernel', 0n, 0], [2, 1, 'root', 0n, 0], [3, 2, 'physmap', 0n, 3],
    [3, 2, 'uart', 2n ** 36n, 3], [2, 2, 'image', 2n ** 37n, 0], [3, 3, 'code', 2n ** 37n, 5],
  ]);
  const vmos = [...walkMappings(aspace)].map(({ vmo }) =>
    [vmo.koid, vmo.handleCount, vmo.numMappings, vmo.sizePages, vmo.cachePolicy]);
  t.strictSame(vmos, [[0, 0, 1, 0, 0], [0, 0, 1, 1, 2], [0, 0, 1, 4, 0]]);
  t.equal([...s.vmos][1]!.physicalAddress, 0xfed00000n);
  t.strictSame([s.core.freePages, s.core.audit()], [4096, []], 'it takes no page');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => s.layOutKernel(PLAN), 'twice');
});

t.test('a plan that is wrong leaves nothing', async (t) => {
  const s = makeSystem();
  const start = s.heap.usedBytes;
  const { regions } = PLAN;
  const bad: [string, KernelPlan][] = [
    ['ZX_ERR_INVALID_ARGS', { ...PLAN, size: 5 }],
    ['ZX_ERR_INVALID_ARGS', { ...PLAN, size: 2n ** 40n }],
    ['ZX_ERR_INVALID_ARGS', { ...PLAN, regions: 7 as never }],
    ['ZX_ERR_INVALID_ARGS', { ...PLAN, regions: [{ base: 0, size: P }] }],
    ['ZX_ERR_INVALID_ARGS', { ...PLAN, regions: [{ base: BASE, size: P, perms: 8 }] }],
    ['ZX_ERR_INVALID_ARGS', { ...PLAN, regions: [{ base: BASE, size: P, vmoSize: 1 }] }],
    ['ZX_ERR_INVALID_ARGS', { ...PLAN, regions: [{ base: BASE, size: P, name: 5 as never }] }],
    ['ZX_ERR_ALREADY_EXISTS', { ...PLAN, regions: [...regions, regions[0]!] }],
  ];
  for (const [status, plan] of bad) {
    refused(t, s, status as 'ZX_ERR_INVALID_ARGS', () => s.layOutKernel(plan), status);
    t.strictSame([s.heap.usedBytes, s.kernelAspace, s.vmos.size], [start, undefined, 0]);
  }
  s.layOutKernel(PLAN);
});

t.test('the embedded system has the one of the page\'s asd', async (t) => {
  const s = await System.open('boot');
  const [physmap, first, second] = [...walkMappings(s.kernelAspace!)];
  t.match([physmap, first, second].map((m) => [m!.basePage, m!.pages, m!.vmo.koid]), [
    [0xffffff8000000, 2 ** 24, 0], [0xffffff9000000, 1, 0], [0xffffff9000001, 1, 0],
  ]);
  t.strictSame(s.core.audit(), []);
  t.equal(s.rootJob.getInfo(Topic.KMEM_STATS).totalHeapBytes, 1536 * P);
});

t.test('KMEM_STATS lumps newer states, KMEM_STATS_EXTENDED tells them apart', async (t) => {
  const s = makeSystem(256);
  s.addKernelUse({ cachePages: 1, slabPages: 2, iommuPages: 3, mmuPages: 4, otherPages: 5 });
  const locked = s.createVmo(4 * P, VmoOption.DISCARDABLE);
  const loose = s.createVmo(4 * P, VmoOption.DISCARDABLE);
  for (const vmo of [locked, loose]) {
    vmo.opRange(VmoOp.TRY_LOCK, 0, 4 * P);
    vmo.write(0, new Uint8Array(5000));
  }
  loose.opRange(VmoOp.UNLOCK, 0, 4 * P);
  const plain = s.rootJob.getInfo(Topic.KMEM_STATS);
  t.match(plain, { mmuOverheadBytes: 7 * P, otherBytes: 8 * P, vmoBytes: 4 * P });
  const all = s.rootJob.getInfo(Topic.KMEM_STATS_EXTENDED);
  t.match(all, {
    cacheBytes: P, slabBytes: 2 * P, zramBytes: 0, otherBytes: 5 * P,
    vmoDiscardableLockedBytes: 2 * P, vmoDiscardableUnlockedBytes: 2 * P,
  });
  const job = s.rootJob.createJob();
  for (const topic of [Topic.KMEM_STATS, Topic.KMEM_STATS_EXTENDED]) {
    refused(t, s, 'ZX_ERR_WRONG_TYPE', () => job.getInfo(topic), 'only of the root job');
  }
});

t.test('page tables come with the first entry and go with the last (6.6)', async (t) => {
  const s = makeSystem();
  const process = s.rootJob.createProcess();
  const tables = (): number => s.core.pagesInState(FrameState.MMU);
  const vmo = s.createVmo(1024 * P);
  const address = process.rootVmar.map(3, 0, vmo, 0, 1024 * P);
  t.equal(tables(), 0, 'mapping makes none');
  process.touch(address, P, 2);
  t.equal(tables(), 4);
  process.touch(address + BigInt(600 * P), P, 2);
  t.equal(tables(), 5);
  process.rootVmar.unmap(address + BigInt(512 * P), 512 * P);
  t.equal(tables(), 4);
  process.rootVmar.unmap(address, 512 * P);
  t.equal(tables(), 0);
});
