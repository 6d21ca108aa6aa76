/**
 * This machine as a snapshot: the records of the data's README, read from /proc now.
 *
 * I1. Figures are read first and last: where they are the same text, what was read between them is
 *     of one instant (`consistent`).
 * I2. Kernel threads, the dead and this process itself are left out.
 *
 * Cost: smaps of every process two times (the kernel walks their page tables), pagemap of what is
 * in use once, 16 bytes for each frame that anybody has.
 */

import { type Area, columnsOf, kbOf } from './areas.js';
import { Breather } from './breather.js';
import { type Found, findProcesses, rollupOf, userOf } from './found.js';
import { PageScan } from './page-scan.js';
import { Denied, parseCounts, type ProcFiles } from './proc-files.js';
import type { UserNames } from './users.js';

/** What to scan and how. */
export interface ScanOptions {
  /** Where to read. */ readonly proc: ProcFiles;
  /** Processes; asked anew for each try. */ readonly pids: () => readonly number[];
  /** Names of users. */ readonly users: UserNames;
  /** Name of the recording. */ readonly label: string;
  /** Keep the kernel's own figures (smaps, smaps_rollup). */ readonly oracle?: boolean;
  /** Keep the kernel's tables of the machine (buddyinfo ...). */ readonly detail?: boolean;
  /** The processes are stopped meanwhile. */ readonly stopped?: boolean;
  /** How often to try for one instant; default 1. */ readonly tries?: number;
  /** Aborts the scan. */ readonly signal?: AbortSignal;
  /** Told of bytes of memory looked at, and in all. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** What a scan found. */
export interface Scan {
  /** The snapshot's lines, without their ends. */ readonly lines: readonly string[];
  /** Processes in it. */ readonly processes: number;
  /** Frames in it. */ readonly frames: number;
  /** False: something changed meanwhile. */ readonly consistent: boolean;
  /** Processes that may not be read. */ readonly unreadable: readonly number[];
}

const DETAILS = ['buddyinfo', 'pagetypeinfo', 'zoneinfo', 'slabinfo', 'iomem', 'swaps'] as const;
const KIB = 1024;

/**
 * Scans.
 *
 * @throws Denied without the rights to read frames; the signal's reason when it aborts
 */
export async function scanLinux(options: ScanOptions): Promise<Scan> {
  const tries = options.tries ?? 1;
  for (let attempt = 1; ; attempt++) {
    const scan = await scanOnce(options, attempt);
    if (scan.consistent || attempt >= tries) return scan;
  }
}

async function scanOnce(options: ScanOptions, attempt: number): Promise<Scan> {
  const { proc } = options;
  const breather = new Breather(options.signal);
  const pages = new PageScan(proc, breather);
  try {
    const unreadable: number[] = [];
    const machine = machineRecords(options);
    const found = await findProcesses(proc, options.pids(), breather, unreadable);
    const processLines = await scanPages(options, pages, found, unreadable);
    const { lines: frameLines, frames } = await pages.frameRecords();
    const consistent = await isUnchanged(proc, found, breather);
    const processes = found.size;
    const head = snapRecord(options, found, { attempt, consistent });
    const flags = JSON.stringify({ t: 'pmflags', v: pages.flags.words() });
    const end = JSON.stringify({ t: 'end', frames });
    return {
      lines: [head, ...machine, flags, ...processLines, ...frameLines, end], processes, frames,
      consistent, unreadable,
    };
  } finally {
    pages.close();
  }
}

/** The proc and map records; a process that is gone by now is taken out of `found`. */
async function scanPages(
  options: ScanOptions, pages: PageScan, found: Map<number, Found>, unreadable: number[],
): Promise<string[]> {
  const { oracle = false, onProgress } = options;
  const bytesOf = (one: Found): number =>
    one.areas.reduce((sum, area) => sum + KIB * kbOf(area, 'Rss', 'Swap'), 0);
  const totalBytes = [...found.values()].reduce((sum, one) => sum + bytesOf(one), 0);
  const columns = columnsOf([...found.values()][0]?.areas ?? []);
  const lines: string[] = [];
  let doneBytes = 0;
  for (const [pid, one] of found) {
    try {
      const runs = await pages.runs(pid, one.areas);
      lines.push(JSON.stringify(procRecord(options, one)));
      one.areas.forEach((area, i) => {
        lines.push(JSON.stringify(mapRecord(pid, area, runs[i] ?? '', oracle ? columns : [])));
      });
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (!isGone && !(error instanceof Denied)) throw error;
      found.delete(pid);
      if (!isGone) unreadable.push(pid);
    }
    doneBytes += bytesOf(one);
    onProgress?.(doneBytes, totalBytes);
  }
  return lines;
}

async function isUnchanged(
  proc: ProcFiles, found: ReadonlyMap<number, Found>, breather: Breather,
): Promise<boolean> {
  for (const [pid, { smaps, rollup }] of found) {
    await breather.breathe();
    if (proc.text(pid, 'smaps') !== smaps) return false;
    if ((proc.text(pid, 'smaps_rollup') ?? '') !== rollup) return false;
  }
  return true;
}

function snapRecord(
  options: ScanOptions, found: ReadonlyMap<number, Found>,
  { attempt, consistent }: { attempt: number; consistent: boolean },
): string {
  const { proc, label, oracle = false, stopped = false } = options;
  const kernel = (proc.text('sys', 'kernel', 'osrelease') ?? '').trim();
  const areas = [...found.values()][0]?.areas ?? [];
  return JSON.stringify({
    t: 'snap', v: 1, label, kernel, page: 4096, time: Math.floor(Date.now() / 1000),
    nproc: found.size, consistent, tries: attempt, stopped, sf: oracle ? columnsOf(areas) : [],
  });
}

/** meminfo, vmstat, and the kernel's tables where asked for. */
function machineRecords({ proc, detail = false }: ScanOptions): string[] {
  const lines = ['meminfo', 'vmstat'].map((name) => {
    const counts = parseCounts(proc.text(name) ?? '');
    return JSON.stringify({ t: name, v: Object.fromEntries(counts) });
  });
  if (!detail) return lines;
  const texts: Record<string, string> = {};
  for (const name of DETAILS) {
    try {
      const text = proc.text(name);
      if (text !== undefined) texts[name] = text.trimEnd();
    } catch (error) {
      if (!(error instanceof Denied)) throw error;
    }
  }
  return [...lines, JSON.stringify({ t: 'text', ...texts })];
}

function procRecord(
  { proc, oracle = false, users }: ScanOptions, { stat, rollup, areas }: Found,
): object {
  const statusText = proc.text(stat.pid, 'status') ?? '';
  const status = [...parseCounts(statusText)].filter(([name]) => /^(Vm|Rss|Threads)/.test(name));
  const user = userOf(statusText, users);
  return {
    t: 'proc', pid: stat.pid, ppid: stat.ppid, comm: stat.comm, cmdline: proc.cmdline(stat.pid),
    ...(user === undefined ? {} : { user }),
    stat: stat.line, status: Object.fromEntries(status),
    ...(oracle && rollup !== '' ? { rollup: Object.fromEntries(rollupOf(rollup)) } : {}),
    nmaps: areas.length,
  };
}

function mapRecord(pid: number, area: Area, runs: string, columns: readonly string[]): object {
  const figures = columns.map((name) => area.kb.get(name) ?? 0);
  const isZero = columns.every((name, i) => name === 'KernelPageSize' || figures[i] === 0);
  return {
    t: 'map', pid, a: area.range, p: area.perms, off: area.offset, dev: area.dev, ino: area.ino,
    name: area.name, ...(isZero ? {} : { s: figures }), vf: area.flags,
    ...(runs === '' ? {} : { r: runs }),
  };
}
