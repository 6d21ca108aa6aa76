/**
 * A private physical memory manager: free pages, pages on loan, and the free-memory signal
 * (memory-semantics 6.2 to 6.4). A door for tests: what a system has of these it has in its core.
 *
 * Its loans are not the system's (assembly/loans.ts), and cannot be: here pages have no VMO, so a
 * loan that is cancelled waits for whoever borrowed the page to free it, and its pages count as not
 * free until the lender ends it. The system knows each borrower and has taken the page out of the
 * borrowed frame by the time the lender's access goes on: there is nothing in between to count.
 *
 * I1. A call that fails changed nothing; an allocation is whole or none.
 * I2. A page on loan is never among the normal free pages; a cancelled one goes to nobody, though
 *     it is free, until the loan ends.
 */

import { fail } from './errors.js';
import { FreeSignal, type FreeWindow } from './free-signal.js';

/** One page. */
export class PmmPage {
  /** Whether it is in nobody's use. */ isFree = true;
  /** Whether its owner has lent it. */ isLoaned = false;
  /** Whether its owner wants it back. */ isCancelled = false;
}

/** Pages by use. */
export interface PmmCounts {
  /** Free, not on loan. */ readonly free: number;
  /** On loan. */ readonly loaned: number;
  /** On loan, free to be borrowed. */ readonly loaned_free: number;
  /** On loan, wanted back. */ readonly loan_cancelled: number;
  /** On loan, borrowed or wanted back. */ readonly loaned_not_free: number;
}

/** A private manager of some free pages. */
export class PmmNode {
  readonly #pages: PmmPage[];
  #signalled = false;
  readonly #signal = new FreeSignal(() => { this.#signalled = true; });

  /** @param pages - how many, all free */
  constructor(pages: number) {
    this.#pages = Array.from({ length: pages }, () => new PmmPage());
  }

  /** Whether the free-memory signal has fired since `unsignal`. */
  get isSignalled(): boolean {
    return this.#signalled;
  }

  /** Pages by use. */
  get counts(): PmmCounts {
    const loaned = this.#pages.filter((page) => page.isLoaned);
    const borrowable = loaned.filter(isBorrowable);
    return {
      free: this.#pages.filter(isNormal).length, loaned: loaned.length,
      loaned_free: borrowable.length,
      loan_cancelled: loaned.filter((page) => page.isCancelled).length,
      loaned_not_free: loaned.length - borrowable.length,
    };
  }

  /**
   * Takes pages.
   *
   * @param canWait - then it is told to wait while memory is low
   * @throws ZxError ZX_ERR_SHOULD_WAIT, ZX_ERR_NO_MEMORY
   */
  alloc(count: number, canWait = false): PmmPage[] {
    if (canWait && this.#signal.shouldWait) {
      fail('ZX_ERR_SHOULD_WAIT', 'memory is low: wait until the signal is armed again');
    }
    const free = this.#pages.filter(isNormal);
    if (free.length < count) {
      fail('ZX_ERR_NO_MEMORY', `${count} pages: ${free.length} are free`, { count });
    }
    return this.#take(free, count);
  }

  /** Takes pages that are on loan. */
  allocLoaned(count: number): PmmPage[] {
    const free = this.#pages.filter(isBorrowable);
    if (free.length < count) {
      fail('ZX_ERR_NO_RESOURCES', `${count} loaned pages: ${free.length} are free`, { count });
    }
    return this.#take(free, count);
  }

  /** Gives pages back. */
  free(pages: readonly PmmPage[]): void {
    for (const page of pages) page.isFree = true;
    this.#look();
  }

  /** Lends pages that one has. */
  beginLoan(pages: readonly PmmPage[]): void {
    for (const page of pages) Object.assign(page, { isLoaned: true, isFree: true });
  }

  /** Wants lent pages back: they go to nobody from now on. */
  cancelLoan(pages: readonly PmmPage[]): void {
    for (const page of pages) page.isCancelled = true;
  }

  /** Takes lent pages back; they are their owner's again. */
  endLoan(pages: readonly PmmPage[]): PmmPage[] {
    for (const page of pages) {
      Object.assign(page, { isLoaned: false, isCancelled: false, isFree: false });
    }
    return [...pages];
  }

  /** Arms the signal; false where it would have fired. */
  setFreeMemorySignal(window: FreeWindow): boolean {
    return this.#signal.arm(window, this.counts.free);
  }

  /** Forgets that the signal fired. */
  unsignal(): void {
    this.#signalled = false;
  }

  #take(free: readonly PmmPage[], count: number): PmmPage[] {
    const taken = free.slice(0, count);
    for (const page of taken) page.isFree = false;
    this.#look();
    return taken;
  }

  #look(): void {
    this.#signal.look(this.counts.free);
  }
}

function isNormal(page: PmmPage): boolean {
  return page.isFree && !page.isLoaned;
}

function isBorrowable(page: PmmPage): boolean {
  return page.isFree && page.isLoaned && !page.isCancelled;
}
