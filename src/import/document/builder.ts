/**
 * Accounting tables from what a document says: tasks in any order, VMOs, who refers to them.
 *
 * I1. Each row is followed by those below it, in the order of the document, which is that of the
 *     task walk where a tool wrote it. Jobs have the sums of what is below them.
 * I2. There are no address spaces: `maps` is empty, and `missing` says so.
 */

import { addShare, joinShare, shareAt, shareColumn } from '../../accounting/columns.js';
import {
  type AccountTables, type KmemStats, type MissingTables, type Policy, type ShareColumn,
  type TaskTable, TaskType, type VmoRefTable, type VmoTable,
} from '../../accounting/tables.js';
import { VmoInfoFlag } from '../../objects/info.js';

/** How a process refers to a VMO. */
export interface RefDraft {
  /** Row of the VMO. */ readonly vmo: number;
  /** By handle, else by mapping. */ readonly viaHandle: boolean;
  /** Rights of the handle; 0 by mapping. */ readonly rights: number;
}

/** One task; figures are whole bytes, and those of jobs are summed here. */
export interface TaskDraft {
  /** {@link TaskType}. */ readonly type: number;
  /** Koid. */ readonly koid: number;
  /** Name, untrusted. */ readonly name: string;
  /** State word as in `ps -T`; empty for what is no thread. */ readonly state?: string;
  /** Private bytes. */ readonly privateBytes?: number;
  /** Shared bytes. */ readonly sharedBytes?: number;
  /** Proportional share, in units of 2^-63 byte. */ readonly pss?: bigint;
  /** `exact`: share of what is held by handles alone. */ readonly unmappedBytes?: number;
  /** `exact`: kernel memory. */ readonly kernelBytes?: number;
  /** References in the order of `vmos`. */ readonly refs?: readonly RefDraft[];
  /** Handles by type. */ readonly handleCounts?: ReadonlyMap<number, number>;
  /** Tasks below, in any order. */ readonly below: TaskDraft[];
}

/** One VMO. */
export interface VmoDraft {
  /** Koid; 0 if it never had a user handle. */ readonly koid: number;
  /** Name, untrusted. */ readonly name: string;
  /** Size. */ readonly sizeBytes: bigint;
  /** Koid of the parent; 0 for none. */ readonly parentKoid: number;
  /** Children. */ readonly numChildren: number;
  /** Mappings. */ readonly numMappings: number;
  /** Zircon's share count. */ readonly shareCount: number;
  /** Committed bytes. */ readonly committedBytes: number;
}

/** A whole document. */
export interface DocumentDraft {
  /** The rule its figures follow. */ readonly policy: Policy;
  /** The root job. */ readonly root: TaskDraft;
  /** VMOs by row. */ readonly vmos: readonly VmoDraft[];
  /** Physical memory by use. */ readonly kmem: KmemStats;
  /** When it was taken, where it says so. */ readonly takenAt?: string;
  /** What it does not say. */ readonly missing: MissingTables;
  /** Lines a user should see. */ readonly notes: readonly string[];
}

interface Row {
  readonly task: TaskDraft;
  readonly above: number;
  readonly depth: number;
}

/** Each task followed by what is below it, in the order of the document; no recursion. */
function walk(root: TaskDraft): Row[] {
  const rows: Row[] = [];
  const waiting: Row[] = [{ task: root, above: -1, depth: 0 }];
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    const above = rows.push(row) - 1;
    const { below } = row.task;
    for (let i = below.length - 1; i >= 0; i--) {
      waiting.push({ task: below[i] as TaskDraft, above, depth: row.depth + 1 });
    }
  }
  return rows;
}

/** Adds what stands below a job to it. */
function sumJobs(rows: readonly Row[], pss: ShareColumn, columns: readonly Float64Array[]): void {
  for (let row = rows.length - 1; row > 0; row--) {
    const { above, task } = rows[row] as Row;
    if (task.type === TaskType.THREAD) continue;
    addShare(pss, above, shareAt(pss, row));
    for (const column of columns) {
      column[above] = (column[above] as number) + (column[row] as number);
    }
  }
}

function taskTable(rows: readonly Row[], policy: Policy): TaskTable {
  const floats = (value: (task: TaskDraft) => number | undefined): Float64Array =>
    Float64Array.from(rows, ({ task }) => value(task) ?? 0);
  const pss = shareColumn(rows.length);
  rows.forEach(({ task }, row) => addShare(pss, row, task.pss ?? 0n));
  const privateBytes = floats((task) => task.privateBytes);
  const exact = policy === 'exact';
  const unmappedBytes = floats((task) => task.unmappedBytes);
  const kernelBytes = floats((task) => task.kernelBytes);
  sumJobs(rows, pss, [privateBytes, unmappedBytes, kernelBytes]);
  const unmapped = shareColumn(rows.length);
  unmappedBytes.forEach((bytes, row) => addShare(unmapped, row, joinShare(BigInt(bytes), 0n)));
  const counts = rows.map(({ task }) => task.handleCounts);
  return {
    count: rows.length,
    type: Uint8Array.from(rows, ({ task }) => task.type),
    koid: floats((task) => task.koid),
    parentKoid: Float64Array.from(rows, ({ above }) => rows[above]?.task.koid ?? 0),
    depth: Uint16Array.from(rows, ({ depth }) => depth),
    name: rows.map(({ task }) => task.name),
    state: rows.map(({ task }) => task.state ?? ''),
    pss,
    privateBytes,
    sharedBytes: floats((task) => task.sharedBytes),
    mappedBytes: new Float64Array(rows.length),
    ...(exact ? { unmapped, unmappedBytes, kernelBytes } : {}),
    ...(counts.some((count) => count !== undefined) ? { handleCounts: counts } : {}),
  };
}

/** Which kind of VMO it is no document says: all have pages, and a parent was cloned. */
function vmoTable(vmos: readonly VmoDraft[]): VmoTable {
  const floats = (value: (vmo: VmoDraft) => number): Float64Array => Float64Array.from(vmos, value);
  const scaled = shareColumn(vmos.length);
  vmos.forEach((vmo, row) => addShare(scaled, row, joinShare(BigInt(vmo.committedBytes), 0n)));
  return {
    count: vmos.length,
    koid: floats((vmo) => vmo.koid),
    name: vmos.map((vmo) => vmo.name),
    sizeBytes: BigUint64Array.from(vmos, (vmo) => vmo.sizeBytes),
    parentKoid: floats((vmo) => vmo.parentKoid),
    numChildren: Uint32Array.from(vmos, (vmo) => vmo.numChildren),
    numMappings: Uint32Array.from(vmos, (vmo) => vmo.numMappings),
    shareCount: Uint32Array.from(vmos, (vmo) => vmo.shareCount),
    flags: Uint32Array.from(vmos, (vmo) =>
      VmoInfoFlag.PAGED | (vmo.parentKoid === 0 ? 0 : VmoInfoFlag.IS_COW_CLONE)),
    cachePolicy: new Uint8Array(vmos.length),
    committedBytes: floats((vmo) => vmo.committedBytes),
    privateBytes: floats((vmo) => vmo.committedBytes),
    scaled,
    metadataBytes: new Float64Array(vmos.length),
  };
}

function refTable(rows: readonly Row[]): { vmoRefs: VmoRefTable; vmoRefsStart: Uint32Array } {
  const vmoRefsStart = new Uint32Array(rows.length + 1);
  const refs: RefDraft[] = [];
  rows.forEach(({ task }, row) => {
    for (const ref of task.refs ?? []) refs.push(ref);
    vmoRefsStart[row + 1] = refs.length;
  });
  const vmoRefs = {
    count: refs.length,
    vmo: Uint32Array.from(refs, (ref) => ref.vmo),
    viaHandle: Uint8Array.from(refs, (ref) => (ref.viaHandle ? 1 : 0)),
    rights: Uint32Array.from(refs, (ref) => ref.rights),
  };
  return { vmoRefs, vmoRefsStart };
}

/** The tables of a document. */
export function documentTables(draft: DocumentDraft): AccountTables {
  const rows = walk(draft.root);
  const { policy, kmem, missing, notes, takenAt } = draft;
  const none = new Float64Array(0);
  const noBytes = new BigUint64Array(0);
  return {
    policy,
    reach: policy === 'mapcount' ? 'present' : 'committed',
    tasks: taskTable(rows, policy),
    maps: {
      count: 0, type: new Uint8Array(0), depth: new Uint16Array(0), name: [], base: noBytes,
      size: noBytes, perms: new Uint8Array(0), vmoKoid: none, vmoOffset: noBytes,
      committedBytes: none, pss: shareColumn(0), privateBytes: none, sharedBytes: none,
      swapBytes: none,
    },
    mapsStart: new Uint32Array(rows.length + 1),
    vmos: vmoTable(draft.vmos),
    ...refTable(rows),
    kmem,
    notes,
    missing,
    ...(takenAt === undefined ? {} : { takenAt }),
  };
}
