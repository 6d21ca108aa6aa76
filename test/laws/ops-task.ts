/**
 * Operations of random programs on processes: handles given, mappings, accesses.
 */
import fc from 'fast-check';
import { ModelProcess, type VmarRangeOp } from '../model/process.js';
import { VmarOp, VmOption } from '../support/api.js';
import {
  type Addressed, byte, insideMapping, page, pages, pattern, perms, pick, place, placePage, rare,
  shift, value,
} from './draws.js';
import type { OnModel } from './on-model.js';
import type { OnSystem } from './on-system.js';
import { type AnyRow, row } from './operation.js';

const LIVES: Record<string, AnyRow> = {
  process: row({
    weight: 2, group: 'task', args: {},
    model: (m) => {
      const process = new ModelProcess(m.world);
      m.processes.push(process);
      m.vmars.push(process.root);
    },
    system: (s) => {
      const process = s.system.rootJob.createProcess(`p${s.processes.length % 3}`);
      s.processes.push(process);
      s.vmars.push(process.rootVmar);
    },
  }),
  kill: row({
    weight: 1, group: 'task', args: { process: pick },
    model: (m, a) => {
      const [process] = m.processes.splice(a.process, 1);
      process!.kill();
      m.dead.push(process!);
    },
    system: (s, a) => {
      const [process] = s.processes.splice(a.process, 1);
      process!.kill();
      s.dead.push(process!);
    },
  }),
  give: row({
    weight: 1, group: 'task', args: { process: pick, handle: pick },
    model: (m, a) => m.processes[a.process]!.give(m.handles[a.handle]!),
    system: (s, a) => {
      const copy = s.handles[a.handle]!.duplicate();
      try {
        s.processes[a.process]!.insertHandle(copy);
      } catch (error) {
        copy.close();
        throw error;
      }
    },
  }),
};

const TRANSFER: Record<string, AnyRow> = {
  transfer: row({
    weight: 1, group: 'task', args: { process: pick, handle: pick },
    model: (m, a) => {
      m.processes[a.process]!.take(m.handles[a.handle]!);
      m.handles.splice(a.handle, 1);
    },
    system: (s, a) => {
      s.processes[a.process]!.insertHandle(s.handles[a.handle]!);
      s.handles.splice(a.handle, 1);
    },
  }),
};

interface MapArgs {
  process: number; handle: number; place: number; shift: number; pages: number; offset: number;
  perms: number;
}

interface RangeArgs { process: number; wild: boolean; place: number; shift: number; pages: number }

const range = { process: pick, wild: rare, place, shift, pages };

const MAPS: Record<string, AnyRow> = {
  map: row<MapArgs>({
    weight: 5, group: 'task',
    args: { process: pick, handle: pick, place, shift, pages, offset: page, perms },
    model: (m, a) => m.processes[a.process]!.map(
      m.handles[a.handle]!, placePage(a.place) + a.shift, a.pages, a.offset, a.perms),
    system: (s, a) => {
      const vmar = s.processes[a.process]!.rootVmar;
      const offset = BigInt(placePage(a.place) + a.shift) * 4096n - vmar.base;
      const options = VmOption.SPECIFIC | VmOption.ALLOW_FAULTS | a.perms;
      vmar.map(options, offset, s.handles[a.handle]!, a.offset * 4096, a.pages * 4096);
    },
  }),
  unmap: row<RangeArgs, RangeArgs & Addressed>({
    weight: 1, group: 'task', args: range, settle: insideMapping,
    model: (m, a) => m.processes[a.process]!.unmap(a.address, a.pages),
    system: (s, a) =>
      s.processes[a.process]!.rootVmar.unmap(a.address * 4096, a.pages * 4096),
  }),
  protect: row<RangeArgs & { perms: number }, RangeArgs & Addressed & { perms: number }>({
    weight: 1, group: 'task', args: { ...range, perms }, settle: insideMapping,
    model: (m, a) => m.processes[a.process]!.protect(a.address, a.pages, a.perms),
    system: (s, a) =>
      s.processes[a.process]!.rootVmar.protect(a.perms, a.address * 4096, a.pages * 4096),
  }),
};

type TouchArgs = RangeArgs & { access: number };

interface ByteArgs { process: number; wild: boolean; place: number; shift: number; byte: number }
type WriteArgs = ByteArgs & { value: number };

const spot = { process: pick, wild: rare, place, shift, byte };
const modelAt = (m: OnModel, a: ByteArgs & Addressed): [ModelProcess, number] =>
  [m.processes[a.process]!, a.address * 4096 + a.byte];
const systemAt = (s: OnSystem, a: ByteArgs & Addressed): [OnSystem['processes'][0], number] =>
  [s.processes[a.process]!, a.address * 4096 + a.byte];

const access = fc.constantFrom(1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5, 0, 8);

const ACCESSES: Record<string, AnyRow> = {
  touch: row<TouchArgs, TouchArgs & Addressed>({
    weight: 6, group: 'task', args: { ...range, access },
    settle: insideMapping,
    model: (m, a) => m.processes[a.process]!.touch(a.address, a.pages, a.access),
    system: (s, a) =>
      void s.processes[a.process]!.touch(a.address * 4096, a.pages * 4096, a.access),
  }),
  processWrite: row<WriteArgs, WriteArgs & Addressed>({
    weight: 2, group: 'task', args: { ...spot, value }, settle: insideMapping,
    model: (m, a) => {
      const [process, at] = modelAt(m, a);
      process.writeBytes(at, pattern(a.value, 1));
    },
    system: (s, a) => {
      const [process, at] = systemAt(s, a);
      process.write(at, pattern(a.value, 1));
    },
  }),
  processRead: row<ByteArgs, ByteArgs & Addressed>({
    weight: 1, group: 'task', args: spot, settle: insideMapping,
    model: (m, a) => {
      const [process, at] = modelAt(m, a);
      return process.readBytes(at, 1);
    },
    system: (s, a) => {
      const [process, at] = systemAt(s, a);
      return process.read(at, 1);
    },
  }),
};

type OpArgs = RangeArgs & { op: VmarRangeOp };
type CopyArgs = ByteArgs & { length: number };

const RANGES: Record<string, AnyRow> = {
  vmarRange: row<OpArgs, OpArgs & Addressed>({
    weight: 2, group: 'task',
    args: {
      ...range,
      op: fc.constantFrom<VmarRangeOp>(
        'COMMIT', 'COMMIT', 'ZERO', 'ZERO', 'DECOMMIT', 'MAP_RANGE', 'MAP_RANGE', 'DONT_NEED',
        'PREFETCH'),
    },
    settle: insideMapping,
    model: (m, a) => m.processes[a.process]!.opRange(a.op, a.address, a.pages),
    system: (s, a) => s.processes[a.process]!.rootVmar
      .opRange(VmarOp[a.op], a.address * 4096, a.pages * 4096),
  }),
  readMemory: row<CopyArgs, CopyArgs & Addressed>({
    weight: 1, group: 'task', args: { ...spot, length: fc.integer({ min: 1, max: 9000 }) },
    settle: insideMapping,
    model: (m, a) => {
      const [process, at] = modelAt(m, a);
      return process.copyOut(at, a.length);
    },
    system: (s, a) => {
      const [process, at] = systemAt(s, a);
      return process.readMemory(at, a.length);
    },
  }),
};

/** Operations on processes, by name. */
export const TASK_OPS: Record<string, AnyRow> = {
  ...LIVES, ...TRANSFER, ...MAPS, ...ACCESSES, ...RANGES,
};
