/**
 * Reclaim: what eviction takes and in which order, and zero pages that go (memory-semantics 5.5,
 * 7.3, 7.4).
 */
import t from 'tap';
import { KernelDoor } from '../../src/objects/kernel-door.js';
import { VmoLockState } from '../../src/objects/discardable.js';
import { Topic } from '../../src/objects/info.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { CachePolicy, VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { makeWorld, supply } from './pager-world.js';
import { asWord, makeProcess, makeSystem, P, refused, word } from './support.js';

const present = (system: KernelSystem, vmo: Vmo, pages: number): number[] =>
  Array.from({ length: pages }, (_, page) => page)
    .filter((page) => system.queues.placeOf(vmo, page * P) !== undefined);

const discardable = (system: KernelSystem, pages: number): Vmo => {
  const vmo = system.createVmo(pages * P, VmoOption.DISCARDABLE);
  vmo.opRange(VmoOp.LOCK, 0, pages * P, new VmoLockState());
  vmo.opRange(VmoOp.COMMIT, 0, pages * P);
  return vmo;
};

const unlock = (vmo: Vmo): void => vmo.opRange(VmoOp.UNLOCK, 0, vmo.getSize());

t.test('the oldest pages go first, and come back with the same contents', (t) => {
  const world = makeWorld();
  const { system, vmo, seen } = world;
  for (const page of [5, 2, 7, 0]) {
    supply(world, page, 1);
    system.queues.rotate();
  }
  t.match(system.reclaim.evict(1), { pages: 1, pagerPages: 1, discardablePages: 0 });
  t.strictSame(present(system, vmo, 8), [0, 2, 7]);
  t.match(system.reclaim.evict(2, { level: 'inactive' }), { pages: 2 });
  t.strictSame(present(system, vmo, 8), [0], 'that one is active');
  t.match(system.reclaim.evict(5, { level: 'inactive' }), { pages: 0 });
  t.match(system.reclaim.evict(5), { pages: 1 }, 'no more than there are');
  t.equal(seen.length, 0);
  t.equal(asWord(vmo.read(7 * P, 4)), 7, 'the pager is asked again');
  t.equal(seen.length, 1);
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('dirty, pinned and needed pages stay', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  supply(world, 0, 5);
  vmo.write(0, word(1));
  const pin = vmo.pin(P, P);
  vmo.opRange(VmoOp.ALWAYS_NEED, 2 * P, P);
  vmo.opRange(VmoOp.DONT_NEED, 3 * P, P);
  t.match(system.reclaim.evict(1, { level: 'oldest' }), { pages: 1 });
  t.strictSame(present(system, vmo, 5), [0, 1, 2, 4], 'what is not needed goes first');
  t.match(system.reclaim.evict(8), { pages: 1 });
  t.strictSame(present(system, vmo, 5), [0, 1, 2]);
  t.match(system.reclaim.evict(8, { ignoreHints: true }), { pages: 1 });
  t.strictSame(present(system, vmo, 5), [0, 1]);
  pin.unpin();
  t.match(system.reclaim.evict(8), { pages: 1 });
  t.equal(vmo.getInfo(Topic.VMO).committedChangeEvents > 0, true, 'counted as reclaim');
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('discardable VMOs go as a whole, the least recently unlocked first', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  const [a, b, c, locked] = [3, 2, 4, 5].map((pages) => discardable(system, pages));
  for (const one of [b!, a!, c!]) unlock(one);
  supply(world, 0, 2);
  t.match(system.reclaim.evict(1), { pages: 2, discardablePages: 2, discardedVmos: 1 });
  t.equal(b!.object.isDiscarded, true);
  t.match(system.reclaim.evict(4), { discardablePages: 7, discardedVmos: 2 }, 'more than asked');
  t.strictSame(present(system, vmo, 2), [0, 1], 'active pages outlast them');
  t.match(system.reclaim.evict(99), { pagerPages: 2, discardablePages: 0 });
  t.equal(locked!.object.isDiscarded, false);
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('who is locked again goes to the end of the row, and who is closed leaves it', (t) => {
  const system = makeSystem();
  const all = [1, 2, 3, 4].map((pages) => discardable(system, pages));
  for (const one of all) unlock(one);
  const [a, b, c, d] = all;
  a!.opRange(VmoOp.TRY_LOCK, 0, P);
  t.equal(system.reclaim.unlocked.size, 3);
  unlock(a!);
  b!.close();
  t.match(system.reclaim.evict(1), { pages: 3 });
  t.match(system.reclaim.evict(1), { pages: 4 });
  t.strictSame([a, c, d].map((one) => one!.object.isDiscarded), [false, true, true]);
  t.match(system.reclaim.evict(1), { pages: 1 });
  t.equal(system.reclaim.unlocked.size, 0);
  t.end();
});

t.test('a discardable VMO without pages or with a pin is left alone', (t) => {
  const system = makeSystem();
  const empty = system.createVmo(P, VmoOption.DISCARDABLE);
  empty.opRange(VmoOp.TRY_LOCK, 0, P);
  unlock(empty);
  const held = discardable(system, 2);
  const pin = held.pin(0, P);
  unlock(held);
  t.match(system.reclaim.evict(9), { pages: 0, discardedVmos: 0 });
  t.equal(empty.object.isDiscarded, false);
  pin.unpin();
  t.match(system.reclaim.evict(9), { pages: 2, discardedVmos: 1 });
  t.end();
});

t.test('evict refuses what it cannot mean', (t) => {
  const system = makeSystem();
  const bad: [string, () => unknown][] = [
    ['a fraction', () => system.reclaim.evict(1.5)],
    ['a negative number', () => system.reclaim.evict(-1)],
    ['a level', () => system.reclaim.evict(1, { level: 'some' as 'all' })],
    ['hints', () => system.reclaim.evict(1, { ignoreHints: 1 as unknown as boolean })],
    ['candidates', () => system.reclaim.scanZeroPages(-1)],
    ['touched', () => system.reclaim.scanZeroPages(1, { untouchedToo: 0 as unknown as boolean })],
  ];
  for (const [name, call] of bad) refused(t, system, 'ZX_ERR_INVALID_ARGS', call, name);
  t.end();
});

t.test('pages that read zero go, and the VMO reads zero without them', (t) => {
  const { system, process } = makeProcess();
  const vmo = system.createVmo(8 * P);
  const { PERM_READ, PERM_WRITE } = VmOption;
  const base = process.rootVmar.map(PERM_READ | PERM_WRITE, 0, vmo, 0, 8 * P);
  process.touch(base, 6 * P, Access.WRITE);
  for (const page of [0, 1, 2]) vmo.write(page * P, word(page === 1 ? 7 : 0));
  t.match(system.reclaim.scanZeroPages(100), { pagesSeen: 3, pagesGone: 2 });
  t.strictSame(present(system, vmo, 8), [1, 3, 4, 5]);
  t.equal(system.queues.placeOf(vmo, P)?.queue, 'anonymous', 'looked at, no candidate now');
  t.equal(asWord(vmo.read(0, 4)), 0);
  t.equal(process.read(base, 4)[0], 0, 'through the mapping as well');
  t.equal(vmo.getInfo(Topic.VMO).committedChangeEvents, 1);
  t.match(system.reclaim.scanZeroPages(100), { pagesSeen: 0, pagesGone: 0 });
  t.match(system.reclaim.scanZeroPages(2, { untouchedToo: true }), { pagesSeen: 2, pagesGone: 2 });
  t.match(system.reclaim.scanZeroPages(2, { untouchedToo: true }), { pagesSeen: 1, pagesGone: 1 });
  t.strictSame(present(system, vmo, 8), [1]);
  process.touch(base, P, Access.WRITE);
  t.strictSame(present(system, vmo, 8), [0, 1], 'a write makes a page again');
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('pages that must stay: pinned, uncached, dirty, high priority', (t) => {
  const world = makeWorld();
  const { system, vmo: file } = world;
  const door = new KernelDoor(system);
  const vmo = system.createVmo(P);
  vmo.opRange(VmoOp.COMMIT, 0, P);
  const pin = vmo.pin(0, P);
  t.equal(door.dedupZeroPage(vmo, 0), false, 'pinned');
  pin.unpin();
  door.setHighPriority(vmo, true);
  t.equal(door.dedupZeroPage(vmo, 0), false, 'high priority');
  door.setHighPriority(vmo, false);
  const child = vmo.createChild(VmoChild.SNAPSHOT, 0, P);
  t.equal(door.dedupZeroPage(vmo, 0), true, 'shared ones go from all that share them');
  t.strictSame([present(system, vmo, 1), present(system, child, 1)], [[], []]);
  t.equal(door.dedupZeroPage(vmo, 0), false, 'gone already');
  const device = system.createContiguousVmo(P);
  t.equal(door.dedupZeroPage(device, 0), false, 'contiguous');
  const uncached = system.createVmo(P);
  uncached.setCachePolicy(CachePolicy.UNCACHED);
  uncached.opRange(VmoOp.COMMIT, 0, P);
  t.equal(door.dedupZeroPage(uncached, 0), false, 'not cached');
  supply(world, 0, 1);
  t.equal(door.dedupZeroPage(file, 0), true, 'a clean zero of a pager');
  t.equal(world.seen.length, 0);
  t.equal(asWord(file.read(0, 4)), 0);
  t.equal(world.seen.length, 0, 'the pager is not asked for it again');
  file.write(0, word(0));
  t.equal(door.dedupZeroPage(file, 0), false, 'dirty');
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('a clone of a live parent reads zero where its zero page went', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  supply(world, 0, 8);
  const child = vmo.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 8 * P);
  child.write(3 * P, word(0));
  t.equal(new KernelDoor(system).dedupZeroPage(child, 3), true);
  t.equal(asWord(child.read(3 * P, 4)), 0, 'not what its parent has');
  t.equal(asWord(vmo.read(3 * P, 4)), 3);
  t.strictSame(system.core.audit(), []);
  t.end();
});
