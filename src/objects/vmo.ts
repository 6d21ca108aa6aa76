/**
 * Handles to VMOs: the calls of `zx_vmo_*`.
 *
 * I1. Each call checks the handle's rights first, then its arguments in the order that the
 *     semantics name; a refused call changed nothing.
 */

import { PagedUse } from '../core/paged.js';
import { checkCore, checkMemory, fail } from './errors.js';
import { Handle, toHandle } from './handle.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import { checkNames, OBJECT_BYTES, ObjectType } from './object.js';
import { usePages, type PageUse } from './paged-use.js';
import { checkAligned, transferPages } from './pager-range.js';
import { Pin } from './pin.js';
import { Right } from './rights.js';
import { Status } from './status.js';
import {
  isPageAligned, pageOf, PAGES_IN_64_BITS, pagesUp, toBits, toCount, toData, toU64, vmoSizePages,
  type Bytes,
} from './units.js';
import { readBytes, writeBytes, zeroBytes } from './vmo-bytes.js';
import { createChild } from './vmo-child.js';
import type { VmoObject } from './vmo-object.js';
import type { VmoLockState } from './discardable.js';
import { CachePolicy } from './vmo-options.js';
import { checkContents, checkKept, checkOpRights, checkRange, opRange } from './vmo-range.js';

/** A handle to a VMO. */
export class Vmo extends Handle<VmoObject> {
  /**
   * Makes a child (`zx_vmo_create_child`).
   *
   * @param options - bits of `VmoChild`: one kind, and NO_WRITE or RESIZABLE
   * @param offset - first byte in this VMO, a multiple of 4096
   * @param size - bytes; rounded up to a page
   * @param builder - a koid that a builder names
   * @throws ZxError as memory-semantics 2.2 to 2.6 say
   */
  createChild(
    options: number,
    offset: Bytes = 0,
    size: Bytes = 0,
    builder: { readonly koid?: number } = {},
  ): Vmo {
    const parent = this.change(0);
    toBits(options, 'options');
    checkNames(parent.system, builder);
    const request = {
      options, offset: toU64(offset, 'offset'), size: toU64(size, 'size'), ...builder,
    };
    return parent.system.heap.hold(OBJECT_BYTES[ObjectType.VMO] + HANDLE_BYTES, () => {
      const child = createChild(parent, this.rights, request);
      return new Vmo(child.object, child.rights);
    });
  }

  /**
   * Reads bytes (`zx_vmo_read`; needs READ). Commits nothing, but that a contiguous VMO takes back
   * what it has lent out.
   *
   * @param offset - first byte
   * @param length - bytes
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past the end, ZX_ERR_BAD_STATE if not cached,
   *     ZX_ERR_NOT_FOUND if it was discarded
   */
  read(offset: Bytes, length: Bytes): Uint8Array {
    const vmo = this.look(Right.READ);
    const from = toU64(offset, 'offset');
    const bytes = toU64(length, 'length');
    checkRange(vmo, from, bytes);
    checkContents(vmo);
    return readBytes(vmo, from, bytes);
  }

  /**
   * Writes bytes (`zx_vmo_write`; needs WRITE). Commits, and copies what is shared.
   *
   * @param offset - first byte
   * @param data - the bytes
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past the end, ZX_ERR_BAD_STATE if not cached,
   *     ZX_ERR_NOT_FOUND if it was discarded, ZX_ERR_NO_MEMORY
   */
  write(offset: Bytes, data: Uint8Array): void {
    const vmo = this.change(Right.WRITE);
    const from = toU64(offset, 'offset');
    checkRange(vmo, from, BigInt(toData(data).length));
    checkContents(vmo);
    writeBytes(vmo, from, data);
  }

  /** Size in bytes, a multiple of 4096 (`zx_vmo_get_size`). */
  getSize(): bigint {
    return this.look(0).sizeBytes;
  }

  /**
   * Changes the size (`zx_vmo_set_size`; needs WRITE, and RESIZE).
   *
   * @param size - bytes of the stream; the VMO's size is that rounded up to a page
   * @throws ZxError ZX_ERR_UNAVAILABLE if it is not resizable, ZX_ERR_ACCESS_DENIED without RESIZE,
   *     ZX_ERR_OUT_OF_RANGE above the largest size, ZX_ERR_INVALID_ARGS for a clone that would pass
   *     2^64 in its root, ZX_ERR_BAD_STATE where pinned pages would go
   */
  setSize(size: Bytes): void {
    const vmo = this.change(Right.WRITE);
    if (!vmo.isResizable) {
      fail('ZX_ERR_UNAVAILABLE', `VMO ${vmo.koid} is not resizable`, { koid: vmo.koid });
    }
    this.see(Right.RESIZE);
    const bytes = toU64(size, 'size');
    checkSize(vmo, bytes);
    usePages(vmo, tailUses(vmo, bytes), () => resize(vmo, bytes));
  }

  /** Bytes of the stream (`zx_vmo_get_stream_size`). */
  getStreamSize(): bigint {
    return this.look(0).extent.streamSizeBytes;
  }

  /**
   * Sets the bytes of the stream (`zx_vmo_set_stream_size`; needs WRITE); what lies behind the
   * smaller of the old and the new becomes zero.
   *
   * @param size - bytes, at most the VMO's size
   * @throws ZxError ZX_ERR_NOT_SUPPORTED on physical and contiguous VMOs, ZX_ERR_OUT_OF_RANGE above
   *     the size, ZX_ERR_NO_MEMORY
   */
  setStreamSize(size: Bytes): void {
    const vmo = this.change(Right.WRITE);
    const bytes = toU64(size, 'size');
    checkStream(vmo);
    checkRange(vmo, bytes, 0n);
    const old = vmo.extent.streamSizeBytes;
    if (bytes === old) return;
    cutStream(vmo, bytes < old ? bytes : old);
    vmo.extent.streamSizeBytes = bytes;
  }

  /** The property ZX_PROP_VMO_CONTENT_SIZE (needs GET_PROPERTY): the stream's bytes. */
  getContentSize(): bigint {
    return this.look(Right.GET_PROPERTY).extent.streamSizeBytes;
  }

  /**
   * Sets the property ZX_PROP_VMO_CONTENT_SIZE (needs SET_PROPERTY): the stream's bytes, which may
   * be more than the VMO has. What lies behind them in the VMO becomes zero.
   *
   * @param size - bytes
   * @throws ZxError ZX_ERR_NOT_SUPPORTED on physical and contiguous VMOs, ZX_ERR_NO_MEMORY
   */
  setContentSize(size: Bytes): void {
    const vmo = this.change(Right.SET_PROPERTY);
    const bytes = toU64(size, 'size');
    checkStream(vmo);
    cutStream(vmo, bytes);
    vmo.extent.streamSizeBytes = bytes;
  }

  /**
   * Works on a range (`zx_vmo_op_range`).
   *
   * @param op - one of `VmoOp`
   * @param offset - first byte
   * @param length - bytes
   * @param state - LOCK needs one, and fills it in
   * @throws ZxError as memory-semantics 5 says
   */
  opRange(op: number, offset: Bytes, length: Bytes, state?: VmoLockState): void {
    const vmo = this.change(0);
    checkOpRights(toBits(op, 'op'), this.rights);
    opRange(vmo, op, toU64(offset, 'offset'), toU64(length, 'length'), state);
  }

  /**
   * Commits pages and keeps them where they are (`zx_bti_pin`; needs MAP).
   *
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes, at least 1
   * @throws ZxError ZX_ERR_OUT_OF_RANGE, ZX_ERR_INVALID_ARGS for no bytes, ZX_ERR_NOT_FOUND if it
   *     was discarded, ZX_ERR_UNAVAILABLE where a page is pinned 31 times, ZX_ERR_NO_MEMORY
   */
  pin(offset: Bytes, length: Bytes): Pin {
    const vmo = this.change(Right.MAP);
    const from = toU64(offset, 'offset');
    const bytes = toU64(length, 'length');
    checkRange(vmo, from, bytes);
    if (bytes === 0n) fail('ZX_ERR_INVALID_ARGS', 'length 0: a pin needs at least 1', { length });
    checkKept(vmo);
    const first = pageOf(from);
    const pages = pagesUp(from + bytes) - first;
    return usePages(vmo, [{ first, pages, use: PagedUse.COMMIT }], () => {
      if (!vmo.isPhysical) pinPages(vmo, first, pages);
      return new Pin(vmo, first, pages);
    });
  }

  /**
   * Sets the cache policy (`zx_vmo_set_cache_policy`; needs MAP).
   *
   * @param policy - one of `CachePolicy`
   * @throws ZxError ZX_ERR_INVALID_ARGS for other numbers, ZX_ERR_BAD_STATE while it is mapped,
   *     pinned, a child or a parent, or has committed pages and another policy than CACHED
   */
  setCachePolicy(policy: number): void {
    const vmo = this.change(Right.MAP);
    toCount(policy, 'policy', CachePolicy.CACHED, CachePolicy.WRITE_COMBINING);
    const inUse = vmo.numMappings + vmo.numChildren > 0 || vmo.tree.isPinned;
    const isChild = vmo.role !== 'root';
    const odd = vmo.cachePolicy !== CachePolicy.CACHED && vmo.ownPages > 0;
    if (inUse || isChild || odd) {
      fail('ZX_ERR_BAD_STATE', `VMO ${vmo.koid} is in use`, { koid: vmo.koid, policy });
    }
    vmo.cachePolicy = policy;
  }

  /**
   * Moves pages out of another VMO in place of what this one has (`zx_vmo_transfer_data`; needs
   * WRITE, of the other READ and WRITE). The other reads zero there afterwards.
   *
   * @param options - 0
   * @param offset - first byte, a multiple of 4096
   * @param length - bytes, a multiple of 4096
   * @param source - another VMO: not physical, contiguous or filled by a pager
   * @param sourceOffset - first byte there, a multiple of 4096
   * @throws ZxError ZX_ERR_INVALID_ARGS, ZX_ERR_NOT_SUPPORTED also where a pager or file fills this
   *     one itself, ZX_ERR_OUT_OF_RANGE, ZX_ERR_BAD_STATE where pages are pinned, ZX_ERR_NO_MEMORY
   */
  transferData(
    options: number, offset: Bytes, length: Bytes, source: Vmo, sourceOffset: Bytes = 0,
  ): void {
    const range = { offset: toU64(offset, 'offset'), length: toU64(length, 'length') };
    const from = toU64(sourceOffset, 'sourceOffset');
    if (toBits(options, 'options') !== 0) {
      fail('ZX_ERR_INVALID_ARGS', `transfer options ${options}: expected 0`, { options });
    }
    checkAligned(range.offset, range.length, from);
    const vmo = this.change(Right.WRITE);
    const moved = toHandle(source, Vmo, 'source', vmo.system);
    transferPages(vmo, range, moved.see(Right.READ | Right.WRITE), from);
  }

  /**
   * The VMO, for the calls of its pager, which say what rights they need.
   *
   * @internal
   */
  forPager(rights: number): VmoObject {
    return this.see(rights);
  }

  /** The VMO, for a map call (needs MAP). */
  asMapped(): VmoObject {
    return this.see(Right.MAP);
  }

  /**
   * Builders: makes it a vDSO. Executable mappings of its code cannot be unmapped, overwritten or
   * protected (ZX_ERR_ACCESS_DENIED).
   *
   * @param codeOffset - bytes before the code, a multiple of 4096
   */
  markVdso(codeOffset: Bytes): void {
    this.change(0).vdsoCodePage = pageOf(toU64(codeOffset, 'codeOffset'));
  }

  /** Exchanges this handle for one with EXECUTE too (`zx_vmo_replace_as_executable`). */
  replaceAsExecutable(): this {
    this.change(0);
    return this.exchange(this.rights | Right.EXECUTE);
  }

  protected remake(rights: number): Vmo {
    return new Vmo(this.object, rights);
  }
}

/** Pins that a page can have at most: the core's column has five bits. */
const PINS_MAX = 31;

function pinPages(vmo: VmoObject, first: number, pages: number): void {
  const { core } = vmo.system;
  const status = core.vmoPin(vmo.tree.ref, vmo.offsetPages + first, pages);
  if (status === Status.ZX_ERR_NO_MEMORY) {
    checkMemory(core, status, `to pin ${pages} pages`, { pages });
  }
  checkCore(status, `one of ${pages} pages is pinned ${PINS_MAX} times: no more are allowed`, {
    pages, maximumPins: PINS_MAX,
  });
}

function checkStream(vmo: VmoObject): void {
  if (!vmo.isContiguous) return;
  fail('ZX_ERR_NOT_SUPPORTED', `VMO ${vmo.koid} has no stream`, { koid: vmo.koid });
}

/** What a VMO has from a byte on becomes zero. */
function cutStream(vmo: VmoObject, from: bigint): void {
  if (from < vmo.sizeBytes) zeroBytes(vmo, from, vmo.sizeBytes - from, false);
}

/** Part of the last page that a new size zeroes. */
function tailUses(vmo: VmoObject, bytes: bigint): PageUse[] {
  const zeroes = bytes < vmo.extent.streamSizeBytes && bytes < vmo.sizeBytes;
  if (!zeroes || isPageAligned(bytes)) return [];
  return [{ first: pageOf(bytes), pages: 1, use: PagedUse.ZERO }];
}

/** Refuses a size that the VMO cannot have. */
function checkSize(vmo: VmoObject, bytes: bigint): void {
  const { tree, extent } = vmo;
  const pages = vmoSizePages(bytes);
  if (tree.rootOffsetPages + pages >= PAGES_IN_64_BITS) {
    fail('ZX_ERR_INVALID_ARGS', `size ${bytes}: passes 2^64 in the root VMO`, {
      size: bytes,
      rootOffsetPages: tree.rootOffsetPages,
    });
  }
  const pinnedPages = tree.pinnedPages(pages, Math.max(0, extent.sizePages - pages));
  if (pinnedPages > 0) {
    fail('ZX_ERR_BAD_STATE', `size ${bytes} would cut ${pinnedPages} pinned pages`, {
      size: bytes,
      pinnedPages,
    });
  }
}

function resize(vmo: VmoObject, bytes: bigint): void {
  checkSize(vmo, bytes);
  const { tree, extent, system } = vmo;
  const pages = vmoSizePages(bytes);
  const shrinks = pages < extent.sizePages || bytes < extent.streamSizeBytes;
  const hasTail = bytes < vmo.sizeBytes && !isPageAligned(bytes);
  const tailBytes = shrinks && hasTail ? Number(bytes & 4095n) : 0;
  const isPaged = tree.source?.isRoot(tree) === true;
  const { core } = system;
  const status = isPaged
    ? core.pagedResize(tree.ref, pages, tailBytes)
    : core.vmoResize(tree.ref, pages, tailBytes);
  checkMemory(core, status, `for a size of ${bytes} bytes`, { size: bytes });
  extent.sizePages = pages;
  extent.streamSizeBytes = bytes;
  if (isPaged) tree.source?.noteChange();
}
