/**
 * Koids of an imported system: a process keeps its pid, everything else is numbered in the order in
 * which it appears in the file, above any pid.
 */

import type { ForkForest } from './forks.js';
import type { FamilyPlan, VmoPlan } from './plan.js';
import type { LinuxSnapshot } from './snapshot.js';

/** First koid that is no pid: the limit of /proc/sys/kernel/pid_max. The root job's. */
export const FIRST_KOID = 4194304;

/** Koids of what is built from a snapshot. */
export interface LinuxKoids {
  /** Koid of each job, by the index of the process it is named after. */
  readonly jobs: ReadonlyMap<number, number>;
  /** Koid of each VMO. */
  readonly vmos: ReadonlyMap<VmoPlan, number>;
  /** Koid of the process `outside`. */
  readonly outside: number;
}

/**
 * Numbers jobs and VMOs.
 *
 * @param snapshot - processes and mappings in the order of the file
 * @param forest - who descends from whom
 * @param plan - the VMOs
 */
export function numberKoids(
  snapshot: LinuxSnapshot,
  forest: ForkForest,
  plan: FamilyPlan,
): LinuxKoids {
  const jobs = new Map<number, number>();
  const vmos = new Map<VmoPlan, number>();
  let next = FIRST_KOID + 1;
  snapshot.processes.forEach(({ mapStart, mapEnd }, index) => {
    const root = forest.rootOf[index] as number;
    if (!jobs.has(root)) jobs.set(root, next++);
    for (let i = mapStart; i < mapEnd; i++) {
      const vmo = plan.vmoOf[i] as VmoPlan;
      if (vmo.file && !vmos.has(vmo.file)) vmos.set(vmo.file, next++);
      if (!vmos.has(vmo)) vmos.set(vmo, next++);
    }
  });
  return { jobs, vmos, outside: next };
}
