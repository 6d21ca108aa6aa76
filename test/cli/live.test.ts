/** `-s linux`: processes of its own, page by page and as tables of the kernel's figures. */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { parseAreas } from '../../src/import/linux/live/areas.js';
import { rollupOf } from '../../src/import/linux/live/found.js';
import { smapsOfSpec } from '../../src/import/linux/live/live.js';
import { ProcFiles } from '../../src/import/linux/live/proc-files.js';
import { treeOf } from '../../src/import/linux/live/select.js';
import { openSystem } from '../../src/system.js';
import { noFrames, startTree } from '../support/children.js';
import { memsim, type Outcome } from './fake.js';

const skip = noFrames();
const noLinux = process.platform === 'linux' ? false : 'no Linux';
const live = (argv: string[]): Promise<Outcome> => memsim(argv, {}, { open: openSystem });

interface Row {
  type: string; koid: number; name: string; pss_bytes: number; private_bytes: number;
  shared_bytes: number; swap_bytes: number; user: string; committed_bytes: number; base: string;
}

const rowsOf = (text: string): Row[] => JSON.parse(text) as Row[];

t.test('every view takes this machine', { skip }, async (t) => {
  const tree = await startTree();
  t.teardown(() => tree.end());
  const pids = treeOf(new ProcFiles(), tree.pid);
  const spec = `linux:${pids.join(',')}`;
  const ps = await live(['ps', '-s', spec, '--json']);
  t.equal(ps.status, 0);
  const processes = rowsOf(ps.out).filter((row) => row.type === 'p');
  t.strictSame(processes.map((row) => row.koid).slice(0, -1), pids);
  t.equal(processes.at(-1)?.name, 'outside', 'the vdso has other users');
  t.ok(processes.slice(0, -1).every((row) => row.pss_bytes > 0 && row.user !== ''));
  const maps = await live(['vmaps', '-s', spec, String(tree.pid), '--json']);
  t.match(rowsOf(maps.out)[0], { type: 'aspace', name: `proc:${tree.pid}` });
  t.ok(rowsOf(maps.out).some((row) => row.name === '[heap]' && row.committed_bytes > 0));
  t.match((await live(['vmos', '-s', spec, String(tree.pid)])).out, /^rights {2}koid.*\n +- 419/);
  const heap = rowsOf(maps.out).find((row) => row.name === '[heap]');
  const page = await live(['page', '-s', spec, `${tree.pid}:${heap?.base}`]);
  t.match(page.out, /a page of VMOs, anonymous/);
  const users = await live(['ps', '-s', spec, '--group', 'user']);
  t.match(users.out, / 7 +\S+ +\S+ +\S+ \S+\n/, 'seven of one user');
  t.equal((await live(['ps', '-s', spec, '--policy', 'exact'])).status, 0);
});

t.test('without the rights the tables are the kernel\'s figures', { skip: noLinux }, async (t) => {
  const tree = await startTree();
  t.teardown(() => tree.end());
  const proc = new ProcFiles();
  const pids = treeOf(proc, tree.pid);
  const open = () => smapsOfSpec(`linux:${pids.join(',')}`);
  const asTables = (argv: string[]): Promise<Outcome> => memsim(argv, {}, { open });
  // Other processes begin and end meanwhile: read the figures until they stand still.
  for (let attempt = 0; attempt < 40; attempt++) {
    const read = (): string => pids.map((pid) => proc.text(pid, 'smaps_rollup')).join('');
    const before = read();
    const { out, err } = await asTables(['ps', '--json']);
    t.match(err, 'the kernel hides page frames from this user: tables of its smaps, no pages\n');
    if (read() !== before) {
      await sleep(20);
      continue;
    }
    const rows = new Map(rowsOf(out).map((row) => [row.koid, row]));
    for (const pid of pids) {
      const kb = rollupOf(proc.text(pid, 'smaps_rollup') ?? '');
      const row = rows.get(pid);
      const sum = (...names: string[]): number =>
        names.reduce((all, name) => all + 1024 * (kb.get(name) ?? 0), 0);
      t.equal(row?.pss_bytes, sum('Pss'));
      t.equal(row?.private_bytes, sum('Private_Clean', 'Private_Dirty'));
      t.equal(row?.shared_bytes, sum('Shared_Clean', 'Shared_Dirty'));
      t.equal(row?.swap_bytes, sum('Swap'));
    }
    const root = rows.get(4194304);
    t.equal(root?.pss_bytes, pids.reduce((all, pid) => all + (rows.get(pid)?.pss_bytes ?? 0), 0));
    break;
  }
  const maps = rowsOf((await asTables(['vmaps', String(tree.pid), '--json'])).out);
  const areas = parseAreas(proc.text(tree.pid, 'smaps') ?? '')
    .filter(({ name }) => name !== '[vsyscall]');
  t.strictSame(maps.slice(2).map(({ base, name }) => [base, name]),
    areas.map(({ range, name }) => [`0x${range.replace(/-.*/, '').replace(/^0+/, '')}`, name]));
  t.match((await asTables(['vmos', String(tree.pid)])).out, /\n {5}- 41943\d+ +- +0 +\d+ +/);
  t.match((await asTables(['ps', '-J'])).out, /linux\n {2}j:4194305 +\S+ +\S+ \S+\n/);
  const refused = await asTables(['ps', '--policy', 'exact']);
  t.equal(refused.status, 1);
  t.match(refused.err, /not exact by present\n$/);
  t.match((await asTables(['page', `${tree.pid}:0`])).err, /there are no pages\n$/);
  const { total_bytes: total } = JSON.parse(
    (await asTables(['kstats', '--json', '-n', '1'])).out) as { total_bytes: number };
  const said = /MemTotal: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  t.equal(total, 1024 * Number(said));
});

t.test('what is not there is refused', { skip: noLinux }, async (t) => {
  const cases: [spec: string, words: string][] = [
    ['linux:4194303',
      'linux:4194303: found no process 4194303, expected processes that are running'],
    ['linux:x', 'linux:x: found "x", expected linux or linux:PID,PID,...'],
    ['linux:', 'linux:: found "", expected linux or linux:PID,PID,...'],
    [`linux:${process.pid}`,
      `linux:${process.pid}: found processes without memory, expected some that have memory`],
  ];
  for (const [spec, words] of cases) {
    const { status, out, err } = await live(['ps', '-s', spec]);
    t.strictSame([status, out, err.split('\n')[0]], [1, '', words]);
  }
  t.equal((await live(['ps', '-s', 'linuxx'])).err,
    'ZX_ERR_NOT_FOUND: system "linuxx": no such system or file, expected boot, page-vmaps, '
    + 'page-vmos, linux, a file, or -\n');
});
