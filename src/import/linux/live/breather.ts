/**
 * Lets other work have its turn during a long scan, so that an interrupt is heard.
 */

import { setImmediate as turn } from 'node:timers/promises';

const BREATH_MS = 20;

/** Lets other work run now and then, and stops when the user does not want to go on. */
export class Breather {
  private lastMs = performance.now();

  /** @param signal - aborts the scan */
  constructor(private readonly signal?: AbortSignal) {}

  /** A good moment for other work. */
  async breathe(): Promise<void> {
    if (performance.now() - this.lastMs < BREATH_MS) return;
    await turn();
    this.signal?.throwIfAborted();
    this.lastMs = performance.now();
  }
}
