/**
 * Writes a shrunk program down as a conformance case, for who wants to run it elsewhere or keep it.
 *
 * The vocabulary has one process with one root VMAR and no random bytes, so not every operation can
 * be said in it: those it lacks become notes, and a write stores one byte value all along.
 */
import { ChildBit } from '../model/vmo-child.js';
import type { Step } from '../conformance/cases.js';
import { Right, VmoOp } from '../support/api.js';
import type { Op } from './operation.js';

type Fields = Readonly<Record<string, unknown>>;

const nameOf = (value: unknown): string => `h${String(value).slice(1)}`;
const outOf = (op: Op): string => `h${op.step}`;
const names = (table: Readonly<Record<string, number>>, bits: number): string[] =>
  Object.entries(table).filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
const bytesAt = (f: Fields): number => Number(f['page']) * 4096 + Number(f['byte'] ?? f['odd']);
const big = (value: unknown): number | string => {
  const whole = BigInt(value as string);
  return whole < 2n ** 53n ? Number(whole) : `0x${whole.toString(16)}`;
};
const perms = (bits: unknown): string =>
  [...'rwx'].filter((_, bit) => ((Number(bits) >> bit) & 1) !== 0).join('');

const clone = (op: Op, options: number, offset: unknown, size: unknown): Step => {
  const all = names(ChildBit, options);
  const more: string[] = all.filter((name) => name === 'RESIZABLE' || name === 'NO_WRITE');
  const kind = all.find((name) => !more.includes(name)) ?? '';
  return {
    op: 'clone', kind, of: nameOf(op['handle']), out: outOf(op), offset_bytes: big(offset),
    size_bytes: big(size), ...(more.length > 0 ? { options: more } : {}),
  };
};

const range = (op: Op, number: number, offset: unknown, len: unknown): Step => {
  const [name] = Object.entries(VmoOp).find(([, value]) => value === number) ?? [];
  const which = name === undefined ? { range_op_raw: number } : { range_op: name };
  const vmo = nameOf(op['handle']);
  return { op: 'op_range', vmo, ...which, offset: big(offset), len: big(len) };
};

const pages = (count: unknown): number => Number(count) * 4096;

/** How operations are said. */
const SAID: Readonly<Record<string, (op: Op) => Step>> = {
  create: (op) => ({
    op: 'vmo_create', out: outOf(op), pages: op['size'],
    ...(op['resizable'] === true ? { options: ['RESIZABLE'] } : {}),
  }),
  createOdd: (op) => ({
    op: 'vmo_create', out: outOf(op), size_bytes: big(op['bytes']), options_raw: op['options'],
  }),
  createPhysical: (op) => ({
    op: 'vmo_create_physical', out: outOf(op), pages: Math.ceil(Number(op['bytes']) / 4096),
  }),
  createFile: (op) => ({
    op: 'vmo_create_pager', out: outOf(op), pages: op['size'],
    supply: Object.fromEntries(Array.from({ length: Math.min(Number(op['size']), 64) }, (_, i) => i)
      .filter((i) => (Number(op['filled']) >> (i % 16)) & 1).map((i) => [i, i + 1])),
  }),
  child: (op) => {
    const bits = ChildBit[op['child'] as keyof typeof ChildBit]
      | (op['resizable'] === true ? ChildBit.RESIZABLE : 0)
      | (op['noWrite'] === true ? ChildBit.NO_WRITE : 0);
    return clone(op, bits, pages(op['offset']), pages(op['size']));
  },
  childOdd: (op) => clone(op, Number(op['options']), op['offset'], op['bytes']),
  write: (op) => ({
    op: 'fill_bytes', vmo: nameOf(op['handle']), offset: bytesAt(op), len: op['length'],
    byte: op['value'],
  }),
  read: (op) => ({
    op: 'read_bytes', vmo: nameOf(op['handle']), offset: bytesAt(op), len: op['length'],
  }),
  range: (op) => range(op, VmoOp[op['op'] as keyof typeof VmoOp], bytesAt(op), pages(op['pages'])),
  rangeOdd: (op) => range(op, Number(op['op']), op['offset'], op['length']),
  pin: (op) => ({
    op: 'pin', vmo: nameOf(op['handle']), offset: bytesAt(op), len: pages(op['pages']),
    out: outOf(op),
  }),
  pinOdd: (op) => ({
    op: 'pin', vmo: nameOf(op['handle']), offset: big(op['offset']), len: op['length'],
    out: outOf(op),
  }),
  unpin: (op) => ({ op: 'unpin', pin: nameOf(op['pin']) }),
  setSize: (op) => ({
    op: 'set_size', vmo: nameOf(op['handle']), bytes: pages(op['size']) + Number(op['odd']),
  }),
  setSizeOdd: (op) => ({ op: 'set_size', vmo: nameOf(op['handle']), bytes: big(op['bytes']) }),
  setStreamSize: (op) =>
    ({ op: 'set_stream_size', vmo: nameOf(op['handle']), bytes: big(op['bytes']) }),
  setCachePolicy: (op) =>
    ({ op: 'set_cache_policy', vmo: nameOf(op['handle']), raw: op['policy'] }),
  duplicate: (op) => ({
    op: 'duplicate', of: nameOf(op['handle']), out: outOf(op),
    remove_rights: names(Right, Number(op['drop'])),
  }),
  replaceAsExecutable: (op) =>
    ({ op: 'replace_as_executable', of: nameOf(op['handle']), out: outOf(op) }),
  close: (op) => ({ op: 'close', handle: nameOf(op['handle']) }),
  process: (op) => ({ op: 'process_create', out: outOf(op) }),
  kill: (op) => ({ op: 'process_kill', process: nameOf(op['process']) }),
  give: (op) => ({
    op: 'process_give_handle', process: nameOf(op['process']), vmo: nameOf(op['handle']),
  }),
  map: (op) => ({
    op: 'map', out: outOf(op), vmo: nameOf(op['handle']), vmo_offset: pages(op['offset']),
    len: pages(op['pages']), perms: perms(op['perms']), options: ['ALLOW_FAULTS'],
  }),
};

/** A program as a case of the vocabulary in `../shared/cases/README.md`, in one line a step. */
export const asCase = (program: readonly Op[], name: string): string => {
  const steps = program.map((op): Step =>
    op.step === undefined || SAID[op.kind] === undefined
      ? { op: 'note', text: JSON.stringify(op) } : SAID[op.kind]!(op));
  const lines = steps.map((step) => `  ${JSON.stringify(step)}`).join(',\n');
  return `{"name": ${JSON.stringify(name)}, "rule": "neutral", "steps": [\n${lines}\n]}`;
};
