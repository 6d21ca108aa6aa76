/**
 * FIFOs: a few elements of one size, both ways (`zx_fifo_*`).
 *
 * I1. Both ends have their buffers, of one page at most, in the heap from the start.
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

/** Most bytes of an end's buffer (`ZX_FIFO_MAX_SIZE_BYTES`). */
export const FIFO_BYTES_MAX = 4096;

/** One end of a FIFO. */
export class FifoObject extends PeeredObject {
  /** Bytes of an element. */
  readonly elementBytes: number;
  /** Bytes of the buffer. */
  readonly bufferBytes: number;
  /** Elements that wait here. */
  readonly queue = new ByteQueue();

  /**
   * @param system - the system it belongs to, whose heap has the buffer held
   * @param elements - elements that can wait
   * @param elementBytes - bytes of an element
   */
  constructor(system: KernelSystem, elements: number, elementBytes: number) {
    super(system, ObjectType.FIFO);
    this.elementBytes = elementBytes;
    this.bufferBytes = elements * elementBytes;
    system.heap.take(this.bufferBytes);
  }

  /** READABLE, WRITABLE, PEER_CLOSED. */
  protected override get stateSignals(): number {
    const { peer } = this;
    const writable = peer !== undefined && peer.queue.bytes < peer.bufferBytes;
    return super.stateSignals | (this.queue.bytes > 0 ? Signal.READABLE : 0)
      | (writable ? Signal.WRITABLE : 0);
  }

  /** Its record and its buffer. */
  override get heldBytes(): number {
    return super.heldBytes + this.bufferBytes;
  }

  protected drain(): void {
    this.queue.clear();
    this.system.heap.give(this.bufferBytes);
  }
}

/** A handle to one end of a FIFO. */
export class Fifo extends Peered<FifoObject> {
  /**
   * Sends elements (`zx_fifo_write`; needs WRITE).
   *
   * @param data - whole elements, at least one; copied
   * @returns how many were taken
   * @throws ZxError ZX_ERR_OUT_OF_RANGE for none or a part of one, ZX_ERR_PEER_CLOSED,
   *     ZX_ERR_SHOULD_WAIT where there is no room
   */
  write(data: Uint8Array): number {
    const fifo = this.change(Right.WRITE);
    toData(data);
    const { elementBytes } = fifo;
    if (data.length === 0 || data.length % elementBytes !== 0) {
      fail('ZX_ERR_OUT_OF_RANGE', `${data.length} bytes: expected elements of ${elementBytes}`, {
        bytes: data.length, elementBytes,
      });
    }
    const peer = fifo.needPeer();
    const room = peer.bufferBytes - peer.queue.bytes;
    if (room === 0) fail('ZX_ERR_SHOULD_WAIT', `the other end of FIFO ${fifo.koid} is full`);
    const taken = data.subarray(0, room);
    peer.queue.push(taken);
    return taken.length / elementBytes;
  }

  /**
   * Takes elements (`zx_fifo_read`; needs READ).
   *
   * @param elements - most that are wanted, at least 1
   * @throws ZxError ZX_ERR_SHOULD_WAIT where none wait, ZX_ERR_PEER_CLOSED where none can come
   */
  read(elements: number): Uint8Array {
    const fifo = this.change(Right.READ);
    toCount(elements, 'elements', 1);
    if (fifo.queue.bytes === 0) {
      fifo.needPeer();
      fail('ZX_ERR_SHOULD_WAIT', `no elements wait in FIFO ${fifo.koid}`);
    }
    return fifo.queue.pull(elements * fifo.elementBytes);
  }

  protected remake(rights: number): Fifo {
    return new Fifo(this.object, rights);
  }
}
