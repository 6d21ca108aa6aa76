/**
 * Contiguous and physical VMOs: the run, what is refused, and pages lent out
 * (memory-semantics 1.4, 1.5, 2.3 to 2.5, 5.3).
 */
import t from 'tap';
import { Topic, VmoInfoFlag } from '../../src/objects/info.js';
import { KernelSystem } from '../../src/objects/system.js';
import { VmOption } from '../../src/objects/vm-options.js';
import { CachePolicy, VmoChild, VmoOp } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { asWord, makeProcess, makeSystem, P, refused, statusOf, word } from './support.js';

const info = (vmo: Vmo) => vmo.getInfo(Topic.VMO);
const committed = (vmo: Vmo): number => info(vmo).committedBytes / P;
const framesOf = (vmo: Vmo, pages: number): number[] => {
  const { system, tree, offsetPages } = vmo.object;
  return Array.from({ length: pages }, (_, i) => system.core.vmoFrame(tree.ref, offsetPages + i));
};
const isRun = (frames: number[]): boolean => frames.every((f, i) => f === (frames[0] ?? 0) + i);
const loaned = (s: KernelSystem): number => s.kernelMemory().freeLoanedBytes / P;

t.test('every page is there from the start, in one run', async (t) => {
  const s = makeSystem(200);
  const vmo = s.createContiguousVmo(40 * P - 5, 0, { name: 'dma' });
  t.equal(vmo.getSize(), BigInt(40 * P));
  t.equal(vmo.getStreamSize(), BigInt(40 * P - 5));
  t.equal(committed(vmo), 40);
  t.equal(s.core.freePages, 160);
  const frames = framesOf(vmo, 40);
  t.ok(frames[0] !== 0 && isRun(frames));
  t.match(info(vmo), {
    name: 'dma', cachePolicy: CachePolicy.CACHED,
    flags: VmoInfoFlag.PAGED | VmoInfoFlag.CONTIGUOUS | VmoInfoFlag.VIA_HANDLE,
  });
  vmo.write(5 * P, word(7));
  t.equal(asWord(vmo.read(5 * P, 4)), 7);
  t.strictSame(framesOf(vmo, 40), frames, 'writing moves nothing');
  vmo.close();
  t.equal(s.core.freePages, 200);
});

t.test('a run is found between other pages, aligned as asked', async (t) => {
  const s = makeSystem(300);
  const small = Array.from({ length: 100 }, () => s.createContiguousVmo(P));
  small.forEach((vmo, i) => (i % 10 === 0 ? undefined : vmo.close()));
  const nine = s.createContiguousVmo(9 * P);
  const frames = framesOf(nine, 9);
  t.ok(isRun(frames) && frames[0]! < 100, 'the lowest gap that fits');
  const eight = s.createContiguousVmo(8 * P, 15);
  t.equal(framesOf(eight, 1)[0]! % 8, 0, 'a multiple of 2^15 bytes');
  const high = s.createContiguousVmo(P, 12 + 7);
  t.equal(framesOf(high, 1)[0]! % 128, 0);
  const used = 10 + 9 + 8 + 1;
  t.equal(s.core.freePages, 300 - used);
  t.strictSame(s.core.audit(), []);
  const rest = s.createVmo(300 * P);
  rest.opRange(VmoOp.COMMIT, 0, (300 - used) * P);
  t.equal(s.core.freePages, 0, 'what was passed over can still be had');
  t.strictSame(s.core.audit(), []);
});

t.test('creation: refusals in order', async (t) => {
  const s = makeSystem(100);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createContiguousVmo(0), 'size 0');
  for (const log2 of [1, 11, 64, 1.5, NaN]) {
    refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createContiguousVmo(P, log2), `align ${log2}`);
  }
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => s.createContiguousVmo(2n ** 64n - 1n), 'too large');
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => s.createContiguousVmo(101 * P), 'more than there is');
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => s.createContiguousVmo(2n ** 60n), 'far more');
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => s.createContiguousVmo(P, 30), 'no frame so aligned');
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => s.createContiguousVmo(P, 63), 'none at all');
  const middle = [1, 2, 3].map(() => s.createContiguousVmo(30 * P));
  middle[0]!.close();
  middle[2]!.close();
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => s.createContiguousVmo(50 * P), '70 free, no run of 50');
});

t.test('what a contiguous VMO cannot do', async (t) => {
  const s = makeSystem(200);
  const vmo = s.createContiguousVmo(4 * P);
  const { SNAPSHOT, SNAPSHOT_AT_LEAST_ON_WRITE, SNAPSHOT_MODIFIED, REFERENCE, SLICE } = VmoChild;
  for (const kind of [SNAPSHOT, SNAPSHOT_AT_LEAST_ON_WRITE, SNAPSHOT_MODIFIED]) {
    refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.createChild(kind, 0, P), `child ${kind}`);
  }
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.createChild(REFERENCE), 'reference');
  refused(t, s, 'ZX_ERR_UNAVAILABLE', () => vmo.setSize(P), 'setSize');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.setStreamSize(1), 'setStreamSize');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.setContentSize(1), 'setContentSize');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.opRange(VmoOp.DECOMMIT, 1, P), 'unaligned');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.opRange(VmoOp.DECOMMIT, 0, P), 'no loaning');
  const slice = vmo.createChild(SLICE, P, 2 * P);
  t.strictSame(framesOf(slice, 2), framesOf(vmo, 4).slice(1, 3));
  t.ok((info(slice).flags & VmoInfoFlag.CONTIGUOUS) !== 0);
  t.equal(committed(slice), 0, 'slices are charged nothing');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => slice.createChild(SNAPSHOT, 0, P), 'clone of a slice');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => slice.opRange(VmoOp.DECOMMIT, 0, P), 'its decommit');
  slice.close();
  vmo.setCachePolicy(CachePolicy.UNCACHED);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.read(0, 1), 'read while uncached');
  const uncached = vmo.createChild(SLICE, 0, P);
  t.equal(info(uncached).cachePolicy, CachePolicy.UNCACHED, 'a slice of it is');
});

t.test('zeroing keeps the pages', async (t) => {
  const s = makeSystem(200);
  const vmo = s.createContiguousVmo(40 * P);
  const frames = framesOf(vmo, 40);
  vmo.write(0, new Uint8Array(40 * P).fill(9));
  vmo.opRange(VmoOp.ZERO, 5, 38 * P);
  t.strictSame(framesOf(vmo, 40), frames);
  t.equal(committed(vmo), 40);
  const bytes = vmo.read(0, 40 * P);
  t.ok(bytes.subarray(0, 5).every((byte) => byte === 9));
  t.ok(bytes.subarray(5, 5 + 38 * P).every((byte) => byte === 0));
  t.ok(bytes.subarray(5 + 38 * P).every((byte) => byte === 9));
  vmo.opRange(VmoOp.COMMIT, 0, 40 * P);
  vmo.createChild(VmoChild.SLICE, P, P).opRange(VmoOp.ZERO, 0, P);
  t.strictSame(framesOf(vmo, 40), frames);
});

t.test('with loaning on a decommit lends pages out, any use takes the frame back', async (t) => {
  const { system: s, process } = makeProcess(200);
  const vmo = s.createContiguousVmo(40 * P);
  const frames = framesOf(vmo, 40);
  const address = process.rootVmar.map(3, 0, vmo, 0, 40 * P);
  process.touch(address, 40 * P, 2);
  vmo.write(0, new Uint8Array(40 * P).fill(9));
  const { freePages } = s.core;
  s.pageLoaning = true;
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.opRange(VmoOp.DECOMMIT, 0, 41 * P), 'range');
  const pin = vmo.pin(39 * P, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.opRange(VmoOp.DECOMMIT, 0, 40 * P), 'pinned');
  vmo.opRange(VmoOp.DECOMMIT, P, 38 * P);
  t.equal(committed(vmo), 2);
  t.equal(loaned(s), 38);
  t.equal(s.core.freePages, freePages, 'lent pages are counted apart');
  t.equal(s.core.aspacePresentPages(process.object.aspace.ref), 2);
  vmo.opRange(VmoOp.DECOMMIT, P, 38 * P);
  t.equal(loaned(s), 38, 'lending twice does nothing more');
  vmo.opRange(VmoOp.ZERO, 0, 10 * P);
  t.equal(loaned(s), 38, 'what is lent reads zero already');
  vmo.opRange(VmoOp.PREFETCH, 0, 40 * P);
  t.equal(loaned(s), 38);
  const uses: [string, () => unknown, number][] = [
    ['reading', () => t.equal(vmo.read(P, 1)[0], 0), 1],
    ['reading over two', () => vmo.read(3 * P - 1, 2), 2],
    ['writing', () => vmo.write(5 * P, word(1)), 1],
    ['committing', () => vmo.opRange(VmoOp.COMMIT, 6 * P + 1, P), 2],
    ['pinning', () => vmo.pin(9 * P, P), 1],
    ['a read fault', () => process.touch(address + BigInt(30 * P), 4 * P, 1), 4],
    ['a write fault', () => process.touch(address + BigInt(34 * P), P, 2), 1],
    ['a slice', () => vmo.createChild(VmoChild.SLICE, 10 * P, P).read(0, 1), 1],
  ];
  for (const [name, use, pages] of uses) {
    const before = loaned(s);
    use();
    t.equal(before - loaned(s), pages, `${name} takes back what it uses`);
    t.strictSame(s.core.audit(), []);
  }
  vmo.opRange(VmoOp.COMMIT, 0, 40 * P);
  t.strictSame(framesOf(vmo, 40), frames, 'each page has its frame again');
  t.equal(loaned(s), 0);
  pin.unpin();
});

t.test('no memory is needed to take pages back, and closing ends the loan', async (t) => {
  const s = makeSystem(100);
  s.pageLoaning = true;
  const vmo = s.createContiguousVmo(40 * P);
  vmo.opRange(VmoOp.DECOMMIT, 0, 40 * P);
  const all = s.createVmo(60 * P);
  all.opRange(VmoOp.COMMIT, 0, 60 * P);
  t.equal(s.core.freePages, 0);
  const more = s.createVmo(P);
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => more.opRange(VmoOp.COMMIT, 0, P),
    'an anonymous VMO does not borrow');
  vmo.write(0, new Uint8Array(20 * P).fill(1));
  t.equal(committed(vmo), 20);
  const process = s.rootJob.createProcess('p');
  const at = process.rootVmar.map(VmOption.PERM_READ, 0, vmo, 30 * P, P);
  s.beginPass();
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => vmo.read(0, 1), 'a read may change the system');
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => process.readMemory(at, 1), 'a debugger\'s too');
  s.endPass();
  process.kill();
  vmo.close();
  t.equal(s.core.freePages, 40);
  t.equal(loaned(s), 0);
  t.strictSame(s.core.audit(), []);
});

t.test('host memory runs out at each request in turn: nothing is half made', async (t) => {
  const core = KernelSystem.createCore({ physicalPages: 20000, variant: 'debug' });
  const s = new KernelSystem(core);
  const failAt = (n: number): void => {
    core.u32[(core.constants['H_FAIL_AT'] as number) >>> 2] = n;
  };
  let requests = 0;
  for (let made = false; !made; requests++) {
    failAt(requests + 1);
    try {
      const before = core.digest();
      const status = statusOf(() => s.createContiguousVmo(19000 * P));
      made = status === 'ZX_OK';
      t.equal(status, made ? 'ZX_OK' : 'ZX_ERR_NO_MEMORY', `request ${requests + 1}`);
      if (!made) t.equal(core.digest(), before);
      t.strictSame(s.core.audit().filter((found) => !found.includes('no host memory')), []);
    } finally {
      failAt(0);
    }
  }
  t.ok(requests > 1, `${requests - 1} requests`);
  t.strictSame(core.audit(), []);
});

t.test('physical VMOs have no pages of the PMM', async (t) => {
  const s = makeSystem(100);
  const vmo = s.createPhysicalVmo(0xfee00000, 4 * P);
  t.equal(s.core.freePages, 100);
  t.match(info(vmo), { committedBytes: 0, cachePolicy: CachePolicy.UNCACHED });
  const { SNAPSHOT, REFERENCE, SLICE } = VmoChild;
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.createChild(SNAPSHOT, 0, P), 'snapshot');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.createChild(REFERENCE), 'reference');
  refused(t, s, 'ZX_ERR_UNAVAILABLE', () => vmo.setSize(P), 'setSize');
  s.pageLoaning = true;
  for (const op of [VmoOp.COMMIT, VmoOp.DECOMMIT, VmoOp.ZERO, VmoOp.CACHE_SYNC]) {
    refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.opRange(op, 0, P), `operation ${op}`);
  }
  for (const op of [VmoOp.PREFETCH, VmoOp.DONT_NEED, VmoOp.ALWAYS_NEED]) vmo.opRange(op, 0, P);
  const slice = vmo.createChild(SLICE, P, P);
  t.equal(info(slice).cachePolicy, CachePolicy.UNCACHED);
  vmo.pin(0, 4 * P).unpin();
  t.equal(s.core.freePages, 100);
});
