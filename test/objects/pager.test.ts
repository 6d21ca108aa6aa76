/**
 * Pagers: requests and their answers, dirty pages, and what a program may do to the VMO while it is
 * asked.
 */
import t from 'tap';
import type { Pager } from '../../src/objects/pager.js';
import { PagerCommand, PagerOp } from '../../src/objects/pager-options.js';
import { Right } from '../../src/objects/rights.js';
import { Status } from '../../src/objects/status.js';
import { Access, VmarOp, VmOption } from '../../src/objects/vm-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { makeWorld, pagesOf, shown, supply } from './pager-world.js';
import { asWord, makeProcess, makeSystem, P, refused, statusOf, word } from './support.js';

t.test('what is absent is asked for in runs, and supplied pages are not', async (t) => {
  const world = makeWorld();
  supply(world, 3, 1);
  t.equal(asWord(world.vmo.read(2 * P, 4 * P)), 2);
  t.strictSame(shown(world.seen), ['READ 2+1', 'READ 4+2']);
  t.equal(world.seen[0]!.key, 77n);
  t.equal(world.vmo.object.ownPages, 4);
  world.vmo.opRange(VmoOp.PREFETCH, 5 * P, 2 * P);
  world.vmo.opRange(VmoOp.ALWAYS_NEED, 7 * P, 1);
  world.vmo.opRange(VmoOp.COMMIT, 0, 1);
  t.strictSame(shown(world.seen).slice(2), ['READ 6+1', 'READ 7+1', 'READ 0+1']);
  world.vmo.opRange(VmoOp.DONT_NEED, P, P);
  t.equal(world.seen.length, 5, 'DONT_NEED asks for nothing');
});

t.test('only a VMO that traps asks before its first write', async (t) => {
  const plain = makeWorld();
  plain.vmo.write(P, word(9));
  t.strictSame(shown(plain.seen), ['READ 1+1']);
  const world = makeWorld(VmoOption.TRAP_DIRTY);
  world.vmo.write(P, new Uint8Array(2 * P));
  world.vmo.write(P, word(9));
  t.strictSame(shown(world.seen), ['READ 1+2', 'DIRTY 1+2']);
  for (const { pager, vmo } of [plain, world]) {
    const { ranges } = pager.queryDirtyRanges(vmo, 0, 8 * P);
    t.equal(ranges[0]!.offset, BigInt(P));
  }
});

t.test('written back, a page is clean; written meanwhile, it stays dirty', async (t) => {
  const { pager, vmo } = makeWorld();
  const dirty = (): string => pager.queryDirtyRanges(vmo, 0, 8 * P).ranges
    .map((r) => `${r.offset / 4096n}+${r.length / 4096n}`).join();
  vmo.write(0, new Uint8Array(3 * P));
  pager.opRange(PagerOp.WRITEBACK_BEGIN, vmo, 0, 3 * P);
  t.equal(dirty(), '0+3', 'what is being written back still counts');
  vmo.write(P, word(1));
  pager.opRange(PagerOp.WRITEBACK_END, vmo, 0, 3 * P);
  t.equal(dirty(), '1+1');
});

t.test('growing gives zeros that are dirty; written back, they are asked for', async (t) => {
  const world = makeWorld(VmoOption.RESIZABLE);
  const { pager, vmo, seen } = world;
  vmo.setSize(12 * P);
  t.equal(asWord(vmo.read(9 * P, 4)), 0);
  t.strictSame(seen, [], 'the kernel knows that they are zeros');
  t.strictSame(pager.queryDirtyRanges(vmo, 0, 12 * P).ranges, [
    { offset: 8n * 4096n, length: 4n * 4096n, isZero: true },
  ]);
  pager.opRange(PagerOp.WRITEBACK_BEGIN, vmo, 8 * P, 4 * P, 1);
  pager.opRange(PagerOp.WRITEBACK_END, vmo, 8 * P, 4 * P);
  t.strictSame(pager.queryDirtyRanges(vmo, 0, 12 * P).available, 0);
  t.equal(asWord(vmo.read(9 * P, 4)), 9);
  t.strictSame(shown(seen), ['READ 9+1']);
});

t.test('at most so many dirty ranges, and how many there are', async (t) => {
  const { pager, vmo } = makeWorld();
  for (const page of [1, 3, 5]) vmo.write(page * P, word(1));
  const found = pager.queryDirtyRanges(vmo, 1, 8 * P - 1, 2);
  t.strictSame(found.ranges.map((r) => r.offset), [4096n, 3n * 4096n]);
  t.equal(found.available, 3);
  t.equal(pager.queryDirtyRanges(vmo, 0, 8 * P, 0).ranges.length, 0);
});

t.test('more dirty ranges than one call of the core lists', async (t) => {
  const system = makeSystem(20_000);
  const pager = system.createPager();
  const vmo = pager.createVmo(10_000 * P);
  const aux = system.createVmo(10_000 * P);
  aux.opRange(VmoOp.COMMIT, 0, 10_000 * P);
  pager.supplyPages(vmo, 0, 10_000 * P, aux);
  for (let page = 0; page < 10_000; page += 2) vmo.write(page * P, word(1));
  const { ranges, available } = pager.queryDirtyRanges(vmo, 0, 10_000 * P);
  t.strictSame([ranges.length, available], [5000, 5000]);
  t.equal(ranges.at(-1)!.offset, 9998n * 4096n);
});

t.test('mapped memory asks as the VMO does, and its writes are noticed', async (t) => {
  const { system, process } = makeProcess();
  const seen: string[] = [];
  const pager: Pager = system.createPager((request) => {
    seen.push(...shown([request]));
    const [page, pages] = pagesOf(request);
    if (request.command === PagerCommand.READ) supply({ system, pager, vmo }, page, pages);
    else pager.opRange(PagerOp.DIRTY, vmo, request.offset, request.length);
  });
  const vmo = pager.createVmo(8 * P, VmoOption.TRAP_DIRTY);
  const rw = VmOption.PERM_READ | VmOption.PERM_WRITE;
  const at = process.rootVmar.map(rw, 0, vmo, 0, 8 * P);
  t.equal(process.touch(at, 4 * P, Access.READ), 4);
  t.equal(asWord(process.read(at + 4096n, 4)), 1);
  process.write(at, word(5));
  process.write(at, word(6));
  t.strictSame(seen, ['READ 0+4', 'DIRTY 0+1']);
  pager.opRange(PagerOp.WRITEBACK_BEGIN, vmo, 0, P);
  pager.opRange(PagerOp.WRITEBACK_END, vmo, 0, P);
  process.write(at, word(7));
  t.strictSame(seen.slice(2), ['DIRTY 0+1'], 'a clean page cannot be written unnoticed');
  t.strictSame(pager.queryVmoStats(vmo, 1), { modified: true });
  t.strictSame(pager.queryVmoStats(vmo), { modified: false });
  t.strictSame(system.core.audit(), []);
});

t.test('clones ask through their root and pay only for what they copied', async (t) => {
  const world = makeWorld();
  const { vmo, seen } = world;
  const kind = VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE;
  const clone = vmo.createChild(kind, 2 * P, 4 * P);
  const slice = vmo.createChild(VmoChild.SLICE, P, 2 * P);
  const second = vmo.createChild(VmoChild.REFERENCE);
  t.equal(asWord(clone.read(0, 4)), 2);
  t.equal(asWord(slice.read(0, 4)), 1);
  t.equal(asWord(second.read(7 * P, 4)), 7);
  clone.write(P, word(99));
  t.strictSame(shown(seen), ['READ 2+1', 'READ 1+1', 'READ 7+1', 'READ 3+1']);
  t.strictSame([vmo, clone, slice].map((v) => v.object.ownPages), [4, 1, 0]);
  t.equal(asWord(vmo.read(3 * P, 4)), 3);
  vmo.close();
  slice.close();
  second.close();
  t.equal(asWord(clone.read(0, 4)), 2, 'the root lives on below its clone');
});

t.test('a pager that fails, does not help, or asks itself', async (t) => {
  const failing = makeWorld(0, ({ pager, vmo }, { offset, length }) => {
    pager.opRange(PagerOp.FAIL, vmo, offset, length, Status.ZX_ERR_IO_DATA_INTEGRITY);
  });
  refused(t, failing.system, 'ZX_ERR_IO_DATA_INTEGRITY', () => failing.vmo.read(0, P), 'read');
  const idle = makeWorld(0, () => undefined);
  refused(t, idle.system, 'ZX_ERR_TIMED_OUT', () => idle.vmo.write(0, word(1)), 'write');
  const own: string[] = [];
  const asking = makeWorld(0, (world) => {
    own.push(statusOf(() => world.vmo.read(0, 4)));
  });
  t.equal(statusOf(() => asking.vmo.read(0, 4)), 'ZX_ERR_TIMED_OUT');
  t.strictSame(own, ['ZX_ERR_TIMED_OUT']);
  const taking = makeWorld(VmoOption.TRAP_DIRTY, (world, request) => {
    if (request.command === PagerCommand.READ) supply(world, ...pagesOf(request));
    else {
      world.pager.opRange(PagerOp.DIRTY, world.vmo, request.offset, P);
      const other = request.offset === 0n ? P : 0;
      world.pager.opRange(PagerOp.WRITEBACK_BEGIN, world.vmo, other, P);
    }
  });
  t.equal(statusOf(() => taking.vmo.write(0, new Uint8Array(2 * P))), 'ZX_ERR_TIMED_OUT',
    'what it gives it takes back');
  const error = new Error('the store is on fire');
  const broken = makeWorld(0, () => { throw error; });
  t.throws(() => broken.vmo.read(0, 4), error);
  t.equal(statusOf(() => broken.vmo.write(8 * P, word(1))), 'ZX_ERR_OUT_OF_RANGE');
});

t.test('without a handler requests wait in a queue', async (t) => {
  const system = makeSystem();
  const pager = system.createPager();
  const vmo = pager.createVmo(8 * P, VmoOption.TRAP_DIRTY);
  const world = { system, pager, vmo };
  refused(t, system, 'ZX_ERR_SHOULD_WAIT', () => pager.nextRequest(), 'an empty queue');
  refused(t, system, 'ZX_ERR_SHOULD_WAIT', () => vmo.read(P, 2 * P), 'a read');
  t.equal(statusOf(() => vmo.read(P, P)), 'ZX_ERR_SHOULD_WAIT', 'asked already');
  t.equal(statusOf(() => vmo.read(0, 4 * P)), 'ZX_ERR_SHOULD_WAIT', 'up to what was asked');
  t.strictSame(shown([pager.nextRequest(), pager.nextRequest()]), ['READ 1+2', 'READ 0+1']);
  t.equal(statusOf(() => pager.nextRequest()), 'ZX_ERR_SHOULD_WAIT');
  supply(world, 0, 3);
  t.equal(statusOf(() => vmo.write(0, word(1))), 'ZX_ERR_SHOULD_WAIT');
  pager.opRange(PagerOp.FAIL, vmo, 0, P, Status.ZX_ERR_NO_SPACE);
  t.equal(statusOf(() => pager.nextRequest()), 'ZX_ERR_SHOULD_WAIT', 'failed before it was read');
  refused(t, system, 'ZX_ERR_NO_SPACE', () => vmo.write(0, word(1)), 'told once');
  t.equal(statusOf(() => vmo.write(0, word(1))), 'ZX_ERR_SHOULD_WAIT', 'and asked again');
  pager.opRange(PagerOp.DIRTY, vmo, 0, P);
  t.equal(statusOf(() => pager.nextRequest()), 'ZX_ERR_SHOULD_WAIT', 'answered before it was read');
  vmo.write(0, word(1));
  vmo.close();
  t.strictSame(shown([pager.nextRequest()]), ['COMPLETE 0+0']);
});

t.test('a handler may change what is in use', async (t) => {
  const closing = makeWorld(0, (world, request) => {
    if (request.command !== PagerCommand.READ) return;
    supply(world, ...pagesOf(request));
    world.vmo.close();
  });
  t.equal(asWord(closing.vmo.read(5 * P, 4)), 5, 'the read holds the VMO');
  t.equal(closing.system.vmos.size, 0);
  const cutting = makeWorld(VmoOption.RESIZABLE, (world) => world.vmo.setSize(P));
  t.equal(statusOf(() => cutting.vmo.read(5 * P, 4)), 'ZX_ERR_OUT_OF_RANGE');
  const { system, process } = makeProcess();
  const pager: Pager = system.createPager((request) => {
    if (request.command !== PagerCommand.READ) return;
    supply({ system, pager, vmo }, ...pagesOf(request));
    process.kill();
  });
  const vmo = pager.createVmo(P);
  const at = process.rootVmar.map(VmOption.PERM_READ, 0, vmo, 0, P);
  t.equal(statusOf(() => process.read(at, 4)), 'ZX_ERR_NOT_FOUND', 'nothing is mapped any more');
  t.strictSame(system.core.audit(), []);
});

t.test('detached, a VMO keeps what is dirty', async (t) => {
  const world = makeWorld();
  const { pager, vmo, seen, system } = world;
  vmo.write(0, word(5));
  supply(world, 1, 1);
  pager.detachVmo(vmo);
  pager.detachVmo(vmo);
  await Promise.resolve();
  t.strictSame(shown(seen), ['READ 0+1', 'COMPLETE 0+0']);
  t.equal(vmo.object.ownPages, 1);
  t.equal(asWord(vmo.read(0, 4)), 5);
  refused(t, system, 'ZX_ERR_BAD_STATE', () => vmo.read(P, 4), 'what is absent');
  refused(t, system, 'ZX_ERR_BAD_STATE', () => supply(world, 1, 1), 'supply');
  const call = (op: number, data?: number) => () => pager.opRange(op, vmo, 0, P, data);
  refused(t, system, 'ZX_ERR_BAD_STATE', call(PagerOp.FAIL, Status.ZX_ERR_IO), 'fail');
  call(PagerOp.WRITEBACK_BEGIN)();
  call(PagerOp.WRITEBACK_END)();
  t.equal(pager.queryDirtyRanges(vmo, 0, P).available, 0);
  vmo.close();
  await Promise.resolve();
  t.equal(seen.length, 2, 'COMPLETE comes once');
});

t.test('COMPLETE comes when nobody looks through, never after the pager', async (t) => {
  const { pager, vmo, seen } = makeWorld();
  const clone = vmo.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, P);
  vmo.close();
  await Promise.resolve();
  t.strictSame(seen, []);
  clone.close();
  await Promise.resolve();
  t.strictSame(shown(seen), ['COMPLETE 0+0']);
  const other = pager.createVmo(P);
  pager.close();
  t.equal(statusOf(() => other.read(0, 4)), 'ZX_ERR_BAD_STATE');
  other.close();
  await Promise.resolve();
  t.equal(seen.length, 1);
});

t.test('evicted pages are asked for again; dirty and pinned ones stay', async (t) => {
  const { vmo, system, seen } = makeWorld();
  vmo.read(0, 4 * P);
  vmo.write(0, word(1));
  const pin = vmo.pin(P, P);
  t.equal(system.evictPages(vmo, 0, 8 * P), 2);
  t.equal(vmo.object.ownPages, 2);
  pin.unpin();
  t.equal(system.evictPages(vmo, P, 1), 1);
  t.equal(asWord(vmo.read(P, 4)), 1);
  t.equal(seen.length, 2);
  t.equal(system.evictPages(system.createVmo(P), 0, P), 0, 'others have none');
  refused(t, system, 'ZX_ERR_OUT_OF_RANGE', () => system.evictPages(vmo, 0, 9 * P), 'past the end');
});

t.test('behind the stream of an unbounded VMO there are zeros', async (t) => {
  const { system, pager, seen } = makeWorld();
  const vmo = pager.createVmo(P + 1, VmoOption.UNBOUNDED);
  t.equal(asWord(vmo.read(2n ** 40n, 4)), 0);
  t.strictSame(seen, []);
  t.equal(pager.queryDirtyRanges(vmo, 0, vmo.getSize()).available, 0);
  supply({ system, pager, vmo }, 0, 1);
  vmo.setStreamSize(1);
  t.equal(pager.queryDirtyRanges(vmo, 0, vmo.getSize()).available, 1, 'the first page was written');
});

t.test('supplied pages move, shared ones are copied, what is there stays', async (t) => {
  const { system, pager, vmo } = makeWorld();
  const aux = system.createVmo(4 * P);
  for (let i = 0; i < 3; i++) aux.write(i * P, word(10 + i));
  const copy = aux.createChild(VmoChild.SNAPSHOT, 2 * P, P);
  const frame = system.core.vmoFrame(aux.object.tree.ref, 0);
  pager.supplyPages(vmo, 0, 4 * P, aux);
  t.equal(system.core.vmoFrame(vmo.object.tree.ref, 0), frame, 'the very frame');
  t.strictSame([0, 1, 2, 3].map((i) => asWord(vmo.read(i * P, 4))), [10, 11, 12, 0]);
  t.equal(asWord(copy.read(0, 4)), 12);
  t.equal(aux.object.ownPages, 0);
  aux.write(0, word(77));
  pager.supplyPages(vmo, 0, P, aux);
  t.equal(asWord(vmo.read(0, 4)), 10);
  t.equal(asWord(aux.read(0, 4)), 0, 'it went all the same');
  t.strictSame(system.core.audit(), []);
});

t.test('transferData puts pages in place of others', async (t) => {
  const { system, vmo, pager } = makeWorld();
  const clone = vmo.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * P);
  const source = system.createVmo(4 * P);
  source.write(P, word(41));
  clone.write(0, word(1));
  clone.transferData(0, 0, 2 * P, source);
  t.strictSame([0, 1, 2].map((i) => asWord(clone.read(i * P, 4))), [0, 41, 2]);
  const call = (to: Vmo, from: Vmo, at = 0, options = 0) => () =>
    to.transferData(options, at, P, from, 0);
  const device = system.createPhysicalVmo(0, P);
  refused(t, system, 'ZX_ERR_INVALID_ARGS', call(clone, source, 0, 1), 'options');
  refused(t, system, 'ZX_ERR_INVALID_ARGS', call(clone, source, 1), 'alignment');
  refused(t, system, 'ZX_ERR_INVALID_ARGS', call(clone, clone), 'its own pages');
  refused(t, system, 'ZX_ERR_NOT_SUPPORTED', call(vmo, source), 'a pager fills it');
  refused(t, system, 'ZX_ERR_NOT_SUPPORTED', call(device, source), 'device memory');
  refused(t, system, 'ZX_ERR_NOT_SUPPORTED', call(source, clone), 'pages of a pager');
  refused(t, system, 'ZX_ERR_OUT_OF_RANGE', call(clone, source, 4 * P), 'past the end');
  const denied = clone.duplicate(Right.READ);
  refused(t, system, 'ZX_ERR_ACCESS_DENIED', call(denied, source), 'no WRITE');
  refused(t, system, 'ZX_ERR_ACCESS_DENIED', call(clone, source.duplicate(Right.READ)), 'source');
  source.pin(0, P);
  refused(t, system, 'ZX_ERR_BAD_STATE', call(clone, source), 'pinned pages go');
  const target = system.createVmo(P);
  target.pin(0, P);
  refused(t, system, 'ZX_ERR_BAD_STATE', call(target, system.createVmo(P)), 'pinned pages stay');
  pager.close();
});

t.test('ranges of addresses ask as the VMO does, and map what is there', async (t) => {
  const { system, process } = makeProcess();
  const seen: string[] = [];
  const pager: Pager = system.createPager((request) => {
    seen.push(...shown([request]));
    if (request.command === PagerCommand.READ) supply({ system, pager, vmo }, ...pagesOf(request));
    else pager.opRange(PagerOp.DIRTY, vmo, request.offset, request.length);
  });
  const vmo = pager.createVmo(8 * P, VmoOption.TRAP_DIRTY);
  const rw = VmOption.PERM_READ | VmOption.PERM_WRITE;
  const { rootVmar } = process;
  const at = rootVmar.map(rw, 0, vmo, 0, 8 * P);
  rootVmar.opRange(VmarOp.PREFETCH, at, 2 * P);
  rootVmar.opRange(VmarOp.COMMIT, at + BigInt(P), 3 * P);
  process.write(at, word(1));
  process.write(at + BigInt(P), word(1));
  t.strictSame(seen, ['READ 0+2', 'READ 2+2', 'DIRTY 0+1', 'DIRTY 1+1'],
    'neighbours that are mapped along cannot be written unnoticed');
  const pin = vmo.pin(2 * P, P);
  rootVmar.opRange(VmarOp.ZERO, at, 4 * P);
  t.strictSame(seen.slice(4), ['DIRTY 2+1'], 'what is pinned is zeroed in place');
  pin.unpin();
  t.equal(asWord(process.readMemory(at + BigInt(5 * P), 4)), 5);
  t.strictSame(seen.slice(5), ['READ 5+1']);
  t.strictSame(system.core.audit(), []);
});

t.test('a handler may take away what a range of addresses is about', async (t) => {
  const { system, process } = makeProcess();
  const pager: Pager = system.createPager((request) => {
    if (request.command !== PagerCommand.READ) return;
    supply({ system, pager, vmo }, ...pagesOf(request));
    process.kill();
  });
  const vmo = pager.createVmo(2 * P);
  const at = process.rootVmar.map(VmOption.PERM_READ | VmOption.PERM_WRITE, 0, vmo, 0, 2 * P);
  const { rootVmar } = process;
  t.equal(statusOf(() => rootVmar.opRange(VmarOp.COMMIT, at, P)), 'ZX_ERR_BAD_STATE');
  t.strictSame(system.core.audit(), []);
});
