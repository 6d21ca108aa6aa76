/**
 * The door for tests: what the kernel does by itself and no user can ask for.
 *
 * I1. Programs have no business here; nothing in `src/` but this file knows it.
 */

import { CoreVmoKind } from '../core/core.js';
import type { PageQueueName } from '../core/queued.js';
import { fail } from './errors.js';
import type { Koid } from './koid.js';
import { killOnOom } from './oom.js';
import type { KernelSystem } from './system.js';
import { isPageAligned, refuse, toU64, vmoSizePages, type Bytes } from './units.js';
import type { Vmo } from './vmo.js';
import { makeVmo } from './vmo-create.js';

/** A system as the kernel itself handles it. */
export class KernelDoor {
  readonly #system: KernelSystem;

  /** @param system - the system */
  constructor(system: KernelSystem) {
    this.#system = system;
  }

  /**
   * Makes an anonymous VMO as the kernel does for itself: the size is not rounded
   * (memory-semantics 1.2).
   *
   * @param size - bytes, a multiple of 4096
   * @throws ZxError ZX_ERR_OUT_OF_RANGE above the largest size, ZX_ERR_INVALID_ARGS for an
   *     unaligned one
   */
  createVmo(size: Bytes): Vmo {
    this.#system.assertNotBusy();
    const bytes = toU64(size, 'size');
    if (!isPageAligned(bytes)) {
      fail('ZX_ERR_INVALID_ARGS', `size ${bytes}: expected a multiple of 4096`, { size: bytes });
    }
    const sizePages = vmoSizePages(bytes);
    const kind = CoreVmoKind.ANONYMOUS;
    return makeVmo(this.#system, { kind, sizePages, streamSizeBytes: bytes });
  }

  /**
   * Runs out of memory once, where `kernel.oom.behavior` is `jobkill` (8.5): one marked job dies.
   *
   * @returns koid of the job that was killed; undefined where none is marked
   */
  oomKill(): Koid | undefined {
    this.#system.assertNotBusy();
    return killOnOom(this.#system.rootJob.object)?.koid;
  }

  /**
   * Lets time pass up to a moment.
   *
   * @param nowNs - nanoseconds since the system began, not before its clock's
   * @throws ZxError ZX_ERR_INVALID_ARGS for a moment that is over
   */
  passTime(nowNs: Bytes): void {
    const now = toU64(nowNs, 'nowNs');
    const { clock } = this.#system;
    if (now < clock.nowNs) refuse(nowNs, 'nowNs', `at least ${clock.nowNs}`);
    this.#system.advance(now - clock.nowNs);
  }

  /**
   * Forces a page into a queue, whether it belongs there or not, as the kernel's own tests of its
   * queues do.
   *
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past the VMO's end, ZX_ERR_NOT_FOUND where it has no page
   */
  movePage(vmo: Vmo, offset: Bytes, queue: PageQueueName): void {
    this.#system.queues.move(vmo, offset, queue);
  }

  /** A page was used, as the processor or a reader says: `MarkAccessed` (7.2). */
  markAccessed(vmo: Vmo, offset: Bytes): void {
    this.#system.assertNotBusy();
    this.#system.core.queueAccess(this.#system.queues.frameOf(vmo, offset));
  }

  /** A VMO's pages are of high priority, as those of a VMAR with high memory priority, or not. */
  setHighPriority(vmo: Vmo, isHigh: boolean): void {
    this.#system.assertNotBusy();
    this.#system.core.setHighPriority(vmo.object.tree.ref, isHigh);
  }

  /**
   * Takes a page that reads zero, as the scanner does (7.4).
   *
   * @returns whether it went
   */
  dedupZeroPage(vmo: Vmo, page: number): boolean {
    return this.#system.reclaim.dedupZeroPage(vmo.object, page);
  }

  /**
   * Discards a VMO's pages, as when memory is low: only if it is discardable and unlocked, and
   * nothing in it is pinned (5.5).
   *
   * @returns how many pages went
   */
  discard(vmo: Vmo): number {
    this.#system.assertNotBusy();
    return vmo.object.discard();
  }
}
