/**
 * Operations on VMARs, mappings and memory through them.
 */
import {
  Access, type Process, VmOption, type Vmar, VmoOp, alignOption,
} from '../support/api.js';
import {
  type Action, type Bench, bitsOf, expectSame, permsOf, rangeOf, statusOf,
} from './bench.js';
import { Lacking, Mismatch, type Step } from './cases.js';
import { count, countOr, names, text, whole, word, wordBytes } from './values.js';

/** Calls that the vocabulary knows and the API may not have yet. */
interface NotYet {
  readonly opRange?: (op: number, address: bigint, length: bigint) => void;
  readonly readMemory?: (address: bigint, length: number) => Uint8Array;
  readonly writeMemory?: (address: bigint, data: Uint8Array) => number;
}

const LOWER_BITS = 2n ** 64n;

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
  b.maps.set(text(s, 'out'), { process, vmar, base, sizeBytes });
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
  const length = s['pages'] === undefined ? map.sizeBytes : whole(s, 'pages') * 4096n;
  map.vmar.unmap(map.base + first, length);
};

const opRange: Action = (b, s) => {
  const { offset, length } = rangeOf(s);
  const named = s['map'] ?? s['at_map'];
  const map = named === undefined ? undefined : b.maps.get(String(named));
  const vmar = s['vmar'] === undefined && map ? map.vmar : b.vmar(s);
  const op = bitsOf(VmoOp, [text(s, 'range_op')]);
  const call = (vmar as Vmar & NotYet).opRange;
  if (call === undefined) throw new Lacking('zx_vmar_op_range');
  call.call(vmar, op, BigInt.asUintN(64, (map?.base ?? vmar.base) + offset + LOWER_BITS), length);
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
  const process = b.owner(s) as Process & NotYet;
  if (process.readMemory === undefined || process.writeMemory === undefined) {
    throw new Lacking('zx_process_read_memory and zx_process_write_memory');
  }
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
    map.vmar.protect(permsOf(text(s, 'perms')), map.base, map.sizeBytes);
  },
  vmar_unmap: (b, s) => {
    const { offset, length } = rangeOf(s);
    b.vmar(s).unmap(b.vmar(s).base + offset, length);
  },
  vmar_protect: (b, s) => {
    const { offset, length } = rangeOf(s);
    b.vmar(s).protect(permsOf(text(s, 'perms')), b.vmar(s).base + offset, length);
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
    const child = b.vmar(s, 'child');
    const parent = b.vmar(s, 'parent');
    const inside = child.base >= parent.base
      && child.base + child.size <= parent.base + parent.size;
    if (!inside) throw new Mismatch('inside its parent', String(child.base));
  },
  expect_aligned: (b, s) =>
    expectSame(0n, b.maps.get(text(s, 'map')).base % (1n << whole(s, 'pow2'))),
  process_read_memory: copyMemory(false),
  process_write_memory: copyMemory(true),
  process_map: (b, s) => {
    const process = b.processOf(s);
    mapIn(b, s, process, process.rootVmar, Access.READ | Access.WRITE);
  },
};

/** Operations that need what the simulator does not have yet, by the capability they lack. */
export const lackingVmar: Readonly<Record<string, string>> = {
  merge_mappings: 'merging mappings on demand',
};
