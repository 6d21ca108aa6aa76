/**
 * Accounting by definition: for each page, who reaches it; for each of those, its share as a
 * rational.
 *
 * Nothing is cached and nothing is clever: every figure is a loop over pages and a set of owners.
 *
 *   exact       owners of a page: the distinct processes that reach it; each pays 4096 / owners
 *   attributed  a page is first shared by the living VMOs whose trees hold it (slices and
 *               references have none); a mapping of a VMO then pays the VMO's share of the range,
 *               divided by the VMO's share count
 *   classic     a page belongs wholly to the oldest living VMO whose tree holds it; a mapping pays
 *               committed bytes div share count
 *   mapcount    a page-table entry weighs floor(2^24 / entries of that page) units of 2^-12 byte
 *
 * Reach by 'committed': a mapping reaches the pages shown in its range. Reach by 'present': only
 * those that the page table has.
 */
import { type Rational, ZERO, add, divide, ratio } from './rational.js';
import { type Page, type Tree, lookup, ownPage } from './tree.js';
import { type ModelMapping, type ModelProcess } from './process.js';
import { type ModelVmo, isWindow, sizePages } from './vmo.js';
import type { World } from './world.js';

const PAGE = 4096;

/** What reaches a page. */
export type ModelReach = 'committed' | 'present';

/** The figures of one row of an address space: a stretch of a mapping with equal permissions. */
export interface MappingFigures {
  readonly mapping: ModelMapping;
  /** Pages counted. */
  pages: number;
  committedBytes: number;
  privateBytes: number;
  sharedBytes: number;
  pss: Rational;
}

/** The figures of one process. */
export interface ProcessFigures {
  readonly process: ModelProcess;
  readonly mappings: MappingFigures[];
  privateBytes: number;
  sharedBytes: number;
  pss: Rational;
  /** `exact`: number of pages reached by how many processes reach them. */
  readonly pagesByOwners: Map<number, number>;
  /** `exact`: share of pages that no mapping reaches and a handle does. */
  unmapped: Rational;
}

/** The figures of one VMO. */
export interface VmoFigures {
  readonly vmo: ModelVmo;
  committedBytes: number;
  privateBytes: number;
  scaled: Rational;
}

/** Page numbers of a mapping's VMO that lie inside it, as [address, tree page] pairs. */
const pagesOf = function* (m: ModelMapping): Generator<[number, number]> {
  const end = Math.min(m.pages, Math.max(0, sizePages(m.vmo) - m.vmoOffset));
  for (let i = 0; i < end; i++) yield [m.base + i, m.vmoOffset + i + m.vmo.treeOffset];
};

/** The stretches of a mapping with equal permissions, each in the shape of a mapping. */
export const stretches = (m: ModelMapping): ModelMapping[] => {
  const found: ModelMapping[] = [];
  let from = 0;
  for (let at = 1; at <= m.pages; at++) {
    if (at < m.pages && m.perms[at] === m.perms[from]) continue;
    found.push({
      ...m, base: m.base + from, pages: at - from, vmoOffset: m.vmoOffset + from,
      perms: m.perms.slice(from, at),
    });
    from = at;
  }
  return found;
};

const rowsOf = (process: ModelProcess): ModelMapping[] => process.mappings.flatMap(stretches);

const emptyRow = (mapping: ModelMapping): MappingFigures => ({
  mapping, pages: 0, committedBytes: 0, privateBytes: 0, sharedBytes: 0, pss: ZERO,
});

/** Adds a page to a row: its share, and whether it is the row's alone. */
const count = (row: MappingFigures, alone: boolean, share: Rational): void => {
  row.pages += 1;
  row.committedBytes += PAGE;
  if (alone) row.privateBytes += PAGE;
  else row.sharedBytes += PAGE;
  row.pss = add(row.pss, share);
};

/** Every (address, page) that a mapping reaches. */
export const reached = function* (
  process: ModelProcess, m: ModelMapping, reach: ModelReach,
): Generator<Page> {
  for (const [address, treePage] of pagesOf(m)) {
    const page = reach === 'present' ? process.entries.get(address) : lookup(m.vmo.tree, treePage);
    if (page !== undefined && page !== null) yield page;
  }
};

/** Zircon's share count: distinct address spaces, 1 below two mappings, an estimate above 64. */
export const shareCount = (world: World, vmo: ModelVmo): number => {
  const owners: ModelProcess[] = [];
  for (const process of world.processes) {
    for (const m of process.mappings) if (m.vmo === vmo) owners.push(process);
  }
  if (owners.length < 2) return 1;
  const seen = new Set<ModelProcess>();
  for (const [visited, owner] of owners.entries()) {
    if (!seen.has(owner) && seen.size === 64) {
      const rest = owners.length - visited;
      return seen.size + Math.floor((rest * seen.size) / visited);
    }
    seen.add(owner);
  }
  return seen.size;
};

const emptyFigures = (process: ModelProcess): ProcessFigures => ({
  process, mappings: [], privateBytes: 0, sharedBytes: 0, pss: ZERO,
  pagesByOwners: new Map(), unmapped: ZERO,
});

const finish = (figures: ProcessFigures): ProcessFigures => {
  for (const m of figures.mappings) {
    figures.privateBytes += m.privateBytes;
    figures.sharedBytes += m.sharedBytes;
    figures.pss = add(figures.pss, m.pss);
  }
  return figures;
};

/** Owners of every reached page: the distinct processes. */
export const ownersOf = (world: World, reach: ModelReach): Map<Page, Set<ModelProcess>> => {
  const owners = new Map<Page, Set<ModelProcess>>();
  for (const process of world.processes) {
    for (const m of process.mappings) {
      for (const page of reached(process, m, reach)) {
        const set = owners.get(page) ?? new Set();
        owners.set(page, set.add(process));
      }
    }
  }
  return owners;
};

/** Processes with a handle to a VMO that shows the page, for each page. */
const handleHolders = (world: World): Map<Page, Set<ModelProcess>> => {
  const holders = new Map<Page, Set<ModelProcess>>();
  for (const process of world.processes) {
    for (const { vmo } of process.handles) {
      for (const page of shownPages(vmo)) {
        holders.set(page, (holders.get(page) ?? new Set()).add(process));
      }
    }
  }
  return holders;
};

/** Every page that a VMO shows, its own and its live parents'. */
const shownPages = (vmo: ModelVmo): Set<Page> => {
  const pages = new Set<Page>();
  const from = vmo.treeOffset;
  const end = from + sizePages(vmo);
  const candidates = new Set<number>();
  let shift = 0;
  for (let tree: Tree | null = vmo.tree; tree !== null; tree = tree.parent) {
    for (const at of tree.slots.keys()) candidates.add(at - shift);
    shift += tree.parentOffset;
  }
  for (const at of candidates) {
    if (at < from || at >= end) continue;
    const page = lookup(vmo.tree, at);
    if (page !== undefined) pages.add(page);
  }
  return pages;
};

/** `exact`. */
export const exact = (world: World, reach: ModelReach): ProcessFigures[] => {
  const owners = ownersOf(world, reach);
  const holders = handleHolders(world);
  return world.processes.map((process) => {
    const figures = emptyFigures(process);
    for (const mapping of rowsOf(process)) {
      const row = emptyRow(mapping);
      for (const page of reached(process, mapping, reach)) {
        const { size } = owners.get(page)!;
        count(row, size === 1, ratio(PAGE, size));
      }
      figures.mappings.push(row);
    }
    for (const set of owners.values()) {
      if (!set.has(process)) continue;
      figures.pagesByOwners.set(set.size, (figures.pagesByOwners.get(set.size) ?? 0) + 1);
      if (set.size === 1) figures.privateBytes += PAGE;
      else figures.sharedBytes += PAGE;
      figures.pss = add(figures.pss, ratio(PAGE, set.size));
    }
    for (const [page, set] of holders) {
      if (owners.has(page) || !set.has(process)) continue;
      figures.unmapped = add(figures.unmapped, ratio(PAGE, set.size));
    }
    return figures;
  });
};

/** `exact`, for processes that belong together: each page once, however many members reach it. */
export const exactGroup = (
  world: World, members: ReadonlySet<ModelProcess>, reach: ModelReach,
): Pick<ProcessFigures, 'privateBytes' | 'sharedBytes' | 'pss'> => {
  const group = { privateBytes: 0, sharedBytes: 0, pss: ZERO };
  for (const owners of ownersOf(world, reach).values()) {
    const inside = [...owners].filter((process) => members.has(process)).length;
    if (inside === 0) continue;
    if (inside === owners.size) group.privateBytes += PAGE;
    else group.sharedBytes += PAGE;
    group.pss = add(group.pss, ratio(PAGE * inside, owners.size));
  }
  return group;
};

/** Living VMOs whose own trees hold the page, oldest first. */
export const holdingVmos = (world: World, page: Page): ModelVmo[] => {
  const trees = new Set(world.holders(page));
  return world.vmos.filter((vmo) => !isWindow(vmo) && trees.has(vmo.tree));
};

/**
 * A VMO's own pages in a range of its tree, with the number of trees that hold each: also trees
 * whose VMO is gone and that slices or references keep, though these pay nothing (4.1, 4.3).
 */
const heldPages = function* (
  world: World, vmo: ModelVmo, treePages: Iterable<number>,
): Generator<[Page, number]> {
  if (isWindow(vmo)) return;
  for (const at of treePages) {
    const page = ownPage(vmo.tree, at);
    if (page !== undefined) yield [page, world.holders(page).length];
  }
};

const treePagesOf = function* (m: ModelMapping): Generator<number> {
  for (const [, treePage] of pagesOf(m)) yield treePage;
};

/** `attributed`, for VMOs: bytes seen, bytes nobody else sees, and the scaled share. */
export const attributedVmos = (world: World): VmoFigures[] => world.vmos.map((vmo) => {
  const row = { vmo, committedBytes: 0, privateBytes: 0, scaled: ZERO };
  for (const [, trees] of heldPages(world, vmo, vmo.tree.slots.keys())) {
    row.committedBytes += PAGE;
    if (trees === 1) row.privateBytes += PAGE;
    row.scaled = add(row.scaled, ratio(PAGE, trees));
  }
  return row;
});

/** `attributed`, for processes: per mapping, sums counted as often as mapped. */
export const attributed = (world: World): ProcessFigures[] => world.processes.map((process) => {
  const figures = emptyFigures(process);
  for (const mapping of rowsOf(process)) {
    const row = emptyRow(mapping);
    const spaces = shareCount(world, mapping.vmo);
    for (const [, trees] of heldPages(world, mapping.vmo, treePagesOf(mapping))) {
      count(row, spaces === 1 && trees === 1, divide(ratio(PAGE, trees), spaces));
    }
    figures.mappings.push(row);
  }
  return finish(figures);
});

/** The oldest living VMO whose own tree holds the page; undefined: nobody's. */
export const oldestHolder = (world: World, page: Page): ModelVmo | undefined =>
  holdingVmos(world, page)[0];

/** `classic`, for VMOs. */
export const classicVmos = (world: World): VmoFigures[] => world.vmos.map((vmo) => {
  const row = { vmo, committedBytes: 0, privateBytes: 0, scaled: ZERO };
  for (const [page] of heldPages(world, vmo, vmo.tree.slots.keys())) {
    if (oldestHolder(world, page) !== vmo) continue;
    row.committedBytes += PAGE;
    row.scaled = add(row.scaled, ratio(PAGE));
  }
  return row;
});

/** A mapping, or a stretch of one, under `classic`: one integer division for the whole of it. */
const classicRow = (world: World, mapping: ModelMapping): MappingFigures => {
  const row = emptyRow(mapping);
  for (const [page] of heldPages(world, mapping.vmo, treePagesOf(mapping))) {
    if (oldestHolder(world, page) === mapping.vmo) row.committedBytes += PAGE;
  }
  const spaces = shareCount(world, mapping.vmo);
  if (spaces === 1) row.privateBytes = row.committedBytes;
  else row.sharedBytes = row.committedBytes;
  row.pss = ratio(Math.floor(row.committedBytes / spaces));
  return row;
};

/** `classic`, for processes: the sums of whole mappings; its rows divide each stretch by itself. */
export const classic = (world: World): ProcessFigures[] => world.processes.map((process) => {
  const whole = emptyFigures(process);
  whole.mappings.push(...process.mappings.map((mapping) => classicRow(world, mapping)));
  const rows = rowsOf(process).map((mapping) => classicRow(world, mapping));
  return { ...finish(whole), mappings: rows };
});

/** `mapcount`: Linux's proportional set size. */
export const mapcount = (world: World, reach: ModelReach = 'present'): ProcessFigures[] => {
  const counts = new Map<Page, number>();
  for (const process of world.processes) {
    for (const m of process.mappings) {
      for (const page of reached(process, m, reach)) counts.set(page, (counts.get(page) ?? 0) + 1);
    }
  }
  return world.processes.map((process) => {
    const figures = emptyFigures(process);
    for (const mapping of rowsOf(process)) {
      const row = emptyRow(mapping);
      for (const page of reached(process, mapping, reach)) {
        const entries = counts.get(page)!;
        count(row, entries === 1, ratio(Math.floor((PAGE << 12) / entries), 4096));
      }
      figures.mappings.push(row);
    }
    return finish(figures);
  });
};
