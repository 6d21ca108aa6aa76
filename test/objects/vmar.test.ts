/**
 * VMARs and faults: placing, mapping, unmapping, protecting, destroying, touching. One test for
 * each refusal, in the order in which the semantics name them.
 */
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import { Right } from '../../src/objects/rights.js';
import { Access, alignOption, VmOption } from '../../src/objects/vm-options.js';
import type { Vmar } from '../../src/objects/vmar.js';
import { VmoChild, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { asWord, makeProcess, P, refused, word } from './support.js';

const O = VmOption;
const RW = O.PERM_READ | O.PERM_WRITE;
const R = O.PERM_READ;
const CAN_RWS = O.CAN_MAP_READ | O.CAN_MAP_WRITE | O.CAN_MAP_SPECIFIC;
const without = <H extends Vmar | Vmo>(handle: H, rights: number): H =>
  handle.duplicate(handle.rights & ~rights) as H;

/** One letter a page: what a VMAR maps. */
function pattern(vmar: Vmar, pages: number): string {
  const at = (i: number): string => (vmar.mappingAt(vmar.base + BigInt(i * P)) ? '1' : '0');
  return Array.from({ length: pages }, (_, i) => at(i)).join('');
}

t.test('the root VMAR is the user range of the memory page', async (t) => {
  const { system, process } = makeProcess();
  t.equal(process.rootVmar.base, 0x1000000n);
  t.equal(process.rootVmar.base + process.rootVmar.size, 0x7ffffffff000n);
  const linux = system.rootJob.createProcess('init', {
    koid: 1, rootVmar: { base: 0, size: 0x7ffffffff000n, koid: 0 },
  });
  t.equal(linux.koid, 1);
  t.equal(linux.rootVmar.base, 0n);
  t.equal(linux.rootVmar.koid, 0);
  refused(t, system, 'ZX_ERR_ALREADY_EXISTS',
    () => system.rootJob.createProcess('again', { koid: 1 }), 'koid');
});

t.test('allocate: refusals in order (9.4, 9.3)', async (t) => {
  const { system: s, process } = makeProcess();
  const root = process.rootVmar;
  const r = root.allocate(CAN_RWS, 0, 10 * P);
  const make = (options: number, offset: number, size: number, from = r) => () =>
    from.allocate(options, offset, size);
  const inv = 'ZX_ERR_INVALID_ARGS';
  const denied = 'ZX_ERR_ACCESS_DENIED';
  refused(t, s, denied, make(O.CAN_MAP_READ, 0, P, without(r, Right.READ)), 'rights');
  refused(t, s, inv, make(O.PERM_READ, 0, P), 'PERM_READ');
  refused(t, s, inv, make(O.MAP_RANGE, 0, P), 'MAP_RANGE');
  refused(t, s, inv, make(O.SPECIFIC_OVERWRITE, 0, P), 'SPECIFIC_OVERWRITE');
  refused(t, s, inv, make(alignOption(9), 0, P), 'alignment 9');
  refused(t, s, inv, make(alignOption(33), 0, P), 'alignment 33');
  refused(t, s, inv, make(0, 0, P + 1), 'size not in pages');
  refused(t, s, inv, make(0, 0, 0), 'size 0');
  refused(t, s, denied, make(O.CAN_MAP_EXECUTE, 0, P), 'more than the parent');
  refused(t, s, inv, make(O.SPECIFIC | O.OFFSET_IS_UPPER_LIMIT, P, P), 'both places');
  refused(t, s, inv, make(0, P, P), 'offset without SPECIFIC');
  refused(t, s, inv, make(O.SPECIFIC, 1, P), 'unaligned offset');
  const plain = r.allocate(O.CAN_MAP_READ, 0, 2 * P);
  refused(t, s, denied, make(O.SPECIFIC, 0, P, plain), 'no CAN_MAP_SPECIFIC');
  refused(t, s, denied, make(O.OFFSET_IS_UPPER_LIMIT, P, P, plain), 'no CAN_MAP_SPECIFIC, limit');
  refused(t, s, inv, make(O.SPECIFIC, P, 10 * P), 'does not fit');
  refused(t, s, inv, make(O.SPECIFIC, 10 * P, P), 'starts at the end');
  refused(t, s, inv, make(0, 0, 11 * P), 'larger than the VMAR');
  refused(t, s, inv, make(O.OFFSET_IS_UPPER_LIMIT, 11 * P, P), 'limit past the end');
  refused(t, s, inv, make(O.OFFSET_IS_UPPER_LIMIT, P, 2 * P), 'larger than the limit');
  refused(t, s, inv, make(O.SPECIFIC | alignOption(20), P, P), 'place not aligned');
  refused(t, s, 'ZX_ERR_ALREADY_EXISTS', make(O.SPECIFIC, P, P), 'occupied');
  refused(t, s, 'ZX_ERR_NO_RESOURCES', make(0, 0, 9 * P), 'no gap');
  refused(t, s, 'ZX_ERR_NO_RESOURCES', make(O.OFFSET_IS_UPPER_LIMIT, 3 * P, 2 * P), 'below limit');
  r.destroy();
  refused(t, s, 'ZX_ERR_BAD_STATE', make(0, 0, P), 'dead');
  refused(t, s, 'ZX_ERR_BAD_STATE', make(0, 0, P, plain), 'dead with its parent');
});

t.test('rights of a new VMAR (9.4, 10.4)', async (t) => {
  const { process } = makeProcess();
  const { READ, WRITE, EXECUTE, WAIT, OP_CHILDREN } = Right;
  const vmar = process.rootVmar.allocate(O.CAN_MAP_READ, 0, P);
  t.equal(vmar.rights & (READ | WRITE | EXECUTE), READ);
  t.equal(vmar.rights & (WAIT | OP_CHILDREN), OP_CHILDREN);
  t.strictSame(vmar.getInfo(Topic.VMAR), { base: vmar.base, length: 4096n });
});

t.test('map: refusals in order (9.5)', async (t) => {
  const { system: s, process } = makeProcess();
  const root = process.rootVmar;
  const vmo = s.createVmo(2 * P);
  const map = (options: number, from: Vmo = vmo, at: Vmar = root, offset = 0, length = P) => () =>
    at.map(options, 0, from, offset, length);
  const inv = 'ZX_ERR_INVALID_ARGS';
  const denied = 'ZX_ERR_ACCESS_DENIED';
  refused(t, s, denied, map(O.PERM_WRITE, without(vmo, Right.MAP)), 'VMO without MAP');
  const readless = without(vmo, Right.READ);
  refused(t, s, inv, map(O.PERM_WRITE, readless), 'WRITE without READ');
  refused(t, s, inv, map(O.PERM_EXECUTE, readless), 'EXECUTE without READ');
  refused(t, s, inv, map(R | O.MAP_RANGE | O.SPECIFIC_OVERWRITE, readless), 'MAP_RANGE, OVERWRITE');
  refused(t, s, inv, map(R | O.CAN_MAP_READ, readless), 'CAN_MAP');
  refused(t, s, inv, map(R | (1 << 20), readless), 'unknown bit');
  refused(t, s, denied, map(R, readless), 'VMO without READ');
  refused(t, s, denied, map(RW, vmo, without(root, Right.WRITE)), 'VMAR without WRITE');
  refused(t, s, denied, map(R | O.PERM_EXECUTE), 'VMO without EXECUTE');
  refused(t, s, inv, map(R | O.FAULT_BEYOND_STREAM_SIZE), 'needs ALLOW_FAULTS');
  const beyond = R | O.FAULT_BEYOND_STREAM_SIZE | O.ALLOW_FAULTS;
  const device = s.createPhysicalVmo(0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', map(beyond, device), 'stream of a device');
  const growing = s.createVmo(P, VmoOption.RESIZABLE);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', map(R | O.REQUIRE_NON_RESIZABLE, growing), 'resizable');
  refused(t, s, inv, map(R, vmo, root, 1), 'unaligned VMO offset');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => root.map(R, 0, vmo, 2n ** 64n - 4096n, P), 'overflow');
  refused(t, s, inv, map(R, vmo, root, 0, 0), 'length 0');
  refused(t, s, inv, () => root.map(R | O.SPECIFIC, 2n ** 64n - 1n, vmo, 0, P), 'far away');
  refused(t, s, inv, () => root.map(R | O.SPECIFIC, root.size, vmo, 0, P), 'outside');
  const narrow = root.allocate(CAN_RWS, 0, 4 * P);
  narrow.map(R | O.SPECIFIC, P, vmo, 0, P);
  refused(t, s, 'ZX_ERR_ALREADY_EXISTS',
    () => narrow.map(R | O.SPECIFIC, 0, vmo, 0, 2 * P), 'taken');
  refused(t, s, 'ZX_ERR_NO_RESOURCES', map(R, vmo, narrow, 0, 3 * P), 'no gap');
  narrow.destroy();
  refused(t, s, 'ZX_ERR_BAD_STATE', map(R, vmo, narrow), 'dead');
});

t.test('first fit from the bottom, gaps are used again (9.11)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 64 * P);
  const vmo = s.createVmo(4 * P);
  const at = (options: number, length: number): number =>
    Number(vmar.map(options, 0, vmo, 0, length) - vmar.base) / P;
  t.equal(at(R, P), 0);
  t.equal(at(R, 2 * P), 1);
  t.equal(at(R, P), 3);
  vmar.unmap(vmar.base + BigInt(P), 2 * P);
  t.equal(at(R, 3 * P), 4);
  t.equal(at(R, P), 1);
  t.equal(Number(vmar.base) % 65536, 0);
  t.equal(at(R | alignOption(16), P), 16);
  t.equal(at(R | alignOption(10), P), 2);
});

t.test('an upper limit bounds the place, and drops the VMO offset (9.3, 9.5)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 8 * P);
  const vmo = s.createVmo(4 * P);
  const address = vmar.map(R | O.OFFSET_IS_UPPER_LIMIT, 2 * P, vmo, P, 2 * P);
  t.equal(address, vmar.base);
  t.equal(vmar.mappingAt(address)!.vmoOffsetPages, 0, 'a quirk of the kernel');
  refused(t, s, 'ZX_ERR_NO_RESOURCES',
    () => vmar.map(R | O.OFFSET_IS_UPPER_LIMIT, 3 * P, vmo, 0, 2 * P), 'nothing below');
});

t.test('overwriting replaces mappings whole or in part, never VMARs (9.3)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 16 * P);
  const a = s.createVmo(16 * P, 0, { name: 'a' });
  const b = s.createVmo(16 * P, 0, { name: 'b' });
  vmar.map(RW | O.SPECIFIC, 0, a, 0, 8 * P);
  process.touch(vmar.base, 8 * P, Access.WRITE);
  vmar.map(RW | O.SPECIFIC_OVERWRITE, 2 * P, b, 0, 2 * P);
  t.equal(a.getInfo(Topic.VMO).numMappings, 2);
  t.equal(vmar.mappingAt(vmar.base + BigInt(4 * P))!.vmoOffsetPages, 4);
  vmar.map(RW | O.SPECIFIC_OVERWRITE, 0, b, 0, 12 * P);
  t.equal(a.getInfo(Topic.VMO).numMappings, 0);
  t.equal(b.getInfo(Topic.VMO).numMappings, 1);
  t.equal(a.getInfo(Topic.VMO).committedBytes, 8 * P, 'pages of the VMO stay');
  vmar.allocate(O.SPECIFIC, 12 * P, P);
  refused(t, s, 'ZX_ERR_INVALID_ARGS',
    () => vmar.map(R | O.SPECIFIC_OVERWRITE, 11 * P, a, 0, 3 * P), 'a VMAR in the way');
});

t.test('unmap: refusals, splits, whole VMARs (9.7)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 16 * P);
  const vmo = s.createVmo(16 * P);
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 8 * P);
  const inner = vmar.allocate(O.SPECIFIC | CAN_RWS, 10 * P, 2 * P);
  inner.map(R, 0, vmo, 0, P);
  const unmap = (page: number, length: number, from = vmar) => () =>
    from.unmap(vmar.base + BigInt(Math.trunc(page * P)), length);
  const inv = 'ZX_ERR_INVALID_ARGS';
  refused(t, s, inv, unmap(0.5, P), 'unaligned');
  refused(t, s, inv, unmap(0, 0), 'nothing');
  refused(t, s, inv, unmap(-1, P), 'before');
  refused(t, s, inv, unmap(15, P + 1), 'behind');
  refused(t, s, inv, unmap(8, 3 * P), 'cuts a VMAR');
  refused(t, s, inv, unmap(9, 4 * P, without(vmar, Right.OP_CHILDREN)), 'OP_CHILDREN');
  process.touch(vmar.base, 8 * P, Access.WRITE);
  unmap(2, 3 * P - 1)();
  t.equal(pattern(vmar, 16), '1100011100100000');
  t.equal(vmo.getInfo(Topic.VMO).numMappings, 3);
  t.equal(s.core.aspacePresentPages(process.object.aspace.ref), 5);
  unmap(0, P)();
  unmap(7, P)();
  t.equal(pattern(vmar, 8), '01000110');
  unmap(0, 16 * P)();
  t.equal(pattern(vmar, 16), '0'.repeat(16));
  refused(t, s, 'ZX_ERR_BAD_STATE', () => inner.map(R, 0, vmo, 0, P), 'the VMAR inside is gone');
  t.equal(vmo.getInfo(Topic.VMO).numMappings, 0);
  t.equal(vmo.getInfo(Topic.VMO).committedBytes, 8 * P);
  unmap(0, P)();
  vmar.destroy();
  refused(t, s, 'ZX_ERR_BAD_STATE', unmap(0, P), 'dead');
});

t.test('protect: refusals and ranges (9.8)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 16 * P);
  const vmo = s.createVmo(16 * P);
  const readOnly = without(vmo, Right.WRITE);
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 4 * P);
  vmar.map(R | O.SPECIFIC, 4 * P, readOnly, 4 * P, P);
  const inner = vmar.allocate(O.SPECIFIC | CAN_RWS, 8 * P, 2 * P);
  inner.map(R, 0, vmo, 0, P);
  const protect = (options: number, page: number, length: number, from = vmar) => () =>
    from.protect(options, vmar.base + BigInt(Math.trunc(page * P)), length);
  const inv = 'ZX_ERR_INVALID_ARGS';
  const denied = 'ZX_ERR_ACCESS_DENIED';
  refused(t, s, denied, protect(RW, 0, P, without(vmar, Right.WRITE)), 'handle rights');
  refused(t, s, inv, protect(O.SPECIFIC, 0, P), 'option');
  refused(t, s, inv, protect(O.PERM_WRITE, 0, P), 'WRITE alone');
  refused(t, s, inv, protect(R, 0.5, P), 'unaligned');
  refused(t, s, inv, protect(R, 0, 0), 'nothing');
  refused(t, s, inv, protect(R, 15, 2 * P), 'outside');
  refused(t, s, 'ZX_ERR_NOT_FOUND', protect(R, 6, P), 'gap');
  refused(t, s, 'ZX_ERR_NOT_FOUND', protect(R, 0, 6 * P), 'gap behind mappings');
  refused(t, s, denied, protect(RW, 3, 2 * P), 'beyond the maximum');
  refused(t, s, inv, protect(R, 8, P, without(vmar, Right.OP_CHILDREN)), 'OP_CHILDREN');
  refused(t, s, denied, protect(RW, 8, P), 'through a VMAR only less');
  protect(0, 8, P)();
  protect(R, 1, 4 * P)();
  const perms = vmar.mappingAt(vmar.base)!.protections().map((p) => [p.first, p.pages, p.perms]);
  t.strictSame(perms, [[0, 1, 3], [1, 3, 1]]);
  protect(RW, 2, P)();
  protect(RW, 1, P)();
  protect(RW, 3, P)();
  t.equal(vmar.mappingAt(vmar.base)!.protections().length, 1);
  t.equal(vmo.getInfo(Topic.VMO).numMappings, 3, 'protecting makes no mappings');
});

t.test('widening to write keeps shared pages protected (9.8)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(P);
  const address = process.rootVmar.map(RW, 0, vmo, 0, P);
  process.write(address, word(1));
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, P);
  process.rootVmar.protect(R, address, P);
  process.rootVmar.protect(RW, address, P);
  process.write(address, word(2));
  t.equal(asWord(clone.read(0, 4)), 1);
  t.equal(asWord(vmo.read(0, 4)), 2);
});

t.test('destroy (9.9)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(P);
  let deep = process.rootVmar.allocate(CAN_RWS, 0, P);
  const top = deep;
  for (let i = 0; i < 5000; i++) deep = deep.allocate(CAN_RWS, 0, P);
  deep.map(R, 0, vmo, 0, P);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => without(top, Right.OP_CHILDREN).destroy(), 'rights');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => process.rootVmar.destroy(), 'root');
  t.equal(process.getInfo(Topic.PROCESS_MAPS).length, 5004);
  top.destroy();
  refused(t, s, 'ZX_ERR_BAD_STATE', () => top.destroy(), 'twice');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => deep.destroy(), 'below');
  t.equal(vmo.getInfo(Topic.VMO).numMappings, 0);
});

t.test('faults in order (9.12)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar;
  const vmo = s.createVmo(2 * P, VmoOption.RESIZABLE);
  const address = vmar.map(R | O.ALLOW_FAULTS, 0, vmo, 0, 4 * P);
  const touch = (at: bigint | number, length: number, access: number) => () =>
    process.touch(at, length, access);
  const { READ, WRITE, EXECUTE } = Access;
  refused(t, s, 'ZX_ERR_NOT_FOUND', touch(address - 1n, 1, READ), 'below');
  refused(t, s, 'ZX_ERR_NOT_FOUND', touch(2n ** 64n - 1n, 1, READ), 'top');
  refused(t, s, 'ZX_ERR_NOT_FOUND', touch(2n ** 64n - 1n, 2, READ), 'past the top');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', touch(address, 1, WRITE), 'write');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', touch(address, 1, EXECUTE), 'execute');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED',
    touch(address + BigInt(2 * P), 1, WRITE), 'denied before end');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', touch(address, 3 * P, READ), 'past the VMO');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', touch(address, 1, 0), 'no access');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', touch(address, 1, 8), 'unknown access');
  t.equal(process.touch(address, 0, READ), 0);
  t.equal(process.touch(address + 1n, P, READ), 2);
  t.equal(s.core.pagesInState(4), 0, 'reading commits nothing');
  vmo.setSize(4 * P);
  t.equal(process.touch(address, 4 * P, READ), 4);
  vmo.setSize(P);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', touch(address + BigInt(P), 1, READ), 'shrunk');
});

t.test('a slice ends where it ends, a stream where it was said to', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(8 * P);
  const slice = vmo.createChild(VmoChild.SLICE, P, P);
  const address = process.rootVmar.map(RW, 0, slice, 0, 3 * P);
  process.write(address, word(4));
  t.equal(asWord(vmo.read(P, 4)), 4);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE',
    () => process.read(address + BigInt(P), 1), 'behind a slice');
  process.rootVmar.protect(R, address + BigInt(P), P);
  process.rootVmar.unmap(address, P);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => process.read(address + BigInt(P), 1), 'still');
  t.equal(slice.getInfo(Topic.VMO).numMappings, 1);
  const stream = s.createVmo(4 * P);
  stream.setStreamSize(P + 1);
  const options = RW | O.ALLOW_FAULTS | O.FAULT_BEYOND_STREAM_SIZE;
  const at = process.rootVmar.map(options, 0, stream, 0, 4 * P);
  t.equal(process.touch(at, 2 * P, Access.WRITE), 2);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE',
    () => process.touch(at, 3 * P, Access.READ), 'past the stream');
  process.rootVmar.unmap(at + BigInt(P), P);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE',
    () => process.touch(at + BigInt(2 * P), 1, Access.READ), 'in the second half too');
});

t.test('MAP_RANGE installs entries for pages that are there', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(4 * P);
  vmo.write(P, word(1));
  vmo.write(3 * P, word(1));
  process.rootVmar.map(R | O.MAP_RANGE, 0, vmo, 0, 4 * P);
  t.equal(s.core.aspacePresentPages(process.object.aspace.ref), 2);
  t.equal(vmo.getInfo(Topic.VMO).committedBytes, 2 * P);
});

t.test('a range over several mappings is all or nothing', async (t) => {
  const { system: s, process } = makeProcess(64);
  const a = s.createVmo(2 * P);
  const b = s.createVmo(200 * P);
  const address = process.rootVmar.map(RW, 0, a, 0, 2 * P);
  process.rootVmar.map(RW, 0, b, 0, 200 * P);
  process.write(address + BigInt(2 * P - 2), word(0x01020304));
  t.equal(asWord(process.read(address + BigInt(2 * P - 2), 4)), 0x01020304, 'bytes across');
  t.equal(b.read(0, 1)[0], 2);
  refused(t, s, 'ZX_ERR_NOT_FOUND',
    () => process.touch(address, 203 * P, Access.WRITE), 'runs off the end');
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => process.touch(address, 202 * P, Access.WRITE), 'memory');
});
