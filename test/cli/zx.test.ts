/** The kernel console's commands on built systems: layouts by era, refusals, rows for programs. */

import t from 'tap';
import {
  Right, System, VmOption, VmoChild, VmoOp, type Process, type Vmo,
} from '../../src/index.js';
import { memoryState } from '../../src/views/zx/pressure.js';
import { golden } from '../views/samples.js';
import { memsim, type Outcome } from './fake.js';

/** Runs a command line on a system. */
function on(system: System): (line: string) => Promise<Outcome> {
  return (line) => memsim(line.split(' '), {}, { open: () => Promise.resolve(system) });
}

/** What a built system is asked about. */
interface Sample {
  readonly system: System;
  readonly process: Process;
  readonly vmo: Vmo;
  readonly heldValue: number;
}

const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

/** Two processes: one holds a VMO with a clone and maps it, both hold an end of a channel. */
function sample(): Sample {
  const system = System.boot({ rootJobName: 'root', rootJobKoid: 1028 });
  const job = system.rootJob.createJob('jobs', { koid: 1082 });
  const process = job.createProcess('bin/one', { koid: 1043 });
  const other = job.createProcess('evil\n\x1b[2J', { koid: 1044 });
  const vmo = system.createVmo(2 * 4096, 0, { name: 'data', koid: 1170 });
  vmo.opRange(VmoOp.COMMIT, 0, 4096);
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 4096, { koid: 1180 });
  clone.setName('clone');
  const slice = vmo.createChild(VmoChild.SLICE, 4096, 4096, { koid: 1181 });
  slice.setName('');
  process.rootVmar.map(READ_WRITE | VmOption.SPECIFIC, 0, clone, 0, 4096);
  const heldValue = process.insertHandle(vmo.duplicate(Right.READ | Right.MAP | Right.TRANSFER));
  process.insertHandle(slice);
  clone.close();
  const [end, far] = system.createChannel();
  end.write(new Uint8Array(3), []);
  end.write(new Uint8Array(3), []);
  far.read();
  process.insertHandle(end);
  other.insertHandle(far);
  return { system, process, vmo, heldValue };
}

t.test('asd kernel on boot is the memory page\'s, computed', async (t) => {
  const boot = await System.open('boot');
  for (const word of ['k', 'ker', 'kernel']) {
    const { status, out } = await on(boot)(`zx asd ${word}`);
    t.equal(status, 0);
    t.equal(out.split('\n').slice(0, 8).join('\n') + '\n', golden('asd-kernel.txt'));
    t.ok(out.split('\n').length > 100, 'and goes on where the page cuts it');
  }
  await on(boot)('zx asd 1043');
  const { out } = await on(boot)('vmm kaspace');
  t.equal(out, (await on(boot)('zx asd kernel --era 2017')).out, 'whatever was looked at before');
  const all = (await on(boot)('vmm aspaces')).out;
  t.ok(all.startsWith(out));
  t.equal(all.split('\n').filter((line) => line.startsWith('as ')).length, 13);
});

t.test('zx ps counts handles by kind, in each era\'s layout', async (t) => {
  const zx = on(sample().system);
  const counts = '  0   0   0   2   0   1   0   0   0   0   0   0';
  t.equal((await zx('zx ps')).out, [
    '     id  #h:  #jb #pr #th #vo #vm #ch #ev #po #so #tm #fi #?? [name]',
    `   1043   3:  ${counts} [bin/one]`,
    `   1044   1:  ${counts.replace('2', '0')} [evil\\n\\x1b[2J]`, '',
  ].join('\n'));
  t.match((await zx('zx ps --era 2022')).out,
    '     id   #h:  #jb #pr #th #vo #vm #ch #ev #po #so #tm #fi #?? [name]\n'
    + `   1043    3:  ${counts} [bin/one]\n`);
  const help = (await zx('zx ps help')).out.split('\n');
  t.equal(help.length, 15);
  t.strictSame(help.slice(0, 3), [
    'id  : process id number', '#h  : total number of handles', '#jb : number of job handles',
  ]);
  t.strictSame(help.slice(-3), ['#fi : number of fifos', '#?? : number of all other handle types',
    '']);
  const rows = JSON.parse((await zx('zx ps --json')).out) as Record<string, unknown>[];
  t.match(rows, [{ koid: 1043, handles: 3, vmos: 2, channels: 1, jobs: 0 },
    { koid: 1044, name: 'evil\n\x1b[2J' }]);
});

t.test('zx jobs leaves the root job out since 2020', async (t) => {
  const zx = on(sample().system);
  t.equal((await zx('zx jobs')).out, "All jobs:\n   koid name\n   1028 'root'\n   1082 'jobs'\n");
  t.equal((await zx('zx jobs --era 2022')).out, "All jobs:\n   koid name\n   1082 'jobs'\n");
  t.equal((await zx('zx jobs --csv')).out, 'koid,name\n1028,root\n1082,jobs\n');
});

t.test('zx vmos lists handles, then mappings', async (t) => {
  const { system, heldValue } = sample();
  const zx = on(system);
  const held = String(heldValue).padStart(12);
  const slice = String(heldValue + 4).padStart(12);
  const plain = '           -      -  koid parent #chld #map #shr    size   alloc name';
  t.equal((await zx('zx vmos 1043')).out, [
    'process [1043]:', 'Handles to VMOs:',
    '      handle rights  koid parent #chld #map #shr    size   alloc name',
    `${held} r--m-t  1170      -     2    0    1      8k      4k data`,
    `${slice} rw-mdt  1181      -     0    0    1      4k      0B -`,
    '  total: 2 VMOs, size 12k, alloc 4k', 'Mapped VMOs:', plain,
    '           -      -  1180   1170     0    1    1      4k      0B clone', plain, '',
  ].join('\n'));
  const late = (await zx('zx vmos 1043 --era 2022')).out.split('\n');
  t.equal(late[2], '      handle rights  koid obj                parent #chld #map #shr    size'
    + '   alloc name');
  t.match(late[4], new RegExp(`^${slice} rw-mdt  1181 0xffffff80[0-9a-f]{8}   1170     0`));
  t.match((await zx('zx vmos 1043 -uk')).out, 'size 12k, alloc 4k');
  t.match((await zx('zx vmos 1043 -uM')).out, '    0.0M    0.0M data');
  t.equal((await zx('zx vmos 1043 -u')).out, (await zx('zx vmos 0x413')).out, 'hex, automatic');
  const json = JSON.parse((await zx('zx vmos 1043 --json')).out) as Record<string, unknown>[];
  t.match(json, [{ handle: heldValue, koid: 1170, size_bytes: 8192, committed_bytes: 4096 },
    { koid: 1181 }, { koid: 1180, parent_koid: 1170 }]);
  t.notOk('handle' in json[2]!);
});

t.test('hidden VMOs: held by handles alone, mapped by the kernel, the kernel\'s own', async (t) => {
  const { system } = sample();
  const zx = on(system);
  system.createVmo(4096, 0, { name: 'own', koid: 0 });
  system.layOutKernel({
    base: 0xffffff8000000000n, size: 0x8000000000n, regions: [
      { base: 0xffffff8000000000n, size: 0x1000000000n, vmoSize: 0 },
      { name: 'apic', base: 0xffffff9000000000n, size: 4096, physicalAddress: 0xfee00000 },
    ],
  });
  const plain = '           -      -  koid parent #chld #map #shr    size   alloc name';
  t.equal((await zx('zx vmos hidden')).out, [
    '"Hidden" VMOs, oldest to newest:', plain,
    '           -      -  1170      -     2    0    1      8k      4k data',
    '           -      -  1181      -     0    0    1      4k      0B -',
    '           -      -     0      -     0    0    1      4k      0B own',
    '           -      -     0      -     0    1    1      0B      0B -',
    '           -      -     0      -     0    1    1      4k    phys apic', plain, '',
  ].join('\n'));
  const all = (await zx('zx vmos all')).out.split('\n');
  t.equal(all[0], 'All VMOs, oldest to newest:');
  t.equal(all.length, 10);
  t.match(all[3], /1180 {3}1170 .* clone$/);
});

t.test('zx ht and koid show rights as a mask', async (t) => {
  const { system, heldValue } = sample();
  const zx = on(system);
  const hex = `0x${heldValue.toString(16)}`.padStart(10);
  const ht = (await zx('zx ht 1043')).out.split('\n');
  const labels = 'dup tr r w x map gpr spr enm des spo gpo sig sigp wt ins mj mp mt ap';
  const mask = '  0  1 1 0 0   1   0   0   0   0   0   0   0    0  0   0  0  0  0  0';
  t.strictSame(ht.slice(0, 3), [
    "process 1043 ('bin/one') handles:", `   koid     handle     rights: {${labels}} [type]`,
    `   1170 ${hex}       0x26: {${mask}} [vmo]`,
  ]);
  t.match(ht[4], /\[channel\]$/);
  t.equal(ht[5], 'total: 3 handles');
  t.match((await zx('zx ht 1043 --era 2022')).out, `{${labels} ms} [type]`);
  t.equal((await zx('zx koid 1170')).out, [
    'handles for koid 1170 (vmo):', `    pid     rights: {${labels}} [name]`,
    `   1043       0x26: {${mask}} [bin/one]`, 'total: 1 handles in 1 processes', '',
  ].join('\n'));
  const help = (await zx('zx koid help')).out;
  t.match(help, /^dup : ZX_RIGHT_DUPLICATE\ntr {2}: ZX_RIGHT_TRANSFER\n/);
  t.match(help, 'sigp: ZX_RIGHT_SIGNAL_PEER\n');
  t.notMatch(help, 'ms ');
  t.match((await zx('zx koid help --era 2022')).out, 'ms  : ZX_RIGHT_MANAGE_SOCKET\n');
});

t.test('zx ch shows what waits in channels, and has waited', async (t) => {
  const { system, process } = sample();
  const zx = on(system);
  const [row, peer] = JSON.parse((await zx('zx ch --json')).out) as { koid: number }[];
  const [one, two] = [row!.koid, peer!.koid];
  const pair = (a: number, b: number): string =>
    `    chan ${String(a).padStart(7)} ${String(b).padStart(7)} count`;
  const all = `   1043 [bin/one]\n${pair(one, two)} 0 max 0\n`
    + `   1044 [evil\\n\\x1b[2J]\n${pair(two, one)} 1 max 2\n`;
  t.equal((await zx('zx ch')).out, all);
  t.equal((await zx(`zx ch ${two}`)).out, all, 'either end shows both');
  t.equal((await zx(`zx ch ${process.koid}`)).out, all.slice(0, all.indexOf('   1044')));
  t.equal((await zx('zx ch 77')).out, '');
});

t.test('zx kill ends a process of the system that is looked at', async (t) => {
  const { system, vmo } = sample();
  const zx = on(system);
  t.equal(vmo.object.numChildren, 2);
  t.equal((await zx('zx kill 1043')).out, 'killing process 1043\n');
  t.equal(vmo.object.numChildren, 0, 'its mappings and handles are gone');
  const again = await zx('zx kill 1043');
  t.strictSame([again.status, again.out, again.err], [1, '', 'process not found!\n']);
});

t.test('the watchdogs are one report each', async (t) => {
  const boot = on(await System.open('boot'));
  t.equal((await boot('zx mwd')).out, '');
  t.equal((await boot('zx mwd 20')).out,
    "MemoryHog! proc  1916   24M 'driver_host:pci#3:8086:2922'\n");
  t.equal((await boot('zx mwd 20 --csv')).out,
    'koid,name,mapped_committed_bytes\n1916,driver_host:pci#3:8086:2922,25571328\n');
  const { system } = sample();
  const outstanding = async (): Promise<number> => {
    const rows = JSON.parse((await on(system)('zx htinfo --json')).out) as { handles: number }[];
    return rows[0]!.handles;
  };
  const count = await outstanding();
  t.equal((await on(system)('zx hwd')).out, '');
  t.equal((await on(system)('zx hwd 3')).out,
    `HandleWatchdog! ${count} handles outstanding (greater than limit 3)\n`);
  const more = system.createEvent();
  t.equal(await outstanding(), count + 1);
  more.close();
  t.equal(await outstanding(), count);
});

t.test('htinfo: the arena of handles, its mappings, pools and free slots', async (t) => {
  const boot = (await on(await System.open('boot'))('zx htinfo')).out.split('\n');
  const count = /^outstanding handles: (\d+)$/.exec(boot[0] ?? '')?.[1];
  const lines = boot.map((line) => line.replace(/0xffffff80[0-9a-f]{8}/g, 'P'));
  t.strictSame(lines.slice(1, 7), [
    'arena:handles mappings:',
    "  vmar P [0xffffff9800000000 0xffffff9800c00fff] sz 0xc01000 ref 1 'arena:handles'",
    '    map P [0xffffff9800000000 0xffffff98003fffff] sz 0x400000 mmufl 0x18 vmo P/k0 off 0 '
      + "pages 0 ref 1 'arena:handles'",
    '      object P base 0 size 0x400000 ref 1',
    '    map P [0xffffff9800401000 0xffffff9800c00fff] sz 0x800000 mmufl 0x18 vmo P/k0 off 0 '
      + "pages 0 ref 1 'arena:handles'",
    '      object P base 0 size 0x800000 ref 1',
  ]);
  t.equal(lines[7], 'arena:handles pools:');
  t.match(lines.slice(8), [
    "  pool 'control' slot size 16, 4 pages committed:", '  |     start 0xffffff9800000000',
    / {2}\| {7}top 0x[0-9a-f]{16} \(\d+ slots popped\)$/,
    '  | committed 0xffffff9800004000 (4 pages; 4 pages max)',
    '  \\       end 0xffffff9800400000 (262144 slots total)',
    "  pool 'data' slot size 32, 4 pages committed:", '  |     start 0xffffff9800401000',
    / {2}\| {7}top 0x[0-9a-f]{16} \(\d+ slots popped\)$/,
    '  | committed 0xffffff9800405000 (4 pages; 4 pages max)',
    '  \\       end 0xffffff9800c01000 (262144 slots total)',
    /^arena:handles free list: \d+ nodes$/, '',
  ]);
  const popped = (at: number): number => Number(/\((\d+) slots popped/.exec(lines[at] ?? '')?.[1]);
  t.equal(popped(15) - popped(10), Number(count), 'slots taken, less those that are free again');
  t.equal(lines[18], `arena:handles free list: ${popped(10)} nodes`);
  const late = (await on(await System.open('boot'))('zx htinfo --era 2022')).out;
  t.match(late, /  vmar 0x[0-9a-f]+ \[.*\] sz 0xc01000 ref 1 state 1 'arena:handles'\n/);
  const plain = (await on(sample().system)('zx htinfo')).out.split('\n');
  t.strictSame(plain.slice(1, 3), ['arena:handles mappings:', 'arena:handles pools:'],
    'nobody laid the kernel out');
});

t.test('the arena keeps the slots of a crowd, and gives pages of its list back', async (t) => {
  const system = System.boot();
  const info = async (): Promise<Record<string, number>> =>
    (JSON.parse((await on(system)('zx htinfo --json')).out) as Record<string, number>[])[0]!;
  const { handles = 0, free_nodes: free = 0 } = await info();
  const crowd = Array.from({ length: 2000 }, () => system.createEvent());
  t.match(await info(), {
    handles: handles + 2000, free_nodes: 0, slots_popped: handles + 2000, slot_size_bytes: 32,
    data_committed_bytes: 4 * 4096 * Math.ceil((handles + 2000) * 32 / 16384),
    control_committed_bytes: 0,
  }, 'pages come by four');
  for (const event of crowd) event.close();
  t.match(await info(), {
    handles, free_nodes: 2000 + free, slots_popped: handles + 2000,
    control_committed_bytes: 4 * 4096 * Math.ceil(2000 * 16 / 16384),
  });
  const again = Array.from({ length: 2000 }, () => system.createEvent());
  t.match(await info(), {
    handles: handles + 2000, slots_popped: handles + 2000,
    control_committed_max_bytes: 8 * 4096, control_committed_bytes: 4 * 4096,
  }, 'eight pages more than needed are too many');
  for (const event of again) event.close();
});

t.test('an address space in the lines of each era', async (t) => {
  const { system } = sample();
  const zx = on(system);
  const shape = async (era: string): Promise<string[]> =>
    (await zx(`zx asd 1043 --era ${era}`)).out.split('\n')
      .map((line) => line.replace(/0xffffff80[0-9a-f]{8}/g, 'P'));
  const space = '[0x1000000 0x7fffffffefff] sz 0x7ffffefff000';
  const at = '[0x1000000 0x1000fff]';
  t.strictSame(await shape('2017'), [
    `as P ${space} fl 0 ref 3 'proc:1043'`, `  vmar P ${space} ref 2 'root'`,
    `    map P ${at} sz 0x1000 mmufl 0x1c vmo P/k1180 off 0 pages 0 ref 1 'clone'`,
    '      vmo P/k1180 size 0x1000 pages 0 ref 1 parent k1170', '',
  ]);
  t.strictSame(await shape('page'), await shape('2017'));
  t.strictSame((await shape('2019')).slice(2), [
    `    map P ${at} sz 0x1000 mmufl 0x1c`, "      vmo P/k1180 off 0 pages 0 ref 1 'clone'",
    '      vmo P/k1180 size 0x1000 offset 0 limit 0x1000 pages 0 ref 1 parent P/k1170', '',
  ]);
  t.strictSame(await shape('2022'), [
    `as P ${space} typ 0 ref 3 'proc:1043' destroyed 0`,
    `  vmar P ${space} ref 2 state 1 'root'`,
    `    map P ${at} sz 0x1000 mmufl 0x1c`, "      vmo P/k1180 off 0 pages 0 ref 1 'clone'",
    '      vmo P/k1180 ref 1 parent P/k1170', '        name clone',
    '      cow_pages P size 0x1000 offset 0 start limit 0 limit 0x1000 pages 0 ref 1 parent 0x0',
    '',
  ]);
  t.strictSame((await shape('2025')).slice(1, 5), [
    `  vmar P ${space} ref 2 state 1 'root' subregions 1`,
    `    map P ${at} sz 0x1000 state 1 mergeable true`, `       ${at} mmufl 0x1c`,
    "      vmo P/k1180 off 0 bytes (0/0) ref 1 'clone'",
  ]);
});

t.test('compressed pages are counted apart since 2023', async (t) => {
  const system = System.boot();
  const process = system.rootJob.createProcess('p', { koid: 2000 });
  const vmo = system.createVmo(3 * 4096, 0, { koid: 2001 });
  process.rootVmar.map(READ_WRITE, 0, vmo, 0, 3 * 4096);
  for (let page = 0; page < 3; page++) vmo.write(page * 4096, new Uint8Array(100).fill(7));
  t.equal(system.reclaim.compress(vmo, 0, 2 * 4096).compressed, 2);
  const late = (await on(system)('zx asd 2000 --era 2025')).out;
  t.match(late, 'bytes (4096/8192) ref 1');
  t.match(late, 'content pages 1 compressed pages 2 ref 1');
  t.match((await on(system)('pmm dump --era 2025')).out, /\t\tzram {9}[1-9]/);
});

t.test('pmm dump shows pages by state; pmm free one report', async (t) => {
  const boot = on(await System.open('boot'));
  const lines = (await boot('pmm dump')).out.split('\n');
  const node = 'free_count 431714 (1768300544 bytes), total size 2147483648';
  t.match(lines[0], /^pmm node 0x[0-9a-f]{16}: /);
  t.ok(lines[0]?.endsWith(node));
  t.match(lines[1], /^ {2}arena 0x[0-9a-f]{16}: name 'memory' base 0 size 2G \(0x80000000\) flags/);
  t.match(lines[2], /^\tpage_array 0x[0-9a-f]{16}$/);
  t.strictSame(lines.slice(3, 6), ['\tpage states:',
    '\t\tfree         431714           (1768300544 bytes)', 
    '\t\talloc        1                (4096 bytes)']);
  t.match((await boot('pmm dump --era 2017')).out,
    /free_count 431714\narena .* priority 0 flags 0x0\n/);
  const states = System.boot();
  states.addKernelUse({ iommuPages: 3 });
  t.match((await on(states)('pmm dump')).out, '\t\tunknown      3                (12288 bytes)\n');
  t.match((await on(states)('pmm dump --csv')).out, '\niommu,3,12288\n');
  t.match((await boot('pmm dump --era 2025')).out, ', free_loaned_count: 0 (0 bytes), total size');
  const rows = JSON.parse((await boot('pmm dump --json')).out) as { bytes: number }[];
  t.equal(rows.reduce((sum, { bytes }) => sum + bytes, 0), 2 ** 31);
  t.equal((await boot('pmm free')).out, ' 1686 free MBs\n');
  t.equal((await boot('pmm free --json')).out, '[\n{"free_bytes":1768300544}\n]\n');
});

t.test('pmm mem_avail_state info: watermarks, state and its bounds', async (t) => {
  const boot = on(await System.open('boot'));
  t.equal((await boot('pmm mem_avail_state info')).out, [
    'watermarks: [50M, 60M, 150M, 300M]', 'debounce: 1M', 'current state: 4',
    'current bounds: [299M, 16.0E]', 'free memory: 1686.4M', '',
  ].join('\n'));
  const mib = 2 ** 20;
  for (const [free, state, lower, upper] of [
    [0, 0, 0, 51], [50 * mib - 1, 0, 0, 51], [50 * mib, 1, 49, 61], [60 * mib, 2, 59, 151],
    [150 * mib, 3, 149, 301], [300 * mib - 1, 3, 149, 301],
  ] as const) {
    const row = memoryState(free);
    t.strictSame([row.state, row.lowerBytes, row.upperBytes],
      [state, lower * mib, BigInt(upper * mib)], `${free}`);
  }
  const low = System.boot({ memoryBytes: 64 * mib });
  t.match(await on(low)('pmm mem_avail_state info --csv'), { out: /^state,.*\n2,61865984,/ });
});

t.test('a recorded machine: its own figures, no kernel address space', async (t) => {
  const linux = on(await System.open('test/fixtures/nginx-6w.snap.jsonl.gz'));
  const kmem = JSON.parse((await linux('kstats -n 1 --json')).out) as Record<string, number>;
  const states = JSON.parse((await linux('pmm dump --json')).out) as
    { state: string; bytes: number }[];
  t.equal(states.find(({ state }) => state === 'free')?.bytes, kmem['free_bytes']);
  const none = await linux('zx asd kernel');
  t.strictSame([none.status, none.err],
    [1, "the kernel's address space of this system is not known\n"]);
  t.match((await linux('zx asd 9971')).out, /^as 0x[0-9a-f]{16} \[0 0x7fffffffefff\] sz /);
  t.match((await linux('zx vmos 9971')).out, '/usr/sbin/nginx');
});

const REFUSED: [line: string, status: number, err: string][] = [
  ['zx', 2, 'not enough arguments:'],
  ['zx frob', 2, "unrecognized subcommand 'frob'"],
  ['zx vmos', 2, 'not enough arguments:'],
  ['zx vmos 1043 k', 2, "dunno 'k'"],
  ['zx vmos 1043 -uk x', 2, "unexpected word 'x' behind vmos"],
  ['zx vmos 9', 1, 'process not found!'],
  ['zx vmos 1082', 1, 'process not found!'],
  ['zx vmos x', 2, '"x" is not a number'],
  ['zx ht', 2, 'not enough arguments:'],
  ['zx ht 9', 1, 'process 9 not found!'],
  ['zx asd', 2, 'not enough arguments:'],
  ['zx asd 9', 1, 'process 9 not found!'],
  ['zx asd kernels', 2, '"kernels" is not a number'],
  ['zx koid', 2, 'not enough arguments:'],
  ['zx koid 9', 1, 'invalid koid, non-reserved koids start at 1024'],
  ['zx koid 4711', 1, 'no handles found for koid 4711'],
  ['zx kill', 2, 'not enough arguments:'],
  ['zx kill 1082', 1, 'process not found!'],
  ['zx ch x\x1b', 2, '"x\\x1b" is not a number'],
  ['zx ps all', 2, "unexpected word 'all', expected help or none"],
  ['zx jobs --frob', 2, "unexpected word '--frob' behind jobs"],
  ['pmm', 2, 'not enough arguments'],
  ['pmm oom', 2, "unknown command 'oom', expected dump, free or mem_avail_state info"],
  ['vmm', 2, 'not enough arguments'],
  ['vmm kaspace x', 2, "unknown command 'kaspace x', expected aspaces or kaspace"],
];

t.test('what is refused, in the console\'s words', async (t) => {
  const zx = on(sample().system);
  for (const [line, status, err] of REFUSED) {
    const got = await zx(line);
    const help = status === 2 ? `try memsim ${line.split(' ')[0]} --help\n` : '';
    t.strictSame([got.status, got.out, got.err], [status, '', `${err}\n${help}`], line);
  }
  const tables = await memsim(['zx', 'ps'], {});
  t.strictSame([tables.status, tables.err],
    [1, "this system is tables only: the kernel's console needs the objects\n"]);
});

t.test('help has the console\'s own usage, by era', async (t) => {
  const help = async (line: string): Promise<string> => (await memsim(line.split(' '))).out;
  for (const line of ['zx --help', 'zx help', 'zx -help']) {
    t.match(await help(line), /^zx ps {16}: list processes\nzx ps help {11}: print header/);
  }
  t.match(await help('zx --help'), 'zx ch   <pid>        : dump process channels');
  t.match(await help('zx --help --era 2022'), 'zx ch   <koid>       : dump channels for pid or');
  t.notMatch(await help('zx --help --era 2017'), 'koid help');
  t.match(await help('pmm --help'), /^pmm dump/);
  t.match(await help('vmm help'), /^vmm aspaces/);
});
