/**
 * Page queues as programs see them (memory-semantics 7.1, 7.2): how many pages wait where, how old
 * they are, and what makes them older.
 *
 * I1. Every page of a VMO stands in one queue; counts follow each change, so asking costs no scan.
 * I2. Looking changes nothing.
 */

import type { PageQueueName, QueuePlace } from '../core/queued.js';
import { fail } from './errors.js';
import { toHandle } from './handle.js';
import type { KernelSystem } from './system.js';
import { PAGE_BYTES, pageOf, toU64, type Bytes } from './units.js';
import { Vmo } from './vmo.js';
import { checkRange } from './vmo-range.js';

/** Generations of reclaim: every page of a pager that is clean is of one. */
export const GENERATIONS = 8;
/** Generations that count as active: the newest ones. */
export const ACTIVE_GENERATIONS = 2;
/** Generations that reclaim looks at first: the oldest ones. */
export const OLDEST_GENERATIONS = 2;

/** Pages in each queue. */
export interface PageQueueCounts {
  /** Of anonymous VMOs, and copies. */ readonly anonymous: number;
  /** Made by a fault that found nothing: candidates of zero-page dedup. */
  readonly anonymousZeroFork: number;
  /** Pinned, or of contiguous VMOs. */ readonly wired: number;
  /** Of pagers' VMOs, not written back yet. */ readonly pagerBackedDirty: number;
  /** Of high-priority VMOs. */ readonly highPriority: number;
  /** Not made smaller by compression, and not written since. */ readonly failedReclaim: number;
  /** Older than the oldest generation, or not needed: the first to go. */ readonly isolate: number;
  /** In all generations. */ readonly reclaim: number;
  /** In each generation, the newest first. */ readonly generations: readonly number[];
  /** In the two newest generations. */ readonly active: number;
  /** In the other generations, and isolated. */ readonly inactive: number;
}

/** Why the pages grew older last; as upstream names it. */
export type AgeReason = 'None' | 'Timeout' | 'Active ratio' | 'Manual';

/** The newest generation. */
export interface NewestGeneration {
  /** Its number: each rotation begins the next one. The system begins with 7. */
  readonly number: number;
  /** When it began, ns on the system's clock. */ readonly sinceNs: bigint;
  /** Why. */ readonly reason: AgeReason;
}

/** What could be reclaimed, as ZX_INFO_KMEM_STATS_EXTENDED has it. */
export interface ReclaimableMemory {
  /** `vmo_reclaim_total_bytes`: pages that have an age. */ readonly totalBytes: number;
  /** `vmo_reclaim_newest_bytes`: of the active generations. */ readonly newestBytes: number;
  /** `vmo_reclaim_oldest_bytes`: of the two oldest, and isolated. */ readonly oldestBytes: number;
  /** `vmo_reclaim_disabled_bytes`: high priority. */ readonly disabledBytes: number;
}

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);

/** The page queues of a system. */
export class PageQueues {
  readonly #system: KernelSystem;
  #newest: NewestGeneration = { number: GENERATIONS - 1, sinceNs: 0n, reason: 'None' };

  /** @param system - the system */
  constructor(system: KernelSystem) {
    this.#system = system;
  }

  /** Pages in each queue now. */
  get counts(): PageQueueCounts {
    const { queues, generations } = this.#system.core.queueCounts();
    const pages = (name: PageQueueName): number => queues.get(name) ?? 0;
    const isolate = pages('isolate');
    const reclaim = sum(generations);
    const active = sum(generations.slice(0, ACTIVE_GENERATIONS));
    return {
      anonymous: pages('anonymous'),
      anonymousZeroFork: pages('anonymous_zero_fork'),
      wired: pages('wired'),
      pagerBackedDirty: pages('pager_backed_dirty'),
      highPriority: pages('high_priority'),
      failedReclaim: pages('failed_reclaim'),
      isolate,
      reclaim,
      generations,
      active,
      inactive: reclaim - active + isolate,
    };
  }

  /** The newest generation; the oldest has the number of it less 7. */
  get newest(): NewestGeneration {
    return this.#newest;
  }

  /** What could be reclaimed. */
  get reclaimable(): ReclaimableMemory {
    const { generations, isolate, reclaim, active, highPriority } = this.counts;
    const oldest = sum(generations.slice(-OLDEST_GENERATIONS)) + isolate;
    return {
      totalBytes: (reclaim + isolate) * PAGE_BYTES,
      newestBytes: active * PAGE_BYTES,
      oldestBytes: oldest * PAGE_BYTES,
      disabledBytes: highPriority * PAGE_BYTES,
    };
  }

  /**
   * Where the page that a VMO shows at a byte stands.
   *
   * @param vmo - any VMO
   * @param offset - a byte of the page
   * @returns undefined where the VMO has no page of memory there
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past its end
   */
  placeOf(vmo: Vmo, offset: Bytes): QueuePlace | undefined {
    const { core } = this.#system;
    const frame = this.frameOf(vmo, offset);
    return frame === 0 ? undefined : core.queuePlace(frame);
  }

  /**
   * The frame that a VMO shows at a byte, 0 for none.
   *
   * @internal
   */
  frameOf(vmo: Vmo, offset: Bytes): number {
    const object = toHandle(vmo, Vmo, 'vmo', this.#system).forPager(0);
    const at = toU64(offset, 'offset');
    checkRange(object, at, 1n);
    if (object.isPhysical) return 0;
    return this.#system.core.vmoFrame(object.tree.ref, object.offsetPages + pageOf(at));
  }

  /**
   * Time passes for the pages: every generation is one older, the oldest one's pages are isolated.
   * Every 5 seconds of the system's time this happens by itself (`ageing` of its options).
   */
  rotate(): void {
    this.#system.assertNotBusy();
    this.#system.core.queuesRotate();
    this.begin(1, this.#system.clock.nowNs, 'Manual');
  }

  /**
   * The same, by itself.
   *
   * @internal
   */
  rotateAt(sinceNs: bigint, reason: AgeReason): void {
    this.#system.core.queuesRotate();
    this.begin(1, sinceNs, reason);
  }

  /**
   * Generations begin, of which only the number matters: no page has an age.
   *
   * @internal
   */
  begin(generations: number, sinceNs: bigint, reason: AgeReason): void {
    this.#newest = { number: this.#newest.number + generations, sinceNs, reason };
  }

  /**
   * Takes the accessed bits of all page tables: what was used since is of the newest generation.
   * Without pages that have an age nothing is looked at.
   */
  harvestAccessed(): void {
    this.#system.assertNotBusy();
    const { reclaim, isolate } = this.counts;
    if (reclaim + isolate > 0) this.#system.core.queuesHarvest();
  }

  /**
   * Forces a page into a queue, lawful or not: for the kernel's own tests.
   *
   * @internal
   */
  move(vmo: Vmo, offset: Bytes, queue: PageQueueName): void {
    this.#system.assertNotBusy();
    const frame = this.frameOf(vmo, offset);
    if (frame === 0) fail('ZX_ERR_NOT_FOUND', `no page at offset ${offset}`, { offset });
    this.#system.core.queueSet(frame, queue);
  }
}
