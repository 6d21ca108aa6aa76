/** The memory page's kernel commands that list VMOs which no process maps, and all VMOs. */
import t from 'tap';
import { type Process, VmoChild } from '../../src/index.js';
import { KIB, linesOf, look, lookAt, type Looked, map, mapNew, wordsOf } from './support.js';

const HEADER = '           -      -  koid parent #chld #map #shr    size   alloc name';

/** The lines of such a list: koid, #map and name of each. */
const listed = async (on: Looked, which: 'hidden' | 'all'): Promise<[string, string, string][]> => {
  const [title, header, ...lines] = linesOf(await on.text(`zx vmos ${which}`));
  const quoted = which === 'hidden' ? '"Hidden"' : 'All';
  if (title !== `${quoted} VMOs, oldest to newest:`) throw new Error(`title: ${title}`);
  if (header !== HEADER || lines.pop() !== HEADER) throw new Error('a header is missing');
  return lines.map(wordsOf).map((words) => [words[2]!, words[5]!, words.slice(9).join(' ')]);
};

const names = async (on: Looked, which: 'hidden' | 'all' = 'hidden'): Promise<string[]> =>
  (await listed(on, which)).map(([, , name]) => name);

/** A system with each kind of VMO. */
const withAll = (): { on: Looked; process: Process } => {
  const on = look();
  const { system } = on;
  const process = system.rootJob.createProcess('p');
  mapNew(on, process, 'mapped', 16 * KIB);
  process.insertHandle(system.createVmo(8 * KIB, 0, { name: 'held' }));
  system.layOutKernel({
    base: 0xffffff8000000000n, size: 0x8000000000n,
    regions: [{ name: 'device', base: 0xffffff9000000000n, size: 4096,
      physicalAddress: 0xfed00000, isDevice: true }],
  });
  system.createVmo(12 * KIB, 0, { name: 'kernel only', koid: 0 }).write(0, new Uint8Array(9000));
  return { on, process };
};

t.test('hidden: VMOs that processes have handles to but do not map', async (t) => {
  const { on, process } = withAll();
  t.ok((await names(on)).includes('held'));
  const [[koid, maps] = []] = (await listed(on, 'hidden')).filter(([, , name]) => name === 'held');
  t.strictSame(maps, '0');
  const handle = process.handles().find((held) => `${held.koid}` === koid);
  t.ok(handle, 'it has a koid, since a process holds it');
});

t.test('hidden: VMOs that only the kernel maps', async (t) => {
  const { on } = withAll();
  const device = (await listed(on, 'hidden')).find(([, , name]) => name === 'device');
  t.strictSame(device?.slice(0, 2), ['0', '1']);
});

t.test('hidden: the kernel\'s own that nobody maps or holds', async (t) => {
  const { on } = withAll();
  const own = (await listed(on, 'hidden')).find(([, , name]) => name === 'kernel only');
  t.strictSame(own?.slice(0, 2), ['0', '0']);
});

t.test('what a process maps is not hidden, until it unmaps it', async (t) => {
  const { on, process } = withAll();
  t.notOk((await names(on)).includes('mapped'));
  const vmo = on.system.createVmo(4 * KIB, 0, { name: 'comes and goes' });
  const at = map(process, vmo);
  t.notOk((await names(on)).includes('comes and goes'));
  process.rootVmar.unmap(at, 4 * KIB);
  t.ok((await names(on)).includes('comes and goes'));
  vmo.close();
  t.notOk((await names(on, 'all')).includes('comes and goes'), 'nobody refers to it');
});

t.test('a koid of zero: only the kernel refers to it', async (t) => {
  const { on } = withAll();
  for (const which of ['hidden', 'all'] as const) {
    const zero = (await listed(on, which)).filter(([koid]) => koid === '0');
    t.strictSame(zero.map(([, , name]) => name), ['device', 'kernel only']);
  }
});

t.test('a #map of zero: no process maps it, nor does the kernel', async (t) => {
  const { on } = withAll();
  const zero = (await listed(on, 'all')).filter(([, maps]) => maps === '0');
  t.strictSame(zero.map(([, , name]) => name), ['held', 'kernel only']);
});

t.test('all: each VMO of the system once, oldest first', async (t) => {
  const { on } = withAll();
  t.strictSame(await names(on, 'all'), ['mapped', 'held', 'device', 'kernel only']);
  const { vmos } = await on.system.account();
  t.strictSame(await names(on, 'all'), vmos.name);
});

t.test('hidden ones and each process\'s vmaps together are all', async (t) => {
  const unmapped = look();
  const process = unmapped.system.rootJob.createProcess('p');
  const { vmo } = mapNew(unmapped, process, 'parent', 16 * KIB);
  process.insertHandle(vmo.createChild(VmoChild.SNAPSHOT, 0, 16 * KIB));
  for (const on of [await lookAt('boot'), await lookAt('page-vmos'), unmapped]) {
    const { rows } = on;
    const koids = new Set((await rows('zx vmos hidden')).map(({ koid }) => koid));
    const processes = (await rows('ps')).filter(({ type }) => type === 'p');
    for (const { koid } of processes) {
      for (const map of await rows(`vmaps ${koid}`)) {
        if (map['type'] === 'mapping') koids.add(map['vmo_koid']!);
      }
    }
    const all = new Set((await rows('zx vmos all')).map(({ koid }) => koid));
    t.strictSame([...koids].sort(), [...all].sort());
  }
});
