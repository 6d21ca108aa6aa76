/**
 * The tree that the treemap page shows, from accounting tables: physical memory, kernel parts,
 * jobs, processes and their VMOs, in columns.
 *
 * I1. Rows are pre-order: a row's parent stands before it.
 * I2. In each of the four measures a row's bytes are the sum of those of the rows below it, so that
 *     areas add up. Whole bytes.
 * I3. A job's and a process's bytes are those of `ps`. What VMOs say of a process is fitted to
 *     that: scaled down where they say more (one page mapped twice, a document that does not say
 *     how much of a VMO is mapped), else the rest is a row of its own.
 * I4. Kernel parts, and VMOs that no process maps, count in the measure `pss` alone: the others
 *     count a page once for each process that has it, and do not add up to memory.
 */

import { type AccountTables, TaskType } from '../../accounting/tables.js';
import { type Measures, type ProcessPart, ProcessParts } from './process.js';

/** What can be an area, in the order of the columns. */
export const MEASURES = ['pss', 'private', 'committed', 'virtual'] as const;

/** Kinds of rows, by number: what the colours stand for. */
export const RowKind = {
  /** Memory of the kernel. */ KERNEL: 0,
  /** Free memory. */ FREE: 1,
  /** A job. */ JOB: 2,
  /** A process. */ PROCESS: 3,
  /** VMOs of one name in one process, or a group of rows. */ GROUP: 4,
  /** Memory that one process has. */ PRIVATE: 5,
  /** Memory that processes share. */ SHARED: 6,
  /** A VMO that no process maps. */ UNMAPPED: 7,
  /** What nothing here explains. */ REST: 8,
} as const;

/** The tree in columns, as the page's script reads it. */
export interface TreeColumns {
  /** Row above; -1 for the first. */ readonly parent: number[];
  /** Index in `names`. */ readonly name: number[];
  /** {@link RowKind}. */ readonly kind: number[];
  /** Koid; 0 for none. */ readonly koid: number[];
  /** Proportional share, bytes. */ readonly pss: number[];
  /** Private bytes. */ readonly private: number[];
  /** Committed bytes. */ readonly committed: number[];
  /** Virtual size, bytes. */ readonly virtual: number[];
  /** Names by index: untrusted. */ readonly names: string[];
}

/** Refs of a system from which on small VMOs of a process are merged. */
const PARTS_MAX = 250_000;
const NONE: Measures = { pss: 0, private: 0, committed: 0, virtual: 0 };

/** Rows as they grow. */
class Rows implements TreeColumns {
  readonly parent: number[] = [];
  readonly name: number[] = [];
  readonly kind: number[] = [];
  readonly koid: number[] = [];
  readonly pss: number[] = [];
  readonly private: number[] = [];
  readonly committed: number[] = [];
  readonly virtual: number[] = [];
  readonly names: string[] = [];
  private readonly nameIndex = new Map<string, number>();

  add(parent: number, name: string, kind: number, koid = 0, bytes: Measures = NONE): number {
    let index = this.nameIndex.get(name);
    if (index === undefined) {
      index = this.names.push(name) - 1;
      this.nameIndex.set(name, index);
    }
    this.parent.push(parent);
    this.name.push(index);
    this.kind.push(kind);
    this.koid.push(koid);
    for (const measure of MEASURES) this[measure].push(bytes[measure]);
    return this.parent.length - 1;
  }

  /** Gives every row that has rows below it their sum. */
  sum(): void {
    const count = this.parent.length;
    const isParent = new Uint8Array(count);
    for (let row = 1; row < count; row++) isParent[this.parent[row] as number] = 1;
    for (const measure of MEASURES) {
      const column = this[measure];
      for (let row = 0; row < count; row++) if (isParent[row] === 1) column[row] = 0;
      for (let row = count - 1; row > 0; row--) {
        const above = this.parent[row] as number;
        column[above] = (column[above] as number) + (column[row] as number);
      }
    }
  }
}

/** VMOs of one non-empty name become one row, with theirs below it. */
function addParts(rows: Rows, process: number, parts: readonly ProcessPart[]): void {
  const byName = new Map<string, ProcessPart[]>();
  for (const part of parts) {
    const same = byName.get(part.name);
    if (part.name !== '' && same !== undefined) same.push(part);
    else byName.set(part.name === '' ? `\0${byName.size}` : part.name, [part]);
  }
  for (const same of byName.values()) {
    const [first] = same;
    if (first === undefined) continue;
    const shared = same.some(({ shared }) => shared);
    const above = same.length === 1 ? process
      : rows.add(process, `${first.name} [${same.length}]`, RowKind.GROUP);
    for (const part of same) {
      const kind = part.rest ? RowKind.REST
        : (same.length === 1 ? part.shared : shared && part.shared)
          ? RowKind.SHARED : RowKind.PRIVATE;
      rows.add(above, part.name, kind, part.koid, part.bytes);
    }
  }
}

/** Jobs and processes as `ps` has them, each process with its parts. */
function addTasks(rows: Rows, tables: AccountTables, above: number): void {
  const { tasks } = tables;
  const partsMax = Math.max(4, Math.floor(PARTS_MAX / Math.max(1, tasks.count)));
  const source = new ProcessParts(tables, partsMax);
  const byDepth: number[] = [];
  for (let task = 0; task < tasks.count; task++) {
    if (tasks.type[task] === TaskType.THREAD) continue;
    const depth = tasks.depth[task] ?? 0;
    const parent = depth === 0 ? above : byDepth[depth - 1] ?? above;
    const isJob = tasks.type[task] === TaskType.JOB;
    const koid = tasks.koid[task] ?? 0;
    const name = tasks.name[task] ?? '';
    const row = rows.add(parent, name, isJob ? RowKind.JOB : RowKind.PROCESS, koid);
    byDepth[depth] = row;
    if (!isJob) addParts(rows, row, source.of(task));
  }
}

/**
 * VMOs that no process maps: held by handles alone, or by nobody that the tables know.
 *
 * @returns their bytes
 */
function addUnmapped(rows: Rows, tables: AccountTables, above: number): number {
  const { vmos, vmoRefs, policy } = tables;
  const mapped = new Uint8Array(vmos.count);
  const held = new Uint8Array(vmos.count);
  for (let ref = 0; ref < vmoRefs.count; ref++) {
    const vmo = vmoRefs.vmo[ref] as number;
    if (vmoRefs.viaHandle[ref] === 1) held[vmo] = 1;
    else mapped[vmo] = 1;
  }
  const groups = ['held by handles alone', 'held by no process'].map((name, i) => {
    const list: [vmo: number, bytes: number][] = [];
    for (let vmo = 0; vmo < vmos.count; vmo++) {
      if (mapped[vmo] === 1 || held[vmo] !== 1 - i) continue;
      const bytes = policy === 'classic'
        ? vmos.committedBytes[vmo] ?? 0 : Number(vmos.scaled.bytes[vmo] ?? 0n);
      if (bytes > 0) list.push([vmo, bytes]);
    }
    return { name, list };
  });
  let total = 0;
  for (const { name, list } of groups) {
    if (list.length === 0) continue;
    const group = rows.add(above, name, RowKind.GROUP);
    for (const [vmo, bytes] of list) {
      total += bytes;
      rows.add(group, vmos.name[vmo] ?? '', RowKind.UNMAPPED, vmos.koid[vmo] ?? 0,
        { ...NONE, pss: bytes });
    }
  }
  return total;
}

/** The kernel's parts of physical memory; returns the row of what VMOs have. */
function addKernel(rows: Rows, { kmem }: AccountTables, root: number): number {
  const vmos = rows.add(root, 'VMOs and processes', RowKind.GROUP);
  const part = (above: number, name: string, kind: number, bytes: number): void => {
    if (bytes > 0) rows.add(above, name, kind, 0, { ...NONE, pss: bytes });
  };
  part(root, 'free', RowKind.FREE, kmem.freeBytes + kmem.freeLoanedBytes);
  if (kmem.totalHeapBytes > 0) {
    const heap = rows.add(root, 'kernel heap', RowKind.KERNEL);
    part(heap, 'heap in use', RowKind.KERNEL, kmem.totalHeapBytes - kmem.freeHeapBytes);
    part(heap, 'heap free', RowKind.KERNEL, kmem.freeHeapBytes);
  }
  part(root, 'wired', RowKind.KERNEL, kmem.wiredBytes);
  part(root, 'page tables', RowKind.KERNEL, kmem.mmuOverheadBytes);
  part(root, 'ipc', RowKind.KERNEL, kmem.ipcBytes);
  part(root, 'other', RowKind.KERNEL, kmem.otherBytes);
  return vmos;
}

/**
 * The tree of a system.
 *
 * @param tables - one accounting pass, or a document's tables
 * @returns rows in pre-order; the first is all physical memory, or the root job where the tables
 *   know nothing of the kernel
 */
export function treeOf(tables: AccountTables): TreeColumns {
  const rows = new Rows();
  if (tables.missing?.kmem !== undefined) {
    addTasks(rows, tables, -1);
    rows.sum();
    return rows;
  }
  const root = rows.add(-1, 'all physical memory', RowKind.GROUP);
  const vmos = addKernel(rows, tables, root);
  addTasks(rows, tables, vmos);
  const unmapped = addUnmapped(rows, tables, vmos);
  const shares = Number(tables.tasks.pss.bytes[0] ?? 0n);
  const rest = tables.kmem.vmoBytes - shares - unmapped;
  if (rest > 0) {
    rows.add(vmos, 'unknown (kernel & unmapped)', RowKind.REST, 0, { ...NONE, pss: rest });
  }
  rows.sum();
  return rows;
}
