/** The command line in this process: options, exit statuses, error texts, where results go. */

import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { OutStream } from '../../src/cli/output.js';
import { type DocumentSystem, readDocument } from '../../src/import/document/document.js';
import { InputError } from '../../src/import/errors.js';
import { ZxError } from '../../src/objects/errors.js';
import { BOOT, VMAPS_SH, VMOS_1118, golden } from '../views/samples.js';
import { makeTables } from '../views/make-tables.js';
import { memsim } from './fake.js';

t.test('the four commands print the golden files', async (t) => {
  t.equal((await memsim(['ps'], BOOT)).out, golden('ps-boot.txt'));
  t.equal((await memsim(['vmaps', '2470'], VMAPS_SH)).out, golden('vmaps-sh-2470.txt'));
  t.equal((await memsim(['vmos', '0x45e'], VMOS_1118)).out, golden('vmos-1118.txt'));
  t.equal((await memsim(['kstats', '-m', '-n', '1'], BOOT)).out, golden('kstats-m.txt'));
});

t.test('shared options stand before or after the command and reach the system', async (t) => {
  const late = await memsim(
    ['ps', '-T', '-s', 'x.snap.jsonl', '--policy', 'exact', '--reach', 'present', '--workers', '4'],
    BOOT,
  );
  t.strictSame(late.opened, ['x.snap.jsonl']);
  t.strictSame(late.accounts, [{ policy: 'exact', reach: 'present', workers: 4 }]);
  t.match(late.out, /UNMAPPED {3}KERNEL {3}STATE NAME/);
  const early = await memsim(['--system=-', '--workers', '0', 'ps'], BOOT, {
    system: { defaultPolicy: 'mapcount', defaultReach: 'present' },
  });
  t.strictSame(early.opened, ['-']);
  t.strictSame(early.accounts, [{ policy: 'mapcount', workers: 0 }]);
  t.strictSame((await memsim(['ps'], BOOT)).opened, ['boot']);
});

t.test('ps takes the options of the tool and ours', async (t) => {
  t.match((await memsim(['ps', '-JT', '--era', '2019'], BOOT)).out, /^TASK.*SHARED {3}STATE NAME/);
  t.match((await memsim(['ps', '--units=k'], BOOT)).out, '33624.0k  33596k');
  t.equal((await memsim(['ps', '--units='], BOOT)).out, golden('ps-boot.txt'), 'empty chooses');
  t.match((await memsim(['ps', '--units', 'q'], BOOT)).out, '?1384k');
  t.match((await memsim(['ps', '--job=1103'], BOOT)).out, /\nj:1103 /);
  t.equal((await memsim(['ps', '--sort', 'name', '--top=3'], BOOT)).out.split('\n').length, 6);
  t.match((await memsim(['ps', '--group', 'job'], BOOT)).out,
    '6   30.0M   30.0M    168k zircon-drivers');
});

t.test('page asks the system for one page, in decimal or hex', async (t) => {
  const asked: unknown[] = [];
  const system = {
    page: (target: unknown) => {
      asked.push(target);
      return Promise.reject(new ZxError('ZX_ERR_NOT_FOUND', 'pfn 9 was not recorded', {}));
    },
  };
  const pages = ['9', '0x9', '1043:4096', '9971:0xFFFFffffFFFFffff'];
  for (const page of pages) {
    const { status, out, err } = await memsim(['page', page], {}, { system });
    t.strictSame([status, out, err], [1, '', 'ZX_ERR_NOT_FOUND: pfn 9 was not recorded\n']);
  }
  t.strictSame(asked, [
    { pfn: 9 }, { pfn: 9 }, { koid: 1043, offset: 4096n },
    { koid: 9971, offset: 2n ** 64n - 1n },
  ]);
  t.match((await memsim(['page', 'help'])).out, /^Usage: page PFN/);
  t.match((await memsim(['page', '--help'])).out, /^Usage: page PFN/);
});

t.test('JSON and CSV show the same rows', async (t) => {
  const json = await memsim(['ps', '--json', '--top', '2'], BOOT);
  t.strictSame((JSON.parse(json.out) as { koid: number }[]).map((row) => row.koid), [1916, 1867]);
  const csv = await memsim(['ps', '--csv', '--top', '2'], BOOT);
  t.strictSame(csv.out.split('\n').map((line) => line.split(',')[1]),
    ['koid', '1916', '1867', undefined]);
  t.equal(JSON.parse((await memsim(['vmaps', '2470', '--json'], VMAPS_SH)).out).length, 17);
  t.equal((await memsim(['vmos', '1118', '--csv'], VMOS_1118)).out.split('\n').length, 11);
  const report = await memsim(['kstats', '--json', '-n', '1'], BOOT);
  t.equal(JSON.parse(report.out).total_bytes, 2147483648, '--json selects -m');
});

t.test('memgraph prints JSON, with what was asked for; a schema needs no system', async (t) => {
  const types = async (...flags: string[]): Promise<string> => {
    const { out } = await memsim(['memgraph', ...flags], BOOT);
    return (JSON.parse(out) as { type: string }[]).map(({ type }) => type[0]).join('');
  };
  t.equal(await types(), 'kkkkkkkkkkjpjppppppjppppp_');
  t.equal(await types('-tv', '--json'), 'kkkkkkkkkkjptjppppppjppppp_');
  t.match((await memsim(['memgraph', '--vmos'], VMOS_1118)).out, /"name": "ld.so.1"/);
  const asked = await memsim(['memgraph', '-H'], BOOT);
  t.match(asked.accounts, [{ handleCounts: true }]);
  const schema = await memsim(['memgraph', '-S'], BOOT);
  t.match(JSON.parse(schema.out), { type: 'array' });
  t.strictSame(schema.opened, []);
});

const EXPECTED = 'expected ps, vmaps, vmos, page, kstats, memgraph, treemap, record, '
  + 'zx, pmm, vmm, scanner, aspace, handle, run, start or shell';
const PAGE_USAGE = 'Usage: page PFN | KOID:OFFSET | PID:ADDRESS';
const USAGE: [argv: string[], message: string, help: string][] = [
  [[], `no command given, ${EXPECTED}`, 'memsim'],
  [['frob'], `unknown command 'frob', ${EXPECTED}`, 'memsim'],
  [['frob', 'x', 'y'], `unknown command 'frob', ${EXPECTED}`, 'memsim'],
  [['--frob', 'ps'], "unknown option '--frob'", 'memsim'],
  [['ps', '--frob'], 'Unknown option: --frob', 'memsim ps'],
  [['ps', '-t'], 'Unknown option: -t', 'memsim ps'],
  [['ps', 'frob'], 'Unknown option: frob', 'memsim ps'],
  [['vmaps'], 'Usage: vmaps <process-koid>|help', 'memsim vmaps'],
  [['vmaps', '1', '2'], 'Usage: vmaps <process-koid>|help', 'memsim vmaps'],
  [['vmos', '12x'], 'ERROR: "12x" is not a number', 'memsim vmos'],
  [['vmos', '089'], 'ERROR: "089" is not a number', 'memsim vmos'],
  [['vmos', '-q'], 'ERROR: "-q" is not a number', 'memsim vmos'],
  [['vmaps', '\x1b[2J'], 'ERROR: "\\x1b[2J" is not a number', 'memsim vmaps'],
  ...['', 'x', '12x', '-', '1:', ':1', '1:2:3', '0x', '1:-1', '1:0x10000000000000000', '1 2']
    .map((page): [string[], string, string] =>
      [['page', page], `${PAGE_USAGE}, found "${page}"`, 'memsim page']),
  [['page'], PAGE_USAGE, 'memsim page'],
  [['page', '1', '2'], PAGE_USAGE, 'memsim page'],
  [['page', '1', '--frob'], "unknown option '--frob'", 'memsim page'],
  [['kstats'], 'No statistics selected', 'memsim kstats'],
  [['kstats', '-e'], 'Unknown option', 'memsim kstats'],
  [['kstats', '-m', '-d', '0'], "Bad -d value '0'", 'memsim kstats'],
  [['kstats', '-m', '-d', 'x'], "Bad -d value 'x'", 'memsim kstats'],
  [['kstats', '-m', '-n', '0'], "Bad -n value '0'", 'memsim kstats'],
  [['memgraph', 'a', 'b'], 'memgraph: unrecognized extra arguments: a b', 'memsim memgraph'],
  [['memgraph', '-x'], "unknown option '-x'", 'memsim memgraph'],
  [['memgraph', '--csv'], 'memgraph prints JSON only, found --csv', 'memsim memgraph'],
  [['kstats', '--csv', '-cm'], 'kstats --csv: expected one of -c, -m, -l, -v', 'memsim kstats'],
  [['kstats', '-m', '-n', '1.5'], "Bad -n value '1.5'", 'memsim kstats'],
  [['kstats', '-m', '-n', ''], "Bad -n value ''", 'memsim kstats'],
  [['kstats', '-m', '-d', '-1'], "Bad -d value '-1'", 'memsim kstats'],
  [['start', '--json'], 'start prints text only, found --json or --csv', 'memsim start'],
];

t.test('wrong usage is status 2, upstream\'s words first, then where help is', async (t) => {
  for (const [argv, message, help] of USAGE) {
    const { status, out, err, opened } = await memsim(argv, BOOT);
    t.strictSame({ status, out, err, opened },
      { status: 2, out: '', err: `${message}\ntry ${help} --help\n`, opened: [] }, argv.join(' '));
  }
});

const WRONG_VALUES = [
  ['ps', '--policy', 'fair'], ['ps', '--reach', 'x'], ['ps', '--era', '1999'],
  ['ps', '--workers', '-1'], ['ps', '--workers', '1e3'], ['ps', '--json', '--csv'], ['ps', '-s'],
  ['ps', '--sort', 'age'], ['ps', '--top', '0'], ['ps', '--job', 'x'], ['ps', '--group', 'x'],
  ['ps', '--group', 'job', '-J'],
];

t.test('a policy and a reach that do not go together are wrong usage', async (t) => {
  const cases: [argv: string[], why: string, opened: number][] = [
    [['--policy', 'mapcount', '--reach', 'committed'],
      'policy mapcount accounts by reach present, not committed', 0],
    [['--policy', 'attributed', '--reach', 'present'],
      'policy attributed accounts by reach committed, not present', 0],
    [['--reach', 'present'], 'policy classic accounts by reach committed, not present', 1],
  ];
  for (const [argv, why, loads] of cases) {
    const { status, out, err, opened } = await memsim(['ps', ...argv], BOOT);
    t.strictSame([status, out, err], [2, '', `${why}\ntry memsim ps --help\n`], argv.join(' '));
    t.equal(opened.length, loads, 'known before a load where both are given');
  }
  const { status } = await memsim(['ps', '--policy', 'exact', '--reach', 'present'], BOOT);
  t.equal(status, 0);
});

t.test('help is a word too', async (t) => {
  const { status, out, err } = await memsim(['help']);
  t.strictSame([status, err], [0, '']);
  t.match(out, /^Usage: memsim COMMAND/);
});

t.test('ps sorts only by what the system knows', async (t) => {
  const swap = await memsim(['ps', '--sort=swap', '--top=1'], { ...BOOT, swap: true });
  t.match(swap.out, /SHARED {4}SWAP NAME/);
  const none = await memsim(['ps', '--sort=swap'], BOOT);
  t.strictSame([none.status, none.out, none.err],
    [1, '', 'ps --sort=swap: this system knows no swap\n']);
  for (const key of ['unmapped', 'kernel']) {
    const { status, out, err } = await memsim(['ps', `--sort=${key}`], BOOT);
    const why = `--sort=${key} goes with --policy exact only\ntry memsim ps --help\n`;
    t.strictSame([status, out, err], [2, '', why]);
    t.equal((await memsim(['ps', `--sort=${key}`, '--policy', 'exact'], BOOT)).status, 0);
  }
});

t.test('a wrong value is one sentence that names the option, before any load', async (t) => {
  for (const argv of WRONG_VALUES) {
    const { status, out, err, opened } = await memsim(argv, BOOT);
    t.strictSame({ status, out, opened }, { status: 2, out: '', opened: [] }, argv.join(' '));
    const [sentence = '', help, end] = err.split('\n');
    t.match(sentence, argv.filter((word) => word.startsWith('--'))[0] ?? '-s', sentence);
    t.equal(help, 'try memsim ps --help');
    t.equal(end, '');
  }
});

t.test('a wrong value of a common option names the help of its command', async (t) => {
  const wrong = [['--policy', 'fair'], ['--era=1999'], ['--workers', '1.5'], ['-s']];
  const commands = [['vmaps', '2441'], ['vmos', '2441'], ['page', '5'], ['kstats', '-m']];
  for (const option of wrong) {
    for (const command of commands) {
      const { status, err } = await memsim([...command, ...option], BOOT);
      t.equal(status, 2);
      t.equal(err.split('\n')[1], `try memsim ${command[0]} --help`, command.join(' '));
    }
    t.match((await memsim(option, BOOT)).err, /\ntry memsim --help\n$/);
  }
  const before = await memsim(['-s', 'ps', '--json', '--era', '1999', 'kstats', '-m'], BOOT);
  t.match(before.err, /\ntry memsim kstats --help\n$/, "an option's value is no command");
  t.match((await memsim(['--era', '1999', 'frob'], BOOT)).err, /\ntry memsim --help\n$/);
});

const FAILURES: [argv: string[], message: string][] = [
  [['vmaps', '9'], "ERROR: couldn't find process with koid 9: ZX_ERR_NOT_FOUND (-25)"],
  [['vmos', '1028'], "ERROR: couldn't find process with koid 1028: ZX_ERR_WRONG_TYPE (-12)"],
  [['vmos', '99999999999999999999'],
    "ERROR: couldn't find process with koid 99999999999999999999: ZX_ERR_NOT_FOUND (-25)"],
  [['ps', '--job=9'], 'ERROR: get_task_by_koid failed: ZX_ERR_NOT_FOUND (-25)'],
  [['ps', '--job=1043', '--json'], 'ERROR: object with koid 1043 is not a job'],
  [['ps', '-o', '/nowhere/at/all'], 'cannot write /nowhere/at/all: no such file or directory'],
  [['ps', '--group', 'user'], 'ps --group user: this system knows no users, expected name or job'],
];

t.test('every other failure is status 1 and one line, with no result', async (t) => {
  for (const [argv, message] of FAILURES) {
    const { status, out, err } = await memsim(argv, BOOT);
    t.strictSame({ status, out, err }, { status: 1, out: '', err: `${message}\n` }, argv.join(' '));
  }
});

t.test('mistakes of a user\'s show no stack, our own only under MEMSIM_DEBUG', async (t) => {
  const failing = (error: Error, debug = false) => memsim(['ps', '--json'], BOOT, {
    debug, open: () => Promise.reject(error),
  });
  const input = await failing(new InputError('a\x1b.snap', 3, '"x"', 'a number'));
  t.equal(input.status, 1);
  t.equal(input.out, '');
  t.match(input.err, /^a\S+\.snap, line 3: found "x", expected a number\n$/);
  t.notMatch(input.err, '\x1b');
  const memory = await failing(new ZxError('ZX_ERR_NO_MEMORY', 'asked for 9 pages, 2 are left'));
  t.equal(memory.err, 'ZX_ERR_NO_MEMORY: asked for 9 pages, 2 are left\n');
  const ours = await failing(new TypeError('x is\nundefined'));
  t.equal(ours.status, 1);
  t.equal(ours.err, 'internal error: x is\\nundefined (MEMSIM_DEBUG=1 shows where)\n');
  t.match((await failing(new TypeError('x'), true)).err, /\n {4}at /);
  const passing = await memsim(['ps'], BOOT, {
    system: { account: () => Promise.reject(new ZxError('ZX_ERR_SHOULD_WAIT', 'a pass runs')) },
  });
  t.equal(passing.err, 'ZX_ERR_SHOULD_WAIT: a pass runs\n');
});

t.test('help and version go to standard output, status 0', async (t) => {
  for (const word of ['help', '-help', '--help', '---help', '-h']) {
    const { status, out, err } = await memsim(['vmaps', word]);
    t.match(out, /^Usage: vmaps <process-koid>\n\nDumps a process's memory maps/);
    t.strictSame({ status, err }, { status: 0, err: '' });
  }
  t.match((await memsim(['ps', '--help'])).out, /^Usage: ps \[options\]\nOptions:\n -J {13}Only/);
  t.match((await memsim(['vmos', 'help'])).out, 't: ZX_RIGHT_TRANSFER');
  t.match((await memsim(['kstats', '-h'])).out, /^Usage: kstats/);
  t.match((await memsim(['--help'])).out, /^Usage: memsim COMMAND/);
  t.equal((await memsim(['-V'])).out, '1.2.3\n');
  t.equal((await memsim(['ps', '--version'])).out, '1.2.3\n');
});

t.test('notes go to standard error, each once, made visible', async (t) => {
  const { out, err } = await memsim(['ps'], { ...BOOT, notes: ['a lower bound', 'same'] }, {
    system: { notes: ['same', 'snapshot \x1b[1m is inconsistent'] },
  });
  t.equal(err, 'same\nsnapshot \\x1b[1m is inconsistent\na lower bound\n');
  t.equal(out, golden('ps-boot.txt'));
});

t.test('-o writes a file, and leaves it alone when the command fails', async (t) => {
  const file = `${t.testdir({ 'old.json': 'old' })}/old.json`;
  await memsim(['ps', '--job=9', '--json', '-o', file], BOOT);
  t.equal(readFileSync(file, 'utf8'), 'old');
  const { status, out } = await memsim(['ps', '-o', file], BOOT);
  t.strictSame({ status, out }, { status: 0, out: '' });
  t.equal(readFileSync(file, 'utf8'), golden('ps-boot.txt'));
  t.equal((await memsim(['ps', '-o', '-'], BOOT)).out, golden('ps-boot.txt'));
});

/** A reader that takes `pieces` writes and fails the next. */
function fragile(pieces: number, code: string): OutStream & { taken: number } {
  const stream = {
    taken: 0,
    on: () => undefined,
    write: (_text: string, done: (error?: Error | null) => void): void => {
      const error = Object.assign(new Error(code), { code, syscall: 'write' });
      setImmediate(() => done(stream.taken++ < pieces ? null : error));
    },
  };
  return stream;
}

t.test('a pipe closed early is no error and stops the command; a full disk is one', async (t) => {
  const many = { tasks: Array.from({ length: 20000 }, (_, koid) =>
    ({ type: 'p', koid, parent: 0, depth: 0, name: `process ${koid}` }) as const) };
  const pipe = fragile(3, 'EPIPE');
  const closed = await memsim(['ps', '--json'], many, { stdout: pipe });
  t.strictSame([closed.status, closed.err, pipe.taken], [0, '', 4]);
  const endless = await memsim(['kstats', '-m'], BOOT, { stdout: fragile(0, 'EPIPE') });
  t.strictSame([endless.status, endless.err], [0, '']);
  const full = await memsim(['ps'], BOOT, { stdout: fragile(0, 'ENOSPC') });
  t.strictSame([full.status, full.err], [1, 'cannot write standard output: no space left\n']);
});

t.test('on a terminal control characters are visible in every format', async (t) => {
  const task = { type: 'p', koid: 1, parent: 0, depth: 0, name: '\x9b2J\x1b' } as const;
  const spec = { tasks: [task] };
  for (const format of ['--csv', '--json']) {
    const { out } = await memsim(['ps', format], spec, { isTty: true });
    t.notMatch(out, /(?!\n)\p{Cc}/u, format);
    t.match((await memsim(['ps', format], spec)).out, '\x9b2J', 'a pipe gets the name as it is');
  }
});

t.test('kstats repeats, with timestamps, until its count or an interrupt', async (t) => {
  const interrupt = new AbortController();
  const endless = memsim(['kstats', '-m', '-t', '-d', '600'], BOOT, { signal: interrupt.signal });
  await sleep(50);
  interrupt.abort();
  const { status, out, err } = await endless;
  t.strictSame({ status, err }, { status: 0, err: '' });
  t.match(out, /^\n--- \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ---\nmem total /);
  t.equal(out.split('---\n').length, 2, 'one report in 600 seconds');
  const twice = await memsim(['kstats', '-m', '-n', '2', '--csv', 'ignored'], BOOT);
  const [header, first, second, end] = twice.out.split('\n');
  t.match(header, /^total_bytes,free_bytes,/);
  t.ok(first !== undefined && first === second && end === '');
  t.equal(twice.opened.length, 1, 'a system at rest is looked at once');
  const passed: bigint[] = [];
  const timed = await memsim(['kstats', '-m', '-n', '2'], BOOT, {
    system: { advance: (ns) => passed.push(ns), clock: { nowNs: 0n } },
  });
  t.strictSame([timed.opened.length, timed.accounts.length], [1, 2],
    'one that has time of its own is looked at each time');
  t.strictSame(passed, [1_000_000_000n]);
});

t.test('more rows than one text can hold are printed all the same', async (t) => {
  const long = 'x'.repeat(2 ** 17);
  const processes = Array.from({ length: 4200 }, (_, i) =>
    ({ type: 'p' as const, koid: 2000 + i, parent: 1, depth: 1, name: long }));
  const root = { type: 'j' as const, koid: 1, parent: 0, depth: 0, name: 'root' };
  const tables = makeTables({ tasks: [root, ...processes] });
  for (const [format, more] of [['--json', 4200 + 3], ['--csv', 4200 + 2]] as const) {
    let chars = 0;
    let lines = 0;
    const stdout: OutStream = {
      write: (text, done) => {
        chars += text.length;
        lines += text.split('\n').length - 1;
        done();
      },
      on: () => undefined,
    };
    const { status, err } = await memsim(['ps', format], {},
      { stdout, system: { account: () => Promise.resolve(tables) } });
    t.strictSame([status, err, lines], [0, '', more], format);
    t.ok(chars > 2 ** 29);
  }
});

t.test('start shows three views and what to type next', async (t) => {
  const { status, out } = await memsim(['start'], BOOT);
  t.equal(status, 0);
  t.ok(out.startsWith(`$ memsim ps\n${golden('ps-boot.txt')}\n$ memsim vmos 2441\nrights  koid`));
  t.match(out, golden('kstats-m.txt'));
  t.match(out, /\nWhat to type next:\n {2}npx memsim vmaps 2441 /);
});

t.test('of a document only what it says is shown, and offered', async (t) => {
  const records = (JSON.parse(golden('memgraph-vth.json')) as Record<string, unknown>[])
    .filter(({ type, id }) => type !== 'kernel' || id === 'kernel/vmo')
    .map(({ vmos: _vmos, vmo_refs: _refs, ...record }) =>
      (record['id'] === 'kernel/vmo' ? { ...record, parent: '' } : record));
  const open = (): Promise<DocumentSystem> =>
    readDocument('mem.json', { input: Readable.from([Buffer.from(JSON.stringify(records))]) });
  const { status, out } = await memsim(['start', '-s', 'mem.json'], {}, { open });
  t.equal(status, 0);
  t.notMatch(out, /memsim (kstats|vmos|vmaps|ps -s mem.json --policy)/);
  t.match(out, /^\$ memsim ps -s mem.json\nTASK[^]*npx memsim ps -s mem.json --json/);
  const aspace = await memsim(['aspace', '1030', '-s', 'mem.json'], {}, { open });
  t.strictSame([aspace.status, aspace.out, aspace.err],
    [1, '', 'aspace: a memgraph document has no address spaces\n']);
});
