/**
 * Making channels, events, event pairs, ports, sockets, FIFOs and timers: all that a program holds
 * by handles alone.
 *
 * I1. `make` is told who asks: the host program, or a process, whose job's policy decides and whose
 *     table gets the handles.
 */

import { Channel } from './channel.js';
import { ChannelObject } from './channel-object.js';
import { fail } from './errors.js';
import { Event, EventObject, Timer, TimerObject } from './event.js';
import { Fifo, FIFO_BYTES_MAX, FifoObject } from './fifo.js';
import type { Handle } from './handle.js';
import { PolicyCondition } from './job-policy.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import { OBJECT_BYTES, ObjectType } from './object.js';
import { EventPair } from './peered.js';
import { EventPairObject, PeeredObject } from './peered-object.js';
import { Port, PortObject } from './port.js';
import type { ProcessObject } from './process-object.js';
import { DefaultRights } from './rights.js';
import { Socket, SocketObject, SocketOption } from './socket.js';
import type { KernelSystem } from './system.js';
import { toCount } from './units.js';

/** Makes objects for somebody. */
export class ObjectMaker {
  readonly #system: KernelSystem;
  readonly #process: ProcessObject | undefined;

  /**
   * @param system - where they are made
   * @param process - who asks; undefined for the host program
   */
  constructor(system: KernelSystem, process?: ProcessObject) {
    this.#system = system;
    this.#process = process;
  }

  /** See `system.createChannel`. */
  channel(): readonly [Channel, Channel] {
    const end = (): Channel => new Channel(new ChannelObject(this.#system), DefaultRights.CHANNEL);
    return this.#pair(PolicyCondition.NEW_CHANNEL, ObjectType.CHANNEL, end);
  }

  /** See `system.createEventPair`. */
  eventPair(): readonly [EventPair, EventPair] {
    const end = (): EventPair =>
      new EventPair(new EventPairObject(this.#system), DefaultRights.EVENTPAIR);
    return this.#pair(PolicyCondition.NEW_EVENTPAIR, ObjectType.EVENTPAIR, end);
  }

  /** See `system.createSocket`. */
  socket(options: number): readonly [Socket, Socket] {
    toCount(options, 'options', SocketOption.STREAM, SocketOption.DATAGRAM);
    const end = (): Socket =>
      new Socket(new SocketObject(this.#system, options), DefaultRights.SOCKET);
    return this.#pair(PolicyCondition.NEW_SOCKET, ObjectType.SOCKET, end);
  }

  /** See `system.createFifo`. */
  fifo(elements: number, elementBytes: number): readonly [Fifo, Fifo] {
    toCount(elements, 'elements');
    toCount(elementBytes, 'elementBytes');
    const bytes = elements * elementBytes;
    if (bytes === 0 || bytes > FIFO_BYTES_MAX) {
      const allowed = `allowed 1 to ${FIFO_BYTES_MAX} bytes`;
      fail('ZX_ERR_OUT_OF_RANGE', `${elements} elements of ${elementBytes}: ${allowed}`, {
        elements, elementBytes, bytesMax: FIFO_BYTES_MAX,
      });
    }
    const end = (): Fifo =>
      new Fifo(new FifoObject(this.#system, elements, elementBytes), DefaultRights.FIFO);
    return this.#pair(PolicyCondition.NEW_FIFO, ObjectType.FIFO, end, bytes);
  }

  /** See `system.createEvent`. */
  event(): Event {
    return this.#one(PolicyCondition.NEW_EVENT, ObjectType.EVENT, () =>
      new Event(new EventObject(this.#system), DefaultRights.EVENT));
  }

  /** See `system.createPort`. */
  port(): Port {
    return this.#one(PolicyCondition.NEW_PORT, ObjectType.PORT, () =>
      new Port(new PortObject(this.#system), DefaultRights.PORT));
  }

  /** See `system.createTimer`. */
  timer(): Timer {
    return this.#one(PolicyCondition.NEW_TIMER, ObjectType.TIMER, () =>
      new Timer(new TimerObject(this.#system), DefaultRights.TIMER));
  }

  #one<H extends Handle>(condition: PolicyCondition, type: ObjectType, make: () => H): H {
    this.#ask(condition);
    return this.#give(this.#system.heap.hold(OBJECT_BYTES[type] + HANDLE_BYTES, make));
  }

  #pair<H extends Handle<PeeredObject>>(
    condition: PolicyCondition, type: ObjectType, make: () => H, bufferBytes = 0,
  ): readonly [H, H] {
    this.#ask(condition);
    const bytes = 2 * (OBJECT_BYTES[type] + HANDLE_BYTES + bufferBytes);
    const ends = this.#system.heap.hold(bytes, (): [H, H] => [make(), make()]);
    PeeredObject.tie([ends[0].object, ends[1].object]);
    return [this.#give(ends[0]), this.#give(ends[1])];
  }

  #ask(condition: PolicyCondition): void {
    this.#system.assertNotBusy();
    this.#system.counters.calls += 1;
    this.#process?.assertAlive();
    this.#process?.enforce(condition);
  }

  #give<H extends Handle>(handle: H): H {
    this.#process?.handles.insert(handle);
    return handle;
  }
}
