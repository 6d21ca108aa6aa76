/**
 * VMOs of the model and handles to them: making, holding and letting go. What is done with a VMO
 * stands in files of its own: `vmo-child`, `vmo-bytes`, `vmo-range`, `vmo-size`, `vmo-pin`.
 *
 * A slice or a reference is a VMO without a tree of its own: it shows `tree` from `treeOffset` on.
 *
 * I1. A VMO lives while a handle, a mapping or a pin holds it; then its children belong to its
 *     parent.
 * I2. Checks stand in the order of the reference text (sections 1, 2 and 5), all before the
 *     first change.
 */
import { refuseIf } from './status.js';
import { PAGE_BYTES, type Tree } from './tree.js';
import type { World } from './world.js';

/** Largest VMO, bytes. */
export const MAX_VMO_BYTES = 0xfffffffffffc0000n;
/** First byte that no 64-bit address has. */
export const LIMIT = 1n << 64n;

/** Rights bits the model knows. */
export const Right = {
  DUPLICATE: 1, TRANSFER: 2, READ: 4, WRITE: 8, EXECUTE: 16, MAP: 32, GET_PROPERTY: 64,
  SET_PROPERTY: 128, SIGNAL: 1 << 12, WAIT: 1 << 14, INSPECT: 1 << 15,
  OP_CHILDREN: 1 << 21, RESIZE: 1 << 22,
} as const;
const DEFAULT_RIGHTS = 1 | 2 | 4 | 8 | 32 | 64 | 128 | (1 << 12) | (1 << 14) | (1 << 15);

/** One VMO. */
export interface ModelVmo {
  readonly id: number;
  readonly tree: Tree;
  readonly treeOffset: number;
  /** Slices: their own size. */
  readonly slicePages: number | null;
  readonly isReference: boolean;
  readonly isCow: boolean;
  /** SNAPSHOT with NO_WRITE. */
  readonly isImmutable: boolean;
  readonly resizable: boolean;
  /** Sum of the offsets of it and all its ancestors, bytes. */
  readonly rootOffset: bigint;
  parent: ModelVmo | null;
  readonly children: Set<ModelVmo>;
  handles: number;
  mappings: number;
  pins: number;
  /** Bytes of the stream, and whether anybody may change the size: a reference shares both. */
  readonly stream: { bytes: bigint; readonly resizable: boolean };
  /** 0 cached, 1 uncached, 2 uncached device, 3 write combining. */
  cachePolicy: number;
  name: string;
}

/** A handle to a VMO. */
export interface ModelHandle {
  readonly vmo: ModelVmo;
  readonly rights: number;
}

/** Does this VMO have no tree of its own? Such are never charged. */
export const isWindow = (vmo: ModelVmo): boolean => vmo.slicePages !== null || vmo.isReference;

/** Size in pages. */
export const sizePages = (vmo: ModelVmo): number => vmo.slicePages ?? vmo.tree.sizePages;

/** Size in bytes. */
export const sizeBytes = (vmo: ModelVmo): bigint => BigInt(sizePages(vmo)) * BigInt(PAGE_BYTES);

/** Refuses a handle that lacks one of these rights. */
export const needs = (handle: ModelHandle, rights: number): void =>
  refuseIf((handle.rights & rights) !== rights, 'ZX_ERR_ACCESS_DENIED');

/** Bytes rounded up to whole pages; refuses more than the largest VMO. */
export const roundUp = (bytes: bigint): bigint => {
  const rounded = (bytes + 4095n) & ~4095n;
  refuseIf(rounded >= LIMIT || rounded > MAX_VMO_BYTES, 'ZX_ERR_OUT_OF_RANGE');
  return rounded;
};

/** A new VMO with one handle to it. */
export const register = (
  world: World, fields: Omit<ModelVmo, 'id' | 'children' | 'handles' | 'mappings' | 'pins'>,
): ModelVmo => {
  const vmo: ModelVmo = {
    ...fields, id: world.nextId(), children: new Set(), handles: 1, mappings: 0, pins: 0,
  };
  vmo.parent?.children.add(vmo);
  world.vmos.push(vmo);
  return vmo;
};

/** Options of {@link createVmo}. */
export const VmoBit = { RESIZABLE: 2, UNBOUNDED: 16 } as const;

const PLAIN = {
  treeOffset: 0, slicePages: null, isReference: false, isCow: false, isImmutable: false,
  resizable: false, rootOffset: 0n, parent: null, cachePolicy: 0, name: '',
} as const;

/** zx_vmo_create. */
export const createVmo = (world: World, bytes: bigint, options = 0): ModelHandle => {
  const { RESIZABLE, UNBOUNDED } = VmoBit;
  const both = RESIZABLE | UNBOUNDED;
  const unknown = (options & ~both) !== 0 || (options & both) === both;
  refuseIf(unknown, 'ZX_ERR_INVALID_ARGS');
  const asked = roundUp(bytes);
  const resizable = (options & RESIZABLE) !== 0;
  const pages = Number(((options & UNBOUNDED) !== 0 ? MAX_VMO_BYTES : asked) / 4096n);
  const tree = world.newTree('anonymous', pages);
  const vmo = register(world, { ...PLAIN, tree, resizable, stream: { bytes, resizable } });
  return { vmo, rights: DEFAULT_RIGHTS | (resizable ? Right.RESIZE : 0) };
};

/** zx_vmo_create_physical: uncached, and no page of it is counted. */
export const createPhysicalVmo = (world: World, address: bigint, bytes: bigint): ModelHandle => {
  const pages = Number(roundUp(bytes) / 4096n);
  const wrong = pages === 0 || address % 4096n !== 0n || address + bytes > MAX_VMO_BYTES;
  refuseIf(wrong, 'ZX_ERR_INVALID_ARGS');
  const tree = world.newTree('physical', pages);
  const stream = { bytes, resizable: false };
  const vmo = register(world, { ...PLAIN, tree, stream, cachePolicy: 1 });
  return { vmo, rights: DEFAULT_RIGHTS };
};

/** A VMO that a file system or pager fills; its pages appear by {@link supply}. */
export const createFileVmo = (world: World, pages: number): ModelHandle => {
  const stream = { bytes: BigInt(pages) * 4096n, resizable: false };
  const vmo = register(world, { ...PLAIN, tree: world.newTree('file', pages), stream });
  return { vmo, rights: DEFAULT_RIGHTS };
};

/** zx_vmo_set_cache_policy. */
export const setCachePolicy = (handle: ModelHandle, policy: number): void => {
  needs(handle, Right.MAP);
  const { vmo } = handle;
  refuseIf((policy & ~3) !== 0, 'ZX_ERR_INVALID_ARGS');
  const inUse = vmo.mappings > 0 || vmo.children.size > 0 || vmo.tree.pins.size > 0;
  const isChild = isWindow(vmo) || vmo.isCow;
  const isOdd = vmo.cachePolicy !== 0 && vmo.tree.slots.size > 0;
  refuseIf(inUse || isChild || isOdd, 'ZX_ERR_BAD_STATE');
  vmo.cachePolicy = policy;
};

/** zx_handle_replace: another handle in place of this one. */
export const replace = (handle: ModelHandle, rights: number): ModelHandle => {
  refuseIf((rights & ~handle.rights) !== 0, 'ZX_ERR_INVALID_ARGS');
  return { vmo: handle.vmo, rights };
};

/** Another handle to the same VMO with fewer rights. */
export const duplicate = (handle: ModelHandle, rights: number): ModelHandle => {
  needs(handle, Right.DUPLICATE);
  refuseIf((rights & ~handle.rights) !== 0, 'ZX_ERR_INVALID_ARGS');
  handle.vmo.handles += 1;
  return { vmo: handle.vmo, rights };
};

/** Ends the VMO if nothing holds it any more. */
export const reap = (world: World, vmo: ModelVmo): void => {
  if (vmo.handles > 0 || vmo.mappings > 0 || vmo.pins > 0) return;
  const at = world.vmos.indexOf(vmo);
  if (at < 0) return;
  world.vmos.splice(at, 1);
  vmo.parent?.children.delete(vmo);
  for (const child of vmo.children) {
    child.parent = vmo.parent;
    vmo.parent?.children.add(child);
  }
  world.dropDeadTrees();
};

/** zx_handle_close. */
export const closeHandle = (world: World, handle: ModelHandle): void => {
  handle.vmo.handles -= 1;
  reap(world, handle.vmo);
};
