/** Processes of a test's own: a tree that forks, and what /proc says of it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcFiles } from '../../src/import/linux/live/proc-files.js';
import { maySeeFrames } from '../../src/import/linux/live/rights.js';

/** Three subshells that share their parent's memory, and three below them; all wait for input. */
const FORKING = 'exec 3<&0; a=$(printf %065536d 7); for i in 1 2 3; do '
  + '(b=$a$i; (c=$b$i; read x <&3) & read x <&3) & done; echo ready; read x <&3';

/** A tree of processes. */
export interface Tree {
  /** The oldest. */ readonly pid: number;
  /** Ends all of them. */ end(): Promise<void>;
}

/** Files that a running shell has mapped: itself, its libraries, the loader among them. */
async function filesOfShell(): Promise<string[]> {
  const child = spawn('/bin/sh', ['-c', 'echo ready; read x'], { stdio: 'pipe' });
  await once(child.stdout, 'data');
  const maps = readFileSync(`/proc/${child.pid}/maps`, 'utf8');
  const ended = once(child, 'close');
  child.stdin.end();
  await ended;
  return [...new Set(maps.match(/\/\S+$/gm) ?? [])];
}

/**
 * The words that start a shell of our own: copies of it and its libraries, so that no process that
 * begins or ends elsewhere changes who shares its pages.
 */
async function ownShell(folder: string): Promise<string[]> {
  const copies = (await filesOfShell()).map((file) => {
    const copy = join(folder, basename(file));
    copyFileSync(file, copy);
    return copy;
  });
  const loader = copies.find((copy) => /^ld[-.]/.test(basename(copy)));
  const shell = copies[0] ?? '/bin/sh';
  return loader === undefined ? [shell] : [loader, '--library-path', folder, shell];
}

/** Starts a shell that forks; resolves when all seven processes are there. */
export async function startTree(): Promise<Tree> {
  const folder = mkdtempSync(join(tmpdir(), 'memsim-tree-'));
  const [command = '', ...words] = await ownShell(folder);
  const child = spawn(command, [...words, '-c', FORKING], {
    detached: true, stdio: ['pipe', 'pipe', 'ignore'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('no shell');
  await once(child.stdout, 'data');
  while (childrenOf(pid).flatMap(childrenOf).length < 3) await sleep(5);
  // They are there before they wait: their memory changes until then.
  await sleep(50);
  return {
    pid,
    end: async () => {
      const ended = once(child, 'close');
      process.kill(-pid, 'SIGKILL');
      await ended;
      rmSync(folder, { recursive: true });
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
