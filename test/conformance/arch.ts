/**
 * Operations on a bare page table: entries for pages of nobody's, in an address space that nothing
 * else uses. The vocabulary names the two operations and not their arguments: a place is a `page`,
 * or a byte address under any usual name; frames are a list of names, or how many.
 *
 * I1. A case has one bare page table; its pages are counted in no VMO that the case knows.
 */
import { fail } from '../../src/objects/errors.js';
import { VmOption, VmoOp, type Process, type Vmo } from '../support/api.js';
import { type Action, type Bench, permsOf } from './bench.js';
import { Mismatch, type Step } from './cases.js';
import { big } from './values.js';

const FRAMES = 256;

interface BareTable {
  readonly process: Process;
  /** Pages to be mapped, and which one goes by which name. */
  readonly frames: Vmo;
  readonly names: Map<string, number>;
}

const tables = new WeakMap<Bench, BareTable>();

const tableOf = (b: Bench): BareTable => {
  const found = tables.get(b);
  if (found !== undefined) return found;
  const process = b.job.createProcess('bare page table');
  const frames = b.system.createVmo(FRAMES * 4096);
  frames.opRange(VmoOp.COMMIT, 0, FRAMES * 4096);
  const made = { process, frames, names: new Map<string, number>() };
  tables.set(b, made);
  return made;
};

const pageOf = ({ names }: BareTable, name: string): number => {
  const page = names.get(name) ?? names.size;
  names.set(name, page);
  return page;
};

const firstOf = (s: Step, keys: readonly string[]): unknown =>
  s[keys.find((key) => s[key] !== undefined) ?? ''];

/** The address that a step names; pages and low addresses are counted from the first one. */
const addressIn = (s: Step, { process }: BareTable): bigint => {
  const { base } = process.rootVmar;
  if (s['page'] !== undefined) return base + big(s['page'], 'page') * 4096n;
  const named = firstOf(s, ['vaddr', 'va', 'address', 'addr', 'base', 'offset', 'start']);
  const at = big(named, `${s.op}: the address`);
  return at < base ? base + at : at;
};

const framesIn = (s: Step): readonly string[] => {
  const named = firstOf(s, ['frames', 'phys', 'paddrs', 'pas', 'pages', 'count', 'len']);
  if (Array.isArray(named)) return named.map(String);
  const count = Number(big(named, `${s.op}: the frames`));
  const pages = s['len'] === named ? count / 4096 : count;
  return Array.from({ length: pages }, (_, i) => String(i));
};

const map: Action = (b, s) => {
  const table = tableOf(b);
  const { rootVmar } = table.process;
  const at = addressIn(s, table);
  const names = framesIn(s);
  const options = VmOption.SPECIFIC | VmOption.MAP_RANGE
    | (typeof s['perms'] === 'string' ? permsOf(s['perms']) : VmOption.PERM_READ);
  const places = names.map((_, i) => at + BigInt(i) * 4096n);
  if (places.some((place) => rootVmar.mappingAt(place) !== undefined)) {
    fail('ZX_ERR_ALREADY_EXISTS', `arch_map at ${at}: an entry is there`);
  }
  names.forEach((name, i) => {
    const offset = (places[i] as bigint) - rootVmar.base;
    rootVmar.map(options, offset, table.frames, pageOf(table, name) * 4096, 4096);
  });
  const wanted = firstOf(s, ['expect_mapped', 'mapped']);
  if (wanted !== undefined && Number(wanted) !== names.length) {
    throw new Mismatch(String(wanted), String(names.length));
  }
};

const query: Action = (b, s) => {
  const table = tableOf(b);
  const at = addressIn(s, table);
  const isMapped = b.entryPerms(table.process, at) !== 0;
  const wanted = firstOf(s, ['expect_frame', 'frame', 'expect_paddr', 'paddr', 'expect']);
  if (typeof wanted === 'boolean' || wanted === null) {
    if (isMapped !== (wanted ?? false)) throw new Mismatch(String(wanted), String(isMapped));
    return;
  }
  if (!isMapped) fail('ZX_ERR_NOT_FOUND', `arch_query at ${at}: no entry`);
  if (wanted === undefined) return;
  const got = b.system.core.translate(table.process.object.aspace.ref, Number(at / 4096n));
  const frame = b.frame(table.frames, pageOf(table, String(wanted)));
  if (got !== frame) throw new Mismatch(`frame ${String(wanted)}`, 'another one');
};

/** Operations by name. */
export const archActions: Readonly<Record<string, Action>> = { arch_map: map, arch_query: query };
