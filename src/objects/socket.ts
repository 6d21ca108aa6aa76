/**
 * Sockets: bytes both ways, as a stream or as datagrams (`zx_socket_*`).
 *
 * I1. Each end has room for 256 KiB; what waits there is in the kernel's message buffers.
 */

import { ByteQueue } from './byte-queue.js';
import { fail } from './errors.js';
import { ObjectType } from './object.js';
import { Peered } from './peered.js';
import { PeeredObject } from './peered-object.js';
import { Right } from './rights.js';
import { Signal } from './signals.js';
import type { KernelSystem } from './system.js';
import { toCount, toData } from './units.js';

/** Bytes that can wait at one end. */
export const SOCKET_BYTES_MAX = 262144;

/** Options of `createSocket`. */
export const SocketOption = {
  /** Bytes without ends. */ STREAM: 0,
  /** Each write is one read. */ DATAGRAM: 1,
} as const;

/** One end of a socket. */
export class SocketObject extends PeeredObject {
  /** Bytes that wait here. */
  readonly queue = new ByteQueue();
  /** Whether each write is one read. */
  readonly isDatagram: boolean;

  /**
   * @param system - the system it belongs to
   * @param options - one of `SocketOption`
   */
  constructor(system: KernelSystem, options: number) {
    super(system, ObjectType.SOCKET);
    this.isDatagram = options === SocketOption.DATAGRAM;
  }

  /** READABLE, WRITABLE, PEER_CLOSED. */
  protected override get stateSignals(): number {
    const { peer } = this;
    const writable = peer !== undefined && peer.queue.bytes < SOCKET_BYTES_MAX;
    return super.stateSignals | (this.queue.bytes > 0 ? Signal.READABLE : 0)
      | (writable ? Signal.WRITABLE : 0);
  }

  /** Its record and the bytes that wait here. */
  override get heldBytes(): number {
    return super.heldBytes + this.queue.bytes;
  }

  protected drain(): void {
    this.system.messages.give(this.queue.bytes);
    this.queue.clear();
  }
}

/** A handle to one end of a socket. */
export class Socket extends Peered<SocketObject> {
  /**
   * Sends bytes (`zx_socket_write`; needs WRITE).
   *
   * @param data - the bytes; copied
   * @returns how many were taken: of a stream as many as there is room for, of a datagram all
   * @throws ZxError ZX_ERR_PEER_CLOSED, ZX_ERR_SHOULD_WAIT where no room is left, ZX_ERR_NO_MEMORY,
   *     ZX_ERR_OUT_OF_RANGE for a datagram that never fits
   */
  write(data: Uint8Array): number {
    const socket = this.change(Right.WRITE);
    toData(data);
    const peer = socket.needPeer();
    const room = SOCKET_BYTES_MAX - peer.queue.bytes;
    if (socket.isDatagram && data.length > SOCKET_BYTES_MAX) {
      fail('ZX_ERR_OUT_OF_RANGE', `a datagram of ${data.length}: allowed ${SOCKET_BYTES_MAX}`, {
        bytes: data.length, bytesMax: SOCKET_BYTES_MAX,
      });
    }
    if (data.length > 0 && (room === 0 || (socket.isDatagram && data.length > room))) {
      fail('ZX_ERR_SHOULD_WAIT', `socket ${socket.koid}: room for ${room} bytes`, { room });
    }
    const taken = data.subarray(0, room);
    const { messages } = socket.system;
    messages.hold(taken.length, () => messages.take(taken.length));
    peer.queue.push(taken);
    return taken.length;
  }

  /**
   * Takes bytes (`zx_socket_read`; needs READ).
   *
   * @param length - most that are wanted; what a datagram has more is lost
   * @throws ZxError ZX_ERR_SHOULD_WAIT where none wait, ZX_ERR_PEER_CLOSED where none can come
   */
  read(length: number): Uint8Array {
    const socket = this.change(Right.READ);
    toCount(length, 'length');
    const { queue, system } = socket;
    if (queue.bytes === 0) {
      socket.needPeer();
      fail('ZX_ERR_SHOULD_WAIT', `no bytes wait in socket ${socket.koid}`);
    }
    const before = queue.bytes;
    const data = socket.isDatagram ? queue.pullPiece(length) : queue.pull(length);
    system.messages.give(before - queue.bytes);
    return data;
  }

  protected remake(rights: number): Socket {
    return new Socket(this.object, rights);
  }
}
