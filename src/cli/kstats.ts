/**
 * `memsim kstats`: memory, processors and guests, report after report.
 *
 * I1. The first report comes at once; each next one a delay after the start of the one before.
 * I2. An interrupt ends an endless run with status 0, and so does a reader that goes away.
 * I3. Colours are for a terminal only.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import {
  barLines, cpuColumns, cpuLines, type CpuRow, guestColumns, guestLines,
} from '../views/cpu-stats.js';
import { csvHeader, csvRows } from '../views/csv.js';
import { jsonLines } from '../views/json.js';
import { kmemLines, kstatsColumns, reportText } from '../views/kstats.js';
import type { Column } from '../views/table.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { type Sample, statsSource } from './kstats-source.js';

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
const NS_PER_MS = 1_000_000;
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

/** Which statistics a run prints. */
interface Selection {
  /** `-c`. */ readonly cpus: boolean;
  /** `-l`. */ readonly bars: boolean;
  /** `-v`. */ readonly guests: boolean;
  /** `-m`, and what programs get where nothing is chosen. */ readonly memory: boolean;
}

function selectionOf(context: Context, { c, m, l, v }: KstatsOptions): Selection {
  const { json, csv } = context.options;
  const chosen = [c, m, l, v].filter((flag) => flag === true).length;
  if (chosen === 0 && !json && !csv) throw new UsageError('No statistics selected', 'kstats');
  if (csv && chosen > 1) {
    throw new UsageError('kstats --csv: expected one of -c, -m, -l, -v', 'kstats');
  }
  return { cpus: c === true, bars: l === true, guests: v === true, memory: m === true || !chosen };
}

/** A report: what was counted now, and what in the report before. */
interface Report {
  readonly sample: Sample;
  readonly before: Sample | undefined;
  readonly delayNs: number;
  readonly timestamp: string | undefined;
}

/** The processors, and the machine as a whole, against the report before. */
function cpuRows({ sample, before, delayNs }: Report): CpuRow[] {
  const { cpus = [] } = sample;
  const processors = cpus.filter(({ cpu }) => cpu !== 'all').length;
  return cpus.map((now) => ({
    now, before: before?.cpus?.find(({ cpu }) => cpu === now.cpu), delayNs,
    cpus: now.cpu === 'all' ? processors : 1,
  }));
}

/** Refuses what the system does not know. */
function checkKnown({ cpus, bars, guests }: Selection, sample: Sample): void {
  if ((cpus || bars) && sample.cpus === undefined) {
    const flag = cpus ? '-c' : '-l';
    throw new CommandError(`kstats ${flag}: recordings have no processors, expected -m`);
  }
  if (guests && sample.guests === undefined) {
    throw new CommandError('kstats -v: nobody counts guests there, expected -c or -m');
  }
}

/** A report in text. */
function textOf(context: Context, selection: Selection, report: Report): string {
  const { era, output } = context.options;
  const toTerminal = output === undefined && context.deps.stdout.isTTY === true;
  const { sample, before, timestamp } = report;
  const rows = cpuRows(report);
  const lines: string[] = [];
  if (selection.bars) {
    lines.push(...barLines(rows.filter(({ now }) => now.cpu !== 'all'), toTerminal));
  }
  if (selection.guests) {
    lines.push(...guestLines(sample.guests ?? [], before?.guests ?? []));
  }
  if (selection.cpus) lines.push(...cpuLines(rows));
  if (selection.memory) lines.push(...kmemLines(sample.kmem, era));
  return reportText(lines, era, timestamp);
}

/** A report for programs; CSV has its header above the first. */
function rowsOf(context: Context, selection: Selection, report: Report): string {
  const { sample, timestamp, before } = report;
  const print = <Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string => {
    const time = { key: 'time', value: (): string | undefined => timestamp };
    const all = timestamp === undefined ? columns : [time, ...columns];
    if (context.options.json) return jsonLines(rows, all);
    return (before === undefined ? csvHeader(all) : '') + csvRows(rows, all);
  };
  let text = '';
  if (selection.guests) text += print(sample.guests ?? [], guestColumns());
  if (selection.cpus || selection.bars) text += print(cpuRows(report), cpuColumns());
  if (selection.memory) text += print([{ kmem: sample.kmem }], kstatsColumns());
  return text;
}

/** Runs the command. */
export async function runKstats(context: Context, options: KstatsOptions): Promise<void> {
  const delayMs = parseDelay(options.d) * MS_PER_SECOND;
  const count = parseCount(options.n);
  const selection = selectionOf(context, options);
  const { json, csv } = context.options;
  const { nowMs, catchInterrupt } = context.deps;
  const delayNs = delayMs * NS_PER_MS;
  const source = statsSource(context, delayNs);
  let interrupted: AbortSignal | undefined;
  let before: Sample | undefined;
  for (let number = 1; number <= count; number++) {
    const startMs = nowMs();
    const sample = await source.sample();
    checkKnown(selection, sample);
    const timestamp = options.t ? new Date(nowMs()).toISOString() : undefined;
    const report = { sample, before, delayNs, timestamp };
    if (json || csv) await context.print(rowsOf(context, selection, report));
    else await context.print(textOf(context, selection, report), true);
    if (number === count) return;
    before = sample;
    interrupted ??= catchInterrupt();
    try {
      await sleep(Math.max(0, startMs + delayMs - nowMs()), undefined, { signal: interrupted });
    } catch (error) {
      if (interrupted.aborted) return;
      throw error;
    }
    source.pass(delayNs);
  }
}
