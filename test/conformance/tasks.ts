/**
 * Operations on jobs and processes, and expectations on what they report.
 */
import {
  Topic, VmoInfoFlag, type Job, type ProcessMapsEntry, type TaskTable, type VmoFigures,
  type VmoInfo,
} from '../support/api.js';
import { type Action, type Bench, expectSame, expectWhole, permsOf } from './bench.js';
import { Lacking, Mismatch, type Step } from './cases.js';
import { big, names, text, whole } from './values.js';

/** What TASK_STATS says of a process, from the columns of a pass: units of 2^-63 byte. */
const statsOf = async (b: Bench, s: Step): Promise<Record<string, bigint>> => {
  const { koid } = b.processOf(s);
  const { tasks } = await b.tables();
  const row = tasks.koid.indexOf(koid);
  if (row < 0) throw new Mismatch(`a living process ${text(s, 'process')}`, 'none');
  const own = BigInt(tasks.privateBytes[row] as number);
  if (b.rule !== 'old') expectSameStats(b, s, row, own, tasks);
  const pss = ((tasks.pss.bytes[row] as bigint) << 63n) + (tasks.pss.fraction[row] as bigint);
  return {
    mem_mapped_bytes: BigInt(tasks.mappedBytes[row] as number) << 63n,
    mem_private_bytes: own << 63n,
    mem_shared_bytes: BigInt(tasks.sharedBytes[row] as number) << 63n,
    mem_scaled_shared_bytes: pss - (own << 63n),
    pss,
  };
};

/** A pass and ZX_INFO_TASK_STATS say the same. */
const expectSameStats = (
  b: Bench, s: Step, row: number, own: bigint, { mappedBytes, sharedBytes, pss }: TaskTable,
): void => {
  const info = b.processOf(s).getInfo(Topic.TASK_STATS);
  expectSame(mappedBytes[row] as number, info.memMappedBytes);
  expectSame(own, info.memPrivateBytes);
  expectSame(sharedBytes[row] as number, info.memSharedBytes);
  expectSame((pss.bytes[row] as bigint) - own, info.memScaledSharedBytes);
  expectSame(pss.fraction[row] as bigint, info.memFractionalScaledSharedBytes);
};

const TYPES = ['none', 'aspace', 'vmar', 'mapping'];

/** Fields of an entry of ZX_INFO_PROCESS_MAPS, by the names that cases use. */
const mapsFields = (e: ProcessMapsEntry): Record<string, unknown> => ({
  type: TYPES[e.type], depth: e.depth, name: e.name, base: e.base, size: e.size,
  perms: letters(e.perms), vmo: e.vmoKoid, vmo_koid: e.vmoKoid, vmo_offset: e.vmoOffsetBytes,
  ...figureFields(e),
});

const figureFields = (f: VmoFigures): Record<string, unknown> => ({
  committed_bytes: f.committedBytes, populated_bytes: f.populatedBytes,
  committed_private_bytes: f.committedPrivateBytes,
  populated_private_bytes: f.populatedPrivateBytes,
  committed_scaled_bytes: f.committedScaledBytes, populated_scaled_bytes: f.populatedScaledBytes,
});

/** Fields of an entry of ZX_INFO_PROCESS_VMOS. */
const vmosFields = (v: VmoInfo): Record<string, unknown> => ({
  vmo: v.koid, koid: v.koid, name: v.name, size_bytes: v.sizeBytes, parent_koid: v.parentKoid,
  num_children: v.numChildren, num_mappings: v.numMappings, share_count: v.shareCount,
  handle_rights: v.handleRights, cache_policy: v.cachePolicy,
  via: (v.flags & VmoInfoFlag.VIA_HANDLE) !== 0 ? 'handle' : 'mapping', ...figureFields(v),
});

/** Whether an entry has the fields that a case names; `vmo` is a handle's name there. */
const fits = (b: Bench, got: Record<string, unknown>, wanted: Record<string, unknown>): boolean =>
  Object.entries(wanted).every(([field, value]) => {
    const found = got[field];
    if (found === undefined) throw new Lacking(`the field ${field} of an entry`);
    if (field === 'vmo') return found === b.handles.get(String(value)).koid;
    if (typeof found === 'string') return found === value;
    return BigInt(found as number) === big(value, field);
  });

/** `prefix`: the first entries, in order; `contains`: entries that stand anywhere. */
const expectEntries = (b: Bench, s: Step, got: readonly Record<string, unknown>[]): void => {
  const shown = (value: unknown): string =>
    JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v));
  const entries = (key: string): Record<string, unknown>[] =>
    (s[key] ?? []) as Record<string, unknown>[];
  entries('prefix').forEach((wanted, i) => {
    if (!fits(b, got[i] ?? {}, wanted)) throw new Mismatch(shown(wanted), shown(got[i] ?? null));
  });
  for (const wanted of entries('contains')) {
    if (!got.some((entry) => fits(b, entry, wanted))) {
      throw new Mismatch(shown(wanted), shown(got));
    }
  }
};

const expectVmos: Action = (b, s) => {
  const entries = b.processOf(s).getInfo(Topic.PROCESS_VMOS);
  expectEntries(b, s, entries.map(vmosFields));
  if (s['vmos'] !== undefined) {
    sameList(names(s, 'vmos').map((name) => b.handles.get(name).koid),
      entries.map((entry) => entry.koid));
  }
  if (s['count'] !== undefined) expectSame(whole(s, 'count'), entries.length);
};

const mappingsOf = (b: Bench, s: Step): ProcessMapsEntry[] =>
  b.processOf(s).getInfo(Topic.PROCESS_MAPS).filter((entry) => entry.type === 3);

const sameList = (wanted: unknown, got: readonly unknown[]): void => {
  if (wanted === undefined) return;
  if (String(wanted) !== got.join(',')) throw new Mismatch(String(wanted), got.join(','));
};

const letters = (perms: number): string =>
  [...'rwx'].filter((_, bit) => (perms >> bit) & 1).join('');

const expectMaps: Action = (b, s) => {
  const entries = mappingsOf(b, s);
  sameList(s['mapping_sizes'], entries.map((entry) => entry.size));
  sameList(s['mapping_perms'], entries.map((entry) => letters(entry.perms)));
  const all = b.processOf(s).getInfo(Topic.PROCESS_MAPS);
  expectEntries(b, s, all.map(mapsFields));
};

const expectInvariants: Action = (b, s) => {
  const entries = b.processOf(s).getInfo(Topic.PROCESS_MAPS);
  const [aspace, root] = entries;
  if (aspace?.type !== 1 || aspace.depth !== 0) throw new Mismatch('an aspace first', 'none');
  if (root?.type !== 2 || root.depth !== 1) throw new Mismatch('a root VMAR second', 'none');
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1];
    if (before !== undefined && (entry.base < before.base || entry.depth > before.depth + 1)) {
      throw new Mismatch('rows in pre-order', `row ${i} at ${entry.base}`);
    }
  }
};

const protect: Action = (b, s) => {
  const map = b.maps.get(text(s, 'map'));
  const first = s['page'] === undefined ? 0n : whole(s, 'page') * 4096n;
  const length = s['pages'] === undefined ? map.sizeBytes : whole(s, 'pages') * 4096n;
  map.vmar.protect(permsOf(text(s, 'perms')), map.base + first, length);
};

const giveHandle: Action = (b, s) => {
  const given = b.vmo(s).duplicate();
  b.processOf(s).insertHandle(given);
};

/** A job by its name; `root` is the root job. */
const jobOf = (b: Bench, s: Step, key: string): Job => {
  const name = text(s, key);
  return name === 'root' ? b.job : b.jobs.get(name);
};

const oomKill: Action = (b, s) => {
  const koid = b.door.oomKill();
  if (s['expect_victim'] === undefined) return;
  const wanted = s['expect_victim'] === null ? undefined : jobOf(b, s, 'expect_victim').koid;
  if (koid !== wanted) throw new Mismatch(String(wanted), String(koid));
};

/** Operations by name. */
export const taskActions: Readonly<Record<string, Action>> = {
  process_create: (b, s) => {
    const job = s['job'] === undefined ? b.job : jobOf(b, s, 'job');
    b.processes.set(text(s, 'out'), job.createProcess(text(s, 'out')));
  },
  process_protect: protect,
  process_give_handle: giveHandle,
  process_kill: (b, s) => b.processOf(s).kill(),
  get_task_stats: (b, s) => void b.processOf(s).getInfo(Topic.TASK_STATS),
  get_process_maps: (b, s) => void b.processOf(s).getInfo(Topic.PROCESS_MAPS),
  expect_task_stats: async (b, s) => {
    const stats = await statsOf(b, s);
    for (const [field, wanted] of Object.entries(s['fields'] as Record<string, number>)) {
      const got = stats[field];
      if (got === undefined) throw new Error(`no field ${field} in task statistics`);
      expectWhole(big(wanted, field), got);
    }
  },
  expect_pss: async (b, s) => expectWhole(whole(s, 'bytes'), (await statsOf(b, s))['pss']!),
  expect_process_maps: expectMaps,
  expect_process_maps_invariants: expectInvariants,
  expect_process_vmos: expectVmos,
  job_create: (b, s) =>
    b.jobs.set(text(s, 'out'), jobOf(b, s, 'parent').createJob(text(s, 'out'))),
  job_set_kill_on_oom: (b, s) =>
    jobOf(b, s, 'job').setKillOnOom((s['kill'] ?? s['value']) !== false),
  job_kill: (b, s) => jobOf(b, s, 'job').kill(),
  oom_kill: oomKill,
};
