/**
 * The text files of /proc, as they are now.
 *
 * I1. A process may end at any moment: what can no longer be read is `undefined`, never an error.
 *     What may not be read is a {@link Denied}.
 * I2. Nothing is written, and no file stays open.
 */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What may not be read without further rights. */
export class Denied extends Error {
  /** @param path - the file */
  constructor(readonly path: string) {
    super(`${path}: permission denied`);
    this.name = 'Denied';
  }
}

/** What /proc/PID/stat says of a process. */
export interface ProcStat {
  /** Process id. */ readonly pid: number;
  /** Short name. Untrusted text. */ readonly comm: string;
  /** State letter: `R`, `S`, `T` and so on. */ readonly state: string;
  /** Process id of the parent. */ readonly ppid: number;
  /** The line as it stands. */ readonly line: string;
}

const GONE = new Set(['ENOENT', 'ESRCH', 'ENOTDIR']);
const CMDLINE_BYTES = 400;

/** Takes a line of /proc/PID/stat apart; the name may hold spaces and brackets. */
export function parseStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const [state = '', ppid = ''] = text.slice(close + 2).split(' ');
  if (open < 0 || close < open || !/^\d+$/.test(ppid)) return undefined;
  return {
    pid: Number.parseInt(text, 10), comm: text.slice(open + 1, close), state, ppid: Number(ppid),
    line: text.trimEnd(),
  };
}

/** Lines `Name:  123 kB` as numbers; what is no number is left out. */
export function parseCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([^:\s]+):?\s+(\d+)(\s+kB)?\s*$/.exec(line);
    if (match) counts.set(match[1] as string, Number(match[2]));
  }
  return counts;
}

/** Reads /proc, or what a test puts in its place. */
export class ProcFiles {
  /** @param folder - where it is mounted */
  constructor(readonly folder = '/proc') {}

  /** Path of a file below it. */
  path(...names: readonly (string | number)[]): string {
    return join(this.folder, ...names.map(String));
  }

  /**
   * A whole file as text.
   *
   * @returns undefined for what is gone
   * @throws {@link Denied}
   */
  text(...names: readonly (string | number)[]): string | undefined {
    const path = this.path(...names);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (GONE.has(code)) return undefined;
      if (code === 'EACCES' || code === 'EPERM') throw new Denied(path);
      throw error;
    }
  }

  /** Ids of all processes now, ascending. */
  pids(): number[] {
    const names = readdirSync(this.folder).filter((name) => /^\d+$/.test(name));
    return names.map(Number).sort((a, b) => a - b);
  }

  /** What `stat` says of a process. */
  stat(pid: number): ProcStat | undefined {
    const text = this.text(pid, 'stat');
    return text === undefined ? undefined : parseStat(text);
  }

  /** Its command line, arguments separated by spaces, cut after 400 bytes. */
  cmdline(pid: number): string {
    const text = this.text(pid, 'cmdline') ?? '';
    const cut = Buffer.from(text).subarray(0, CMDLINE_BYTES).toString();
    return cut.replace(/\0+$/, '').replaceAll('\0', ' ');
  }
}
