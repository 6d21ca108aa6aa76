/**
 * The system's clock, and what a private physical memory manager says of free pages.
 */
import fc from 'fast-check';
import t from 'tap';
import { SystemClock } from '../../src/objects/clock.js';
import { FreeSignal } from '../../src/objects/free-signal.js';
import { PmmNode } from '../../src/objects/pmm-node.js';
import { Signal } from '../../src/objects/signals.js';
import { makeSystem, statusOf } from './support.js';

t.test('what is due happens in order, at its time', async (t) => {
  const system = makeSystem();
  const { clock } = system;
  const seen: string[] = [];
  const note = (what: string) => (): void => { seen.push(`${what} ${clock.nowNs}`); };
  const timer = system.createTimer();
  const late = clock.at(70n, note('never'));
  clock.at(60n, () => { note(`the first, timer ${timer.signals}`)(); late(); });
  timer.set(60);
  clock.at(60n, () => { note(`the last, timer ${timer.signals}`)(); });
  clock.at(20n, () => { clock.at(30n, note('asked for on the way')); });
  system.advance(80);
  const { SIGNALED } = Signal;
  t.strictSame(seen, [
    'asked for on the way 30', 'the first, timer 0 60', `the last, timer ${SIGNALED} 60`,
  ], 'of one time what was asked for first, timers of programs or not');
  t.strictSame([clock.nowNs, clock.numDue], [80n, 0]);
});

t.test('any deadlines come in order, whatever is taken back', async () => {
  const deadlines = fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.boolean()));
  fc.assert(fc.property(deadlines, (all) => {
    const clock = new SystemClock();
    const seen: number[] = [];
    const back = all.map(([atNs], i) => clock.at(BigInt(atNs), () => { seen.push(i); }));
    back.forEach((takeBack, i) => { if (all[i]?.[1] === true) takeBack(); });
    const kept = all.flatMap(([atNs, gone], i) => (gone ? [] : [{ atNs, i }]));
    clock.advance(20);
    const wanted = kept.sort((a, b) => a.atNs - b.atNs || a.i - b.i).map(({ i }) => i);
    return seen.join() === wanted.join() && clock.numDue === 0;
  }), { numRuns: 300 });
});

t.test('time goes forward, and not for ever', async (t) => {
  const system = makeSystem();
  t.equal(statusOf(() => system.advance(-1)), 'ZX_ERR_INVALID_ARGS');
  t.equal(statusOf(() => system.advance(2n ** 53n + 1n)), 'ZX_ERR_OUT_OF_RANGE');
  t.equal(system.clock.nowNs, 0n);
});

t.test('the free-memory signal fires once, on either side', async (t) => {
  let fired = 0;
  const signal = new FreeSignal(() => { fired += 1; });
  t.notOk(signal.arm({ lowerPages: 10, upperPages: 20 }, 9), 'outside already');
  t.ok(signal.arm({ lowerPages: 10, upperPages: 20, delayPages: 5 }, 10));
  signal.look(20);
  t.equal(fired, 0);
  signal.look(21);
  signal.look(30);
  t.equal(fired, 1);
  t.ok(signal.arm({ lowerPages: 10, upperPages: 40, delayPages: 5 }, 30));
  signal.look(4);
  t.strictSame([fired, signal.shouldWait], [2, true]);
  signal.look(50);
  t.ok(signal.shouldWait, 'freeing alone does not clear it');
  t.ok(signal.arm({ lowerPages: 10, upperPages: 60 }, 50));
  t.notOk(signal.shouldWait);
  t.ok(signal.arm({ lowerPages: 10, upperPages: 60, delayPages: 5 }, 50));
  signal.look(9);
  t.strictSame([fired, signal.isArmed, signal.shouldWait], [3, false, false]);
  signal.look(4);
  t.ok(signal.shouldWait, 'the level for those that can wait outlives the window');
});

t.test('many timers are due in order, those too that are set on the way', async (t) => {
  const system = makeSystem(8192);
  const timers = Array.from({ length: 100_000 }, () => system.createTimer());
  timers.forEach((timer, i) => timer.set(BigInt(1 + (i * 7919) % 100_000)));
  timers[0]!.set(200_000n);
  timers[1]!.cancel();
  timers[2]!.close();
  const late = system.createTimer();
  system.clock.at(50_000n, () => {
    late.set(60_000n);
    const due = timers.filter((timer) => timer.isOpen && timer.signals !== 0).length;
    t.equal(due, 50_000 - 3, 'all up to now but what moved on, was cancelled, was closed');
  });
  system.advance(100_000);
  t.not(late.signals, 0);
  t.strictSame([timers[0]!.signals, timers[1]!.signals], [0, 0]);
  t.ok(timers.slice(3).every((timer) => timer.signals !== 0));
  system.advance(100_000);
  t.not(timers[0]!.signals, 0);
});

t.test("an allocation is whole or none, whatever is on loan", async () => {
  const step = fc.tuple(fc.nat(5), fc.nat(40));
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const node = new PmmNode(64);
    const taken = [] as ReturnType<PmmNode['alloc']>[];
    const lent = [] as ReturnType<PmmNode['alloc']>[];
    for (const [op, n] of steps) {
      const before = node.counts;
      const list = taken.pop();
      if (list !== undefined && op === 1) node.free(list);
      else if (list !== undefined && op === 2) {
        node.beginLoan(list);
        lent.push(list);
      } else if (list !== undefined) taken.push(list);
      if (op === 3) node.cancelLoan(lent.at(-1) ?? []);
      if (op === 4) taken.push(node.endLoan(lent.pop() ?? []));
      if (op === 0 && statusOf(() => taken.push(node.alloc(n))) !== 'ZX_OK'
        && (before.free >= n || node.counts.free !== before.free)) return false;
      const { free, loaned, loaned_free: borrowable, loaned_not_free: rest } = node.counts;
      const held = taken.reduce((sum, pages) => sum + pages.length, 0);
      if (free + loaned + held !== 64 || borrowable + rest !== loaned) return false;
    }
    return true;
  }));
});
