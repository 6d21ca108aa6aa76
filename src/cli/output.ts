/**
 * Where results go: standard output or a file, a piece at a time, no faster than the reader takes
 * it.
 *
 * I1. All rows are there before any of their text is written: a failure prints nothing that looks
 *     like a result. The file of `-o` is opened at the first write, so a failure leaves an older
 *     file alone. Many rows are several texts: one could be longer than a string may be.
 * I2. A closed pipe ends the command quietly: see {@link ClosedPipe}.
 * I3. On a terminal, control characters become visible escapes in every format.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { visibleText } from '../views/escape.js';
import { ClosedPipe, CommandError, osReason } from './errors.js';

/** The part of a writable stream that is used: `process.stdout`, or a test's. */
export interface OutStream {
  /** True on a terminal. */
  readonly isTTY?: boolean;
  /** Writes, then calls back. */
  write(text: string, done: (error?: Error | null) => void): unknown;
  /** Listens for errors that belong to no write. */
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A place that takes results. */
export interface Output {
  /**
   * Writes a whole text; resolves when it is taken.
   *
   * @param isOurs - nothing in it comes from elsewhere: its control characters are meant
   */
  write(text: string, isOurs?: boolean): Promise<void>;
  /** Finishes: a file is closed. */
  close(): Promise<void>;
}

/** Characters handed over at a time. */
const PIECE_CHARS = 1 << 16;

function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}

/** Pieces of a text that split no surrogate pair. */
function* pieces(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + PIECE_CHARS, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last < 0xdc00) end--;
    yield text.slice(start, end);
    start = end;
  }
}

/** What went wrong with a stream first. */
interface Health {
  broken?: Error;
}

/** One listener for each stream, however many commands of a shell write to it. */
const healths = new WeakMap<OutStream, Health>();

function healthOf(stream: OutStream): Health {
  let health = healths.get(stream);
  if (health === undefined) {
    const fresh: Health = {};
    stream.on('error', (error) => (fresh.broken ??= error));
    healths.set(stream, fresh);
    health = fresh;
  }
  return health;
}

/** Results on a stream such as standard output. */
export class StreamOutput implements Output {
  private readonly health: Health;

  /** @param stream - taken as long as the reader takes */
  constructor(private readonly stream: OutStream) {
    this.health = healthOf(stream);
  }

  async write(text: string, isOurs = false): Promise<void> {
    const safe = this.stream.isTTY === true && !isOurs ? visibleText(text) : text;
    for (const piece of pieces(safe)) {
      await new Promise<void>((resolve) => {
        this.stream.write(piece, (error) => {
          if (error) this.health.broken ??= error;
          resolve();
        });
      });
      const { broken } = this.health;
      if (broken === undefined) continue;
      if (isClosedPipe(broken)) throw new ClosedPipe();
      const reason = osReason(broken) ?? broken.message;
      throw new CommandError(`cannot write standard output: ${reason}`);
    }
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

/** Results in a file, opened at the first write. */
export class FileOutput implements Output {
  private file: FileHandle | undefined;

  /** @param path - as the user gave it */
  constructor(private readonly path: string) {}

  async write(text: string): Promise<void> {
    try {
      this.file ??= await open(this.path, 'w');
      for (const piece of pieces(text)) await this.file.writeFile(piece, 'utf8');
    } catch (error) {
      throw this.refusal(error);
    }
  }

  async close(): Promise<void> {
    try {
      await this.file?.close();
    } catch (error) {
      throw this.refusal(error);
    }
  }

  private refusal(error: unknown): unknown {
    const reason = osReason(error);
    return reason === undefined ? error : new CommandError(`cannot write ${this.path}: ${reason}`);
  }
}
