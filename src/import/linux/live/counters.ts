/**
 * The counters of this machine: meminfo, stat, vmstat, interrupts and softirqs of /proc. No rights
 * are needed and no process is looked at.
 *
 * I1. What Linux counts for the whole machine only (context switches, page faults, swap) stands in
 *     the row `all`, which processors' rows do not have.
 */

import type { CpuCounters } from '../../../accounting/cpu-counters.js';
import type { KmemStats } from '../../../accounting/tables.js';
import { meminfoFigures } from '../kernel-memory.js';
import { parseCounts, type ProcFiles } from './proc-files.js';

const KIB = 1024;
/** /proc/stat counts hundredths of a second (USER_HZ) on every machine that Node runs on. */
const TICK_NS = 10_000_000;

/** Memory and processors at one moment. */
export interface MachineCounters {
  /** Physical memory by use. */ readonly kmem: KmemStats;
  /** Each processor, then `all`. */ readonly cpus: readonly CpuCounters[];
}

/** Rows of a table with a column for each processor, by the name at their beginning. */
function perCpu(text: string): { cpus: number[]; rows: Map<string, number[]>; words: string[] } {
  const [header = '', ...lines] = text.split('\n');
  const cpus = [...header.matchAll(/CPU(\d+)/g)].map(([, number]) => Number(number));
  const rows = new Map<string, number[]>();
  const words: string[] = [];
  for (const line of lines) {
    const [name = '', ...cells] = line.trim().split(/\s+/);
    const counts = cells.slice(0, cpus.length).map(Number);
    if (counts.length < cpus.length || counts.some(Number.isNaN)) continue;
    rows.set(name, counts);
    words.push(line);
  }
  return { cpus, rows, words };
}

/** What an interrupt is for, by the words behind its counts. */
function kindOf(line: string): 'reschedule' | 'generic' | 'part' | 'timer' | 'device' {
  if (/Rescheduling interrupts/.test(line)) return 'reschedule';
  if (/Function call interrupts/.test(line)) return 'generic';
  // Flushes of address translations are counted among the function calls.
  if (/TLB shootdowns/.test(line)) return 'part';
  return /Local timer|arch_timer|riscv-timer/.test(line) ? 'timer' : 'device';
}

function interruptsOf(text: string): Map<number, Partial<CpuCounters>> {
  const { cpus, rows, words } = perCpu(text);
  const kinds = [...rows.values()].map((counts, i) => ({
    counts, kind: kindOf(words[i] as string),
  }));
  return new Map(cpus.map((cpu, column) => {
    const sum = (...wanted: string[]): number => kinds.reduce((all, { counts, kind }) =>
      all + (wanted.includes(kind) ? (counts[column] as number) : 0), 0);
    return [cpu, {
      ints: sum('device', 'timer'), timerInts: sum('timer'), rescheduleIpis: sum('reschedule'),
      genericIpis: sum('generic'),
    }];
  }));
}

/** A `cpu` line of /proc/stat: idle and waiting for a device are both idle. */
function idleOf(line: string): number {
  const [, , , , idle = '0', waiting = '0'] = line.split(/\s+/);
  return (Number(idle) + Number(waiting)) * TICK_NS;
}

/** Reads the counters as they are now. */
export function readCounters(proc: ProcFiles): MachineCounters {
  const meminfo = parseCounts(proc.text('meminfo') ?? '');
  const vmstat = parseCounts(proc.text('vmstat') ?? '');
  const stat = (proc.text('stat') ?? '').split('\n');
  const number = (name: string): number | undefined => {
    const line = stat.find((one) => one.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  };
  const interrupts = interruptsOf(proc.text('interrupts') ?? '');
  const softirqs = perCpu(proc.text('softirqs') ?? '');
  const timers = softirqs.rows.get('TIMER:') ?? [];
  const cpus: CpuCounters[] = [];
  for (const line of stat) {
    const cpu = /^cpu(\d+) /.exec(line)?.[1];
    if (cpu === undefined) continue;
    cpus.push({
      cpu: Number(cpu), idleNs: idleOf(line), ...interrupts.get(Number(cpu)),
      timers: timers[softirqs.cpus.indexOf(Number(cpu))],
    });
  }
  const sum = (value: (one: CpuCounters) => number | undefined): number =>
    cpus.reduce((all, one) => all + (value(one) ?? 0), 0);
  return {
    kmem: {
      ...meminfoFigures(meminfo),
      availableBytes: KIB * (meminfo.get('MemAvailable') ?? meminfo.get('MemFree') ?? 0),
    },
    cpus: [...cpus, {
      cpu: 'all', idleNs: sum((one) => one.idleNs), contextSwitches: number('ctxt'),
      pageFaults: vmstat.get('pgfault'), majorFaults: vmstat.get('pgmajfault'),
      swapInPages: vmstat.get('pswpin'), swapOutPages: vmstat.get('pswpout'),
      ints: sum((one) => one.ints), timerInts: sum((one) => one.timerInts),
      timers: sum((one) => one.timers), rescheduleIpis: sum((one) => one.rescheduleIpis),
      genericIpis: sum((one) => one.genericIpis),
    }],
  };
}
