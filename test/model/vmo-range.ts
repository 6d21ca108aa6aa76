/**
 * zx_vmo_op_range of the model: a row for each operation, with the rights it needs.
 */
import { refuseIf } from './status.js';
import { eachPage, inRange, zeroRange } from './vmo-bytes.js';
import { type ModelHandle, type ModelVmo, Right, needs } from './vmo.js';
import type { World } from './world.js';

/** One operation: its rights, and what it does to a range inside the VMO. */
interface RangeRow {
  readonly rights: number;
  readonly run: (world: World, vmo: ModelVmo, offset: bigint, length: bigint) => void;
}

const commit: RangeRow['run'] = (world, vmo, offset, length) =>
  eachPage(vmo, offset, length, (page) => void world.fork(vmo.tree, page));

const decommit: RangeRow['run'] = (world, vmo, offset, length) => {
  refuseIf(offset % 4096n !== 0n || length % 4096n !== 0n, 'ZX_ERR_INVALID_ARGS');
  const { tree } = vmo;
  refuseIf(
    tree.kind === 'file' || tree.parent !== null || world.hasHiddenParent(tree),
    'ZX_ERR_NOT_SUPPORTED',
  );
  eachPage(vmo, offset, length, (page) => refuseIf(tree.pins.has(page), 'ZX_ERR_BAD_STATE'));
  eachPage(vmo, offset, length, (page) => world.clear(tree, page));
};

const ROWS = {
  COMMIT: { rights: Right.WRITE, run: commit },
  DECOMMIT: { rights: Right.WRITE, run: decommit },
  ZERO: { rights: Right.WRITE, run: zeroRange },
} satisfies Record<string, RangeRow>;

/** Ranged operations that the model knows. */
export type RangeOp = keyof typeof ROWS;

/** Their names. */
export const RANGE_OPS = Object.keys(ROWS) as RangeOp[];

/** zx_vmo_op_range. */
export const opRange = (
  world: World, handle: ModelHandle, op: RangeOp, offset: bigint, length: bigint,
): void => {
  const row: RangeRow = ROWS[op];
  needs(handle, row.rights);
  inRange(handle.vmo, offset, length);
  row.run(world, handle.vmo, offset, length);
};


