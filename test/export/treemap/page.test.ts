/** The treemap page as a text: its tree adds up and agrees with `ps`, no name gets out of it. */

import { Script } from 'node:vm';
import t, { type Test } from 'tap';
import { type AccountTables, type Policy, TaskType } from '../../../src/accounting/tables.js';
import { escapeHtml, treemapPage } from '../../../src/export/treemap/page.js';
import { MEASURES, RowKind, type TreeColumns, treeOf } from '../../../src/export/treemap/tree.js';
import { readDocument } from '../../../src/import/document/document.js';
import { System } from '../../../src/system.js';
import { memgraphText } from '../../../src/views/memgraph.js';
import { makeTables } from '../../views/make-tables.js';
import { HOSTILE, manyProcesses } from './many.js';

const NGINX = 'test/fixtures/nginx-6w.snap.jsonl.gz';
const EDGE = 'test/fixtures/edge-thp-ksm-swap-hugetlb-6.snap.jsonl.gz';
const timestamp = '2017-06-07T05:51:08.021Z';

const isTask = (kind: number | undefined): boolean =>
  kind === RowKind.JOB || kind === RowKind.PROCESS;

/** Checks I1 to I3 of the tree against the tables. */
const check = (t: Test, tables: AccountTables, what: string): TreeColumns => {
  const tree = treeOf(tables);
  const { parent, kind, koid } = tree;
  t.notOk(parent.some((above, row) => above >= row), `${what}: parents first`);
  for (const measure of MEASURES) {
    const sums = new Map<number, number>();
    parent.forEach((above, row) =>
      sums.set(above, (sums.get(above) ?? 0) + (tree[measure][row] ?? 0)));
    const wrong = [...sums].filter(([row, sum]) => row >= 0 && tree[measure][row] !== sum);
    t.strictSame(wrong, [], `${what}: ${measure} adds up`);
    t.notOk(tree[measure].some((bytes) => !Number.isSafeInteger(bytes) || bytes < 0), 'whole');
  }
  const { tasks } = tables;
  const rowOf = new Map(koid.flatMap((k, row): [number, number][] =>
    (isTask(kind[row]) ? [[k, row]] : [])));
  for (let task = 0; task < tasks.count; task++) {
    if (tasks.type[task] !== TaskType.PROCESS) continue;
    const row = rowOf.get(tasks.koid[task] ?? 0) ?? -1;
    const pss = Number(tasks.pss.bytes[task]);
    const close = Math.abs((tree.pss[row] ?? -9) - pss) <= 1;
    if (!close || tree.private[row] !== tasks.privateBytes[task]) {
      t.fail(`${what}: ${tasks.name[task]} has ${tree.pss[row]}, ps says ${pss}`);
    }
  }
  return tree;
};

t.test('areas add up and are those of ps, under every policy and in documents', async (t) => {
  for (const spec of ['boot', NGINX, EDGE]) {
    const system = await System.open(spec);
    for (const policy of ['classic', 'attributed', 'exact', 'mapcount'] as Policy[]) {
      const tables = await system.account({ policy });
      const tree = check(t, tables, `${spec} ${policy}`);
      if (policy !== 'classic') t.equal(tree.names[0], 'all physical memory');
      for (const vmos of [true, false]) {
        const input = [Buffer.from(memgraphText(tables, { vmos, timestamp }))];
        const options = { input: (async function* () { yield* input; })() };
        const document = await readDocument('doc', options);
        check(t, document.tables, `${spec} ${policy} document, VMOs: ${vmos}`);
      }
    }
  }
});

t.test('physical memory is the sum of its parts', async (t) => {
  const tables = await (await System.open('boot')).account();
  const tree = treeOf(tables);
  t.equal(tree.pss[0], tables.kmem.totalBytes);
  const bootfs = tree.name.findIndex((name) => tree.names[name] === 'bootfs');
  t.equal(tree.kind[bootfs], RowKind.UNMAPPED, 'a VMO that no process maps has its place');
});

t.test('VMOs of one name are one row with theirs below, unnamed ones are not', async (t) => {
  const map = (vmo: number, name: string): object => ({
    type: 'M', depth: 2, name, base: 0n, end: 4096n, vmo, committed: 4096, pss: 4096n,
  });
  const tables = makeTables({
    tasks: [
      { type: 'j', koid: 1, parent: 0, depth: 0, name: 'root' },
      {
        type: 'p', koid: 2, parent: 1, depth: 1, name: 'p', pss: 16384n, privateBytes: 16384,
        maps: [map(10, 'a'), map(11, 'a'), map(12, ''), map(13, '')] as never,
      },
    ],
    kmem: { totalBytes: 65536, vmoBytes: 16384 },
  });
  const { name, names, parent, pss } = treeOf(tables);
  const labels = name.map((index) => names[index]);
  const group = labels.indexOf('a [2]');
  t.equal(pss[group], 8192);
  t.equal(parent.filter((above) => above === group).length, 2);
  t.equal(labels.filter((label) => label === '').length, 2);
});

t.test('no name gets out of the page', async (t) => {
  const hostile = '</script><script>alert(1)</script><!--';
  const tables = makeTables({
    tasks: [
      { type: 'j', koid: 1, parent: 0, depth: 0, name: hostile },
      { type: 'p', koid: 2, parent: 1, depth: 1, name: HOSTILE, pss: 4096n, privateBytes: 4096 },
    ],
    kmem: { totalBytes: 8192, vmoBytes: 4096, freeBytes: 4096 },
  });
  const page = treemapPage(tables, { system: `"'${hostile}` });
  t.notMatch(page, 'alert(1)</script>');
  t.notMatch(page, HOSTILE);
  t.equal(page.match(/<script/g)?.length, 3, 'data, layout, ours');
  const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1];
  const { tree } = JSON.parse(data ?? '') as { tree: TreeColumns };
  t.ok(tree.names.includes(hostile) && tree.names.includes(HOSTILE), 'as data they are whole');
  t.equal(escapeHtml(`<&>"'`), '&lt;&amp;&gt;&quot;&#39;');
});

t.test('the page asks for nothing, and its script stands alone', async (t) => {
  const page = treemapPage(await manyProcesses(10), { system: 'x', timestamp });
  t.notMatch(page.replace(/^\/\/ https:.*$/gm, ''), /(src|href)\s*=\s*["']?(?!x )|@import|url\(/);
  t.match(page, "default-src 'none'");
  const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, text = '']) => text);
  t.equal(scripts.length, 2);
  for (const script of scripts) t.doesNotThrow(() => new Script(script), 'no import is left');
  t.match(page, `10 processes · policy classic · ${timestamp}`);
});

t.test('a document without kernel records begins with its jobs', async (t) => {
  const { tasks, missing, ...rest } = await manyProcesses(3);
  const tree = treeOf({ ...rest, tasks, missing: { ...missing, kmem: 'none' } });
  t.equal(tree.kind[0], RowKind.JOB);
});
