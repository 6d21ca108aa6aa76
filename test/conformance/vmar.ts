/**
 * Operations on VMARs, mappings and memory through them.
 */
import {
  Access, type Process, VmOption, type Vmar, VmarOp, alignOption,
} from '../support/api.js';
import {
  type Action, type Bench, bitsOf, expectSame, permsOf, rangeOf, statusOf,
} from './bench.js';
import { Mismatch, type Step } from './cases.js';
import { count, countOr, names, text, whole, word, wordBytes } from './values.js';

const options = (s: Step): number => {
  if (s['opts_raw'] !== undefined) return count(s, 'opts_raw');
  const perms = s['perms'] === undefined ? 0 : permsOf(text(s, 'perms'));
  const align = s['align_pow2'] === undefined ? 0 : alignOption(count(s, 'align_pow2'));
  return bitsOf(VmOption, names(s, 'options')) + perms + align;
};

const offsetOf = (s: Step): bigint => {
  if (s['vmar_offset'] !== undefined) return whole(s, 'vmar_offset');
  return s['vmar_offset_pages'] === undefined ? 0n : whole(s, 'vmar_offset_pages') * 4096n;
};

const mapIn = (b: Bench, s: Step, process: Process, vmar: Vmar, bits: number): void => {
  const vmo = b.vmo(s);
  const length = s['len'] === undefined ? vmo.getSize() : whole(s, 'len');
  const base = vmar.map(bits, offsetOf(s), vmo, whole(s, 'vmo_offset'), length);
  const sizeBytes = ((length + 4095n) / 4096n) * 4096n;
  const vmoOffsetPages = count(s, 'vmo_offset') / 4096;
  b.maps.set(text(s, 'out'), { process, vmar, base, sizeBytes, vmo: vmo.object, vmoOffsetPages });
  if (s['expect_below_page'] !== undefined) {
    const end = (base - vmar.base + sizeBytes) / 4096n;
    if (end > whole(s, 'expect_below_page')) {
      throw new Mismatch(`below page ${String(s['expect_below_page'])}`, `up to page ${end}`);
    }
  }
};

const unmap: Action = (b, s) => {
  const map = b.maps.get(text(s, 'map'));
  const first = BigInt(countOr(s, 'page', 0)) * 4096n;
  const length = s['pages'] === undefined ? map.sizeBytes - first : whole(s, 'pages') * 4096n;
  map.vmar.unmap(map.base + first, length);
};

/** What a ranged step works on: the VMAR to call, first address, bytes. */
const rangeIn = (b: Bench, s: Step): { vmar: Vmar; address: bigint; length: bigint } => {
  const { offset, length } = rangeOf(s);
  const named = s['map'] ?? s['at_map'];
  const map = named === undefined ? undefined : b.maps.get(String(named));
  const vmar = s['vmar'] === undefined && map ? map.vmar : b.vmar(s);
  const address = BigInt.asUintN(64, (map?.base ?? vmar.base) + offset);
  return { vmar, address, length };
};

const opRange: Action = (b, s) => {
  const { vmar, address, length } = rangeIn(b, s);
  const op = s['range_op_raw'] === undefined
    ? bitsOf(VmarOp, [text(s, 'range_op')]) : count(s, 'range_op_raw');
  const hasBuffer = s['buffer'] !== undefined && s['buffer'] !== null && s['buffer'] !== false;
  vmar.opRange(op, address, length, hasBuffer ? new Uint8Array(1) : null);
};

/** `merge_mappings`: neighbours that have become one mapping go by one name from now on. */
const merge: Action = (b, s) => {
  const maps = names(s, 'maps').map((name) => b.maps.get(name));
  const [first] = maps;
  if (first === undefined) throw new Error('merge_mappings.maps: expected names');
  const lowest = maps.reduce((low, map) => (map.base < low.base ? map : low), first);
  const found = new Set(maps.map((map) => map.vmar.mappingAt(map.base)));
  if (found.size !== 1 || found.has(undefined)) {
    throw new Mismatch('one mapping', `${found.size} mappings`);
  }
  const sizeBytes = maps.reduce((sum, map) => sum + map.sizeBytes, 0n);
  b.maps.set(text(s, 'out'), { ...lowest, sizeBytes });
};

/** First address and size of a mapping or a VMAR that a step names under `key`. */
const extentOf = (b: Bench, s: Step, key: string): { base: bigint; sizeBytes: bigint } => {
  if (b.maps.has(text(s, key))) return b.maps.get(text(s, key));
  const vmar = b.vmar(s, key);
  return { base: vmar.base, sizeBytes: vmar.size };
};

const readWord: Action = (b, s) =>
  expectSame(whole(s, 'expect'), word(b.owner(s).read(b.address(s), 4)));
const writeWord: Action = (b, s) => b.owner(s).write(b.address(s), wordBytes(whole(s, 'value')));

const expectFault: Action = async (b, s) => {
  const access = text(s, 'access') === 'w' ? Access.WRITE : Access.READ;
  const at = b.base(s) + whole(s, 'page') * 4096n;
  const got = await statusOf(() => void b.owner(s).touch(at, 1, access));
  if (got !== text(s, 'error')) throw new Mismatch(text(s, 'error'), got);
};

const expectPattern: Action = (b, s) => {
  const vmar = b.vmar(s);
  const wanted = text(s, 'pattern');
  const got = [...wanted].map((_, page) => {
    const at = vmar.base + BigInt(page) * 4096n;
    return vmar.mappingAt(at) === undefined ? '0' : '1';
  }).join('');
  if (got !== wanted) throw new Mismatch(wanted, got);
};

const copyMemory = (write: boolean): Action => (b, s) => {
  const length = count(s, 'len');
  const at = b.address(s);
  const process = b.owner(s);
  const done = write
    ? process.writeMemory(at, new Uint8Array(length)) : process.readMemory(at, length).length;
  if (s['expect_actual'] !== undefined) expectSame(whole(s, 'expect_actual'), done);
};

/** Operations by name. */
export const vmarActions: Readonly<Record<string, Action>> = {
  vmar_create: (b, s) => {
    const offset = s['offset'] === undefined ? 0n : whole(s, 'offset');
    const child = b.vmar(s, 'of').allocate(options(s), offset, whole(s, 'size'));
    b.handles.set(text(s, 'out'), child);
  },
  vmar_destroy: (b, s) => b.vmar(s).destroy(),
  map: (b, s) => mapIn(b, s, b.process, b.vmar(s), options(s)),
  unmap,
  protect: (b, s) => {
    const map = b.maps.get(text(s, 'map'));
    const first = BigInt(countOr(s, 'page', 0)) * 4096n;
    const length = s['pages'] === undefined ? map.sizeBytes - first : whole(s, 'pages') * 4096n;
    map.vmar.protect(permsOf(text(s, 'perms')), map.base + first, length);
  },
  vmar_unmap: (b, s) => {
    const { vmar, address, length } = rangeIn(b, s);
    vmar.unmap(address, length);
  },
  vmar_protect: (b, s) => {
    const { vmar, address, length } = rangeIn(b, s);
    vmar.protect(permsOf(text(s, 'perms')), address, length);
  },
  vmar_op_range: opRange,
  map_read: readWord,
  map_write: writeWord,
  vmar_read: readWord,
  vmar_write: writeWord,
  expect_fault: expectFault,
  expect_mapped_pattern: expectPattern,
  expect_vmar_offset: (b, s) => {
    const at = s['map'] === undefined ? b.vmar(s).base : b.maps.get(text(s, 'map')).base;
    const parent = b.vmar(s, s['of'] === undefined ? 'parent' : 'of');
    expectSame(whole(s, 'offset'), at - parent.base);
  },
  expect_within: (b, s) => {
    const child = extentOf(b, s, 'child');
    const parent = extentOf(b, s, 'parent');
    const inside = child.base >= parent.base
      && child.base + child.sizeBytes <= parent.base + parent.sizeBytes;
    if (!inside) throw new Mismatch('inside its parent', String(child.base));
  },
  expect_aligned: (b, s) =>
    expectSame(0n, b.base(s) % (1n << whole(s, 'pow2'))),
  merge_mappings: merge,
  process_read_memory: copyMemory(false),
  process_write_memory: copyMemory(true),
  process_map: (b, s) => {
    const process = b.processOf(s);
    mapIn(b, s, process, process.rootVmar, Access.READ | Access.WRITE);
  },
};
