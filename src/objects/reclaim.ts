/**
 * Reclaim, as a program of the laboratory asks for it: what the kernel does by itself when memory
 * is short, done now (memory-semantics 7).
 *
 * I1. What any VMO reads is the same before and after.
 */

import type { CompressionOutcome } from '../core/vmos.js';
import { toHandle } from './handle.js';
import type { PageTree } from './page-tree.js';
import type { KernelSystem } from './system.js';
import { pageOf, pagesUp, toU64, type Bytes } from './units.js';
import { Vmo } from './vmo.js';
import { checkRange } from './vmo-range.js';

/** Reclaims pages of a system. */
export class Reclaim {
  readonly #system: KernelSystem;

  /** @param system - the system */
  constructor(system: KernelSystem) {
    this.#system = system;
  }

  /** Pages that are compressed now. */
  get compressedPages(): number {
    return this.#system.core.compressedPages;
  }

  /**
   * Compresses the pages of a VMO, for every VMO that shares them: a page that is all zero costs
   * nothing any more, another one its LZ4 bytes in a page of state ZRAM, if they are at most half a
   * page. Any access makes the page again (7.5). Pinned pages stay, and so do those of pagers,
   * devices and contiguous VMOs, and of clones that follow their parent.
   *
   * @param vmo - any VMO
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes; all that follow unless given
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past the end
   */
  compress(vmo: Vmo, offset: Bytes = 0, length?: Bytes): CompressionOutcome {
    return this.#sweep(vmo, offset, length, false);
  }

  /**
   * Takes away the pages of a VMO that are all zero, for every VMO that shares them (7.4).
   *
   * @param vmo - any VMO
   * @param offset - first byte; the range is widened to whole pages
   * @param length - bytes; all that follow unless given
   * @returns how many pages went
   * @throws ZxError ZX_ERR_OUT_OF_RANGE past the end
   */
  dedupZeroPages(vmo: Vmo, offset: Bytes = 0, length?: Bytes): number {
    return this.#sweep(vmo, offset, length, true).zero;
  }

  #sweep(
    given: Vmo, offset: Bytes, length: Bytes | undefined, zerosOnly: boolean,
  ): CompressionOutcome {
    const system = this.#system;
    system.assertNotBusy();
    const vmo = toHandle(given, Vmo, 'vmo', system).object;
    const from = toU64(offset, 'offset');
    const bytes = length === undefined ? vmo.sizeBytes - from : toU64(length, 'length');
    checkRange(vmo, from, bytes < 0n ? 0n : bytes);
    if (vmo.isPhysical) return { compressed: 0, zero: 0, incompressible: 0, withoutRoom: 0 };
    const first = pageOf(from);
    const pages = pagesUp(from + bytes) - first;
    return sweepTree(system, vmo.tree, vmo.offsetPages + first, pages, zerosOnly);
  }
}

/** Compresses pages of a tree, and counts it as a change for all of its family. */
function sweepTree(
  { core, trees }: KernelSystem, tree: PageTree, first: number, pages: number, zerosOnly: boolean,
): CompressionOutcome {
  const outcome = core.vmoCompress(tree.ref, first, pages, zerosOnly);
  if (outcome.compressed + outcome.zero === 0) return outcome;
  const family = core.vmoFamily(tree.ref);
  for (const other of trees) {
    if (core.vmoFamily(other.ref) === family) other.changeEvents += 1;
  }
  return outcome;
}
