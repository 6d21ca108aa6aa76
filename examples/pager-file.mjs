/**
 * A pager that serves a file: pages are read from a store when somebody needs them, and written
 * back when somebody changed them.
 *
 *   node examples/pager-file.mjs
 *
 * The store is a Buffer of six pages. The VMO over it traps first writes, as a file system does
 * that has to reserve space before it lets a page be changed.
 */
import {
  Access, PagerCommand, PagerOp, System, Topic, VmoChild, VmoOption, VmOption,
} from 'zircon-memsim';

const PAGE_BYTES = 4096;
const PAGES = 6;
const store = Buffer.alloc(PAGES * PAGE_BYTES);
for (let page = 0; page < PAGES; page++) store.write(`page ${page} on disk`, page * PAGE_BYTES);

const system = System.boot({ memoryBytes: 2 ** 20 });
const commands = new Map(Object.entries(PagerCommand).map(([name, number]) => [number, name]));

// the pager: called with each request, supplies before it returns
const pager = system.createPager(({ command, key, offset, length }) => {
  const [first, pages] = [Number(offset) / PAGE_BYTES, Number(length) / PAGE_BYTES];
  console.log(`  pager: ${commands.get(command)} of file ${key}, pages ${first}+${pages}`);
  if (command === PagerCommand.DIRTY) pager.opRange(PagerOp.DIRTY, file, offset, length);
  if (command !== PagerCommand.READ) return;
  const aux = system.createVmo(length);
  aux.write(0, store.subarray(Number(offset), Number(offset + length)));
  pager.supplyPages(file, offset, length, aux); // the frames move: nothing is copied
  aux.close();
});
const file = pager.createVmo(PAGES * PAGE_BYTES, VmoOption.TRAP_DIRTY, { key: 7, name: 'file' });

/** @param {Uint8Array} bytes */
const textAt = (bytes) => Buffer.from(bytes).toString('latin1', 0, 17).replaceAll('\0', ' ').trim();
/** @param {string} what @param {import('zircon-memsim').Vmo} vmo */
const figures = (what, vmo) => {
  const { committedBytes } = vmo.getInfo(Topic.VMO);
  console.log(`  ${what}: ${committedBytes / PAGE_BYTES} pages of its own`);
};

console.log('a process reads pages 0 to 2, then page 1 again');
const process = system.rootJob.createProcess('editor');
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const address = process.rootVmar.map(READ_WRITE, 0, file, 0, PAGES * PAGE_BYTES);
process.touch(address, 3 * PAGE_BYTES, Access.READ);
console.log(`  reads "${textAt(process.read(address + BigInt(PAGE_BYTES), 17))}"`);

console.log('it writes page 4, which was never read, and page 1');
process.write(address + BigInt(4 * PAGE_BYTES), Buffer.from('PAGE 4'));
process.write(address + BigInt(PAGE_BYTES), Buffer.from('PAGE 1'));

console.log('a clone follows the file until it is written');
const clone = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, PAGES * PAGE_BYTES);
clone.write(5 * PAGE_BYTES, Buffer.from('mine'));
console.log(`  page 1 "${textAt(clone.read(PAGE_BYTES, 17))}", page 5 "${
  textAt(clone.read(5 * PAGE_BYTES, 17))}"`);
figures('the file', file);
figures('the clone', clone);

console.log('the pager writes back what is dirty');
for (const { offset, length } of pager.queryDirtyRanges(file, 0, PAGES * PAGE_BYTES).ranges) {
  pager.opRange(PagerOp.WRITEBACK_BEGIN, file, offset, length);
  store.set(file.read(offset, length), Number(offset));
  pager.opRange(PagerOp.WRITEBACK_END, file, offset, length);
  const at = Number(offset);
  console.log(`  page ${at / PAGE_BYTES} on disk: "${textAt(store.subarray(at, at + 17))}"`);
}

console.log('clean pages can go, and come back when they are read');
console.log(`  evicted: ${system.evictPages(file, 0, PAGES * PAGE_BYTES)} pages`);
console.log(`  reads "${textAt(process.read(address + BigInt(PAGE_BYTES), 17))}"`);

console.log('closing the file');
process.kill();
clone.close();
file.close();
