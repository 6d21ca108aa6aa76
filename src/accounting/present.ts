/**
 * Reach `present`: what a process reaches is what its page tables have, as Linux counts.
 *
 * `mapcount`: each entry weighs 1 / number of entries of its frame, in the kernel's own arithmetic
 * (fs/proc/task_mmu.c: 4096 << 12, an integer division a page), entries of processes outside the
 * recording included. `exact`: the distinct processes that have a frame share it; all that is
 * outside is one more owner, so its part is a lower bound.
 */

import type { Core } from '../core/core.js';
import { EntryPass, type EntryFigures, type EntryRule } from '../core/passes.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { Outcome } from './classic.js';
import type { Collected } from './collect.js';
import { addShare, joinShare, setShare, type Figures } from './columns.js';
import type { Recorded } from './recorded.js';

const SHARE_BITS = 12n;
const FRACTION_BITS = 63n;

/** Kinds of memory by process, whole bytes, rounded down. */
export interface PssParts {
  /** Anonymous. */ readonly anon: Float64Array;
  /** Files. */ readonly file: Float64Array;
  /** Shared memory. */ readonly shmem: Float64Array;
}

/** What reach `present` adds to the figures of every policy. */
export interface PresentExtras {
  /** By process (and `outside`): pages by number of owners; empty if not asked for. */
  readonly owners: Map<number, number>[];
  /** `mapcount`: parts of the PSS by task row. */ readonly parts: PssParts | undefined;
}

/** Fills the figures in. */
export async function accountPresent(
  core: Core, collected: Collected, outcome: Outcome, rule: EntryRule,
  recorded: Recorded | undefined, scan: (pass: EntryPass) => Promise<void>, wantOwners: boolean,
): Promise<PresentExtras> {
  const { processes, windows } = collected;
  const aspaces = processes.map(({ aspace }) => aspace);
  const pass = new EntryPass(core, rule);
  const owners: Map<number, number>[] = [];
  const parts = rule === 'mapcount' ? pssParts(collected.taskType.length) : undefined;
  try {
    await scan(pass);
    if (recorded !== undefined) pass.addOutside(recorded.extras);
    const ranges = windows.map(({ process, basePage, lengthPages }) => ({
      aspace: aspaces[process] as (typeof aspaces)[number], stamp: 0,
      page: basePage, pages: lengthPages,
    }));
    const rows = pass.read(ranges);
    rows.forEach((row, i) => fill(outcome.maps, windows[i]?.row ?? 0, row, rule));
    const whole = rule === 'exact' ? pass.readDistinct(aspaces) : sumByProcess(collected, rows);
    whole.forEach((row, i) => {
      const at = processes[i]?.row ?? 0;
      fill(outcome.tasks, at, row, rule);
      if (parts !== undefined) fillParts(parts, at, row);
    });
    if (wantOwners)
      for (const aspace of aspaces) owners.push(pass.owners(aspace, aspaces.length + 1));
    if (recorded !== undefined)
      addOutside(core, pass, collected, outcome.tasks, recorded, rule, owners);
  } finally {
    pass.end();
  }
  return { owners, parts };
}

function pssParts(rows: number): PssParts {
  return {
    anon: new Float64Array(rows), file: new Float64Array(rows), shmem: new Float64Array(rows),
  };
}

function fillParts(parts: PssParts, row: number, from: EntryFigures): void {
  parts.anon[row] = Number(from.anonShare >> SHARE_BITS);
  parts.file[row] = Number(from.fileShare >> SHARE_BITS);
  parts.shmem[row] = Number(from.shmemShare >> SHARE_BITS);
}

function fill(figures: Figures, row: number, from: EntryFigures, rule: EntryRule): void {
  figures.committedBytes[row] = from.pages * PAGE_BYTES;
  figures.privateBytes[row] = from.privatePages * PAGE_BYTES;
  figures.sharedBytes[row] = from.sharedPages * PAGE_BYTES;
  const share = rule === 'exact'
    ? joinShare(from.share, from.fraction)
    : from.share << (FRACTION_BITS - SHARE_BITS);
  setShare(figures.pss, row, share);
}

/** Every entry of a process lies in exactly one of its mappings, so sums over these are its own. */
function sumByProcess(collected: Collected, rows: readonly EntryFigures[]): EntryFigures[] {
  const sums: { -readonly [K in keyof EntryFigures]: EntryFigures[K] }[] = collected.processes.map(
    () => ({
      share: 0n, fraction: 0n, pages: 0, privatePages: 0, sharedPages: 0, hugePrivatePages: 0,
      hugeSharedPages: 0, anonShare: 0n, fileShare: 0n, shmemShare: 0n,
    }),
  );
  rows.forEach((row, i) => {
    const sum = sums[collected.windows[i]?.process ?? 0];
    if (sum === undefined) return;
    sum.share += row.share;
    sum.pages += row.pages;
    sum.privatePages += row.privatePages;
    sum.sharedPages += row.sharedPages;
    sum.hugePrivatePages += row.hugePrivatePages;
    sum.hugeSharedPages += row.hugeSharedPages;
    sum.anonShare += row.anonShare;
    sum.fileShare += row.fileShare;
    sum.shmemShare += row.shmemShare;
  });
  return sums;
}

/** The row of the process that stands for everybody who was not recorded. */
function addOutside(
  core: Core, pass: EntryPass, collected: Collected, figures: Figures, recorded: Recorded,
  rule: EntryRule, owners: Map<number, number>[],
): void {
  const index =
    collected.processes.findIndex(({ process }) => process.koid === recorded.outsideKoid);
  const row = collected.processes[index]?.row;
  if (row === undefined) return;
  const pages = new Map<number, number>();
  let count = 0;
  let share = 0n;
  for (let i = 0; i < recorded.extras.length; i += 2) {
    const frame = recorded.extras[i] as number;
    const extra = recorded.extras[i + 1] as number;
    const kinds = core.frameKinds(frame);
    if (extra <= 0 || kinds.hugetlb === true || kinds.outside !== true) continue;
    const weight = pass.weight(frame);
    count += 1;
    pages.set(weight, (pages.get(weight) ?? 0) + 1);
    share += rule === 'exact'
      ? (BigInt(PAGE_BYTES) << FRACTION_BITS) / BigInt(weight)
      : BigInt(extra * Math.floor(2 ** 24 / weight)) << (FRACTION_BITS - SHARE_BITS);
  }
  figures.committedBytes[row] = count * PAGE_BYTES;
  figures.sharedBytes[row] = count * PAGE_BYTES;
  addShare(figures.pss, row, share);
  if (owners.length > 0) owners[index] = pages;
}
