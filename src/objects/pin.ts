/**
 * A pin: a promise that pages of a VMO stay where they are, as a device needs it (`zx_bti_pin`).
 *
 * I1. While a pin is held its pages can be neither decommitted, cut off nor snapshotted, and the
 *     VMO lives (memory-semantics 5.6).
 */

import { fail } from './errors.js';
import type { PageSpan } from './page-tree.js';
import type { VmoObject } from './vmo-object.js';

/** Pages of a VMO that are pinned together. */
export class Pin {
  readonly #vmo: VmoObject;
  /** First page of the VMO. */
  readonly firstPage: number;
  /** Number of pages. */
  readonly pages: number;
  readonly #span: PageSpan;
  #held = true;

  /**
   * @param vmo - the VMO, whose pages the core has pinned already
   * @param firstPage - first page
   * @param pages - number of pages
   */
  constructor(vmo: VmoObject, firstPage: number, pages: number) {
    this.#vmo = vmo;
    this.firstPage = firstPage;
    this.pages = pages;
    this.#span = { first: vmo.offsetPages + firstPage, pages };
    vmo.tree.addPin(this.#span);
    vmo.addPin();
  }

  /** Frames of the pinned pages, in order (0 on physical VMOs). */
  get frames(): number[] {
    const { tree, offsetPages, system } = this.#vmo;
    const first = offsetPages + this.firstPage;
    return Array.from({ length: this.pages }, (_, i) => system.core.vmoFrame(tree.ref, first + i));
  }

  /**
   * Lets go (`zx_pmt_unpin`).
   *
   * @throws ZxError ZX_ERR_BAD_HANDLE if it was done before
   */
  unpin(): void {
    const vmo = this.#vmo;
    vmo.system.assertNotBusy();
    if (!this.#held) fail('ZX_ERR_BAD_HANDLE', 'the pages were unpinned before');
    this.#held = false;
    if (!vmo.isPhysical) {
      vmo.system.core.vmoUnpin(vmo.tree.ref, vmo.offsetPages + this.firstPage, this.pages);
    }
    vmo.tree.removePin(this.#span);
    vmo.removePin();
  }
}
