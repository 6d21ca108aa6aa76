/**
 * Where the pages of a pager's VMO come from: the requests that its accesses make, and what became
 * of them. The VMO's clones ask here too.
 *
 * I1. A request waits until none of its pages needs it any more, the pager failed it, or the VMO
 *     lost its pager. An access makes none for pages that a waiting one begins with or covers.
 * I2. While a handler is answering, its pager cannot be asked again: that would wait for ever, so
 *     the access fails with ZX_ERR_TIMED_OUT, as Zircon's do in the end.
 * I3. `tree` is the root of the family; it never changes, and dies after all that look through it.
 */

import type { PagedNeed } from '../core/paged.js';
import { PagedUse } from '../core/paged.js';
import { fail } from './errors.js';
import type { PageTree } from './page-tree.js';
import type { PagerObject } from './pager-object.js';
import { PagerCommand, type PageRequest } from './pager-options.js';
import { statusName } from './status.js';
import { toBytes } from './units.js';

/** A request that waits for its answer. */
export interface WaitingRequest extends PageRequest {
  /** First page of the root. */ readonly page: number;
  /** Number of pages. */ readonly pages: number;
  /** Whose it is. */ readonly source: PageSource;
  /** Status the pager failed it with, 0 for none. */ failure: number;
}

/** The pages of one VMO that a pager made. */
export class PageSource {
  /** The pager. */
  readonly pager: PagerObject;
  /** What requests call the VMO. */
  readonly key: bigint;
  /** Whether the pager wants to hear of first writes (TRAP_DIRTY). */
  readonly trapsDirty: boolean;
  /** Whether the VMO was written since somebody reset that. */
  isModified = false;
  readonly #tree: PageTree;
  #isDetached = false;
  #waiting: WaitingRequest[] = [];

  /**
   * @param pager - the pager
   * @param tree - the VMO's own pages
   * @param key - what requests call the VMO
   * @param trapsDirty - whether first writes are asked for
   */
  constructor(pager: PagerObject, tree: PageTree, key: bigint, trapsDirty: boolean) {
    this.pager = pager;
    this.key = key;
    this.trapsDirty = trapsDirty;
    this.#tree = tree;
  }

  /** Whether nothing can be asked for any more. */
  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** Whether a tree is the VMO's own, not a clone's. */
  isRoot(tree: PageTree): boolean {
    return tree === this.#tree;
  }

  /**
   * Asks the pager for pages. Returns once it has answered; whether the answer helps is for the
   * caller to see.
   *
   * @throws ZxError ZX_ERR_BAD_STATE without a pager, ZX_ERR_SHOULD_WAIT where no handler answers
   *     (then the request waits), ZX_ERR_TIMED_OUT for a handler that asks itself, or the status
   *     that the pager failed the request with
   */
  ask(need: PagedNeed): void {
    const { pager } = this;
    pager.system.assertNotBusy();
    const details = { page: need.rootPage, pages: need.pages, key: this.key };
    const what = `pages ${need.rootPage}+${need.pages} of the VMO with key ${this.key}`;
    if (this.#isDetached) fail('ZX_ERR_BAD_STATE', `${what}: no pager is attached`, details);
    const request = this.#request(need);
    if (pager.handler === undefined) this.#wait(request, what);
    if (pager.isAnswering) {
      fail('ZX_ERR_TIMED_OUT', `${what}: the pager's own handler asks for them`, details);
    }
    this.#waiting.push(request);
    try {
      pager.answer(request);
    } finally {
      this.#forget(request);
    }
    this.#refuseFailed(request, what);
  }

  /** Requests that begin with these pages, or wait for one of them next, fail. */
  fail(page: number, pages: number, status: number): void {
    for (const request of this.#waiting) {
      const next = this.#nextOf(request);
      if (next !== undefined && next >= page && next < page + pages) request.failure = status;
    }
    this.pager.dropFailed();
  }

  /** Forgets the requests that nobody needs any more: something was supplied, zeroed, cut off. */
  settle(): void {
    for (const request of this.#waiting) {
      if (this.#nextOf(request) === undefined) this.#forget(request);
    }
  }

  /** Zeroing or a new size changed the VMO. */
  noteChange(): void {
    this.isModified = true;
    this.settle();
  }

  /** Nothing can be asked for from now on; requests that wait are dropped. */
  detach(): void {
    this.#isDetached = true;
    for (const request of this.#waiting) this.#forget(request);
  }

  /** The last that looked through the tree is gone. */
  end(): void {
    if (!this.#isDetached) this.pager.complete(this);
    this.detach();
    this.pager.sources.delete(this);
  }

  #request(need: PagedNeed): WaitingRequest {
    const { rootPage: page, pages } = need;
    const command = need.isDirty ? PagerCommand.DIRTY : PagerCommand.READ;
    const offset = toBytes(page);
    const length = toBytes(pages);
    return { command, key: this.key, offset, length, page, pages, source: this, failure: 0 };
  }

  /** Lets a request wait where no handler answers, but for what others already wait for. */
  #wait(request: WaitingRequest, what: string): never {
    const { page, pages, command } = request;
    const same = this.#waiting.filter((other) => other.command === command);
    const covers = same.find((other) => other.page <= page && page < other.page + other.pages);
    if (covers === undefined) {
      const ends = same.map((other) => other.page).filter((at) => at > page);
      const cut = Math.min(page + pages, ...ends) - page;
      const made = { ...request, pages: cut, length: toBytes(cut) };
      this.#waiting.push(made);
      this.pager.queue(made);
    } else if (covers.failure !== 0) {
      this.#forget(covers);
      this.#refuseFailed(covers, what);
    }
    return fail('ZX_ERR_SHOULD_WAIT', `${what}: the pager was asked`, { page, pages });
  }

  #refuseFailed(request: WaitingRequest, what: string): void {
    if (request.failure === 0) return;
    const { page, pages } = request;
    fail(statusName(request.failure), `${what}: the pager failed the request`, { page, pages });
  }

  /** The first page that a request still waits for. */
  #nextOf(request: WaitingRequest): number | undefined {
    const use = request.command === PagerCommand.READ ? PagedUse.READ : PagedUse.WRITE;
    const { core } = this.pager.system;
    const { page, pages } = request;
    return core.pagedNeed(this.#tree.ref, page, pages, use, this.trapsDirty)?.page;
  }

  #forget(request: WaitingRequest): void {
    this.#waiting = this.#waiting.filter((other) => other !== request);
    this.pager.dequeue(request);
  }
}
