/**
 * Every operation of random programs, by name.
 */
import type { AnyRow, Op } from './operation.js';
import { DEAD_OPS } from './ops-dead.js';
import { HANDLE_OPS } from './ops-handle.js';
import { ODD_OPS } from './ops-odd.js';
import { TASK_OPS } from './ops-task.js';
import { VMAR_OPS } from './ops-vmar.js';
import { VMO_OPS } from './ops-vmo.js';

/** The table. A name stands in one of its parts only. */
export const OPERATIONS: Readonly<Record<string, AnyRow>> = {
  ...VMO_OPS, ...HANDLE_OPS, ...ODD_OPS, ...TASK_OPS, ...VMAR_OPS, ...DEAD_OPS,
};

/** The row of an operation. */
export const rowOf = (op: Op): AnyRow => {
  const one = OPERATIONS[op.kind];
  if (one === undefined) throw new Error(`unknown operation ${op.kind}`);
  return one;
};
