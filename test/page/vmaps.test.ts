/** The memory page's `vmaps`: what one process has mapped, its columns, and its shell's memory. */
import t from 'tap';
import { Access, VmOption } from '../../src/index.js';
import { golden } from '../views/samples.js';
import {
  KIB, linesOf, look, lookAt, map, mapNew, MIB, PAGE, READ_WRITE, type Row,
} from './support.js';

const LINE =
  /^( *\/?[ARM]) *([0-9a-f_]{16})-([0-9a-f_]{16}) ([rwx-]{3})? *(\S+):sz( +(\S+):res +(\d+):vmo)? /;

/** A line of the text, in its parts. */
const parse = (line: string): {
  tree: string; base: bigint; end: bigint; perms?: string; size: string; res?: string; vmo?: string;
} => {
  const [, tree, base, end, perms, size, , res, vmo] = LINE.exec(line) ?? [];
  const address = (text?: string): bigint => BigInt(`0x${text?.replaceAll('_', '0')}`);
  return {
    tree: tree!, base: address(base), end: address(end), size: size!,
    ...(perms === undefined ? {} : { perms, res: res!, vmo: vmo! }),
  };
};

t.test('the koid of ps is its argument, and it shows why that process uses what it does',
  async (t) => {
    const on = await lookAt('boot');
    for (const process of (await on.rows('ps')).filter(({ type }) => type === 'p')) {
      const rows = await on.rows(`vmaps ${process['koid']}`);
      const sum = (key: string): number =>
        rows.reduce((all, row) => all + Number(row[key] ?? 0), 0);
      t.equal(sum('private_bytes'), process['private_bytes'], `${process['name']}`);
      t.equal(sum('shared_bytes'), process['shared_bytes']);
      t.equal(sum('pss_bytes'), process['pss_bytes']);
      t.equal(sum('committed_bytes'), sum('private_bytes') + sum('shared_bytes'));
    }
  });

t.test('help names the first column and the tags', async (t) => {
  const { text } = look();
  const help = linesOf(await text('vmaps help'));
  t.equal(help[0], 'Usage: vmaps <process-koid>');
  const places = ['"/A" -- ', '"/R" -- ', '"R"  -- ', '"M"  -- ', ':sz: ', ':res: ', ':vmo: ']
    .map((label) => help.findIndex((line) => line.trimStart().startsWith(label)));
  t.notOk(places.includes(-1));
  t.strictSame([...places].sort((a, b) => a - b), places, 'in the page\'s order');
  for (const word of ['-help', '--help']) {
    t.strictSame(linesOf(await text(`vmaps ${word}`)), help);
  }
});

t.test('first column: A, R and M, indented as regions lie in each other', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const canMap = VmOption.CAN_MAP_READ | VmOption.CAN_MAP_WRITE | VmOption.CAN_MAP_SPECIFIC;
  const outer = process.rootVmar.allocate(canMap, 0, 64 * KIB);
  const inner = outer.allocate(VmOption.CAN_MAP_READ | VmOption.SPECIFIC, 16 * KIB, 16 * KIB);
  const vmo = on.system.createVmo(4 * KIB);
  inner.map(VmOption.PERM_READ, 0, vmo, 0, 4 * KIB);
  outer.map(VmOption.PERM_READ | VmOption.SPECIFIC, 48 * KIB, vmo, 0, 4 * KIB);
  const lines = linesOf(await on.text(`vmaps ${process.koid}`)).map(parse);
  t.strictSame(lines.map(({ tree }) => tree), ['/A', '/R', 'R', ' R', '  M', ' M']);
  const depths = (await on.rows(`vmaps ${process.koid}`)).map(({ depth }) => depth);
  t.strictSame(depths, [0, 1, 2, 3, 4, 3]);
  const [aspace, root, , ...inside] = lines;
  t.strictSame([aspace!.base, aspace!.end], [root!.base, root!.end]);
  t.equal(inside.filter(({ base, end }) =>
    base >= outer.base && end <= outer.base + outer.size).length, 3, 'a child lies in its parent');
});

t.test(':sz is virtual size, whatever of it is backed', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  mapNew(on, process, 'sparse', 1024 * MIB, 0);
  const line = parse(linesOf(await on.text(`vmaps ${process.koid}`))[2]!);
  t.match(line, { size: '1G', res: '0B' });
  t.equal(line.end - line.base, 1024n * 1024n * 1024n, 'the end is the first address behind it');
});

t.test(':res is what backs the mapped range, private or shared', async (t) => {
  const on = look();
  const [one, two] = ['one', 'two'].map((name) => on.system.rootJob.createProcess(name));
  mapNew(on, one!, 'own', 64 * KIB, 12 * KIB);
  const { vmo } = mapNew(on, one!, 'common', 64 * KIB, 20 * KIB);
  map(two!, vmo, undefined, 16 * KIB, 16 * KIB);
  const of = async (koid: number): Promise<(string | undefined)[]> =>
    linesOf(await on.text(`vmaps ${koid}`)).slice(2).map((line) => parse(line).res);
  t.strictSame(await of(one!.koid), ['12k', '20k']);
  t.strictSame(await of(two!.koid), ['4k'], 'pages outside of the range do not back it');
  const [, , own, common] = await on.rows(`vmaps ${one!.koid}`);
  t.match(own, { private_bytes: 12 * KIB, shared_bytes: 0, committed_bytes: 12 * KIB });
  t.match(common, { private_bytes: 0, shared_bytes: 20 * KIB, committed_bytes: 20 * KIB });
});

t.test(':vmo is the koid of the VMO that is mapped there, the name is its name', async (t) => {
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const { vmo } = mapNew(on, process, 'twice', 8 * KIB, 0);
  map(process, vmo, VmOption.PERM_READ);
  const nameless = mapNew(on, process, '', 4 * KIB).vmo;
  const lines = linesOf(await on.text(`vmaps ${process.koid}`)).slice(2);
  t.strictSame(lines.map((line) => [parse(line).vmo, parse(line).perms]).sort(), [
    [`${vmo.koid}`, 'r--'], [`${vmo.koid}`, 'rw-'], [`${nameless.koid}`, 'rw-'],
  ].sort());
  t.strictSame(lines.map((line) => line.slice(line.indexOf('\''))).sort(),
    ['\'\'', '\'twice\'', '\'twice\'']);
});

const shell = async (): Promise<Row[]> => (await lookAt('page-vmaps')).rows('vmaps 2470');

/** Mappings in the region that begins at an address: permissions, virtual and resident KiB. */
const inside = (rows: Row[], base: string): [string, number, number][] => {
  const first = rows.findIndex((row) => row['base'] === base && row['type'] === 'vmar');
  const found: [string, number, number][] = [];
  for (const row of rows.slice(first + 1)) {
    if (Number(row['depth']) < 3) break;
    found.push([String(row['perms']), Number(row['size_bytes']) / KIB,
      Number(row['committed_bytes']) / KIB]);
  }
  return found;
};

t.test('the sample: a shell\'s memory', async (t) => {
  const on = await lookAt('page-vmaps');
  t.equal(await on.text('vmaps 2470'), golden('vmaps-sh-2470.txt'));
});

t.test('a library is a region with code, constants and data', async (t) => {
  const rows = await shell();
  t.strictSame(inside(rows, '0x187bc867000'), [['r-x', 88, 0], ['r--', 4, 4], ['rw-', 8, 8]]);
  t.strictSame(inside(rows, '0x59f5c7068000'), [['r-x', 128, 0], ['r--', 8, 8], ['rw-', 8, 8]],
    'and so is the program');
});

t.test('code that was never written is the file\'s, a clone of which is mapped', async (t) => {
  const on = await lookAt('page-vmaps');
  const code = (await on.rows('zx vmos all')).find(({ koid }) => koid === 2476);
  t.match(code, { committed_bytes: 0, name: '/boot/bin/sh' });
  const [, , ...maps] = await on.rows('vmaps 2470 --policy attributed');
  const row = maps.find((map) => map['vmo_koid'] === 2476);
  t.ok(Number(row?.['pss_bytes']) > 0, 'a newer kernel shares it out');
});

t.test('the heap: a large mapping with no file behind, of which little is there', async (t) => {
  const heap = (await shell()).find(({ name }) => name === 'mmap-anonymous');
  t.match(heap, { perms: 'rw-', size_bytes: 2 * MIB, committed_bytes: 76 * KIB, depth: 2 });
});

t.test('a stack: a region that is larger by a guard page, at whose top pages are', async (t) => {
  const rows = await shell();
  const at = rows.findIndex(({ base }) => base === '0x358923d92000');
  const [region, stack] = rows.slice(at);
  t.equal(Number(region!['size_bytes']) - Number(stack!['size_bytes']), PAGE);
  t.match(stack, { perms: 'rw-', base: '0x358923d93000', size_bytes: 256 * KIB });
  t.equal(stack!['committed_bytes'], 16 * KIB);
  const on = look();
  const process = on.system.rootJob.createProcess('p');
  const around = process.rootVmar.allocate(
    VmOption.CAN_MAP_READ | VmOption.CAN_MAP_WRITE | VmOption.CAN_MAP_SPECIFIC, 0, 260 * KIB);
  const own = around.map(READ_WRITE | VmOption.SPECIFIC, PAGE, on.system.createVmo(256 * KIB), 0,
    256 * KIB);
  process.touch(own, PAGE, Access.WRITE);
  t.throws(() => process.touch(own - 1n, 1, Access.WRITE), /ZX_ERR_NOT_FOUND/, 'the guard page');
});

t.test('the first thread\'s stack stands by itself', async (t) => {
  const stack = (await shell()).find(({ name }) => name === 'initial-stack');
  t.match(stack, { depth: 2, perms: 'rw-', size_bytes: 256 * KIB, committed_bytes: 4 * KIB });
});

t.test('the vDSO has constants and code, of one VMO, and no data', async (t) => {
  const rows = await shell();
  t.strictSame(inside(rows, '0x47e1ab874000'), [['r--', 24, 24], ['r-x', 4, 4]]);
  const koids = rows.filter(({ name }) => name === 'vdso/full').map((row) => row['vmo_koid']);
  t.strictSame(koids, [1031, 1031]);
});

t.test('the debugger\'s aspace shows the same mappings', async (t) => {
  const on = await lookAt('page-vmaps');
  const lines = linesOf(await on.text('aspace 2470')).slice(1);
  for (const { type, base, perms, vmo_koid: koid, committed_bytes: bytes } of await shell()) {
    const line = lines.shift()!.trim().split(/\s+/);
    t.equal(line[0], base);
    if (type !== 'mapping') continue;
    t.strictSame([line[2], line[4], line[6]], [perms, `${koid}`, `${Number(bytes) / PAGE}`]);
  }
});
