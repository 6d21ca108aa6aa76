/** The memory page's `ps`: what each process uses of all memory, and what its figures mean. */
import t from 'tap';
import { Access, type Process, TaskType, VmoChild } from '../../src/index.js';
import { golden } from '../views/samples.js';
import {
  KIB, linesOf, look, lookAt, map, mapNew, MIB, PAGE, type Row, wordsOf,
} from './support.js';

const bytesOf = (row: Row): [pss: number, priv: number, shared: number] =>
  [Number(row['pss_bytes']), Number(row['private_bytes']), Number(row['shared_bytes'])];

t.test('the dump: jobs with what is below them, each process with its figures', async (t) => {
  const on = await lookAt('boot');
  t.equal(await on.text('ps'), golden('ps-boot.txt'));
  const rows = await on.rows('ps');
  for (const job of rows.filter(({ type }) => type === 'j')) {
    const below = new Set([job['koid']]);
    let [pss, priv] = [0, 0];
    for (const row of rows) {
      if (!below.has(row['parent']!)) continue;
      below.add(row['koid']!);
      if (row['type'] !== 'p') continue;
      pss += Number(row['pss_bytes']);
      priv += Number(row['private_bytes']);
    }
    t.match(job, { pss_bytes: pss, private_bytes: priv }, `${job['name']}`);
  }
  const depths = linesOf(await on.text('ps')).slice(1, -1).map((line) =>
    line.search(/\S/) / 2);
  t.strictSame(depths, rows.map(({ depth }) => depth), 'two columns for each step down');
});

t.test('PSS is PRIVATE and SHARED divided by how many share, for each page', async (t) => {
  const on = look();
  const [one, two, three, four] = ['1', '2', '3', '4'].map((name) =>
    on.system.rootJob.createProcess(name)) as [Process, Process, Process, Process];
  mapNew(on, one, 'own', 40 * KIB);
  const pair = mapNew(on, one, 'of two', 20 * KIB).vmo;
  map(two, pair);
  const quad = mapNew(on, one, 'of four', 48 * KIB).vmo;
  for (const process of [two, three, four]) map(process, quad);
  t.strictSame(bytesOf(await on.ps(one)),
    [(40 + 20 / 2 + 48 / 4) * KIB, 40 * KIB, (20 + 48) * KIB]);
  t.strictSame(bytesOf(await on.ps(two)), [(20 / 2 + 48 / 4) * KIB, 0, (20 + 48) * KIB]);
  t.strictSame(bytesOf(await on.ps(three)), [48 / 4 * KIB, 0, 48 * KIB]);
});

t.test('a page of four counts a quarter for each, a page of two a half', async (t) => {
  const on = look();
  const processes = Array.from({ length: 4 }, (_, i) =>
    on.system.rootJob.createProcess(`p${i}`));
  const first = mapNew(on, processes[0]!, 'four', PAGE).vmo;
  for (const process of processes.slice(1)) map(process, first);
  for (const process of processes) t.strictSame(bytesOf(await on.ps(process)), [1024, 0, PAGE]);
  const second = mapNew(on, processes[2]!, 'two', PAGE).vmo;
  map(processes[3]!, second);
  const shares = [1024, 1024, 1024 + 2048, 1024 + 2048];
  for (const policy of ['classic', 'attributed', 'exact']) {
    for (const [i, process] of processes.entries()) {
      t.equal((await on.ps(process, `--policy ${policy}`))['pss_bytes'], shares[i], policy);
    }
    const [root] = await on.rows(`ps --policy ${policy}`);
    t.equal(root!['pss_bytes'], 2 * PAGE, 'all shares are the pages there are');
  }
});

t.test('shares are whole bytes for each mapping, and exact ones keep their fraction', async (t) => {
  const on = look();
  const processes = ['a', 'b', 'c'].map((name) => on.system.rootJob.createProcess(name));
  const vmo = mapNew(on, processes[0]!, 'three', 7 * PAGE).vmo;
  for (const process of processes.slice(1)) map(process, vmo);
  for (const process of processes) {
    t.equal((await on.ps(process))['pss_bytes'], Math.floor(7 * PAGE / 3));
    t.equal((await on.ps(process, '--policy exact'))['pss_bytes'], 7 * PAGE / 3);
  }
  const tables = await on.system.account({ policy: 'exact' });
  const parts = [...tables.tasks.type].flatMap((type, row) => (type === TaskType.PROCESS
    ? [tables.tasks.pss.bytes[row]! * 2n ** 63n + tables.tasks.pss.fraction[row]!] : []));
  const lost = BigInt(7 * PAGE) * 2n ** 63n - parts.reduce((sum, part) => sum + part);
  t.ok(lost >= 0n && lost < 3n * 7n, `less than a unit of each page is lost: ${lost}`);
});

t.test('PRIVATE: what no other process maps', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name));
  const { vmo } = mapNew(on, one!, 'data', MIB, 64 * KIB);
  t.strictSame(bytesOf(await on.ps(one!)), [64 * KIB, 64 * KIB, 0]);
  const at = map(two!, vmo);
  t.strictSame(bytesOf(await on.ps(one!)), [32 * KIB, 0, 64 * KIB], 'until another does');
  two!.rootVmar.unmap(at, MIB);
  t.strictSame(bytesOf(await on.ps(one!)), [64 * KIB, 64 * KIB, 0], 'and when it no longer does');
});

t.test('PRIVATE has nothing of VMOs that are private but not mapped', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  mapNew(on, process, 'mapped', 8 * KIB);
  const store = on.system.createVmo(MIB);
  store.write(0, new Uint8Array(MIB));
  process.insertHandle(store);
  t.strictSame(bytesOf(await on.ps(process)), [8 * KIB, 8 * KIB, 0]);
  t.match(await on.ps(process, '--policy exact'), { private_bytes: 8 * KIB, unmapped_bytes: MIB });
});

t.test('SHARED: what another process maps too', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name));
  const { vmo } = mapNew(on, one!, 'common', MIB, 96 * KIB);
  mapNew(on, one!, 'own', 32 * KIB);
  map(two!, vmo);
  t.strictSame(bytesOf(await on.ps(one!)), [(32 + 48) * KIB, 32 * KIB, 96 * KIB]);
  t.strictSame(bytesOf(await on.ps(two!)), [48 * KIB, 0, 96 * KIB]);
});

t.test('SHARED has nothing of VMOs that are shared but not mapped', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name));
  const store = on.system.createVmo(MIB);
  store.write(0, new Uint8Array(MIB));
  for (const process of [one!, two!]) {
    process.insertHandle(store.duplicate());
    t.strictSame(bytesOf(await on.ps(process)), [0, 0, 0]);
  }
  store.close();
  for (const process of [one!, two!]) {
    t.match(await on.ps(process, '--policy exact'),
      { shared_bytes: 0, unmapped_bytes: MIB / 2 });
  }
});

t.test('SHARED is the same for two sharers and for fifty', async (t) => {
  for (const sharers of [2, 50]) {
    const on = look();
    const first = on.system.rootJob.createProcess('first');
    const { vmo } = mapNew(on, first, 'common', 200 * KIB);
    for (let i = 1; i < sharers; i++) map(on.system.rootJob.createProcess(`p${i}`), vmo);
    t.strictSame(bytesOf(await on.ps(first)), [200 * KIB / sharers, 0, 200 * KIB], `${sharers}`);
    t.match(await on.ps(first, '--policy exact'),
      { pages_by_owners: { [sharers]: 50 } }, 'exact says how many');
  }
});

t.test('it is an estimate: a VMO\'s sharers stand for those of each page', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name));
  const vmo = on.system.createVmo(64 * KIB);
  vmo.write(0, new Uint8Array(64 * KIB));
  map(one!, vmo, undefined, 0, 48 * KIB);
  map(two!, vmo, undefined, 48 * KIB, 16 * KIB);
  t.strictSame(bytesOf(await on.ps(one!)), [24 * KIB, 0, 48 * KIB], 'no page of it is shared');
  t.strictSame(bytesOf(await on.ps(two!)), [8 * KIB, 0, 16 * KIB]);
  t.strictSame(bytesOf(await on.ps(one!, '--policy exact')), [48 * KIB, 48 * KIB, 0]);
  t.strictSame(bytesOf(await on.ps(two!, '--policy exact')), [16 * KIB, 16 * KIB, 0]);
});

t.test('the koid of a row is what the other tools take', async (t) => {
  const on = await lookAt('boot');
  for (const line of linesOf(await on.text('ps')).filter((line) => line.includes('p:'))) {
    const koid = wordsOf(line)[0]!.slice(2);
    t.match(await on.text(`vmaps ${koid}`), `'proc:${koid}'`);
    t.match(await on.text(`vmos ${koid}`), 'jemalloc-heap');
  }
});

t.test('only what is mapped and there counts, whatever the sizes say', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  mapNew(on, process, 'sparse', 1024 * MIB, 12 * KIB);
  const clone = on.system.createVmo(MIB).createChild(VmoChild.SNAPSHOT, 0, MIB);
  process.touch(map(process, clone), 4 * KIB, Access.WRITE);
  t.strictSame(bytesOf(await on.ps(process)), [16 * KIB, 16 * KIB, 0]);
});
