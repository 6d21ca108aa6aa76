/**
 * Where each page waits, and what goes when memory is short: the two VMOs of docs/concepts.md, a
 * file of a pager and a cache. In a checkout: npm ci && node examples/memory-short.mjs
 */
import { System, VmoChild, VmoOp, VmoOption, VmOption } from 'zircon-memsim';

const PAGE_BYTES = 4096;
const SECOND_NS = 1_000_000_000;
const one = new Uint8Array([1]);

const system = System.boot({ memoryBytes: 16 * 2 ** 20 });
const v = system.createVmo(64 * PAGE_BYTES);
for (const page of [0, 1, 40]) v.write(page * PAGE_BYTES, one);
const w = v.createChild(VmoChild.SNAPSHOT, 0, 64 * PAGE_BYTES);
w.write(PAGE_BYTES, one);
const process = system.rootJob.createProcess('P');
const readWrite = VmOption.PERM_READ | VmOption.PERM_WRITE;
const base = process.rootVmar.map(readWrite, 0, v, 0, 64 * PAGE_BYTES);
process.write(base + BigInt(41 * PAGE_BYTES), new Uint8Array([0]));

const pager = system.createPager();
const file = pager.createVmo(2 * PAGE_BYTES);
const aux = system.createVmo(2 * PAGE_BYTES);
aux.opRange(VmoOp.COMMIT, 0, 2 * PAGE_BYTES);
pager.supplyPages(file, 0, 2 * PAGE_BYTES, aux);
file.write(PAGE_BYTES, one);

const cache = system.createVmo(PAGE_BYTES, VmoOption.DISCARDABLE);
cache.opRange(VmoOp.TRY_LOCK, 0, PAGE_BYTES);
cache.write(0, one);
cache.opRange(VmoOp.UNLOCK, 0, PAGE_BYTES);

/** @type {[name: string, vmo: typeof v, page: number][]} */
const pages = [
  ['V 0 (f1)', v, 0], ['V 1 (f2)', v, 1], ['V 40 (f3)', v, 40], ['V 41 (f5)', v, 41],
  ['W 1 (f4)', w, 1], ['file 0', file, 0], ['file 1', file, 1], ['cache 0', cache, 0],
];
/** @type {string[][]} */
const columns = [];
/** @param {string} what */
const look = (what) => {
  const places = pages.map(([, vmo, page]) => {
    const place = system.queues.placeOf(vmo, page * PAGE_BYTES);
    return place === undefined ? '-' : `${place.queue} ${place.index ?? ''}`.trim();
  });
  columns.push([what, ...places]);
};

look('at once');
system.advance(15 * SECOND_NS);
look('15 seconds later');
const evicted = system.reclaim.evict(100);
look('after an eviction');
const freed = system.reclaim.compressOldest(100);
look('and compression');

const widths = columns.map((column) => Math.max(...column.map((cell) => cell.length)));
const names = ['', ...pages.map(([name]) => name)];
names.forEach((name, row) => {
  const cells = columns.map((column, i) => (column[row] ?? '').padEnd(widths[i] ?? 0));
  console.log(`${name.padEnd(10)} ${cells.join('  ')}`.trimEnd());
});
const { pagerPages, discardablePages } = evicted;
console.log(`evicted ${pagerPages} of the file, ${discardablePages} of the cache`);
console.log(`compressed ${system.reclaim.compressedPages} pages, ${freed} more are free`);
console.log(`V reads ${v.read(0, 1)[0]}, W reads ${w.read(0, 1)[0]}`);
