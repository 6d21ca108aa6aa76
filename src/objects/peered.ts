/**
 * Handles to objects with two ends.
 */

import { checkSignals, Handle } from './handle.js';
import type { EventPairObject, PeeredObject } from './peered-object.js';
import { Right } from './rights.js';

/** A handle to one end. */
export abstract class Peered<T extends PeeredObject> extends Handle<T> {
  /**
   * Clears signals of the other end, then sets some (`zx_object_signal_peer`; needs SIGNAL_PEER).
   *
   * @param clear - bits that programs may set on this kind of object
   * @param set - the same
   * @throws ZxError ZX_ERR_INVALID_ARGS for other bits, ZX_ERR_PEER_CLOSED
   */
  signalPeer(clear: number, set: number): void {
    const object: PeeredObject = this.change(Right.SIGNAL_PEER);
    checkSignals(object, clear, set);
    object.needPeer().setSignals(clear, set);
  }
}

/** A handle to one end of an event pair. */
export class EventPair extends Peered<EventPairObject> {
  protected remake(rights: number): EventPair {
    return new EventPair(this.object, rights);
  }
}
