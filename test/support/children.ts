/** Processes of a test's own: a tree that forks, and what /proc says of it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { ProcFiles } from '../../src/import/linux/live/proc-files.js';
import { maySeeFrames } from '../../src/import/linux/live/rights.js';

/** Three subshells that share their parent's memory, each with a program below it. */
const FORKING = 'a=$(printf %065536d 7); '
  + 'for i in 1 2 3; do (b=$a$i; sleep 300; :) & done; echo ready; wait';

/** A tree of processes. */
export interface Tree {
  /** The oldest. */ readonly pid: number;
  /** Ends all of them. */ end(): Promise<void>;
}

/** Starts a shell that forks; resolves when all are there. */
export async function startTree(): Promise<Tree> {
  const child: ChildProcess = spawn('/bin/sh', ['-c', FORKING], {
    detached: true, stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error('no shell');
  await once(stdout, 'data');
  while (childrenOf(pid).flatMap(childrenOf).length < 3) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return {
    pid,
    end: async () => {
      const ended = once(child, 'close');
      process.kill(-pid, 'SIGKILL');
      await ended;
    },
  };
}

/** The children of a process. */
export function childrenOf(pid: number): number[] {
  const proc = new ProcFiles();
  return proc.pids().filter((child) => proc.stat(child)?.ppid === pid);
}

/** State letter of a process; empty where it is gone. */
export function stateOf(pid: number): string {
  return new ProcFiles().stat(pid)?.state ?? '';
}

/** Why this machine's pages cannot be read here; false where they can. */
export function noFrames(): string | false {
  if (process.platform !== 'linux' || !existsSync('/proc/self/smaps_rollup')) return 'no Linux';
  if (maySeeFrames(new ProcFiles())) return false;
  return `no rights to see page frames (${readFileSync('/proc/self/status', 'utf8')
    .split('\n').find((line) => line.startsWith('CapEff'))})`;
}
