/**
 * zx_vmo_op_range of the model: a row for each operation, with the rights it needs.
 */
import { Refusal, refuseIf } from './status.js';
import { eachPage, inRange, zeroRange } from './vmo-bytes.js';
import { type ModelHandle, type ModelVmo, Right } from './vmo.js';
import type { World } from './world.js';

/** One operation: its number, the right it needs, and what it does to a range inside the VMO. */
interface RangeRow {
  readonly number: number;
  /** Any of these rights; 0 for none. */
  readonly rights: number;
  /** Refusals that come before the range is looked at. */
  readonly before?: (vmo: ModelVmo, length: bigint) => void;
  readonly run: (world: World, vmo: ModelVmo, offset: bigint, length: bigint) => void;
}

const { READ, WRITE } = Right;
const unsupported = (wrong: boolean): void => refuseIf(wrong, 'ZX_ERR_NOT_SUPPORTED');
const notPhysical = (vmo: ModelVmo): void => unsupported(vmo.tree.kind === 'physical');
const hint: RangeRow['run'] = () => undefined;
const noLocks = (): void => unsupported(true);
const someBytes = (_: ModelVmo, length: bigint): void =>
  refuseIf(length === 0n, 'ZX_ERR_INVALID_ARGS');
const cache = (number: number): RangeRow =>
  ({ number, rights: READ, before: someBytes, run: (_, vmo) => notPhysical(vmo) });
const lock = (number: number): RangeRow =>
  ({ number, rights: READ | WRITE, before: noLocks, run: hint });

const commit: RangeRow['run'] = (world, vmo, offset, length) => {
  notPhysical(vmo);
  eachPage(vmo, offset, length, (page) => void world.fork(vmo.tree, page));
};

const decommit: RangeRow['run'] = (world, vmo, offset, length) => {
  refuseIf(offset % 4096n !== 0n || length % 4096n !== 0n, 'ZX_ERR_INVALID_ARGS');
  const { tree } = vmo;
  const isPlain = tree.kind === 'anonymous' && tree.parent === null;
  unsupported(!isPlain || world.hasHiddenParent(tree));
  const first = Number(offset / 4096n) + vmo.treeOffset;
  const end = first + Number(length / 4096n);
  const isPinned = [...tree.pins.keys()].some((page) => page >= first && page < end);
  refuseIf(isPinned, 'ZX_ERR_BAD_STATE');
  world.clearRange(tree, first, end);
};

const zero: RangeRow['run'] = (world, vmo, offset, length) => {
  notPhysical(vmo);
  zeroRange(world, vmo, offset, length);
};

const ROWS = {
  COMMIT: { number: 1, rights: WRITE, run: commit },
  DECOMMIT: { number: 2, rights: WRITE, run: decommit },
  LOCK: lock(3),
  UNLOCK: lock(4),
  CACHE_SYNC: cache(6),
  // A debugging call, which no test system allows.
  CACHE_INVALIDATE: { number: 7, rights: WRITE, before: noLocks, run: hint },
  CACHE_CLEAN: cache(8),
  CACHE_CLEAN_INVALIDATE: cache(9),
  ZERO: { number: 10, rights: WRITE, run: zero },
  TRY_LOCK: lock(11),
  DONT_NEED: { number: 12, rights: 0, run: hint },
  ALWAYS_NEED: { number: 13, rights: 0, run: hint },
  PREFETCH: { number: 14, rights: READ, run: hint },
} satisfies Record<string, RangeRow>;

/** Ranged operations that the model knows. */
export type RangeOp = keyof typeof ROWS;

/** Their names. */
export const RANGE_OPS = Object.keys(ROWS) as RangeOp[];

/** zx_vmo_op_range, the operation by its number. */
export const opRange = (
  world: World, handle: ModelHandle, op: number, offset: bigint, length: bigint,
): void => {
  const row = Object.values<RangeRow>(ROWS).find(({ number }) => number === op);
  if (row === undefined) throw new Refusal('ZX_ERR_INVALID_ARGS');
  const { vmo, rights } = handle;
  refuseIf(row.rights !== 0 && (rights & row.rights) === 0, 'ZX_ERR_ACCESS_DENIED');
  row.before?.(vmo, length);
  inRange(vmo, offset, length);
  row.run(world, vmo, offset, length);
};

/** Number of an operation. */
export const rangeOp = (name: RangeOp): number => ROWS[name].number;
