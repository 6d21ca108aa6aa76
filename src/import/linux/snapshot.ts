/**
 * A Linux snapshot in memory, as the reader leaves it: processes, mappings, runs, frames, swap
 * slots.
 *
 * I1. Immutable once the reader returned it.
 * I2. Mappings stand by process in the order of the file, within a process by address; they do not
 *     overlap. `[vsyscall]` is left out: it lies in the kernel half and has no pages of its own.
 * I3. `first` of a present run is a dense frame index (frames.ts), of a swapped run its swap word.
 *
 * Cost: 22 bytes a run, 18 bytes a frame, one object for each mapping and process.
 */

import type { FrameTable, SwapTable } from './frames.js';
import { RunKind, SWAP_WORD_STEP, type RunRange } from './runs.js';

/** A process of a snapshot. */
export interface LinuxProcess {
  /** Process id. */ readonly pid: number;
  /** Process id of the parent, recorded or not. */ readonly ppid: number;
  /** Short name. Untrusted text. */ readonly comm: string;
  /** Command line. Untrusted text. */ readonly cmdline: string;
  /** Number of threads. */ readonly threads: number;
  /** Name of its user, if recorded. Untrusted text. */ readonly user?: string;
  /** smaps_rollup in kB by name, if recorded. */ readonly rollup?: ReadonlyMap<string, number>;
  /** First of its mappings. */ readonly mapStart: number;
  /** One past the last of its mappings. */ readonly mapEnd: number;
  /** Line of its record. */ readonly line: number;
}

/** A mapping of a snapshot. */
export interface LinuxMapping {
  /** Index of its process. */ readonly process: number;
  /** First virtual page. */ readonly startPage: number;
  /** Length in pages. */ readonly pages: number;
  /** READ 1, WRITE 2, EXECUTE 4. */ readonly perms: number;
  /** MAP_SHARED. */ readonly shared: boolean;
  /** Offset into the file, pages. */ readonly offsetPages: number;
  /** Device, `major:minor`. */ readonly dev: string;
  /** Inode, 0 for none. */ readonly ino: number;
  /** Path, `[heap]` and the like, or empty. Untrusted text. */ readonly name: string;
  /** Device memory (VmFlags `pf`): frames that are not anonymous are in no smaps figure. */
  readonly pfnmap: boolean;
  /** smaps columns in kB, if recorded and not all zero. */ readonly smaps?: readonly number[];
  /** Its runs. */ readonly runs: RunRange;
  /** Line of its record. */ readonly line: number;
}

/** A snapshot as it was read. */
export interface LinuxSnapshot {
  /** Name of the file, for messages. */ readonly file: string;
  /** Name of the recording. Untrusted text. */ readonly label: string;
  /** Kernel release. Untrusted text. */ readonly kernel: string;
  /** Seconds since 1970; 0 if not recorded. */ readonly timeSeconds: number;
  /** False: the system changed while it was recorded. */ readonly consistent: boolean;
  /** Names of the smaps columns; empty if none were recorded. */
  readonly smapsNames: readonly string[];
  /** /proc/meminfo, kB by name. */ readonly meminfo: ReadonlyMap<string, number>;
  /** Processes in the order of the file. */ readonly processes: readonly LinuxProcess[];
  /** Mappings in the order of the file. */ readonly mappings: readonly LinuxMapping[];
  /** {@link RunKind} of each pmflags index. */ readonly runKinds: Uint8Array;
  /** pmflags words: bits 55..63 of a pagemap word. */ readonly pmflags: readonly number[];
  /** Frames by dense index. */ readonly frames: FrameTable;
  /** Swap slots. */ readonly swap: SwapTable;
  /** Present entries of all mappings. */ readonly presentPages: number;
  /** Runs of all mappings. */ readonly runCount: number;
}

/**
 * Walks the swapped pages of a mapping, page by page.
 *
 * @param snapshot - the snapshot
 * @param mapping - one of its mappings
 * @param visit - called with the page within the mapping and its swap word
 */
export function forEachSwappedPage(
  snapshot: Pick<LinuxSnapshot, 'runKinds'>,
  mapping: Pick<LinuxMapping, 'runs'>,
  visit: (page: number, word: number) => void,
): void {
  const { segment, start, end } = mapping.runs;
  for (let row = start; row < end; row++) {
    if (snapshot.runKinds[segment.flags[row] as number] !== RunKind.SWAPPED) continue;
    const length = segment.length[row] as number;
    const step = length < 0 ? -SWAP_WORD_STEP : SWAP_WORD_STEP;
    const page = segment.page[row] as number;
    let word = segment.first[row] as number;
    for (let i = 0, count = Math.abs(length); i < count; i++, word += step) {
      if (isSwapWord(word)) visit(page + i, word);
    }
  }
}

/** Swap types from here on are markers, migration and device entries: no swap slots. */
const SWAP_TYPES = 23;

/**
 * True if a swap word names a slot of a swap file. The kernel uses the highest types for entries
 * that are no swap (MAX_SWAPFILES in include/linux/swap.h), and smaps counts none of them as Swap.
 *
 * @param word - low 55 bits of a pagemap word
 */
export function isSwapWord(word: number): boolean {
  return word % SWAP_WORD_STEP < SWAP_TYPES;
}
