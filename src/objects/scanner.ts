/**
 * The memory scanner: what it finds, and what it takes when somebody asks (memory-semantics 7).
 *
 * By itself it looks for pages that read zero while time passes (ageing.ts); switched off it does
 * not, and refuses what it is asked. The watchdog's eviction is not the scanner's and goes on.
 *
 * I1. It is on exactly while every `disable` has had its `enable`.
 * I2. Looking changes nothing.
 */

import { fail } from './errors.js';
import { kernelMemoryExtended } from './kernel-memory.js';
import type { NewestGeneration, PageQueueCounts } from './page-queues.js';
import type { EvictReport } from './reclaim.js';
import type { KernelSystem } from './system.js';
import { PAGE_BYTES, toCount } from './units.js';

/** What a scan of all memory finds, in pages. */
export interface ScannerReport {
  /** How often the scanner was switched off; 0: it is on. */ readonly disables: number;
  /** Pages that somebody wrote bytes into and that read zero. */ readonly zeroPages: number;
  /** Pages of discardable VMOs that are locked. */ readonly discardableLockedPages: number;
  /** Pages of those that are not. */ readonly discardableUnlockedPages: number;
  /** Pages in each queue. */ readonly queues: PageQueueCounts;
  /** The newest generation. */ readonly newest: NewestGeneration;
  /** How long ago that began, ns. */ readonly newestAgeNs: bigint;
}

/** What the scanner took. */
export interface ScannerReclaim extends EvictReport {
  /** Free pages before. */ readonly freePagesBefore: number;
  /** Free pages after it, before zero pages were looked for. */ readonly freePagesAfter: number;
  /** Pages that read zero and went; undefined where nobody looked for them. */
  readonly zeroPagesGone?: number;
}

/** The scanner of a system. */
export class MemoryScanner {
  readonly #system: KernelSystem;
  #disables = 0;

  /** @param system - the system */
  constructor(system: KernelSystem) {
    this.#system = system;
  }

  /** Whether it works. */
  get isOn(): boolean {
    return this.#disables === 0;
  }

  /** Switches it off, once more. */
  disable(): void {
    this.#system.assertNotBusy();
    this.#disables += 1;
  }

  /**
   * Takes one `disable` back.
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it is on
   */
  enable(): void {
    this.#system.assertNotBusy();
    if (this.isOn) fail('ZX_ERR_BAD_STATE', 'the scanner is on: expected one that was disabled');
    this.#disables -= 1;
  }

  /** Looks at all memory. */
  report(): ScannerReport {
    const { clock, core, queues } = this.#system;
    const memory = kernelMemoryExtended(this.#system);
    const { newest } = queues;
    return {
      disables: this.#disables,
      zeroPages: core.zeroPages(),
      discardableLockedPages: memory.vmoDiscardableLockedBytes / PAGE_BYTES,
      discardableUnlockedPages: memory.vmoDiscardableUnlockedBytes / PAGE_BYTES,
      queues: queues.counts,
      newest,
      newestAgeNs: clock.nowNs - newest.sinceNs,
    };
  }

  /**
   * Takes pages that nobody needs to keep, as `Reclaim.evict` does.
   *
   * @param pages - how many
   * @param onlyOld - whether only pages of the two oldest generations, and isolated ones, may go
   * @throws ZxError ZX_ERR_BAD_STATE while it is off, ZX_ERR_INVALID_ARGS
   */
  reclaim(pages: number, onlyOld = false): ScannerReclaim {
    this.#system.assertNotBusy();
    toCount(pages, 'pages');
    this.#assertOn();
    const { core, reclaim } = this.#system;
    const freePagesBefore = core.freePages;
    const report = reclaim.evict(pages, { level: onlyOld ? 'oldest' : 'all' });
    return { ...report, freePagesBefore, freePagesAfter: core.freePages };
  }

  /**
   * Takes all such pages, and every page that somebody wrote bytes into and that reads zero.
   *
   * @throws ZxError ZX_ERR_BAD_STATE while it is off
   */
  reclaimAll(): ScannerReclaim {
    const { physicalPages } = this.#system.core;
    const evicted = this.reclaim(physicalPages);
    const { pagesGone } = this.#system.reclaim.scanZeroPages(physicalPages);
    return { ...evicted, zeroPagesGone: pagesGone };
  }

  /**
   * Takes the accessed bits of all page tables, as `PageQueues.harvestAccessed` does.
   *
   * @throws ZxError ZX_ERR_BAD_STATE while it is off
   */
  harvestAccessed(): void {
    this.#system.assertNotBusy();
    this.#assertOn();
    this.#system.queues.harvestAccessed();
  }

  /** Time passes for the pages, as `PageQueues.rotate` has it; also while it is off. */
  rotate(): void {
    this.#system.queues.rotate();
  }

  #assertOn(): void {
    if (this.isOn) return;
    const disables = this.#disables;
    fail('ZX_ERR_BAD_STATE', `the scanner is off, disabled ${disables} times: expected it on`, {
      disables,
    });
  }
}
