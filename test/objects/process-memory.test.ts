/**
 * zx_process_read_memory and zx_process_write_memory: whatever mappings allow, up to the first byte
 * that is not there; and faults of the program itself, as errors and as events.
 */
import t from 'tap';
import { ZxError } from '../../src/objects/errors.js';
import type { FaultRecord } from '../../src/objects/faults.js';
import { Topic } from '../../src/objects/info.js';
import { Right } from '../../src/objects/rights.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoOption } from '../../src/objects/vmo-options.js';
import { makeProcess, P, refused, statusOf } from './support.js';

const R = VmOption.PERM_READ;
const RW = R | VmOption.PERM_WRITE;

t.test('refusals, first to last', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(2 * P, VmoOption.RESIZABLE);
  const at = process.rootVmar.map(RW | VmOption.ALLOW_FAULTS, 0, vmo, 0, 4 * P);
  const one = new Uint8Array(1);
  const blind = process.duplicate(process.rights & ~(Right.READ | Right.WRITE));
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => blind.readMemory(0, 0), 'no READ');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => blind.writeMemory(0, one), 'no WRITE');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => process.readMemory(0, 0), 'no bytes');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => process.writeMemory(0, new Uint8Array(0)), 'none');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => process.readMemory(at, 2 ** 26 + 1), 'too many');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => process.readMemory(at, 1.5), 'half a byte');
  const none = Object.create(null) as number;
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => process.readMemory(at, none), 'no number');
  t.equal(process.readMemory(at, 2n).length, 2, 'bytes are a number or a bigint');
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => process.readMemory(at - 1n, 2), 'nothing there');
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => process.writeMemory(2n ** 64n - 1n, one), 'the top');
  refused(t, s, 'ZX_ERR_NOT_FOUND', () => process.readMemory(at + BigInt(2 * P), 1), 'VMO\'s end');
  const device = process.rootVmar.map(RW, 0, s.createPhysicalVmo(0, P), 0, P);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => process.readMemory(device, 1), 'uncached');
  process.kill();
  refused(t, s, 'ZX_ERR_BAD_STATE', () => process.readMemory(at, 1), 'ended');
});

t.test('copies end at the first byte that is not there', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(3 * P);
  vmo.write(0, new Uint8Array(3 * P).fill(5));
  const at = process.rootVmar.map(RW, 0, vmo, 0, 3 * P);
  process.rootVmar.unmap(at + BigInt(2 * P), P);
  t.equal(process.readMemory(at + 1n, 4 * P).length, 2 * P - 1);
  t.equal(process.readMemory(at + BigInt(2 * P - 1), 2).length, 1);
  t.equal(process.writeMemory(at + 10n, new Uint8Array(3 * P).fill(6)), 2 * P - 10);
  t.strictSame([...vmo.read(8, 4)], [5, 5, 6, 6]);
  t.equal(vmo.read(2 * P, 1)[0], 5);
});

t.test('permissions are not asked, entries are not made, no fault is told', async (t) => {
  const { system: s, process } = makeProcess();
  const faults: FaultRecord[] = [];
  s.onFault((fault) => faults.push(fault));
  const vmo = s.createVmo(2 * P);
  const at = process.rootVmar.map(0, 0, vmo, 0, 2 * P);
  t.equal(process.writeMemory(at, new Uint8Array([1, 2])), 2);
  t.strictSame([...process.readMemory(at, 3)], [1, 2, 0]);
  t.equal(s.core.aspacePresentPages(process.object.aspace.ref), 0);
  t.equal(vmo.getInfo(Topic.VMO).committedBytes, P);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => process.read(at, 1), 'the program itself may not');
  t.equal(faults.length, 1);
});

t.test('memory that runs out in the middle makes the copy short', async (t) => {
  const { system: s, process } = makeProcess(64);
  const a = s.createVmo(P);
  const b = s.createVmo(P);
  a.write(0, new Uint8Array(1));
  const at = process.rootVmar.map(RW, 0, a, 0, P);
  process.rootVmar.map(RW, 0, b, 0, P);
  s.addKernelUse({ otherPages: s.core.freePages });
  t.equal(process.writeMemory(at, new Uint8Array(2 * P)), P);
  refused(t, s, 'ZX_ERR_NO_MEMORY',
    () => process.writeMemory(at + BigInt(P), new Uint8Array(1)), 'not one byte');
});

t.test('a fault is an error with address and access, and an event before it', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(2 * P);
  const at = process.rootVmar.map(R | VmOption.ALLOW_FAULTS, 0, vmo, 0, 4 * P);
  const faults: FaultRecord[] = [];
  const stop = s.onFault((fault) => faults.push(fault));
  const caught = (call: () => unknown): ZxError => {
    try {
      call();
    } catch (error) {
      if (error instanceof ZxError) return error;
    }
    throw new Error('no fault');
  };
  const { koid } = process;
  const told = (address: bigint, access: number, status: string, call: () => unknown): void => {
    const { details, status: got } = caught(call);
    t.strictSame([details['address'], details['access'], got], [address, access, status], status);
    t.strictSame(faults.pop(), { process: koid, address, access, status });
  };
  const { READ, WRITE } = Access;
  told(at + 5n, WRITE, 'ZX_ERR_ACCESS_DENIED', () => process.touch(at + 5n, 1, WRITE));
  told(at + 7n, WRITE, 'ZX_ERR_ACCESS_DENIED',
    () => process.write(at + 7n, new Uint8Array(2 * P)));
  told(at + BigInt(2 * P), READ, 'ZX_ERR_OUT_OF_RANGE', () => process.read(at + 9n, 3 * P));
  told(at - 3n, READ, 'ZX_ERR_NOT_FOUND', () => process.read(at - 3n, 4));
  told(2n ** 64n - 1n, READ, 'ZX_ERR_NOT_FOUND', () => process.read(2n ** 64n - 1n, 2));
  t.equal(faults.length, 0);
  process.read(at, 1);
  t.throws(() => process.touch(at, 1, 0), 'a wrong argument is no fault');
  t.equal(faults.length, 0);
  stop();
  caught(() => process.touch(at, 1, WRITE));
  t.equal(faults.length, 0, 'no longer observed');
});

t.test('an observer may mend what was wrong: the next try goes through', async (t) => {
  const { system: s, process } = makeProcess();
  const vmo = s.createVmo(P);
  const at = process.rootVmar.map(R, 0, vmo, 0, P);
  s.onFault(({ address, status }) => {
    if (status === 'ZX_ERR_ACCESS_DENIED') process.rootVmar.protect(RW, address & ~4095n, P);
  });
  const write = (): void => { process.write(at + 8n, new Uint8Array([9])); };
  t.equal(statusOf(write), 'ZX_ERR_ACCESS_DENIED');
  process.write(at + 8n, new Uint8Array([9]));
  t.equal(vmo.read(8, 1)[0], 9);
});
