/**
 * zx_vmar_op_range: refusals in the semantics' order, each operation over mappings side by side,
 * and memory that runs out at each page in turn.
 */
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import { Right } from '../../src/objects/rights.js';
import { VmarOp, VmOption } from '../../src/objects/vm-options.js';
import type { Vmar } from '../../src/objects/vmar.js';
import { VmoChild, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { makeProcess, P, refused, statusOf, word } from './support.js';

const O = VmOption;
const R = O.PERM_READ;
const RW = R | O.PERM_WRITE;
const CAN_RWS = O.CAN_MAP_READ | O.CAN_MAP_WRITE | O.CAN_MAP_SPECIFIC;
const without = <H extends Vmar | Vmo>(handle: H, rights: number): H =>
  handle.duplicate(handle.rights & ~rights) as H;
const committed = (vmo: Vmo): number => vmo.getInfo(Topic.VMO).committedBytes / P;

t.test('refusals in order (9.10)', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 32 * P);
  const vmo = s.createVmo(4 * P, VmoOption.RESIZABLE);
  vmar.map(RW | O.SPECIFIC, 0, vmo, 0, 4 * P);
  vmar.map(R | O.SPECIFIC, 4 * P, without(vmo, Right.WRITE), 0, P);
  vmar.map(RW | O.SPECIFIC | O.ALLOW_FAULTS, 8 * P, vmo, 0, 6 * P);
  const inner = vmar.allocate(O.SPECIFIC | CAN_RWS, 16 * P, 4 * P);
  inner.map(RW | O.SPECIFIC, 0, vmo, 0, P);
  vmo.write(0, word(1));
  const op = (what: number, page: number, length: number, from = vmar) => () =>
    from.opRange(what, vmar.base + BigInt(Math.trunc(page * P)), length);
  const inv = 'ZX_ERR_INVALID_ARGS';
  const { COMMIT, DECOMMIT, MAP_RANGE, ZERO, DONT_NEED, ALWAYS_NEED, PREFETCH } = VmarOp;
  refused(t, s, inv, () => vmar.opRange(COMMIT, 0, P, new Uint8Array(1)), 'a buffer');
  for (const none of [0, 4, 6, 7, 8, 9, 11, 15]) {
    refused(t, s, inv, op(none, 0, P), `op ${none}`);
  }
  refused(t, s, inv, op(COMMIT, 0.5, P), 'unaligned');
  refused(t, s, inv, op(COMMIT, 40.5, P), 'unaligned before outside');
  refused(t, s, inv, op(COMMIT, 0, 0), 'nothing');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', op(COMMIT, 31, 2 * P), 'outside');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', op(COMMIT, -1, P), 'before');
  for (const what of Object.values(VmarOp)) {
    refused(t, s, 'ZX_ERR_BAD_STATE', op(what, 6, P), `gap, op ${what}`);
    refused(t, s, 'ZX_ERR_OUT_OF_RANGE', op(what, 8, 6 * P), `past the VMO, op ${what}`);
  }
  refused(t, s, 'ZX_ERR_BAD_STATE', op(MAP_RANGE, 3, 4 * P), 'gap behind mappings');
  for (const what of [COMMIT, DECOMMIT, ZERO]) {
    refused(t, s, 'ZX_ERR_ACCESS_DENIED', op(what, 4, P), `not writable, op ${what}`);
    refused(t, s, 'ZX_ERR_ACCESS_DENIED', op(what, 3, 4 * P), `before the gap, op ${what}`);
  }
  for (const what of [COMMIT, DECOMMIT, PREFETCH]) {
    refused(t, s, inv, op(what, 16, P), `into a VMAR, op ${what}`);
    refused(t, s, inv, op(what, 18, P), `a VMAR before its gap, op ${what}`);
  }
  const childless = without(vmar, Right.OP_CHILDREN);
  for (const what of [MAP_RANGE, ZERO, DONT_NEED, ALWAYS_NEED]) {
    refused(t, s, inv, op(what, 16, P, childless), `OP_CHILDREN, op ${what}`);
    op(what, 16, P)();
    refused(t, s, 'ZX_ERR_BAD_STATE', op(what, 16, 2 * P), `gap in a VMAR, op ${what}`);
  }
  inner.destroy();
  refused(t, s, 'ZX_ERR_BAD_STATE', op(COMMIT, 16, P, inner), 'dead');
  refused(t, s, inv, op(COMMIT, 16, 0, inner), 'nothing, dead');
});

t.test('what the VMO refuses is refused before anything is done', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 32 * P);
  const op = (what: number, page: number, pages: number) => () =>
    vmar.opRange(what, vmar.base + BigInt(page * P), pages * P);
  const plain = s.createVmo(2 * P);
  plain.write(0, word(1));
  vmar.map(RW | O.SPECIFIC, 0, plain, 0, 2 * P);
  vmar.map(RW | O.SPECIFIC, 2 * P, s.createPhysicalVmo(0, P), 0, P);
  for (const what of [VmarOp.COMMIT, VmarOp.DECOMMIT, VmarOp.ZERO]) {
    refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(what, 0, 3), `device, op ${what}`);
  }
  const clone = plain.createChild(VmoChild.SNAPSHOT, 0, 2 * P);
  vmar.map(RW | O.SPECIFIC, 4 * P, clone, 0, 2 * P);
  refused(t, s, 'ZX_ERR_NOT_SUPPORTED', op(VmarOp.DECOMMIT, 4, 1), 'clone');
  const pinned = s.createVmo(2 * P);
  pinned.pin(P, P);
  const other = s.createVmo(P);
  other.write(0, word(1));
  vmar.map(RW | O.SPECIFIC, 8 * P, other, 0, P);
  vmar.map(RW | O.SPECIFIC, 9 * P, pinned, 0, 2 * P);
  refused(t, s, 'ZX_ERR_BAD_STATE', op(VmarOp.DECOMMIT, 8, 3), 'pinned');
  op(VmarOp.DECOMMIT, 8, 2)();
  t.equal(committed(other), 0);
});

t.test('COMMIT goes by what may be written, over mappings, and makes entries', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 32 * P);
  const { core } = s;
  const { ref } = process.object.aspace;
  const a = s.createVmo(4 * P);
  const b = s.createVmo(4 * P);
  vmar.map(RW | O.SPECIFIC, 0, a, 0, 2 * P);
  vmar.map(R | O.SPECIFIC, 2 * P, b, P, 2 * P);
  vmar.map(O.SPECIFIC, 4 * P, a, 2 * P, P);
  vmar.opRange(VmarOp.COMMIT, vmar.base, 5 * P);
  t.strictSame([committed(a), committed(b)], [3, 2]);
  t.equal(core.aspacePresentPages(ref), 4, 'no entry where nothing may be read');
  const first = vmar.object.basePage;
  const flags = (page: number): number => core.entry(ref, first + page) & 31;
  t.strictSame([0, 2, 4].map(flags), [3, 1, 0], 'present and writable, neither used');
  process.touch(vmar.base, P, 2);
  t.equal(flags(0), 27, 'accessed and dirty');
  const clone = a.createChild(VmoChild.SNAPSHOT, 0, 4 * P);
  vmar.opRange(VmarOp.COMMIT, vmar.base, P);
  t.equal(clone.getInfo(Topic.VMO).committedBytes + a.getInfo(Topic.VMO).committedBytes, 6 * P);
  t.equal(core.pagesInState(4), 6, 'a shared page is copied');
  t.strictSame(core.audit(), []);
});

t.test('DECOMMIT, ZERO and hints over mappings side by side', async (t) => {
  const { system: s, process } = makeProcess();
  const vmar = process.rootVmar.allocate(CAN_RWS, 0, 32 * P);
  const a = s.createVmo(4 * P);
  const b = s.createVmo(4 * P);
  vmar.map(RW | O.SPECIFIC, 0, a, 0, 2 * P);
  vmar.map(RW | O.SPECIFIC, 2 * P, b, P, 2 * P);
  for (const vmo of [a, b]) vmo.write(0, new Uint8Array(4 * P).fill(7));
  vmar.opRange(VmarOp.DECOMMIT, vmar.base + BigInt(P), 2 * P);
  t.strictSame([committed(a), committed(b)], [3, 3]);
  t.strictSame([a.read(P, 1)[0], b.read(P, 1)[0], b.read(2 * P, 1)[0]], [0, 0, 7]);
  vmar.opRange(VmarOp.ZERO, vmar.base, 4 * P - 1);
  t.strictSame([committed(a), committed(b)], [2, 2]);
  t.equal(process.read(vmar.base, 4 * P).some((byte) => byte !== 0), false);
  vmar.opRange(VmarOp.DONT_NEED, vmar.base, 4 * P);
  t.strictSame([committed(a), committed(b)], [2, 2], 'a hint drops nothing of anonymous memory');
});

t.test('MAP_RANGE, ALWAYS_NEED and PREFETCH map what is there, and commit nothing', async (t) => {
  for (const what of [VmarOp.MAP_RANGE, VmarOp.ALWAYS_NEED, VmarOp.PREFETCH]) {
    const { system: s, process } = makeProcess();
    const { core } = s;
    const { ref } = process.object.aspace;
    const pages = 5000;
    const vmo = s.createVmo(pages * P);
    const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, pages * P);
    for (const page of [0, 31, 32, 700, 1024, 4999]) clone.write(page * P, word(1));
    const at = process.rootVmar.map(RW, 0, clone, 0, pages * P);
    const more = process.rootVmar.map(RW, 0, vmo, 0, pages * P);
    t.equal(more, at + BigInt(pages * P));
    process.rootVmar.opRange(what, at, 2 * pages * P);
    t.equal(core.aspacePresentPages(ref), 6, `op ${what}`);
    t.equal(core.pagesInState(4), 6);
    const tables = core.aspaceTablePages(ref);
    process.rootVmar.opRange(what, at, pages * P);
    t.equal(core.aspaceTablePages(ref), tables, 'again changes nothing');
    t.strictSame(core.audit(), []);
  }
});

t.test('a live clone shows its parent\'s pages to MAP_RANGE', async (t) => {
  const { system: s, process } = makeProcess();
  const file = s.createFileVmo(2000 * P);
  for (const page of [1, 40, 1500, 1999]) file.write(page * P, word(1));
  const clone = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 2000 * P);
  clone.write(2 * P, word(1));
  clone.opRange(10, 1500 * P, P);
  const at = process.rootVmar.map(RW, 0, clone, 0, 2000 * P);
  process.rootVmar.opRange(VmarOp.MAP_RANGE, at, 2000 * P);
  const { aspace } = process.object;
  const has = [0, 1, 2, 40, 1500, 1999].map(
    (page) => s.core.entry(aspace.ref, Number(at / 4096n) + page) & 3);
  t.strictSame(has, [0, 1, 3, 1, 0, 1], 'the parent\'s read-only, its own writable');
});

t.test('memory runs out at each page: nothing has changed', async (t) => {
  const make = (free: number) => {
    const { system, process } = makeProcess(300);
    const vmo = system.createVmo(40 * P);
    vmo.write(0, new Uint8Array(20 * P).fill(1));
    const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 40 * P);
    const at = process.rootVmar.map(RW, 0, clone, 0, 40 * P);
    process.rootVmar.map(RW, 0, system.createVmo(8 * P), 0, 8 * P);
    system.addKernelUse({ otherPages: system.core.freePages - free });
    return { system, process, at };
  };
  for (const op of [VmarOp.COMMIT, VmarOp.MAP_RANGE, VmarOp.PREFETCH]) {
    const call = ({ process, at }: ReturnType<typeof make>): void =>
      process.rootVmar.opRange(op, at, 48 * P);
    let free = 0;
    while (free < 100 && statusOf(() => call(make(free))) !== 'ZX_OK') {
      const world = make(free);
      refused(t, world.system, 'ZX_ERR_NO_MEMORY', () => call(world), `op ${op}, ${free} free`);
      t.strictSame(world.system.core.audit(), [], 'the core is sound');
      free += 1;
    }
    t.equal(free, op === VmarOp.COMMIT ? 52 : 4, `op ${op}: four tables, and pages to commit`);
  }
});
