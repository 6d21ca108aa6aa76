/**
 * Accounting tables made by hand: what views and commands are tested on, without a simulated
 * system.
 *
 * Tasks are given in walk order, each with its address space and VMO references beside it; the
 * columns, row ranges and job sums are worked out here.
 */

import {
  type AccountTables, type KmemStats, type MapTable, MapType, type Policy, type ShareColumn,
  type TaskTable, TaskType, type VmoRefTable, type VmoTable,
} from '../../src/accounting/tables.js';

/** One address-space row. */
export interface MapSpec {
  readonly type: 'A' | 'R' | 'M';
  readonly depth: number;
  readonly name: string;
  readonly base: bigint;
  readonly end: bigint;
  readonly perms?: number;
  readonly vmo?: number;
  readonly offset?: bigint;
  readonly committed?: number;
  readonly pss?: bigint;
  readonly fraction?: bigint;
}

/** One reference to a VMO: rights where it is a handle. */
export interface RefSpec {
  readonly koid: number;
  readonly rights?: number;
}

/** One task; `pss` is whole bytes, jobs are summed. */
export interface TaskSpec {
  readonly type: 'j' | 'p' | 't';
  readonly koid: number;
  readonly parent: number;
  readonly depth: number;
  readonly name: string;
  readonly state?: string;
  readonly pss?: bigint;
  readonly fraction?: bigint;
  readonly privateBytes?: number;
  readonly sharedBytes?: number;
  readonly owners?: ReadonlyMap<number, number>;
  readonly unmapped?: number;
  readonly kernel?: number;
  readonly maps?: readonly MapSpec[];
  readonly refs?: readonly RefSpec[];
}

/** One VMO. */
export interface VmoSpec {
  readonly koid: number;
  readonly name: string;
  readonly size: bigint;
  readonly parent?: number;
  readonly children?: number;
  readonly mappings?: number;
  readonly share?: number;
  readonly flags?: number;
  readonly committed?: number;
}

/** A whole system. */
export interface SystemSpec {
  readonly policy?: Policy;
  readonly tasks?: readonly TaskSpec[];
  readonly vmos?: readonly VmoSpec[];
  readonly kmem?: Partial<KmemStats>;
  readonly swap?: boolean;
  readonly notes?: readonly string[];
}

/** Bits of a VMO's flags: paged, and copy-on-write clone. */
export const PAGED = 1;
export const COW = 4;

const NO_KMEM: KmemStats = {
  totalBytes: 0, freeBytes: 0, freeLoanedBytes: 0, wiredBytes: 0, totalHeapBytes: 0,
  freeHeapBytes: 0, vmoBytes: 0, mmuOverheadBytes: 0, ipcBytes: 0, otherBytes: 0, availableBytes: 0,
};

function floats<T>(items: readonly T[], value: (item: T) => number | undefined): Float64Array {
  return Float64Array.from(items, (item) => value(item) ?? 0);
}

function bigs<T>(items: readonly T[], value: (item: T) => bigint | undefined): BigUint64Array {
  return BigUint64Array.from(items, (item) => value(item) ?? 0n);
}

function descendants(tasks: readonly TaskSpec[], row: number): TaskSpec[] {
  const depth = tasks[row]?.depth ?? 0;
  const below: TaskSpec[] = [];
  for (const task of tasks.slice(row + 1)) {
    if (task.depth <= depth) break;
    if (task.type === 'p') below.push(task);
  }
  return below;
}

function taskTable(tasks: readonly TaskSpec[], spec: SystemSpec): TaskTable {
  const summed = tasks.map((task, row): TaskSpec => {
    if (task.type !== 'j') return task;
    const below = descendants(tasks, row);
    const sum = (value: (task: TaskSpec) => number | undefined): number =>
      below.reduce((total, process) => total + (value(process) ?? 0), 0);
    return {
      ...task,
      pss: below.reduce((total, process) => total + (process.pss ?? 0n), 0n),
      privateBytes: sum((process) => process.privateBytes),
      unmapped: sum((process) => process.unmapped),
      kernel: sum((process) => process.kernel),
    };
  });
  const pss: ShareColumn = {
    bytes: bigs(summed, (task) => task.pss), fraction: bigs(summed, (task) => task.fraction),
  };
  const exact = spec.policy === 'exact';
  return {
    count: tasks.length,
    type: Uint8Array.from(tasks, (task) =>
      ({ j: TaskType.JOB, p: TaskType.PROCESS, t: TaskType.THREAD })[task.type]),
    koid: floats(tasks, (task) => task.koid),
    parentKoid: floats(tasks, (task) => task.parent),
    depth: Uint16Array.from(tasks, (task) => task.depth),
    name: tasks.map((task) => task.name),
    state: tasks.map((task) => task.state ?? ''),
    pss,
    privateBytes: floats(summed, (task) => task.privateBytes),
    sharedBytes: floats(summed, (task) => task.sharedBytes),
    mappedBytes: new Float64Array(tasks.length),
    swapBytes: spec.swap ? floats(tasks, () => 8192) : undefined,
    swapPssBytes: spec.swap ? floats(tasks, () => 4096) : undefined,
    unmappedBytes: exact ? floats(summed, (task) => task.unmapped) : undefined,
    kernelBytes: exact ? floats(summed, (task) => task.kernel) : undefined,
    pagesByOwners: exact ? tasks.map((task) => task.owners) : undefined,
  };
}

function mapTable(maps: readonly MapSpec[]): MapTable {
  const types = { A: MapType.ASPACE, R: MapType.VMAR, M: MapType.MAPPING };
  return {
    count: maps.length,
    type: Uint8Array.from(maps, (map) => types[map.type]),
    depth: Uint16Array.from(maps, (map) => map.depth),
    name: maps.map((map) => map.name),
    base: bigs(maps, (map) => map.base),
    size: bigs(maps, (map) => map.end - map.base),
    perms: Uint8Array.from(maps, (map) => map.perms ?? 0),
    vmoKoid: floats(maps, (map) => map.vmo),
    vmoOffset: bigs(maps, (map) => map.offset),
    committedBytes: floats(maps, (map) => map.committed),
    pss: { bytes: bigs(maps, (map) => map.pss), fraction: bigs(maps, (map) => map.fraction) },
    privateBytes: floats(maps, (map) => map.committed),
    sharedBytes: new Float64Array(maps.length),
    swapBytes: new Float64Array(maps.length),
  };
}

function vmoTable(vmos: readonly VmoSpec[]): VmoTable {
  return {
    count: vmos.length,
    koid: floats(vmos, (vmo) => vmo.koid),
    name: vmos.map((vmo) => vmo.name),
    sizeBytes: bigs(vmos, (vmo) => vmo.size),
    parentKoid: floats(vmos, (vmo) => vmo.parent),
    numChildren: Uint32Array.from(vmos, (vmo) => vmo.children ?? 0),
    numMappings: Uint32Array.from(vmos, (vmo) => vmo.mappings ?? 0),
    shareCount: Uint32Array.from(vmos, (vmo) => vmo.share ?? 1),
    flags: Uint32Array.from(vmos, (vmo) => vmo.flags ?? PAGED),
    cachePolicy: new Uint8Array(vmos.length),
    committedBytes: floats(vmos, (vmo) => vmo.committed),
    privateBytes: floats(vmos, (vmo) => vmo.committed),
    scaled: {
      bytes: bigs(vmos, (vmo) => BigInt(vmo.committed ?? 0)), fraction: bigs(vmos, () => 0n),
    },
    metadataBytes: new Float64Array(vmos.length),
  };
}

/** First rows of each task's items, and the end. */
function starts(lengths: readonly number[]): Uint32Array {
  const start = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, row) => (start[row + 1] = (start[row] ?? 0) + length));
  return start;
}

/** The tables of a system given by hand. */
export function makeTables(spec: SystemSpec): AccountTables {
  const tasks = spec.tasks ?? [];
  const vmos = spec.vmos ?? [];
  const refs = tasks.flatMap((task) => task.refs ?? []);
  const vmoRefs: VmoRefTable = {
    count: refs.length,
    vmo: Uint32Array.from(refs, (ref) => vmos.findIndex((vmo) => vmo.koid === ref.koid)),
    viaHandle: Uint8Array.from(refs, (ref) => (ref.rights === undefined ? 0 : 1)),
    rights: Uint32Array.from(refs, (ref) => ref.rights ?? 0),
  };
  return {
    policy: spec.policy ?? 'classic',
    reach: 'committed',
    tasks: taskTable(tasks, spec),
    maps: mapTable(tasks.flatMap((task) => task.maps ?? [])),
    mapsStart: starts(tasks.map((task) => task.maps?.length ?? 0)),
    vmos: vmoTable(vmos),
    vmoRefs,
    vmoRefsStart: starts(tasks.map((task) => task.refs?.length ?? 0)),
    kmem: { ...NO_KMEM, ...spec.kmem },
    notes: spec.notes ?? [],
  };
}
