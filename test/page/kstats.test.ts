/** The memory page's `kstats -m`: physical memory by use, report after report. */
import t from 'tap';
import { Access, openScenario, System } from '../../src/index.js';
import { memsim } from '../cli/fake.js';
import { golden } from '../views/samples.js';
import { KIB, linesOf, look, lookAt, type Looked, mapNew, MIB, PAGE, wordsOf } from './support.js';

const TITLES = ['mem total', 'free', 'VMOs', 'kheap', 'kfree', 'wired', 'mmu', 'ipc', 'other'];

/** The columns of one report in bytes, by their titles. */
const report = async ({ text }: Looked): Promise<Record<string, number>> => {
  const of = JSON.parse(await text('kstats -m -n 1 --json')) as Record<string, number>;
  return {
    'mem total': of['total_bytes']!, free: of['free_bytes']!, VMOs: of['vmo_bytes']!,
    kheap: of['total_heap_bytes']! - of['free_heap_bytes']!, kfree: of['free_heap_bytes']!,
    wired: of['wired_bytes']!, mmu: of['mmu_overhead_bytes']!, ipc: of['ipc_bytes']!,
    other: of['other_bytes']!,
  };
};

/** How much each column that changed has grown, bytes. */
const growth = (before: Record<string, number>, after: Record<string, number>) =>
  Object.fromEntries(TITLES.map((title) => [title, after[title]! - before[title]!])
    .filter(([, bytes]) => bytes !== 0)) as Record<string, number>;

t.test('the sample', async (t) => {
  const on = await lookAt('boot');
  const text = await on.text('kstats -m -n 1');
  t.equal(text, golden('kstats-m.txt'));
  const [header] = linesOf(text);
  t.strictSame(TITLES.map((title, i) => header!.slice(i * 10, i * 10 + 9).trim()), TITLES);
});

t.test('it goes on until it is interrupted, a second from report to report', async (t) => {
  const run = await openScenario({
    scenario: 1, system: { memory: '64M' }, vmos: [{ id: 'v', size: '16M' }],
    steps: [
      { do: 'op', at: '1s', vmo: 'v', op: 'commit', size: '4M' },
      { do: 'op', at: '2s', vmo: 'v', op: 'commit', size: '9M' },
    ],
  });
  run.follow();
  const controller = new AbortController();
  const reports: string[] = [];
  const startMs = Date.now();
  const stdout = {
    isTTY: false,
    on: () => stdout,
    write: (piece: string, done?: (error?: Error | null) => void): boolean => {
      reports.push(piece);
      if (reports.length === 3) controller.abort();
      done?.();
      return true;
    },
  };
  const { status, err } = await memsim(['kstats', '-m'], {}, {
    open: () => Promise.resolve(run.system), signal: controller.signal,
    stdout: stdout as never,
  });
  t.strictSame([status, err], [0, '']);
  const vmos = reports.map((text) => wordsOf(linesOf(text)[1]!)[2]);
  t.strictSame(vmos, ['0M', '4M', '9M'], 'what happens meanwhile is in the next one');
  const tookMs = Date.now() - startMs;
  t.ok(tookMs >= 1900 && tookMs < 10_000, `${tookMs} ms`);
});

t.test('-t: a timestamp before each report, as ISO 8601 in UTC', async (t) => {
  const { text } = await lookAt('boot');
  const before = Date.now();
  const [empty, stamp, ...lines] = linesOf(await text('kstats -m -t -n 1'));
  t.equal(empty, '');
  const [, time] = /^--- (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ---$/.exec(stamp!) ?? [];
  t.ok(Date.parse(time!) >= before && Date.parse(time!) <= Date.now());
  t.equal(new Date(time!).toISOString(), time);
  t.equal(`${lines.join('\n')}\n`, await text('kstats -m -n 1'), 'and without it none');
});

t.test('each column is a use of memory, in MiB, and together they are all of it', async (t) => {
  const on = look(System.boot({ memoryBytes: 256 * MIB }));
  const pages = (mebibytes: number): number => mebibytes * MIB / PAGE;
  on.system.addKernelUse({
    wiredPages: pages(8), heapPages: pages(16), freeHeapBytes: 4 * MIB, ipcPages: pages(2),
    mmuPages: pages(3), otherPages: pages(1),
  });
  on.system.createVmo(32 * MIB).write(0, new Uint8Array(32 * MIB));
  const parts = [256 - 32 - 16 - 8 - 3 - 2 - 1, 32, 16 - 4, 4, 8, 3, 2, 1];
  t.strictSame(wordsOf(linesOf(await on.text('kstats -m -n 1'))[1]!),
    [256, ...parts].map((mebibytes) => `${mebibytes}M`));
  t.equal(parts.reduce((sum, part) => sum + part), 256);
  const { 'mem total': total, ...others } = await report(await lookAt('boot'));
  t.equal(Object.values(others).reduce((sum, part) => sum + part), total, 'in boot as well');
});

t.test('mem total: what the system has', async (t) => {
  for (const memoryBytes of [64 * MIB, 2048 * MIB]) {
    const on = look(System.boot({ memoryBytes }));
    const before = await report(on);
    t.equal(before['mem total'], memoryBytes);
    mapNew(on, on.system.rootJob.createProcess('p'), 'heap', 16 * MIB);
    t.equal((await report(on))['mem total'], memoryBytes, 'however it is used');
  }
});

t.test('free: what nobody has allocated', async (t) => {
  const on = look(System.boot({ memoryBytes: 64 * MIB }));
  const vmo = on.system.createVmo(16 * MIB);
  const before = await report(on);
  vmo.write(0, new Uint8Array(12 * KIB));
  t.strictSame(growth(before, await report(on)), { free: -12 * KIB, VMOs: 12 * KIB });
  vmo.close();
  t.strictSame(growth(before, await report(on)), {}, 'it comes back');
});

t.test('VMOs: those of the kernel and of users, mapped or not', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const before = await report(on);
  const store = on.system.createVmo(MIB);
  store.write(0, new Uint8Array(20 * KIB));
  process.insertHandle(store);
  on.system.createVmo(MIB, 0, { koid: 0 }).write(0, new Uint8Array(24 * KIB));
  mapNew(on, process, 'heap', 28 * KIB);
  t.equal(growth(before, await report(on))['VMOs'], (20 + 24 + 28) * KIB);
  const boot = await lookAt('boot');
  const { VMOs } = await report(boot);
  const [root] = await boot.rows('ps');
  t.ok(VMOs! > Number(root!['pss_bytes']), 'more than all that processes map');
  const all = await boot.rows('zx vmos all');
  t.equal(all.reduce((sum, row) => sum + Number(row['committed_bytes'] ?? 0), 0), VMOs,
    'the sum over the list of all VMOs');
});

t.test('VMOs has none of those that are windows on wired memory', async (t) => {
  const boot = await lookAt('boot');
  const image = (await boot.rows('zx vmos all')).filter(({ name }) =>
    String(name).startsWith('kernel '));
  t.ok(image.length >= 3);
  for (const row of image) t.equal(row['committed_bytes'] ?? 0, 0, `${row['name']}`);
  t.ok((await report(boot))['wired']! > 0);
});

t.test('kheap and kfree: the kernel\'s heap in use, and what is free in it', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  for (let i = 0; i < 4_000; i++) process.createEvent();
  const before = await report(on);
  const grown: number[] = [];
  for (let count = 0; count < 3; count++) {
    const start = await report(on);
    for (let i = 0; i < 1_000; i++) process.createEvent();
    const more = growth(start, await report(on));
    grown.push(more['kheap']!);
    t.equal(more['kheap']! + (more['kfree'] ?? 0), -more['free']!, 'the heap grew by whole pages');
    t.equal(-more['free']! % PAGE, 0);
  }
  t.equal(new Set(grown).size, 1, `an event takes ${grown[0]! / 1_000} bytes`);
  const after = await report(on);
  t.ok(after['kfree']! < PAGE + before['kfree']!, 'little of it is idle');
});

t.test('wired: what the kernel keeps for itself, from the start', async (t) => {
  const on = look();
  const before = await report(on);
  on.system.addKernelUse({ wiredPages: 100 });
  t.strictSame(growth(before, await report(on)), { free: -100 * PAGE, wired: 100 * PAGE });
  mapNew(on, on.system.rootJob.createProcess('p'), 'heap', 8 * MIB);
  t.equal(growth(before, await report(on))['wired'], 100 * PAGE, 'whatever processes do');
});

t.test('mmu: page tables', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const { address } = mapNew(on, process, 'sparse', 2 ** 33, 0);
  const before = await report(on);
  process.touch(address, PAGE, Access.WRITE);
  const first = growth(before, await report(on))['mmu']!;
  t.strictSame([first % PAGE, first > 0], [0, true], `${first} bytes for the first page`);
  process.touch(address + 4096n, PAGE, Access.WRITE);
  t.equal(growth(before, await report(on))['mmu'], first, 'a neighbour is in the same table');
  process.touch(address + 2n ** 32n, PAGE, Access.WRITE);
  t.ok(growth(before, await report(on))['mmu']! >= first + 2 * PAGE, 'far away are others');
  process.kill();
  t.ok((growth(before, await report(on))['mmu'] ?? 0) <= 0, 'they go with the address space');
});

t.test('ipc: messages that wait', async (t) => {
  const on = look();
  const [one, two] = on.system.createChannel();
  const before = await report(on);
  for (let i = 0; i < 10; i++) one.write(new Uint8Array(60 * KIB));
  const waiting = growth(before, await report(on));
  t.ok(waiting['ipc']! >= 600 * KIB && waiting['ipc']! < 700 * KIB, `${waiting['ipc']}`);
  t.equal(waiting['VMOs'], undefined);
  for (let i = 0; i < 10; i++) two.read();
  t.notOk(growth(before, await report(on))['ipc'], 'until they are read');
});

t.test('other: everything else', async (t) => {
  const on = look();
  const before = await report(on);
  on.system.addKernelUse({ otherPages: 7, cachePages: 5, slabPages: 3 });
  t.strictSame(growth(before, await report(on)), { free: -15 * PAGE, other: 15 * PAGE });
});
