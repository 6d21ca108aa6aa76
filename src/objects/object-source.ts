/**
 * Where the host program gets objects that it holds by handles alone: one face of a system.
 */

import type { Channel } from './channel.js';
import type { Event, Timer } from './event.js';
import type { Fifo } from './fifo.js';
import type { Handle } from './handle.js';
import type { ObjectMaker } from './object-create.js';
import type { EventPair } from './peered.js';
import type { Port } from './port.js';
import { SocketOption, type Socket } from './socket.js';

/** Makes objects for the host program, and closes what nobody owns any more. */
export abstract class ObjectSource {
  readonly #closing: Handle[] = [];
  #isClosing = false;

  /** Makes them. */
  protected abstract get maker(): ObjectMaker;

  /**
   * Makes a channel (`zx_channel_create`): its two ends.
   *
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  createChannel(): readonly [Channel, Channel] {
    return this.maker.channel();
  }

  /**
   * Makes an event (`zx_event_create`).
   *
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  createEvent(): Event {
    return this.maker.event();
  }

  /**
   * Makes an event pair (`zx_eventpair_create`): its two ends.
   *
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  createEventPair(): readonly [EventPair, EventPair] {
    return this.maker.eventPair();
  }

  /**
   * Makes a port (`zx_port_create`).
   *
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  createPort(): Port {
    return this.maker.port();
  }

  /**
   * Makes a socket (`zx_socket_create`): its two ends.
   *
   * @param options - one of `SocketOption`
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  createSocket(options: number = SocketOption.STREAM): readonly [Socket, Socket] {
    return this.maker.socket(options);
  }

  /**
   * Makes a FIFO (`zx_fifo_create`): its two ends.
   *
   * @param elements - elements that can wait at each end
   * @param elementBytes - bytes of an element; 4096 bytes in all at most
   * @throws ZxError ZX_ERR_OUT_OF_RANGE, ZX_ERR_NO_MEMORY
   */
  createFifo(elements: number, elementBytes: number): readonly [Fifo, Fifo] {
    return this.maker.fifo(elements, elementBytes);
  }

  /**
   * Makes a timer (`zx_timer_create`).
   *
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  createTimer(): Timer {
    return this.maker.timer();
  }

  /**
   * Closes handles that nobody owns any more, one after the other however deep they lead.
   *
   * @internal
   */
  closeLater(handles: readonly Handle[]): void {
    for (const handle of handles) this.#closing.push(handle);
    if (this.#isClosing) return;
    this.#isClosing = true;
    for (let next = this.#closing.pop(); next !== undefined; next = this.#closing.pop()) {
      next.retire();
    }
    this.#isClosing = false;
  }
}
