/**
 * Puts what was collected and what a policy found together into the tables that views take.
 */

import { VmoInfoFlag } from '../objects/info.js';
import { HANDLE_BYTES } from '../objects/kernel-heap.js';
import { OBJECT_BYTES, ObjectType, type KernelObject } from '../objects/object.js';
import type { ProcessObject } from '../objects/process-object.js';
import type { KernelSystem } from '../objects/system.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { Outcome } from './classic.js';
import type { Collected } from './collect.js';
import { compressedColumns } from './compressed.js';
import { addShare, setShare, shareAt, shareColumn } from './columns.js';
import { kmemTables } from './kmem.js';
import type { PssParts } from './present.js';
import type { Recorded } from './recorded.js';
import type {
  AccountTables, MapTable, Policy, Reach, ShareColumn, TaskTable, VmoRefTable, VmoTable,
} from './tables.js';

/** What only some policies find. */
export interface Extras {
  /** Pages by number of owners, by process. */ readonly owners?: readonly Map<number, number>[];
  /** Share of pages reached by handles alone, by process. */ readonly unmapped?: ShareColumn;
  /** Parts of the PSS by task row. */ readonly parts?: PssParts | undefined;
  /** Whether to count handles by type. */ readonly handleCounts?: boolean;
}

const MAPPING_RECORD_BYTES = 64;

/** The tables of a pass. */
export function assemble(
  system: KernelSystem, recorded: Recorded | undefined, collected: Collected, outcome: Outcome,
  plan: { readonly policy: Policy; readonly reach: Reach }, extras: Extras,
): AccountTables {
  const own = vmoTable(system, collected, outcome, plan.policy);
  const vmos = recorded === undefined
    ? withEvents(own, collected.vmos) : withRest(own, recorded.notRecordedBytes);
  const swap = recorded === undefined ? undefined : swapColumns(collected, recorded);
  const maps = mapTable(collected, outcome, swap?.maps);
  const tasks = withUsers(
    taskTable(system, collected, outcome, vmos, plan, extras, swap), recorded?.users,
  );
  const notes = [...(recorded?.notes ?? [])];
  if (plan.policy === 'exact' && recorded?.outsideKoid !== undefined) {
    notes.push('outside counts as one owner however many processes it has: a lower bound');
  }
  return {
    policy: plan.policy, reach: plan.reach, tasks, maps, vmos, notes,
    mapsStart: collected.mapsStart, vmoRefs: refTable(collected),
    vmoRefsStart: collected.refsStart,
    ...(recorded === undefined ? kmemTables(system) : { kmem: recorded.kmem() }),
  };
}

/** Adds a column for whose processes they are, where that was recorded. */
function withUsers(tasks: TaskTable, users: Recorded['users']): TaskTable {
  if (users === undefined || users.size === 0) return tasks;
  return { ...tasks, user: Array.from(tasks.koid, (koid) => users.get(koid) ?? '') };
}

function refTable(collected: Collected): VmoRefTable {
  return {
    count: collected.refVmo.length,
    vmo: Uint32Array.from(collected.refVmo),
    viaHandle: Uint8Array.from(collected.refViaHandle),
    rights: Uint32Array.from(collected.refRights),
  };
}

function vmoTable(
  system: KernelSystem, collected: Collected, outcome: Outcome, policy: Policy,
): VmoTable {
  const { vmos } = collected;
  const { core } = system;
  return {
    count: vmos.length,
    koid: Float64Array.from(vmos, (vmo) => vmo.koid),
    name: vmos.map((vmo) => vmo.name),
    sizeBytes: BigUint64Array.from(vmos, (vmo) => vmo.sizeBytes),
    parentKoid: Float64Array.from(vmos, (vmo) => vmo.parentKoid),
    numChildren: Uint32Array.from(vmos, (vmo) => vmo.numChildren),
    numMappings: Uint32Array.from(vmos, (vmo) => vmo.numMappings),
    shareCount: collected.shareCount,
    flags: Uint32Array.from(vmos, (vmo) => vmo.infoFlags),
    cachePolicy: Uint8Array.from(vmos, (vmo) => vmo.cachePolicy),
    ...outcome.vmos,
    compressed: compressedColumns(core, vmos, collected.ownerless, policy === 'classic'),
    metadataBytes: Float64Array.from(vmos, (vmo) =>
      vmo.isOwner ? core.vmoMetadataBytes(vmo.tree.ref) : 0),
  };
}

/** Adds how often the kernel took pages: of a recorded system nobody knows. */
function withEvents(table: VmoTable, vmos: readonly VmoObject[]): VmoTable {
  return { ...table, changeEvents: Float64Array.from(vmos, ({ tree }) => tree.changeEvents) };
}

const NOT_RECORDED = 'not recorded';

/** Adds a row for memory that no recorded process maps: counted, never made. */
function withRest(vmos: VmoTable, restBytes: number): VmoTable {
  if (restBytes === 0) return vmos;
  const { count, scaled } = vmos;
  const numbers = (column: Float64Array, last: number): Float64Array =>
    Float64Array.from({ length: count + 1 }, (_, row) => column[row] ?? last);
  const counts = (column: Uint32Array, last: number): Uint32Array =>
    Uint32Array.from({ length: count + 1 }, (_, row) => column[row] ?? last);
  const whole = (column: BigUint64Array, last: bigint): BigUint64Array =>
    BigUint64Array.from({ length: count + 1 }, (_, row) => column[row] ?? last);
  const rest = BigInt(restBytes);
  return {
    count: count + 1,
    koid: numbers(vmos.koid, 0),
    name: [...vmos.name, NOT_RECORDED],
    sizeBytes: whole(vmos.sizeBytes, rest),
    parentKoid: numbers(vmos.parentKoid, 0),
    numChildren: counts(vmos.numChildren, 0),
    numMappings: counts(vmos.numMappings, 0),
    shareCount: counts(vmos.shareCount, 1),
    flags: counts(vmos.flags, VmoInfoFlag.PAGED),
    cachePolicy: Uint8Array.from({ length: count + 1 }, (_, row) => vmos.cachePolicy[row] ?? 0),
    committedBytes: numbers(vmos.committedBytes, restBytes),
    privateBytes: numbers(vmos.privateBytes, restBytes),
    scaled: { bytes: whole(scaled.bytes, rest), fraction: whole(scaled.fraction, 0n) },
    metadataBytes: numbers(vmos.metadataBytes, 0),
  };
}

function mapTable(
  collected: Collected, outcome: Outcome, swapBytes: Float64Array | undefined,
): MapTable {
  const { maps } = collected;
  const count = maps.type.length;
  const bytes = (pages: number[]): BigUint64Array =>
    BigUint64Array.from(pages, (page) => BigInt(page) * BigInt(PAGE_BYTES));
  return {
    count,
    type: Uint8Array.from(maps.type),
    depth: Uint16Array.from(maps.depth),
    name: maps.name,
    base: bytes(maps.basePage),
    size: bytes(maps.pages),
    perms: Uint8Array.from(maps.perms),
    vmoKoid: Float64Array.from(maps.vmoKoid),
    vmoOffset: bytes(maps.vmoOffsetPages),
    committedBytes: outcome.maps.committedBytes,
    pss: outcome.maps.pss,
    privateBytes: outcome.maps.privateBytes,
    sharedBytes: outcome.maps.sharedBytes,
    swapBytes: swapBytes ?? new Float64Array(count),
  };
}

interface SwapColumns {
  readonly maps: Float64Array;
  readonly tasks: Float64Array;
  readonly taskShares: Float64Array;
}

function swapColumns(collected: Collected, recorded: Recorded): SwapColumns | undefined {
  if (recorded.swap.size === 0) return undefined;
  const maps = new Float64Array(collected.maps.type.length);
  const tasks = new Float64Array(collected.taskType.length);
  const taskShares = new Float64Array(collected.taskType.length);
  let done = -1;
  for (const window of collected.windows) {
    const swap = recorded.swap.get(window.object);
    if (swap === undefined || window.mapping === done) continue;
    done = window.mapping;
    const row = collected.processes[window.process]?.row ?? 0;
    maps[window.row] = swap.swapBytes;
    tasks[row] = (tasks[row] as number) + swap.swapBytes;
    taskShares[row] = (taskShares[row] as number) + swap.swapPssUnits;
  }
  return { maps, tasks, taskShares };
}

function taskTable(
  system: KernelSystem, collected: Collected, outcome: Outcome, vmos: VmoTable,
  plan: { readonly policy: Policy }, extras: Extras, swap: SwapColumns | undefined,
): TaskTable {
  const { tasks } = outcome;
  const count = collected.taskType.length;
  const mappedBytes = new Float64Array(count);
  for (const { process, lengthPages } of collected.windows) {
    const row = collected.processes[process]?.row ?? 0;
    mappedBytes[row] = (mappedBytes[row] as number) + lengthPages * PAGE_BYTES;
  }
  const exact = plan.policy === 'exact';
  const unmapped = exact ? shareColumn(count) : undefined;
  if (unmapped !== undefined && extras.unmapped !== undefined) {
    const shares = extras.unmapped;
    collected.processes.forEach(({ row }, i) => setShare(unmapped, row, shareAt(shares, i)));
  }
  const kernel = exact ? kernelBytes(system, collected, vmos) : undefined;
  const swapPss = swap?.taskShares.map((share) => Math.floor(share / 4096));
  const { parts } = extras;
  const summed = [tasks.privateBytes, kernel, swap?.tasks, swapPss, mappedBytes,
    parts?.anon, parts?.file, parts?.shmem];
  sumJobs(collected, unmapped === undefined ? [tasks.pss] : [tasks.pss, unmapped], summed);
  return {
    count, type: collected.taskType, koid: collected.taskKoid, parentKoid: collected.taskParent,
    depth: collected.taskDepth, name: collected.taskName, state: collected.taskState,
    pss: tasks.pss, privateBytes: tasks.privateBytes, sharedBytes: tasks.sharedBytes, mappedBytes,
    ...(swap === undefined ? {} : { swapBytes: swap.tasks }),
    ...(swapPss === undefined ? {} : { swapPssBytes: swapPss }),
    ...(parts === undefined
      ? {} : { pssAnonBytes: parts.anon, pssFileBytes: parts.file, pssShmemBytes: parts.shmem }),
    ...(unmapped === undefined
      ? {} : { unmapped, unmappedBytes: Float64Array.from(unmapped.bytes, Number) }),
    ...(kernel === undefined ? {} : { kernelBytes: kernel }),
    ...(extras.owners === undefined || extras.owners.length === 0
      ? {} : { pagesByOwners: ownersByRow(collected, extras.owners) }),
    ...(extras.handleCounts === true ? { handleCounts: handlesByRow(collected) } : {}),
  };
}

function ownersByRow(
  collected: Collected, owners: readonly Map<number, number>[],
): (Map<number, number> | undefined)[] {
  const rows: (Map<number, number> | undefined)[] = new Array(collected.taskType.length);
  rows.fill(undefined);
  collected.processes.forEach(({ row }, i) => (rows[row] = owners[i]));
  return rows;
}

/** Handles of each process by type of object. */
function handlesByRow(collected: Collected): (Map<number, number> | undefined)[] {
  const rows: (Map<number, number> | undefined)[] = new Array(collected.taskType.length);
  rows.fill(undefined);
  for (const { process, row } of collected.processes) {
    const counts = new Map<number, number>();
    for (const { object } of process.handles.values()) {
      counts.set(object.type, (counts.get(object.type) ?? 0) + 1);
    }
    rows[row] = counts;
  }
  return rows;
}

/** What a process holds by handles alone (channels, ports ...); `holders` counts who holds each. */
function heldObjects(
  process: ProcessObject, holders: Map<KernelObject, number>,
): Set<KernelObject> {
  const objects = new Set<KernelObject>();
  for (const { object } of process.handles.values()) {
    if (object.heldBytes > 0) objects.add(object);
  }
  for (const object of objects) holders.set(object, (holders.get(object) ?? 0) + 1);
  return objects;
}

/**
 * A process's page tables, handles, mappings and threads, and its part of the objects that it holds
 * and of the records of VMOs it refers to.
 */
function kernelBytes(system: KernelSystem, collected: Collected, vmos: VmoTable): Float64Array {
  const bytes = new Float64Array(collected.taskType.length);
  const users = new Uint32Array(vmos.count);
  const referred = collected.processes.map(({ row }) => {
    const from = collected.refsStart[row] as number;
    const set = new Set(collected.refVmo.slice(from, collected.refsStart[row + 1]));
    for (const vmo of set) users[vmo] = (users[vmo] as number) + 1;
    return set;
  });
  const holders = new Map<KernelObject, number>();
  const held = collected.processes.map(({ process }) => heldObjects(process, holders));
  collected.processes.forEach(({ process, row, aspace }, i) => {
    const from = collected.refsStart[row] as number;
    const to = collected.refsStart[row + 1] as number;
    let mappings = 0;
    for (let ref = from; ref < to; ref++) mappings += 1 - (collected.refViaHandle[ref] as number);
    let sum = system.core.aspaceTablePages(aspace) * PAGE_BYTES;
    sum += process.handles.size * HANDLE_BYTES + mappings * MAPPING_RECORD_BYTES;
    sum += process.threads.size * OBJECT_BYTES[ObjectType.THREAD];
    for (const object of held[i] ?? []) {
      sum += Math.floor(object.heldBytes / (holders.get(object) as number));
    }
    for (const vmo of referred[i] ?? []) {
      sum += Math.floor((vmos.metadataBytes[vmo] as number) / (users[vmo] as number));
    }
    bytes[row] = sum;
  });
  return bytes;
}

/** Adds every row to the job above it, from the last row up. */
function sumJobs(
  collected: Collected, shares: readonly ShareColumn[],
  columns: readonly (Float64Array | undefined)[],
): void {
  for (let row = collected.taskType.length - 1; row > 0; row--) {
    const above = collected.taskAbove[row] as number;
    if (above < 0) continue;
    for (const share of shares) addShare(share, above, shareAt(share, row));
    for (const column of columns) {
      if (column !== undefined) column[above] = (column[above] as number) + (column[row] as number);
    }
  }
}
