/**
 * The thread itself: a state in a process. What it runs is not simulated; the host program says
 * what it does.
 *
 * I1. new -> running <-> blocked, suspended -> dead; a dead thread stays dead and is no longer in
 *     its process.
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

/** A thread. */
export class ThreadObject extends KernelObject {
  /** The process it belongs to. */
  readonly process: ProcessObject;
  #started = false;
  #ended = false;
  #blocked = false;
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
    if (this.#suspensions > 0) return ThreadState.SUSPENDED;
    return this.#blocked ? ThreadState.BLOCKED : ThreadState.RUNNING;
  }

  /** TERMINATED, RUNNING, SUSPENDED. */
  protected override get stateSignals(): number {
    const { RUNNING, SUSPENDED, BLOCKED, DEAD } = ThreadState;
    const { state } = this;
    const isRunning = state === RUNNING || state === BLOCKED;
    return (state === DEAD ? Signal.TERMINATED : 0)
      | (isRunning ? Signal.RUNNING : 0) | (state === SUSPENDED ? Signal.SUSPENDED : 0);
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

  /** Says whether it waits for something. */
  setBlocked(blocked: boolean): void {
    this.#expect(this.#started && !this.#ended, 'started and not dead');
    this.#blocked = blocked;
  }

  /** Stops it once more. */
  suspend(): void {
    this.#expect(!this.#ended, 'not dead');
    this.#suspensions += 1;
  }

  /** Takes one `suspend` back. */
  resume(): void {
    this.#expect(!this.#ended && this.#suspensions > 0, 'suspended');
    this.#suspensions -= 1;
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
    if (this.#started) this.process.startedThreads -= 1;
    this.process.threads.delete(this);
    if (this.handleCount === 0) this.freeRecord();
  }

  /** Answers HANDLE_BASIC, HANDLE_COUNT and THREAD. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    if (topic !== Topic.THREAD) return this.commonInfo(topic, rights);
    return { state: this.state } as InfoByTopic[T];
  }

  protected onLastHandle(): void {
    if (this.#ended) this.freeRecord();
    else if (!this.#started) this.end();
  }

  #expect(fine: boolean, expected: string): void {
    if (fine) return;
    const { koid, state } = this;
    const name = Object.entries(ThreadState).find(([, number]) => number === state)?.[0] ?? '';
    fail('ZX_ERR_BAD_STATE', `thread ${koid} is ${name}: expected ${expected}`, { koid, state });
  }
}
