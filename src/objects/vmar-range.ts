/**
 * `zx_vmar_op_range`: operations on what is mapped in a range of addresses (memory-semantics 9.10).
 *
 * I1. The range is checked whole, by address, and what the operation can take is reserved for all
 *     of it before the first part is worked on.
 * I2. What a mapping may be written counts (its maximum), not what its pages allow now.
 */

import type { AddressSpace } from './aspace.js';
import { PagedUse } from '../core/paged.js';
import { checkMemory, fail } from './errors.js';
import type { Mapping } from './mapping.js';
import { askUntilReady, findLack, type Lack } from './paged-use.js';
import { hex, pageOf, toBytes } from './units.js';
import { Access, VmarOp } from './vm-options.js';
import type { VmarObject } from './vmar-object.js';
import { VmoOp } from './vmo-options.js';
import { checkKept, checkRange, opRange } from './vmo-range.js';

/** Operations, and the VMO's own that each does there first. */
const VMO_OP: Readonly<Record<number, number | undefined>> = {
  [VmarOp.COMMIT]: VmoOp.COMMIT,
  [VmarOp.DECOMMIT]: VmoOp.DECOMMIT,
  [VmarOp.MAP_RANGE]: undefined,
  [VmarOp.ZERO]: VmoOp.ZERO,
  [VmarOp.DONT_NEED]: VmoOp.DONT_NEED,
  [VmarOp.ALWAYS_NEED]: VmoOp.ALWAYS_NEED,
  [VmarOp.PREFETCH]: VmoOp.PREFETCH,
};
/** What a pager has to make pages ready for, by operation. */
const PAGED_USE: Readonly<Record<number, PagedUse | undefined>> = {
  [VmarOp.COMMIT]: PagedUse.COMMIT,
  [VmarOp.ZERO]: PagedUse.ZERO,
  [VmarOp.ALWAYS_NEED]: PagedUse.READ,
  [VmarOp.PREFETCH]: PagedUse.READ,
};
const NEEDS_WRITE: readonly number[] = [VmarOp.COMMIT, VmarOp.DECOMMIT, VmarOp.ZERO];
const NOT_IN_CHILDREN: readonly number[] = [VmarOp.COMMIT, VmarOp.DECOMMIT, VmarOp.PREFETCH];
const MAKES_ENTRIES: readonly number[] = [
  VmarOp.MAP_RANGE, VmarOp.ALWAYS_NEED, VmarOp.PREFETCH,
];

interface Part {
  readonly mapping: Mapping;
  readonly offset: bigint;
  readonly length: bigint;
}

/**
 * Works on a range.
 *
 * @param vmar - the VMAR
 * @param op - one of `VmarOp`
 * @param address - first byte
 * @param length - bytes, rounded up
 * @param opChildren - whether the handle may work on VMARs inside
 * @throws ZxError as 9.10 says
 */
export function vmarOpRange(
  vmar: VmarObject, op: number, address: bigint, length: bigint, opChildren: boolean,
): void {
  if (!(op in VMO_OP)) fail('ZX_ERR_INVALID_ARGS', `range operation ${op} of VMARs`, { op });
  let parts: Part[] = [];
  const [first, end] = vmar.checkRange(address, length, 'ZX_ERR_OUT_OF_RANGE');
  askUntilReady(end - first, () => {
    vmar.checkRange(address, length, 'ZX_ERR_OUT_OF_RANGE');
    parts = partsOf(vmar, op, first, end, opChildren);
    return findLackIn(parts, op);
  });
  perform(vmar.aspace, op, parts, first, end - first);
}

/** What pagers have to be asked for before an operation, if anything. */
function findLackIn(parts: readonly Part[], op: number): Lack | undefined {
  const use = PAGED_USE[op];
  if (use === undefined) return undefined;
  for (const { mapping, offset, length } of parts) {
    const { vmo } = mapping;
    if (vmo.tree.source === undefined) continue;
    const [first, pages] = [pageOf(offset), pageOf(length)];
    // whole pages become zero without being read, but pinned ones are zeroed in place
    const spans = op === VmarOp.ZERO
      ? vmo.tree.pinnedSpans(vmo.offsetPages + first, pages)
      : [{ first: vmo.offsetPages + first, pages }];
    for (const span of spans) {
      const at = span.first - vmo.offsetPages;
      const lack = findLack(vmo, { first: at, pages: span.pages, use });
      if (lack !== undefined) return lack;
    }
  }
  return undefined;
}

/** The parts of mappings in a range, each checked. */
function partsOf(
  vmar: VmarObject, op: number, first: number, end: number, opChildren: boolean,
): Part[] {
  const parts: Part[] = [];
  for (let page = first; page < end; ) {
    const { mapping, vmar: inner } = vmar.leafAt(page);
    if (inner !== vmar && (!opChildren || NOT_IN_CHILDREN.includes(op))) refuseChild(page, op);
    if (mapping === undefined) refuseGap(page, op);
    const pages = Math.min(end, mapping.basePage + mapping.pages) - page;
    const offset = toBytes(mapping.vmoOffsetPages + page - mapping.basePage);
    const part = { mapping, offset, length: toBytes(pages) };
    checkPart(part, op);
    parts.push(part);
    page += pages;
  }
  return parts;
}

/** Runs of pinned pages in a part: they are zeroed where they are. */
function pinnedRuns({ mapping, offset, length }: Part): number {
  const { tree, offsetPages } = mapping.vmo;
  if (!tree.isPinned) return 0;
  return tree.pinnedSpans(offsetPages + pageOf(offset), pageOf(length)).length;
}

function perform(
  aspace: AddressSpace, op: number, parts: readonly Part[], page: number, pages: number,
): void {
  const { core } = aspace.system;
  const details = { op, pages };
  const what = `for range operation ${op} on ${pages} pages`;
  if (op === VmarOp.COMMIT) {
    checkMemory(core, core.commitMapped(aspace.ref, page, pages), what, details);
    return;
  }
  const vmoOp = VMO_OP[op];
  if (NEEDS_WRITE.includes(op)) {
    const kept = parts.reduce((runs, part) => runs + pinnedRuns(part), 0);
    checkMemory(core, core.prepareZero(aspace.ref, page, pages, kept), what, details);
  }
  if (vmoOp !== undefined) {
    for (const { mapping, offset, length } of parts) opRange(mapping.vmo, vmoOp, offset, length);
  }
  if (MAKES_ENTRIES.includes(op)) {
    checkMemory(core, core.mapPresent(aspace.ref, page, pages), what, details);
  }
}

/** What the mapping and its VMO refuse. */
function checkPart({ mapping, offset, length }: Part, op: number): void {
  const { vmo, maxPerms } = mapping;
  if (NEEDS_WRITE.includes(op) && (maxPerms & Access.WRITE) === 0) {
    fail('ZX_ERR_ACCESS_DENIED', `range operation ${op} on a mapping that may not be written`, {
      op,
      allowedPermissions: maxPerms,
    });
  }
  checkRange(vmo, offset, length);
  const vmoOp = VMO_OP[op];
  if (vmoOp === undefined) return;
  opRange(vmo, vmoOp, offset, 0n); // of no bytes: tells whether the VMO can do it at all
  if (op === VmarOp.COMMIT) checkKept(vmo);
  if (op !== VmarOp.DECOMMIT) return;
  const pages = Number(length >> 12n);
  const pinnedPages = vmo.tree.pinnedPages(vmo.offsetPages + Number(offset >> 12n), pages);
  if (pinnedPages > 0) {
    fail('ZX_ERR_BAD_STATE', `${pinnedPages} pages are pinned: expected none`, { pinnedPages });
  }
}

function refuseChild(page: number, op: number): never {
  const address = toBytes(page);
  const details = { op, address };
  return fail('ZX_ERR_INVALID_ARGS', `range operation ${op} into a VMAR at ${hex(address)}`,
    details);
}

function refuseGap(page: number, op: number): never {
  const address = toBytes(page);
  return fail('ZX_ERR_BAD_STATE', `nothing is mapped at ${hex(address)}`, { op, address });
}
