/**
 * Operations on a bare region list: what no user sees, reached through the objects' own class.
 *
 * I1. A case has at most one region list at a time; a second `region_list` replaces the first.
 */
import { type PageRange, RegionList } from '../../src/objects/region-list.js';
import type { Action, Bench } from './bench.js';
import { Lacking, Mismatch } from './cases.js';
import { big, countOr, whole } from './values.js';

interface BareList {
  readonly list: RegionList<PageRange>;
  readonly endPage: number;
}

const lists = new WeakMap<Bench, BareList>();

const listOf = (b: Bench): BareList => {
  const found = lists.get(b);
  if (found === undefined) throw new Error('no region_list before this step');
  return found;
};

const pagesOf = (bytes: bigint): number => Number(bytes / 4096n);

const spot = (insert: boolean): Action => (b, s) => {
  const { list, endPage } = listOf(b);
  const pages = pagesOf(whole(s, 'size'));
  const alignPages = 2 ** Math.max(0, countOr(s, 'align_pow2', 12) - 12);
  const found = list.findGap({ pages, alignPages, endPage });
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
    if (s['aslr'] === true) throw new Lacking('address randomisation of a bare region list');
    const basePage = pagesOf(whole(s, 'base'));
    lists.set(b, { list: new RegionList(basePage), endPage: basePage + pagesOf(whole(s, 'size')) });
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
