/**
 * What the memory page says its tools do not count, beyond the scenarios of examples/: parts of
 * VMOs, copies on write with several mappings, handles by kind, clones whose original nobody maps.
 */
import t from 'tap';
import { Access, type Process, Topic, VmoChild, VmOption } from '../../src/index.js';
import { KIB, linesOf, look, type Looked, map, mapNew, MIB, PAGE } from './support.js';

/** A process's figures, KiB: those of `ps`, and UNMAPPED where the policy knows it. */
const figures = async (on: Looked, process: Process, policy: string): Promise<number[]> => {
  const row = await on.ps(process, `--policy ${policy}`);
  return ['pss_bytes', 'private_bytes', 'shared_bytes', 'unmapped_bytes']
    .flatMap((key) => (key in row ? [Number(row[key]) / KIB] : []));
};

t.test('a part of a VMO that is not mapped counts nothing; exact has it as UNMAPPED', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const vmo = on.system.createVmo(MIB);
  vmo.write(0, new Uint8Array(800 * KIB));
  map(process, vmo, undefined, 100 * KIB, 200 * KIB);
  const handle = process.insertHandle(vmo);
  t.strictSame(await figures(on, process, 'classic'), [200, 200, 0]);
  t.strictSame(await figures(on, process, 'exact'), [200, 200, 0, 600]);
  process.handle(handle).close();
  t.strictSame(await figures(on, process, 'exact'), [200, 200, 0, 0], 'nobody reaches the rest');
  t.equal(on.system.kernelMemory().vmoBytes, 800 * KIB, 'though it is there');
});

t.test('a page counts as often as one process maps it; in exact once', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const { vmo } = mapNew(on, process, 'ring', 64 * KIB);
  map(process, vmo, VmOption.PERM_READ);
  map(process, vmo, VmOption.PERM_READ, 48 * KIB, 16 * KIB);
  t.strictSame(await figures(on, process, 'classic'), [144, 144, 0]);
  t.strictSame(await figures(on, process, 'exact'), [64, 64, 0, 0]);
});

t.test('and as often as several processes do', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name)) as
    [Process, Process];
  const { vmo } = mapNew(on, one, 'ring', 64 * KIB);
  map(two, vmo);
  map(two, vmo);
  t.strictSame(await figures(on, one, 'classic'), [32, 0, 64]);
  t.strictSame(await figures(on, two, 'classic'), [64, 0, 128]);
  for (const process of [one, two]) {
    t.strictSame(await figures(on, process, 'exact'), [32, 0, 64, 0]);
  }
});

t.test('copies on write are no exception', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const { vmo } = mapNew(on, process, 'original', 64 * KIB);
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 64 * KIB);
  const address = map(process, clone);
  map(process, clone);
  process.touch(address, 16 * KIB, Access.WRITE);
  t.strictSame(await figures(on, process, 'classic'), [64 + 16 + 16, 64 + 16 + 16, 0],
    'the copies of 16 KiB, twice');
  t.strictSame(await figures(on, process, 'exact'), [64 + 16, 64 + 16, 0, 0]);
  t.equal(on.system.kernelMemory().vmoBytes, (64 + 16) * KIB);
});

t.test('kernel memory behind handles and objects: zx ps counts, exact weighs', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const kernel = async (): Promise<number> =>
    Number((await on.ps(process, '--policy exact'))['kernel_bytes']);
  const before = await kernel();
  const vmo = process.createVmo(4 * KIB);
  for (let i = 0; i < 899; i++) process.insertHandle(vmo.duplicate());
  t.ok(await kernel() - before >= 900 * 32, '32 bytes for each handle');
  for (let i = 0; i < 5; i++) process.createChannel();
  for (let i = 0; i < 4; i++) process.createEvent();
  process.createEventPair();
  for (let i = 0; i < 3; i++) process.createPort();
  process.createSocket();
  process.createFifo(8, 8);
  process.createTimer();
  process.insertHandle(on.system.rootJob.duplicate());
  process.insertHandle(process.duplicate());
  process.insertHandle(process.createThread('t').duplicate());
  process.insertHandle(process.rootVmar.duplicate());
  const [header, row] = linesOf(await on.text('zx ps'));
  const words = (line: string): string[] => line.trim().split(/[\s:]+/);
  const of = new Map(words(header!).map((title, i) => [title, words(row!)[i]]));
  const counts = { '#jb': 1, '#pr': 1, '#vo': 900, '#ch': 10, '#ev': 6, '#po': 3, '#so': 2,
    '#tm': 1, '#fi': 2, '#??': 0 };
  for (const [title, count] of Object.entries(counts)) t.equal(of.get(title), `${count}`, title);
  t.ok(Number(of.get('#th')) >= 1 && Number(of.get('#vm')) >= 1);
  const { length } = process.handles();
  t.equal(of.get('#h'), `${length}`, 'in all');
  t.equal([...of].filter(([title]) => /^#[^h]/.test(title))
    .reduce((sum, [, count]) => sum + Number(count), 0), length);
  t.match(await on.ps(process), { pss_bytes: 0 }, 'ps knows nothing of it');
});

t.test('zx ps stays readable for who has a thousand handles and more', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('hoarder');
  const vmo = process.createVmo(4 * KIB);
  for (const count of [999, 1000, 12_345]) {
    const more = count - process.handles().length;
    for (let i = 0; i < more; i++) process.insertHandle(vmo.duplicate());
    for (const era of ['page', '2019', '2022']) {
      const [, row] = linesOf(await on.text(`zx ps --era ${era}`));
      t.match(row, new RegExp(`^ *${process.koid} +${count}: .* ${count} .*\\[hoarder\\]$`), era);
    }
  }
});

t.test('zx ps help says what each of its columns is', async (t) => {
  const on = look();
  on.system.rootJob.createProcess('p');
  const [header] = linesOf(await on.text('zx ps'));
  const titles = header!.match(/id|#../g)!.map((title) => title.replace(':', '').trim());
  const labels = linesOf(await on.text('zx ps help')).map((line) => line.split(':')[0]!.trim());
  t.strictSame(labels, titles);
});

t.test('clean pages of a clone are nobody\'s where its original is not mapped', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const file = on.system.createVmo(64 * KIB, 0, { name: 'file' });
  file.write(0, new Uint8Array(64 * KIB));
  const clone = file.createChild(VmoChild.SNAPSHOT, 0, 64 * KIB);
  const address = map(process, clone);
  process.touch(address, 64 * KIB, Access.READ);
  t.strictSame(await figures(on, process, 'classic'), [0, 0, 0]);
  t.strictSame(await figures(on, process, 'exact'), [64, 64, 0, 0]);
  process.touch(address, 8 * KIB, Access.WRITE);
  t.strictSame(await figures(on, process, 'classic'), [8, 8, 0], 'what was written is its own');
});

t.test('clean pages are private for who maps the original, shared for nobody', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name)) as
    [Process, Process];
  const { vmo } = mapNew(on, one, 'original', 48 * KIB);
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 48 * KIB);
  const address = map(two, clone);
  t.strictSame(await figures(on, one, 'classic'), [48, 48, 0]);
  t.strictSame(await figures(on, two, 'classic'), [0, 0, 0]);
  t.strictSame(await figures(on, one, 'exact'), [24, 0, 48, 0]);
  t.strictSame(await figures(on, two, 'exact'), [24, 0, 48, 0]);
  two.touch(address, 3 * PAGE, Access.WRITE);
  t.strictSame(await figures(on, two, 'classic'), [12, 12, 0]);
  for (const process of [one, two]) {
    t.strictSame(await figures(on, process, 'exact'), [12 + 36 / 2, 12, 36, 0]);
  }
  const bytes = one.getInfo(Topic.TASK_STATS).memPrivateBytes;
  t.equal(bytes, 12 * KIB, 'a newer kernel\'s own figure knows copies on write');
});
