/**
 * What processors have counted since the machine began: ZX_INFO_CPU_STATS and
 * ZX_INFO_GUEST_STATS.
 *
 * A counter that a system does not keep is undefined, never 0.
 */

/** Counters of one processor, or of the whole machine. */
export interface CpuCounters {
  /** Number of the processor; `all` for the machine. */ readonly cpu: number | 'all';
  /** Time it did nothing, ns. */ readonly idleNs: number;
  /** Switches to another thread. */ readonly contextSwitches?: number | undefined;
  /** Threads that gave way. */ readonly yields?: number | undefined;
  /** Threads that were made to give way. */ readonly preempts?: number | undefined;
  /** Of those, by an interrupt. */ readonly irqPreempts?: number | undefined;
  /** Exceptions. */ readonly exceptions?: number | undefined;
  /** Page faults. */ readonly pageFaults?: number | undefined;
  /** Page faults that waited for a device; Linux only. */
  readonly majorFaults?: number | undefined;
  /** Pages read from swap; Linux only. */ readonly swapInPages?: number | undefined;
  /** Pages written to swap; Linux only. */ readonly swapOutPages?: number | undefined;
  /** System calls. */ readonly syscalls?: number | undefined;
  /** Interrupts by devices and timers. */ readonly ints?: number | undefined;
  /** Of those, by timers. */ readonly timerInts?: number | undefined;
  /** Calls of timers that were due. */ readonly timers?: number | undefined;
  /** Asked by another processor to look for work. */ readonly rescheduleIpis?: number | undefined;
  /** Asked by another processor for anything else. */ readonly genericIpis?: number | undefined;
}

/** Why guests stopped to run on one processor, by the names of ZX_INFO_GUEST_STATS. */
export interface GuestCounters {
  /** Number of the processor. */ readonly cpu: number;
  /** Counts by name; a name without one counts as 0. */
  readonly counts: ReadonlyMap<string, number>;
}
