/**
 * Handles: what programs hold of kernel objects.
 *
 * I1. Every call goes through `look` (reads) or `change` (may change the system), which count it as
 *     a system call: first the system must not be busy, then the handle open, then it must have the
 *     rights. Nothing else comes before. What is no call by itself goes
 *     through `see` and `use`.
 * I2. A handle is owned by the host program (no owner, value 0) or by one process's table.
 * I3. Values of a table have their two lowest bits set and are not used twice.
 */

import { fail } from './errors.js';
import { INFO_RIGHTS, topicName, type InfoByTopic, type Topic } from './info.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import type { Koid } from './koid.js';
import type { KernelObject } from './object.js';
import type { ProcessObject } from './process-object.js';
import { Right, SAME_RIGHTS, rightNames } from './rights.js';
import type { KernelSystem } from './system.js';
import { refuse, toBits, toText } from './units.js';

/** A handle: an object, and what may be done with it. */
export abstract class Handle<T extends KernelObject = KernelObject> {
  readonly #object: T;
  readonly #rights: number;
  #owner: ProcessObject | undefined;
  #value = 0;
  #open = true;

  /**
   * @param object - what it refers to
   * @param rights - bits of {@link Right}
   */
  constructor(object: T, rights: number) {
    this.#object = object;
    this.#rights = rights >>> 0;
    object.system.heap.take(HANDLE_BYTES);
    object.addHandle();
    object.system.handleArena.take();
  }

  /**
   * The object itself, for views, passes and builders; programs use the methods.
   *
   * @internal
   */
  get object(): T {
    return this.#object;
  }

  /** Rights, bits of {@link Right}. */
  get rights(): number {
    return this.#rights;
  }

  /** Number in its owner's table, 0 for the host program's. */
  get value(): number {
    return this.#value;
  }

  /**
   * The process that owns it; undefined for the host program.
   *
   * @internal
   */
  get owner(): ProcessObject | undefined {
    return this.#owner;
  }

  /** False once it was closed or replaced. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Koid of the object. */
  get koid(): Koid {
    return this.#object.koid;
  }

  /** Name of the object (ZX_PROP_NAME; needs GET_PROPERTY). */
  get name(): string {
    return this.look(Right.GET_PROPERTY).name;
  }

  /**
   * Renames the object (needs SET_PROPERTY). Cut to 31 bytes, as the kernel does.
   *
   * @param name - the new name
   */
  setName(name: string): void {
    this.change(Right.SET_PROPERTY).rename(toText(name, 'name'));
  }

  /** Asserted signals: bits of `Signal`, for VMOs of `VmoSignal`. */
  get signals(): number {
    return this.look(0).signals;
  }

  /**
   * Clears signals of the object, then sets some (`zx_object_signal`; needs SIGNAL).
   *
   * @param clear - bits that programs may set on this kind of object
   * @param set - the same
   * @throws ZxError ZX_ERR_INVALID_ARGS for other bits
   */
  signal(clear: number, set: number): void {
    const object = this.change(Right.SIGNAL);
    checkSignals(object, clear, set);
    object.setSignals(clear, set);
  }

  /**
   * Asks about the object (`zx_object_get_info`).
   *
   * @param topic - one of `Topic`
   * @throws ZxError ZX_ERR_WRONG_TYPE if the topic does not fit the object
   */
  getInfo<K extends Topic>(topic: K): InfoByTopic[K] {
    toBits(topic, 'topic');
    const needed = INFO_RIGHTS[topic] ?? fail('ZX_ERR_NOT_SUPPORTED', `topic ${topic}`, { topic });
    const object = this.look(needed);
    const answer = object.info(topic, this.#rights);
    if (answer === undefined) {
      fail('ZX_ERR_WRONG_TYPE', `topic ${topicName(topic)} on object ${object.koid}`, {
        topic,
        koid: object.koid,
      });
    }
    return answer;
  }

  /**
   * A second handle to the object, with the same owner (needs DUPLICATE).
   *
   * @param rights - a subset of this handle's, or `SAME_RIGHTS`
   * @throws ZxError ZX_ERR_ACCESS_DENIED without DUPLICATE, ZX_ERR_NO_MEMORY, ZX_ERR_INVALID_ARGS
   *     for rights it lacks
   */
  duplicate(rights: number = SAME_RIGHTS): this {
    const { heap } = this.change(Right.DUPLICATE).system;
    const subset = this.#subset(rights);
    const copy = heap.hold(HANDLE_BYTES, () => this.remake(subset) as this);
    this.#owner?.handles.insert(copy);
    return copy;
  }

  /**
   * Exchanges this handle for one with fewer rights, and closes this one.
   *
   * @param rights - a subset of this handle's, or `SAME_RIGHTS`
   * @throws ZxError ZX_ERR_INVALID_ARGS for rights it lacks
   */
  replace(rights: number): this {
    this.change(0);
    return this.exchange(this.#subset(rights));
  }

  /** Closes the handle. What nobody holds any more dies. */
  close(): void {
    this.change(0);
    this.retire();
  }

  /**
   * Takes it out of its owner's table, into a message. For this layer only.
   *
   * @internal
   */
  pack(): void {
    this.#owner?.handles.forget(this);
    this.settle(undefined, 0);
    this.#open = false;
  }

  /**
   * Takes it out of a message, into a table or the host program's hands. For this layer only.
   *
   * @internal
   */
  unpack(owner: ProcessObject | undefined): void {
    this.#open = true;
    owner?.handles.insert(this);
  }

  /** Refuses a handle that is closed or cannot be passed on (needs TRANSFER). */
  assertTransfers(): void {
    this.use(Right.TRANSFER);
  }

  /** The object, if the handle is open and has these rights. For calls that change nothing. */
  protected look(rights: number): T {
    this.#object.system.counters.calls += 1;
    return this.see(rights);
  }

  /** The same for what is no system call, or a part of one. */
  protected see(rights: number): T {
    if (!this.#open) fail('ZX_ERR_BAD_HANDLE', `handle to object ${this.koid} is closed`);
    if ((this.#rights & rights) !== rights) {
      const missing = rightNames(rights & ~this.#rights).join('|');
      fail('ZX_ERR_ACCESS_DENIED', `handle to object ${this.koid} lacks ${missing}`, {
        rights: this.#rights,
        neededRights: rights,
      });
    }
    return this.#object;
  }

  /** The same for calls that may change the system. */
  protected change(rights: number): T {
    this.#object.system.assertNotBusy();
    return this.look(rights);
  }

  /** As `change`, for what is no system call, or a part of one. */
  protected use(rights: number): T {
    this.#object.system.assertNotBusy();
    return this.see(rights);
  }

  /** Puts a handle with other rights in this one's place. */
  protected exchange(rights: number): this {
    const { heap } = this.#object.system;
    const next = heap.hold(HANDLE_BYTES, () => this.remake(rights) as this);
    const owner = this.#owner;
    this.retire();
    owner?.handles.insert(next);
    return next;
  }

  /** A new handle of this class to the same object. */
  protected abstract remake(rights: number): Handle<T>;

  /** Takes the handle out of use; its owner's table forgets it. For this layer only. */
  retire(): void {
    this.#open = false;
    this.#owner?.handles.forget(this);
    this.#owner = undefined;
    this.#object.system.heap.give(HANDLE_BYTES);
    this.#object.system.handleArena.give();
    this.#object.dropHandle();
  }

  /** Notes the table that the handle stands in now. For `HandleTable` only. */
  settle(owner: ProcessObject | undefined, value: number): void {
    this.#owner = owner;
    this.#value = value;
  }

  #subset(rights: number): number {
    toBits(rights, 'rights');
    if (rights === SAME_RIGHTS) return this.#rights;
    if ((rights & ~this.#rights) !== 0) {
      const extra = rightNames(rights & ~this.#rights).join('|');
      fail('ZX_ERR_INVALID_ARGS', `handle to object ${this.koid} cannot gain ${extra}`, {
        rights,
        allowedRights: this.#rights,
      });
    }
    return rights;
  }
}

/**
 * Opens a handle to an object that is there: by one of a system's own parts, not by a call.
 *
 * @param system - the object's system
 * @param make - makes the handle
 * @throws ZxError ZX_ERR_SHOULD_WAIT while a pass runs, ZX_ERR_NO_MEMORY; then nothing was made
 */
export function openHandle<H extends Handle>(system: KernelSystem, make: () => H): H {
  system.assertNotBusy();
  return system.heap.hold(HANDLE_BYTES, make);
}

/**
 * Does something with a handle that is closed afterwards, whatever comes of it.
 *
 * @param handle - owned by nobody else
 * @param work - what to do
 * @returns what `work` returns
 */
export function using<H extends Handle, R>(handle: H, work: (handle: H) => R): R {
  try {
    return work(handle);
  } finally {
    handle.close();
  }
}

/**
 * Refuses signals that programs may not set.
 *
 * @param object - the object whose they are
 * @param clear - what is to be cleared
 * @param set - what is to be set
 */
export function checkSignals(object: KernelObject, clear: number, set: number): void {
  const allowed = object.settableSignals;
  const bits = (toBits(clear, 'clear') | toBits(set, 'set')) >>> 0;
  if ((bits & ~allowed) === 0) return;
  fail('ZX_ERR_INVALID_ARGS', `signals ${bits}: allowed ${allowed}`, {
    signals: bits, allowedSignals: allowed,
  });
}

/**
 * A handle that a call takes as an argument: of the class it needs, in the system it works on.
 *
 * @param value - what the program gave
 * @param kind - the class of handles that is needed
 * @param name - the argument's name, for the message
 * @param system - the system of the object that the call works on
 * @throws ZxError ZX_ERR_BAD_HANDLE for what is no handle, ZX_ERR_WRONG_TYPE for one to another
 *     kind of object, ZX_ERR_INVALID_ARGS for one of another system
 */
export function toHandle<H extends Handle>(
  value: H, kind: abstract new (...args: never[]) => H, name: string, system: KernelSystem,
): H {
  const given: unknown = value;
  if (!(given instanceof Handle)) refuse(given, name, 'a handle', 'ZX_ERR_BAD_HANDLE');
  const { koid } = given;
  if (!(given instanceof kind)) {
    fail('ZX_ERR_WRONG_TYPE', `${name}: object ${koid} is of another type`, { koid });
  }
  if (value.object.system !== system) {
    fail('ZX_ERR_INVALID_ARGS', `${name}: object ${koid} belongs to another system`, { koid });
  }
  return value;
}
