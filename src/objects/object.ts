/**
 * What all kernel objects have: a koid, a name, a count of handles.
 *
 * I1. A koid never changes and is never given again; 0 is an object that no user ever held.
 * I2. Its record is in the kernel's heap until neither a handle nor the system needs it.
 * I3. Names have at most `system.nameLimitBytes` bytes of UTF-8 (31 on Zircon) and no NUL; longer
 *     ones are cut without a word, as the kernel cuts them.
 */

import { NO_KOID, type Koid } from './koid.js';
import { Topic, type InfoByTopic } from './info.js';
import { USER_SIGNALS } from './signals.js';
import type { KernelSystem } from './system.js';
import { toOptions, toText } from './units.js';

/** Kinds of objects (`zx_obj_type_t`). */
export const ObjectType = {
  /** ZX_OBJ_TYPE_PROCESS. */
  PROCESS: 1,
  /** ZX_OBJ_TYPE_THREAD. */
  THREAD: 2,
  /** ZX_OBJ_TYPE_VMO. */
  VMO: 3,
  /** ZX_OBJ_TYPE_CHANNEL. */
  CHANNEL: 4,
  /** ZX_OBJ_TYPE_EVENT. */
  EVENT: 5,
  /** ZX_OBJ_TYPE_PORT. */
  PORT: 6,
  /** ZX_OBJ_TYPE_SOCKET. */
  SOCKET: 14,
  /** ZX_OBJ_TYPE_EVENTPAIR. */
  EVENTPAIR: 16,
  /** ZX_OBJ_TYPE_JOB. */
  JOB: 17,
  /** ZX_OBJ_TYPE_VMAR. */
  VMAR: 18,
  /** ZX_OBJ_TYPE_FIFO. */
  FIFO: 19,
  /** ZX_OBJ_TYPE_TIMER. */
  TIMER: 22,
  /** ZX_OBJ_TYPE_PAGER. */
  PAGER: 28,
} as const;
/** A kind of object. */
export type ObjectType = (typeof ObjectType)[keyof typeof ObjectType];

/**
 * Heap bytes of an object of each type (`kernel-heap.ts`).
 *
 * @internal
 */
export const OBJECT_BYTES: Readonly<Record<ObjectType, number>> = {
  [ObjectType.PROCESS]: 1536,
  [ObjectType.THREAD]: 2048,
  [ObjectType.VMO]: 384,
  [ObjectType.CHANNEL]: 256,
  [ObjectType.EVENT]: 96,
  [ObjectType.PORT]: 192,
  [ObjectType.SOCKET]: 320,
  [ObjectType.EVENTPAIR]: 128,
  [ObjectType.JOB]: 512,
  [ObjectType.VMAR]: 256,
  [ObjectType.FIFO]: 192,
  [ObjectType.TIMER]: 160,
  [ObjectType.PAGER]: 256,
};

/** How a builder names an object. */
export interface NameOptions {
  /** The object's name; empty if left out. */
  readonly name?: string;
  /** A koid that was never given; 0 for an object that no user ever holds; else the next one. */
  readonly koid?: number;
}

/** A kernel object. Programs hold handles to it; views and passes read it. */
export abstract class KernelObject {
  /** The system it belongs to. */
  readonly system: KernelSystem;
  /** What it is. */
  readonly type: ObjectType;
  /** Its number. */
  readonly koid: Koid;
  #name: string;
  #handleCount = 0;
  #hasRecord = true;
  #setSignals = 0;

  /**
   * @param system - the system it belongs to
   * @param type - what it is
   * @param options - a builder's name and koid
   */
  constructor(system: KernelSystem, type: ObjectType, options: NameOptions = {}) {
    this.system = system;
    this.type = type;
    this.koid = takeKoid(system, options.koid);
    this.#name = cutName(options.name ?? '', system.nameLimitBytes);
    system.heap.take(OBJECT_BYTES[type]);
  }

  /** Its name. Untrusted text. */
  get name(): string {
    return this.#name;
  }

  /** Renames it; see I3. */
  rename(name: string): void {
    this.#name = cutName(name, this.system.nameLimitBytes);
  }

  /** Open handles to it. */
  get handleCount(): number {
    return this.#handleCount;
  }

  /** Counts a new handle. */
  addHandle(): void {
    this.#handleCount += 1;
  }

  /** Counts a handle that was closed. */
  dropHandle(): void {
    this.#handleCount -= 1;
    if (this.#handleCount === 0) this.onLastHandle();
  }

  /** Gives its record back to the kernel's heap: nothing but a program's memory knows it now. */
  protected freeRecord(): void {
    if (!this.#hasRecord) return;
    this.#hasRecord = false;
    this.system.heap.give(OBJECT_BYTES[this.type]);
  }

  /** Asserted signals, bits of `Signal`: what was set, and what its state says. */
  get signals(): number {
    return (this.#setSignals | this.stateSignals) >>> 0;
  }

  /** Signals that follow from its state. */
  protected get stateSignals(): number {
    return 0;
  }

  /** Signals that programs may set and clear. */
  get settableSignals(): number {
    return USER_SIGNALS;
  }

  /** Clears signals, then sets some. */
  setSignals(clear: number, set: number): void {
    this.#setSignals = ((this.#setSignals & ~clear) | set) >>> 0;
  }

  /**
   * Kernel memory of an object that programs reach only by handles, bytes: its record, and what
   * waits in it. 0 for what tables account in another way.
   */
  get heldBytes(): number {
    return 0;
  }

  /** Koid of the related object (a process's job, a VMO's none), 0 for none. */
  get relatedKoid(): Koid {
    return NO_KOID;
  }

  /** Answers a topic of `getInfo`; undefined if it does not fit this type. */
  abstract info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined;

  /** Answers the topics that every object knows; undefined for any other. */
  protected commonInfo<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    const { koid, type, relatedKoid } = this;
    if (topic === Topic.HANDLE_COUNT) return this.handleCount as InfoByTopic[T];
    if (topic !== Topic.HANDLE_BASIC) return undefined;
    return { koid, rights, type, relatedKoid } as unknown as InfoByTopic[T];
  }

  /** What happens when nobody holds a handle any more. */
  protected abstract onLastHandle(): void;
}

/**
 * Refuses a koid that a builder cannot name, before anything is made for the object.
 *
 * @param system - the system
 * @param koid - the koid; undefined and 0 are fine
 */
export function checkKoid(system: KernelSystem, koid: number | undefined): void {
  if (koid !== undefined && koid !== 0) system.koids.checkFree(koid);
}

/**
 * Refuses what a builder cannot name an object, before anything is made for it.
 *
 * @param system - the system
 * @param options - a name and a koid, each of which may be missing
 */
export function checkNames(system: KernelSystem, options: NameOptions): void {
  const { name, koid } = toOptions(options);
  if (name !== undefined) toText(name, 'name');
  checkKoid(system, koid);
}

function takeKoid(system: KernelSystem, koid: number | undefined): Koid {
  if (koid === undefined) return system.koids.next();
  return koid === 0 ? NO_KOID : system.koids.name(koid);
}

function cutName(name: string, limitBytes: number): string {
  const end = name.indexOf('\0');
  const whole = end < 0 ? name : name.slice(0, end);
  if (whole.length * 3 <= limitBytes) return whole;
  let bytes = 0;
  let kept = '';
  for (const letter of whole) {
    bytes += Buffer.byteLength(letter);
    if (bytes > limitBytes) break;
    kept += letter;
  }
  return kept;
}
