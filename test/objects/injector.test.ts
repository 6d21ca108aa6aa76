/**
 * Memory runs out at every single request in turn, the host's and physical: the call fails with
 * ZX_ERR_NO_MEMORY, and the state is what it was, until the call finds all that it needs.
 */
import t, { type Test } from 'tap';
import { KernelSystem } from '../../src/objects/system.js';
import { Access, VmarOp, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { hostMemory, physicalPages, stateOf, type Shortage } from '../support/injector.js';
import { P, statusOf } from './support.js';

const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const AT = VmOption.SPECIFIC | READ_WRITE;
const OVER = VmOption.SPECIFIC | VmOption.SPECIFIC_OVERWRITE | READ_WRITE;
const MOST = 400;
const PINNED = 8192; // page of the pinned VMO, mapped twice
const LEAVES = 16384; // page of a VMO that takes four leaf tables
const SMALL = 65536; // page of a VMO whose pages are compressed
const DMA = 2 ** 17; // page of a lender, and behind it of the pager's VMO that borrows from it
const PAGED = DMA + 20;
const FAR = 2 ** 28; // page with upper tables of its own

const bytesOf = (pages: number, value: number): Uint8Array =>
  new Uint8Array(Math.round(pages * P)).fill(value);

/**
 * Forked and mapped memory with bytes in it, a file and a clone of it that writes, pins: so that
 * calls have something to copy, to split and to keep.
 */
function makeWorld() {
  const core = KernelSystem.createCore({ physicalPages: 4096, variant: 'debug' });
  const system = new KernelSystem(core, { pageLoaning: true });
  const { rootJob } = system;
  const vmo = system.createVmo(40 * P, VmoOption.RESIZABLE);
  vmo.write(0, bytesOf(40, 7));
  const clone = vmo.createChild(VmoChild.SNAPSHOT | VmoChild.RESIZABLE, 0, 40 * P);
  const fixed = system.createVmo(40 * P);
  fixed.write(0, bytesOf(10, 1));
  const file = system.createFileVmo(64 * P);
  file.write(0, bytesOf(20, 3));
  const live = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 64 * P);
  live.write(5 * P, bytesOf(2, 4));
  const pinned = system.createVmo(40 * P, VmoOption.RESIZABLE);
  pinned.write(0, bytesOf(30, 5));
  const pins = [pinned.pin(3 * P, P), pinned.pin(8 * P, 2 * P)];
  const process = rootJob.createProcess('p');
  const base = process.rootVmar.base;
  const vmar = process.rootVmar;
  vmar.map(AT, 0, clone, 0, 20 * P);
  vmar.map(AT, 20 * P, vmo, 0, 20 * P);
  vmar.map(AT, 40 * P, live, 0, 40 * P);
  vmar.map(AT, 80 * P, fixed, 0, 40 * P);
  process.touch(base, 20 * P, Access.READ);
  process.touch(base + BigInt(80 * P), 4 * P, Access.WRITE);
  const inner = vmar.allocate(
    VmOption.SPECIFIC | VmOption.CAN_MAP_SPECIFIC | VmOption.CAN_MAP_READ | VmOption.CAN_MAP_WRITE,
    1024 * P, 512 * P);
  inner.map(AT, 0, fixed, 0, 8 * P);
  vmar.map(AT, PINNED * P, pinned, 0, 40 * P);
  vmar.map(AT, (PINNED + 40) * P, pinned, 0, 40 * P);
  const wide = system.createVmo(1600 * P);
  wide.opRange(VmoOp.COMMIT, 0, 1590 * P);
  vmar.map(AT, LEAVES * P, wide, 0, 1600 * P);
  const run = system.createContiguousVmo(20 * P);
  run.opRange(VmoOp.DECOMMIT, 2 * P, 3 * P);
  const dma = system.createContiguousVmo(20 * P);
  dma.opRange(VmoOp.DECOMMIT, 4 * P, 12 * P);
  const pager = system.createPager();
  const paged = pager.createVmo(40 * P, VmoOption.RESIZABLE);
  const supply = system.createVmo(8 * P);
  supply.write(0, bytesOf(8, 6));
  pager.supplyPages(paged, 0, 8 * P, supply);
  supply.write(0, bytesOf(8, 9));
  vmar.map(AT, DMA * P, dma, 0, 20 * P);
  vmar.map(AT, PAGED * P, paged, 0, 8 * P);
  const spare = system.createVmo(P);
  const far = system.createVmo(2 ** 32);
  vmar.map(AT, FAR * P, far, 0, P);
  const small = system.createVmo(40 * P, VmoOption.RESIZABLE);
  small.write(0, bytesOf(40, 8));
  const sharer = small.createChild(VmoChild.SNAPSHOT | VmoChild.RESIZABLE, 0, 40 * P);
  sharer.write(30 * P, bytesOf(5, 2));
  vmar.map(AT, SMALL * P, small, 0, 40 * P);
  system.reclaim.compress(small);
  return { system, rootJob, vmo, clone, fixed, file, live, pinned, pins, process, base, vmar, inner,
    far, spare, run, small, sharer, dma, pager, paged, supply };
}
type World = ReturnType<typeof makeWorld>;

const on = (w: World, page: number): bigint => w.base + BigInt(page * P);
/** With those that stand there these fill the room that the index of mappings has. */
const FILL = 56;

const calls: Record<string, (w: World) => unknown> = {
  'createVmo': (w) => w.system.createVmo(5 * P),
  'createFileVmo': (w) => w.system.createFileVmo(5 * P),
  'createContiguousVmo': (w) => w.system.createContiguousVmo(40 * P),
  'write of lent pages': (w) => w.run.write(3 * P + 5, bytesOf(4, 6)),
  'lend': (w) => w.run.opRange(VmoOp.DECOMMIT, 10 * P, 5 * P),
  'supply of pages, some into lent ones': (w) =>
    w.pager.supplyPages(w.paged, 10 * P, 8 * P, w.supply),
  'supply of shared pages': (w) => w.pager.supplyPages(w.paged, 10 * P, 4 * P, w.vmo),
  'write of borrowed pages': (w) => w.paged.write(P - 2, bytesOf(3, 1)),
  'commit of borrowed pages': (w) => w.paged.opRange(VmoOp.COMMIT, 0, 8 * P),
  'zero of parts of borrowed pages': (w) => w.paged.opRange(VmoOp.ZERO, 5, 3 * P),
  'zero in a borrowed page': (w) => w.paged.opRange(VmoOp.ZERO, 5, 3),
  'setSize in a borrowed page': (w) => w.paged.setSize(3 * P + 5),
  'pin of borrowed pages': (w) => w.paged.pin(P, 5 * P),
  'ALWAYS_NEED of borrowed pages': (w) => w.paged.opRange(VmoOp.ALWAYS_NEED, P, 5 * P),
  'touch of borrowed pages': (w) => w.process.touch(on(w, PAGED), 8 * P, Access.WRITE),
  'touch of a borrowed page': (w) => w.process.touch(on(w, PAGED + 3), 1, Access.WRITE),
  'read of a lender': (w) => w.dma.read(0, 20 * P),
  'write of a lender': (w) => w.dma.write(5 * P + 9, bytesOf(8, 2)),
  'pin of a lender': (w) => w.dma.pin(0, 20 * P),
  'touch of a lender': (w) => w.process.touch(on(w, DMA), 20 * P, Access.WRITE),
  'touch of a lender\'s page': (w) => w.process.touch(on(w, DMA + 14), 1, Access.READ),
  'read of a lender and its borrower': (w) =>
    w.process.touch(on(w, DMA), 28 * P, Access.READ),
  'VMAR COMMIT of a lender and its borrower': (w) =>
    w.vmar.opRange(VmarOp.COMMIT, on(w, DMA), 28 * P),
  'createPhysicalVmo': (w) => w.system.createPhysicalVmo(0x1000, 5 * P),
  'SNAPSHOT': (w) => w.vmo.createChild(VmoChild.SNAPSHOT, 0, 40 * P),
  'SNAPSHOT of a window': (w) => w.vmo.createChild(VmoChild.SNAPSHOT, 3 * P, 34 * P),
  'SNAPSHOT past the end': (w) => w.vmo.createChild(VmoChild.SNAPSHOT, 30 * P, 90 * P),
  'SNAPSHOT of a snapshot': (w) => w.clone.createChild(VmoChild.SNAPSHOT, P, 20 * P),
  'SNAPSHOT_AT_LEAST_ON_WRITE': (w) =>
    w.file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, P, 99 * P),
  'SNAPSHOT_AT_LEAST_ON_WRITE of a clone': (w) =>
    w.live.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, P, 9 * P),
  'SNAPSHOT_MODIFIED of a clone': (w) => w.live.createChild(VmoChild.SNAPSHOT_MODIFIED, P, 60 * P),
  'SNAPSHOT_MODIFIED': (w) => w.file.createChild(VmoChild.SNAPSHOT_MODIFIED, 0, 64 * P),
  'SLICE': (w) => w.fixed.createChild(VmoChild.SLICE, P, 4 * P),
  'REFERENCE': (w) => w.vmo.createChild(VmoChild.REFERENCE, 0, 0),
  'write': (w) => w.clone.write(P - 2, bytesOf(2.5, 9)),
  'write of new pages': (w) => w.far.write(2 ** 31 - 1, bytesOf(3, 9)),
  'write of a live clone': (w) => w.live.write(3 * P + 1, bytesOf(4, 9)),
  'write of a file': (w) => w.file.write(18 * P, bytesOf(4, 9)),
  'commit': (w) => w.clone.opRange(VmoOp.COMMIT, 3 * P, 30 * P),
  'commit of a live clone': (w) => w.live.opRange(VmoOp.COMMIT, 0, 64 * P),
  'commit far away': (w) => w.far.opRange(VmoOp.COMMIT, 2 ** 31 - P, 2 * P),
  'decommit': (w) => w.fixed.opRange(VmoOp.DECOMMIT, P, 3 * P),
  'zero of bytes': (w) => w.clone.opRange(VmoOp.ZERO, P + 5, 20 * P),
  'zero in one page': (w) => w.clone.opRange(VmoOp.ZERO, P + 5, 8),
  'zero at a page\'s end': (w) => w.clone.opRange(VmoOp.ZERO, P + 5, 2 * P - 5),
  'zero in a live clone': (w) => w.live.opRange(VmoOp.ZERO, 2 * P + 5, 30 * P),
  'zero of pages of a live clone': (w) => w.live.opRange(VmoOp.ZERO, 2 * P, 3 * P),
  'zero around pins': (w) => w.pinned.opRange(VmoOp.ZERO, P + 5, 20 * P),
  'setSize, smaller': (w) => w.clone.setSize(3 * P + 5),
  'setSize, to a page': (w) => w.clone.setSize(33 * P),
  'setSize, larger': (w) => w.clone.setSize(90 * P),
  'setSize next to pins': (w) => w.pinned.setSize(10 * P - 9),
  'setContentSize': (w) => w.clone.setContentSize(2 * P + 7),
  'setStreamSize': (w) => w.clone.setStreamSize(5),
  'read of compressed pages': (w) => w.small.read(3 * P - 1, 5 * P),
  'write of shared compressed pages': (w) => w.sharer.write(3 * P - 1, bytesOf(5, 1)),
  'commit of compressed pages': (w) => w.small.opRange(VmoOp.COMMIT, 0, 40 * P),
  'prefetch of compressed pages': (w) => w.small.opRange(VmoOp.PREFETCH, 0, 40 * P),
  'zero in a compressed page': (w) => w.small.opRange(VmoOp.ZERO, P + 5, 8),
  'zero of compressed pages': (w) => w.sharer.opRange(VmoOp.ZERO, P, 20 * P),
  'setSize in a compressed page': (w) => w.sharer.setSize(3 * P + 5),
  'SNAPSHOT of compressed pages': (w) => w.small.createChild(VmoChild.SNAPSHOT, P, 20 * P),
  'pin of compressed pages': (w) => w.sharer.pin(2 * P, 10 * P),
  'touch of compressed pages': (w) => w.process.touch(on(w, SMALL), 20 * P, Access.WRITE),
  'read touch of compressed pages': (w) => w.process.touch(on(w, SMALL), 20 * P, Access.READ),
  'touch of one compressed page': (w) => w.process.touch(on(w, SMALL + 7), 1, Access.WRITE),
  'VMAR COMMIT of compressed pages': (w) => w.vmar.opRange(VmarOp.COMMIT, on(w, SMALL), 40 * P),
  'pin': (w) => w.clone.pin(2 * P, 30 * P),
  'unpin': (w) => w.pins.pop()?.unpin(),
  'setCachePolicy': (w) => w.spare.setCachePolicy(1),
  'map': (w) => w.vmar.map(READ_WRITE, 0, w.vmo, 0, 8 * P),
  'map where the index is full': (w) => w.vmar.map(AT, 4096 * P, w.vmo, 0, 8 * P),
  'map over the middle': (w) => w.vmar.map(OVER, 5 * P, w.fixed, 0, 8 * P),
  'map over an edge': (w) => w.vmar.map(OVER, 15 * P, w.fixed, 0, 10 * P),
  'MAP_RANGE': (w) => w.vmar.map(READ_WRITE | VmOption.MAP_RANGE, 0, w.vmo, 0, 40 * P),
  'allocate': (w) => w.vmar.allocate(VmOption.CAN_MAP_READ, 0, 8 * P),
  'map in a VMAR': (w) => w.inner.map(READ_WRITE, 0, w.vmo, 0, 8 * P),
  'unmap of the middle': (w) => w.vmar.unmap(on(w, 5), 3 * P),
  'unmap over two': (w) => w.vmar.unmap(on(w, 15), 10 * P),
  'VMAR COMMIT over all': (w) => w.vmar.opRange(VmarOp.COMMIT, w.base, 120 * P),
  'VMAR COMMIT of four leaves': (w) =>
    w.vmar.opRange(VmarOp.COMMIT, w.base + BigInt(LEAVES * P), 1600 * P),
  'VMAR ZERO over all': (w) => w.vmar.opRange(VmarOp.ZERO, w.base, 120 * P),
  'VMAR ZERO around pins': (w) =>
    w.vmar.opRange(VmarOp.ZERO, w.base + BigInt(PINNED * P), 80 * P),
  'VMAR DECOMMIT': (w) => w.vmar.opRange(VmarOp.DECOMMIT, on(w, 80), 40 * P),
  'VMAR MAP_RANGE over all': (w) => w.vmar.opRange(VmarOp.MAP_RANGE, w.base, 120 * P),
  'protect': (w) => w.vmar.protect(VmOption.PERM_READ, on(w, 5), 3 * P),
  'protect over three': (w) => w.vmar.protect(VmOption.PERM_READ, on(w, 15), 50 * P),
  'destroy': (w) => w.inner.destroy(),
  'touch of a page': (w) => w.process.touch(on(w, 3), 1, Access.WRITE),
  'touch where no table is': (w) => w.process.touch(on(w, FAR), 1, Access.READ),
  'read of a page': (w) => w.process.touch(on(w, 45), 1, Access.READ),
  'touch of a range': (w) => w.process.touch(on(w, 0), 20 * P, Access.WRITE),
  'touch over four mappings': (w) => w.process.touch(on(w, 0), 120 * P, Access.WRITE),
  'read over four mappings': (w) => w.process.touch(on(w, 0), 120 * P, Access.READ),
  'process.write': (w) => w.process.write(on(w, 2) + 3n, bytesOf(1, 8)),
  'process.write over four mappings': (w) =>
    w.process.write(on(w, 10) + 3n, bytesOf(90, 8)),
  'process.read': (w) => w.process.read(on(w, 30), 60 * P),
  'createJob': (w) => w.rootJob.createJob('j'),
  'createProcess': (w) => w.rootJob.createProcess('q'),
  'insertHandle': (w) => w.process.insertHandle(w.vmo.duplicate()),
  'duplicate': (w) => w.vmo.duplicate(),
  'replace': (w) => w.spare.replace(w.spare.rights),
  'close': (w) => w.spare.close(),
  'kill': (w) => w.process.kill(),
};

/** What has to happen before the calls of these names. */
const before: Record<string, (w: World) => void> = {
  'map where the index is full': (w) => {
    for (let i = 0; i < FILL; i++) w.vmar.map(AT, (2048 + 2 * i) * P, w.fixed, 0, P);
  },
};

/** Tries a call with 0, 1, 2 ... requests or pages granted, until it is done. */
function sweep(t: Test, name: string, call: (w: World) => unknown, shortage: Shortage): number {
  const world = makeWorld();
  const { system } = world;
  before[name]?.(world);
  for (let n = 1; n < MOST; n++) {
    const state = stateOf(system);
    shortage.begin(system, n);
    let status: string;
    try {
      status = statusOf(() => call(world));
    } finally {
      shortage.end(system);
    }
    const audit = system.core.audit();
    if (audit.length > 0) t.fail(`${name}, ${n}: ${audit.join()}`);
    if (status === 'ZX_OK') return n - 1;
    if (status !== 'ZX_ERR_NO_MEMORY') {
      t.fail(`${name}, ${n}: ${status}`);
      return n;
    }
    const after = stateOf(system);
    if (JSON.stringify(after, text) === JSON.stringify(state, text)) continue;
    t.strictSame(after, state, `${name}, ${n}: nothing changed`);
    return n;
  }
  t.fail(`${name}: refused ${MOST} times`);
  return MOST;
}

const text = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}n` : value;

for (const [kind, shortage] of Object.entries({ hostMemory, physicalPages })) {
  t.test(`${kind} ends at every point in turn`, async (t) => {
    let points = 0;
    for (const [name, call] of Object.entries(calls)) {
      const refused = sweep(t, name, call, shortage);
      points += refused;
      t.comment(`${name}: refused ${refused} times`);
    }
    t.ok(points > 100, `${points} refusals, and nothing changed by any`);
  });
}

t.test('the injector refuses what it is told to', async (t) => {
  const { system } = makeWorld();
  hostMemory.begin(system, 1);
  t.equal(statusOf(() => system.createVmo(P)), 'ZX_ERR_NO_MEMORY');
  t.equal(statusOf(() => system.createVmo(P)), 'ZX_OK', 'one request, no more');
  hostMemory.end(system);
});
