/**
 * Whose is this page: everything about one page of a system, as one record.
 *
 * A slow look that needs no pass: the page lists are scanned for the frame, the VMOs, mappings and
 * handles are walked, and the rules of the policies are applied to what was found. Nothing is
 * changed, also while a pass runs.
 */

import { CoreVmoKind, FrameState, type FrameKinds } from '../core/core.js';
import { entriesTo, firstFrameOf, tableOf } from '../core/whose.js';
import type { KernelSystem } from '../objects/system.js';
import { toBytes } from '../objects/units.js';
import { walkProcesses } from '../objects/walk.js';
import { accessAt } from './page-access.js';
import { reachOfFrame, type FrameReach, type VmoPlace } from './page-reach.js';
import { sharesOf, type Outside } from './page-shares.js';
import { swapAt } from './page-swap.js';
import { isObject, pfnOf, placeOf, type Place } from './page-target.js';
import type {
  PageHandle, PageMapping, PageReport, PageState, PageTable, PageTarget, PageVmo,
} from './page-types.js';
import type { Recorded } from './recorded.js';

const NO_KINDS: FrameKinds = {};

/** What every report has, and none has more than one look for. */
interface Found {
  readonly system: KernelSystem;
  readonly recorded: Recorded | undefined;
  readonly place: Place;
  readonly state: PageState;
  readonly reach: FrameReach | undefined;
  readonly notes: string[];
}

/**
 * Everything about one page.
 *
 * @param system - the system
 * @param recorded - what a recording brought along
 * @param target - which page
 * @throws ZxError as `System.page` says
 */
export function pageReport(
  system: KernelSystem, recorded: Recorded | undefined, target: PageTarget,
): PageReport {
  const place = placeOf(system, recorded, target);
  const reach = isObject(system, place.frame) ? reachOfFrame(system, place.frame) : undefined;
  const notes: string[] = [];
  const lent = reach === undefined ? lentBy(system, place) : undefined;
  const swap = reach === undefined && lent === undefined
    ? swapAt(system, recorded, place) : undefined;
  const state = stateOf(system, place, lent !== undefined, swap !== undefined);
  const found: Found = { system, recorded, place, state, reach, notes };
  const { frame } = place;
  const hasFrame = reach !== undefined || state === 'mmu' || state === 'loaned';
  const info = hasFrame && frame !== 0 ? system.core.frameInfo(frame) : undefined;
  const outside = reach === undefined ? undefined : outsideOf(found);
  const isHugetlb = reach !== undefined && system.core.frameKinds(frame).hugetlb === true;
  const report = {
    target: targetOf(place), state, pfn: pfnAt(found, lent), kinds: kindsOf(found),
    references: info?.references ?? 0, pins: info?.pins ?? 0,
    entries: entriesOf(found), outsideEntries: outside?.entries ?? 0,
    vmos: [...(lent === undefined ? [] : [lent]), ...(reach?.vmos ?? [])].map(vmoRow),
    mappings: mappingRows(reach), handles: handleRows(reach),
    shares: reach === undefined ? [] : sharesOf(reach, outside, isHugetlb),
    table: state === 'mmu' ? tableRow(system, frame) : undefined, swap,
    access: accessAt(place, { reach, isLent: lent !== undefined, isSwapped: swap !== undefined }),
  };
  addNotes(found, isHugetlb, report);
  return { ...report, notes };
}

function targetOf({ vmo, vmoPage = 0, process, page = 0 }: Place): PageReport['target'] {
  if (process !== undefined) {
    return { kind: 'process', koid: process.koid, name: process.name, offset: toBytes(page) };
  }
  if (vmo === undefined) return { kind: 'pfn', koid: 0, name: '', offset: 0n };
  return { kind: 'vmo', koid: vmo.koid, name: vmo.name, offset: toBytes(vmoPage) };
}

function stateOf(
  system: KernelSystem, place: Place, isLent: boolean, isSwapped: boolean,
): PageState {
  const { frame, nonPage, vmo, process, page = 0 } = place;
  if (nonPage !== undefined) return nonPage;
  if (isLent) return 'loaned';
  if (isSwapped) return 'swapped';
  if (vmo?.isPhysical === true) return 'device';
  if (frame === 0) {
    if (vmo === undefined) return 'zero';
    if (vmo.tree.hasCompressed(vmo.offsetPages + (place.vmoPage ?? 0), 1)) return 'compressed';
    const entry = process === undefined ? 0 : system.core.entry(process.aspace.ref, page);
    return entry === 0 ? 'absent' : 'zero';
  }
  if (isObject(system, frame)) return 'object';
  const { core } = system;
  const state = frame < core.framesUsed ? core.frameInfo(frame).state : FrameState.FREE;
  if (state === FrameState.MMU) return 'mmu';
  return unnamedPages(system) > 0 ? 'unnamed' : 'free';
}

/** Pages in use that have no number: the core only counts what the kernel itself uses. */
function unnamedPages({ core, rootJob }: KernelSystem): number {
  let tables = 0;
  for (const { aspace } of walkProcesses(rootJob.object)) {
    tables += core.aspaceTablePages(aspace.ref);
  }
  const named = [FrameState.FREE, FrameState.OBJECT, FrameState.LOANED]
    .reduce((sum, state) => sum + core.pagesInState(state), tables);
  return core.physicalPages - named;
}

/** The contiguous VMO that lent a page out. */
function lentBy(system: KernelSystem, { frame, vmo, vmoPage = 0 }: Place): VmoPlace | undefined {
  const { core } = system;
  if (core.pagesInState(FrameState.LOANED) + core.borrowedPages === 0) return undefined;
  for (const owner of system.vmos) {
    if (!owner.isOwner || owner.tree.kind !== CoreVmoKind.CONTIGUOUS) continue;
    if (!owner.tree.hasLentPages) continue;
    const page = vmo === undefined ? frame - firstFrameOf(core, owner.tree.ref)
      : vmo.tree === owner.tree ? vmo.offsetPages + vmoPage : -1;
    if (page < 0 || page >= owner.sizePages || core.vmoFrame(owner.tree.ref, page) !== 0) continue;
    return { vmo: owner, page, isOwn: true };
  }
  return undefined;
}

function pfnAt(
  { system, recorded, place, state, reach }: Found, lent: VmoPlace | undefined,
): number | undefined {
  if (place.pfn !== undefined) return place.pfn;
  if (lent !== undefined) return firstFrameOf(system.core, lent.vmo.tree.ref) + lent.page;
  if (reach === undefined && place.vmo !== undefined) {
    return state === 'zero' && recorded === undefined ? 0 : undefined;
  }
  return pfnOf(recorded, place.frame);
}

function kindsOf({ system, recorded, place, reach }: Found): FrameKinds {
  return recorded === undefined || reach === undefined
    ? NO_KINDS : system.core.frameKinds(place.frame);
}

/** Entries of page tables that lead to it. */
function entriesOf({ system, place, reach, state }: Found): number {
  if (reach !== undefined) return reach.mapped.filter(({ isPresent }) => isPresent).length;
  if (state !== 'zero' || place.vmo !== undefined) return 0;
  let entries = 0;
  for (const { aspace } of walkProcesses(system.rootJob.object)) {
    entries += entriesTo(system.core, aspace.ref, 0);
  }
  return entries;
}

/** The processes that were not recorded, where they map the page. */
function outsideOf({ system, recorded, place: { frame } }: Found): Outside | undefined {
  if (recorded === undefined || system.core.frameKinds(frame).outside !== true) return undefined;
  const { extras, outsideKoid: koid = 0 } = recorded;
  let low = 0;
  let high = extras.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((extras[middle * 2] as number) < frame) low = middle + 1;
    else high = middle;
  }
  if (extras[low * 2] !== frame) return undefined;
  return { koid, name: 'outside', entries: extras[low * 2 + 1] as number };
}

function vmoRow({ vmo, page, isOwn }: VmoPlace): PageVmo {
  const { koid, name, parentKoid, role, numMappings, handleCount: numHandles } = vmo;
  const offset = toBytes(page - vmo.offsetPages);
  return { koid, name, parentKoid, offset, role, isOwn, numMappings, numHandles };
}

function mappingRows(reach: FrameReach | undefined): PageMapping[] {
  return (reach?.mapped ?? []).map(({ process, mapping, place, page, isPresent }) => ({
    processKoid: process.koid, processName: process.name, address: toBytes(page),
    vmoKoid: mapping.vmo.koid, vmoOffset: toBytes(place.page - place.vmo.offsetPages),
    perms: mapping.protections(page - mapping.basePage, 1)[0]?.perms ?? 0, isPresent,
  }));
}

function handleRows(reach: FrameReach | undefined): PageHandle[] {
  return (reach?.held ?? []).map(({ process, handle }) => ({
    processKoid: process.koid, processName: process.name, vmoKoid: handle.object.koid,
    rights: handle.rights,
  }));
}

function tableRow({ core, rootJob }: KernelSystem, frame: number): PageTable | undefined {
  for (const { koid, name, aspace } of walkProcesses(rootJob.object)) {
    const table = tableOf(core, aspace.ref, frame);
    if (table === undefined) continue;
    const address = toBytes(table.page);
    return { processKoid: koid, processName: name, level: table.level, address };
  }
  return undefined;
}

/** What a reader of the report should know. */
function addNotes(
  { system, recorded, place, state, reach, notes }: Found, isHugetlb: boolean,
  report: Pick<PageReport, 'shares' | 'vmos' | 'outsideEntries'>,
): void {
  const { vmo, vmoPage = 0 } = place;
  if (state === 'unnamed') {
    const { freePages } = system.core;
    notes.push(`${freePages} pages are free and ${unnamedPages(system)} the kernel's own; `
      + 'which of them this one is, is not known');
  }
  if (state === 'object' && system.core.isBorrowed(place.frame)) {
    const lender = lentBy(system, { frame: place.frame })?.vmo.koid;
    notes.push(lender === undefined ? 'its frame is on loan'
      : `its frame is on loan from VMO ${lender}, which may take it back at any time`);
  }
  if (state === 'zero') notes.push('the zero page: every process may read it, nobody pays');
  if (isHugetlb) notes.push('a hugetlb page: nobody\'s by present, as Linux counts');
  if (report.outsideEntries < 0) {
    notes.push('mapped more often than its mapcount says: the system changed while recorded');
  }
  if (reach !== undefined && !report.shares.some(({ payer }) => payer === 'vmo')) {
    notes.push('its own VMO is closed: classic and attributed charge nobody');
  }
  if (reach !== undefined && !report.shares.some(({ policy }) => policy === 'exact')) {
    notes.push('no process maps it or has a handle: exact charges nobody');
  }
  if (state !== 'absent' || vmo === undefined) return;
  if (vmo.isDiscarded) notes.push('the VMO was discarded: an access finds nothing');
  const { core } = system;
  const { tree, offsetPages } = vmo;
  if (core.vmoRuns(tree.ref, offsetPages + vmoPage, 1).length > 0) {
    notes.push('zeroed here: what the parent has is hidden');
  } else if (recorded !== undefined && vmo.isPagerBacked) {
    notes.push('no recorded process has the file\'s page: its bytes are not known');
  }
}
