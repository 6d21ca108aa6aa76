/**
 * VMOs of the model: what a user may ask of one, which refusal comes first, and what becomes of its
 * tree.
 *
 * A slice or a reference is a VMO without a tree of its own: it shows `tree` from `treeOffset` on.
 *
 * I1. A VMO lives while a handle, a mapping or a pin holds it; then its children belong to its
 *     parent.
 * I2. Checks stand in the order of the reference text (sections 1, 2 and 5), all before the
 *     first change.
 */
import { refuseIf } from './status.js';
import { PAGE_BYTES, type Tree, getBytes, lookup, setBytes } from './tree.js';
import type { World } from './world.js';

/** Largest VMO, bytes. */
export const MAX_VMO_BYTES = 0xfffffffffffc0000n;
const LIMIT = 1n << 64n;
const MOST_PINS = 31;

/** Rights bits the model knows. */
export const Right = {
  DUPLICATE: 1, TRANSFER: 2, READ: 4, WRITE: 8, EXECUTE: 16, MAP: 32, GET_PROPERTY: 64,
  SET_PROPERTY: 128, SIGNAL: 1 << 12, WAIT: 1 << 14, INSPECT: 1 << 15, RESIZE: 1 << 22,
} as const;
const DEFAULT_RIGHTS = 1 | 2 | 4 | 8 | 32 | 64 | 128 | (1 << 12) | (1 << 14) | (1 << 15);

/** Kinds of children. */
export type ChildKind =
  | 'SNAPSHOT' | 'SNAPSHOT_AT_LEAST_ON_WRITE' | 'SNAPSHOT_MODIFIED' | 'SLICE' | 'REFERENCE';

/** Ranged operations that the model knows. */
export type RangeOp = 'COMMIT' | 'DECOMMIT' | 'ZERO';

/** One VMO. */
export interface ModelVmo {
  readonly id: number;
  readonly tree: Tree;
  readonly treeOffset: number;
  /** Slices: their own size. */
  readonly slicePages: number | null;
  readonly isReference: boolean;
  readonly isCow: boolean;
  readonly resizable: boolean;
  /** Sum of the offsets of it and all its ancestors, bytes. */
  readonly rootOffset: bigint;
  parent: ModelVmo | null;
  readonly children: Set<ModelVmo>;
  handles: number;
  mappings: number;
  pins: number;
  /** Bytes of the stream; a reference shares its owner's. */
  readonly stream: { bytes: bigint };
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

const needs = (handle: ModelHandle, rights: number): void =>
  refuseIf((handle.rights & rights) !== rights, 'ZX_ERR_ACCESS_DENIED');

const roundUp = (bytes: bigint): bigint => {
  const rounded = (bytes + 4095n) & ~4095n;
  refuseIf(rounded >= LIMIT || rounded > MAX_VMO_BYTES, 'ZX_ERR_OUT_OF_RANGE');
  return rounded;
};

const register = (
  world: World, fields: Omit<ModelVmo, 'id' | 'children' | 'handles' | 'mappings' | 'pins'>,
): ModelVmo => {
  const vmo: ModelVmo = {
    ...fields, id: world.nextId(), children: new Set(), handles: 1, mappings: 0, pins: 0,
  };
  vmo.parent?.children.add(vmo);
  world.vmos.push(vmo);
  return vmo;
};

/** zx_vmo_create. */
export const createVmo = (world: World, bytes: bigint, resizable = false): ModelHandle => {
  const pages = Number(roundUp(bytes) / 4096n);
  const vmo = register(world, {
    tree: world.newTree('anonymous', pages), treeOffset: 0, slicePages: null, isReference: false,
    isCow: false, resizable, rootOffset: 0n, parent: null, stream: { bytes },
  });
  return { vmo, rights: DEFAULT_RIGHTS | (resizable ? Right.RESIZE : 0) };
};

/** A VMO that a file system or pager fills; its pages appear by {@link supply}. */
export const createFileVmo = (world: World, pages: number): ModelHandle => {
  const vmo = register(world, {
    tree: world.newTree('file', pages), treeOffset: 0, slicePages: null, isReference: false,
    isCow: false, resizable: false, rootOffset: 0n, parent: null,
    stream: { bytes: BigInt(pages) * 4096n },
  });
  return { vmo, rights: DEFAULT_RIGHTS };
};

const checkCow = (world: World, parent: ModelVmo, kind: ChildKind, offset: bigint, size: bigint):
  'snapshot' | 'live' => {
  const { tree } = parent;
  refuseIf(offset % 4096n !== 0n, 'ZX_ERR_INVALID_ARGS');
  refuseIf(parent.rootOffset + offset + size >= LIMIT, 'ZX_ERR_INVALID_ARGS');
  const paged = tree.kind === 'file' || tree.parent !== null;
  const slice = parent.slicePages !== null;
  if (kind === 'SNAPSHOT') refuseIf(slice || paged, 'ZX_ERR_NOT_SUPPORTED');
  else refuseIf(slice && tree.kind !== 'file', 'ZX_ERR_NOT_SUPPORTED');
  const hidden = world.hasHiddenParent(tree);
  const atRoot = tree.kind === 'file';
  const chained = tree.parent !== null && tree.parent.parent !== null && !hidden;
  if (kind === 'SNAPSHOT_MODIFIED' && paged && !atRoot) refuseIf(chained, 'ZX_ERR_NOT_SUPPORTED');
  const live = kind === 'SNAPSHOT_MODIFIED' ? atRoot : paged && !hidden;
  if (!live) refuseIf(tree.pins.size > 0, 'ZX_ERR_BAD_STATE');
  return live ? 'live' : 'snapshot';
};

/** Pages of the parent from `offset` to its end. */
const parentPages = (parent: ModelVmo, offset: bigint): number =>
  Math.max(0, sizePages(parent) - Number(offset / 4096n));

/** zx_vmo_create_child for SNAPSHOT, AT_LEAST_ON_WRITE, MODIFIED, SLICE and REFERENCE. */
export const createChild = (
  world: World, handle: ModelHandle, kind: ChildKind, offset: bigint, bytes: bigint,
  options: { resizable?: boolean; noWrite?: boolean } = {},
): ModelHandle => {
  const { vmo: parent } = handle;
  const resizable = options.resizable ?? false;
  const noWrite = options.noWrite ?? false;
  const size = roundUp(bytes);
  refuseIf(noWrite && resizable, 'ZX_ERR_INVALID_ARGS');
  needs(handle, Right.DUPLICATE | Right.READ);
  const base = handle.rights & ~Right.RESIZE;
  const own = Right.GET_PROPERTY | Right.SET_PROPERTY;
  if (kind === 'SLICE') {
    refuseIf(resizable || offset % 4096n !== 0n, 'ZX_ERR_INVALID_ARGS');
    refuseIf(offset + size > sizeBytes(parent), 'ZX_ERR_INVALID_ARGS');
    refuseIf(parent.resizable, 'ZX_ERR_NOT_SUPPORTED');
    const vmo = register(world, {
      tree: parent.tree, treeOffset: parent.treeOffset + Number(offset / 4096n),
      slicePages: Number(size / 4096n), isReference: false, isCow: false, resizable: false,
      rootOffset: parent.rootOffset + offset, parent, stream: { bytes },
    });
    return { vmo, rights: (noWrite ? base & ~Right.WRITE : base) | own };
  }
  if (kind === 'REFERENCE') {
    refuseIf(offset !== 0n || bytes !== 0n, 'ZX_ERR_INVALID_ARGS');
    if (resizable) needs(handle, Right.RESIZE);
    refuseIf(parent.slicePages !== null, 'ZX_ERR_NOT_SUPPORTED');
    const vmo = register(world, {
      tree: parent.tree, treeOffset: 0, slicePages: null, isReference: true, isCow: false,
      resizable, rootOffset: parent.rootOffset, parent,
      stream: parent.stream,
    });
    const rights = (noWrite ? base & ~Right.WRITE : base) | own;
    return { vmo, rights: resizable ? rights | Right.RESIZE : rights };
  }
  const how = checkCow(world, parent, kind, offset, size);
  const at = Number(offset / 4096n) + parent.treeOffset;
  const pages = Number(size / 4096n);
  const visible = parentPages(parent, offset);
  const tree = how === 'live'
    ? world.liveTree(parent.tree, at, pages, visible) : world.snapshotTree(parent.tree, at, pages);
  const vmo = register(world, {
    tree, treeOffset: 0, slicePages: null, isReference: false, isCow: true, resizable,
    rootOffset: parent.rootOffset + offset, parent, stream: { bytes },
  });
  const cow = noWrite ? base & ~Right.WRITE : (base | Right.WRITE) & ~Right.EXECUTE;
  return { vmo, rights: cow | own | (resizable ? Right.RESIZE : 0) };
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

const inRange = (vmo: ModelVmo, offset: bigint, length: bigint): void =>
  refuseIf(offset + length > sizeBytes(vmo), 'ZX_ERR_OUT_OF_RANGE');

/** Calls `visit` for each page touched by a byte range: tree page, first byte in it, byte count. */
const eachPage = (
  vmo: ModelVmo, offset: bigint, length: bigint,
  visit: (page: number, at: number, count: number, done: number) => void,
): void => {
  let done = 0;
  while (BigInt(done) < length) {
    const here = offset + BigInt(done);
    const at = Number(here % 4096n);
    const left = length - BigInt(done);
    const count = Math.min(PAGE_BYTES - at, left > 4096n ? PAGE_BYTES : Number(left));
    visit(Number(here / 4096n) + vmo.treeOffset, at, count, done);
    done += count;
  }
};

/** zx_vmo_read. */
export const readVmo = (handle: ModelHandle, offset: bigint, length: number): Uint8Array => {
  needs(handle, Right.READ);
  inRange(handle.vmo, offset, BigInt(length));
  const out = new Uint8Array(length);
  eachPage(handle.vmo, offset, BigInt(length), (page, at, count, done) => {
    out.set(getBytes(lookup(handle.vmo.tree, page), at, count), done);
  });
  return out;
};

/** zx_vmo_write. */
export const writeVmo = (
  world: World, handle: ModelHandle, offset: bigint, data: Uint8Array,
): void => {
  needs(handle, Right.WRITE);
  inRange(handle.vmo, offset, BigInt(data.length));
  eachPage(handle.vmo, offset, BigInt(data.length), (page, at, count, done) => {
    setBytes(world.fork(handle.vmo.tree, page), at, data.subarray(done, done + count));
  });
};

const zeroRange = (world: World, vmo: ModelVmo, offset: bigint, length: bigint): void => {
  eachPage(vmo, offset, length, (page, at, count) => {
    if (count === PAGE_BYTES) world.clear(vmo.tree, page);
    else if (lookup(vmo.tree, page) !== undefined) {
      setBytes(world.fork(vmo.tree, page), at, new Uint8Array(count));
    }
  });
};

/** zx_vmo_op_range for COMMIT, DECOMMIT and ZERO. */
export const opRange = (
  world: World, handle: ModelHandle, op: RangeOp, offset: bigint, length: bigint,
): void => {
  const { vmo } = handle;
  needs(handle, Right.WRITE);
  inRange(vmo, offset, length);
  if (op === 'ZERO') return zeroRange(world, vmo, offset, length);
  if (op === 'COMMIT') {
    return eachPage(vmo, offset, length, (page) => void world.fork(vmo.tree, page));
  }
  refuseIf(offset % 4096n !== 0n || length % 4096n !== 0n, 'ZX_ERR_INVALID_ARGS');
  const { tree } = vmo;
  refuseIf(
    tree.kind === 'file' || tree.parent !== null || world.hasHiddenParent(tree),
    'ZX_ERR_NOT_SUPPORTED',
  );
  eachPage(vmo, offset, length, (page) => refuseIf(tree.pins.has(page), 'ZX_ERR_BAD_STATE'));
  eachPage(vmo, offset, length, (page) => world.clear(tree, page));
};

/** A pin on pages of a VMO. */
export interface ModelPin {
  readonly vmo: ModelVmo;
  readonly first: number;
  readonly pages: number;
}

/** Pins pages: commits and forks them, and keeps the VMO. */
export const pinVmo = (
  world: World, handle: ModelHandle, page: number, pages: number,
): ModelPin => {
  const { vmo } = handle;
  needs(handle, Right.MAP);
  inRange(vmo, BigInt(page) * 4096n, BigInt(pages) * 4096n);
  refuseIf(pages === 0, 'ZX_ERR_INVALID_ARGS');
  const first = page + vmo.treeOffset;
  for (let at = first; at < first + pages; at++) {
    refuseIf((vmo.tree.pins.get(at) ?? 0) >= MOST_PINS, 'ZX_ERR_UNAVAILABLE');
  }
  world.pin(vmo.tree, first, pages);
  vmo.pins += 1;
  return { vmo, first, pages };
};

/** Lets pinned pages go. */
export const unpinVmo = (world: World, pin: ModelPin): void => {
  world.unpin(pin.vmo.tree, pin.first, pin.pages);
  pin.vmo.pins -= 1;
  reap(world, pin.vmo);
};

/** zx_vmo_set_size. */
export const setSize = (world: World, handle: ModelHandle, bytes: bigint): void => {
  const { vmo } = handle;
  needs(handle, Right.WRITE);
  refuseIf(!vmo.resizable, 'ZX_ERR_UNAVAILABLE');
  needs(handle, Right.RESIZE);
  const size = roundUp(bytes);
  refuseIf(vmo.rootOffset + size >= LIMIT, 'ZX_ERR_INVALID_ARGS');
  const pages = Number(size / 4096n);
  for (const page of vmo.tree.pins.keys()) refuseIf(page >= pages, 'ZX_ERR_BAD_STATE');
  if (bytes < vmo.stream.bytes && bytes < size) {
    const end = size < sizeBytes(vmo) ? size : sizeBytes(vmo);
    if (bytes < end) zeroRange(world, vmo, bytes, end - bytes);
  }
  vmo.stream.bytes = bytes;
  world.resize(vmo.tree, pages);
};
