/**
 * The reader against the kernel: every mapping and every process of every snapshot at hand, figure
 * by figure, through the oracle and without the core.
 */

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { basename, join } from 'node:path';
import t from 'tap';
import { readSnapshot } from '../../src/import/linux/read.js';
import type { LinuxSnapshot } from '../../src/import/linux/snapshot.js';
import {
  addFigures,
  asKernelPrints,
  figuresOf,
  kernelFigures,
  noFigures,
  slotHolders,
} from './oracle.js';

const FOLDERS = [
  fileURLToPath(new URL('../fixtures', import.meta.url)),
  fileURLToPath(new URL('../../../shared/data/linux', import.meta.url)),
  fileURLToPath(new URL('../../../shared/data/traces', import.meta.url)),
];

interface Tally {
  mappings: number;
  processes: number;
  differences: string[];
}

function compare(
  tally: Tally,
  where: string,
  ours: Record<string, number>,
  kernel: Record<string, number>,
  known: (name: string) => boolean,
): void {
  for (const [name, value] of Object.entries(ours)) {
    const recorded = name === 'Shared' || name === 'Private' ? `${name}_Clean` : name;
    if (known(recorded) && value !== kernel[name]) {
      tally.differences.push(`${where} ${name}: ${value}, kernel ${kernel[name]}`);
    }
  }
}

function tallyOf(snapshot: LinuxSnapshot): Tally {
  const tally: Tally = { mappings: 0, processes: 0, differences: [] };
  const columns = new Map(snapshot.smapsNames.map((name, column) => [name, column]));
  const holders = slotHolders(snapshot);
  for (const process of snapshot.processes) {
    const rollup = noFigures();
    for (let i = process.mapStart; i < process.mapEnd; i++) {
      const mapping = snapshot.mappings[i] as LinuxSnapshot['mappings'][number];
      const figures = figuresOf(snapshot, mapping, holders);
      addFigures(rollup, figures);
      if (columns.size === 0) continue;
      const of = (name: string): number => mapping.smaps?.[columns.get(name) ?? -1] ?? 0;
      const where = `pid ${process.pid} line ${mapping.line} ${mapping.name}`;
      compare(tally, where, asKernelPrints(figures), kernelFigures(of), (n) => columns.has(n));
      tally.mappings++;
    }
    if (!process.rollup) continue;
    const of = (name: string): number => process.rollup?.get(name) ?? 0;
    const known = (name: string): boolean => process.rollup?.has(name) ?? false;
    compare(tally, `pid ${process.pid}`, asKernelPrints(rollup), kernelFigures(of), known);
    tally.processes++;
  }
  return tally;
}

for (const folder of FOLDERS) {
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => /\.snap\.jsonl(\.gz|\.br)?$/.test(name))
    : [];
  if (files.length === 0) t.comment(`skipped: no snapshots in ${basename(folder)}`);
  for (const name of files) {
    t.test(`the oracle finds the kernel's figures in ${name}`, async (t) => {
      const snapshot = await readSnapshot(join(folder, name), { keepSmaps: true });
      const tally = tallyOf(snapshot);
      t.same(tally.differences.slice(0, 20), [], `${tally.differences.length} differences`);
      t.comment(`${tally.mappings} mappings, ${tally.processes} processes`);
      t.ok(tally.mappings + tally.processes > 0 || snapshot.smapsNames.length === 0);
    });
  }
}
