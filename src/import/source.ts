/**
 * Where input comes from: a file or standard input, gzip, brotli or plain, as a stream of lines.
 *
 * I1. The kind of compression is told by content, by the name only where that leaves a doubt: see
 *     packing.ts.
 * I2. Only one chunk of the input and one unfinished line are held at a time. Lines come in
 *     batches, one for each chunk, because an async step for each line would cost more than
 *     parsing it.
 * I3. Every failure of reading or decompressing becomes an {@link InputError} that names the line
 *     reached.
 */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { InputError } from './errors.js';
import { packingOf, SNIFF_BYTES, type Packing } from './packing.js';

/** What a caller may ask of an input. */
export interface SourceOptions {
  /**
   * Called as the input is read, with compressed bytes so far and in all.
   *
   * @param doneBytes - bytes read so far
   * @param totalBytes - size of the input; 0 where it is not known (a pipe)
   */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Read instead of the file: for tests, and for what is in memory already. */
  readonly input?: AsyncIterable<Uint8Array>;
}

/** Lines of one chunk, in order. */
export interface LineBatch {
  /** Number of the first line, from 1. */
  readonly firstLine: number;
  /** The lines, without their ends. */
  readonly lines: readonly string[];
  /** True if the last line had no line end: the input may have stopped inside it. */
  readonly torn: boolean;
}

const CHUNK_BYTES = 1 << 18;
const LINE_BYTES_MAX = 1 << 28;
const NEWLINE = 0x0a;

/**
 * Opens an input and yields its lines, a batch for each chunk. Empty lines are yielded as they are.
 *
 * @param file - path, or `-` for standard input
 * @param options - progress, or bytes to read instead
 * @returns batches of lines in order
 * @throws {@link InputError} no such file, not readable, torn or damaged compression
 */
export async function* readLines(
  file: string,
  options: SourceOptions = {},
): AsyncGenerator<LineBatch, void, void> {
  const name = sourceName(file);
  const splitter = new LineSplitter();
  let packing: Packing | undefined;
  try {
    const raw = options.input ?? (await openRaw(file));
    const totalBytes = options.input || file === '-' ? 0 : (await stat(file)).size;
    const { head, chunks } = await sniff(raw, totalBytes, options.onProgress);
    packing = packingOf(head, file);
    if (packing === undefined) {
      const found = 'data that is neither JSON, gzip nor brotli';
      throw new InputError(name, 0, found, 'a snapshot in one of these');
    }
    for await (const chunk of packing === 'plain' ? chunks : unpack(chunks, packing)) {
      const batch = splitter.push(chunk);
      if (splitter.restBytes > LINE_BYTES_MAX) {
        throw new InputError(name, splitter.line, 'a line of more than 256 MiB', 'shorter lines');
      }
      if (batch) yield batch;
    }
  } catch (error) {
    throw asInputError(error, name, splitter.line, packing);
  }
  const rest = splitter.finish();
  if (rest) yield rest;
}

/**
 * What an input is called in messages.
 *
 * @param file - path or `-`
 * @returns the path, or `standard input`
 */
export function sourceName(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/**
 * What stands at a path: nothing, a folder, or what can be tried as a file (a pipe too).
 *
 * @param path - any text
 */
export async function kindOfPath(path: string): Promise<'none' | 'folder' | 'file'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'].includes(code)
      ? 'none' : 'file';
  }
}

/** The bytes of an input, as they are. */
export async function openRaw(file: string): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') return process.stdin;
  if ((await stat(file)).isDirectory()) {
    throw new InputError(file, 0, 'a directory', 'a file');
  }
  return createReadStream(file, { highWaterMark: CHUNK_BYTES });
}

async function sniff(
  raw: AsyncIterable<Uint8Array>,
  totalBytes: number,
  onProgress: SourceOptions['onProgress'],
): Promise<{ head: Uint8Array; chunks: AsyncGenerator<Uint8Array, void, void> }> {
  const { head, chunks } = await takeHead(raw, SNIFF_BYTES);
  async function* counted(): AsyncGenerator<Uint8Array, void, void> {
    let doneBytes = 0;
    for await (const chunk of chunks) {
      doneBytes += chunk.length;
      onProgress?.(doneBytes, totalBytes);
      yield chunk;
    }
  }
  return { head: head.subarray(0, SNIFF_BYTES), chunks: counted() };
}

/**
 * Looks at the beginning of an input.
 *
 * @param raw - the input
 * @param bytes - how much to look at
 * @returns at least so many of its first bytes (all of a shorter input), and the whole of it, these
 *   bytes too
 */
export async function takeHead(
  raw: AsyncIterable<Uint8Array>, bytes: number,
): Promise<{ head: Uint8Array; chunks: AsyncGenerator<Uint8Array, void, void> }> {
  const iterator = raw[Symbol.asyncIterator]();
  const early: Uint8Array[] = [];
  let earlyBytes = 0;
  while (earlyBytes < bytes) {
    const step = await iterator.next();
    if (step.done) break;
    early.push(step.value);
    earlyBytes += step.value.length;
  }
  const head = early.length === 1 ? (early[0] as Uint8Array) : Buffer.concat(early);
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    if (head.length > 0) yield head;
    for (;;) {
      const step = await iterator.next();
      if (step.done) return;
      yield step.value;
    }
  }
  return { head, chunks: chunks() };
}

async function* unpack(
  chunks: AsyncIterable<Uint8Array>,
  packing: Packing,
): AsyncGenerator<Uint8Array, void, void> {
  const options = { chunkSize: CHUNK_BYTES };
  const stream = packing === 'gzip' ? createGunzip(options) : createBrotliDecompress(options);
  const feeding = feed(chunks, stream);
  feeding.catch((error: unknown) => stream.destroy(error as Error));
  for await (const chunk of stream as Readable) yield chunk as Uint8Array;
  // Data that ends before its bytes do leaves the feeder waiting: nobody takes what is left.
  stream.destroy();
  const { bytes, zeros } = await feeding;
  const behind = bytes - stream.bytesWritten;
  // Gzip on tapes and in block devices is padded with zeros: no fault.
  if (behind > (packing === 'gzip' ? zeros : 0)) throw new TrailingBytes();
}

/** Compressed data ended, and other bytes stand behind it. */
class TrailingBytes extends Error {}

/**
 * Gives chunks to a decoder, which may be done with them before they end.
 *
 * @returns how many bytes were given, and how many of the last of them are zero
 */
async function feed(
  chunks: AsyncIterable<Uint8Array>, stream: Transform,
): Promise<{ readonly bytes: number; readonly zeros: number }> {
  let bytes = 0;
  let zeros = 0;
  for await (const chunk of chunks) {
    if (stream.destroyed) break;
    bytes += chunk.length;
    const atEnd = zerosAtEnd(chunk);
    zeros = atEnd === chunk.length ? zeros + atEnd : atEnd;
    if (!stream.write(chunk)) await writable(stream);
  }
  if (!stream.destroyed) stream.end();
  return { bytes, zeros };
}

function zerosAtEnd(chunk: Uint8Array): number {
  let end = chunk.length;
  while (end > 0 && chunk[end - 1] === 0) end--;
  return chunk.length - end;
}

function writable(stream: Transform): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off('drain', go).off('close', go).off('error', go);
      resolve();
    };
    stream.on('drain', go).on('close', go).on('error', go);
  });
}

/** Cuts chunks into lines; holds the unfinished last one. */
class LineSplitter {
  /** Number of the line that is being read. */
  line = 1;
  /** Bytes held of it. */
  restBytes = 0;
  private rest: Uint8Array[] = [];
  private started = false;

  push(chunk: Uint8Array): LineBatch | undefined {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: string[] = [];
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      lines.push(this.take(bytes.subarray(from, end)));
      from = end + 1;
    }
    if (from < bytes.length) this.keep(Uint8Array.prototype.slice.call(bytes, from));
    if (lines.length === 0) return undefined;
    const firstLine = this.line;
    this.line += lines.length;
    return { firstLine, lines, torn: false };
  }

  finish(): LineBatch | undefined {
    if (this.rest.length === 0) return undefined;
    return { firstLine: this.line, lines: [this.take(Buffer.alloc(0))], torn: true };
  }

  private keep(bytes: Uint8Array): void {
    this.rest.push(bytes);
    this.restBytes += bytes.length;
  }

  private take(last: Buffer): string {
    let bytes = last;
    if (this.rest.length > 0) {
      bytes = Buffer.concat([...this.rest, last]);
      this.rest = [];
      this.restBytes = 0;
    }
    const bom = !this.started && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.started = true;
    return bytes.toString('utf8', bom ? 3 : 0);
  }
}

function asInputError(error: unknown, name: string, line: number, packing?: Packing): unknown {
  if (error instanceof InputError || !(error instanceof Error)) return error;
  const code = String((error as NodeJS.ErrnoException).code ?? '');
  // A gzip member follows a gzip member; what is none has no header.
  const noMember = packing === 'gzip' && error.message === 'incorrect header check';
  if (error instanceof TrailingBytes || noMember) {
    const found = `other bytes behind the end of the ${packing} data`;
    return new InputError(name, 0, found, `nothing behind the ${packing} data`);
  }
  if (code === 'ENOENT') return new InputError(name, 0, 'no such file', 'a file that exists');
  if (code === 'EACCES' || code === 'EPERM') {
    return new InputError(name, 0, 'a file that may not be read', 'read permission');
  }
  if (!/^(Z_|ERR_*BROTLI|ERR__ERROR|ERR_PADDING|BROTLI)/.test(code)) {
    return new InputError(name, line, `a read error (${code || error.message})`, 'readable input');
  }
  const fault = code === 'Z_BUF_ERROR' ? 'that ends early' : 'that is damaged';
  return new InputError(name, line, `${packing} data ${fault}`, `a whole ${packing} stream`);
}
