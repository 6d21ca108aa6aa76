/**
 * What objects without a second end have in common: events, timers, ports.
 */

import type { InfoByTopic, Topic } from './info.js';
import { KernelObject, OBJECT_BYTES } from './object.js';

/** An object with one end, which goes with its last handle. */
export abstract class PlainObject extends KernelObject {
  /** Its record. */
  override get heldBytes(): number {
    return OBJECT_BYTES[this.type];
  }

  /** Answers HANDLE_BASIC and HANDLE_COUNT. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    return this.commonInfo(topic, rights);
  }

  protected onLastHandle(): void {
    this.freeRecord();
  }
}
