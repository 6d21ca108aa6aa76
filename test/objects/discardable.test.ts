/**
 * Discardable VMOs: locks, what a discard takes, and what is refused while it is gone
 * (memory-semantics 1.4, 5.5).
 */
import t from 'tap';
import { VmoLockState } from '../../src/objects/discardable.js';
import { Topic, VmoInfoFlag } from '../../src/objects/info.js';
import { KernelDoor } from '../../src/objects/kernel-door.js';
import { Right } from '../../src/objects/rights.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { asWord, makeProcess, makeSystem, P, refused, word } from './support.js';

const SIZE = 3 * P;
const { DISCARDABLE, RESIZABLE, UNBOUNDED } = VmoOption;
const committed = (vmo: Vmo): number => vmo.getInfo(Topic.VMO).committedBytes / P;
const lock = (vmo: Vmo): VmoLockState => {
  const state = new VmoLockState();
  vmo.opRange(VmoOp.LOCK, 0, vmo.getSize(), state);
  return state;
};
const unlock = (vmo: Vmo): void => vmo.opRange(VmoOp.UNLOCK, 0, vmo.getSize());
const tryLock = (vmo: Vmo): void => vmo.opRange(VmoOp.TRY_LOCK, 0, vmo.getSize());

/** A discardable VMO with three pages, unlocked, and the door that discards it. */
const makeUnlocked = (system: KernelSystem): { vmo: Vmo; door: KernelDoor } => {
  const vmo = system.createVmo(SIZE, DISCARDABLE);
  lock(vmo);
  vmo.write(0, new Uint8Array(SIZE).fill(7));
  unlock(vmo);
  return { vmo, door: new KernelDoor(system) };
};

t.test('locks are counted, and keep the pages', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(SIZE, DISCARDABLE);
  const door = new KernelDoor(s);
  const { discardable } = vmo.object;
  t.equal(discardable?.state, 'unset');
  vmo.write(0, word(5));
  t.equal(door.discard(vmo), 0, 'what was never locked is not discarded');
  t.strictSame({ ...lock(vmo) }, {
    offset: 0n, size: BigInt(SIZE), discardedOffset: 0n, discardedSize: 0n,
  });
  tryLock(vmo);
  t.equal(discardable?.locks, 2);
  unlock(vmo);
  t.equal(discardable?.state, 'unreclaimable');
  t.equal(door.discard(vmo), 0, 'a lock is left');
  unlock(vmo);
  t.equal(discardable?.state, 'reclaimable');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => unlock(vmo), 'one unlock too many');
  t.equal(asWord(vmo.read(0, 4)), 5, 'unlocked and not yet discarded reads as before');
  tryLock(vmo);
  t.equal(discardable?.state, 'unreclaimable');
  t.equal(vmo.getInfo(Topic.VMO).committedChangeEvents, 0);
});

t.test('a discard takes all pages; only LOCK brings the VMO back, empty', async (t) => {
  const s = makeSystem();
  const { vmo, door } = makeUnlocked(s);
  t.equal(door.discard(vmo), 3);
  t.equal(door.discard(vmo), 0, 'a second time there is nothing');
  t.equal(committed(vmo), 0);
  t.equal(vmo.getSize(), BigInt(SIZE), 'the size stays');
  t.equal(vmo.object.discardable?.state, 'discarded');
  t.equal(vmo.getInfo(Topic.VMO).committedChangeEvents, 1);
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => vmo.read(0, 1), 'read');
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => vmo.write(0, word(1)), 'write');
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => vmo.opRange(VmoOp.COMMIT, 0, P), 'commit');
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => vmo.pin(0, P), 'pin');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.read(SIZE, 1), 'the range comes first');
  refused(t, s, 'ZX_ERR_UNAVAILABLE', () => tryLock(vmo), 'TRY_LOCK');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => unlock(vmo), 'UNLOCK');
  vmo.opRange(VmoOp.DECOMMIT, 0, P);
  vmo.opRange(VmoOp.ZERO, 1, P);
  vmo.opRange(VmoOp.COMMIT, 0, 0);
  t.equal(lock(vmo).discardedSize, BigInt(SIZE));
  t.equal(lock(vmo).discardedSize, 0n, 'the second lock hears of nothing');
  t.equal(asWord(vmo.read(0, 4)), 0);
  vmo.opRange(VmoOp.COMMIT, 0, SIZE);
  t.equal(committed(vmo), 3);
  t.strictSame(s.core.audit(), []);
});

t.test('locks: refusals in order', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(SIZE, DISCARDABLE);
  const plain = s.createVmo(SIZE);
  for (const op of [VmoOp.LOCK, VmoOp.TRY_LOCK, VmoOp.UNLOCK]) {
    const poor = vmo.duplicate(vmo.rights & ~(Right.READ | Right.WRITE));
    refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.opRange(op, 0, SIZE), `${op}: rights`);
    refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => plain.opRange(op, 0, 9 * P), `${op}: kind`);
    for (const [offset, length] of [[0, P], [0, SIZE + 1], [P, 2 * P], [P, SIZE]] as const) {
      refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => vmo.opRange(op, offset, length),
        `${op}: ${offset}+${length} is not all of it`);
    }
  }
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.opRange(VmoOp.LOCK, 0, SIZE), 'no buffer');
  refused(t, s, 'ZX_ERR_INVALID_ARGS',
    () => vmo.opRange(VmoOp.LOCK, 0, SIZE, {} as VmoLockState), 'a buffer of another kind');
  for (const wrong of [null, {}, 5]) {
    refused(t, s, 'ZX_ERR_INVALID_ARGS',
      () => vmo.opRange(VmoOp.TRY_LOCK, 0, SIZE, wrong as VmoLockState), 'TRY_LOCK needs none');
  }
  t.equal(vmo.object.discardable?.locks, 0, 'a refused lock is not counted');
  const reader = vmo.duplicate(Right.READ);
  tryLock(reader);
  unlock(vmo.duplicate(Right.WRITE));
  t.equal(vmo.object.discardable?.state, 'reclaimable', 'either right is enough');
});

t.test('a discardable VMO has no children, and says what it is', async (t) => {
  const s = makeSystem();
  const vmo = s.createVmo(SIZE, DISCARDABLE);
  for (const [name, kind] of Object.entries(VmoChild)) {
    refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => vmo.createChild(kind, 0, P), name);
  }
  const both = VmoChild.RESIZABLE | VmoChild.NO_WRITE | VmoChild.SNAPSHOT;
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.createChild(both, 0, P), 'options come first');
  const poor = vmo.duplicate(vmo.rights & ~Right.READ);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => poor.createChild(1, 0, P), 'and rights');
  const { flags } = vmo.getInfo(Topic.VMO);
  t.equal(flags, VmoInfoFlag.PAGED | VmoInfoFlag.DISCARDABLE | VmoInfoFlag.VIA_HANDLE);
  const growing = s.createVmo(P, DISCARDABLE | RESIZABLE);
  growing.setSize(2 * P);
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => growing.opRange(VmoOp.TRY_LOCK, 0, P), 'old size');
  tryLock(growing);
  t.ok(s.createVmo(P, DISCARDABLE | UNBOUNDED));
});

t.test('pinned pages are not discarded', async (t) => {
  const s = makeSystem();
  const { vmo, door } = makeUnlocked(s);
  const pin = vmo.pin(P, P);
  t.equal(door.discard(vmo), 0);
  t.equal(vmo.object.discardable?.state, 'reclaimable');
  pin.unpin();
  t.equal(door.discard(vmo), 3);
});

t.test('through a mapping a discarded VMO faults with NOT_FOUND', async (t) => {
  const { system: s, process } = makeProcess();
  const { vmo, door } = makeUnlocked(s);
  const { rootVmar } = process;
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', () => rootVmar.map(3, 0, vmo, 0, SIZE), 'ALLOW_FAULTS');
  const address = rootVmar.map(3 | VmOption.ALLOW_FAULTS, 0, vmo, 0, SIZE);
  process.touch(address, SIZE, 1);
  t.equal(door.discard(vmo), 3);
  t.equal(s.core.aspacePresentPages(process.object.aspace.ref), 0, 'its entries went too');
  for (const access of [1, 2]) {
    refused(t, s, 'ZX_ERR_NOT_FOUND', () => process.touch(address, P, access), `access ${access}`);
    refused(t, s, 'ZX_ERR_NOT_FOUND', () => process.touch(address, SIZE, access), 'a range');
  }
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => process.read(address, 1), 'read');
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => process.write(address, word(1)), 'write');
  lock(vmo);
  process.write(address, word(9));
  t.equal(asWord(vmo.read(0, 4)), 9);
  t.strictSame(s.core.audit(), []);
});

t.test('the kernel makes VMOs without rounding (1.2)', async (t) => {
  const s = makeSystem();
  const door = new KernelDoor(s);
  t.equal(door.createVmo(0xfffffffffffc0000n).getSize(), 0xfffffffffffc0000n);
  t.equal(door.createVmo(0).getSize(), 0n);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => door.createVmo(P + 1), 'unaligned');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => door.createVmo(0xfffffffffffc1000n), 'too large');
});
