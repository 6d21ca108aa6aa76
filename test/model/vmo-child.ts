/**
 * zx_vmo_create_child of the model. A slice or a reference shares the parent's tree; a
 * copy-on-write child gets one of its own, a snapshot or one that follows the parent live.
 */
import { refuseIf } from './status.js';
import {
  LIMIT, type ModelHandle, type ModelVmo, Right, needs, register, roundUp, sizeBytes, sizePages,
} from './vmo.js';
import type { World } from './world.js';

/** Kinds of children. */
export type ChildKind =
  | 'SNAPSHOT' | 'SNAPSHOT_AT_LEAST_ON_WRITE' | 'SNAPSHOT_MODIFIED' | 'SLICE' | 'REFERENCE';

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
