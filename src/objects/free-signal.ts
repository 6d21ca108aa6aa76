/**
 * The free-memory signal of the physical memory manager (memory-semantics 6.3): says once that the
 * number of free pages has left a window, and from when on allocations that can wait have to.
 *
 * I1. It fires once for each time it is armed; the level for allocations that can wait stays.
 */

/** A window of free pages to be watched. */
export interface FreeWindow {
  /** Fewer than so many free pages fire it. */ readonly lowerPages: number;
  /** More than so many fire it; Infinity for never. */ readonly upperPages: number;
  /** Below so many, allocations that can wait are told to. */ readonly delayPages?: number;
}

/** The signal. */
export class FreeSignal {
  #window: FreeWindow | undefined;
  #delayPages = 0; // outlives the window: only arming anew changes it
  #shouldWait = false;
  readonly #fire: () => void;

  /** @param fire - what it does when the window is left */
  constructor(fire: () => void) {
    this.#fire = fire;
  }

  /** Whether allocations that can wait have to: until the signal is armed anew. */
  get shouldWait(): boolean {
    return this.#shouldWait;
  }

  /** Whether it is armed. */
  get isArmed(): boolean {
    return this.#window !== undefined;
  }

  /**
   * Arms it.
   *
   * @param freePages - free pages now
   * @returns false, with nothing changed, where they lie outside of the window already
   */
  arm(window: FreeWindow, freePages: number): boolean {
    if (isOutside(window, freePages)) return false;
    this.#window = window;
    this.#delayPages = window.delayPages ?? 0;
    this.#shouldWait = freePages < this.#delayPages;
    return true;
  }

  /** Looks at the free pages after they have changed. */
  look(freePages: number): void {
    if (freePages < this.#delayPages) this.#shouldWait = true;
    const window = this.#window;
    if (window === undefined || !isOutside(window, freePages)) return;
    this.#window = undefined;
    this.#fire();
  }
}

function isOutside({ lowerPages, upperPages }: FreeWindow, freePages: number): boolean {
  return freePages < lowerPages || freePages > upperPages;
}
