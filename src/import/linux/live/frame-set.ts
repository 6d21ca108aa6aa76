/**
 * A set of PFNs: one bit each, in blocks that are made as they are needed.
 *
 * Cost: 8 KiB for each 65,536 frames of which any is in the set; about 1 ns a frame.
 */

const BLOCK_FRAMES = 1 << 16;
const WORD_BITS = 32;

/** Frames from `first` to before `end`. */
export interface FrameRange {
  /** First PFN. */ readonly first: number;
  /** One past the last PFN. */ readonly end: number;
}

/** A set of PFNs. */
export class FrameSet {
  private readonly blocks = new Map<number, Uint32Array>();

  /** Adds `pages` frames from `pfn` on. */
  add(pfn: number, pages: number): void {
    for (let frame = pfn; frame < pfn + pages; frame++) {
      const number = Math.floor(frame / BLOCK_FRAMES);
      let block = this.blocks.get(number);
      if (block === undefined) {
        block = new Uint32Array(BLOCK_FRAMES / WORD_BITS);
        this.blocks.set(number, block);
      }
      const bit = frame % BLOCK_FRAMES;
      const word = bit >>> 5;
      block[word] = (block[word] as number) | (1 << (bit & 31));
    }
  }

  /** Its frames as ranges, ascending; each ends at a block's end at the latest. */
  *ranges(): Generator<FrameRange> {
    const numbers = [...this.blocks.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const block = this.blocks.get(number) as Uint32Array;
      const base = number * BLOCK_FRAMES;
      let first = -1;
      for (let bit = 0; bit < BLOCK_FRAMES; bit++) {
        const isIn = ((block[bit >>> 5] as number) >>> (bit & 31)) & 1;
        if (isIn && first < 0) first = bit;
        if (!isIn && first >= 0) {
          yield { first: base + first, end: base + bit };
          first = -1;
        }
      }
      if (first >= 0) yield { first: base + first, end: base + BLOCK_FRAMES };
    }
  }
}
