/**
 * Using pages that a pager may have to supply first: the pager is asked until all is there, then
 * the use goes on in one piece.
 *
 * I1. Nothing is changed before the last answer. Where the pager fails, or does not help, the
 *     access fails, and what the pager did meanwhile is all that has changed.
 * I2. A handler may do anything, also close, cut or unmap what is in use: what is lacking is looked
 *     for from the start after each answer, and the VMO is held meanwhile.
 * I3. VMOs that no pager fills pay one comparison.
 */

import { PagedUse, type PagedNeed } from '../core/paged.js';
import type { AddressSpace } from './aspace.js';
import { fail } from './errors.js';
import { Access } from './vm-options.js';
import type { VmoObject } from './vmo-object.js';

/** Pages of a VMO, and what is to be done with them. */
export interface PageUse {
  /** First page. */ readonly first: number;
  /** Number of pages. */ readonly pages: number;
  /** One of `PagedUse`. */ readonly use: PagedUse;
}

/** Pages that a VMO's pager has to be asked for, and what they are for. */
export interface Lack {
  /** The VMO. */ readonly vmo: VmoObject;
  /** One of `PagedUse`. */ readonly use: PagedUse;
  /** The pages. */ readonly need: PagedNeed;
}

/** The first pages of a range that the VMO's pager has to be asked for, if any. */
export function findLack(vmo: VmoObject, { first, pages, use }: PageUse): Lack | undefined {
  const { source } = vmo.tree;
  if (source === undefined) return undefined;
  const at = vmo.offsetPages + first;
  const { core } = vmo.system;
  const need = core.pagedNeed(vmo.tree.ref, at, pages, use, source.trapsDirty);
  return need === undefined ? undefined : { vmo, use, need };
}

/**
 * Asks pagers until nothing is lacking.
 *
 * @param pages - how many pages are used. Each answer helps at least one, and a page needs two at
 *     most: more answers mean a pager that takes back what it gave
 * @param find - checks that the use may still be, and tells what is lacking first
 * @throws ZxError as `PageSource.ask` and `find`; ZX_ERR_TIMED_OUT where the pager does not help
 */
export function askUntilReady(pages: number, find: () => Lack | undefined): void {
  for (let left = 2 * pages + 2; ; left--) {
    const lack = find();
    if (lack === undefined) return;
    const { vmo, use, need } = lack;
    if (left === 0) giveUp(need, 'takes back what it gave');
    vmo.addPin();
    try {
      vmo.tree.source?.ask(need);
      const next = findLack(vmo, { first: need.page - vmo.offsetPages, pages: 1, use });
      if (next?.need.isDirty === need.isDirty) giveUp(need, 'did not answer');
    } finally {
      vmo.removePin();
    }
  }
}

/**
 * Does something with pages of a VMO once its pager has made them ready.
 *
 * @param vmo - the VMO
 * @param uses - ranges inside it, and what is to be done with them
 * @param action - does it; marks nothing dirty itself
 * @throws ZxError as `askUntilReady` and the action; ZX_ERR_OUT_OF_RANGE where the VMO was cut
 *     meanwhile
 */
export function usePages<T>(vmo: VmoObject, uses: readonly PageUse[], action: () => T): T {
  const { source } = vmo.tree;
  if (source === undefined) return action();
  const pages = uses.reduce((sum, use) => sum + use.pages, 0);
  vmo.addPin();
  try {
    askUntilReady(pages, () => {
      checkInside(vmo, uses);
      return uses.map((use) => findLack(vmo, use)).find((lack) => lack !== undefined);
    });
    const result = action();
    for (const { first, pages: count, use } of uses) {
      if (use === PagedUse.WRITE) noteWritten(vmo, first, count);
    }
    return result;
  } finally {
    vmo.removePin();
  }
}

/** Pages of an address space, as an access wants them. */
export interface Touch {
  /** First virtual page. */ readonly page: number;
  /** Number of pages. */ readonly pages: number;
  /** Bits of `Access`. */ readonly access: number;
  /** First byte of the access. */ readonly firstAddress: bigint;
}

/**
 * Touches mapped memory once the pagers of what is mapped there have made it ready.
 *
 * @param aspace - the address space
 * @param touch - the access
 * @param action - touches, knowing nothing of pagers
 * @throws ZxError as `askUntilReady`, and the fault where the access may not be at all
 */
export function touchPages(aspace: AddressSpace, touch: Touch, action: () => number): number {
  const { page, pages, access, firstAddress } = touch;
  const use = (access & Access.WRITE) !== 0 ? PagedUse.WRITE : PagedUse.READ;
  askUntilReady(pages, () => {
    aspace.assertAccess(page, pages, access, firstAddress);
    for (const { mapping, first, pages: count } of aspace.stretches(page, pages)) {
      const part = { first: mapping.vmoOffsetPages + first, pages: count, use };
      const lack = findLack(mapping.vmo, part);
      if (lack !== undefined) return lack;
    }
    return undefined;
  });
  const touched = action();
  if (use !== PagedUse.WRITE) return touched;
  for (const { mapping, first, pages: count } of aspace.stretches(page, pages)) {
    noteWritten(mapping.vmo, mapping.vmoOffsetPages + first, count);
  }
  return touched;
}

/** Pages were written: those that a pager fills are dirty now. Clones have no dirty pages. */
function noteWritten(vmo: VmoObject, first: number, pages: number): void {
  const { tree } = vmo;
  if (tree.source?.isRoot(tree) !== true) return;
  vmo.system.core.pagedWritten(tree.ref, vmo.offsetPages + first, pages);
  tree.source.isModified = true;
}

function checkInside(vmo: VmoObject, uses: readonly PageUse[]): void {
  const { sizePages } = vmo;
  for (const { first, pages } of uses) {
    if (first + pages <= sizePages) continue;
    const details = { first, pages, sizePages };
    fail('ZX_ERR_OUT_OF_RANGE', `pages ${first}+${pages}: the VMO has ${sizePages} now`, details);
  }
}

function giveUp(need: PagedNeed, what: string): never {
  const { rootPage: page, pages } = need;
  return fail('ZX_ERR_TIMED_OUT', `pages ${page}+${pages}: the pager ${what}`, { page, pages });
}
