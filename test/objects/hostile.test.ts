/**
 * Calls at random with whatever a program may pass: each is done or refused with a status, and the
 * core's invariants hold all the while.
 */
import t from 'tap';
import {
  type Handle, type Pager, PagerCommand, PagerOp, System, VmOption, VmoChild, VmoOption, ZxError,
  alignOption,
} from '../support/api.js';
import { isLong } from '../support/long.js';
import { P } from './support.js';

/** A value that no type checker would let pass. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Any = any;

const ROUNDS = isLong ? 400 : 8;
const CALLS = 1000;
/** Not for programs: they take the checked arguments of the calls above them. */
const INTERNAL = new Set([
  'constructor', 'remake', 'look', 'see', 'change', 'use', 'exchange', 'retire', 'settle', 'pack',
  'unpack', 'closeLater', 'beginPass', 'endPass', 'account', 'close', 'forPager',
]);

/** A generator of whole numbers below a limit, the same for the same seed. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % limit;
  };
}

interface World {
  readonly system: System;
  readonly other: System;
  readonly handles: Handle[];
  readonly values: Any[];
}

function makeWorld(): World {
  const system = System.boot({ memoryBytes: 512 * P });
  const other = System.boot({ memoryBytes: 64 * P });
  const { rootJob } = system;
  const process = rootJob.createProcess('p');
  const vmo = system.createVmo(8 * P, 2);
  const address = process.rootVmar.map(3, 0, vmo, 0, 8 * P);
  const dead = rootJob.createProcess('dead');
  dead.kill();
  const closed = system.createVmo(P);
  closed.close();
  const gone = process.rootVmar.allocate(VmOption.CAN_MAP_READ, 0, 16 * P);
  gone.destroy();
  const paged = system.createPager().createVmo(8 * P, VmoOption.TRAP_DIRTY | VmoOption.RESIZABLE);
  const pager: Pager = system.createPager(({ command, offset, length }) => {
    if (command === PagerCommand.READ) pager.supplyPages(filled, offset, length, spare);
    else if (command === PagerCommand.DIRTY) {
      pager.opRange(PagerOp.DIRTY, filled, offset, length);
    }
  });
  const filled = pager.createVmo(8 * P, VmoOption.TRAP_DIRTY);
  const spare = system.createVmo(8 * P);
  process.rootVmar.map(3, 0, filled, 0, 8 * P);
  const handles: Handle[] = [pager, paged, filled, rootJob, process, vmo, dead, closed, gone,
    process.rootVmar];
  const foreign = [other.createVmo(P), other.rootJob, other.rootJob.createProcess('q')];
  const numbers = [
    NaN, Infinity, -0, 0, 1, 2, 3, 7, 8, 4095, P, 8 * P, 1.5, -1, 2 ** 31, 2 ** 32, 2 ** 53, 1e300,
    0n, 1n, 4096n, -1n, (1n << 64n) - 4096n, 1n << 64n, 1n << 47n, address, address + 4096n,
    VmOption.SPECIFIC | 3, VmOption.SPECIFIC_OVERWRITE | 3, VmOption.CAN_MAP_READ, alignOption(12),
    alignOption(NaN), VmoChild.SNAPSHOT, VmoChild.SLICE, VmoChild.REFERENCE, 0x80000000,
  ];
  const objects = [
    {}, [], new Date(), Object.create(null), new Uint8Array(3), new Uint8Array(5000),
    new Uint16Array(3), new ArrayBuffer(8), system, other, vmo.object, { name: 'n' }, { name: 5 },
    { koid: 5 }, { koid: 5n }, { koid: NaN }, { rootVmar: null }, { rootVmar: { base: 5 } },
    { rootVmar: { base: 0n, size: 1n << 46n, koid: 77 } }, { wiredPages: 3 }, { wiredPages: 1e9 },
    { freeHeapBytes: -1 },
  ];
  const rest = [undefined, null, '', '1', '4096', true, Symbol('s'), (): number => 1];
  const values = [...numbers, ...objects, ...rest, ...foreign, ...handles];
  return { system, other, handles, values };
}

function methodsOf(object: object): string[] {
  const names = new Set<string>();
  const above = (at: object): object => Object.getPrototypeOf(at) as object;
  for (let at = above(object); at !== Object.prototype; at = above(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && !INTERNAL.has(name)) names.add(name);
    }
  }
  return [...names];
}

/** Reads and touches of gibibytes are legal, and slow. */
function isVast(name: string, args: readonly Any[]): boolean {
  const vast = (arg: Any): boolean =>
    (typeof arg === 'number' || typeof arg === 'bigint') && arg > 2 ** 26 && arg < 2 ** 35;
  return (name === 'read' || name === 'touch') && args.some(vast);
}

t.test('no call ends in anything but an answer or a refusal', async (t) => {
  let done = 0;
  let refused = 0;
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const { system, other, handles, values } = makeWorld();
    const pick = random(seed);
    const targets: Any[] = [system, ...handles];
    for (let i = 0; i < CALLS; i++) {
      const target = targets[pick(targets.length)];
      const names = methodsOf(target);
      const name = names[pick(names.length)] as string;
      const args = Array.from({ length: pick(6) }, () => values[pick(values.length)]);
      if (isVast(name, args)) continue;
      try {
        const answer = await target[name](...args);
        done += 1;
        if (answer?.object !== undefined && targets.length < 60) targets.push(answer);
      } catch (error) {
        refused += 1;
        if (error instanceof ZxError) continue;
        t.fail(`seed ${seed}, call ${i}, ${name}: ${String(error)}`);
      }
    }
    t.strictSame([...system.core.audit(), ...other.core.audit()], [], `seed ${seed}`);
    await system.account({ policy: 'exact' });
  }
  t.ok(done > 50 * ROUNDS && refused > 50 * ROUNDS, `${done} done, ${refused} refused`);
});
