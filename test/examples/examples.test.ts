/**
 * The examples run, and print what follows from their rules. What they print in full stands in the
 * guides, and is compared there (docs.test.ts); the limit-* are tested in test/page/.
 */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { openScenario, TaskType } from '../../src/index.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** Lines that an example prints. */
const linesOf = async (name: string, ...args: string[]): Promise<string[]> => {
  const { stdout } = await run(process.execPath, [join(root, 'examples', name), ...args]);
  return stdout.trimEnd().split('\n');
};

/** Numbers in a line, in order. */
const numbersIn = (line: string | undefined): number[] =>
  (line?.match(/\d+(\.\d+)?/g) ?? []).map(Number);

t.test('every example is tried here', async (t) => {
  const names = readdirSync(join(root, 'examples')).sort();
  t.strictSame(names, [
    'compress-forks.mjs',
    'cow-rfc0254.mjs',
    'fork-10000.mjs',
    'fork-lab.txt',
    'limit-cow-clones.scenario.json',
    'limit-kernel-memory.scenario.json',
    'limit-multiply-mapped.scenario.json',
    'limit-unmapped.scenario.json',
    'load-snapshot.mjs',
    'memory-short.mjs',
    'million-handles.mjs',
    'overcommit.mjs',
    'page-ages.mjs',
    'pager-file.mjs',
    'prefork-server.scenario.json',
    'whose-page.mjs',
  ]);
});

t.test('prefork-server: workers share the parent\'s data until they write', async (t) => {
  const MIB = 2 ** 20;
  const run = await openScenario(join(root, 'examples/prefork-server.scenario.json'));
  const shares = async (): Promise<number[]> => {
    const { tasks } = await run.system.account({ policy: 'exact' });
    const shares = Array.from(tasks.pss.bytes.subarray(0, tasks.count), Number);
    return shares.filter((_, row) => tasks.type[row] === TaskType.PROCESS);
  };
  t.equal(run.next()?.step.do, 'fork');
  const [server, ...workers] = await shares();
  t.strictSame([server, ...workers], Array(9).fill(Math.floor(65 * MIB / 9)), '65 MiB by nine');
  while (run.system.clock.nowNs < 10_000_000_000n) run.next();
  const [after, first] = await shares();
  // 4 MiB are its own, 60 MiB of data and 1 MiB of code are by nine; the parent has 4 MiB alone
  const each = 4 * MIB + Math.floor(61 * MIB / 9);
  t.strictSame([after, first], [each, each]);
  run.finish();
  t.equal((await shares()).length, 5);
});

t.test('fork-10000: ten thousand forks of a gibibyte cost what they wrote', async (t) => {
  const lines = await linesOf('fork-10000.mjs');
  const pages = 2 ** 18 + 10_000 * 100;
  t.match(lines[0], `${2 ** 18 * 10_001} pages in 10001 processes`);
  t.match(lines[1], `${pages} pages, ${pages * 4096} bytes`);
  const [sum, missing, base] = numbersIn(lines[2]);
  t.strictSame([sum, base], [pages * 4096, 2]);
  t.ok(missing! < 2 ** 36, 'less than 2^-27 byte is lost to rounding');
});

t.test('fork-10000: as many forks as one likes', async (t) => {
  const lines = await linesOf('fork-10000.mjs', '10');
  t.match(lines[1], `${2 ** 18 + 1000} pages`);
});

t.test('cow-rfc0254: the same pages, charged by two rules', async (t) => {
  const lines = await linesOf('cow-rfc0254.mjs');
  t.match(lines[2], /2 pages +P 8192 -> 4096 +C 0 -> 4096$/);
  t.match(lines[3], /3 pages +P 8192 -> 6144 +C 4096 -> 6144$/);
  t.equal(lines.at(-1), 'C reads 2 in page 0 and 1 in page 1');
});

t.test('million-handles: 32 bytes each, and all comes back', async (t) => {
  const lines = await linesOf('million-handles.mjs');
  const [, , , handles] = numbersIn(lines[2]);
  t.ok(handles! >= 32e6 && handles! < 33e6);
  t.match(lines.at(-1), /hoarder - +heap 0 +ipc 0$/);
});

t.test('whose-page: only exact and mapcount add up to the frames', async (t) => {
  const lines = await linesOf('whose-page.mjs');
  const closes = lines.slice(1, 6).map((line) => {
    const figures = numbersIn(line).slice(-2);
    return `${line.split(' ')[0]} ${figures[0] === figures[1]}`;
  });
  t.strictSame(closes, [
    'classic false', 'attributed false', 'exact true', 'exact true', 'mapcount true',
  ]);
});

t.test('load-snapshot: shares of both policies are of the same frames', async (t) => {
  const lines = await linesOf('load-snapshot.mjs');
  const rows = lines.slice(1).filter((line) => /^ *\d+ {2}\w/.test(line)).map(numbersIn);
  const total = (column: number) => rows.reduce((sum, row) => sum + row[column]!, 0);
  const bytes = numbersIn(lines.find((line) => line.includes('distinct frames')))[1]!;
  t.equal(rows.length, 10);
  t.ok(Math.abs(total(1) - bytes) < 10 && Math.abs(total(2) - bytes) < 10, 'both add up');
});

t.test('page-ages: what is used, dirty, pinned or needed stays longest', async (t) => {
  const lines = await linesOf('page-ages.mjs');
  t.match(lines[1], /3 3 3 3 3 3 3 3$/, 'three rotations in 15 seconds');
  t.match(lines[7], / - - 6 6$/, 'isolated first, then the oldest');
  t.match(lines.at(-1), /- pager_backed_dirty 0 0 - - - -$/);
});

t.test('pager-file: pages come when needed, and what was written is on disk', async (t) => {
  const lines = await linesOf('pager-file.mjs');
  t.equal(lines.filter((line) => line.includes('READ of file 7')).length, 4);
  t.ok(lines.includes('  page 4 on disk: "PAGE 4 on disk"'));
  t.match(lines.at(-1), 'COMPLETE');
});

t.test('compress-forks: what many share is compressed for all of them', async (t) => {
  const lines = await linesOf('compress-forks.mjs');
  t.equal(lines[1], 'compressed 16384 pages, shared by 1001 VMOs');
  t.equal(lines.at(-1), 'it has 4096 bytes committed, 67108864 populated');
});

t.test('overcommit: levels in order, pages taken, and the marked job dies', async (t) => {
  const lines = await linesOf('overcommit.mjs');
  const order = lines.flatMap((line) => /(level {2}\w+|evict|kill) /.exec(`${line} `)?.[1] ?? []);
  t.strictSame(order, [
    'level  WARNING', 'level  CRITICAL', 'evict', 'level  OUT_OF_MEMORY', 'kill', 'level  NORMAL',
  ]);
  t.match(lines.find((line) => line.startsWith('write at')), /ZX_ERR_NO_MEMORY/);
});
