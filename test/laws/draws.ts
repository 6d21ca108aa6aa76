/**
 * What arguments of random operations are drawn from, and how they are brought inside what lives.
 *
 * Page numbers and sizes gather at the edges of a radix tree with fan-out 32: 0, 1, 31, 32, 33,
 * 1023 ...
 */
import fc from 'fast-check';
import { sizePages } from '../model/vmo.js';
import type { OnModel } from './on-model.js';

/** Pages between two places where a mapping may start: places 12-15 stand far apart. */
const PLACE_PAGES = 64;

/** First address of a place, in pages. */
export const placePage = (place: number): number =>
  place < 12 ? 0x1000 + place * PLACE_PAGES : 0x1000 + (place - 11) * 0x100000;

const EDGES = [0, 1, 2, 3, 5, 8, 30, 31, 32, 33, 40, 63, 64, 1023, 1024, 1025, 32767, 32768, 40000];
/** Number of a page. */
export const page = fc.oneof(
  { weight: 3, arbitrary: fc.nat(8) },
  { weight: 2, arbitrary: fc.constantFrom(...EDGES) },
);
/** Size of a VMO in pages. */
export const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(10) },
  { weight: 2, arbitrary: fc.constantFrom(...EDGES.map((edge) => edge + 1), 0) },
);
/** Number of an object in its list. */
export const pick = fc.nat(31);
/** Length of a range in pages. */
export const pages =
  fc.oneof({ weight: 4, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(70) });
/** One of the places of an address space. */
export const place =
  fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(15) });
/** Pages behind the place. */
export const shift =
  fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(63) });
/** Permissions of a mapping. */
export const perms = fc.constantFrom(3, 3, 3, 1, 0, 2, 7);
/** True now and then. */
export const rare = fc.oneof({ weight: 9, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) });
/** Bytes past a page boundary, mostly none. */
export const odd = fc.oneof({ weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(4095) });
/** A byte. */
export const value = fc.integer({ min: 0, max: 255 });
/** Number of a byte in its page. */
export const byte = fc.oneof(fc.constant(0), fc.nat(4095));

/** Bytes that a write of `length` bytes stores. */
export const pattern = (first: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (first + i) & 255);

/** Pages of the VMO behind a handle; 0 if there is none. */
export const vmoPages = (model: OnModel, handle: number): number => {
  const vmo = model.handles[handle]?.vmo;
  return vmo ? sizePages(vmo) : 0;
};

/** Brings a range of pages inside the VMO, unless it is wild. */
export const insideVmo = <A extends {
  handle: number; wild: boolean; page: number; pages: number; odd: number;
}>(model: OnModel, args: A): A => {
  const most = vmoPages(model, args.handle);
  if (args.wild || most === 0) return args;
  const first = args.page % most;
  const room = most - first - (args.odd > 0 ? 1 : 0);
  return { ...args, page: first, pages: Math.max(0, Math.min(args.pages, room)) };
};

/** Brings a range of bytes inside the VMO, unless it is wild. */
export const bytesInsideVmo = <A extends {
  handle: number; wild: boolean; page: number; byte: number; length: number;
}>(model: OnModel, args: A): A => {
  const most = vmoPages(model, args.handle);
  if (args.wild || most === 0) return args;
  const first = args.page % most;
  return { ...args, page: first, length: Math.min(args.length, (most - first) * 4096 - args.byte) };
};

/** An address in pages. */
export interface Addressed {
  readonly address: number;
}

interface Placed { process: number; wild: boolean; place: number; shift: number; pages?: number }

/** Brings a range of addresses inside one of the process's mappings, unless it is wild. */
export const insideMapping = <A extends Placed>(model: OnModel, args: A): A & Addressed => {
  const mappings = model.processes[args.process]?.mappings ?? [];
  const mapping = mappings[args.place % (mappings.length || 1)];
  if (args.wild || !mapping) return { ...args, address: placePage(args.place) + args.shift };
  const at = args.shift % mapping.pages;
  const address = mapping.base + at;
  if (args.pages === undefined) return { ...args, address };
  return { ...args, address, pages: Math.min(args.pages, mapping.pages - at) };
};
