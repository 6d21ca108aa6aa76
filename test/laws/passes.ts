/**
 * What the passes of every policy have to show: the model's figures, and sums that close in whole
 * numbers.
 */
import { holdingVmos, ownersOf } from '../model/accounting.js';
import { type Rational, equal, ratio, sum } from '../model/rational.js';
import type { AccountTables } from '../support/api.js';
import { PASSES, compareTables, unitsAt } from './compare.js';
import type { OnModel } from './on-model.js';
import type { OnSystem } from './on-system.js';

const PAGE = 4096;

/** `exact`: the processes' pages by number of owners give every reached page once. */
const brokenExact = (model: OnModel, tables: AccountTables): string[] => {
  const shares: Rational[] = [];
  for (const owners of tables.tasks.pagesByOwners ?? []) {
    for (const [k, pages] of owners ?? []) shares.push(ratio(PAGE * pages, k));
  }
  const reached = ratio(PAGE * ownersOf(model.world, tables.reach).size);
  const got = sum(shares);
  return equal(got, reached) ? [] : [`exact sums to ${got.n}/${got.d}, reached ${reached.n}`];
};

/** Sum of a share column over its rows, units of 2^-63 byte. */
const total = (column: AccountTables['vmos']['scaled'], rows: number): bigint =>
  Array.from({ length: rows }, (_, row) => unitsAt(column, row)).reduce((a, b) => a + b, 0n);

/**
 * What the living VMOs that hold a page in their own trees pay for it together: all of it under
 * `classic`; under `attributed` trees without a VMO, kept by slices or references, leave a part.
 */
const chargedPages = (model: OnModel, isClassic: boolean): Rational => {
  const parts: Rational[] = [];
  for (const page of model.world.allPages()) {
    const vmos = holdingVmos(model.world, page).length;
    if (vmos === 0) continue;
    parts.push(isClassic ? ratio(1) : ratio(vmos, model.world.holders(page).length));
  }
  return sum(parts);
};

/**
 * `attributed` and `classic`: the VMOs' shares give every page that a living VMO holds. A share is
 * cut off for each page of each VMO.
 */
const brokenVmos = (model: OnModel, tables: AccountTables): string[] => {
  const { n, d } = chargedPages(model, tables.policy === 'classic');
  const wanted = ((n * BigInt(PAGE)) << 63n) / d;
  const gap = wanted - total(tables.vmos.scaled, tables.vmos.count);
  const cuts = tables.vmos.committedBytes.reduce((a, b) => a + b / PAGE, 0);
  return gap >= 0n && gap <= BigInt(cuts)
    ? [] : [`${tables.policy}: VMOs sum to ${gap} x 2^-63 byte less than their pages`];
};

/** `mapcount`: 4096 bytes a present frame, less what the division cuts off for each entry. */
const brokenMapcount = (model: OnModel, tables: AccountTables): string[] => {
  const wanted = BigInt(ownersOf(model.world, 'present').size * PAGE) << 63n;
  const gap = wanted - unitsAt(tables.tasks.pss, 0);
  const entries = model.processes.reduce((n, process) => n + process.entries.size, 0);
  return gap >= 0n && gap <= BigInt(entries) << 51n
    ? [] : [`mapcount: processes sum to ${gap} x 2^-63 byte less than their pages`];
};

/** No figure is below zero, and `exact` never exceeds physical memory. */
const brokenBounds = (tables: AccountTables): string[] => {
  const { tasks, maps, vmos } = tables;
  const columns = [tasks.privateBytes, tasks.sharedBytes, tasks.mappedBytes, maps.committedBytes,
    maps.privateBytes, maps.sharedBytes, vmos.committedBytes, vmos.privateBytes];
  const wrong = columns.some((column) => column.some((bytes) => !(bytes >= 0)))
    ? [`${tables.policy}: a negative figure`] : [];
  const most = BigInt(tables.kmem.totalBytes) << 63n;
  if (tables.policy === 'exact' && unitsAt(tables.tasks.pss, 0) > most) {
    wrong.push('exact exceeds physical memory');
  }
  return wrong;
};

const brokenLaws = (model: OnModel, tables: AccountTables): string[] => {
  const bounds = brokenBounds(tables);
  switch (tables.policy) {
    case 'exact': return [...bounds, ...brokenExact(model, tables)];
    case 'mapcount': return [...bounds, ...brokenMapcount(model, tables)];
    default: return [...bounds, ...brokenVmos(model, tables)];
  }
};

/** Every pass on a system at rest: what differs from the model, what breaks a law. */
export const checkPasses = async (model: OnModel, system: OnSystem): Promise<string[]> => {
  for (const pass of PASSES) {
    const tables = await system.system.account({ ...pass, groups: { by: 'name' } });
    const wrong = [...compareTables(model, system, tables), ...brokenLaws(model, tables)];
    if (wrong.length > 0) return [`${pass.policy} by ${pass.reach}`, ...wrong];
  }
  return system.system.core.audit();
};
