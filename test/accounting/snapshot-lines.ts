/**
 * A recorded snapshot read for tests, straight from its JSON lines: another reading of the data's
 * README than `src/import`, with nothing in common but the file.
 */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { sharedFiles } from '../support/shared.js';

/** Columns by name, kB. */
export type Kilobytes = Readonly<Record<string, number>>;

/** A mapping of the file. */
export interface LineMapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly name: string;
  /** smaps columns; undefined where the recording has none. */
  readonly smaps: Kilobytes | undefined;
  /** Device memory, of which smaps counts nothing. */ readonly isDevice: boolean;
  /** PFNs of present pages, in address order. */ readonly pfns: Float64Array;
  /** Page of the mapping that each of these stands at. */ readonly at: Float64Array;
  /** Number of swapped pages. */ readonly swapped: number;
  /** Page of the mapping and swap word of each swapped page. */
  readonly swapWords: readonly (readonly [page: number, word: number])[];
}

/** A process of the file. */
export interface LineProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly name: string;
  /** smaps_rollup; undefined where the recording has none. */
  readonly rollup: Kilobytes | undefined;
  readonly mappings: LineMapping[];
}

/** What kpagecount and kpageflags say of a frame. */
export interface LineFrame {
  readonly mapcount: number;
  readonly flags: number;
}

/** A snapshot. */
export interface Lines {
  readonly consistent: boolean;
  readonly meminfo: Kilobytes;
  readonly processes: LineProcess[];
  /** Word of a PFN: mapcount x 1024 + class. */ readonly frames: ReadonlyMap<number, number>;
  /** kpageflags words by class. */ readonly flags: readonly number[];
}

/** Bits of kpageflags that matter here. */
const HUGETLB = 17;
const NO_PAGE = 20;
const ZERO = 24;

/** Every snapshot at hand: fixtures, and the shared ones where that folder is. */
export function snapshotFiles(): string[] {
  const folder = new URL('../fixtures/', import.meta.url);
  const fixture = (name: string): string => fileURLToPath(new URL(name, folder));
  const own = ['edge-thp-ksm-swap-hugetlb-6.snap.jsonl.gz', 'nginx-6w.snap.jsonl.gz'];
  const pattern = /\.snap\.jsonl(\.gz|\.br)?$/;
  const shared = [...sharedFiles('data/linux', pattern), ...sharedFiles('data/traces', pattern)];
  return [...own.map(fixture), ...shared.filter((path) => !own.includes(basename(path)))];
}

/** Reads a file. */
export function readLines(path: string): Lines {
  const packed = readFileSync(path);
  const bytes = path.endsWith('.br') ? brotliDecompressSync(packed) : gunzipSync(packed);
  const reader = new LineReader();
  let from = 0;
  for (let to = bytes.indexOf(10); to >= 0; from = to + 1, to = bytes.indexOf(10, from)) {
    reader.line(JSON.parse(bytes.toString('utf8', from, to)) as Line);
  }
  if (from < bytes.length) reader.line(JSON.parse(bytes.toString('utf8', from)) as Line);
  return reader.done();
}

/** What kpagecount and kpageflags say of a PFN. */
export function frameOf(lines: Lines, pfn: number): LineFrame {
  const word = lines.frames.get(pfn);
  if (word === undefined) throw new Error(`PFN ${pfn} is not listed`);
  return { mapcount: Math.floor(word / 1024), flags: lines.flags[word % 1024] as number };
}

function bit(flags: number, n: number): boolean {
  return Math.floor(flags / 2 ** n) % 2 === 1;
}

/** Whether smaps counts a page: not the zero page, not hugetlb, a page at all. */
export function counts({ flags }: LineFrame): boolean {
  return !bit(flags, HUGETLB) && !bit(flags, NO_PAGE) && !bit(flags, ZERO);
}

interface Line {
  readonly t: string;
  readonly [key: string]: unknown;
}

type Run = [number, number, number, number];

function words(value: unknown): number[] {
  return (value as string[]).map((word) => parseInt(word, 16));
}

class LineReader {
  #consistent = false;
  #columns: string[] = [];
  #meminfo: Kilobytes = {};
  #pmflags: number[] = [];
  #flags: number[] = [];
  readonly #processes: LineProcess[] = [];
  readonly #frames = new Map<number, number>();

  line(line: Line): void {
    if (line.t === 'snap') {
      this.#consistent = line.consistent as boolean;
      this.#columns = line.sf as string[];
    } else if (line.t === 'meminfo') this.#meminfo = line.v as Kilobytes;
    else if (line.t === 'pmflags') this.#pmflags = words(line.v);
    else if (line.t === 'proc') {
      const { pid, ppid, comm: name, rollup } = line as unknown as
        { pid: number; ppid: number; comm: string; rollup?: Kilobytes };
      this.#processes.push({ pid, ppid, name, rollup, mappings: [] });
    } else if (line.t === 'map') this.#map(line);
    else if (line.t === 'kpageflags') this.#flags = words(line.v);
    else if (line.t === 'frames') this.#readFrames(line.base as number, line.r as string);
  }

  done(): Lines {
    return {
      consistent: this.#consistent, meminfo: this.#meminfo, processes: this.#processes,
      frames: this.#frames, flags: this.#flags,
    };
  }

  #map(line: Line): void {
    const process = this.#processes.at(-1);
    const [start, end] = (line.a as string).split('-').map((word) => BigInt(`0x${word}`));
    if (process === undefined || start === undefined || end === undefined) throw new Error('a map');
    const values = line.s as number[] | undefined;
    const smaps = this.#columns.length === 0 ? undefined : Object.fromEntries(
      this.#columns.map((name, i) => [name, values?.[i] ?? 0]),
    );
    const isDevice = ((line.vf as string | undefined) ?? '').split(' ').includes('pf');
    const pages = this.#pages((line.r as string | undefined) ?? '');
    const name = line.name as string;
    process.mappings.push({ start, end, name, smaps, isDevice, ...pages });
  }

  #pages(runs: string): Pick<LineMapping, 'pfns' | 'at' | 'swapped' | 'swapWords'> {
    const pfns: number[] = [];
    const at: number[] = [];
    const swapWords: [number, number][] = [];
    let swapped = 0;
    let expected = 0;
    let page = 0;
    for (const run of runs === '' ? [] : runs.split(' ')) {
      const [gap, length, delta, kind] = run.split(':').map(Number) as Run;
      const word = expected + delta;
      const pages = Math.abs(length);
      page += gap;
      const step = length < 0 ? -1 : 1;
      const flags = this.#pmflags[kind] as number;
      if ((flags & 0x100) !== 0) {
        for (let i = 0; i < pages; i++) {
          pfns.push(word + i * step);
          at.push(page + i);
        }
        expected = word + pages * step;
      } else {
        if ((flags & 0x80) !== 0) {
          swapped += pages;
          for (let i = 0; i < pages; i++) swapWords.push([page + i, word + 32 * i * step]);
        }
        expected = word + 32 * pages;
      }
      page += pages;
    }
    return { pfns: Float64Array.from(pfns), at: Float64Array.from(at), swapped, swapWords };
  }

  #readFrames(base: number, runs: string): void {
    let next = base;
    for (const run of runs.split(' ')) {
      const [gap, length, mapcount, kind] = run.split(':').map(Number) as Run;
      next += gap;
      for (let i = 0; i < length; i++) this.#frames.set(next + i, mapcount * 1024 + kind);
      next += length;
    }
  }
}
