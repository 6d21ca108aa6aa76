/**
 * What page tables and frames hold: pagemap of areas, kpagecount and kpageflags of frames.
 *
 * I1. An area that smaps says nothing is in is not read; of a large one no more than holds what
 *     smaps says is in it. So a terabyte that is only reserved costs nothing.
 */

import { type Area, usedPages } from './areas.js';
import type { Breather } from './breather.js';
import { type FrameRange, FrameSet } from './frame-set.js';
import { FlagTable, RunWriter } from './page-runs.js';
import type { ProcFiles } from './proc-files.js';
import { CHUNK_WORDS, WordFile } from './word-file.js';

/** From here on an area is read only until what smaps counted was found: 256 MiB. */
const LARGE_PAGES = 1 << 16;
const ZERO_PAGE_BIT = 1 << 24;
const FRAME_RUNS_PER_LINE = 20_000;
/** Frames between two wanted ones that are read too, rather than seeking. */
const GAP_FRAMES = 256;
const HIGH = 2 ** 32;

/** One scan of page tables: run texts of areas, and the frames they named. */
export class PageScan {
  /** Numbers of flag words: the pmflags record. */
  readonly flags = new FlagTable();
  private readonly frames = new FrameSet();
  private readonly kpageflags: WordFile;
  private readonly kpagecount: WordFile;
  private zeroPfn = -1;

  /**
   * @param proc - where to read
   * @param breather - when to let go
   * @throws Denied where the frames' files may not be read
   */
  constructor(private readonly proc: ProcFiles, private readonly breather: Breather) {
    this.kpageflags = new WordFile(proc.path('kpageflags'));
    this.kpagecount = new WordFile(proc.path('kpagecount'));
  }

  /** Closes the files. */
  close(): void {
    this.kpageflags.close();
    this.kpagecount.close();
  }

  /**
   * The runs of a process's areas, a text each; empty where nothing is.
   *
   * @param pid - the process
   * @param areas - its areas
   * @throws Denied where its pagemap may not be read
   */
  async runs(pid: number, areas: readonly Area[]): Promise<string[]> {
    const texts: string[] = [];
    if (areas.every((area) => usedPages(area) === 0)) return areas.map(() => '');
    const pagemap = new WordFile(this.proc.path(pid, 'pagemap'));
    try {
      for (const area of areas) {
        texts.push(usedPages(area) === 0 ? '' : await this.areaRuns(pagemap, area));
      }
    } finally {
      pagemap.close();
    }
    return texts;
  }

  private async areaRuns(pagemap: WordFile, area: Area): Promise<string> {
    const isLarge = area.pages > LARGE_PAGES;
    const used = usedPages(area);
    let zeros = 0;
    const writer = new RunWriter(this.flags, (pfn, pages) => {
      this.frames.add(pfn, pages);
      if (isLarge && this.isZeroPage(pfn)) zeros += pages;
    });
    for (let page = 0; page < area.pages; page += CHUNK_WORDS) {
      const wanted = Math.min(CHUNK_WORDS, area.pages - page);
      const got = pagemap.read(area.startPage + page, wanted);
      writer.take(pagemap.words, got);
      await this.breather.breathe();
      if (got < wanted) break;
      if (!isLarge) continue;
      writer.settle();
      if (writer.entries - zeros >= used) break;
    }
    return writer.finish();
  }

  /** Whether a frame is the page of zeros, which no figure of smaps counts. */
  private isZeroPage(pfn: number): boolean {
    if (pfn === this.zeroPfn) return true;
    const { kpageflags } = this;
    if (kpageflags.read(pfn, 1) === 0) return false;
    if (((kpageflags.words[0] as number) & ZERO_PAGE_BIT) === 0) return false;
    this.zeroPfn = pfn;
    return true;
  }

  /** The records kpageflags and frames, and how many frames they list. */
  async frameRecords(): Promise<{ readonly lines: string[]; readonly frames: number }> {
    const writer = new FrameWriter();
    let first = -1;
    let end = -1;
    let wanted: FrameRange[] = [];
    for (const range of this.frames.ranges()) {
      if (first >= 0 && (range.first - end > GAP_FRAMES || range.end - first > CHUNK_WORDS)) {
        await this.readFrames(writer, first, end, wanted);
        first = -1;
        wanted = [];
      }
      if (first < 0) first = range.first;
      end = range.end;
      wanted.push(range);
    }
    if (first >= 0) await this.readFrames(writer, first, end, wanted);
    return { lines: writer.finish(), frames: writer.frames };
  }

  private async readFrames(
    writer: FrameWriter, first: number, end: number, wanted: readonly FrameRange[],
  ): Promise<void> {
    const { kpageflags, kpagecount } = this;
    // A frame number without memory behind it (device memory) has no words: they count as zero.
    const flags = kpageflags.read(first, end - first);
    kpageflags.words.fill(0, 2 * flags, 2 * (end - first));
    const counts = kpagecount.read(first, end - first);
    kpagecount.words.fill(0, 2 * counts, 2 * (end - first));
    for (const range of wanted) {
      for (let pfn = range.first; pfn < range.end; pfn++) {
        const at = 2 * (pfn - first);
        writer.take(
          pfn, kpagecount.words[at] as number,
          kpageflags.words[at] as number, kpageflags.words[at + 1] as number,
        );
      }
    }
    await this.breather.breathe();
  }
}

/** Gathers `gap:len:mapcount:c` runs of frames, ascending. */
class FrameWriter {
  /** Frames taken. */
  frames = 0;
  private readonly records: string[] = [];
  private runs: string[] = [];
  private readonly classOf = new Map<number, number>();
  private base = 0;
  private end = 0;
  private first = -1;
  private length = 0;
  private count = 0;
  private kind = 0;

  take(pfn: number, count: number, flagsLow: number, flagsHigh: number): void {
    // The highest bits of a word are marks for kernel developers: below 2^53 all are kept.
    const word = (flagsHigh & 0x1fffff) * HIGH + flagsLow;
    let kind = this.classOf.get(word);
    if (kind === undefined) {
      kind = this.classOf.size;
      this.classOf.set(word, kind);
    }
    this.frames++;
    const goesOn = pfn === this.first + this.length && count === this.count && kind === this.kind;
    if (this.length > 0 && goesOn) {
      this.length++;
      return;
    }
    this.flush();
    [this.first, this.length, this.count, this.kind] = [pfn, 1, count, kind];
  }

  /** The kpageflags record and the frames records. */
  finish(): string[] {
    this.flush();
    this.endRecord();
    const words = [...this.classOf.keys()].map((word) => word.toString(16));
    return [JSON.stringify({ t: 'kpageflags', v: words }), ...this.records];
  }

  private flush(): void {
    if (this.length === 0) return;
    this.runs.push(`${this.first - this.end}:${this.length}:${this.count}:${this.kind}`);
    this.end = this.first + this.length;
    this.length = 0;
    if (this.runs.length >= FRAME_RUNS_PER_LINE) this.endRecord();
  }

  private endRecord(): void {
    if (this.runs.length === 0) return;
    this.records.push(JSON.stringify({ t: 'frames', base: this.base, r: this.runs.join(' ') }));
    this.runs = [];
    this.base = this.end;
  }
}
