/**
 * Channels, sockets, FIFOs, ports, events and timers: what they do, refuse, weigh, and give back.
 */
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import { PolicyAction, PolicyCondition, PolicyMode } from '../../src/objects/job-policy.js';
import { PACKET_BYTES } from '../../src/objects/kernel-heap.js';
import { DefaultRights, Right } from '../../src/objects/rights.js';
import { Signal } from '../../src/objects/signals.js';
import { SocketOption } from '../../src/objects/socket.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { VmOption } from '../../src/objects/vm-options.js';
import { makeProcess, makeSystem, P, refused, statusOf } from './support.js';

const { READABLE, WRITABLE, PEER_CLOSED, SIGNALED } = Signal;
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);
const weight = ({ heap, messages }: KernelSystem): number[] => [heap.usedBytes, messages.usedBytes];

t.test('channels carry bytes and handles', async (t) => {
  const { system: s, process } = makeProcess();
  const start = weight(s);
  const [a, b] = s.createChannel();
  t.match(a.getInfo(Topic.HANDLE_BASIC), { type: 4, relatedKoid: b.koid });
  t.match(b.getInfo(Topic.HANDLE_BASIC), { relatedKoid: a.koid });
  t.equal(a.rights, DefaultRights.CHANNEL);
  t.equal(a.rights & Right.DUPLICATE, 0);
  t.strictSame([a.signals, b.signals], [WRITABLE, WRITABLE]);
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => b.read(), 'nothing waits');
  const vmo = s.createVmo(P);
  const inside = process.insertHandle(vmo);
  a.write(bytes(1, 2, 3), [vmo]);
  t.strictSame([vmo.isOpen, process.handles().length, b.signals], [false, 0, 1 | WRITABLE]);
  t.equal(statusOf(() => vmo.getSize()), 'ZX_ERR_BAD_HANDLE');
  t.equal(s.messages.usedBytes, 3 + PACKET_BYTES);
  t.equal(s.core.pagesInState(7), 1, 'an IPC page');
  refused(t, s, 'ZX_ERR_BUFFER_TOO_SMALL', () => b.read(2), 'bytes');
  refused(t, s, 'ZX_ERR_BUFFER_TOO_SMALL', () => b.read(3, 0), 'handles');
  const end = process.insertHandle(b);
  const message = b.read();
  t.strictSame([...message.data], [1, 2, 3]);
  t.equal(message.handles[0], vmo);
  t.equal(vmo.owner, process.object, 'the owner of the end has it now');
  t.ok(vmo.value !== inside && vmo.value > end, 'under a value that it never had');
  t.equal(vmo.getSize(), BigInt(P));
  t.equal(s.core.pagesInState(7), 0);
  for (let i = 0; i < 5; i++) a.write(bytes(i));
  t.strictSame([0, 1, 2, 3, 4].map(() => b.read().data[0]), [0, 1, 2, 3, 4], 'in order');
  b.write(bytes(9));
  b.close();
  t.equal(a.signals, READABLE | PEER_CLOSED);
  t.equal(a.read().data[0], 9, 'what waits can still be read');
  refused(t, s, 'ZX_ERR_PEER_CLOSED', () => a.read(), 'read');
  refused(t, s, 'ZX_ERR_PEER_CLOSED', () => a.write(), 'write');
  t.equal(a.getInfo(Topic.HANDLE_BASIC).relatedKoid, b.koid);
  a.close();
  vmo.close();
  t.strictSame(weight(s), start);
});

t.test('what was sent is a copy, of a Buffer too', async (t) => {
  const { system: s } = makeProcess();
  const sent = (send: (data: Uint8Array) => unknown, receive: () => Uint8Array): void => {
    const data = Buffer.from([1, 2, 3]);
    send(data);
    data.fill(9);
    t.strictSame([...receive()], [1, 2, 3]);
  };
  const channel = s.createChannel();
  sent((data) => channel[0].write(data), () => channel[1].read().data);
  const fifo = s.createFifo(4, 3);
  sent((data) => fifo[0].write(data), () => fifo[1].read(1));
  for (const option of [SocketOption.STREAM, SocketOption.DATAGRAM]) {
    const socket = s.createSocket(option);
    sent((data) => socket[0].write(data), () => socket[1].read(3));
  }
});

t.test('what a channel refuses leaves the handles where they are', async (t) => {
  const { system: s, process } = makeProcess();
  const [a, b] = s.createChannel();
  const vmo = process.createVmo(P);
  const fixed = vmo.duplicate(Right.READ);
  const same = (name: string): void =>
    void t.strictSame([vmo.isOpen, vmo.owner, b.object.numMessages], [true, process.object, 0],
      name);
  const calls: [string, () => unknown][] = [
    ['ZX_ERR_ACCESS_DENIED', () => a.write(bytes(), [vmo, fixed])],
    ['ZX_ERR_NOT_SUPPORTED', () => a.write(bytes(), [vmo, a])],
    ['ZX_ERR_INVALID_ARGS', () => a.write(bytes(), [vmo, vmo])],
    ['ZX_ERR_BAD_HANDLE', () => a.write(bytes(), [vmo, 7 as never])],
    ['ZX_ERR_INVALID_ARGS', () => a.write('x' as never, [vmo])],
    ['ZX_ERR_INVALID_ARGS', () => a.write(bytes(), 5 as never)],
    ['ZX_ERR_INVALID_ARGS', () => a.write(bytes(), [vmo, makeSystem().createVmo(P)])],
    ['ZX_ERR_OUT_OF_RANGE', () => a.write(new Uint8Array(65537), [vmo])],
    ['ZX_ERR_OUT_OF_RANGE', () => a.write(bytes(), Array.from({ length: 65 }, () => vmo))],
    ['ZX_ERR_ACCESS_DENIED', () => a.replace(Right.READ).write(bytes(), [vmo])],
  ];
  for (const [status, call] of calls) {
    refused(t, s, status as 'ZX_ERR_BAD_HANDLE', call, String(call));
    same(String(call));
  }
  const [c] = s.createChannel();
  s.addKernelUse({ otherPages: s.core.freePages });
  refused(t, s, 'ZX_ERR_NO_MEMORY', () => c.write(bytes(1), [vmo]), 'no page for messages');
  same('NO_MEMORY');
});

t.test('a chain of 100,000 channels, each in the one before, closes with the first', async (t) => {
  const s = makeSystem(65536);
  const start = weight(s);
  const free = s.core.freePages;
  const [first, second] = s.createChannel();
  let last = second;
  for (let i = 0; i < 1e5; i++) {
    const [one, other] = s.createChannel();
    one.write(bytes(), [last]);
    one.close();
    last = other;
  }
  t.ok(s.heap.usedBytes > 2.5e7);
  last.close();
  t.equal(first.signals, PEER_CLOSED, 'down to the innermost');
  first.close();
  t.strictSame([...weight(s), s.core.freePages], [...start, free]);
});

t.test('events and event pairs', async (t) => {
  const s = makeSystem();
  const start = weight(s);
  const event = s.createEvent();
  event.signal(0, SIGNALED | Signal.USER_0);
  t.equal(event.signals, SIGNALED | Signal.USER_0);
  event.signal(SIGNALED, 0);
  t.equal(event.signals, Signal.USER_0);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => event.signal(0, READABLE), 'a kernel signal');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => event.duplicate(0).signal(0, SIGNALED), 'SIGNAL');
  const [a, b] = s.createEventPair();
  a.signal(0, 2 ** 31);
  t.equal(a.signals, 2 ** 31, 'the highest bit is no sign');
  a.signal(2 ** 31, 0);
  a.signalPeer(0, SIGNALED);
  t.strictSame([a.signals, b.signals], [0, SIGNALED]);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => a.signalPeer(1, 0), 'a kernel signal');
  b.close();
  t.equal(a.signals, PEER_CLOSED);
  refused(t, s, 'ZX_ERR_PEER_CLOSED', () => a.signalPeer(0, SIGNALED), 'nobody is there');
  a.close();
  const vmo = s.createVmo(P);
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => vmo.signal(0, SIGNALED), 'of a VMO');
  vmo.close();
  t.strictSame([weight(s)[0]! - start[0]!, event.getInfo(Topic.HANDLE_COUNT)], [96 + 64, 2]);
});

t.test('ports, sockets, FIFOs', async (t) => {
  const s = makeSystem();
  const start = weight(s);
  const port = s.createPort();
  port.queue({ key: 5 });
  port.queue({ key: 6, value: 2n ** 64n - 1n });
  t.equal(port.object.heldBytes, 192 + 2 * PACKET_BYTES);
  t.strictSame(port.wait(), { key: 5n, value: 0n });
  t.strictSame(port.wait(), { key: 6n, value: 2n ** 64n - 1n });
  refused(t, s, 'ZX_ERR_TIMED_OUT', () => port.wait(), 'empty');
  for (let i = 0; i < 4096; i++) port.queue({ key: i });
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => port.queue({ key: 0 }), 'full');
  const [a, b] = s.createSocket();
  t.equal(a.write(new Uint8Array(300000).fill(7)), 262144, 'as much as there is room for');
  t.strictSame([a.signals, b.signals], [0, READABLE | WRITABLE]);
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => a.write(bytes(1)), 'full');
  t.equal(s.messages.usedBytes, 262144);
  t.equal(b.read(1000).length, 1000);
  t.equal(a.write(new Uint8Array(5000)), 1000);
  t.equal(b.read(1e6).length, 262144);
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => b.read(1), 'empty');
  const [c, d] = s.createSocket(SocketOption.DATAGRAM);
  c.write(bytes(1, 2, 3));
  c.write(bytes(4));
  t.strictSame([...d.read(2)], [1, 2]);
  t.strictSame([...d.read(2)], [4], 'the rest of a datagram is lost');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => c.write(new Uint8Array(262145)), 'too large');
  const [e, f] = s.createFifo(4, 2);
  t.equal(e.object.heldBytes, 192 + 8);
  t.equal(e.write(new Uint8Array(10)), 4, 'elements');
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => e.write(bytes(1, 2)), 'full');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => f.write(bytes(1)), 'half an element');
  t.equal(f.read(3).length, 6);
  t.equal(f.read(3).length, 2);
  refused(t, s, 'ZX_ERR_SHOULD_WAIT', () => f.read(1), 'empty');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => s.createFifo(0, 1), 'none');
  refused(t, s, 'ZX_ERR_OUT_OF_RANGE', () => s.createFifo(4096, 2), 'too many');
  refused(t, s, 'ZX_ERR_INVALID_ARGS', () => s.createSocket(2), 'options');
  a.write(bytes(1));
  e.write(bytes(1, 2));
  for (const handle of [port, a, c, e]) handle.close();
  t.strictSame([...b.read(9)], [1]);
  refused(t, s, 'ZX_ERR_PEER_CLOSED', () => b.read(1), 'socket');
  t.equal(f.read(1).length, 2);
  refused(t, s, 'ZX_ERR_PEER_CLOSED', () => f.read(1), 'FIFO');
  refused(t, s, 'ZX_ERR_PEER_CLOSED', () => d.write(bytes(1)), 'datagram');
  for (const handle of [b, d, f]) handle.close();
  t.strictSame(weight(s), start);
});

t.test('timers are due when the kernel\'s time has come', async (t) => {
  const s = makeSystem();
  const [timer, other] = [s.createTimer(), s.createTimer()];
  timer.set(100);
  other.set(100);
  other.cancel();
  s.advance(99);
  t.equal(timer.signals, 0);
  s.advance(1);
  t.strictSame([timer.signals, other.signals, s.clock.numDue], [SIGNALED, 0, 0]);
  timer.set(200n);
  t.equal(timer.signals, 0);
  timer.set(50);
  t.equal(timer.signals, SIGNALED, 'a deadline that is over is due at once');
  timer.set(200n);
  timer.close();
  t.equal(s.clock.numDue, 0, 'a closed one is nobody\'s');
});

t.test('a process makes them under its job\'s policy, in its own table', async (t) => {
  const s = makeSystem();
  const job = s.rootJob.createJob();
  const process = job.createProcess();
  const made = [
    ...process.createChannel(), process.createEvent(), ...process.createEventPair(),
    process.createPort(), ...process.createSocket(), ...process.createFifo(1, 1),
    process.createTimer(),
  ];
  t.strictSame(process.handles(), made);
  t.strictSame(made.map((h) => h.getInfo(Topic.HANDLE_BASIC).type),
    [4, 4, 5, 16, 16, 6, 14, 14, 19, 19, 22]);
  const strict = s.rootJob.createJob();
  strict.setPolicy(PolicyMode.ABSOLUTE, [
    { condition: PolicyCondition.NEW_ANY, action: PolicyAction.DENY }]);
  const poor = strict.createProcess();
  const calls = [
    () => poor.createChannel(), () => poor.createEvent(), () => poor.createEventPair(),
    () => poor.createPort(), () => poor.createSocket(), () => poor.createFifo(1, 1),
    () => poor.createTimer(), () => poor.createVmo(P),
  ];
  for (const call of calls) refused(t, s, 'ZX_ERR_ACCESS_DENIED', call, String(call));
  const vmar = process.rootVmar.allocate(VmOption.CAN_MAP_READ, 0, P);
  const [a] = process.createChannel();
  a.write(bytes(), [vmar]);
  process.kill();
  t.equal(a.isOpen, false);
  t.equal(s.messages.usedBytes, 0, 'what waited in a dead process is gone');
  t.equal(statusOf(() => process.createEvent()), 'ZX_ERR_BAD_STATE');
});
