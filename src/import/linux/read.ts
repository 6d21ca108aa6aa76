/**
 * Reads a Linux snapshot: lines in, a {@link LinuxSnapshot} out.
 *
 * I1. Nothing is returned before the `end` record agreed with what was read.
 * I2. One line is held at a time; a map's text is scanned into columns and dropped.
 */

import { InputError, shown } from '../errors.js';
import { readLines, sourceName, type SourceOptions } from '../source.js';
import { FrameTable } from './frames.js';
import { RecordOrder } from './order.js';
import {
  checkMap,
  checkProc,
  checkSnap,
  checkUnused,
  fail,
  parseRecord,
  USER_END_PAGE,
  type Fields,
  type Place,
  type ProcRecord,
  type SnapRecord,
} from './records.js';
import { RunKind, RunStore } from './runs.js';
import { collectSwap, resolveFrames } from './resolve.js';
import type { LinuxMapping, LinuxProcess, LinuxSnapshot } from './snapshot.js';

/** What a caller may ask of the reader. */
export interface ReadOptions extends SourceOptions {
  /** Keep the kernel's own figures of each mapping (smaps), for a comparison. Off by default. */
  readonly keepSmaps?: boolean;
}

const PM_PRESENT = 0x100;
const PM_SWAPPED = 0x080;
const PM_GUARD = 0x008;

/**
 * Reads a snapshot.
 *
 * @param file - path of a `.snap.jsonl`, `.gz` or `.br` file, or `-` for standard input
 * @param options - progress, input from memory, whether to keep the smaps figures
 * @returns the snapshot
 * @throws {@link InputError} whatever is wrong with it
 */
export async function readSnapshot(
  file: string,
  options: ReadOptions = {},
): Promise<LinuxSnapshot> {
  const reader = new SnapshotReader(sourceName(file), options.keepSmaps ?? false);
  for await (const { firstLine, lines, torn } of readLines(file, options)) {
    for (let i = 0; i < lines.length; i++) {
      reader.line(lines[i] as string, firstLine + i, torn && i === lines.length - 1);
    }
  }
  return reader.finish();
}

/** Takes the lines of a snapshot one by one. */
export class SnapshotReader {
  private place: Place;
  private readonly order = new RecordOrder();
  private snap: SnapRecord | undefined;
  private meminfo: ReadonlyMap<string, number> = new Map();
  private pmflags: readonly number[] = [];
  private runKinds = new Uint8Array(0);
  private store = new RunStore(this.runKinds);
  private readonly processes: LinuxProcess[] = [];
  private readonly mappings: LinuxMapping[] = [];
  private readonly pids = new Map<number, number>();
  private readonly names = new Map<string, string>();
  private open: { record: ProcRecord; line: number; mapStart: number; maps: number } | undefined;
  private lastEndPage = 0;
  private frames = new FrameTable([]);
  private ended = false;

  /**
   * @param file - name of the file, for messages
   * @param keepSmaps - keep the smaps figures of each mapping
   */
  constructor(
    private readonly file: string,
    private readonly keepSmaps: boolean,
  ) {
    this.place = { file, line: 1 };
  }

  /**
   * Takes the next line.
   *
   * @param text - the line
   * @param line - its number, from 1
   * @param torn - the input ended inside it
   */
  line(text: string, line: number, torn: boolean): void {
    this.place = { file: this.file, line };
    if (this.ended) {
      if (text.trim() !== '') fail(this.place, shown(text), 'nothing after the end record');
      return;
    }
    if (torn && !text.trimEnd().endsWith('}')) {
      fail(this.place, 'a line that is cut off', 'a whole line, and an end record at last');
    }
    const fields = parseRecord(text, this.place);
    this.order.step(fields.kind, this.place);
    if (this.open && fields.kind !== 'map') this.closeProcess();
    this.take(fields);
  }

  /**
   * Ends the input.
   *
   * @returns the snapshot
   * @throws {@link InputError} the `end` record never came
   */
  finish(): LinuxSnapshot {
    if (!this.ended) {
      const { last } = this.order;
      const found = last === '' ? 'an empty file' : `the file's end after ${last}`;
      const expected = last === '' ? 'a snap record' : 'more records and an end record';
      throw new InputError(this.file, this.place.line, found, expected);
    }
    const snap = this.snap as SnapRecord;
    const { frames, mappings, runKinds } = this;
    resolveFrames(this.file, mappings, runKinds, frames);
    const swap = collectSwap(mappings, runKinds, this.store.swappedPages);
    return {
      file: this.file,
      label: snap.label,
      kernel: snap.kernel,
      timeSeconds: snap.timeSeconds,
      consistent: snap.consistent,
      smapsNames: snap.smapsNames,
      meminfo: this.meminfo,
      processes: this.processes,
      mappings,
      runKinds,
      pmflags: this.pmflags,
      frames,
      swap,
      presentPages: this.store.presentPages,
      runCount: this.store.runs,
    };
  }

  private take(fields: Fields): void {
    switch (fields.kind) {
      case 'snap':
        this.snap = checkSnap(fields);
        break;
      case 'meminfo':
        this.meminfo = fields.counts('v');
        if (!this.meminfo.has('MemTotal')) fields.wrong('v', 'meminfo with MemTotal');
        break;
      case 'pmflags':
        this.takePageFlags(fields);
        break;
      case 'proc':
        this.openProcess(checkProc(fields));
        break;
      case 'map':
        this.takeMap(fields);
        break;
      case 'kpageflags':
        this.frames = new FrameTable(fields.hexWords('v'));
        break;
      case 'frames':
        this.frames.add(fields.whole('base'), fields.text('r'), this.place);
        break;
      case 'end':
        this.takeEnd(fields);
        break;
      default:
        checkUnused(fields);
    }
  }

  private takePageFlags(fields: Fields): void {
    this.pmflags = fields.hexWords('v').map((word) => {
      const both = (word & BigInt(PM_PRESENT)) !== 0n && (word & BigInt(PM_SWAPPED)) !== 0n;
      if (word > 0x1ffn || both) fields.wrong('v', 'words of 9 bits, present or swapped');
      return Number(word);
    });
    this.runKinds = Uint8Array.from(this.pmflags, (word) => {
      if (word & PM_PRESENT) return RunKind.PRESENT;
      return word & PM_SWAPPED && !(word & PM_GUARD) ? RunKind.SWAPPED : RunKind.NOTHING;
    });
    this.store = new RunStore(this.runKinds);
  }

  private openProcess(record: ProcRecord): void {
    const before = this.pids.get(record.pid);
    if (before !== undefined) {
      fail(this.place, `pid ${record.pid} again (first in line ${before})`, 'each process once');
    }
    this.pids.set(record.pid, this.place.line);
    this.open = { record, line: this.place.line, mapStart: this.mappings.length, maps: 0 };
    this.lastEndPage = 0;
  }

  private closeProcess(): void {
    const { record, line, mapStart, maps } = this.open as NonNullable<typeof this.open>;
    if (maps !== record.maps) {
      fail(this.place, `${maps} maps of pid ${record.pid}`, `${record.maps} as line ${line} says`);
    }
    const { pid, ppid, comm, cmdline, threads, user, rollup } = record;
    this.processes.push({
      pid,
      ppid,
      comm,
      cmdline,
      threads,
      ...(user === undefined ? {} : { user }),
      ...(rollup ? { rollup } : {}),
      mapStart,
      mapEnd: this.mappings.length,
      line,
    });
    this.open = undefined;
  }

  private takeMap(fields: Fields): void {
    const map = checkMap(fields, (this.snap as SnapRecord).smapsNames.length);
    const { open, place } = this;
    if (!open || map.pid !== open.record.pid) {
      const expected = open ? `maps of pid ${open.record.pid}` : 'a proc record before its maps';
      return fail(place, `a map of pid ${map.pid}`, expected);
    }
    open.maps++;
    const endPage = map.startPage + map.pages;
    if (map.startPage < this.lastEndPage) {
      const found = `a map at 0x${map.startPage.toString(16)}000`;
      fail(place, found, `one from 0x${this.lastEndPage.toString(16)}000 on, by address`);
    }
    this.lastEndPage = endPage;
    const runs = this.store.add(map.runs, map.pages, place);
    if (map.name === '[vsyscall]') return;
    if (endPage > USER_END_PAGE) {
      fail(place, `a map up to 0x${endPage.toString(16)}000`, 'one below 0x7ffffffff000');
    }
    const { startPage, pages, perms, shared, offsetPages, ino, pfnmap, smaps } = map;
    const process = this.processes.length;
    const [name, dev] = [this.intern(map.name), this.intern(map.dev)];
    const kept = smaps && this.keepSmaps ? { smaps } : {};
    const base = { process, startPage, pages, perms, shared, offsetPages, dev, ino, name, pfnmap };
    this.mappings.push({ ...base, ...kept, runs, line: place.line });
  }

  private intern(text: string): string {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    this.names.set(text, text);
    return text;
  }

  private takeEnd(fields: Fields): void {
    const announced = (this.snap as SnapRecord).processes;
    if (announced >= 0 && announced !== this.processes.length) {
      const found = `${this.processes.length} processes`;
      fail(this.place, found, `${announced} as "nproc" of snap says`);
    }
    const frames = fields.whole('frames');
    if (frames !== this.frames.count) {
      const expected = `${this.frames.count}, as many as were listed`;
      fail(this.place, `${frames} as "frames" of end`, expected);
    }
    this.frames.finish();
    this.ended = true;
  }
}
