/**
 * `memsim run`, scenarios as `-s`, and the embedded systems against what the tools printed on a
 * real device.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const MAIN = fileURLToPath(new URL('../../build/cli/main.js', import.meta.url));
const golden = (name: string): string =>
  readFileSync(new URL(`../fixtures/golden/${name}`, import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'memsim-run-'));
t.teardown(() => { rmSync(folder, { recursive: true, force: true }); });

const memsim = (...args: string[]): string =>
  execFileSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
const failing = (args: string[], input = ''): [number | null, string, string] => {
  const { status, stdout, stderr } =
    spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', input });
  return [status, stdout, stderr];
};

const file = join(folder, 'a.scenario.json');
writeFileSync(file, JSON.stringify({
  scenario: 1, title: 'a \u001b[2J title', system: { memory: '64M' },
  processes: [{ id: 'p', name: 'one', maps: [
    { id: 'm', vmo: { name: 'data', size: '4M' }, touch: '1M' },
  ] }],
  steps: [
    { do: 'note', text: 'twice as much' },
    { do: 'touch', at: '1500ms', process: 'p', map: 'm', ranges: '2M' },
    { do: 'show', command: 'ps | memgraph -S | ps -J' },
    { do: 'show', command: 'ps' },
    { do: 'touch', process: 'p', map: 'm', ranges: '8M', fails: 'ZX_ERR_NOT_FOUND' },
  ],
}));

t.test('the embedded systems print what the memory page shows', async (t) => {
  t.equal(memsim('ps'), golden('ps-boot.txt'));
  t.equal(memsim('kstats', '-m', '-n', '1'), golden('kstats-m.txt'));
  const asd = golden('asd-kernel.txt');
  t.equal(memsim('zx', 'asd', 'kernel').slice(0, asd.length), asd, 'the page cuts the rest');
  t.equal(memsim('vmaps', '-s', 'page-vmaps', '2470'), golden('vmaps-sh-2470.txt'));
});

t.test('vmos of page-vmos: the page leaves rows out, and has two sizes in bytes', async (t) => {
  const printed = memsim('vmos', '-s', 'page-vmos', '1118').trimEnd().split('\n');
  const sizes: [string, string][] = [['33.6k', '  36k'], ['883.2k', '  884k']];
  const wanted = sizes.reduce((text, [bytes, pages]) => text.replace(bytes, pages),
    golden('vmos-1118.txt')).trimEnd().split('\n');
  let at = 0;
  for (const line of wanted) {
    const found = printed.indexOf(line, at);
    t.ok(found >= at, line);
    at = found + 1;
  }
  const koids = (lines: string[]): string[] => lines.slice(1, -1).map((line) =>
    line.trim().split(/\s+/)[1]!);
  t.strictSame([...new Set(koids(printed))].sort(), koids(wanted).sort(), 'no VMO more');
});

t.test('run prints a line for each step, and what steps show', async (t) => {
  const lines = memsim('run', file).split('\n');
  t.strictSame(lines.slice(0, 4), [
    '# a \\x1b[2J title',
    '     TIME      FREE      VMOS  PROCS STEP',
    '# twice as much',
    lines[3],
  ]);
  t.match(lines[3], /^ +1\.500s +62\.\dM +2M +1 touch process p, map m, ranges 2M$/);
  t.equal(lines.filter((line) => /p:\d+ +2M +2M +0B one/.test(line)).length, 1);
  t.match(lines.at(-2), /touch process p, map m, ranges 8M: ZX_ERR_NOT_FOUND$/);
  const rows = memsim('run', '--json', file).trimEnd().split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.strictSame(rows.map(({ path }) => path), [0, 1, 2, 3, 4].map((i) => `$.steps[${i}]`));
  t.strictSame([rows[1]!['time_ns'], rows[1]!['vmo_bytes']], [1_500_000_000, 2 ** 21]);
  t.equal(memsim('run', '--csv', file).trimEnd().split('\n').length, 6);
  memsim('run', file, '-o', join(folder, 'out.txt'));
  t.strictSame(readFileSync(join(folder, 'out.txt'), 'utf8').split('\n'), lines);
});

t.test('a scenario is a system: at its end, or with time to pass', async (t) => {
  t.match(memsim('ps', '-s', file), / 2M +2M +0B one/);
  const piped = failing(['ps', '-s', '-'], readFileSync(file, 'utf8'));
  t.match(piped[1], / 2M +2M +0B one/);
  const first = memsim('kstats', '-m', '-n', '1', '-s', file);
  t.match(first, / 1M /, 'kstats begins at the beginning');
  const shell = failing(['shell', '-s', file], 'ps\nrun 2\nps\n')[1];
  t.match(shell, / 1M +1M +0B one[^]* 2M +2M +0B one/);
});

t.test('what cannot be run is refused in one line', async (t) => {
  t.strictSame(failing(['run']), [2, '', 'Usage: run FILE\ntry memsim run --help\n']);
  t.equal(failing(['run', file, '-s', 'boot'])[0], 2);
  t.equal(failing(['run', join(folder, 'none')])[0], 1);
  const bad = join(folder, 'bad.scenario.json');
  writeFileSync(bad, '{"scenario": 1, "vmos": [{"size": -1}]}');
  t.strictSame(failing(['ps', '-s', bad]), [1, '',
    `${bad}: found -1 at $.vmos[0].size, expected a number from 0\n`]);
  const shown = join(folder, 'shown.scenario.json');
  writeFileSync(shown, '{"scenario": 1, "steps": [{"do": "show", "command": "vmaps 7"}]}');
  const [status, , err] = failing(['run', shown]);
  t.equal(status, 1);
  t.match(err, /koid 7/);
  t.ok(err.endsWith(`${shown} at $.steps[0]: the command that is shown failed\n`), err);
});

t.test('what a scenario shows only looks: writes no file, runs no other scenario', async (t) => {
  const self = join(folder, 'self.scenario.json');
  const target = join(folder, 'written');
  for (const command of [
    `run ${self}`, 'memsim shell', 'start', `record -o ${target}`, `ps > ${target}`,
    `ps >> ${target}`, `ps -o ${target}`, `ps -o${target}`, `-o ${target} ps`, 'ps -s -',
  ]) {
    writeFileSync(self, JSON.stringify({ scenario: 1, steps: [{ do: 'show', command }] }));
    const [status, , err] = failing(['run', self], '[]');
    t.ok(status === 1 || status === 2, command);
    t.match(err, /^(\w+ is not shown, expected ps|what is shown writes no file|-: no command)/);
    t.notOk(existsSync(target), command);
  }
});

t.test('what is a timer in the shell is one report in a scenario', async (t) => {
  const timers = join(folder, 'timers.scenario.json');
  writeFileSync(timers, JSON.stringify({ scenario: 1, system: { memory: '16M' }, steps: [
    { do: 'show', command: 'pmm free' }, { do: 'show', command: 'pmm free' },
  ] }));
  t.equal(memsim('run', timers).match(/^ 1\d free MBs$/gm)?.length, 2);
});

t.test('processes are counted as they come and go', async (t) => {
  const counted = join(folder, 'counted.scenario.json');
  writeFileSync(counted, JSON.stringify({
    scenario: 1, jobs: [{ id: 'j', processes: [{ name: 'in', times: 3 }] }],
    processes: [{ id: 'p', name: 'p' }],
    steps: [
      { do: 'fork', process: 'p', times: 4 }, { do: 'kill', task: 'j' }, { do: 'kill', task: 'p' },
    ],
  }));
  const rows = memsim('run', '--json', counted).trimEnd().split('\n');
  t.strictSame(rows.map((row) => (JSON.parse(row) as { processes: number }).processes), [8, 5, 4]);
});

t.test('run --schema prints the published schema', async (t) => {
  t.equal(memsim('run', '--schema'), readFileSync(
    new URL('../../docs/scenario.schema.json', import.meta.url), 'utf8'));
});
