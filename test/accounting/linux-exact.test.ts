/**
 * Recorded Linux systems under `exact` by present entries: for each frame the owners are the
 * recorded processes that map it, and one more if kpagecount exceeds the mappings seen. Whole
 * numbers all through; the frames are counted here, straight from the file's runs.
 */

import { basename } from 'node:path';
import t, { type Test } from 'tap';
import type { AccountTables } from '../../src/accounting/tables.js';
import { System } from '../../src/system.js';
import { sharedDir } from '../support/shared.js';
import { shareOfPage, unitsAt } from './by-frame.js';
import {
  counts, frameOf, readLines, snapshotFiles, type LineMapping, type Lines,
} from './snapshot-lines.js';

/** What the file says of all frames, by PFN. */
interface Counted {
  /** Entries of recorded processes. */ readonly entries: Map<number, number>;
  /** Distinct recorded processes. */ readonly processes: Map<number, number>;
  /** Owners under `exact`. */ readonly owners: Map<number, number>;
  /** Frames that `exact` and `mapcount` have to see alike. */ readonly plain: Set<number>;
  /** Frames with mappings nobody recorded. */ readonly outside: number[];
}

const listed = new WeakMap<LineMapping, number[]>();

/** PFNs that smaps counts in a mapping. */
function pfnsOf(lines: Lines, mapping: LineMapping): readonly number[] {
  let found = listed.get(mapping);
  if (found !== undefined) return found;
  listed.set(mapping, (found = []));
  for (const pfn of mapping.pfns) {
    const frame = frameOf(lines, pfn);
    const isAnonymous = Math.floor(frame.flags / 4096) % 2 === 1;
    if (counts(frame) && (!mapping.isDevice || isAnonymous)) found.push(pfn);
  }
  return found;
}

function count(lines: Lines): Counted {
  const entries = new Map<number, number>();
  const processes = new Map<number, number>();
  const twice = new Set<number>();
  const last = new Map<number, number>();
  for (const { pid, mappings } of lines.processes) {
    for (const mapping of mappings) {
      for (const pfn of pfnsOf(lines, mapping)) {
        entries.set(pfn, (entries.get(pfn) ?? 0) + 1);
        if (last.get(pfn) === pid) twice.add(pfn);
        else processes.set(pfn, (processes.get(pfn) ?? 0) + 1);
        last.set(pfn, pid);
      }
    }
  }
  const owners = new Map<number, number>();
  const plain = new Set<number>();
  const outside: number[] = [];
  for (const [pfn, distinct] of processes) {
    const extra = frameOf(lines, pfn).mapcount - (entries.get(pfn) as number);
    owners.set(pfn, distinct + (extra > 0 ? 1 : 0));
    if (extra > 0) outside.push(pfn);
    if (!twice.has(pfn) && (extra === 0 || extra === 1)) plain.add(pfn);
  }
  return { entries, processes, owners, plain, outside };
}

function histogram(
  pfns: Iterable<number>, owners: ReadonlyMap<number, number>,
): [number, number][] {
  const counted = new Map<number, number>();
  for (const pfn of pfns) {
    const k = owners.get(pfn) as number;
    counted.set(k, (counted.get(k) ?? 0) + 1);
  }
  return sorted(counted);
}

function sorted(counted: ReadonlyMap<number, number>): [number, number][] {
  return [...counted].sort(([a], [b]) => a - b);
}

/** Sum over processes of 4096 x pages / owners = 4096 x distinct frames, as one fraction. */
function checkLaw(t: Test, { tasks }: AccountTables, frames: number): void {
  const pages = new Map<number, bigint>();
  for (const owners of tasks.pagesByOwners ?? []) {
    for (const [k, n] of owners ?? []) pages.set(k, (pages.get(k) ?? 0n) + BigInt(n));
  }
  const all = [...pages.keys()].reduce((product, k) => product * BigInt(k), 1n);
  let sum = 0n;
  for (const [k, n] of pages) sum += (4096n * n * all) / BigInt(k);
  t.equal(sum, 4096n * BigInt(frames) * all, `shares sum up to ${frames} frames, in whole numbers`);
}

function checkProcesses(t: Test, lines: Lines, counted: Counted, { tasks }: AccountTables): void {
  const wrong: string[] = [];
  const see = (pid: number, pfns: Iterable<number>, privateToo: boolean): void => {
    const row = tasks.koid.indexOf(pid);
    const set = new Set(pfns);
    const expected = histogram(set, counted.owners);
    const got = sorted(tasks.pagesByOwners?.[row] ?? new Map());
    if (String(got) !== String(expected)) wrong.push(`${pid}: ${got} for ${expected}`);
    let share = 0n;
    for (const [k, n] of expected) share += shareOfPage(k) * BigInt(n);
    if (unitsAt(tasks.pss, row) !== share) wrong.push(`${pid}: share ${unitsAt(tasks.pss, row)}`);
    const own = privateToo ? (expected[0]?.[0] === 1 ? expected[0][1] : 0) : 0;
    if (tasks.privateBytes[row] !== own * 4096) wrong.push(`${pid}: private`);
    if (tasks.sharedBytes[row] !== (set.size - own) * 4096) wrong.push(`${pid}: shared`);
  };
  for (const { pid, mappings } of lines.processes) {
    see(pid, mappings.flatMap((mapping) => pfnsOf(lines, mapping)), true);
  }
  const { koid } = tasks;
  const outside = koid[tasks.name.lastIndexOf('outside')] as number;
  if (counted.outside.length > 0) see(outside, counted.outside, false);
  t.strictSame(wrong.slice(0, 5), [], `${wrong.length} processes differ`);
}

/** Processes of one name: each frame once for them. */
function checkGroups(t: Test, lines: Lines, { owners }: Counted, tables: AccountTables): void {
  const { groups, tasks } = tables;
  const frames = new Map<string, Map<number, Set<number>>>();
  for (const { pid, mappings } of lines.processes) {
    const name = tasks.name[tasks.koid.indexOf(pid)] as string;
    const own = frames.get(name) ?? new Map<number, Set<number>>();
    frames.set(name, own);
    for (const pfn of mappings.flatMap((mapping) => pfnsOf(lines, mapping))) {
      own.set(pfn, (own.get(pfn) ?? new Set()).add(pid));
    }
  }
  const wrong: string[] = [];
  for (const [name, own] of frames) {
    const row = groups?.key.indexOf(name) ?? -1;
    let [privatePages, share] = [0, 0n];
    for (const [pfn, pids] of own) {
      if (pids.size === owners.get(pfn)) privatePages += 1;
      share += BigInt(pids.size) * shareOfPage(owners.get(pfn) as number);
    }
    const got = [groups?.privateBytes[row], groups?.sharedBytes[row]];
    const wanted = [privatePages * 4096, (own.size - privatePages) * 4096];
    if (String(got) !== String(wanted)) wrong.push(`${name}: ${got} for ${wanted}`);
    if (groups === undefined || unitsAt(groups.pss, row) !== share) wrong.push(`${name}: share`);
  }
  t.strictSame(wrong, [], `${frames.size} names, ${wrong.length} differ`);
}

/** Mappings row by row under both policies. */
function checkMappings(
  t: Test, lines: Lines, counted: Counted, exact: AccountTables, mapcount: AccountTables,
): void {
  const wrong: string[] = [];
  let alike = 0;
  for (const { pid, mappings } of lines.processes) {
    const row = exact.tasks.koid.indexOf(pid);
    const from = exact.mapsStart[row] as number;
    const rows = new Map<bigint, number>();
    for (let i = from; i < (exact.mapsStart[row + 1] as number); i++) {
      if (exact.maps.type[i] === 3) rows.set(exact.maps.base[i] as bigint, i);
    }
    for (const mapping of mappings) {
      const i = rows.get(mapping.start);
      if (i === undefined) continue;
      const pfns = pfnsOf(lines, mapping);
      const where = `${pid} ${mapping.start.toString(16)}`;
      const byOwners = histogram(pfns, counted.owners);
      const share = byOwners.reduce((sum, [k, n]) => sum + shareOfPage(k) * BigInt(n), 0n);
      const own = byOwners[0]?.[0] === 1 ? byOwners[0][1] : 0;
      if (unitsAt(exact.maps.pss, i) !== share) wrong.push(`${where} share`);
      if (exact.maps.privateBytes[i] !== own * 4096) wrong.push(`${where} private`);
      if (exact.maps.committedBytes[i] !== pfns.length * 4096) wrong.push(`${where} present`);
      if (!pfns.every((pfn) => counted.plain.has(pfn))) continue;
      alike += 1;
      const gap = unitsAt(exact.maps.pss, i) - unitsAt(mapcount.maps.pss, i);
      const cut = BigInt(pfns.length) << 51n; // mapcount divides in units of 2^-12 byte
      const same = exact.maps.privateBytes[i] === mapcount.maps.privateBytes[i]
        && exact.maps.sharedBytes[i] === mapcount.maps.sharedBytes[i];
      if (!same || gap < 0n || gap > cut) wrong.push(`${where} differs from mapcount`);
    }
  }
  t.strictSame(wrong.slice(0, 5), [],
    `${wrong.length} mappings differ; ${alike} are alike under both`);
}

/** What VMOs share among themselves is all of their memory, `not recorded` included. */
function checkVmos(t: Test, { vmos, kmem, policy }: AccountTables): void {
  let units = 0n;
  let pages = 0;
  for (let row = 0; row < vmos.count; row++) {
    units += unitsAt(vmos.scaled, row);
    pages += (vmos.committedBytes[row] as number) / 4096;
  }
  const gap = (BigInt(kmem.vmoBytes) << 63n) - units;
  t.ok(gap >= 0n && gap <= BigInt(Math.ceil(pages)), `the VMOs share out vmoBytes under ${policy}`);
}

if (sharedDir === undefined) {
  t.comment('skipped: the shared snapshots, no ../shared beside the repository');
}

for (const path of snapshotFiles()) {
  t.test(`exact counts every frame of ${basename(path)} once`, async (t) => {
    const lines = readLines(path);
    const counted = count(lines);
    const system = await System.open(path);
    const exact = await system.account({
      policy: 'exact', reach: 'present', groups: { by: 'name' },
    });
    const mapcount = await system.account({ policy: 'mapcount' });
    checkLaw(t, exact, counted.owners.size);
    checkProcesses(t, lines, counted, exact);
    checkGroups(t, lines, counted, exact);
    checkMappings(t, lines, counted, exact, mapcount);
    checkVmos(t, exact);
    checkVmos(t, await system.account({ policy: 'attributed' }));
    const shares = [...counted.owners.values()];
    const special = shares.length - counted.plain.size;
    t.ok(special < shares.length,
      `${special} of ${shares.length} frames are seen differently by mapcount`);
    t.ok(exact.notes.some((note) => note.includes('lower bound')),
      'outside is said to be a lower bound');
  });
}
