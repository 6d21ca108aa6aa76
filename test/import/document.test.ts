/** Documents of tables: what comes in is what went out, and what is wrong is named by its path. */

import { gzipSync, brotliCompressSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Policy } from '../../src/accounting/tables.js';
import { DocumentSystem, readDocument } from '../../src/import/document/document.js';
import { InputError } from '../../src/import/errors.js';
import { openSystem, System } from '../../src/system.js';
import { memgraphText } from '../../src/views/memgraph.js';
import { psRows, psText } from '../../src/views/ps.js';
import { sharedPath } from '../support/shared.js';
import { golden } from '../views/samples.js';

const NGINX = 'test/fixtures/nginx-6w.snap.jsonl.gz';
const timestamp = '2017-06-07T05:51:08.021Z';
const ALL = { threads: true, vmos: true, handles: true, timestamp };

const read = (text: string): Promise<DocumentSystem> =>
  readDocument('mem.json', { input: Readable.from([Buffer.from(text)]) });

t.test('a document that is read and written again is the same', async (t) => {
  const text = golden('memgraph-vth.json');
  const { tables } = await read(text);
  t.equal(tables.takenAt, timestamp);
  t.equal(memgraphText(tables, ALL), text);
  for (const spec of ['boot', NGINX]) {
    const system = await System.open(spec);
    for (const policy of ['classic', 'attributed', 'exact', 'mapcount'] as Policy[]) {
      const tables = await system.account({ policy, handleCounts: true });
      const written = memgraphText(tables, ALL);
      const document = await read(written);
      t.equal(document.defaultPolicy, policy);
      t.equal(memgraphText(document.tables, ALL), written, `${spec} ${policy}`);
    }
  }
});

t.test('ps of a document is ps of the system', async (t) => {
  const tables = await (await System.open('boot')).account();
  const document = await read(memgraphText(tables, { timestamp }));
  t.equal(psText(psRows(document.tables), { era: 'page' }), golden('ps-boot.txt'));
  t.match(document.tables.missing, { maps: /no address spaces/, vmoRefs: /written without -v/ });
  t.strictSame(document.tables.kmem, tables.kmem);
});

t.test('records may stand in any order', async (t) => {
  const text = golden('memgraph-vth.json');
  const records = JSON.parse(text) as unknown[];
  const { tables } = await read(JSON.stringify(records.reverse()));
  t.strictSame([...tables.tasks.type], [0, 0, 1, 1, 2, 2]);
  t.strictSame([...tables.tasks.parentKoid], [0, 1024, 1024, 1024, 1030, 1030]);
});

const CAPTURE = {
  Time: 1,
  Kernel: {
    total: 65536, free: 16384, wired: 4096, total_heap: 8192, free_heap: 4096, vmo: 24576,
    mmu: 4096, ipc: 4096, other: 4096,
  },
  Processes: [['koid', 'name', 'vmos'], [10, 'a', [1, 2, 2]], [11, 'b', [2, 3]], [12, 'c', [2]]],
  VmoNames: ['heap', 'libc'],
  Vmos: [
    ['koid', 'name', 'parent_koid', 'committed_bytes', 'allocated_bytes'],
    [1, 0, 0, 4096, 8192], [2, 1, 0, 8192, 8192], [3, 0, 1, 12288, 16384], [4, 0, 2, 4096, 4096],
  ],
};

t.test('a mem capture: private to one, or shared equally among those that list it', async (t) => {
  const { tables, notes } = await read(JSON.stringify(CAPTURE));
  const { tasks, vmos } = tables;
  t.strictSame(tasks.name, ['capture', 'a', 'b', 'c']);
  t.strictSame([...tasks.privateBytes], [16384, 4096, 12288, 0]);
  t.strictSame([...tasks.sharedBytes], [0, 8192, 8192, 8192]);
  t.strictSame([...tasks.pss.bytes], [24575n, 6826n, 15018n, 2730n]);
  t.strictSame([...vmos.shareCount], [1, 3, 1, 1]);
  t.strictSame([...vmos.numChildren], [1, 1, 0, 0]);
  t.equal(tables.kmem.ipcBytes, 4096);
  t.match(notes[0], /no jobs, mappings, handles or rights/);
  const wrapped = await read(JSON.stringify({ Capture: CAPTURE, Buckets: [] }));
  t.strictSame(wrapped.tables.tasks, tasks);
});

t.test('upstream\'s own figures of a real capture\'s kernel', {
  skip: sharedPath('data/fuchsia/test_snapshot.HEAD.json') === undefined
    ? 'no ../shared with test_snapshot.HEAD.json' : false,
}, async (t) => {
  const path = sharedPath('data/fuchsia/test_snapshot.HEAD.json') ?? '';
  const { Kernel, Time } = JSON.parse(readFileSync(path, 'utf8')) as typeof CAPTURE;
  const { tables } = await read(JSON.stringify({ ...CAPTURE, Kernel, Time }));
  const { wiredBytes, totalHeapBytes, mmuOverheadBytes, ipcBytes, otherBytes } = tables.kmem;
  t.equal(wiredBytes + totalHeapBytes + mmuOverheadBytes + ipcBytes + otherBytes, 131850240);
});

const MINIMAL = '{"id":"kernel/physmem","type":"kernel","parent":"","name":"","size_bytes":9}';
const VMO_NODE = MINIMAL.replaceAll('physmem', 'vmo').replace('""', '"kernel/physmem"');
const ROOT = '{"id":"j/1","type":"j","koid":1,"parent":"kernel/vmo","name":"root"}';
const process = (more: string): string =>
  `{"id":"p/2","type":"p","koid":2,"parent":"j/1","name":"x","private_bytes":1,`
  + `"shared_bytes":0,"pss_bytes":1${more}}`;
const job = (id: number, parent: string): string =>
  `{"id":"j/${id}","type":"j","koid":${id},"parent":"${parent}","name":""}`;
const BASE = `${MINIMAL},${VMO_NODE},${ROOT}`;

const BAD: [text: string, message: string][] = [
  ['', 'line 1: found the end of the text, expected a whole JSON document'],
  ['[\n{"type": "kernel",\n', 'line 3: found the end of the text, expected a whole JSON document'],
  ['[\n}', `found what is no JSON ("Unexpected token`],
  ['1', 'found 1 at $, expected an array (memgraph) or an object (mem --print)'],
  ['[1]', 'found 1 at $[0], expected an object'],
  ['[{}]', 'found nothing at $[0].type, expected a text'],
  ['[]', 'found [] at $, expected a record without a parent: kernel/physmem'],
  [`[${MINIMAL}]`, 'expected a job whose parent is kernel/vmo: the root job'],
  [`[${MINIMAL.replace('9', '-9')}]`, 'found -9 at $[0].size_bytes, expected a whole number'],
  [`[${MINIMAL},${MINIMAL}]`, 'at $[1].id, expected an id that was not used before'],
  [`[${MINIMAL},${MINIMAL.replace('physmem', 'x')}]`,
    'at $[1].parent, expected one record without'],
  [`[${BASE},${job(2, 'kernel/vmo')}]`, 'at $[3].parent, expected one root job, not a second'],
  [`[${MINIMAL},${job(2, 'kernel/x')}]`, 'at $[1].parent, expected the id of a kernel record'],
  [`[${BASE},${job(2, 'j/9')}]`, 'found "j/9" at $[3].parent, expected the id of a job'],
  [`[${BASE},${job(2, 'j/3')},${job(3, 'j/2')}]`,
    'at $[3].parent, expected a job below the root job'],
  [`[${BASE},${process('').replace('j/1', 'p/2')}]`, 'at $[3].parent, expected the id of a job'],
  [`[${BASE},{"id":"t/2","type":"t","koid":2,"parent":"j/1","name":"","state":"NEW"}]`,
    'at $[3].parent, expected the id of a process'],
  [`[${BASE},{"id":"q/2","type":"q","parent":"j/1"}]`, 'at $[3].type, expected kernel, j, p, t or'],
  [`[${BASE},${process(',"vmos":{}')}]`, 'found {} at $[3].vmos, expected an array'],
  [`[${BASE},${process(',"vmos":[{"koid":5,"size_bytes":0.5}]')}]`,
    'found 0.5 at $[3].vmos[0].size_bytes, expected a whole number of bytes below 2^64'],
  [`[${BASE},${process(',"vmo_refs":[{"vmo_koid":5,"via":[]}]')}]`,
    'found 5 at $[3].vmo_refs[0].vmo_koid, expected the koid of an entry'],
  [`[${BASE},${process(',"vmos":[{"koid":5}],"vmo_refs":[{"vmo_koid":5,"via":["X"]}]')}]`,
    'found "X" at $[3].vmo_refs[0].via[0], expected HANDLE or MAPPING'],
  [`[${BASE},${process(',"handle_stats":{"a b":"x"}')}]`,
    'found "x" at $[3].handle_stats["a b"], expected a whole number'],
  [`[${BASE},{"type":"__META","timestamp":"\\u001b[2J"}]`,
    'found "\\u001b[2J" at $[3].timestamp, expected a date and time'],
  [`[${BASE},{"type":"__META","policy":"fair"}]`, 'at $[3].policy, expected classic, attributed'],
  ['{}', 'found nothing at $.Kernel, expected an object'],
  [JSON.stringify({ ...CAPTURE, Vmos: [] }), 'found [] at $.Vmos, expected rows below a row of'],
  [JSON.stringify({ ...CAPTURE, Vmos: [['koid']] }), 'at $.Vmos[0], expected a column named name'],
  [JSON.stringify({ ...CAPTURE, VmoNames: [] }), 'found 0 at $.Vmos[1][1], expected the place of'],
  [JSON.stringify({ ...CAPTURE, Processes: [['koid', 'name', 'vmos'], [1, 'x', [9]]] }),
    'found 9 at $.Processes[1][2][0], expected the koid of a row of Vmos'],
  [JSON.stringify({ ...CAPTURE, Processes: [['koid', 'name', 'vmos'], [1]] }),
    'found [1] at $.Processes[1], expected 3 cells'],
];

t.test('what is wrong is one sentence with the JSON path', async (t) => {
  for (const [text, message] of BAD) {
    await read(text).then(
      () => t.fail(`taken: ${text.slice(0, 80)}`),
      (error: unknown) => {
        t.type(error, InputError);
        const said = (error as Error).message;
        t.ok(said.startsWith('mem.json') && said.includes(message), `${said} ~ ${message}`);
        t.notMatch(said, /[\u0000-\u001f]/);
      },
    );
  }
});

t.test('jobs nested too deep are refused, ten thousand deep are not', async (t) => {
  const chain = (depth: number): string => {
    const jobs = Array.from({ length: depth }, (_, i) => job(i + 2, `j/${i + 1}`));
    return `[${BASE},${jobs.join(',')}]`;
  };
  const { tables } = await read(chain(10_000));
  t.equal(tables.tasks.depth.at(-1), 10_000);
  await t.rejects(read(chain(65_536)), /at most 65535 jobs above each other/);
});

t.test('files and pipes are told by content, packed or not', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'memsim-document-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const text = golden('memgraph-vth.json');
  const inputs: [name: string, data: Uint8Array | string][] = [
    ['a.json', text], ['b.json', `\ufeff \n${text}`], ['c.data', gzipSync(text)],
    ['d.br', brotliCompressSync(text)], ['e.json', JSON.stringify(CAPTURE)],
    ['f.json', JSON.stringify({ Buckets: [], Capture: CAPTURE })],
  ];
  for (const [name, data] of inputs) {
    writeFileSync(join(dir, name), data);
    t.type(await openSystem(join(dir, name)), DocumentSystem, name);
    await t.rejects(System.open(join(dir, name)), /^ZX_ERR_NOT_SUPPORTED: .*tables of it/);
  }
  writeFileSync(join(dir, 'snapshot.json'), readFileSync(NGINX));
  t.type(await openSystem(join(dir, 'snapshot.json')), System, 'a snapshot of another name');
});

t.test('a document has one policy and no pages', async (t) => {
  const document = await read(golden('memgraph-vth.json'));
  await t.rejects(document.account({ policy: 'exact' }),
    /^ZX_ERR_NOT_SUPPORTED: .*figures are classic by committed pages, not exact by committed/);
  t.equal(await document.account({ policy: 'classic' }), document.tables);
  await t.rejects(document.page(), /^ZX_ERR_NOT_SUPPORTED: a document is tables without pages/);
});
