/**
 * Words of /proc/PID/pagemap into the run text of a map record: `gap:len:d:c` (the data's README).
 *
 *   word   | 63 present | 62 swapped | 61 file or shared | ... 55 | 54 .. 0 PFN or swap word |
 *
 * I1. Only present and swapped entries make runs.
 */

/** Bits 55..63, shifted down. */
const PRESENT = 0x100;
const SWAPPED = 0x080;
const HIGH = 2 ** 32;
const PFN_HIGH_MASK = 0x7fffff;
const FLAGS_SHIFT = 23;
const SWAP_STEP = 32;

/** Numbers flag words in the order of their appearance: the pmflags record. */
export class FlagTable {
  private readonly indexOf = new Map<number, number>();

  /** The number of a word. */
  index(word: number): number {
    let index = this.indexOf.get(word);
    if (index === undefined) {
      index = this.indexOf.size;
      this.indexOf.set(word, index);
    }
    return index;
  }

  /** The words in the order of their numbers, hex. */
  words(): string[] {
    return [...this.indexOf.keys()].map((word) => word.toString(16));
  }
}

/** Gathers the runs of one area. */
export class RunWriter {
  /** Present and swapped entries so far. */
  entries = 0;
  private readonly parts: string[] = [];
  private page = 0;
  private runEnd = 0;
  private start = 0;
  private first = 0;
  private length = 0;
  private flags = -1;
  private next = -1;
  private expected = 0;
  private lastEnd = 0;

  /**
   * @param table - numbers of flag words
   * @param onPresent - told of each run of present frames: first PFN and number of pages
   */
  constructor(
    private readonly table: FlagTable,
    private readonly onPresent: (pfn: number, pages: number) => void,
  ) {}

  /**
   * Takes the next words.
   *
   * @param words - pairs of low and high half of pagemap words
   * @param count - number of words
   */
  take(words: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++, this.page++) {
      const high = words[2 * i + 1] as number;
      const flags = high >>> FLAGS_SHIFT;
      if ((flags & (PRESENT | SWAPPED)) === 0) continue;
      const value = (high & PFN_HIGH_MASK) * HIGH + (words[2 * i] as number);
      if (value > Number.MAX_SAFE_INTEGER) continue;
      this.entries++;
      const step = flags & PRESENT ? 1 : SWAP_STEP;
      if (flags === this.flags && value === this.next && this.page === this.runEnd) {
        this.length++;
      } else {
        this.settle();
        this.start = this.page;
        this.first = value;
        this.length = 1;
        this.flags = flags;
      }
      this.next = value + step;
      this.runEnd = this.page + 1;
    }
  }

  /** The text of all runs; empty for none. */
  finish(): string {
    this.settle();
    return this.parts.join(' ');
  }

  /** Ends the run at hand, if any; an entry that goes on with it begins another. */
  settle(): void {
    const { start, first, length, flags } = this;
    if (length === 0) return;
    const number = this.table.index(flags);
    this.parts.push(`${start - this.lastEnd}:${length}:${first - this.expected}:${number}`);
    this.lastEnd = start + length;
    const step = flags & PRESENT ? 1 : SWAP_STEP;
    this.expected = first + step * length;
    if (flags & PRESENT) this.onPresent(first, length);
    this.length = 0;
  }
}
