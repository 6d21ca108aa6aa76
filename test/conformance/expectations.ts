/**
 * Expectations on VMOs, handles and frames.
 */
import { ownerFigures } from '../../src/accounting/figures.js';
import type { VmoPart } from '../../src/objects/info.js';
import { partFigures } from '../../src/objects/vmo-figures.js';
import { walkMappings } from '../../src/objects/walk.js';
import {
  Right, type ShareColumn, Topic, VmoInfoFlag, VmoSignal, type VmoFigures,
} from '../support/api.js';
import {
  type Action, type Bench, bitsOf, expectSame, expectWhole, FRACTION_UNITS_ALLOWED,
  type NamedMap, permsOf, statusOf,
} from './bench.js';
import { Lacking, Mismatch, type Step } from './cases.js';
import { big, count, names, text, whole } from './values.js';

/** What is charged to a VMO. */
interface Charge {
  readonly bytes: bigint;
  /** What nobody else sees. */ readonly own: bigint;
  /** Its share, units of 2^-63 byte. */ readonly scaled: bigint;
}

/** Of one VMO: without compressed pages, and with them. */
interface Charges {
  readonly committed: Charge;
  readonly populated: Charge;
}

/** What a pass says. */
const chargesOf = async (b: Bench, name: string): Promise<Charges> => {
  const { koid } = b.handles.get(name);
  const { vmos } = await b.tables();
  const row = vmos.koid.indexOf(koid);
  if (row < 0) throw new Mismatch(`a living VMO ${name}`, 'none');
  const units = ({ bytes, fraction }: ShareColumn): bigint =>
    ((bytes[row] as bigint) << 63n) + (fraction[row] as bigint);
  const committed = {
    bytes: BigInt(vmos.committedBytes[row] as number),
    own: BigInt(vmos.privateBytes[row] as number), scaled: units(vmos.scaled),
  };
  const more = vmos.compressed;
  if (more === undefined) return { committed, populated: committed };
  const populated = {
    bytes: committed.bytes + BigInt(more.bytes[row] as number),
    own: committed.own + BigInt(more.privateBytes[row] as number),
    scaled: committed.scaled + units(more.scaled),
  };
  return { committed, populated };
};

/** What ZX_INFO_VMO says. */
const chargesIn = (figures: VmoFigures): Charges => ({
  committed: {
    bytes: BigInt(figures.committedBytes), own: BigInt(figures.committedPrivateBytes),
    scaled: (BigInt(figures.committedScaledBytes) << 63n) + figures.committedFractionalScaledBytes,
  },
  populated: {
    bytes: BigInt(figures.populatedBytes), own: BigInt(figures.populatedPrivateBytes),
    scaled: (BigInt(figures.populatedScaledBytes) << 63n) + figures.populatedFractionalScaledBytes,
  },
});

/** What `expect_attributed_*` means (`rule` in the vocabulary), in units of 2^-63 byte. */
const attributed = async (b: Bench, name: string): Promise<bigint> => {
  const { committed, populated } = await chargesOf(b, name);
  return b.rule === 'old' ? committed.bytes << 63n : populated.scaled;
};

const pagesAsBytes = (s: Step): bigint => BigInt(Math.round(Number(s['pages']) * 4096));

const POLICIES = ['CACHED', 'UNCACHED', 'UNCACHED_DEVICE', 'WRITE_COMBINING'];

/** Fields of ZX_INFO_VMO that need no pass. */
const plainFields = (b: Bench, name: string): Record<string, bigint> => {
  const info = b.handles.get(name).getInfo(Topic.VMO);
  return {
    size_bytes: info.sizeBytes,
    stream_size: info.streamSizeBytes,
    content_size: info.streamSizeBytes,
    parent_koid: BigInt(info.parentKoid),
    koid: BigInt(info.koid),
    num_children: BigInt(info.numChildren),
    num_mappings: BigInt(info.numMappings),
    share_count: BigInt(info.shareCount),
    metadata_bytes: BigInt(info.metadataBytes),
    committed_change_events: BigInt(info.committedChangeEvents),
    cache_policy: BigInt(info.cachePolicy),
    handle_rights: BigInt(info.handleRights),
  };
};

const chargedFields = async (b: Bench, name: string): Promise<Record<string, bigint>> => {
  const charges = await chargesOf(b, name);
  if (b.rule !== 'old') expectSameCharges(charges, b.handles.get(name).getInfo(Topic.VMO));
  const kinds = ['committed', 'populated'] as const;
  return Object.fromEntries(kinds.flatMap((kind) => [
    [`${kind}_bytes`, charges[kind].bytes],
    [`${kind}_private_bytes`, charges[kind].own],
    [`${kind}_scaled_bytes`, charges[kind].scaled >> 63n],
    [`${kind}_fractional_scaled_bytes`, BigInt.asUintN(63, charges[kind].scaled)],
  ]));
};

/** A pass and ZX_INFO_VMO say the same of a VMO. */
const expectSameCharges = (charges: Charges, info: VmoFigures): void => {
  const told = chargesIn(info);
  for (const kind of ['committed', 'populated'] as const) {
    expectSame(charges[kind].bytes, told[kind].bytes);
    expectSame(charges[kind].own, told[kind].own);
    expectSame(charges[kind].scaled, told[kind].scaled);
  }
};

const expectFlags = (b: Bench, name: string, field: string, wanted: string[]): void => {
  const { flags } = b.handles.get(name).getInfo(Topic.VMO);
  const bits = bitsOf(VmoInfoFlag, wanted);
  const got = Object.keys(VmoInfoFlag).filter(
    (flag) => flags & VmoInfoFlag[flag as keyof typeof VmoInfoFlag],
  );
  const fits = field === 'flags' ? flags === bits
    : field === 'flags_present' ? (flags & bits) === bits : (flags & bits) === 0;
  if (!fits) throw new Mismatch(`${field} ${wanted.join('|')}`, got.join('|'));
};

const expectField = async (
  b: Bench, name: string, field: string, wanted: unknown,
): Promise<void> => {
  if (field.startsWith('flags')) return expectFlags(b, name, field, wanted as string[]);
  if (field === 'name') {
    const { name: got } = b.handles.get(name).getInfo(Topic.VMO);
    if (got !== wanted) throw new Mismatch(String(wanted), got);
    return;
  }
  const plain = plainFields(b, name);
  if (field === 'parent') {
    return expectSame(b.handles.get(String(wanted)).koid, plain['parent_koid']!);
  }
  const got = plain[field] ?? (await chargedFields(b, name))[field];
  if (got === undefined) throw new Lacking(`the field ${field} of ZX_INFO_VMO`);
  const number = field === 'cache_policy' && typeof wanted === 'string'
    ? BigInt(POLICIES.indexOf(wanted)) : big(wanted, field);
  if (field.includes('fractional')) {
    const gap = got > number ? got - number : number - got;
    if (gap <= FRACTION_UNITS_ALLOWED) return;
  }
  if (field.endsWith('ed_scaled_bytes')) {
    const charges = await chargesOf(b, name);
    const { scaled } = charges[field.startsWith('populated') ? 'populated' : 'committed'];
    return expectWhole(number, scaled);
  }
  expectSame(number, got);
};

const expectInfo: Action = async (b, s) => {
  for (const [field, wanted] of Object.entries(s['fields'] as Record<string, unknown>)) {
    await expectField(b, text(s, 'vmo'), field, wanted);
  }
};

const expectKernel: Action = async (b, s) => {
  const charges = await chargesOf(b, text(s, 'vmo'));
  if (b.rule !== 'old') expectSameCharges(charges, b.vmo(s).getInfo(Topic.VMO));
  expectKernelFields(s, charges);
};

/** Fields by the kernel's names, in units of 2^-63 byte. */
const expectKernelFields = (s: Step, { committed, populated }: Charges): void => {
  const known: Record<string, bigint> = {
    uncompressed_bytes: committed.bytes << 63n,
    compressed_bytes: (populated.bytes - committed.bytes) << 63n,
    private_uncompressed_bytes: committed.own << 63n,
    private_compressed_bytes: (populated.own - committed.own) << 63n,
    scaled_uncompressed_bytes: committed.scaled,
    scaled_compressed_bytes: populated.scaled - committed.scaled,
  };
  for (const [field, wanted] of Object.entries(s['fields'] as Record<string, unknown>)) {
    const got = known[field];
    if (got === undefined) throw new Lacking(`the field ${field} of kernel attribution`);
    expectWhole(big(wanted, field), got);
  }
};

const expectRights: Action = (b, s) => {
  const { rights } = b.handles.get(text(s, 'handle'));
  const has = bitsOf(Right, names(s, 'has'));
  const lacks = bitsOf(Right, names(s, 'lacks'));
  if ((rights & has) !== has || (rights & lacks) !== 0) {
    throw new Mismatch(`with ${names(s, 'has')} without ${names(s, 'lacks')}`, rights.toString(16));
  }
};

const framesOf = (b: Bench, s: Step, key: string): number => {
  const [name, page] = s[key] as [string, number];
  return b.frame(b.handles.get(name), page);
};

const compareFrames = (same: boolean): Action => (b, s) => {
  const [a, c] = [framesOf(b, s, 'a'), framesOf(b, s, 'b')];
  if ((a === c) !== same) throw new Mismatch(same ? 'the same frame' : 'two frames', `${a}, ${c}`);
};

/** The parts of its VMO that a named mapping shows still, whatever it has become one with. */
const shownParts = (map: NamedMap): VmoPart[] => {
  const first = Number(map.base / 4096n);
  const end = first + Number(map.sizeBytes / 4096n);
  const parts: VmoPart[] = [];
  for (const { vmo, basePage, pages, vmoOffsetPages } of walkMappings(map.process.object.aspace)) {
    const from = Math.max(first, basePage);
    const to = Math.min(end, basePage + pages);
    const at = vmoOffsetPages + from - basePage;
    if (from >= to || vmo !== map.vmo || at - from !== map.vmoOffsetPages - first) continue;
    parts.push({ vmo, first: at, pages: Math.max(0, Math.min(to - from, vmo.sizePages - at)) });
  }
  return parts;
};

const expectMapped: Action = async (b, s) => {
  const map = b.maps.get(text(s, 'map'));
  if (b.rule !== 'old') {
    const figures = partFigures(b.system, shownParts(map));
    const charged = figures.reduce((sum, part) => sum + part.committedBytes, 0);
    return expectSame(pagesAsBytes(s), charged);
  }
  const { tasks, maps, mapsStart } = await b.tables();
  const row = tasks.koid.indexOf(map.process.koid);
  let bytes = 0;
  for (let i = mapsStart[row] as number; i < (mapsStart[row + 1] as number); i++) {
    const base = maps.base[i] as bigint;
    if (maps.type[i] !== 3 || base < map.base || base >= map.base + map.sizeBytes) continue;
    bytes += maps.committedBytes[i] as number;
  }
  expectSame(pagesAsBytes(s), bytes);
};

const expectPte: Action = (b, s) => {
  const got = b.entryPerms(b.owner(s), b.address(s));
  const wanted = permsOf(text(s, 'perms'));
  if (got !== wanted) throw new Mismatch(text(s, 'perms') || 'no entry', `permissions ${got}`);
};

const expectDisjoint: Action = (b, s) => {
  const frames = names(s, 'pins').flatMap((pin) => b.pins.get(pin).flatMap((one) => one.frames));
  if (new Set(frames).size !== frames.length) throw new Mismatch('disjoint frames', String(frames));
};

/** Expectations by name. */
export const expectActions: Readonly<Record<string, Action>> = {
  expect_attributed_pages: async (b, s) =>
    expectWhole(pagesAsBytes(s), await attributed(b, text(s, 'vmo'))),
  expect_attributed_bytes: async (b, s) =>
    expectWhole(whole(s, 'bytes'), await attributed(b, text(s, 'vmo'))),
  expect_attributed_pages_sum: async (b, s) => {
    let sum = 0n;
    for (const name of names(s, 'vmos')) sum += await attributed(b, name);
    expectWhole(pagesAsBytes(s), sum);
  },
  expect_info: expectInfo,
  expect_info_nonzero: async (b, s) => {
    const name = text(s, 'vmo');
    const field = text(s, 'field');
    const got = plainFields(b, name)[field] ?? (await chargedFields(b, name))[field];
    if (got === undefined) throw new Lacking(`the field ${field} of ZX_INFO_VMO`);
    if (got === 0n) throw new Mismatch('not 0', '0');
  },
  expect_kernel_attribution: expectKernel,
  expect_reference_owner_attribution: (b, s) => {
    expectKernelFields(s, chargesIn(ownerFigures(b.system, b.vmo(s).object)));
  },
  expect_total_vmo_pages_delta: (b, s) =>
    expectSame(whole(s, 'pages'), b.objectFrames() - b.framesAtStart),
  expect_same_frame: compareFrames(true),
  expect_different_frame: compareFrames(false),
  expect_pinned_frames_disjoint: expectDisjoint,
  expect_rights: expectRights,
  expect_rights_exact: (b, s) =>
    expectSame(big(s['rights_hex'], 'rights_hex'), b.handles.get(text(s, 'handle')).rights),
  expect_signal: (b, s) => {
    const bit = bitsOf(VmoSignal, [text(s, 'signal')]);
    const asserted = (b.vmo(s, 'handle').signals & bit) !== 0;
    if (asserted !== s['asserted']) throw new Mismatch(String(s['asserted']), String(asserted));
  },
  expect_koids_differ: (b, s) => {
    const koids = names(s, 'handles').map((name) => b.handles.get(name).koid);
    if (new Set(koids).size !== koids.length) throw new Mismatch('different koids', String(koids));
  },
  expect_num_mappings: (b, s) =>
    expectSame(count(s, 'count'), plainFields(b, text(s, 'vmo'))['num_mappings']!),
  expect_mapping_attributed_pages: expectMapped,
  expect_pte: expectPte,
  expect_no_crash: () => undefined,
  note: () => undefined,
};

/** `expect_error`: the step inside has to be refused with this status, and to change nothing. */
export const expectError = async (
  b: Bench, wanted: string, run: () => void | Promise<void>,
): Promise<void> => {
  const before = b.system.core.digest();
  const got = await statusOf(run);
  if (got !== wanted) throw new Mismatch(wanted, got);
  if (b.system.core.digest() !== before) throw new Mismatch('nothing changed', 'another state');
};
