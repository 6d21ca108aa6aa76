/**
 * The parts of a scenario that steps make too: VMOs, mappings, VMARs, threads, handles, processes,
 * jobs. Types follow from the schemas.
 */

import * as v from 'valibot';
import {
  count, howMany, id, key, koid, perms, ranges, size, target, text, type Size,
} from './values.js';

/** Kinds of children, as a scenario names them. */
export const CLONE_KINDS = [
  'snapshot', 'at-least-on-write', 'modified', 'slice', 'reference',
] as const;
/** Kinds of VMOs that are no children. */
export const VMO_KINDS = ['anonymous', 'contiguous', 'physical', 'file'] as const;
/** Cache policies, by their numbers. */
export const CACHE_POLICIES = ['cached', 'uncached', 'uncached-device', 'write-combining'] as const;
/** Kernel objects that processes hold by handles alone. */
export const OBJECT_KINDS = [
  'channel', 'event', 'eventpair', 'port', 'socket', 'fifo', 'timer',
] as const;
/** States that a scenario can bring a thread to. */
export const THREAD_STATES = [
  'new', 'running', 'suspended', 'blocked', 'exception', 'dying',
] as const;
/** What a policy decides. */
export const POLICY_CONDITIONS = [
  'BAD_HANDLE', 'WRONG_OBJECT', 'VMAR_WX', 'NEW_ANY', 'NEW_VMO', 'NEW_CHANNEL', 'NEW_EVENT',
  'NEW_EVENTPAIR', 'NEW_PORT', 'NEW_SOCKET', 'NEW_FIFO', 'NEW_TIMER', 'NEW_PROCESS', 'NEW_PROFILE',
  'NEW_PAGER', 'AMBIENT_MARK_VMO_EXEC', 'NEW_IOB', 'NEW_SAMPLER',
] as const;
/** What happens then. */
export const POLICY_ACTIONS = [
  'ALLOW', 'DENY', 'ALLOW_EXCEPTION', 'DENY_EXCEPTION', 'KILL',
] as const;

const RIGHTS_RULE = 'rights: some of the letters r, w, x, m, d, t';

const names = {
  id: key(id, 'what the scenario calls it'),
  name: key(text, 'its name, at most 31 bytes'),
  koid: key(koid, 'its koid; the next one if left out'),
};

/** Text that is written. */
export const content = v.strictObject({
  offset: key(size, 'first byte; 0 if left out'),
  text: v.pipe(text, v.description('the bytes, as UTF-8')),
});
/** Text that is written. */
export type ContentPlan = v.InferOutput<typeof content>;

/** How a VMO is a child of another. */
export const clone = v.strictObject({
  of: target,
  kind: key(v.picklist(CLONE_KINDS), 'snapshot if left out'),
  offset: key(size, 'first byte in the parent; 0 if left out'),
  noWrite: key(v.boolean(), 'whether it can never be written'),
});

/** What a VMO says of itself. */
export const vmoEntries = {
  ...names,
  size: key(size, 'bytes; what the parent has from the offset on if left out, of a clone'),
  kind: key(v.picklist(VMO_KINDS), 'anonymous if left out'),
  clone: key(clone, 'it is a child of another VMO'),
  resizable: key(v.boolean(), 'whether its size may change'),
  discardable: key(v.boolean(), 'whether the kernel may discard it while it is unlocked'),
  cache: key(v.picklist(CACHE_POLICIES), 'cache policy; cached if left out'),
  physicalAddress: key(size, 'of a physical VMO: its first address'),
  vdsoCode: key(size, 'it is a vDSO, and its code begins at this byte'),
  kernel: key(v.boolean(), 'only the kernel has it: koid 0'),
  commit: key(ranges, 'what has pages from the start'),
  write: key(v.array(content), 'text that stands in it'),
};
/** A VMO. */
export const vmo = v.strictObject(vmoEntries);
/** A VMO. */
export type VmoPlan = v.InferOutput<typeof vmo>;

/** A VMO that exists, or one that is made. */
export const mapped = v.union([target, vmo], 'an id or koid of a VMO, or a VMO to be made');
/** A VMO that exists, or one that is made. */
export type VmoUse = v.InferOutput<typeof mapped>;

/** What a mapping says of itself. */
export const mappingEntries = {
  id: key(id, 'what the scenario calls it'),
  vmo: v.pipe(mapped, v.description('what it maps: an id or koid, or a VMO to be made')),
  offset: key(size, 'first byte in the VMO; 0 if left out'),
  size: key(size, 'bytes; up to the end of the VMO if left out'),
  perms: key(perms, 'permissions; rw if left out'),
  address: key(size, 'its address; chosen if left out'),
  allowFaults: key(v.boolean(), 'whether it may pass the end of the VMO'),
  touch: key(ranges, 'what the process writes to, from the start of the mapping'),
  read: key(ranges, 'what the process reads'),
  write: key(v.array(content), 'text that the process writes'),
};
/** A mapping. */
export const mapping = v.strictObject(mappingEntries);
/** A mapping. */
export type MappingPlan = v.InferOutput<typeof mapping>;

/** A VMAR inside another. */
export interface VmarPlan {
  /** What the scenario calls it. */ id?: string;
  /** Its name. */ name?: string;
  /** First address; chosen if left out. */ address?: Size;
  /** Bytes. */ size: Size;
  /** Mappings in it. */ maps?: MappingPlan[];
  /** VMARs in it. */ vmars?: VmarPlan[];
}

/** A VMAR inside another. */
export const vmar: v.GenericSchema<VmarPlan> = v.strictObject({
  id: key(id, 'what the scenario calls it'),
  name: key(text, 'its name; useralloc if left out'),
  address: key(size, 'its address; chosen if left out'),
  size,
  maps: key(v.array(mapping), 'mappings in it'),
  vmars: key(v.array(v.lazy(() => vmar)), 'VMARs in it'),
});

/** A thread. */
export const thread = v.strictObject({
  ...names,
  state: key(v.picklist(THREAD_STATES), 'what it does; running if left out'),
});
/** A thread. */
export type ThreadPlan = v.InferOutput<typeof thread>;

const rights = v.pipe(v.string(RIGHTS_RULE), v.regex(/^[rwxmdt-]+$/, RIGHTS_RULE));
const times = key(howMany, 'how many; 1 if left out');

/** What a handle to a VMO says of itself. */
export const handleEntries = {
  vmo: v.pipe(mapped, v.description('to what: an id or koid, or a VMO to be made')),
  rights: key(rights, 'its rights, in the letters of vmos; the usual ones (rwmdt) if left out'),
  times,
};
/** What objects that are made for their handles say of themselves. */
export const objectEntries = {
  make: v.pipe(v.picklist(OBJECT_KINDS), v.description('what; both ends of what has two')),
  times,
  queued: key(v.strictObject({
    messages: howMany,
    bytes: v.pipe(size, v.description('bytes of each')),
  }), 'of a channel: messages that wait at its first end'),
};
/** Handles in a process's table. */
export const handle = v.union(
  [v.strictObject(handleEntries), v.strictObject(objectEntries)],
  'a handle to a VMO (with "vmo"), or to objects that are made (with "make")',
);
/** Handles in a process's table. */
export type HandlePlan = v.InferOutput<typeof handle>;
/** Handles to a VMO. */
export type VmoHandlePlan = Extract<HandlePlan, { vmo: unknown }>;
/** Handles to new objects. */
export type ObjectPlan = Extract<HandlePlan, { make: unknown }>;

/** What a process says of itself. */
export const processEntries = {
  ...names,
  times,
  rootVmar: key(v.strictObject({
    base: size, size, koid: key(count, 'its koid; 0 for none'), name: key(text, 'its name'),
  }), 'its address space; all user addresses if left out'),
  threads: key(v.array(thread), 'its threads'),
  maps: key(v.array(mapping), 'mappings in its root VMAR'),
  vmars: key(v.array(vmar), 'VMARs in its root VMAR'),
  handles: key(v.array(handle), 'its handles'),
};
/** A process, or several that are alike. */
export const process = v.strictObject(processEntries);
/** A process, or several that are alike. */
export type ProcessPlan = v.InferOutput<typeof process>;

/** One line of a policy. */
export const policy = v.strictObject({
  condition: v.picklist(POLICY_CONDITIONS),
  action: v.picklist(POLICY_ACTIONS),
  override: key(v.picklist(['ALLOW', 'DENY']), 'whether jobs below may choose another action'),
});

/** What a job says of itself, beside what is in it. */
export const jobEntries = {
  ...names,
  killOnOom: key(v.boolean(), 'whether it may die when memory runs out'),
  policy: key(v.array(policy), 'what its processes may do'),
};

/** A job. */
export interface JobPlan {
  /** What the scenario calls it. */ id?: string;
  /** Its name. */ name?: string;
  /** Its koid. */ koid?: number;
  /** Whether it may die when memory runs out. */ killOnOom?: boolean;
  /** What its processes may do. */ policy?: v.InferOutput<typeof policy>[];
  /** Its processes. */ processes?: ProcessPlan[];
  /** Jobs in it. */ jobs?: JobPlan[];
}

/** A job. */
export const job: v.GenericSchema<JobPlan> = v.strictObject({
  ...jobEntries,
  processes: key(v.array(process), 'its processes'),
  jobs: key(v.array(v.lazy(() => job)), 'jobs in it'),
});

/** VMOs that no process made. */
export const vmos = v.array(vmo);
/** Processes. */
export const processes = v.array(process);
