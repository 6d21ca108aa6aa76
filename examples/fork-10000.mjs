/**
 * Ten thousand forks of one gibibyte, accounted for to the page.
 *
 *   node examples/fork-10000.mjs [FORKS]
 *
 * One process maps and touches a VMO of 1 GiB. Each fork is a snapshot of it in a process of its
 * own, which then writes 100 pages in a row. Times are of this machine; all other figures are the
 * same everywhere.
 */
import { Access, System, TaskType, VmoChild, VmOption } from 'zircon-memsim';

const GIB = 2 ** 30;
const PAGE_BYTES = 4096;
const WRITTEN_PAGES = 100;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const forks = Number(process.argv[2] ?? 10_000);

/** @param {number} sinceMs */
const elapsedMs = (sinceMs) => (performance.now() - sinceMs).toFixed(0);

const system = System.boot({ memoryBytes: 8 * GIB });
const origin = system.createVmo(GIB, 0, { name: 'origin' });
const parent = system.rootJob.createProcess('parent');
const base = parent.rootVmar.map(READ_WRITE, 0, origin, 0, GIB);
parent.touch(base, GIB, Access.WRITE);

const forkStartMs = performance.now();
for (let i = 0; i < forks; i++) {
  const copy = origin.createChild(VmoChild.SNAPSHOT, 0, GIB);
  const child = system.rootJob.createProcess(`fork ${i}`);
  const address = child.rootVmar.map(READ_WRITE, 0, copy, 0, GIB);
  const firstPage = (i % 2000) * WRITTEN_PAGES;
  child.touch(address + BigInt(firstPage * PAGE_BYTES), WRITTEN_PAGES * PAGE_BYTES, Access.WRITE);
  copy.close(); // the mapping keeps the VMO
}
const forkMs = elapsedMs(forkStartMs);

const passStartMs = performance.now();
const { tasks, kmem } = await system.account({ policy: 'exact' });
const passMs = elapsedMs(passStartMs);

const shares = tasks.pss.bytes.map((bytes, row) =>
  tasks.type[row] === TaskType.PROCESS ? bytes : 0n);
const mappedBytes = tasks.mappedBytes.reduce((sum, bytes, row) =>
  tasks.type[row] === TaskType.PROCESS ? sum + bytes : sum, 0);
// Row 0 is the root job: the sum over all processes, fractions of a byte included.
const sum = ((tasks.pss.bytes[0] ?? 0n) << 63n) + (tasks.pss.fraction[0] ?? 0n);
const missing = (BigInt(kmem.vmoBytes) << 63n) - sum;
const [first, second] = [...shares].flatMap((bytes, row) => (bytes > 0n ? [row] : []));

console.log(`mapped             ${mappedBytes / PAGE_BYTES} pages in ${forks + 1} processes`);
console.log(`committed          ${kmem.vmoBytes / PAGE_BYTES} pages, ${kmem.vmoBytes} bytes`);
console.log(`sum of all shares  ${kmem.vmoBytes} bytes less ${missing} x 2^-63 byte (rounding)`);
console.log(`the parent         ${shares[Number(first)]} bytes`);
console.log(`the first fork     ${shares[Number(second)]} bytes`);
console.log(`host memory        ${(system.hostBytesUsed / 2 ** 20).toFixed(0)} MiB`);
console.log(`time               ${forkMs} ms to fork and write, ${passMs} ms to account`);
