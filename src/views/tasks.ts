/**
 * Finding a task in the tables, as the tools look one up by koid.
 */

import { type AccountTables, type TaskTable, TaskType } from '../accounting/tables.js';

/** Row of the task with this koid, or -1. */
export function findTask(tasks: TaskTable, koid: number): number {
  return tasks.koid.subarray(0, tasks.count).indexOf(koid);
}

/** Why a process was not found, in the terms of `get_task_by_koid`. */
export type ProcessLookupStatus = 'ZX_ERR_NOT_FOUND' | 'ZX_ERR_WRONG_TYPE';

/**
 * Row of the process with this koid.
 *
 * @returns the row; or `ZX_ERR_NOT_FOUND` where no task has the koid, `ZX_ERR_WRONG_TYPE` where a
 *   job or a thread has it
 */
export function findProcess(tables: AccountTables, koid: number): number | ProcessLookupStatus {
  const row = findTask(tables.tasks, koid);
  if (row < 0) return 'ZX_ERR_NOT_FOUND';
  return tables.tasks.type[row] === TaskType.PROCESS ? row : 'ZX_ERR_WRONG_TYPE';
}
