/**
 * Recorded Linux systems under `mapcount`: each process's figures are the kernel's smaps_rollup,
 * each mapping's its smaps columns, without a difference. The kernel's numbers are read from the
 * file here.
 */

import { basename } from 'node:path';
import t, { type Test } from 'tap';
import type { AccountTables, ShareColumn } from '../../src/accounting/tables.js';
import { System } from '../../src/system.js';
import { sharedDir } from '../support/shared.js';
import {
  readLines, snapshotFiles, type Kilobytes, type LineProcess, type Lines,
} from './snapshot-lines.js';

const KIB = 1024;

class Differences {
  readonly found: string[] = [];
  compared = 0;

  see(where: string, got: number | bigint, expected: number): void {
    this.compared += 1;
    if (Number(got) !== expected) this.found.push(`${where}: ${got}, the kernel has ${expected}`);
  }
}

function kib(column: ShareColumn, row: number): bigint {
  return (column.bytes[row] as bigint) / 1024n;
}

function at(column: Float64Array | undefined, row: number): number {
  return column?.[row] ?? 0;
}

function sum(of: Kilobytes, ...names: string[]): number {
  return names.reduce((total, name) => total + (of[name] ?? 0), 0);
}

function compareProcess(seen: Differences, process: LineProcess, tables: AccountTables): void {
  const { tasks } = tables;
  const row = tasks.koid.indexOf(process.pid);
  const { rollup } = process;
  if (rollup !== undefined) {
    const who = `process ${process.pid}`;
    seen.see(`${who} Pss`, kib(tasks.pss, row), sum(rollup, 'Pss'));
    const shared = sum(rollup, 'Shared_Clean', 'Shared_Dirty');
    const own = sum(rollup, 'Private_Clean', 'Private_Dirty');
    seen.see(`${who} Shared`, at(tasks.sharedBytes, row) / KIB, shared);
    seen.see(`${who} Private`, at(tasks.privateBytes, row) / KIB, own);
    seen.see(`${who} Rss`, (at(tasks.sharedBytes, row) + at(tasks.privateBytes, row)) / KIB,
      sum(rollup, 'Rss'));
    seen.see(`${who} Swap`, at(tasks.swapBytes, row) / KIB, sum(rollup, 'Swap'));
    const swapPss = Math.floor(at(tasks.swapPssBytes, row) / KIB);
    seen.see(`${who} SwapPss`, swapPss, sum(rollup, 'SwapPss'));
    const parts = [
      ['Pss_Anon', tasks.pssAnonBytes], ['Pss_File', tasks.pssFileBytes],
      ['Pss_Shmem', tasks.pssShmemBytes],
    ] as const;
    for (const [name, column] of parts) {
      if (!(name in rollup)) continue;
      seen.see(`${who} ${name}`, Math.floor(at(column, row) / KIB), sum(rollup, name));
    }
  }
  compareMappings(seen, process, tables, row);
}

function compareMappings(
  seen: Differences, process: LineProcess, { maps, mapsStart }: AccountTables, row: number,
): void {
  const rows = new Map<bigint, number>();
  for (let i = mapsStart[row] as number; i < (mapsStart[row + 1] as number); i++) {
    if (maps.type[i] === 3) rows.set(maps.base[i] as bigint, i);
  }
  const recorded = process.mappings.filter(({ name }) => name !== '[vsyscall]');
  seen.see(`process ${process.pid} mappings`, rows.size, recorded.length);
  for (const { start, end, name, smaps } of recorded) {
    const i = rows.get(start);
    const where = `process ${process.pid} ${start.toString(16)} ${name}`;
    if (i === undefined || start + (maps.size[i] as bigint) !== end) {
      seen.found.push(`${where}: no such row`);
      continue;
    }
    if (smaps === undefined) continue;
    seen.see(`${where} Rss`, at(maps.committedBytes, i) / KIB, sum(smaps, 'Rss'));
    seen.see(`${where} Pss`, kib(maps.pss, i), sum(smaps, 'Pss'));
    const shared = sum(smaps, 'Shared_Clean', 'Shared_Dirty');
    const own = sum(smaps, 'Private_Clean', 'Private_Dirty');
    seen.see(`${where} Shared`, at(maps.sharedBytes, i) / KIB, shared);
    seen.see(`${where} Private`, at(maps.privateBytes, i) / KIB, own);
    seen.see(`${where} Swap`, at(maps.swapBytes, i) / KIB, sum(smaps, 'Swap'));
  }
}

/** `kstats` of a snapshot: meminfo's figures by the rules of the interface. */
function checkMachine(
  t: Test, { meminfo, consistent }: Lines, system: System, tables: AccountTables,
): void {
  const bytes = (...names: string[]): number => sum(meminfo, ...names) * KIB;
  const { kmem, vmos, tasks, notes } = tables;
  const hugetlb = 'Hugetlb' in meminfo ? bytes('Hugetlb') : 0;
  const vmoBytes = bytes('AnonPages', 'Cached', 'Buffers', 'SwapCached') + hugetlb;
  const mmuBytes = bytes('PageTables', 'SecPageTables');
  const wired = bytes('KernelStack', 'Percpu');
  const known = bytes('MemFree', 'Slab') + vmoBytes + mmuBytes + wired;
  t.match(kmem, {
    totalBytes: bytes('MemTotal'), freeBytes: bytes('MemFree'), wiredBytes: wired,
    totalHeapBytes: bytes('Slab'), freeHeapBytes: 0, vmoBytes, mmuOverheadBytes: mmuBytes,
    ipcBytes: 0,
    otherBytes: bytes('MemTotal') - known, availableBytes: bytes('MemAvailable'),
  }, 'kstats are meminfo by the rules of the interface');
  const rest = vmos.name.indexOf('not recorded');
  t.ok(rest >= 0, 'pages that no recorded process maps are a VMO of their own');
  t.equal(vmos.numMappings[rest], 0, 'which nobody maps');
  t.equal(notes.length, consistent ? 0 : 1, 'a line for a system that changed meanwhile');
  t.strictSame(system.core.audit(), [], 'the core is sound');
  const koids = [...tasks.koid].filter((_, row) => tasks.type[row] === 1);
  t.ok((koids.at(-1) as number) >= 4194304, 'outside is numbered above every pid');
  t.equal(tasks.name.at(-1), 'outside', 'and stands last');
}

if (sharedDir === undefined) {
  t.comment('skipped: the shared snapshots, no ../shared beside the repository');
}

for (const path of snapshotFiles()) {
  t.test(`mapcount has the kernel's figures of ${basename(path)}`, async (t) => {
    const lines = readLines(path);
    const system = await System.open(path);
    const tables = await system.account({ policy: 'mapcount' });
    const seen = new Differences();
    for (const process of lines.processes) compareProcess(seen, process, tables);
    t.strictSame(seen.found.slice(0, 10), [],
      `${seen.compared} figures, ${seen.found.length} differ`);
    t.ok(seen.compared >= lines.processes.length);
    checkMachine(t, lines, system, tables);
  });
}
