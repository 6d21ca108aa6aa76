/**
 * The shell: lines as commands, pipes and files, words that change the system, and a terminal.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { complete, type CommandWords } from '../../src/cli/shell/complete.js';
import { parseLine } from '../../src/cli/shell/words.js';

const HOOK = new URL('../../scripts/ts-hook.mjs', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'memsim-shell-'));
t.teardown(() => { rmSync(folder, { recursive: true, force: true }); });

/** Runs lines as a script. */
const script = (...lines: string[]): { status: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath, ['--import', HOOK, MAIN, 'shell'],
    { input: lines.map((line) => `${line}\n`).join(''), encoding: 'utf8' },
  );
  return { status, out: stdout, err: stderr };
};

t.test('a line is commands, quotes, pipes and a file', async (t) => {
  t.strictSame(parseLine('  '), { commands: [], append: false });
  t.strictSame(parseLine('memgraph -vt | treemap > mem.html # all of it'), {
    commands: [['memgraph', '-vt'], ['treemap']], append: false, file: 'mem.html',
  });
  t.strictSame(parseLine('write 1:0 \'a "b"\' "c \\" d" e\\ f >> x').commands[0], [
    'write', '1:0', 'a "b"', 'c " d', 'e f',
  ]);
  t.equal(parseLine('a >> x').append, true);
  for (const bad of ['a |', '| a', 'a > ', 'a > b c', 'a \'b', 'a "b', 'a\\', '> x']) {
    t.throws(() => parseLine(bad), { name: 'UsageError' }, bad);
  }
});

const command = (name: string, more: Partial<CommandWords> = {}): CommandWords => ({
  name, options: ['--help', '--policy', '-s'], words: [], takesProcess: false,
  values: new Map([['--policy', ['classic', 'exact']]]), ...more,
});
const offers = {
  commands: new Map([
    ['vmaps', command('vmaps', { takesProcess: true })], ['vmos', command('vmos')],
    ['zx', command('zx', { words: ['asd', 'ps'] })],
  ]),
  processKoids: () => ['1043', '1104', '2115'],
  systems: ['boot', 'linux'],
};

t.test('the tab key offers what fits', async (t) => {
  const all: [line: string, fits: string[]][] = [
    ['vm', ['vmaps', 'vmos']], ['vma', ['vmaps ']], ['vmaps 1', ['1043', '1104']],
    ['ps | z', ['zx ']], ['k ', ['pmm', 'scanner', 'vmm', 'zx']], ['k zx a', ['asd ']],
    ['vmos --p', ['--policy ']], ['vmos --policy e', ['exact ']], ['vmos -s lin', ['linux ']],
    ['nothing fits here ~~', []],
  ];
  for (const [line, fits] of all) t.strictSame(complete(line, offers)[0], fits, line);
});

t.test('a script ends as its last command does, whatever follows without a command', async (t) => {
  t.equal(script('ps -J', 'vmaps 9', '', '# that was all').status, 1);
  t.equal(script('vmaps 9', 'exit').status, 1);
  t.equal(script('vmaps 9', 'ps -J > /dev/null', 'exit').status, 0);
});

t.test('- is what the command before printed, never the lines of a script', async (t) => {
  const { out, err } = script('ps -J -s -', 'system -', 'create job lab', 'ps -J > /dev/null');
  t.equal(err.match(/-: no command before this one prints a system/g)?.length, 2);
  t.equal(out, 'job 1063\n', 'the lines behind it run');
});

t.test('a script that cannot be read is refused with its name', async (t) => {
  for (const [file, why] of [[folder, 'it is a directory'], [join(folder, 'none'), 'no such']]) {
    const { status, stderr } = spawnSync(process.execPath, ['--import', HOOK, MAIN, 'shell', file!],
      { encoding: 'utf8' });
    t.equal(status, 1);
    t.ok(stderr.startsWith(`cannot read ${file}: ${why}`), stderr);
  }
});

t.test('a script runs line by line', async (t) => {
  const file = join(folder, 'ps.txt');
  const all = script('ps -J | nothing', `ps -J > ${file}`, `k ps -J >> ${file}`, 'vmaps 9');
  t.equal(all.status, 1);
  t.match(all.err, /unknown command 'nothing'/);
  t.match(all.err, /couldn't find process with koid 9/);
  t.equal(readFileSync(file, 'utf8').match(/zircon-drivers/g)?.length, 2);
  const ended = script('exit', 'ps');
  t.strictSame(ended, { status: 0, out: '', err: '' });
  t.equal(script('ps --frob').status, 2);
  t.match(script('shell').err, /this is one already/);
});

t.test('however many commands print, nothing warns', async (t) => {
  const all = script(...Array.from({ length: 12 }, () => 'kstats -m -n 1'));
  t.strictSame([all.status, all.err], [0, '']);
  t.equal(all.out.split('\n').length, 2 * 12 + 1);
});

t.test('what a command prints is what the next one reads', async (t) => {
  const file = join(folder, 'mem.html');
  const { status, err } = script(`memgraph -vt | treemap > ${file}`, 'memgraph | ps -J -s -');
  t.strictSame([status, err], [0, '']);
  t.match(readFileSync(file, 'utf8'), /<html/);
});

t.test('its words change the live system, and the views show it', async (t) => {
  const { status, out, err } = script(
    'create job lab', 'create process eater 1063', 'create vmo 1M scratch', 'map 1064 1066 1M',
    'write 1066:4090 "hello, world"', 'read 1066:4088 16', 'clone 1066 copy 1064', 'fork 1064 2',
    'ps --policy exact --job=1063', 'run 5', 'kill 1063', 'vmos 1064',
  );
  t.equal(status, 1);
  t.match(out, /^job 1063\nprocess 1064\nvmo 1066\n0x[0-9a-f]+\n/);
  t.match(out, /00000ff8 {2}00 00 68 65 6c 6c 6f 2c 20 77 6f 72 6c 64 00 00 {2}..hello, world../);
  t.match(out, /vmo \d+, handle 0x[0-9a-f]+ of process 1064\n/);
  t.equal(out.match(/^ *p:\d+ .* eater$/gm)?.length, 3);
  t.match(out, /5 seconds since the system began\n/);
  t.match(err, /couldn't find process with koid 1064/);
});

t.test('wrong words are refused, and change nothing', async (t) => {
  const wrong: [line: string, says: RegExp][] = [
    ['create', /Usage: create job/], ['create vmo 1x', /'1x' is no size/],
    ['map 1043', /Usage: map/],
    ['fork 1043 0', /1 to 1000000/], ['fork 9', /no process with koid 9/], ['close 9', /holds no/],
    ['write 1043 x', /Usage: write/], ['kill 9', /no job or process with koid 9/],
    ['run x', /'x': expected seconds, 0 to 9007199/],
    ['system nowhere', /no such system or file/], ['exit now', /Usage: exit/],
    ['touch 1043:0 4k', /ZX_ERR_NOT_FOUND/], ['commit 9', /no VMO with koid 9/],
    ['kill 1043 1082', /Usage: kill KOID/], ['create job lab 1028 7', /Usage: create job/],
    ['unmap 1043 0 4k 8k', /Usage: unmap/], ['commit 9 0', /Usage: commit VMO \[OFFSET SIZE\]/],
    ['help me', /Usage: help/], ['system boot page-vmaps', /Usage: system/],
    ['read 1043:0 1M', /'1M': expected at most 65536 bytes/],
  ];
  const { err, out } = script(...wrong.map(([line]) => line), 'ps -J');
  t.equal(out, script('ps -J').out);
  for (const [line, says] of wrong) t.match(err, says, line);
  t.notMatch(err, /at .*\.ts:\d+/, 'no stack trace');
});

t.test('a fork that cannot be made so often is not made at all', async (t) => {
  const file = join(folder, 'small.scenario.json');
  writeFileSync(file, JSON.stringify({
    scenario: 1, system: { memory: '1M' },
    processes: [{ name: 'one', koid: 5000, maps: [{ vmo: { size: '64k' }, touch: '64k' }] }],
  }));
  const look = ['ps', 'pmm dump', 'vmm aspaces'];
  const { err, out: both } = script(`system ${file}`, ...look, 'fork 5000 1000000', ...look);
  const out = both.slice(both.indexOf('\n') + 1);
  t.match(err, /^ZX_ERR_NO_MEMORY.*\n$/);
  t.equal(out.slice(0, out.length / 2), out.slice(out.length / 2));
});

t.test('as much time passes as is asked for', async (t) => {
  const { out, err } = script('run 9007199', 'run 9007200');
  t.equal(out, '9007199 seconds since the system began\n');
  t.match(err, /'9007200': expected seconds, 0 to 9007199\n/);
});

const hasTerminal = spawnSync('script', ['--version']).status === 0;

t.test('on a terminal: completion, an error, an interrupt, exit', {
  skip: hasTerminal ? false : 'needs script(1) of util-linux to have a terminal',
}, async (t) => {
  const shell = spawn('script', [
    '-qec', `'${process.execPath}' --import '${HOOK}' '${MAIN}' shell`, '/dev/null',
  ], { env: { ...process.env, XDG_STATE_HOME: folder, TERM: 'xterm' } });
  let out = '';
  shell.stdout.setEncoding('utf8').on('data', (piece: string) => (out += piece));
  const until = async (wanted: RegExp): Promise<void> => {
    const shown = (): string => out.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
    for (let i = 0; i < 600 && !wanted.test(shown()); i++) {
      await new Promise((resolve) => { setTimeout(resolve, 25); });
    }
    t.match(shown(), wanted);
    out = '';
  };
  await until(/boot> $/);
  shell.stdin.write('vma\t');
  await until(/vmaps /);
  shell.stdin.write('9\r');
  await until(/couldn't find process with koid 9[^]*boot> $/);
  shell.stdin.write('half a line\x03');
  await until(/\^C[^]*boot> $/);
  shell.stdin.write('kstats -m -d 600\r');
  await until(/mem total[^]*\n.*M/);
  shell.stdin.write('\x03');
  await until(/boot> $/);
  shell.stdin.write('\x1b[A');
  await until(/kstats -m -d 600/);
  shell.stdin.write('\x15exit\r');
  const status = await new Promise((resolve) => { shell.on('close', resolve); });
  t.equal(status, 0);
  t.match(readFileSync(join(folder, 'memsim/history'), 'utf8'), /^vmaps 9$/m);
});

t.test('the console\'s timers report each second until they are typed again', async (t) => {
  const all = script(
    'pmm free', 'k zx mwd 20', 'k zx hwd 10', 'run 2', 'pmm free', 'zx mwd', 'run 1',
    'create vmo 4k', 'run 1', 'zx hwd', 'run 1', 'pmm free --json',
  );
  t.equal(all.status, 0);
  const hog = "MemoryHog! proc  1916   24M 'driver_host:pci#3:8086:2922'\n";
  const handles = Number(/HandleWatchdog! (\d+)/.exec(all.out)?.[1]);
  const watched = (count: number): string =>
    `HandleWatchdog! ${count} handles outstanding (greater than limit 10)\n`;
  t.equal(all.out, [
    'pmm free: issue the same command to stop.\n', 'zx mwd: issue the same command to stop.\n',
    'zx hwd: issue the same command to stop.\n',
    ` 1686 free MBs\n${hog}${watched(handles)}`, ` 1686 free MBs\n${hog}`,
    '2 seconds since the system began\n', '3 seconds since the system began\n',
    /vmo \d+\n/.exec(all.out)?.[0], watched(handles + 1), '4 seconds since the system began\n',
    '5 seconds since the system began\n', '[\n{"free_bytes":1768300544}\n]\n',
  ].join(''));
  const dropped = script('create vmo 4k', 'zx hwd ' + (handles), 'run 1', 'close '
    + (/vmo (\d+)/.exec(script('create vmo 4k').out)?.[1] ?? ''), 'run 1', 'zx hwd x');
  t.match(dropped.out, `HandleWatchdog! ${handles + 1} handles outstanding (greater than`);
  t.match(dropped.out, `HandleWatchdog! ${handles} handles outstanding (dropping below limit`);
  t.match(dropped.err, '"x" is not a number');
});
