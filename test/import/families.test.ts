/**
 * The reader and the plan of VMOs on random machines: the kernel's figures come out, and a plain
 * model that follows the plan shows at every page what the machine has there.
 */

import * as fc from 'fast-check';
import t from 'tap';
import { planFamilies } from '../../src/import/linux/families.js';
import { NO_ENTRY, PageFiller, type FillDoor } from '../../src/import/linux/fill.js';
import { offsetIn, type FamilyPlan, type VmoPlan } from '../../src/import/linux/plan.js';
import { readSnapshot } from '../../src/import/linux/read.js';
import type { LinuxMapping, LinuxSnapshot } from '../../src/import/linux/snapshot.js';
import { figuresOf, slotHolders } from './oracle.js';
import { histories, RandomMachine } from './random-machine.js';
import { anonymous, fileArea, Machine, smallMachine, streamOf, Word } from './synthetic.js';
import type { Task } from './synthetic.js';

const runs = { numRuns: 200 };

function read(machine: Machine): Promise<LinuxSnapshot> {
  return readSnapshot('made-up', { input: streamOf(machine.text(), 997) });
}

/** A core in plain objects: lists as maps, snapshots as copies. */
class ModelCore implements FillDoor {
  readonly lists: Map<number, number>[] = [];
  readonly below: number[] = [];
  readonly tables: Map<number, number>[] = [];
  readonly places = new Map<number, Set<string>>();
  readonly aliases = new Set<number>();
  frames = 0;

  vmo(parent = -1): number {
    this.lists.push(new Map());
    return this.below.push(parent) - 1;
  }

  snapshot(source: number, offset: number, pages: number): number {
    const ref = this.vmo(this.below[source]);
    for (const [page, frame] of this.lists[source] as Map<number, number>) {
      if (page >= offset && page < offset + pages) this.lists[ref]?.set(page - offset, frame);
    }
    return ref;
  }

  table(): number {
    return this.tables.push(new Map()) - 1;
  }

  shows(ref: number, page: number): number {
    const own = this.lists[ref]?.get(page);
    if (own !== undefined) return own;
    const below = this.below[ref] as number;
    return below < 0 ? 0 : this.shows(below, page);
  }

  framesCreate(count: number): number {
    this.frames = count;
    return 1000;
  }

  frameSetKinds(): void {}

  vmoInsertFrames(ref: number, page: number, frames: Uint32Array, alias: boolean): number {
    frames.forEach((frame, i) => {
      if (frame === 0) return;
      this.lists[ref]?.set(page + i, frame);
      if (alias) this.aliases.add(frame);
    });
    return 0;
  }

  vmoZeroPages(ref: number, page: number, pages: number): number {
    const list = this.lists[ref] as Map<number, number>;
    for (let i = page; i < page + pages; i++) {
      if (this.below[ref] === -1) list.delete(i);
      else list.set(i, 0);
    }
    return 0;
  }

  ptesInstall(ref: number, page: number, frames: Uint32Array): number {
    frames.forEach((frame, i) => frame !== NO_ENTRY && this.tables[ref]?.set(page + i, frame));
    return 0;
  }
}

interface Built {
  core: ModelCore;
  plan: FamilyPlan;
  refs: Map<VmoPlan, number>;
  filler: PageFiller;
  tables: number[];
}

function build(snapshot: LinuxSnapshot): Built {
  const plan = planFamilies(snapshot);
  const core = new ModelCore();
  const filler = new PageFiller(core, snapshot, plan, () => {
    throw new Error('the model refuses nothing');
  });
  const refs = new Map<VmoPlan, number>();
  for (const vmo of plan.order) {
    const { source, file } = vmo;
    const ref = source
      ? core.snapshot(refs.get(source) as number, vmo.baseVpn - source.baseVpn, vmo.sizePages)
      : core.vmo(file ? refs.get(file) : -1);
    refs.set(vmo, ref);
    filler.fill(vmo, ref);
  }
  const tables = snapshot.mappings.map((mapping) => {
    const table = core.table();
    filler.installEntries(mapping, table);
    return table;
  });
  return { core, plan, refs, filler, tables };
}

/** Every page of a mapping: what the machine has, the entry, and what the VMO shows. */
function checkMapping(
  machine: Machine,
  built: Built,
  snapshot: LinuxSnapshot,
  index: number,
): void {
  const mapping = snapshot.mappings[index] as LinuxMapping;
  const { pid } = snapshot.processes[mapping.process] as { pid: number };
  const task = machine.tasks.find((one) => one.pid === pid) as Task;
  const vmo = built.plan.vmoOf[index] as VmoPlan;
  const ref = built.refs.get(vmo) as number;
  const offset = offsetIn(vmo, mapping);
  if (offset < 0 || offset + mapping.pages > vmo.sizePages) throw new Error('outside its VMO');
  for (let page = 0; page < mapping.pages; page++) {
    const entry = task.entries.get(mapping.startPage + page);
    const got = built.core.tables[built.tables[index] as number]?.get(page);
    const shown = built.core.shows(ref, offset + page);
    if (!entry || 'swap' in entry) {
      if (got !== undefined) throw new Error(`an entry where the machine has none: ${got}`);
      if (vmo.kind === 'anonymous' && shown !== 0) throw new Error('a page nobody has');
      continue;
    }
    const zero = machine.frames.get(entry.pfn)?.flags === Word.ZERO;
    const want = zero ? 0 : entry.pfn;
    const pfnOf = (frame: number): number => built.filler.pfns[frame - 1000] as number;
    const found = got === 0 ? 0 : pfnOf(got ?? 0);
    if (got === undefined || found !== want) throw new Error('a wrong entry');
    if (shown !== got) throw new Error(`the VMO shows ${shown}, the entry ${got}`);
  }
}

/** Rss, PSS and so on of a mapping straight from the machine. */
function expectedFigures(machine: Machine, task: Task, mapping: LinuxMapping): number[] {
  let [rss, pss, own, swap, swapPss, huge] = [0, 0, 0, 0, 0, 0];
  for (let page = 0; page < mapping.pages; page++) {
    const entry = task.entries.get(mapping.startPage + page);
    if (!entry) continue;
    if ('swap' in entry) {
      let holders = 0;
      for (const { entries } of machine.tasks) {
        for (const other of entries.values()) {
          if ('swap' in other && other.swap === entry.swap) holders++;
        }
      }
      swap += 4;
      swapPss += Math.floor(2 ** 24 / holders);
      continue;
    }
    const { flags, outside } = machine.frames.get(entry.pfn) as { flags: bigint; outside: number };
    if (flags === Word.ZERO) continue;
    if ((flags >> 17n) & 1n) {
      huge += 4;
      continue;
    }
    const count = machine.holders(entry.pfn) + outside;
    rss += 4;
    pss += Math.floor(2 ** 24 / count);
    if (count < 2) own += 4;
  }
  return [rss, pss, own, rss - own, swap, swapPss, huge];
}

function checkFigures(machine: Machine, snapshot: LinuxSnapshot): void {
  const holders = slotHolders(snapshot);
  for (const mapping of snapshot.mappings) {
    const { pid } = snapshot.processes[mapping.process] as { pid: number };
    const task = machine.tasks.find((one) => one.pid === pid) as Task;
    const f = figuresOf(snapshot, mapping, holders);
    const huge = f.sharedHugetlb + f.privateHugetlb;
    const got = [f.rss, f.pss, f.private, f.shared, f.swap, f.swapPss, huge];
    const want = expectedFigures(machine, task, mapping);
    if (got.join() === want.join()) continue;
    throw new Error(`figures ${got.join()}, expected ${want.join()}`);
  }
}

t.test('every page of a random machine is where the machine has it', async (t) => {
  let sources = 0;
  let aliases = 0;
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(2), async (steps, order) => {
      const machine = new RandomMachine().live(steps, order);
      const snapshot = await read(machine);
      checkFigures(machine, snapshot);
      const built = build(snapshot);
      snapshot.mappings.forEach((_mapping, i) => checkMapping(machine, built, snapshot, i));
      sources += built.plan.vmos.filter((vmo) => vmo.source).length;
      aliases += built.core.aliases.size;
    }),
    runs,
  );
  t.ok(sources > 100, `${sources} VMOs have a source`);
  t.ok(aliases > 100, `${aliases} frames are aliases`);
});

t.test('references from outside are what kpagecount has beyond the entries seen', async (t) => {
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(2), async (steps, order) => {
      const machine = new RandomMachine().live(steps, order);
      const { frames } = await read(machine);
      for (let i = 0; i < frames.count; i++) {
        const { flags, outside } = machine.frames.get(frames.pfn[i] as number) as never;
        if (flags === Word.ZERO) continue;
        const extra = (frames.mapcount[i] as number) - (frames.seen[i] as number);
        if (extra !== outside) throw new Error(`${extra} extra, expected ${outside}`);
      }
    }),
    { numRuns: 50 },
  );
  t.pass();
});

t.test('a forked process gets a snapshot of its parent, and one VMO a file', async (t) => {
  const { plan } = build(await read(smallMachine()));
  const kinds = plan.vmos.map((vmo) => `${vmo.kind} ${vmo.name} ${vmo.source?.index ?? '-'}`);
  t.same(kinds, ['file /lib/file7 -', 'anonymous [heap] -', 'anonymous [heap] 1']);
});

t.test('brothers whose parent is gone are a family', async (t) => {
  const machine = smallMachine();
  machine.tasks.push(machine.fork(machine.tasks[0] as Task, 102));
  machine.tasks.pop();
  machine.tasks.shift();
  const { plan } = build(await read(machine));
  t.equal(plan.vmos.filter((vmo) => vmo.source).length, 1);
});

t.test('a child that grew downwards has room in its family', async (t) => {
  const machine = new Machine();
  const parent = machine.task(5, 1);
  parent.areas.push(anonymous(0x100, 4, '[stack]'));
  parent.entries.set(0x102, { pfn: machine.frame(9, Word.ANON) });
  const child = machine.fork(parent, 6);
  Object.assign(child.areas[0] as object, { start: 0xf0, pages: 0x14 });
  child.entries.set(0xf1, { pfn: machine.frame(10, Word.ANON) });
  const snapshot = await read(machine);
  const built = build(snapshot);
  snapshot.mappings.forEach((_mapping, i) => checkMapping(machine, built, snapshot, i));
  t.same(built.plan.vmos.map((vmo) => [vmo.baseVpn, vmo.sizePages]), [[0xf0, 0x14], [0xf0, 0x14]]);
});

t.test('private copies are a live child of the file, one for each load address', async (t) => {
  const machine = new Machine();
  const task = machine.task(5, 1);
  task.areas.push(fileArea(0x10, 4, 3, 'r-xp'), fileArea(0x14, 4, 3, 'rw-p', 3));
  task.entries.set(0x13, { pfn: machine.frame(50, Word.FILE) });
  task.entries.set(0x14, { pfn: machine.frame(60, Word.ANON) });
  const { plan, core, refs } = build(await read(machine));
  t.same(plan.vmos.map(({ kind }) => kind), ['file', 'private']);
  const [file, copies] = plan.vmos.map((vmo) => refs.get(vmo) as number) as [number, number];
  t.same([core.shows(file, 3), core.shows(copies, 3)], [1000, 1001]);
});

t.test('[vdso] is a VMO for each set of frames; [vvar] has no pages', async (t) => {
  const machine = new Machine();
  [5, 6, 7].forEach((pid) => {
    const task = machine.task(pid, 1);
    task.areas.push(anonymous(0x100 * pid, 2, '[vdso]'), anonymous(0x100 * pid + 8, 2, '[vvar]'));
    const first = pid === 7 ? 80 : 70;
    if (!machine.frames.has(first)) machine.frame(first, Word.FILE, 3);
    task.entries.set(0x100 * pid, { pfn: first });
  });
  const { plan } = build(await read(machine));
  t.same(
    plan.vmos.map((vmo) => `${vmo.kind} ${vmo.name}`),
    ['file [vdso]', 'anonymous [vvar]', 'anonymous [vvar]', 'file [vdso]', 'anonymous [vvar]'],
  );
});

t.test('device memory and frame numbers without a page are in no list', async (t) => {
  const machine = new Machine();
  const task = machine.task(5, 1);
  const device = { ...fileArea(0x10, 4, 3, 'rw-s'), vf: 'rd wr sh pf io' };
  task.areas.push(device, fileArea(0x20, 2, 4, 'r--s'));
  task.entries.set(0x10, { pfn: machine.frame(500, Word.FILE) });
  task.entries.set(0x20, { pfn: machine.frame(600, Word.NO_PAGE) });
  const { filler, core } = build(await read(machine));
  t.equal(filler.frameCount, 0);
  t.same(core.tables.map((table) => table.size), [0, 0]);
});
