/**
 * Operations on a bare region list: what no user sees, reached through the objects' own class.
 *
 * I1. A case has at most one region list at a time; a second `region_list` replaces the first.
 */
import { drawn, randomGap } from '../../src/objects/randomise.js';
import { type PageRange, RegionList } from '../../src/objects/region-list.js';
import type { Action, Bench } from './bench.js';
import { Mismatch } from './cases.js';
import { big, countOr, whole } from './values.js';

interface BareList {
  readonly list: RegionList<PageRange>;
  readonly basePage: number;
  readonly endPage: number;
  /** Spots drawn so far; undefined: the lowest gap that fits. */
  draws?: number;
}

const ENTROPY_BITS = 30;
const SEED = 1;

const lists = new WeakMap<Bench, BareList>();

const listOf = (b: Bench): BareList => {
  const found = lists.get(b);
  if (found === undefined) throw new Error('no region_list before this step');
  return found;
};

const pagesOf = (bytes: bigint): number => Number(bytes / 4096n);

const findSpot = (bare: BareList, pages: number, alignPages: number): number | undefined => {
  const { list, basePage, endPage } = bare;
  const request = { pages, alignPages, endPage };
  if (bare.draws === undefined) return list.findGap(request);
  bare.draws += 1;
  return randomGap(list, basePage, request, ENTROPY_BITS, drawn(SEED, 0, bare.draws));
};

const spot = (insert: boolean): Action => (b, s) => {
  const { list } = listOf(b);
  const pages = pagesOf(whole(s, 'size'));
  const alignPages = 2 ** Math.max(0, countOr(s, 'align_pow2', 12) - 12);
  const found = findSpot(listOf(b), pages, alignPages);
  const got = found === undefined ? 'no gap' : `0x${(BigInt(found) * 4096n).toString(16)}`;
  const wanted = s['expect'];
  if (found === undefined) {
    if (wanted !== undefined && wanted !== null) throw new Mismatch(String(wanted), got);
    return;
  }
  if (wanted === null || (wanted !== undefined && big(wanted, 'expect') !== BigInt(got))) {
    throw new Mismatch(String(wanted), got);
  }
  if (insert) list.insert({ basePage: found, pages });
};

/** Operations by name. */
export const regionActions: Readonly<Record<string, Action>> = {
  region_list: (b, s) => {
    const basePage = pagesOf(whole(s, 'base'));
    const endPage = basePage + pagesOf(whole(s, 'size'));
    const bare = { list: new RegionList(basePage), basePage, endPage };
    lists.set(b, s['aslr'] === true ? { ...bare, draws: 0 } : bare);
  },
  region_insert: (b, s) =>
    listOf(b).list.insert({
      basePage: pagesOf(whole(s, 'start')), pages: pagesOf(whole(s, 'size')),
    }),
  region_remove: (b, s) => {
    const { list } = listOf(b);
    const region = list.find(pagesOf(whole(s, 'start')));
    if (region === undefined) throw new Mismatch(`a region at ${String(s['start'])}`, 'none');
    list.remove(region);
  },
  alloc_spot: spot(false),
  region_alloc: spot(true),
};
