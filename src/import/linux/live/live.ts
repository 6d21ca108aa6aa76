/**
 * The system `linux`: this machine, or some of its processes, read now.
 */

import { InputError, shown } from '../../errors.js';
import { ProcFiles } from './proc-files.js';
import { scanLinux, type Scan } from './scan.js';
import { UserNames } from './users.js';

const PID_MAX = 2 ** 22;

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

/** Scans what a SPEC names. */
export function scanSpec(
  spec: string, onProgress?: (doneBytes: number, totalBytes: number) => void,
): Promise<Scan> {
  const proc = new ProcFiles();
  const wanted = pidsOfSpec(spec);
  if (wanted !== undefined) checkPids(proc, spec, wanted);
  const pids = (): readonly number[] => wanted ?? proc.pids();
  return scanLinux({ proc, pids, users: UserNames.read(), label: spec, onProgress });
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
