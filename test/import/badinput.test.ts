/**
 * Broken snapshots: each one ends in one sentence with file, line, what was found and what was
 * expected.
 */

import { brotliCompressSync, gzipSync } from 'node:zlib';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

t.test('data in no known packing is refused', async (t) => {
  const error = await refusal(Buffer.from('PK\u0003\u0004 not a snapshot at all, but a zip'));
  t.match(error.message, /neither JSON, gzip nor brotli/);
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
