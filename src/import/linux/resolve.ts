/**
 * The last step of reading: PFNs of runs become dense frame indexes, swap words become a table.
 *
 * I1. After {@link resolveFrames} every present run lies on recorded frames, and `frames.seen`
 *     counts the present entries of each.
 */

import { fail } from './records.js';
import { SwapTable, type FrameTable } from './frames.js';
import { RunKind } from './runs.js';
import { forEachSwappedPage, type LinuxMapping } from './snapshot.js';

/**
 * Replaces the PFNs of present runs by dense frame indexes, in place.
 *
 * @param file - name of the file, for messages
 * @param mappings - all mappings
 * @param runKinds - kind of each pmflags index
 * @param frames - the finished frame table; its PFN index is dropped afterwards
 * @throws InputError: a PFN of a map is in no frames record
 */
export function resolveFrames(
  file: string,
  mappings: readonly LinuxMapping[],
  runKinds: Uint8Array,
  frames: FrameTable,
): void {
  for (const { runs, line } of mappings) {
    const { first, length, flags } = runs.segment;
    for (let row = runs.start; row < runs.end; row++) {
      if (runKinds[flags[row] as number] !== RunKind.PRESENT) continue;
      const pfn = first[row] as number;
      const pages = length[row] as number;
      const count = Math.abs(pages);
      const low = pages < 0 ? pfn - count + 1 : pfn;
      const index = frames.indexOf(low);
      if (index < 0 || frames.pfn[index + count - 1] !== low + count - 1) {
        const missing = firstMissing(frames, low, count);
        fail({ file, line }, `PFN ${missing} in a map`, 'every PFN of a map in the frames records');
      }
      frames.countPresent(index, count);
      first[row] = pages < 0 ? index + count - 1 : index;
    }
  }
  frames.dropIndex();
}

function firstMissing(frames: FrameTable, low: number, count: number): number {
  let pfn = low;
  while (pfn < low + count - 1 && frames.indexOf(pfn) >= 0) pfn++;
  return pfn;
}

/**
 * Counts how many page tables hold each swap slot.
 *
 * @param mappings - all mappings
 * @param runKinds - kind of each pmflags index
 * @param pagesMax - at least as many as there are swapped entries
 * @returns the table of slots
 */
export function collectSwap(
  mappings: readonly LinuxMapping[],
  runKinds: Uint8Array,
  pagesMax: number,
): SwapTable {
  const entries = new Float64Array(pagesMax);
  let count = 0;
  for (const mapping of mappings) {
    forEachSwappedPage({ runKinds }, mapping, (_page, word) => {
      entries[count++] = word;
    });
  }
  return new SwapTable(entries.subarray(0, count));
}
