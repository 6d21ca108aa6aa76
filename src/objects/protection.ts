/**
 * `zx_vmar_protect`: new permissions for a range of addresses (memory-semantics 9.8).
 *
 * I1. All is checked, and the core reserves the mappings that it gets by splitting where the range
 *     cuts them. The splits and the permissions then cannot fail.
 */

import { fail } from './errors.js';
import type { Mapping } from './mapping.js';
import { hex, toBytes } from './units.js';
import type { VmarObject } from './vmar-object.js';

interface Part {
  readonly mapping: Mapping;
  readonly first: number;
  readonly pages: number;
}

/**
 * Sets the permissions of a range.
 *
 * @param vmar - the VMAR
 * @param address - first byte
 * @param length - bytes, rounded up
 * @param perms - READ 1, WRITE 2, EXECUTE 4
 * @param opChildren - whether the handle may work on VMARs inside
 * @throws ZxError ZX_ERR_INVALID_ARGS for the range, ZX_ERR_NOT_FOUND for a gap,
 *     ZX_ERR_ACCESS_DENIED for more than a mapping may have or, in a VMAR inside, more than it has,
 *     ZX_ERR_NO_MEMORY
 */
export function protectRange(
  vmar: VmarObject,
  address: bigint,
  length: bigint,
  perms: number,
  opChildren: boolean,
): void {
  const [first, end] = vmar.checkRange(address, length);
  const parts: Part[] = [];
  for (let page = first; page < end; ) {
    const { mapping, vmar: inner } = vmar.leafAt(page);
    if (inner !== vmar && !opChildren) refuseChild(page);
    if (mapping === undefined) refuseGap(page);
    const from = page - mapping.basePage;
    const pages = Math.min(end, mapping.basePage + mapping.pages) - page;
    checkAllowed(mapping, from, pages, perms, inner !== vmar);
    parts.push({ mapping, first: from, pages });
    page += pages;
  }
  vmar.aspace.assertNoVdsoCode(first, end);
  const cuts = parts.flatMap(({ mapping, first: from, pages }) =>
    [from, from + pages].filter((page) => mapping.isSplitBy(page)));
  vmar.aspace.reserveMappings(cuts.length);
  for (const { mapping, first: from, pages } of parts) {
    mapping.splitAt(from);
    mapping.splitAt(from + pages);
  }
  for (const { mapping, first: from, pages } of parts) mapping.setPerms(from, pages, perms);
}

function refuseChild(page: number): never {
  const address = toBytes(page);
  return fail('ZX_ERR_INVALID_ARGS', `a VMAR at ${hex(address)} needs OP_CHILDREN`, { address });
}

function refuseGap(page: number): never {
  const address = toBytes(page);
  return fail('ZX_ERR_NOT_FOUND', `nothing is mapped at ${hex(address)}`, { address });
}

function checkAllowed(
  mapping: Mapping,
  first: number,
  pages: number,
  perms: number,
  onlyShrink: boolean,
): void {
  let allowed = mapping.maxPerms;
  if (onlyShrink) {
    for (const range of mapping.protections(first, pages)) allowed &= range.perms;
  }
  if ((perms & ~allowed) === 0) return;
  const address = toBytes(mapping.basePage + first);
  fail('ZX_ERR_ACCESS_DENIED', `permissions ${perms} at ${hex(address)}: allowed ${allowed}`, {
    permissions: perms,
    allowedPermissions: allowed,
    address,
  });
}
