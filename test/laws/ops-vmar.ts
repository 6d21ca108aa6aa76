/**
 * Operations of random programs on VMARs: regions in regions, mappings placed in every way, their
 * ranges unmapped and protected, the whole destroyed.
 */
import fc from 'fast-check';
import { refuseIf } from '../model/status.js';
import { VmarBit, allocate, destroy, mapVmo, protect, unmap } from '../model/vmar.js';
import { Right } from '../model/vmo.js';
import { page, pages, perms, pick, rare } from './draws.js';
import type { OnModel } from './on-model.js';
import { type AnyRow, row } from './operation.js';

const { COMPACT, SPECIFIC, OVERWRITE, UPPER_LIMIT } = VmarBit;

/** How a place is asked for. */
const way = fc.constantFrom(
  SPECIFIC, SPECIFIC, SPECIFIC, 0, 0, COMPACT, UPPER_LIMIT, OVERWRITE, SPECIFIC | UPPER_LIMIT,
);
/** Log2 of an alignment in bytes; 9 and 33 are refused. */
const align = fc.constantFrom(0, 0, 0, 0, 0, 0, 12, 14, 17, 10, 9, 33);
/** Bytes off the page. */
const off = fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 1, 2048);
const at = fc.oneof({ weight: 3, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(700) });
const regionPages = fc.constantFrom(1, 4, 8, 16, 16, 64, 64, 200, 0);
const canMap = fc.constantFrom(0x3c0, 0x3c0, 0x3c0, 0x1c0, 0xc0, 0x80, 0x40, 0);
const extra = fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 1 << 10, 1 << 12, 1 << 20);
const flags = fc.constantFrom(
  0, 0, VmarBit.ALLOW_FAULTS, VmarBit.NON_RESIZABLE, VmarBit.STREAM,
  VmarBit.STREAM | VmarBit.ALLOW_FAULTS, VmarBit.XOM, VmarBit.CAN_MAP_READ, 1 << 18,
);

interface Placed { vmar: number; wild: boolean; way: number; at: number; off: number }

/** Brings a place inside the VMAR, and leaves it out where none may be named. */
const settlePlace = <A extends Placed>(model: OnModel, args: A): A => {
  if (args.wild) return args;
  const { pages: most } = model.vmars[args.vmar]!.vmar;
  if ((args.way & ~COMPACT) === 0) return { ...args, at: 0, off: 0 };
  return { ...args, at: args.at % most };
};

const offsetOf = (args: Placed): bigint => BigInt(args.at) * 4096n + BigInt(args.off);
const alignBits = (log2: number): number => (log2 << 24) | 0;

const MAKING: Record<string, AnyRow> = {
  allocate: row({
    weight: 2, group: 'vmar',
    args: {
      vmar: pick, wild: rare, way, at, off, align, canMap, extra, pages: regionPages,
      odd: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1),
    },
    settle: settlePlace,
    model: (m, a) => {
      const options = a.way | a.canMap | a.extra | alignBits(a.align);
      const bytes = BigInt(a.pages * 4096 + a.odd);
      const made = allocate(m.vmars[a.vmar]!, options, offsetOf(a), bytes);
      m.vmars.push(made);
      return BigInt(made.vmar.base) * 4096n;
    },
    system: (s, a) => {
      const options = a.way | a.canMap | a.extra | alignBits(a.align);
      const made = s.vmars[a.vmar]!.allocate(options, offsetOf(a), a.pages * 4096 + a.odd);
      s.vmars.push(made);
      return made.base;
    },
  }),
  vmarMap: row({
    weight: 4, group: 'vmar',
    args: {
      vmar: pick, handle: pick, wild: rare, way, at, off, align, perms, flags, pages,
      page: fc.oneof(fc.constant(0), page), odd: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1),
      vmoOff: off,
    },
    settle: settlePlace,
    model: (m, a) => {
      const options = a.way | a.perms | a.flags | alignBits(a.align);
      const offset = BigInt(a.page * 4096 + a.vmoOff);
      const bytes = BigInt(a.pages * 4096 + a.odd);
      const handle = m.handles[a.handle]!;
      return BigInt(mapVmo(m.vmars[a.vmar]!, options, offsetOf(a), handle, offset, bytes)) * 4096n;
    },
    system: (s, a) => {
      const options = a.way | a.perms | a.flags | alignBits(a.align);
      const offset = a.page * 4096 + a.vmoOff;
      const bytes = a.pages * 4096 + a.odd;
      return s.vmars[a.vmar]!.map(options, offsetOf(a), s.handles[a.handle]!, offset, bytes);
    },
  }),
  vmarDuplicate: row({
    weight: 1, group: 'vmar',
    args: { vmar: pick, drop: fc.constantFrom(0, 0, 4, 8, 16, 12, 1, 1 << 21, 1 << 21) },
    model: (m, a) => {
      const { vmar, rights } = m.vmars[a.vmar]!;
      needsDuplicate(rights);
      m.vmars.push({ vmar, rights: rights & ~a.drop });
    },
    system: (s, a) => {
      const handle = s.vmars[a.vmar]!;
      s.vmars.push(handle.duplicate(handle.rights & ~a.drop));
    },
  }),
  vmarClose: row({
    weight: 1, group: 'vmar', args: { vmar: pick },
    // The root's first handle stays open: the process itself answers with it.
    settle: (m, a) => ({ ...a, isFirst: m.vmars[a.vmar] === m.vmars[a.vmar]!.vmar.process.root }),
    model: (m, a) => void (isFirst(a) || m.vmars.splice(a.vmar, 1)),
    system: (s, a) => void (isFirst(a) || s.vmars.splice(a.vmar, 1)[0]!.close()),
  }),
};

const isFirst = (args: object): boolean => (args as { isFirst: boolean }).isFirst;

const needsDuplicate = (rights: number): void =>
  refuseIf((rights & Right.DUPLICATE) === 0, 'ZX_ERR_ACCESS_DENIED');

const range = { vmar: pick, at, off, pages, odd: fc.constantFrom(0, 0, 0, 0, 1, 4095) };
interface Ranged { vmar: number; at: number; off: number; pages: number; odd: number }

/** Brings a range inside the VMAR, mostly to the start of something that stands in it. */
const settleRange = <A extends Ranged>(model: OnModel, args: A): A & { address: string } => {
  const { vmar } = model.vmars[args.vmar]!;
  const { process } = vmar;
  const starts = [...process.mappings, ...process.vmars].map(({ base }) => base)
    .filter((base) => base >= vmar.base && base < vmar.base + vmar.pages);
  const near = args.at % 2 === 0 ? starts[args.at % (starts.length || 1)] : undefined;
  const first = near ?? vmar.base + (args.at % (vmar.pages + 1));
  return { ...args, address: String(BigInt(first) * 4096n + BigInt(args.off)) };
};

const lengthOf = (args: Ranged): bigint => BigInt(args.pages * 4096 + args.odd);
type Settled = Ranged & { address: string };

const RANGES: Record<string, AnyRow> = {
  vmarUnmap: row<Ranged, Settled>({
    weight: 2, group: 'vmar', args: range, settle: settleRange,
    model: (m, a) => unmap(m.vmars[a.vmar]!, BigInt(a.address), lengthOf(a)),
    system: (s, a) => s.vmars[a.vmar]!.unmap(BigInt(a.address), lengthOf(a)),
  }),
  vmarProtect: row<Ranged & { perms: number; extra: number },
    Settled & { perms: number; extra: number }>({
    weight: 2, group: 'vmar',
    args: { ...range, perms, extra: fc.constantFrom(0, 0, 0, 0, 1 << 14, 1 << 4) },
    settle: settleRange,
    model: (m, a) =>
      protect(m.vmars[a.vmar]!, a.perms | a.extra, BigInt(a.address), lengthOf(a)),
    system: (s, a) =>
      s.vmars[a.vmar]!.protect(a.perms | a.extra, BigInt(a.address), lengthOf(a)),
  }),
  vmarDestroy: row({
    weight: 1, group: 'vmar', args: { vmar: pick },
    model: (m, a) => destroy(m.vmars[a.vmar]!),
    system: (s, a) => s.vmars[a.vmar]!.destroy(),
  }),
};

/** Operations on VMARs, by name. */
export const VMAR_OPS: Record<string, AnyRow> = { ...MAKING, ...RANGES };
