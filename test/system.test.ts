/**
 * The public system: booted, opened, and what a recorded machine becomes: koids, jobs, `outside`,
 * memory by use, notes, and that it goes on like any other system.
 */

import { fileURLToPath } from 'node:url';
import t from 'tap';
import { FrameState } from '../src/core/core.js';
import { InputError } from '../src/import/errors.js';
import { ZxError } from '../src/objects/errors.js';
import { walkMappings, walkProcesses } from '../src/objects/walk.js';
import { System } from '../src/system.js';
import { readLines } from './accounting/snapshot-lines.js';
import { anonymous, smallMachine, Word } from './import/synthetic.js';

const P = 4096;
const FIRST_KOID = 4194304;
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`,
  import.meta.url));
const NGINX = fixture('nginx-6w.snap.jsonl.gz');
const EDGE = fixture('edge-thp-ksm-swap-hugetlb-6.snap.jsonl.gz');

t.test('a booted system is empty: all memory is free, one job', async (t) => {
  const system = System.boot({ memoryBytes: 100 * P, rootJobName: 'top' });
  t.strictSame([system.isRecorded, system.defaultPolicy, system.defaultReach], [
    false, 'classic', 'committed',
  ]);
  t.strictSame(system.notes, []);
  const { kmem, tasks, notes, policy, reach } = await system.account();
  t.strictSame([policy, reach, notes], ['classic', 'committed', []]);
  t.strictSame([kmem.totalBytes, kmem.freeBytes, kmem.availableBytes], [100 * P, 100 * P, 100 * P]);
  t.strictSame([...tasks.koid], [1024]);
  t.strictSame(tasks.name, ['top']);
  await system.close();
});

t.test('boot has the memory page\'s processes, and the figures of its kstats', async (t) => {
  const system = await System.open('boot');
  t.strictSame(system.core.audit(), []);
  t.equal(system.isRecorded, false);
  const { tasks, kmem } = await system.account();
  t.equal(tasks.koid[0], 1028);
  t.equal([...tasks.type].filter((type) => type === 1).length, 12);
  t.equal(tasks.pss.bytes[tasks.koid.indexOf(1043)], 1419605n, 'devmgr, to the byte');
  t.equal(tasks.privateBytes[tasks.koid.indexOf(1043)], 1417216);
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const shown = [kmem.totalBytes, kmem.freeBytes, kmem.vmoBytes, kmem.wiredBytes,
    kmem.mmuOverheadBytes];
  t.strictSame(shown.map(mib), ['2048.0', '1686.4', '317.8', '17.8', '20.0']);
});

t.test('what names no system is refused, and says what does', async (t) => {
  const refusalOf = (spec: string): Promise<unknown> => System.open(spec).then(() => 'ok', (e) =>
    e);
  for (const spec of ['', 'bott', 'x.json', 'linux.snap', '/tmp']) {
    const refusal = await refusalOf(spec);
    t.ok(refusal instanceof ZxError && refusal.status === 'ZX_ERR_NOT_FOUND', JSON.stringify(spec));
    t.match(String(refusal), /expected boot/);
  }
  t.ok(await refusalOf('no-such-file.snap.jsonl') instanceof InputError,
    'a file that is not there');
});

for (const path of [NGINX, EDGE]) {
  t.test(`koids, jobs and outside of ${path.replace(/.*\//, '')}`, async (t) => {
    const { processes } = readLines(path);
    const system = await System.open(path);
    t.strictSame([system.isRecorded, system.defaultPolicy, system.defaultReach], [
      true, 'mapcount', 'present',
    ]);
    const { tasks, vmos, policy } = await system.account();
    t.equal(policy, 'mapcount');
    const rows = [...tasks.koid.entries()].map(([row, koid]) => ({
      koid, name: tasks.name[row], parent: tasks.parentKoid[row] as number, type: tasks.type[row],
    }));
    const nameOf = new Map(rows.map(({ koid, name }) => [koid, name]));
    t.match(rows[0], { koid: FIRST_KOID, name: 'linux', parent: 0 });
    const recorded = new Map(processes.map((process) => [process.pid, process]));
    for (const { pid, name } of processes) {
      const row = rows.find(({ koid }) => koid === pid);
      let oldest = recorded.get(pid);
      for (let up = oldest; up !== undefined; up = recorded.get(up.ppid)) oldest = up;
      t.equal(row?.name, name, `process ${pid}`);
      t.equal(nameOf.get(row?.parent as number), oldest?.name, 'its job is named after the oldest');
    }
    const roots = processes.filter(({ ppid }) => !recorded.has(ppid));
    const jobs = rows.filter(({ type, parent }) => type === 0 && parent === FIRST_KOID);
    t.strictSame(jobs.map(({ name }) => name), roots.map(({ name }) => name),
      'a job for each root');
    t.match(rows.at(-1), { name: 'outside', parent: FIRST_KOID, type: 1 }, 'outside stands last');
    const made = [...jobs.map(({ koid }) => koid), ...vmos.koid].filter((koid) => koid !== 0);
    t.equal(new Set(made).size, made.length, 'no koid twice');
    t.ok(made.every((koid) => koid > FIRST_KOID && koid <= FIRST_KOID + made.length + 1),
      'no gaps');
    const names = tasks.name.filter((_, row) => tasks.type[row] === 1);
    t.equal(names.length, processes.length + 1);
  });
}

t.test('pages that nobody recorded maps are counted, not made', async (t) => {
  const system = await System.open(NGINX);
  const { vmos, kmem } = await system.account();
  const row = vmos.name.indexOf('not recorded');
  const made = system.core.pagesInState(FrameState.OBJECT) * P;
  t.equal(vmos.committedBytes[row], kmem.vmoBytes - made);
  t.equal(row, vmos.count - 1, 'the last row');
  t.equal(vmos.koid[row], 0, 'of the kernel');
});

t.test('a snapshot that changed while it was recorded is loaded with one line', async (t) => {
  const machine = smallMachine();
  const texts = { 'good.snap.jsonl': machine.text(), 'torn.snap.jsonl': '' };
  machine.consistent = false;
  texts['torn.snap.jsonl'] = machine.text();
  const dir = t.testdir(texts);
  const good = await System.open(`${dir}/good.snap.jsonl`);
  const torn = await System.open(`${dir}/torn.snap.jsonl`);
  t.strictSame(good.notes, []);
  t.equal(torn.notes.length, 1);
  t.match(torn.notes[0], /torn\.snap\.jsonl.*consistent: false/);
  t.strictSame((await torn.account()).notes, torn.notes);
  t.strictSame((await torn.account()).tasks, (await good.account()).tasks);
});

t.test('a snapshot without outside mappings has no such process', async (t) => {
  const machine = smallMachine();
  for (const frame of machine.frames.values()) frame.outside = 0;
  const dir = t.testdir({ 'own.snap.jsonl': machine.text() });
  const system = await System.open(`${dir}/own.snap.jsonl`);
  const { tasks, notes } = await system.account({ policy: 'exact' });
  t.notOk(tasks.name.includes('outside'));
  t.strictSame(notes, [], 'and is no lower bound');
});

t.test('progress is told while a file is read, to the end', async (t) => {
  const told: [number, number][] = [];
  await System.open(EDGE, { onProgress: (done, total) => told.push([done, total]) });
  t.ok(told.length > 0);
  t.ok(told.every(([done], i) => i === 0 || done >= (told[i - 1] as [number, number])[0]),
    'it rises');
  const [done, total] = told.at(-1) as [number, number];
  t.equal(done, total);
});

t.test('a recorded system goes on: every writable page is written, and all stays sound',
  async (t) => {
  const system = await System.open(NGINX);
  const before = await system.account({ policy: 'exact' });
  let written = 0;
  for (const process of walkProcesses(system.rootJob.object)) {
    for (const mapping of walkMappings(process.aspace)) {
      if ((mapping.perms & 2) === 0) continue;
      process.aspace.touch(mapping.basePage, Math.min(mapping.pages, 50), 2);
      written += 1;
    }
  }
  t.ok(written > 0);
  t.strictSame(system.core.audit(), []);
  const after = await system.account({ policy: 'exact' });
  t.ok((after.tasks.privateBytes[0] as number) > (before.tasks.privateBytes[0] as number));
  t.ok(after.kmem.freeBytes < before.kmem.freeBytes);
  t.ok(after.kmem.vmoBytes > before.kmem.vmoBytes);
  for (const job of [...system.rootJob.object.jobs]) job.kill();
  t.strictSame(system.core.audit(), [], 'killed');
});

t.test('frames of a dead process are new frames to the next one', async (t) => {
  const machine = smallMachine();
  const task = machine.task(300, 1, 'shared with a stranger');
  task.areas.push(anonymous(0x10, 8));
  for (let i = 0; i < 8; i++) {
    task.entries.set(0x10 + i, { pfn: machine.frame(4000 + i, Word.ANON, 2) });
  }
  const dir = t.testdir({ 'm.snap.jsonl': machine.text() });
  const system = await System.open(`${dir}/m.snap.jsonl`);
  for (const process of [...walkProcesses(system.rootJob.object)]) if (
    process.koid === 300) process.end(0);
  const process = system.rootJob.createProcess('next');
  const address = process.rootVmar.map(3, 0, system.createVmo(64 * P), 0, 64 * P);
  process.touch(address, 64 * P, 2);
  for (const policy of ['exact', 'mapcount'] as const) {
    const { tasks } = await system.account({ policy });
    const row = tasks.koid.indexOf(process.koid);
    t.equal(tasks.privateBytes[row], 64 * P, `${policy}: nobody outside has them`);
  }
});

t.test('looking again and again takes no more host memory than looking once', async (t) => {
  const system = await System.open(EDGE);
  const look = async (): Promise<number> => {
    for (const policy of ['classic', 'attributed', 'exact', 'mapcount'] as const) {
      await system.account({ policy });
      if (policy === 'exact') await system.account({ policy, reach: 'committed' });
    }
    t.strictSame(system.core.audit(), []);
    return system.core.hostBytesUsed;
  };
  const once = await look();
  for (let again = 0; again < 20; again++) t.equal(await look(), once);
});
