/**
 * One end of a channel: messages of bytes and handles, in order.
 *
 * I1. A message's bytes, and a header, are in the kernel's message buffers until it is read or its
 *     end is closed; a handle in it belongs to nobody, is closed for its old owner, and keeps its
 *     object alive.
 */

import { fail } from './errors.js';
import type { Handle } from './handle.js';
import { PACKET_BYTES } from './kernel-heap.js';
import { ObjectType } from './object.js';
import { PeeredObject } from './peered-object.js';
import { Signal } from './signals.js';
import type { KernelSystem } from './system.js';

/** Most bytes of a message (`ZX_CHANNEL_MAX_MSG_BYTES`). */
export const MESSAGE_BYTES_MAX = 65536;
/** Most handles of a message (`ZX_CHANNEL_MAX_MSG_HANDLES`). */
export const MESSAGE_HANDLES_MAX = 64;

/** A message. */
export interface ChannelMessage {
  /** The bytes. */ readonly data: Uint8Array;
  /** The handles, which the reader owns now. */ readonly handles: Handle[];
}

/** One end of a channel. */
export class ChannelObject extends PeeredObject {
  #messages: ChannelMessage[] = [];
  #read = 0;
  #bytes = 0;
  #mostMessages = 0;

  /** @param system - the system it belongs to */
  constructor(system: KernelSystem) {
    super(system, ObjectType.CHANNEL);
  }

  /** READABLE, WRITABLE, PEER_CLOSED. */
  protected override get stateSignals(): number {
    const readable = this.numMessages > 0 ? Signal.READABLE : 0;
    return super.stateSignals | readable | (this.peer === undefined ? 0 : Signal.WRITABLE);
  }

  /** Messages that wait here. */
  get numMessages(): number {
    return this.#messages.length - this.#read;
  }

  /** Messages that waited here when there were most. */
  get mostMessages(): number {
    return this.#mostMessages;
  }

  /** Its record and the messages that wait here. */
  override get heldBytes(): number {
    return super.heldBytes + this.#bytes;
  }

  /** Appends a message: the handles are packed, the memory is held. */
  push(message: ChannelMessage): void {
    const bytes = messageBytes(message.data.length);
    this.system.messages.take(bytes);
    this.#bytes += bytes;
    this.#messages.push(message);
    this.#mostMessages = Math.max(this.#mostMessages, this.numMessages);
  }

  /**
   * Takes the oldest message, if it is small enough.
   *
   * @throws ZxError ZX_ERR_SHOULD_WAIT for none, ZX_ERR_PEER_CLOSED if none can come,
   *     ZX_ERR_BUFFER_TOO_SMALL
   */
  pull(bytesMax: number, handlesMax: number): ChannelMessage {
    const message = this.#messages[this.#read];
    if (message === undefined) {
      this.needPeer();
      return fail('ZX_ERR_SHOULD_WAIT', `no message waits in channel ${this.koid}`);
    }
    const { data, handles } = message;
    if (data.length > bytesMax || handles.length > handlesMax) {
      const size = `${data.length} bytes and ${handles.length} handles`;
      fail('ZX_ERR_BUFFER_TOO_SMALL', `a message of ${size}: room for ${bytesMax}, ${handlesMax}`, {
        bytes: data.length, handles: handles.length, bytesMax, handlesMax,
      });
    }
    this.#read += 1;
    if (this.#read * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#read);
      this.#read = 0;
    }
    this.#giveBack(data.length);
    return message;
  }

  protected drain(): void {
    const left = this.#messages.slice(this.#read);
    this.#messages = [];
    this.#read = 0;
    for (const { data, handles } of left) {
      this.#giveBack(data.length);
      this.system.closeLater(handles);
    }
  }

  #giveBack(length: number): void {
    const bytes = messageBytes(length);
    this.#bytes -= bytes;
    this.system.messages.give(bytes);
  }
}

/** Bytes of message buffers that a message takes. */
export function messageBytes(length: number): number {
  return PACKET_BYTES + length;
}
