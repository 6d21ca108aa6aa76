/** `memsim treemap` and `memgraph` as they are typed: pipes, files, and which system is shown. */

import { exec } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BOOT } from '../views/samples.js';
import { memsim } from './fake.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'memsim-treemap-'));
t.teardown(() => rmSync(dir, { recursive: true }));

interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in the shell, as typed; `memsim` is the built command. */
const typed = (line: string): Promise<Run> => new Promise((resolve) => {
  const memsim = `memsim() { "${process.execPath}" "${join(root, 'build/cli/main.js')}" "$@"; }`;
  exec(`cd "${dir}"\n${memsim}\n${line}`, { maxBuffer: 2 ** 26 }, (error, out, err) => {
    resolve({ status: error === null ? 0 : error.code ?? 1, out, err });
  });
});

const titleOf = (page: string): string | undefined => /<title>(.*)<\/title>/.exec(page)?.[1];

t.test('without -s it shows what is on standard input, else boot', async (t) => {
  const open = async (argv: string[], hasInput: boolean): Promise<string[]> =>
    (await memsim(argv, BOOT, { hasInput })).opened;
  t.strictSame(await open(['treemap'], true), ['-']);
  t.strictSame(await open(['treemap'], false), ['boot']);
  t.strictSame(await open(['treemap', '-s', 'x.json'], true), ['x.json']);
  t.strictSame(await open(['-s', 'boot', 'treemap'], true), ['boot'], 'boot, if asked for');
  t.strictSame(await open(['ps'], true), ['boot'], 'other commands never read it unasked');
});

t.test('it prints a page and nothing else', async (t) => {
  const { out } = await memsim(['treemap'], BOOT);
  t.match(out, /^<!DOCTYPE html>/);
  t.equal(titleOf(out), 'Memory usage: boot');
  const { status, err } = await memsim(['treemap', '--json'], BOOT);
  t.strictSame([status, err], [2, 'treemap prints an HTML page only, found --json or --csv\n'
    + 'try memsim treemap --help\n']);
  t.equal((await memsim(['treemap', 'x'], BOOT)).status, 2);
});

t.test('as typed in a shell', { skip: process.platform === 'win32' ? 'no sh' : false },
  async (t) => {
    t.strictSame(await typed('memsim memgraph -vt | memsim treemap > mem.html'),
      { status: 0, out: '', err: '' });
    const piped = readFileSync(join(dir, 'mem.html'), 'utf8');
    t.equal(titleOf(piped), 'Memory usage: standard input');
    t.match(piped, '12 processes');
    const twoSteps = 'memsim memgraph -v > mem.json && memsim treemap -o a.html < mem.json';
    t.strictSame(await typed(twoSteps),
      { status: 0, out: '', err: '' });
    t.match(readFileSync(join(dir, 'a.html'), 'utf8'), 'jemalloc-heap');
    t.equal(titleOf((await typed('memsim treemap < /dev/null')).out), 'Memory usage: boot');
    const [page, json, bad] = await Promise.all([
      typed('{ memsim treemap < mem.json; echo $? >&2; } | head -n 1'),
      typed('{ memsim memgraph -vtH -s mem.json; echo $? >&2; } | head -n 1'),
      typed('echo "[{}]" | memsim treemap'),
    ]);
    t.strictSame(page, { status: 0, out: '<!DOCTYPE html>\n', err: '0\n' }, 'a closed pipe');
    t.strictSame(json, { status: 0, out: '[\n', err: '0\n' }, 'a closed pipe');
    t.strictSame(bad, {
      status: 1, out: '',
      err: 'standard input: found nothing at $[0].type, expected a text\n',
    });
  });
