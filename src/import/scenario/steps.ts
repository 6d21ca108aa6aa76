/**
 * What each kind of step does.
 *
 * I1. A step on a group does the same to each of its members, in order. What is refused ends the
 *     step; members before it are done.
 */

import { forkProcess } from '../../objects/fork.js';
import { using } from '../../objects/handle.js';
import type { JobObject } from '../../objects/job-object.js';
import type { Process } from '../../objects/process.js';
import type { ProcessObject } from '../../objects/process-object.js';
import { DefaultRights } from '../../objects/rights.js';
import { Thread } from '../../objects/thread.js';
import { Access } from '../../objects/vm-options.js';
import { pageOf } from '../../objects/units.js';
import { Vmar } from '../../objects/vmar.js';
import type { VmarObject } from '../../objects/vmar-object.js';
import { VmoLockState } from '../../objects/discardable.js';
import { VmoOp } from '../../objects/vmo-options.js';
import type { VmoObject } from '../../objects/vmo-object.js';
import { bytesOf, type Maker, rangesOf, textBytes, VMAR_RIGHTS } from './make.js';
import { KINDS, type MappedRange } from './names.js';
import type { VmoUse } from './parts.js';
import type { RepeatStep, SimpleStep, StepOf } from './step-schema.js';
import { permBits, type Size } from './values.js';
import { bring, otherStates } from './threads.js';
import type { Where } from './where.js';

const OPS = {
  'commit': VmoOp.COMMIT, 'decommit': VmoOp.DECOMMIT, 'zero': VmoOp.ZERO, 'lock': VmoOp.LOCK,
  'unlock': VmoOp.UNLOCK, 'dont-need': VmoOp.DONT_NEED, 'always-need': VmoOp.ALWAYS_NEED,
  'prefetch': VmoOp.PREFETCH,
} as const;

/** What a step does. */
type Doing<K extends SimpleStep['do']> = (
  maker: Maker, step: Exclude<StepOf<K>, RepeatStep>, where: Where,
) => void;

/** The jobs that a step makes something in: the root job where it names none. */
function jobOf(maker: Maker, { job }: { job?: number | string }, where: Where): JobObject {
  return job === undefined
    ? maker.system.rootJob.object : maker.names.one(job, KINDS.job, where.at('job'));
}

/** Does something with each process that a step names. */
function eachProcess(
  maker: Maker, target: number | string, where: Where, work: (process: Process) => void,
): void {
  for (const process of maker.names.all(target, KINDS.process, where.at('process'))) {
    maker.withProcess(process, work);
  }
}

/** Each VMO that a step names, and its range there, bytes. */
function eachVmo(
  maker: Maker, step: { vmo: number | string; offset?: Size; size?: Size }, where: Where,
  work: (vmo: VmoObject, offset: bigint, size: bigint) => void,
): void {
  const offset = bytesOf(step.offset);
  for (const vmo of maker.names.all(step.vmo, KINDS.vmo, where.at('vmo'))) {
    const rest = vmo.sizeBytes > offset ? vmo.sizeBytes - offset : 0n;
    work(vmo, offset, step.size === undefined ? rest : bytesOf(step.size));
  }
}

/** A mapping by its id, or what an address says. */
function mappedRange(
  maker: Maker, process: ProcessObject, step: { map?: string; address?: Size }, where: Where,
): MappedRange | undefined {
  const { map, address } = step;
  if ((map === undefined) === (address === undefined)) {
    where.fail(step, 'either "map" or "address"');
  }
  if (map === undefined) return undefined;
  return maker.names.inside(process).maps.get(map)
    ?? where.at('map').fail(map, `the id of a mapping of process ${process.koid}`);
}

/** The part of a mapping, or of what is at an address, that a step is about. */
function partOf(
  maker: Maker, process: ProcessObject,
  step: { map?: string; address?: Size; offset?: Size; size?: Size }, where: Where,
): MappedRange {
  const range = mappedRange(maker, process, step, where);
  const offset = bytesOf(step.offset);
  const base = (range?.base ?? bytesOf(step.address)) + offset;
  if (step.size !== undefined) return { base, sizeBytes: bytesOf(step.size) };
  if (range === undefined) return where.fail(step, 'a "size" with the "address"');
  return { base, sizeBytes: range.sizeBytes > offset ? range.sizeBytes - offset : 0n };
}

/** A VMO that a step makes in each of several processes has a name anew: that of a group. */
function renewUse({ names }: Maker, use: VmoUse, processes: number): void {
  if (typeof use === 'object') names.renew(use.id, processes > 1);
}

const map: Doing<'map'> = (maker, step, where) => {
  const { process: target, vmar } = step;
  const processes = maker.names.all(target, KINDS.process, where.at('process'));
  renewUse(maker, step.vmo, processes.length);
  for (const process of processes) {
    const region = vmar === undefined ? process.rootVmar.object
      : maker.names.inside(process).vmars.get(vmar)
        ?? where.at('vmar').fail(vmar, `the id of a VMAR of process ${process.koid}`);
    maker.map(process, region, step, where);
  }
};

/** The innermost VMAR around an address: parts of a mapping are changed through no other. */
function vmarAt(root: VmarObject, address: bigint): Vmar {
  return new Vmar(root.leafAt(pageOf(address)).vmar, VMAR_RIGHTS);
}

const unmap: Doing<'unmap'> = (maker, step, where) => {
  eachProcess(maker, step.process, where, ({ object, rootVmar }) => {
    const { base, sizeBytes } = partOf(maker, object, step, where);
    using(vmarAt(rootVmar.object, base), (vmar) => { vmar.unmap(base, sizeBytes); });
  });
};

const protect: Doing<'protect'> = (maker, step, where) => {
  eachProcess(maker, step.process, where, ({ object, rootVmar }) => {
    const { base, sizeBytes } = partOf(maker, object, step, where);
    using(vmarAt(rootVmar.object, base), (vmar) => {
      vmar.protect(permBits(step.perms), base, sizeBytes);
    });
  });
};

const touch: Doing<'touch'> = (maker, step, where) => {
  const access = step.access === 'read' ? Access.READ : Access.WRITE;
  eachProcess(maker, step.process, where, (process) => {
    const range = mappedRange(maker, process.object, step, where);
    const base = range?.base ?? bytesOf(step.address);
    const parts = step.ranges === undefined ? undefined : rangesOf(step.ranges);
    if (parts === undefined && range === undefined) {
      where.fail(step, '"ranges" with the "address"');
    }
    for (const { offset, size } of parts ?? [{ offset: 0n, size: range?.sizeBytes ?? 0n }]) {
      process.touch(base + offset, size, access);
    }
  });
};

const write: Doing<'write'> = (maker, step, where) => {
  const { vmo, process, text } = step;
  const data = textBytes(text);
  if ((vmo === undefined) === (process === undefined)) {
    where.fail(step, 'either "vmo" or "process"');
  }
  if (vmo !== undefined) {
    if (step.map !== undefined || step.address !== undefined) {
      where.fail(step, '"map" and "address" with a "process" only');
    }
    for (const one of maker.names.all(vmo, KINDS.vmo, where.at('vmo'))) {
      maker.withVmo(one, (handle) => { handle.write(bytesOf(step.offset), data); });
    }
  }
  if (process === undefined) return;
  eachProcess(maker, process, where, (writer) => {
    const size = data.length;
    writer.write(partOf(maker, writer.object, { ...step, size }, where).base, data);
  });
};

const op: Doing<'op'> = (maker, step, where) => {
  eachVmo(maker, step, where, (vmo, offset, size) => {
    maker.withVmo(vmo, (handle) => {
      handle.opRange(OPS[step.op], offset, size, new VmoLockState());
    });
  });
};

const pin: Doing<'pin'> = (maker, step, where) => {
  maker.names.renew(step.id, true);
  eachVmo(maker, step, where, (vmo, offset, size) => {
    maker.names.add(step.id, maker.withVmo(vmo, (handle) => handle.pin(offset, size)));
  });
};

const unpin: Doing<'unpin'> = (maker, { pin: target }, where) => {
  for (const one of maker.names.all(target, KINDS.pin, where.at('pin'))) one.unpin();
  maker.names.renew(target, false);
};

const close: Doing<'close'> = (maker, { vmo: target, process }, where) => {
  const vmos = maker.names.all(target, KINDS.vmo, where.at('vmo'));
  if (process === undefined) {
    for (const vmo of vmos) {
      if (!maker.release(vmo)) {
        where.at('vmo').fail(target, 'a VMO that only the scenario holds, or a "process" with it');
      }
    }
    return;
  }
  const wanted = new Set<unknown>(vmos);
  eachProcess(maker, process, where, (owner) => {
    const handles = owner.handles().filter(({ object }) => wanted.has(object));
    if (handles.length === 0) {
      where.at('process').fail(process, `a process with a handle to ${target}`);
    }
    for (const handle of handles) handle.close();
  });
};

const fork: Doing<'fork'> = (maker, { id, process, name, times = 1 }, where) => {
  const parent = maker.names.one(process, KINDS.process, where.at('process'));
  maker.names.renew(id, times > 1);
  maker.withProcess(parent, (handle) => {
    for (let i = times; i > 0; i--) {
      const made = forkProcess(handle, name);
      maker.keep(made.object, made);
      maker.names.inside(made.object, parent);
      maker.names.add(id, made.object);
    }
  });
};

const thread: Doing<'thread'> = (maker, { thread: target, state }, where) => {
  for (const one of maker.names.all(target, KINDS.thread, where.at('thread'))) {
    const expected = otherStates(one, state);
    if (expected !== undefined) where.at('state').fail(state, expected);
    using(new Thread(one, DefaultRights.THREAD), (handle) => { bring(handle, state); });
  }
};

const kill: Doing<'kill'> = (maker, { task: target }, where) => {
  for (const task of maker.names.all(target, KINDS.task, where.at('task'))) {
    maker.kill(task);
  }
};

const reclaim: Doing<'reclaim'> = (maker, { how, vmo, pages }, where) => {
  const { reclaim: kernel, memoryBytes } = maker.system;
  const most = pages ?? Math.floor(memoryBytes / 4096);
  if (vmo === undefined) {
    if (how === 'evict') kernel.evict(most);
    else if (how === 'compress') kernel.compressOldest(most);
    else kernel.scanZeroPages(most);
    return;
  }
  if (pages !== undefined) where.at('pages').fail(pages, 'no "pages" with a "vmo"');
  for (const one of maker.names.all(vmo, KINDS.vmo, where.at('vmo'))) {
    maker.withVmo(one, (handle) => {
      if (how === 'evict') kernel.evictRange(handle, 0, one.sizeBytes);
      else if (how === 'compress') kernel.compress(handle);
      else kernel.dedupZeroPages(handle);
    });
  }
};

const DOINGS: { readonly [K in SimpleStep['do']]: Doing<K> } = {
  // Time passes, and notes and views are shown, by who runs the scenario.
  'wait': () => undefined,
  'note': () => undefined,
  'show': () => undefined,
  'create-job': (maker, step, where) => { maker.job(step, jobOf(maker, step, where), where); },
  'create-process': (maker, step, where) => {
    maker.processes(step, jobOf(maker, step, where), where);
  },
  'create-vmo': (maker, step, where) => {
    maker.names.renew(step.id, false);
    maker.vmo(step, where);
  },
  map, unmap, protect, touch, write, op,
  'resize': (maker, { vmo, size }, where) => {
    for (const one of maker.names.all(vmo, KINDS.vmo, where.at('vmo'))) {
      maker.withVmo(one, (handle) => { handle.setSize(bytesOf(size)); });
    }
  },
  pin, unpin,
  'handle': (maker, step, where) => {
    const processes = maker.names.all(step.process, KINDS.process, where.at('process'));
    renewUse(maker, step.vmo, processes.length);
    for (const process of processes) maker.handles(process, step, where);
  },
  'objects': (maker, step, where) => {
    for (const process of maker.names.all(step.process, KINDS.process, where.at('process'))) {
      maker.objects(process, step, where);
    }
  },
  close, fork, thread, kill, reclaim,
};

/**
 * Does a step.
 *
 * @param maker - what the scenario made so far
 * @param step - any but `repeat`
 * @param where - where it stands
 * @throws InputError for a name of nothing, ZxError as the calls behind it
 */
export function doStep(maker: Maker, step: SimpleStep, where: Where): void {
  // Each kind has its own function, for steps of that kind.
  (DOINGS[step.do] as (maker: Maker, step: SimpleStep, where: Where) => void)(maker, step, where);
}
