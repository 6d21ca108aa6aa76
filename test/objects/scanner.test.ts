/**
 * The memory scanner: what it finds in all memory, what it takes, and that it stops while it is
 * switched off (memory-semantics 7).
 */
import fc from 'fast-check';
import t from 'tap';
import { VmoLockState } from '../../src/objects/discardable.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { System } from '../../src/system.js';
import { mapFile, P, refused, statusOf, word } from './support.js';

const S = 1_000_000_000;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

/** A pager's file of 8 pages, a discardable VMO of 3, and 4 pages of zeros that a program wrote. */
const world = () => {
  const system = System.boot({ memoryBytes: 64 * 2 ** 20, variant: 'debug' });
  const process = system.rootJob.createProcess('p');
  const { file, at } = mapFile(system, process, 8);
  const discardable = system.createVmo(3 * P, VmoOption.DISCARDABLE);
  discardable.opRange(VmoOp.LOCK, 0, 3 * P, new VmoLockState());
  discardable.opRange(VmoOp.COMMIT, 0, 3 * P);
  const zeros = system.createVmo(4 * P);
  process.touch(process.rootVmar.map(READ_WRITE, 0, zeros, 0, 4 * P), 4 * P, Access.WRITE);
  for (let page = 0; page < 4; page++) zeros.write(page * P, word(0));
  return { system, process, file, at, discardable, zeros };
};

t.test('a scan finds pages by age, zero pages, and what can be discarded', (t) => {
  const { system, discardable, at, process, zeros } = world();
  const { scanner } = system;
  t.match(scanner.report(), {
    disables: 0, zeroPages: 4, discardableLockedPages: 3, discardableUnlockedPages: 0,
    queues: { generations: [8, 0, 0, 0, 0, 0, 0, 0], isolate: 0, anonymousZeroFork: 4 },
    newest: { number: 7, sinceNs: 0n, reason: 'None' }, newestAgeNs: 0n,
  });
  discardable.opRange(VmoOp.UNLOCK, 0, 3 * P);
  zeros.write(0, word(7));
  system.advance(1);
  system.queues.rotate();
  process.touch(at, P, Access.READ);
  scanner.harvestAccessed();
  system.advance(2);
  t.match(scanner.report(), {
    zeroPages: 3, discardableLockedPages: 0, discardableUnlockedPages: 3,
    queues: { generations: [1, 7, 0, 0, 0, 0, 0, 0] },
    newest: { number: 8, sinceNs: 1n, reason: 'Manual' }, newestAgeNs: 2n,
  });
  const digest = system.core.digest();
  scanner.report();
  t.equal(system.core.digest(), digest, 'looking changes nothing');
  t.end();
});

t.test('generations are numbered alike in one long step and in many short ones', (t) => {
  for (const drop of [false, true]) {
    const seen = [1, 3, 17, 101].map((steps) => {
      const { system, file } = world();
      if (drop) system.evictPages(file, 0, 8 * P);
      for (let i = 1; i <= steps; i++) {
        system.advance(BigInt(Math.floor(101 * S * i / steps)) - system.clock.nowNs);
      }
      const { number, reason, sinceNs } = system.scanner.report().newest;
      return `${number} ${reason} ${sinceNs}`;
    });
    t.strictSame([...new Set(seen)], [`27 Timeout ${100n * BigInt(S)}`], `dropped: ${drop}`);
  }
  t.end();
});

t.test('reclaim takes what is old, or all; reclaim all takes zeros too', (t) => {
  const { system, discardable, zeros } = world();
  const { scanner } = system;
  discardable.opRange(VmoOp.UNLOCK, 0, 3 * P);
  t.match(scanner.reclaim(5, true), { pagerPages: 0, discardablePages: 3 });
  const { freePages } = system.core;
  t.match(scanner.reclaim(5), {
    pages: 5, pagerPages: 5, freePagesBefore: freePages, freePagesAfter: freePages + 5,
  });
  zeros.write(0, word(9));
  t.match(scanner.reclaimAll(), { pagerPages: 3, discardablePages: 0, zeroPagesGone: 3 });
  t.match(scanner.report(), { zeroPages: 0, queues: { reclaim: 0 } });
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('switched off it takes nothing, by itself or asked, until all have switched it on', (t) => {
  const { system, zeros } = world();
  const { scanner } = system;
  scanner.disable();
  scanner.disable();
  system.advance(10 * S);
  t.equal(zeros.object.ownPages, 4);
  t.equal(scanner.report().queues.generations[2], 8, 'pages age all the same');
  refused(t, system, 'ZX_ERR_BAD_STATE', () => scanner.reclaim(1), 'reclaim');
  refused(t, system, 'ZX_ERR_BAD_STATE', () => scanner.reclaimAll(), 'reclaim all');
  refused(t, system, 'ZX_ERR_BAD_STATE', () => scanner.harvestAccessed(), 'harvest');
  scanner.enable();
  t.equal(scanner.report().disables, 1);
  scanner.enable();
  refused(t, system, 'ZX_ERR_BAD_STATE', () => scanner.enable(), 'it is on');
  t.equal(statusOf(() => scanner.reclaim(-1)), 'ZX_ERR_INVALID_ARGS');
  system.advance(S);
  t.equal(zeros.object.ownPages, 0);
  t.end();
});

t.test('zero pages are those that were written and read zero, whoever shares them', (t) => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(15), fc.nat(2)), { maxLength: 40 }), fc.boolean(),
    (writes, snapshot) => {
      const system = System.boot({ memoryBytes: 8 * 2 ** 20, variant: 'debug' });
      const vmo = system.createVmo(16 * P);
      const last = new Map<number, number>();
      for (const [page, value] of writes) {
        vmo.write(page * P, word(value));
        last.set(page, value);
      }
      let zeros = [...last.values()].filter((value) => value === 0).length;
      if (snapshot) {
        const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 16 * P);
        t.equal(system.scanner.report().zeroPages, zeros, 'a shared page is one');
        clone.write(0, word(0)); // its own page now, or a new one
        zeros += 1;
      }
      t.equal(system.scanner.report().zeroPages, zeros);
    },
  ), { numRuns: 50 });
  t.end();
});
