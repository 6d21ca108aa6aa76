/**
 * Reclaim: what the kernel takes back when memory is short (memory-semantics 5.5, 7.3 to 7.5).
 *
 * I1. Only clean, unpinned pages of pagers go, which can be asked for again; discardable VMOs only
 *     while nobody has them locked or pinned; zero pages only where their VMO reads zero next.
 * I2. What any VMO reads is the same before and after, but for what was discarded.
 * I3. The order is fixed by age, then by the age of the VMO, then by page: the same system loses
 *     the same pages.
 */

import { CompressionStats } from './compression-stats.js';
import type { CompressionOutcome } from '../core/compressed.js';
import { checkMemory } from './errors.js';
import { toHandle } from './handle.js';
import { ACTIVE_GENERATIONS, GENERATIONS, OLDEST_GENERATIONS } from './page-queues.js';
import type { PageTree } from './page-tree.js';
import type { KernelSystem } from './system.js';
import {
  pageOf, pagesUp, refuse, toCount, toOptions, toU64, type Bytes,
} from './units.js';
import { Vmo } from './vmo.js';
import type { VmoObject } from './vmo-object.js';
import { CachePolicy } from './vmo-options.js';
import { checkRange } from './vmo-range.js';

/** What eviction may take. */
export interface EvictOptions {
  /** Also what was hinted ALWAYS_NEED; no if left out. */ readonly ignoreHints?: boolean;
  /**
   * How young pages may be: `oldest` takes isolated pages and the two oldest generations,
   * `inactive` all but the two newest; `all` if left out. Discardable VMOs have no age.
   */
  readonly level?: EvictLevel;
}

/** How young pages may be that go. */
export type EvictLevel = 'oldest' | 'inactive' | 'all';

/** What an eviction took. */
export interface EvictReport {
  /** All pages that went. */ readonly pages: number;
  /** Clean pages of pagers. */ readonly pagerPages: number;
  /** Pages of discardable VMOs. */ readonly discardablePages: number;
  /** Discardable VMOs that lost them. */ readonly discardedVmos: number;
}

/** What a search for zero pages found. */
export interface DedupReport {
  /** Candidates that were read. */ readonly pagesSeen: number;
  /** Those that read zero, and went. */ readonly pagesGone: number;
}

const LEVELS: Readonly<Record<EvictLevel, number>> = {
  oldest: GENERATIONS - OLDEST_GENERATIONS, inactive: ACTIVE_GENERATIONS, all: 0,
};

/** Reclaim on one system. */
export class Reclaim {
  readonly #system: KernelSystem;
  /**
   * What compression has done.
   *
   * @internal
   */
  readonly compression = new CompressionStats();
  /**
   * Discardable VMOs that may go, the least recently unlocked first.
   *
   * @internal
   */
  readonly unlocked = new Set<VmoObject>();
  #scan: Iterator<PageTree> | undefined;
  #scanned: { tree: PageTree; page: number } | undefined;

  /** @param system - the system */
  constructor(system: KernelSystem) {
    this.#system = system;
  }

  /**
   * Takes pages until so many are free that were not, or nothing is left to take: clean pages of
   * pagers, the oldest first; discardable VMOs that nobody has locked, as a whole, the least
   * recently unlocked first, before any active page goes.
   *
   * @param pages - how many; a discardable VMO may bring more
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_NO_MEMORY without host memory to begin with
   */
  evict(pages: number, options: EvictOptions = {}): EvictReport {
    this.#system.assertNotBusy();
    toCount(pages, 'pages');
    const { ignoreHints = false, level = 'all' } = toOptions(options);
    if (typeof ignoreHints !== 'boolean') refuse(ignoreHints, 'ignoreHints', 'true or false');
    if (!Object.hasOwn(LEVELS, level)) refuse(level, 'level', Object.keys(LEVELS).join(', '));
    const youngest = LEVELS[level];
    let pagerPages = this.#evictAge(undefined, pages, ignoreHints);
    const evictDown = (from: number, to: number): void => {
      for (let age = from; age >= to && pagerPages + discarded.pages < pages; age--) {
        pagerPages += this.#evictAge(age, pages - pagerPages - discarded.pages, ignoreHints);
      }
    };
    let discarded = { pages: 0, vmos: 0 };
    evictDown(GENERATIONS - 1, Math.max(youngest, ACTIVE_GENERATIONS));
    discarded = this.#discard(pages - pagerPages);
    evictDown(ACTIVE_GENERATIONS - 1, youngest);
    return {
      pages: pagerPages + discarded.pages, pagerPages, discardablePages: discarded.pages,
      discardedVmos: discarded.vmos,
    };
  }

  /**
   * Takes the clean, unpinned pages of a range from a pager's VMO, whatever their age; the pager is
   * asked again when they are used next. Other VMOs have none.
   *
   * @param vmo - any VMO
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes
   * @param options - `ignoreHints`: also what was hinted ALWAYS_NEED
   * @returns how many pages went
   * @throws ZxError ZX_ERR_OUT_OF_RANGE, ZX_ERR_NO_MEMORY
   */
  evictRange(
    vmo: Vmo, offset: Bytes, length: Bytes, options: Pick<EvictOptions, 'ignoreHints'> = {},
  ): number {
    const { core } = this.#system;
    this.#system.assertNotBusy();
    const object = toHandle(vmo, Vmo, 'vmo', this.#system).forPager(0);
    const { tree } = object;
    const from = toU64(offset, 'offset');
    const bytes = toU64(length, 'length');
    const { ignoreHints = false } = toOptions(options);
    if (typeof ignoreHints !== 'boolean') refuse(ignoreHints, 'ignoreHints', 'true or false');
    checkRange(object, from, bytes);
    if (tree.source?.isRoot(tree) !== true) return 0;
    const first = pageOf(from);
    const pages = pagesUp(from + bytes) - first;
    const at = object.offsetPages + first;
    const gone = core.pagedDropClean(tree.ref, at, pages, false, !ignoreHints);
    checkMemory(core, gone, 'to evict', { pages });
    if (gone > 0) tree.noteReclaim();
    return gone;
  }

  /** Pages that are compressed now. */
  get compressedPages(): number {
    return this.#system.core.compressedPages;
  }

  /**
   * Compresses the pages of a VMO, for every VMO that shares them: a page that is all zero costs
   * nothing any more, another one its LZ4 bytes in a page of state ZRAM, if they are at most half a
   * page. Any access makes the page again (7.5). Pinned pages stay, and so do those of pagers,
   * devices and contiguous VMOs, and of clones that follow their parent.
   *
   * @param vmo - any VMO
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes; all that follow unless given
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past the end
   */
  compress(vmo: Vmo, offset: Bytes = 0, length?: Bytes): CompressionOutcome {
    return this.#sweep(vmo, offset, length, false);
  }

  /**
   * Compresses pages until so many are free that were not, or none is left that goes: those of the
   * oldest VMO first. Pages that nobody wrote bytes into stay, since programs that touch pages
   * without writing stand for programs that write; so do those that were tried in vain, until they
   * are written anew (queue `failedReclaim`).
   *
   * @param pages - how many
   * @returns how many more are free
   * @throws ZxError ZX_ERR_INVALID_ARGS
   */
  compressOldest(pages: number): number {
    const system = this.#system;
    system.assertNotBusy();
    toCount(pages, 'pages');
    const { core } = system;
    const before = core.freePages;
    for (const tree of system.trees) {
      const missing = pages - (core.freePages - before);
      if (missing <= 0) break;
      const sizePages = core.vmoSizePages(tree.ref);
      const { withoutRoom } = sweepTree(system, tree, 0, sizePages, 'written', missing);
      if (withoutRoom > 0) break;
    }
    return core.freePages - before;
  }

  /**
   * Takes away the pages of a VMO that are all zero, for every VMO that shares them (7.4).
   *
   * @param vmo - any VMO
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes; all that follow unless given
   * @returns how many pages went
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past the end
   */
  dedupZeroPages(vmo: Vmo, offset: Bytes = 0, length?: Bytes): number {
    return this.#sweep(vmo, offset, length, true).zero;
  }

  /**
   * Looks for pages that read zero among those that faults made of nothing, where the last search
   * ended, and takes those that a VMO has to itself: it reads zero there without them.
   *
   * Pages that nobody wrote bytes into are left out, since programs that touch pages without
   * writing stand for programs that write: `untouchedToo` takes them as the zeros they read.
   *
   * @param most - candidates to look at
   * @throws ZxError ZX_ERR_INVALID_ARGS
   */
  scanZeroPages(most: number, options: {
    /** Also pages that were only touched; no if left out. */ readonly untouchedToo?: boolean;
  } = {}): DedupReport {
    const { core, queues, trees } = this.#system;
    this.#system.assertNotBusy();
    toCount(most, 'most');
    const { untouchedToo = false } = toOptions(options);
    if (typeof untouchedToo !== 'boolean') refuse(untouchedToo, 'untouchedToo', 'true or false');
    let [pagesSeen, pagesGone] = [0, 0];
    const enough = Math.min(most, queues.counts.anonymousZeroFork); // a look takes them out of it
    // every tree once, and the one that the search began in twice
    for (let left = trees.size + 1; left > 0 && pagesSeen < enough; left--) {
      const at = this.#nextToScan();
      if (at === undefined) break;
      if (!isCached(at.tree.owner)) continue;
      const found = core.dedupScan(at.tree.ref, at.page, most - pagesSeen, untouchedToo);
      pagesSeen += found.seen;
      pagesGone += found.gone;
      if (found.gone > 0) at.tree.noteReclaim();
      if (found.next !== undefined) this.#scanned = { tree: at.tree, page: found.next };
    }
    return { pagesSeen, pagesGone };
  }

  /**
   * Takes one page that a VMO has in its own list, if it reads zero and may go (7.4), for every VMO
   * that shares it.
   *
   * @returns whether it went
   * @internal
   */
  dedupZeroPage(vmo: VmoObject, page: number): boolean {
    this.#system.assertNotBusy();
    const { tree } = vmo;
    if (!isCached(tree.owner ?? vmo)) return false;
    const gone = this.#system.core.dedupZero(tree.ref, vmo.offsetPages + page);
    if (gone) tree.noteReclaim();
    return gone || sweepTree(this.#system, tree, vmo.offsetPages + page, 1, 'zeros').zero > 0;
  }

  #sweep(
    given: Vmo, offset: Bytes, length: Bytes | undefined, zerosOnly: boolean,
  ): CompressionOutcome {
    const system = this.#system;
    system.assertNotBusy();
    const vmo = toHandle(given, Vmo, 'vmo', system).object;
    const from = toU64(offset, 'offset');
    const bytes = length === undefined ? vmo.sizeBytes - from : toU64(length, 'length');
    checkRange(vmo, from, bytes < 0n ? 0n : bytes);
    if (vmo.isPhysical) return { compressed: 0, zero: 0, incompressible: 0, withoutRoom: 0 };
    const first = pageOf(from);
    const pages = pagesUp(from + bytes) - first;
    return sweepTree(system, vmo.tree, vmo.offsetPages + first, pages, zerosOnly ? 'zeros' : 'all');
  }

  #evictAge(age: number | undefined, most: number, ignoreHints: boolean): number {
    const { core, queues, trees } = this.#system;
    const { generations, isolate } = queues.counts;
    if (most === 0 || (age === undefined ? isolate : generations[age]) === 0) return 0;
    let gone = 0;
    for (const tree of trees) {
      if (gone === most) break;
      if (tree.source?.isRoot(tree) !== true) continue;
      const went = core.pagedEvict(tree.ref, most - gone, ignoreHints, age);
      if (gone === 0) checkMemory(core, went, 'to evict', { pages: most });
      if (went <= 0) continue;
      tree.noteReclaim();
      gone += went;
    }
    return gone;
  }

  #discard(pages: number): { pages: number; vmos: number } {
    const done = { pages: 0, vmos: 0 };
    for (const vmo of this.unlocked) {
      if (done.pages >= pages) break;
      if (vmo.ownPages === 0) continue;
      const gone = vmo.discard();
      done.pages += gone;
      done.vmos += gone > 0 ? 1 : 0;
    }
    return done;
  }

  /** The tree to look at next, and its page: the last one's rest, or the next one from the top. */
  #nextToScan(): { tree: PageTree; page: number } | undefined {
    const { trees } = this.#system;
    const last = this.#scanned;
    this.#scanned = undefined;
    if (last !== undefined && trees.has(last.tree)) return last;
    let next = this.#scan?.next();
    if (next === undefined || next.done === true) {
      this.#scan = trees[Symbol.iterator]();
      next = this.#scan.next();
    }
    return next.done === true ? undefined : { tree: next.value, page: 0 };
  }
}

/** Compresses pages of a tree, and counts it as a change for all of its family. */
function sweepTree(
  { core, reclaim }: KernelSystem, tree: PageTree, first: number, pages: number,
  what: 'zeros' | 'all' | 'written', wantedPages = Infinity,
): CompressionOutcome {
  const outcome = core.vmoCompress(tree.ref, first, pages, what, wantedPages);
  if (what !== 'zeros') reclaim.compression.add(outcome, what === 'written');
  if (outcome.compressed + outcome.zero > 0) tree.noteSweep();
  return outcome;
}

/** Only pages of cached VMOs are looked into (7.4); nobody else's page says otherwise. */
function isCached(vmo: VmoObject | undefined): boolean {
  return vmo === undefined || vmo.cachePolicy === CachePolicy.CACHED;
}
