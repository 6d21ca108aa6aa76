/**
 * `zx_vmo_op_range`: operations on ranges of a VMO, with the checks in the order of
 * memory-semantics 5.
 *
 * I1. A refused operation changed nothing. Slices act on the tree they stand on.
 * I2. Cache operations check and do nothing: the simulation has no caches. Hints mean the pages of
 *     a pager that a VMO sees; others have no age.
 */

import { PagedUse } from '../core/paged.js';
import { type Discardable, VmoLockState } from './discardable.js';
import { checkMemory, fail } from './errors.js';
import { usePages } from './paged-use.js';
import { Right } from './rights.js';
import { isPageAligned, pageOf, pagesUp } from './units.js';
import { zeroBytes } from './vmo-bytes.js';
import type { VmoObject } from './vmo-object.js';
import { CachePolicy, VmoOp } from './vmo-options.js';

/** Rights that a handle needs for an operation: all of one set. */
const NEEDS: Readonly<Record<number, number>> = {
  [VmoOp.COMMIT]: Right.WRITE,
  [VmoOp.DECOMMIT]: Right.WRITE,
  [VmoOp.ZERO]: Right.WRITE,
  [VmoOp.CACHE_INVALIDATE]: Right.WRITE,
  [VmoOp.CACHE_SYNC]: Right.READ,
  [VmoOp.CACHE_CLEAN]: Right.READ,
  [VmoOp.CACHE_CLEAN_INVALIDATE]: Right.READ,
  [VmoOp.PREFETCH]: Right.READ,
  [VmoOp.DONT_NEED]: 0,
  [VmoOp.ALWAYS_NEED]: 0,
  [VmoOp.LOCK]: 0,
  [VmoOp.TRY_LOCK]: 0,
  [VmoOp.UNLOCK]: 0,
};

const LOCKS: readonly number[] = [VmoOp.LOCK, VmoOp.TRY_LOCK, VmoOp.UNLOCK];
const CACHES: readonly number[] = [
  VmoOp.CACHE_SYNC, VmoOp.CACHE_INVALIDATE, VmoOp.CACHE_CLEAN, VmoOp.CACHE_CLEAN_INVALIDATE,
];

/**
 * Refuses an operation that is none, or that the handle may not do (5.1, 5.2).
 *
 * @param op - one of `VmoOp`
 * @param rights - the handle's rights
 */
export function checkOpRights(op: number, rights: number): void {
  const needed = NEEDS[op] ?? fail('ZX_ERR_INVALID_ARGS', `range operation ${op}`, { op });
  const isLock = LOCKS.includes(op);
  const denied = isLock
    ? (rights & (Right.READ | Right.WRITE)) === 0
    : (rights & needed) !== needed;
  if (!denied) return;
  fail('ZX_ERR_ACCESS_DENIED', `range operation ${op} needs rights the handle lacks`, {
    op,
    rights,
  });
}

/**
 * Does an operation whose rights were checked.
 *
 * @param vmo - the VMO
 * @param op - one of `VmoOp`
 * @param offset - first byte
 * @param length - bytes
 * @param state - LOCK: what it tells
 */
export function opRange(
  vmo: VmoObject, op: number, offset: bigint, length: bigint, state?: VmoLockState,
): void {
  if (op === VmoOp.CACHE_INVALIDATE && !vmo.system.debugSyscalls) unsupported(vmo, op);
  if (CACHES.includes(op) && length === 0n) {
    fail('ZX_ERR_INVALID_ARGS', 'length 0: cache operations need at least 1', { length });
  }
  if (LOCKS.includes(op)) {
    lockRange(vmo, op, offset, length, state);
    return;
  }
  checkRange(vmo, offset, length);
  if (op === VmoOp.COMMIT) commit(vmo, offset, length);
  else if (op === VmoOp.DECOMMIT) decommit(vmo, offset, length);
  else if (op === VmoOp.ZERO) zero(vmo, offset, length);
  else if (op === VmoOp.PREFETCH || op === VmoOp.ALWAYS_NEED) fetch(vmo, op, offset, length);
  else if (op === VmoOp.DONT_NEED) hint(vmo, offset, length, false);
  else if (CACHES.includes(op) && vmo.isPhysical) unsupported(vmo, op);
}

/**
 * Refuses a range that leaves the VMO.
 *
 * @throws ZxError ZX_ERR_OUT_OF_RANGE
 */
export function checkRange(vmo: VmoObject, offset: bigint, length: bigint): void {
  const { sizeBytes } = vmo;
  if (offset + length <= sizeBytes) return;
  fail('ZX_ERR_OUT_OF_RANGE', `range ${offset}+${length}: allowed 0 to ${sizeBytes}`, {
    offset,
    length,
    maximumBytes: sizeBytes,
  });
}

/**
 * Refuses to look for contents where none can be had: the VMO is not cached, or was discarded.
 *
 * @throws ZxError ZX_ERR_BAD_STATE, ZX_ERR_NOT_FOUND
 */
export function checkContents(vmo: VmoObject): void {
  const { cachePolicy } = vmo;
  if (cachePolicy !== CachePolicy.CACHED) {
    fail('ZX_ERR_BAD_STATE', `cache policy ${cachePolicy}: only cached VMOs can be read`, {
      cachePolicy,
    });
  }
  checkKept(vmo);
}

/** Refuses a VMO that was discarded and not locked since (5.5). */
export function checkKept(vmo: VmoObject): void {
  if (!vmo.isDiscarded) return;
  const { koid } = vmo;
  fail('ZX_ERR_NOT_FOUND', `VMO ${koid} was discarded: lock it first`, { koid });
}

/** LOCK, TRY_LOCK, UNLOCK (5.5). */
function lockRange(
  vmo: VmoObject, op: number, offset: bigint, length: bigint, state: VmoLockState | undefined,
): void {
  const { discardable, sizeBytes } = vmo;
  if (discardable === undefined) unsupported(vmo, op);
  if (offset !== 0n || length !== sizeBytes) {
    fail('ZX_ERR_OUT_OF_RANGE', `range ${offset}+${length}: a lock takes all, 0+${sizeBytes}`, {
      offset, length, sizeBytes,
    });
  }
  if (op === VmoOp.UNLOCK) {
    if (discardable.unlock()) vmo.system.reclaim.unlocked.add(vmo);
    return;
  }
  const mayLack = op === VmoOp.TRY_LOCK && state === undefined;
  if (!mayLack && !(state instanceof VmoLockState)) {
    fail('ZX_ERR_INVALID_ARGS', 'a lock without a VmoLockState: expected one to fill in', { op });
  }
  if (op === VmoOp.TRY_LOCK && discardable.isDiscarded) {
    fail('ZX_ERR_UNAVAILABLE', `VMO ${vmo.koid} was discarded: only LOCK brings it back`, {
      koid: vmo.koid,
    });
  }
  const discardedSize = lock(vmo, discardable) ? sizeBytes : 0n;
  if (state !== undefined) {
    Object.assign(state, { offset, size: length, discardedOffset: 0n, discardedSize });
  }
}

function lock(vmo: VmoObject, discardable: Discardable): boolean {
  const wasDiscarded = discardable.lock();
  vmo.system.reclaim.unlocked.delete(vmo);
  if (wasDiscarded) vmo.system.core.vmoRevive(vmo.tree.ref);
  return wasDiscarded;
}

function unsupported(vmo: VmoObject, op: number): never {
  return fail('ZX_ERR_NOT_SUPPORTED', `range operation ${op} on VMO ${vmo.koid}`, {
    op,
    koid: vmo.koid,
  });
}

function commit(vmo: VmoObject, offset: bigint, length: bigint): void {
  if (vmo.isPhysical) unsupported(vmo, VmoOp.COMMIT);
  if (length === 0n) return;
  checkKept(vmo);
  const { core } = vmo.system;
  const first = pageOf(offset);
  const pages = pagesUp(offset + length) - first;
  usePages(vmo, [{ first, pages, use: PagedUse.COMMIT }], () => {
    const status = core.vmoCommit(vmo.tree.ref, vmo.offsetPages + first, pages);
    checkMemory(core, status, `to commit ${pages} pages`, { pages });
  });
}

/** Has a pager supply what is absent, and compressed pages made again; allocates nothing else. */
function fetch(vmo: VmoObject, op: number, offset: bigint, length: bigint): void {
  const first = pageOf(offset);
  const pages = pagesUp(offset + length) - first;
  if (length === 0n) return;
  usePages(vmo, [{ first, pages, use: PagedUse.READ }], () => {
    if (op === VmoOp.ALWAYS_NEED) hint(vmo, offset, length, true);
    const { core } = vmo.system;
    const { tree } = vmo;
    if (!tree.hasCompressed(vmo.offsetPages + first, pages)) return;
    const status = core.vmoExpand(tree.ref, vmo.offsetPages + first, pages);
    checkMemory(core, status, `to make ${pages} pages again`, { pages });
  });
}

/** Pages of a pager are needed (again and again), or not any more (7.2). */
function hint(vmo: VmoObject, offset: bigint, length: bigint, isNeeded: boolean): void {
  if (length === 0n || vmo.tree.source === undefined) return;
  const first = pageOf(offset);
  const pages = pagesUp(offset + length) - first;
  vmo.system.core.pagesHint(vmo.tree.ref, vmo.offsetPages + first, pages, isNeeded);
}

function decommit(vmo: VmoObject, offset: bigint, length: bigint): void {
  if (!isPageAligned(offset) || !isPageAligned(length)) {
    fail('ZX_ERR_INVALID_ARGS', `range ${offset}+${length}: expected multiples of 4096`, {
      offset,
      length,
    });
  }
  const { tree } = vmo;
  const isClone = tree.parent !== undefined || tree.hasHiddenParent;
  const isFixed = vmo.isContiguous && (vmo.isPhysical || !vmo.system.pageLoaning);
  if (isClone || vmo.isPagerBacked || isFixed) unsupported(vmo, VmoOp.DECOMMIT);
  if (length === 0n) return;
  const { core } = vmo.system;
  const first = vmo.offsetPages + pageOf(offset);
  const pages = pageOf(length);
  const pinnedPages = tree.pinnedPages(first, pages);
  if (pinnedPages > 0) {
    fail('ZX_ERR_BAD_STATE', `${pinnedPages} pages are pinned: expected none`, { pinnedPages });
  }
  if (vmo.isContiguous) {
    core.vmoLend(tree.ref, first, pages);
    return;
  }
  const status = core.vmoDecommit(tree.ref, first, pages);
  checkMemory(core, status, `to decommit ${pages} pages`, { pages });
}

function zero(vmo: VmoObject, offset: bigint, length: bigint): void {
  if (vmo.isPhysical) unsupported(vmo, VmoOp.ZERO);
  zeroBytes(vmo, offset, length);
}

