/** The memory page's picture: `memgraph` describes the system, `treemap` makes a page of it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openSystem, type Process } from '../../src/index.js';
import { memsim } from '../cli/fake.js';
import { KIB, look, lookAt, type Looked, map, mapNew, MIB, type Row } from './support.js';

const dir = mkdtempSync(join(tmpdir(), 'memsim-page-'));
t.teardown(() => { rmSync(dir, { recursive: true }); });

interface Tree {
  readonly parent: number[];
  readonly name: number[];
  readonly koid: number[];
  readonly pss: number[];
  readonly names: string[];
}

/** The page that `treemap` makes of what `memgraph -vt` prints. */
const page = async (on: Looked): Promise<string> => {
  const file = join(dir, 'graph.json');
  writeFileSync(file, await on.text('memgraph -vt'));
  const html = join(dir, 'mem.html');
  const argv = ['treemap', '-s', file, '-o', html];
  const { status, out, err } = await memsim(argv, {}, { open: openSystem });
  if (status !== 0 || out !== '' || err !== '') throw new Error(`treemap: ${status} ${err}`);
  return readFileSync(html, 'utf8');
};

const treeOf = (html: string): Tree => {
  const [, data] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  return (JSON.parse(data!) as { tree: Tree }).tree;
};

/** Bytes of the rows with a name. */
const areas = (tree: Tree, name: string): number[] => tree.name.flatMap((index, row) =>
  (tree.names[index] === name ? [tree.pss[row]!] : []));

const graph = async (on: Looked, options: string): Promise<Row[]> =>
  JSON.parse(await on.text(`memgraph ${options}`.trim())) as Row[];

/** Two processes with threads, VMOs of their own, and one that both map. */
const two = (): { on: Looked; one: Process; other: Process } => {
  const on = look();
  const one = on.system.rootJob.createJob('job').createProcess('one');
  const other = on.system.rootJob.createProcess('other');
  one.createThread('main').start();
  mapNew(on, one, 'heap of one', MIB, 300 * KIB);
  mapNew(on, other, 'heap of other', MIB, 40 * KIB);
  map(other, mapNew(on, one, 'common', 64 * KIB).vmo);
  return { on, one, other };
};

t.test('memgraph: tasks and memory as JSON', async (t) => {
  const { on, one, other } = two();
  const nodes = await graph(on, '');
  const of = (type: string): Row[] => nodes.filter((node) => node['type'] === type);
  t.match(of('j').map(({ name, parent }) => [name, parent]),
    [['root', 'kernel/vmo'], ['job', /^j\//]]);
  t.match(of('p').sort((a, b) => Number(a['koid']) - Number(b['koid'])), [
    { koid: one.koid, private_bytes: 300 * KIB, shared_bytes: 64 * KIB, pss_bytes: 332 * KIB },
    { koid: other.koid, private_bytes: 40 * KIB, shared_bytes: 64 * KIB, pss_bytes: 72 * KIB },
  ]);
  const kernel = new Map(of('kernel').map(({ id, size_bytes: bytes }) => [id, bytes]));
  const { totalBytes, freeBytes, vmoBytes } = on.system.kernelMemory();
  t.strictSame(['physmem', 'free', 'vmo'].map((name) => kernel.get(`kernel/${name}`)),
    [totalBytes, freeBytes, vmoBytes]);
});

t.test('-v has VMOs in it, -t threads', async (t) => {
  const { on, one } = two();
  const found = async (options: string): Promise<[vmos: boolean, threads: boolean]> => {
    const nodes = await graph(on, options);
    return [nodes.some((node) => 'vmos' in node), nodes.some(({ type }) => type === 't')];
  };
  t.strictSame(await found(''), [false, false]);
  t.strictSame(await found('-v'), [true, false]);
  t.strictSame(await found('-t'), [false, true]);
  const nodes = await graph(on, '-vt');
  t.match(nodes.find(({ type }) => type === 't'),
    { parent: `p/${one.koid}`, name: 'main', state: 'RUNNING' });
  const process = nodes.find(({ koid }) => koid === one.koid) as unknown as { vmos: Row[] };
  t.match(process.vmos.map(({ name, committed_bytes: bytes, share_count: sharers }) =>
    [name, bytes, sharers]).sort(), [['common', 64 * KIB, 2], ['heap of one', 300 * KIB, 1]]);
});

t.test('the treemap: an area for each process and VMO, as large as its share', async (t) => {
  const { on } = two();
  const tree = treeOf(await page(on));
  t.strictSame(areas(tree, 'one'), [(300 + 32) * KIB]);
  t.strictSame(areas(tree, 'other'), [(40 + 32) * KIB]);
  t.strictSame(areas(tree, 'common'), [32 * KIB, 32 * KIB], 'half of it in each');
  t.strictSame(areas(tree, 'heap of one'), [300 * KIB]);
  t.strictSame(areas(tree, 'heap of other'), [40 * KIB]);
});

t.test('it shows the whole system: the root is physical memory', async (t) => {
  const on = await lookAt('boot');
  const tree = treeOf(await page(on));
  const { totalBytes, freeBytes, vmoBytes } = on.system.kernelMemory();
  t.equal(tree.pss[0], totalBytes);
  t.strictSame(areas(tree, 'free'), [freeBytes]);
  t.strictSame(areas(tree, 'VMOs and processes'), [vmoBytes]);
  for (const { type, name, pss_bytes: pss } of await on.rows('ps')) {
    if (type === 'p') t.ok(areas(tree, String(name)).includes(Number(pss)), `${name}`);
  }
  for (const row of tree.parent.keys()) {
    const below = tree.pss.filter((_, child) => tree.parent[child] === row);
    if (below.length === 0) continue;
    t.equal(below.reduce((sum, bytes) => sum + bytes, 0), tree.pss[row]);
  }
});

t.test('the file is a page by itself: a browser needs nothing else to open it', async (t) => {
  const html = await page(two().on);
  t.match(html, /^<!DOCTYPE html>/);
  t.notMatch(html, /<(?:script|img|link|iframe)[^>]+(?:src|href)=/);
  t.notMatch(html, /(?:url\(|@import|fetch\(|XMLHttpRequest)/);
});
