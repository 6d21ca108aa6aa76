/**
 * Killing without a handle: by a system's own parts, that must end something where no memory is
 * left for a handle to it.
 */

import { JobObject } from './job-object.js';
import { KillCode, type ProcessObject } from './process-object.js';

/**
 * Kills a process, or a job with everything in it, as `zx_task_kill` does.
 *
 * @param task - what dies; what is dead already stays so
 * @throws ZxError ZX_ERR_SHOULD_WAIT while a pass runs
 */
export function killTask(task: JobObject | ProcessObject): void {
  task.system.assertNotBusy();
  if (task instanceof JobObject) task.kill();
  else task.end(KillCode.SYSCALL);
}
