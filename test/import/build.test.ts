/**
 * Systems built from snapshots on the real core: every entry leads to the recorded frame, the core
 * finds its invariants kept, entries and extras add up to the kernel's mapcount, koids and jobs
 * are as promised.
 */

import * as fc from 'fast-check';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import t from 'tap';
import type { AspaceRef } from '../../src/core/core.js';
import { buildLinux, type LinuxImport } from '../../src/import/linux/build.js';
import { FrameBit } from '../../src/import/linux/frames.js';
import { readSnapshot } from '../../src/import/linux/read.js';
import { RunKind } from '../../src/import/linux/runs.js';
import type { LinuxMapping, LinuxSnapshot } from '../../src/import/linux/snapshot.js';
import type { ProcessObject } from '../../src/objects/process-object.js';
import { KernelSystem } from '../../src/objects/system.js';
import { walkMappings, walkProcesses, walkTasks } from '../../src/objects/walk.js';
import { histories, RandomMachine } from './random-machine.js';
import { anonymous, Machine, smallMachine, streamOf, Word, type Task } from './synthetic.js';

const FOLDERS = ['../fixtures', '../../../shared/data/linux', '../../../shared/data/traces'];

function build(snapshot: LinuxSnapshot): LinuxImport {
  return buildLinux(snapshot, (core, options) => new KernelSystem(core, options));
}

function read(machine: Machine): Promise<LinuxSnapshot> {
  return readSnapshot('made-up', { input: streamOf(machine.text()) });
}

/** Present pages of a mapping: page and dense frame index. */
function* presentPages(
  snapshot: LinuxSnapshot,
  mapping: LinuxMapping,
): Generator<[number, number]> {
  const { segment, start, end } = mapping.runs;
  for (let row = start; row < end; row++) {
    if (snapshot.runKinds[segment.flags[row] as number] !== RunKind.PRESENT) continue;
    const length = segment.length[row] as number;
    for (let i = 0; i < Math.abs(length); i++) {
      const frame = (segment.first[row] as number) + (length < 0 ? -i : i);
      yield [(segment.page[row] as number) + i, frame];
    }
  }
}

/** The first difference between a snapshot and the system built from it; empty if there is none. */
function difference(snapshot: LinuxSnapshot, built: LinuxImport): string {
  const { system, pfns, firstFrame } = built;
  const { core } = system;
  const found = core.audit();
  if (found.length > 0) return found.join();
  const processes = new Map<number, ProcessObject>();
  for (const process of walkProcesses(system.rootJob.object)) processes.set(process.koid, process);
  const entries = new Uint32Array(pfns.length);
  const index = new Map([...pfns].map((pfn, i) => [pfn, i]));
  let present = 0;
  for (const mapping of snapshot.mappings) {
    const { pid } = snapshot.processes[mapping.process] as { pid: number };
    const { ref } = (processes.get(pid) as ProcessObject).aspace as { ref: AspaceRef };
    for (const [page, frame] of presentPages(snapshot, mapping)) {
      const bits = snapshot.frames.bitsOf(frame);
      if (bits & FrameBit.NO_PAGE) continue;
      const entry = core.entry(ref, mapping.startPage + page);
      const got = entry >>> 5;
      present++;
      if ((entry & 1) === 0) return `no entry at page ${page} of line ${mapping.line}`;
      if (bits & FrameBit.ZERO) {
        if (got !== 0) return 'the zero page is a frame';
        continue;
      }
      const pfn = snapshot.frames.pfn[frame] as number;
      if (pfns[got - firstFrame] !== pfn) return `frame ${got} at page ${page}, not PFN ${pfn}`;
      const at = index.get(pfn) as number;
      entries[at] = (entries[at] as number) + 1;
    }
  }
  return presentDifference(processes, core, present) || extraDifference(snapshot, built, entries);
}

function presentDifference(
  processes: ReadonlyMap<number, ProcessObject>,
  core: KernelSystem['core'],
  present: number,
): string {
  let inCore = 0;
  for (const { aspace } of processes.values()) inCore += core.aspacePresentPages(aspace.ref);
  return inCore === present ? '' : `${inCore} present entries, expected ${present}`;
}

function extraDifference(
  snapshot: LinuxSnapshot,
  built: LinuxImport,
  entries: Uint32Array,
): string {
  const { extras, firstFrame, pfns } = built;
  const counts = Float64Array.from(entries);
  for (let i = 0; i < extras.length; i += 2) {
    const at = (extras[i] as number) - firstFrame;
    counts[at] = (counts[at] as number) + (extras[i + 1] as number);
  }
  const { frames } = snapshot;
  const mapcount = new Map([...frames.pfn].map((pfn, i) => [pfn, frames.mapcount[i]]));
  const wrong = [...pfns].findIndex((pfn, i) => counts[i] !== mapcount.get(pfn));
  return wrong < 0 ? '' : `PFN ${pfns[wrong]}: entries and extras are ${counts[wrong]}`;
}

for (const name of FOLDERS) {
  const folder = fileURLToPath(new URL(name, import.meta.url));
  const known = /\.snap\.jsonl(\.gz|\.br)?$/;
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => known.test(file)) : [];
  if (files.length === 0) t.comment(`skipped: no snapshots in ${name}`);
  for (const file of files) {
    t.test(`the system built from ${file} has the pages that were recorded`, async (t) => {
      const snapshot = await readSnapshot(join(folder, file));
      const built = build(snapshot);
      t.equal(difference(snapshot, built), '');
      const kilobytes = (key: string): number => 1024 * (snapshot.meminfo.get(key) ?? 0);
      const memory = built.kernelMemory();
      t.equal(memory.totalBytes, kilobytes('MemTotal'));
      t.equal(memory.freeBytes, kilobytes('MemFree'));
      t.equal(memory.totalHeapBytes, kilobytes('Slab'));
      t.equal(built.system.core.freePages * 4096, kilobytes('MemFree'), 'free in the core too');
      const parts = memory.freeBytes + memory.wiredBytes + memory.totalHeapBytes + memory.vmoBytes
        + memory.mmuOverheadBytes + memory.otherBytes;
      t.equal(parts, memory.totalBytes, 'the figures add up');
      t.equal(built.notes.length, snapshot.consistent ? 0 : 1);
      t.ok(built.outside, 'libraries are mapped by others too');
    });
  }
}

t.test('random machines are built with every page in its place', async (t) => {
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(2), async (steps, order) => {
      const machine = new RandomMachine().live(steps, order);
      const snapshot = await read(machine);
      const built = build(snapshot);
      const found = difference(snapshot, built);
      if (found) throw new Error(found);
    }),
    { numRuns: 60, endOnFailure: true },
  );
  t.pass();
});

t.test('an imported system goes on: every page can be touched', async (t) => {
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      const { system } = build(await read(new RandomMachine().live(steps, 0)));
      for (const process of walkProcesses(system.rootJob.object)) {
        for (const mapping of walkMappings(process.aspace)) {
          const { basePage, pages, perms } = mapping;
          for (let i = 0; i < pages; i++) process.aspace.touch(basePage + i, 1, perms);
        }
      }
      const found = system.core.audit();
      if (found.length > 0) throw new Error(found.join());
    }),
    { numRuns: 40, endOnFailure: true },
  );
  t.pass();
});

t.test('processes keep their pids; jobs and VMOs are numbered as they appear', async (t) => {
  const machine = smallMachine();
  const other = machine.task(90, 77, 'other');
  other.areas.push(anonymous(0x10, 1));
  machine.tasks.unshift(machine.tasks.pop() as Task);
  const { system, outside } = build(await read(machine));
  const rows = [...walkTasks(system.rootJob.object)].map(({ task, depth }) => {
    return `${depth} ${task.koid} ${task.name}`;
  });
  t.same(rows, [
    '0 4194304 linux',
    '1 4194305 other',
    '2 90 other',
    '1 4194307 server',
    '2 100 server',
    '2 101 task101',
    '1 4194311 outside',
  ]);
  t.equal(outside?.koid, 4194311);
  const vmos = [...system.vmos].map((vmo) => `${vmo.koid} ${vmo.name} ${vmo.parentKoid}`);
  t.same(vmos.sort(), [
    '4194306  0',
    '4194308 /lib/file7 0',
    '4194309 [heap] 0',
    '4194310 [heap] 4194309',
  ]);
});

t.test('swap is shared by the page tables that hold a slot', async (t) => {
  const { swap } = build(await read(smallMachine()));
  t.same([...swap.values()], [
    { swapBytes: 8192, swapPssUnits: 8192 * 2048 },
    { swapBytes: 8192, swapPssUnits: 8192 * 2048 },
  ]);
});

t.test('a machine with more recorded than meminfo has is built all the same', async (t) => {
  const machine = new Machine();
  machine.meminfo = { MemTotal: 4, MemFree: 0 };
  const task = machine.task(5, 1);
  task.areas.push(anonymous(0x10, 64));
  for (let i = 0; i < 64; i++) task.entries.set(0x10 + i, { pfn: machine.frame(9 + i, Word.ANON) });
  const { system } = build(await read(machine));
  t.same(system.core.audit(), []);
});
