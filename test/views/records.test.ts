/** The four views for programs: keys, exact numbers, quoting. */

import t from 'tap';
import type { Policy } from '../../src/accounting/tables.js';
import { csvTable } from '../../src/views/csv.js';
import { jsonArray, jsonLines, jsonObject } from '../../src/views/json.js';
import { kstatsColumns } from '../../src/views/kstats.js';
import { psColumns, psRows } from '../../src/views/ps.js';
import { addShares, shareValue } from '../../src/views/share.js';
import { vmapsColumns, vmapsRows } from '../../src/views/vmaps.js';
import { vmosColumns, vmosRows } from '../../src/views/vmos.js';
import { groupColumns, groupRows } from '../../src/views/groups.js';
import { type SystemSpec, makeTables } from './make-tables.js';
import { BOOT, VMAPS_SH, VMOS_1118 } from './samples.js';

const HALF = 1n << 62n;

function psJson(spec: SystemSpec): Record<string, unknown>[] {
  const tables = makeTables(spec);
  const rows = psRows(tables, { threads: true });
  return JSON.parse(jsonArray(rows, psColumns(tables))) as Record<string, unknown>[];
}

t.test('ps --json is an array, a row a line, with the keys that programs rely on', async (t) => {
  const tables = makeTables(BOOT);
  const text = jsonArray(psRows(tables), psColumns(tables));
  const lines = text.trimEnd().split('\n');
  t.equal(lines.length, 17);
  t.equal(lines[2], '{"type":"p","koid":1043,"parent":1028,"depth":1,"name":"bin/devmgr",'
    + '"pss_bytes":1419605,"private_bytes":1417216,"shared_bytes":28672},');
  const [root, , thread] = psJson(BOOT);
  t.strictSame(root, {
    type: 'j', koid: 1028, parent: 0, depth: 0, name: 'root',
    pss_bytes: 33596 * 1024 + 12 * 2389, private_bytes: 33596 * 1024,
  });
  t.strictSame(thread, {
    type: 't', koid: 1050, parent: 1043, depth: 2, name: 'initial-thread', state: 'blocked',
  });
  t.equal(jsonArray([], psColumns(tables)), '[]\n');
});

t.test('exact adds owners, unmapped and kernel; swap stands where it is known', async (t) => {
  const owners = new Map([[10, 1], [2, 7], [1, 30]]);
  const task = {
    type: 'p', koid: 2, parent: 1, depth: 0, name: 'x', pss: 5n, fraction: HALF, owners,
    unmapped: 4096, kernel: 12288,
  } as const;
  const tables = makeTables({ policy: 'exact', swap: true, tasks: [task] });
  t.equal(jsonObject(psRows(tables)[0], psColumns(tables) as never), '{"type":"p","koid":2,'
    + '"parent":1,"depth":0,"name":"x","pss_bytes":5.5,"private_bytes":0,"shared_bytes":0,'
    + '"swap_bytes":8192,"swap_pss_bytes":4096,"pages_by_owners":{"1":30,"2":7,"10":1},'
    + '"unmapped_bytes":4096,"kernel_bytes":12288}');
});

t.test('a share prints its fraction under exact and attributed, else rounded down', async (t) => {
  const value = (policy: Policy): number | bigint =>
    shareValue({ bytes: 1365n, fraction: (1n << 63n) / 3n }, policy);
  t.equal(value('exact'), 1365 + 1 / 3);
  t.equal(value('attributed'), 1365 + 1 / 3);
  t.equal(value('classic'), 1365n);
  t.equal(value('mapcount'), 1365n);
  const nearlyOne = { bytes: 2n ** 53n - 1n, fraction: (1n << 63n) - 1n };
  t.equal(shareValue(nearlyOne, 'exact'), 2 ** 53, 'rounded to the nearest, not cut');
  t.equal(shareValue({ bytes: 2n ** 60n + 1n, fraction: 0n }, 'exact'), 2n ** 60n + 1n);
  t.strictSame(addShares({ bytes: 1n, fraction: HALF }, { bytes: 2n, fraction: HALF + 1n }),
    { bytes: 4n, fraction: 1n }, 'sums carry');
});

t.test('vmaps --json has the mapping\'s figures for mappings only', async (t) => {
  const tables = makeTables(VMAPS_SH);
  const rows = JSON.parse(jsonArray(vmapsRows(tables, 0), vmapsColumns(tables)));
  t.strictSame(rows[0], {
    type: 'aspace', depth: 0, name: 'proc:2470', base: '0x1000000',
    size_bytes: 0x7ffffffff000 - 0x1000000,
  });
  t.strictSame(rows[6], {
    type: 'mapping', depth: 2, name: 'mmap-anonymous', base: '0x246812b91000', size_bytes: 2097152,
    perms: 'rw-', vmo_koid: 2542, vmo_offset_bytes: 0, committed_bytes: 77824, pss_bytes: 0,
    private_bytes: 77824, shared_bytes: 0, swap_bytes: 0,
  });
  t.equal(rows.length, 17);
});

t.test('vmos --json has the fields of ZX_INFO_VMO, sizes above 2^53 in full', async (t) => {
  const tables = makeTables(VMOS_1118);
  const rows = JSON.parse(jsonArray(vmosRows(tables, 0), vmosColumns()));
  t.strictSame(rows[4], {
    koid: 1233, name: 'libbacktrace.so', size_bytes: 34406, parent_koid: 1232, num_children: 1,
    num_mappings: 1, share_count: 1, flags: 1 | 4 | 16, committed_bytes: 4096, handle_rights: 0,
    cache_policy: 0, metadata_bytes: 0, populated_bytes: 4096, committed_private_bytes: 4096,
    populated_private_bytes: 4096, committed_scaled_bytes: 4096, populated_scaled_bytes: 4096,
    committed_fractional_scaled_bytes: 0, populated_fractional_scaled_bytes: 0,
  });
  t.equal(rows[0].flags, 1 | 8, 'via a handle');
  const huge = makeTables({
    vmos: [{ koid: 1, name: '', size: 2n ** 64n - 4096n }],
    tasks: [{ type: 'p', koid: 2, parent: 0, depth: 0, name: '', refs: [{ koid: 1 }] }],
  });
  t.match(jsonArray(vmosRows(huge, 0), vmosColumns()), '"size_bytes":18446744073709547520,');
});

t.test('kstats --json is one object a line', async (t) => {
  const { kmem } = makeTables(BOOT);
  const text = jsonLines([{ kmem }, { kmem }], kstatsColumns());
  t.equal(text.split('\n').length, 3);
  t.strictSame(Object.keys(JSON.parse(text.split('\n')[0] ?? '')), [
    'total_bytes', 'free_bytes', 'free_loaned_bytes', 'wired_bytes', 'total_heap_bytes',
    'free_heap_bytes', 'vmo_bytes', 'mmu_overhead_bytes', 'ipc_bytes', 'other_bytes',
    'available_bytes',
  ]);
});

t.test('groups print their number of processes', async (t) => {
  const tables = makeTables(BOOT);
  const text = jsonArray(groupRows(tables, 'job'), groupColumns(tables));
  t.match(text, '{"name":"root","koid":1028,"processes":1,"pss_bytes":1419605,'
    + '"private_bytes":1417216,"shared_bytes":28672}');
  t.notMatch(jsonArray(groupRows(tables, 'name'), groupColumns(tables)), 'koid');
});

t.test('CSV quotes what needs it and gives hostile names back whole', async (t) => {
  const names = ['plain', 'a,b', 'say "x"', 'two\nlines', ' outer ', '\x1b[2J'];
  const tables = makeTables({
    tasks: names.map((name, row) => ({ type: 'p', koid: row, parent: 0, depth: 0, name, pss: 1n })),
  });
  t.equal(csvTable(psRows(tables), psColumns(tables)), [
    'type,koid,parent,depth,name,pss_bytes,private_bytes,shared_bytes,state',
    'p,0,0,0,plain,1,0,0,',
    'p,1,0,0,"a,b",1,0,0,',
    'p,2,0,0,"say ""x""",1,0,0,',
    'p,3,0,0,"two\nlines",1,0,0,',
    'p,4,0,0," outer ",1,0,0,',
    'p,5,0,0,\x1b[2J,1,0,0,',
    '',
  ].join('\n'));
  t.equal(csvTable([], kstatsColumns()).split('\n').length, 2, 'no rows leave the header');
  const parsed = JSON.parse(jsonArray(psRows(tables), psColumns(tables))) as { name: string }[];
  t.strictSame(parsed.map((row) => row.name), names);
});

t.test('CSV holds owners as JSON', async (t) => {
  const tables = makeTables({
    policy: 'exact',
    tasks: [{
      type: 'p', koid: 2, parent: 1, depth: 0, name: 'x', owners: new Map([[2, 7], [1, 30]]),
    }],
  });
  t.match(csvTable(psRows(tables), psColumns(tables)), ',"{""1"":30,""2"":7}",0,0,\n');
});
