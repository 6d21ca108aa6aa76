/**
 * Zircon's share count of a VMO: how many address spaces map it.
 *
 * Below two mappings it is 1, also for none. Only 64 distinct address spaces are followed; on
 * meeting the 65th the kernel adds (mappings not yet visited) * count div (mappings visited) and
 * stops (VmObject::share_count).
 */

import type { VmoObject } from '../objects/vmo-object.js';

const FOLLOWED = 64;

/** Counts address spaces by VMO, mapping by mapping. */
export class ShareCounter {
  readonly #total: Uint32Array;
  readonly #visited: Uint32Array;
  readonly #count: Uint32Array;
  readonly #done: Uint8Array;
  readonly #last: Int32Array;
  readonly #seen = new Map<number, Set<number>>();

  /** @param vmos - the VMO rows */
  constructor(vmos: readonly VmoObject[]) {
    this.#total = Uint32Array.from(vmos, (vmo) => vmo.numMappings);
    this.#visited = new Uint32Array(vmos.length);
    this.#count = new Uint32Array(vmos.length);
    this.#done = new Uint8Array(vmos.length);
    this.#last = new Int32Array(vmos.length).fill(-1);
  }

  /** Takes a mapping of a VMO row by a process into account. */
  add(vmo: number, process: number): void {
    if (this.#done[vmo] === 1) return;
    const visited = this.#visited[vmo] as number;
    const count = this.#count[vmo] as number;
    if (!this.#isNew(vmo, process)) {
      this.#visited[vmo] = visited + 1;
      return;
    }
    if (count === FOLLOWED) {
      const left = (this.#total[vmo] as number) - visited;
      this.#count[vmo] = count + Math.floor((left * count) / visited);
      this.#done[vmo] = 1;
      return;
    }
    this.#count[vmo] = count + 1;
    this.#visited[vmo] = visited + 1;
  }

  /** The share count of every VMO row. */
  counts(): Uint32Array {
    return this.#count.map((count, vmo) => ((this.#total[vmo] as number) < 2
      ? 1 : Math.max(1, count)));
  }

  /** Processes come one after another, so a repeat is the last one or was met before. */
  #isNew(vmo: number, process: number): boolean {
    if (this.#last[vmo] === process) return false;
    this.#last[vmo] = process;
    let seen = this.#seen.get(vmo);
    if (seen === undefined) this.#seen.set(vmo, (seen = new Set()));
    if (seen.has(process)) return false;
    seen.add(process);
    return true;
  }
}
