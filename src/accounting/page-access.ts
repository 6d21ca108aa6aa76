/**
 * What an access would do at a place now: what a read shows, what a write takes.
 *
 * I1. Nothing is touched: the answer is read off the lists and tables.
 */

import { CoreVmoKind } from '../core/core.js';
import { PagedUse, type PagedNeed } from '../core/paged.js';
import { missingTables } from '../core/whose.js';
import { findLack } from '../objects/paged-use.js';
import type { StatusName } from '../objects/status.js';
import { Access } from '../objects/vm-options.js';
import type { VmoObject } from '../objects/vmo-object.js';
import type { FrameReach } from './page-reach.js';
import type { Place } from './page-target.js';
import type { PageAccess } from './page-types.js';

/** What stands at a place, as far as an access cares. */
export interface Standing {
  /** Who has the frame there; undefined without a frame. */ readonly reach: FrameReach | undefined;
  /** It is a lent page of a contiguous VMO. */ readonly isLent: boolean;
  /** It was swapped out when it was recorded. */ readonly isSwapped: boolean;
}

/** The access to a place asked by VMO or process; undefined for one asked by PFN. */
export function accessAt(place: Place, standing: Standing): PageAccess | undefined {
  const { vmo, process, page } = place;
  if (vmo === undefined) return undefined;
  const readFault = faultAt(place, Access.READ);
  const writeFault = faultAt(place, Access.WRITE);
  const isAllowed = readFault === undefined || writeFault === undefined;
  return {
    read: readFault ?? readOf(place, standing),
    ...(writeFault === undefined ? writeOf(place, standing) : { write: writeFault, newPages: 0 }),
    newTables: process === undefined || page === undefined || !isAllowed
      ? 0 : missingTables(vmo.system.core, process.aspace.ref, page),
  };
}

function faultAt({ vmo, process, page }: Place, access: number): StatusName | undefined {
  if (vmo?.isDiscarded === true) return 'ZX_ERR_NOT_FOUND';
  if (process === undefined || page === undefined) return undefined;
  return process.aspace.findFault(page, 1, access)?.status;
}

/** What the pager has to be asked before a page is used; undefined for nothing. */
function lackOf({ vmo, vmoPage = 0 }: Place, use: PagedUse): PagedNeed | undefined {
  return vmo === undefined ? undefined : findLack(vmo, { first: vmoPage, pages: 1, use })?.need;
}

function readOf(place: Place, { isLent, isSwapped }: Standing): PageAccess['read'] {
  if (place.vmo?.isPhysical === true) return 'device';
  if (place.frame !== 0) return 'page';
  if (isLent) return 'lent';
  const { vmo, vmoPage = 0 } = place;
  if (vmo?.tree.hasCompressed(vmo.offsetPages + vmoPage, 1) === true) return 'page';
  if (lackOf(place, PagedUse.READ) !== undefined) return 'pager';
  return isSwapped ? 'swapped' : 'zeros';
}

function writeOf(
  place: Place, standing: Standing,
): Pick<PageAccess, 'write' | 'newPages'> {
  const lack = lackOf(place, PagedUse.WRITE);
  if (lack === undefined) {
    const write = ownWrite(place, standing);
    return { write, newPages: write === 'in place' ? 0 : 1 };
  }
  const { tree } = place.vmo as VmoObject;
  const isRoot = tree.source?.isRoot(tree) === true;
  return { write: 'pager', newPages: lack.isDirty ? 0 : isRoot ? 1 : 2 };
}

/** A page is written in place where no list but the VMO's own has it, and that only here. */
function ownWrite(
  { vmo, frame }: Place, { reach, isLent }: Standing,
): 'in place' | 'copy' | 'new' {
  if (vmo === undefined || vmo.isPhysical || isLent) return 'in place';
  if (frame === 0 || reach === undefined) return 'new';
  if (vmo.tree.kind === CoreVmoKind.CONTIGUOUS) return 'in place';
  let own = 0;
  for (const places of reach.trees.values()) {
    for (const { isOwn } of places) own += isOwn ? 1 : 0;
  }
  const isHere = reach.trees.get(vmo.tree)?.some(({ isOwn }) => isOwn) === true;
  return own === 1 && isHere ? 'in place' : 'copy';
}
