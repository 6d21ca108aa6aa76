/**
 * `memsim start`, what `npm start` runs: a first look at a system, and what to type next.
 */

import { type AccountTables, TaskType } from '../accounting/tables.js';
import { visibleName } from '../views/escape.js';
import { kstatsText } from '../views/kstats.js';
import { psRows, psText } from '../views/ps.js';
import { vmosRows, vmosText } from '../views/vmos.js';
import type { Context } from './context.js';
import { UsageError } from './errors.js';

/** The process to show: the last of the walk, as the memory page's `ps` shows itself. */
function lastProcess(tables: AccountTables): number {
  return tables.tasks.type.subarray(0, tables.tasks.count).lastIndexOf(TaskType.PROCESS);
}

/** What to type next: what a system of tables only has no answer to is left out. */
function nextSteps(system: string, koid: number | undefined, { missing }: AccountTables): string {
  const steps: [command: string, what: string][] = [
    [`memsim ps${system} --json`, 'the same for programs'],
    ['memsim ps -s test/fixtures/nginx-6w.snap.jsonl.gz', 'a recorded Linux machine'],
    ['memsim --help', 'everything else'],
  ];
  if (missing?.maps === undefined) {
    const why = 'each page shared out among those who reach it';
    steps.unshift([`memsim ps${system} --policy exact`, why]);
    if (koid !== undefined) steps.unshift([`memsim vmaps${system} ${koid}`, 'its address space']);
  }
  const width = Math.max(...steps.map(([command]) => command.length));
  const lines = steps.map(([command, what]) => `  npx ${command.padEnd(width)}   ${what}`);
  return ['What to type next:', ...lines, ''].join('\n');
}

/** Runs the command. */
export async function runStart(context: Context): Promise<void> {
  const { era, json, csv, system } = context.options;
  if (json || csv) throw new UsageError('start prints text only, found --json or --csv', 'start');
  const tables = await context.tables();
  const spec = system === 'boot' ? '' : ` -s ${visibleName(system)}`;
  const ps = psText(psRows(tables), { era, exactColumns: tables.policy === 'exact' });
  const parts = [`$ memsim ps${spec}\n${ps}`];
  const row = lastProcess(tables);
  const koid = row < 0 ? undefined : tables.tasks.koid[row];
  if (koid !== undefined && tables.missing?.vmoRefs === undefined) {
    parts.push(`$ memsim vmos${spec} ${koid}\n${vmosText(vmosRows(tables, row), era)}`);
  }
  if (tables.missing?.kmem === undefined) {
    parts.push(`$ memsim kstats${spec} -m -n 1\n${kstatsText({ kmem: tables.kmem }, era)}`);
  }
  parts.push(nextSteps(spec, koid, tables));
  await context.print(parts.join('\n'));
}
