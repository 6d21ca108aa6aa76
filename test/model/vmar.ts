/**
 * VMARs of the model: a tree of regions over a process's flat list of mappings.
 *
 * I1. A mapping or a VMAR lies inside its VMAR, and regions of one VMAR do not overlap. A VMAR that
 *     was destroyed holds nothing.
 * I2. Checks stand in the order of the reference text (9.3 to 9.9), all before the first change.
 */
import type { ModelMapping, ModelProcess } from './process.js';
import { Refusal, refuseIf } from './status.js';
import { type ModelHandle, Right, needs } from './vmo.js';

/** Permission bits of a mapping. */
export const Perm = { READ: 1, WRITE: 2, EXECUTE: 4 } as const;

/** Option bits of the calls on VMARs. */
export const VmarBit = {
  COMPACT: 8, SPECIFIC: 16, OVERWRITE: 32, CAN_MAP_SPECIFIC: 64, CAN_MAP_READ: 128,
  CAN_MAP_WRITE: 256, CAN_MAP_EXECUTE: 512, MAP_RANGE: 1024, NON_RESIZABLE: 2048,
  ALLOW_FAULTS: 4096, UPPER_LIMIT: 8192, XOM: 1 << 14, STREAM: 1 << 15,
} as const;
const CAN_MAP = 64 | 128 | 256 | 512;
const ALLOCATE = CAN_MAP | VmarBit.COMPACT | VmarBit.SPECIFIC | VmarBit.UPPER_LIMIT;
const MAP = 7 | VmarBit.COMPACT | VmarBit.SPECIFIC | VmarBit.OVERWRITE | VmarBit.MAP_RANGE
  | VmarBit.NON_RESIZABLE | VmarBit.ALLOW_FAULTS | VmarBit.UPPER_LIMIT | VmarBit.XOM
  | VmarBit.STREAM;
const DEFAULT_RIGHTS = Right.DUPLICATE | Right.TRANSFER | Right.INSPECT | Right.OP_CHILDREN;

/** One VMAR, in pages. */
export interface ModelVmar {
  readonly process: ModelProcess;
  readonly parent: ModelVmar | null;
  readonly base: number;
  readonly pages: number;
  readonly canMap: number;
  alive: boolean;
}

/** A handle to a VMAR. */
export interface VmarHandle {
  readonly vmar: ModelVmar;
  readonly rights: number;
}

const accessOf = (rights: number): number => (rights >> 2) & 7;
const canAccess = (canMap: number): number => (canMap >> 7) & 7;

/** A handle to a new VMAR: the default rights, and what may be mapped in it. */
export const firstHandle = (vmar: ModelVmar): VmarHandle =>
  ({ vmar, rights: DEFAULT_RIGHTS | (canAccess(vmar.canMap) << 2) });

/** The VMARs directly inside one. */
const inside = (vmar: ModelVmar): ModelVmar[] =>
  vmar.process.vmars.filter((other) => other.parent === vmar);

interface Stretch { readonly base: number; readonly pages: number }

const overlap = (a: Stretch, first: number, end: number): boolean =>
  a.base < end && first < a.base + a.pages;

/** What stands in a VMAR, by address. */
const regions = (vmar: ModelVmar): (ModelMapping | ModelVmar)[] =>
  [...vmar.process.mappings.filter((m) => m.vmar === vmar), ...inside(vmar)]
    .sort((a, b) => a.base - b.base);

const isVmar = (region: ModelMapping | ModelVmar): region is ModelVmar => 'canMap' in region;

const bad = (wrong: boolean): void => refuseIf(wrong, 'ZX_ERR_INVALID_ARGS');

const alignmentOf = (options: number): number => {
  const log2 = options >>> 24;
  bad(log2 !== 0 && (log2 < 10 || log2 > 32));
  return 2 ** Math.max(0, log2 - 12);
};

interface Wanted {
  readonly options: number;
  readonly offset: bigint;
  readonly pages: number;
  readonly perms: number;
}

const lowestGap = (vmar: ModelVmar, pages: number, align: number, end: number): number => {
  const up = (page: number): number => Math.ceil(page / align) * align;
  let at = up(vmar.base);
  for (const region of regions(vmar)) {
    if (overlap(region, at, at + pages)) at = up(region.base + region.pages);
  }
  refuseIf(at + pages > end, 'ZX_ERR_NO_RESOURCES');
  return at;
};

/** Where a new region goes (9.3); the mappings in its way, for an overwrite. */
const place = (vmar: ModelVmar, wanted: Wanted): { base: number; inTheWay: boolean } => {
  const { options, offset, pages, perms } = wanted;
  const specific = (options & (VmarBit.SPECIFIC | VmarBit.OVERWRITE)) !== 0;
  const limit = (options & VmarBit.UPPER_LIMIT) !== 0;
  refuseIf(!vmar.alive, 'ZX_ERR_BAD_STATE');
  bad(pages === 0);
  refuseIf((perms & ~canAccess(vmar.canMap)) !== 0, 'ZX_ERR_ACCESS_DENIED');
  bad(specific && limit);
  bad(offset !== 0n && !specific && !limit);
  bad(offset % 4096n !== 0n);
  const chosen = specific || limit;
  refuseIf(chosen && (vmar.canMap & VmarBit.CAN_MAP_SPECIFIC) === 0, 'ZX_ERR_ACCESS_DENIED');
  const at = Number(offset / 4096n);
  bad(limit ? at > vmar.pages || pages > at : at >= vmar.pages || pages > vmar.pages - at);
  const align = alignmentOf(options);
  if (!specific) {
    const end = limit ? vmar.base + at : vmar.base + vmar.pages;
    return { base: lowestGap(vmar, pages, align, end), inTheWay: false };
  }
  const base = vmar.base + at;
  bad(base % align !== 0);
  const found = regions(vmar).filter((region) => overlap(region, base, base + pages));
  if (found.length > 0) {
    refuseIf((options & VmarBit.OVERWRITE) === 0, 'ZX_ERR_ALREADY_EXISTS');
    bad(found.some(isVmar));
  }
  return { base, inTheWay: found.length > 0 };
};

/** zx_vmar_allocate. */
export const allocate = (
  handle: VmarHandle, options: number, offset: bigint, size: bigint,
): VmarHandle => {
  const { vmar, rights } = handle;
  const perms = canAccess(options);
  refuseIf((perms & ~accessOf(rights)) !== 0, 'ZX_ERR_ACCESS_DENIED');
  bad((options & 0xffffff & ~ALLOCATE) !== 0);
  alignmentOf(options);
  bad(size % 4096n !== 0n);
  const { base } = place(vmar, { options, offset, pages: Number(size / 4096n), perms });
  const made: ModelVmar = {
    process: vmar.process, parent: vmar, base, pages: Number(size / 4096n),
    canMap: options & CAN_MAP, alive: true,
  };
  vmar.process.vmars.push(made);
  return firstHandle(made);
};

/** Permissions of PERM bits: without execute-only pages EXECUTE brings READ where asked for. */
const permsOf = (options: number): number => {
  const perms = options & 7;
  return (options & VmarBit.XOM) !== 0 && (perms & Perm.EXECUTE) !== 0 ? perms | Perm.READ : perms;
};

const checkPerms = (perms: number): void => bad(perms !== 0 && (perms & Perm.READ) === 0);

const checkVmo = (handle: ModelHandle, options: number): void => {
  const { vmo } = handle;
  if ((options & VmarBit.STREAM) !== 0) {
    bad((options & VmarBit.ALLOW_FAULTS) === 0);
    refuseIf(vmo.tree.kind === 'physical', 'ZX_ERR_NOT_SUPPORTED');
  }
  const fixed = (options & VmarBit.NON_RESIZABLE) !== 0;
  refuseIf(fixed && vmo.resizable, 'ZX_ERR_NOT_SUPPORTED');
};

/** zx_vmar_map; the address, in pages. */
export const mapVmo = (
  handle: VmarHandle, options: number, vmarOffset: bigint, source: ModelHandle, vmoOffset: bigint,
  length: bigint,
): number => {
  const { vmar, rights } = handle;
  needs(source, Right.MAP);
  const perms = permsOf(options);
  checkPerms(perms);
  bad((options & VmarBit.MAP_RANGE) !== 0 && (options & VmarBit.OVERWRITE) !== 0);
  bad((options & 0xffffff & ~MAP) !== 0);
  const maxPerms = accessOf(rights & source.rights);
  refuseIf((perms & ~maxPerms) !== 0, 'ZX_ERR_ACCESS_DENIED');
  checkVmo(source, options);
  alignmentOf(options);
  bad(vmoOffset % 4096n !== 0n);
  const pages = Number((length + 4095n) / 4096n);
  const first = Number(vmoOffset / 4096n);
  refuseIf(first + pages >= 2 ** 52, 'ZX_ERR_OUT_OF_RANGE');
  const where = place(vmar, { options, offset: vmarOffset, pages, perms: maxPerms });
  if (where.inTheWay) vmar.process.cut(where.base, pages);
  vmar.process.add({
    base: where.base, pages, vmo: source.vmo, maxPerms, vmar,
    vmoOffset: (options & VmarBit.UPPER_LIMIT) !== 0 ? 0 : first,
    perms: new Array<number>(pages).fill(perms), streamBound: (options & VmarBit.STREAM) !== 0,
    flags: options & (VmarBit.STREAM | VmarBit.ALLOW_FAULTS | VmarBit.NON_RESIZABLE),
  });
  return where.base;
};

/** Refuses what no range of this VMAR is; first page and end. */
const checkRange = (vmar: ModelVmar, address: bigint, length: bigint): [number, number] => {
  bad(length === 0n || address % 4096n !== 0n);
  refuseIf(!vmar.alive, 'ZX_ERR_BAD_STATE');
  const first = Number(address / 4096n);
  const end = first + Number((length + 4095n) / 4096n);
  bad(first < vmar.base || end > vmar.base + vmar.pages);
  return [first, end];
};

/** Ends a VMAR with all that is in it. */
const end = (vmar: ModelVmar): void => {
  vmar.process.cut(vmar.base, vmar.pages);
  const doomed = [vmar];
  for (const one of doomed) {
    doomed.push(...inside(one));
    one.alive = false;
  }
  vmar.process.vmars = vmar.process.vmars.filter((one) => one.alive);
};

/** zx_vmar_unmap: trims, splits and removes mappings, ends whole VMARs. Gaps are fine. */
export const unmap = (handle: VmarHandle, address: bigint, length: bigint): void => {
  const { vmar, rights } = handle;
  const [first, last] = checkRange(vmar, address, length);
  const found = inside(vmar).filter((one) => overlap(one, first, last));
  for (const one of found) bad(one.base < first || one.base + one.pages > last);
  bad(found.length > 0 && (rights & Right.OP_CHILDREN) === 0);
  for (const one of found) end(one);
  vmar.process.cut(first, last - first);
};

/** zx_vmar_protect over mapped pages. */
export const protect = (
  handle: VmarHandle, options: number, address: bigint, length: bigint,
): void => {
  const { vmar, rights } = handle;
  const perms = permsOf(options);
  refuseIf((perms & ~accessOf(rights)) !== 0, 'ZX_ERR_ACCESS_DENIED');
  bad((options & ~(7 | VmarBit.XOM)) !== 0);
  checkPerms(perms);
  const [first, last] = checkRange(vmar, address, length);
  const { process } = vmar;
  for (let page = first; page < last; page++) {
    const mapping = process.mappingAt(page);
    const below = inside(vmar).some((one) => overlap(one, page, page + 1));
    bad(below && (rights & Right.OP_CHILDREN) === 0);
    if (mapping === undefined) throw new Refusal('ZX_ERR_NOT_FOUND');
    const now = mapping.perms[page - mapping.base]!;
    const most = below ? mapping.maxPerms & now : mapping.maxPerms;
    refuseIf((perms & ~most) !== 0, 'ZX_ERR_ACCESS_DENIED');
  }
  for (let page = first; page < last; page++) {
    const mapping = process.mappingAt(page)!;
    const old = mapping.perms[page - mapping.base]!;
    mapping.perms[page - mapping.base] = perms;
    if ((perms & Perm.WRITE) === 0) process.writable.delete(page);
    // Where execution changes too, the core takes the entries away: the next access brings them.
    if (perms === 0 || ((old ^ perms) & Perm.EXECUTE) !== 0) process.entries.delete(page);
  }
};

/** zx_vmar_destroy. */
export const destroy = (handle: VmarHandle): void => {
  const { vmar, rights } = handle;
  refuseIf((rights & Right.OP_CHILDREN) === 0, 'ZX_ERR_ACCESS_DENIED');
  refuseIf(!vmar.alive, 'ZX_ERR_BAD_STATE');
  refuseIf(vmar.parent === null, 'ZX_ERR_NOT_SUPPORTED');
  end(vmar);
};
