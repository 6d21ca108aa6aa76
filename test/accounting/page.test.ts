/**
 * `system.page` on systems built through the API and on `boot`: every state a page can be in, every
 * way to have it, and who pays.
 */
import t, { type Test } from 'tap';
import type { PageReport, PageTarget } from '../../src/accounting/page-types.js';
import type { Process } from '../../src/objects/process.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { PagerCommand } from '../../src/objects/pager-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { System } from '../../src/system.js';
import { hostMemory } from '../support/injector.js';

const P = 4096;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

function boot(pages = 512, options: { pageLoaning?: boolean } = {}): System {
  return System.boot({ memoryBytes: pages * P, ...options });
}

function map(process: Process, vmo: Vmo, pages: number): bigint {
  return process.rootVmar.map(READ_WRITE | VmOption.ALLOW_FAULTS, 0, vmo, 0, pages * P);
}

const at = (vmo: Vmo, page = 0): PageTarget => ({ koid: vmo.koid, offset: page * P });

/** Who pays by a rule: `name bytes`, fractions as n/d. */
function pays(report: PageReport, policy: string, payer = 'process', reach?: string): string[] {
  return report.shares
    .filter((s) => s.policy === policy && s.payer === payer
      && (reach === undefined || s.reach === reach))
    .map(({ name, share: { numerator, denominator } }) =>
      `${name} ${numerator}${denominator === 1n ? '' : `/${denominator}`}`);
}

async function refused(t: Test, system: System, target: PageTarget, why: RegExp): Promise<void> {
  const error: unknown = await system.page(target).catch((reason: unknown) => reason);
  t.match(String(error), why);
}

t.test('the worked example of the concepts: three processes, four rules', async (t) => {
  const system = boot();
  const v = system.createVmo(64 * P, 0, { name: 'V' });
  v.write(0, Uint8Array.of(1));
  v.write(P, Uint8Array.of(1));
  const w = v.createChild(VmoChild.SNAPSHOT, 0, 64 * P);
  w.setName('W');
  w.write(P, Uint8Array.of(2));
  const [p, d, c] = ['P', 'D', 'C'].map((name) => system.rootJob.createProcess(name)) as
    [Process, Process, Process];
  const first = map(p, v, 64);
  const second = map(p, v, 64);
  const inC = map(c, w, 64);
  map(d, v, 64);
  p.touch(first, P, Access.READ);
  p.touch(second, P, Access.READ);
  c.touch(inC, P, Access.READ);

  const shared = await system.page(at(v));
  t.strictSame(pays(shared, 'classic', 'vmo'), ['V 4096']);
  t.strictSame(pays(shared, 'classic'), ['P 4096', 'D 2048'], 'P maps it twice');
  t.strictSame(pays(shared, 'attributed', 'vmo'), ['V 2048', 'W 2048']);
  t.strictSame(pays(shared, 'attributed'), ['P 2048', 'D 1024', 'C 2048']);
  const third = '4096/3';
  t.strictSame(pays(shared, 'exact', 'process', 'committed'),
    [`P ${third}`, `D ${third}`, `C ${third}`]);
  t.strictSame(pays(shared, 'exact', 'process', 'present'), ['P 2048', 'C 2048']);
  const units = Math.floor(2 ** 24 / 3);
  t.strictSame(pays(shared, 'mapcount'), [`P ${units}/2048`, `C ${units}/4096`]);
  t.strictSame(shared.vmos.map(({ name, parentKoid, isOwn }) => [name, parentKoid, isOwn]),
    [['V', 0, true], ['W', v.koid, true]]);
  t.equal(shared.entries, 3);

  const copied = await system.page({ koid: c.koid, offset: inC + BigInt(P) });
  t.strictSame(copied.vmos.map(({ name }) => name), ['W']);
  t.strictSame(pays(copied, 'exact', 'process', 'committed'), ['C 4096']);
  t.strictSame((await system.page({ pfn: copied.pfn! })).shares, copied.shares, 'the same by PFN');
});

t.test('what an access would do', async (t) => {
  const system = boot();
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(8 * P, 0, { name: 'heap' });
  const address = map(process, vmo, 8);
  const here = { koid: process.koid, offset: address + 5n };
  t.match(await system.page(here), {
    state: 'absent', pfn: undefined,
    access: { read: 'zeros', write: 'new', newPages: 1, newTables: 4 },
  });
  process.touch(address, 1, Access.READ);
  t.match(await system.page(here), { state: 'zero', pfn: 0, access: { newTables: 0 } });
  t.match(await system.page({ pfn: 0 }), { state: 'zero', entries: 1, shares: [] });
  process.touch(address, 1, Access.WRITE);
  t.match(await system.page(here), {
    state: 'object', access: { read: 'page', write: 'in place' },
  });
  const child = vmo.createChild(VmoChild.SNAPSHOT, 0, 8 * P);
  for (const one of [at(vmo), at(child)]) {
    t.match(await system.page(one), { access: { write: 'copy', newPages: 1 } }, 'shared');
  }
  child.close();
  t.match(await system.page(at(vmo)), { access: { write: 'in place', newPages: 0 } });
  process.rootVmar.protect(VmOption.PERM_READ, address, P);
  t.match(await system.page(here), { access: { read: 'page', write: 'ZX_ERR_ACCESS_DENIED' } });
});

t.test('slices and references have the page of another VMO, and pay nothing', async (t) => {
  const system = boot();
  const vmo = system.createVmo(8 * P, 0, { name: 'whole' });
  vmo.write(3 * P, Uint8Array.of(1));
  const slice = vmo.createChild(VmoChild.SLICE, 2 * P, 4 * P);
  const reference = vmo.createChild(VmoChild.REFERENCE);
  const report = await system.page(at(slice, 1));
  t.strictSame(report.vmos.map(({ role, offset }) => [role, Number(offset) / P]),
    [['root', 3], ['slice', 1], ['reference', 3]]);
  t.equal((await system.page(at(reference, 3))).pfn, report.pfn);
  t.match(report.notes, [/exact charges nobody/], 'only the host program has handles');
  vmo.close();
  const orphan = await system.page(at(slice, 1));
  t.strictSame(pays(orphan, 'attributed', 'vmo'), []);
  t.match(orphan.notes[0], /its own VMO is closed/);
});

t.test('held by handles only, and by whom', async (t) => {
  const system = boot();
  const vmo = system.createVmo(P, 0, { name: 'held' });
  vmo.write(0, Uint8Array.of(1));
  const holders = ['a', 'b', 'c'].map((name) => system.rootJob.createProcess(name));
  for (const holder of holders) holder.insertHandle(vmo.duplicate());
  const report = await system.page(at(vmo));
  t.strictSame(report.handles.map(({ processName, vmoKoid }) => [processName, vmoKoid]),
    [['a', vmo.koid], ['b', vmo.koid], ['c', vmo.koid]]);
  t.strictSame(pays(report, 'exact'), ['a 4096/3', 'b 4096/3', 'c 4096/3']);
  t.ok(report.shares.filter(({ policy }) => policy === 'exact').every((s) => s.byHandle));
  map(holders[0] as Process, vmo, 1);
  const mapped = await system.page(at(vmo));
  t.strictSame(pays(mapped, 'exact'), ['a 4096'], 'mapped: handles don\'t count');
});

t.test('clones that follow a file see its page until they write', async (t) => {
  const system = boot();
  const file = system.createFileVmo(4 * P, { name: 'libc' });
  file.write(0, Uint8Array.of(1));
  const copy = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * P);
  const shown = await system.page(at(copy));
  t.strictSame(shown.vmos.map(({ koid, isOwn }) => [koid, isOwn]),
    [[file.koid, true], [copy.koid, false]]);
  t.equal(shown.access?.write, 'copy');
  t.strictSame(pays(shown, 'attributed', 'vmo'), ['libc 4096']);
  copy.opRange(VmoOp.ZERO, 0, P);
  const hidden = await system.page(at(copy));
  t.match(hidden, { state: 'absent', access: { read: 'zeros', write: 'new' } });
  t.match(hidden.notes, [/the parent has is hidden/]);
  t.equal((await system.page(at(file))).vmos.length, 1);
});

t.test('an alias counts once a process, and each place is told', async (t) => {
  const system = boot();
  const { core } = system;
  const [a, b] = ['a', 'b'].map((name) => system.createVmo(4 * P, 0, { name })) as [Vmo, Vmo];
  const frame = core.framesCreate(1);
  core.vmoInsertFrames(a.object.tree.ref, 0, Uint32Array.of(frame), false);
  core.vmoInsertFrames(a.object.tree.ref, 3, Uint32Array.of(frame), true);
  core.vmoInsertFrames(b.object.tree.ref, 1, Uint32Array.of(frame), true);
  const [p, q] = ['p', 'q'].map((name) => system.rootJob.createProcess(name)) as
    [Process, Process];
  map(p, a, 4);
  map(q, b, 4);
  const report = await system.page({ pfn: frame });
  t.equal(report.references, 3);
  t.strictSame(report.vmos.map(({ name, offset }) => `${name} ${Number(offset) / P}`),
    ['a 0', 'a 3', 'b 1']);
  t.strictSame(pays(report, 'exact', 'process', 'committed'), ['p 2048', 'q 2048']);
  t.strictSame(pays(report, 'attributed', 'vmo'), ['a 8192/3', 'b 4096/3']);
  const { tasks, vmos } = await system.account({ policy: 'attributed' });
  t.equal(vmos.scaled.bytes[0], 8192n / 3n, 'as the pass says');
  t.equal(tasks.pss.bytes[tasks.name.indexOf('p')], 8192n / 3n);
  t.equal((await system.page(at(b, 1))).access?.write, 'copy');
});

t.test('pages of no VMO: page tables, free, the kernel\'s, lent, device', async (t) => {
  const system = boot(512, { pageLoaning: true });
  const process = system.rootJob.createProcess('p');
  const address = map(process, system.createVmo(P), 1);
  process.touch(address, 1, Access.WRITE);
  const tables: PageReport[] = [];
  for (let pfn = 1; pfn <= 512; pfn++) {
    const report = await system.page({ pfn });
    if (report.state === 'mmu') tables.push(report);
  }
  t.strictSame(tables.map(({ table }) => [table?.level, table?.processName]),
    [[4, 'p'], [3, 'p'], [2, 'p'], [1, 'p']]);
  t.ok(tables[3]!.table!.address <= address && tables[3]!.table!.address > address - 2n ** 21n);
  t.equal((await system.page({ pfn: 400 })).state, 'free');
  const run = system.createContiguousVmo(4 * P, 0, { name: 'dma' });
  const lent = (await system.page(at(run, 2))).pfn!;
  run.opRange(VmoOp.DECOMMIT, 2 * P, P);
  for (const target of [{ pfn: lent }, at(run, 2)]) {
    t.match(await system.page(target), { state: 'loaned', pfn: lent, vmos: [{ name: 'dma' }] });
  }
  t.match(await system.page(at(run, 2)), { access: { read: 'lent', write: 'in place' } });
  const pager = system.createPager();
  const file = pager.createVmo(P, 0, { name: 'file' });
  const aux = system.createVmo(P);
  aux.write(0, Uint8Array.of(7));
  pager.supplyPages(file, 0, P, aux);
  for (const target of [{ pfn: lent }, at(file)]) {
    const note = `its frame is on loan from VMO ${run.koid}, which may take it back at any time`;
    t.match(await system.page(target),
      { state: 'object', pfn: lent, vmos: [{ name: 'file' }], notes: [note] });
  }
  t.match(await system.page(at(run, 2)), { state: 'loaned', pfn: lent, vmos: [{ name: 'dma' }] });
  const device = system.createPhysicalVmo(0xfee00000, P);
  t.match(await system.page(at(device)), { state: 'device', shares: [], access: { newPages: 0 } });
  system.addKernelUse({ wiredPages: 7 });
  const unnamed = await system.page({ pfn: 400 });
  t.equal(unnamed.state, 'unnamed');
  t.match(unnamed.notes, [/and 7 the kernel's own/]);
});

t.test('a discarded VMO has nothing to show', async (t) => {
  const system = boot();
  const vmo = system.createVmo(P, VmoOption.DISCARDABLE);
  vmo.opRange(VmoOp.TRY_LOCK, 0, P);
  vmo.write(0, Uint8Array.of(1));
  vmo.opRange(VmoOp.UNLOCK, 0, P);
  t.equal(vmo.object.discard(), 1);
  t.match(await system.page(at(vmo)), {
    state: 'absent', access: { read: 'ZX_ERR_NOT_FOUND', write: 'ZX_ERR_NOT_FOUND' },
  });
});

t.test('what names no page is refused', async (t) => {
  const system = await System.open('boot');
  const { koid } = system.createVmo(2 * P);
  const process = system.rootJob.createProcess('p');
  const address = process.rootVmar.map(READ_WRITE | VmOption.ALLOW_FAULTS, 0,
    system.createVmo(P), 0, 3 * P);
  const none = 'ZX_ERR_NOT_FOUND';
  await refused(t, system, { pfn: 2 ** 40 }, new RegExp(`${none}: pfn 1099511627776`));
  await refused(t, system, { pfn: -1 }, /ZX_ERR_INVALID_ARGS: pfn -1/);
  await refused(t, system, { koid: 999999, offset: 0 }, new RegExp(`${none}: koid 999999`));
  await refused(t, system, { koid: system.rootJob.koid, offset: 0 }, /is a job/);
  await refused(t, system, { koid, offset: 2 * P }, /ZX_ERR_OUT_OF_RANGE: .* has 8192 bytes/);
  await refused(t, system, { koid: process.koid, offset: 0 }, /nothing is mapped at 0x0/);
  await refused(t, system, { koid: process.koid, offset: address + BigInt(P) },
    /ZX_ERR_OUT_OF_RANGE: .* behind the end/);
  await refused(t, system, { koid, offset: 1.5 }, /ZX_ERR_INVALID_ARGS: offset 1.5/);
  await refused(t, system, {} as PageTarget, /ZX_ERR_INVALID_ARGS: target/);
  await refused(t, system, null as unknown as PageTarget, /ZX_ERR_INVALID_ARGS: target/);
});

t.test('a chain of clones ten thousand deep, and as many forks, cost no recursion', async (t) => {
  const system = boot(60000);
  const file = system.createFileVmo(P, { name: 'file' });
  file.write(0, Uint8Array.of(1));
  let last = file;
  for (let i = 0; i < 10_000; i++) {
    const next = last.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, P);
    if (last !== file) last.close();
    last = next;
  }
  const deep = await system.page(at(last));
  t.strictSame(deep.vmos.map(({ isOwn }) => isOwn), [true, false], 'the middle ones are closed');
  const origin = system.createVmo(P, 0, { name: 'origin' });
  origin.write(0, Uint8Array.of(1));
  for (let i = 0; i < 10_000; i++) {
    map(system.rootJob.createProcess(`fork ${i}`), origin.createChild(VmoChild.SNAPSHOT, 0, P), 1);
  }
  const wide = await system.page(at(origin));
  t.equal(wide.vmos.length, 10_001);
  t.equal(wide.mappings.length, 10_000);
  t.strictSame(pays(wide, 'exact', 'process', 'committed')[0], 'fork 0 256/625');
});

t.test('what a pager has not supplied yet is asked for, and a first write if it is trapped',
  async (t) => {
  const system = boot();
  const asked: number[] = [];
  const pager = system.createPager(({ command, offset, length }) => {
    asked.push(command);
    const aux = system.createVmo(length);
    aux.write(0, Uint8Array.of(1));
    if (command === PagerCommand.READ) pager.supplyPages(file, offset, length, aux);
    aux.close();
  });
  const file = pager.createVmo(4 * P, VmoOption.TRAP_DIRTY, { name: 'file' });
  const clone = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * P);
  t.match(await system.page(at(file)), {
    state: 'absent', access: { read: 'pager', write: 'pager', newPages: 1 },
  });
  t.match(await system.page(at(clone)), { access: { read: 'pager', write: 'pager', newPages: 2 } });
  t.strictSame(asked, [], 'looking asks nobody');
  file.read(0, 1);
  t.match(await system.page(at(file)), {
    state: 'object', access: { read: 'page', write: 'pager', newPages: 0 },
  });
  t.match(await system.page(at(clone)), { access: { read: 'page', write: 'copy', newPages: 1 } });
  t.strictSame(system.core.audit(), []);
});

t.test('without host memory to look with the call is refused, and may be made again', async (t) => {
  const system = System.boot({ memoryBytes: 20_000 * P, variant: 'debug' });
  const vmo = system.createVmo(P);
  vmo.write(0, Uint8Array.of(1));
  for (let i = 0; i < 10; i++) vmo.createChild(VmoChild.SNAPSHOT, 0, P);
  const digest = system.core.digest();
  hostMemory.begin(system, 1);
  await refused(t, system, at(vmo), /ZX_ERR_NO_MEMORY: no host memory to look for a page/);
  hostMemory.end(system);
  t.equal(system.core.digest(), digest);
  t.equal((await system.page(at(vmo))).vmos.length, 11);
  t.strictSame(system.core.audit(), []);
});

t.test('looking is allowed while a pass runs, and changes nothing', async (t) => {
  const system = await System.open('boot');
  const digest = system.core.digest();
  const pass = system.account({ policy: 'exact' });
  const report = await system.page({ pfn: 5 });
  await pass;
  t.equal(report.state, 'object');
  t.equal(system.core.digest(), digest);
  t.strictSame(system.core.audit(), []);
});
