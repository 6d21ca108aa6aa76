/**
 * Pagers: every refusal with its status, and memory that runs out; nothing has changed then.
 */
import t from 'tap';
import { Pager } from '../../src/objects/pager.js';
import { PagerCommand, PagerOp } from '../../src/objects/pager-options.js';
import { DefaultRights, Right } from '../../src/objects/rights.js';
import { Status } from '../../src/objects/status.js';
import { KernelSystem } from '../../src/objects/system.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { makeWorld, pagesOf, supply, type World } from './pager-world.js';
import { P, refused, statusOf } from './support.js';

t.test('rights that a call lacks', async (t) => {
  const { system, pager, vmo } = makeWorld();
  const trap = pager.createVmo(4 * P, VmoOption.TRAP_DIRTY);
  const aux = system.createVmo(4 * P);
  const denied = (call: () => unknown, name: string): void =>
    refused(t, system, 'ZX_ERR_ACCESS_DENIED', call, name);
  const weak = (keep: number): Pager => new Pager(pager.object, keep);
  t.equal(pager.rights, DefaultRights.PAGER);
  const [attach, manage] = [weak(Right.ATTACH_VMO), weak(Right.MANAGE_VMO)];
  denied(() => manage.createVmo(P), 'create without ATTACH_VMO');
  denied(() => manage.detachVmo(vmo), 'detach without ATTACH_VMO');
  denied(() => attach.detachVmo(vmo), 'detach without MANAGE_VMO');
  denied(() => attach.supplyPages(vmo, 0, P, aux), 'supply');
  denied(() => attach.opRange(PagerOp.DIRTY, trap, 0, P), 'opRange');
  denied(() => attach.queryDirtyRanges(vmo, 0, P), 'query');
  denied(() => attach.queryVmoStats(vmo), 'stats');
  const [reader, writer] = [vmo.duplicate(Right.READ), vmo.duplicate(Right.WRITE)];
  const reading = aux.duplicate(Right.READ);
  denied(() => pager.detachVmo(reader), 'detach a VMO without WRITE');
  denied(() => pager.supplyPages(reader, 0, P, aux), 'supply it');
  denied(() => pager.opRange(4, reader, 0, P), 'its range');
  denied(() => pager.queryDirtyRanges(writer, 0, P), 'query without READ');
  denied(() => pager.queryVmoStats(writer), 'stats without READ');
  denied(() => pager.supplyPages(vmo, 0, P, reading), 'aux without WRITE');
});

t.test('arguments that no pager takes, and VMOs of others', async (t) => {
  const { system, pager, vmo } = makeWorld();
  const trap = pager.createVmo(4 * P, VmoOption.TRAP_DIRTY);
  const aux = system.createVmo(4 * P);
  const say = (status: Parameters<typeof refused>[2], call: () => unknown, name: string): void =>
    refused(t, system, status, call, name);
  say('ZX_ERR_INVALID_ARGS', () => system.createPager(undefined, 1), 'pager options');
  const { RESIZABLE, UNBOUNDED, DISCARDABLE } = VmoOption;
  say('ZX_ERR_INVALID_ARGS', () => pager.createVmo(P, DISCARDABLE), 'options');
  say('ZX_ERR_INVALID_ARGS', () => pager.createVmo(P, RESIZABLE | UNBOUNDED), 'both');
  say('ZX_ERR_OUT_OF_RANGE', () => pager.createVmo(2n ** 64n - 1n), 'size');
  const child = trap.createChild(VmoChild.SLICE, 0, P);
  for (const other of [system.createVmo(P), child]) {
    say('ZX_ERR_INVALID_ARGS', () => pager.detachVmo(other), 'detach what is not its own');
    say('ZX_ERR_INVALID_ARGS', () => pager.supplyPages(other, 0, P, aux), 'supply it');
    say('ZX_ERR_INVALID_ARGS', () => pager.opRange(4, other, 0, P), 'its range');
    say('ZX_ERR_INVALID_ARGS', () => pager.queryDirtyRanges(other, 0, P), 'query it');
    say('ZX_ERR_INVALID_ARGS', () => pager.queryVmoStats(other), 'its stats');
  }
  say('ZX_ERR_INVALID_ARGS', () => pager.queryVmoStats(vmo, 2), 'stats options');
  for (const at of [[1, P, 0], [0, 1, 0], [0, P, 1]]) {
    say('ZX_ERR_INVALID_ARGS', () => pager.supplyPages(vmo, at[0]!, at[1]!, aux, at[2]!), `${at}`);
  }
  say('ZX_ERR_INVALID_ARGS', () => pager.opRange(4, vmo, 1, P), 'offset');
  say('ZX_ERR_INVALID_ARGS', () => pager.opRange(4, vmo, 0, 1), 'length');
});

t.test('ranges and states that a call cannot work on', async (t) => {
  const { system, pager, vmo } = makeWorld();
  const trap = pager.createVmo(4 * P, VmoOption.TRAP_DIRTY);
  const aux = system.createVmo(4 * P);
  const say = (status: Parameters<typeof refused>[2], call: () => unknown, name: string): void =>
    refused(t, system, status, call, name);
  say('ZX_ERR_OUT_OF_RANGE', () => pager.supplyPages(vmo, 0, 5 * P, aux), 'past the aux');
  const long = system.createVmo(16 * P);
  say('ZX_ERR_OUT_OF_RANGE', () => pager.supplyPages(vmo, 0, 9 * P, long), 'past the end');
  const device = system.createPhysicalVmo(0, P);
  say('ZX_ERR_NOT_SUPPORTED', () => pager.supplyPages(vmo, 0, P, device), 'physical');
  say('ZX_ERR_NOT_SUPPORTED', () => pager.supplyPages(vmo, 0, P, trap), 'from a pager');
  long.pin(0, P);
  say('ZX_ERR_BAD_STATE', () => pager.supplyPages(vmo, 0, P, long), 'pinned');
  const { FAIL, DIRTY, WRITEBACK_BEGIN, WRITEBACK_END } = PagerOp;
  for (const op of [DIRTY, WRITEBACK_BEGIN, WRITEBACK_END]) {
    say('ZX_ERR_OUT_OF_RANGE', () => pager.opRange(op, trap, 0, 5 * P), `${op} past the end`);
    say('ZX_ERR_INVALID_ARGS', () => pager.opRange(op, trap, 0, P, 2), `${op} data`);
  }
  const io = Status.ZX_ERR_IO;
  say('ZX_ERR_OUT_OF_RANGE', () => pager.opRange(FAIL, vmo, 0, 9 * P, io), 'fail past the end');
  for (const data of [0, Status.ZX_ERR_NO_MEMORY, 1]) {
    say('ZX_ERR_INVALID_ARGS', () => pager.opRange(FAIL, vmo, 0, P, data), `fail with ${data}`);
  }
  for (const op of [0, 5]) {
    say('ZX_ERR_NOT_SUPPORTED', () => pager.opRange(op, vmo, 0, P), `operation ${op}`);
  }
  say('ZX_ERR_NOT_SUPPORTED', () => pager.opRange(DIRTY, vmo, 0, P), 'dirty without a trap');
  say('ZX_ERR_NOT_FOUND', () => pager.opRange(DIRTY, trap, 0, P), 'dirty what is absent');
  say('ZX_ERR_OUT_OF_RANGE', () => pager.queryDirtyRanges(vmo, 0, 9 * P), 'query past the end');
  say('ZX_ERR_NOT_SUPPORTED', () => vmo.opRange(VmoOp.DECOMMIT, 0, P), 'decommit');
  const pinned = pager.createVmo(P);
  supply({ system, pager, vmo: pinned }, 0, 1);
  pinned.pin(0, P);
  say('ZX_ERR_BAD_STATE', () => pinned.setStreamSize(0), 'a stream cut into pinned pages');
});

t.test('a pager VMO while a pass runs', async (t) => {
  const { system, vmo } = makeWorld();
  system.beginPass();
  refused(t, system, 'ZX_ERR_SHOULD_WAIT', () => vmo.read(0, P), 'a read that has to ask');
  system.endPass();
});

/** Calls that take frames, each on a world where little is free. */
const calls: readonly [string, (world: World, clone: Vmo) => void][] = [
  ['zeros that become dirty', ({ pager, vmo }) => pager.opRange(PagerOp.DIRTY, vmo, 0, 4 * P)],
  ['a commit of zeros', ({ vmo }) => vmo.opRange(VmoOp.COMMIT, 0, 4 * P)],
  ['a clone that copies', (_, clone) => clone.write(0, new Uint8Array(8 * P))],
];

for (const [name, call] of calls) {
  t.test(`${name}: all or nothing when memory runs out`, async (t) => {
    const fullWorld = (free: number): [World, Vmo] => {
      const world = makeWorld(VmoOption.TRAP_DIRTY);
      const { system, pager, vmo } = world;
      pager.supplyPages(vmo, 0, 4 * P, system.createVmo(4 * P));
      supply(world, 4, 4);
      const clone = vmo.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 8 * P);
      system.addKernelUse({ otherPages: system.core.freePages - free });
      return [world, clone];
    };
    let free = 0;
    while (free < 20 && statusOf(() => call(...fullWorld(free))) !== 'ZX_OK') {
      const [world, clone] = fullWorld(free);
      const { pager, vmo, system } = world;
      const before = [system.core.digest(), pager.queryDirtyRanges(vmo, 0, 8 * P)];
      t.equal(statusOf(() => call(world, clone)), 'ZX_ERR_NO_MEMORY');
      t.strictSame([system.core.digest(), pager.queryDirtyRanges(vmo, 0, 8 * P)], before);
      t.strictSame(system.core.audit(), []);
      free += 1;
    }
    t.ok(free > 3 && free < 20, `${free} pages are enough`);
  });
}

t.test('a supply that has to copy: all or nothing when memory runs out', async (t) => {
  const { system, pager, vmo } = makeWorld();
  const aux = system.createVmo(4 * P);
  aux.write(0, new Uint8Array(4 * P));
  aux.createChild(VmoChild.SNAPSHOT, 0, 4 * P);
  system.addKernelUse({ otherPages: system.core.freePages - 3 });
  refused(t, system, 'ZX_ERR_NO_MEMORY', () => pager.supplyPages(vmo, 0, 4 * P, aux), 'supply');
  t.strictSame(system.core.audit(), []);
});

t.test('host memory runs out at each request in turn: all or nothing', async (t) => {
  const PAGES = 40_000;
  const calls: readonly ((pager: Pager, vmo: Vmo, aux: Vmo) => void)[] = [
    (pager, vmo, aux) => pager.supplyPages(vmo, 0, PAGES * P, aux),
    (pager, vmo) => pager.opRange(PagerOp.DIRTY, vmo, 0, PAGES * P),
    (_, vmo) => vmo.opRange(VmoOp.ZERO, P, (PAGES - 2) * P),
    (_, vmo) => vmo.setSize(2 ** 41),
    (pager, vmo) => pager.opRange(PagerOp.DIRTY, vmo, 2 ** 40, 40 * P),
    (pager, vmo) => pager.opRange(PagerOp.WRITEBACK_BEGIN, vmo, 5 * P, 2 ** 40),
    (pager, vmo) => pager.opRange(PagerOp.WRITEBACK_END, vmo, 0, 2 ** 40),
    (pager, vmo) => pager.opRange(PagerOp.WRITEBACK_BEGIN, vmo, 0, 2 ** 41),
    (pager, vmo) => pager.opRange(PagerOp.WRITEBACK_END, vmo, 0, 2 ** 41),
  ];
  const physicalPages = 3 * PAGES;
  const system = new KernelSystem(KernelSystem.createCore({ physicalPages, variant: 'debug' }));
  const failAt = (n: number): void => {
    const { core } = system;
    core.u32[(core.constants['H_FAIL_AT'] as number) >>> 2] = n;
  };
  const pager: Pager = system.createPager((request) => {
    if (request.command === PagerCommand.READ) supply({ system, pager, vmo }, ...pagesOf(request));
    else pager.opRange(PagerOp.DIRTY, vmo, request.offset, request.length);
  });
  const options = VmoOption.TRAP_DIRTY | VmoOption.RESIZABLE;
  const vmo = pager.createVmo(PAGES * P, options);
  const aux = system.createVmo(PAGES * P);
  for (let page = 0; page < PAGES; page += 2) aux.opRange(VmoOp.COMMIT, page * P, P);
  aux.createChild(VmoChild.SNAPSHOT, 0, PAGES * P / 2);
  let refusals = 0;
  for (const [i, call] of calls.entries()) {
    for (let n = 1; n < 200; n++) {
      const before = system.core.digest();
      failAt(n);
      const status = statusOf(() => call(pager, vmo, aux));
      failAt(0);
      if (status === 'ZX_OK') break;
      refusals += 1;
      if (status !== 'ZX_ERR_NO_MEMORY') t.fail(`call ${i}: ${status}`);
      if (system.core.digest() !== before) t.fail(`call ${i}, request ${n}: something changed`);
    }
    t.strictSame(system.core.audit(), [], `call ${i}`);
  }
  t.ok(refusals > 5, `${refusals} refusals`);
});
