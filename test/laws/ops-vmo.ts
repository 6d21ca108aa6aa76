/**
 * Operations of random programs on VMOs: making, children, bytes, ranges, sizes, pins.
 */
import fc from 'fast-check';
import { newPage, setBytes } from '../model/tree.js';
import { readVmo, writeVmo } from '../model/vmo-bytes.js';
import { type ChildKind, createChild } from '../model/vmo-child.js';
import { pinVmo, unpinVmo } from '../model/vmo-pin.js';
import { type RangeOp, opRange } from '../model/vmo-range.js';
import { setSize } from '../model/vmo-size.js';
import { createFileVmo, createVmo, sizePages } from '../model/vmo.js';
import { VmoChild, VmoOp, VmoOption } from '../support/api.js';
import {
  byte, bytesInsideVmo, insideVmo, odd, page, pages, pattern, pick, rare, size, value,
} from './draws.js';
import type { OnModel } from './on-model.js';
import { type AnyRow, row } from './operation.js';

const kinds = fc.constantFrom<ChildKind>(
  'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT', 'SNAPSHOT',
  'SLICE', 'SLICE', 'REFERENCE',
  'SNAPSHOT_AT_LEAST_ON_WRITE', 'SNAPSHOT_AT_LEAST_ON_WRITE', 'SNAPSHOT_MODIFIED',
);

interface ChildArgs {
  handle: number; child: ChildKind; offset: number; size: number; resizable: boolean;
  noWrite: boolean;
}

/** Most references and slices are asked for as they have to be. */
const settleChild = (model: OnModel, args: ChildArgs): ChildArgs => {
  const { vmo } = model.handles[args.handle]!;
  if (args.child === 'REFERENCE') {
    return { ...args, offset: 0, size: 0, resizable: vmo.resizable };
  }
  if (args.child !== 'SLICE' || args.size % 4 === 3) return args;
  const most = sizePages(vmo);
  const offset = args.offset % (most + 1);
  return { ...args, offset, size: Math.min(args.size, most - offset), resizable: false };
};

const childOptions = (args: ChildArgs): number =>
  VmoChild[args.child] | (args.resizable ? VmoChild.RESIZABLE : 0)
  | (args.noWrite ? VmoChild.NO_WRITE : 0);

/** Words that the pages of a new file VMO begin with: page i has one if bit i mod 16 is set. */
const filledPages = (many: number, filled: number): number[] =>
  Array.from({ length: Math.min(many, 64) }, (_, i) => i).filter((i) => (filled >> (i % 16)) & 1);

const MAKING: Record<string, AnyRow> = {
  create: row({
    weight: 2, group: 'vmo', args: { size, resizable: fc.boolean() },
    model: (m, a) => m.hold(createVmo(
      m.world, BigInt(a.size) * 4096n, a.resizable ? VmoOption.RESIZABLE : 0)),
    system: (s, a) =>
      s.hold(s.system.createVmo(a.size * 4096, a.resizable ? VmoOption.RESIZABLE : 0)),
  }),
  createFile: row({
    weight: 1, group: 'file', args: { size, filled: fc.nat(0xffff) },
    model: (m, a) => {
      const handle = createFileVmo(m.world, a.size);
      for (const at of filledPages(a.size, a.filled)) {
        const fresh = newPage();
        setBytes(fresh, 0, pattern(at, 4));
        handle.vmo.tree.slots.set(at, fresh);
      }
      m.hold(handle);
    },
    system: (s, a) => {
      const vmo = s.system.createFileVmo(a.size * 4096);
      for (const at of filledPages(a.size, a.filled)) vmo.write(at * 4096, pattern(at, 4));
      s.hold(vmo);
    },
  }),
  child: row<ChildArgs>({
    weight: 5, group: 'vmo',
    args: {
      handle: pick, child: kinds, offset: fc.oneof(fc.constant(0), page), size,
      resizable: fc.boolean(), noWrite: rare,
    },
    settle: settleChild,
    model: (m, a) => m.hold(createChild(
      m.world, m.handles[a.handle]!, childOptions(a), BigInt(a.offset) * 4096n,
      BigInt(a.size) * 4096n)),
    system: (s, a) =>
      s.hold(s.handles[a.handle]!.createChild(childOptions(a), a.offset * 4096, a.size * 4096)),
  }),
};

const BYTES: Record<string, AnyRow> = {
  write: row({
    weight: 6, group: 'vmo',
    args: {
      handle: pick, wild: rare, page, byte, length: fc.integer({ min: 1, max: 5000 }), value,
    },
    settle: bytesInsideVmo,
    model: (m, a) => {
      const at = BigInt(a.page) * 4096n + BigInt(a.byte);
      writeVmo(m.world, m.handles[a.handle]!, at, pattern(a.value, a.length));
    },
    system: (s, a) =>
      s.handles[a.handle]!.write(a.page * 4096 + a.byte, pattern(a.value, a.length)),
  }),
  read: row({
    weight: 2, group: 'vmo',
    args: { handle: pick, wild: rare, page, byte, length: fc.integer({ min: 1, max: 5000 }) },
    settle: bytesInsideVmo,
    model: (m, a) =>
      readVmo(m.handles[a.handle]!, BigInt(a.page) * 4096n + BigInt(a.byte), a.length),
    system: (s, a) => s.handles[a.handle]!.read(a.page * 4096 + a.byte, a.length),
  }),
};

const RANGES: Record<string, AnyRow> = {
  range: row({
    weight: 3, group: 'vmo',
    args: {
      handle: pick, wild: rare, page, pages, odd,
      op: fc.constantFrom<RangeOp>('COMMIT', 'COMMIT', 'ZERO', 'ZERO', 'DECOMMIT'),
    },
    settle: insideVmo,
    model: (m, a) => {
      const offset = BigInt(a.page) * 4096n + BigInt(a.odd);
      opRange(m.world, m.handles[a.handle]!, VmoOp[a.op], offset, BigInt(a.pages) * 4096n);
    },
    system: (s, a) =>
      s.handles[a.handle]!.opRange(VmoOp[a.op], a.page * 4096 + a.odd, a.pages * 4096),
  }),
  pin: row({
    weight: 1, group: 'vmo',
    args: { handle: pick, wild: rare, page, pages: fc.nat(4), odd: fc.constant(0) },
    settle: insideVmo,
    model: (m, a) => void m.pins.push(pinVmo(
      m.world, m.handles[a.handle]!, BigInt(a.page) * 4096n, BigInt(a.pages) * 4096n)),
    system: (s, a) =>
      void s.pins.push(s.handles[a.handle]!.pin(a.page * 4096, a.pages * 4096)),
  }),
  unpin: row({
    weight: 2, group: 'vmo', args: { pin: pick },
    model: (m, a) => unpinVmo(m.world, m.pins.splice(a.pin, 1)[0]!),
    system: (s, a) => s.pins.splice(a.pin, 1)[0]!.unpin(),
  }),
  setSize: row({
    weight: 2, group: 'vmo', args: { handle: pick, size, odd },
    model: (m, a) =>
      setSize(m.world, m.handles[a.handle]!, BigInt(a.size) * 4096n + BigInt(a.odd)),
    system: (s, a) => s.handles[a.handle]!.setSize(a.size * 4096 + a.odd),
  }),
};

/** Operations on VMOs, by name. */
export const VMO_OPS: Record<string, AnyRow> = { ...MAKING, ...BYTES, ...RANGES };
