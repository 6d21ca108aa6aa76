/**
 * Time that passes ages pages and finds zero pages, alike in one long step and in many short ones
 * (memory-semantics 7.1, 7.2, 7.4).
 */
import t from 'tap';
import type { AgeingOptions } from '../../src/objects/ageing.js';
import { KernelDoor } from '../../src/objects/kernel-door.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { makeSystem, mapFile, P, refused, statusOf, word } from './support.js';

const S = 1_000_000_000;

/** A pager's VMO of 8 supplied pages, mapped and read, and 100 zeros that a program wrote. */
const world = (ageing: AgeingOptions = {}) => {
  const system = makeSystem(4096, { ageing });
  const process = system.rootJob.createProcess('p');
  const { file, at } = mapFile(system, process, 8);
  const zeros = system.createVmo(100 * P);
  const { PERM_READ, PERM_WRITE } = VmOption;
  const base = process.rootVmar.map(PERM_READ | PERM_WRITE, 0, zeros, 0, 100 * P);
  process.touch(base, 100 * P, Access.WRITE);
  for (let page = 0; page < 100; page++) zeros.write(page * P, word(0));
  return { system, process, door: new KernelDoor(system), file, at, zeros };
};

t.test('every five seconds pages are a generation older, but for those in use', (t) => {
  const { system, process, door, at } = world();
  door.passTime(4.9 * S);
  t.equal(system.queues.counts.generations[0], 8);
  door.passTime(5 * S);
  t.equal(system.queues.counts.generations[1], 8);
  process.touch(at, 2 * P, Access.READ);
  door.passTime(10 * S);
  t.strictSame(system.queues.counts.generations, [0, 2, 6, 0, 0, 0, 0, 0]);
  door.passTime(100 * S);
  t.match(system.queues.counts, { isolate: 8, reclaim: 0, active: 0, inactive: 8 });
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('one long step and many short ones come to the same', (t) => {
  for (const ageing of [{}, { rotateSeconds: 3 }, { activeRatioMultiplier: 1 }]) {
    const digests = [1, 7, 63].map((steps) => {
      const { system, door } = world(ageing);
      for (let i = 1; i <= steps; i++) door.passTime(Math.floor(37 * S * i / steps));
      return system.core.digest();
    });
    t.equal(new Set(digests).size, 1, JSON.stringify(ageing));
  }
  t.end();
});

t.test('a share of active pages that is too large makes pages older sooner', (t) => {
  const { system, door } = world({ activeRatioMultiplier: 2 });
  door.passTime(2 * S);
  t.equal(system.queues.counts.generations[2], 8, 'a rotation a second while all are active');
  door.passTime(6 * S);
  t.equal(system.queues.counts.generations[2], 8, 'then the usual pace, five seconds on');
  door.passTime(7 * S);
  t.equal(system.queues.counts.generations[3], 8);
  t.end();
});

t.test('the scanner looks at so many zero forks in a second', (t) => {
  const { system, door, zeros } = world({ zeroScansPerSecond: 40 });
  door.passTime(S);
  t.equal(system.queues.counts.anonymousZeroFork, 60);
  door.passTime(1.5 * S);
  t.equal(system.queues.counts.anonymousZeroFork, 40);
  door.passTime(60 * S);
  t.equal(zeros.object.ownPages, 0);
  t.strictSame(system.core.audit(), []);
  t.end();
});

t.test('either can be switched off, and what cannot be meant is refused', (t) => {
  const { system, door } = world({ rotateSeconds: 0, zeroScansPerSecond: 0 });
  const before = system.core.digest();
  door.passTime(1000 * S);
  t.equal(system.core.digest(), before);
  refused(t, system, 'ZX_ERR_INVALID_ARGS', () => door.passTime(999 * S), 'time does not go back');
  for (const ageing of [
    { rotateSeconds: -1 }, { rotateSeconds: 0.5 }, { activeRatioMultiplier: -1 },
    { zeroScansPerSecond: 2 ** 40 }, 5 as AgeingOptions,
  ]) {
    t.equal(statusOf(() => makeSystem(64, { ageing })), 'ZX_ERR_INVALID_ARGS',
      JSON.stringify(ageing));
  }
  t.end();
});
