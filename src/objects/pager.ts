/**
 * Handles to pagers: the calls of `zx_pager_*`.
 *
 * I1. Checks stand in the kernel's order: alignment, the pager's rights, the VMO's rights, whether
 *     the VMO is this pager's, and then what the call itself says. A refused call changed nothing,
 *     also where the kernel might have taken the pages out of the auxiliary VMO.
 */

import { CoreVmoKind } from '../core/core.js';
import { checkMemory, fail } from './errors.js';
import { Handle, toHandle } from './handle.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import { checkNames, OBJECT_BYTES, ObjectType } from './object.js';
import { PageSource } from './page-source.js';
import { PageTree } from './page-tree.js';
import type { PagerObject } from './pager-object.js';
import {
  RESET_VMO_STATS, type DirtyRange, type DirtyRanges, type PageRequest, type PagerVmoNames,
} from './pager-options.js';
import { checkAligned, moveInto, pagerOp } from './pager-range.js';
import { DefaultRights, Right } from './rights.js';
import {
  MAX_VMO_SIZE_PAGES, pageOf, pagesUp, refuse, toBits, toBytes, toCount, toOptions, toU64,
  vmoSizePages, type Bytes,
} from './units.js';
import { Vmo } from './vmo.js';
import { VmoObject } from './vmo-object.js';
import { VmoOption } from './vmo-options.js';
import { checkRange } from './vmo-range.js';

/** A handle to a pager. */
export class Pager extends Handle<PagerObject> {
  /**
   * Makes a VMO that this pager fills (`zx_pager_create_vmo`; needs ATTACH_VMO).
   *
   * @param size - bytes, rounded up to a page
   * @param options - bits of `VmoOption`: RESIZABLE or UNBOUNDED, TRAP_DIRTY
   * @param names - the key in its requests, a name, a koid
   * @throws ZxError ZX_ERR_INVALID_ARGS for other bits, ZX_ERR_OUT_OF_RANGE above the largest
   *     size, ZX_ERR_NO_MEMORY
   */
  createVmo(size: Bytes, options = 0, names: PagerVmoNames = {}): Vmo {
    const pager = this.change(Right.ATTACH_VMO);
    const { system } = pager;
    toBits(options, 'options');
    toOptions(names, 'names');
    const { RESIZABLE, UNBOUNDED, TRAP_DIRTY } = VmoOption;
    const both = RESIZABLE | UNBOUNDED;
    if ((options & ~(both | TRAP_DIRTY)) !== 0 || (options & both) === both) {
      const allowed = 'RESIZABLE or UNBOUNDED, and TRAP_DIRTY';
      fail('ZX_ERR_INVALID_ARGS', `options ${options} of a pager's VMO: allowed ${allowed}`, {
        options,
      });
    }
    const bytes = toU64(size, 'size');
    const asked = vmoSizePages(bytes);
    const sizePages = (options & UNBOUNDED) !== 0 ? MAX_VMO_SIZE_PAGES : asked;
    const key = names.key === undefined ? undefined : toU64(names.key, 'key');
    checkNames(system, names);
    return system.heap.hold(OBJECT_BYTES[ObjectType.VMO] + HANDLE_BYTES, () => {
      const tree = PageTree.create(system, CoreVmoKind.PAGER, sizePages);
      this.#zeroTail(tree, asked, sizePages);
      const isResizable = (options & RESIZABLE) !== 0;
      const extent = { sizePages, streamSizeBytes: bytes, isResizable };
      const parts = { tree, offsetPages: 0, extent, options, role: 'root' as const };
      const vmo = new VmoObject(system, { ...names, ...parts });
      const trapsDirty = (options & TRAP_DIRTY) !== 0;
      tree.source = new PageSource(pager, tree, key ?? BigInt(vmo.koid), trapsDirty);
      pager.sources.add(tree.source);
      return new Vmo(vmo, DefaultRights.VMO | (isResizable ? Right.RESIZE : 0));
    });
  }

  /**
   * Takes a VMO from its pager (`zx_pager_detach_vmo`; needs ATTACH_VMO and MANAGE_VMO, the VMO
   * WRITE). Clean pages go, dirty ones stay and can be written back; pages that are absent fail
   * with ZX_ERR_BAD_STATE.
   *
   * @throws ZxError ZX_ERR_INVALID_ARGS for a VMO that is not this pager's
   */
  detachVmo(vmo: Vmo): void {
    const pager = this.change(Right.ATTACH_VMO | Right.MANAGE_VMO);
    const [root, source] = this.#own(vmo, Right.WRITE);
    if (source.isDetached) return;
    const { core } = pager.system;
    const gone = core.pagedDropClean(root.tree.ref, 0, root.sizePages, true, false);
    checkMemory(core, gone, 'to detach');
    pager.complete(source);
    source.detach();
  }

  /**
   * Supplies pages: moves them out of another VMO (`zx_pager_supply_pages`; needs MANAGE_VMO, the
   * VMO WRITE, the other READ and WRITE). What the VMO has stays, and the page that came for it is
   * freed; where the other has no page, zeros are supplied. The other reads zero there afterwards.
   *
   * @param vmo - a VMO of this pager
   * @param offset - first byte, a multiple of 4096
   * @param length - bytes, a multiple of 4096
   * @param aux - where the pages come from: not physical, contiguous or filled by a pager
   * @param auxOffset - first byte there, a multiple of 4096
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED, ZX_ERR_NOT_SUPPORTED,
   *     ZX_ERR_OUT_OF_RANGE, ZX_ERR_BAD_STATE where pages are pinned or the VMO was detached,
   *     ZX_ERR_NO_MEMORY
   */
  supplyPages(vmo: Vmo, offset: Bytes, length: Bytes, aux: Vmo, auxOffset: Bytes = 0): void {
    const range = { offset: toU64(offset, 'offset'), length: toU64(length, 'length') };
    const auxFrom = toU64(auxOffset, 'auxOffset');
    checkAligned(range.offset, range.length, auxFrom);
    this.change(Right.MANAGE_VMO);
    const [root, source] = this.#own(vmo, Right.WRITE);
    const { system } = root;
    const from = toHandle(aux, Vmo, 'aux', system).forPager(Right.READ | Right.WRITE);
    moveInto(root, range, from, auxFrom, () => {
      if (!source.isDetached) return;
      fail('ZX_ERR_BAD_STATE', `VMO ${root.koid} was detached`, { koid: root.koid });
    });
    source.settle();
  }

  /**
   * Answers or begins something (`zx_pager_op_range`; needs MANAGE_VMO, the VMO WRITE).
   *
   * @param op - one of `PagerOp`
   * @param vmo - a VMO of this pager
   * @param offset - first byte, a multiple of 4096
   * @param length - bytes, a multiple of 4096
   * @param data - FAIL: the status number; WRITEBACK_BEGIN: 0 or `DIRTY_RANGE_IS_ZERO`; else 0
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED, ZX_ERR_OUT_OF_RANGE,
   *     ZX_ERR_NOT_SUPPORTED for DIRTY without TRAP_DIRTY and for other operations,
   *     ZX_ERR_BAD_STATE for FAIL and DIRTY on a detached VMO, ZX_ERR_NOT_FOUND for DIRTY where
   *     pages are absent, ZX_ERR_NO_MEMORY
   */
  opRange(op: number, vmo: Vmo, offset: Bytes, length: Bytes, data = 0): void {
    const range = { offset: toU64(offset, 'offset'), length: toU64(length, 'length') };
    toBits(op, 'op');
    if (!Number.isSafeInteger(data)) refuse(data, 'data', 'a whole number');
    checkAligned(range.offset, range.length);
    this.change(Right.MANAGE_VMO);
    const [root, source] = this.#own(vmo, Right.WRITE);
    pagerOp(root, source, { op, ...range, data });
    source.settle();
  }

  /**
   * What has not been written back (`zx_pager_query_dirty_ranges`; needs MANAGE_VMO, the VMO READ).
   *
   * @param vmo - a VMO of this pager
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes
   * @param most - how many ranges are wanted
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED, ZX_ERR_OUT_OF_RANGE
   */
  queryDirtyRanges(vmo: Vmo, offset: Bytes, length: Bytes, most = Infinity): DirtyRanges {
    const from = toU64(offset, 'offset');
    const bytes = toU64(length, 'length');
    if (most !== Infinity) toCount(most, 'most');
    this.look(Right.MANAGE_VMO);
    const [root] = this.#own(vmo, Right.READ);
    checkRange(root, from, bytes);
    const { core } = root.system;
    const ranges: DirtyRange[] = [];
    const end = pagesUp(from + bytes);
    let available = 0;
    for (let page = pageOf(from); page < end; ) {
      const wanted = most - ranges.length;
      const found = core.pagedDirtyRuns(root.tree.ref, page, end - page, wanted);
      for (const run of found.runs) {
        const { isZero } = run;
        ranges.push({ offset: toBytes(run.page), length: toBytes(run.pages), isZero });
        page = run.page + run.pages;
      }
      if (available === 0) available = found.available;
      if (found.runs.length === found.available || ranges.length >= most) break;
    }
    return { ranges, available };
  }

  /**
   * Whether a VMO was modified (`zx_pager_query_vmo_stats`; needs MANAGE_VMO, the VMO READ).
   *
   * @param vmo - a VMO of this pager
   * @param options - 0 or `RESET_VMO_STATS`
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_ACCESS_DENIED
   */
  queryVmoStats(vmo: Vmo, options = 0): {
    /** Whether it was, since somebody reset that. */ readonly modified: boolean;
  } {
    toBits(options, 'options');
    this.change(Right.MANAGE_VMO);
    const [, source] = this.#own(vmo, Right.READ);
    if ((options & ~RESET_VMO_STATS) !== 0) {
      fail('ZX_ERR_INVALID_ARGS', `options ${options}: allowed 0 or 1`, { options });
    }
    const modified = source.isModified;
    if (options !== 0) source.isModified = false;
    return { modified };
  }

  /**
   * Takes the request that waits longest, for programs without a handler.
   *
   * @throws ZxError ZX_ERR_SHOULD_WAIT if none waits
   */
  nextRequest(): PageRequest {
    return this.change(0).next();
  }

  protected remake(rights: number): Pager {
    return new Pager(this.object, rights);
  }

  /** The VMO behind a handle with these rights, if this pager made it. */
  #own(handle: Vmo, rights: number): [root: VmoObject, source: PageSource] {
    const vmo = toHandle(handle, Vmo, 'vmo', this.object.system).forPager(rights);
    const { source } = vmo.tree;
    if (source === undefined || source.pager !== this.object || vmo.role !== 'root') {
      const details = { koid: vmo.koid };
      return fail('ZX_ERR_INVALID_ARGS', `VMO ${vmo.koid} was not made by this pager`, details);
    }
    return [vmo, source];
  }

  /** What lies behind the stream of an unbounded VMO reads zero. */
  #zeroTail(tree: PageTree, first: number, sizePages: number): void {
    if (first >= sizePages) return;
    const { core } = this.object.system;
    const ends: [number, number] = [first, sizePages];
    const [from, to] = ends.map((page) => ({ page, byte: 0 }));
    const status = core.pagedZero(tree.ref, from!, to!, false);
    if (status < 0) tree.release();
    checkMemory(core, status, 'for a VMO', { sizePages });
  }
}
