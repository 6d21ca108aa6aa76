/**
 * Loads a recorded Linux machine and asks who really costs what.
 *
 *   node examples/load-snapshot.mjs [FILE.snap.jsonl.gz]
 *
 * `mapcount` is what the kernel's smaps says; under `exact` a page belongs to the distinct
 * processes that reach it. The whole pages by number of owners add up to the frames that the
 * recorded processes reach: no rounding, no page twice.
 */
import { fileURLToPath } from 'node:url';
import { System, TaskType } from 'zircon-memsim';

const sample = new URL('../test/fixtures/nginx-6w.snap.jsonl.gz', import.meta.url);
const system = await System.open(process.argv[2] ?? fileURLToPath(sample));
const mapcount = await system.account({ policy: 'mapcount' });
const exact = await system.account({ policy: 'exact' });

console.log('   koid  name                PSS mapcount   PSS exact    private');
const { tasks } = exact;
/** @type {Map<number, number>} pages by number of owners, over all processes */
const reached = new Map();
for (let row = 0; row < tasks.count; row++) {
  if (tasks.type[row] !== TaskType.PROCESS) continue;
  for (const [owners, pages] of tasks.pagesByOwners?.[row] ?? []) {
    reached.set(owners, (reached.get(owners) ?? 0) + pages);
  }
  console.log([
    String(tasks.koid[row]).padStart(7), ` ${tasks.name[row]}`.padEnd(17),
    String(mapcount.tasks.pss.bytes[row]).padStart(15), String(tasks.pss.bytes[row]).padStart(11),
    String(tasks.privateBytes[row]).padStart(10),
  ].join(' '));
}
let frames = 0;
for (const [owners, pages] of reached) frames += pages / owners;
console.log(`${frames} distinct frames are reached: ${frames * 4096} bytes`);
for (const note of exact.notes) console.log(`note: ${note}`);
