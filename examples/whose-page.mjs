/**
 * Whose page is it? The worked example of docs/concepts.md: three processes, four frames, four
 * policies and both reaches.
 *
 *   node examples/whose-page.mjs
 *
 * P and D map the VMO V, P even twice; C maps W, a snapshot of V, and has written page 1 of it.
 */
import { Access, System, TaskType, VmoChild, VmOption } from 'zircon-memsim';

const PAGE_BYTES = 4096;
const SIZE_BYTES = 64 * PAGE_BYTES;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const system = System.boot({ memoryBytes: 2 ** 20 });

// create, write
const v = system.createVmo(SIZE_BYTES, 0, { name: 'V' });
for (const page of [0, 1, 40]) v.write(page * PAGE_BYTES, Uint8Array.of(page));

// snapshot, write after the snapshot
const w = v.createChild(VmoChild.SNAPSHOT, 0, SIZE_BYTES);
w.setName('W');
w.write(1 * PAGE_BYTES, Uint8Array.of(99));

// map
const [p, d, c] = ['P', 'D', 'C'].map((name) => system.rootJob.createProcess(name));
if (p === undefined || d === undefined || c === undefined) throw new Error('three processes');
const first = p.rootVmar.map(READ_WRITE, 0, v, 0, SIZE_BYTES);
const second = p.rootVmar.map(READ_WRITE, 0, v, 0, SIZE_BYTES);
const inD = d.rootVmar.map(READ_WRITE, 0, v, 0, SIZE_BYTES);
const inC = c.rootVmar.map(READ_WRITE, 0, w, 0, SIZE_BYTES);

// touch: what `present` counts
p.touch(first, 2 * PAGE_BYTES, Access.READ);
p.touch(second, PAGE_BYTES, Access.READ);
d.touch(inD, PAGE_BYTES, Access.READ);
c.touch(inC, SIZE_BYTES, Access.READ);

console.log('policy      reach            P         D         C       sum  frames hold');
for (const [policy, reach] of /** @type {const} */ ([
  ['classic', 'committed'], ['attributed', 'committed'], ['exact', 'committed'],
  ['exact', 'present'], ['mapcount', 'present'],
])) {
  const { tasks, kmem } = await system.account({ policy, reach });
  const shares = new Map();
  for (let row = 0; row < tasks.count; row++) {
    if (tasks.type[row] !== TaskType.PROCESS) continue;
    const bytes = Number(tasks.pss.bytes[row]) + Number(tasks.pss.fraction[row]) / 2 ** 63;
    shares.set(tasks.name[row], bytes);
  }
  const figures = ['P', 'D', 'C'].map((name) => shares.get(name));
  figures.push(figures.reduce((sum, bytes) => sum + bytes));
  const columns = figures.map((bytes) => bytes.toFixed(1).padStart(9));
  columns.push(String(kmem.vmoBytes).padStart(12));
  console.log(`${policy.padEnd(11)} ${reach.padEnd(9)} ${columns.join(' ')}`);
}

// close: P and D let go of V; what only V saw is free, what W sees is now W's alone
v.close();
p.kill();
d.kill();
const { tasks, kmem } = await system.account({ policy: 'exact' });
const row = tasks.name.indexOf('C');
const bytes = tasks.pss.bytes[row];
console.log(`\nP and D are gone: C ${bytes} bytes, frames hold ${kmem.vmoBytes}`);
