/**
 * Where `kstats` gets its figures: this Linux machine, or a system that was opened once.
 *
 * A simulated system's programs take no time: its one processor has been idle for as long as the
 * system's time has passed, and no guest runs on it. It counts what happens: system calls, faults,
 * exceptions, timers; what is not simulated (switches between threads, interrupts of devices and of
 * other processors) is 0. The time between two reports passes on the
 * system's own clock too, so that what happens by itself (pages age, timers are due, steps of a
 * scenario) shows.
 * A recording has memory and no processors, and is of one instant.
 */

import type { CpuCounters, GuestCounters } from '../accounting/cpu-counters.js';
import type { AccountTables, KmemStats } from '../accounting/tables.js';
import { readCounters } from '../import/linux/live/counters.js';
import { isLiveSpec } from '../import/linux/live/live.js';
import { ProcFiles } from '../import/linux/live/proc-files.js';
import type { CliSystem, Context } from './context.js';
import { CommandError } from './errors.js';

/** Figures of one moment. */
export interface Sample {
  /** Physical memory by use. */ readonly kmem: KmemStats;
  /** Each processor; of a Linux machine `all` behind them. Undefined: none is known. */
  readonly cpus?: readonly CpuCounters[];
  /** What guests did, by processor. Undefined: it is not known. */
  readonly guests?: readonly GuestCounters[];
}

/** A source of samples. */
export interface StatsSource {
  /** The figures now. */
  sample(): Promise<Sample>;
  /** Time passes until the next sample. */
  pass(delayNs: number): void;
}

function kmemOf({ kmem, missing }: AccountTables): KmemStats {
  if (missing?.kmem !== undefined) throw new CommandError(`kstats: ${missing.kmem}`);
  return kmem;
}

class LinuxSource implements StatsSource {
  constructor(private readonly proc: ProcFiles) {}

  sample(): Promise<Sample> {
    return Promise.resolve(readCounters(this.proc));
  }

  pass(): void {
    // It passes by itself.
  }
}

class SystemSource implements StatsSource {
  private system: CliSystem | undefined;
  private tables: AccountTables | undefined;

  constructor(private readonly context: Context, private readonly uptimeNs: number) {}

  async sample(): Promise<Sample> {
    this.system ??= await this.context.openClocked();
    const { system } = this;
    // What has no time of its own is the same in every report.
    if (this.tables === undefined || this.isLive) {
      this.tables = await this.context.accountFor(system);
    }
    const kmem = kmemOf(this.tables);
    if (!this.isLive) return { kmem };
    const idleNs = this.uptimeNs + Number(system.clock?.nowNs ?? 0n);
    return {
      kmem, cpus: [{ cpu: 0, idleNs, ...NOTHING, ...countersOf(system) }],
      guests: [{ cpu: 0, counts: new Map() }],
    };
  }

  pass(delayNs: number): void {
    if (this.isLive) this.system?.advance?.(BigInt(delayNs));
  }

  /** Time passes in simulated systems; recordings and documents are of one instant. */
  private get isLive(): boolean {
    return this.system?.clock !== undefined && this.system.defaultPolicy !== 'mapcount';
  }
}

/** What a simulated system counts. */
function countersOf({ counters }: CliSystem): Partial<CpuCounters> {
  if (counters === undefined) return {};
  const { exceptions, pageFaults, syscalls, timers, timerInts } = counters;
  return { exceptions, pageFaults, syscalls, timers, timerInts };
}

const NOTHING = {
  contextSwitches: 0, yields: 0, preempts: 0, irqPreempts: 0, exceptions: 0, pageFaults: 0,
  syscalls: 0, ints: 0, timerInts: 0, timers: 0, rescheduleIpis: 0, genericIpis: 0,
} as const;

/**
 * The source that `-s` names.
 *
 * @param context - its options
 * @param uptimeNs - how long a simulated system was up before its clock began
 * @throws CommandError where this machine is asked for and is no Linux
 */
export function statsSource(context: Context, uptimeNs: number): StatsSource {
  const { system } = context.options;
  if (!isLiveSpec(system)) return new SystemSource(context, uptimeNs);
  const proc = new ProcFiles();
  if (proc.text('meminfo') === undefined) {
    throw new CommandError(`kstats -s ${system}: there is no /proc of Linux here`);
  }
  return new LinuxSource(proc);
}
