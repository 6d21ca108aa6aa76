/**
 * Swap of a mapping, as smaps counts it.
 */

import { RunKind, SWAP_WORD_STEP } from './runs.js';
import {
  forEachSwappedPage, isSwapWord, type LinuxMapping, type LinuxSnapshot,
} from './snapshot.js';

const PAGE_BYTES = 4096;
/** A page in units of 2^-12 byte. */
const PAGE_UNITS = PAGE_BYTES * 4096;

/** Swap of a mapping. */
export interface SwapFigures {
  /** Bytes that are swapped out. */ readonly swapBytes: number;
  /**
   * Proportional share of them in units of 2^-12 byte: for each page 4096 bytes over the number of
   * page tables that hold its slot, rounded down, as smaps adds SwapPss.
   */
  readonly swapPssUnits: number;
}

/**
 * Counts the swap of a mapping.
 *
 * @param snapshot - the snapshot
 * @param mapping - one of its mappings
 * @returns the figures; undefined if nothing is swapped
 */
export function swapFigures(
  snapshot: Pick<LinuxSnapshot, 'runKinds' | 'swap'>,
  mapping: LinuxMapping,
): SwapFigures | undefined {
  let pages = 0;
  let swapPssUnits = 0;
  forEachSwappedPage(snapshot, mapping, (_page, word) => {
    pages++;
    swapPssUnits += Math.floor(PAGE_UNITS / snapshot.swap.countOf(word));
  });
  return pages > 0 ? { swapBytes: pages * PAGE_BYTES, swapPssUnits } : undefined;
}

/**
 * The swapped runs of a mapping: four numbers each, the first virtual page, its swap word, the
 * number of pages, and what the word grows by from page to page.
 *
 * @param snapshot - the snapshot
 * @param mapping - one of its mappings
 */
export function swapRuns(
  snapshot: Pick<LinuxSnapshot, 'runKinds'>, mapping: LinuxMapping,
): number[] {
  const { segment, start, end } = mapping.runs;
  const runs: number[] = [];
  for (let row = start; row < end; row++) {
    if (snapshot.runKinds[segment.flags[row] as number] !== RunKind.SWAPPED) continue;
    const word = segment.first[row] as number;
    const length = segment.length[row] as number;
    if (!isSwapWord(word)) continue;
    const vpn = mapping.startPage + (segment.page[row] as number);
    runs.push(vpn, word, Math.abs(length), length < 0 ? -SWAP_WORD_STEP : SWAP_WORD_STEP);
  }
  return runs;
}
