/**
 * The kernel's figures from PFNs, in plain JavaScript and apart from the core: what smaps and
 * smaps_rollup print, by the rules in the data's README ("How the kernel's numbers come out of
 * PFNs").
 */

import { FrameBit } from '../../src/import/linux/frames.js';
import { RunKind } from '../../src/import/linux/runs.js';
import type { LinuxMapping, LinuxSnapshot } from '../../src/import/linux/snapshot.js';

/** Bytes << 12 of one page, the unit smaps adds PSS in. */
const PAGE_PSS = 4096 * 4096;

/** Figures of a mapping or a process; PSS in bytes << 12, the others in kB. */
export interface Figures {
  rss: number;
  pss: number;
  shared: number;
  private: number;
  anonymous: number;
  ksm: number;
  swap: number;
  swapPss: number;
  sharedHugetlb: number;
  privateHugetlb: number;
}

/** No pages. */
export function noFigures(): Figures {
  return {
    rss: 0,
    pss: 0,
    shared: 0,
    private: 0,
    anonymous: 0,
    ksm: 0,
    swap: 0,
    swapPss: 0,
    sharedHugetlb: 0,
    privateHugetlb: 0,
  };
}

/** Adds `part` to `sum`. */
export function addFigures(sum: Figures, part: Figures): void {
  for (const key of Object.keys(sum) as (keyof Figures)[]) sum[key] += part[key];
}

/** Page tables that hold each swap slot, counted apart from the reader's own table. */
export function slotHolders(snapshot: LinuxSnapshot): Map<number, number> {
  const holders = new Map<number, number>();
  for (const mapping of snapshot.mappings) {
    for (const word of swapWords(snapshot, mapping)) {
      holders.set(word, (holders.get(word) ?? 0) + 1);
    }
  }
  return holders;
}

function* swapWords(snapshot: LinuxSnapshot, mapping: LinuxMapping): Generator<number> {
  const { segment, start, end } = mapping.runs;
  for (let row = start; row < end; row++) {
    if (snapshot.runKinds[segment.flags[row] as number] !== RunKind.SWAPPED) continue;
    const length = segment.length[row] as number;
    for (let i = 0; i < Math.abs(length); i++) {
      const word = (segment.first[row] as number) + 32 * (length < 0 ? -i : i);
      if (word % 32 < 23) yield word;
    }
  }
}

/** What smaps prints for a mapping. */
export function figuresOf(
  snapshot: LinuxSnapshot,
  mapping: LinuxMapping,
  holders: ReadonlyMap<number, number>,
): Figures {
  const sum = noFigures();
  const { frames } = snapshot;
  const { segment, start, end } = mapping.runs;
  for (let row = start; row < end; row++) {
    if (snapshot.runKinds[segment.flags[row] as number] !== RunKind.PRESENT) continue;
    const length = segment.length[row] as number;
    for (let i = 0; i < Math.abs(length); i++) {
      const frame = (segment.first[row] as number) + (length < 0 ? -i : i);
      addPage(sum, frames.bitsOf(frame), frames.mapcount[frame] as number, mapping.pfnmap);
    }
  }
  for (const word of swapWords(snapshot, mapping)) {
    sum.swap += 4;
    sum.swapPss += Math.floor(PAGE_PSS / (holders.get(word) as number));
  }
  return sum;
}

function addPage(sum: Figures, bits: number, mapcount: number, pfnmap: boolean): void {
  if (bits & (FrameBit.ZERO | FrameBit.NO_PAGE)) return;
  if (bits & FrameBit.HUGETLB) {
    if (mapcount < 2) sum.privateHugetlb += 4;
    else sum.sharedHugetlb += 4;
    return;
  }
  if (pfnmap && !(bits & FrameBit.ANON)) return;
  sum.rss += 4;
  sum.pss += Math.floor(PAGE_PSS / Math.max(1, mapcount));
  if (mapcount < 2) sum.private += 4;
  else sum.shared += 4;
  if (bits & FrameBit.ANON) sum.anonymous += 4;
  if (bits & FrameBit.KSM) sum.ksm += 4;
}

/** Bytes << 12 to kB as smaps prints them, rounded down. */
export function pssKb(pss: number): number {
  return Math.floor(pss / 2 ** 22);
}

/** Our figures under the kernel's names, in kB, PSS rounded down. */
export function asKernelPrints(figures: Figures): Record<string, number> {
  return {
    Rss: figures.rss,
    Pss: pssKb(figures.pss),
    Shared: figures.shared,
    Private: figures.private,
    Anonymous: figures.anonymous,
    KSM: figures.ksm,
    Swap: figures.swap,
    SwapPss: pssKb(figures.swapPss),
    Shared_Hugetlb: figures.sharedHugetlb,
    Private_Hugetlb: figures.privateHugetlb,
  };
}

/** The kernel's own figures, dirty and clean together, as {@link asKernelPrints} names them. */
export function kernelFigures(of: (name: string) => number): Record<string, number> {
  return {
    Rss: of('Rss'),
    Pss: of('Pss'),
    Shared: of('Shared_Clean') + of('Shared_Dirty'),
    Private: of('Private_Clean') + of('Private_Dirty'),
    Anonymous: of('Anonymous'),
    KSM: of('KSM'),
    Swap: of('Swap'),
    SwapPss: of('SwapPss'),
    Shared_Hugetlb: of('Shared_Hugetlb'),
    Private_Hugetlb: of('Private_Hugetlb'),
  };
}
