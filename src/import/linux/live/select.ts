/**
 * Which processes: all, some by number, or one with all that descend from it.
 */

import type { ProcFiles } from './proc-files.js';

/**
 * A process and all its descendants that are there now, parents first.
 *
 * @param proc - where to read
 * @param root - the oldest of them
 * @returns their ids; none where it is gone
 */
export function treeOf(proc: ProcFiles, root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  let isThere = false;
  for (const pid of proc.pids()) {
    const stat = proc.stat(pid);
    if (stat === undefined) continue;
    if (pid === root) isThere = true;
    const children = childrenOf.get(stat.ppid);
    if (children === undefined) childrenOf.set(stat.ppid, [pid]);
    else children.push(pid);
  }
  if (!isThere) return [];
  const tree = [root];
  for (const pid of tree) for (const child of childrenOf.get(pid) ?? []) tree.push(child);
  return tree;
}
