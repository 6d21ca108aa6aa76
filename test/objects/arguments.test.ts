/**
 * Arguments of the wrong kind, as a program in plain JavaScript may pass them: each is refused with
 * a status and what it was, and nothing is changed.
 */
import t, { type Test } from 'tap';
import {
  Access, Right, System, Topic, VmOption, VmoChild, VmoOp, ZxError, type Process, type StatusName,
  type Vmo,
} from '../support/api.js';
import { P } from './support.js';

/** A value that no type checker would let pass. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Any = any;

const RW = VmOption.PERM_READ | VmOption.PERM_WRITE;
const NO_WORDS: Any[] = [NaN, null, 1.5, 1n, '1', -1, 2 ** 32, Infinity, {}, [], true, Symbol('s')];

interface World {
  readonly system: System;
  readonly process: Process;
  readonly vmo: Vmo;
  readonly address: bigint;
}

function makeWorld(): World {
  const system = System.boot({ memoryBytes: 256 * P });
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(8 * P);
  const address = process.rootVmar.map(RW, 0, vmo, 0, 8 * P);
  process.touch(address, P, Access.WRITE);
  return { system, process, vmo, address };
}

/** All that a refused call must leave alone; the next koid too. */
function state({ system, process, vmo }: World): unknown {
  const { rootJob } = system;
  return [
    system.core.digest(), system.core.freePages, system.core.hostBytesUsed, system.vmos.size,
    rootJob.getInfo(Topic.JOB_PROCESSES), rootJob.getInfo(Topic.JOB_CHILDREN),
    process.getInfo(Topic.PROCESS_MAPS), process.handles().length, vmo.name, vmo.isOpen,
  ];
}

function refused(
  t: Test, world: World, status: StatusName, call: () => unknown, what: string, says?: RegExp,
): void {
  state(world); // a first look at what is new takes scratch memory
  const before = state(world);
  try {
    call();
    t.fail(`${what}: accepted`);
  } catch (error) {
    if (!(error instanceof ZxError)) {
      t.fail(`${what}: ${String(error)}`);
      return;
    }
    t.equal(error.status, status, `${what}: ${error.message}`);
    t.match(error.message, says ?? /expected |allowed /, what);
  }
  t.strictSame(state(world), before, `${what}: nothing changed`);
}

const INVALID = 'ZX_ERR_INVALID_ARGS';

t.test('words of bits have to be whole numbers of 32 bits', async (t) => {
  const world = makeWorld();
  const { system, process, vmo, address } = world;
  const root = process.rootVmar;
  const calls: Record<string, (word: Any) => unknown> = {
    createVmo: (word) => system.createVmo(P, word),
    allocate: (word) => root.allocate(word, 0, P),
    map: (word) => root.map(word, 0, vmo, 0, P),
    protect: (word) => root.protect(word, address, P),
    touch: (word) => process.touch(address, P, word),
    createChild: (word) => vmo.createChild(word, 0, P),
    opRange: (word) => vmo.opRange(word, 0, P),
    setCachePolicy: (word) => vmo.setCachePolicy(word),
    duplicate: (word) => vmo.duplicate(word),
    replace: (word) => vmo.replace(word),
    getInfo: (word) => vmo.getInfo(word),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const word of NO_WORDS) {
      refused(t, world, INVALID, () => call(word), `${name}(${String(word)})`);
    }
  }
  for (const name of ['allocate', 'map', 'protect', 'touch', 'createChild', 'opRange', 'replace']) {
    refused(t, world, INVALID, () => calls[name]?.(undefined), `${name}(undefined)`, /undefined/);
  }
});

t.test('sizes, offsets and addresses have to be whole numbers of 64 bits', async (t) => {
  const world = makeWorld();
  const { system, process, vmo } = world;
  const wrong: Any[] = [NaN, null, 1.5, -1, -1n, 1n << 64n, 2 ** 53, '4096', {}, [], Symbol('s')];
  for (const size of wrong) {
    const what = String(size);
    refused(t, world, INVALID, () => system.createVmo(size), `createVmo(${what})`);
    refused(t, world, INVALID, () => vmo.read(size, 1), `read(${what})`);
    refused(t, world, INVALID, () => vmo.write(size, new Uint8Array(1)), `write(${what})`);
    refused(t, world, INVALID, () => process.touch(0, size, 1), `touch(${what})`);
    refused(t, world, INVALID, () => process.rootVmar.unmap(0, size), `unmap(${what})`);
  }
});

t.test('names, options and numbers of builders are checked before anything is made', async (t) => {
  const world = makeWorld();
  const { system, process, vmo } = world;
  const { rootJob } = system;
  const names: Any[] = [5, {}, null, [], 1n, Symbol('s')];
  for (const name of names) {
    const what = String(name);
    refused(t, world, INVALID, () => rootJob.createProcess(name), `createProcess(${what})`);
    refused(t, world, INVALID, () => rootJob.createJob(name), `createJob(${what})`);
    refused(t, world, INVALID, () => system.createVmo(P, 0, { name }), `createVmo ${what}`);
    refused(t, world, INVALID, () => vmo.setName(name), `setName(${what})`);
    const inside = (): unknown => process.rootVmar.allocate(0, 0, P, { name });
    refused(t, world, INVALID, inside, `allocate ${what}`);
  }
  for (const options of [null, 5, 'x'] as Any[]) {
    const what = String(options);
    refused(t, world, INVALID, () => rootJob.createProcess('a', options), `process ${what}`);
    refused(t, world, INVALID, () => rootJob.createJob('a', options), `job ${what}`);
    refused(t, world, INVALID, () => system.createVmo(P, 0, options), `vmo ${what}`);
    refused(t, world, INVALID, () => vmo.createChild(VmoChild.SNAPSHOT, 0, P, options), 'child');
    refused(t, world, INVALID, () => system.addKernelUse(options), `kernel use ${what}`);
  }
  for (const koid of [NaN, -1, 1.5, 5n, 'x', null] as Any[]) {
    const what = String(koid);
    refused(t, world, INVALID, () => rootJob.createProcess('a', { koid }), `process ${what}`);
    refused(t, world, INVALID, () => rootJob.createJob('a', { koid }), `job ${what}`);
    refused(t, world, INVALID, () => system.createVmo(P, 0, { koid }), `vmo ${what}`);
  }
  for (const wiredPages of [NaN, -1, 1.5, '5'] as Any[]) {
    refused(t, world, INVALID, () => system.addKernelUse({ wiredPages }), `wired ${wiredPages}`);
  }
  const vast = { base: 2n ** 47n, size: 4096n };
  refused(t, world, INVALID, () => rootJob.createProcess('a', { rootVmar: vast }), 'past the user');
  refused(t, world, INVALID, () => rootJob.setKillOnOom('yes' as Any), 'setKillOnOom');
  refused(t, world, INVALID, () => process.exit('0' as Any), 'exit');
});

t.test('what is no handle, or the wrong kind of handle, is refused', async (t) => {
  const world = makeWorld();
  const { process, vmo } = world;
  const root = process.rootVmar;
  for (const what of [undefined, null, 5, 'vmo', {}, vmo.object] as Any[]) {
    const bad = 'ZX_ERR_BAD_HANDLE';
    refused(t, world, bad, () => root.map(RW, 0, what, 0, P), `map ${String(what)}`);
    refused(t, world, bad, () => process.insertHandle(what), `insert ${String(what)}`);
  }
  const wrong = 'ZX_ERR_WRONG_TYPE';
  const job = world.system.rootJob as Any;
  refused(t, world, wrong, () => root.map(RW, 0, job, 0, P), 'a job', /another type/);
});

t.test('objects of another system are refused wherever one is taken', async (t) => {
  const world = makeWorld();
  const other = makeWorld();
  const { process } = world;
  const says = /belongs to another system/;
  refused(t, world, INVALID, () => process.rootVmar.map(RW, 0, other.vmo, 0, P), 'map', says);
  const mapAt = (): unknown => process.rootVmar.mapAt(RW, 0, other.vmo, 0, P);
  refused(t, world, INVALID, mapAt, 'mapAt', says);
  for (const handle of [other.vmo, other.process, other.process.rootVmar, other.system.rootJob]) {
    refused(t, world, INVALID, () => process.insertHandle(handle), 'insertHandle', says);
  }
  t.equal(other.vmo.isOpen, true);
  t.equal(other.vmo.getInfo(Topic.VMO).numMappings, 1);
});

t.test('data has to be bytes, and lengths such that an array can have them', async (t) => {
  const world = makeWorld();
  const { system, process, vmo, address } = world;
  for (const data of ['abc', [1, 2], new Uint16Array(4), new ArrayBuffer(4), null, 5] as Any[]) {
    const what = String(data);
    refused(t, world, INVALID, () => vmo.write(0, data), `write ${what}`, /expected a Uint8Array/);
    refused(t, world, INVALID, () => process.write(address, data), `process.write ${what}`);
  }
  vmo.write(0, Buffer.from('abc'));
  t.equal(Buffer.from(process.read(address, 3)).toString(), 'abc', 'a Buffer is a Uint8Array');
  const vast = system.createVmo(2n ** 60n);
  const noMemory = 'ZX_ERR_NO_MEMORY';
  refused(t, world, noMemory, () => vast.read(0, 2n ** 60n), 'read', /no array/);
  const at = process.rootVmar.map(RW, 0, vast, 0, 2n ** 46n);
  process.rootVmar.map(RW, 0, vast, 0, P);
  refused(t, world, noMemory, () => process.read(at, 2n ** 46n), 'process.read', /no array/);
  const gap = 'ZX_ERR_NOT_FOUND';
  refused(t, world, gap, () => process.read(at + 2n ** 45n, 2n ** 46n), 'a gap first', /faults/);
  vmo.opRange(VmoOp.ZERO, 0, P);
  t.equal(vmo.duplicate(vmo.rights & ~Right.WRITE).isOpen, true);
});
