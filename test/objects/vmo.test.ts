/**
 * VMOs: creation, sizes, contents, ranges, pins. One test for each refusal, in the order
 * in which the semantics name them.
 */
import t from 'tap';
import { Topic, VmoInfoFlag } from '../../src/objects/info.js';
import { DefaultRights, Right } from '../../src/objects/rights.js';
import { CachePolicy, VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { asWord, makeProcess, makeSystem, P, refused, statusOf, word } from './support.js';

const { RESIZABLE, UNBOUNDED, DISCARDABLE } = VmoOption;
const MAX = 0xfffffffffffc0000n;
const committed = (vmo: Vmo): number => vmo.getInfo(Topic.VMO).committedBytes / P;
const without = (vmo: Vmo, rights: number): Vmo => vmo.duplicate(vmo.rights & ~rights);

t.test('a VMO is created with any legal size (1.1, 1.3)', async (t) => {
  const s = makeSystem();
  t.equal(s.createVmo(0).getSize(), 0n, 'zero is legal');
  t.equal(s.createVmo(1).getSize(), 4096n, 'sizes round up');
  t.equal(s.createVmo(MAX).getSize(), MAX, 'the largest');
  const unbounded = s.createVmo(P, UNBOUNDED);
  t.equal(unbounded.getSize(), MAX);
  t.equal(unbounded.getStreamSize(), 4096n);
  t.equal(s.createVmo(P).rights, DefaultRights.VMO);
  t.equal(s.createVmo(P, RESIZABLE).rights, DefaultRights.VMO | Right.RESIZE);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createVmo(P, 1), 'unknown option');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createVmo(P, 1 << 3), 'TRAP_DIRTY without a pager');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createVmo(P, RESIZABLE | UNBOUNDED), 'both');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => s.createVmo(MAX + 1n), 'above the largest');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => s.createVmo(2n ** 64n - 1n), 'rounding overflows');
  t.equal(s.createVmo(P, DISCARDABLE).rights, DefaultRights.VMO);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createVmo(-1), 'negative');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createVmo(1.5), 'fraction');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createPhysicalVmo(1, P), 'unaligned physical');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createPhysicalVmo(P, 0), 'empty physical');
});

t.test('koids rise from 1024 and can be named once', async (t) => {
  const s = makeSystem();
  t.equal(s.rootJob.koid, 1024);
  t.equal(s.createVmo(0).koid, 1025);
  t.equal(s.createVmo(0, 0, { koid: 1026 }).koid, 1026, 'a free one is named');
  t.equal(s.createVmo(0).koid, 1027, 'and passed over');
  t.equal(s.createVmo(0, 0, { koid: 7 }).koid, 7);
  for (const koid of [7, 1024, 1026, 1027]) {
    refused(t, s, 'ZX_ERR_ALREADY_EXISTS', () => s.createVmo(0, 0, { koid }), `koid ${koid}`);
  }
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createVmo(0, 0, { koid: -5 }), 'negative koid');
  t.equal(s.createVmo(0).koid, 1028, 'a refusal takes no koid');
});

t.test('names are cut to 31 bytes, rights guard them', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(P, 0, { name: 'first' });
  t.equal(vmo.name, 'first');
  vmo.setName('0123456789012345678901234567890123456789');
  t.equal(vmo.name, '0123456789012345678901234567890');
  vmo.setName('ä'.repeat(20));
  t.equal(vmo.name, 'ä'.repeat(15), 'no letter is torn');
  vmo.setName('a\0b');
  t.equal(vmo.name, 'a');
  const bare = without(vmo, Right.GET_PROPERTY | Right.SET_PROPERTY);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => bare.name, 'name');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => bare.setName('x'), 'setName');
});

t.test('bytes are read and written, reading commits nothing (1.6)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(3 * P);
  t.equal(asWord(vmo.read(P, 4)), 0);
  t.equal(committed(vmo), 0);
  vmo.write(P - 2, word(0x11223344));
  t.equal(asWord(vmo.read(P - 2, 4)), 0x11223344, 'across a page');
  t.equal(committed(vmo), 2);
  t.equal(vmo.read(3 * P, 0).length, 0, 'nothing, at the very end');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.read(3 * P + 1, 0), 'nothing, beyond');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.write(3 * P - 3, word(1)), 'one byte too far');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => without(vmo, Right.READ).read(0, 1), 'READ');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => without(vmo, Right.WRITE).write(0, word(1)), 'WRITE');
  const device = s.createPhysicalVmo(0xfee00000, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => device.read(0, 1), 'uncached');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => device.write(0, word(1)), 'uncached');
});

t.test('bytes far above 2^53 go where they belong', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(0, UNBOUNDED);
  for (const at of [2n ** 53n + 1n, 2n ** 63n + 4095n, MAX - 4n]) {
    vmo.write(at, word(Number(at % 1000n) + 1));
    t.equal(asWord(vmo.read(at, 4)), Number(at % 1000n) + 1, `${at}`);
    t.equal(vmo.read(at - 1n, 1)[0], 0);
  }
  vmo.opRange(VmoOp.ZERO, 2n ** 63n + 4096n, 1);
  const [kept, zeroed] = vmo.read(2n ** 63n + 4095n, 2);
  t.ok(kept !== 0 && zeroed === 0, 'one byte is zeroed');
});

t.test('setSize: rights, order of refusals, tails (1.5)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(3 * P, RESIZABLE);
  vmo.write(0, new Uint8Array(3 * P).fill(7));
  vmo.setSize(P + 42);
  t.equal(vmo.getSize(), BigInt(2 * P));
  t.equal(vmo.getStreamSize(), BigInt(P + 42));
  t.equal(committed(vmo), 2);
  t.equal(vmo.read(P + 41, 1)[0], 7);
  t.equal(vmo.read(P + 42, 1)[0], 0, 'the tail is zero');
  vmo.setSize(3 * P);
  t.equal(vmo.read(2 * P, 1)[0], 0, 'growing back gives zeros');
  const fixed = s.createVmo(P);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => without(vmo, Right.WRITE).setSize(P), 'WRITE');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => without(vmo, Right.RESIZE).setSize(P), 'RESIZE');
  refused(t, s, 'ZX_ERR_UNAVAILABLE', () => fixed.setSize(P), 'not resizable, same size');
  const endless = s.createVmo(P, UNBOUNDED);
  refused(t, s, 'ZX_ERR_UNAVAILABLE', () => endless.setSize(P), 'unbounded');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.setSize(MAX + 1n), 'above the largest');
  const clone = vmo.createChild(VmoChild.SNAPSHOT | VmoChild.RESIZABLE, 2 ** 19 * P, P);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => clone.setSize(MAX), 'clone passes 2^64 in its root');
  clone.close();
  const pin = vmo.pin(2 * P, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.setSize(P), 'cuts pinned pages');
  vmo.setSize(4 * P);
  pin.unpin();
  vmo.setSize(0);
  t.equal(committed(vmo), 0);
  t.equal(s.core.freePages, 4096);
});

t.test('setStreamSize zeroes what lies behind (1.5)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(2 * P);
  vmo.write(0, new Uint8Array(2 * P).fill(7));
  vmo.setStreamSize(2 * P);
  t.equal(vmo.read(P, 1)[0], 7, 'the same value does nothing');
  vmo.setStreamSize(10);
  t.equal(vmo.read(9, 1)[0], 7);
  t.equal(vmo.read(10, 1)[0], 0);
  t.equal(committed(vmo), 1);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => without(vmo, Right.WRITE).setStreamSize(1), 'WRITE');
  const device = s.createPhysicalVmo(0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => device.setStreamSize(1), 'physical');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.setStreamSize(2 * P + 1), 'above the size');
});

t.test('the content size is a property, and may pass the end (1.5)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(2 * P, RESIZABLE);
  vmo.write(0, new Uint8Array(2 * P).fill(7));
  vmo.setContentSize(10);
  t.equal(vmo.getContentSize(), 10n);
  t.equal(vmo.getStreamSize(), 10n);
  t.equal(vmo.read(9, 1)[0], 7);
  t.equal(vmo.read(10, 1)[0], 0, 'what lies behind it is zero');
  t.equal(committed(vmo), 1);
  vmo.setContentSize(2n ** 64n - 1n);
  t.equal(vmo.getInfo(Topic.VMO).streamSizeBytes, 2n ** 64n - 1n);
  t.equal(vmo.getSize(), BigInt(2 * P), 'the size stays');
  vmo.setStreamSize(5);
  t.equal(vmo.read(5, 1)[0], 0);
  vmo.setSize(P + 3);
  t.equal(vmo.getContentSize(), BigInt(P + 3), 'setSize sets it too');
  const unread = without(vmo, Right.GET_PROPERTY);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => unread.getContentSize(), 'GET_PROPERTY');
  const unset = without(vmo, Right.SET_PROPERTY);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => unset.setContentSize(1), 'SET_PROPERTY');
  const device = s.createPhysicalVmo(0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => device.setContentSize(1), 'physical');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.setContentSize(-1), 'negative');
});

t.test('cache policy (1.7)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(P);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => without(vmo, Right.MAP).setCachePolicy(1), 'MAP');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.setCachePolicy(4), 'bits');
  const address = process.rootVmar.map(1, 0, vmo, 0, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.setCachePolicy(1), 'mapped');
  process.rootVmar.unmap(address, P);
  const pin = vmo.pin(0, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.setCachePolicy(1), 'pinned');
  pin.unpin();
  const child = vmo.createChild(VmoChild.SNAPSHOT, 0, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.setCachePolicy(1), 'has children');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => child.setCachePolicy(1), 'is a child');
  child.close();
  vmo.setCachePolicy(CachePolicy.UNCACHED);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.setCachePolicy(0), 'committed and not cached');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => vmo.createChild(VmoChild.SLICE, 0, P), 'uncached slice');
  refused(t, s, 'ZX_ERR_BAD_STATE',
    () => vmo.createChild(VmoChild.SNAPSHOT, 0, P), 'uncached clone');
});

t.test('opRange: refusals in order (5.1 to 5.4)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(8 * P);
  const op = (number: number, offset: number | bigint, length: number | bigint, from = vmo) => () =>
    from.opRange(number, offset, length);
  for (const number of [0, 5, 15]) {
    refused(t, s, 'ZX_ERR_INVALID_ARGS', op(number, 0, P), `${number}`);
  }
  for (const number of [VmoOp.COMMIT, VmoOp.DECOMMIT, VmoOp.ZERO, VmoOp.CACHE_INVALIDATE]) {
    const poor = without(vmo, Right.WRITE);
    refused(t, s, 'ZX_ERR_ACCESS_DENIED', op(number, 0, P, poor), `${number} needs WRITE`);
  }
  const reads = [
    VmoOp.CACHE_SYNC, VmoOp.CACHE_CLEAN, VmoOp.CACHE_CLEAN_INVALIDATE, VmoOp.PREFETCH,
  ];
  for (const number of reads) {
    const poor = without(vmo, Right.READ);
    refused(t, s, 'ZX_ERR_ACCESS_DENIED', op(number, 0, P, poor), `${number} needs READ`);
  }
  for (const number of [VmoOp.LOCK, VmoOp.TRY_LOCK, VmoOp.UNLOCK]) {
    const poor = without(vmo, Right.READ | Right.WRITE);
    refused(t, s, 'ZX_ERR_ACCESS_DENIED', op(number, 0, 8 * P, poor), `${number} needs either`);
    refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(number, 0, 8 * P), `${number} not discardable`);
  }
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(VmoOp.CACHE_INVALIDATE, 0, P), 'no debug calls');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', op(VmoOp.CACHE_SYNC, 0, 0), 'cache operation on nothing');
  const ranged = [
    VmoOp.COMMIT, VmoOp.DECOMMIT, VmoOp.ZERO, VmoOp.PREFETCH, VmoOp.DONT_NEED, VmoOp.CACHE_SYNC,
  ];
  for (const number of ranged) {
    refused(t, s, 'ZX_ERR_OUT_OF_RANGE', op(number, 0, 9 * P), `${number} past the end`);
    refused(t, s, 'ZX_ERR_OUT_OF_RANGE', op(number, P, 2n ** 64n - 1n), `${number} overflows`);
  }
  refused(t, s, 'ZX_ERR_INVALID_ARGS', op(VmoOp.DECOMMIT, 1, P), 'unaligned decommit');
  const device = s.createPhysicalVmo(0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(VmoOp.CACHE_SYNC, 0, P, device), 'physical cache');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(VmoOp.DECOMMIT, 0, P, device), 'physical decommit');
  const file = s.createFileVmo(P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(VmoOp.DECOMMIT, 0, P, file), 'file decommit');
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(VmoOp.DECOMMIT, 0, P, clone), 'clone decommit');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(VmoOp.DECOMMIT, 0, P), 'the original has a parent too');
  clone.close();
  const pin = vmo.pin(P, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', op(VmoOp.DECOMMIT, 0, 2 * P), 'pinned');
  vmo.opRange(VmoOp.DECOMMIT, 2 * P, P);
  pin.unpin();
  const large = s.createVmo(5000 * P);
  refused(t, s, 'ZX_ERR_NO_MEMORY', op(VmoOp.COMMIT, 0, 5000 * P, large), 'more than there is');
});

t.test('commit, decommit and zero do what they say (5.3, 5.4)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(8 * P);
  vmo.opRange(VmoOp.COMMIT, P + 1, P);
  t.equal(committed(vmo), 2, 'rounds outwards');
  vmo.opRange(VmoOp.COMMIT, 0, 0);
  vmo.opRange(VmoOp.ZERO, 3, 0);
  vmo.opRange(VmoOp.DECOMMIT, 0, 4 * P);
  t.equal(committed(vmo), 0);
  vmo.opRange(VmoOp.ZERO, 5, 2 * P);
  t.equal(committed(vmo), 0, 'zeroing nothing commits nothing');
  vmo.write(0, new Uint8Array(4 * P).fill(9));
  vmo.opRange(VmoOp.ZERO, 5, 2 * P);
  t.equal(committed(vmo), 3, 'the whole page goes');
  t.strictSame([4, 5, P, 2 * P + 4, 2 * P + 5].map((at) => vmo.read(at, 1)[0]), [9, 0, 0, 0, 9]);
  const pin = vmo.pin(2 * P, P);
  const frame = pin.frames[0];
  vmo.opRange(VmoOp.ZERO, 0, 8 * P);
  t.equal(committed(vmo), 1, 'pinned pages are zeroed in place');
  t.equal(pin.frames[0], frame);
  t.equal(vmo.read(2 * P + 5, 1)[0], 0);
  pin.unpin();
  const child = vmo.createChild(VmoChild.SNAPSHOT, 0, 8 * P);
  child.opRange(VmoOp.COMMIT, 2 * P, P);
  t.equal(s.core.freePages, 4096 - 2, 'committing a clone forks');
  for (const op of [VmoOp.PREFETCH, VmoOp.DONT_NEED, VmoOp.ALWAYS_NEED]) vmo.opRange(op, 0, 8 * P);
  t.equal(s.core.freePages, 4096 - 2, 'hints commit nothing');
  const debug = makeSystem(16, { debugSyscalls: true }).createVmo(P);
  debug.opRange(VmoOp.CACHE_INVALIDATE, 0, P);
});

t.test('pins (5.6)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(4 * P);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.pin(4 * P, 1), 'past the end');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.pin(0, 0), 'nothing');
  const poor = without(vmo, Right.MAP);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.pin(0, 1), 'MAP');
  poor.close();
  const pins = Array.from({ length: 31 }, () => vmo.pin(0, 2 * P));
  refused(t, s, 'ZX_ERR_UNAVAILABLE', () => vmo.pin(P, 2 * P), 'the 32nd time');
  t.equal(committed(vmo), 2, 'a refused pin commits nothing');
  pins.slice(1).forEach((pin) => pin.unpin());
  vmo.close();
  t.equal(s.vmos.size, 1, 'a pin keeps the VMO');
  pins[0]!.unpin();
  t.equal(s.vmos.size, 0);
  t.equal(statusOf(() => pins[0]!.unpin()), 'ZX_ERR_BAD_HANDLE');
  const endless = s.createVmo(P, UNBOUNDED);
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => endless.pin(0, MAX), 'all of an endless VMO');
  endless.pin(0, P);
  endless.pin(5 * P, 2 * P);
  endless.write(0, word(1));
  endless.write(3 * P, word(1));
  endless.setStreamSize(0);
  t.equal(committed(endless), 3, 'pins far apart in an endless VMO');
  t.equal(asWord(endless.read(0, 4)), 0);
  const slice = s.createVmo(4 * P).createChild(VmoChild.SLICE, 2 * P, P);
  slice.pin(0, P);
  t.equal(slice.object.tree.pinnedPages(2, 1), 1,
    'through a slice the pages of the tree are pinned');
});

t.test('getInfo answers as ZX_INFO_VMO does', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(P + 1, RESIZABLE, { name: 'v' });
  vmo.write(0, word(1));
  t.match(vmo.getInfo(Topic.VMO), {
    koid: vmo.koid, name: 'v', sizeBytes: 8192n, streamSizeBytes: 4097n, parentKoid: 0,
    numChildren: 0, numMappings: 0, shareCount: 0, handleRights: vmo.rights, cachePolicy: 0,
    flags: VmoInfoFlag.PAGED | VmoInfoFlag.RESIZABLE | VmoInfoFlag.VIA_HANDLE,
    committedBytes: P, populatedBytes: P,
  });
  t.ok(vmo.getInfo(Topic.VMO).metadataBytes > 0);
  t.equal(s.createVmo(P).getInfo(Topic.VMO).metadataBytes, 0);
  t.equal(s.createFileVmo(P).getInfo(Topic.VMO).flags & VmoInfoFlag.PAGER_BACKED, 32);
  t.equal(s.createPhysicalVmo(0, P).getInfo(Topic.VMO).flags & VmoInfoFlag.PAGED, 0);
  t.equal(statusOf(() => vmo.getInfo(Topic.PROCESS_MAPS)), 'ZX_ERR_WRONG_TYPE');
});

t.test('while a pass runs nothing changes, and looking is allowed', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(P, RESIZABLE);
  const address = process.rootVmar.map(3, 0, vmo, 0, P);
  s.beginPass();
  const calls: [string, () => unknown][] = [
    ['createVmo', () => s.createVmo(P)],
    ['createFileVmo', () => s.createFileVmo(P)],
    ['createPhysicalVmo', () => s.createPhysicalVmo(0, P)],
    ['addKernelUse', () => s.addKernelUse({ wiredPages: 1 })],
    ['write', () => vmo.write(0, word(1))],
    ['setSize', () => vmo.setSize(0)],
    ['setStreamSize', () => vmo.setStreamSize(0)],
    ['setContentSize', () => vmo.setContentSize(0)],
    ['createContiguousVmo', () => s.createContiguousVmo(P)],
    ['opRange', () => vmo.opRange(VmoOp.COMMIT, 0, P)],
    ['createChild', () => vmo.createChild(VmoChild.SNAPSHOT, 0, P)],
    ['pin', () => vmo.pin(0, P)],
    ['duplicate', () => vmo.duplicate()],
    ['replace', () => vmo.replace(0)],
    ['close', () => vmo.close()],
    ['setName', () => vmo.setName('x')],
    ['map', () => process.rootVmar.map(1, 0, vmo, 0, P)],
    ['unmap', () => process.rootVmar.unmap(address, P)],
    ['protect', () => process.rootVmar.protect(1, address, P)],
    ['allocate', () => process.rootVmar.allocate(0, 0, P)],
    ['touch', () => process.touch(address, P, 1)],
    ['process.read', () => process.read(address, 1)],
    ['process.write', () => process.write(address, word(1))],
    ['insertHandle', () => process.insertHandle(vmo)],
    ['kill', () => process.kill()],
    ['exit', () => process.exit()],
    ['createJob', () => s.rootJob.createJob('j')],
    ['createProcess', () => s.rootJob.createProcess('q')],
  ];
  for (const [name, call] of calls) refused(t, s, 'ZX_ERR_SHOULD_WAIT', call, name);
  t.equal(asWord(vmo.read(0, 4)), 0);
  t.equal(vmo.getInfo(Topic.VMO).numMappings, 1);
  s.endPass();
  vmo.write(0, word(1));
});
