/**
 * Pages on loan, by use (memory-semantics 6.4).
 *
 * I1. Nobody sees a loan that is cancelled and not over yet: taking back is one step here.
 */

import { FrameState, type Core } from '../core/core.js';

/** Pages on loan. */
export interface LoanCounts {
  /** Lent out by contiguous VMOs. */ readonly loanedPages: number;
  /** Of these, in nobody's use: `free_loaned` of `kstats`. */ readonly freePages: number;
  /** Of these, borrowed by VMOs of pagers. */ readonly borrowedPages: number;
}

/** Counts the pages on loan now. */
export function loanCounts(core: Core): LoanCounts {
  const freePages = core.pagesInState(FrameState.LOANED);
  const { borrowedPages } = core;
  return { loanedPages: freePages + borrowedPages, freePages, borrowedPages };
}
