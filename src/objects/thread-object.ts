/**
 * The thread itself: a state in a process. What it runs is not simulated; the host program says
 * what it does.
 *
 * I1. new -> running <-> blocked, suspended, in an exception -> dying -> dead; a dying thread only
 *     dies, a dead one stays dead and is no longer in its process.
 * I2. A thread lives until it or its process ends, whether or not anybody holds a handle to it; but
 *     one that was never started goes with its last handle.
 * I3. The end of the last thread that was started is the end of the process.
 */

import { fail } from './errors.js';
import { Topic, type InfoByTopic } from './info.js';
import type { Koid } from './koid.js';
import { KernelObject, ObjectType, type NameOptions } from './object.js';
import type { ProcessObject } from './process-object.js';
import { Signal } from './signals.js';

/** States of a thread (`ZX_THREAD_STATE_*`). */
export const ThreadState = {
  /** Never started. */ NEW: 0,
  /** Runs, or could. */ RUNNING: 1,
  /** Stopped by somebody who looks at it. */ SUSPENDED: 2,
  /** Waits. */ BLOCKED: 3,
  /** Is about to end. */ DYING: 4,
  /** Ended. */ DEAD: 5,
} as const;
/** A state of a thread. */
export type ThreadState = (typeof ThreadState)[keyof typeof ThreadState];

/** What a thread waits for, as ZX_THREAD_STATE_BLOCKED_* tell it above BLOCKED's byte. */
export const BlockedOn = {
  /** Nobody said. */ UNKNOWN: 0,
  /** Whoever handles its exception. */ EXCEPTION: 1,
  /** A time. */ SLEEPING: 2,
  /** A futex. */ FUTEX: 3,
  /** A packet of a port. */ PORT: 4,
  /** A reply by a channel. */ CHANNEL: 5,
  /** A signal of one object. */ WAIT_ONE: 6,
  /** Signals of several. */ WAIT_MANY: 7,
  /** An interrupt. */ INTERRUPT: 8,
  /** A pager's page. */ PAGER: 9,
} as const;
/** What a thread waits for. */
export type BlockedOn = (typeof BlockedOn)[keyof typeof BlockedOn];

/** Who is asked about an exception (`ZX_EXCEPTION_CHANNEL_TYPE_*`). */
export const ExceptionChannel = {
  /** No exception. */ NONE: 0,
  /** The process's debugger. */ DEBUGGER: 1,
  /** The thread's own handler. */ THREAD: 2,
  /** The process's. */ PROCESS: 3,
  /** The job's. */ JOB: 4,
  /** The job's debugger. */ JOB_DEBUGGER: 5,
} as const;
/** Who is asked about an exception. */
export type ExceptionChannel = (typeof ExceptionChannel)[keyof typeof ExceptionChannel];

const REASON_SHIFT = 8;

/** A thread. */
export class ThreadObject extends KernelObject {
  /** The process it belongs to. */
  readonly process: ProcessObject;
  #started = false;
  #ended = false;
  #dying = false;
  #blockedOn: BlockedOn | undefined;
  #exception: ExceptionChannel = ExceptionChannel.NONE;
  #suspensions = 0;

  /**
   * @param process - the process it belongs to
   * @param options - name and koid
   */
  constructor(process: ProcessObject, options: NameOptions) {
    super(process.system, ObjectType.THREAD, options);
    this.process = process;
    process.threads.add(this);
  }

  /** One of {@link ThreadState}. */
  get state(): ThreadState {
    if (this.#ended) return ThreadState.DEAD;
    if (!this.#started) return ThreadState.NEW;
    if (this.#dying) return ThreadState.DYING;
    if (this.#exception !== ExceptionChannel.NONE) return ThreadState.BLOCKED;
    if (this.#suspensions > 0) return ThreadState.SUSPENDED;
    return this.#blockedOn === undefined ? ThreadState.RUNNING : ThreadState.BLOCKED;
  }

  /** Who is asked about the exception that it waits in; NONE for none. */
  get exception(): ExceptionChannel {
    return this.#exception;
  }

  /** The state as ZX_INFO_THREAD has it: of one that waits, with what for. */
  get infoState(): number {
    const { state } = this;
    if (state !== ThreadState.BLOCKED) return state;
    const isException = this.#exception !== ExceptionChannel.NONE;
    const reason = isException ? BlockedOn.EXCEPTION : this.#blockedOn ?? BlockedOn.UNKNOWN;
    return reason << REASON_SHIFT | state;
  }

  /** TERMINATED, RUNNING, SUSPENDED. */
  protected override get stateSignals(): number {
    if (this.#ended) return Signal.TERMINATED;
    if (this.#suspensions > 0) return this.#started ? Signal.SUSPENDED : 0;
    return this.#started ? Signal.RUNNING : 0;
  }

  /** Koid of its process. */
  override get relatedKoid(): Koid {
    return this.process.koid;
  }

  /** Lets it run. */
  start(): void {
    this.#expect(!this.#started && !this.#ended, 'new');
    this.#started = true;
    this.process.startedThreads += 1;
  }

  /** Says what it waits for; undefined: it goes on. */
  setBlocked(on: BlockedOn | undefined): void {
    this.#expectLife();
    this.#blockedOn = on;
  }

  /** It waits until somebody has handled its exception. */
  raiseException(channel: ExceptionChannel): void {
    const { RUNNING, DYING } = ThreadState;
    const { state } = this;
    const isFree = this.#exception === ExceptionChannel.NONE;
    this.#expect(isFree && (state === RUNNING || state === DYING), 'running or dying');
    this.#exception = channel;
    this.system.counters.raised += 1;
  }

  /** Its exception was handled: it goes on. */
  handleException(): void {
    this.#expect(this.#exception !== ExceptionChannel.NONE, 'in an exception');
    this.#exception = ExceptionChannel.NONE;
  }

  /** Stops it once more. */
  suspend(): void {
    this.#expect(!this.#ended && !this.#dying, 'neither dying nor dead');
    this.#suspensions += 1;
  }

  /** Takes one `suspend` back. */
  resume(): void {
    this.#expect(!this.#ended && this.#suspensions > 0, 'suspended');
    this.#suspensions -= 1;
  }

  /** It begins to end: there is no way back. */
  beginExit(): void {
    this.#expectLife();
    this.#dying = true;
    this.#blockedOn = undefined;
    this.#suspensions = 0;
  }

  /** Ends it from inside. */
  exit(): void {
    this.#expect(this.#started && !this.#ended, 'started and not dead');
    this.end();
    if (this.process.startedThreads === 0) this.process.end(0);
  }

  /** Takes it out of its process: it or the process ends. */
  end(): void {
    this.#ended = true;
    this.#exception = ExceptionChannel.NONE;
    if (this.#started) this.process.startedThreads -= 1;
    this.process.threads.delete(this);
    if (this.handleCount === 0) this.freeRecord();
  }

  /** Answers HANDLE_BASIC, HANDLE_COUNT and THREAD. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    if (topic !== Topic.THREAD) return this.commonInfo(topic, rights);
    const { infoState: state, exception: waitExceptionChannelType } = this;
    return { state, waitExceptionChannelType } as InfoByTopic[T];
  }

  protected onLastHandle(): void {
    if (this.#ended) this.freeRecord();
    else if (!this.#started) this.end();
  }

  /** Refuses one that does not live: new, dying or dead, and one that an exception stops. */
  #expectLife(): void {
    const lives = this.#started && !this.#dying && !this.#ended;
    this.#expect(lives && this.#exception === ExceptionChannel.NONE,
      'started, in no exception, neither dying nor dead');
  }

  #expect(fine: boolean, expected: string): void {
    if (fine) return;
    const { koid, state } = this;
    const name = Object.entries(ThreadState).find(([, number]) => number === state)?.[0] ?? '';
    fail('ZX_ERR_BAD_STATE', `thread ${koid} is ${name}: expected ${expected}`, { koid, state });
  }
}
