/**
 * Children of VMOs: which kind one gets, their rights, their parents. One test for each refusal, in
 * the order in which the semantics name them.
 */
import t from 'tap';
import { Topic, VmoInfoFlag } from '../../src/objects/info.js';
import { Right } from '../../src/objects/rights.js';
import { VmoChild, VmoOp, VmoOption, VmoSignal } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { asWord, makeSystem, P, refused, word } from './support.js';

const { RESIZABLE } = VmoOption;
const committed = (vmo: Vmo): number => vmo.getInfo(Topic.VMO).committedBytes / P;
const without = (vmo: Vmo, rights: number): Vmo => vmo.duplicate(vmo.rights & ~rights);

t.test('createChild: the common checks in order (2.2)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(2 * P, RESIZABLE);
  const snap = (options: number, offset: number | bigint = 0, size: number | bigint = P) => () =>
    vmo.createChild(options, offset, size);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', snap(0, 1, 2n ** 64n - 1n), 'size comes first');
  const both = VmoChild.SNAPSHOT | VmoChild.NO_WRITE | VmoChild.RESIZABLE;
  const bare = without(vmo, Right.READ);
  refused(t, s, 'ZX_ERR_INVALID_ARGS',
    () => bare.createChild(both, 0, P), 'then NO_WRITE|RESIZABLE');
  for (const right of [Right.DUPLICATE, Right.READ]) {
    const poor = without(vmo, right);
    refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.createChild(0, 0, P), `then right ${right}`);
  }
  const fixed = without(vmo, Right.RESIZE);
  const ref = VmoChild.REFERENCE | VmoChild.RESIZABLE;
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => fixed.createChild(ref, 0, 0), 'RESIZE');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', snap(0), 'no kind');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', snap(VmoChild.SNAPSHOT | VmoChild.SLICE), 'two kinds');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', snap(VmoChild.SNAPSHOT | 2), 'unknown bit');
});

t.test('slices are windows on the root (2.3)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(4 * P);
  const slice = vmo.createChild(VmoChild.SLICE, P, 2 * P);
  const inner = slice.createChild(VmoChild.SLICE, P, P);
  inner.write(0, word(5));
  t.equal(asWord(vmo.read(2 * P, 4)), 5);
  t.equal(inner.getInfo(Topic.VMO).parentKoid, slice.koid);
  t.equal(inner.object.tree, vmo.object.tree);
  t.equal(committed(inner), 0, 'a slice is charged nothing');
  t.equal(committed(vmo), 1);
  slice.opRange(VmoOp.DECOMMIT, P, P);
  t.equal(committed(vmo), 0);
  t.equal(vmo.createChild(VmoChild.SLICE, 4 * P, 0).getSize(), 0n, 'empty, at the very end');
  const sl = (o: number, offset: number, size: number) => () => vmo.createChild(o, offset, size);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', sl(VmoChild.SLICE | VmoChild.RESIZABLE, 0, P), 'resizable');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', sl(VmoChild.SLICE, 1, P), 'unaligned');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', sl(VmoChild.SLICE, 0, 4 * P + 1), 'too long');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', sl(VmoChild.SLICE, 5 * P, 0), 'beyond');
  const growing = s.createVmo(P, RESIZABLE);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED',
    () => growing.createChild(VmoChild.SLICE, 0, P), 'of resizable');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED',
    () => slice.createChild(VmoChild.SNAPSHOT, 0, P), 'snapshot');
  slice.close();
  t.equal(inner.getInfo(Topic.VMO).parentKoid, vmo.koid, 'the grandparent takes over');
  t.equal(vmo.getInfo(Topic.VMO).numChildren, 2);
  inner.write(0, word(9));
  vmo.close();
  t.equal(asWord(inner.read(0, 4)), 9, 'pages live with the slice');
  t.equal(inner.getInfo(Topic.VMO).parentKoid, 0);
  t.equal(inner.object.tree.owner, undefined);
  t.equal(s.createPhysicalVmo(0, 2 * P).createChild(VmoChild.SLICE, P, P).getSize(), 4096n);
});

t.test('references are the same VMO under another koid (2.4)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(2 * P, RESIZABLE);
  const ref = vmo.createChild(VmoChild.REFERENCE | VmoChild.RESIZABLE);
  const plain = vmo.createChild(VmoChild.REFERENCE);
  ref.write(0, word(3));
  t.equal(asWord(vmo.read(0, 4)), 3);
  ref.setSize(3 * P);
  t.equal(vmo.getSize(), BigInt(3 * P));
  t.equal(plain.getStreamSize(), BigInt(3 * P));
  t.ok((ref.rights & Right.RESIZE) !== 0);
  t.ok((plain.rights & Right.RESIZE) === 0);
  t.equal(committed(ref), 0);
  refused(t, s, 'ZX_ERR_UNAVAILABLE', () => plain.setSize(P), 'not asked to be resizable');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.createChild(VmoChild.REFERENCE, P, 0), 'offset');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.createChild(VmoChild.REFERENCE, 0, P), 'size');
  const slice = s.createVmo(P).createChild(VmoChild.SLICE, 0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => slice.createChild(VmoChild.REFERENCE), 'of a slice');
  const device = s.createPhysicalVmo(0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => device.createChild(VmoChild.REFERENCE), 'contiguous');
});

t.test('snapshots share copy-on-write, zeros past the end for ever (2.5)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(2 * P, RESIZABLE);
  vmo.write(0, word(1));
  vmo.write(P, word(2));
  const child = vmo.createChild(VmoChild.SNAPSHOT, P, 2 * P);
  t.equal(asWord(child.read(0, 4)), 2);
  vmo.setSize(3 * P);
  vmo.write(2 * P, word(3));
  t.equal(asWord(child.read(P, 4)), 0);
  child.write(0, word(8));
  t.equal(asWord(vmo.read(P, 4)), 2);
  t.equal(s.core.freePages, 4096 - 4);
  const snap = (kind: number, offset: number | bigint, size: number | bigint) => () =>
    vmo.createChild(kind, offset, size);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', snap(VmoChild.SNAPSHOT, 1, P), 'unaligned');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', snap(VmoChild.SNAPSHOT, 2n ** 64n - 4096n, P), 'overflow');
  refused(t, s, 'ZX_ERR_INVALID_ARGS',
    () => child.createChild(VmoChild.SNAPSHOT, 2n ** 64n - 8192n, P),
    'overflow through the parent');
  const device = s.createPhysicalVmo(0, P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED',
    () => device.createChild(VmoChild.SNAPSHOT, 0, P), 'physical');
  const pin = vmo.pin(0, P);
  for (const kind of [VmoChild.SNAPSHOT, VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE]) {
    refused(t, s, 'ZX_ERR_BAD_STATE', snap(kind, 0, P), `pinned, kind ${kind}`);
  }
  pin.unpin();
});

t.test('which kind one gets over a file (2.6)', async (t) => {
  const s = makeSystem();
  const file = s.createFileVmo(4 * P, { name: 'libc' });
  file.write(0, word(1));
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED',
    () => file.createChild(VmoChild.SNAPSHOT, 0, P), 'SNAPSHOT');
  const live = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * P);
  file.write(0, word(2));
  t.equal(asWord(live.read(0, 4)), 2, 'untouched pages follow the file');
  live.write(0, word(3));
  file.write(0, word(4));
  t.equal(asWord(live.read(0, 4)), 3);
  t.equal(live.name, 'libc');
  const second = live.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * P);
  live.write(P, word(5));
  t.equal(asWord(second.read(P, 4)), 5, 'a chain follows too');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => second.createChild(VmoChild.SNAPSHOT_MODIFIED, 0, P),
    'MODIFIED on a chain of two');
  second.close();
  const modified = live.createChild(VmoChild.SNAPSHOT_MODIFIED, 0, 4 * P);
  live.write(0, word(6));
  t.equal(asWord(modified.read(0, 4)), 3, 'own pages are snapshotted');
  file.write(2 * P, word(7));
  t.equal(asWord(modified.read(2 * P, 4)), 7, 'untouched ones follow the file');
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => live.createChild(VmoChild.SNAPSHOT, 0, P),
    'SNAPSHOT of a unidirectional clone');
  const slice = file.createChild(VmoChild.SLICE, 2 * P, P);
  const ofSlice = slice.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 2 * P);
  t.equal(asWord(ofSlice.read(0, 4)), 7);
  file.write(3 * P, word(8));
  t.equal(asWord(ofSlice.read(P, 4)), 0, 'nothing shows past the slice');
  const liveSlice = modified.createChild(VmoChild.SLICE, 0, P);
  for (const kind of [VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, VmoChild.SNAPSHOT_MODIFIED]) {
    refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => liveSlice.createChild(kind, 0, P), `slice ${kind}`);
  }
  file.close();
  slice.close();
  t.equal(asWord(ofSlice.read(0, 4)), 7, 'pages of a dead file stay for its clones');
  for (const vmo of [ofSlice, liveSlice, modified, live]) vmo.close();
  t.equal(s.core.freePages, 4096);
  t.equal(s.trees.size, 0);
});

t.test('rights and names of children (2.7)', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(P, RESIZABLE, { name: 'mother' }).replaceAsExecutable();
  const { EXECUTE, WRITE, RESIZE } = Right;
  const rightsOf = (options: number, from = vmo): number => from.createChild(options, 0, P).rights;
  t.equal(rightsOf(VmoChild.SNAPSHOT), vmo.rights & ~RESIZE & ~EXECUTE);
  t.equal(rightsOf(VmoChild.SNAPSHOT | VmoChild.RESIZABLE), vmo.rights & ~EXECUTE);
  t.equal(rightsOf(VmoChild.SNAPSHOT | VmoChild.NO_WRITE), vmo.rights & ~RESIZE & ~WRITE);
  const poor = vmo.duplicate(Right.DUPLICATE | Right.READ);
  const child = poor.createChild(VmoChild.SNAPSHOT, 0, P);
  t.equal(child.rights, poor.rights | WRITE | Right.GET_PROPERTY | Right.SET_PROPERTY);
  t.equal(child.name, '', 'the name needs GET_PROPERTY');
  t.equal(vmo.createChild(VmoChild.SNAPSHOT, 0, P).name, 'mother');
  const still = vmo.createChild(VmoChild.SNAPSHOT | VmoChild.NO_WRITE, 0, P).getInfo(Topic.VMO);
  t.ok(still.flags & VmoInfoFlag.IMMUTABLE);
  t.ok(still.flags & VmoInfoFlag.IS_COW_CLONE);
});

t.test('parents, children and ZERO_CHILDREN (2.8)', async (t) => {
  const s = makeSystem();
  const a = s.createVmo(P);
  t.equal(a.signals, VmoSignal.ZERO_CHILDREN, 'asserted from the start');
  const b = a.createChild(VmoChild.SNAPSHOT, 0, P);
  t.equal(a.signals, 0);
  const c = b.createChild(VmoChild.SNAPSHOT, 0, P);
  const d = b.createChild(VmoChild.SNAPSHOT, 0, P);
  t.equal(a.getInfo(Topic.VMO).numChildren, 1);
  b.close();
  t.equal(a.getInfo(Topic.VMO).numChildren, 2, 'the grandparent counts them');
  t.equal(c.getInfo(Topic.VMO).parentKoid, a.koid);
  c.close();
  d.close();
  t.equal(a.signals, VmoSignal.ZERO_CHILDREN);
  const e = a.createChild(VmoChild.SNAPSHOT, 0, P);
  a.close();
  t.equal(e.getInfo(Topic.VMO).parentKoid, 0);
});

t.test('chains and crowds of 10,000 close from any end', async (t) => {
  const s = makeSystem(16384);
  const root = s.createVmo(4 * P);
  root.write(0, word(1));
  let last = root;
  const chain = [root];
  for (let i = 0; i < 10_000; i++) {
    last = last.createChild(VmoChild.SNAPSHOT, 0, 4 * P);
    if (i % 4 === 0) last.write(P, word(i));
    chain.push(last);
  }
  for (let i = 1; i < 10_000; i += 2) chain[i]!.close();
  for (let i = 2; i < 10_000; i += 2) chain[i]!.close();
  t.equal(last.getInfo(Topic.VMO).parentKoid, root.koid);
  t.equal(root.getInfo(Topic.VMO).numChildren, 1);
  const crowd = Array.from({ length: 10_000 }, () => root.createChild(VmoChild.SNAPSHOT, 0, P));
  t.equal(root.getInfo(Topic.VMO).numChildren, 10_001);
  root.close();
  t.equal(crowd[17]!.getInfo(Topic.VMO).parentKoid, 0);
  for (const vmo of crowd.reverse()) vmo.close();
  last.close();
  t.equal(s.core.freePages, 16384);
  t.equal(s.trees.size + s.vmos.size, 0);
});
