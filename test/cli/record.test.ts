/** `record` on processes of its own: the kernel's figures, stopping, refusals, files. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import t from 'tap';
import { writeLines } from '../../src/export/file.js';
import { ProcFiles } from '../../src/import/linux/live/proc-files.js';
import { Stopped } from '../../src/import/linux/live/stop.js';
import { treeOf } from '../../src/import/linux/live/select.js';
import { System } from '../../src/system.js';
import { childrenOf, noFrames, startTree, stateOf } from '../support/children.js';
import { memsim } from './fake.js';

const open = (spec: string): Promise<System> => System.open(spec);
const HOOK = new URL('../../scripts/ts-hook.mjs', import.meta.url).href;
const STOP = new URL('../../src/import/linux/live/stop.ts', import.meta.url).href;
const PROC = new URL('../../src/import/linux/live/proc-files.ts', import.meta.url).href;
const skip = noFrames();
const noLinux = process.platform === 'linux' ? false : 'no Linux';

/** States of seven processes of which none is stopped. */
const GOING = /^[SRD]{7}$/;

interface PsRow {
  type: string; koid: number; name: string; pss_bytes: number; private_bytes: number;
  shared_bytes: number; pss_anon_bytes: number;
}

/** Records until nothing else of the machine changed what was recorded meanwhile. */
async function recordQuietly(argv: string[]): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const { status, err } = await memsim(argv);
    if (status !== 0) throw new Error(err);
    if (!err.includes('changed meanwhile') || attempt === 40) return err;
    await sleep(50);
  }
}

t.test('ps of a recorded tree is the smaps_rollup that was recorded', { skip }, async (t) => {
  const tree = await startTree();
  t.teardown(() => tree.end());
  const file = join(t.testdir({}), 'tree.snap.jsonl.gz');
  const said = await recordQuietly(
    ['record', '--tree', String(tree.pid), '--stop', '--oracle', '-o', file],
  );
  t.match(said, /^recorded 7 processes, \d+ pages\n$/);
  t.match(treeOf(new ProcFiles(), tree.pid).map(stateOf).join(''), GOING, 'all go on');
  const { out, status } = await memsim(['ps', '-s', file, '--policy', 'mapcount', '--json'], {}, {
    open,
  });
  t.equal(status, 0);
  const rows = new Map((JSON.parse(out) as PsRow[]).map((row) => [row.koid, row]));
  const records = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
    .map((line) => JSON.parse(line) as {
      t: string; pid: number; rollup: Record<string, number>; user: string; stopped: boolean;
    });
  t.equal(records[0]?.stopped, true);
  const processes = records.filter((record) => record.t === 'proc');
  t.equal(processes.length, 7);
  for (const { pid, rollup, user } of processes) {
    const row = rows.get(pid);
    const kb = (...names: string[]): number =>
      names.reduce((sum, name) => sum + (rollup[name] ?? 0), 0);
    t.equal(Math.floor((row?.pss_bytes ?? 0) / 1024), kb('Pss'), `Pss of ${row?.name} ${pid}`);
    t.equal(Math.floor((row?.pss_anon_bytes ?? 0) / 1024), kb('Pss_Anon'), 'Pss_Anon');
    t.equal((row?.private_bytes ?? 0) / 1024, kb('Private_Clean', 'Private_Dirty'), 'private');
    t.equal((row?.shared_bytes ?? 0) / 1024, kb('Shared_Clean', 'Shared_Dirty'), 'shared');
    t.type(user, 'string');
  }
  t.ok(processes.some(({ rollup }) => (rollup['Shared_Dirty'] ?? 0) > 0), 'forks share memory');
});

t.test('some processes, without figures, to standard output', { skip }, async (t) => {
  const tree = await startTree();
  t.teardown(() => tree.end());
  const [first = 0, second = 0, third = 0] = childrenOf(tree.pid);
  const { status, out } = await memsim(
    ['record', '--pid', `${first},${second}`, '--pid', String(third), '-o', '-'],
  );
  t.equal(status, 0);
  t.match((await memsim(['record', '--pid', String(first), '-o', '/dev/null'])).err,
    /^recorded 1 process, \d+ pages/);
  const records = out.trimEnd().split('\n').map((line) => JSON.parse(line) as {
    t: string; pid?: number; rollup?: object; sf?: string[];
  });
  t.strictSame(records.filter((record) => record.t === 'proc').map((record) => record.pid),
    [first, second, third]);
  t.strictSame(records[0]?.sf, [], 'no figures: not an oracle');
  t.notOk(records.some((record) => record.rollup));
  t.equal(records.at(-1)?.t, 'end');
});

t.test('stopped processes go on: afterwards, on an interrupt, when the recorder is killed', {
  skip: noLinux,
}, async (t) => {
  const tree = await startTree();
  t.teardown(() => tree.end());
  const listeners = process.listenerCount('SIGTERM');
  const proc = new ProcFiles();
  const pids = (): number[] => treeOf(proc, tree.pid);
  const states = (): string => pids().map(stateOf).join('');
  const stopped = new Stopped(proc);
  t.strictSame(await stopped.stop(pids), []);
  t.equal(states(), 'TTTTTTT');
  stopped.continue();
  t.match(states(), GOING);
  const other = new Stopped(proc);
  await other.stop(pids);
  t.equal(states(), 'TTTTTTT');
  process.listeners('SIGINT').at(-1)?.('SIGINT');
  t.match(states(), GOING, 'an interrupt continues them');
  t.equal(process.listenerCount('SIGTERM'), listeners, 'nothing stays');

  const program = `const { Stopped } = await import('${STOP}');
    const { ProcFiles } = await import('${PROC}');
    await new Stopped(new ProcFiles()).stop(() => [${tree.pid}]);
    process.stdout.write('stopped');
    if (process.argv[1] === 'throw') throw new Error('x');
    setInterval(() => 0, 1000);`;
  for (const how of ['SIGTERM', 'SIGHUP', 'throw'] as const) {
    const child = spawn(process.execPath, ['--import', HOOK, '--input-type=module', '-e', program,
      how], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    if (how !== 'throw') t.equal(stateOf(tree.pid), 'T');
    if (how !== 'throw') child.kill(how);
    const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
    t.strictSame([status, signal], how === 'throw' ? [1, null] : [null, how]);
    t.match(stateOf(tree.pid), /[SR]/, how);
  }
});

t.test('an interrupt ends a recording with nothing written', { skip }, async (t) => {
  const tree = await startTree();
  t.teardown(() => tree.end());
  const file = join(t.testdir({}), 'x.snap.jsonl');
  const { status, err } = await memsim(
    ['record', '--tree', String(tree.pid), '--stop', '-o', file], {},
    { signal: AbortSignal.abort() },
  );
  t.strictSame([status, err], [1, 'record: interrupted, nothing was written\n']);
  t.notOk(existsSync(file));
  t.match(stateOf(tree.pid), /[SR]/);
});

const TRY = '\ntry memsim record --help\n';

t.test('wrong usage is refused before anything is read or stopped', async (t) => {
  const cases: [argv: string[], words: RegExp][] = [
    [[], /^record: expected -o FILE\n/],
    [['-o', 'x', '--json'], /^record writes snapshots, found --json or --csv\n/],
    [['-o', 'x', '--stop'], /^record --stop: expected --pid or --tree, stopping every process/],
    [['-o', 'x', '--pid', '0'], /Expected a process id\./],
    [['-o', 'x', '--pid', '1,,2'], /Expected a process id\./],
    [['-o', 'x', '--tree', 'init'], /Expected a process id\./],
    [['-o', 'x', '--frob'], /unknown option '--frob'/],
    [['-o', 'x', 'frob'], /too many arguments/],
  ];
  for (const [argv, words] of cases) {
    const { status, out, err } = await memsim(['record', ...argv]);
    t.strictSame([status, out], [2, ''], argv.join(' '));
    t.match(err, words);
    t.ok(err.endsWith(TRY));
  }
});

t.test('what cannot be recorded is refused in one line', { skip: noLinux }, async (t) => {
  const file = join(t.testdir({ 'old.snap.jsonl': 'old' }), 'old.snap.jsonl');
  const said = async (argv: string[]): Promise<string> => {
    const { status, out, err } = await memsim(['record', ...argv]);
    t.strictSame([status, out], [1, '']);
    return err;
  };
  t.equal(await said(['--pid', '4194303', '-o', file]),
    'record: found no process 4194303, expected processes that are running\n');
  t.equal(await said(['--tree', String(process.pid), '-o', file]),
    'record: it cannot record itself\n');
  if (skip === false) {
    t.equal(await said(['--pid', '2', '-o', file]),
      'record: none of these processes has memory\n', 'a kernel thread');
    const tree = await startTree();
    t.teardown(() => tree.end());
    t.equal(await said(['--pid', String(tree.pid), '-o', '/nowhere/x.gz']),
      'cannot write /nowhere/x.gz: no such file or directory\n');
  } else {
    t.match(await said(['-o', file]), /^record: the kernel hides page frames from this user/);
  }
  t.equal(readFileSync(file, 'utf8'), 'old');
});

t.test('files are compressed as their names say, and replaced whole', async (t) => {
  const folder = t.testdir({ 'a.jsonl': 'old' });
  const lines = ['{"a":1}', '{"b":"é"}'];
  const text = '{"a":1}\n{"b":"é"}\n';
  const path = (name: string): string => join(folder, name);
  for (const name of ['a.jsonl', 'a.jsonl.gz', 'a.jsonl.br']) await writeLines(path(name), lines);
  t.equal(readFileSync(path('a.jsonl'), 'utf8'), text);
  t.equal(gunzipSync(readFileSync(path('a.jsonl.gz'))).toString(), text);
  t.equal(brotliDecompressSync(readFileSync(path('a.jsonl.br'))).toString(), text);
  writeFileSync(path('b'), 'old');
  function* failing(): Generator<string> {
    yield 'new';
    throw new Error('in the middle');
  }
  await t.rejects(writeLines(path('b'), failing()), { message: 'in the middle' });
  t.equal(readFileSync(path('b'), 'utf8'), 'old');
  t.strictSame(readdirSync(folder).sort(), ['a.jsonl', 'a.jsonl.br', 'a.jsonl.gz', 'b'],
    'no partial file stays');
  await writeLines('/dev/null', lines);
  t.ok(existsSync('/dev/null'), 'a device is written in place');
  await t.rejects(writeLines(folder, lines), { code: 'EISDIR' });
});
