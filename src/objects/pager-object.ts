/**
 * A pager: who fills VMOs, and the requests that wait for it.
 *
 * I1. With a handler, READ and DIRTY go to it at once and COMPLETE right after the call that caused
 *     it. Without one, all wait in the queue in the order they were made.
 * I2. A pager that nobody holds is asked nothing more: its VMOs keep the pages they have.
 */

import { fail } from './errors.js';
import type { InfoByTopic, Topic } from './info.js';
import { KernelObject, ObjectType, type NameOptions } from './object.js';
import type { PageSource, WaitingRequest } from './page-source.js';
import { PagerCommand, type PageRequest, type PagerHandler } from './pager-options.js';
import type { KernelSystem } from './system.js';

/** A pager. */
export class PagerObject extends KernelObject {
  /** What answers requests; undefined where the program reads the queue. */
  readonly handler: PagerHandler | undefined;
  /** Its living VMOs. */
  readonly sources = new Set<PageSource>();
  #queue: (WaitingRequest | PageRequest)[] = [];
  #isAnswering = false;
  #isClosed = false;

  /**
   * @param system - the system it belongs to
   * @param handler - answers requests
   * @param options - name and koid
   */
  constructor(system: KernelSystem, handler: PagerHandler | undefined, options: NameOptions) {
    super(system, ObjectType.PAGER, options);
    this.handler = handler;
  }

  /** Whether the handler is at work. */
  get isAnswering(): boolean {
    return this.#isAnswering;
  }

  /** Has the handler answer a request. */
  answer(request: PageRequest): void {
    const { command, key, offset, length } = request;
    this.#isAnswering = true;
    try {
      this.handler?.({ command, key, offset, length });
    } finally {
      this.#isAnswering = false;
    }
  }

  /** Lets a request wait for whoever reads the queue. */
  queue(request: WaitingRequest): void {
    this.#queue.push(request);
  }

  /** Takes a request back that nobody needs any more. */
  dequeue(request: WaitingRequest): void {
    this.#queue = this.#queue.filter((other) => other !== request);
  }

  /** Takes the requests back that were failed before anybody read them. */
  dropFailed(): void {
    this.#queue = this.#queue.filter((other) => !('failure' in other) || other.failure === 0);
  }

  /** Says that nothing more will be asked for a VMO. */
  complete(source: PageSource): void {
    if (this.#isClosed) return;
    const { key } = source;
    this.#queue.push({ command: PagerCommand.COMPLETE, key, offset: 0n, length: 0n });
    if (this.handler !== undefined) queueMicrotask(() => this.#tell());
  }

  /**
   * Takes the request that waits longest.
   *
   * @throws ZxError ZX_ERR_SHOULD_WAIT if there is none
   */
  next(): PageRequest {
    const first = this.#queue.shift();
    if (first === undefined) return fail('ZX_ERR_SHOULD_WAIT', 'no page request waits');
    const { command, key, offset, length } = first;
    return { command, key, offset, length };
  }

  /** Answers what every object answers. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    return this.commonInfo(topic, rights);
  }

  protected onLastHandle(): void {
    this.#isClosed = true;
    for (const source of this.sources) source.detach();
    this.sources.clear();
    this.#queue = [];
    this.freeRecord();
  }

  /** Hands the handler a notice that nobody has read meanwhile. */
  #tell(): void {
    const first = this.#queue.shift();
    if (first !== undefined) this.answer(first);
  }
}
