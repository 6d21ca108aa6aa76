/**
 * Compares what the system tells of its objects with the model: ZX_INFO_VMO, signals and names of
 * every handle, rows of PROCESS_MAPS and PROCESS_VMOS, ranges of VMARs.
 */
import { attributedVmos, stretches } from '../model/accounting.js';
import type { ModelProcess } from '../model/process.js';
import { type Rational, ZERO, floor } from '../model/rational.js';
import { ownPage } from '../model/tree.js';
import type { ModelVmar } from '../model/vmar.js';
import {
  type ModelHandle, type ModelVmo, Right, isWindow, sizeBytes, sizePages,
} from '../model/vmo.js';
import { Topic, VmoInfoFlag, VmoSignal } from '../support/api.js';
import type { OnModel } from './on-model.js';
import type { OnSystem } from './on-system.js';

/** Facts by name, as text. */
type Facts = Readonly<Record<string, unknown>>;

const differences = (what: string, wanted: Facts, got: Facts): string[] =>
  Object.entries(wanted).flatMap(([name, value]) =>
    String(got[name]) === String(value)
      ? [] : [`${what}: ${name} ${String(got[name])}, model ${String(value)}`]);

const koidOf = (model: OnModel, system: OnSystem, vmo: ModelVmo | null): number =>
  vmo === null ? 0 : system.made[model.made.indexOf(vmo)]!;

const mappers = (model: OnModel, vmo: ModelVmo): number =>
  model.processes.filter((process) => process.mappings.some((m) => m.vmo === vmo)).length;

/** Is a pager below: is it a file, or a live clone of one? */
const isPaged = (vmo: ModelVmo): boolean =>
  vmo.tree.kind === 'file' || vmo.tree.parent !== null;

const flagsOf = (vmo: ModelVmo): number => {
  const F = VmoInfoFlag;
  const physical = vmo.tree.kind === 'physical';
  return (physical ? F.CONTIGUOUS : F.PAGED) | (vmo.resizable ? F.RESIZABLE : 0)
    | (vmo.isCow ? F.IS_COW_CLONE : 0) | (isPaged(vmo) ? F.PAGER_BACKED : 0)
    | (vmo.isImmutable ? F.IMMUTABLE : 0);
};

const vmoFacts = (model: OnModel, system: OnSystem, vmo: ModelVmo): Facts => ({
  koid: koidOf(model, system, vmo),
  name: vmo.name,
  sizeBytes: sizeBytes(vmo),
  streamSizeBytes: vmo.stream.bytes,
  parentKoid: koidOf(model, system, vmo.parent),
  numChildren: vmo.children.size,
  numMappings: vmo.mappings,
  shareCount: mappers(model, vmo),
  cachePolicy: vmo.cachePolicy,
  committedChangeEvents: 0,
});

interface Charge { readonly committedBytes: number; readonly privateBytes: number;
  readonly scaled: Rational }

/** The attributed figures: a fraction of a byte is cut off once for each page. */
const chargeFacts = (row: Charge | undefined): Facts => ({
  committedBytes: row?.committedBytes ?? 0,
  populatedBytes: row?.committedBytes ?? 0,
  committedPrivateBytes: row?.privateBytes ?? 0,
  populatedPrivateBytes: row?.privateBytes ?? 0,
});

const wrongScaled = (what: string, scaled: Rational, pages: number, info: Facts): string[] => {
  const bytes = BigInt(info['populatedScaledBytes'] as number);
  const got = (bytes << 63n) + (info['populatedFractionalScaledBytes'] as bigint);
  const gap = floor({ n: scaled.n << 63n, d: scaled.d }) - got;
  return gap >= 0n && gap <= BigInt(pages) ? [] : [`${what}: scaled ${got} x 2^-63, gap ${gap}`];
};

const wrongHandle = (
  model: OnModel, system: OnSystem, at: number, rows: ReadonlyMap<ModelVmo, Charge>,
): string[] => {
  const { vmo, rights } = model.handles[at] as ModelHandle;
  const handle = system.handles[at]!;
  const info = handle.getInfo(Topic.VMO);
  const row = rows.get(vmo);
  const what = `handle ${at}`;
  const wanted = {
    ...vmoFacts(model, system, vmo), ...chargeFacts(row),
    flags: flagsOf(vmo) | VmoInfoFlag.VIA_HANDLE, handleRights: rights,
  };
  const basic = handle.getInfo(Topic.HANDLE_BASIC);
  const signals = vmo.children.size === 0 ? VmoSignal.ZERO_CHILDREN : 0;
  return [
    ...differences(what, wanted, info as unknown as Facts),
    ...wrongScaled(what, row?.scaled ?? ZERO, (row?.committedBytes ?? 0) / 4096,
      info as unknown as Facts),
    ...differences(what, { koid: koidOf(model, system, vmo), rights, type: 3, relatedKoid: 0 },
      basic as unknown as Facts),
    ...differences(what, { signals }, { signals: handle.signals }),
    ...((rights & Right.INSPECT) === 0 ? [] : differences(
      what, { handles: vmo.handles }, { handles: handle.getInfo(Topic.HANDLE_COUNT) })),
  ];
};

/** Pages of the VMO's own tree in a range: committed, whoever else sees them. */
const committedIn = (vmo: ModelVmo, first: number, pages: number): number => {
  if (isWindow(vmo)) return 0;
  let found = 0;
  const end = Math.min(first + pages, sizePages(vmo));
  for (let page = first; page < end; page++) {
    if (ownPage(vmo.tree, page) !== undefined) found += 1;
  }
  return found * 4096;
};

const mapRows = (
  model: OnModel, system: OnSystem, process: ModelProcess, vmar: ModelVmar, depth: number,
): Facts[] => {
  const own = process.mappings.filter((m) => m.vmar === vmar);
  const below = process.vmars.filter((one) => one.parent === vmar);
  const rows: Facts[] = [{
    type: 2, depth, base: BigInt(vmar.base) * 4096n, size: BigInt(vmar.pages) * 4096n,
    name: vmar.parent === null ? 'root' : 'useralloc',
  }];
  for (const region of [...own, ...below].sort((a, b) => a.base - b.base)) {
    if ('canMap' in region) rows.push(...mapRows(model, system, process, region, depth + 1));
    else for (const part of stretches(region)) {
      rows.push({
        type: 3, depth: depth + 1, base: BigInt(part.base) * 4096n,
        size: BigInt(part.pages) * 4096n, name: part.vmo.name, perms: part.perms[0],
        vmoKoid: koidOf(model, system, part.vmo), vmoOffsetBytes: BigInt(part.vmoOffset) * 4096n,
        committedBytes: committedIn(part.vmo, part.vmoOffset, part.pages),
      });
    }
  }
  return rows;
};

const wrongMaps = (model: OnModel, system: OnSystem, at: number): string[] => {
  const process = model.processes[at]!;
  const handle = system.processes[at]!;
  const [aspace, ...got] = handle.getInfo(Topic.PROCESS_MAPS);
  const { vmar } = process.root;
  const wanted = mapRows(model, system, process, vmar, 1);
  const what = `process ${at} maps`;
  if (got.length !== wanted.length) return [`${what}: ${got.length} rows, model ${wanted.length}`];
  return [
    ...differences(what, { type: 1, depth: 0, name: `proc:${handle.koid}` },
      aspace as unknown as Facts),
    ...wanted.flatMap((row, i) =>
      differences(`${what} row ${i}`, row, got[i] as unknown as Facts)),
  ];
};

const wrongVmos = (model: OnModel, system: OnSystem, at: number): string[] => {
  const process = model.processes[at]!;
  const wanted = [
    ...process.handles.map(({ vmo, rights }) => ({
      ...vmoFacts(model, system, vmo), handleRights: rights,
      flags: flagsOf(vmo) | VmoInfoFlag.VIA_HANDLE,
    })),
    ...process.mappings.map(({ vmo }) => ({
      ...vmoFacts(model, system, vmo), handleRights: 0,
      flags: flagsOf(vmo) | VmoInfoFlag.VIA_MAPPING,
    })),
  ];
  const got = system.processes[at]!.getInfo(Topic.PROCESS_VMOS);
  const what = `process ${at} vmos`;
  if (got.length !== wanted.length) return [`${what}: ${got.length} rows, model ${wanted.length}`];
  return wanted.flatMap((row, i) =>
    differences(`${what} row ${i}`, row, got[i] as unknown as Facts));
};

const wrongVmar = (model: OnModel, system: OnSystem, at: number): string[] => {
  const { vmar, rights } = model.vmars[at]!;
  const handle = system.vmars[at]!;
  const wanted = {
    base: BigInt(vmar.base) * 4096n, size: BigInt(vmar.pages) * 4096n, rights,
    isAlive: vmar.alive,
  };
  const { base, size, rights: got } = handle;
  const { isAlive } = handle.object;
  return differences(`vmar ${at}`, wanted, { base, size, rights: got, isAlive });
};

/** Everything told otherwise than the model has it. */
export const wrongInfo = (model: OnModel, system: OnSystem): string[] => {
  const rows = new Map(attributedVmos(model.world).map((row) => [row.vmo, row]));
  return [
    ...model.handles.flatMap((_, at) => wrongHandle(model, system, at, rows)),
    ...model.processes.flatMap((_, at) => wrongMaps(model, system, at)),
    ...model.processes.flatMap((_, at) => wrongVmos(model, system, at)),
    ...model.vmars.flatMap((_, at) => wrongVmar(model, system, at)),
  ];
};
