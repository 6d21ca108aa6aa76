/**
 * Making what a scenario describes: VMOs, jobs, processes with their mappings and handles.
 *
 * I1. The scenario holds a VMO that it made until somebody else does: the first mapping of it, or
 *     the first handle in a process's table. So a VMO goes when its users go; one that nobody ever
 *     used stays until a step closes it. The kernel's VMOs stay.
 * I2. A process that cannot be made as described is killed again.
 */

import { Access, CAN_MAP_ALL, VmOption } from '../../objects/vm-options.js';
import { MESSAGE_BYTES_MAX } from '../../objects/channel-object.js';
import { using, type Handle } from '../../objects/handle.js';
import { Job } from '../../objects/job.js';
import { JobObject } from '../../objects/job-object.js';
import { PolicyAction, PolicyCondition, PolicyMode, PolicyOverride } from
  '../../objects/job-policy.js';
import { killTask } from '../../objects/kill.js';
import { Process } from '../../objects/process.js';
import type { ProcessObject } from '../../objects/process-object.js';
import { DefaultRights, Right } from '../../objects/rights.js';
import type { KernelSystem } from '../../objects/system.js';
import { Vmar } from '../../objects/vmar.js';
import type { VmarObject } from '../../objects/vmar-object.js';
import { Vmo } from '../../objects/vmo.js';
import { CachePolicy, VmoChild, VmoOp, VmoOption } from '../../objects/vmo-options.js';
import type { VmoObject } from '../../objects/vmo-object.js';
import { walkTasks } from '../../objects/walk.js';
import { KINDS, Names } from './names.js';
import type {
  JobPlan, MappingPlan, ObjectPlan, ProcessPlan, ThreadPlan, VmarPlan, VmoHandlePlan,
  VmoPlan, VmoUse,
} from './parts.js';
import { permBits, type Range, type Ranges, type Size, sizeBytes } from './values.js';
import { bring } from './threads.js';
import type { Where } from './where.js';

const CLONES = {
  'snapshot': VmoChild.SNAPSHOT,
  'at-least-on-write': VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE,
  'modified': VmoChild.SNAPSHOT_MODIFIED,
  'slice': VmoChild.SLICE,
  'reference': VmoChild.REFERENCE,
} as const;
const CACHE = {
  'cached': CachePolicy.CACHED,
  'uncached': CachePolicy.UNCACHED,
  'uncached-device': CachePolicy.UNCACHED_DEVICE,
  'write-combining': CachePolicy.WRITE_COMBINING,
} as const;
const RIGHT_LETTERS: Readonly<Record<string, number>> = {
  'r': Right.READ, 'w': Right.WRITE, 'x': Right.EXECUTE, 'm': Right.MAP, 'd': Right.DUPLICATE,
  't': Right.TRANSFER, '-': 0,
};
/** Rights to a VMAR with which everything can be done in it. */
export const VMAR_RIGHTS = DefaultRights.VMAR | Right.READ | Right.WRITE | Right.EXECUTE;

/** Bytes of a size that was checked. */
export function bytesOf(size: Size | undefined): bigint {
  return (size === undefined ? undefined : sizeBytes(size)) ?? 0n;
}

/** Ranges as offsets and sizes, bytes. */
export function rangesOf(ranges: Ranges): { offset: bigint; size: bigint }[] {
  const list: readonly Range[] = Array.isArray(ranges) ? ranges : [ranges];
  return list.map((range) => (typeof range === 'object'
    ? { offset: bytesOf(range.offset), size: bytesOf(range.size) }
    : { offset: 0n, size: bytesOf(range) }));
}

/** A handle to a VMO with all the rights that it allows. */
function fullHandle(vmo: VmoObject): Vmo {
  const all = DefaultRights.VMO | Right.EXECUTE | (vmo.isResizable ? Right.RESIZE : 0);
  return new Vmo(vmo, vmo.immutable ? all & ~Right.WRITE : all);
}

/** Text as bytes. */
export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Makes the parts of a scenario. */
export class Maker {
  /** What the scenario calls things. */
  readonly names: Names;
  readonly #held = new Map<VmoObject, Vmo>();
  readonly #tasks = new Map<ProcessObject | JobObject, Handle>();

  /** @param system - where everything is made */
  constructor(readonly system: KernelSystem) {
    this.names = new Names(system);
  }

  /** Does something with a VMO. */
  withVmo<R>(vmo: VmoObject, work: (vmo: Vmo) => R): R {
    return using(fullHandle(vmo), work);
  }

  /** Does something with a process. */
  withProcess<R>(process: ProcessObject, work: (process: Process) => R): R {
    return using(new Process(process, DefaultRights.PROCESS), work);
  }

  /** Gives up the scenario's own handle, if it has one. */
  release(vmo: VmoObject): boolean {
    const held = this.#held.get(vmo);
    this.#held.delete(vmo);
    held?.close();
    return held !== undefined;
  }

  /** Keeps the handle to a job or process that was made, until it is dead. */
  keep(task: ProcessObject | JobObject, handle: Handle): void {
    this.#tasks.set(task, handle);
  }

  /** Kills a job or process, and gives up the handles to what dies. */
  kill(task: ProcessObject | JobObject): void {
    const all = task instanceof JobObject
      ? Array.from(walkTasks(task), (row) => row.task) : [task];
    killTask(task);
    for (const one of all) {
      const handle = this.#tasks.get(one);
      if (handle instanceof Process) handle.rootVmar.close();
      handle?.close();
      this.#tasks.delete(one);
    }
  }

  /** Makes a VMO. */
  vmo(plan: VmoPlan, where: Where): VmoObject {
    const made = plan.clone === undefined
      ? this.#newVmo(plan, where) : this.#clone(plan, plan.clone, where);
    const vmo = made.object;
    this.#held.set(vmo, made);
    try {
      this.#fill(vmo, plan);
    } catch (error) {
      this.release(vmo);
      throw error;
    }
    this.names.add(plan.id, vmo);
    return vmo;
  }

  #newVmo(plan: VmoPlan, where: Where): Vmo {
    const { kind = 'anonymous', name = '', koid } = plan;
    if (plan.size === undefined) where.fail(plan, 'a VMO with a "size"');
    const size = bytesOf(plan.size);
    const given = plan.kernel === true ? 0 : koid;
    const names = given === undefined ? { name } : { name, koid: given };
    const bits = (plan.resizable === true ? VmoOption.RESIZABLE : 0)
      | (plan.discardable === true ? VmoOption.DISCARDABLE : 0);
    if (bits !== 0 && kind !== 'anonymous') where.fail(kind, 'an anonymous VMO, with its options');
    if ((plan.physicalAddress !== undefined) !== (kind === 'physical')) {
      where.fail(plan, 'a "physicalAddress" of a physical VMO, and of no other');
    }
    switch (kind) {
      case 'anonymous': return this.system.createVmo(size, bits, names);
      case 'contiguous': return this.system.createContiguousVmo(size, 0, names);
      case 'physical':
        return this.system.createPhysicalVmo(bytesOf(plan.physicalAddress), size, names);
      case 'file': return this.system.createFileVmo(size, names);
    }
  }

  #clone(plan: VmoPlan, clone: NonNullable<VmoPlan['clone']>, where: Where): Vmo {
    const { kind, discardable, physicalAddress, kernel } = plan;
    if (kind !== undefined || discardable || physicalAddress !== undefined || kernel) {
      where.fail(plan, 'a clone without "kind", "discardable", "physicalAddress" and "kernel"');
    }
    const parent = this.names.one(clone.of, KINDS.vmo, where.at('clone', 'of'));
    const options = CLONES[clone.kind ?? 'snapshot']
      | (plan.resizable === true ? VmoChild.RESIZABLE : 0)
      | (clone.noWrite === true ? VmoChild.NO_WRITE : 0);
    const offset = bytesOf(clone.offset);
    const isReference = clone.kind === 'reference';
    const rest = isReference || offset > parent.sizeBytes ? 0n : parent.sizeBytes - offset;
    const size = plan.size === undefined ? rest : bytesOf(plan.size);
    const builder = plan.koid === undefined ? {} : { koid: plan.koid };
    return this.withVmo(parent, (shown) => {
      const child = shown.createChild(options, offset, size, builder);
      child.object.rename(plan.name ?? '');
      return child;
    });
  }

  /** What a VMO has from the start. */
  #fill(vmo: VmoObject, { commit, write, vdsoCode, cache }: VmoPlan): void {
    this.withVmo(vmo, (handle) => {
      if (cache !== undefined) handle.setCachePolicy(CACHE[cache]);
      for (const { offset, size } of commit === undefined ? [] : rangesOf(commit)) {
        handle.opRange(VmoOp.COMMIT, offset, size);
      }
      for (const part of write ?? []) handle.write(bytesOf(part.offset), textBytes(part.text));
      if (vdsoCode !== undefined) handle.markVdso(bytesOf(vdsoCode));
    });
  }

  /** A VMO that exists, or a new one. */
  useVmo(use: VmoUse, where: Where): VmoObject {
    return typeof use === 'object'
      ? this.vmo(use, where) : this.names.one(use, KINDS.vmo, where);
  }

  /** Somebody else has the VMO now: the scenario's own handle is of no more use. */
  #shared(vmo: VmoObject): void {
    if (vmo.koid !== 0) this.release(vmo);
  }

  /** Makes a job with all that is in it. */
  job(plan: JobPlan, parent: JobObject, where: Where): JobObject {
    const options = plan.koid === undefined ? {} : { koid: plan.koid };
    const made = using(new Job(parent, DefaultRights.JOB), (above) =>
      above.createJob(plan.name ?? '', options));
    this.keep(made.object, made);
    this.names.renew(plan.id, false);
    this.names.add(plan.id, made.object);
    if (plan.killOnOom !== undefined) made.setKillOnOom(plan.killOnOom);
    if (plan.policy !== undefined) {
      made.setPolicy(PolicyMode.RELATIVE, plan.policy.map(({ condition, action, override }) => ({
        condition: PolicyCondition[condition],
        action: PolicyAction[action],
        override: PolicyOverride[override ?? 'ALLOW'],
      })));
    }
    plan.processes?.forEach((process, i) => {
      this.processes(process, made.object, where.at('processes', i));
    });
    plan.jobs?.forEach((job, i) => { this.job(job, made.object, where.at('jobs', i)); });
    return made.object;
  }

  /** Makes a process, or several that are alike. */
  processes(plan: ProcessPlan, job: JobObject, where: Where): ProcessObject[] {
    const { times = 1 } = plan;
    if (times > 1 && plan.koid !== undefined) where.at('koid').fail(plan.koid, 'no koid for many');
    for (const id of innerIds(plan)) this.names.renew(id, times > 1);
    const made: ProcessObject[] = [];
    for (let i = times; i > 0; i--) made.push(this.#process(plan, job, where));
    return made;
  }

  #process(plan: ProcessPlan, job: JobObject, where: Where): ProcessObject {
    const { rootVmar: root } = plan;
    const rootVmar = root === undefined ? {} : {
      rootVmar: {
        base: bytesOf(root.base), size: bytesOf(root.size),
        ...(root.koid === undefined ? {} : { koid: root.koid }),
        ...(root.name === undefined ? {} : { name: root.name }),
      },
    };
    const options = { ...(plan.koid === undefined ? {} : { koid: plan.koid }), ...rootVmar };
    const process = using(new Job(job, DefaultRights.JOB), (owner) =>
      owner.createProcess(plan.name ?? '', options));
    const made = process.object;
    this.keep(made, process);
    this.names.add(plan.id, made);
    try {
      for (const thread of plan.threads ?? []) this.#thread(process, thread);
      this.#fillVmar(process, made.rootVmar.object, plan, where);
      plan.handles?.forEach((handle, i) => {
        const place = where.at('handles', i);
        if ('vmo' in handle) this.handles(made, handle, place);
        else this.objects(made, handle, place);
      });
    } catch (error) {
      this.kill(made);
      throw error;
    }
    return made;
  }

  #thread(process: Process, { id, name = '', koid, state = 'running' }: ThreadPlan): void {
    const thread = process.createThread(name, koid === undefined ? {} : { koid });
    this.names.add(id, thread.object);
    // A thread that was never started goes with its last handle: that one is kept.
    if (state === 'new') return;
    bring(thread, state);
    thread.close();
  }

  #fillVmar(
    process: Process, vmar: VmarObject, plan: Pick<VmarPlan, 'maps' | 'vmars'>, where: Where,
  ): void {
    plan.maps?.forEach((map, i) => { this.#map(process, vmar, map, where.at('maps', i)); });
    plan.vmars?.forEach((inner, i) => {
      const place = where.at('vmars', i);
      const child = using(new Vmar(vmar, VMAR_RIGHTS), (above) => {
        const [options, offset] = placeIn(above, inner.address, place);
        const names = inner.name === undefined ? {} : { name: inner.name };
        return above.allocate(CAN_MAP_ALL | options, offset, bytesOf(inner.size), names);
      });
      if (inner.id !== undefined) {
        this.names.inside(process.object).vmars.set(inner.id, child.object);
      }
      using(child, () => { this.#fillVmar(process, child.object, inner, place); });
    });
  }

  /** Maps into a process. */
  map(process: ProcessObject, vmar: VmarObject, plan: MappingPlan, where: Where): void {
    this.withProcess(process, (handle) => { this.#map(handle, vmar, plan, where); });
  }

  #map(process: Process, vmar: VmarObject, plan: MappingPlan, where: Where): void {
    const vmo = this.useVmo(plan.vmo, where.at('vmo'));
    const offset = bytesOf(plan.offset);
    if (plan.size === undefined && offset >= vmo.sizeBytes) {
      where.fail(plan, 'a mapping with a "size", or one that begins inside its VMO');
    }
    const size = plan.size === undefined ? vmo.sizeBytes - offset : bytesOf(plan.size);
    const base = using(new Vmar(vmar, VMAR_RIGHTS), (region) => {
      const [specific, at] = placeIn(region, plan.address, where);
      const options = permBits(plan.perms ?? 'rw') | specific
        | (plan.allowFaults === true ? VmOption.ALLOW_FAULTS : 0);
      return this.withVmo(vmo, (shown) => region.map(options, at, shown, offset, size));
    });
    this.#shared(vmo);
    if (plan.id !== undefined) {
      this.names.inside(process.object).maps.set(plan.id, { base, sizeBytes: size });
    }
    useMapping(process, base, plan);
  }

  /** Puts handles to a VMO into a process's table. */
  handles(process: ProcessObject, plan: VmoHandlePlan, where: Where): void {
    const vmo = this.useVmo(plan.vmo, where.at('vmo'));
    const rights = plan.rights === undefined ? DefaultRights.VMO
      : [...plan.rights].reduce((sum, letter) => sum | (RIGHT_LETTERS[letter] ?? 0), 0);
    this.withProcess(process, (owner) => {
      for (let i = plan.times ?? 1; i > 0; i--) insert(owner, vmo, rights);
    });
    this.#shared(vmo);
  }

  /** Makes objects that a process holds by handles alone. */
  objects(process: ProcessObject, plan: ObjectPlan, where: Where): void {
    const { make, times = 1, queued } = plan;
    const bytes = bytesOf(queued?.bytes);
    if (bytes > BigInt(MESSAGE_BYTES_MAX)) {
      where.at('queued', 'bytes').fail(queued?.bytes, `at most ${MESSAGE_BYTES_MAX} bytes`);
    }
    const data = new Uint8Array(Number(bytes));
    this.withProcess(process, (owner) => {
      for (let i = times; i > 0; i--) {
        if (make !== 'channel') {
          makeObject(owner, make);
          continue;
        }
        const [, second] = owner.createChannel();
        for (let waiting = queued?.messages ?? 0; waiting > 0; waiting--) second.write(data);
      }
    });
  }
}

/** Puts a handle into a process's table; one that cannot be given away the process makes itself. */
function insert(owner: Process, vmo: VmoObject, rights: number): void {
  if ((rights & Right.TRANSFER) !== 0) owner.insertHandle(new Vmo(vmo, rights));
  else using(owner.handle(owner.insertHandle(fullHandle(vmo))), (full) => full.duplicate(rights));
}

/** Makes one object, or both ends of what has two. */
function makeObject(owner: Process, kind: Exclude<ObjectPlan['make'], 'channel'>): void {
  switch (kind) {
    case 'event': owner.createEvent(); break;
    case 'eventpair': owner.createEventPair(); break;
    case 'port': owner.createPort(); break;
    case 'socket': owner.createSocket(); break;
    case 'fifo': owner.createFifo(16, 16); break;
    case 'timer': owner.createTimer(); break;
  }
}

/** Options and offset of an address in a VMAR; without one it is chosen. */
function placeIn(
  vmar: Vmar, given: Size | undefined, where: Where,
): [options: number, offset: bigint] {
  if (given === undefined) return [0, 0n];
  const address = bytesOf(given);
  if (address < vmar.base) {
    where.at('address').fail(given, `an address from 0x${vmar.base.toString(16)} on`);
  }
  return [VmOption.SPECIFIC, address - vmar.base];
}

/** What the process does with a new mapping. */
function useMapping(process: Process, base: bigint, { touch, read, write }: MappingPlan): void {
  for (const [ranges, access] of [[touch, Access.WRITE], [read, Access.READ]] as const) {
    for (const { offset, size } of ranges === undefined ? [] : rangesOf(ranges)) {
      process.touch(base + offset, size, access);
    }
  }
  for (const { offset, text } of write ?? []) {
    process.write(base + bytesOf(offset), textBytes(text));
  }
}

/** The ids that a process's plan gives. */
function innerIds(plan: ProcessPlan): (string | undefined)[] {
  const ids: (string | undefined)[] = [plan.id];
  const add = ({ vmo }: { vmo: VmoUse }): void => {
    if (typeof vmo === 'object') ids.push(vmo.id);
  };
  for (const { id } of plan.threads ?? []) ids.push(id);
  for (const handle of plan.handles ?? []) if ('vmo' in handle) add(handle);
  const waiting: Pick<VmarPlan, 'maps' | 'vmars'>[] = [plan];
  for (let vmar = waiting.pop(); vmar !== undefined; vmar = waiting.pop()) {
    vmar.maps?.forEach(add);
    for (const inner of vmar.vmars ?? []) waiting.push(inner);
  }
  return ids;
}
