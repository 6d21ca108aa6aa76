/**
 * `zx_vmo_create_child`: which child of a VMO one gets, and which refusal.
 *
 * The checks stand in the order of memory-semantics 2.2 to 2.6; nothing is changed before the last
 * one.
 *
 * I1. SNAPSHOT_AT_LEAST_ON_WRITE becomes a full snapshot where no pager is below, and
 *     SNAPSHOT_MODIFIED on a clone that already has a hidden parent (2.6).
 */

import { fail } from './errors.js';
import { checkKoid } from './object.js';
import type { PageTree } from './page-tree.js';
import { Right } from './rights.js';
import {
  isPageAligned, pageOf, PAGES_IN_64_BITS, vmoSizePages,
} from './units.js';
import { VmoObject, type Extent, type VmoParts, type VmoRole } from './vmo-object.js';
import { CachePolicy, VmoChild, VmoOption } from './vmo-options.js';

const COW_KINDS =
  VmoChild.SNAPSHOT | VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE | VmoChild.SNAPSHOT_MODIFIED;
const KINDS = COW_KINDS | VmoChild.SLICE | VmoChild.REFERENCE;

/** A child, and the rights its first handle gets. */
export interface NewChild {
  /** The child. */ readonly object: VmoObject;
  /** Rights by 2.7. */ readonly rights: number;
}

/** What was asked of `createChild`. */
export interface ChildRequest {
  /** Bits of `VmoChild`. */ readonly options: number;
  /** First byte in the parent. */ readonly offset: bigint;
  /** Bytes. */ readonly size: bigint;
  /** A builder's koid. */ readonly koid?: number;
}

/**
 * Makes a child.
 *
 * @param parent - the VMO
 * @param rights - rights of the parent's handle
 * @param request - what was asked
 * @throws ZxError with the status that section 2 of the semantics names
 */
export function createChild(parent: VmoObject, rights: number, request: ChildRequest): NewChild {
  const sizePages = vmoSizePages(request.size);
  const noWrite = (request.options & VmoChild.NO_WRITE) !== 0;
  const resizable = (request.options & VmoChild.RESIZABLE) !== 0;
  if (noWrite && resizable) refuseOptions(request.options, 'NO_WRITE excludes RESIZABLE');
  checkRights(rights, request.options);
  if (parent.discardable !== undefined) unsupported(parent, 'is discardable: no children');
  const kind = request.options & ~(VmoChild.NO_WRITE | VmoChild.RESIZABLE);
  if ((kind & ~KINDS) !== 0 || kind === 0 || (kind & (kind - 1)) !== 0) {
    refuseOptions(request.options, 'exactly one kind of child is expected');
  }
  checkKoid(parent.system, request.koid);
  const parts = childParts(parent, kind, resizable, noWrite, request, sizePages);
  const name = (rights & Right.GET_PROPERTY) !== 0 ? parent.name : '';
  const koid = request.koid === undefined ? {} : { koid: request.koid };
  const object = new VmoObject(parent.system, { ...parts, parent, name, ...koid });
  return { object, rights: childRights(rights, kind, noWrite, resizable) };
}

function childParts(
  parent: VmoObject,
  kind: number,
  resizable: boolean,
  noWrite: boolean,
  request: ChildRequest,
  sizePages: number,
): VmoParts {
  if (kind === VmoChild.SLICE) return slice(parent, resizable, request, sizePages);
  if (kind === VmoChild.REFERENCE) return reference(parent, resizable, request);
  return copyOnWrite(parent, kind, resizable, noWrite, request, sizePages);
}

function refuseOptions(options: number, why: string): never {
  return fail('ZX_ERR_INVALID_ARGS', `child options ${options}: ${why}`, { options });
}

function checkRights(rights: number, options: number): void {
  let needed: number = Right.DUPLICATE | Right.READ;
  const wanted = VmoChild.REFERENCE | VmoChild.RESIZABLE;
  if ((options & wanted) === wanted) needed |= Right.RESIZE;
  if ((rights & needed) === needed) return;
  fail('ZX_ERR_ACCESS_DENIED', `a child needs rights ${needed}, the handle has ${rights}`, {
    rights,
    neededRights: needed,
  });
}

function checkAligned(offset: bigint): void {
  if (isPageAligned(offset)) return;
  fail('ZX_ERR_INVALID_ARGS', `offset ${offset}: expected a multiple of 4096`, { offset });
}

function checkCached(parent: VmoObject): void {
  const { cachePolicy } = parent;
  if (cachePolicy === CachePolicy.CACHED) return;
  fail('ZX_ERR_BAD_STATE', `cache policy ${cachePolicy}: only cached VMOs allow this child`, {
    cachePolicy,
  });
}

function slice(
  parent: VmoObject,
  resizable: boolean,
  request: ChildRequest,
  sizePages: number,
): VmoParts {
  const { offset, size, options } = request;
  if (resizable) refuseOptions(options, 'a slice cannot be resizable');
  checkAligned(offset);
  const firstPage = pageOf(offset);
  if (firstPage + sizePages > parent.sizePages) {
    fail('ZX_ERR_INVALID_ARGS', `slice ${offset}+${size}: allowed 0 to ${parent.sizeBytes}`, {
      offset,
      size,
      maximumBytes: parent.sizeBytes,
    });
  }
  if (parent.extent.isResizable === true) {
    fail('ZX_ERR_NOT_SUPPORTED', `VMO ${parent.koid} is resizable: no slices`, {
      koid: parent.koid,
    });
  }
  if (!parent.isContiguous) checkCached(parent);
  parent.tree.retain();
  return {
    tree: parent.tree,
    offsetPages: parent.offsetPages + firstPage,
    extent: { sizePages, streamSizeBytes: size },
    options: 0,
    role: 'slice',
    cachePolicy: parent.cachePolicy,
  };
}

function reference(parent: VmoObject, resizable: boolean, request: ChildRequest): VmoParts {
  const { offset, size } = request;
  if (offset !== 0n || size !== 0n) {
    fail('ZX_ERR_INVALID_ARGS', `reference ${offset}+${size}: both have to be 0`, {
      offset,
      size,
    });
  }
  if (parent.role === 'slice' || parent.isContiguous) {
    fail('ZX_ERR_NOT_SUPPORTED', `VMO ${parent.koid} is a slice or contiguous: no references`, {
      koid: parent.koid,
    });
  }
  parent.tree.retain();
  return {
    tree: parent.tree,
    offsetPages: parent.offsetPages,
    extent: parent.extent,
    options: (parent.options & ~VmoOption.RESIZABLE) | (resizable ? VmoOption.RESIZABLE : 0),
    role: 'reference',
    cachePolicy: parent.cachePolicy,
  };
}

function copyOnWrite(
  parent: VmoObject,
  kind: number,
  resizable: boolean,
  noWrite: boolean,
  request: ChildRequest,
  sizePages: number,
): VmoParts {
  const { offset, size } = request;
  checkAligned(offset);
  const firstPage = parent.offsetPages + pageOf(offset);
  const end = parent.tree.rootOffsetPages + firstPage + sizePages;
  if (end >= PAGES_IN_64_BITS) {
    fail('ZX_ERR_INVALID_ARGS', `clone ${offset}+${size}: passes 2^64 in the root VMO`, {
      offset,
      size,
      rootOffsetPages: parent.tree.rootOffsetPages,
    });
  }
  if (parent.isPhysical) unsupported(parent, 'is physical: no copy-on-write children');
  if (parent.isContiguous) {
    fail('ZX_ERR_INVALID_ARGS', `VMO ${parent.koid} is contiguous: no copy-on-write children`, {
      koid: parent.koid,
    });
  }
  checkCached(parent);
  const live = isUnidirectional(parent, kind);
  if (!live) checkUnpinned(parent.tree);
  const visible = Math.max(0, parent.sizePages - pageOf(offset));
  const tree = live
    ? parent.tree.liveChild(firstPage, sizePages, visible)
    : parent.tree.snapshot(firstPage, sizePages);
  const role: VmoRole = 'snapshot';
  const immutable = kind === VmoChild.SNAPSHOT && noWrite;
  const options = resizable ? VmoOption.RESIZABLE : 0;
  const isResizable = (options & VmoOption.RESIZABLE) !== 0;
  const extent: Extent = { sizePages, streamSizeBytes: size, isResizable };
  return { tree, offsetPages: 0, extent, options, role, immutable };
}

/** Decides by 2.6 whether the child follows its parent, or throws. */
function isUnidirectional(parent: VmoObject, kind: number): boolean {
  const { tree } = parent;
  const isSlice = parent.role === 'slice';
  if (!parent.isPagerBacked) {
    if (isSlice) unsupported(parent, 'is a slice: no snapshots');
    return false;
  }
  const atRoot = tree.parent === undefined && !tree.hasHiddenParent;
  if (kind === VmoChild.SNAPSHOT) unsupported(parent, 'is backed by a pager: no full snapshots');
  if (atRoot) return true;
  if (isSlice) unsupported(parent, 'is a slice of a clone: no copy-on-write children');
  if (kind === VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE && !tree.hasHiddenParent) return true;
  if (tree.parent?.parent !== undefined) {
    unsupported(parent, 'stands on a chain of clones: no SNAPSHOT_MODIFIED');
  }
  return false;
}

function unsupported(parent: VmoObject, why: string): never {
  return fail('ZX_ERR_NOT_SUPPORTED', `VMO ${parent.koid} ${why}`, { koid: parent.koid });
}

function checkUnpinned(tree: PageTree): void {
  if (!tree.isPinned) return;
  const pinnedPages = tree.pinnedPages(0, PAGES_IN_64_BITS);
  fail('ZX_ERR_BAD_STATE', `${pinnedPages} pages are pinned: expected none`, { pinnedPages });
}

function childRights(
  parentRights: number,
  kind: number,
  noWrite: boolean,
  resizable: boolean,
): number {
  let rights = parentRights & ~Right.RESIZE;
  if (resizable) rights |= Right.RESIZE;
  rights |= Right.GET_PROPERTY | Right.SET_PROPERTY;
  if (noWrite) return rights & ~Right.WRITE;
  return (kind & COW_KINDS) === 0 ? rights : (rights | Right.WRITE) & ~Right.EXECUTE;
}

