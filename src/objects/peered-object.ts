/**
 * What objects with two ends have in common: each knows the other, and that it is closed.
 *
 * I1. Both ends are made together. An end is closed with its last handle; what waits in it to be
 *     read goes then. The other end lives on and can be read until it is empty.
 */

import { fail } from './errors.js';
import type { InfoByTopic, Topic } from './info.js';
import { NO_KOID, type Koid } from './koid.js';
import { KernelObject, OBJECT_BYTES, ObjectType } from './object.js';
import { Signal } from './signals.js';
import type { KernelSystem } from './system.js';

/** One end of an object with two. */
export abstract class PeeredObject extends KernelObject {
  #peer: this | undefined;
  #relatedKoid: Koid = NO_KOID;

  /** Ties two ends together. */
  static tie<T extends PeeredObject>(ends: readonly [T, T]): readonly [T, T] {
    const [one, other] = ends;
    one.#peer = other;
    other.#peer = one;
    one.#relatedKoid = other.koid;
    other.#relatedKoid = one.koid;
    return ends;
  }

  /** The other end; undefined once it was closed. */
  get peer(): this | undefined {
    return this.#peer;
  }

  /** Koid of the other end, also when it was closed. */
  override get relatedKoid(): Koid {
    return this.#relatedKoid;
  }

  /** PEER_CLOSED, and what programs set. */
  protected override get stateSignals(): number {
    return super.stateSignals | (this.#peer === undefined ? Signal.PEER_CLOSED : 0);
  }

  /** Its record, and what waits to be read. */
  override get heldBytes(): number {
    return OBJECT_BYTES[this.type];
  }

  /** The other end, which has to be open. */
  needPeer(): this {
    return this.#peer ?? fail('ZX_ERR_PEER_CLOSED', `the other end of ${this.koid} is closed`, {
      koid: this.koid, peerKoid: this.#relatedKoid,
    });
  }

  /** Answers HANDLE_BASIC and HANDLE_COUNT. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    return this.commonInfo(topic, rights);
  }

  protected onLastHandle(): void {
    const peer = this.#peer;
    this.#peer = undefined;
    if (peer !== undefined) peer.#peer = undefined;
    this.drain();
    this.freeRecord();
  }

  /** Gives back what waits to be read. */
  protected abstract drain(): void;
}

/** One end of an event pair. */
export class EventPairObject extends PeeredObject {
  /** @param system - the system it belongs to */
  constructor(system: KernelSystem) {
    super(system, ObjectType.EVENTPAIR);
  }

  /** SIGNALED, and the eight of programs. */
  override get settableSignals(): number {
    return (super.settableSignals | Signal.SIGNALED) >>> 0;
  }

  protected drain(): void {
    // Nothing waits in it.
  }
}
