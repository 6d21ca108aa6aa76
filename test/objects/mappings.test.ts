/**
 * Mappings as the kernel keeps them: merged with what they continue, protected by range, and what a
 * fault on one page maps along (9.6, 9.8, 9.12); the vDSO's code, which stays (9.7 to 9.9).
 */
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import { Right } from '../../src/objects/rights.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild } from '../../src/objects/vmo-options.js';
import { asWord, makeProcess, P, refused, word } from './support.js';

const O = VmOption;
const R = O.PERM_READ;
const RW = R | O.PERM_WRITE;
const CAN_ALL = O.CAN_MAP_READ | O.CAN_MAP_WRITE | O.CAN_MAP_EXECUTE | O.CAN_MAP_SPECIFIC;

function makeVmar() {
  const { system, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_ALL, 0, 64 * P);
  const { ref } = process.object.aspace;
  const entries = (pages: number): string => Array.from({ length: pages }, (_, page) => {
    const entry = system.core.entry(ref, vmar.object.basePage + page);
    return (entry & 1) === 0 ? '-' : entry >>> 5 === 0 ? '0' : (entry & 2) === 0 ? 'r' : 'w';
  }).join('');
  const touch = (page: number, access: number): void => {
    process.touch(vmar.base + BigInt(page * P), 1, access);
  };
  const rows = (): string[] => process.getInfo(Topic.PROCESS_MAPS)
    .filter((row) => row.type === 3)
    .map((row) => `${Number(row.base - vmar.base) / P}+${Number(row.size) / P}:${row.perms}`);
  return { system, process, vmar, entries, touch, rows };
}

t.test('a mapping that continues its neighbours becomes one with them', async (t) => {
  const { system: s, vmar, process, rows } = makeVmar();
  const vmo = s.createVmo(16 * P);
  const at = (page: number, vmoPage: number, options = RW, from = vmo): void => {
    vmar.map(options | O.SPECIFIC, page * P, from, vmoPage * P, 2 * P);
  };
  const count = (): number => vmo.getInfo(Topic.VMO).numMappings;
  at(0, 0);
  at(4, 4);
  t.equal(count(), 2);
  at(2, 2);
  t.equal(count(), 1, 'both sides');
  t.strictSame(rows(), ['0+6:3']);
  at(6, 8);
  t.equal(count(), 2, 'other pages');
  at(8, 10, R);
  t.equal(count(), 3, 'other permissions where they meet');
  at(10, 12, R, vmo.duplicate(vmo.rights & ~Right.WRITE));
  t.equal(count(), 4, 'another maximum');
  at(12, 14, R | O.ALLOW_FAULTS);
  at(14, 0, R, s.createVmo(2 * P));
  t.equal(count(), 5, 'other options, other VMOs');
  process.touch(vmar.base, 6 * P, Access.WRITE);
  vmar.unmap(vmar.base + BigInt(2 * P), 2 * P);
  t.equal(count(), 6, 'unmapping splits');
  at(2, 2);
  t.equal(count(), 5, 'and mapping again joins');
  t.strictSame(s.core.audit(), []);
  vmar.protect(R, vmar.base + BigInt(4 * P), 2 * P);
  vmar.protect(R, vmar.base + BigInt(P), 3 * P);
  t.strictSame(rows().slice(0, 2), ['0+1:3', '1+5:1'], 'a row for each range of permissions');
  vmar.protect(RW, vmar.base, 6 * P);
  t.equal(vmar.mappingAt(vmar.base)!.pieces.length, 1, 'one range again');
  t.strictSame(s.core.audit(), []);
});

t.test('a single fault maps present pages behind it along, 16 together', async (t) => {
  const { system: s, vmar, entries, touch } = makeVmar();
  const vmo = s.createVmo(64 * P);
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 40 * P);
  for (let page = 0; page < 40; page++) if (page !== 25) vmo.write(page * P, word(1));
  touch(2, Access.READ);
  t.equal(entries(40), `--${'w'.repeat(16)}${'-'.repeat(22)}`);
  touch(20, Access.WRITE);
  t.equal(entries(40).slice(18), `--${'w'.repeat(5)}${'-'.repeat(15)}`, 'up to a page not there');
  touch(25, Access.READ);
  t.equal(entries(40).slice(24, 27), 'w0w', 'also behind the zero page');
  touch(0, Access.READ);
  t.equal(entries(3), 'www');
});

t.test('never past permissions, the mapping, the table', async (t) => {
  const { system: s, vmar, entries, touch, process } = makeVmar();
  const vmo = s.createVmo(64 * P);
  vmo.write(0, new Uint8Array(64 * P).fill(1));
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 8 * P);
  vmar.map(RW | O.SPECIFIC, 8 * P, vmo, 20 * P, 8 * P);
  vmar.protect(R, vmar.base + BigInt(4 * P), 2 * P);
  touch(0, Access.READ);
  t.equal(entries(16), `wwww${'-'.repeat(12)}`);
  touch(4, Access.READ);
  t.equal(entries(16), `wwwwrr${'-'.repeat(10)}`);
  touch(6, Access.READ);
  t.equal(entries(16), `wwwwrrww${'-'.repeat(8)}`);
  const at = process.rootVmar.map(
    RW | O.SPECIFIC, 2n ** 30n - process.rootVmar.base - BigInt(4 * P), vmo, 0, 64 * P);
  process.touch(at, 1, Access.READ);
  const { ref } = process.object.aspace;
  const page = Number(at / 4096n);
  t.strictSame([3, 4].map((i) => s.core.entry(ref, page + i) & 1), [1, 0], 'the table\'s end');
});

t.test('after a write only pages that need no copy follow', async (t) => {
  const { system: s, vmar, entries, touch } = makeVmar();
  const vmo = s.createVmo(16 * P);
  vmo.write(0, new Uint8Array(8 * P).fill(1));
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 16 * P);
  for (const page of [1, 2, 4]) vmo.write(page * P, word(2));
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 16 * P);
  touch(0, Access.WRITE);
  t.equal(entries(8), 'www-----');
  touch(3, Access.READ);
  t.equal(entries(8), 'wwwrwrrr', 'a read takes shared pages along, for reading');
  t.equal(asWord(clone.read(P, 4)), 0x01010101);
  t.strictSame(s.core.audit(), []);
});

t.test('what is mapped along was not used: no accessed, no dirty bit', async (t) => {
  const { system: s, vmar, touch, process } = makeVmar();
  const vmo = s.createVmo(4 * P);
  vmo.write(0, new Uint8Array(4 * P).fill(1));
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 4 * P);
  const { ref } = process.object.aspace;
  const used = (): number[] =>
    [0, 1, 2].map((page) => (s.core.entry(ref, vmar.object.basePage + page) >> 3) & 3);
  touch(0, Access.WRITE);
  t.strictSame(used(), [3, 0, 0]);
  touch(1, Access.READ);
  t.strictSame(used(), [3, 1, 0]);
  touch(1, Access.WRITE);
  t.strictSame(used(), [3, 3, 0]);
  process.touch(vmar.base, 3 * P, Access.READ);
  t.strictSame(used(), [3, 3, 1]);
});

t.test('a range maps nothing along', async (t) => {
  const { system: s, vmar, entries, process } = makeVmar();
  const vmo = s.createVmo(8 * P);
  vmo.write(0, new Uint8Array(8 * P).fill(1));
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 8 * P);
  process.touch(vmar.base, 2 * P, Access.READ);
  t.equal(entries(8), 'ww------');
});

t.test('the vDSO\'s code stays where it is', async (t) => {
  const { system: s, vmar, process, rows } = makeVmar();
  const vdso = s.createVmo(8 * P).replaceAsExecutable();
  vdso.markVdso(6 * P);
  const inner = vmar.allocate(CAN_ALL | O.SPECIFIC, 16 * P, 16 * P);
  inner.map(R | O.SPECIFIC, 0, vdso, 0, 6 * P);
  inner.map(R | O.PERM_EXECUTE | O.SPECIFIC, 6 * P, vdso, 6 * P, 2 * P);
  const denied = 'ZX_ERR_ACCESS_DENIED';
  const at = (page: number): bigint => vmar.base + BigInt((16 + page) * P);
  refused(t, s, denied, () => inner.unmap(at(7), P), 'unmap');
  refused(t, s, denied, () => inner.unmap(at(0), 16 * P), 'unmap with more');
  refused(t, s, denied, () => vmar.unmap(vmar.base, 64 * P), 'unmap the VMAR');
  refused(t, s, denied, () => inner.protect(R, at(6), P), 'protect');
  refused(t, s, denied, () => inner.protect(R, at(5), 2 * P), 'protect with more');
  refused(t, s, denied,
    () => inner.map(R | O.SPECIFIC_OVERWRITE, 7 * P, vdso, 0, P), 'overwrite');
  refused(t, s, denied, () => inner.destroy(), 'destroy');
  refused(t, s, denied, () => vmar.destroy(), 'destroy around');
  inner.protect(0, at(0), 6 * P);
  inner.unmap(at(0), 6 * P);
  t.strictSame(rows(), ['22+2:5']);
  inner.map(R | O.SPECIFIC, 0, vdso, 6 * P, 2 * P);
  inner.unmap(at(0), 2 * P);
  process.kill();
  t.equal(vdso.getInfo(Topic.VMO).numMappings, 0, 'but a process may end');
});

t.test('the vDSO\'s code stays where its mapping became a part of another', async (t) => {
  const { system: s, vmar, rows } = makeVmar();
  const vdso = s.createVmo(8 * P).replaceAsExecutable();
  vdso.markVdso(6 * P);
  const RX = R | O.PERM_EXECUTE;
  vmar.map(RX | O.SPECIFIC, 0, vdso, 0, 6 * P);
  vmar.protect(R, vmar.base, P);
  vmar.map(RX | O.SPECIFIC, 6 * P, vdso, 6 * P, P);
  vmar.map(RX | O.SPECIFIC, 7 * P, vdso, 7 * P, P);
  t.strictSame(rows(), ['0+1:1', '1+7:5'], 'one mapping with two protections');
  const denied = 'ZX_ERR_ACCESS_DENIED';
  const at = (page: number): bigint => vmar.base + BigInt(page * P);
  for (const page of [6, 7]) {
    refused(t, s, denied, () => vmar.unmap(at(page), P), `unmap ${page}`);
    refused(t, s, denied, () => vmar.protect(R, at(page), P), `protect ${page}`);
  }
});

t.test('the vDSO\'s code stays too where protect made it executable', async (t) => {
  const { system: s, vmar, rows } = makeVmar();
  const vdso = s.createVmo(8 * P).replaceAsExecutable();
  vdso.markVdso(6 * P);
  const RX = R | O.PERM_EXECUTE;
  const at = (page: number): bigint => vmar.base + BigInt(page * P);
  vmar.map(RX | O.SPECIFIC, 0, vdso, 0, P);
  vmar.protect(RX, at(0), P);
  vmar.unmap(at(0), P);
  vmar.map(R | O.SPECIFIC, 0, vdso.duplicate(), 0, 8 * P);
  vmar.protect(RX, at(1), 2 * P);
  vmar.unmap(at(0), P);
  vmar.protect(RX, at(6), 2 * P);
  t.strictSame(rows(), ['1+2:5', '3+3:1', '6+2:5']);
  const denied = 'ZX_ERR_ACCESS_DENIED';
  refused(t, s, denied, () => vmar.unmap(at(7), P), 'unmap');
  refused(t, s, denied, () => vmar.protect(R, at(6), P), 'protect');
});
