/**
 * What a recorded system brings along that no simulation of it can know: references from outside
 * the recorded processes, swap, and the machine's own counters.
 *
 * I1. All of it is of the instant of the recording; it is immutable after the import.
 */

import type { Mapping } from '../objects/mapping.js';
import type { KmemStats } from './tables.js';

/** Swapped pages of one mapping. */
export interface RecordedSwap {
  /** Swapped bytes. */ readonly swapBytes: number;
  /** Share of them in units of 2^-12 byte, as the kernel sums it. */
  readonly swapPssUnits: number;
}

/** Swapped pages of one process. */
export interface RecordedSwapRuns {
  /**
   * Four numbers a run, by address: first virtual page, its swap word (slot << 5 | area), number of
   * pages, and what the word grows by from page to page.
   */
  readonly runs: Float64Array;
}

/** Frames that were recorded and not made: no memory of the system. */
export interface RecordedNonPages {
  /** PFNs, ascending. */ readonly pfns: Float64Array;
  /** For each, 1: it is a page of zeros, 0: device memory. */ readonly isZero: Uint8Array;
}

/** Facts of a recorded system. */
export interface Recorded {
  /** Pairs of a frame and its mappings by processes outside (may be negative: entries lost). */
  readonly extras: Int32Array;
  /** Physical memory by use now: meminfo's figures, and what happened since. */
  readonly kmem: () => KmemStats;
  /** Swap by mapping; mappings without any are absent. */
  readonly swap: ReadonlyMap<Mapping, RecordedSwap>;
  /** Swapped pages by koid of the process; processes without any are absent. */
  readonly swapRuns: ReadonlyMap<number, RecordedSwapRuns>;
  /** Frames that were recorded and not made. */ readonly nonPages: RecordedNonPages;
  /** Koid of the process that stands for all outside; undefined where there is none. */
  readonly outsideKoid: number | undefined;
  /** Bytes of VMOs whose pages no recorded process maps: counted, not made. */
  readonly notRecordedBytes: number;
  /** Name of each process's user by koid, where recorded. */
  readonly users?: ReadonlyMap<number, string>;
  /** Lines a user should see. */ readonly notes: readonly string[];
  /** PFN of each frame of the core, from `firstFrame` on. */ readonly pfns: Float64Array;
  /** The first frame that stands for a recorded one. */ readonly firstFrame: number;
}
