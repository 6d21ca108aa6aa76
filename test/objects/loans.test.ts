/**
 * Loans: pages of pagers' VMOs in frames that contiguous VMOs have lent, and how they leave them
 * (memory-semantics 6.4, 7.2).
 */
import t, { type Test } from 'tap';
import { FrameState } from '../../src/core/core.js';
import { KernelDoor } from '../../src/objects/kernel-door.js';
import { Topic } from '../../src/objects/info.js';
import { PagerCommand, PagerOp } from '../../src/objects/pager-options.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { Access, VmarOp, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { asWord, makeSystem, P, refused, word } from './support.js';

const PAGES = 20;
const ALL = PAGES * P;

/** A pager's file whose page n has the word n + 1, and a contiguous VMO that has lent its pages. */
function makeWorld({ memory = 200, lent = PAGES, options = 0 } = {}) {
  const system = makeSystem(memory, { pageLoaning: true });
  let asked = 0;
  const pager = system.createPager((request) => {
    const { command, offset, length } = request;
    if (command === PagerCommand.DIRTY) {
      pager.opRange(PagerOp.DIRTY, file, offset, length);
      return;
    }
    if (command !== PagerCommand.READ) return;
    const aux = system.createVmo(length);
    for (let at = 0; at < Number(length); at += P) {
      aux.write(at, word(Number(offset) / P + at / P + 1));
      asked += 1;
    }
    pager.supplyPages(file, offset, length, aux);
    aux.close();
  });
  const run = system.createContiguousVmo(ALL, 0, { name: 'dma' });
  if (lent > 0) run.opRange(VmoOp.DECOMMIT, 0, lent * P);
  const file = pager.createVmo(ALL, VmoOption.RESIZABLE | options, { name: 'file' });
  const process = system.rootJob.createProcess('p');
  return { system, pager, run, file, process, asked: () => asked };
}

const frameOf = (vmo: Vmo, page: number): number =>
  vmo.object.system.core.vmoFrame(vmo.object.tree.ref, page);
const isLodged = (vmo: Vmo, page: number): boolean =>
  vmo.object.system.core.isBorrowed(frameOf(vmo, page));
const lodged = (vmo: Vmo): number[] =>
  Array.from({ length: PAGES }, (_, page) => page).filter((page) => isLodged(vmo, page));
const reads = (vmo: Vmo, page: number): number => asWord(vmo.read(page * P, 4));
const fill = (system: KernelSystem, leave = 0): Vmo => {
  const vmo = system.createVmo(4096 * P);
  vmo.opRange(VmoOp.COMMIT, 0, (system.core.freePages - leave) * P);
  return vmo;
};
const whole = (t: Test, system: KernelSystem): void => {
  t.strictSame(system.core.audit(), []);
  const { core } = system;
  const states: readonly number[] = Object.values(FrameState);
  t.equal(states.reduce((sum, state) => sum + core.pagesInState(state), 0), core.physicalPages);
  const { loanedPages, freePages, borrowedPages } = system.loans;
  t.equal(loanedPages, freePages + borrowedPages);
  t.equal(system.kernelMemory().freeLoanedBytes, freePages * P);
};

t.test('pages that are supplied stand in frames on loan', async (t) => {
  const { system, run, file } = makeWorld({ lent: 4 });
  const { freePages } = system.core;
  const vmoBytes = system.kernelMemory().vmoBytes;
  t.strictSame(system.loans, { loanedPages: 4, freePages: 4, borrowedPages: 0 });
  for (let page = 0; page < 6; page++) t.equal(reads(file, page), page + 1);
  t.equal(lodged(file).length, 4, 'as many as are lent');
  t.strictSame(system.loans, { loanedPages: 4, freePages: 0, borrowedPages: 4 });
  t.equal(system.core.freePages, freePages - 2, 'the others cost free memory');
  t.equal(system.kernelMemory().vmoBytes, vmoBytes + 6 * P);
  t.equal(file.getInfo(Topic.VMO).committedBytes, 6 * P, 'the borrower pays');
  t.equal(run.getInfo(Topic.VMO).committedBytes, 16 * P, 'the lender does not');
  whole(t, system);
  system.pageLoaning = false;
  run.opRange(VmoOp.COMMIT, 0, ALL);
  for (let page = 0; page < 6; page++) t.equal(reads(file, page), page + 1);
  whole(t, system);
});

t.test('who may not borrow', async (t) => {
  const trapped = makeWorld({ options: VmoOption.TRAP_DIRTY });
  reads(trapped.file, 0);
  t.strictSame(lodged(trapped.file), [], 'a pager that hears of first writes');
  const pinned = makeWorld();
  pinned.file.pin(0, P).unpin();
  reads(pinned.file, 1);
  t.strictSame(lodged(pinned.file), [], 'a VMO that was pinned once');
  const high = makeWorld();
  new KernelDoor(high.system).setHighPriority(high.file, true);
  reads(high.file, 1);
  t.strictSame(lodged(high.file), [], 'a VMO of high priority');
  const off = makeWorld();
  off.system.pageLoaning = false;
  reads(off.file, 1);
  t.strictSame(lodged(off.file), [], 'with loaning off');
  const { system, file } = makeWorld();
  reads(file, 1);
  const clone = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, ALL);
  clone.write(P, word(9));
  t.ok(isLodged(file, 1), 'a clone copies: its parent\'s page stays');
  t.notOk(isLodged(clone, 1), 'and the copy is no borrower');
  const anonymous = system.createVmo(P);
  anonymous.write(0, word(1));
  t.notOk(isLodged(anonymous, 0), 'anonymous memory');
  for (const world of [trapped, pinned, high, off, { system }]) whole(t, world.system);
});

t.test('the lender takes a page back: the borrower gets a normal one', async (t) => {
  const { system, run, file, process } = makeWorld();
  const { core } = system;
  const clone = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, ALL);
  const at = process.rootVmar.map(VmOption.PERM_READ, 0, file, 0, ALL);
  const seen = process.rootVmar.map(VmOption.PERM_READ, 0, clone, 0, ALL);
  const dma = process.rootVmar.map(VmOption.PERM_READ | VmOption.PERM_WRITE, 0, run, 0, ALL);
  process.touch(at, ALL, Access.READ);
  process.touch(seen, ALL, Access.READ);
  file.opRange(VmoOp.DONT_NEED, 0, 3 * P);
  system.queues.rotate();
  t.equal(lodged(file).length, PAGES);
  const first = core.raw.whoseRun(run.object.tree.ref);
  const borrower = new Map(lodged(file).map((page) => [frameOf(file, page) - first, page]));
  const uses: [string, (page: number) => unknown][] = [
    ['reading', (page) => t.equal(reads(run, page), 0)],
    ['writing', (page) => run.write(page * P, word(5))],
    ['committing', (page) => run.opRange(VmoOp.COMMIT, page * P, P)],
    ['pinning', (page) => run.pin(page * P, P)],
    ['a read fault', (page) => process.touch(dma + BigInt(page * P), P, Access.READ)],
    ['a write fault', (page) => process.touch(dma + BigInt(page * P), P, Access.WRITE)],
    ['a VMAR COMMIT', (page) => process.rootVmar.opRange(VmarOp.COMMIT, dma + BigInt(page * P), P)],
    ['reading memory', (page) => process.readMemory(dma + BigInt(page * P), 4)],
  ];
  uses.forEach(([name, use], i) => {
    const page = i + 2;
    const lost = borrower.get(page)!;
    const place = system.queues.placeOf(file, lost * P);
    const { freePages } = core;
    const present = core.aspacePresentPages(process.object.aspace.ref);
    use(page);
    t.equal(frameOf(run, page), first + page, `${name} gives the lender its own frame`);
    t.notOk(isLodged(file, lost), `${name}: the borrower's page moved`);
    t.strictSame(system.queues.placeOf(file, lost * P), place, 'it is as old as it was');
    t.equal(core.freePages, freePages - 1);
    const mapped = name.includes('fault') || name.includes('VMAR') ? 1 : 0;
    t.equal(core.aspacePresentPages(process.object.aspace.ref), present - 2 + mapped,
      'its entries are gone, of the clone too');
    t.equal(reads(file, lost), lost + 1);
    t.equal(asWord(process.read(seen + BigInt(lost * P), 4)), lost + 1);
    whole(t, system);
  });
  t.equal(file.getInfo(Topic.VMO).committedChangeEvents, 0, 'nothing was reclaimed');
});

t.test('without a free frame the page goes, and is asked for again', async (t) => {
  const { system, run, file, asked, process } = makeWorld();
  for (let page = 0; page < 8; page++) reads(file, page);
  const rest = fill(system);
  t.equal(system.core.freePages, 0);
  const first = system.core.raw.whoseRun(run.object.tree.ref);
  const lost = lodged(file).slice(0, 3);
  for (const page of lost) {
    const at = frameOf(file, page) - first;
    run.write(at * P, word(77));
    t.equal(frameOf(file, page), 0, 'absent');
    whole(t, system);
  }
  t.equal(file.getInfo(Topic.VMO).committedChangeEvents, 3, 'as reclaim counts');
  t.equal(file.getInfo(Topic.VMO).committedBytes, 5 * P);
  const dma = process.rootVmar.map(VmOption.PERM_READ, 0, run, 0, ALL);
  const two = frameOf(file, lodged(file)[0]!) - first;
  refused(t, system, 'ZX_ERR_NO_MEMORY', () => process.touch(dma + BigInt(two * P), P, 1),
    'an access without memory for page tables takes nothing from anybody');
  rest.opRange(VmoOp.DECOMMIT, 0, 10 * P);
  const before = asked();
  for (const page of lost) t.equal(reads(file, page), page + 1);
  t.equal(asked() - before, 3);
  whole(t, system);
});

t.test('closing the lender ends the loan where the page stands', async (t) => {
  const { system, run, file } = makeWorld();
  for (let page = 0; page < 5; page++) reads(file, page);
  const frames = [0, 1, 2, 3, 4].map((page) => frameOf(file, page));
  const { freePages } = system.core;
  run.close();
  t.strictSame([0, 1, 2, 3, 4].map((page) => frameOf(file, page)), frames);
  t.strictSame(lodged(file), []);
  t.equal(system.core.freePages, freePages + PAGES - 5);
  t.strictSame(system.loans, { loanedPages: 0, freePages: 0, borrowedPages: 0 });
  for (let page = 0; page < 5; page++) t.equal(reads(file, page), page + 1);
  whole(t, system);
  file.close();
  t.equal(system.core.freePages, freePages + PAGES);
  whole(t, system);
});

t.test('closing, cutting and evicting the borrower give the frames back', async (t) => {
  const { system, file, run } = makeWorld();
  for (let page = 0; page < 9; page++) reads(file, page);
  const { freePages } = system.core;
  t.match(system.reclaim.evict(100), { pages: 0 }, 'for free memory none of them helps');
  t.equal(system.evictPages(file, 0, 2 * P), 2, 'asked for by name they go');
  t.strictSame(system.loans, { loanedPages: PAGES, freePages: 13, borrowedPages: 7 });
  file.opRange(VmoOp.ZERO, 2 * P, 2 * P);
  t.equal(system.loans.borrowedPages, 5, 'whole pages become an interval of zeros');
  file.setSize(6 * P);
  t.equal(system.loans.borrowedPages, 2);
  t.equal(system.core.freePages, freePages, 'free memory is what it was');
  file.close();
  t.strictSame(system.loans, { loanedPages: PAGES, freePages: PAGES, borrowedPages: 0 });
  whole(t, system);
  run.opRange(VmoOp.COMMIT, 0, ALL);
  whole(t, system);
});

t.test('both go with their process at once', async (t) => {
  const { system, run, file, process } = makeWorld();
  for (const vmo of [file, run]) {
    process.rootVmar.map(VmOption.PERM_READ, 0, vmo, 0, ALL);
    if (vmo === file) for (let page = 0; page < 9; page++) reads(file, page);
    vmo.close();
  }
  t.equal(system.loans.borrowedPages, 9);
  process.kill();
  t.strictSame(system.loans, { loanedPages: 0, freePages: 0, borrowedPages: 0 });
  whole(t, system);
});

t.test('what is written, pinned or always needed moves to a normal frame first', async (t) => {
  const { system, file, process, pager } = makeWorld();
  const at = process.rootVmar.map(VmOption.PERM_READ | VmOption.PERM_WRITE, 0, file, 0, ALL);
  for (let page = 0; page < PAGES; page++) reads(file, page);
  const uses: [string, (page: number) => unknown][] = [
    ['a write', (page) => file.write(page * P + 8, word(3))],
    ['a write fault', (page) => process.touch(at + BigInt(page * P), P, Access.WRITE)],
    ['a program\'s write', (page) => process.write(at + BigInt(page * P) + 8n, word(4))],
    ['COMMIT', (page) => file.opRange(VmoOp.COMMIT, page * P, P)],
    ['ALWAYS_NEED', (page) => file.opRange(VmoOp.ALWAYS_NEED, page * P, P)],
    ['zeroing a part', (page) => file.opRange(VmoOp.ZERO, page * P + 8, 5)],
    ['a VMAR COMMIT', (page) => process.rootVmar.opRange(VmarOp.COMMIT, at + BigInt(page * P), P)],
    ['a pin', (page) => file.pin(page * P, P)],
  ];
  uses.forEach(([name, use], page) => {
    t.ok(isLodged(file, page), name);
    const { loans, core } = system;
    const { freePages } = core;
    use(page);
    t.notOk(isLodged(file, page), `${name}: moved`);
    t.equal(system.loans.freePages, loans.freePages + 1);
    t.ok(core.freePages < freePages);
    t.equal(reads(file, page), page + 1, 'with its bytes');
    whole(t, system);
  });
  t.match(system.queues.placeOf(file, 4 * P), { queue: 'reclaim', index: 0, isNeeded: true });
  t.equal(system.queues.placeOf(file, 0)!.queue, 'pager_backed_dirty');
  t.equal(system.queues.placeOf(file, 7 * P)!.queue, 'wired');
  pager.opRange(PagerOp.WRITEBACK_BEGIN, file, 0, ALL);
  pager.opRange(PagerOp.WRITEBACK_END, file, 0, ALL);
  file.setSize(10 * P + 7);
  t.notOk(isLodged(file, 10), 'a new size zeroes the rest of its last page');
  new KernelDoor(system).setHighPriority(file, true);
  t.strictSame(lodged(file), [], 'nor does a page of high priority stay');
  for (let page = 0; page < 10; page++) t.equal(reads(file, page), page + 1);
  whole(t, system);
});

t.test('without a free frame such a use is refused, and nothing has changed', async (t) => {
  const { system, file, process } = makeWorld();
  const at = process.rootVmar.map(VmOption.PERM_READ | VmOption.PERM_WRITE, 0, file, 0, ALL);
  process.touch(at, ALL, Access.READ);
  const rest = fill(system);
  const uses: [string, () => unknown][] = [
    ['a write', () => file.write(0, word(3))],
    ['a write over two', () => file.write(P - 2, word(3))],
    ['a write fault', () => process.touch(at, P, Access.WRITE)],
    ['a write fault over four', () => process.touch(at, 4 * P, Access.WRITE)],
    ['COMMIT', () => file.opRange(VmoOp.COMMIT, 0, P)],
    ['zeroing parts', () => file.opRange(VmoOp.ZERO, 8, 2 * P)],
    ['a new size', () => file.setSize(P + 9)],
    ['a pin', () => file.pin(0, P)],
  ];
  for (const [name, use] of uses) refused(t, system, 'ZX_ERR_NO_MEMORY', use, name);
  file.opRange(VmoOp.ALWAYS_NEED, 0, P);
  t.ok(isLodged(file, 0), 'a hint asks for nothing that is not there');
  t.match(system.queues.placeOf(file, 0), { index: 0, isNeeded: false });
  rest.opRange(VmoOp.DECOMMIT, 0, P);
  file.write(0, word(3));
  t.notOk(isLodged(file, 0));
  refused(t, system, 'ZX_ERR_NO_MEMORY', () => file.write(P, word(3)), 'the next one');
  new KernelDoor(system).setHighPriority(file, true);
  t.equal(file.getInfo(Topic.VMO).committedBytes, P, 'of high priority, clean pages go');
  whole(t, system);
});

t.test('an access to a lender and a pager\'s VMO at once loses no page that it uses', async (t) => {
  const { system, file, run, process } = makeWorld();
  const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
  const at = process.rootVmar.map(VmOption.SPECIFIC | READ_WRITE, 0, run, 0, ALL);
  process.rootVmar.map(VmOption.SPECIFIC | READ_WRITE, ALL, file, 0, ALL);
  process.touch(at + BigInt(ALL), ALL, Access.READ);
  const rest = fill(system, 5);
  refused(t, system, 'ZX_ERR_NO_MEMORY', () => process.touch(at, 2 * ALL, Access.READ),
    'with too few frames');
  rest.opRange(VmoOp.DECOMMIT, 0, 30 * P);
  process.touch(at, 2 * ALL, Access.READ);
  for (let page = 0; page < PAGES; page++) {
    t.equal(asWord(process.read(at + BigInt(ALL + page * P), 4)), page + 1);
  }
  whole(t, system);
});
