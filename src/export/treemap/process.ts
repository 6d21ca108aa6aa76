/**
 * What one process is made of: its VMOs with their part of its figures.
 *
 * From a system the figures are those of its mappings. A document has only the VMOs that the
 * process refers to: each is taken to be mapped whole and shared equally among the processes that
 * map it. Without VMOs a process is its private and its shared memory.
 *
 * I1. In every measure the parts of a process add up to its figure.
 */

import { type AccountTables, MapType } from '../../accounting/tables.js';

/** Bytes in each measure. */
export interface Measures {
  /** Proportional share. */ readonly pss: number;
  /** Private. */ readonly private: number;
  /** Committed. */ readonly committed: number;
  /** Virtual size. */ readonly virtual: number;
}

/** One part of a process. */
export interface ProcessPart {
  /** Name of the VMO: untrusted; empty for none. */ readonly name: string;
  /** Koid of the VMO; 0 for none. */ readonly koid: number;
  /** Whether most of it is shared with other processes. */ readonly shared: boolean;
  /** What no VMO explains. */ readonly rest: boolean;
  /** Whole bytes. */ readonly bytes: Measures;
}

type Key = keyof Measures;

const KEYS: readonly Key[] = ['pss', 'private', 'committed', 'virtual'];

interface Draft {
  readonly name: string;
  readonly koid: number;
  readonly bytes: Record<Key, number>;
}

const FRACTION_SCALE = 2 ** 63;

/** Makes numbers add up to a whole: the rest they leave, or all of them scaled down. */
function fit(parts: readonly number[], whole: number): { parts: number[]; rest: number } {
  const sum = parts.reduce((total, part) => total + part, 0);
  const scale = sum > whole ? whole / sum : 1;
  const rounded = parts.map((part) => Math.floor(part * scale));
  const rest = whole - rounded.reduce((total, part) => total + part, 0);
  // What rounding left over goes to the largest part: it is less than a byte of each.
  if (rest > parts.length || parts.length === 0) return { parts: rounded, rest };
  const largest = rounded.reduce((best, part, i) => (part > (rounded[best] ?? 0) ? i : best), 0);
  rounded[largest] = (rounded[largest] as number) + rest;
  return { parts: rounded, rest: 0 };
}

/** Parts of processes, one process at a time. */
export class ProcessParts {
  private readonly mappers: Uint32Array;
  private readonly whole: boolean;

  /**
   * @param tables - where the figures are
   * @param partsMax - VMOs of a process from which on the smallest are one part
   */
  constructor(private readonly tables: AccountTables, private readonly partsMax: number) {
    this.whole = tables.missing?.maps === undefined;
    this.mappers = this.whole ? new Uint32Array(0) : mappersOf(tables);
  }

  /** The parts of the process in a task row; none where it has no figures. */
  of(task: number): ProcessPart[] {
    const { tasks } = this.tables;
    const drafts = this.whole ? this.fromMaps(task) : this.fromRefs(task);
    const privateBytes = tasks.privateBytes[task] ?? 0;
    const pss = Math.round(Number(tasks.pss.bytes[task] ?? 0n)
      + Number(tasks.pss.fraction[task] ?? 0n) / FRACTION_SCALE);
    const committed = privateBytes + (tasks.sharedBytes[task] ?? 0);
    const virtual = this.whole ? tasks.mappedBytes[task] ?? 0
      : drafts.reduce((sum, { bytes }) => sum + bytes.virtual, 0);
    const whole = { pss, private: privateBytes, committed, virtual };
    return drafts.length === 0 ? twoParts(whole) : this.fitted(this.merged(drafts), whole);
  }

  /** One draft for each VMO that is mapped, with the figures of its mappings. */
  private fromMaps(task: number): Draft[] {
    const { maps, mapsStart } = this.tables;
    const byVmo = new Map<number | string, Draft>();
    const end = mapsStart[task + 1] ?? 0;
    for (let row = mapsStart[task] ?? 0; row < end; row++) {
      if (maps.type[row] !== MapType.MAPPING) continue;
      const koid = maps.vmoKoid[row] ?? 0;
      const name = maps.name[row] ?? '';
      const draft = draftOf(byVmo, koid, name);
      draft.bytes.pss += Number(maps.pss.bytes[row] ?? 0n)
        + Number(maps.pss.fraction[row] ?? 0n) / FRACTION_SCALE;
      draft.bytes.private += maps.privateBytes[row] ?? 0;
      draft.bytes.committed += maps.committedBytes[row] ?? 0;
      draft.bytes.virtual += Number(maps.size[row] ?? 0n);
    }
    return [...byVmo.values()];
  }

  /** One draft for each VMO that is mapped, as if it were mapped whole. */
  private fromRefs(task: number): Draft[] {
    const { vmos, vmoRefs, vmoRefsStart } = this.tables;
    const drafts = new Map<number, Draft>();
    const end = vmoRefsStart[task + 1] ?? 0;
    for (let ref = vmoRefsStart[task] ?? 0; ref < end; ref++) {
      const vmo = vmoRefs.vmo[ref] as number;
      if (vmoRefs.viaHandle[ref] === 1 || drafts.has(vmo)) continue;
      const bytes = vmos.committedBytes[vmo] ?? 0;
      const mappers = this.mappers[vmo] ?? 1;
      drafts.set(vmo, {
        name: vmos.name[vmo] ?? '', koid: vmos.koid[vmo] ?? 0,
        bytes: {
          pss: bytes / mappers, private: mappers === 1 ? bytes : 0, committed: bytes,
          virtual: Number(vmos.sizeBytes[vmo] ?? 0n),
        },
      });
    }
    return [...drafts.values()];
  }

  /** The smallest VMOs as one, where there are too many. */
  private merged(drafts: Draft[]): Draft[] {
    if (drafts.length <= this.partsMax) return drafts;
    const sorted = drafts.sort((a, b) => b.bytes.committed - a.bytes.committed);
    const kept = sorted.slice(0, this.partsMax - 1);
    const small = sorted.slice(kept.length);
    const bytes = { pss: 0, private: 0, committed: 0, virtual: 0 };
    for (const draft of small) for (const key of KEYS) bytes[key] += draft.bytes[key];
    return [...kept, { name: `${small.length} smaller VMOs`, koid: 0, bytes }];
  }

  private fitted(drafts: readonly Draft[], whole: Measures): ProcessPart[] {
    const columns = new Map(KEYS.map((key) =>
      [key, fit(drafts.map(({ bytes }) => bytes[key]), whole[key])]));
    const at = (i: number): Measures => measures((key) => columns.get(key)?.parts[i] ?? 0);
    const parts = drafts.map(({ name, koid, bytes }, i): ProcessPart => ({
      name, koid, rest: false, shared: bytes.private * 2 < bytes.committed, bytes: at(i),
    }));
    const rest = measures((key) => columns.get(key)?.rest ?? 0);
    if (KEYS.some((key) => rest[key] > 0)) {
      parts.push({ name: 'in no VMO listed', koid: 0, rest: true, shared: false, bytes: rest });
    }
    return parts;
  }
}

function measures(value: (key: Key) => number): Measures {
  return {
    pss: value('pss'), private: value('private'), committed: value('committed'),
    virtual: value('virtual'),
  };
}

/** The draft of a VMO; what has no koid goes by its name. */
function draftOf(byVmo: Map<number | string, Draft>, koid: number, name: string): Draft {
  const key = koid === 0 ? name : koid;
  let draft = byVmo.get(key);
  if (draft === undefined) {
    draft = { name, koid, bytes: { pss: 0, private: 0, committed: 0, virtual: 0 } };
    byVmo.set(key, draft);
  }
  return draft;
}

/** A process of which no VMO is known. */
function twoParts(whole: Measures): ProcessPart[] {
  const own = whole.private;
  const parts: ProcessPart[] = [{
    name: 'private', koid: 0, shared: false, rest: false,
    bytes: { pss: Math.min(own, whole.pss), private: own, committed: own, virtual: whole.virtual },
  }, {
    name: 'proportional share of what is shared', koid: 0, shared: true, rest: false,
    bytes: {
      pss: Math.max(0, whole.pss - own), private: 0, committed: whole.committed - own, virtual: 0,
    },
  }];
  return parts.filter(({ bytes }) => KEYS.some((key) => bytes[key] > 0));
}

/** How many processes map each VMO of a document. */
function mappersOf({ vmos, vmoRefs, vmoRefsStart, tasks }: AccountTables): Uint32Array {
  const mappers = new Uint32Array(vmos.count);
  const last = new Int32Array(vmos.count).fill(-1);
  for (let task = 0; task < tasks.count; task++) {
    const end = vmoRefsStart[task + 1] ?? 0;
    for (let ref = vmoRefsStart[task] ?? 0; ref < end; ref++) {
      const vmo = vmoRefs.vmo[ref] as number;
      if (vmoRefs.viaHandle[ref] === 1 || last[vmo] === task) continue;
      last[vmo] = task;
      mappers[vmo] = (mappers[vmo] as number) + 1;
    }
  }
  return mappers;
}
