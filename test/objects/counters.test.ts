/**
 * What a system counts: page faults as a plain list of page states has them, system calls,
 * exceptions, timers.
 */
import fc from 'fast-check';
import t from 'tap';
import { PolicyAction, PolicyCondition, PolicyMode } from '../../src/objects/job-policy.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { System } from '../../src/system.js';
import { runs } from '../support/long.js';
import { P, statusOf } from './support.js';

const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const PAGES = 700; // two tables, many leaves

/** A page of a VMO that one process maps: its entry, and the snapshots that share it. */
class ModelPage {
  entry: 'none' | 'read' | 'write' = 'none';
  isThere = false;
  readonly sharers = new Set<object>();

  /** A read; whether it faults. */
  read(): boolean {
    if (this.entry !== 'none') return false;
    this.entry = this.isThere && this.sharers.size === 0 ? 'write' : 'read';
    return true;
  }

  /** A write; whether it faults. */
  write(): boolean {
    const faults = this.entry !== 'write';
    this.entry = 'write';
    this.isThere = true;
    this.sharers.clear();
    return faults;
  }

  share(snapshot: object): void {
    if (!this.isThere) return;
    this.sharers.add(snapshot);
    if (this.entry === 'write') this.entry = 'read';
  }
}

type Step =
  | {
    readonly what: 'touch'; readonly first: number; readonly pages: number; readonly write: boolean;
  }
  | { readonly what: 'snapshot' | 'close' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({
    what: fc.constant('touch' as const), first: fc.nat(PAGES - 2),
    pages: fc.oneof(fc.integer({ min: 2, max: 80 }), fc.constant(PAGES)), write: fc.boolean(),
  }) },
  { weight: 1, arbitrary: fc.record({
    what: fc.constantFrom('snapshot' as const, 'close' as const),
  }) },
);

t.test('page faults are those of pages whose entries do not allow the access', async () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const system = System.boot({ memoryBytes: 64 * 2 ** 20, variant: 'debug' });
    const process = system.rootJob.createProcess('p');
    const vmo = system.createVmo(PAGES * P);
    const base = process.rootVmar.map(READ_WRITE, 0, vmo, 0, PAGES * P);
    const model = Array.from({ length: PAGES }, () => new ModelPage());
    const snapshots: Vmo[] = [];
    let wanted = 0;
    for (const one of steps) {
      if (one.what === 'touch') {
        const pages = Math.min(one.pages, PAGES - one.first);
        for (const page of model.slice(one.first, one.first + pages)) {
          wanted += Number(one.write ? page.write() : page.read());
        }
        const access = one.write ? Access.WRITE : Access.READ;
        process.touch(base + BigInt(one.first * P), pages * P, access);
      } else if (one.what === 'snapshot') {
        const made = vmo.createChild(VmoChild.SNAPSHOT, 0, PAGES * P);
        snapshots.push(made);
        for (const page of model) page.share(made);
      } else {
        const closed = snapshots.pop();
        closed?.close();
        for (const page of model) if (closed !== undefined) page.sharers.delete(closed);
      }
      if (system.counters.pageFaults !== wanted) {
        throw new Error(`${JSON.stringify(one)}: ${system.counters.pageFaults} for ${wanted}`);
      }
    }
  }), { numRuns: runs(150, 10_000) });
});

t.test('one page, its neighbours, and more pages than a call has', (t) => {
  const system = System.boot({ memoryBytes: 2 ** 30 });
  const process = system.rootJob.createProcess('p');
  const big = 66_000;
  const vmo = system.createVmo(big * P);
  const base = process.rootVmar.map(READ_WRITE, 0, vmo, 0, big * P);
  const faults = (work: () => void): number => {
    const before = system.counters.pageFaults;
    work();
    return system.counters.pageFaults - before;
  };
  const touch = (page: number, pages: number, access: number) => (): void => {
    process.touch(base + BigInt(page * P), pages * P, access);
  };
  t.equal(faults(touch(0, 1, Access.WRITE)), 1);
  t.equal(faults(touch(0, 1, Access.WRITE)), 0, 'it is there');
  vmo.opRange(VmoOp.COMMIT, 0, 16 * P);
  t.equal(faults(touch(5, 1, Access.READ)), 1, 'neighbours that are there are mapped along');
  t.equal(faults(touch(5, 11, Access.READ)), 0);
  t.equal(faults(touch(0, 16, Access.READ)), 4, 'but those before it');
  t.equal(faults(touch(0, big, Access.READ)), big - 16);
  t.equal(faults(touch(0, big, Access.WRITE)), big - 16, 'the zero page cannot be written');
  t.equal(faults(() => { process.write(base, new Uint8Array(3 * P)); }), 0);
  t.equal(faults(() => { process.writeMemory(base, new Uint8Array(8)); }), 0, 'the kernel\'s copy');
  const exceptions = system.counters.exceptions;
  t.equal(faults(() => {
    t.equal(statusOf(() => process.touch(4096, 1, Access.READ)), 'ZX_ERR_NOT_FOUND');
  }), 1, 'a fault for good');
  t.equal(system.counters.exceptions, exceptions + 1);
  t.end();
});

t.test('system calls count once each, whatever they are made of', (t) => {
  const system = System.boot();
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(2 * P, 2);
  const calls = (work: () => unknown): number => {
    const before = system.counters.syscalls;
    work();
    return system.counters.syscalls - before;
  };
  const base = process.rootVmar.map(READ_WRITE, 0, vmo, 0, P);
  const [end] = system.createChannel();
  for (const [what, work] of Object.entries({
    createVmo: () => system.createVmo(P),
    'process.createVmo': () => process.createVmo(P),
    'process.createEvent': () => process.createEvent(),
    createTimer: () => system.createTimer(),
    setSize: () => vmo.setSize(3 * P),
    map: () => process.rootVmar.map(READ_WRITE, 0, vmo, 0, P),
    protect: () => process.rootVmar.protect(VmOption.PERM_READ, base, P),
    getInfo: () => vmo.getInfo(23),
    duplicate: () => vmo.duplicate(),
    write: () => end.write(new Uint8Array(1), [vmo.duplicate()]),
    name: () => vmo.name,
  })) t.equal(calls(work), what === 'write' ? 2 : 1, what);
  t.equal(calls(() => { process.touch(base, P, Access.READ); }), 0, 'touch');
  t.equal(calls(() => process.read(base, 8)), 0, 'read');
  t.equal(calls(() => [process.koid, process.handles(), system.kernelMemory()]), 0, 'looking');
  t.end();
});

t.test('exceptions of threads and policies, and timers that came due', (t) => {
  const system = System.boot();
  const { counters } = system;
  const job = system.rootJob.createJob('j');
  job.setPolicy(PolicyMode.ABSOLUTE, [
    { condition: PolicyCondition.NEW_EVENT, action: PolicyAction.ALLOW_EXCEPTION },
    { condition: PolicyCondition.NEW_PORT, action: PolicyAction.DENY_EXCEPTION },
    { condition: PolicyCondition.NEW_TIMER, action: PolicyAction.DENY },
  ]);
  const process = job.createProcess('p');
  process.createEvent();
  statusOf(() => process.createPort());
  statusOf(() => process.createTimer());
  t.equal(counters.exceptions, 2);
  const thread = process.createThread('t');
  thread.start();
  thread.raiseException();
  t.equal(counters.exceptions, 3);
  const timers = [1, 2, 3].map(() => system.createTimer());
  [100, 100, 200].forEach((at, i) => { timers[i]!.set(at); });
  system.advance(50);
  t.strictSame([counters.timers, counters.timerInts], [0, 0]);
  system.advance(100);
  t.strictSame([counters.timers, counters.timerInts], [2, 1], 'both at one moment');
  timers[2]!.cancel();
  system.advance(100);
  timers[2]!.set(1);
  t.strictSame([counters.timers, counters.timerInts], [2, 1], 'one that is over needs no time');
  t.end();
});
