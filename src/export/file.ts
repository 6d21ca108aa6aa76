/**
 * Lines into a file, compressed as its name says.
 *
 * I1. An ordinary file is written beside its place and moved there when it is whole: who fails
 *     leaves an older file alone. What is no ordinary file (a pipe, a device) is written in place.
 */

import { createWriteStream } from 'node:fs';
import { lstat, realpath, rename, rm } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';

/** Quality 5 of 11: a third of the time of 9 for a tenth more bytes. */
const BROTLI_QUALITY = 5;
const BROTLI_WINDOW = 24;

function compressor(path: string): NodeJS.ReadWriteStream | undefined {
  if (path.endsWith('.gz')) return createGzip();
  if (!path.endsWith('.br')) return undefined;
  return createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW,
    },
  });
}

function* ended(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}

async function fill(
  lines: Iterable<string>, packing: NodeJS.ReadWriteStream | undefined, sink: Writable,
): Promise<void> {
  const source = Readable.from(ended(lines));
  if (packing === undefined) await pipeline(source, sink);
  else await pipeline(source, packing, sink);
}

/** Where a file really is, and whether it is (or would be) an ordinary one. */
async function placeOf(path: string): Promise<{ path: string; isOrdinary: boolean }> {
  try {
    const real = await realpath(path);
    return { path: real, isOrdinary: (await lstat(real)).isFile() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { path, isOrdinary: true };
  }
}

/**
 * Writes lines, each ended by a line feed: `.gz` and `.br` compressed, else as they are.
 *
 * @param path - the file
 * @param lines - without their ends
 * @throws what the file system refuses, as Node reports it
 */
export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const place = await placeOf(path);
  if (!place.isOrdinary) {
    await fill(lines, compressor(path), createWriteStream(place.path));
    return;
  }
  const partial = `${place.path}.${process.pid}.partial`;
  try {
    await fill(lines, compressor(path), createWriteStream(partial, { flags: 'wx' }));
    await rename(partial, place.path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
