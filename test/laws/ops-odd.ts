/**
 * Operations of random programs with arguments that calls refuse, or take only just: sizes near
 * 2^64, bytes off the page, unknown bits; and the rarer calls on VMOs.
 */
import fc from 'fast-check';
import { createChild } from '../model/vmo-child.js';
import { pinVmo } from '../model/vmo-pin.js';
import { opRange } from '../model/vmo-range.js';
import { setSize, setStreamSize } from '../model/vmo-size.js';
import { createPhysicalVmo, createVmo, setCachePolicy } from '../model/vmo.js';
import { pick, size } from './draws.js';
import { type AnyRow, row } from './operation.js';

const HUGE = [
  2n ** 40n, 2n ** 53n - 1n, 2n ** 53n + 4096n, 2n ** 63n, 2n ** 64n - 2n ** 18n,
  2n ** 64n - 2n ** 18n + 1n, 2n ** 64n - 2n ** 18n - 4096n, 2n ** 64n - 4096n, 2n ** 64n - 1n,
];
/** Bytes: near pages, near powers of two, near the end of 64 bits. Text, as JSON has no bigint. */
const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(size, fc.constantFrom(-1, 0, 0, 0, 1, 4095)).map(
    ([many, off]) => String(Math.max(0, many * 4096 + off))) },
  { weight: 1, arbitrary: fc.constantFrom(...HUGE).map(String) },
);
const options = fc.oneof(
  fc.constantFrom(0, 1, 2, 16, 18, 32, 64), fc.constantFrom(2, 16),
);
const childOptions = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(1, 8, 16, 64, 128, 1 + 32, 8 + 32, 64 + 32, 64 + 4) },
  { weight: 1, arbitrary: fc.nat(511) },
);
const rangeOp = fc.nat(16);

/** Operations with odd arguments, by name. */
export const ODD_OPS: Record<string, AnyRow> = {
  createOdd: row({
    weight: 1, group: 'vmo', args: { bytes, options },
    model: (m, a) => m.hold(createVmo(m.world, BigInt(a.bytes), a.options)),
    system: (s, a) => s.hold(s.system.createVmo(BigInt(a.bytes), a.options)),
  }),
  createPhysical: row({
    weight: 1, group: 'device',
    args: { bytes, address: fc.constantFrom(0, 0, 4096, 1 << 28, 4097, 100) },
    model: (m, a) => m.hold(createPhysicalVmo(m.world, BigInt(a.address), BigInt(a.bytes))),
    system: (s, a) => s.hold(s.system.createPhysicalVmo(a.address, BigInt(a.bytes))),
  }),
  childOdd: row({
    weight: 2, group: 'vmo', args: { handle: pick, options: childOptions, offset: bytes, bytes },
    model: (m, a) => m.hold(createChild(
      m.world, m.handles[a.handle]!, a.options, BigInt(a.offset), BigInt(a.bytes))),
    system: (s, a) =>
      s.hold(s.handles[a.handle]!.createChild(a.options, BigInt(a.offset), BigInt(a.bytes))),
  }),
  rangeOdd: row({
    weight: 2, group: 'vmo',
    args: { handle: pick, op: rangeOp, offset: bytes, length: fc.oneof(bytes, fc.constant('0')) },
    settle: (m, a) => {
      // A commit of a huge range is an hour's work for the model, and no memory for the system.
      const isHuge = a.op === 1 && BigInt(a.length) > 2n ** 24n;
      return isHuge ? { ...a, length: '70000' } : a;
    },
    model: (m, a) =>
      opRange(m.world, m.handles[a.handle]!, a.op, BigInt(a.offset), BigInt(a.length)),
    system: (s, a) => s.handles[a.handle]!.opRange(a.op, BigInt(a.offset), BigInt(a.length)),
  }),
  pinOdd: row({
    weight: 1, group: 'vmo',
    args: { handle: pick, offset: bytes, length: fc.constantFrom(0, 1, 4096, 5000, 9000) },
    model: (m, a) =>
      void m.pins.push(pinVmo(m.world, m.handles[a.handle]!, BigInt(a.offset), BigInt(a.length))),
    system: (s, a) => void s.pins.push(s.handles[a.handle]!.pin(BigInt(a.offset), a.length)),
  }),
  setSizeOdd: row({
    weight: 1, group: 'vmo', args: { handle: pick, bytes },
    model: (m, a) => setSize(m.world, m.handles[a.handle]!, BigInt(a.bytes)),
    system: (s, a) => s.handles[a.handle]!.setSize(BigInt(a.bytes)),
  }),
  setStreamSize: row({
    weight: 1, group: 'vmo', args: { handle: pick, bytes },
    model: (m, a) => setStreamSize(m.world, m.handles[a.handle]!, BigInt(a.bytes)),
    system: (s, a) => s.handles[a.handle]!.setStreamSize(BigInt(a.bytes)),
  }),
  setCachePolicy: row({
    weight: 1, group: 'device', args: { handle: pick, policy: fc.constantFrom(0, 0, 0, 1, 3, 4) },
    model: (m, a) => setCachePolicy(m.handles[a.handle]!, a.policy),
    system: (s, a) => s.handles[a.handle]!.setCachePolicy(a.policy),
  }),
};
