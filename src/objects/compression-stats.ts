/**
 * What compression has done and holds: ZX_INFO_KMEM_STATS_COMPRESSION.
 *
 * Time on the system's clock does not pass in a call, so the two times are 0, and every page was
 * made again after so many units of that clock.
 */

import { FrameState, type Core } from '../core/core.js';
import type { CompressionOutcome } from '../core/compressed.js';
import { PAGE_BYTES } from './units.js';

/** ZX_INFO_KMEM_STATS_COMPRESSION. Bytes, nanoseconds, pages since the system began. */
export interface KernelMemoryCompression {
  /** Of the pages that are compressed, before. */ readonly uncompressedStorageBytes: number;
  /** Pages that hold their bytes. */ readonly compressedStorageBytes: number;
  /** Of these, what no page's bytes fill. */ readonly compressedFragmentationBytes: number;
  /** Always 0. */ readonly compressionTimeNs: number;
  /** Always 0. */ readonly decompressionTimeNs: number;
  /** Pages that were tried. */ readonly totalPageCompressionAttempts: number;
  /** Of these, what stayed as it was. */ readonly failedPageCompressionAttempts: number;
  /** Pages made again. */ readonly totalPageDecompressions: number;
  /** Compressed pages that were dropped: never, they are nobody's copy. */
  readonly compressedPageEvictions: number;
  /** Pages compressed because a program said so. */ readonly eagerPageCompressions: number;
  /** Pages compressed by the watchdog. */ readonly memoryPressurePageCompressions: number;
}

/** Counts of one system. */
export class CompressionStats {
  #attempts = 0;
  #failed = 0;
  #eager = 0;
  #pressed = 0;

  /** Counts what a sweep did. */
  add(
    { compressed, zero, incompressible, withoutRoom }: CompressionOutcome, isPressed: boolean,
  ): void {
    this.#attempts += compressed + zero + incompressible + withoutRoom;
    this.#failed += incompressible + withoutRoom;
    if (isPressed) this.#pressed += compressed + zero;
    else this.#eager += compressed + zero;
  }

  /** All figures. */
  info(core: Core): KernelMemoryCompression {
    const compressedStorageBytes = core.pagesInState(FrameState.ZRAM) * PAGE_BYTES;
    return {
      uncompressedStorageBytes: core.compressedPages * PAGE_BYTES,
      compressedStorageBytes,
      compressedFragmentationBytes: compressedStorageBytes - core.compressedBytes,
      compressionTimeNs: 0,
      decompressionTimeNs: 0,
      totalPageCompressionAttempts: this.#attempts,
      failedPageCompressionAttempts: this.#failed,
      totalPageDecompressions: core.pagesExpanded,
      compressedPageEvictions: 0,
      eagerPageCompressions: this.#eager,
      memoryPressurePageCompressions: this.#pressed,
    };
  }
}
