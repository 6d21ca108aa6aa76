/**
 * Workers: the same tables byte for byte for any number of them, nothing changes while a pass
 * runs, one pass at a time, and a system goes on after its workers ended.
 */

import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { AccountOptions } from '../../src/accounting/account.js';
import type { AccountTables, Policy, Reach } from '../../src/accounting/tables.js';
import { ZxError } from '../../src/objects/errors.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { System } from '../../src/system.js';

const P = 4096;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const WORKERS = [1, 2, 4, 8];
const PASSES: [Policy, Reach][] = [
  ['classic', 'committed'], ['attributed', 'committed'], ['exact', 'committed'],
  ['exact', 'present'], ['mapcount', 'present'],
];

/** A parent of 3,000 pages forked 300 times; forks write here and there, some map parts twice. */
function forked(): System {
  const system = System.boot({ memoryBytes: 65536 * P });
  const parent = system.createVmo(3000 * P);
  parent.opRange(VmoOp.COMMIT, 0, 3000 * P);
  let last = parent;
  for (let i = 0; i < 300; i++) {
    const process = system.rootJob.createProcess(`fork ${i}`);
    const from = i % 7 === 0 ? last : parent;
    const offset = i % 5 === 0 ? 37 : 0;
    last = from.createChild(VmoChild.SNAPSHOT, offset * P, (3000 - i) * P);
    const address = process.rootVmar.map(READ_WRITE, 0, last, 0, (3000 - i) * P);
    for (let n = 0; n < 12; n++) {
      process.touch(address + BigInt(((i * 131 + n * 257) % (2900 - i)) * P), P, Access.WRITE);
    }
    process.touch(address + BigInt(i * P), 64 * P, Access.READ);
    if (i % 3 === 0) process.rootVmar.map(VmOption.PERM_READ, 0, parent, 5 * P, 900 * P);
    if (i % 4 === 0) process.insertHandle(last.duplicate());
  }
  return system;
}

/** Everything in the tables as plain values, typed arrays by their bytes. */
function bytesOf(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');
  }
  if (value instanceof Map) return [...value];
  if (Array.isArray(value)) return value.map(bytesOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, bytesOf(part)]));
}

function textOf(tables: AccountTables): string {
  return JSON.stringify(bytesOf(tables));
}

const EDGE = new URL('../fixtures/edge-thp-ksm-swap-hugetlb-6.snap.jsonl.gz', import.meta.url);

const systems: [name: string, make: () => Promise<System>][] = [
  ['boot', () => System.open('boot')],
  ['300 forks', () => Promise.resolve(forked())],
  ['a snapshot', () => System.open(fileURLToPath(EDGE))],
];

for (const [name, make] of systems) {
  t.test(`any number of workers finds the same in ${name}`, async (t) => {
    const system = await make();
    const digest = system.core.digest();
    const alone: string[] = [];
    for (const [policy, reach] of PASSES) {
      alone.push(textOf(await system.account({ policy, reach, workers: 0 })));
    }
    for (const workers of WORKERS) {
      const different: string[] = [];
      for (let again = 0; again < 3; again++) {
        for (const [i, [policy, reach]] of PASSES.entries()) {
          const shared = await system.account({ policy, reach, workers, shareAbovePages: 0 });
          if (textOf(shared) !== alone[i]) different.push(`${policy} by ${reach}`);
        }
      }
      t.strictSame(different, [], `${workers} workers`);
    }
    t.equal(system.core.digest(), digest, 'looking changed nothing');
    t.strictSame(system.core.audit(), [], 'the core is sound');
    await system.close();
  });
}

function statusOf(call: () => unknown): string {
  try {
    call();
    return 'ZX_OK';
  } catch (error) {
    if (error instanceof ZxError) return error.status;
    throw error;
  }
}

function refusalOf(pass: Promise<unknown>): Promise<string> {
  return pass.then(() => 'ZX_OK', (error: unknown) => {
    if (error instanceof ZxError) return error.status;
    throw error;
  });
}

t.test('every call that would change something waits for the pass', async (t) => {
  const system = System.boot({ memoryBytes: 1024 * P });
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(8 * P, VmoOption.RESIZABLE);
  const other = system.createVmo(P);
  const address = process.rootVmar.map(READ_WRITE, 0, vmo, 0, 8 * P);
  const pin = vmo.pin(0, P);
  const { rootVmar } = process;
  const calls: [name: string, call: () => unknown][] = [
    ['createVmo', () => system.createVmo(P)],
    ['createFileVmo', () => system.createFileVmo(P)],
    ['createPhysicalVmo', () => system.createPhysicalVmo(0, P)],
    ['addKernelUse', () => system.addKernelUse({ wiredPages: 1 })],
    ['createJob', () => system.rootJob.createJob('j')],
    ['createProcess', () => system.rootJob.createProcess('q')],
    ['createChild', () => other.createChild(VmoChild.SNAPSHOT, 0, P)],
    ['write', () => vmo.write(0, new Uint8Array(1))],
    ['setSize', () => vmo.setSize(P)],
    ['setStreamSize', () => vmo.setStreamSize(1)],
    ['opRange', () => vmo.opRange(VmoOp.COMMIT, 0, P)],
    ['pin', () => vmo.pin(0, P)],
    ['unpin', () => pin.unpin()],
    ['setCachePolicy', () => other.setCachePolicy(1)],
    ['setName', () => vmo.setName('x')],
    ['duplicate', () => vmo.duplicate()],
    ['replace', () => vmo.replace(vmo.rights)],
    ['replaceAsExecutable', () => vmo.replaceAsExecutable()],
    ['close', () => other.close()],
    ['map', () => rootVmar.map(READ_WRITE, 0, vmo, 0, P)],
    ['unmap', () => rootVmar.unmap(address, P)],
    ['protect', () => rootVmar.protect(VmOption.PERM_READ, address, P)],
    ['allocate', () => rootVmar.allocate(VmOption.CAN_MAP_READ, 0, P)],
    ['touch', () => process.touch(address, P, Access.WRITE)],
    ['process.read', () => process.read(address, 1)],
    ['process.write', () => process.write(address, new Uint8Array(1))],
    ['insertHandle', () => process.insertHandle(other)],
    ['setKillOnOom', () => system.rootJob.setKillOnOom(true)],
    ['exit', () => process.exit()],
    ['kill', () => process.kill()],
  ];
  const digest = system.core.digest();
  const koids = system.koids;
  const { core, vmos, trees } = system;
  const before = JSON.stringify([vmos.size, trees.size, core.freePages, koids]);
  for (const workers of [0, 2]) {
    const pass = system.account({ policy: 'exact', workers, shareAbovePages: 0 });
    t.equal(system.busy, true);
    for (const [name, call] of calls) t.equal(statusOf(call), 'ZX_ERR_SHOULD_WAIT', name);
    t.equal(vmo.getSize(), BigInt(8 * P), 'looking is allowed');
    await pass;
    t.equal(system.busy, false);
  }
  t.equal(system.core.digest(), digest, 'nothing changed');
  const after = JSON.stringify([vmos.size, trees.size, core.freePages, koids]);
  t.equal(after, before);
  for (const [name, call] of calls.slice(0, 12)) {
    t.equal(statusOf(call), 'ZX_OK', `${name} afterwards`);
  }
  await system.close();
});

t.test('a second pass at the same time is refused, and the first one is not hurt', async (t) => {
  const system = forked();
  const alone = textOf(await system.account({ policy: 'exact' }));
  for (const workers of [0, 2]) {
    const first = system.account({ policy: 'exact', workers, shareAbovePages: 0 });
    t.equal(await refusalOf(system.account()), 'ZX_ERR_SHOULD_WAIT');
    t.equal(textOf(await first), alone);
  }
  t.equal(system.busy, false);
  await system.close();
});

t.test('a system goes on after its workers ended, and may have new ones', async (t) => {
  const system = forked();
  const options = { policy: 'attributed', shareAbovePages: 0 } as const;
  const before = textOf(await system.account({ ...options, workers: 2 }));
  await system.close();
  await system.close();
  t.equal(textOf(await system.account(options)), before);
  t.equal(textOf(await system.account({ ...options, workers: 4 })), before);
  t.equal(textOf(await system.account({ ...options, workers: 1 })), before, 'fewer workers');
  system.createVmo(P).opRange(VmoOp.COMMIT, 0, P);
  t.not(textOf(await system.account({ ...options, workers: 1 })), before, 'what changed is seen');
  await system.close();
});

t.test('workers follow a memory that grows between passes', async (t) => {
  const system = System.boot({ memoryBytes: 200000 * P });
  const small = system.createVmo(100 * P);
  small.opRange(VmoOp.COMMIT, 0, 100 * P);
  await system.account({ policy: 'attributed', workers: 2, shareAbovePages: 0 });
  const large = system.createVmo(150000 * P);
  large.opRange(VmoOp.COMMIT, 0, 150000 * P);
  const copy = (): Vmo => large.createChild(VmoChild.SNAPSHOT, P, 149000 * P);
  const copies = Array.from({ length: 50 }, copy);
  for (const [i, vmo] of copies.entries()) vmo.write(i * 1000 * P, new Uint8Array(100));
  const alone = textOf(await system.account({ policy: 'attributed' }));
  const options = { policy: 'attributed', workers: 2, shareAbovePages: 0 } as const;
  t.equal(textOf(await system.account(options)), alone);
  await system.close();
});

t.test('options that go nowhere are refused before anything starts', async (t) => {
  const system = System.boot({ memoryBytes: 64 * P });
  const wrong: AccountOptions[] = [
    ...[-1, 1.5, 65, NaN].map((workers) => ({ workers })),
    { policy: 'fair' as Policy },
    { policy: 'classic', reach: 'present' },
    { policy: 'mapcount', reach: 'committed' },
  ];
  for (const options of wrong) {
    const refusal = await refusalOf(system.account(options));
    t.equal(refusal, 'ZX_ERR_INVALID_ARGS', JSON.stringify(options));
  }
  t.equal(system.busy, false);
});
