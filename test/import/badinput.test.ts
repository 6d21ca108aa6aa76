/**
 * Broken snapshots: each one ends in one sentence with file, line, what was found and what was
 * expected.
 */

import { brotliCompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { InputError } from '../../src/import/errors.js';
import { readSnapshot } from '../../src/import/linux/read.js';
import type { LinuxSnapshot } from '../../src/import/linux/snapshot.js';
import { forkOrder } from '../../src/import/linux/forks.js';
import { CASES, LINE, set, text } from './bad-snapshots.js';
import { streamOf } from './synthetic.js';

function read(input: string | Uint8Array, name = 'x.snap.jsonl'): Promise<LinuxSnapshot> {
  return readSnapshot(name, { input: streamOf(input, 100) });
}

function refusal(input: string | Uint8Array, name?: string): Promise<InputError> {
  return caught(read(input, name));
}

async function caught(reading: Promise<LinuxSnapshot>): Promise<InputError> {
  try {
    await reading;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('it was read without an error');
}

t.test('the machine that the cases break is read as it is', async (t) => {
  for (const input of [text, gzipSync(text), brotliCompressSync(text), `\ufeff${text}`]) {
    const snapshot = await read(input);
    t.equal(snapshot.processes.length, 2);
    t.equal(snapshot.frames.count, 9);
    t.same([...snapshot.frames.seen], [2, 2, 2, 2, 2, 2, 1, 2, 1]);
    t.same([...snapshot.swap.counts], [2, 2]);
  }
  t.equal((await read(text.trimEnd())).frames.count, 9, 'without the last line end');
});

for (const { what, input, line, found, expected } of CASES) {
  t.test(`${what} is refused with its place`, async (t) => {
    const error = await refusal(input);
    t.equal(error.file, 'x.snap.jsonl');
    t.equal(error.line, line);
    t.match(error.found, found);
    t.match(error.expected, expected);
    t.notMatch(error.message, /[\n\r]/, 'one line');
    t.match(error.message, /^x\.snap\.jsonl, line \d+: found .*, expected /);
  });
}

t.test('a value that is nested too deeply, and more frames than fit, are refused at once',
  async (t) => {
  const deep = await refusal(`{"t":"snap","v":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`);
  t.match(deep.found, /^a value nested too deeply as "v" of snap$/);
  const lines = text.replace(/("t":"frames".*?"r":")[^"]*/, '$10:2147483648:1:0');
  t.not(lines, text);
  const { found, expected } = await refusal(lines);
  t.equal(found, '2147483648 frames');
  t.equal(expected, 'at most 67108863, as many as a system holds');
});

t.test('data in no known packing is refused', async (t) => {
  const error = await refusal(Buffer.from('PK\u0003\u0004 not a snapshot at all, but a zip'));
  t.match(error.message, /neither JSON, gzip nor brotli/);
});

t.test('brotli is told by what it decodes to, however its bytes begin', async (t) => {
  const fixture = new URL('../fixtures/nginx-6w.snap.jsonl.gz', import.meta.url);
  const snapshot = gunzipSync(readFileSync(fixture));
  const firsts = new Set<string>();
  for (const window of [16, 18, 21, 22, 23, 24]) {
    for (const quality of [0, 1, 5, 9]) {
      const params = {
        [constants.BROTLI_PARAM_LGWIN]: window, [constants.BROTLI_PARAM_QUALITY]: quality,
      };
      const packed = brotliCompressSync(snapshot, { params });
      firsts.add(String.fromCharCode(packed[0] as number));
      for (const name of ['-', 'x.snap.jsonl.br', 'x.snap.jsonl']) {
        const { processes } = await readSnapshot(name, { input: streamOf(packed, 1000) });
        t.equal(processes.length, 9, `${name}, window ${window}, quality ${quality}`);
      }
    }
  }
  t.ok(firsts.has('['), 'one begins as a JSON array would');
});

t.test('brotli and gzip that end early or are damaged are called so', async (t) => {
  const brotli = brotliCompressSync(text);
  const gzip = gzipSync(text);
  for (const name of ['-', 'x.snap.jsonl.br']) {
    for (const bytes of [4, 20, brotli.length >> 1, brotli.length - 1]) {
      const error = await refusal(brotli.subarray(0, bytes), name);
      t.match(error.found, /^brotli data that ends early$/, `${name}: ${bytes} bytes`);
    }
  }
  const broken = Buffer.from(brotli);
  broken.fill(0xff, broken.length >> 1);
  t.match((await refusal(broken, 'x.br')).found, /^brotli data that is damaged$/);
  t.match((await refusal(gzip.subarray(0, 50))).found, /^gzip data that ends early$/);
  t.match((await refusal('[1, 2]\n')).found, /\[1, 2\]|\[1,2\]/, 'a JSON array is shown');
  t.match((await refusal('once upon a time\n')).found, /once upon a time/, 'text is shown');
});

t.test('bytes behind compressed data are refused, but for the zeros that pad gzip', async (t) => {
  for (const pack of [gzipSync, brotliCompressSync]) {
    for (const [extra, step] of [['garbage', 100], ['x'.repeat(300_000), 100_000]] as const) {
      const input = Buffer.concat([pack(text), Buffer.from(extra)]);
      const error = await caught(readSnapshot('-', { input: streamOf(input, step) }));
      t.match(error.found, /^other bytes behind the end of the (gzip|brotli) data$/);
    }
  }
  const padded = Buffer.concat([gzipSync(text), Buffer.alloc(100_000)]);
  t.equal((await read(padded)).frames.count, 9, 'zeros');
  const parts = Buffer.concat([gzipSync(text.slice(0, 300)), gzipSync(text.slice(300))]);
  t.equal((await read(parts)).frames.count, 9, 'two members');
});

t.test('files that cannot be read are refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'memsim-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.match(await caught(readSnapshot(join(folder, 'none'))), { found: 'no such file', line: 0 });
  t.match(await caught(readSnapshot(folder)), { found: 'a directory', line: 0 });
  const file = join(folder, 'a.snap.jsonl');
  writeFileSync(file, text);
  const seen: number[][] = [];
  await readSnapshot(file, { onProgress: (done, total) => seen.push([done, total]) });
  t.same(seen, [[text.length, text.length]], 'progress in bytes of the file');
});

t.test('a process below itself is refused', (t) => {
  const one = { comm: '', cmdline: '', threads: 1, mapStart: 0, mapEnd: 0 };
  const processes = [
    { ...one, pid: 5, ppid: 6, line: 3 },
    { ...one, pid: 6, ppid: 5, line: 4 },
  ];
  t.throws(() => forkOrder({ file: 'f', processes }), /line 3: found pid 5 below itself/);
  t.end();
});

t.test('text from the input cannot break a terminal', async (t) => {
  const error = await refusal(set(LINE.proc, 'ppid', '\u001b[2J\n\u009b'));
  t.notMatch(error.message, /[\u0000-\u001f\u007f-\u009f]/);  
});
