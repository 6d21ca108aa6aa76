/**
 * What an input is, told from its first bytes: a recorded snapshot, a scenario, or a document of
 * tables.
 *
 * I1. Nothing is lost by looking: what cannot be read a second time (standard input, a pipe) comes
 *     back as chunks that begin at the beginning.
 */

import { open, stat } from 'node:fs/promises';
import { brotliDecompressSync, constants, gunzipSync } from 'node:zlib';
import { packingOf, SNIFF_BYTES } from './packing.js';
import { openRaw, takeHead } from './source.js';

/** Kinds of input that are told apart; what is none of the others is taken for a snapshot. */
export type InputKind = 'snapshot' | 'document' | 'scenario';

/** What an input is. */
export interface Recognised {
  /** Its kind. */
  readonly kind: InputKind;
  /** The whole input, where it cannot be opened again. */
  readonly input?: AsyncIterable<Uint8Array>;
}

const HEAD_BYTES = 1 << 16;
const TEXT_BYTES_MAX = 1 << 24;

/** The beginning of what an input says, unpacked. */
function textOf(head: Uint8Array, name: string): string {
  const packing = packingOf(head.subarray(0, SNIFF_BYTES), name);
  let bytes = head;
  try {
    const maxOutputLength = TEXT_BYTES_MAX;
    if (packing === 'gzip') {
      bytes = gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
    } else if (packing === 'brotli') {
      const finishFlush = constants.BROTLI_OPERATION_FLUSH;
      bytes = brotliDecompressSync(head, { finishFlush, maxOutputLength });
    }
  } catch {
    // Damaged data: whoever reads it says so, with the place.
    return '';
  }
  return Buffer.from(bytes).toString('utf8').replace(/^\ufeff/, '').trimStart();
}

/** Lines of a snapshot are objects with a `t`; a scenario has its version; a capture has tables. */
function kindOfText(text: string): InputKind {
  if (text.startsWith('[')) return 'document';
  const line = text.slice(0, text.search(/\n|$/));
  if (!text.startsWith('{') || /^\{\s*"t"\s*:/.test(line)) return 'snapshot';
  if (/"scenario"\s*:\s*\d/.test(text)) return 'scenario';
  return /"(Kernel|Processes|VmoNames|Vmos|Capture)"\s*:\s*[[{]/.test(text)
    ? 'document' : 'snapshot';
}

/**
 * Tells what an input is.
 *
 * @param file - path, or `-` for standard input
 * @throws the operating system's error where it cannot be read
 */
export async function recognise(file: string): Promise<Recognised> {
  if (file !== '-' && (await stat(file)).isFile()) {
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return { kind: kindOfText(textOf(buffer.subarray(0, bytesRead), file)) };
    } finally {
      await handle.close();
    }
  }
  const { head, chunks } = await takeHead(await openRaw(file), HEAD_BYTES);
  return { kind: kindOfText(textOf(head.subarray(0, HEAD_BYTES), file)), input: chunks };
}
