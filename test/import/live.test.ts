/** Reading /proc: its texts, words of pagemap into runs, and a whole made-up machine of files. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { columnsOf, parseAreas, usedPages } from '../../src/import/linux/live/areas.js';
import { FrameSet } from '../../src/import/linux/live/frame-set.js';
import { bytesOf, checkPids, pidsOfSpec } from '../../src/import/linux/live/live.js';
import { FlagTable, RunWriter } from '../../src/import/linux/live/page-runs.js';
import { parseCounts, parseStat, ProcFiles } from '../../src/import/linux/live/proc-files.js';
import { type Scan, scanLinux } from '../../src/import/linux/live/scan.js';
import { treeOf } from '../../src/import/linux/live/select.js';
import { UserNames } from '../../src/import/linux/live/users.js';
import { readSnapshot } from '../../src/import/linux/read.js';
import { RunStore } from '../../src/import/linux/runs.js';

t.test('a stat line is taken apart whatever the name holds', async (t) => {
  t.match(parseStat('7 (a) R 1 (b)) S 3 7 0\n'),
    { pid: 7, comm: 'a) R 1 (b)', state: 'S', ppid: 3, line: '7 (a) R 1 (b)) S 3 7 0' });
  for (const bad of ['', '7', '7 (a', '7 (a) S', '7 (a) S x']) t.equal(parseStat(bad), undefined);
});

t.test('counts are the lines that hold one', async (t) => {
  const text = 'Active(anon):  12 kB\nHugePages_Total:   3\nName:\tsh\npgfault 7\nbad: 1 2\n';
  t.strictSame([...parseCounts(text)], [['Active(anon)', 12], ['HugePages_Total', 3],
    ['pgfault', 7]]);
});

const SMAPS = `1000-4000 rw-p 00000000 00:00 0                          [heap]
Size:                 12 kB
Rss:                   8 kB
Pss:                   6 kB
Swap:                  4 kB
KernelPageSize:        4 kB
VmFlags: rd wr mr
4000-5000 r-xs 00002000 fe:00 18446744073709551615       /a b\\012 (deleted)
Rss:                   0 kB
KernelPageSize:        4 kB
VmFlags: rd pf
`;

t.test('areas have their place, name, figures and flags', async (t) => {
  const [heap, file, ...rest] = parseAreas(SMAPS);
  t.equal(rest.length, 0);
  t.match(heap, { range: '1000-4000', startPage: 1, pages: 3, perms: 'rw-p', name: '[heap]',
    flags: 'rd wr mr' });
  t.match(file, { range: '4000-5000', offset: '00002000', dev: 'fe:00', name: '/a b\\012 (deleted)',
    flags: 'rd pf' });
  t.equal(heap && usedPages(heap), 3);
  t.equal(file && usedPages(file), 0);
  t.strictSame(heap && columnsOf([heap]), ['Rss', 'Pss', 'Swap', 'KernelPageSize']);
  t.strictSame(columnsOf([]), []);
});

const PRESENT = 0x100;
const SWAPPED = 0x080;

/** A page-table entry: nothing, or flags and what they come with. */
const entries = fc.array(fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  fc.record({
    flags: fc.constantFrom(PRESENT, PRESENT | 0x42), value: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ flags: fc.constant(SWAPPED), value: fc.constantFrom(0, 32, 64, 65) }),
), { maxLength: 40 });

t.test('runs say what the words said, in pieces of any size', async (t) => {
  fc.assert(fc.property(entries, fc.integer({ min: 1, max: 9 }), (page, piece) => {
    const table = new FlagTable();
    const present: number[] = [];
    const writer = new RunWriter(table, (pfn, pages) => {
      for (let i = 0; i < pages; i++) present.push(pfn + i);
    });
    for (let from = 0; from < page.length; from += piece) {
      const some = page.slice(from, from + piece);
      const words = new Uint32Array(some.flatMap((entry) =>
        (entry ? [entry.value, (entry.flags << 23) >>> 0] : [0, 0])));
      writer.take(words, some.length);
    }
    const text = writer.finish();
    const flags = table.words().map((word) => Number.parseInt(word, 16));
    const kinds = Uint8Array.from(flags, (word) => (word & PRESENT ? 1 : 2));
    const { segment, start, end } = new RunStore(kinds).add(text, 40, { file: 'x', line: 1 });
    const found: typeof page = page.map(() => undefined);
    for (let row = start; row < end; row++) {
      const word = flags[segment.flags[row] ?? 0] ?? 0;
      for (let i = 0; i < (segment.length[row] ?? 0); i++) {
        const value = (segment.first[row] ?? 0) + i * (word & PRESENT ? 1 : 32);
        found[(segment.page[row] ?? 0) + i] = { flags: word, value };
      }
    }
    t.same(found, page);
    t.same(present, page.flatMap((entry) => (entry && entry.flags & PRESENT ? [entry.value] : [])));
  }), { numRuns: 200 });
  t.end();
});

t.test('a set of frames gives them back as ranges, each once', async (t) => {
  const runs = fc.array(fc.tuple(fc.nat(200_000), fc.nat(300)), { maxLength: 20 });
  fc.assert(fc.property(runs, (added) => {
    const set = new FrameSet();
    const model = new Set<number>();
    for (const [pfn, pages] of added) {
      set.add(pfn, pages);
      for (let i = 0; i < pages; i++) model.add(pfn + i);
    }
    const found = [...set.ranges()].flatMap(({ first, end }) =>
      Array.from({ length: end - first }, (_, i) => first + i));
    t.same(found, [...model].sort((a, b) => a - b));
  }), { numRuns: 50 });
});

/** Words of 64 bits into a file, sparse where nothing is. */
function words(path: string, at: ReadonlyMap<number, bigint>): void {
  const last = Math.max(0, ...at.keys());
  const bytes = Buffer.alloc(8 * (last + 1));
  for (const [index, word] of at) bytes.writeBigUInt64LE(word, 8 * index);
  writeFileSync(path, bytes);
}

const present = (pfn: number): bigint => (0x140n << 55n) | BigInt(pfn);
const ANON = 0x5828n;
const ZERO = 1n << 24n;
/** 300 MiB: more than is read without a look at what smaps says is in it. */
const LARGE_PAGES = 76_800;

function area(range: string, rssKb: number, more = ''): string {
  return `${range} rw-p 00000000 00:00 0 \nRss: ${rssKb} kB\n${more}VmFlags: rd wr\n`;
}

/** Two processes, parent and child, that share frame 20; a kernel thread; one that is dead. */
function makeProc(folder: string): ProcFiles {
  const task = (pid: number, ppid: number, smaps: string, name = 'task'): void => {
    const own = join(folder, String(pid));
    mkdirSync(own);
    writeFileSync(join(own, 'stat'), `${pid} (${name}) S ${ppid} 0 0\n`);
    writeFileSync(join(own, 'smaps'), smaps);
    writeFileSync(join(own, 'status'), 'Uid:\t9\t33\t9\t9\nThreads:\t2\nVmRSS:\t 8 kB\n');
    writeFileSync(join(own, 'cmdline'), '/bin/task\0-x\0');
  };
  const large = `10000000-${(0x10000000 + LARGE_PAGES * 4096).toString(16)}`;
  task(100, 1, area('1000-3000', 8) + area('3000-5000', 0) + area(large, 4));
  task(101, 100, area('1000-3000', 4) + area('5000-6000', 0, 'Private_Hugetlb: 4 kB\n'));
  task(2, 0, '', 'kthreadd');
  words(join(folder, '100/pagemap'), new Map([
    [1, present(20)], [2, present(21)],
    [3, present(99)], // smaps says nothing is there: not looked at
    [0x10000, present(5)], [0x10007, present(22)],
    [0x10000 + 70_000, present(98)], // behind all that smaps counted: not looked at
  ]));
  words(join(folder, '101/pagemap'), new Map([[1, present(20)], [5, present(30)]]));
  words(join(folder, 'kpagecount'), new Map([[5, 1n], [20, 2n], [21, 1n], [22, 1n], [30, 1n]]));
  words(join(folder, 'kpageflags'), new Map([
    [5, ZERO], [20, ANON], [21, ANON], [22, ANON], [30, 1n << 17n], [99, ANON],
  ]));
  writeFileSync(join(folder, 'meminfo'), 'MemTotal: 4096 kB\nMemFree: 1024 kB\n');
  writeFileSync(join(folder, 'vmstat'), 'pgfault 12\n');
  return new ProcFiles(folder);
}

function scan(proc: ProcFiles, more: Partial<Parameters<typeof scanLinux>[0]> = {}): Promise<Scan> {
  const users = new UserNames('root:x:0:0\nwww:x:33:33\n');
  return scanLinux({ proc, pids: () => proc.pids(), users, label: 'made up', ...more });
}

t.test('a machine of files becomes a snapshot that the reader takes', async (t) => {
  const proc = makeProc(t.testdir({}));
  const steps: [number, number][] = [];
  const { lines, processes, frames, consistent, unreadable } = await scan(proc, {
    oracle: true, detail: true, onProgress: (done, total) => steps.push([done, total]),
  });
  t.strictSame([processes, frames, consistent, unreadable], [2, 5, true, []]);
  t.strictSame(steps, [[12288, 16384], [16384, 16384]]);
  const { processes: read, mappings, frames: table, meminfo } = await readSnapshot('made up', {
    input: bytesOf(lines),
  });
  t.strictSame([...table.pfn], [5, 20, 21, 22, 30], 'what smaps does not count is not read');
  t.strictSame([...table.mapcount], [1, 2, 1, 1, 1]);
  t.strictSame([...table.seen], [1, 2, 1, 1, 1]);
  t.equal(meminfo.get('MemFree'), 1024);
  t.match(read, [{ pid: 100, ppid: 1, comm: 'task', cmdline: '/bin/task -x', threads: 2 },
    { pid: 101, ppid: 100 }]);
  t.equal(mappings.length, 5);
  t.match(lines[0], '"label":"made up"');
  t.match(lines.find((line) => line.includes('"pid":100')), '"user":"www"');
  t.notMatch((await scan(proc)).lines.join('\n'), '"s":[', 'figures only as an oracle');
});

t.test('some processes, a tree, and those that are not there', async (t) => {
  const proc = makeProc(t.testdir({}));
  t.equal((await scan(proc, { pids: () => [101] })).processes, 1);
  t.equal((await scan(proc, { pids: () => [101, 555] })).processes, 1, 'gone before it was read');
  t.strictSame(treeOf(proc, 100), [100, 101]);
  t.strictSame(treeOf(proc, 555), []);
  t.doesNotThrow(() => checkPids(proc, 'linux', [100, 101]));
  t.throws(() => checkPids(proc, 'linux:100,555', [100, 555]), {
    message: 'linux:100,555: found no process 555, expected processes that are running',
  });
  t.equal(pidsOfSpec('linux'), undefined);
  t.strictSame(pidsOfSpec('linux:7,8,7'), [7, 8]);
  for (const bad of ['linux:', 'linux:x', 'linux:1,', 'linux:0', 'linux:4194304', 'linux:-1']) {
    t.throws(() => pidsOfSpec(bad), { message: /expected linux or linux:PID,PID,\.\.\.$/ }, bad);
  }
});

t.test('figures that change during the scan are said, and tried again', async (t) => {
  const proc = makeProc(t.testdir({}));
  let looks = 0;
  const busy = (until: number): ProcFiles => Object.assign(new ProcFiles(proc.folder), {
    text: (...names: (string | number)[]) => {
      const text = proc.text(...names);
      return names[1] === 'smaps' && looks++ < until ? `${text}\n# ${looks}` : text;
    },
  });
  t.equal((await scan(busy(Infinity), { tries: 3 })).consistent, false);
  looks = 0;
  const second = await scan(busy(3), { tries: 3 });
  t.equal(second.consistent, true);
  t.match(second.lines[0], '"tries":2');
});

t.test('an aborted scan stops; a pagemap that is gone takes its process out', async (t) => {
  const folder = t.testdir({});
  const proc = makeProc(folder);
  const slow = Object.assign(new ProcFiles(folder), {
    stat: (pid: number) => {
      const until = performance.now() + 30;
      while (performance.now() < until);
      return proc.stat(pid);
    },
  });
  await t.rejects(scan(slow, { signal: AbortSignal.abort(new Error('enough')) }),
    { message: 'enough' });
  rmSync(join(folder, '101/pagemap'));
  const { processes, frames } = await scan(proc);
  t.strictSame([processes, frames], [1, 4]);
});
