/**
 * Events and timers: objects that are there for their signal (`zx_event_*`, `zx_timer_*`).
 */

import { Handle } from './handle.js';
import { ObjectType } from './object.js';
import { PlainObject } from './plain-object.js';
import { Right } from './rights.js';
import { Signal } from './signals.js';
import type { KernelSystem } from './system.js';
import { toU64, type Bytes } from './units.js';

/** An event. */
export class EventObject extends PlainObject {
  /** @param system - the system it belongs to */
  constructor(system: KernelSystem) {
    super(system, ObjectType.EVENT);
  }

  /** SIGNALED, and the eight of programs. */
  override get settableSignals(): number {
    return (super.settableSignals | Signal.SIGNALED) >>> 0;
  }
}

/** An event of the kernel's own: it stays when no program holds it. */
export class KernelEventObject extends EventObject {
  protected override onLastHandle(): void {
    // The kernel knows it still.
  }
}

/** A handle to an event: `signal` is all there is to it. */
export class Event extends Handle<EventObject> {
  protected remake(rights: number): Event {
    return new Event(this.object, rights);
  }
}

/** A timer. */
export class TimerObject extends PlainObject {
  #deadlineNs: bigint | undefined;
  #takeBack: (() => void) | undefined; // while it is set

  /** @param system - the system it belongs to */
  constructor(system: KernelSystem) {
    super(system, ObjectType.TIMER);
  }

  /** When it is due; undefined if it is not set. */
  get deadlineNs(): bigint | undefined {
    return this.#deadlineNs;
  }

  /** Sets it, or cancels it; it is no longer due. */
  set(deadlineNs: bigint | undefined): void {
    const { clock } = this.system;
    this.#unset();
    this.setSignals(Signal.SIGNALED, 0);
    if (deadlineNs === undefined) return;
    if (deadlineNs <= clock.nowNs) this.#fire();
    else {
      this.#deadlineNs = deadlineNs;
      this.#takeBack = clock.at(deadlineNs, () => {
        this.system.counters.noteTimer(clock.nowNs);
        this.#fire();
      });
    }
  }

  protected override onLastHandle(): void {
    this.#unset();
    this.freeRecord();
  }

  /** It is due. */
  #fire(): void {
    this.#unset();
    this.setSignals(0, Signal.SIGNALED);
  }

  #unset(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
    this.#deadlineNs = undefined;
  }
}

/** A handle to a timer. */
export class Timer extends Handle<TimerObject> {
  /**
   * Sets it (`zx_timer_set`; needs WRITE). SIGNALED goes, and comes when the kernel's time has
   * passed the deadline.
   *
   * @param deadlineNs - nanoseconds since the system began
   */
  set(deadlineNs: Bytes): void {
    this.change(Right.WRITE).set(toU64(deadlineNs, 'deadlineNs'));
  }

  /** Takes it back (`zx_timer_cancel`; needs WRITE). SIGNALED goes. */
  cancel(): void {
    this.change(Right.WRITE).set(undefined);
  }

  protected remake(rights: number): Timer {
    return new Timer(this.object, rights);
  }
}
