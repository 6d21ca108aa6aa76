/** The memory page's `vmos`: the VMOs of one process by column, and what `ps` makes of them. */
import t from 'tap';
import { Access, type Process, Right, VmoChild, VmOption, VmoOption } from '../../src/index.js';
import { golden } from '../views/samples.js';
import {
  KIB, linesOf, look, lookAt, type Looked, map, mapNew, MIB, PAGE, wordsOf,
} from './support.js';

const HEADER = 'rights  koid parent #chld #map #shr    size   alloc name';

/** The lines of a process's VMOs as words, without the headers. */
const vmos = async (on: Looked, { koid }: Process): Promise<string[][]> => {
  const lines = linesOf(await on.text(`vmos ${koid}`));
  if (lines.shift() !== HEADER || lines.pop() !== HEADER) throw new Error('a header is missing');
  return lines.map(wordsOf);
};

t.test('the sample: handles first, then what is mapped', async (t) => {
  const on = await lookAt('page-vmos');
  const printed = new Set(linesOf(await on.text('vmos 1118')));
  const sizes: [string, string][] = [['33.6k', '  36k'], ['883.2k', '  884k']];
  for (const line of linesOf(golden('vmos-1118.txt'))) {
    t.ok(printed.has(sizes.reduce((text, [bytes, pages]) => text.replace(bytes, pages), line)),
      line);
  }
});

t.test('VMOs that are not mapped are here, and neither in ps nor in vmaps', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const store = on.system.createVmo(MIB, 0, { name: 'store' });
  store.write(0, new Uint8Array(40 * KIB));
  process.insertHandle(store);
  t.strictSame((await vmos(on, process)).map((words) => words.slice(6)), [['1M', '40k', 'store']]);
  t.match(await on.ps(process), { pss_bytes: 0, private_bytes: 0, shared_bytes: 0 });
  t.notMatch(await on.text(`vmaps ${process.koid}`), 'store');
});

t.test('a child names its parent, whoever holds that', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const file = on.system.createVmo(16 * KIB);
  const clone = file.createChild(VmoChild.SNAPSHOT, 0, 16 * KIB);
  const second = clone.createChild(VmoChild.SNAPSHOT, 0, 8 * KIB);
  map(process, clone);
  map(process, second);
  process.insertHandle(file.duplicate());
  const parents = (await vmos(on, process)).map(([, koid, parent]) => [koid, parent]);
  t.strictSame(parents, [
    [`${file.koid}`, '-'], [`${clone.koid}`, `${file.koid}`], [`${second.koid}`, `${clone.koid}`],
  ]);
  t.match(await on.rows(`vmos ${process.koid}`),
    [{ parent_koid: 0 }, { parent_koid: file.koid }, { parent_koid: clone.koid }]);
});

t.test('rights: letters for a handle, a hyphen alone for what is mapped', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const vmo = on.system.createVmo(4 * KIB);
  const all = vmo.replaceAsExecutable();
  map(process, all);
  const rights: [bits: number, letters: string][] = [
    [Right.READ, 'r-----'], [Right.MAP, '---m--'], [Right.READ | Right.MAP, 'r--m--'],
    [Right.READ | Right.WRITE, 'rw----'], [Right.EXECUTE, '--x---'],
    [Right.DUPLICATE | Right.TRANSFER, '----dt'], [0, '------'],
  ];
  for (const [bits] of rights) process.insertHandle(all.duplicate(bits | Right.TRANSFER));
  const seen = (await vmos(on, process)).map(([letters]) => letters);
  const withTransfer = rights.map(([, letters]) => `${letters.slice(0, 5)}t`);
  t.strictSame(seen, [...withTransfer, '-']);
});

t.test('koid: zero for a VMO that the kernel made and no process ever held', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const own = on.system.createVmo(4 * KIB, 0, { name: 'kernel\'s', koid: 0 });
  map(process, own);
  const shown = on.system.createVmo(4 * KIB, 0, { name: 'user\'s' });
  map(process, shown);
  t.strictSame((await vmos(on, process)).map(([, koid, , , , , , , name]) => [koid, name]),
    [['0', 'kernel\'s'], [`${shown.koid}`, 'user\'s']]);
});

t.test('#chld: the children that are still there', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const { vmo } = mapNew(on, process, 'parent', 16 * KIB);
  const count = async (): Promise<string> => (await vmos(on, process))[0]![3]!;
  t.equal(await count(), '0');
  const kinds = [VmoChild.SNAPSHOT, VmoChild.SLICE, VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE];
  const children = kinds.map((kind) => vmo.createChild(kind, 0, 4 * KIB));
  t.equal(await count(), '3');
  children[0]!.createChild(VmoChild.SNAPSHOT, 0, 4 * KIB);
  t.equal(await count(), '3', 'a child\'s child is that one\'s');
  children[1]!.close();
  t.equal(await count(), '2');
});

t.test('#map and #shr: how often it is mapped, and by how many processes', async (t) => {
  const on = look();
  const processes = ['one', 'two', 'three'].map((name) => on.system.rootJob.createProcess(name));
  const { vmo } = mapNew(on, processes[0]!, 'common', 16 * KIB);
  const counts = async (): Promise<string> => {
    const [[, , , , maps, sharers] = []] = await vmos(on, processes[0]!);
    return `${maps} ${sharers}`;
  };
  t.equal(await counts(), '1 1');
  map(processes[0]!, vmo, VmOption.PERM_READ, 8 * KIB, 4 * KIB);
  t.equal(await counts(), '2 1');
  const at = map(processes[1]!, vmo);
  t.equal(await counts(), '3 2');
  map(processes[2]!, vmo, VmOption.PERM_READ);
  map(processes[2]!, vmo);
  t.equal(await counts(), '5 3');
  processes[1]!.rootVmar.unmap(at, 16 * KIB);
  processes[2]!.kill();
  t.equal(await counts(), '2 1', 'what they are now');
});

t.test('size: as it is now', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const vmo = on.system.createVmo(10_000, VmoOption.RESIZABLE);
  process.insertHandle(vmo.duplicate());
  const size = async (): Promise<string> => (await vmos(on, process))[0]![6]!;
  t.equal(await size(), '12k', 'whole pages');
  vmo.setSize(5 * MIB);
  t.equal(await size(), '5M');
});

t.test('alloc: what is allocated to it, mapped or not', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const { vmo, address } = mapNew(on, process, 'data', MIB, 0);
  const alloc = async (): Promise<string> => (await vmos(on, process))[0]![7]!;
  t.equal(await alloc(), '0B');
  process.touch(address, 8 * KIB, Access.WRITE);
  vmo.write(100 * PAGE, Uint8Array.of(1));
  t.equal(await alloc(), '12k');
});

t.test('alloc is phys for a window on a device, which takes no memory', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('driver');
  const before = on.system.kernelMemory();
  const device = on.system.createPhysicalVmo(0xfed00000, 16 * MIB, { name: 'registers' });
  const address = map(process, device);
  process.touch(address, 16 * MIB, Access.WRITE);
  const [[, , , , , , size, alloc, name] = []] = await vmos(on, process);
  t.strictSame([size, alloc, name], ['16M', 'phys', 'registers']);
  const { vmoBytes } = on.system.kernelMemory();
  t.equal(vmoBytes, before.vmoBytes);
  t.match(await on.ps(process), { pss_bytes: 0, private_bytes: 0, shared_bytes: 0 });
});

t.test('name: a hyphen where there is none', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  process.insertHandle(on.system.createVmo(4 * KIB));
  process.insertHandle(on.system.createVmo(4 * KIB, 0, { name: 'with two words' }));
  t.strictSame((await vmos(on, process)).map((words) => words.slice(8).join(' ')),
    ['-', 'with two words']);
});

t.test('from vmos to ps: alloc is PRIVATE for one sharer, else SHARED and its part of PSS',
  async (t) => {
    const on = look();
    const processes = ['a', 'b', 'c', 'd'].map((name) => on.system.rootJob.createProcess(name));
    for (const [i, process] of processes.entries()) {
      mapNew(on, process, `own ${i}`, MIB, (i + 1) * 12 * KIB);
      const { vmo } = mapNew(on, process, `of ${4 - i}`, MIB, (i + 1) * 28 * KIB);
      for (const other of processes.slice(i + 1)) map(other, vmo);
    }
    for (const process of processes) {
      let [priv, shared, pss] = [0, 0, 0];
      for (const row of await on.rows(`vmos ${process.koid}`)) {
        const [sharers, alloc] = [Number(row['share_count']), Number(row['committed_bytes'])];
        if (sharers === 1) priv += alloc;
        else shared += alloc;
        pss += Math.floor(alloc / sharers);
      }
      t.match(await on.ps(process),
        { private_bytes: priv, shared_bytes: shared, pss_bytes: pss }, process.name);
      t.ok(priv > 0);
    }
  });

t.test('of a VMO that is mapped in part, that part contributes', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name));
  const vmo = on.system.createVmo(MIB);
  vmo.write(0, new Uint8Array(512 * KIB));
  map(one!, vmo, undefined, 0, 100 * KIB);
  t.equal((await vmos(on, one!))[0]![7], '512k');
  t.match(await on.ps(one!), { private_bytes: 100 * KIB, shared_bytes: 0, pss_bytes: 100 * KIB });
  map(two!, vmo, undefined, 64 * KIB, 960 * KIB);
  t.match(await on.ps(one!), { private_bytes: 0, shared_bytes: 100 * KIB, pss_bytes: 50 * KIB });
  t.match(await on.ps(two!), { private_bytes: 0, shared_bytes: 448 * KIB, pss_bytes: 224 * KIB });
});

t.test('the debugger\'s handle shows the same VMOs', async (t) => {
  const on = await lookAt('page-vmos');
  const koids = (await on.rows('vmos 1118')).map(({ koid }) => koid);
  const found = linesOf(await on.text('handle 1118')).slice(1).map(wordsOf);
  t.strictSame(found.map(([, , koid]) => Number(koid)).sort(), [...new Set(koids)].sort());
  t.strictSame(found.filter(([handle]) => handle !== '<none>').map(([, , koid]) => koid),
    ['1170', '1031'], 'those it has handles to have a value');
});
