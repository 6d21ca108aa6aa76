/**
 * Who forked whom among the recorded processes, and which job each belongs to.
 *
 * I1. `order` has every process once, each after its recorded parent.
 */

import { InputError } from '../errors.js';
import type { LinuxProcess, LinuxSnapshot } from './snapshot.js';

/** The recorded processes as a forest. */
export interface ForkForest {
  /** Process indexes, each after its parent. */ readonly order: readonly number[];
  /** Index of each process's parent; -1 if it is not recorded. */ readonly parentOf: Int32Array;
  /** Index of the process without a recorded parent that each one descends from. */
  readonly rootOf: Int32Array;
}

/**
 * Orders processes by descent.
 *
 * @param snapshot - processes, and the file's name for messages
 * @returns the forest
 * @throws {@link InputError} a process that is its own ancestor
 */
export function forkOrder(snapshot: Pick<LinuxSnapshot, 'file' | 'processes'>): ForkForest {
  const { processes } = snapshot;
  const indexOf = new Map(processes.map((process, index) => [process.pid, index]));
  const parentOf = Int32Array.from(processes, ({ ppid }) => indexOf.get(ppid) ?? -1);
  const rootOf = new Int32Array(processes.length);
  const childrenOf: number[][] = processes.map(() => []);
  const order: number[] = [];
  parentOf.forEach((parent, index) => {
    if (parent < 0) order.push(index);
    else childrenOf[parent]?.push(index);
  });
  for (const index of order) rootOf[index] = index;
  for (let at = 0; at < order.length; at++) {
    const index = order[at] as number;
    for (const child of childrenOf[index] as number[]) {
      rootOf[child] = rootOf[index] as number;
      order.push(child);
    }
  }
  if (order.length < processes.length) {
    const reached = new Set(order);
    const lost = processes.findIndex((_process, index) => !reached.has(index));
    const { pid, ppid, line } = processes[lost] as LinuxProcess;
    const found = `pid ${pid} below itself (ppid ${ppid})`;
    throw new InputError(snapshot.file, line, found, 'parents that are no descendants');
  }
  return { order, parentOf, rootOf };
}
