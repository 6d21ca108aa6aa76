/**
 * Page queues, reclaim and zero-page dedup through the core's door (assembly/queues.ts).
 *
 * I1. A stored queue is a number of the core: eight of them are generations, whose ages change
 *     with each rotation. Nobody above keeps one across a rotation.
 */
import { CorePaged } from './paged.js';
import type { VmoRef } from './refs.js';

/** A queue of pages, as users call it. */
export type PageQueueName =
  | 'anonymous' | 'anonymous_zero_fork' | 'wired' | 'pager_backed_dirty' | 'high_priority'
  | 'failed_reclaim' | 'isolate' | 'reclaim';

/** Where a page stands. */
export interface QueuePlace {
  /** The queue. */
  readonly queue: PageQueueName;
  /** `reclaim`: generation, 0 the newest to 7 the oldest; else undefined. */
  readonly index: number | undefined;
  /** Whether ALWAYS_NEED was said of it, and not DONT_NEED since. */
  readonly isNeeded: boolean;
}

const QUEUES: readonly (readonly [constant: string, name: PageQueueName])[] = [
  ['Q_ZERO_FORK', 'anonymous_zero_fork'], ['Q_ANONYMOUS', 'anonymous'],
  ['Q_HIGH_PRIORITY', 'high_priority'], ['Q_FAILED_RECLAIM', 'failed_reclaim'],
  ['Q_ISOLATE', 'isolate'], ['Q_WIRED', 'wired'], ['Q_DIRTY', 'pager_backed_dirty'],
];

/** A core's page queues. */
export class CoreQueued extends CorePaged {
  /** Pages in each queue, and in each generation from the newest on. */
  queueCounts(): {
    /** All but `reclaim`. */ queues: Map<PageQueueName, number>;
    /** Pages of each generation. */ generations: number[];
  } {
    const at = this.word('H_XFER');
    this.raw.queueCounts(at);
    const stored = (queue: number): number => this.u32[(at >>> 2) + queue] as number;
    const queues = new Map(QUEUES.map(([constant, name]) =>
      [name, stored(this.constants[constant] as number)]));
    const generations = Array.from({ length: this.constants.GENERATIONS as number },
      (_, age) => stored(this.raw.queueOfAge(age)));
    return { queues, generations };
  }

  /** Pages that somebody wrote bytes into and that read zero. */
  zeroPages(): number {
    return this.raw.zeroPages();
  }

  /** Where a frame stands; undefined for one that is no VMO's page. */
  queuePlace(frame: number): QueuePlace | undefined {
    const stored = this.raw.frameQueue(frame);
    if (stored < 0) return undefined;
    const isNeeded = this.u32[(this.constants.H_OUT as number) >>> 2] !== 0;
    const found = QUEUES.find(([constant]) => this.constants[constant] === stored);
    if (found !== undefined) return { queue: found[1], index: undefined, isNeeded };
    const { GENERATIONS } = this.constants;
    const index = (this.raw.queueOfAge(0) - stored) & (GENERATIONS as number - 1);
    return { queue: 'reclaim', index, isNeeded };
  }

  /** Puts a frame into a queue, whether it belongs there or not: for the kernel's own tests. */
  queueSet(frame: number, name: PageQueueName): void {
    this.raw.queueSet(frame, this.#stored(name, 0));
  }

  /** A frame was used: if it stands in an order of age it is of the newest. */
  queueAccess(frame: number): void {
    this.raw.queueAccess(frame);
  }

  /** Every generation is one older. */
  queuesRotate(): void {
    this.raw.queuesRotate();
  }

  /** Takes the accessed bits of all page tables. */
  queuesHarvest(): void {
    this.raw.queuesHarvest();
  }

  /** Pages of a root that a VMO sees in a range were used. */
  pagesAccessed(vmo: VmoRef, page: number, pages: number): void {
    this.raw.vmoEachSeen(vmo, page, pages, this.constants.DO_ACCESS as number);
  }

  /** ALWAYS_NEED or DONT_NEED for pages of a root that a VMO sees in a range. */
  pagesHint(vmo: VmoRef, page: number, pages: number, isNeeded: boolean): void {
    const { DO_NEED, DO_NOT_NEED } = this.constants;
    this.raw.vmoEachSeen(vmo, page, pages, (isNeeded ? DO_NEED : DO_NOT_NEED) as number);
  }

  /** A VMO's memory priority. */
  setHighPriority(vmo: VmoRef, isHigh: boolean): void {
    this.raw.vmoHighPriority(vmo, isHigh ? 1 : 0);
  }

  /**
   * Evicts at most so many pages of a root from a queue, lowest first.
   *
   * @param age - of the generation; isolated pages if left out
   * @returns how many went, or NO_MEMORY
   */
  pagedEvict(root: VmoRef, most: number, ignoreHints: boolean, age?: number): number {
    const queue = this.#stored(age === undefined ? 'isolate' : 'reclaim', age ?? 0);
    const gone = this.raw.pagerEvict(root, queue, most, ignoreHints ? 1 : 0);
    this.settleReleases();
    return gone;
  }

  /** Takes a page that reads zero and that a VMO has to itself; whether it went. */
  dedupZero(vmo: VmoRef, page: number): boolean {
    const gone = this.raw.vmoDedupZero(vmo, page);
    this.settleReleases();
    return gone !== 0;
  }

  /** Looks at zero forks of a VMO from a page on, at most `most`; see assembly/dedup.ts. */
  dedupScan(vmo: VmoRef, page: number, most: number, untouchedToo: boolean): {
    /** Pages that went. */ gone: number;
    /** Pages looked at. */ seen: number;
    /** Where to go on; undefined at the end. */ next: number | undefined;
  } {
    const gone = this.raw.vmoDedupScan(vmo, page, most, untouchedToo ? 1 : 0);
    const out = this.constants.H_OUT as number;
    const seen = this.u32[out >>> 2] as number;
    const next = this.f64[(out + 8) >>> 3] as number;
    this.settleReleases();
    return { gone, seen, next: next < 0 ? undefined : next };
  }

  #stored(name: PageQueueName, age: number): number {
    if (name === 'reclaim') return this.raw.queueOfAge(age);
    const [constant] = QUEUES.find(([, other]) => other === name)!;
    return this.constants[constant] as number;
  }
}
