/**
 * Where regions go: address spaces of the machines, addresses at random (9.1, 9.11).
 */
import fc from 'fast-check';
import t from 'tap';
import { drawn, randomGap } from '../../src/objects/randomise.js';
import type { SystemOptions } from '../../src/objects/system.js';
import { alignOption, VmOption } from '../../src/objects/vm-options.js';
import { runs } from '../support/long.js';
import { makeSystem, P, refused, statusOf } from './support.js';

const R = VmOption.PERM_READ;
const CAN_RWS = VmOption.CAN_MAP_READ | VmOption.CAN_MAP_WRITE | VmOption.CAN_MAP_SPECIFIC;

/** Addresses of some mappings of a page each. */
function addresses(options: SystemOptions, mapOptions = 0, count = 50): bigint[] {
  const system = makeSystem(256, options);
  const { rootVmar } = system.rootJob.createProcess('p');
  const vmo = system.createVmo(P);
  return Array.from({ length: count }, () => rootVmar.map(R | mapOptions, 0, vmo, 0, P));
}

t.test('user addresses by machine (9.1)', async (t) => {
  const range = (options: SystemOptions): [bigint, bigint] => {
    const { rootVmar } = makeSystem(64, options).rootJob.createProcess('p');
    return [rootVmar.base, rootVmar.base + rootVmar.size];
  };
  t.strictSame(range({}), [0x1000000n, 0x7ffffffff000n]);
  t.strictSame(range({ arch: 'x86-64', userBase: 0x200000 }), [0x200000n, 0x7ffffffff000n]);
  t.strictSame(range({ arch: 'arm64' }), [0x1000000n, 0xffffff000000n]);
  t.strictSame(range({ arch: 'riscv64' }), [0x200000n, 0x4000000000n]);
  t.equal(statusOf(() => makeSystem(64, { arch: 'vax' as 'arm64' })), 'ZX_ERR_INVALID_ARGS');
  for (const arch of ['x86-64', 'arm64', 'riscv64'] as const) {
    const system = makeSystem(64, { arch });
    const process = system.rootJob.createProcess('p');
    const { rootVmar } = process;
    const last = rootVmar.size - 4096n;
    const at = rootVmar.map(3 | VmOption.SPECIFIC, last, system.createVmo(P), 0, P);
    t.equal(process.touch(at, P, 2), 1, `the last page of ${arch}`);
  }
});

t.test('options of randomisation are checked', async (t) => {
  for (const aslr of [
    { seed: 1.5 }, { seed: 1, entropyBits: -1 }, { seed: 1, entropyBits: 41 },
    { seed: 1, compactEntropyBits: 0.5 },
  ]) t.equal(statusOf(() => makeSystem(64, { aslr })), 'ZX_ERR_INVALID_ARGS');
});

t.test('a seed gives the same addresses, another seed others', async (t) => {
  const first = addresses({ aslr: { seed: 1 } });
  t.strictSame(addresses({ aslr: { seed: 1 } }), first);
  t.notSame(addresses({ aslr: { seed: 2 } }), first);
  t.equal(new Set(first).size, 50);
  t.ok(first.every((at) => at < 0x1000000n + 2n ** 42n + 50n * 4096n), 'the lowest 2^30 slots');
  const compact = addresses({ aslr: { seed: 1 } }, VmOption.COMPACT);
  t.ok(compact.every((at) => at < 0x1000000n + (2n ** 8n + 50n) * 4096n), 'the lowest 2^8');
  const none = addresses({ aslr: { seed: 1, entropyBits: 0 } });
  t.strictSame(none, addresses({}), 'one slot to choose from: first fit');
});

t.test('a refused call does not move what is placed later', async (t) => {
  const place = (disturb: boolean): bigint => {
    const system = makeSystem(256, { aslr: { seed: 3 } });
    const { rootVmar } = system.rootJob.createProcess('p');
    const vmo = system.createVmo(P);
    rootVmar.map(R, 0, vmo, 0, P);
    if (disturb) {
      refused(t, system, 'ZX_ERR_NO_RESOURCES',
        () => rootVmar.map(R, 0, vmo, 0, rootVmar.size), 'no gap');
    }
    return rootVmar.map(R, 0, vmo, 0, P);
  };
  t.equal(place(true), place(false));
});

t.test('a COMPACT VMAR keeps its regions together, limits and alignments hold', async (t) => {
  const system = makeSystem(256, { aslr: { seed: 4, entropyBits: 20, compactEntropyBits: 3 } });
  const { rootVmar } = system.rootJob.createProcess('p');
  const vmo = system.createVmo(P);
  const size = 2n ** 32n;
  const compact = rootVmar.allocate(CAN_RWS | VmOption.COMPACT, 0, size);
  const wide = rootVmar.allocate(CAN_RWS, 0, size);
  const farthest = (vmar: typeof wide): bigint => {
    const found = Array.from({ length: 40 }, () => vmar.map(R, 0, vmo, 0, P) - vmar.base);
    return found.reduce((a, b) => (a > b ? a : b));
  };
  t.ok(farthest(compact) < 48n * 4096n);
  t.ok(farthest(wide) > 1000n * 4096n);
  for (let i = 0; i < 40; i++) {
    const aligned = wide.map(R | alignOption(21), 0, vmo, 0, P);
    t.equal(aligned % 2n ** 21n, 0n);
    const limit = 2n ** 24n;
    const low = wide.map(R | VmOption.OFFSET_IS_UPPER_LIMIT, limit, vmo, 0, P);
    t.ok(low + 4096n <= wide.base + limit);
  }
});

t.test('every slot of every gap is as likely as the others', async (t) => {
  const regions = [{ basePage: 12, pages: 3 }, { basePage: 18, pages: 2 }];
  const request = { pages: 2, alignPages: 2, endPage: 30 };
  const slots = [10, 16, 20, 22, 24, 26, 28];
  const count = (bits: number): number[] => {
    const hits = new Map<number, number>();
    for (let i = 0; i < 7000; i++) {
      const page = randomGap(regions, 10, request, bits, drawn(9, 1, i)) as number;
      hits.set(page, (hits.get(page) ?? 0) + 1);
    }
    t.ok([...hits.keys()].every((page) => slots.includes(page)));
    return slots.map((page) => hits.get(page) ?? 0);
  };
  t.ok(count(20).every((hits) => hits > 850 && hits < 1150), 'all seven');
  t.strictSame(count(2).map((hits) => hits > 1600), [true, true, true, true, false, false, false]);
  t.equal(randomGap(regions, 10, { ...request, endPage: 11 }, 20, 0n), undefined);
});

t.test('a random spot is free, aligned and inside, if there is one', async (t) => {
  const shape = fc.record({
    gaps: fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 6 })), { maxLength: 12 }),
    pages: fc.integer({ min: 1, max: 8 }), align: fc.constantFrom(1, 2, 4, 16),
    end: fc.nat(120), bits: fc.nat(8), random: fc.bigInt(0n, 2n ** 64n - 1n),
  });
  fc.assert(fc.property(shape, ({ gaps, pages, align, end, bits, random }) => {
    let at = 3;
    const regions = gaps.map(([gap, length]) => {
      const region = { basePage: at + gap, pages: length };
      at += gap + length;
      return region;
    });
    const free = (page: number): boolean => page >= 3 && page + pages <= end && page % align === 0
      && regions.every((r) => page + pages <= r.basePage || r.basePage + r.pages <= page);
    const slots = Array.from({ length: end }, (_, page) => page).filter(free);
    const request = { pages, alignPages: align, endPage: end };
    const got = randomGap(regions, 3, request, bits, random);
    const expected = slots.slice(0, 2 ** bits);
    if (got === undefined ? expected.length > 0 : !expected.includes(got)) {
      throw new Error(`got ${got}, expected one of ${expected.join()}`);
    }
  }), { numRuns: runs(500, 50_000) });
  t.pass('all of them');
});
