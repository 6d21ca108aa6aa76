/**
 * What a row asks of either side: the Wasm core in this process, or its C counterpart in a child.
 * Handles are opaque; every timed call returns nanoseconds.
 */

/** What both sides must agree on after each phase, or they did not do the same work. */
export interface MachineState {
  readonly freeFrames: number;
  readonly objectFrames: number;
  readonly tableFrames: number;
  readonly framesEverUsed: number;
  readonly nodes: number;
  readonly tables: number;
}

export const READ = 1;
export const WRITE = 2;

/** Operations that rows are made of. */
export interface Machine {
  /** An empty system; `hostBytes` of its memory are touched beforehand. */
  boot(physicalPages: number, hostBytes: number): Promise<void>;
  /** The same system empty again, in the same memory. Not after an accounting pass. */
  reset(): Promise<void>;
  /** The permutation that shuffled ranges follow. */
  order(n: number, seed: number): Promise<void>;
  vmo(pages: number): Promise<number>;
  aspace(): Promise<number>;
  /** Maps a VMO from its first page on, readable and writable. */
  map(aspace: number, vmo: number, basePages: number, pages: number): Promise<number>;
  snapshot(vmo: number): Promise<number>;
  drop(vmo: number): Promise<void>;
  destroy(aspace: number): Promise<void>;
  commit(vmo: number, page: number, pages: number): Promise<void>;
  /** Children of a VMO with `own` pages written each, in a row or anywhere. */
  forks(vmo: number, count: number, own: number, scattered: boolean, seed: number): Promise<void>;
  state(): Promise<MachineState>;
  /** Faults on all pages, `length` at a time, in order or shuffled: ns. */
  faults(
    aspace: number, basePages: number, pages: number, length: number, access: number,
    isShuffled: boolean,
  ): Promise<number>;
}
