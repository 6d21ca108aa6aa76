/**
 * Eras: which generation of the upstream tools a text output follows.
 *
 * `page` is the memory page's own mixture: `ps` of 2017, everything else of 2019, sizes by
 * algorithm A. The layouts of 2022 still go with algorithm A (its `ps` predates the change); 2025
 * takes B, and the layouts of 2022 where no later one is known.
 */

import type { SizeAlgorithm } from './size.js';

/** Generations of layouts, oldest first after the default. */
export const ERAS = ['page', '2017', '2019', '2022', '2025'] as const;

/** A generation of layouts; `page` is the default. */
export type Era = (typeof ERAS)[number];

/** The size algorithm of an era. */
export function sizeAlgorithmOf(era: Era): SizeAlgorithm {
  return era === '2025' ? 'B' : 'A';
}
