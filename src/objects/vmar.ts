/**
 * Handles to VMARs: the calls of `zx_vmar_*`.
 *
 * I1. Offsets of `map` and `allocate` count from the VMAR's base; `unmap` and `protect` take
 *     addresses. Arguments stand in the order of the system calls.
 */

import { checkMemory, fail } from './errors.js';
import { Handle, toHandle } from './handle.js';
import { PolicyCondition } from './job-policy.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import type { Mapping } from './mapping.js';
import { checkNames, OBJECT_BYTES, ObjectType, type NameOptions } from './object.js';
import { alignmentPages } from './placement.js';
import { protectRange } from './protection.js';
import { DefaultRights, Right } from './rights.js';
import {
  isPageAligned, pageOf, PAGES_IN_64_BITS, pagesUp, toBits, toBytes, toU64, type Bytes,
} from './units.js';
import { Access, ALL_ACCESS, CAN_MAP_SHIFT, VmOption } from './vm-options.js';
import type { VmarObject } from './vmar-object.js';
import { vmarOpRange } from './vmar-range.js';
import { Vmo } from './vmo.js';
import type { VmoObject } from './vmo-object.js';
import { VmoOption } from './vmo-options.js';

const CAN_MAP_RWX = VmOption.CAN_MAP_READ | VmOption.CAN_MAP_WRITE | VmOption.CAN_MAP_EXECUTE;
const ALIGN_BITS = 0xff000000;
const ALLOCATE_BITS =
  VmOption.COMPACT | VmOption.SPECIFIC | VmOption.CAN_MAP_SPECIFIC | CAN_MAP_RWX |
  VmOption.OFFSET_IS_UPPER_LIMIT | ALIGN_BITS;
const MAP_BITS =
  ALL_ACCESS | VmOption.COMPACT | VmOption.SPECIFIC | VmOption.SPECIFIC_OVERWRITE |
  VmOption.MAP_RANGE | VmOption.REQUIRE_NON_RESIZABLE | VmOption.ALLOW_FAULTS |
  VmOption.OFFSET_IS_UPPER_LIMIT | VmOption.PERM_READ_IF_XOM_UNSUPPORTED |
  VmOption.FAULT_BEYOND_STREAM_SIZE | ALIGN_BITS;
const PROTECT_BITS = ALL_ACCESS | VmOption.PERM_READ_IF_XOM_UNSUPPORTED;

/** READ 1, WRITE 2, EXECUTE 4 of a set of rights. */
function accessOfRights(rights: number): number {
  return (
    ((rights & Right.READ) !== 0 ? Access.READ : 0) |
    ((rights & Right.WRITE) !== 0 ? Access.WRITE : 0) |
    ((rights & Right.EXECUTE) !== 0 ? Access.EXECUTE : 0)
  );
}

function rightsOfAccess(access: number): number {
  return (
    ((access & Access.READ) !== 0 ? Right.READ : 0) |
    ((access & Access.WRITE) !== 0 ? Right.WRITE : 0) |
    ((access & Access.EXECUTE) !== 0 ? Right.EXECUTE : 0)
  );
}

/** Rights of a new VMAR's handle: the default set, and what may be mapped in it (9.4). */
export function vmarRights(canMap: number): number {
  return DefaultRights.VMAR | rightsOfAccess((canMap >> CAN_MAP_SHIFT) & ALL_ACCESS);
}

/** Asks the policy of the job where a mapping is to be both writable and executable (10.6). */
function checkPolicy(vmar: VmarObject, options: number): void {
  const both = VmOption.PERM_WRITE | VmOption.PERM_EXECUTE;
  if (typeof options !== 'number') return; // refused later, with what it was
  if ((options & both) === both) vmar.aspace.process?.enforce(PolicyCondition.VMAR_WX);
}

/** A handle to a VMAR. */
export class Vmar extends Handle<VmarObject> {
  /** First address. */
  get base(): bigint {
    return toBytes(this.object.basePage);
  }

  /** Length in bytes. */
  get size(): bigint {
    return toBytes(this.object.pages);
  }

  /**
   * Makes a VMAR inside this one (`zx_vmar_allocate`).
   *
   * @param options - bits of `VmOption`: CAN_MAP_*, SPECIFIC, OFFSET_IS_UPPER_LIMIT, an alignment
   * @param offset - bytes from the base, or the upper limit; else 0
   * @param size - bytes, a multiple of 4096
   * @param names - a builder's name and koid
   * @throws ZxError as memory-semantics 9.4 and 9.3 say
   */
  allocate(options: number, offset: Bytes, size: Bytes, names: NameOptions = {}): Vmar {
    this.change(0);
    const maxPerms = (toBits(options, 'options') >> CAN_MAP_SHIFT) & ALL_ACCESS;
    const vmar = this.see(rightsOfAccess(maxPerms));
    if ((options & ~ALLOCATE_BITS) !== 0) refuseOptions(options, ALLOCATE_BITS);
    alignmentPages(options);
    const bytes = toU64(size, 'size');
    if (!isPageAligned(bytes)) {
      fail('ZX_ERR_INVALID_ARGS', `size ${bytes}: expected a multiple of 4096`, { size: bytes });
    }
    const placement = { options, offset: toU64(offset, 'offset'), pages: pageOf(bytes), maxPerms };
    const canMap = options & (CAN_MAP_RWX | VmOption.CAN_MAP_SPECIFIC | VmOption.COMPACT);
    checkNames(vmar.system, names);
    return vmar.system.heap.hold(OBJECT_BYTES[ObjectType.VMAR] + HANDLE_BYTES, () =>
      new Vmar(vmar.createChild(placement, canMap, names), vmarRights(canMap)));
  }

  /**
   * Maps part of a VMO (`zx_vmar_map`). What continues a mapping of the same VMO with equal
   * permissions becomes a part of it (9.6).
   *
   * @param options - bits of `VmOption`: PERM_*, SPECIFIC, ALLOW_FAULTS ..., an alignment
   * @param vmarOffset - bytes from the base, or the upper limit; else 0
   * @param vmo - the VMO's handle (needs MAP, and the rights of the permissions)
   * @param vmoOffset - first byte in the VMO, a multiple of 4096
   * @param length - bytes, rounded up; may pass the VMO's end (a fault later)
   * @returns the address
   * @throws ZxError as memory-semantics 9.5 and 9.3 say
   */
  map(options: number, vmarOffset: Bytes, vmo: Vmo, vmoOffset: Bytes, length: Bytes): bigint {
    checkPolicy(this.use(0), options);
    const mapping = this.mapAt(options, vmarOffset, vmo, vmoOffset, length);
    const address = toBytes(mapping.basePage);
    mapping.parent.merge(mapping);
    return address;
  }

  /**
   * As `map`, for builders: the mapping itself, which is not merged with its neighbours.
   *
   * @internal
   */
  mapAt(
    options: number,
    vmarOffset: Bytes,
    vmo: Vmo,
    vmoOffset: Bytes,
    length: Bytes,
  ): Mapping {
    const vmar = this.change(0);
    const source = toHandle(vmo, Vmo, 'vmo', vmar.system).asMapped();
    checkMapOptions(toBits(options, 'options'));
    const perms = permsOf(options);
    const maxPerms = accessOfRights(this.rights & vmo.rights);
    if ((perms & ~maxPerms) !== 0) {
      fail('ZX_ERR_ACCESS_DENIED', `permissions ${perms}: the handles allow ${maxPerms}`, {
        permissions: perms,
        allowedPermissions: maxPerms,
      });
    }
    checkMappable(source, options);
    alignmentPages(options);
    const offset = toU64(vmoOffset, 'vmoOffset');
    const pages = checkWindow(offset, toU64(length, 'length'));
    // An upper limit takes the place of the VMO's offset too: a quirk of the kernel (9.5).
    const isLimit = (options & VmOption.OFFSET_IS_UPPER_LIMIT) !== 0;
    const vmoOffsetPages = isLimit ? 0 : pageOf(offset);
    const where = { options, offset: toU64(vmarOffset, 'vmarOffset'), pages, maxPerms };
    const mapping = vmar.mapVmo({ ...where, vmo: source, vmoOffsetPages, perms });
    if ((options & VmOption.MAP_RANGE) !== 0) populate(mapping);
    return mapping;
  }

  /**
   * Takes mappings and whole VMARs out of a range (`zx_vmar_unmap`). Gaps are no error; pages of
   * VMOs stay.
   *
   * @param address - first byte, a multiple of 4096
   * @param length - bytes, rounded up
   * @throws ZxError as memory-semantics 9.7 says
   */
  unmap(address: Bytes, length: Bytes): void {
    const vmar = this.change(0);
    const opChildren = (this.rights & Right.OP_CHILDREN) !== 0;
    vmar.unmap(toU64(address, 'address'), toU64(length, 'length'), opChildren);
  }

  /**
   * Sets permissions of mapped pages (`zx_vmar_protect`; needs the rights of the permissions).
   *
   * @param options - PERM_* bits of `VmOption`
   * @param address - first byte, a multiple of 4096
   * @param length - bytes, rounded up
   * @throws ZxError as memory-semantics 9.8 says
   */
  protect(options: number, address: Bytes, length: Bytes): void {
    this.change(0);
    const perms = permsOf(toBits(options, 'options'));
    const vmar = this.see(rightsOfAccess(perms));
    if ((options & ~PROTECT_BITS) !== 0) refuseOptions(options, PROTECT_BITS);
    checkPerms(perms);
    checkPolicy(vmar, perms);
    const opChildren = (this.rights & Right.OP_CHILDREN) !== 0;
    protectRange(vmar, toU64(address, 'address'), toU64(length, 'length'), perms, opChildren);
  }

  /**
   * Works on what is mapped in a range (`zx_vmar_op_range`). The range may span mappings that stand
   * side by side, not gaps.
   *
   * @param op - one of `VmarOp`
   * @param address - first byte, a multiple of 4096
   * @param length - bytes, rounded up
   * @param buffer - for operations to come: null
   * @throws ZxError as memory-semantics 9.10 says, ZX_ERR_NO_MEMORY; then nothing has changed
   */
  opRange(op: number, address: Bytes, length: Bytes, buffer: Uint8Array | null = null): void {
    const vmar = this.change(0);
    if (buffer !== null) {
      const { length: bufferBytes } = buffer;
      fail('ZX_ERR_INVALID_ARGS', `a buffer of ${bufferBytes} bytes: expected null`, {
        bufferBytes,
      });
    }
    const opChildren = (this.rights & Right.OP_CHILDREN) !== 0;
    toBits(op, 'op');
    vmarOpRange(vmar, op, toU64(address, 'address'), toU64(length, 'length'), opChildren);
  }

  /**
   * Destroys the VMAR with all that it holds (`zx_vmar_destroy`; needs OP_CHILDREN).
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it was destroyed before, ZX_ERR_NOT_SUPPORTED for a root
   *     VMAR, ZX_ERR_ACCESS_DENIED if the vDSO's code is mapped in it
   */
  destroy(): void {
    const vmar = this.change(Right.OP_CHILDREN);
    vmar.assertAlive();
    if (vmar.parent === undefined) {
      fail('ZX_ERR_NOT_SUPPORTED', `VMAR ${vmar.koid} is a root`, { koid: vmar.koid });
    }
    vmar.aspace.assertNoVdsoCode(vmar.basePage, vmar.endPage);
    vmar.destroy();
  }

  /**
   * The mapping that covers an address, for builders and views; undefined for a gap.
   *
   * @internal
   */
  mappingAt(address: Bytes): Mapping | undefined {
    return this.see(0).leafAt(pageOf(toU64(address, 'address'))).mapping;
  }

  protected remake(rights: number): Vmar {
    return new Vmar(this.object, rights);
  }
}

function refuseOptions(options: number, allowed: number): never {
  const names = hexOf(allowed);
  return fail('ZX_ERR_INVALID_ARGS', `options ${hexOf(options)}: allowed bits ${names}`, {
    options,
    allowedBits: allowed >>> 0,
  });
}

function hexOf(bits: number): string {
  return `0x${(bits >>> 0).toString(16)}`;
}

/** Permissions asked for; x86-64 cannot execute what it cannot read. */
function permsOf(options: number): number {
  const perms = options & ALL_ACCESS;
  const xom = (options & VmOption.PERM_READ_IF_XOM_UNSUPPORTED) !== 0;
  return xom && (perms & Access.EXECUTE) !== 0 ? perms | Access.READ : perms;
}

function checkPerms(perms: number): void {
  if (perms === 0 || (perms & Access.READ) !== 0) return;
  fail('ZX_ERR_INVALID_ARGS', `permissions ${perms}: WRITE and EXECUTE need READ`, {
    permissions: perms,
  });
}

function checkMapOptions(options: number): void {
  checkPerms(permsOf(options));
  const both = VmOption.MAP_RANGE | VmOption.SPECIFIC_OVERWRITE;
  if ((options & both) === both) {
    fail('ZX_ERR_INVALID_ARGS', 'MAP_RANGE excludes SPECIFIC_OVERWRITE', { options });
  }
  if ((options & ~MAP_BITS) !== 0) refuseOptions(options, MAP_BITS);
}

function checkMappable(vmo: VmoObject, options: number): void {
  const { koid } = vmo;
  if ((options & VmOption.FAULT_BEYOND_STREAM_SIZE) !== 0) {
    if ((options & VmOption.ALLOW_FAULTS) === 0) {
      fail('ZX_ERR_INVALID_ARGS', 'FAULT_BEYOND_STREAM_SIZE needs ALLOW_FAULTS', { options });
    }
    if (vmo.isContiguous) {
      fail('ZX_ERR_NOT_SUPPORTED', `VMO ${koid} has no stream`, { koid });
    }
  }
  if ((options & VmOption.REQUIRE_NON_RESIZABLE) !== 0 && vmo.isResizable) {
    fail('ZX_ERR_NOT_SUPPORTED', `VMO ${koid} is resizable`, { koid });
  }
  const isDiscardable = (vmo.options & VmoOption.DISCARDABLE) !== 0;
  if (isDiscardable && (options & VmOption.ALLOW_FAULTS) === 0) {
    fail('ZX_ERR_NOT_SUPPORTED', `VMO ${koid} is discardable: needs ALLOW_FAULTS`, { koid });
  }
}

/** Pages of a window on a VMO. */
function checkWindow(offset: bigint, length: bigint): number {
  if (!isPageAligned(offset)) {
    fail('ZX_ERR_INVALID_ARGS', `VMO offset ${offset}: expected a multiple of 4096`, { offset });
  }
  const pages = pagesUp(length);
  if (pageOf(offset) + pages >= PAGES_IN_64_BITS) {
    fail('ZX_ERR_OUT_OF_RANGE', `window ${offset}+${length}: passes 2^64`, { offset, length });
  }
  return pages;
}

/** MAP_RANGE: entries for the pages that are there. Without memory for them there is no mapping. */
function populate(mapping: Mapping): void {
  const { aspace, basePage, reachablePages } = mapping;
  const { core } = aspace.system;
  const status = core.mapPresent(aspace.ref, basePage, reachablePages);
  if (status < 0) mapping.parent.retract(mapping);
  checkMemory(core, status, `to map the pages of ${reachablePages} along`, {
    pages: reachablePages,
  });
}
