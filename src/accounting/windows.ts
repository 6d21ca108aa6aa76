/**
 * A growing list of windows on page trees, for the core.
 */

import type { VmoRef } from '../core/core.js';
import type { WindowList } from '../core/passes.js';

/** Windows in columns. */
export class Windows implements WindowList {
  readonly vmo: VmoRef[] = [];
  readonly page: number[] = [];
  readonly pages: number[] = [];
  readonly value: number[] = [];

  /** Adds a window; empty ones are left out. */
  add(vmo: VmoRef, page: number, pages: number, value: number): void {
    if (pages <= 0) return;
    this.vmo.push(vmo);
    this.page.push(page);
    this.pages.push(pages);
    this.value.push(value);
  }
}
