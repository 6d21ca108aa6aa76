/**
 * The frames and swap slots of a snapshot: what the kernel knew of each PFN, by dense index.
 *
 * A dense index numbers the recorded PFNs from 0 in ascending order, so consecutive PFNs that are
 * all recorded have consecutive indexes: a run of PFNs is a run of indexes, and checking its last
 * PFN checks them all.
 *
 * I1. `pfn` ascends strictly. I2. `seen[i]` is the number of present entries of the recorded
 *     processes
 * that hold frame i; it is counted once all mappings are read.
 *
 * Cost: 26 bytes a frame while reading, 18 when done.
 */

import { fail, type Place } from './records.js';
import { COLON, SPACE, Scanner } from './runs.js';

/** What a kpageflags word says, as bits. */
export const FrameBit = {
  /** Anonymous (bit 12). */ ANON: 1,
  /** Backed by swap: anonymous or shared memory (bit 14). */ SWAPBACKED: 2,
  /** hugetlbfs (bit 17). */ HUGETLB: 4,
  /** KSM (bit 21). */ KSM: 8,
  /** The zero page, of 4 KiB or 2 MiB (bit 24). */ ZERO: 16,
  /** No page behind this frame number (bit 20). */ NO_PAGE: 32,
} as const;

/** Most frames that are read: a small file must not ask for more memory than any system has. */
const FRAMES_MAX = 2 ** 26 - 1;

const WORD_BITS: ReadonlyArray<readonly [bigint, number]> = [
  [12n, FrameBit.ANON],
  [14n, FrameBit.SWAPBACKED],
  [17n, FrameBit.HUGETLB],
  [21n, FrameBit.KSM],
  [24n, FrameBit.ZERO],
  [20n, FrameBit.NO_PAGE],
];

/**
 * The bits of {@link FrameBit} that a kpageflags word has.
 *
 * @param word - a word of /proc/kpageflags
 */
export function frameBits(word: bigint): number {
  let bits = 0;
  for (const [shift, bit] of WORD_BITS) if ((word >> shift) & 1n) bits |= bit;
  return bits;
}

/** All recorded frames. */
export class FrameTable {
  /** Number of frames. */
  count = 0;
  /** PFN of each frame, ascending. */
  pfn = new Float64Array(1024);
  /** /proc/kpagecount of each frame: mappings, machine-wide. */
  mapcount = new Uint32Array(1024);
  /** Index into `bits` of each frame. */
  classOf = new Uint16Array(1024);
  /** Present entries of the recorded processes; filled by {@link FrameTable.countPresent}. */
  seen = new Uint32Array(0);
  /** {@link FrameBit} bits of each kpageflags class. */
  readonly bits: Uint8Array;
  private bucketOf = new Int32Array(1);
  private bucketPfns = 1;

  /**
   * @param words - the kpageflags table
   */
  constructor(words: readonly bigint[]) {
    this.bits = Uint8Array.from(words, frameBits);
  }

  /**
   * Reads one `frames` record.
   *
   * @param base - PFN that gap counting starts from
   * @param text - runs `gap:len:mapcount:class`
   * @param place - file and line
   * @throws InputError: a malformed run, a PFN listed twice, an unknown class
   */
  add(base: number, text: string, place: Place): void {
    const scan = new Scanner(text, place);
    let next = base;
    while (!scan.done()) {
      next += scan.whole(COLON);
      const length = scan.whole(COLON);
      const mapcount = scan.whole(COLON);
      const kind = scan.whole(SPACE);
      const last = this.count > 0 ? (this.pfn[this.count - 1] as number) : -1;
      if (next <= last) fail(place, `PFN ${next} after PFN ${last}`, 'each PFN once, ascending');
      if (length === 0) fail(place, 'a run of 0 frames', 'runs of at least one frame');
      if (next + length > 2 ** 52) fail(place, `PFN ${next + length - 1}`, 'PFNs below 2^52');
      if (this.count + length > FRAMES_MAX) {
        const most = `at most ${FRAMES_MAX}, as many as a system holds`;
        fail(place, `${this.count + length} frames`, most);
      }
      if (mapcount > 0x7fffffff) fail(place, `mapcount ${mapcount}`, 'one below 2^31');
      if (kind >= this.bits.length) {
        fail(place, `kpageflags index ${kind}`, `one below ${this.bits.length}`);
      }
      this.reserve(this.count + length);
      for (let i = this.count, end = i + length; i < end; i++, next++) this.pfn[i] = next;
      this.mapcount.fill(mapcount, this.count, this.count + length);
      this.classOf.fill(kind, this.count, this.count + length);
      this.count += length;
    }
  }

  /** Trims the columns and builds the index that {@link FrameTable.indexOf} needs. */
  finish(): void {
    this.pfn = this.pfn.slice(0, this.count);
    this.mapcount = this.mapcount.slice(0, this.count);
    this.classOf = this.classOf.slice(0, this.count);
    this.seen = new Uint32Array(this.count);
    const top = this.count > 0 ? (this.pfn[this.count - 1] as number) : 0;
    const buckets = Math.max(1, this.count * 2);
    this.bucketPfns = Math.max(1, Math.ceil((top + 1) / buckets));
    this.bucketOf = new Int32Array(Math.floor(top / this.bucketPfns) + 2);
    let bucket = 0;
    for (let i = 0; i < this.count; i++) {
      const own = Math.floor((this.pfn[i] as number) / this.bucketPfns);
      while (bucket < own) this.bucketOf[++bucket] = i;
    }
    this.bucketOf.fill(this.count, bucket + 1);
  }

  /** Gives up the index of {@link FrameTable.indexOf}: nobody asks for PFNs any more. */
  dropIndex(): void {
    this.bucketOf = new Int32Array(1);
    this.bucketPfns = Infinity;
  }

  /** Dense index of a PFN, -1 if it was not recorded. */
  indexOf(pfn: number): number {
    const bucket = Math.floor(pfn / this.bucketPfns);
    if (bucket >= this.bucketOf.length - 1) return -1;
    let low = this.bucketOf[bucket] as number;
    let high = this.bucketOf[bucket + 1] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.pfn[middle] as number) < pfn) low = middle + 1;
      else high = middle;
    }
    return low < this.count && this.pfn[low] === pfn ? low : -1;
  }

  /** {@link FrameBit} bits of a frame. */
  bitsOf(index: number): number {
    return this.bits[this.classOf[index] as number] as number;
  }

  /** Counts present entries of the frames `first .. first + pages - 1`. */
  countPresent(first: number, pages: number): void {
    const { seen } = this;
    for (let i = first, end = first + pages; i < end; i++) seen[i] = (seen[i] as number) + 1;
  }

  private reserve(count: number): void {
    if (count <= this.pfn.length) return;
    const capacity = Math.max(count, this.pfn.length * 2);
    this.pfn = grown(this.pfn, new Float64Array(capacity));
    this.mapcount = grown(this.mapcount, new Uint32Array(capacity));
    this.classOf = grown(this.classOf, new Uint16Array(capacity));
  }
}

function grown<T extends Float64Array | Uint32Array | Uint16Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/** How many page tables hold each swap slot. */
export class SwapTable {
  /** Distinct swap words, ascending. */
  readonly words: Float64Array;
  /** Number of page-table entries that hold each word. */
  readonly counts: Uint32Array;

  /**
   * @param entries - the word of every swapped entry, in any order; sorted in place
   */
  constructor(entries: Float64Array) {
    entries.sort();
    let distinct = 0;
    entries.forEach((word, i) => {
      if (i === 0 || word !== entries[i - 1]) distinct++;
    });
    this.words = new Float64Array(distinct);
    this.counts = new Uint32Array(distinct);
    let at = -1;
    for (const word of entries) {
      if (at < 0 || this.words[at] !== word) this.words[++at] = word;
      this.counts[at] = (this.counts[at] as number) + 1;
    }
  }

  /** Number of page-table entries that hold a swap word; 0 if none. */
  countOf(word: number): number {
    let low = 0;
    let high = this.words.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.words[middle] as number) < word) low = middle + 1;
      else high = middle;
    }
    return this.words[low] === word ? (this.counts[low] as number) : 0;
  }
}
