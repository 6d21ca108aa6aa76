/**
 * The list of regions against a plain sorted array, and its cost in any order of insertion.
 */
import fc from 'fast-check';
import t from 'tap';
import { RegionList, type GapRequest, type PageRange } from '../../src/objects/region-list.js';

interface Region extends PageRange {
  basePage: number;
  pages: number;
}

const BASE = 16;
const END = 1016;
const endOf = (region: Region): number => region.basePage + region.pages;

/** The lowest gap that fits, by trying every page. */
function lowestGap(regions: readonly Region[], request: GapRequest): number | undefined {
  for (let first = BASE; first + request.pages <= request.endPage; first++) {
    if (first % request.alignPages !== 0) continue;
    const free = regions.every((r) => endOf(r) <= first || r.basePage >= first + request.pages);
    if (free) return first;
  }
  return undefined;
}

const page = fc.integer({ min: BASE, max: END - 1 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('insert'), page, fc.integer({ min: 1, max: 4 })) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('remove'), page, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('front'), page, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('back'), page, fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('gap'), page, fc.integer({ min: 1, max: 8 })) },
);

t.test('it finds what a plain array finds, whatever went in and out', async (t) => {
  const program = fc.array(step, { minLength: 1, maxLength: 800, size: 'max' });
  fc.assert(fc.property(program, (steps) => {
    const list = new RegionList<Region>(BASE);
    let plain: Region[] = [];
    for (const [what, at, pages] of steps) {
      const hit = plain.find((r) => r.basePage <= at && at < endOf(r));
      if (list.find(at) !== hit) return false;
      if (list.findFrom(at) !== plain.find((r) => endOf(r) > at)) return false;
      const range = list.overlapping(at, at + 7);
      const wanted = plain.filter((r) => endOf(r) > at && r.basePage < at + 7);
      if (range.length !== wanted.length || range.some((r, i) => r !== wanted[i])) return false;
      if (what === 'insert' && at + pages <= END) {
        if (plain.some((r) => endOf(r) > at && r.basePage < at + pages)) continue;
        const region = { basePage: at, pages };
        list.insert(region);
        plain = [...plain, region].sort((a, b) => a.basePage - b.basePage);
      } else if (what === 'remove' && hit !== undefined) {
        list.remove(hit);
        plain = plain.filter((r) => r !== hit);
      } else if (what === 'gap') {
        const request = { pages, alignPages: 2 ** (at % 4), endPage: at % 3 === 0 ? at : END };
        if (list.findGap(request) !== lowestGap(plain, request)) return false;
      } else if (hit !== undefined && hit.pages > 1) {
        hit.pages -= 1;
        if (what === 'front') hit.basePage += 1;
        list.shrunk(hit);
      }
    }
    return [...list.values()].every((r, i) => r === plain[i]);
  }), { numRuns: 150 });
  t.pass('150 programs');
});

t.test('a region costs about the same to take in and out at any place', async (t) => {
  const count = 100_000;
  const fill = (placeOf: (i: number) => number): number => {
    const list = new RegionList<Region>(0);
    const regions = Array.from({ length: count }, (_, i) => ({ basePage: placeOf(i), pages: 1 }));
    const start = performance.now();
    for (const region of regions) list.insert(region);
    for (const region of regions) list.remove(region);
    return performance.now() - start;
  };
  // 48271 is prime to the count: every place once, far apart.
  const placesOf = {
    ascending: (i: number) => i, descending: (i: number) => count - i,
    scattered: (i: number) => (i * 48271) % count,
  };
  for (const [order, placeOf] of Object.entries(placesOf)) {
    const tookMs = Math.min(fill(placeOf), fill(placeOf));
    t.ok(tookMs < 1000, `${order}: ${(tookMs * 1e6 / count).toFixed(0)} ns each`);
  }
});
