/**
 * The index of a VMO's mappings by key against a plain list: what shows a range, after mappings
 * came, went, were cut, split and merged.
 */
import fc from 'fast-check';
import t from 'tap';
import { Core, type AspaceRef, type MappingRef, type VmoRef } from '../../src/core/core.js';
import { runs } from '../support/long.js';

const VMO_PAGES = 200;
const SPACE_PAGES = 1000;

interface Shown {
  readonly ref: MappingRef;
  readonly space: number;
  base: number;
  page: number;
  pages: number;
}

const ok = <R extends number>(result: R | number): R => {
  if (result < 0) throw new Error(`status ${result}`);
  return result as R;
};

class World {
  readonly core: Core;
  readonly vmo: VmoRef;
  readonly spaces: AspaceRef[];
  readonly shown: Shown[] = [];

  constructor() {
    const core = Core.create({ physicalPages: 64, variant: 'debug' });
    if (typeof core === 'number') throw new Error('no core');
    this.core = core;
    this.vmo = ok<VmoRef>(core.vmoCreate(0, VMO_PAGES));
    this.spaces = [0, 1, 2].map(() => ok<AspaceRef>(core.aspaceCreate()));
  }

  map(space: number, base: number, page: number, pages: number): void {
    const taken = this.shown.some(
      (m) => m.space === space && base < m.base + m.pages && m.base < base + pages);
    if (taken) return;
    const made = this.core.map(this.spaces[space]!, this.vmo, base, pages, page, 3);
    this.shown.push({ ref: ok<MappingRef>(made), space, base, page, pages });
  }

  unmap(m: Shown): void {
    this.core.unmap(m.ref);
    this.shown.splice(this.shown.indexOf(m), 1);
  }

  cut(m: Shown, first: number, pages: number): void {
    if (first === 0 && pages >= m.pages) return;
    const count = Math.min(pages, m.pages - first);
    const ref = ok<MappingRef>(this.core.unmapRange(m.ref, first, count));
    this.#behind(m, ref, first + count);
    if (first > 0) m.pages = first;
    else {
      m.base += count;
      m.page += count;
      m.pages -= count;
    }
  }

  split(m: Shown, at: number): void {
    if (at === 0 || at >= m.pages) return;
    this.#behind(m, ok<MappingRef>(this.core.splitMapping(m.ref, at)), at);
    m.pages = at;
  }

  merge(m: Shown): void {
    const next = this.shown.find((o) => o.space === m.space
      && o.base === m.base + m.pages && o.page === m.page + m.pages);
    if (next === undefined) return;
    this.core.mergeMappings(m.ref, next.ref);
    m.pages += next.pages;
    this.shown.splice(this.shown.indexOf(next), 1);
  }

  #behind(m: Shown, ref: MappingRef, from: number): void {
    if (ref === 0) return;
    const { space, base, page, pages } = m;
    this.shown.push({ ref, space, base: base + from, page: page + from, pages: pages - from });
  }

  /** What shows a range: by the index, and by asking every mapping. */
  compare(page: number, pages: number): string {
    const got = this.core.vmoMappings(this.vmo, page, pages);
    const found = this.shown.filter((m) => page < m.page + m.pages && m.page < page + pages);
    const keys = got.map((ref) => found.find((m) => m.ref === ref)?.page ?? -1);
    const sorted = [...keys].sort((a, b) => a - b);
    const same = got.length === found.length && new Set(got).size === got.length
      && keys.join() === sorted.join() && !keys.includes(-1);
    return same ? '' : `pages ${page}+${pages}: got ${keys.join()}, expected ${found.length}`;
  }
}

const operations = fc.oneof(
  { weight: 4, arbitrary: fc.record({
    op: fc.constant('map' as const), space: fc.nat(2), base: fc.nat(SPACE_PAGES),
    page: fc.nat(VMO_PAGES - 1), pages: fc.integer({ min: 1, max: 40 }),
  }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('unmap' as const), which: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({
    op: fc.constant('cut' as const), which: fc.nat(99), first: fc.nat(20),
    pages: fc.integer({ min: 1, max: 20 }),
  }) },
  { weight: 1, arbitrary: fc.record({
    op: fc.constant('split' as const), which: fc.nat(99), at: fc.nat(20),
  }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('merge' as const), which: fc.nat(99) }) },
);
type Operation = typeof operations extends fc.Arbitrary<infer O> ? O : never;

const step = (world: World, o: Operation): void => {
  if (o.op === 'map') return world.map(o.space, o.base, o.page, o.pages);
  const m = world.shown[o.which % (world.shown.length || 1)];
  if (m === undefined) return;
  if (o.op === 'unmap') world.unmap(m);
  else if (o.op === 'cut') world.cut(m, o.first % m.pages, o.pages);
  else if (o.op === 'split') world.split(m, o.at);
  else world.merge(m);
};

t.test('the index finds what asking every mapping finds', async (t) => {
  let steps = 0;
  const query = fc.tuple(fc.nat(VMO_PAGES - 1), fc.integer({ min: 1, max: 30 }));
  const program = fc.array(fc.tuple(operations, query), {
    minLength: 1, maxLength: 120, size: 'max',
  });
  fc.assert(fc.property(program, (list) => {
    const world = new World();
    for (const [operation, [page, pages]] of list) {
      steps += 1;
      step(world, operation);
      const wrong = world.compare(page, pages) || world.compare(0, VMO_PAGES);
      if (wrong !== '') throw new Error(`${operation.op}: ${wrong}`);
    }
    const broken = world.core.audit();
    if (broken.length > 0) throw new Error(broken.join('; '));
  }), { numRuns: runs(60, 3000) });
  t.ok(steps > 1000, `${steps} steps`);
});

t.test('twenty thousand mappings are found by range, and listed in order', async (t) => {
  const world = new World();
  const { core } = world;
  const vmo = ok<VmoRef>(core.vmoCreate(0, 40_000));
  const refs: MappingRef[] = [];
  for (let i = 0; i < 20_000; i++) {
    const page = (i * 7919) % 20_000;
    refs[page] = ok<MappingRef>(core.map(world.spaces[0]!, vmo, 0x1000 + page * 2, 1, page, 1));
  }
  t.strictSame(core.vmoMappings(vmo, 500, 3), refs.slice(500, 503));
  t.strictSame(core.vmoMappings(vmo, 0, 40_000), refs);
  t.strictSame(core.audit(), []);
});
