/**
 * The shell's words that change the live system, each one or two calls of the API.
 *
 * I1. Objects are named by koid, as the views print them; a handle is made for the call and closed.
 * I2. Jobs and processes that were made, and VMOs made without an owner, are held by the shell
 *     until `close`.
 */

import { forkProcess } from '../../objects/fork.js';
import { openHandle, using, type Handle } from '../../objects/handle.js';
import { Job } from '../../objects/job.js';
import { JobObject } from '../../objects/job-object.js';
import { killTask } from '../../objects/kill.js';
import { Process } from '../../objects/process.js';
import { ProcessObject } from '../../objects/process-object.js';
import { DefaultRights } from '../../objects/rights.js';
import { Access, VmOption } from '../../objects/vm-options.js';
import { Vmo } from '../../objects/vmo.js';
import { VmoChild, VmoOp } from '../../objects/vmo-options.js';
import { walkTasks } from '../../objects/walk.js';
import { System } from '../../system.js';
import { CommandError, UsageError } from '../errors.js';
import { parseKoid } from '../options.js';
import { type Session, type Verb, verbOf } from './session.js';

const SECOND_NS = 1_000_000_000;
/** As many as pass in one step of the clock. */
const RUN_MOST_SECONDS = Math.floor(2 ** 53 / SECOND_NS);
const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n, K: 1n << 10n, M: 1n << 20n, G: 1n << 30n,
};
const FORKS_MAX = 1_000_000;
const READ_MOST_BYTES = 65_536n;

/** Handles that the shell holds, by koid, for each system. */
const held = new WeakMap<System, Map<number, Handle>>();

function systemOf(session: Session): System {
  const { system } = session;
  if (system instanceof System) return system;
  throw new CommandError('this system is of tables only: there is nothing to change');
}

function heldBy(system: System): Map<number, Handle> {
  const handles = held.get(system) ?? new Map<number, Handle>();
  held.set(system, handles);
  return handles;
}

function usage(text: string): never {
  throw new UsageError(`Usage: ${text}`);
}

/** Bytes as one types them: 4096, 0x1000, 16k, 2M, 1G. */
function bytesOf(word: string): bigint {
  const found = /^(0x[0-9a-f]+|\d+)([kmg]?)$/i.exec(word);
  if (found === null) throw new UsageError(`'${word}' is no size, expected such as 4096 or 16k`);
  return BigInt(found[1] as string) * (UNITS[(found[2] as string).toUpperCase()] as bigint);
}

function countOf(word: string, most: number): number {
  const count = /^\d{1,7}$/.test(word) ? Number(word) : 0;
  if (count < 1 || count > most) {
    throw new UsageError(`'${word}': expected a number, 1 to ${most}`);
  }
  return count;
}

function koidOf(word: string): number {
  const koid = parseKoid(word);
  if (koid === undefined) throw new UsageError(`'${word}' is not a koid`);
  return Number(koid);
}

function taskOf(system: System, koid: number): JobObject | ProcessObject | undefined {
  for (const { task } of walkTasks(system.rootJob.object)) if (task.koid === koid) return task;
  return undefined;
}

function withProcess<R>(system: System, word: string, work: (process: Process) => R): R {
  const task = taskOf(system, koidOf(word));
  if (!(task instanceof ProcessObject)) throw new CommandError(`no process with koid ${word}`);
  return using(openHandle(system, () => new Process(task, DefaultRights.PROCESS)), work);
}

function withJob<R>(system: System, word: string | undefined, work: (job: Job) => R): R {
  const task = word === undefined ? system.rootJob.object : taskOf(system, koidOf(word));
  if (!(task instanceof JobObject)) throw new CommandError(`no job with koid ${word}`);
  return using(openHandle(system, () => new Job(task, DefaultRights.JOB)), work);
}

function withVmo<R>(system: System, word: string, work: (vmo: Vmo) => R): R {
  const koid = koidOf(word);
  for (const vmo of system.vmos) {
    if (vmo.koid !== koid) continue;
    return using(openHandle(system, () => new Vmo(vmo, DefaultRights.VMO)), work);
  }
  throw new CommandError(`no VMO with koid ${word}`);
}

/** A new VMO goes into a process's table, or is held by the shell. */
function place(system: System, vmo: Vmo, owner: string | undefined): string {
  const { koid } = vmo;
  if (owner === undefined) {
    heldBy(system).set(koid, vmo);
    return `vmo ${koid}\n`;
  }
  const value = withProcess(system, owner, (process) => process.insertHandle(vmo));
  return `vmo ${koid}, handle 0x${value.toString(16)} of process ${owner}\n`;
}

const CREATE = 'create job NAME [JOB] | process NAME [JOB] | vmo SIZE [NAME] [PROCESS]';

const create = verbOf(CREATE, 2, 4, (session, [what, first = '', second, third], print) => {
  const system = systemOf(session);
  if (what !== 'vmo' && third !== undefined) return usage(CREATE);
  if (what === 'job') {
    const job = withJob(system, second, (parent) => parent.createJob(first));
    heldBy(system).set(job.koid, job);
    return print(`job ${job.koid}\n`);
  }
  if (what === 'process') {
    const process = withJob(system, second, (parent) => parent.createProcess(first));
    heldBy(system).set(process.koid, process);
    return print(`process ${process.koid}\n`);
  }
  if (what !== 'vmo') return usage(CREATE);
  const vmo = system.createVmo(bytesOf(first), 0, { name: second ?? '' });
  return print(place(system, vmo, third));
});

const map = verbOf('map PROCESS VMO [SIZE [OFFSET]]', 2, 4, (
  session, [process = '', vmo = '', size, offset = '0'], print,
) => {
  const system = systemOf(session);
  const address = withProcess(system, process, ({ rootVmar }) => withVmo(system, vmo, (shown) =>
    rootVmar.map(VmOption.PERM_READ | VmOption.PERM_WRITE, 0, shown, bytesOf(offset),
      size === undefined ? shown.getSize() : bytesOf(size))));
  return print(`0x${address.toString(16)}\n`);
});

const unmap = verbOf('unmap PROCESS ADDRESS SIZE', 3, 3, (
  session, [process = '', address = '', size = ''],
) => {
  withProcess(systemOf(session), process, ({ rootVmar }) =>
    rootVmar.unmap(bytesOf(address), bytesOf(size)));
  return Promise.resolve();
});

/** Where bytes are: `KOID:OFFSET` of a VMO, or `PROCESS:ADDRESS`. */
function placeOf(word: string, shape: string): [koid: string, at: bigint] {
  const [koid, at, rest] = word.split(':');
  if (koid === undefined || at === undefined || rest !== undefined) return usage(shape);
  return [koid, bytesOf(at)];
}

const WRITE = 'write KOID:OFFSET TEXT | PROCESS:ADDRESS TEXT';

const write = verbOf(WRITE, 2, 2, (session, [where = '', text = '']) => {
  const [koid, at] = placeOf(where, WRITE);
  const system = systemOf(session);
  const data = new TextEncoder().encode(text);
  if (taskOf(system, koidOf(koid)) instanceof ProcessObject) {
    withProcess(system, koid, (process) => { process.write(at, data); });
  } else withVmo(system, koid, (vmo) => { vmo.write(at, data); });
  return Promise.resolve();
});

/** Bytes as hexadecimal and as text. */
function dump(at: bigint, data: Uint8Array): string {
  const lines: string[] = [];
  for (let i = 0; i < data.length; i += 16) {
    const part = data.subarray(i, i + 16);
    const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = Array.from(part, (byte) =>
      (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${(at + BigInt(i)).toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${text}\n`);
  }
  return lines.join('');
}

const READ = 'read KOID:OFFSET [SIZE] | PROCESS:ADDRESS [SIZE]';

const read = verbOf(READ, 1, 2, (session, [where = '', size = '64'], print) => {
  const [koid, at] = placeOf(where, READ);
  const system = systemOf(session);
  const bytes = bytesOf(size);
  if (bytes > READ_MOST_BYTES) {
    throw new UsageError(`'${size}': expected at most ${READ_MOST_BYTES} bytes`);
  }
  const data = taskOf(system, koidOf(koid)) instanceof ProcessObject
    ? withProcess(system, koid, (process) => process.read(at, bytes))
    : withVmo(system, koid, (vmo) => vmo.read(at, bytes));
  return print(dump(at, data));
});

const TOUCH = 'touch PROCESS:ADDRESS SIZE [r|w]';

const touch = verbOf(TOUCH, 2, 3, (session, [where = '', size = '', how = 'w']) => {
  const [koid, at] = placeOf(where, TOUCH);
  if (how !== 'r' && how !== 'w') return usage(TOUCH);
  withProcess(systemOf(session), koid, (process) => {
    process.touch(at, bytesOf(size), how === 'r' ? Access.READ : Access.WRITE);
  });
  return Promise.resolve();
});

/** `commit` and `decommit`: of a whole VMO, or of a range. */
const range = (name: string, op: number): Verb => {
  const shape = `${name} VMO [OFFSET SIZE]`;
  return verbOf(shape, 1, 3, (session, [vmo = '', offset, size]) => {
    if (offset !== undefined && size === undefined) return usage(shape);
    withVmo(systemOf(session), vmo, (given) => {
      given.opRange(op, bytesOf(offset ?? '0'),
        size === undefined ? given.getSize() : bytesOf(size));
    });
    return Promise.resolve();
  });
};

const clone = verbOf('clone VMO [NAME] [PROCESS]', 1, 3, (
  session, [vmo = '', name = '', owner], print,
) => {
  const system = systemOf(session);
  const child = withVmo(system, vmo, (parent) =>
    parent.createChild(VmoChild.SNAPSHOT, 0, parent.getSize()));
  if (name !== '') child.setName(name);
  return print(place(system, child, owner));
});

/** Forks a process so many times; where one cannot be made, none is. */
function forkAll(process: Process, count: number): Process[] {
  const made: Process[] = [];
  try {
    for (let i = 0; i < count; i++) made.push(forkProcess(process));
    return made;
  } catch (error) {
    for (const one of made) {
      one.kill();
      one.rootVmar.close();
      one.close();
    }
    throw error;
  }
}

const fork = verbOf('fork PROCESS [TIMES]', 1, 2, (session, [process = '', times = '1'], print) => {
  const system = systemOf(session);
  const count = countOf(times, FORKS_MAX);
  const made = withProcess(system, process, (parent) => forkAll(parent, count));
  for (const one of made) heldBy(system).set(one.koid, one);
  const koids = made.map(({ koid }) => koid);
  if (count <= 8) return print(koids.map((koid) => `process ${koid}\n`).join(''));
  return print(`${count} processes, the first ${koids[0]}, the last ${koids.at(-1)}\n`);
});

const close = verbOf('close KOID', 1, 1, (session, [word = '']) => {
  const handles = heldBy(systemOf(session));
  const handle = handles.get(koidOf(word));
  if (handle === undefined) throw new CommandError(`the shell holds no handle to ${word}`);
  if (handle instanceof Process) handle.rootVmar.close();
  handle.close();
  handles.delete(koidOf(word));
  return Promise.resolve();
});

const kill = verbOf('kill KOID', 1, 1, (session, [word = '']) => {
  const task = taskOf(systemOf(session), koidOf(word));
  if (task === undefined) throw new CommandError(`no job or process with koid ${word}`);
  killTask(task);
  return Promise.resolve();
});

/** Lets seconds pass; between them timers of the console report. */
async function pass(
  session: Session, system: System, seconds: number, print: (text: string) => Promise<void>,
): Promise<void> {
  if (!session.watches.any) {
    system.advance(seconds * SECOND_NS);
    return;
  }
  for (let i = 0; i < seconds && !session.isInterrupted; i++) {
    system.advance(SECOND_NS);
    const text = await session.watches.tick(system);
    if (text !== '') await print(text);
  }
}

const run = verbOf('run SECONDS', 1, 1, async (session, [word = ''], print) => {
  if (!/^\d{1,7}$/.test(word) || Number(word) > RUN_MOST_SECONDS) {
    throw new UsageError(`'${word}': expected seconds, 0 to ${RUN_MOST_SECONDS}`);
  }
  const system = systemOf(session);
  const end = system.watchdog.observe(({ what, jobKoid, pages }) => {
    void print(`${what}${pages === undefined ? '' : ` ${pages} pages`}`
      + `${jobKoid === undefined ? '' : ` job ${jobKoid}`}\n`);
  });
  try {
    await pass(session, system, Number(word), print);
  } finally {
    end();
  }
  return print(`${Number(system.clock.nowNs) / SECOND_NS} seconds since the system began\n`);
});

/** Words that change the live system. */
export const objectVerbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['create', create], ['map', map], ['unmap', unmap], ['write', write], ['read', read],
  ['touch', touch], ['commit', range('commit', VmoOp.COMMIT)],
  ['decommit', range('decommit', VmoOp.DECOMMIT)], ['clone', clone], ['fork', fork],
  ['close', close], ['kill', kill], ['run', run],
]);
