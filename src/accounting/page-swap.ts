/**
 * Swapped pages of a recorded system: which slot a page table's entry held, and who else held it.
 */

import type { Mapping } from '../objects/mapping.js';
import type { KernelSystem } from '../objects/system.js';
import { PAGE_BYTES, toBytes } from '../objects/units.js';
import { walkMappings, walkProcesses } from '../objects/walk.js';
import { fraction } from './fraction.js';
import type { Place } from './page-target.js';
import type { PageSwap, PageSwapHolder } from './page-types.js';
import type { Recorded, RecordedSwapRuns } from './recorded.js';

const RUN = 4;
const AREAS = 32;
/** Units of SwapPss: 2^-12 byte. */
const UNITS_A_BYTE = 4096;

/** The swap slot of a place without a page; undefined if none was recorded. */
export function swapAt(
  system: KernelSystem, recorded: Recorded | undefined, place: Place,
): PageSwap | undefined {
  if (recorded === undefined || recorded.swapRuns.size === 0) return undefined;
  const word = wordOf(system, recorded, place);
  if (word === undefined) return undefined;
  const holders: PageSwapHolder[] = [];
  for (const { koid, name } of walkProcesses(system.rootJob.object)) {
    for (const at of pagesOf(recorded.swapRuns.get(koid), word)) {
      holders.push({ processKoid: koid, processName: name, address: toBytes(at) });
    }
  }
  const units = Math.floor((PAGE_BYTES * UNITS_A_BYTE) / Math.max(1, holders.length));
  const share = fraction(units, UNITS_A_BYTE);
  return { area: word % AREAS, slot: Math.floor(word / AREAS), holders, share };
}

/** Swap word at a place: of the address, or of the first mapping that shows the VMO's page. */
function wordOf(
  system: KernelSystem, recorded: Recorded, { process, page, mapping, vmo, vmoPage = 0 }: Place,
): number | undefined {
  const wordIn = (within: Mapping, koid: number, at: number): number | undefined =>
    (recorded.swap.has(within) ? wordAt(recorded.swapRuns.get(koid), at) : undefined);
  if (process !== undefined && page !== undefined && mapping !== undefined) {
    return wordIn(mapping, process.koid, page);
  }
  if (vmo === undefined) return undefined;
  for (const { koid, aspace } of walkProcesses(system.rootJob.object)) {
    for (const within of walkMappings(aspace)) {
      const at = vmoPage - within.vmoOffsetPages;
      if (within.vmo !== vmo || at < 0 || at >= within.pages) continue;
      const word = wordIn(within, koid, within.basePage + at);
      if (word !== undefined) return word;
    }
  }
  return undefined;
}

/** Swap word of a virtual page. */
function wordAt(swapped: RecordedSwapRuns | undefined, page: number): number | undefined {
  const runs = swapped?.runs ?? [];
  for (let i = 0; i < runs.length; i += RUN) {
    const [first, word, length, step] = runs.slice(i, i + RUN) as unknown as RunFields;
    if (page >= first && page < first + length) return word + (page - first) * step;
  }
  return undefined;
}

/** Virtual pages whose entries hold a swap word. */
function* pagesOf(swapped: RecordedSwapRuns | undefined, wanted: number): Generator<number> {
  const runs = swapped?.runs ?? [];
  for (let i = 0; i < runs.length; i += RUN) {
    const [first, word, length, step] = runs.slice(i, i + RUN) as unknown as RunFields;
    const at = (wanted - word) / step;
    if (Number.isInteger(at) && at >= 0 && at < length) yield first + at;
  }
}

type RunFields = readonly [first: number, word: number, length: number, step: number];
