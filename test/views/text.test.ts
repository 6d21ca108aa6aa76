/** The four views as text: golden files, eras, widths, hostile names. */

import t from 'tap';
import { kstatsText } from '../../src/views/kstats.js';
import { type PsLayout, type PsSelection, isFlat, psRows, psText } from '../../src/views/ps.js';
import { findProcess } from '../../src/views/tasks.js';
import { vmapsRows, vmapsText } from '../../src/views/vmaps.js';
import { vmosRows, vmosText } from '../../src/views/vmos.js';
import { visibleName, visibleText } from '../../src/views/escape.js';
import { groupRows, groupText } from '../../src/views/groups.js';
import { PAGED, type SystemSpec, makeTables } from './make-tables.js';
import { BOOT, VMAPS_SH, VMOS_1118, golden } from './samples.js';

function ps(spec: SystemSpec, selection: PsSelection = {}, layout: Partial<PsLayout> = {}): string {
  const rows = psRows(makeTables(spec), selection);
  return psText(rows, {
    era: 'page', threads: selection.threads, jobsOnly: selection.jobsOnly, flat: isFlat(selection),
    exactColumns: spec.policy === 'exact', ...layout,
  });
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

t.test('the golden files come out byte for byte', async (t) => {
  t.equal(ps(BOOT), golden('ps-boot.txt'));
  t.equal(vmapsText(vmapsRows(makeTables(VMAPS_SH), 0), 'page'), golden('vmaps-sh-2470.txt'));
  t.equal(vmosText(vmosRows(makeTables(VMOS_1118), 0), 'page'), golden('vmos-1118.txt'));
  t.equal(kstatsText({ kmem: makeTables(BOOT).kmem }, 'page'), golden('kstats-m.txt'));
});

t.test('ps has a column STATE since 2019, and a space in its ids since 2022', async (t) => {
  const [header, root] = linesOf(ps(BOOT, {}, { era: '2019' }));
  t.equal(header, 'TASK           PSS PRIVATE  SHARED   STATE NAME');
  t.equal(root, 'j:1028       32.9M   32.8M                 root');
  t.equal(ps(BOOT, { jobsOnly: true }, { era: '2022' }), [
    'TASK          PSS PRIVATE   STATE NAME',
    'j: 1028     32.9M   32.8M         root',
    '  j: 1082   30.0M   30.0M         zircon-drivers',
    '  j: 1103 1475.7k   1464k         zircon-services',
    'TASK          PSS PRIVATE   STATE NAME',
    '',
  ].join('\n'));
  t.match(ps(BOOT, {}, { era: '2025' }), /^j: 1028 +32\.8M/m, '2025 has algorithm B');
  t.equal(ps(BOOT, {}, { era: '2017' }), golden('ps-boot.txt'));
  for (const era of ['2017', '2019', '2022', '2025'] as const) {
    t.equal(ps(BOOT, {}, { era }), golden(`ps-boot-${era}.txt`), era);
    t.equal(ps(BOOT, { threads: true }, { era }), golden(`ps-boot-T-${era}.txt`), `-T ${era}`);
    t.equal(ps(BOOT, { jobsOnly: true }, { era }), golden(`ps-boot-J-${era}.txt`), `-J ${era}`);
  }
});

t.test('ps fixes sizes to a unit, and wide cells push the rest', async (t) => {
  const lines = linesOf(ps(BOOT, {}, { unit: 'k' }));
  t.ok(lines.includes('    p:1916 24946.3k  24944k     28k driver_host:pci#3:8086:2922'));
  t.equal(lines[1], 'j:1028     33624.0k  33596k         root');
  t.match(ps(BOOT, {}, { unit: 'q' }), '?1386.3k  ?1384k    ?28k bin/devmgr');
});

t.test('ps -T adds threads and their state, -J leaves jobs, both leave no process', async (t) => {
  const threads = linesOf(ps(BOOT, { threads: true }));
  t.equal(threads[0], 'TASK           PSS PRIVATE  SHARED   STATE NAME');
  t.ok(threads.includes('    t:1050                         blocked initial-thread'));
  const jobs = linesOf(ps(BOOT, { jobsOnly: true }));
  t.equal(jobs[0], 'TASK         PSS PRIVATE NAME');
  t.equal(jobs.length, 5);
  const both = linesOf(ps(BOOT, { threads: true, jobsOnly: true }));
  t.equal(both.length, 6);
  t.notMatch(both.join('\n'), 'p:');
});

t.test('ps --job begins at that job, which gets depth 0', async (t) => {
  const lines = linesOf(ps(BOOT, { jobKoid: 1103 }));
  t.equal(lines.length, 8);
  t.equal(lines[1], 'j:1103   1475.7k   1464k         zircon-services');
  t.equal(lines[2], '  p:1104  298.3k    296k     28k crashlogger');
  t.equal(ps(BOOT, { jobKoid: 4711 }), '', 'no rows print nothing, not even a header');
});

t.test('a sorted ps is a flat list of processes, the largest first', async (t) => {
  const names = (selection: PsSelection): string[] =>
    psRows(makeTables(BOOT), selection).map((row) => row.name);
  t.strictSame(names({ top: 2 }), ['driver_host:pci#3:8086:2922', 'driver_host:pci#1:1234:1111']);
  t.strictSame(names({ sort: 'name', top: 2 }), ['/boot/bin/acpisvc', '/boot/bin/ps']);
  t.strictSame(names({ sort: 'koid', top: 1 }), ['bin/devmgr']);
  t.equal(names({ sort: 'shared' })[0], 'bin/devmgr', 'equal keys keep the walk order');
  t.strictSame(names({ sort: 'pss', jobsOnly: true }),
    ['root', 'zircon-drivers', 'zircon-services']);
  t.equal(linesOf(ps(BOOT, { top: 1 }))[1],
    'p:1916   24.4M   24.4M     28k driver_host:pci#3:8086:2922');
});

t.test('under exact, UNMAPPED and KERNEL stand after SHARED', async (t) => {
  const spec: SystemSpec = {
    policy: 'exact',
    tasks: [
      { type: 'j', koid: 1, parent: 0, depth: 0, name: 'root' },
      {
        type: 'p', koid: 22, parent: 1, depth: 1, name: 'a', pss: 4096n, privateBytes: 4096,
        unmapped: 8192, kernel: 20480,
      },
    ],
  };
  t.equal(ps(spec), [
    'TASK       PSS PRIVATE  SHARED UNMAPPED   KERNEL NAME',
    'j:1         4k      4k               8k      20k root',
    '  p:22      4k      4k      0B       8k      20k a',
    'TASK       PSS PRIVATE  SHARED UNMAPPED   KERNEL NAME',
    '',
  ].join('\n'));
});

t.test('sorted by swap, the column that was sorted by is shown after SHARED', async (t) => {
  const spec: SystemSpec = { ...BOOT, swap: true };
  const text = psText(psRows(makeTables(spec), { sort: 'swap', top: 1 }), {
    era: 'page', flat: true, swapColumn: true,
  });
  t.equal(text, [
    'TASK       PSS PRIVATE  SHARED    SWAP NAME',
    'p:1043 1386.3k   1384k     28k      4k bin/devmgr',
    'TASK       PSS PRIVATE  SHARED    SWAP NAME',
    '',
  ].join('\n'));
});

t.test('vmaps of a tree two deep has the space that C prints for a width of -1', async (t) => {
  const maps = (VMAPS_SH.tasks?.[0]?.maps ?? []).filter((map) => map.depth < 3);
  const tables = makeTables({
    tasks: [{ type: 'p', koid: 2470, parent: 0, depth: 0, name: 'sh', maps }],
  });
  const lines = linesOf(vmapsText(vmapsRows(tables, 0), 'page'));
  t.equal(lines[0],
    "/A  ________01000000-00007ffffffff000    128.0T:sz                    'proc:2470'");
  t.ok(lines[3]?.startsWith('M 0000246812b91000-0000246812d91000 rw-    2M:sz  76k:res'));
});

t.test('vmaps of a tree four deep pads every row alike', async (t) => {
  const tables = makeTables({
    tasks: [{
      type: 'p', koid: 1, parent: 0, depth: 0, name: '', maps: [
        { type: 'A', depth: 0, name: 'a', base: 0n, end: 0x1000n },
        { type: 'R', depth: 2, name: 'b', base: 0n, end: 0x1000n },
        { type: 'M', depth: 4, name: 'c', base: 0xfffff000n, end: 0x100000000n, perms: 7 },
      ],
    }],
  });
  t.strictSame(linesOf(vmapsText(vmapsRows(tables, 0), 'page')), [
    "/A  ________00000000-________00001000        4k:sz                    'a'",
    "R   ________00000000-________00001000        4k:sz                    'b'",
    "  M ________fffff000-0000000100000000 rwx    4k:sz   0B:res     0:vmo 'c'",
  ]);
});

t.test('vmos: no name is -, a physical VMO is phys, only a clone shows its parent', async (t) => {
  const tables = makeTables({
    vmos: [
      { koid: 5, name: '', size: 4096n, flags: 0 },
      { koid: 6, name: 'slice', size: 4096n, parent: 5, flags: PAGED },
    ],
    tasks: [{
      type: 'p', koid: 1, parent: 0, depth: 0, name: '',
      refs: [{ koid: 5, rights: 0 }, { koid: 5 }, { koid: 6 }],
    }],
  });
  t.strictSame(linesOf(vmosText(vmosRows(tables, 0), 'page')).slice(1, -1), [
    '------     5      -     0    0    1      4k    phys -',
    '     -     5      -     0    0    1      4k    phys -',
    '     -     6      -     0    0    1      4k      0B slice',
  ]);
});

t.test('kstats: a timestamp is framed, 2025 ends a report with an empty line', async (t) => {
  const { kmem } = makeTables({});
  const text = kstatsText({ kmem, timestamp: '2017-06-07T05:51:08.021Z' }, 'page');
  t.ok(text.startsWith('\n--- 2017-06-07T05:51:08.021Z ---\nmem total '));
  t.match(text, /\n {7}0M /, 'exactly nothing is 0M');
  t.ok(kstatsText({ kmem }, '2025').endsWith('0M \n\n'));
});

const HOSTILE = 'a\x1b]0;owned\x07\n\x9b2J\u202egnp.exe\t\r\u2028\ud800';

t.test('control characters in names become visible, in every view', async (t) => {
  t.equal(
    visibleName(HOSTILE),
    'a\\x1b]0;owned\\x07\\n\\x9b2J\\u{202e}gnp.exe\\t\\r\\u{2028}\\u{d800}',
  );
  t.equal(visibleName('naïve 猫 🐈 c:\\x'), 'naïve 猫 🐈 c:\\x', 'ordinary names stay');
  t.equal(visibleText('a\tb\n\x1bc\n'), 'a\tb\n\\x1bc\n');
  const spec: SystemSpec = {
    vmos: [{ koid: 5, name: HOSTILE, size: 4096n }],
    tasks: [{
      type: 'p', koid: 1, parent: 0, depth: 0, name: HOSTILE, pss: 1n, refs: [{ koid: 5 }],
      maps: [{ type: 'M', depth: 2, name: HOSTILE, base: 0n, end: 4096n }],
    }],
  };
  const tables = makeTables(spec);
  const texts = [
    ps(spec), vmapsText(vmapsRows(tables, 0), 'page'), vmosText(vmosRows(tables, 0), 'page'),
    groupText(groupRows(tables, 'name'), 'page'),
  ];
  for (const text of texts) t.notMatch(text, /(?!\n)[\p{Cc}\u202e\u2028\p{Cs}]/u);
  t.strictSame(texts.map((text) => linesOf(text).length), [3, 1, 3, 3], 'no name forges a line');
});

t.test('groups add up their members, the largest first', async (t) => {
  const tables = makeTables(BOOT);
  const jobs = groupRows(tables, 'job');
  t.strictSame(jobs.map((row) => [row.name, row.koid, row.processes]), [
    ['zircon-drivers', 1082, 6], ['zircon-services', 1103, 5], ['root', 1028, 1],
  ]);
  t.equal(jobs[1]?.pss.bytes, BigInt(1464 * 1024 + 5 * 2389));
  t.equal(groupRows(tables, 'name').length, 12);
  t.equal(groupText(groupRows(tables, 'job', 1103), 'page'), [
    '  PROCS     PSS PRIVATE  SHARED NAME',
    '      5 1475.7k   1464k    140k zircon-services',
    '  PROCS     PSS PRIVATE  SHARED NAME', '',
  ].join('\n'));
  t.equal(groupText([], 'page'), '');
});

t.test('a process is found by koid; jobs, threads and strangers are not processes', async (t) => {
  const tables = makeTables(BOOT);
  t.equal(findProcess(tables, 1043), 1);
  t.equal(findProcess(tables, 1028), 'ZX_ERR_WRONG_TYPE');
  t.equal(findProcess(tables, 1050), 'ZX_ERR_WRONG_TYPE');
  t.equal(findProcess(tables, 9), 'ZX_ERR_NOT_FOUND');
});
