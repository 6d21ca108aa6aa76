/**
 * How an input is packed, told from its first bytes and, where these leave a doubt, its name.
 *
 * Gzip has two magic bytes; brotli has none, and a brotli stream may begin with `[`, with white
 * space or with gzip's magic. So what may be brotli is decoded for a try.
 *
 * I1. `{` as the very first byte is plain text: no brotli stream begins so (a last, empty block
 *     whose padding is not zero).
 * I2. What decodes to text that starts with `{` is brotli, whatever it looks like or is called.
 */

import { brotliDecompressSync, constants } from 'node:zlib';

/** How the bytes of an input are packed. */
export type Packing = 'plain' | 'gzip' | 'brotli';

/** First bytes of an input that are looked at: enough for brotli to yield its first output. */
export const SNIFF_BYTES = 4096;

const DECODED_BYTES_MAX = 1 << 20;
const BRACE = 0x7b;

/**
 * Tells how an input is packed.
 *
 * @param head - the first bytes of the input, {@link SNIFF_BYTES} or all there are
 * @param name - name of the file; its ending decides where the bytes don't
 * @returns the packing; undefined for bytes that are none of these
 */
export function packingOf(head: Uint8Array, name: string): Packing | undefined {
  if (head.length === 0 || head[0] === BRACE) return 'plain';
  const brotli = tryBrotli(head);
  if (brotli === 'text') return 'brotli';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[skipBlank(head)] === BRACE) return 'plain';
  if (/\.br$/i.test(name)) return 'brotli';
  if (isText(head)) return 'plain';
  return brotli === 'perhaps' ? 'brotli' : undefined;
}

/** What comes out of the bytes as the beginning of a brotli stream. */
function tryBrotli(head: Uint8Array): 'text' | 'perhaps' | 'no' {
  try {
    const out = brotliDecompressSync(head, {
      finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: DECODED_BYTES_MAX,
    });
    if (out.length === 0) return 'perhaps';
    return out[skipBlank(out)] === BRACE ? 'text' : 'perhaps';
  } catch (error) {
    // Too much output is no fault of the stream.
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'perhaps' : 'no';
  }
}

/** Index of the first byte that is neither white space nor part of a byte order mark. */
function skipBlank(bytes: Uint8Array): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (isSpace(bytes[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Whether bytes are UTF-8 (the last letter may be cut) without control characters. */
function isText(bytes: Uint8Array): boolean {
  if (bytes.some((byte) => byte < 0x20 && !isSpace(byte))) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
