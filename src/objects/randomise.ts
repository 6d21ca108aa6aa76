/**
 * Address space randomisation (memory-semantics 9.11): a new region goes to one of the lowest
 * 2^entropy slots of all gaps, each as likely as the others.
 *
 * I1. Where a region goes follows from the seed, the address space's root VMAR, how many regions
 *     were placed in it before, and what stands there: the same program on the same seed gets the
 *     same addresses, and one process's regions don't move another's.
 * Cost: a step for each region below the chosen slot.
 */

import { fail } from './errors.js';
import type { GapRequest, PageRange } from './region-list.js';
import { toOptions } from './units.js';

/** How addresses are chosen; see `SystemOptions.aslr`. */
export interface AslrOptions {
  /** Any whole number; the same one gives the same addresses. */
  readonly seed: number | bigint;
  /** Regions go to the lowest 2^n slots; 30 if left out, 0 to 40. */
  readonly entropyBits?: number;
  /** The same in VMARs made with COMPACT, and for mappings that ask for it; 8 if left out. */
  readonly compactEntropyBits?: number;
}

/** Options with nothing left out. */
export type Aslr = Required<AslrOptions>;

const DEFAULT_BITS = 30;
const DEFAULT_COMPACT_BITS = 8;
const MOST_BITS = 40;
const MASK_64 = (1n << 64n) - 1n;

/**
 * Options as they count.
 *
 * @throws ZxError ZX_ERR_INVALID_ARGS for other numbers
 */
export function checkAslr(options: AslrOptions): Aslr {
  const { seed } = toOptions(options, 'aslr');
  const { entropyBits = DEFAULT_BITS, compactEntropyBits = DEFAULT_COMPACT_BITS } = options;
  if (typeof seed !== 'bigint' && !Number.isSafeInteger(seed)) {
    fail('ZX_ERR_INVALID_ARGS', `seed ${String(seed)}: expected a whole number`);
  }
  for (const bits of [entropyBits, compactEntropyBits]) {
    if (Number.isInteger(bits) && bits >= 0 && bits <= MOST_BITS) continue;
    fail('ZX_ERR_INVALID_ARGS', `entropy of ${bits} bits: allowed 0 to ${MOST_BITS}`, {
      bits, maximumBits: MOST_BITS,
    });
  }
  return { seed, entropyBits, compactEntropyBits };
}

/** A 64-bit number that looks random: the `count`-th one of a stream (splitmix64's finisher). */
export function drawn(seed: number | bigint, stream: number, count: number): bigint {
  let state = BigInt(seed) & MASK_64;
  for (const part of [stream, count]) {
    state = (state + BigInt(part + 1) * 0x9e3779b97f4a7c15n) & MASK_64;
    state = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK_64;
    state = ((state ^ (state >> 27n)) * 0x94d049bb133111ebn) & MASK_64;
    state ^= state >> 31n;
  }
  return state;
}

/** What stands in a VMAR, by address; asked twice. */
export interface RegionSource {
  /** The regions in address order. */
  values(): Iterable<PageRange>;
}

/** The gaps between regions, up to an end: first slot and number of slots of each that has one. */
function* slotRuns(
  regions: RegionSource,
  basePage: number,
  { pages, alignPages, endPage }: GapRequest,
): Generator<[first: number, slots: number]> {
  const run = (start: number, stop: number): [number, number] => {
    const first = Math.ceil(start / alignPages) * alignPages;
    const room = Math.min(stop, endPage) - pages - first;
    return [first, room < 0 ? 0 : Math.floor(room / alignPages) + 1];
  };
  let start = basePage;
  for (const region of regions.values()) {
    if (start >= endPage) return;
    const found = run(start, region.basePage);
    if (found[1] > 0) yield found;
    start = region.basePage + region.pages;
  }
  const last = run(start, endPage);
  if (last[1] > 0) yield last;
}

/**
 * First page of a slot for a new region; undefined if there is none.
 *
 * @param regions - what is there, by address
 * @param basePage - first page that may be used
 * @param request - pages, alignment, end
 * @param bits - log2 of the slots to choose from
 * @param random - 64 random bits
 */
export function randomGap(
  regions: RegionSource,
  basePage: number,
  request: GapRequest,
  bits: number,
  random: bigint,
): number | undefined {
  const most = 2 ** bits;
  let slots = 0;
  for (const [, count] of slotRuns(regions, basePage, request)) {
    slots = Math.min(most, slots + count);
    if (slots === most) break;
  }
  if (slots === 0) return undefined;
  let chosen = Number((random * BigInt(slots)) >> 64n);
  for (const [first, count] of slotRuns(regions, basePage, request)) {
    if (chosen < count) return first + chosen * request.alignPages;
    chosen -= count;
  }
  return undefined;
}
