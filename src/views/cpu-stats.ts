/**
 * `kstats -c`, `-l` and `-v`: what processors did since the report before.
 *
 * I1. Rows are differences, but for a first report: that is since the machine began, and its load
 *     is 0, because more than a delay has passed (tool-formats 6.2).
 * I2. A counter that a system does not keep prints `-`, and programs do not get its key.
 */

import type { CpuCounters, GuestCounters } from '../accounting/cpu-counters.js';
import { type Column, right } from './table.js';

/** What one processor did between two reports. */
export interface CpuRow {
  /** Its counters now. */ readonly now: CpuCounters;
  /** Its counters in the report before; undefined in a first one. */
  readonly before?: CpuCounters | undefined;
  /** Time between two reports, ns. */ readonly delayNs: number;
  /** Processors that it stands for: 1, or all of the machine's. */ readonly cpus: number;
}

type Counter = Exclude<keyof CpuCounters, 'cpu' | 'idleNs'>;

const HEADER = 'cpu    load sched (cs ylds pmpts irq_pmpts) excep pagef  sysc '
  + 'ints (hw  tmr tmr_cb) ipi (rs  gen)';
const CELLS: readonly (readonly [counter: Counter, width: number])[] = [
  ['contextSwitches', 9], ['yields', 4], ['preempts', 5], ['irqPreempts', 9], ['exceptions', 6],
  ['pageFaults', 5], ['syscalls', 5], ['ints', 8], ['timerInts', 4], ['timers', 6],
  ['rescheduleIpis', 8], ['genericIpis', 4],
];
const PER_CENT = 100;
const PARTS = 10_000;

/** Hundredths of a per cent that a processor was busy. */
export function loadOf({ now, before, delayNs, cpus }: CpuRow): number {
  const wholeNs = delayNs * cpus;
  const busyNs = Math.max(0, wholeNs - (now.idleNs - (before?.idleNs ?? 0)));
  return wholeNs === 0 ? 0 : Math.floor((busyNs * PARTS) / wholeNs);
}

function since({ now, before }: CpuRow, counter: Counter): number | undefined {
  const value = now[counter];
  return value === undefined ? undefined : Math.max(0, value - (before?.[counter] ?? 0));
}

/** `-c`: a header and a line for each row. */
export function cpuLines(rows: readonly CpuRow[]): string[] {
  const lines = rows.map((row) => {
    const load = loadOf(row);
    const whole = right(Math.floor(load / PER_CENT), 3);
    const part = String(load % PER_CENT).padStart(2, '0');
    const cells = CELLS.map(([counter, width]) => right(since(row, counter) ?? '-', width));
    return `${right(row.now.cpu, 3)} ${whole}.${part}% ${cells.join(' ')}`;
  });
  return [HEADER, ...lines];
}

const BAR_CELLS = 20;
const BUSY_LOAD = 9000;
const BARS_PER_LINE = 4;
const BLUE = '\x1b[1;34m';
const RED = '\x1b[1;31m';
const RESET = '\x1b[0;0m';

/**
 * `-l`: a bar for each processor, four on a line.
 *
 * @param rows - one for each processor
 * @param colours - whether a terminal shows them: blue, and red from a load of 90 % on
 */
export function barLines(rows: readonly CpuRow[], colours: boolean): string[] {
  const bars = rows.map((row) => {
    const load = loadOf(row);
    const cells = Math.min(BAR_CELLS, Math.floor((load * (BAR_CELLS + 1)) / PARTS));
    const bar = `${right(row.now.cpu, 2)}-[${'|'.repeat(cells).padEnd(BAR_CELLS)}]`;
    return `${colours ? `${load < BUSY_LOAD ? BLUE : RED}${bar}${RESET}` : bar} `;
  });
  const lines: string[] = [];
  for (let at = 0; at < bars.length; at += BARS_PER_LINE) {
    lines.push(bars.slice(at, at + BARS_PER_LINE).join(''));
  }
  return lines;
}

/** The header of an x86-64 machine. */
const GUEST_HEADER =
  'cpu    vm_entry vm_exit ints ints_win ept ctrl_reg msr(rd wr) '
  + 'inst(io hlt cpuid ple vmcall xsetbv)';
/** What stands below its words, from the second on. */
const GUEST_COUNTS = [
  'vm_entries', 'vm_exits', 'interrupts', 'interrupt_windows', 'ept_violations',
  'control_register_accesses', 'rdmsr_instructions', 'wrmsr_instructions', 'io_instructions',
  'hlt_instructions', 'cpuid_instructions', 'pause_instructions', 'vmcall_instructions',
  'xsetbv_instructions',
] as const;
/** Where each word ends; brackets are around words, not in them. */
const GUEST_ENDS = [...GUEST_HEADER.matchAll(/\w+(?=[ )])/g)]
  .map(({ index, 0: word }) => index + word.length);

/** `-v`: a header and a line for each processor, each number below its word. */
export function guestLines(
  rows: readonly GuestCounters[], before: readonly GuestCounters[],
): string[] {
  const lines = rows.map(({ cpu, counts }) => {
    const old = before.find((one) => one.cpu === cpu)?.counts;
    let line = '';
    [cpu, ...GUEST_COUNTS.map((name) => (counts.get(name) ?? 0) - (old?.get(name) ?? 0))]
      .forEach((cell, i) => {
        const separator = i === 0 ? '' : ' ';
        line += separator + right(cell, (GUEST_ENDS[i] ?? 0) - line.length - separator.length);
      });
    return line;
  });
  return [GUEST_HEADER, ...lines];
}

/** The columns of `-c` for programs: counters since the machine began, by zx_info_cpu_stats. */
export function cpuColumns(): Column<CpuRow>[] {
  const of = (key: string, counter: Counter): Column<CpuRow> => ({
    key, value: ({ now }) => now[counter],
  });
  return [
    { key: 'type', value: ({ now }) => (now.cpu === 'all' ? 'machine' : 'cpu') },
    { key: 'cpu_number', value: ({ now }) => (now.cpu === 'all' ? undefined : now.cpu) },
    { key: 'idle_time_ns', value: ({ now }) => now.idleNs },
    of('context_switches', 'contextSwitches'), of('irq_preempts', 'irqPreempts'),
    of('preempts', 'preempts'), of('yields', 'yields'), of('ints', 'ints'),
    of('timer_ints', 'timerInts'), of('timers', 'timers'), of('page_faults', 'pageFaults'),
    of('major_page_faults', 'majorFaults'), of('swap_in_pages', 'swapInPages'),
    of('swap_out_pages', 'swapOutPages'), of('exceptions', 'exceptions'),
    of('syscalls', 'syscalls'), of('reschedule_ipis', 'rescheduleIpis'),
    of('generic_ipis', 'genericIpis'),
  ];
}

/** The columns of `-v` for programs, by zx_info_guest_stats. */
export function guestColumns(): Column<GuestCounters>[] {
  return [
    { key: 'type', value: () => 'guest' },
    { key: 'cpu_number', value: ({ cpu }) => cpu },
    ...GUEST_COUNTS.map((name): Column<GuestCounters> => ({
      key: name, value: ({ counts }) => counts.get(name) ?? 0,
    })),
  ];
}
