/**
 * Operations on VMOs: create, clone, bytes, sizes, ranges, handles, pins.
 */
import { CachePolicy, Right, VmoChild, VmoOp, VmoOption } from '../support/api.js';
import { type Action, bitsOf, expectSame } from './bench.js';
import { Lacking, Mismatch, type Step } from './cases.js';
import { big, bytesOf, count, names, text, whole, word, wordBytes, wordOffset } from './values.js';

const PHYSICAL_BASE = 0x10000000n;
const LACKING_OPTIONS = ['DISCARDABLE', 'TRAP_DIRTY'];

const create: Action = (b, s) => {
  const list = names(s, 'options');
  for (const name of list) if (LACKING_OPTIONS.includes(name)) throw new Lacking(`${name} VMOs`);
  const raw = s['options_raw'] !== undefined;
  const options = raw ? count(s, 'options_raw') : bitsOf(VmoOption, list);
  b.handles.set(text(s, 'out'), b.system.createVmo(bytesOf(s, 'size_bytes', 'pages'), options));
};

/** A file's VMO stands for a user pager's: its pages are supplied at once, and no request waits. */
const createPager: Action = (b, s) => {
  if (names(s, 'options').length > 0) throw new Lacking('options of pager-backed VMOs');
  const vmo = b.system.createFileVmo(whole(s, 'pages') * 4096n);
  for (const [page, value] of Object.entries((s['supply'] ?? {}) as Record<string, unknown>)) {
    vmo.write(BigInt(page) * 4096n, wordBytes(big(value, 'supply')));
  }
  b.handles.set(text(s, 'out'), vmo);
};

const childOptions = (s: Step): number =>
  bitsOf(VmoChild, [text(s, 'kind'), ...names(s, 'options')]);

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
  if (s['expect_lock_state'] !== undefined) throw new Lacking('DISCARDABLE VMOs');
  const op = s['range_op_raw'] === undefined
    ? bitsOf(VmoOp, [text(s, 'range_op')]) : count(s, 'range_op_raw');
  b.vmo(s).opRange(op, whole(s, 'offset'), whole(s, 'len'));
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
  vmo_create_physical: (b, s) => {
    const vmo = b.system.createPhysicalVmo(PHYSICAL_BASE, whole(s, 'pages') * 4096n);
    b.handles.set(text(s, 'out'), vmo);
  },
  vmo_create_pager: createPager,
  pager_supply: (b, s) =>
    b.vmo(s).opRange(VmoOp.COMMIT, whole(s, 'page') * 4096n, whole(s, 'pages') * 4096n),
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
  set_cache_policy: (b, s) => b.vmo(s).setCachePolicy(policy(s)),
  op_range: opRange,
  close: (b, s) => b.handles.get(text(s, 'handle')).close(),
  duplicate,
  replace_as_executable: (b, s) =>
    b.handles.set(text(s, 'out'), b.vmo(s, 'of').replaceAsExecutable()),
  pin: (b, s) => pin(b, s, 1),
  pin_repeat: (b, s) => pin(b, s, count(s, 'times')),
  unpin: (b, s) => b.pins.get(text(s, 'pin')).forEach((one) => one.unpin()),
};

/** Operations that need what the simulator does not have yet, by the capability they lack. */
export const lackingVmo: Readonly<Record<string, string>> = {
  vmo_create_contiguous: 'contiguous VMOs',
  pager_supply_from: 'user pagers',
  pager_expect_request_on: 'user pagers',
  supply_pages_kernel: 'user pagers',
  kernel_vmo_create: 'the kernel-internal VMO create',
  set_content_size: 'the content-size property',
  compress_page: 'compression',
  dedup_zero_page: 'zero-page dedup',
  dedup_zero_page_hidden: 'zero-page dedup',
  discard: 'DISCARDABLE VMOs',
  expect_discardable_state: 'DISCARDABLE VMOs',
  evict: 'eviction',
  set_config: 'page loaning',
  expect_page_queue: 'page queues',
};
