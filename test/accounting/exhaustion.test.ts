/**
 * When memory runs out, physical or the host's: ZX_ERR_NO_MEMORY that says how much was asked and
 * left, and a system as it was.
 */

import t, { type Test } from 'tap';
import { ZxError } from '../../src/objects/errors.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { buildLinux } from '../../src/import/linux/build.js';
import { readSnapshot } from '../../src/import/linux/read.js';
import { KernelSystem } from '../../src/objects/system.js';
import { System } from '../../src/system.js';
import { anonymous, Machine, streamOf, Word } from '../import/synthetic.js';

const P = 4096;
const MIB = 2 ** 20;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

function state(system: System): unknown {
  const { core, vmos, trees } = system;
  return [core.digest(), core.freePages, vmos.size, trees.size];
}

/** Runs a call that has to be refused, and returns the refusal. */
function refusal(t: Test, system: System, name: string, call: () => unknown): ZxError {
  const before = state(system);
  let caught: unknown;
  try {
    call();
  } catch (error) {
    caught = error;
  }
  if (!(caught instanceof ZxError)) throw new Error(`${name} was not refused: ${String(caught)}`);
  t.equal(caught.status, 'ZX_ERR_NO_MEMORY', `${name}: ${caught.message}`);
  t.strictSame(state(system), before, `${name} changed nothing`);
  return caught;
}

t.test('more pages than are free: every call says how many it asked for and how many are left',
  async (t) => {
  const system = System.boot({ memoryBytes: 200 * P });
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(1000 * P, VmoOption.RESIZABLE);
  const address = process.rootVmar.map(READ_WRITE, 0, vmo, 0, 1000 * P);
  process.touch(address, 30 * P, Access.WRITE);
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 1000 * P);
  vmo.opRange(VmoOp.COMMIT, 100 * P, 60 * P);
  const calls: [name: string, pages: number, call: () => unknown][] = [
    ['commit', 500, () => vmo.opRange(VmoOp.COMMIT, 200 * P, 500 * P)],
    ['write', 500, () => vmo.write(200 * P, new Uint8Array(500 * P))],
    ['touch', 500, () => process.touch(address + BigInt(200 * P), 500 * P, Access.WRITE)],
    ['process.write', 500, () => process.write(address + BigInt(200 * P), new Uint8Array(500 * P))],
    ['pin', 500, () => vmo.pin(200 * P, 500 * P)],
    ['commit of a clone', 900, () => clone.opRange(VmoOp.COMMIT, 0, 900 * P)],
    ['kernel use', 5000, () => system.addKernelUse({ wiredPages: 5000 })],
  ];
  const { freePages } = system.core;
  for (const [name, pages, call] of calls) {
    const { message, details } = refusal(t, system, name, call);
    t.match(message, new RegExp(`\\b${pages} pages\\b`), `${name}: what was asked`);
    t.match(message, new RegExp(`\\b${freePages}( pages| are free)`), `${name}: what is left`);
    t.equal(details.freePages, freePages, `${name}: for programs too`);
  }
  process.touch(address, 30 * P, Access.WRITE);
  t.equal(system.core.freePages, freePages - 30, 'what fits is done');
  t.strictSame(system.core.audit(), []);
});

t.test('page tables take the last pages', async (t) => {
  const system = System.boot({ memoryBytes: 64 * P });
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(P);
  vmo.opRange(VmoOp.COMMIT, 0, P);
  const addresses = Array.from({ length: 40 }, (_, i) => {
    const options = READ_WRITE | VmOption.SPECIFIC;
    return process.rootVmar.map(options, i * 2 ** 31, vmo, 0, P);
  });
  let touched = 0;
  for (const address of addresses) {
    try {
      process.touch(address, P, Access.READ);
      touched += 1;
    } catch {
      const { message } = refusal(t, system, 'touch', () => process.touch(address, P, Access.READ));
      t.match(message, /touch 1 pages, with page tables .*: \d+ pages and \d+ bytes .* left$/);
      break;
    }
  }
  t.ok(touched > 0 && touched < 40, `${touched} places far apart had room for their tables`);
  process.kill();
  vmo.close();
  t.equal(system.core.freePages, 64, 'all came back');
});

/** Fills host memory with contents until a write is refused. */
function fillHost(system: System): number {
  const vmo = system.createVmo(1_000_000 * P);
  const data = new Uint8Array(64 * P).fill(1);
  for (let page = 0; ; page += 64) {
    try {
      vmo.write(page * P, data);
    } catch (error) {
      if (error instanceof ZxError && error.status === 'ZX_ERR_NO_MEMORY') return page;
      throw error;
    }
  }
}

t.test('host memory runs out: calls are refused, the state stands, passes too', async (t) => {
  const hostBytesMax = 12 * MIB;
  const system = System.boot({ memoryBytes: 65536 * P, hostBytesMax });
  const process = system.rootJob.createProcess('p');
  const written = fillHost(system);
  t.ok(written * P < hostBytesMax, `${written} pages of bytes fit into ${hostBytesMax}`);
  const vmo = system.createVmo(100000 * P);
  const address = process.rootVmar.map(READ_WRITE, 0, vmo, 0, 100000 * P);
  refusal(t, system, 'write', () => vmo.write(0, new Uint8Array(64 * P)));
  refusal(t, system, 'process.write', () => process.write(address, new Uint8Array(64 * P)));
  for (let i = 0; i < 200000; i++) {
    try {
      system.createVmo(P);
    } catch {
      break;
    }
  }
  refusal(t, system, 'createVmo', () => system.createVmo(P));
  const before = state(system);
  try {
    await system.account();
  } catch (error) {
    t.ok(error instanceof ZxError && error.status === 'ZX_ERR_NO_MEMORY', String(error));
  }
  t.equal(system.busy, false);
  t.strictSame(state(system), before, 'whether there was room for a pass or not');
});

t.test('a pass without room for its scratch says so, and is done when there is room', async (t) => {
  const system = System.boot({ memoryBytes: 400000 * P, hostBytesMax: 13 * MIB });
  system.createVmo(10 * P).opRange(VmoOp.COMMIT, 0, 10 * P);
  const before = state(system);
  for (const policy of ['classic', 'attributed', 'exact', 'mapcount'] as const) {
    try {
      const { vmos } = await system.account({ policy });
      t.equal(vmos.committedBytes[0], 10 * P, policy);
    } catch (error) {
      t.ok(error instanceof ZxError && error.status === 'ZX_ERR_NO_MEMORY', `${policy}: ${error}`);
    }
    t.equal(system.busy, false);
    t.strictSame(state(system), before);
  }
});

t.test('impossible sizes of memory are refused at once', async (t) => {
  const statusOf = (call: () => unknown): string => {
    try {
      call();
      return 'ZX_OK';
    } catch (error) {
      return error instanceof ZxError ? error.status : String(error);
    }
  };
  for (const memoryBytes of [0, -4096, 1, 4097, NaN, Infinity, 2 ** 38, 2 ** 60]) {
    t.equal(statusOf(() => System.boot({ memoryBytes })), 'ZX_ERR_INVALID_ARGS',
      String(memoryBytes));
  }
  for (const hostBytesMax of [0, 65536, MIB]) {
    const boot = (): unknown => System.boot({ memoryBytes: 2 ** 37, hostBytesMax });
    t.equal(statusOf(boot), 'ZX_ERR_NO_MEMORY', `host ${hostBytesMax}`);
  }
});

t.test('a snapshot larger than the host allows is refused with what was asked and left',
  async (t) => {
  const machine = new Machine();
  machine.meminfo = { MemTotal: 40000, MemFree: 0 };
  const task = machine.task(5, 1);
  task.areas.push(anonymous(0x10, 5000));
  for (let i = 0; i < 5000; i++) {
    task.entries.set(0x10 + i, { pfn: machine.frame(9 + i, Word.ANON) });
  }
  const snapshot = await readSnapshot('made-up', { input: streamOf(machine.text()) });
  const { createCore } = KernelSystem;
  t.teardown(() => Object.assign(KernelSystem, { createCore }));
  const refused: string[] = [];
  for (let hostBytesMax = MIB; ; hostBytesMax += 65536) {
    const small: typeof createCore = (options) => createCore({ ...options, hostBytesMax });
    Object.assign(KernelSystem, { createCore: small });
    try {
      buildLinux(snapshot, (core, options) => new System(core, options));
      break;
    } catch (error) {
      if (!(error instanceof ZxError)) throw error;
      refused.push(error.message);
      t.equal(error.status, 'ZX_ERR_NO_MEMORY', error.message);
    }
  }
  t.ok(refused.length > 0);
  const left = /no memory for .*: \d+ pages and \d+ bytes of host memory are left/;
  t.ok(refused.every((message) => left.test(message)), 'each says what was asked and left');
});
