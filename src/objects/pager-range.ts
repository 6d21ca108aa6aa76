/**
 * What a pager does with ranges of its VMOs (`zx_pager_op_range`), and moving pages from one VMO
 * into another.
 *
 * I1. A refused call changed nothing.
 */

import { checkCore, checkMemory, fail } from './errors.js';
import type { PageSource } from './page-source.js';
import { DIRTY_RANGE_IS_ZERO, FAILURES, PagerOp } from './pager-options.js';
import { Status } from './status.js';
import { isPageAligned, pageOf } from './units.js';
import type { VmoObject } from './vmo-object.js';
import { checkRange } from './vmo-range.js';

/** A range in bytes. */
export interface ByteRange {
  /** First byte. */ readonly offset: bigint;
  /** Bytes. */ readonly length: bigint;
}

/** An operation of `Pager.opRange`. */
export interface PagerOpRequest extends ByteRange {
  /** One of `PagerOp`. */ readonly op: number;
  /** What the operation takes besides. */ readonly data: number;
}

/**
 * Refuses what is not a multiple of a page.
 *
 * @throws ZxError ZX_ERR_INVALID_ARGS
 */
export function checkAligned(...values: readonly bigint[]): void {
  for (const value of values) {
    if (isPageAligned(value)) continue;
    fail('ZX_ERR_INVALID_ARGS', `${value}: expected a multiple of 4096`, { value });
  }
}

/** Does an operation on a VMO that its pager made; rights and alignment were checked. */
export function pagerOp(root: VmoObject, source: PageSource, request: PagerOpRequest): void {
  const { op, offset, length, data } = request;
  const first = pageOf(offset);
  const pages = pageOf(length);
  const { core } = root.system;
  const { ref } = root.tree;
  if (op === PagerOp.FAIL) {
    const allowed = FAILURES.join(', ');
    if (!FAILURES.includes(data)) refuseData(data, `a status out of ${allowed}`);
    checkRange(root, offset, length);
    checkAttached(root, source);
    source.fail(first, pages, data);
  } else if (op === PagerOp.DIRTY) {
    if (data !== 0) refuseData(data, '0');
    if (!source.trapsDirty) {
      fail('ZX_ERR_NOT_SUPPORTED', `VMO ${root.koid} does not trap writes`, { koid: root.koid });
    }
    checkRange(root, offset, length);
    checkAttached(root, source);
    const status = core.pagedAllowDirty(ref, first, pages);
    const what = `to let pages ${first}+${pages} become dirty`;
    if (status !== Status.ZX_ERR_NOT_FOUND) checkMemory(core, status, what, { first, pages });
    checkCore(status, `pages ${first}+${pages}: not all were supplied`, { first, pages });
  } else if (op === PagerOp.WRITEBACK_BEGIN) {
    if (data !== 0 && data !== DIRTY_RANGE_IS_ZERO) refuseData(data, '0 or 1');
    checkRange(root, offset, length);
    const status = core.pagedWritebackBegin(ref, first, pages, data !== 0);
    checkMemory(core, status, 'to write back', { first, pages });
  } else if (op === PagerOp.WRITEBACK_END) {
    if (data !== 0) refuseData(data, '0');
    checkRange(root, offset, length);
    const status = core.pagedWritebackEnd(ref, first, pages);
    checkMemory(core, status, 'to write back', { first, pages });
  } else fail('ZX_ERR_NOT_SUPPORTED', `pager operation ${op}: allowed 1 to 4`, { op });
}

/**
 * Moves pages out of a VMO into another.
 *
 * @param target - where they go
 * @param range - where in it
 * @param aux - where they come from
 * @param auxOffset - where in it
 * @param check - refuses by what the target is, once its range is known to be inside
 * @param replaces - whether what the target has goes
 */
export function moveInto(
  target: VmoObject, range: ByteRange, aux: VmoObject, auxOffset: bigint, check: () => void,
  replaces = false,
): void {
  if (aux.isContiguous) refuseSource(aux, 'is physical or contiguous');
  checkRange(aux, auxOffset, range.length);
  if (aux.isPagerBacked) refuseSource(aux, 'is filled by a pager');
  const first = pageOf(auxOffset);
  const pages = pageOf(range.length);
  const pinnedPages = aux.tree.pinnedPages(aux.offsetPages + first, pages);
  if (pinnedPages > 0) {
    fail('ZX_ERR_BAD_STATE', `${pinnedPages} pages are pinned: expected none`, { pinnedPages });
  }
  checkRange(target, range.offset, range.length);
  check();
  const { core } = target.system;
  const to = target.offsetPages + pageOf(range.offset);
  const { ref } = target.tree;
  const from = aux.offsetPages + first;
  const borrow = !replaces && mayBorrow(target);
  const how = { replace: replaces, borrow };
  const status = core.pagesMove(ref, to, pages, aux.tree.ref, from, how);
  checkMemory(core, status, `to move ${pages} pages`, { pages });
}

/**
 * Whether pages supplied to a VMO may stand in frames that contiguous VMOs have lent (6.4): it must
 * be able to give them back at once, so a pager that hears of first writes has none, as on Zircon,
 * nor a VMO that was ever pinned.
 */
function mayBorrow({ system, tree }: VmoObject): boolean {
  const { source } = tree;
  if (!system.pageLoaning || tree.wasPinned) return false;
  return source?.isRoot(tree) === true && !source.trapsDirty;
}

/** `zx_vmo_transfer_data`, whose rights and alignment were checked. */
export function transferPages(
  target: VmoObject, range: ByteRange, source: VmoObject, sourceOffset: bigint,
): void {
  const { tree } = target;
  if (tree === source.tree) {
    fail('ZX_ERR_INVALID_ARGS', `VMO ${target.koid}: its own pages cannot be moved into it`, {
      koid: target.koid,
    });
  }
  moveInto(target, range, source, sourceOffset, () => {
    const isFilled = target.isPagerBacked && tree.parent === undefined;
    if (target.isContiguous || isFilled) {
      fail('ZX_ERR_NOT_SUPPORTED', `VMO ${target.koid} has its pages from elsewhere`, {
        koid: target.koid,
      });
    }
    const first = target.offsetPages + pageOf(range.offset);
    const pinnedPages = tree.pinnedPages(first, pageOf(range.length));
    if (pinnedPages === 0) return;
    fail('ZX_ERR_BAD_STATE', `${pinnedPages} pages are pinned: expected none`, { pinnedPages });
  }, true);
}

function checkAttached(root: VmoObject, source: PageSource): void {
  if (!source.isDetached) return;
  fail('ZX_ERR_BAD_STATE', `VMO ${root.koid} was detached`, { koid: root.koid });
}

function refuseData(data: number, expected: string): never {
  return fail('ZX_ERR_INVALID_ARGS', `data ${data}: expected ${expected}`, { data });
}

function refuseSource(aux: VmoObject, why: string): never {
  return fail('ZX_ERR_NOT_SUPPORTED', `VMO ${aux.koid} ${why}: no pages to take`, {
    koid: aux.koid,
  });
}
