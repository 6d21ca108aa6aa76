/**
 * Policy `exact`, reach `committed`: a page's owners are the distinct processes that reach it by
 * any mapping; private if one, else 4096 / owners for each. Whoever maps it twice counts once.
 *
 * Pages that no mapping reaches are shared among the processes that hold a handle to a VMO that has
 * them: UNMAPPED. A page is in one of the two figures, never in both.
 */

import type { Core } from '../core/core.js';
import { TreePass, type Sums } from '../core/passes.js';
import { fail } from '../objects/errors.js';
import { PAGE_BYTES } from '../objects/units.js';
import { vmoHandles, vmoWindow } from '../objects/walk.js';
import type { Outcome } from './classic.js';
import type { Collected, RowWindow } from './collect.js';
import { joinShare, setShare, shareColumn, type Figures } from './columns.js';
import {
  aliasSurplus, injectSurplus, subtractOwners, subtractSurplus, type AliasSurplus,
} from './aliases.js';
import { addReach, Crowd, meetingsOf, reachOf, type Reach } from './reach.js';
import type { ShareColumn } from './tables.js';
import { Windows } from './windows.js';

/** A weight counts holders of handles in its low half and mappers in its high half. */
const HELD_PROCESSES_MAX = 65535;
const MAPPER = 65536;

/** What `exact` adds to the figures of every policy. */
export interface ExactExtras {
  /** By process: pages by number of owners; empty if not asked for. */
  readonly owners: Map<number, number>[];
  /** By process: its share of pages reached by handles alone. */
  readonly unmapped: ShareColumn;
}

/** Scans the trees of a pass. */
export type TreeScan = (pass: TreePass) => Promise<void>;

/** What reaches came to in a pass that is under way. */
interface Reached {
  readonly pass: TreePass;
  readonly meetings: readonly (readonly Windows[])[];
  readonly surplus: readonly AliasSurplus[];
  /** By reach. */ readonly sums: Sums;
}

/** A pass in which each reach is an owner. */
async function sumReaches<R>(
  core: Core, reaches: readonly Reach[], scan: TreeScan, use: (found: Reached) => R,
): Promise<R> {
  const crowd = new Crowd();
  for (const reach of reaches) crowd.add(reach);
  const pass = new TreePass(core, 'sum');
  try {
    pass.inject(crowd.windows());
    const meetings = reaches.map((reach) => meetingsOf(core, reach));
    for (const list of meetings) for (const windows of list) pass.injectMeeting(windows, 1);
    const surplus = reaches.map((reach) => aliasSurplus(core, reach));
    for (const aliases of surplus) injectSurplus(pass, aliases);
    await scan(pass);
    const sums = readReaches(pass, reaches, meetings);
    surplus.forEach((aliases, i) => subtractSurplus(pass, aliases, sums, i));
    return use({ pass, meetings, surplus, sums });
  } finally {
    pass.end();
  }
}

/** Fills the figures in. */
export async function accountExact(
  core: Core, collected: Collected, outcome: Outcome, scan: TreeScan, wantOwners: boolean,
): Promise<ExactExtras> {
  const { processes } = collected;
  const reaches = windowsByProcess(collected).map((windows) => reachOf(core, windows));
  const owners = await sumReaches(core, reaches, scan, ({ pass, meetings, surplus, sums }) => {
    fillTasks(collected, outcome.tasks, sums);
    fillMaps(core, pass, collected, outcome.maps);
    if (!wantOwners) return [];
    return reaches.map((reach, i) => {
      const windows = new Windows();
      addReach(windows, reach, 0);
      const pages = pass.owners(windows, meetings[i] ?? [], processes.length);
      subtractOwners(pass, surplus[i] as AliasSurplus, pages);
      return pages;
    });
  });
  return { owners, unmapped: await accountHeld(core, collected, reaches, scan) };
}

/**
 * Distinct pages that groups of processes reach, and how many of them no other group does.
 *
 * @param groups - indexes in `collected.processes`; every process is in one
 */
export function groupReaches(
  core: Core, collected: Collected, groups: readonly (readonly number[])[], scan: TreeScan,
): Promise<{ pages: number; privatePages: number }[]> {
  const byProcess = windowsByProcess(collected);
  const reaches = groups.map((members) =>
    reachOf(core, members.flatMap((i) => byProcess[i] ?? [])));
  return sumReaches(core, reaches, scan, ({ sums }) => groups.map((_, i) => ({
    pages: sums.pages[i] as number, privatePages: sums.privatePages[i] as number,
  })));
}

function windowsByProcess(collected: Collected): RowWindow[][] {
  const lists: RowWindow[][] = collected.processes.map(() => []);
  for (const window of collected.windows) {
    const vmo = collected.vmos[window.vmo];
    if (vmo !== undefined && !vmo.isPhysical) lists[window.process]?.push(window);
  }
  return lists;
}

/** One accumulator a reach. */
function readReaches(
  pass: TreePass, reaches: readonly Reach[], meetings: readonly (readonly Windows[])[],
): Sums {
  const windows = new Windows();
  reaches.forEach((reach, i) => addReach(windows, reach, i));
  const surplus: [number, Windows][] = [];
  meetings.forEach((list, i) => {
    for (const meeting of list) surplus.push([i, meeting]);
  });
  return pass.read(windows, reaches.length, surplus);
}

function fillTasks(collected: Collected, figures: Figures, sums: Sums): void {
  collected.processes.forEach(({ row }, i) => fillRow(figures, row, sums, i));
}

function fillRow(figures: Figures, row: number, sums: Sums, i: number): void {
  const pages = sums.pages[i] as number;
  const own = sums.privatePages[i] as number;
  figures.committedBytes[row] = pages * PAGE_BYTES;
  figures.privateBytes[row] = own * PAGE_BYTES;
  figures.sharedBytes[row] = (pages - own) * PAGE_BYTES;
  setShare(figures.pss, row, joinShare(sums.bytes[i] as bigint, sums.fraction[i] as bigint));
}

/** A mapping's own figures: all it reaches, whatever else its process maps. */
function fillMaps(core: Core, pass: TreePass, collected: Collected, figures: Figures): void {
  const windows = new Windows();
  const { vmos } = collected;
  collected.windows.forEach((window, i) => {
    if (vmos[window.vmo]?.isPhysical === true) return;
    if (window.tree.parent === undefined)
      windows.add(window.tree.ref, window.page, window.pages, i);
    else addReach(windows, reachOf(core, [window]), i);
  });
  const sums = pass.read(windows, collected.windows.length);
  collected.windows.forEach((window, i) => fillRow(figures, window.row, sums, i));
}

/** Owners of a page that is only held; 0 for one that is mapped. */
function holdersOf(weight: number): number {
  return weight >= MAPPER ? 0 : weight;
}

/** Mapped reaches as far as they can have pages of held ones: trees of the same families. */
function meetingHeld(core: Core, mapped: readonly Reach[], held: readonly Reach[]): Reach[] {
  if (core.hasAliases) return [...mapped];
  const families = new Set<number>();
  for (const reach of held) for (const tree of reach.keys()) families.add(core.vmoFamily(tree.ref));
  return mapped.map((reach) =>
    new Map([...reach].filter(([tree]) => families.has(core.vmoFamily(tree.ref)))));
}

function checkTold(reaches: readonly Reach[], what: string): void {
  const processes = reaches.filter((reach) => reach.size > 0).length;
  if (processes <= HELD_PROCESSES_MAX) return;
  const why = `policy exact: ${processes} processes ${what}`;
  fail('ZX_ERR_NOT_SUPPORTED', `${why}; at most ${HELD_PROCESSES_MAX} are told apart`, {
    processes, processesMax: HELD_PROCESSES_MAX,
  });
}

/** UNMAPPED: the same for handle holders, on pages that no mapping reaches. */
async function accountHeld(
  core: Core, collected: Collected, reaches: readonly Reach[], scan: TreeScan,
): Promise<ShareColumn> {
  const { processes } = collected;
  const unmapped = shareColumn(processes.length);
  const held = processes.map(({ process }) => {
    const spans = [...vmoHandles(process)]
      .filter((handle) => !handle.object.isPhysical)
      .map((handle) => {
        const { tree, offsetPages, pages } = vmoWindow(handle.object);
        return { tree, page: offsetPages, pages };
      });
    return reachOf(core, spans);
  });
  if (held.every((reach) => reach.size === 0)) return unmapped;
  checkTold(held, 'hold handles to VMOs');
  const mapped = meetingHeld(core, reaches, held);
  checkTold(mapped, 'map VMOs that processes hold handles to');
  const pass = new TreePass(core, 'held');
  try {
    const mappers = new Crowd();
    const holders = new Crowd();
    for (const reach of mapped) mappers.add(reach);
    for (const reach of held) holders.add(reach);
    pass.inject(mappers.windows(MAPPER));
    pass.inject(holders.windows());
    for (const reach of mapped) {
      for (const windows of meetingsOf(core, reach)) pass.injectMeeting(windows, MAPPER);
    }
    const meetings = held.map((reach) => meetingsOf(core, reach));
    for (const list of meetings) for (const windows of list) pass.injectMeeting(windows, 1);
    for (const reach of mapped) injectSurplus(pass, aliasSurplus(core, reach), MAPPER);
    const surplus = held.map((reach) => aliasSurplus(core, reach));
    for (const aliases of surplus) injectSurplus(pass, aliases);
    await scan(pass);
    const sums = readReaches(pass, held, meetings);
    surplus.forEach((aliases, i) => {
      subtractSurplus(pass, aliases, sums, i, holdersOf);
      const share = joinShare(sums.bytes[i] as bigint, sums.fraction[i] as bigint);
      setShare(unmapped, i, share);
    });
  } finally {
    pass.end();
  }
  return unmapped;
}
