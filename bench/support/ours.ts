/**
 * The core as rows drive it: through its door (`src/core`) and, where calls are many, its raw
 * exports, as `Core` itself calls them.
 */
import { Core } from '../../src/core/core.js';
import type { AspaceRef, VmoRef } from '../../src/core/core.js';
import { layoutNumber } from './layout.js';
import type { Machine, MachineState } from './machine.js';
import { Random, shuffled } from './random.js';

const PAGE_BYTES = 4096;
const WASM_PAGE_BYTES = 65536;
const READ_WRITE = 3;
const POOLS = layoutNumber('H_POOLS');
const POOL_BYTES = layoutNumber('POOL_BYTES');
const P_LIVE = layoutNumber('P_LIVE');
const POOL_TABLE = layoutNumber('POOL_TABLE');
const POOL_NODE = layoutNumber('POOL_NODE');
const HEIGHT_MAX = layoutNumber('HEIGHT_MAX');

/** Nanoseconds that something takes. */
export function timed(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

/** A core whose host memory has been touched up to `hostBytes`. */
export function bootCore(physicalPages: number, hostBytes: number): Core {
  const core = Core.create({ physicalPages });
  if (typeof core === 'number') throw new Error(`no core of ${physicalPages} pages`);
  const have = core.memory.buffer.byteLength;
  const want = Math.ceil(hostBytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
  if (want > have) core.memory.grow((want - have) / WASM_PAGE_BYTES);
  const bytes = core.u8;
  for (let at = core.hostBytesUsed; at < bytes.length; at += PAGE_BYTES) bytes[at] = 0;
  for (let at = 0; at < core.hostBytesUsed; at += PAGE_BYTES) bytes[at] = bytes[at] as number;
  return core;
}

/** Throws on a status below 0. */
export function good<T extends number>(result: T | number): T {
  if (result < 0) throw new Error(`the core answered ${result}`);
  return result as T;
}

/** The core as one side of a comparison. */
export class OurMachine implements Machine {
  #core: Core | undefined;
  #order: Uint32Array = new Uint32Array(0);

  /** The core, once booted. */
  get core(): Core {
    if (this.#core === undefined) throw new Error('not booted');
    return this.#core;
  }

  async boot(physicalPages: number, hostBytes: number): Promise<void> {
    this.#core = bootCore(physicalPages, hostBytes);
  }
  async reset(): Promise<void> {
    const { raw, hostBytesMax, physicalPages } = this.core;
    good(raw.boot(physicalPages, hostBytesMax / WASM_PAGE_BYTES));
  }
  async order(n: number, seed: number): Promise<void> { this.#order = shuffled(n, seed); }
  async vmo(pages: number): Promise<number> { return good(this.core.vmoCreate(0, pages)); }
  async aspace(): Promise<number> { return good(this.core.aspaceCreate()); }
  async map(aspace: number, vmo: number, basePages: number, pages: number): Promise<number> {
    const [a, v] = [aspace as AspaceRef, vmo as VmoRef];
    return good(this.core.map(a, v, basePages, pages, 0, READ_WRITE));
  }
  async snapshot(vmo: number): Promise<number> {
    return good(this.core.vmoSnapshot(vmo as VmoRef, 0, this.core.vmoSizePages(vmo as VmoRef)));
  }
  async drop(vmo: number): Promise<void> { this.core.vmoRelease(vmo as VmoRef); }
  async destroy(aspace: number): Promise<void> { this.core.aspaceDestroy(aspace as AspaceRef); }
  async commit(vmo: number, page: number, pages: number): Promise<void> {
    good(this.core.vmoCommit(vmo as VmoRef, page, pages));
  }

  async forks(
    vmo: number, count: number, own: number, scattered: boolean, seed: number,
  ): Promise<void> {
    makeForks(this.core, vmo as VmoRef, count, own, scattered, seed);
  }

  async state(): Promise<MachineState> {
    const { core } = this;
    const live = (pool: number): number =>
      core.u32[(POOLS + pool * POOL_BYTES + P_LIVE) >>> 2] as number;
    let nodes = 0;
    for (let h = 1; h <= HEIGHT_MAX; h++) nodes += live(POOL_NODE + h);
    return {
      freeFrames: core.freePages, objectFrames: core.pagesInState(4),
      tableFrames: core.pagesInState(5), framesEverUsed: core.framesUsed, nodes,
      tables: live(POOL_TABLE),
    };
  }

  async faults(
    aspace: number, basePages: number, pages: number, length: number, access: number,
    isShuffled: boolean,
  ): Promise<number> {
    const { core } = this;
    const ref = aspace as AspaceRef;
    const order = this.#order;
    const ranges = pages / length;
    if (isShuffled) {
      const firsts = Float64Array.from(order, (range) => basePages + range * length);
      return timed(() => good(core.faultEach(ref, firsts, length, access).status));
    }
    return timed(() => {
      for (let i = 0; i < ranges; i++) {
        good(core.faultRange(ref, basePages + i * length, length, access));
      }
    });
  }
}

/** Children of a VMO, each with `own` pages written: in a row, or anywhere. Their refs. */
export function makeForks(
  core: Core, vmo: VmoRef, count: number, own: number, scattered: boolean, seed: number,
): VmoRef[] {
  const random = new Random(seed);
  const pages = core.vmoSizePages(vmo);
  return Array.from({ length: count }, () => {
    const child = good<VmoRef>(core.vmoSnapshot(vmo, 0, pages));
    if (!scattered) good(core.vmoCommit(child, random.next() % (pages - own), own));
    else for (let i = 0; i < own; i++) good(core.vmoCommit(child, random.next() % pages, 1));
    return child;
  });
}
