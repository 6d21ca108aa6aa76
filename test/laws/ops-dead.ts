/**
 * Operations of random programs on what is no more: closed handles, processes that ended. VMARs
 * that were destroyed stay in their list and come up by themselves.
 */
import fc from 'fast-check';
import { Refusal, type Status } from '../model/status.js';
import { type Process, Topic, type Vmo } from '../support/api.js';
import { pick } from './draws.js';
import { type AnyRow, row } from './operation.js';

const ON_CLOSED: Readonly<Record<string, (handle: Vmo) => unknown>> = {
  read: (handle) => handle.read(0, 0),
  write: (handle) => handle.write(0, new Uint8Array(1)),
  getSize: (handle) => handle.getSize(),
  setSize: (handle) => handle.setSize(0),
  setStreamSize: (handle) => handle.setStreamSize(0),
  opRange: (handle) => handle.opRange(1, 0, 0),
  createChild: (handle) => handle.createChild(1, 0, 0),
  pin: (handle) => handle.pin(0, 1),
  duplicate: (handle) => handle.duplicate(),
  replace: (handle) => handle.replace(0),
  replaceAsExecutable: (handle) => handle.replaceAsExecutable(),
  setCachePolicy: (handle) => handle.setCachePolicy(0),
  setName: (handle) => handle.setName('x'),
  getInfo: (handle) => handle.getInfo(Topic.VMO),
  close: (handle) => handle.close(),
};

const ON_DEAD: Readonly<Record<string, (process: Process) => unknown>> = {
  touch: (process) => process.touch(0, 1, 1),
  read: (process) => process.read(0x1000000, 1),
  write: (process) => process.write(0x1000000, new Uint8Array(1)),
  maps: (process) => process.getInfo(Topic.PROCESS_MAPS),
  vmos: (process) => process.getInfo(Topic.PROCESS_VMOS),
  stats: (process) => process.getInfo(Topic.TASK_STATS),
  exit: (process) => process.exit(),
};

const refuse = (status: Exclude<Status, 'ZX_OK'>): never => {
  throw new Refusal(status);
};

/** Operations on dead objects, by name. */
export const DEAD_OPS: Record<string, AnyRow> = {
  useClosed: row({
    weight: 1, group: 'vmo',
    args: { closed: pick, call: fc.constantFrom(...Object.keys(ON_CLOSED)) },
    model: () => refuse('ZX_ERR_BAD_HANDLE'),
    system: (s, a) => void ON_CLOSED[a.call]!(s.closed[a.closed]!),
  }),
  useDead: row({
    weight: 1, group: 'task',
    args: { dead: pick, call: fc.constantFrom(...Object.keys(ON_DEAD)) },
    model: () => refuse('ZX_ERR_BAD_STATE'),
    system: (s, a) => void ON_DEAD[a.call]!(s.dead[a.dead]!),
  }),
  giveDead: row({
    weight: 1, group: 'task', args: { dead: pick, handle: pick },
    model: () => refuse('ZX_ERR_BAD_STATE'),
    system: (s, a) => void s.dead[a.dead]!.insertHandle(s.handles[a.handle]!),
  }),
};
