/**
 * Pages of a file grow older while time passes; what is used, pinned or dirty stays when memory is
 * short. In a checkout: npm ci && node examples/page-ages.mjs
 */
import { PagerCommand, System, VmoOp } from 'zircon-memsim';

const PAGE_BYTES = 4096;
const PAGES = 8;
const SECOND_NS = 1_000_000_000;

const system = System.boot({ memoryBytes: 16 * 2 ** 20 });
const pager = system.createPager((request) => {
  if (request.command !== PagerCommand.READ) return;
  const aux = system.createVmo(request.length);
  for (let at = 0; at < request.length; at += PAGE_BYTES) aux.write(at, new Uint8Array([1]));
  pager.supplyPages(file, request.offset, request.length, aux);
  aux.close();
});
const file = pager.createVmo(PAGES * PAGE_BYTES);

/** @param {string} what */
const show = (what) => {
  const places = Array.from({ length: PAGES }, (_, page) => {
    const place = system.queues.placeOf(file, page * PAGE_BYTES);
    return place === undefined ? '-' : String(place.index ?? place.queue);
  });
  console.log(`${what.padEnd(28)} ${places.join(' ')}`);
};

file.read(0, PAGES * PAGE_BYTES);
show('all were read');
system.advance(15 * SECOND_NS);
show('15 seconds later');
file.read(0, 1);
file.write(PAGE_BYTES, new Uint8Array([2]));
const pin = file.pin(2 * PAGE_BYTES, PAGE_BYTES);
show('read 0, wrote 1, pinned 2');
file.opRange(VmoOp.ALWAYS_NEED, 3 * PAGE_BYTES, PAGE_BYTES);
file.opRange(VmoOp.DONT_NEED, 4 * PAGE_BYTES, PAGE_BYTES);
show('3 is needed, 4 is not');
system.advance(15 * SECOND_NS);
show('15 seconds later');
const { active, inactive } = system.queues.counts;
console.log(`active ${active}, inactive ${inactive}`);
console.log(`evicted ${system.reclaim.evict(2).pages}`);
show('the oldest two went');
console.log(`evicted ${system.reclaim.evict(PAGES).pages}`);
show('all that may go went');
pin.unpin();
show('unpinned');
