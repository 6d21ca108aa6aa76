/**
 * Page queues: where new pages join, what accesses, hints, pins, writes and time do to them
 * (memory-semantics 7.1, 7.2), and what the counts say.
 */
import t from 'tap';
import { KernelDoor } from '../../src/objects/kernel-door.js';
import { PagerOp } from '../../src/objects/pager-options.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { VmoChild, VmoOp } from '../../src/objects/vmo-options.js';
import { makeWorld, supply } from './pager-world.js';
import { makeProcess, makeSystem, P, refused, word } from './support.js';

const place = (system: KernelSystem, vmo: Vmo, page = 0): string => {
  const found = system.queues.placeOf(vmo, page * P);
  if (found === undefined) return 'none';
  return found.index === undefined ? found.queue : `${found.queue} ${found.index}`;
};

const sound = (system: KernelSystem): string[] => system.core.audit();

t.test('new anonymous pages: by a fault on nothing, by a write, by a copy', (t) => {
  const { system, process } = makeProcess();
  const vmo = system.createVmo(4 * P);
  const { PERM_READ, PERM_WRITE } = VmOption;
  const base = process.rootVmar.map(PERM_READ | PERM_WRITE, 0, vmo, 0, 4 * P);
  process.touch(base, P, Access.WRITE);
  vmo.write(P, word(1));
  vmo.opRange(VmoOp.COMMIT, 2 * P, P);
  t.equal(place(system, vmo, 0), 'anonymous_zero_fork');
  t.equal(place(system, vmo, 1), 'anonymous');
  t.equal(place(system, vmo, 2), 'anonymous');
  t.equal(place(system, vmo, 3), 'none');
  const child = vmo.createChild(VmoChild.SNAPSHOT, 0, 4 * P);
  process.touch(base, P, Access.WRITE);
  t.equal(place(system, vmo, 0), 'anonymous', 'a copy is no zero fork');
  t.equal(place(system, child, 0), 'anonymous_zero_fork', 'what was copied stays');
  t.match(system.queues.counts, { anonymous: 3, anonymousZeroFork: 1, wired: 0, reclaim: 0 });
  const { vmoBytes } = system.kernelMemory();
  t.equal(vmoBytes, 4 * P, 'the queues hold all pages of VMOs');
  t.strictSame(sound(system), []);
  t.end();
});

t.test('a page of a pager ages with each rotation, and an access makes it young', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  supply(world, 0, 2);
  t.equal(place(system, vmo), 'reclaim 0');
  for (let age = 1; age <= 7; age++) {
    system.queues.rotate();
    t.equal(place(system, vmo), `reclaim ${age}`);
    const { active, inactive } = system.queues.counts;
    t.strictSame([active, inactive], age < 2 ? [2, 0] : [0, 2]);
  }
  vmo.read(P, 4);
  system.queues.rotate();
  t.equal(place(system, vmo), 'isolate', 'past the oldest');
  t.equal(place(system, vmo, 1), 'reclaim 1');
  t.match(system.queues.counts, { isolate: 1, reclaim: 1, active: 1, inactive: 1 });
  t.match(system.queues.counts.generations, [0, 1, 0, 0, 0, 0, 0, 0]);
  t.match(system.queues.reclaimable, {
    totalBytes: 2 * P, newestBytes: P, oldestBytes: P, disabledBytes: 0,
  });
  vmo.read(0, 1);
  t.equal(place(system, vmo), 'reclaim 0', 'also out of isolation');
  t.strictSame(sound(system), []);
  t.end();
});

t.test('the processor notes accesses, and a harvest finds them', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  const process = system.rootJob.createProcess('p');
  supply(world, 0, 8);
  const base = process.rootVmar.map(VmOption.PERM_READ, 0, vmo, 0, 8 * P);
  process.touch(base, 2 * P, Access.READ);
  system.queues.rotate();
  system.queues.harvestAccessed();
  t.strictSame([0, 1, 2].map((page) => place(system, vmo, page)),
    ['reclaim 0', 'reclaim 0', 'reclaim 1'], 'those in the page tables with the bit');
  system.queues.rotate();
  system.queues.harvestAccessed();
  t.equal(place(system, vmo, 0), 'reclaim 1', 'the bit was taken');
  process.touch(base, P, Access.READ);
  t.equal(place(system, vmo, 0), 'reclaim 1', 'no fault, so nobody knows yet');
  system.queues.harvestAccessed();
  t.equal(place(system, vmo, 0), 'reclaim 0');
  t.strictSame(sound(system), []);
  t.end();
});

t.test('pins wire pages, and the last unpin puts them back', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  supply(world, 0, 1);
  system.queues.rotate();
  const pins = [vmo.pin(0, P), vmo.pin(0, P)];
  t.equal(place(system, vmo), 'wired');
  pins[0]!.unpin();
  t.equal(place(system, vmo), 'wired', 'one is left');
  pins[1]!.unpin();
  t.equal(place(system, vmo), 'reclaim 0', 'used until now');
  const anonymous = system.createVmo(P);
  const pin = anonymous.pin(0, P);
  t.equal(place(system, anonymous), 'wired');
  pin.unpin();
  t.equal(place(system, anonymous), 'anonymous');
  const run = system.createContiguousVmo(2 * P);
  t.equal(place(system, run), 'wired', 'contiguous pages never move');
  run.pin(0, P).unpin();
  t.equal(place(system, run), 'wired');
  t.equal(system.queues.counts.wired, 2);
  run.close();
  t.equal(system.queues.counts.wired, 0);
  t.strictSame(sound(system), []);
  t.end();
});

t.test('dirty pages wait in their own queue until they are written back', (t) => {
  const world = makeWorld();
  const { system, pager, vmo } = world;
  supply(world, 0, 2);
  system.queues.rotate();
  vmo.write(0, word(1));
  t.equal(place(system, vmo), 'pager_backed_dirty');
  pager.opRange(PagerOp.WRITEBACK_BEGIN, vmo, 0, P);
  t.equal(place(system, vmo), 'pager_backed_dirty', 'also while that is under way');
  vmo.opRange(VmoOp.DONT_NEED, 0, 2 * P);
  t.equal(place(system, vmo), 'pager_backed_dirty', 'and whatever is hinted');
  t.equal(place(system, vmo, 1), 'isolate');
  pager.opRange(PagerOp.WRITEBACK_END, vmo, 0, P);
  t.equal(place(system, vmo), 'reclaim 0');
  const pin = vmo.pin(0, P);
  vmo.write(0, word(2));
  t.equal(place(system, vmo), 'wired');
  pin.unpin();
  t.equal(place(system, vmo), 'pager_backed_dirty', 'what it is without the pin');
  t.strictSame(sound(system), []);
  t.end();
});

t.test('hints: not needed is isolated, always needed is young and stays', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  supply(world, 0, 4);
  system.queues.rotate();
  vmo.opRange(VmoOp.DONT_NEED, 0, P);
  vmo.opRange(VmoOp.ALWAYS_NEED, P, P);
  t.strictSame([0, 1, 2].map((page) => place(system, vmo, page)),
    ['isolate', 'reclaim 0', 'reclaim 1']);
  t.equal(system.queues.placeOf(vmo, P)?.isNeeded, true);
  t.equal(system.evictPages(vmo, P, P), 0, 'it stays');
  t.equal(system.evictPages(vmo, P, P, { ignoreHints: true }), 1, 'unless hints are ignored');
  vmo.opRange(VmoOp.ALWAYS_NEED, P, P);
  t.equal(place(system, vmo, 1), 'reclaim 0', 'the pager was asked again');
  vmo.opRange(VmoOp.DONT_NEED, P, P);
  t.equal(system.evictPages(vmo, P, P), 1, 'the last hint counts');
  const child = vmo.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 2 * P, 2 * P);
  child.write(0, word(9));
  child.opRange(VmoOp.DONT_NEED, 0, 2 * P);
  t.equal(place(system, child), 'anonymous', 'a clone\'s own page has no age');
  t.equal(place(system, vmo, 2), 'reclaim 1', 'what it does not see is not meant');
  t.equal(place(system, vmo, 3), 'isolate', 'what it sees is');
  const anonymous = system.createVmo(P);
  anonymous.write(0, word(1));
  anonymous.opRange(VmoOp.DONT_NEED, 0, P);
  t.equal(place(system, anonymous), 'anonymous', 'nothing to reclaim, nothing to hint');
  t.strictSame(sound(system), []);
  t.end();
});

t.test('high priority keeps pages out of reclaim', (t) => {
  const world = makeWorld();
  const { system, vmo } = world;
  const door = new KernelDoor(system);
  supply(world, 0, 2);
  door.setHighPriority(vmo, true);
  t.equal(place(system, vmo), 'high_priority');
  supply(world, 2, 1);
  t.equal(place(system, vmo, 2), 'high_priority', 'new ones too');
  t.equal(system.queues.reclaimable.disabledBytes, 3 * P);
  t.match(system.reclaim.evict(3), { pages: 0 });
  t.strictSame(sound(system), []);
  door.setHighPriority(vmo, false);
  t.equal(place(system, vmo), 'reclaim 0');
  t.match(system.reclaim.evict(3), { pages: 3, pagerPages: 3 });
  t.strictSame(sound(system), []);
  t.end();
});

t.test('a high-priority VMO that is touched has high-priority pages', (t) => {
  const { system, process } = makeProcess();
  const vmo = system.createVmo(64 * P);
  new KernelDoor(system).setHighPriority(vmo, true);
  const { PERM_READ, PERM_WRITE } = VmOption;
  const base = process.rootVmar.map(PERM_READ | PERM_WRITE, 0, vmo, 0, 64 * P);
  process.touch(base, P, Access.WRITE);
  process.touch(base + BigInt(P), P, Access.WRITE);
  process.touch(base, 64 * P, Access.WRITE);
  t.equal(system.queues.counts.highPriority, 64);
  t.strictSame(sound(system), []);
  t.end();
});

t.test('looking at queues changes nothing; what is no page has no place', (t) => {
  const system = makeSystem();
  const vmo = system.createVmo(P);
  refused(t, system, 'ZX_ERR_OUT_OF_RANGE', () => system.queues.placeOf(vmo, P), 'past the end');
  vmo.write(0, word(1));
  const before = system.core.digest();
  system.queues.placeOf(vmo, 0);
  t.ok(system.queues.counts.anonymous === 1 && system.queues.reclaimable.totalBytes === 0);
  system.queues.harvestAccessed();
  t.equal(system.core.digest(), before);
  const device = system.createPhysicalVmo(0x10000000, P);
  t.equal(system.queues.placeOf(device, 0), undefined);
  t.end();
});
