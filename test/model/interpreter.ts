/**
 * Runs conformance cases on the slow model, so that the model is trusted before the core is.
 *
 * The table below is the whole vocabulary the model knows; a step outside of it makes the case
 * skipped.
 */
import {
  type Case, Lacking, Mismatch, type Outcome, type Step, runCase,
} from '../conformance/cases.js';
import { withOldTree } from '../conformance/old-copies.js';
import {
  Names, bytesOf, count, names, text, whole, word, wordBytes, wordOffset,
} from '../conformance/values.js';
import { attributedVmos, classicVmos, shareCount } from './accounting.js';
import { ModelProcess, type VmarRangeOp } from './process.js';
import { Perm } from './vmar.js';
import { type Action, type Bench, expectSame } from './bench.js';
import { taskActions } from './interpreter-tasks.js';
import { floor, ratio, sum } from './rational.js';
import { Refusal, attempt } from './status.js';
import { newPage, setBytes } from './tree.js';
import { readVmo, writeVmo } from './vmo-bytes.js';
import { ChildBit, createChild } from './vmo-child.js';
import { pinVmo, unpinVmo } from './vmo-pin.js';
import { RANGE_OPS, type RangeOp, opRange, rangeOp } from './vmo-range.js';
import { setSize } from './vmo-size.js';
import {
  Right, VmoBit, closeHandle, createFileVmo, createVmo, duplicate, sizeBytes,
} from './vmo.js';
import { World } from './world.js';

const figures = (bench: Bench, name: string): bigint => {
  const { vmo } = bench.handles.get(name);
  const rows = bench.rule === 'old' ? classicVmos(bench.world) : attributedVmos(bench.world);
  const row = rows.find((r) => r.vmo === vmo);
  if (row === undefined) throw new Lacking(`a living VMO ${name}`);
  return bench.rule === 'old' ? BigInt(row.committedBytes) : floor(row.scaled);
};

const pages = (step: Step): bigint => BigInt(Math.round(Number(step['pages']) * 4096));

const infoField = (bench: Bench, vmoName: string, field: string, wanted: unknown): void => {
  const { vmo } = bench.handles.get(vmoName);
  const row = attributedVmos(bench.world).find((r) => r.vmo === vmo);
  const known: Record<string, bigint> = {
    size_bytes: sizeBytes(vmo),
    num_children: BigInt(vmo.children.size),
    num_mappings: BigInt(vmo.mappings),
    share_count: BigInt(shareCount(bench.world, vmo)),
    parent_koid: vmo.parent === null ? 0n : BigInt(vmo.parent.id),
    populated_bytes: BigInt(row?.committedBytes ?? 0),
    committed_bytes: BigInt(row?.committedBytes ?? 0),
    populated_private_bytes: BigInt(row?.privateBytes ?? 0),
    populated_scaled_bytes: row ? floor(row.scaled) : 0n,
  };
  const got = field === 'parent' ? known['parent_koid'] : known[field];
  if (got === undefined) throw new Lacking(`the field ${field}`);
  const expected = field === 'parent'
    ? bench.handles.get(String(wanted)).vmo.id : BigInt(wanted as number);
  expectSame(expected, got);
};

const vmoActions: Record<string, Action> = {
  vmo_create: (b, s) => {
    if (s['options_raw'] !== undefined) throw new Lacking('raw option bits');
    const options = names(s, 'options');
    if (options.some((o) => o !== 'RESIZABLE')) throw new Lacking(`options ${options}`);
    const size = bytesOf(s, 'size_bytes', 'pages');
    b.handles.set(text(s, 'out'), createVmo(b.world, size, options.length * VmoBit.RESIZABLE));
  },
  vmo_create_pager: (b, s) => {
    if (names(s, 'options').length > 0) throw new Lacking('options of pager-backed VMOs');
    const handle = createFileVmo(b.world, count(s, 'pages'));
    for (const [page, value] of Object.entries((s['supply'] ?? {}) as Record<string, number>)) {
      const fresh = newPage();
      setBytes(fresh, 0, wordBytes(BigInt(value)));
      handle.vmo.tree.slots.set(Number(page), fresh);
    }
    b.handles.set(text(s, 'out'), handle);
  },
  pager_supply: (b, s) => {
    const { tree } = b.handles.get(text(s, 'vmo')).vmo;
    const first = count(s, 'page');
    for (let i = 0; i < count(s, 'pages'); i++) tree.slots.set(first + i, newPage());
  },
  clone: (b, s) => {
    const options = names(s, 'options');
    const offset = bytesOf(s, 'offset_bytes', 'offset_pages');
    const size = bytesOf(s, 'size_bytes', 'pages');
    const bits = [text(s, 'kind'), ...options].reduce(
      (sum, name) => sum | ChildBit[name as keyof typeof ChildBit], 0);
    const child = createChild(b.world, b.handles.get(text(s, 'of')), bits, offset, size);
    b.handles.set(text(s, 'out'), child);
  },
  write: (b, s) =>
    writeVmo(b.world, b.handles.get(text(s, 'vmo')), wordOffset(s), wordBytes(whole(s, 'value'))),
  read: (b, s) =>
    expectSame(whole(s, 'expect'), word(readVmo(b.handles.get(text(s, 'vmo')), wordOffset(s), 4))),
  fill_bytes: (b, s) => {
    const data = new Uint8Array(count(s, 'len')).fill(count(s, 'byte'));
    writeVmo(b.world, b.handles.get(text(s, 'vmo')), whole(s, 'offset'), data);
  },
  expect_bytes: (b, s) => {
    const data = readVmo(b.handles.get(text(s, 'vmo')), whole(s, 'offset'), count(s, 'len'));
    const other = data.find((byte) => byte !== count(s, 'byte'));
    if (other !== undefined) throw new Mismatch(String(s['byte']), String(other));
  },
  set_size: (b, s) => setSize(b.world, b.handles.get(text(s, 'vmo')), whole(s, 'bytes')),
  op_range: (b, s) => {
    if (s['range_op_raw'] !== undefined) throw new Lacking('raw operations');
    const op = text(s, 'range_op');
    if (!RANGE_OPS.some((known) => known === op)) throw new Lacking(op);
    const handle = b.handles.get(text(s, 'vmo'));
    opRange(b.world, handle, rangeOp(op as RangeOp), whole(s, 'offset'), whole(s, 'len'));
  },
  duplicate: (b, s) => {
    const handle = b.handles.get(text(s, 'of'));
    const bit = (name: string): number => Right[name as keyof typeof Right] ?? 0;
    const rights = s['rights'] === undefined
      ? names(s, 'remove_rights').reduce((left, name) => left & ~bit(name), handle.rights)
      : names(s, 'rights').reduce((bits, name) => bits | bit(name), 0);
    b.handles.set(text(s, 'out'), duplicate(handle, rights));
  },
  close: (b, s) => closeHandle(b.world, b.handles.get(text(s, 'handle'))),
  pin: (b, s) => {
    const handle = b.handles.get(text(s, 'vmo'));
    b.pins.set(text(s, 'out'), pinVmo(b.world, handle, whole(s, 'offset'), whole(s, 'len')));
  },
  unpin: (b, s) => unpinVmo(b.world, b.pins.get(text(s, 'pin'))),
};

const PERMS: Record<string, number> = { r: Perm.READ, w: Perm.WRITE, x: Perm.EXECUTE };

/** Permission bits of a subset of "rwx". */
const permsOf = (letters: string): number =>
  [...letters].reduce((bits, letter) => bits | (PERMS[letter] ?? 0), 0);

const mapActions: Record<string, Action> = {
  map: (b, s) => {
    const options = names(s, 'options').filter((name) => name !== 'ALLOW_FAULTS');
    if (s['vmar'] !== undefined || options.length > 0) throw new Lacking('VMARs');
    const perms = permsOf(text(s, 'perms'));
    const handle = b.handles.get(text(s, 'vmo'));
    const bytes = s['len'] === undefined ? Number(sizeBytes(handle.vmo)) : count(s, 'len');
    const many = Math.ceil(bytes / 4096);
    b.root.map(handle, b.nextBase, many, count(s, 'vmo_offset') / 4096, perms);
    b.maps.set(text(s, 'out'), b.nextBase);
    b.nextBase += many + 1;
  },
  unmap: (b, s) => {
    const base = b.maps.get(text(s, 'map'));
    const first = s['page'] === undefined ? base : base + count(s, 'page');
    const whole = b.root.mappingAt(base)?.pages ?? 0;
    b.root.unmap(first, s['pages'] === undefined ? whole : count(s, 'pages'));
  },
  protect: (b, s) => {
    const base = b.maps.get(text(s, 'map'));
    b.root.protect(base, b.root.mappingAt(base)?.pages ?? 0, permsOf(text(s, 'perms')));
  },
  vmar_op_range: (b, s) => {
    if (s['map'] === undefined || s['page'] === undefined) throw new Lacking('VMARs');
    const at = b.maps.get(text(s, 'map')) + count(s, 'page');
    b.root.opRange(text(s, 'range_op') as VmarRangeOp, at, count(s, 'pages'));
  },
  process_read_memory: (b, s) => {
    if (s['map'] === undefined) throw new Lacking('VMARs');
    const page = s['page'] === undefined ? 0 : count(s, 'page');
    const at = (b.maps.get(text(s, 'map')) + page) * 4096;
    expectSame(count(s, 'expect_actual'), b.root.copyOut(at, count(s, 'len')).length);
  },
  expect_fault: (b, s) => {
    const wanted = text(s, 'error');
    const at = b.maps.get(text(s, 'map')) + count(s, 'page');
    const { status } = attempt(() => b.root.fault(at, permsOf(text(s, 'access')), true));
    if (status !== wanted) throw new Mismatch(wanted, status);
  },
  map_read: (b, s) => {
    const at = b.maps.get(text(s, 'map')) * 4096 + Number(wordOffset(s));
    expectSame(whole(s, 'expect'), word(b.root.readBytes(at, 4)));
  },
  map_write: (b, s) => {
    const at = b.maps.get(text(s, 'map')) * 4096 + Number(wordOffset(s));
    b.root.writeBytes(at, wordBytes(whole(s, 'value')));
  },
};

const expectations: Record<string, Action> = {
  expect_attributed_pages: (b, s) => expectSame(pages(s), figures(b, text(s, 'vmo'))),
  expect_attributed_bytes: (b, s) => expectSame(whole(s, 'bytes'), figures(b, text(s, 'vmo'))),
  expect_attributed_pages_sum: (b, s) => {
    const all = sum(names(s, 'vmos').map((name) => ratio(figures(b, name))));
    expectSame(pages(s), floor(all));
  },
  expect_info: (b, s) => {
    for (const [field, wanted] of Object.entries(s['fields'] as Record<string, unknown>)) {
      if (!field.startsWith('flags')) infoField(b, text(s, 'vmo'), field, wanted);
    }
  },
  expect_koids_differ: (b, s) => {
    const ids = names(s, 'handles').map((name) => b.handles.get(name).vmo.id);
    if (new Set(ids).size !== ids.length) throw new Mismatch('different koids', String(ids));
  },
  expect_error: (b, s) => {
    const wanted = text(s, 'error');
    try {
      perform(b, s['of'] as Step);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status !== wanted) throw new Mismatch(wanted, error.status);
      return;
    }
    throw new Mismatch(wanted, 'ZX_OK');
  },
  expect_no_crash: () => undefined,
  note: () => undefined,
};

const table: Record<string, Action> = {
  ...vmoActions, ...mapActions, ...taskActions, ...expectations,
};

const perform = (bench: Bench, step: Step): void => {
  const action = table[step.op];
  if (action === undefined) throw new Lacking(step.op);
  action(bench, step);
};

/** Runs a case on a fresh model. */
export const runOnModel = (one: Case): Promise<Outcome> => {
  const world = new World();
  const bench: Bench = {
    world, root: new ModelProcess(world), handles: new Names(), maps: new Names(),
    pins: new Names(), processes: new Names(), rule: one.rule, nextBase: 0x1000,
  };
  const pages = (): number => world.allPages().size;
  return runCase(one, withOldTree(one, (step) => perform(bench, step), pages));
};
