/**
 * Random programs: what one is, and how fast-check makes one.
 *
 * An operation names its objects by small numbers, taken modulo what lives at that moment, so that
 * any program runs on any state, and a program shrinks by leaving operations out. Unless an
 * operation is `wild`, its pages are then brought inside the object ({@link settle}), so that most
 * calls succeed.
 *
 * Page numbers and sizes gather at the edges of a radix tree with fan-out 32: 0, 1, 31, 32, 33,
 * 1023 ...
 */
import fc from 'fast-check';
import type { ChildKind, RangeOp } from '../model/vmo.js';

/** Pages between two places where a mapping may start: places 12-15 stand far apart. */
export const PLACE_PAGES = 64;

/** First address of a place, in pages. */
export const placePage = (place: number): number =>
  place < 12 ? 0x1000 + place * PLACE_PAGES : 0x1000 + (place - 11) * 0x100000;

/** One operation. Objects by number, pages and lengths in pages unless they say bytes. */
export type Op =
  | { kind: 'nothing' }
  | { kind: 'create'; size: number; resizable: boolean }
  | { kind: 'createFile'; size: number; filled: number }
  | { kind: 'child'; handle: number; child: ChildKind; offset: number; size: number;
      resizable: boolean; noWrite: boolean }
  | { kind: 'duplicate'; handle: number; drop: number }
  | { kind: 'close'; handle: number }
  | { kind: 'write'; handle: number; wild: boolean; page: number; byte: number; length: number;
      value: number }
  | { kind: 'read'; handle: number; wild: boolean; page: number; byte: number; length: number }
  | { kind: 'range'; handle: number; wild: boolean; op: RangeOp; page: number;
      pages: number; odd: number }
  | { kind: 'pin'; handle: number; wild: boolean; page: number; pages: number; odd: number }
  | { kind: 'unpin'; pin: number }
  | { kind: 'setSize'; handle: number; size: number; odd: number }
  | { kind: 'process' }
  | { kind: 'kill'; process: number }
  | { kind: 'give'; process: number; handle: number }
  | { kind: 'map'; process: number; handle: number; place: number; shift: number; pages: number;
      offset: number; perms: number }
  | { kind: 'unmap'; process: number; wild: boolean; place: number; shift: number; pages: number }
  | { kind: 'protect'; process: number; wild: boolean; place: number; shift: number;
      pages: number; perms: number }
  | { kind: 'touch'; process: number; wild: boolean; place: number; shift: number;
      pages: number; access: number }
  | { kind: 'processWrite'; process: number; wild: boolean; place: number; shift: number;
      byte: number; value: number }
  | { kind: 'processRead'; process: number; wild: boolean; place: number; shift: number;
      byte: number };

const EDGES = [0, 1, 2, 3, 5, 8, 30, 31, 32, 33, 40, 63, 64, 1023, 1024, 1025, 32767, 32768, 40000];
const page = fc.oneof(
  { weight: 3, arbitrary: fc.nat(8) },
  { weight: 2, arbitrary: fc.constantFrom(...EDGES) },
);
const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(10) },
  { weight: 2, arbitrary: fc.constantFrom(...EDGES.map((edge) => edge + 1), 0) },
);
const pick = fc.nat(31);
const pages = fc.oneof({ weight: 4, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(70) });
const place = fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(15) });
const shift = fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(63) });
const perms = fc.constantFrom(3, 3, 3, 1, 0, 2, 7);
const rare = fc.oneof({ weight: 9, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) });
const odd = fc.oneof({ weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(4095) });
const value = fc.integer({ min: 0, max: 255 });
const byte = fc.oneof(fc.constant(0), fc.nat(4095));

const record = <K extends Op['kind']>(
  kind: K, fields: { [F in Exclude<keyof Extract<Op, { kind: K }>, 'kind'>]:
    fc.Arbitrary<Extract<Op, { kind: K }>[F]> },
): fc.Arbitrary<Op> => fc.record({ kind: fc.constant(kind), ...fields }) as fc.Arbitrary<Op>;

/** What a campaign leaves out or has more of. */
export interface Mix {
  /** Live children over file VMOs. */
  readonly files: boolean;
  /** Processes, mappings and page tables. */
  readonly processes: boolean;
}

const childKind = (files: boolean): fc.Arbitrary<ChildKind> => fc.constantFrom<ChildKind>(
  'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT',
  'SLICE', 'SLICE', 'REFERENCE',
  ...(files
    ? ['SNAPSHOT_AT_LEAST_ON_WRITE', 'SNAPSHOT_AT_LEAST_ON_WRITE', 'SNAPSHOT_MODIFIED'] as const
    : []),
);

const vmoOps = (mix: Mix): [number, fc.Arbitrary<Op>][] => [
  [2, record('create', { size, resizable: fc.boolean() })],
  [5, record('child', {
    handle: pick, child: childKind(mix.files), offset: fc.oneof(fc.constant(0), page), size,
    resizable: fc.boolean(), noWrite: rare,
  })],
  [1, record('duplicate', { handle: pick, drop: fc.nat(63) })],
  [2, record('close', { handle: pick })],
  [6, record('write', {
    handle: pick, wild: rare, page, byte, length: fc.integer({ min: 1, max: 5000 }), value,
  })],
  [2, record('read', {
    handle: pick, wild: rare, page, byte, length: fc.integer({ min: 1, max: 5000 }),
  })],
  [3, record('range', {
    handle: pick, wild: rare, page, pages, odd,
    op: fc.constantFrom<RangeOp>('COMMIT', 'COMMIT', 'ZERO', 'ZERO', 'DECOMMIT'),
  })],
  [1, record('pin', { handle: pick, wild: rare, page, pages: fc.nat(4), odd: fc.constant(0) })],
  [2, record('unpin', { pin: pick })],
  [2, record('setSize', { handle: pick, size, odd })],
];

const processOps: [number, fc.Arbitrary<Op>][] = [
  [2, record('process', {})],
  [1, record('give', { process: pick, handle: pick })],
  [5, record('map', { process: pick, handle: pick, place, shift, pages, offset: page, perms })],
  [1, record('unmap', { process: pick, wild: rare, place, shift, pages })],
  [1, record('protect', { process: pick, wild: rare, place, shift, pages, perms })],
  [6, record('touch', {
    process: pick, wild: rare, place, shift, pages, access: fc.constantFrom(1, 2),
  })],
  [1, record('kill', { process: pick })],
  [2, record('processWrite', { process: pick, wild: rare, place, shift, byte, value })],
  [1, record('processRead', { process: pick, wild: rare, place, shift, byte })],
];

/** What every program starts from, so that few operations find nothing to work on. */
const PROLOGUE: Op[] = [
  { kind: 'create', size: 8, resizable: false },
  { kind: 'create', size: 40, resizable: true },
];
const TASKS: Op[] = [
  { kind: 'process' },
  { kind: 'process' },
  { kind: 'map', process: 0, handle: 0, place: 0, shift: 0, pages: 8, offset: 0, perms: 3 },
  { kind: 'map', process: 1, handle: 1, place: 1, shift: 3, pages: 40, offset: 0, perms: 3 },
];

/**
 * Programs of up to `length` operations after a short prologue.
 *
 * They are long from the start, so that state builds up; an operation shrinks to `nothing`, which
 * is then left out.
 */
export const programs = (length: number, mix: Mix): fc.Arbitrary<Op[]> => {
  const ops = vmoOps(mix);
  if (mix.files) ops.push([1, record('createFile', { size, filled: fc.nat(0xffff) })]);
  if (mix.processes) ops.push(...processOps);
  const nothing = { weight: 1, arbitrary: fc.constant<Op>({ kind: 'nothing' }) };
  const choices = ops.map(([weight, arbitrary]) => ({ weight, arbitrary }));
  const op = fc.oneof({ withCrossShrink: true }, nothing, ...choices);
  const body = fc.array(op, { minLength: Math.floor(length / 3), maxLength: length, size: 'max' });
  const prologue = mix.processes ? [...PROLOGUE, ...TASKS] : PROLOGUE;
  return body.map((rest) => [...prologue, ...rest.filter((one) => one.kind !== 'nothing')]);
};

/** A program as text, one operation a line: what a failing run prints. */
export const show = (program: readonly Op[]): string =>
  program.map((op) => JSON.stringify(op)).join('\n');
