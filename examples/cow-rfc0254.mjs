/**
 * Who pays for a page that a parent P and its snapshot C both see: Zircon's older rule (`classic`)
 * and the one since RFC-0254 (`attributed`), page by page.
 *
 *   node examples/cow-rfc0254.mjs
 */
import { System, VmoChild } from 'zircon-memsim';

const PAGE_BYTES = 4096;
const system = System.boot({ memoryBytes: 2 ** 20 });

/**
 * One line: what each rule charges to P and to C.
 * @param {string} event
 */
async function show(event) {
  const classic = (await system.account({ policy: 'classic' })).vmos;
  const attributed = (await system.account({ policy: 'attributed' })).vmos;
  const used = `${system.kernelMemory().vmoBytes / PAGE_BYTES} pages`;
  const charged = [...classic.name].map((name, row) =>
    `${name} ${classic.committedBytes[row]} -> ${attributed.scaled.bytes[row]}`);
  console.log(`${event.padEnd(26)} ${used}   ${charged.join('   ')}`);
}

console.log('bytes charged              used      classic -> attributed');
const parent = system.createVmo(2 * PAGE_BYTES, 0, { name: 'P' });
parent.write(0, new Uint8Array(2 * PAGE_BYTES).fill(1));
await show('P writes two pages');

const child = parent.createChild(VmoChild.SNAPSHOT, 0, 2 * PAGE_BYTES);
child.setName('C');
await show('C is a snapshot of P');

child.write(0, Uint8Array.of(2));
await show('C writes page 0');

parent.write(PAGE_BYTES, Uint8Array.of(3));
await show('P writes page 1');

parent.close();
await show('P is closed');
const [page0, page1] = [0, PAGE_BYTES].map((offset) => child.read(offset, 1)[0]);
console.log(`C reads ${page0} in page 0 and ${page1} in page 1`);
