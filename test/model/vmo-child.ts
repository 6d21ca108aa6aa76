/**
 * zx_vmo_create_child of the model. A slice or a reference shares the parent's tree; a
 * copy-on-write child gets one of its own, a snapshot or one that follows the parent live.
 */
import { refuseIf } from './status.js';
import {
  LIMIT, type ModelHandle, type ModelVmo, Right, needs, register, roundUp, sizeBytes, sizePages,
} from './vmo.js';
import type { World } from './world.js';

/** Kinds of children, and what may be added. */
export const ChildBit = {
  SNAPSHOT: 1, RESIZABLE: 4, SLICE: 8, SNAPSHOT_AT_LEAST_ON_WRITE: 16, NO_WRITE: 32, REFERENCE: 64,
  SNAPSHOT_MODIFIED: 128,
} as const;
const ONE_OF: readonly number[] = [
  ChildBit.SNAPSHOT, ChildBit.SLICE, ChildBit.SNAPSHOT_AT_LEAST_ON_WRITE, ChildBit.REFERENCE,
  ChildBit.SNAPSHOT_MODIFIED,
];

/** Kinds of children. */
export type ChildKind = Exclude<keyof typeof ChildBit, 'RESIZABLE' | 'NO_WRITE'>;

/** What was asked. */
interface Request {
  readonly kind: number;
  readonly resizable: boolean;
  readonly noWrite: boolean;
  readonly offset: bigint;
  readonly bytes: bigint;
  readonly size: bigint;
}

/** What a child has before it is registered. */
type Fields = Parameters<typeof register>[1];

const bad = (wrong: boolean): void => refuseIf(wrong, 'ZX_ERR_INVALID_ARGS');
const unsupported = (wrong: boolean): void => refuseIf(wrong, 'ZX_ERR_NOT_SUPPORTED');

const slice = (parent: ModelVmo, asked: Request): Fields => {
  const { offset, size } = asked;
  bad(asked.resizable || offset % 4096n !== 0n);
  bad(offset + size > sizeBytes(parent));
  unsupported(parent.stream.resizable);
  refuseIf(parent.cachePolicy !== 0 && parent.tree.kind !== 'physical', 'ZX_ERR_BAD_STATE');
  return {
    ...parent, parent, treeOffset: parent.treeOffset + Number(offset / 4096n),
    slicePages: Number(size / 4096n), isReference: false, isCow: false, isImmutable: false,
    resizable: false, rootOffset: parent.rootOffset + offset,
    stream: { bytes: asked.bytes, resizable: false },
  };
};

const reference = (parent: ModelVmo, asked: Request): Fields => {
  bad(asked.offset !== 0n || asked.bytes !== 0n);
  unsupported(parent.slicePages !== null || parent.tree.kind === 'physical');
  return {
    ...parent, parent, isReference: true, isCow: false, isImmutable: false,
    resizable: asked.resizable,
  };
};

/** Which copy-on-write child one gets (2.6), or a refusal. */
const checkCow = (world: World, parent: ModelVmo, asked: Request): 'snapshot' | 'live' => {
  const { tree } = parent;
  const { kind, offset, size } = asked;
  bad(offset % 4096n !== 0n);
  bad(parent.rootOffset + offset + size >= LIMIT);
  unsupported(tree.kind === 'physical');
  refuseIf(parent.cachePolicy !== 0, 'ZX_ERR_BAD_STATE');
  const paged = tree.kind === 'file' || tree.parent !== null;
  const isSlice = parent.slicePages !== null;
  if (kind === ChildBit.SNAPSHOT) unsupported(isSlice || paged);
  else unsupported(isSlice && tree.kind !== 'file');
  const hidden = world.hasHiddenParent(tree);
  const atRoot = tree.kind === 'file';
  const chained = tree.parent !== null && tree.parent.parent !== null && !hidden;
  const modified = kind === ChildBit.SNAPSHOT_MODIFIED;
  if (modified && paged && !atRoot) unsupported(chained);
  const live = modified ? atRoot : paged && !hidden;
  if (!live) refuseIf(tree.pins.size > 0, 'ZX_ERR_BAD_STATE');
  return live ? 'live' : 'snapshot';
};

/** Pages of the parent from `offset` to its end. */
const parentPages = (parent: ModelVmo, offset: bigint): number =>
  Math.max(0, sizePages(parent) - Number(offset / 4096n));

const copyOnWrite = (world: World, parent: ModelVmo, asked: Request): Fields => {
  const { offset, resizable } = asked;
  const how = checkCow(world, parent, asked);
  const at = Number(offset / 4096n) + parent.treeOffset;
  const pages = Number(asked.size / 4096n);
  const visible = parentPages(parent, offset);
  const tree = how === 'live'
    ? world.liveTree(parent.tree, at, pages, visible) : world.snapshotTree(parent.tree, at, pages);
  return {
    ...parent, parent, tree, treeOffset: 0, slicePages: null, isReference: false, isCow: true,
    isImmutable: asked.kind === ChildBit.SNAPSHOT && asked.noWrite, resizable,
    rootOffset: parent.rootOffset + offset, stream: { bytes: asked.bytes, resizable },
  };
};

const rightsOf = (handle: ModelHandle, asked: Request): number => {
  const own = Right.GET_PROPERTY | Right.SET_PROPERTY | (asked.resizable ? Right.RESIZE : 0);
  const rights = (handle.rights & ~Right.RESIZE) | own;
  if (asked.noWrite) return rights & ~Right.WRITE;
  const isWindow = asked.kind === ChildBit.SLICE || asked.kind === ChildBit.REFERENCE;
  return isWindow ? rights : (rights | Right.WRITE) & ~Right.EXECUTE;
};

/** zx_vmo_create_child. */
export const createChild = (
  world: World, handle: ModelHandle, options: number, offset: bigint, bytes: bigint,
): ModelHandle => {
  const { vmo: parent } = handle;
  const size = roundUp(bytes);
  const resizable = (options & ChildBit.RESIZABLE) !== 0;
  const noWrite = (options & ChildBit.NO_WRITE) !== 0;
  bad(noWrite && resizable);
  const resizes = (options & ChildBit.REFERENCE) !== 0 && resizable;
  needs(handle, Right.DUPLICATE | Right.READ | (resizes ? Right.RESIZE : 0));
  const kind = options & ~(ChildBit.RESIZABLE | ChildBit.NO_WRITE);
  bad(!ONE_OF.includes(kind));
  const asked: Request = { kind, resizable, noWrite, offset, bytes, size };
  const name = (handle.rights & Right.GET_PROPERTY) !== 0 ? parent.name : '';
  let fields: Fields;
  if (kind === ChildBit.SLICE) fields = slice(parent, asked);
  else if (kind === ChildBit.REFERENCE) fields = reference(parent, asked);
  else fields = copyOnWrite(world, parent, asked);
  return { vmo: register(world, { ...fields, name }), rights: rightsOf(handle, asked) };
};
