/**
 * Compares the tables of a pass with the model's figures, row by row.
 *
 * Bytes have to be equal. A share of the core is cut off at 2^-63 byte for each page it adds up, so
 * it may be below the model's rational by that many units, and never above.
 */
import {
  type MappingFigures, type ProcessFigures, type VmoFigures, attributed, attributedVmos, classic,
  classicVmos, exact, exactGroup, mapcount,
} from '../model/accounting.js';
import type { ModelProcess } from '../model/process.js';
import type { Rational } from '../model/rational.js';
import type { AccountTables, Policy, Reach } from '../support/api.js';
import type { OnModel } from './on-model.js';
import type { OnSystem } from './on-system.js';

/** Every policy with every reach it goes with. */
export const PASSES: readonly { readonly policy: Policy; readonly reach: Reach }[] = [
  { policy: 'classic', reach: 'committed' },
  { policy: 'attributed', reach: 'committed' },
  { policy: 'exact', reach: 'committed' },
  { policy: 'exact', reach: 'present' },
  { policy: 'mapcount', reach: 'present' },
];

/** Units of 2^-63 byte of a rational, rounded down. */
const units = (share: Rational): bigint => (share.n << 63n) / share.d;

/** A row of a share column in units of 2^-63 byte. */
export const unitsAt = (column: AccountTables['tasks']['pss'], row: number): bigint =>
  ((column.bytes[row] as bigint) << 63n) + (column.fraction[row] as bigint);

/** Collects what differs, by name. */
class Differences {
  readonly found: string[] = [];

  same(what: string, got: unknown, wanted: unknown): void {
    if (String(got) !== String(wanted)) this.found.push(`${what}: got ${got}, model ${wanted}`);
  }

  share(what: string, got: bigint, wanted: Rational, pages: number): void {
    const gap = units(wanted) - got;
    if (gap < 0n || gap > BigInt(pages) + 2n) {
      this.found.push(`${what}: share ${got} x 2^-63, model ${wanted.n}/${wanted.d}, gap ${gap}`);
    }
  }
}

/** The model's figures of all processes under a policy. */
export const modelFigures = (
  model: OnModel, policy: Policy, reach: Reach,
): ProcessFigures[] => {
  switch (policy) {
    case 'classic': return classic(model.world);
    case 'attributed': return attributed(model.world);
    case 'exact': return exact(model.world, reach);
    case 'mapcount': return mapcount(model.world);
  }
};

const compareRow = (
  d: Differences, what: string, tables: AccountTables, row: number, wanted: MappingFigures,
): void => {
  const { maps } = tables;
  d.same(`${what} base`, maps.base[row], BigInt(wanted.mapping.base) * 4096n);
  d.same(`${what} size`, maps.size[row], BigInt(wanted.mapping.pages) * 4096n);
  d.same(`${what} offset`, maps.vmoOffset[row], BigInt(wanted.mapping.vmoOffset) * 4096n);
  d.same(`${what} perms`, maps.perms[row], wanted.mapping.perms[0]);
  d.same(`${what} committed`, maps.committedBytes[row], wanted.committedBytes);
  d.same(`${what} private`, maps.privateBytes[row], wanted.privateBytes);
  d.same(`${what} shared`, maps.sharedBytes[row], wanted.sharedBytes);
  d.share(`${what} pss`, unitsAt(maps.pss, row), wanted.pss, wanted.pages);
};

const compareOwners = (
  d: Differences, what: string, got: ReadonlyMap<number, number> | undefined,
  wanted: ReadonlyMap<number, number>,
): void => {
  const text = (map: ReadonlyMap<number, number>): string =>
    JSON.stringify([...map].filter(([, n]) => n > 0).sort(([a], [b]) => a - b));
  d.same(`${what} pagesByOwners`, text(got ?? new Map()), text(wanted));
};

const compareProcess = (
  d: Differences, system: OnSystem, tables: AccountTables, wanted: ProcessFigures, at: number,
): void => {
  const { tasks, maps, mapsStart } = tables;
  const what = `process ${at}`;
  const row = tasks.koid.indexOf(system.processes[at]!.koid);
  if (row < 0) {
    d.found.push(`${what} has no row`);
    return;
  }
  const pages = wanted.mappings.reduce((n, m) => n + m.pages, 0);
  d.same(`${what} private`, tasks.privateBytes[row], wanted.privateBytes);
  d.same(`${what} shared`, tasks.sharedBytes[row], wanted.sharedBytes);
  d.share(`${what} pss`, unitsAt(tasks.pss, row), wanted.pss, pages);
  const mapped = wanted.process.mappings.reduce((n, m) => n + m.pages * 4096, 0);
  d.same(`${what} mapped`, tasks.mappedBytes[row], mapped);
  if (tables.policy === 'exact') {
    compareOwners(d, what, tasks.pagesByOwners?.[row], wanted.pagesByOwners);
    if (tables.reach === 'committed') {
      const all = system.system.core.pagesInState(4); // so many pages are added up at the most
      const got = tasks.unmapped === undefined ? -1n : unitsAt(tasks.unmapped, row);
      d.share(`${what} unmapped`, got, wanted.unmapped, all);
    }
  }
  const rows: number[] = [];
  for (let i = mapsStart[row] as number; i < (mapsStart[row + 1] as number); i++) {
    if (maps.type[i] === 3) rows.push(i);
  }
  d.same(`${what} number of map rows`, rows.length, wanted.mappings.length);
  for (const [i, want] of wanted.mappings.entries()) {
    if (rows[i] !== undefined) compareRow(d, `${what} map ${i}`, tables, rows[i], want);
  }
};

const compareVmos = (
  d: Differences, model: OnModel, system: OnSystem, tables: AccountTables,
  figures: readonly VmoFigures[],
): void => {
  const { vmos } = tables;
  d.same('number of VMOs', vmos.count, figures.length);
  for (const wanted of figures) {
    const koid = system.made[model.made.indexOf(wanted.vmo)] as number;
    const what = `VMO ${koid}`;
    const row = vmos.koid.indexOf(koid);
    const { parent } = wanted.vmo;
    const parentKoid = parent === null ? 0 : system.made[model.made.indexOf(parent)];
    d.same(`${what} parent`, vmos.parentKoid[row], parentKoid);
    d.same(`${what} children`, vmos.numChildren[row], wanted.vmo.children.size);
    d.same(`${what} mappings`, vmos.numMappings[row], wanted.vmo.mappings);
    if (tables.policy !== 'classic' && tables.policy !== 'attributed') continue;
    d.same(`${what} committed`, vmos.committedBytes[row], wanted.committedBytes);
    const pages = wanted.committedBytes / 4096;
    d.share(`${what} scaled`, unitsAt(vmos.scaled, row), wanted.scaled, pages);
    if (tables.policy === 'attributed') {
      d.same(`${what} private`, vmos.privateBytes[row], wanted.privateBytes);
    }
  }
};

/** What differs between a pass and the model; nothing if all is well. */
export const compareTables = (
  model: OnModel, system: OnSystem, tables: AccountTables,
): string[] => {
  const d = new Differences();
  const figures = modelFigures(model, tables.policy, tables.reach);
  for (const process of figures) {
    compareProcess(d, system, tables, process, model.processes.indexOf(process.process));
  }
  const vmoFigures = tables.policy === 'classic'
    ? classicVmos(model.world) : attributedVmos(model.world);
  compareVmos(d, model, system, tables, vmoFigures);
  compareKernel(d, model, tables);
  compareJobs(d, tables);
  if (tables.policy === 'exact') compareGroups(d, model, system, tables);
  return d.found;
};

/** `exact`: processes of one name, each page once for them. */
const compareGroups = (
  d: Differences, model: OnModel, system: OnSystem, { groups, reach }: AccountTables,
): void => {
  const members = new Map<string, Set<ModelProcess>>();
  const living = new Set(model.world.processes);
  for (const [i, process] of model.processes.entries()) {
    if (!living.has(process)) continue;
    const { name } = system.processes[i]!;
    members.set(name, (members.get(name) ?? new Set()).add(process));
  }
  d.same('number of groups', groups?.count, members.size);
  groups?.key.forEach((name, row) => {
    const own = members.get(String(name)) ?? new Set();
    const wanted = exactGroup(model.world, own, reach);
    d.same(`group ${name} members`, groups.processes[row], own.size);
    d.same(`group ${name} private`, groups.privateBytes[row], wanted.privateBytes);
    d.same(`group ${name} shared`, groups.sharedBytes[row], wanted.sharedBytes);
    const pages = (wanted.privateBytes + wanted.sharedBytes) / 4096;
    d.share(`group ${name} pss`, unitsAt(groups.pss, row), wanted.pss, pages * own.size + own.size);
  });
};

const compareKernel = (d: Differences, model: OnModel, { kmem }: AccountTables): void => {
  d.same('bytes of VMOs', kmem.vmoBytes, model.world.allPages().size * 4096);
  const parts = [kmem.freeBytes, kmem.freeLoanedBytes, kmem.wiredBytes, kmem.totalHeapBytes,
    kmem.vmoBytes, kmem.mmuOverheadBytes, kmem.ipcBytes, kmem.otherBytes];
  d.same('bytes of all states', parts.reduce((a, b) => a + b), kmem.totalBytes);
  if (parts.some((bytes) => bytes < 0)) d.found.push(`a negative figure: ${parts.join()}`);
};

/** A job's row is the sum of the processes below it. */
const compareJobs = (d: Differences, { tasks }: AccountTables): void => {
  let pss = 0n;
  let own = 0;
  for (let row = 0; row < tasks.count; row++) {
    if (tasks.type[row] !== 1) continue;
    pss += unitsAt(tasks.pss, row);
    own += tasks.privateBytes[row] as number;
  }
  d.same('root job pss', unitsAt(tasks.pss, 0), pss);
  d.same('root job private', tasks.privateBytes[0], own);
};

/** All columns of tables as text, to compare them byte by byte. */
export const tablesText = (tables: AccountTables): string =>
  JSON.stringify(tables, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Map) return [...value];
    if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, String);
    return value;
  });
