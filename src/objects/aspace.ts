/**
 * An address space: one of the core's, and the tree of VMARs that lays it out.
 *
 * I1. A program's access is checked as a whole before the core touches a page; the first page that
 *     faults decides the status (memory-semantics 9.12).
 */

import type { AspaceRef } from '../core/core.js';
import { checkMemory, fail } from './errors.js';
import type { Mapping } from './mapping.js';
import { touchPages } from './paged-use.js';
import type { ProcessObject } from './process-object.js';
import type { StatusName } from './status.js';
import type { KernelSystem } from './system.js';
import { hex, toBytes } from './units.js';
import { VmarObject, type VmarPlace } from './vmar-object.js';

/** Why an access faults. */
export interface Fault {
  /** Status of the fault. */ readonly status: StatusName;
  /** Virtual page that faults. */ readonly page: number;
}

/** Pages of one mapping that an access covers. */
export interface Stretch {
  /** The mapping. */ readonly mapping: Mapping;
  /** First page, counted from the mapping's. */ readonly first: number;
  /** Number of pages. */ readonly pages: number;
}

/** An address space. */
export class AddressSpace {
  /** The system it belongs to. */
  readonly system: KernelSystem;
  /** The core's. */
  readonly ref: AspaceRef;
  /** The VMAR that covers all of it. */
  readonly root: VmarObject;
  /** The process whose memory it is; undefined for the kernel's own. */
  process: ProcessObject | undefined;
  /** Mappings of the vDSO's code, which nobody may take away (memory-semantics 9.7). */
  readonly vdsoCode = new Set<Mapping>();
  /** Regions placed so far, for addresses at random. */
  placements = 0;
  #streamBound = 0;
  #paged = 0;

  /**
   * @param system - the system it belongs to
   * @param place - range, name and koid of the root VMAR
   * @param ref - the core's address space, which nobody else uses
   */
  constructor(system: KernelSystem, place: VmarPlace, ref: AspaceRef) {
    this.system = system;
    this.ref = ref;
    this.root = new VmarObject(this, undefined, place);
  }

  /** Takes everything down: its process died. */
  destroy(): void {
    this.root.die((mapping) => mapping.forget());
    this.system.core.aspaceDestroy(this.ref);
  }

  /** The mapping that covers a virtual page. */
  mappingAt(page: number): Mapping | undefined {
    return this.root.leafAt(page).mapping;
  }

  /** The parts of mappings that [page, page + pages) covers, up to the first gap. */
  stretches(page: number, pages: number): Stretch[] {
    const found: Stretch[] = [];
    const end = page + pages;
    for (let at = page; at < end; ) {
      const mapping = this.mappingAt(at);
      if (mapping === undefined) break;
      const first = at - mapping.basePage;
      const count = Math.min(mapping.pages - first, end - at);
      found.push({ mapping, first, pages: count });
      at += count;
    }
    return found;
  }

  /** What an access would fault with first; undefined if it would not. */
  findFault(page: number, pages: number, access: number): Fault | undefined {
    let at = page;
    for (const { mapping, first, pages: count } of this.stretches(page, pages)) {
      const reach = mapping.reachablePages;
      for (const range of mapping.protections(first, count)) {
        const past = Math.max(range.first, reach);
        if ((access & ~range.perms) !== 0) {
          return { status: 'ZX_ERR_ACCESS_DENIED', page: mapping.basePage + range.first };
        }
        if (mapping.vmo.isDiscarded && range.first < reach) {
          return { status: 'ZX_ERR_NOT_FOUND', page: mapping.basePage + range.first };
        }
        if (past < range.first + range.pages) {
          return { status: 'ZX_ERR_OUT_OF_RANGE', page: mapping.basePage + past };
        }
      }
      at += count;
    }
    return at < page + pages ? { status: 'ZX_ERR_NOT_FOUND', page: at } : undefined;
  }

  /**
   * Touches pages as the program would.
   *
   * @param access - READ 1, WRITE 2, EXECUTE 4
   * @param firstAddress - the access's first byte
   * @param contents - so many pages can be given bytes afterwards without asking for memory
   * @returns the number of pages
   * @throws ZxError with the status of the first fault, or ZX_ERR_NO_MEMORY; then no page was
   *     touched. Where a pager fills what is mapped: also as `touchPages`
   */
  touch(
    page: number, pages: number, access: number, firstAddress = toBytes(page), contents = 0,
  ): number {
    if (pages === 0) return 0;
    if (this.#streamBound > 0) this.assertAccess(page, pages, access, firstAddress);
    if (this.#paged === 0) return this.#touchNow(page, pages, access, firstAddress, contents);
    return touchPages(this, { page, pages, access, firstAddress }, () =>
      this.#touchNow(page, pages, access, firstAddress, contents));
  }

  #touchNow(
    page: number, pages: number, access: number, firstAddress: bigint, contents: number,
  ): number {
    const { core } = this.system;
    const room = contents === 0 ? 0 : core.contentsReserve(contents);
    const touched = room < 0 ? room : core.faultRange(this.ref, page, pages, access);
    if (touched >= 0) return pages;
    this.assertAccess(page, pages, access, firstAddress);
    const what = `to touch ${pages} pages, with page tables and page lists for them`;
    return checkMemory(core, touched, what, { address: firstAddress, access, pages });
  }

  /** Refuses to take the vDSO's code out of [firstPage, endPage) or to change it there. */
  assertNoVdsoCode(firstPage: number, endPage: number): void {
    for (const { basePage, pages } of this.vdsoCode) {
      if (basePage >= endPage || basePage + pages <= firstPage) continue;
      const address = toBytes(basePage);
      fail('ZX_ERR_ACCESS_DENIED', `the vDSO's code is at ${hex(address)}`, { address });
    }
  }

  /** Counts a mapping that faults beyond its stream: accesses are checked here first then. */
  addStreamBound(count: number): void {
    this.#streamBound += count;
  }

  /** Counts a mapping of what a pager fills: accesses may have to ask it first then. */
  addPaged(count: number): void {
    this.#paged += count;
  }

  /**
   * Refuses an access that would fault; touches nothing.
   *
   * @throws ZxError with the status of the first fault
   */
  assertAccess(page: number, pages: number, access: number, firstAddress = toBytes(page)): void {
    const fault = this.findFault(page, pages, access);
    if (fault === undefined) return;
    const address = fault.page === page ? firstAddress : toBytes(fault.page);
    const details = { address, access, firstAddress, pages };
    fail(fault.status, `access ${access} at ${hex(address)} faults`, details);
  }

  /**
   * Makes sure that the core can take `count` more mappings here without asking for memory.
   *
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  reserveMappings(count: number): void {
    if (count === 0) return;
    const { core } = this.system;
    checkMemory(core, core.reserveMappings(this.ref, count), `for ${count} mappings`, { count });
  }
}
