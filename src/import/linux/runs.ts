/**
 * Page runs: the `r` text of a map record into columns, and the columns' storage.
 *
 *   text   gap:len:d:c gap:len:d:c ...       (README of the data, section 1)
 *   row    | page f64 | first f64 | length i32 | flags u16 |        22 bytes a run
 *          first page in the mapping; first PFN (after the frames are known: dense frame index) or
 *          swap word; pages, negative when the PFNs go down by one; index into pmflags
 *
 * I1. Rows of one mapping stand in one segment, in address order, without overlap, inside the
 *     mapping.
 * I2. Segments are never copied: storage grows by another segment, so the peak is what is kept.
 *
 * Cost: about 30 ns a run to scan on the machine this was written on; no object for each run.
 */

import { shown } from '../errors.js';
import { fail, type Place } from './records.js';

/** What the pages of a run are. */
export const RunKind = { NOTHING: 0, PRESENT: 1, SWAPPED: 2 } as const;

/** Step of a swap word from one slot to the next. */
export const SWAP_WORD_STEP = 32;

const SEGMENT_RUNS = 1 << 16;
const MAX_WORD = Number.MAX_SAFE_INTEGER;
/** `:` */
export const COLON = 0x3a;
/** The space between runs. */
export const SPACE = 0x20;

/** Rows of runs; see the module's picture. */
export interface RunSegment {
  /** Page within the mapping. */ readonly page: Float64Array;
  /** First PFN, dense frame index or swap word. */ readonly first: Float64Array;
  /** Pages; negative for a run whose PFNs go down. */ readonly length: Int32Array;
  /** Index into pmflags. */ readonly flags: Uint16Array;
}

/** Where the runs of one mapping stand. */
export interface RunRange {
  /** The segment that holds them. */ readonly segment: RunSegment;
  /** First row. */ readonly start: number;
  /** One past the last row. */ readonly end: number;
}

const EMPTY: RunSegment = makeSegment(0);

/** No runs. */
export const NO_RUNS: RunRange = { segment: EMPTY, start: 0, end: 0 };

function makeSegment(rows: number): RunSegment {
  return {
    page: new Float64Array(rows),
    first: new Float64Array(rows),
    length: new Int32Array(rows),
    flags: new Uint16Array(rows),
  };
}

/** Storage of all runs of a snapshot, and the scanner that fills it. */
export class RunStore {
  /** Runs stored. */
  runs = 0;
  /** Pages of runs that are present. */
  presentPages = 0;
  /** Pages of runs that are swapped. */
  swappedPages = 0;
  private segment: RunSegment = EMPTY;
  private used = 0;

  /**
   * @param kinds - {@link RunKind} of each pmflags index
   */
  constructor(private readonly kinds: Uint8Array) {}

  /**
   * Scans the runs of one mapping.
   *
   * @param text - the `r` field
   * @param pages - length of the mapping, pages
   * @param place - file and line, for messages
   * @returns where the runs are
   * @throws InputError: a run that is no `gap:len:d:c`, past the mapping, with an unknown flag
   *   index
   */
  add(text: string, pages: number, place: Place): RunRange {
    if (text === '') return NO_RUNS;
    this.reserve(countSpaces(text) + 1);
    const scan = new Scanner(text, place);
    const { page: pageOf, first: firstOf, length: lengthOf, flags: flagsOf } = this.segment;
    const start = this.used;
    let row = start;
    let page = 0;
    let expected = 0;
    while (!scan.done()) {
      page += scan.whole(COLON);
      const length = scan.signed(COLON);
      const first = expected + scan.signed(COLON);
      const flags = scan.whole(SPACE);
      const kind = this.kinds[flags];
      if (kind === undefined) {
        fail(place, `pmflags index ${flags}`, `one below ${this.kinds.length}`);
      }
      const count = length < 0 ? -length : length;
      if (count === 0) fail(place, 'a run of 0 pages', 'runs of at least one page');
      if (page + count > pages) {
        fail(place, `a run to page ${page + count}`, `one inside the mapping's ${pages} pages`);
      }
      const step = kind === RunKind.SWAPPED ? SWAP_WORD_STEP : 1;
      expected = first + length * step;
      const last = length < 0 ? expected + step : expected - step;
      if (first < 0 || last < 0 || first > MAX_WORD || last > MAX_WORD) {
        fail(place, `a run from frame ${first} to ${last}`, 'frame numbers from 0 to 2^53 - 1');
      }
      pageOf[row] = page;
      firstOf[row] = first;
      lengthOf[row] = length;
      flagsOf[row] = flags;
      row++;
      page += count;
      if (kind === RunKind.PRESENT) this.presentPages += count;
      else if (kind === RunKind.SWAPPED) this.swappedPages += count;
    }
    this.runs += row - start;
    this.used = row;
    return { segment: this.segment, start, end: row };
  }

  private reserve(rows: number): void {
    if (this.used + rows <= this.segment.length.length) return;
    this.segment = makeSegment(Math.max(rows, SEGMENT_RUNS));
    this.used = 0;
  }
}

function countSpaces(text: string): number {
  let spaces = 0;
  for (let at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) spaces++;
  return spaces;
}

const MINUS = 0x2d;
const ZERO = 0x30;

/** Reads the numbers of a run text one after another. */
export class Scanner {
  private at = 0;

  /**
   * @param text - runs separated by single spaces, fields by colons
   * @param place - file and line, for messages
   */
  constructor(
    private readonly text: string,
    private readonly place: Place,
  ) {}

  /** True when everything is read. */
  done(): boolean {
    return this.at >= this.text.length;
  }

  /**
   * A whole number and the separator after it.
   *
   * @param end - code of the separator: {@link COLON} inside a run, {@link SPACE} after it (or the
   *   end)
   */
  whole(end: number): number {
    const text = this.text;
    const from = this.at;
    let at = from;
    let value = 0;
    let digit = text.charCodeAt(at) - ZERO;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      at++;
      digit = text.charCodeAt(at) - ZERO;
    }
    if (at === from || at - from > 16 || !this.ends(at, end)) return this.wrong();
    this.at = at + 1;
    return value;
  }

  /** A whole number that may have a minus sign, and the separator after it. */
  signed(end: number): number {
    if (this.text.charCodeAt(this.at) !== MINUS) return this.whole(end);
    this.at++;
    return -this.whole(end);
  }

  private ends(at: number, end: number): boolean {
    if (at >= this.text.length) return end === SPACE;
    return this.text.charCodeAt(at) === end && at + 1 < this.text.length;
  }

  private wrong(): never {
    const start = this.text.lastIndexOf(' ', this.at - 1) + 1;
    const stop = this.text.indexOf(' ', Math.max(this.at, start));
    const run = this.text.slice(start, stop < 0 ? undefined : stop);
    return fail(this.place, `${shown(run)} as a run`, 'gap:length:delta:class');
  }
}
