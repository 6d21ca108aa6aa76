/**
 * `pmm mem_avail_state info`: how far memory is from running out, as the system's watchdog has it.
 *
 * @see tool-formats, sections 12.1 and 14
 */

import { type Era, sizeAlgorithmOf } from '../era.js';
import { formatSize } from '../size.js';
import { type Column, joinLines } from '../table.js';

const MIB_BYTES = 2 ** 20;
const U64_MAX = 2n ** 64n - 1n;

/** Marks of free memory between the states, lowest first, and how far past one a state stays. */
export interface Watermarks {
  /** Marks in bytes, ascending: state i is below mark i, the last state above all. */
  readonly limitsBytes: readonly number[];
  /** Bytes past a mark that are needed to leave a state. */ readonly debounceBytes: number;
  /** How long a better state lasts before it is signalled, ns. */ readonly hysteresisNs: bigint;
  /** The state that a watchdog signals; undefined where none is on. */ readonly state?: number;
}

/** The defaults of `kernel.oom.*`: out of memory, imminent, critical, warning. */
export const DEFAULT_WATERMARKS: Watermarks = {
  limitsBytes: [50, 60, 150, 300].map((mib) => mib * MIB_BYTES), debounceBytes: MIB_BYTES,
  hysteresisNs: 10_000_000_000n,
};

/** The state of memory. */
export interface MemoryStateRow extends Watermarks {
  /** 0 out of memory, 1 imminent, 2 critical, 3 warning, 4 normal. */ readonly state: number;
  /** Whether a watchdog signals it; else it is what so much free memory would mean. */
  readonly isWatched: boolean;
  /** Below this the state falls. */ readonly lowerBytes: number;
  /** From this on it rises. */ readonly upperBytes: bigint;
  /** Unallocated memory. */ readonly freeBytes: number;
}

/**
 * The state of memory: what the watchdog signals, or without one what so much free memory means
 * where nothing went before.
 *
 * @param freeBytes - unallocated memory
 * @param watermarks - the marks
 */
export function memoryState(freeBytes: number, watermarks = DEFAULT_WATERMARKS): MemoryStateRow {
  const { limitsBytes, debounceBytes } = watermarks;
  const state = watermarks.state ?? limitsBytes.filter((limit) => freeBytes >= limit).length;
  const lower = limitsBytes[state - 1];
  const upper = limitsBytes[state];
  return {
    ...watermarks, state, isWatched: watermarks.state !== undefined, freeBytes,
    lowerBytes: lower === undefined ? 0 : Math.max(0, lower - debounceBytes),
    upperBytes: upper === undefined ? U64_MAX : BigInt(upper + debounceBytes),
  };
}

/** The state as the console prints it. */
export function memoryStateText(row: MemoryStateRow, era: Era): string {
  const size = (bytes: number | bigint): string => formatSize(bytes, '', sizeAlgorithmOf(era));
  return joinLines([
    `watermarks: [${row.limitsBytes.map(size).join(', ')}]`,
    `debounce: ${size(row.debounceBytes)}`,
    `current state: ${row.state}`,
    `current bounds: [${size(row.lowerBytes)}, ${size(row.upperBytes)}]`,
    `free memory: ${size(row.freeBytes)}`,
  ]);
}

/** The columns of the state for programs. */
export function memoryStateColumns(): Column<MemoryStateRow>[] {
  return [
    { key: 'state', value: (row) => row.state },
    { key: 'lower_bytes', value: (row) => row.lowerBytes },
    { key: 'upper_bytes', value: (row) => row.upperBytes },
    { key: 'free_bytes', value: (row) => row.freeBytes },
    { key: 'out_of_memory_bytes', value: (row) => row.limitsBytes[0] },
    { key: 'imminent_oom_bytes', value: (row) => row.limitsBytes[1] },
    { key: 'critical_bytes', value: (row) => row.limitsBytes[2] },
    { key: 'warning_bytes', value: (row) => row.limitsBytes[3] },
    { key: 'debounce_bytes', value: (row) => row.debounceBytes },
    { key: 'hysteresis_ns', value: (row) => row.hysteresisNs },
    { key: 'watchdog', value: (row) => (row.isWatched ? 'on' : 'off') },
  ];
}
