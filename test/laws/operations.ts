/**
 * Every operation of random programs, by name.
 */
import type { AnyRow, Op } from './operation.js';
import { TASK_OPS } from './ops-task.js';
import { VMO_OPS } from './ops-vmo.js';

/** The table. A name stands in one of its parts only. */
export const OPERATIONS: Readonly<Record<string, AnyRow>> = { ...VMO_OPS, ...TASK_OPS };

/** The row of an operation. */
export const rowOf = (op: Op): AnyRow => {
  const one = OPERATIONS[op.kind];
  if (one === undefined) throw new Error(`unknown operation ${op.kind}`);
  return one;
};
