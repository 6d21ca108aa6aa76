/** `kstats -c`, `-l`, `-v`: columns, differences, loads, bars; and where the counters come from. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { CpuCounters } from '../../src/accounting/cpu-counters.js';
import { readCounters } from '../../src/import/linux/live/counters.js';
import { ProcFiles } from '../../src/import/linux/live/proc-files.js';
import {
  barLines, cpuLines, type CpuRow, guestLines, loadOf,
} from '../../src/views/cpu-stats.js';
import type { CliSystem } from '../../src/cli/context.js';
import { System } from '../../src/system.js';
import { memsim } from '../cli/fake.js';
import { BOOT } from './samples.js';

const SECOND = 1e9;

/** A system with a clock of its own. */
function clocked(): { system: Partial<CliSystem> } {
  const clock = { nowNs: 0n };
  return { system: { clock, advance: (ns) => { clock.nowNs += ns; } } };
}
const HEADER = 'cpu    load sched (cs ylds pmpts irq_pmpts) excep pagef  sysc '
  + 'ints (hw  tmr tmr_cb) ipi (rs  gen)';

const AT_BOOT: CpuCounters = {
  cpu: 0, idleNs: 5 * SECOND, contextSwitches: 7, yields: 7, preempts: 7, irqPreempts: 7,
  exceptions: 7, pageFaults: 7, syscalls: 7, ints: 7, timerInts: 7, timers: 7, rescheduleIpis: 7,
  genericIpis: 7,
};
const LATER: CpuCounters = {
  cpu: 0, idleNs: 5.8795 * SECOND, contextSwitches: 107, yields: 8, preempts: 9, irqPreempts: 10,
  exceptions: 11, pageFaults: 12, syscalls: 13, ints: 14, timerInts: 15, timers: 16,
  rescheduleIpis: 17, genericIpis: 18,
};

function row(now: CpuCounters, before?: CpuCounters, cpus = 1): CpuRow {
  return { now, before, delayNs: SECOND, cpus };
}

t.test('-c prints what happened since the report before', async (t) => {
  t.strictSame(cpuLines([row(LATER, AT_BOOT)]), [
    HEADER,
    '  0  12.05%       100    1     2         3      4     5     6        7    8      9'
      + '       10   11',
  ]);
  t.match(cpuLines([row(AT_BOOT)])[1], /^ {2}0 {3}0\.00% {9}7 /, 'a first report: since boot');
  t.match(cpuLines([row({ cpu: 'all', idleNs: 0, ints: 3 }, undefined, 4)])[1],
    /^all 100\.00% {9}- {4}- {5}- {9}- {6}- {5}- {5}- {8}3 {4}- /, 'what is not counted is -');
});

t.test('a load is of all processors a row stands for, and never below zero', async (t) => {
  const idle = (idleNs: number): CpuCounters => ({ cpu: 0, idleNs });
  t.equal(loadOf(row(idle(0))), 10000);
  t.equal(loadOf(row(idle(3 * SECOND), idle(0), 4)), 2500);
  t.equal(loadOf(row(idle(2 * SECOND), idle(0))), 0);
});

t.test('-l has four bars on a line, coloured on a terminal', async (t) => {
  const bars = (loads: number[]): CpuRow[] => loads.map((load, cpu) =>
    row({ cpu, idleNs: (1 - load) * SECOND }, { cpu, idleNs: 0 }));
  t.strictSame(barLines(bars([0, 0.5, 0.9, 1, 0.04]), false), [
    ` 0-[${' '.repeat(20)}]  1-[${'|'.repeat(10)}${' '.repeat(10)}]  2-[${'|'.repeat(18)}  ]`
      + `  3-[${'|'.repeat(20)}] `,
    ` 4-[${' '.repeat(20)}] `,
  ]);
  t.equal(barLines(bars([0, 0, 0, 0]), false).length, 1, 'no empty line behind the fourth');
  const [line = ''] = barLines(bars([0.89, 0.9]), true);
  t.match(line, /^\x1b\[1;34m 0-\[\|+ +\]\x1b\[0;0m \x1b\[1;31m 1-\[\|+ +\]\x1b\[0;0m $/);
});

t.test('-v prints each number below its word', async (t) => {
  const counts = new Map([['vm_entries', 1234], ['wrmsr_instructions', 5], ['io_instructions', 7]]);
  const [header = '', line = ''] = guestLines([{ cpu: 1, counts }], [
    { cpu: 1, counts: new Map([['vm_entries', 1000]]) },
  ]);
  const under = (word: string): string =>
    line.slice(0, header.indexOf(word) + word.length).trim().split(' ').at(-1) ?? '';
  t.strictSame(['vm_entry', 'msr(rd', 'wr', 'inst(io', 'xsetbv'].map(under),
    ['234', '0', '5', '7', '0'], 'reads stand below rd');
  t.equal(line.length, header.length - 1);
});

t.test('a simulated processor has nothing to do', async (t) => {
  const { status, out } = await memsim(
    ['kstats', '-clvt', '-n', '2', '--era', '2025'], BOOT, clocked(),
  );
  t.equal(status, 0);
  const [first = '', second = ''] = out.split(/\n--- .*Z ---\n/).slice(1);
  t.equal(first, second);
  t.match(first, /^ 0-\[ {20}\] \ncpu {4}vm_entry .*\n +0 .*\ncpu {4}load .*\n {2}0 {3}0\.00% /);
  t.ok(second.endsWith('\n\n'), '2025 ends a report with an empty line');
  t.notMatch(out, '\x1b');
  t.match((await memsim(['kstats', '-l', '-n', '1'], BOOT, {
    ...clocked(), isTty: true,
  })).out, '\x1b[1;34m');
});

t.test('for programs: counters as they are, one kind of row in CSV', async (t) => {
  const { out } = await memsim(['kstats', '-cmv', '--json', '-n', '1', '-t'], BOOT, clocked());
  const rows = out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  t.strictSame(rows.map(({ type }) => type), ['guest', 'cpu', undefined]);
  t.ok(rows.every(({ time }) => typeof time === 'string'));
  t.match(rows[1], { cpu_number: 0, idle_time_ns: 1e9, context_switches: 0, page_faults: 0 });
  const csv = await memsim(['kstats', '-c', '--csv', '-n', '2'], BOOT, clocked());
  t.strictSame(csv.out.split('\n').map((line) => line.split(',')[2]),
    ['idle_time_ns', '1000000000', '2000000000', undefined]);
});

t.test('time passes on the system\'s own clock between two reports', async (t) => {
  const system = await System.open('boot');
  const { out } = await memsim(['kstats', '-cm', '-n', '3', '-d', '1', '--json'], {}, {
    open: () => Promise.resolve(system),
  });
  t.equal(system.clock.nowNs, 2_000_000_000n);
  const idle = out.split('\n').filter((line) => line.includes('"type":"cpu"'))
    .map((line) => (JSON.parse(line) as { idle_time_ns: number }).idle_time_ns);
  t.strictSame(idle, [1e9, 2e9, 3e9]);
});

t.test('a simulated system counts what happens in it between two reports', async (t) => {
  const system = System.boot();
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(8 * 4096);
  const at = process.rootVmar.map(3, 0, vmo, 0, 8 * 4096);
  const timer = system.createTimer();
  const thread = process.createThread('t');
  thread.start();
  const before = system.counters.syscalls;
  timer.set(500_000_000);
  system.clock.at(600_000_000n, () => {
    process.touch(at, 5 * 4096, 2);
    thread.raiseException();
  });
  const { out } = await memsim(['kstats', '-c', '-n', '2', '-d', '1'], {}, {
    open: () => Promise.resolve(system),
  });
  const cells = out.split('\n').filter((line) => line.startsWith('  0 '))
    .map((line) => line.trim().split(/ +/).slice(2).map(Number));
  t.strictSame(cells[0], [0, 0, 0, 0, 0, 0, before + 1, 0, 0, 0, 0, 0]);
  t.strictSame(cells[1], [0, 0, 0, 0, 1, 5, 1, 0, 1, 1, 0, 0]);
});

t.test('recordings have no processors', async (t) => {
  const recorded = { system: { defaultPolicy: 'mapcount', defaultReach: 'present' } } as const;
  for (const [flag, words] of [
    ['-c', 'kstats -c: recordings have no processors, expected -m\n'],
    ['-l', 'kstats -l: recordings have no processors, expected -m\n'],
    ['-v', 'kstats -v: nobody counts guests there, expected -c or -m\n'],
  ] as const) {
    const { status, out, err } = await memsim(['kstats', flag, '-n', '1'], BOOT, recorded);
    t.strictSame([status, out, err], [1, '', words]);
  }
});

/** /proc of a machine with two processors, 0 and 2. */
function makeProc(folder: string): ProcFiles {
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write('meminfo', 'MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 700 kB\nSlab: 8 kB\n');
  write('vmstat', 'pgfault 12\npgmajfault 3\npswpin 4\npswpout 5\n');
  write('stat', 'cpu  9 0 9 30 12 0 0 0 0 0\ncpu0 4 0 4 10 5 0 0 0 0 0\n'
    + 'cpu2 5 0 5 20 7 0 0 0 0 0\nintr 77 1\nctxt 99\nbtime 5\n');
  write('interrupts', '           CPU0       CPU2\n'
    + ' 24:          1          2   IO-APIC   5-edge      disk\n'
    + 'LOC:         10         20   Local timer interrupts\n'
    + 'RES:        100        200   Rescheduling interrupts\n'
    + 'CAL:       1000       2000   Function call interrupts\n'
    + 'TLB:        999        999   TLB shootdowns\nERR:          7\n');
  write('softirqs', '                    CPU0       CPU2\n   TIMER:         31         32\n');
  return new ProcFiles(folder);
}

t.test('Linux counts by processor, and the rest for the whole machine', async (t) => {
  const { kmem, cpus } = readCounters(makeProc(t.testdir({})));
  t.match(kmem, { totalBytes: 1024000, freeBytes: 409600, availableBytes: 716800,
    totalHeapBytes: 8192 });
  t.strictSame(cpus, [
    { cpu: 0, idleNs: 150_000_000, ints: 11, timerInts: 10, rescheduleIpis: 100,
      genericIpis: 1000, timers: 31 },
    { cpu: 2, idleNs: 270_000_000, ints: 22, timerInts: 20, rescheduleIpis: 200,
      genericIpis: 2000, timers: 32 },
    { cpu: 'all', idleNs: 420_000_000, contextSwitches: 99, pageFaults: 12, majorFaults: 3,
      swapInPages: 4, swapOutPages: 5, ints: 33, timerInts: 30, timers: 63, rescheduleIpis: 300,
      genericIpis: 3000 },
  ]);
  const bare = readCounters(new ProcFiles(t.testdir({})));
  t.match(bare.cpus, [{ cpu: 'all', idleNs: 0 }], 'what is not there is not counted');
});

t.test('kstats -s linux opens no system', { skip: process.platform !== 'linux' && 'no Linux' },
  async (t) => {
    const { status, out, opened } = await memsim(
      ['kstats', '-clm', '-s', 'linux', '-n', '2', '-d', '1'], {},
    );
    t.strictSame([status, opened], [0, []]);
    t.equal(out.split('\nmem total').length, 3);
    t.match(out, /\nall +\d+\.\d\d% +\d+ +- /);
    const { err } = await memsim(['kstats', '-v', '-s', 'linux']);
    t.equal(err, 'kstats -v: nobody counts guests there, expected -c or -m\n');
  });
