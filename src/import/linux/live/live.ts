/**
 * The system `linux`: this machine, or some of its processes, read now.
 */

import { InputError, shown } from '../../errors.js';
import { Breather } from './breather.js';
import { findProcesses } from './found.js';
import { ProcFiles } from './proc-files.js';
import { maySeeFrames } from './rights.js';
import { scanLinux } from './scan.js';
import { SmapsSystem } from './smaps-system.js';
import { UserNames } from './users.js';

const PID_MAX = 2 ** 22;
const SHOWN_PIDS = 10;
const NOTHING = 'processes without memory';

/** True for a SPEC of this machine: `linux`, or `linux:` and process ids. */
export function isLiveSpec(spec: string): boolean {
  return spec === 'linux' || spec.startsWith('linux:');
}

/**
 * The processes that a SPEC names.
 *
 * @param spec - `linux` or `linux:PID,PID...`
 * @returns their ids; undefined for all
 * @throws {@link InputError} for what is no list of ids
 */
export function pidsOfSpec(spec: string): number[] | undefined {
  if (spec === 'linux') return undefined;
  const words = spec.slice('linux:'.length).split(',');
  const bad = words.find((word) => !isPid(word));
  if (bad !== undefined) throw new InputError(spec, 0, shown(bad), 'linux or linux:PID,PID,...');
  return [...new Set(words.map(Number))];
}

/** True for the decimal number of a process. */
export function isPid(text: string): boolean {
  return /^\d{1,7}$/.test(text) && Number(text) > 0 && Number(text) < PID_MAX;
}

/**
 * Refuses processes that are not there.
 *
 * @throws {@link InputError} that names the first of them
 */
export function checkPids(proc: ProcFiles, name: string, pids: readonly number[]): void {
  const missing = pids.find((pid) => proc.stat(pid) === undefined);
  if (missing === undefined) return;
  throw new InputError(name, 0, `no process ${missing}`, 'processes that are running');
}

/** The processes of a SPEC, as they are whenever it is asked. */
function selectionOf(proc: ProcFiles, spec: string): () => readonly number[] {
  if (proc.stat(process.pid) === undefined) {
    throw new InputError(spec, 0, 'no /proc of Linux here', 'Linux, or another system');
  }
  const wanted = pidsOfSpec(spec);
  if (wanted !== undefined) checkPids(proc, spec, wanted);
  return () => wanted ?? proc.pids();
}

function noteUnreadable(spec: string, unreadable: readonly number[]): string[] {
  if (unreadable.length === 0) return [];
  const shown = unreadable.slice(0, SHOWN_PIDS).join(', ');
  const more = unreadable.length > SHOWN_PIDS ? ` and ${unreadable.length - SHOWN_PIDS} more` : '';
  return [`${spec}: not to be read, left out: ${shown}${more}`];
}

/** A scan of what a SPEC names, and lines that a user should see. */
export interface LiveScan {
  /** The snapshot's lines. */ readonly lines: readonly string[];
  /** Lines a user should see. */ readonly notes: readonly string[];
}

/**
 * Scans what a SPEC names, page by page.
 *
 * @param spec - `linux` or `linux:PID,PID...`
 * @param onProgress - told of bytes of memory looked at, and in all
 * @returns undefined without the rights to see pages
 * @throws {@link InputError} for processes that are not there or have no memory
 */
export async function scanSpec(
  spec: string, onProgress?: (doneBytes: number, totalBytes: number) => void,
): Promise<LiveScan | undefined> {
  const proc = new ProcFiles();
  const pids = selectionOf(proc, spec);
  if (!maySeeFrames(proc)) return undefined;
  const { lines, processes, unreadable } = await scanLinux({
    proc, pids, users: UserNames.read(), label: spec, onProgress,
  });
  if (processes === 0) throw new InputError(spec, 0, NOTHING, 'some that have memory');
  return { lines, notes: noteUnreadable(spec, unreadable) };
}

/**
 * What a SPEC names as tables of the kernel's figures.
 *
 * @throws {@link InputError} as {@link scanSpec}, and where none of the processes may be read
 */
export async function smapsOfSpec(spec: string, proc = new ProcFiles()): Promise<SmapsSystem> {
  const pids = selectionOf(proc, spec);
  const unreadable: number[] = [];
  const found = await findProcesses(proc, pids(), new Breather(), unreadable);
  if (found.size === 0) {
    const isHidden = unreadable.length > 0;
    const what = isHidden ? 'processes that this user may not read' : NOTHING;
    throw new InputError(spec, 0, what, isHidden ? 'read permission' : 'some that have memory');
  }
  return new SmapsSystem(proc, found, UserNames.read(), [
    `${spec}: the kernel hides page frames from this user: tables of its smaps, no pages`,
    ...noteUnreadable(spec, unreadable),
  ]);
}

/** The lines of a scan as the bytes of a file. */
export async function* bytesOf(lines: Iterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let chunk: string[] = [];
  let chars = 0;
  for (const line of lines) {
    chunk.push(line, '\n');
    chars += line.length;
    if (chars < 1 << 18) continue;
    yield encoder.encode(chunk.join(''));
    await Promise.resolve();
    chunk = [];
    chars = 0;
  }
  yield encoder.encode(chunk.join(''));
}
