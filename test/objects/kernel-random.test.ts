/**
 * Random programs on handles, channels, ports and processes: after each operation the kernel's
 * memory is what a slow recount of everything that lives comes to, and the frames add up.
 */
import fc from 'fast-check';
import t from 'tap';
import { FrameState } from '../../src/core/core.js';
import { Channel } from '../../src/objects/channel.js';
import type { Handle } from '../../src/objects/handle.js';
import { HANDLE_BYTES, IMAGE_HEAP_BYTES, PACKET_BYTES } from '../../src/objects/kernel-heap.js';
import { OBJECT_BYTES, ObjectType } from '../../src/objects/object.js';
import { Port } from '../../src/objects/port.js';
import type { Process } from '../../src/objects/process.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { isLong } from '../support/long.js';
import { makeSystem, P, statusOf } from './support.js';

/** An object as the recount sees it. */
interface Thing {
  readonly bytes: number;
  peer?: Thing | undefined;
  handles: number;
  packets: number;
  readonly messages: { readonly bytes: number; readonly handles: Handle[] }[];
}

/** What lives, by the book: an entry for each handle that is open or in a message. */
class Book {
  readonly of = new Map<Handle, Thing>();
  readonly things = new Set<Thing>();
  readonly fixed: number;
  owners = new Map<Handle, Process>();

  constructor(readonly system: KernelSystem) {
    this.fixed = system.heap.usedBytes;
  }

  add(handle: Handle, type: ObjectType): Thing {
    const thing: Thing = { bytes: OBJECT_BYTES[type], handles: 1, packets: 0, messages: [] };
    this.things.add(thing);
    this.of.set(handle, thing);
    return thing;
  }

  copy(from: Handle, to: Handle): void {
    const thing = this.of.get(from)!;
    thing.handles += 1;
    this.of.set(to, thing);
    const owner = this.owners.get(from);
    if (owner !== undefined) this.owners.set(to, owner);
  }

  close(handle: Handle): void {
    const thing = this.of.get(handle)!;
    this.of.delete(handle);
    this.owners.delete(handle);
    thing.handles -= 1;
    if (thing.handles > 0) return;
    this.things.delete(thing);
    if (thing.peer !== undefined) thing.peer.peer = undefined;
    for (const { handles } of thing.messages) for (const inner of handles) this.close(inner);
  }

  heap(): number {
    let sum = this.fixed + this.of.size * HANDLE_BYTES;
    for (const { bytes, packets } of this.things) sum += bytes + packets * PACKET_BYTES;
    return sum;
  }

  messages(): number {
    let sum = 0;
    for (const thing of this.things) for (const { bytes } of thing.messages) sum += bytes;
    return sum;
  }
}

/** What is wrong; nothing if all is well. */
const differences = (book: Book): string[] => {
  const { core, heap, messages } = book.system;
  const pages = (bytes: number): number => Math.max(0, Math.ceil(bytes / P));
  const kmem = book.system.kernelMemory();
  const all: readonly number[] = Object.values(FrameState);
  const states = all.reduce((sum, s) => sum + core.pagesInState(s), 0);
  const checks: [string, number, number][] = [
    ['heap', heap.usedBytes, book.heap()],
    ['messages', messages.usedBytes, book.messages()],
    ['heap pages', kmem.totalHeapBytes, pages(book.heap() - IMAGE_HEAP_BYTES) * P],
    ['free heap', kmem.totalHeapBytes - kmem.freeHeapBytes,
      Math.max(0, book.heap() - IMAGE_HEAP_BYTES)],
    ['IPC', kmem.ipcBytes, pages(book.messages()) * P],
    ['states', states, core.physicalPages],
    ['total', kmem.totalBytes, kmem.freeBytes + kmem.totalHeapBytes + kmem.ipcBytes],
  ];
  return checks.filter(([, got, wanted]) => got !== wanted).map(String);
};

type Step = readonly [kind: string, a: number, b: number, bytes: number];

const act = (book: Book, processes: Process[], [kind, a, b, bytes]: Step): void => {
  const { system } = book;
  const open = [...book.of.keys()].filter((handle) => handle.isOpen);
  const one = open[a % open.length];
  const other = open[b % open.length];
  const maker = b % 2 === 0 ? system : processes[a % processes.length] ?? system;
  const own = (handle: Handle): void => {
    if (maker !== system) book.owners.set(handle, maker as Process);
  };
  if (kind === 'channel') {
    const [x, y] = maker.createChannel();
    const [first, second] = [x, y].map((end) => book.add(end, ObjectType.CHANNEL));
    first!.peer = second;
    second!.peer = first;
    [x, y].forEach(own);
  } else if (kind === 'port') {
    const port = maker.createPort();
    book.add(port, ObjectType.PORT);
    own(port);
  } else if (kind === 'kill') {
    const [process] = processes.splice(a % 3, 1);
    for (const [handle, owner] of [...book.owners]) {
      if (owner === process && handle.isOpen) book.close(handle);
    }
    process?.kill();
  } else if (one === undefined || other === undefined) return;
  else if (kind === 'close') {
    one.close();
    book.close(one);
  } else if (kind === 'duplicate') {
    if (statusOf(() => book.copy(one, one.duplicate())) === 'ZX_OK') return;
  } else if (kind === 'send' && one instanceof Channel) {
    const sent = statusOf(() => one.write(new Uint8Array(bytes), [other]));
    if (sent !== 'ZX_OK') return;
    book.owners.delete(other);
    book.of.get(one)!.peer!.messages.push({ bytes: bytes + PACKET_BYTES, handles: [other] });
  } else if (kind === 'receive' && one instanceof Channel) {
    if (statusOf(() => one.read()) !== 'ZX_OK') return;
    const owner = book.owners.get(one);
    for (const handle of book.of.get(one)!.messages.shift()!.handles) {
      if (owner !== undefined) book.owners.set(handle, owner);
    }
  } else if (kind === 'queue' && one instanceof Port) {
    one.queue({ key: bytes });
    book.of.get(one)!.packets += 1;
  }
};

const kind = fc.constantFrom('channel', 'channel', 'port', 'kill', 'close', 'close', 'duplicate',
  'duplicate', 'send', 'send', 'send', 'send', 'receive', 'receive', 'queue', 'queue');
const step = fc.tuple(kind, fc.nat(), fc.nat(), fc.nat(20000));

t.test('the kernel\'s memory is what lives, after each operation', async (t) => {
  const run = (steps: readonly Step[]): void => {
    const system = makeSystem(65536);
    const processes = [0, 1, 2].map(() => system.rootJob.createProcess());
    const book = new Book(system);
    for (const one of steps) {
      act(book, processes, one);
      const wrong = differences(book);
      if (wrong.length > 0) throw new Error(`after ${one[0]}: ${wrong.join('; ')}`);
    }
  };
  const programs = fc.array(step, { minLength: 1, maxLength: 120 });
  fc.assert(fc.property(programs, run), { numRuns: isLong ? 5000 : 150 });
  t.pass('no difference');
});
