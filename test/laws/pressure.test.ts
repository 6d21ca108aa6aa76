/**
 * A system that is nearly full, for many operations, with the watchdog, eviction, compression,
 * ageing and the zero-page scanner on. Nothing that was written is lost, every invariant holds,
 * physical memory by state adds up, and the same seed gives the same state.
 *
 * `npm test` does sixty thousand operations, `npm run test:long` a million.
 */
import t from 'tap';
import { FrameState } from '../../src/core/core.js';
import { VmoLockState } from '../../src/objects/discardable.js';
import { PagerCommand } from '../../src/objects/pager-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { System } from '../../src/system.js';
import { P, statusOf } from '../objects/support.js';
import { runs } from '../support/long.js';

const MEMORY_PAGES = 1024;
const FULL = 0.95;
const VMO_PAGES = 64;
const VMOS_MOST = 40;
const STEPS = runs(60_000, 1_000_000);
const LOOK_EVERY = runs(2000, 10_000);
const MILLISECOND_NS = 1_000_000;
const ZERO = 0;

/** A page of a value: text that compresses for most, noise for some, nothing for 0. */
const pageOf = (value: number): Uint8Array => {
  const page = new Uint8Array(P);
  if (value === ZERO) return page;
  let state = value;
  for (let i = 0; i < P; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    page[i] = value % 5 === 0 ? state >>> 24 : (i >> 5) * value;
  }
  return page;
};
const PAGES = Array.from({ length: 64 }, (_, value) => pageOf(value));

/** A VMO, and what it has to read. */
interface Known {
  readonly vmo: Vmo;
  readonly kind: 'plain' | 'cache' | 'file';
  readonly values: number[];
  locked: boolean;
}

class Soak {
  readonly system = System.boot({
    memoryBytes: MEMORY_PAGES * P, variant: 'debug',
    pressure: {
      oomBytes: 4 * P, imminentDeltaBytes: 4 * P, criticalBytes: 16 * P, warningBytes: 24 * P,
      debounceBytes: 4 * P, hysteresisSeconds: 1, compression: true, oomBehavior: 'jobkill',
    },
    ageing: { rotateSeconds: 1, zeroScansPerSecond: 1000 },
  });
  readonly known: Known[] = [];
  readonly seen = new Map<string, number>();
  #state: number;
  #files = 0;
  readonly #fileVmos: Vmo[] = [];
  readonly #pager = this.system.createPager((request) => {
    if (request.command !== PagerCommand.READ) return;
    const file = this.#fileVmos[Number(request.key)] as Vmo;
    for (let at = request.offset; at < request.offset + request.length; at += BigInt(P)) {
      const aux = this.system.createVmo(P);
      try {
        aux.write(0, PAGES[this.fileValue(Number(request.key), Number(at) / P)] as Uint8Array);
        this.#pager.supplyPages(file, at, P, aux, 0);
      } finally {
        aux.close();
      }
    }
  });

  constructor(seed: number) {
    this.#state = seed;
    this.system.watchdog.observe(({ what }) => {
      this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
    });
    const job = this.system.rootJob.createJob('marked');
    job.setKillOnOom(true);
  }

  fileValue(file: number, page: number): number {
    return 1 + (file * 7 + page) % 60;
  }

  /** A number below `most`, drawn from the seed. */
  draw(most: number): number {
    this.#state = Math.imul(this.#state, 1664525) + 1013904223 | 0;
    return (this.#state >>> 8) % most;
  }

  /** Does something that memory may be refused to; whether it was done. */
  try(work: () => unknown): boolean {
    const status = statusOf(work);
    if (status === 'ZX_OK') return true;
    // a page that is taken as soon as its pager has brought it, again and again, times out
    if (status !== 'ZX_ERR_NO_MEMORY' && status !== 'ZX_ERR_TIMED_OUT') throw new Error(status);
    this.seen.set('refused', (this.seen.get('refused') ?? 0) + 1);
    return false;
  }

  make(): void {
    const { system } = this;
    const values = Array<number>(VMO_PAGES).fill(ZERO);
    const kind = (['plain', 'plain', 'plain', 'cache', 'file'] as const)[this.draw(5)]!;
    this.try(() => {
      if (kind === 'file') {
        const file = this.#files++;
        const vmo = this.#pager.createVmo(VMO_PAGES * P, 0, { key: file });
        this.#fileVmos[file] = vmo;
        values.forEach((_, page) => { values[page] = this.fileValue(file, page); });
        this.known.push({ vmo, kind, values, locked: false });
        return;
      }
      const vmo = system.createVmo(VMO_PAGES * P, kind === 'cache' ? VmoOption.DISCARDABLE : 0);
      if (kind === 'cache') vmo.opRange(VmoOp.TRY_LOCK, 0, VMO_PAGES * P);
      this.known.push({ vmo, kind, values, locked: kind === 'cache' });
    });
  }

  /** Whether what a VMO reads is known: an unlocked cache may be gone. */
  isCertain({ kind, locked }: Known): boolean {
    return kind !== 'cache' || locked;
  }

  check(one: Known, page: number): void {
    if (!this.isCertain(one)) return;
    let data: Uint8Array | undefined;
    if (!this.try(() => { data = one.vmo.read(page * P, P); })) return;
    if (Buffer.compare(data as Uint8Array, PAGES[one.values[page]!] as Uint8Array) !== 0) {
      throw new Error(`a ${one.kind} VMO reads wrong in page ${page}`);
    }
  }

  lock(one: Known): void {
    const state = new VmoLockState();
    if (one.locked) one.vmo.opRange(VmoOp.UNLOCK, 0, VMO_PAGES * P);
    else {
      one.vmo.opRange(VmoOp.LOCK, 0, VMO_PAGES * P, state);
      if (state.discardedSize > 0n) one.values.fill(ZERO);
    }
    one.locked = !one.locked;
  }

  step(): void {
    const { system } = this;
    const full = system.core.freePages < MEMORY_PAGES * (1 - FULL);
    if (this.known.length < 3 || (!full && this.known.length < VMOS_MOST && this.draw(8) === 0)) {
      this.make();
      return;
    }
    const i = this.draw(this.known.length);
    const one = this.known[i] as Known;
    const page = this.draw(VMO_PAGES);
    const value = this.draw(PAGES.length);
    const op = this.draw(20);
    if (op < 8 && one.kind !== 'file' && this.isCertain(one)) {
      if (this.try(() => { one.vmo.write(page * P, PAGES[value] as Uint8Array); })) {
        one.values[page] = value;
      }
    } else if (op < 13) this.check(one, page);
    else if (op === 13 && one.kind === 'cache') this.lock(one);
    else if (op === 14 && one.kind === 'plain' && this.known.length < VMOS_MOST) {
      this.try(() => {
        const vmo = one.vmo.createChild(VmoChild.SNAPSHOT, 0, VMO_PAGES * P);
        this.known.push({ vmo, kind: 'plain', values: [...one.values], locked: false });
      });
    } else if (op === 15 && one.kind === 'plain') {
      const end = Math.min(VMO_PAGES, page + 4);
      if (this.try(() => { one.vmo.opRange(VmoOp.ZERO, page * P, (end - page) * P); })) {
        one.values.fill(ZERO, page, end);
      }
    } else if (op === 16 && this.draw(10) === 0) {
      one.vmo.close();
      this.known.splice(i, 1);
    } else system.advance(this.draw(200) * MILLISECOND_NS);
  }

  /** Every invariant, and physical memory by state recounted. */
  look(): void {
    const { core } = this.system;
    const broken = core.audit();
    if (broken.length > 0) throw new Error(broken.join('; '));
    const all: readonly number[] = Object.values(FrameState);
    const sum = all.reduce((pages, state) => pages + core.pagesInState(state), 0);
    const kmem = this.system.kernelMemory();
    const named = kmem.freeBytes + kmem.freeLoanedBytes + kmem.wiredBytes + kmem.totalHeapBytes
      + kmem.vmoBytes + kmem.mmuOverheadBytes + kmem.ipcBytes + kmem.otherBytes;
    if (sum !== MEMORY_PAGES || named !== kmem.totalBytes) {
      throw new Error(`${sum} pages, ${named} bytes`);
    }
  }
}

/** One run: its digest at the end, and what the watchdog did. */
const soak = (seed: number) => {
  const world = new Soak(seed);
  let [most, inUse] = [0, 0];
  for (let i = 1; i <= STEPS; i++) {
    world.step();
    const used = MEMORY_PAGES - world.system.core.freePages;
    most = Math.max(most, used);
    inUse += used;
    if (i % LOOK_EVERY === 0) world.look();
  }
  for (const one of world.known) one.values.forEach((_, page) => { world.check(one, page); });
  world.look();
  const usual = inUse / STEPS / MEMORY_PAGES;
  return { digest: world.system.core.digest(), seen: world.seen, most, usual };
};

t.test('a full system with reclaim on loses nothing', async (t) => {
  const first = soak(1);
  t.ok(first.most >= MEMORY_PAGES * FULL, `${first.most} of ${MEMORY_PAGES} pages were in use`);
  for (const what of ['level', 'evict', 'compress']) t.ok(first.seen.get(what), what);
  t.comment(`${(first.usual * 100).toFixed(1)} % in use on average`, [...first.seen].join(' '));
  t.equal(soak(1).digest, first.digest, 'the same seed, the same state');
});
