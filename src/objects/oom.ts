/**
 * What the kernel kills when memory runs out (memory-semantics 8.5, behaviour `jobkill`).
 *
 * I1. Only jobs that are marked die, one a time: the deepest; of those the one the walk met last.
 */

import type { JobObject } from './job-object.js';
import { KillCode } from './process-object.js';

/**
 * Kills one marked job with all that stands below.
 *
 * @param root - the root job
 * @returns the job that was killed; undefined where none is marked
 */
export function killOnOom(root: JobObject): JobObject | undefined {
  let victim: JobObject | undefined;
  const waiting = [root];
  for (let job = waiting.pop(); job !== undefined; job = waiting.pop()) {
    const deeper = victim === undefined || job.height <= victim.height;
    if (job.killOnOom && job.isAlive && deeper) victim = job;
    for (const child of [...job.jobs].reverse()) waiting.push(child);
  }
  victim?.kill(KillCode.OOM);
  return victim;
}
