/** The command line as a process of its own: exit statuses, pipes, interrupts. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { golden } from '../views/samples.js';

const HOOK = new URL('../../scripts/ts-hook.mjs', import.meta.url).href;
const MAIN = fileURLToPath(new URL('hand-made-main.ts', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; out: string; err: string }>;
}

/** Starts one command line; `readBytes` closes its standard output after so many. */
function start(argv: string[], readBytes = Infinity): Run {
  const child = spawn(process.execPath, ['--import', HOOK, MAIN, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    out += piece;
    if (out.length >= readBytes) child.stdout?.destroy();
  });
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => (err += piece));
  const ended = once(child, 'close').then(([status]) => ({
    status: status as number | null, out, err,
  }));
  return { child, ended };
}

t.test('statuses and streams are those of the interface', async (t) => {
  const [done, usage, failed, ours, late] = await Promise.all([
    start(['ps']).ended,
    start(['ps', '--frob']).ended,
    start(['vmaps', '9']).ended,
    start(['ps', '-s', 'broken']).ended,
    start(['ps', '-s', 'late']).ended,
  ]);
  t.strictSame(done, { status: 0, out: golden('ps-boot.txt'), err: '' });
  t.strictSame(usage, {
    status: 2, out: '', err: 'Unknown option: --frob\ntry memsim ps --help\n',
  });
  t.strictSame(failed, {
    status: 1, out: '', err: "ERROR: couldn't find process with koid 9: ZX_ERR_NOT_FOUND (-25)\n",
  });
  t.strictSame(ours, {
    status: 1, out: '', err: 'internal error: x is undefined (MEMSIM_DEBUG=1 shows where)\n',
  });
  t.strictSame(late, {
    status: 1, out: '', err: 'internal error: y is undefined (MEMSIM_DEBUG=1 shows where)\n',
  });
});

t.test('a large result arrives whole, and closing the pipe early is no error', async (t) => {
  const [whole, closed] = await Promise.all([
    start(['ps', '-s', 'many', '--json']).ended,
    start(['ps', '-s', 'many', '--json'], 1000).ended,
  ]);
  t.strictSame([whole.status, whole.err], [0, '']);
  t.equal((JSON.parse(whole.out) as unknown[]).length, 100_000);
  t.strictSame([closed.status, closed.err], [0, '']);
  t.ok(closed.out.length < whole.out.length / 2);
});

t.test('a reader that goes away ends an endless kstats with status 0', async (t) => {
  const { status, out, err } = await start(['kstats', '-m', '-d', '1'], 10).ended;
  t.strictSame([status, err], [0, '']);
  t.equal(out, golden('kstats-m.txt'));
});

t.test('an interrupt ends kstats with status 0', async (t) => {
  const { child, ended } = start(['kstats', '-m', '-d', '600']);
  if (child.stdout) await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill('SIGINT');
  const { status, out, err } = await ended;
  t.strictSame({ status, out, err }, { status: 0, out: golden('kstats-m.txt'), err: '' });
});
