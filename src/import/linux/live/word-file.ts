/**
 * Files of 64-bit words in /proc: pagemap, kpagecount, kpageflags.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { Denied } from './proc-files.js';

const WORD_BYTES = 8;
/** Words read at a time: 512 KiB. */
export const CHUNK_WORDS = 1 << 16;

/** A file of words, open until {@link WordFile.close}. */
export class WordFile {
  private readonly file: number;
  private readonly bytes = new Uint8Array(CHUNK_WORDS * WORD_BYTES);
  /** Low and high halves of the words read last. */
  readonly words = new Uint32Array(this.bytes.buffer);

  /**
   * @param path - the file
   * @throws Denied where it may not be read
   */
  constructor(path: string) {
    try {
      this.file = openSync(path, 'r');
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') throw new Denied(path);
      throw error;
    }
  }

  /**
   * Reads words into {@link WordFile.words}.
   *
   * @param first - number of the first word
   * @param count - how many, at most {@link CHUNK_WORDS}
   * @returns how many there were: fewer at the end, 0 behind it or where the process is gone
   */
  read(first: number, count: number): number {
    let done = 0;
    const wanted = Math.min(count, CHUNK_WORDS) * WORD_BYTES;
    while (done < wanted) {
      let got = 0;
      try {
        got = readSync(this.file, this.bytes, done, wanted - done, first * WORD_BYTES + done);
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (code !== 'ESRCH' && code !== 'EINVAL' && code !== 'EIO') throw error;
      }
      if (got === 0) break;
      done += got;
    }
    return Math.floor(done / WORD_BYTES);
  }

  /** Closes it. */
  close(): void {
    closeSync(this.file);
  }
}
