/**
 * All four policies once more, frame by frame in plain JavaScript: what the tables of a pass have
 * to say.
 *
 * Only the core's lookups (`vmoFrame`, `entry`) are used, one page at a time, no pass and no tree.
 */

import type { Core } from '../../src/core/core.js';
import { CoreVmoKind } from '../../src/core/refs.js';
import type { AccountTables, ShareColumn } from '../../src/accounting/tables.js';
import { TaskType } from '../../src/accounting/tables.js';
import type { Mapping } from '../../src/objects/mapping.js';
import type { PageTree } from '../../src/objects/page-tree.js';
import type { ProcessObject } from '../../src/objects/process-object.js';
import type { VmoObject } from '../../src/objects/vmo-object.js';
import { vmoHandles, walkMappings, walkProcesses } from '../../src/objects/walk.js';
import type { System } from '../../src/system.js';

const ONE = 1n << 63n;
const PAGE = 4096n;

/** Share of a page among so many, in units of 2^-63 byte, rounded down. */
export function shareOfPage(owners: number): bigint {
  return (PAGE * ONE) / BigInt(owners);
}

/** A row of a share column as one number of units. */
export function unitsAt(column: ShareColumn, row: number): bigint {
  return ((column.bytes[row] as bigint) << 63n) + (column.fraction[row] as bigint);
}

/** Frames in a tree's own list, whether or not a VMO owns the tree. */
function ownFramesOf(core: Core, { ref, kind }: PageTree): number[] {
  const frames: number[] = [];
  if (kind === CoreVmoKind.PHYSICAL) return frames;
  for (let page = 0; page < core.vmoSizePages(ref); page++) {
    if (core.vmoCommittedPages(ref, page, 1) > 0) frames.push(core.vmoFrame(ref, page));
  }
  return frames;
}

/** Frames in a window of a VMO, with repeats. `own`: only those in the VMO's own list. */
export function framesOf(
  core: Core, vmo: VmoObject, first: number, pages: number, own = false,
): number[] {
  const frames: number[] = [];
  if (vmo.isPhysical) return frames;
  const { ref } = vmo.tree;
  const end = Math.min(first + pages, vmo.sizePages);
  for (let page = first; page < end; page++) {
    const at = vmo.offsetPages + page;
    const frame = core.vmoFrame(ref, at);
    if (frame === 0 || (own && core.vmoCommittedPages(ref, at, 1) === 0)) continue;
    frames.push(frame);
  }
  return frames;
}

/** What a mapping reaches by its VMO. */
export function framesMapped(core: Core, { vmo, vmoOffsetPages, pages }: Mapping): number[] {
  return framesOf(core, vmo, vmoOffsetPages, pages);
}

/** What a mapping has entries for. */
export function framesPresent(core: Core, mapping: Mapping): number[] {
  const frames: number[] = [];
  const { ref } = mapping.aspace;
  for (let page = 0; page < mapping.pages; page++) {
    const frame = core.entry(ref, mapping.basePage + page) >>> 5;
    if (frame !== 0) frames.push(frame);
  }
  return frames;
}

/** Counts how often each frame stands in some lists. */
export function tally(lists: Iterable<Iterable<number>>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const list of lists) {
    for (const frame of list) counts.set(frame, (counts.get(frame) ?? 0) + 1);
  }
  return counts;
}

/** Throws unless a figure is what it has to be. */
export function same(what: string, got: unknown, expected: unknown): void {
  if (got !== expected) throw new Error(`${what}: ${String(got)}, expected ${String(expected)}`);
}

/** Compares the tables of a pass with a count of our own. */
export function checkFigures(system: System, tables: AccountTables): void {
  checkBounds(system, tables);
  if (tables.policy === 'exact') checkExact(system, tables);
  else if (tables.policy === 'attributed') checkAttributed(system, tables);
  else if (tables.policy === 'classic') checkClassic(system, tables);
  else checkMapcount(system, tables);
}

function rowsOf(system: System, tables: AccountTables): [ProcessObject, number][] {
  const rows = new Map<number, number>();
  tables.tasks.koid.forEach((koid, row) => rows.set(koid, row));
  return [...walkProcesses(system.rootJob.object)].map((process) => [
    process, rows.get(process.koid) as number,
  ]);
}

/** No figure is negative, none above physical memory; jobs are sums. */
function checkBounds(system: System, { tasks, vmos, kmem, policy }: AccountTables): void {
  const whole = system.memoryBytes;
  for (let row = 0; row < tasks.count; row++) {
    for (const column of [tasks.privateBytes, tasks.sharedBytes]) {
      const bytes = column[row] as number;
      if (bytes < 0 || !Number.isInteger(bytes)) throw new Error(`task row ${row} has ${bytes}`);
    }
    const bounded = policy === 'exact' || policy === 'attributed';
    const share = tasks.pss.bytes[row] as bigint;
    if (bounded && share > BigInt(whole)) throw new Error(`${policy} exceeds memory`);
    if (tasks.type[row] !== TaskType.JOB) continue;
    let sum = 0n;
    tasks.parentKoid.forEach((koid, child) => {
      if (koid === tasks.koid[row]) sum += unitsAt(tasks.pss, child);
    });
    same(`job ${tasks.koid[row]}`, unitsAt(tasks.pss, row), sum);
  }
  for (const bytes of vmos.committedBytes) if (bytes < 0) throw new Error('a VMO is negative');
  const parts = kmem.freeBytes + kmem.wiredBytes + kmem.totalHeapBytes + kmem.vmoBytes
    + kmem.mmuOverheadBytes + kmem.ipcBytes + kmem.otherBytes;
  same('physical memory', parts, kmem.totalBytes);
}

function checkExact(system: System, tables: AccountTables): void {
  const { core } = system;
  const { tasks, reach } = tables;
  const look = reach === 'present' ? framesPresent : framesMapped;
  const rows = rowsOf(system, tables);
  const reaches = rows.map(([process]) => {
    return new Set([...walkMappings(process.aspace)].flatMap((mapping) => look(core, mapping)));
  });
  const owners = tally(reaches);
  reaches.forEach((frames, i) => {
    const [process, row] = rows[i] as [ProcessObject, number];
    const histogram = new Map<number, number>();
    let share = 0n;
    for (const frame of frames) {
      const count = owners.get(frame) as number;
      histogram.set(count, (histogram.get(count) ?? 0) + 1);
      share += shareOfPage(count);
    }
    const who = `exact by ${reach}, process ${process.koid}`;
    const own = histogram.get(1) ?? 0;
    same(`${who}: pss`, unitsAt(tasks.pss, row), share);
    same(`${who}: private`, tasks.privateBytes[row], own * 4096);
    same(`${who}: shared`, tasks.sharedBytes[row], (frames.size - own) * 4096);
    same(`${who}: by owners`, text(tasks.pagesByOwners?.[row]), text(histogram));
  });
  checkMapRows(tables, rows, (mapping, row) => {
    const frames = look(core, mapping);
    same(`exact by ${reach}, a mapping`, tables.maps.committedBytes[row], frames.length * 4096);
    const own = frames.filter((frame) => owners.get(frame) === 1).length;
    same(`exact by ${reach}, a mapping's own`, tables.maps.privateBytes[row], own * 4096);
    const share = frames.reduce((sum, frame) => sum + shareOfPage(owners.get(frame) as number), 0n);
    same(`exact by ${reach}, a mapping's share`, unitsAt(tables.maps.pss, row), share);
  });
  if (reach === 'committed') checkUnmapped(system, tables, rows, owners);
}

function checkUnmapped(
  system: System, { tasks }: AccountTables, rows: [ProcessObject, number][],
  owners: ReadonlyMap<number, number>,
): void {
  const held = rows.map(([process]) => {
    const frames = [...vmoHandles(process)].flatMap(({ object }) => {
      return framesOf(system.core, object, 0, object.sizePages);
    });
    return new Set(frames.filter((frame) => !owners.has(frame)));
  });
  const holders = tally(held);
  held.forEach((frames, i) => {
    const [process, row] = rows[i] as [ProcessObject, number];
    let share = 0n;
    for (const frame of frames) share += shareOfPage(holders.get(frame) as number);
    if (tasks.unmapped === undefined) throw new Error('no unmapped column');
    same(`unmapped of ${process.koid}`, unitsAt(tasks.unmapped, row), share);
    same(`its whole bytes`, tasks.unmappedBytes?.[row], Number(share >> 63n));
  });
}

/** Calls `check` with each mapping that has one range of permissions, and its row. */
function checkMapRows(
  { maps, mapsStart }: AccountTables, rows: [ProcessObject, number][],
  check: (mapping: Mapping, row: number) => void,
): void {
  for (const [process, row] of rows) {
    const byBase = new Map<bigint, number>();
    for (let i = mapsStart[row] as number; i < (mapsStart[row + 1] as number); i++) {
      if (maps.type[i] === 3) byBase.set(maps.base[i] as bigint, i);
    }
    for (const mapping of walkMappings(process.aspace)) {
      const at = byBase.get(BigInt(mapping.basePage) * PAGE);
      if (at === undefined) throw new Error('a mapping has no row');
      if (maps.size[at] === BigInt(mapping.pages) * PAGE) check(mapping, at);
    }
  }
}

function text(histogram: ReadonlyMap<number, number> | undefined): string {
  return [...(histogram ?? [])].sort(([a], [b]) => a - b).map((pair) => pair.join('x')).join(' ');
}

function checkAttributed(system: System, tables: AccountTables): void {
  const { core } = system;
  const vmos = [...system.vmos];
  const owned = vmos.filter((vmo) => vmo.isOwner);
  const own = new Map(owned.map((vmo) => [vmo, framesOf(core, vmo, 0, vmo.sizePages, true)]));
  const kept = [...system.trees].filter((tree) => tree.owner === undefined)
    .map((tree) => ownFramesOf(core, tree));
  const viewers = tally([...own.values(), ...kept].map((frames) => new Set(frames)));
  const figures =
    (frames: readonly number[]): { bytes: number; private: number; share: bigint } => ({
    bytes: frames.length * 4096,
    private: frames.filter((frame) => viewers.get(frame) === 1).length * 4096,
    share: frames.reduce((sum, frame) => sum + shareOfPage(viewers.get(frame) as number), 0n),
  });
  vmos.forEach((vmo, row) => {
    const expected = figures(own.get(vmo) ?? []);
    same(`attributed ${vmo.koid}: committed`, tables.vmos.committedBytes[row], expected.bytes);
    same(`attributed ${vmo.koid}: private`, tables.vmos.privateBytes[row], expected.private);
    same(`attributed ${vmo.koid}: scaled`, unitsAt(tables.vmos.scaled, row), expected.share);
  });
  for (const [process, row] of rowsOf(system, tables)) {
    let privateBytes = 0;
    let bytes = 0;
    for (const { vmo, vmoOffsetPages, pages } of walkMappings(process.aspace)) {
      if (!vmo.isOwner) continue;
      const part = figures(framesOf(core, vmo, vmoOffsetPages, pages, true));
      bytes += part.bytes;
      if (vmo.shareCount < 2) privateBytes += part.private;
    }
    const who = `attributed, process ${process.koid}`;
    same(`${who}: private`, tables.tasks.privateBytes[row], privateBytes);
    same(`${who}: shared`, tables.tasks.sharedBytes[row], bytes - privateBytes);
  }
}

function checkClassic(system: System, tables: AccountTables): void {
  const { core } = system;
  const charged = new Map<number, VmoObject>();
  const vmos = [...system.vmos];
  const own = new Map<VmoObject, number[]>();
  for (const vmo of vmos) {
    if (!vmo.isOwner) continue;
    const frames = framesOf(core, vmo, 0, vmo.sizePages, true);
    own.set(vmo, frames);
    for (const frame of frames) if (!charged.has(frame)) charged.set(frame, vmo);
  }
  const bytesIn = (vmo: VmoObject, frames: readonly number[]): number =>
    frames.filter((frame) => charged.get(frame) === vmo).length * 4096;
  vmos.forEach((vmo, row) => {
    const expected = bytesIn(vmo, own.get(vmo) ?? []);
    same(`classic ${vmo.koid}: committed`, tables.vmos.committedBytes[row], expected);
  });
  for (const [process, row] of rowsOf(system, tables)) {
    let privateBytes = 0;
    let sharedBytes = 0;
    let pss = 0;
    for (const { vmo, vmoOffsetPages, pages } of walkMappings(process.aspace)) {
      if (!vmo.isOwner) continue;
      const shares = tables.vmos.shareCount[vmos.indexOf(vmo)] as number;
      if (vmo.shareCount <= 64) same('shares', shares, Math.max(1, vmo.shareCount));
      const bytes = bytesIn(vmo, framesOf(core, vmo, vmoOffsetPages, pages, true));
      if (shares === 1) privateBytes += bytes;
      else sharedBytes += bytes;
      pss += Math.floor(bytes / shares);
    }
    const who = `classic, process ${process.koid}`;
    same(`${who}: private`, tables.tasks.privateBytes[row], privateBytes);
    same(`${who}: shared`, tables.tasks.sharedBytes[row], sharedBytes);
    same(`${who}: pss`, unitsAt(tables.tasks.pss, row), BigInt(pss) * ONE);
  }
}

function checkMapcount(system: System, tables: AccountTables): void {
  const { core } = system;
  const rows = rowsOf(system, tables);
  const lists = rows.map(([process]) => {
    return [...walkMappings(process.aspace)].flatMap((mapping) => framesPresent(core, mapping));
  });
  const entries = tally(lists);
  lists.forEach((frames, i) => {
    const [process, row] = rows[i] as [ProcessObject, number];
    const who = `mapcount, process ${process.koid}`;
    const own = frames.filter((frame) => entries.get(frame) === 1).length;
    const unitsOf = (frame: number): number => Math.floor(2 ** 24 / (entries.get(frame) as number));
    const units = frames.reduce((sum, frame) => sum + unitsOf(frame), 0);
    same(`${who}: private`, tables.tasks.privateBytes[row], own * 4096);
    same(`${who}: shared`, tables.tasks.sharedBytes[row], (frames.length - own) * 4096);
    same(`${who}: pss`, unitsAt(tables.tasks.pss, row), BigInt(units) << 51n);
  });
}
