/**
 * The core at its edges: ranges no memory could hold, numbers that wrap, what is reserved, and
 * which entries a change of a page takes along.
 */
import t from 'tap';
import { FrameState } from '../../src/core/core.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { newSystem } from '../support/api.js';
import { layout } from '../support/layout.js';
import { statusOf } from '../objects/support.js';

const P = 4096;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

t.test('a pin of more pages than there are is refused at once', async (t) => {
  const system = newSystem(256);
  const vmo = system.createVmo(0, VmoOption.UNBOUNDED);
  vmo.opRange(VmoOp.COMMIT, 0, P);
  const startMs = performance.now();
  t.equal(statusOf(() => vmo.pin(0, 2n ** 63n)), 'ZX_ERR_NO_MEMORY');
  t.equal(statusOf(() => vmo.pin(0, 257 * P)), 'ZX_ERR_NO_MEMORY');
  t.ok(performance.now() - startMs < 1000, 'without looking at each page');
});

t.test('pages of a state that has not so many are not given back', async (t) => {
  const { core } = newSystem(256);
  core.allocStatePages(FrameState.IPC, 5);
  t.equal(core.freeStatePages(FrameState.IPC, 6), -20, 'ZX_ERR_BAD_STATE');
  t.equal(core.pagesInState(FrameState.IPC), 5);
  t.equal(core.freeStatePages(FrameState.IPC, 5), 0);
  t.equal(core.freePages, 256);
});

t.test('one touch of many pages takes little more memory than they need', async (t) => {
  const pages = 2 ** 20;
  const system = newSystem(pages + 10_000);
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(pages * P);
  const address = process.rootVmar.map(READ_WRITE, 0, vmo, 0, pages * P);
  const before = system.core.hostBytesUsed;
  process.touch(address, pages * P, Access.WRITE);
  const bytes = (system.core.hostBytesUsed - before) / pages;
  t.ok(bytes < 26.5, `${bytes} bytes a page with its page-table entry`);
});

t.test('the look-aside buffer forgets all when its epochs begin anew', async (t) => {
  const system = newSystem(256);
  const { core } = system;
  const process = system.rootJob.createProcess('p');
  const vmo = system.createVmo(P);
  const address = process.rootVmar.map(READ_WRITE, 0, vmo, 0, P);
  process.touch(address, P, Access.WRITE);
  const at = layout('H_TLB_EPOCH') >>> 2;
  const epoch = core.u32[at] as number;
  core.u32[at] = 2 ** 32 - 1;
  process.rootVmar.unmap(address, P);
  t.ok((core.u32[at] as number) < 16, 'it wrapped');
  core.u32[at] = epoch;
  t.strictSame(core.audit(), [], 'no table that is gone is remembered');
});

t.test('families are told apart however many VMOs there were', async (t) => {
  const system = newSystem(256);
  const { core } = system;
  const first = system.createVmo(4 * P);
  const frame = core.framesCreate(1);
  core.vmoInsertFrames(first.object.tree.ref, 0, Uint32Array.of(frame), false);
  const at = (core.constants['H_FAMILY_NEXT'] as number) >>> 2;
  core.u32[at] = (core.u32[at] as number) + 2 ** 22 - 1;
  const second = system.createVmo(4 * P);
  core.vmoInsertFrames(second.object.tree.ref, 0, Uint32Array.of(frame), true);
  const process = system.rootJob.createProcess('p');
  for (const vmo of [first, second]) process.rootVmar.map(READ_WRITE, 0, vmo, 0, 4 * P);
  const { tasks } = await system.account({ policy: 'exact', reach: 'committed' });
  const row = tasks.koid.indexOf(process.koid);
  t.equal(tasks.privateBytes[row], P, 'one frame in two places is one page');
});

t.test('numbers of VMOs are not given twice', async (t) => {
  const system = newSystem(256);
  const { core } = system;
  core.u32[(core.constants['H_SEQ_NEXT'] as number) >>> 2] = 2 ** 32 - 1;
  t.equal(statusOf(() => system.createVmo(P)), 'ZX_ERR_NO_MEMORY');
});

t.test('a new page of a file takes only the entries of clones that show it', async (t) => {
  const system = newSystem(256);
  const file = system.createFileVmo(4 * P);
  const kind = VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE;
  const own = file.createChild(kind, 0, 4 * P);
  const below = own.createChild(kind, 0, 4 * P);
  const silent = file.createChild(kind, 0, 4 * P);
  own.write(0, Uint8Array.of(1));
  const process = system.rootJob.createProcess('p');
  const aspace = process.object.aspace.ref;
  const pages = [file, own, below, silent].map((vmo) => {
    const address = process.rootVmar.map(READ_WRITE, 0, vmo, 0, 4 * P);
    process.touch(address, P, Access.READ);
    return Number(address) / P;
  });
  const entries = (): number[] => pages.map((page) => system.core.entry(aspace, page));
  const before = entries();
  t.ok(before.every((entry) => entry !== 0), 'all are there');
  file.write(0, Uint8Array.of(2));
  t.strictSame(entries(), [0, before[1], before[2], 0], 'who has a page of his own keeps it');
  t.strictSame(system.core.audit(), []);
});
