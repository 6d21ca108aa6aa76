/**
 * What happens as memory runs low: levels, their events, and what is taken or killed.
 */
import fc from 'fast-check';
import t from 'tap';
import { ZxError } from '../../src/objects/errors.js';
import { Topic } from '../../src/objects/info.js';
import { IMAGE_HEAP_BYTES } from '../../src/objects/kernel-heap.js';
import { Right } from '../../src/objects/rights.js';
import { Signal } from '../../src/objects/signals.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import {
  MemoryLevel, type PressureOptions, type PressureRecord,
} from '../../src/objects/watchdog.js';
import { System } from '../../src/system.js';
import { isLong } from '../support/long.js';
import { P, statusOf } from './support.js';

const MIB = 2 ** 20;
const SECOND = 1_000_000_000;

const world = (pressure: PressureOptions = {}, mebibytes = 512) => {
  const system = System.boot({
    memoryBytes: mebibytes * MIB, variant: 'debug', countKernelMemory: false, pressure,
  });
  const records: PressureRecord[] = [];
  system.watchdog.observe((record) => records.push(record));
  const hog = system.createVmo(1024 * MIB);
  let top = 0;
  /** Leaves so much memory free, in one step. */
  const leave = (freeMebibytes: number): void => {
    const before = top;
    top += system.core.freePages - freeMebibytes * MIB / P;
    if (top > before) hog.opRange(VmoOp.COMMIT, before * P, (top - before) * P);
    else if (top < before) hog.opRange(VmoOp.DECOMMIT, top * P, (before - top) * P);
  };
  return { system, records, hog, leave };
};
const hogPages = (hog: Vmo): number => hog.getInfo(Topic.VMO).committedBytes / P;

t.test('a level is worse at once, past its debounce, and better when it lasts', async (t) => {
  const { system, leave, records } = world();
  const { watchdog } = system;
  const levelAt = (freeMebibytes: number): MemoryLevel => {
    leave(freeMebibytes);
    return watchdog.level;
  };
  const { NORMAL, WARNING, CRITICAL, IMMINENT_OUT_OF_MEMORY } = MemoryLevel;
  t.equal(watchdog.level, NORMAL);
  t.equal(levelAt(300), NORMAL, 'at the mark');
  t.equal(levelAt(299.5), NORMAL, 'less than the debounce below it');
  t.equal(levelAt(298.5), WARNING);
  t.equal(levelAt(300.5), WARNING);
  system.advance(20 * SECOND);
  t.equal(watchdog.level, WARNING, 'less than the debounce above it');
  t.equal(levelAt(302), WARNING);
  system.advance(9.9 * SECOND);
  t.equal(watchdog.level, WARNING);
  system.advance(0.2 * SECOND);
  t.equal(watchdog.level, NORMAL);
  t.equal(levelAt(140), CRITICAL, 'two levels at once');
  t.equal(levelAt(400), CRITICAL);
  system.advance(5 * SECOND);
  t.equal(levelAt(140), CRITICAL);
  system.advance(20 * SECOND);
  t.equal(watchdog.level, CRITICAL, 'it did not last');
  t.equal(levelAt(55), IMMINENT_OUT_OF_MEMORY);
  t.ok(records.every(({ what }) => what === 'level'), 'there was nothing to take');
});

/** The rules of 8.2 in plain numbers: the level that is, the one that is signalled, until when. */
class Levels {
  static readonly marks = [50, 60, 150, 300];
  signalled = 4;
  #is = 4;
  #nowMs = 0;
  #waiting: { level: number; untilMs: number } | undefined;

  see(free: number): void {
    const { marks } = Levels;
    const lower = (marks[this.#is - 1] ?? 0) - (this.#is > 0 ? 1 : 0);
    if (free < lower || free > (marks[this.#is] ?? Infinity) + 1) {
      this.#is = marks.filter((mark) => free >= mark).length;
    }
    if (this.#is <= this.signalled) {
      this.signalled = this.#is;
      this.#waiting = undefined;
    } else if (this.#waiting?.level !== this.#is) {
      this.#waiting = { level: this.#is, untilMs: this.#nowMs + 10_000 };
    }
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    if (this.#waiting === undefined || this.#waiting.untilMs > this.#nowMs) return;
    this.signalled = this.#waiting.level;
    this.#waiting = undefined;
  }
}

t.test('levels at random are those of the rules, told once each', async () => {
  const nearMark = fc.tuple(fc.constantFrom(...Levels.marks), fc.integer({ min: -8, max: 8 }))
    .map(([mark, quarters]) => mark + quarters / 4);
  const free = fc.oneof(nearMark, nearMark, fc.integer({ min: 5, max: 500 }));
  const step = fc.tuple(free, fc.constantFrom(0, 0, 0, 3000, 5000, 9999, 10_000, 25_000));
  fc.assert(fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
    const { system, leave, records } = world({ oomBehavior: 'jobkill' });
    const model = new Levels();
    const told: number[] = [4];
    for (const [mebibytes, ms] of steps) {
      leave(mebibytes);
      model.see(mebibytes);
      const seen = [system.watchdog.level, model.signalled];
      if (told.at(-1) !== model.signalled) told.push(model.signalled);
      system.advance(BigInt(ms) * 1_000_000n);
      model.pass(ms);
      seen.push(system.watchdog.level, model.signalled);
      if (told.at(-1) !== model.signalled) told.push(model.signalled);
      if (seen[0] !== seen[1] || seen[2] !== seen[3]) return false;
    }
    const levels = records.filter(({ what }) => what === 'level').map(({ level }) => level);
    return String([4, ...levels]) === String(told);
  }), { numRuns: isLong ? 2000 : 60 });
});

t.test('one level\'s event is signalled', async (t) => {
  const { system, leave } = world();
  const events = Object.values(MemoryLevel).map((level) => system.watchdog.event(level));
  const signalled = (): number[] =>
    events.flatMap(({ signals }, level) => ((signals & Signal.SIGNALED) === 0 ? [] : [level]));
  t.strictSame(signalled(), [MemoryLevel.NORMAL]);
  leave(250);
  system.watchdog.look();
  t.strictSame(signalled(), [MemoryLevel.WARNING]);
  leave(140);
  await Promise.resolve();
  t.strictSame(signalled(), [MemoryLevel.CRITICAL], 'when the program yields');
  t.equal(statusOf(() => system.watchdog.event(5 as MemoryLevel)), 'ZX_ERR_INVALID_ARGS');
});

t.test('the events are the kernel\'s: programs wait for them, and signal none', async (t) => {
  const { system } = world();
  const event = system.watchdog.event(MemoryLevel.NORMAL);
  t.equal(event.rights, Right.DUPLICATE | Right.TRANSFER | Right.WAIT);
  t.equal(statusOf(() => { event.signal(Signal.SIGNALED, 0); }), 'ZX_ERR_ACCESS_DENIED');
  const { koid } = event;
  t.equal(system.handleArena.open, 3, 'the root job\'s, the hog\'s, and this one');
  event.close();
  t.equal(system.watchdog.event(MemoryLevel.NORMAL).koid, koid, 'it stays');
  system.beginPass();
  t.equal(statusOf(() => system.watchdog.event(MemoryLevel.NORMAL)), 'ZX_ERR_SHOULD_WAIT');
  system.endPass();
});

t.test('where the heap finds no page no event is made', async (t) => {
  const system = System.boot({ memoryBytes: MIB, pressure: {} });
  while (system.heap.usedBytes < IMAGE_HEAP_BYTES + P - 400) system.createEvent();
  system.addKernelUse({ otherPages: system.core.freePages });
  const use = (): number[] =>
    [system.heap.usedBytes, system.heap.freeBytes, system.handleArena.open];
  const before = use();
  t.equal(statusOf(() => system.watchdog.event(MemoryLevel.NORMAL)), 'ZX_ERR_NO_MEMORY');
  t.strictSame(use(), before);
});

t.test('a program that stays out of memory is not made to wait for a search', async (t) => {
  const { system, leave } = world({ compression: true, oomBehavior: 'jobkill' });
  const { reclaim } = system;
  let searches = 0;
  const evict = reclaim.evict.bind(reclaim);
  reclaim.evict = (...args) => { searches += 1; return evict(...args); };
  leave(20);
  for (let i = 0; i < 100; i++) system.createVmo(P).close();
  t.equal(searches, 1, 'one when memory ran out');
  await Promise.resolve();
  t.equal(searches, 2, 'and one before a job would die');
  for (let i = 0; i < 100; i++) system.createVmo(P).close();
  t.equal(searches, 2);
  t.equal(statusOf(() => system.createContiguousVmo(64 * MIB)), 'ZX_ERR_NO_MEMORY');
  system.createVmo(P);
  t.equal(searches, 3, 'again when something was refused');
  t.equal(system.watchdog.level, MemoryLevel.OUT_OF_MEMORY);
});

t.test('a call does not fail because nothing could be taken before it', async (t) => {
  const { system, leave, records } = world();
  const vmo = system.createVmo(P);
  system.reclaim.evict = () => { throw new ZxError('ZX_ERR_NO_MEMORY', 'no host memory'); };
  leave(100);
  vmo.close();
  t.equal(system.watchdog.level, MemoryLevel.CRITICAL);
  t.strictSame(records.map(({ what }) => what), ['level']);
});

t.test('off, nothing happens, and the level is said to be normal', async (t) => {
  const system = System.boot({ memoryBytes: 64 * MIB });
  const vmo = system.createVmo(128 * MIB);
  t.equal(statusOf(() => vmo.opRange(VmoOp.COMMIT, 0, 128 * MIB)), 'ZX_ERR_NO_MEMORY');
  t.strictSame([system.watchdog.isOn, system.watchdog.level], [false, MemoryLevel.NORMAL]);
});

t.test('at CRITICAL unlocked VMOs go, and pages in use of pagers behind them', async (t) => {
  const { system, records, leave } = world();
  const pager = system.createPager();
  const file = pager.createVmo(30 * MIB);
  const aux = system.createVmo(30 * MIB);
  aux.opRange(VmoOp.COMMIT, 0, 30 * MIB);
  pager.supplyPages(file, 0, 30 * MIB, aux, 0);
  const cache = system.createVmo(40 * MIB, VmoOption.DISCARDABLE);
  cache.opRange(VmoOp.TRY_LOCK, 0, 40 * MIB);
  cache.opRange(VmoOp.COMMIT, 0, 40 * MIB);
  cache.opRange(VmoOp.UNLOCK, 0, 40 * MIB);
  const taken = (): (number | undefined)[] =>
    records.filter(({ what }) => what === 'evict').map(({ pages }) => pages);
  leave(140);
  t.equal(system.watchdog.level, MemoryLevel.CRITICAL);
  t.strictSame(taken(), [40 * MIB / P], 'a VMO goes as a whole');
  t.equal(cache.getInfo(Topic.VMO).committedBytes, 0);
  leave(100);
  system.watchdog.look();
  t.strictSame(taken(), [40 * MIB / P, 30 * MIB / P], 'again, whatever is signalled still');
  leave(55);
  t.equal(system.watchdog.level, MemoryLevel.IMMINENT_OUT_OF_MEMORY);
  t.equal(taken().length, 2, 'there is nothing left to take');
  t.equal(file.getInfo(Topic.VMO).committedBytes, 0);
  t.strictSame(system.core.audit(), []);
});

t.test('out of memory, one marked job dies, the deepest', async (t) => {
  const { system, records, leave } = world({ oomBehavior: 'jobkill' });
  const outer = system.rootJob.createJob('outer');
  const inner = outer.createJob('inner');
  const other = system.rootJob.createJob('other');
  for (const job of [outer, inner]) job.setKillOnOom(true);
  const process = inner.createProcess('p');
  const vmo = system.createVmo(20 * MIB);
  process.rootVmar.map(VmOption.PERM_READ | VmOption.PERM_WRITE, 0, vmo, 0, 20 * MIB);
  process.touch(process.rootVmar.base, 0, Access.READ);
  leave(40);
  t.equal(system.watchdog.level, MemoryLevel.OUT_OF_MEMORY);
  const kills = () => records.filter(({ what }) => what === 'kill').map(({ jobKoid }) => jobKoid);
  t.strictSame(kills(), [inner.koid]);
  t.ok(process.getInfo(Topic.PROCESS).exited);
  t.notOk(other.getInfo(Topic.JOB).exited);
  system.watchdog.look();
  t.strictSame(kills(), [inner.koid], 'one for each time');
});

t.test('a refused allocation is out of memory, whatever is free', async (t) => {
  const { system, records, hog } = world({ oomBehavior: 'jobkill' });
  const job = system.rootJob.createJob('greedy');
  job.setKillOnOom(true);
  t.equal(statusOf(() => hog.opRange(VmoOp.COMMIT, 0, 1024 * MIB)), 'ZX_ERR_NO_MEMORY');
  t.equal(hogPages(hog), 0, 'it changed nothing');
  system.watchdog.look();
  t.strictSame(records.map(({ what }) => what).slice(0, 1), ['level']);
  t.equal(system.core.audit().length, 0);
});

t.test('without jobkill the machine begins anew: all is dead', async (t) => {
  const { system, records, leave } = world();
  const process = system.rootJob.createProcess('p');
  leave(10);
  t.equal(system.watchdog.level, MemoryLevel.OUT_OF_MEMORY);
  t.equal(records.at(-1)?.what, 'reboot');
  t.ok(process.getInfo(Topic.PROCESS).exited);
  t.equal(statusOf(() => system.rootJob.createJob('j')), 'ZX_OK');
});

t.test('compression helps where there is nothing to evict', async (t) => {
  const { system, records } = world({
    oomBytes: 2 * MIB, imminentDeltaBytes: MIB, criticalBytes: 8 * MIB, warningBytes: 12 * MIB,
    debounceBytes: 0, compression: true,
  }, 64);
  const vmo = system.createVmo(128 * MIB);
  const page = new Uint8Array(P).map((_, i) => i >> 5);
  for (let i = 0; i < 100 * MIB / P; i++) vmo.write(i * P, page);
  t.ok(records.some(({ what, pages = 0 }) => what === 'compress' && pages > 0));
  t.ok(records.every(({ what }) => what !== 'reboot'), '100 MiB of text in 64 MiB');
  t.strictSame(vmo.read(5 * P, P), page);
  const stats = system.rootJob.getInfo(Topic.KMEM_STATS_COMPRESSION);
  t.equal(stats.uncompressedStorageBytes, system.core.compressedPages * P);
  t.equal(stats.totalPageDecompressions, 1);
  t.ok(stats.memoryPressurePageCompressions >= system.core.compressedPages);
  t.strictSame(system.core.audit(), []);
});

t.test('marks that make no sense are refused', async (t) => {
  const boot = (pressure: unknown): string => statusOf(() =>
    System.boot({ memoryBytes: MIB, pressure: pressure as PressureOptions }));
  for (const bad of [
    { oomBytes: -1 }, { oomBytes: 200 * MIB }, { warningBytes: 100 * MIB },
    { oomBehavior: 'panic' },
    { hysteresisSeconds: 0.5 }, { compression: 1 }, { evictAtWarning: 'yes' }, 7,
  ]) t.equal(boot(bad), 'ZX_ERR_INVALID_ARGS', JSON.stringify(bad));
  t.equal(boot({ imminentDeltaBytes: 0 }), 'ZX_OK');
});
