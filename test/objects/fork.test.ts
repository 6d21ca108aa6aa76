/**
 * Forking a process: what is copied, what is shared, and that a fork that fails leaves nothing.
 */
import t from 'tap';
import { forkProcess } from '../../src/objects/fork.js';
import type { Process } from '../../src/objects/process.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoOp } from '../../src/objects/vmo-options.js';
import { walkAspace } from '../../src/objects/walk.js';
import { makeProcess, P, refused, statusOf, word } from './support.js';

const { PERM_READ, PERM_WRITE } = VmOption;

t.test('what a process can write anywhere is copied, whatever maps it first', async (t) => {
  const { system, process } = makeProcess();
  const vmo = system.createVmo(2 * P);
  const shared = system.createVmo(P);
  const reads = process.rootVmar.map(PERM_READ, 0, vmo, 0, 2 * P);
  const writes = process.rootVmar.map(PERM_READ | PERM_WRITE, 0, vmo, 0, 2 * P);
  const code = process.rootVmar.map(PERM_READ, 0, shared, 0, P);
  vmo.write(0, word(1));
  const fork = forkProcess(process, 'fork');
  fork.write(writes, word(2));
  t.strictSame(vmo.read(0, 4), word(1), 'the parent keeps its own');
  t.strictSame(fork.read(reads, 4), word(2), 'both mappings of the fork show one copy');
  shared.write(0, word(3));
  t.strictSame(fork.read(code, 4), word(3), 'what it cannot write is shared');
  t.equal(fork.name, 'fork');
  t.strictSame(system.core.audit(), []);
});

t.test('what the parent may not touch now is mapped in the fork too', async (t) => {
  const { system, process } = makeProcess();
  const own = system.createVmo(4 * P);
  const base = process.rootVmar.map(PERM_READ | PERM_WRITE, 0, own, 0, 4 * P);
  process.touch(base, 4 * P, Access.WRITE);
  process.rootVmar.protect(0, base + BigInt(P), 2 * P);
  const guard = process.rootVmar.map(0, 0, system.createVmo(8 * P), 0, 8 * P);
  const shapeOf = (one: Process): unknown[] => [...walkAspace(one.object.aspace, '')].slice(1)
    .map(({ basePage, pages, piece }) => [basePage, pages, piece?.perms]);
  const fork = forkProcess(process);
  t.strictSame(shapeOf(fork), shapeOf(process));
  fork.rootVmar.protect(PERM_READ | PERM_WRITE, base, 4 * P);
  fork.write(base + BigInt(P), word(7));
  t.strictSame(own.read(P, 4), word(0), 'it is a copy as its neighbours are');
  t.equal(statusOf(() => fork.touch(guard, P, Access.READ)), 'ZX_ERR_ACCESS_DENIED');
  t.strictSame(system.core.audit(), []);
});

t.test('a fork that fails leaves nothing behind', async (t) => {
  const { system, process } = makeProcess(64);
  const vmo = system.createVmo(128 * P);
  process.rootVmar.map(PERM_READ | PERM_WRITE, 0, vmo, 0, 128 * P);
  vmo.write(0, word(1));
  const use = (): unknown[] =>
    [system.handleArena.open, system.heap.usedBytes, system.rootJob.object.processes.size];
  system.beginPass();
  const before = use();
  t.equal(statusOf(() => forkProcess(process)), 'ZX_ERR_SHOULD_WAIT');
  system.endPass();
  for (let i = 0; i < 200; i++) {
    vmo.opRange(VmoOp.COMMIT, 0, (system.core.freePages + 1) * P);
    const start = use();
    if (statusOf(() => { forkProcess(process).kill(); }) === undefined) break;
    t.strictSame(use(), start);
    refused(t, system, 'ZX_ERR_NO_MEMORY', () => forkProcess(process), 'fork');
    vmo.opRange(VmoOp.DECOMMIT, 0, P);
  }
  t.strictSame(before[2], system.rootJob.object.processes.size);
  process.kill();
  t.equal(statusOf(() => forkProcess(process)), 'ZX_ERR_BAD_STATE');
  process.close();
  t.equal(statusOf(() => forkProcess(process, 'x')), 'ZX_ERR_BAD_HANDLE');
});
