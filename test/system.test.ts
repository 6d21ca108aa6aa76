/**
 * The public system: booted, opened, and what a recorded machine becomes: koids, jobs, `outside`,
 * memory by use, notes, and that it goes on like any other system.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { FrameState } from '../src/core/core.js';
import { InputError } from '../src/import/errors.js';
import { ZxError } from '../src/objects/errors.js';
import { walkMappings, walkProcesses } from '../src/objects/walk.js';
import { System, type BootOptions } from '../src/system.js';
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
  for (const spec of ['', 'bott', 'x.json', 'linux.snap', '/tmp', 'x'.repeat(5000)]) {
    const refusal = await refusalOf(spec);
    t.ok(refusal instanceof ZxError && refusal.status === 'ZX_ERR_NOT_FOUND', JSON.stringify(spec));
    const what = spec === '/tmp' ? /: a directory, expected boot/ : /no such .*, expected boot/;
    t.match(String(refusal), what);
    t.ok(String(refusal).length < 200, 'a long one is cut');
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

t.test('boot refuses what no system can have, and says what it can', async (t) => {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const wrong: Record<string, any[]> = {
    memoryBytes: ['4096', NaN, -4096, 0, 1, 4097, 2 ** 60, 1n << 64n, null, {}, 2 ** 38],
    firstKoid: [NaN, -1, 0, 1.5, '5', 5n, null],
    rootJobKoid: [NaN, -1, 0, 1.5, '5', 5n, null],
    rootJobName: [5, null, {}],
    nameLimitBytes: [NaN, -1, 1.5, '31', 2 ** 17],
    hostBytesMax: [-1, NaN, 1.5, '5', 2 ** 32 + 1, 2 ** 40, {}],
    userBase: [-1, NaN, 5, '4096', 1n << 47n],
    userSize: [-1, NaN, 5, 0, '4096', 1n << 48n],
    debugSyscalls: [1, 'yes', null],
    variant: ['fast', 5, null, ''],
  };
  const refusal = (options: unknown): unknown => {
    try {
      return System.boot(options as BootOptions);
    } catch (error) {
      return error;
    }
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      const error = refusal({ memoryBytes: 100 * P, [key]: value });
      const what = `${key} ${String(value)}`;
      t.ok(error instanceof ZxError && error.status === 'ZX_ERR_INVALID_ARGS', what);
      t.match(String(error), /expected /, what);
    }
  }
  for (const options of [null, 5, 'boot']) {
    t.match(refusal(options), { status: 'ZX_ERR_INVALID_ARGS' }, String(options));
  }
  const system = System.boot({ memoryBytes: 2n ** 20n, hostBytesMax: 2n ** 26n, firstKoid: 5 });
  t.equal(system.memoryBytes, 2 ** 20, 'a bigint is a size');
  t.equal(system.rootJob.koid, 5);
});

const INVALID = { name: 'ZxError', status: 'ZX_ERR_INVALID_ARGS' };
const outcome = (call: Promise<unknown>): Promise<unknown> => call.catch((error) => error);

t.test('account and open refuse options of the wrong kind', async (t) => {
  const system = System.boot({ memoryBytes: 100 * P });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const options: any[] = [
    null, 5, 'exact', { policy: 'best' }, { policy: 5 }, { policy: null, reach: {} },
    { policy: 'exact', reach: 'y' }, { policy: 'exact', reach: 5 }, { workers: -1 },
    { workers: '2' }, { workers: NaN }, { pagesByOwners: 'yes' }, { shareAbovePages: NaN },
    { shareAbovePages: -1 },
  ];
  for (const each of options) {
    const what = JSON.stringify(each);
    t.match(await outcome(system.account(each)), INVALID, what);
    t.equal(system.busy, false, what);
  }
  for (const spec of [5, null, undefined, {}]) {
    t.match(await outcome(System.open(spec as string)), INVALID, String(spec));
  }
  for (const wrong of [null, { onProgress: 5 }]) {
    t.match(await outcome(System.open('boot', wrong as never)), INVALID, 'options of open');
  }
});

t.test('a snapshot is told by its content, whatever it is called', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'memsim-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const name of ['machine', 'machine.json', 'x.snap.jsonl.xz']) {
    cpSync(NGINX, join(folder, name));
    t.equal((await System.open(join(folder, name))).isRecorded, true, name);
  }
  const readme = fileURLToPath(new URL('../README.md', import.meta.url));
  t.match(await outcome(System.open(readme)), { name: 'InputError', line: 1 });
});

t.test('a recording that does not agree with itself is loaded with a line for each fault',
  async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'memsim-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const lines = gunzipSync(readFileSync(NGINX)).toString();
  const open = (text: string): Promise<System> => {
    const file = join(folder, 'x.snap.jsonl');
    writeFileSync(file, text);
    return System.open(file);
  };
  t.strictSame((await open(lines)).notes, []);
  const small = await open(lines.replace(/"MemTotal": ?\d+/, '"MemTotal":4'));
  t.equal(small.notes.length, 1);
  t.match(small.notes[0], /x\.snap\.jsonl: \d+ bytes of pages .* 4096 as MemTotal says$/);
  const seldom = await open(lines.replace(/"t": ?"frames".*/g, (line) =>
    line.replace(/(\d+:\d+):\d+:(\d+)/g, '$1:0:$2')));
  t.equal(seldom.notes.length, 1);
  t.match(seldom.notes[0], /: \d+ of \d+ pages are mapped more often than their mapcount says$/);
});

t.test('a package without the core\'s debug build says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'memsim-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const root = fileURLToPath(new URL('..', import.meta.url));
  const leave = (path: string): boolean => !path.endsWith('debug.wasm');
  cpSync(join(root, 'build'), join(folder, 'build'), { recursive: true, filter: leave });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const url = pathToFileURL(join(folder, 'build/index.js')).href;
  const { System: Packed } = await import(url) as { System: typeof System };
  t.equal(Packed.boot({ memoryBytes: 100 * P }).memoryBytes, 100 * P);
  t.throws(() => Packed.boot({ memoryBytes: 100 * P, variant: 'debug' }),
    /ZX_ERR_NOT_SUPPORTED: build debug of the core/);
});
