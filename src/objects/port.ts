/**
 * Ports: packets that wait to be taken (`zx_port_*`).
 *
 * I1. A packet is in the heap until it is taken.
 */

import { fail } from './errors.js';
import { Handle } from './handle.js';
import { PACKET_BYTES } from './kernel-heap.js';
import { ObjectType } from './object.js';
import { PlainObject } from './plain-object.js';
import { Right } from './rights.js';
import type { KernelSystem } from './system.js';
import { toOptions, toU64, type Bytes } from './units.js';

/** Packets that may wait in a port. */
export const PORT_PACKETS_MAX = 4096;

/** A packet of a program (`ZX_PKT_TYPE_USER`). */
export interface PortPacket {
  /** Which of the program's affairs it is about, 64 bits. */ readonly key: bigint;
  /** The program's own number, 64 bits. */ readonly value: bigint;
}

/** A port. */
export class PortObject extends PlainObject {
  #packets: PortPacket[] = [];
  #taken = 0;

  /** @param system - the system it belongs to */
  constructor(system: KernelSystem) {
    super(system, ObjectType.PORT);
  }

  /** Packets that wait. */
  get numPackets(): number {
    return this.#packets.length - this.#taken;
  }

  /** Its record and the packets that wait. */
  override get heldBytes(): number {
    return super.heldBytes + this.numPackets * PACKET_BYTES;
  }

  /** Appends a packet; the heap has its bytes held. */
  push(packet: PortPacket): void {
    this.system.heap.take(PACKET_BYTES);
    this.#packets.push(packet);
  }

  /** The oldest packet, undefined for none. */
  pull(): PortPacket | undefined {
    const packet = this.#packets[this.#taken];
    if (packet === undefined) return undefined;
    this.#taken += 1;
    if (this.#taken * 2 > this.#packets.length) {
      this.#packets = this.#packets.slice(this.#taken);
      this.#taken = 0;
    }
    this.system.heap.give(PACKET_BYTES);
    return packet;
  }

  protected override onLastHandle(): void {
    while (this.pull() !== undefined);
    this.freeRecord();
  }
}

/** A handle to a port. */
export class Port extends Handle<PortObject> {
  /**
   * Puts a packet in (`zx_port_queue`; needs WRITE).
   *
   * @param packet - a key and a number, each of 64 bits
   * @throws ZxError ZX_ERR_SHOULD_WAIT where 4096 wait, ZX_ERR_NO_MEMORY
   */
  queue(packet: { readonly key: Bytes; readonly value?: Bytes }): void {
    const port = this.change(Right.WRITE);
    const key = toU64(toOptions(packet, 'packet').key, 'key');
    const value = toU64(packet.value ?? 0, 'value');
    if (port.numPackets >= PORT_PACKETS_MAX) {
      fail('ZX_ERR_SHOULD_WAIT', `port ${port.koid}: ${PORT_PACKETS_MAX} packets wait`, {
        packets: port.numPackets,
      });
    }
    port.system.heap.hold(PACKET_BYTES, () => port.push({ key, value }));
  }

  /**
   * Takes the oldest packet (`zx_port_wait` with a deadline that has passed; needs READ).
   *
   * @throws ZxError ZX_ERR_TIMED_OUT where none waits
   */
  wait(): PortPacket {
    const port = this.change(Right.READ);
    return port.pull() ?? fail('ZX_ERR_TIMED_OUT', `no packet waits in port ${port.koid}`);
  }

  protected remake(rights: number): Port {
    return new Port(this.object, rights);
  }
}
