/** The memory page's last command: the kernel's own address space, as the console dumps it. */
import t from 'tap';
import { System } from '../../src/index.js';
import { golden } from '../views/samples.js';
import { KIB, linesOf, look, lookAt } from './support.js';

const BASE = 0xffffff8000000000n;
const POINTER = '0xffffff[0-9a-f]{10}';

t.test('the sample, and more: the page breaks off behind the third region', async (t) => {
  const { text } = await lookAt('boot');
  const all = await text('zx asd kernel');
  t.equal(all.slice(0, golden('asd-kernel.txt').length), golden('asd-kernel.txt'));
  t.ok(linesOf(all).length > linesOf(golden('asd-kernel.txt')).length);
  t.equal(await text('vmm kaspace'), all, 'another command of the console shows the same');
});

/** Lines of a kernel that has one region of each kind. */
const dump = async (): Promise<string[]> => {
  const on = look(System.boot());
  on.system.layOutKernel({
    base: BASE, size: 2n ** 39n, regions: [
      { base: BASE, size: 2n ** 36n, vmoSize: 0 },
      { name: 'acpi', base: BASE + 2n ** 36n, size: 4096, physicalAddress: 0x7ffe2000 },
      { name: 'hpet', base: BASE + 2n ** 36n + 4096n, size: 4096, physicalAddress: 0xfed00000,
        isDevice: true },
      { name: 'image', base: BASE + 2n ** 38n, size: 64 * KIB, regions: [
        { name: 'code', base: BASE + 2n ** 38n, size: 32 * KIB, perms: 5,
          physicalAddress: 0x100000 },
      ] },
    ],
  });
  return linesOf(await on.text('zx asd kernel'));
};

/** Whether a line is this one, `P` for any of the kernel's addresses. */
const is = (line: string | undefined, wanted: string): boolean => {
  const parts = wanted.split('P').map((part) => part.replace(/[[\].()]/g, '\\$&'));
  return new RegExp(`^${parts.join(POINTER)}$`).test(line ?? '');
};

t.test('a hierarchy as that of vmaps: address space, regions, mappings, their VMOs', async (t) => {
  const lines = await dump();
  t.strictSame(lines.map((line) => [line.search(/\S/) / 2, /\w+/.exec(line)![0]]), [
    [0, 'as'], [1, 'vmar'],
    [2, 'map'], [3, 'vmo'], [2, 'map'], [3, 'object'], [2, 'map'], [3, 'object'],
    [2, 'vmar'], [3, 'map'], [4, 'object'],
  ]);
});

t.test('the address space and its regions: range, size, refs, name', async (t) => {
  const lines = await dump();
  const range = '[0xffffff8000000000 0xffffffffffffffff] sz 0x8000000000';
  t.ok(is(lines[0], `as P ${range} fl 0x1 ref \\d+ 'kernel'`), lines[0]);
  t.ok(is(lines[1], `  vmar P ${range} ref 1 'root'`), lines[1]);
  const image = '[0xffffffc000000000 0xffffffc00000ffff] sz 0x10000';
  t.ok(is(lines[8], `    vmar P ${image} ref 1 'image'`),
    `${lines[8]}: the last address is the region's own`);
});

t.test('a mapping: range, flags, the VMO with its koid of 0, offset, pages, name', async (t) => {
  const lines = await dump();
  const map = (from: string, to: string, size: string, flags: string, name: string): string =>
    `map P [${from} ${to}] sz ${size} mmufl ${flags} vmo P/k0 off 0 pages 0 ref 1 '${name}'`;
  const wanted: [line: number, text: string][] = [
    [2, map('0xffffff8000000000', '0xffffff8fffffffff', '0x1000000000', '0x18', '')],
    [4, map('0xffffff9000000000', '0xffffff9000000fff', '0x1000', '0x18', 'acpi')],
    [6, map('0xffffff9000001000', '0xffffff9000001fff', '0x1000', '0x1a', 'hpet')],
    [9, map('0xffffffc000000000', '0xffffffc000007fff', '0x8000', '0x28', 'code')],
  ];
  for (const [line, text] of wanted) t.ok(is(lines[line]!.trimStart(), text), lines[line]);
});

t.test('flags of a mapping: 8 read, 16 write, 32 execute; 2 for a device\'s memory', async (t) => {
  const flags = (await dump()).flatMap((line) => /mmufl (\S+)/.exec(line)?.[1] ?? [])
    .map(Number);
  t.strictSame(flags, [8 + 16, 8 + 16, 8 + 16 + 2, 8 + 32]);
});

t.test('a VMO below its mapping: size and pages, or where a device\'s window begins', async (t) => {
  const lines = await dump();
  t.ok(is(lines[3]!.trim(), 'vmo P/k0 size 0 pages 0 ref 1 parent k0'), lines[3]);
  t.ok(is(lines[5]!.trim(), 'object P base 0x7ffe2000 size 0x1000 ref 1'), lines[5]);
  t.ok(is(lines[7]!.trim(), 'object P base 0xfed00000 size 0x1000 ref 1'), lines[7]);
  for (const [i, line] of lines.entries()) {
    const [, vmo] = new RegExp(`vmo (${POINTER})/k0 off`).exec(line) ?? [];
    if (vmo !== undefined) t.match(lines[i + 1], vmo, 'it is the one that the mapping names');
  }
});

t.test('a process\'s address space goes by its koid', async (t) => {
  const { text, rows } = await lookAt('page-vmaps');
  const [first, ...lines] = linesOf(await text('zx asd 2470'));
  t.match(first, /^as .* 'proc:2470'$/);
  const maps = (await rows('vmaps 2470')).filter(({ type }) => type === 'mapping');
  const shown = lines.flatMap((line) => /^ +map \S+ \[(\S+) (\S+)\].*\/k(\d+) off/.exec(line)
    ?.slice(1) ?? []);
  t.strictSame(shown, maps.flatMap((map) => [
    map['base'],
    `0x${(BigInt(map['base'] as string) + BigInt(map['size_bytes'] as number) - 1n).toString(16)}`,
    `${map['vmo_koid']}`,
  ]));
});
