/**
 * This machine as tables of the kernel's own figures: what a user without the right to see page
 * frames may know of it. Koids are numbered as those of a recorded system.
 *
 * I1. The tables are of one reading of /proc and never change.
 * I2. Which pages two processes have in common nobody says: a VMO's committed bytes are the sum of
 *     its mappings' shares (Pss), rounded by the kernel.
 */

import { shareColumn } from '../../../accounting/columns.js';
import {
  type AccountTables, type MapTable, MapType, type Policy, type Reach, TaskType,
} from '../../../accounting/tables.js';
import { fail } from '../../../objects/errors.js';
import { documentTables, type TaskDraft, type VmoDraft } from '../../document/builder.js';
import { meminfoFigures } from '../kernel-memory.js';
import { FIRST_KOID } from '../koids.js';
import { USER_END_PAGE } from '../records.js';
import { type Area, kbOf } from './areas.js';
import { type Found, rollupOf, userOf } from './found.js';
import { parseCounts, type ProcFiles } from './proc-files.js';
import type { UserNames } from './users.js';

const KIB = 1024;
const PAGE_BYTES = 4096;
const SHARE_BITS = 63n;
const PRIVATE = ['Private_Clean', 'Private_Dirty'] as const;
const SHARED = ['Shared_Clean', 'Shared_Dirty'] as const;
/** Columns that the builder of documents does not know, and the rollup's names for them. */
const MORE_COLUMNS = {
  swapBytes: 'Swap', swapPssBytes: 'SwapPss', pssAnonBytes: 'Pss_Anon', pssFileBytes: 'Pss_File',
  pssShmemBytes: 'Pss_Shmem',
} as const;

/** A VMO on the way to a row. */
type OpenVmo = { -readonly [K in keyof VmoDraft]: VmoDraft[K] } & { lastProcess: number };

/** The figures of a whole process, kB: of the rollup, or where there is none of its areas. */
function wholeOf({ rollup, areas }: Found): ReadonlyMap<string, number> {
  if (rollup !== '') return rollupOf(rollup);
  const sums = new Map<string, number>();
  for (const { kb } of areas) {
    for (const [name, value] of kb) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return sums;
}

/** Jobs, processes and VMOs of what was found. */
class Drafts {
  readonly vmos: OpenVmo[] = [];
  readonly root: TaskDraft = task(TaskType.JOB, FIRST_KOID, 'linux');
  private readonly jobs = new Map<number, TaskDraft>();
  private readonly files = new Map<string, number>();
  private nextKoid = FIRST_KOID + 1;

  constructor(private readonly found: ReadonlyMap<number, Found>) {
    for (const one of found.values()) this.add(one);
  }

  private add(one: Found): void {
    const whole = wholeOf(one);
    const kb = (...names: readonly string[]): number =>
      names.reduce((sum, name) => sum + (whole.get(name) ?? 0), 0);
    const job = this.jobOf(one);
    const refs = one.areas.filter(isUsers).map((area) => ({
      vmo: this.vmoOf(area, one.stat.pid), viaHandle: false, rights: 0,
    }));
    job.below.push({
      ...task(TaskType.PROCESS, one.stat.pid, one.stat.comm), refs,
      privateBytes: KIB * kb(...PRIVATE), sharedBytes: KIB * kb(...SHARED),
      pss: BigInt(KIB * kb('Pss')) << SHARE_BITS,
    });
  }

  private jobOf({ stat }: Found): TaskDraft {
    let oldest = stat;
    const seen = new Set<number>();
    for (let up = this.found.get(stat.ppid); up !== undefined; up = this.found.get(oldest.ppid)) {
      if (seen.has(oldest.pid)) break;
      seen.add(oldest.pid);
      oldest = up.stat;
    }
    let job = this.jobs.get(oldest.pid);
    if (job === undefined) {
      job = task(TaskType.JOB, this.nextKoid++, oldest.comm);
      this.jobs.set(oldest.pid, job);
      this.root.below.push(job);
    }
    return job;
  }

  private vmoOf(area: Area, pid: number): number {
    const isFile = area.ino !== 0 || area.dev !== '00:00';
    const key = `${area.dev}:${area.ino}:${area.name}`;
    let row = isFile ? this.files.get(key) : undefined;
    if (row === undefined) {
      row = this.vmos.push({
        koid: this.nextKoid++, name: area.name, sizeBytes: 0n, parentKoid: 0, numChildren: 0,
        numMappings: 0, shareCount: 0, committedBytes: 0, lastProcess: 0,
      }) - 1;
      if (isFile) this.files.set(key, row);
    }
    const vmo = this.vmos[row] as OpenVmo;
    const end = BigInt(area.pages * PAGE_BYTES) + (isFile ? BigInt(`0x${area.offset}`) : 0n);
    if (end > vmo.sizeBytes) vmo.sizeBytes = end;
    vmo.numMappings++;
    vmo.committedBytes += KIB * kbOf(area, 'Pss');
    if (vmo.lastProcess !== pid) vmo.shareCount++;
    vmo.lastProcess = pid;
    return row;
  }
}

function task(type: number, koid: number, name: string): TaskDraft {
  return { type, koid, name, below: [] };
}

/** Whether an area lies in the user's half: `[vsyscall]` does not. */
function isUsers(area: Area): boolean {
  return area.startPage + area.pages <= USER_END_PAGE;
}

/** Rows of an address space: itself, its root VMAR, its areas. */
function mapRows(found: readonly Found[], tables: AccountTables): {
  maps: MapTable; mapsStart: Uint32Array;
} {
  const { tasks, vmoRefs, vmoRefsStart, vmos } = tables;
  const byPid = new Map(found.map((one) => [one.stat.pid, one]));
  const rows: { type: number; depth: number; name: string; area?: Area; koid?: number }[] = [];
  const mapsStart = new Uint32Array(tasks.count + 1);
  for (let row = 0; row < tasks.count; row++) {
    const koid = tasks.koid[row] as number;
    const one = tasks.type[row] === TaskType.PROCESS ? byPid.get(koid) : undefined;
    if (one !== undefined) {
      rows.push({ type: MapType.ASPACE, depth: 0, name: `proc:${koid}` });
      rows.push({ type: MapType.VMAR, depth: 1, name: 'root' });
      one.areas.filter(isUsers).forEach((area, i) => {
        const vmo = vmoRefs.vmo[(vmoRefsStart[row] as number) + i] as number;
        rows.push({
          type: MapType.MAPPING, depth: 2, name: area.name, area, koid: vmos.koid[vmo] as number,
        });
      });
    }
    mapsStart[row + 1] = rows.length;
  }
  const bytes = (...names: readonly string[]): Float64Array =>
    Float64Array.from(rows, ({ area }) => (area === undefined ? 0 : KIB * kbOf(area, ...names)));
  const big = (value: (area: Area) => bigint, none: bigint): BigUint64Array =>
    BigUint64Array.from(rows, ({ area }) => (area === undefined ? none : value(area)));
  const page = BigInt(PAGE_BYTES);
  const pss = shareColumn(rows.length);
  pss.bytes.set(BigUint64Array.from(bytes('Pss'), BigInt));
  return {
    mapsStart,
    maps: {
      count: rows.length,
      type: Uint8Array.from(rows, ({ type }) => type),
      depth: Uint16Array.from(rows, ({ depth }) => depth),
      name: rows.map(({ name }) => name),
      base: big(({ startPage }) => BigInt(startPage) * page, 0n),
      size: big(({ pages }) => BigInt(pages) * page, BigInt(USER_END_PAGE) * page),
      perms: Uint8Array.from(rows, ({ area }) => permsOf(area?.perms ?? '')),
      vmoKoid: Float64Array.from(rows, ({ koid }) => koid ?? 0),
      vmoOffset: big(({ offset, ino }) => (ino === 0 ? 0n : BigInt(`0x${offset}`)), 0n),
      committedBytes: bytes('Rss'), pss, privateBytes: bytes(...PRIVATE),
      sharedBytes: bytes(...SHARED), swapBytes: bytes('Swap'),
    },
  };
}

function permsOf(text: string): number {
  const bits = [...'rwx'].map((letter, bit) => (text[bit] === letter ? 1 << bit : 0));
  return bits.reduce((perms, bit) => perms | bit, 0);
}

/** Columns of tasks that a rollup has and a document does not; jobs have sums. */
function moreColumns(
  proc: ProcFiles, found: ReadonlyMap<number, Found>, users: UserNames, tables: AccountTables,
): object {
  const { count, koid, parentKoid } = tables.tasks;
  const columns: Record<string, Float64Array> = {};
  const rowOf = new Map(Array.from(koid, (one, row) => [one, row]));
  const add = (column: string, bytesOf: (one: Found) => number): void => {
    const bytes = new Float64Array(count);
    for (const [pid, one] of found) {
      const own = bytesOf(one);
      let row = rowOf.get(pid);
      while (row !== undefined) {
        bytes[row] = (bytes[row] as number) + own;
        row = rowOf.get(parentKoid[row] as number);
      }
    }
    columns[column] = bytes;
  };
  for (const [column, name] of Object.entries(MORE_COLUMNS)) {
    add(column, (one) => KIB * (wholeOf(one).get(name) ?? 0));
  }
  add('mappedBytes', ({ areas }) =>
    areas.filter(isUsers).reduce((sum, { pages }) => sum + pages * PAGE_BYTES, 0));
  const user = Array.from(koid, (pid) =>
    (found.has(pid) ? userOf(proc.text(pid, 'status') ?? '', users) ?? '' : ''));
  return { ...columns, user };
}

/** A machine that is known by the kernel's figures alone: it has no pages. */
export class SmapsSystem {
  /** The policy that its figures follow. */
  readonly defaultPolicy: Policy = 'mapcount';
  /** What reaches a page. */
  readonly defaultReach: Reach = 'present';
  /** The tables. */
  readonly tables: AccountTables;

  /**
   * @param proc - where meminfo and users are read
   * @param found - the processes
   * @param users - names of users
   * @param notes - lines a user should see about how the system came to be
   *
   * @internal
   */
  constructor(
    proc: ProcFiles, found: ReadonlyMap<number, Found>, users: UserNames,
    readonly notes: readonly string[],
  ) {
    const { root, vmos } = new Drafts(found);
    const meminfo = parseCounts(proc.text('meminfo') ?? '');
    const availableBytes = KIB * (meminfo.get('MemAvailable') ?? meminfo.get('MemFree') ?? 0);
    const kmem = { ...meminfoFigures(meminfo), availableBytes };
    const tables = documentTables({
      policy: 'mapcount', root, vmos, kmem, missing: {}, notes: [],
    });
    this.tables = {
      ...tables, ...mapRows([...found.values()], tables),
      tasks: { ...tables.tasks, ...moreColumns(proc, found, users, tables) },
    };
  }

  /**
   * The tables.
   *
   * @throws ZxError ZX_ERR_NOT_SUPPORTED for a policy or reach that needs pages
   */
  account(options: { policy?: Policy; reach?: Reach } = {}): Promise<AccountTables> {
    const { policy = this.defaultPolicy, reach = this.defaultReach } = options;
    return new Promise((resolve) => {
      if (policy !== this.defaultPolicy || reach !== this.defaultReach) {
        fail('ZX_ERR_NOT_SUPPORTED', 'without the rights to see page frames figures are mapcount '
          + `by present pages, not ${policy} by ${reach}`, { policy, reach });
      }
      resolve(this.tables);
    });
  }

  /** There are no pages: always refuses with ZX_ERR_NOT_SUPPORTED. */
  page(): Promise<never> {
    return new Promise(() => {
      fail('ZX_ERR_NOT_SUPPORTED', 'without the rights to see page frames there are no pages');
    });
  }
}
