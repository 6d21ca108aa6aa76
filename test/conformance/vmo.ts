/**
 * Operations on VMOs: create, clone, bytes, sizes, ranges, handles, pins.
 */
import {
  CachePolicy, Right, VmoChild, VmoLockState, VmoOp, VmoOption,
} from '../support/api.js';
import { type Action, bitsOf, expectSame } from './bench.js';
import { Lacking, Mismatch, type Step } from './cases.js';
import {
  big, bytesOf, count, countOr, names, text, whole, word, wordBytes, wordOffset,
} from './values.js';

const PHYSICAL_BASE = 0x10000000n;
/** The bits of `options`, or `options_raw`, or both. */
const optionBits = (table: Readonly<Record<string, number>>, s: Step): number =>
  bitsOf(table, names(s, 'options')) | countOr(s, 'options_raw', 0);

const create: Action = (b, s) => {
  const size = bytesOf(s, 'size_bytes', 'pages');
  b.handles.set(text(s, 'out'), b.system.createVmo(size, optionBits(VmoOption, s)));
};

const createContiguous: Action = (b, s) => {
  const size = bytesOf(s, 'size_bytes', 'pages');
  const vmo = b.system.createContiguousVmo(size, countOr(s, 'align_pow2', 0));
  b.handles.set(text(s, 'out'), vmo);
};

const createPhysical: Action = (b, s) => {
  const address = s['address'] === undefined ? PHYSICAL_BASE : whole(s, 'address');
  const vmo = b.system.createPhysicalVmo(address, bytesOf(s, 'size_bytes', 'pages'));
  b.handles.set(text(s, 'out'), vmo);
};

const childOptions = (s: Step): number =>
  (s['kind'] === undefined ? 0 : bitsOf(VmoChild, [text(s, 'kind')])) | optionBits(VmoChild, s);

const clone: Action = (b, s) => {
  const offset = bytesOf(s, 'offset_bytes', 'offset_pages');
  const size = bytesOf(s, 'size_bytes', 'pages');
  b.handles.set(text(s, 'out'), b.vmo(s, 'of').createChild(childOptions(s), offset, size));
};

const nested: Action = (b, s) => {
  let last = b.vmo(s, 'of');
  for (let i = 0; i < count(s, 'depth'); i++) {
    const next = last.createChild(childOptions(s), 0, last.getSize());
    if (i > 0) last.close();
    last = next;
  }
  b.handles.set(text(s, 'out'), last);
};

const opRange: Action = (b, s) => {
  const op = s['range_op_raw'] === undefined
    ? bitsOf(VmoOp, [text(s, 'range_op')]) : count(s, 'range_op_raw');
  const state = s['no_buffer'] === true ? undefined : new VmoLockState();
  b.vmo(s).opRange(op, whole(s, 'offset'), whole(s, 'len'), state);
  const wanted = s['expect_lock_state'] as Record<string, unknown> | undefined;
  if (wanted === undefined) return;
  const { offset, size, discardedOffset, discardedSize } = state ?? new VmoLockState();
  const got: Record<string, bigint> = {
    offset, size, discarded_offset: discardedOffset, discarded_size: discardedSize,
  };
  for (const [field, value] of Object.entries(wanted)) {
    if (got[field] === undefined) throw new Lacking(`the field ${field} of a lock state`);
    expectSame(big(value, field), got[field]);
  }
};

const discard: Action = (b, s) => {
  const pages = b.door.discard(b.vmo(s));
  if (s['expect_pages'] !== undefined) expectSame(whole(s, 'expect_pages'), pages);
};

const expectDiscardable: Action = (b, s) => {
  const { discardable } = b.vmo(s).object;
  const wanted = text(s, 'state').toLowerCase();
  const got = discardable?.state ?? 'not discardable';
  if (got !== wanted) throw new Mismatch(wanted, got);
  if (s['lock_count'] !== undefined) expectSame(whole(s, 'lock_count'), discardable?.locks ?? 0);
};

const setConfig: Action = (b, s) => {
  const other = Object.keys(s).find((key) => key !== 'op' && key !== 'loaning');
  if (other !== undefined) throw new Lacking(`the setting ${other}`);
  b.system.pageLoaning = s['loaning'] === true;
};

const duplicate: Action = (b, s) => {
  const handle = b.handles.get(text(s, 'of'));
  const rights = s['rights'] === undefined
    ? handle.rights & ~bitsOf(Right, names(s, 'remove_rights'))
    : bitsOf(Right, names(s, 'rights'));
  b.handles.set(text(s, 'out'), handle.duplicate(rights));
};

const expectBytes: Action = (b, s) => {
  const other = b.vmo(s).read(whole(s, 'offset'), whole(s, 'len')).find((x) => x !== s['byte']);
  if (other !== undefined) throw new Mismatch(String(s['byte']), String(other));
};

const pin = (b: Parameters<Action>[0], s: Step, times: number): void => {
  const vmo = b.vmo(s);
  const made = [];
  for (let i = 0; i < times; i++) made.push(vmo.pin(whole(s, 'offset'), whole(s, 'len')));
  b.pins.set(text(s, 'out'), made);
};

const policy = (s: Step): number =>
  s['raw'] === undefined ? bitsOf(CachePolicy, [text(s, 'policy')]) : count(s, 'raw');

/** Operations by name. */
export const vmoActions: Readonly<Record<string, Action>> = {
  vmo_create: create,
  vmo_create_contiguous: createContiguous,
  vmo_create_physical: createPhysical,
  kernel_vmo_create: (b, s) =>
    b.handles.set(text(s, 'out'), b.door.createVmo(bytesOf(s, 'size_bytes', 'pages'))),
  clone,
  repeat_nested_child: nested,
  write: (b, s) => b.vmo(s).write(wordOffset(s), wordBytes(whole(s, 'value'))),
  read: (b, s) => expectSame(whole(s, 'expect'), word(b.vmo(s).read(wordOffset(s), 4))),
  write_bytes: (b, s) =>
    b.vmo(s).write(whole(s, 'offset'), new Uint8Array(count(s, 'len')).fill(1)),
  read_bytes: (b, s) => void b.vmo(s).read(whole(s, 'offset'), whole(s, 'len')),
  fill_bytes: (b, s) =>
    b.vmo(s).write(whole(s, 'offset'), new Uint8Array(count(s, 'len')).fill(count(s, 'byte'))),
  expect_bytes: expectBytes,
  set_size: (b, s) => b.vmo(s).setSize(whole(s, 'bytes')),
  set_stream_size: (b, s) => b.vmo(s).setStreamSize(whole(s, 'bytes')),
  set_content_size: (b, s) => b.vmo(s).setContentSize(whole(s, 'bytes')),
  set_cache_policy: (b, s) => b.vmo(s).setCachePolicy(policy(s)),
  op_range: opRange,
  discard,
  expect_discardable_state: expectDiscardable,
  set_config: setConfig,
  close: (b, s) => b.handles.get(text(s, 'handle')).close(),
  duplicate,
  replace_as_executable: (b, s) =>
    b.handles.set(text(s, 'out'), b.vmo(s, 'of').replaceAsExecutable()),
  compress_page: (b, s) => {
    const outcome = b.system.reclaim.compress(b.vmo(s), whole(s, 'page') * 4096n, 4096);
    expectSame(countOr(s, 'expect_pages', 1), outcome.compressed + outcome.zero);
  },
  pin: (b, s) => pin(b, s, 1),
  pin_repeat: (b, s) => pin(b, s, count(s, 'times')),
  unpin: (b, s) => b.pins.get(text(s, 'pin')).forEach((one) => one.unpin()),
};
