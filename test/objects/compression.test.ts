/**
 * Compressed pages and zero pages that go: what any VMO reads stays, what it costs changes.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { FrameState } from '../../src/core/core.js';
import { Topic } from '../../src/objects/info.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { System } from '../../src/system.js';
import { P, statusOf } from './support.js';

const PAGES = 48;
const debugSystem = (physicalPages = 4096): System =>
  System.boot({ memoryBytes: physicalPages * P, variant: 'debug', countKernelMemory: false });

/** A page of text that compresses well; 0 is a page of zeros, from 200 on noise that does not. */
const pageOf = (value: number): Uint8Array => {
  const page = new Uint8Array(P);
  if (value === 0) return page;
  let state = value;
  for (let i = 0; i < P; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    page[i] = value < 200 ? (i >> 6) + value : state >>> 24;
  }
  return page;
};

const figures = (vmo: Vmo): number[] => {
  const info = vmo.getInfo(Topic.VMO);
  return [info.committedBytes, info.populatedBytes, info.populatedPrivateBytes,
    info.populatedScaledBytes].map((bytes) => bytes / P);
};

t.test('a page that is compressed costs its bytes, and an access makes it again', async (t) => {
  const system = debugSystem();
  const vmo = system.createVmo(4 * P);
  vmo.write(0, pageOf(1));
  vmo.write(P, pageOf(0));
  vmo.write(2 * P, pageOf(201));
  vmo.write(3 * P, pageOf(3));
  t.strictSame(system.reclaim.compress(vmo), {
    compressed: 2, zero: 1, incompressible: 1, withoutRoom: 0,
  });
  t.strictSame(figures(vmo), [1, 3, 3, 3]);
  t.equal(system.core.pagesInState(FrameState.OBJECT), 1);
  t.ok(system.core.pagesInState(FrameState.ZRAM) >= 1);
  t.strictSame(vmo.read(0, P), pageOf(1));
  t.strictSame(figures(vmo), [2, 3, 3, 3], 'a read makes one page again');
  vmo.opRange(VmoOp.PREFETCH, 3 * P, P);
  t.strictSame(figures(vmo), [3, 3, 3, 3]);
  t.equal(system.core.pagesInState(FrameState.ZRAM), 0, 'the store is gone with its last page');
  t.equal(vmo.getInfo(Topic.VMO).committedChangeEvents, 1);
  t.strictSame(system.core.audit(), []);
});

t.test('the oldest VMO gives first, as much as is wanted, however large it is', async (t) => {
  const system = debugSystem();
  const vast = system.createVmo(0, VmoOption.UNBOUNDED);
  const last = vast.getInfo(Topic.VMO).sizeBytes - BigInt(P);
  const offsets = [0n, 1n << 40n, 1n << 62n, last];
  offsets.forEach((offset, i) => { vast.write(offset, pageOf(i + 1)); });
  const next = system.createVmo(PAGES * P);
  for (let i = 0; i < PAGES; i++) next.write(i * P, pageOf(i + 10));
  t.equal(system.reclaim.compressOldest(2), 2, 'pages of ZRAM state are counted against it');
  t.equal(figures(vast)[0], 1, 'three went for one that holds them');
  t.equal(system.reclaim.compressOldest(1), 1);
  t.strictSame([figures(vast)[0], figures(next)[0]], [0, PAGES]);
  t.ok(system.reclaim.compressOldest(20) >= 20);
  t.ok((figures(next)[0] as number) > 0, 'no more than is wanted');
  offsets.forEach((offset, i) => t.strictSame(vast.read(offset, P), pageOf(i + 1)));
  t.strictSame(system.core.audit(), []);
});

t.test('a page that stays large is tried again only when it was written', async (t) => {
  const system = debugSystem();
  const vmo = system.createVmo(4 * P);
  for (let i = 0; i < 4; i++) vmo.write(i * P, pageOf(201 + i));
  const { reclaim, queues } = system;
  const attempts = (): number => reclaim.compression.info(system.core).totalPageCompressionAttempts;
  t.equal(reclaim.compressOldest(4), 0);
  t.strictSame([attempts(), queues.counts.failedReclaim], [4, 4]);
  t.equal(queues.placeOf(vmo, 0)?.queue, 'failed_reclaim');
  reclaim.compressOldest(4);
  t.equal(attempts(), 4);
  vmo.write(P, pageOf(1));
  vmo.opRange(VmoOp.ZERO, 2 * P, P - 1);
  vmo.pin(3 * P, P).unpin();
  t.strictSame([queues.counts.failedReclaim, queues.counts.anonymous], [1, 3]);
  reclaim.compressOldest(4);
  t.strictSame([attempts(), system.core.compressedPages], [7, 2]);
  reclaim.compress(vmo, 0, P);
  t.equal(attempts(), 8, 'who says so has it tried');
  t.strictSame(system.core.audit(), []);
});

t.test('all that share a page see it compressed, and each writes its own', async (t) => {
  const system = debugSystem();
  const parent = system.createVmo(2 * P);
  parent.write(0, pageOf(1));
  const clones = [1, 2, 3].map(() => parent.createChild(VmoChild.SNAPSHOT, 0, 2 * P));
  t.equal(system.reclaim.compress(clones[1] as Vmo).compressed, 1);
  for (const vmo of [parent, ...clones]) t.strictSame(figures(vmo), [0, 1, 0, 0.25]);
  clones[0]?.write(5, new Uint8Array([9]));
  t.strictSame(figures(clones[0] as Vmo), [1, 1, 1, 1]);
  t.strictSame(figures(parent).slice(0, 3), [1, 1, 0], 'the page is back for the others too');
  t.strictSame(parent.read(0, P), pageOf(1));
  parent.close();
  for (const vmo of clones.slice(1)) t.strictSame(vmo.read(0, P), pageOf(1));
  t.strictSame(system.core.audit(), []);
});

t.test('mappings fault it in again, by touch and by range', async (t) => {
  const system = debugSystem();
  const vmo = system.createVmo(PAGES * P);
  for (let i = 0; i < PAGES; i++) vmo.write(i * P, pageOf(i + 1));
  const process = system.rootJob.createProcess('p');
  const at = process.rootVmar.map(VmOption.PERM_READ | VmOption.PERM_WRITE, 0, vmo, 0, PAGES * P);
  process.touch(at, PAGES * P, Access.WRITE);
  t.equal(system.reclaim.compress(vmo).compressed, PAGES);
  const { ref } = process.object.aspace;
  t.equal(system.core.raw.aspacePresent(ref), 0, 'no entry leads to a page that went');
  process.touch(at, 1, Access.READ);
  process.touch(at + BigInt(4 * P), 8 * P, Access.WRITE);
  t.equal(system.core.compressedPages, PAGES - 9);
  for (let i = 0; i < PAGES; i++) t.strictSame(vmo.read(i * P, P), pageOf(i + 1));
  t.strictSame(system.core.audit(), []);
});

t.test('what may not go stays', async (t) => {
  const system = debugSystem();
  const pinned = system.createVmo(2 * P);
  pinned.write(0, pageOf(1));
  pinned.write(P, pageOf(2));
  const pin = pinned.pin(0, P);
  t.equal(system.reclaim.compress(pinned).compressed, 1, 'not a pinned page');
  pin.unpin();
  const file = system.createFileVmo(P);
  file.write(0, pageOf(1));
  const run = system.createContiguousVmo(P);
  run.write(0, pageOf(1));
  const device = system.createPhysicalVmo(0x1000, P);
  for (const vmo of [file, run, device]) t.equal(system.reclaim.compress(vmo).compressed, 0);
  t.equal(statusOf(() => system.reclaim.compress(pinned, P, 2 * P)), 'ZX_ERR_OUT_OF_RANGE');
  t.equal(statusOf(() => system.reclaim.compress(pinned, 3 * P)), 'ZX_ERR_OUT_OF_RANGE');
  t.strictSame(system.core.audit(), []);
});

t.test('without a page to make it again, a read fails and changes nothing', async (t) => {
  const system = debugSystem(64);
  const vmo = system.createVmo(40 * P);
  for (let i = 0; i < 40; i++) vmo.write(i * P, pageOf(i + 1));
  t.equal(system.reclaim.compress(vmo).compressed, 40);
  const other = system.createVmo(64 * P);
  other.opRange(VmoOp.COMMIT, 0, system.core.freePages * P);
  t.equal(statusOf(() => vmo.read(0, P)), 'ZX_ERR_NO_MEMORY');
  t.equal(system.core.compressedPages, 40);
  other.close();
  t.strictSame(vmo.read(39 * P, P), pageOf(40));
});

t.test('not while a pass runs', async (t) => {
  const system = System.boot({ memoryBytes: 2 ** 24 });
  const vmo = system.createVmo(2 * P);
  vmo.write(0, pageOf(1));
  system.reclaim.compress(vmo);
  const { vmos } = await system.account({ policy: 'attributed' });
  t.strictSame([...vmos.compressed?.bytes ?? []], [P]);
  t.strictSame([...(await system.account()).vmos.compressed?.bytes ?? []], [P]);
  const pass = system.account();
  t.equal(statusOf(() => system.reclaim.compress(vmo)), 'ZX_ERR_SHOULD_WAIT');
  t.equal(statusOf(() => vmo.read(0, 1)), 'ZX_ERR_SHOULD_WAIT');
  t.strictSame(vmo.read(P, 1), new Uint8Array(1));
  await pass;
  t.strictSame(vmo.read(0, P), pageOf(1));
});

/** One step of a random program: VMOs and pages are taken modulo what there is. */
type Step = readonly [op: number, vmo: number, page: number, value: number];

t.test('random programs read what they wrote, whatever was compressed', async () => {
  const step = fc.tuple(fc.nat(9), fc.nat(20), fc.nat(PAGES - 1), fc.nat(210));
  fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps: Step[]) => {
    const system = debugSystem();
    const vmos: Vmo[] = [];
    const models: number[][] = [];
    const add = (vmo: Vmo, model: number[]): void => {
      vmos.push(vmo);
      models.push(model);
    };
    add(system.createVmo(PAGES * P, VmoOption.RESIZABLE), Array<number>(PAGES).fill(0));
    for (const [op, which, page, value] of steps) {
      const i = which % vmos.length;
      const vmo = vmos[i] as Vmo;
      const model = models[i] as number[];
      if (op < 3) {
        vmo.write(page * P, pageOf(value));
        model[page] = value;
      } else if (op < 5) system.reclaim.compress(vmo, page * P, Math.min(value, PAGES - page) * P);
      else if (op === 5 && vmos.length < 12) {
        const kind = VmoChild.SNAPSHOT | VmoChild.RESIZABLE;
        add(vmo.createChild(kind, 0, PAGES * P), [...model]);
      } else if (op === 6) {
        const end = Math.min(PAGES, page + value % 8);
        vmo.opRange(VmoOp.ZERO, page * P, (end - page) * P);
        model.fill(0, page, end);
      } else if (op === 7 && vmos.length > 1) {
        vmo.close();
        vmos.splice(i, 1);
        models.splice(i, 1);
      } else if (op === 8) {
        vmo.setSize(page * P);
        vmo.setSize(PAGES * P);
        model.fill(0, page);
      } else if (op === 9) {
        system.reclaim.dedupZeroPages(vmo);
        const got = vmo.read(page * P, P);
        if (Buffer.compare(got, pageOf(model[page] ?? 0)) !== 0) throw new Error(`page ${page}`);
      }
      const broken = system.core.audit();
      if (broken.length > 0) throw new Error(broken.join());
    }
    // a pass over distinct nodes, and the count page by page while another pass runs
    const byPass = vmos.map((vmo) => vmo.getInfo(Topic.VMO));
    system.beginPass();
    const counted = vmos.map((vmo) => vmo.getInfo(Topic.VMO));
    system.endPass();
    assert.deepEqual(byPass, counted);
    vmos.forEach((vmo, i) => {
      (models[i] as number[]).forEach((value, page) => {
        const got = vmo.read(page * P, P);
        if (Buffer.compare(got, pageOf(value)) !== 0) throw new Error(`VMO ${i}, page ${page}`);
      });
    });
    for (const vmo of vmos) vmo.close();
    const { core } = system;
    if (core.compressedPages + core.pagesInState(FrameState.ZRAM) > 0) throw new Error('left over');
  }), { numRuns: 60, seed: 7 });
});

t.test('figures of compressed pages: windows, siblings, the oldest VMO', async (t) => {
  const system = debugSystem();
  const vmo = system.createVmo(PAGES * P);
  for (let page = 0; page < PAGES; page++) vmo.write(page * P, pageOf(page + 1));
  const whole = vmo.createChild(VmoChild.SNAPSHOT, 0, PAGES * P);
  const part = vmo.createChild(VmoChild.SNAPSHOT, 20 * P, 15 * P);
  part.write(0, pageOf(7));
  system.reclaim.compress(vmo);
  // page 20 is seen by two and, as it was written, by one; 21 to 34 by three; the others by two
  const third = Math.floor(14 * P / 3);
  t.match(vmo.getInfo(Topic.VMO), { committedBytes: 0, populatedBytes: PAGES * P,
    populatedPrivateBytes: 0, populatedScaledBytes: (PAGES - 14) * P / 2 + third });
  t.match(part.getInfo(Topic.VMO), { populatedBytes: 15 * P, populatedPrivateBytes: P,
    populatedScaledBytes: P + third });
  const { vmos } = await system.account({ policy: 'classic' });
  t.same(Array.from(vmos.compressed!.bytes), [PAGES * P, 0, 0], 'the oldest pays');
  whole.close();
  vmo.close();
  t.match(part.getInfo(Topic.VMO), { populatedPrivateBytes: 15 * P });
});
