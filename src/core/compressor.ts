/**
 * The compressor that the core calls: LZ4 blocks, which is what Zircon compresses pages with
 * (`zircon/kernel/lib/lz4`), from a library whose bytes are the same on every machine.
 */

import { compress, decompress } from 'lz4-wasm-nodejs';

const PAGE_BYTES = 4096;
/** The library puts the length of the input before the block: it is a page always, so not kept. */
const PREFIX_BYTES = 4;

/** Functions of the host that a core on `memory` imports; see `assembly/host.ts`. */
export interface CompressorImports {
  /** Compresses the page at an address; how many bytes it came to. */
  readonly compressPage: (page: number) => number;
  /** Copies them to an address. */
  readonly compressedTake: (to: number) => void;
  /** Makes a page from compressed bytes. */
  readonly expandPage: (from: number, length: number, page: number) => void;
}

/** The compressor of a core on a memory. */
export function compressorOf(memory: WebAssembly.Memory): CompressorImports {
  let made: Uint8Array = new Uint8Array(0);
  const block = new Uint8Array(PREFIX_BYTES + PAGE_BYTES);
  new DataView(block.buffer).setUint32(0, PAGE_BYTES, true);
  const bytes = (at: number, length: number): Uint8Array =>
    new Uint8Array(memory.buffer, at >>> 0, length);
  return {
    compressPage: (page) => {
      made = compress(bytes(page, PAGE_BYTES)).subarray(PREFIX_BYTES);
      return made.length;
    },
    compressedTake: (to) => bytes(to, made.length).set(made),
    expandPage: (from, length, page) => {
      block.set(bytes(from, length), PREFIX_BYTES);
      bytes(page, PAGE_BYTES).set(decompress(block.subarray(0, PREFIX_BYTES + length)));
    },
  };
}
