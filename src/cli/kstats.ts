/**
 * `memsim kstats`: physical memory by use, report after report.
 *
 * I1. The first report comes at once; each next one a delay after the start of the one before.
 * I2. An interrupt ends an endless run with status 0.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { AccountTables, KmemStats } from '../accounting/tables.js';
import { csvHeader, csvRows } from '../views/csv.js';
import { jsonLines } from '../views/json.js';
import { type KstatsRow, kstatsColumns, kstatsText } from '../views/kstats.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';

/** Options of `kstats` as commander leaves them. */
interface KstatsOptions {
  readonly c?: boolean;
  readonly m?: boolean;
  readonly l?: boolean;
  readonly v?: boolean;
  readonly t?: boolean;
  readonly d?: string;
  readonly n?: string;
}

const MS_PER_SECOND = 1000;
/** The longest that a timer can wait. */
const DELAY_MAX_SECONDS = 2_147_483;

/** Gives the command its options. */
export function defineKstats(command: Command): Command {
  return command.option('-c').option('-m').option('-l').option('-v').option('-t')
    .option('-d <seconds>').option('-n <count>').allowExcessArguments(true);
}

/** The delay between reports, seconds. */
function parseDelay(text = '1'): number {
  const seconds = /^\+?\d+$/.test(text) ? Number(text) : 0;
  if (seconds === 0 || seconds > DELAY_MAX_SECONDS) {
    throw new UsageError(`Bad -d value '${text}'`, 'kstats');
  }
  return seconds;
}

/** The number of reports; a negative one, or none, is endless. */
function parseCount(text = '-1'): number {
  const count = /^[+-]?\d+$/.test(text) ? Number(text) : 0;
  if (count === 0) throw new UsageError(`Bad -n value '${text}'`, 'kstats');
  return count < 0 ? Infinity : count;
}

function checkSelection(context: Context, options: KstatsOptions): void {
  const missing = (['c', 'l', 'v'] as const).find((flag) => options[flag]);
  if (missing !== undefined) {
    throw new CommandError(`kstats -${missing}: no system here records that, expected -m`);
  }
  const forPrograms = context.options.json || context.options.csv;
  if (!options.m && !forPrograms) throw new UsageError('No statistics selected', 'kstats');
}

/** One report in the format asked for; CSV has its header above the first. */
function reportText(context: Context, row: KstatsRow, first: boolean): string {
  const { json, csv, era } = context.options;
  const columns = kstatsColumns(row.timestamp !== undefined);
  if (json) return jsonLines([row], columns);
  if (csv) return (first ? csvHeader(columns) : '') + csvRows([row], columns);
  return kstatsText(row, era);
}

function kmemOf({ kmem, missing }: AccountTables): KmemStats {
  if (missing?.kmem !== undefined) throw new CommandError(`kstats: ${missing.kmem}`);
  return kmem;
}

/** Runs the command. */
export async function runKstats(context: Context, options: KstatsOptions): Promise<void> {
  const delayMs = parseDelay(options.d) * MS_PER_SECOND;
  const count = parseCount(options.n);
  checkSelection(context, options);
  const { nowMs, catchInterrupt } = context.deps;
  let interrupted: AbortSignal | undefined;
  let kmem: KmemStats | undefined;
  for (let report = 1; report <= count; report++) {
    const startMs = nowMs();
    if (kmem === undefined || context.isLive) kmem = kmemOf(await context.tables());
    const timestamp = options.t ? new Date(nowMs()).toISOString() : undefined;
    await context.print(reportText(context, { kmem, timestamp }, report === 1));
    if (report === count) return;
    interrupted ??= catchInterrupt();
    try {
      await sleep(Math.max(0, startMs + delayMs - nowMs()), undefined, { signal: interrupted });
    } catch (error) {
      if (interrupted.aborted) return;
      throw error;
    }
  }
}
