/**
 * A system beside the model of reclaim: one operation is done on both, and then they must agree.
 */
import { ReclaimModel } from '../model/reclaim.js';
import {
  Access, type Pager, PagerCommand, PagerOp, type PageRequest, type Pin, type Process, type System,
  type Vmo, VmoChild, VmoLockState, VmoOp, VmOption, VmoOption, ZxError, newSystem,
} from '../support/api.js';
import { FrameState } from '../../src/core/core.js';
import { KernelDoor } from '../../src/objects/kernel-door.js';

const PAGE = 4096;

/** One operation; what its numbers mean depends on the kind. */
export interface ReclaimOp {
  readonly kind: (typeof KINDS)[number];
  readonly page: number;
  readonly pages: number;
  readonly value: number;
}

/** Kinds of operations. */
export const KINDS = [
  'read', 'write', 'pin', 'unpin', 'writeback', 'need', 'notNeed', 'rotate', 'evict', 'evictAll',
  'evictRange', 'put', 'get', 'touch', 'snapshot', 'close', 'scan', 'fill', 'lock', 'compress',
  'time', 'lend', 'recall', 'relet',
] as const;

/** Kinds of operations where a contiguous VMO lends its pages out; pins end that, so few are. */
export const LOAN_KINDS: readonly (typeof KINDS)[number][] = [
  ...KINDS, ...KINDS, ...KINDS,
].filter((kind, i) => kind !== 'pin' || i < KINDS.length).concat(
  Array.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 'recall' : i % 8 === 0 ? 'relet' : 'lend')));

/** How large a world is. */
export interface WorldSize {
  readonly physicalPages: number;
  readonly filePages: number;
  readonly vmoPages: number;
  /** Free pages that are kept by eviction, 0 for none. */
  readonly keepFree: number;
  readonly variant: 'release' | 'debug';
  /** Pages of the contiguous VMO that lends them, 0 for none. */
  readonly lenderPages: number;
}

const wordOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
const bytesOf = (word: number): Uint8Array => new Uint8Array(Uint32Array.of(word).buffer);

const isNoMemory = (error: unknown): boolean =>
  error instanceof ZxError && error.status === 'ZX_ERR_NO_MEMORY';

/** The system under test and the model. */
export class ReclaimWorld {
  readonly system: System;
  readonly model: ReclaimModel;
  /** Operations refused for want of memory. */
  refusals = 0;
  readonly #size: WorldSize;
  readonly #door: KernelDoor;
  readonly #process: Process;
  readonly #pager: Pager;
  readonly #file: Vmo;
  readonly #scratch: Vmo;
  readonly #vmos: Vmo[];
  #lender: Vmo | undefined;
  readonly #places: bigint[] = [];
  readonly #pins: { page: number; pin: Pin }[] = [];
  #seconds = 0;
  #supplied: number[] = [];

  constructor(size: WorldSize) {
    this.#size = size;
    this.system = newSystem(size.physicalPages, size.variant);
    this.#door = new KernelDoor(this.system);
    this.model = new ReclaimModel(size.filePages);
    this.#process = this.system.rootJob.createProcess('user');
    this.#pager = this.system.createPager((request) => this.#serve(request));
    this.#file = this.#pager.createVmo(size.filePages * PAGE);
    this.#scratch = this.system.createVmo(size.vmoPages * PAGE, VmoOption.DISCARDABLE);
    this.#scratch.opRange(VmoOp.TRY_LOCK, 0, size.vmoPages * PAGE);
    this.#vmos = [this.system.createVmo(size.vmoPages * PAGE)];
    this.#map(this.#vmos[0]!);
    if (size.lenderPages > 0) this.#relet();
  }

  /** Does an operation on both; what is wrong then, nothing if all is well. */
  step(op: ReclaimOp): string[] {
    this.#supplied = [];
    try {
      const wrong = this.#do(op);
      const { keepFree } = this.#size;
      const free = this.system.core.freePages;
      if (free < keepFree) this.#evict(keepFree - free, true);
      return wrong;
    } catch (error) {
      if (!isNoMemory(error)) throw error;
      this.refusals += 1;
      // what the pager supplied before the refusal is there
      for (const page of this.#supplied) this.model.use(page);
      return [];
    }
  }

  /** The queue of every page of the pager's VMO, and whether the counts cover all pages. */
  wrongQueues(): string[] {
    const wrong = [...this.system.core.audit()];
    const { queues } = this.system;
    for (let page = 0; page < this.#size.filePages; page++) {
      const place = queues.placeOf(this.#file, page * PAGE);
      const got = place === undefined ? 'none'
        : place.index === undefined ? place.queue : `${place.queue} ${place.index}`;
      const wanted = this.model.placeOf(page);
      if (got !== wanted) wrong.push(`page ${page} stands in ${got}, model ${wanted}`);
      const isLodged = this.#isLodged(page);
      if (isLodged !== this.model.loans.lodged.has(page)) {
        wrong.push(`page ${page}: ${isLodged ? '' : 'not '}in a frame on loan`);
      }
    }
    const { loanedPages } = this.system.loans;
    const { lent } = this.model.loans;
    if (loanedPages !== lent.size) wrong.push(`${loanedPages} are lent, model ${lent.size}`);
    return wrong;
  }

  /** What every VMO reads. Pages that were compressed take memory to be read: it is made first. */
  wrongContents(): string[] {
    const wrong: string[] = [];
    this.#evict(this.#size.physicalPages, true);
    this.#vmos.forEach((vmo, i) => {
      for (let page = 0; page < this.#size.vmoPages; page++) {
        try {
          wrong.push(...this.#differs(vmo, page, this.model.vmos[i]!.get(page) ?? 0, `VMO ${i}`));
        } catch (error) {
          if (!isNoMemory(error)) throw error;
          this.refusals += 1;
        }
      }
    });
    if (this.#lender !== undefined) wrong.push(...this.#recall(0, Infinity, 0));
    for (const page of this.model.file.keys()) {
      wrong.push(...this.#differs(this.#file, page, this.model.fileWords[page]!, 'file'));
      this.model.use(page);
    }
    return wrong;
  }

  #differs(vmo: Vmo, page: number, wanted: number, name: string): string[] {
    const got = wordOf(vmo.read(page * PAGE, 4));
    return got === wanted ? [] : [`${name} page ${page} reads ${got}, model ${wanted}`];
  }

  #do(op: ReclaimOp): string[] {
    const { model, system } = this;
    const { filePages, vmoPages } = this.#size;
    const page = op.page % filePages;
    const at = op.page % vmoPages;
    const i = op.value % this.#vmos.length;
    const vmo = this.#vmos[i]!;
    const words = model.vmos[i]!;
    switch (op.kind) {
      case 'read': return this.#readFile(page);
      case 'write':
        this.#file.write(page * PAGE, bytesOf(op.value));
        model.writeFile(page, op.value);
        return [];
      case 'pin':
        this.#pins.push({ page, pin: this.#file.pin(page * PAGE, PAGE) });
        model.pin(page);
        return [];
      case 'unpin': return this.#unpin(op.page);
      case 'writeback': return this.#writeback();
      case 'need': case 'notNeed': return this.#hint(page, op.pages, op.kind === 'need');
      case 'rotate':
        system.queues.rotate();
        model.rotate();
        return [];
      case 'evict': return this.#evict(op.pages, false);
      case 'evictAll': return this.#evict(op.pages, true);
      case 'evictRange': {
        const pages = Math.min(op.pages, filePages - page);
        const gone = system.evictPages(this.#file, page * PAGE, pages * PAGE);
        const wanted = model.evictRange(page, pages);
        return gone === wanted ? [] : [`${gone} pages went, model ${wanted}`];
      }
      case 'put':
        vmo.write(at * PAGE, bytesOf(op.value & 1 ? op.value : 0));
        words.set(at, op.value & 1 ? op.value : 0);
        return [];
      case 'get': return this.#differs(vmo, at, words.get(at) ?? 0, `VMO ${i}`);
      case 'touch': {
        const pages = Math.min(1 + op.pages, vmoPages - at);
        this.#process.touch(this.#places[i]! + BigInt(at * PAGE), pages * PAGE, Access.WRITE);
        return [];
      }
      case 'snapshot': return this.#snapshot(vmo, words);
      case 'close': return this.#close(i);
      case 'scan':
        system.reclaim.scanZeroPages(op.pages, { untouchedToo: op.page % 2 === 0 });
        return [];
      case 'fill': return this.#fill(at);
      case 'lock': return this.#lock();
      case 'compress':
        system.reclaim.compress(vmo, at * PAGE, Math.min(op.pages, vmoPages - at) * PAGE);
        return [];
      case 'time': return this.#time(op.pages % 12);
      case 'lend': return this.#lend(op.page, 1 + op.pages);
      case 'recall': return this.#starved(op.value >> 8, () =>
        this.#recall(op.page, 1 + op.pages % 6, op.value));
      case 'relet': return this.#relet();
    }
  }

  #serve({ command, offset, length }: PageRequest): void {
    if (command !== PagerCommand.READ) return;
    const aux = this.system.createVmo(length);
    const first = Number(offset) / PAGE;
    try {
      for (let i = 0; i < Number(length) / PAGE; i++) {
        aux.write(i * PAGE, bytesOf(this.model.disk[first + i]!));
      }
      this.#pager.supplyPages(this.#file, offset, length, aux);
      for (let i = 0; i < Number(length) / PAGE; i++) this.#supplied.push(first + i);
    } finally {
      aux.close();
    }
  }

  #map(vmo: Vmo): void {
    const { PERM_READ, PERM_WRITE } = VmOption;
    const bytes = this.#size.vmoPages * PAGE;
    this.#places.push(this.#process.rootVmar.map(PERM_READ | PERM_WRITE, 0, vmo, 0, bytes));
  }

  #readFile(page: number): string[] {
    const wrong = this.#differs(this.#file, page, this.model.fileWords[page]!, 'file');
    this.model.use(page);
    return wrong;
  }

  #unpin(index: number): string[] {
    const held = this.#pins.splice(index % (this.#pins.length || 1), 1)[0];
    held?.pin.unpin();
    if (held !== undefined) this.model.unpin(held.page);
    return [];
  }

  #writeback(): string[] {
    const bytes = this.#size.filePages * PAGE;
    this.#pager.opRange(PagerOp.WRITEBACK_BEGIN, this.#file, 0, bytes);
    this.#pager.opRange(PagerOp.WRITEBACK_END, this.#file, 0, bytes);
    this.model.writeback();
    return [];
  }

  #hint(page: number, wanted: number, isNeeded: boolean): string[] {
    const pages = Math.min(wanted, this.#size.filePages - page);
    const op = isNeeded ? VmoOp.ALWAYS_NEED : VmoOp.DONT_NEED;
    this.#file.opRange(op, page * PAGE, pages * PAGE);
    this.model.hint(page, pages, isNeeded, (at) => !this.#isLodged(at));
    return [];
  }

  #evict(pages: number, ignoreHints: boolean): string[] {
    const got = this.system.reclaim.evict(pages, { ignoreHints });
    const wanted = this.model.evict(pages, ignoreHints);
    if (got.pagerPages === wanted.file && got.discardablePages === wanted.scratch) return [];
    const went = `${got.pagerPages}+${got.discardablePages}`;
    return [`${went} went, model ${wanted.file}+${wanted.scratch}`];
  }

  #snapshot(vmo: Vmo, words: Map<number, number>): string[] {
    if (this.#vmos.length >= 5) return [];
    const child = vmo.createChild(VmoChild.SNAPSHOT, 0, this.#size.vmoPages * PAGE);
    try {
      this.#map(child);
    } catch (error) {
      child.close();
      throw error;
    }
    this.#vmos.push(child);
    this.model.vmos.push(new Map(words));
    return [];
  }

  #close(i: number): string[] {
    if (this.#vmos.length === 1) return [];
    const bytes = this.#size.vmoPages * PAGE;
    this.#process.rootVmar.unmap(this.#places.splice(i, 1)[0]!, bytes);
    this.#vmos.splice(i, 1)[0]!.close();
    this.model.vmos.splice(i, 1);
    return [];
  }

  #fill(page: number): string[] {
    if (this.model.discarded) return [];
    this.#scratch.opRange(VmoOp.COMMIT, page * PAGE, PAGE);
    this.model.scratch.add(page);
    return [];
  }

  #lock(): string[] {
    const { model } = this;
    const bytes = this.#size.vmoPages * PAGE;
    if (model.locked) this.#scratch.opRange(VmoOp.UNLOCK, 0, bytes);
    else {
      const state = new VmoLockState();
      this.#scratch.opRange(VmoOp.LOCK, 0, bytes, state);
      const lost = state.discardedSize > 0n;
      if (lost !== model.discarded) return [`discarded ${lost}, model ${model.discarded}`];
      model.discarded = false;
    }
    model.locked = !model.locked;
    return [];
  }

  #isLodged(page: number): boolean {
    const { core } = this.system;
    const { tree } = this.#file.object;
    const frame = core.vmoFrame(tree.ref, page);
    return frame !== 0 && core.isBorrowed(frame);
  }

  #lend(from: number, wanted: number): string[] {
    const { lenderPages } = this.#size;
    if (this.#lender === undefined) return [];
    const first = from % lenderPages;
    const pages = Math.min(wanted, lenderPages - first);
    this.#lender.opRange(VmoOp.DECOMMIT, first * PAGE, pages * PAGE);
    this.model.loans.lend(first, pages);
    return [];
  }

  /** Does something with at most three free frames, every other time. */
  #starved(value: number, work: () => string[]): string[] {
    const { core } = this.system;
    const taken = value % 2 === 0 ? Math.max(0, core.freePages - value % 8 / 2) : 0;
    core.allocStatePages(FrameState.SLAB, taken);
    try {
      return work();
    } finally {
      core.freeStatePages(FrameState.SLAB, taken);
    }
  }

  /** Takes pages back: by reading, writing, committing or pinning them. */
  #recall(from: number, wanted: number, value: number): string[] {
    const { lenderPages } = this.#size;
    const lender = this.#lender;
    if (lender === undefined) return [];
    const first = from % lenderPages;
    const pages = Math.min(wanted, lenderPages - first);
    this.model.recall(first, pages, this.system.core.freePages);
    const { words } = this.model.loans;
    if (value % 4 === 1) {
      const bytes = new Uint8Array(pages * PAGE);
      for (let i = 0; i < pages; i++) bytes.set(bytesOf(value), i * PAGE);
      lender.write(first * PAGE, bytes);
      for (let i = 0; i < pages; i++) words.set(first + i, value);
    } else if (value % 4 === 2) lender.opRange(VmoOp.COMMIT, first * PAGE, pages * PAGE);
    else if (value % 4 === 3) lender.pin(first * PAGE, pages * PAGE).unpin();
    else {
      const bytes = lender.read(first * PAGE, pages * PAGE);
      return Array.from({ length: pages }, (_, i) => first + i).flatMap((page, i) => {
        const [got, want] = [wordOf(bytes.subarray(i * PAGE)), words.get(page) ?? 0];
        return got === want ? [] : [`lender page ${page} reads ${got}, model ${want}`];
      });
    }
    return [];
  }

  /** The lender goes, and another one comes if a run of frames is free. */
  #relet(): string[] {
    this.system.pageLoaning = true;
    this.#lender?.close();
    this.#lender = undefined;
    this.model.loans.end();
    this.#lender = this.system.createContiguousVmo(this.#size.lenderPages * PAGE);
    return [];
  }

  /** Some seconds go by: each fifth one is a rotation. */
  #time(seconds: number): string[] {
    for (let i = 0; i < seconds; i++) {
      this.#seconds += 1;
      if (this.#seconds % 5 === 0) this.model.rotate();
    }
    this.#door.passTime(this.#seconds * 1_000_000_000);
    return [];
  }
}
