/** `page` as text and as rows: fractions, trees, long lists, names that nobody can trust. */

import t from 'tap';
import type {
  PageMapping, PageReport, PageShare, PageVmo,
} from '../../src/accounting/page-types.js';
import { csvTable } from '../../src/views/csv.js';
import { jsonArray } from '../../src/views/json.js';
import { fractionText, pageColumns, pageRows, pageText } from '../../src/views/page.js';

const EMPTY: PageReport = {
  target: { kind: 'pfn', koid: 0, name: '', offset: 0n }, state: 'object', pfn: 7, kinds: {},
  references: 1, pins: 0, entries: 0, outsideEntries: 0, vmos: [], mappings: [], handles: [],
  shares: [], table: undefined, swap: undefined, access: undefined, notes: [],
};

function vmo(koid: number, parentKoid: number, more: Partial<PageVmo> = {}): PageVmo {
  return {
    koid, parentKoid, name: `v${koid}`, offset: 0n, role: 'snapshot', isOwn: true, numMappings: 1,
    numHandles: 0, ...more,
  };
}

function share(
  koid: number, numerator: bigint, denominator: bigint, more: Partial<PageShare> = {},
): PageShare {
  return {
    policy: 'exact', reach: 'committed', payer: 'process', koid, name: `p${koid}`,
    share: { numerator, denominator }, byHandle: false, ...more,
  };
}

t.test('shares print exactly', async (t) => {
  const text = (n: bigint, d: bigint): string => fractionText({ numerator: n, denominator: d });
  t.equal(text(4096n, 3n), '1365 1/3');
  t.equal(text(4096n, 1n), '4096');
  t.equal(text(256n, 625n), '256/625');
  t.equal(text(0n, 1n), '-');
});

t.test('VMOs stand below their parents', async (t) => {
  const again = vmo(4, 2, { offset: 8192n });
  const vmos = [vmo(1, 0), vmo(2, 1), vmo(3, 1), vmo(4, 2), again, vmo(5, 99)];
  const lines = pageText({ ...EMPTY, vmos }).split('\n').slice(3, 9);
  t.strictSame(lines.map((line) => line.slice(0, 6)),
    ['1     ', '  2   ', '    4 ', '    4 ', '  3   ', '5     ']);
  const text = pageText({
    ...EMPTY,
    vmos: [vmo(1, 0, { isOwn: false, name: '' }), vmo(2, 1, { role: 'slice', numMappings: 0 })],
  });
  t.match(text, /parent's {5}1 {5}0 {2}-\n/);
  t.match(text, /slice {8}- {5}0 {2}v2\n/);
});

t.test('both reaches of exact are one column where they agree', async (t) => {
  const present = { reach: 'present' } as const;
  const same = [share(1, 4096n, 3n), share(1, 4096n, 3n, present)];
  t.match(pageText({ ...EMPTY, shares: same }), /PAYS {10}exact {2}NAME\np:1 {8}1365 1\/3 {2}p1/);
  const other = [share(1, 4096n, 3n), share(1, 4096n, 2n, present)];
  const text = pageText({ ...EMPTY, shares: other });
  t.match(text, /PAYS {7}exact committed {2}exact present {2}NAME/);
  t.notMatch(pageText({ ...EMPTY, shares: other }, { reach: 'present' }), /committed/);
  t.notMatch(pageText({ ...EMPTY, shares: other }, { policy: 'mapcount' }), /PAYS/);
});

t.test('sums are told apart by who pays', async (t) => {
  const shares = [
    share(9, 4096n, 1n, { policy: 'attributed', payer: 'vmo', name: 'heap' }),
    share(1, 4096n, 3n, { policy: 'attributed' }), share(2, 4096n, 3n, { policy: 'attributed' }),
    share(3, 4096n, 3n, { policy: 'mapcount', reach: 'present', payer: 'outside' }),
  ];
  const lines = pageText({ ...EMPTY, shares }).split('\n');
  t.match(lines.at(-3), /^VMOs +4096 +- {2}sum$/);
  t.match(lines.at(-2), /^processes +2730 2\/3 +1365 1\/3 {2}sum$/);
});

t.test('long lists are cut in text, never in rows', async (t) => {
  const mappings = Array.from({ length: 30 }, (_, i): PageMapping => ({
    processKoid: i, processName: 'p', address: 4096n, vmoKoid: 1, vmoOffset: 0n, perms: 5,
    isPresent: i % 2 === 0,
  }));
  const shares = mappings.map((_, i) => share(i, 4096n, 30n));
  const report = { ...EMPTY, mappings, shares };
  const text = pageText(report);
  t.match(text, /r-x {2}present {2}p\n/);
  t.equal(text.match(/and 10 more: --json has all/g)?.length, 2);
  t.match(text, /processes +4096 {2}sum/, 'the sum is of all');
  t.equal(pageRows(report).length, 61);
});

t.test('names and notes hold no control character', async (t) => {
  const name = 'x\x1b[2J\n0';
  const text = pageText({
    ...EMPTY, target: { kind: 'process', koid: 5, name, offset: 4096n },
    vmos: [vmo(1, 0, { name })], shares: [share(1, 1n, 1n, { name })], notes: [name],
    mappings: [{ processKoid: 1, processName: name, address: 0n, vmoKoid: 1, vmoOffset: 0n,
      perms: 1, isPresent: false }],
    handles: [{ processKoid: 1, processName: name, vmoKoid: 1, rights: 0 }],
    swap: {
      area: 0, slot: 1, holders: [{ processKoid: 1, processName: name, address: 0n }],
      share: { numerator: 4096n, denominator: 1n },
    },
    table: { processKoid: 1, processName: name, level: 1, address: 0n },
  });
  t.notOk(text.includes('\x1b'));
  t.equal(text.split('x\\x1b[2J\\n0').length - 1, 8);
});

t.test('rows for programs are exact', async (t) => {
  const report: PageReport = {
    ...EMPTY, pfn: undefined, state: 'swapped',
    target: { kind: 'process', koid: 5, name: 'a,b', offset: 0x7fff_ffff_f000n },
    access: { read: 'swapped', write: 'new', newPages: 1, newTables: 4 },
    swap: {
      area: 2, slot: 9, holders: [{ processKoid: 5, processName: 'a,b', address: 4096n }],
      share: { numerator: 1365n, denominator: 2n },
    },
    shares: [share(1, 4096n, 3n)], notes: ['torn'],
  };
  const rows = JSON.parse(jsonArray(pageRows(report), pageColumns())) as object[];
  t.strictSame(rows, [
    { type: 'page', state: 'swapped', koid: 5, name: 'a,b', address: '0x7ffffffff000',
      references: 1, pins: 0, entries: 0, outside_entries: 0, read: 'swapped', write: 'new',
      new_pages: 1, new_tables: 4 },
    { type: 'share', koid: 1, name: 'p1', policy: 'exact', reach: 'committed', payer: 'process',
      by_handle: 0, share_bytes: 4096 / 3, share_numerator: 4096, share_denominator: 3 },
    { type: 'swap', koid: 5, name: 'a,b', address: '0x1000',
      share_bytes: 682.5, share_numerator: 1365, share_denominator: 2, swap_area: 2, swap_slot: 9 },
    { type: 'note', text: 'torn' },
  ]);
  t.match(csvTable(pageRows(report), pageColumns()), '\npage,swapped,,,5,"a,b",,0x7ffffffff000,');
});

t.test('the head says what stands there', async (t) => {
  const head = (more: Partial<PageReport>): string | undefined =>
    pageText({ ...EMPTY, ...more }).split('\n')[0];
  const counts = { entries: 1, outsideEntries: 2, pins: 3, references: 2 };
  t.equal(head({ ...counts, kinds: { hugetlb: false } }),
    'page 7: a page of VMOs, file, 2 references, 3 pins, 1 entry, 2 outside');
  t.equal(head({ kinds: { anonymous: true } }), 'page 7: a page of VMOs, anonymous');
  t.equal(head({ kinds: { sharedMemory: true } }), 'page 7: a page of VMOs, shared memory');
  t.equal(head({ kinds: { hugetlb: true } }), 'page 7: a page of VMOs, hugetlb');
  const target = { kind: 'vmo', koid: 9, name: 'heap', offset: 4096n } as const;
  t.equal(head({ target, state: 'absent', pfn: undefined }),
    'at 0x1000 of vmo:9 heap: no page yet');
});
