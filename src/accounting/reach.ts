/**
 * Policy `exact`, reach `committed`: which pages of which trees a process reaches, as sets.
 *
 * A window on a live child (unidirectional clone) reaches its own pages, and through it the
 * parent's where its own list is silent, and so on up the chain. Windows of one process on one tree
 * are united, so that a page mapped twice counts once; trees of one family are told to the core,
 * which finds where they meet.
 */

import type { Core } from '../core/core.js';
import type { PageTree } from '../objects/page-tree.js';
import { subtract, unite, type Run } from './intervals.js';
import { Windows } from './windows.js';

/** Pages by tree, as sorted disjoint runs. */
export type Reach = ReadonlyMap<PageTree, readonly Run[]>;

/** A window on a tree. */
export interface TreeSpan {
  /** The tree. */ readonly tree: PageTree;
  /** First page. */ readonly page: number;
  /** Number of pages. */ readonly pages: number;
}

/** What windows of one holder reach together. */
export function reachOf(core: Core, spans: Iterable<TreeSpan>): Reach {
  const runs = new Map<PageTree, Run[]>();
  for (const { tree, page, pages } of spans)
    follow(core, runs, tree, { start: page, end: page + pages });
  const reach = new Map<PageTree, readonly Run[]>();
  for (const [tree, list] of runs) reach.set(tree, unite(list));
  return reach;
}

/** Adds a run and what it shows of live parents. */
function follow(core: Core, runs: Map<PageTree, Run[]>, from: PageTree, window: Run): void {
  let tree: PageTree | undefined = from;
  let visible: readonly Run[] = window.start < window.end ? [window] : [];
  while (tree !== undefined && visible.length > 0) {
    const list = runs.get(tree);
    if (list === undefined) runs.set(tree, [...visible]);
    else list.push(...visible);
    visible = tree.parent === undefined ? [] : through(core, tree, tree.parent, visible);
    tree = tree.parent;
  }
}

/** The runs of the parent that show through a tree's silent pages. */
function through(core: Core, tree: PageTree, parent: PageTree, runs: readonly Run[]): Run[] {
  const end = core.vmoLivePages(tree.ref);
  const live = runs
    .map((run) => ({ start: run.start, end: Math.min(run.end, end) }))
    .filter((run) => run.start < run.end);
  const holes: Run[] = [];
  for (const { start, end: stop } of live) {
    const own = core.vmoRuns(tree.ref, start, stop - start);
    for (let i = 0; i < own.length; i += 2) {
      const first = own[i] as number;
      holes.push({ start: first, end: first + (own[i + 1] as number) });
    }
  }
  const offset = core.vmoOffsetIn(tree.ref, parent.ref);
  return subtract(live, holes).map((run) => ({ start: run.start + offset, end: run.end + offset }));
}

/** Adds a reach to a list of windows. */
export function addReach(windows: Windows, reach: Reach, value: number): void {
  for (const [tree, runs] of reach) {
    for (const { start, end } of runs) windows.add(tree.ref, start, end - start, value);
  }
}

/** For each family of which a reach has several trees, its windows: there they may meet. */
export function meetingsOf(core: Core, reach: Reach): Windows[] {
  if (reach.size < 2) return [];
  const families = new Map<number, PageTree[]>();
  for (const tree of reach.keys()) {
    const family = core.vmoFamily(tree.ref);
    const trees = families.get(family);
    if (trees === undefined) families.set(family, [tree]);
    else trees.push(tree);
  }
  const meetings: Windows[] = [];
  for (const trees of families.values()) {
    if (trees.length < 2) continue;
    const windows = new Windows();
    for (const tree of trees) {
      for (const { start, end } of reach.get(tree) ?? []) {
        windows.add(tree.ref, start, end - start, 0);
      }
    }
    meetings.push(windows);
  }
  return meetings;
}

/** Equal windows of many holders become one with their number as weight. */
export class Crowd {
  readonly #trees =
    new Map<PageTree, Map<string, { readonly runs: readonly Run[]; count: number }>>();

  /** Counts a holder's reach. */
  add(reach: Reach): void {
    for (const [tree, runs] of reach) {
      const key = runs.map(({ start, end }) => `${start}-${end}`).join();
      let sets = this.#trees.get(tree);
      if (sets === undefined) this.#trees.set(tree, (sets = new Map()));
      const set = sets.get(key);
      if (set === undefined) sets.set(key, { runs, count: 1 });
      else set.count += 1;
    }
  }

  /** The windows, each with its number of holders times `unit` as value. */
  windows(unit = 1): Windows {
    const windows = new Windows();
    for (const [tree, sets] of this.#trees) {
      for (const { runs, count } of sets.values()) {
        for (const { start, end } of runs) windows.add(tree.ref, start, end - start, count * unit);
      }
    }
    return windows;
  }
}
