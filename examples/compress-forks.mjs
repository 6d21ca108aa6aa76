/**
 * A thousand clones share 64 MiB of text; compressing it for one compresses it for all, and the one
 * that writes gets its page back.
 *
 *   node examples/compress-forks.mjs
 */
import { System, Topic, VmoChild } from 'zircon-memsim';

const PAGE = 4096;
const PAGES = 16384;
/** @param {number} bytes */
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const system = System.boot({ memoryBytes: 2 ** 28 });
const text = system.createVmo(PAGES * PAGE);
const line = new TextEncoder().encode('where did the memory go, and what if\n');
const page = Uint8Array.from({ length: PAGE }, (_, i) => line[i % line.length]);
for (let i = 0; i < PAGES; i++) text.write(i * PAGE, page);
const clones = Array.from({ length: 1000 }, () =>
  text.createChild(VmoChild.SNAPSHOT, 0, PAGES * PAGE));

/** @param {string} when */
const show = (when) => {
  const { vmoBytes, zramBytes } = system.rootJob.getInfo(Topic.KMEM_STATS_EXTENDED);
  console.log(`${when}: ${mebibytes(vmoBytes)} of VMOs, `
    + `${mebibytes(zramBytes)} of compressed pages`);
};

show('before');
const outcome = system.reclaim.compress(clones[0]);
console.log(`compressed ${outcome.compressed} pages, shared by ${clones.length + 1} VMOs`);
show('after');
clones[500].write(5 * PAGE, new Uint8Array([1]));
show('after one clone wrote a byte');
const { committedBytes, populatedBytes } = clones[500].getInfo(Topic.VMO);
console.log(`it has ${committedBytes} bytes committed, ${populatedBytes} populated`);
await system.close();
