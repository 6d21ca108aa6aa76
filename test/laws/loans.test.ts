/**
 * Pages on loan under programs that use mapped memory: a lender, a pager's file that borrows from
 * it and a clone of the file stand side by side, and accesses go over any of them, with memory to
 * spare or none. Every page reads what was written, a refused access changes nothing, and every
 * invariant holds after each step.
 */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { FrameState } from '../../src/core/core.js';
import { isLong, runs } from '../support/long.js';
import {
  Access, type Pager, PagerCommand, PagerOp, type PageRequest, type Process, type System, type Vmo,
  VmoChild, VmoOp, VmOption, ZxError, newSystem,
} from '../support/api.js';

const PAGE = 4096;
const EACH = 16; // pages of the lender, of the file, of the clone
const KINDS = [
  'read', 'write', 'touchRead', 'touchWrite', 'lend', 'commit', 'pin', 'writeback', 'evict', 'hog',
  'zero', 'need', 'harvest', 'use', 'borrow', 'borrow',
] as const;

interface Op {
  readonly kind: (typeof KINDS)[number];
  readonly page: number;
  readonly pages: number;
  readonly value: number;
}

const wordAt = (bytes: Uint8Array, page: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(page * PAGE, true);
const bytesOf = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

class World {
  readonly system: System;
  /** Pages that were in frames on loan after some step. */
  borrowed = 0;
  refused = 0;
  readonly #process: Process;
  readonly #pager: Pager;
  readonly #lender: Vmo;
  readonly #file: Vmo;
  readonly #clone: Vmo;
  readonly #base: bigint;
  #hogged = 0;
  readonly #disk = Array.from({ length: EACH }, (_, page) => page + 100);
  readonly #words = { lender: Array<number>(EACH).fill(0), file: [...this.#disk] };
  readonly #own = new Map<number, number>(); // pages that the clone has itself

  constructor(physicalPages: number) {
    this.system = newSystem(physicalPages, 'debug');
    this.system.pageLoaning = true;
    this.#process = this.system.rootJob.createProcess('p');
    this.#pager = this.system.createPager((request) => this.#serve(request));
    this.#lender = this.system.createContiguousVmo(EACH * PAGE);
    this.#file = this.#pager.createVmo(EACH * PAGE);
    this.#clone = this.#file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, EACH * PAGE);
    const vmar = this.#process.rootVmar;
    const options = VmOption.SPECIFIC | VmOption.PERM_READ | VmOption.PERM_WRITE;
    [this.#lender, this.#file, this.#clone].forEach((vmo, i) =>
      vmar.map(options, i * EACH * PAGE, vmo, 0, EACH * PAGE));
    this.#base = vmar.base;
  }

  step(op: Op): string[] {
    const { core } = this.system;
    let wrong: string[] = [];
    try {
      wrong = this.#do(op);
    } catch (error) {
      if (!(error instanceof ZxError) || error.status !== 'ZX_ERR_NO_MEMORY') throw error;
      this.refused++;
    }
    const { loanedPages, freePages, borrowedPages } = this.system.loans;
    this.borrowed += borrowedPages;
    if (loanedPages !== freePages + borrowedPages) wrong.push('loans do not add up');
    const states: readonly number[] = Object.values(FrameState);
    const sum = states.reduce((pages, state) => pages + core.pagesInState(state), 0);
    if (sum !== core.physicalPages) wrong.push(`${sum} pages by state`);
    return [...wrong, ...core.audit(), ...this.#differs()];
  }

  /** What the words of all pages are by the model. */
  #wanted(page: number): number {
    if (page < EACH) return this.#words.lender[page]!;
    const at = page % EACH;
    return (page < 2 * EACH ? undefined : this.#own.get(at)) ?? this.#words.file[at]!;
  }

  /** Pages that are there have the model's words: looked at without using them. */
  #differs(): string[] {
    const { core } = this.system;
    const wrong: string[] = [];
    [this.#lender, this.#file, this.#clone].forEach(({ object: { tree } }, i) => {
      for (let at = 0; at < EACH; at++) {
        const frame = core.vmoFrame(tree.ref, at);
        if (frame === 0) continue;
        core.raw.frameInfo(frame);
        const content = core.u32[(core.constants['H_OUT'] as number + 12) >>> 2]! << 12 >>> 0;
        const got = content === 0 ? 0 : core.u32[content >>> 2]!;
        const wanted = this.#wanted(i * EACH + at);
        if (got !== wanted) wrong.push(`page ${i * EACH + at} has ${got}, model ${wanted}`);
      }
    });
    return wrong;
  }

  #do({ kind, page: any, pages: many, value }: Op): string[] {
    const page = any % (3 * EACH);
    const pages = Math.min(many, 3 * EACH - page);
    const at = any % EACH;
    const count = Math.min(many, EACH - at);
    const address = this.#base + BigInt(page * PAGE);
    const file = this.#file;
    switch (kind) {
      case 'read': {
        const bytes = this.#process.read(address, pages * PAGE);
        return Array.from({ length: pages }, (_, i) => i).flatMap((i) =>
          wordAt(bytes, i) === this.#wanted(page + i) ? [] : [`page ${page + i} reads wrong`]);
      }
      case 'write': case 'touchWrite': {
        if (kind === 'write') this.#process.write(address, bytesOf(value));
        else this.#process.touch(address, pages * PAGE, Access.WRITE);
        for (let i = page; i < page + (kind === 'write' ? 1 : pages); i++) {
          this.#wrote(i, kind === 'write' ? value : this.#wanted(i));
        }
        break;
      }
      case 'touchRead': this.#process.touch(address, pages * PAGE, Access.READ); break;
      case 'lend':
        this.#lender.opRange(VmoOp.DECOMMIT, at * PAGE, count * PAGE);
        this.#words.lender.fill(0, at, at + count);
        break;
      case 'commit': this.#lender.opRange(VmoOp.COMMIT, at * PAGE, count * PAGE); break;
      case 'pin': this.#lender.pin(at * PAGE, count * PAGE).unpin(); break;
      case 'writeback': this.#writeback(); break;
      case 'evict': this.system.evictPages(file, at * PAGE, count * PAGE); break;
      case 'hog': this.#hog(value % 8); break;
      case 'zero':
        file.opRange(VmoOp.ZERO, at * PAGE, count * PAGE + (at + count < EACH ? 4 : 0));
        this.#words.file.fill(0, at, Math.min(EACH, at + count + 1));
        break;
      case 'need':
        file.opRange(value % 2 ? VmoOp.ALWAYS_NEED : VmoOp.DONT_NEED, at * PAGE, count * PAGE);
        break;
      case 'harvest':
        this.system.queues.rotate();
        this.system.queues.harvestAccessed();
        break;
      case 'use': this.#lender.write(at * PAGE, bytesOf(value));
        this.#words.lender[at] = value;
        break;
      case 'borrow': this.#writeback();
        this.#hog(99);
        this.system.evictPages(file, 0, EACH * PAGE, { ignoreHints: true });
        file.read(at * PAGE, count * PAGE);
        break;
    }
    return [];
  }

  #wrote(page: number, word: number): void {
    if (page < EACH) this.#words.lender[page] = word;
    else if (page < 2 * EACH) this.#words.file[page % EACH] = word;
    else this.#own.set(page % EACH, word);
  }

  /** Takes all free frames but some, or gives them back. */
  #hog(leave: number): void {
    const { core } = this.system;
    core.freeStatePages(FrameState.SLAB, this.#hogged);
    this.#hogged = this.#hogged > 0 ? 0 : Math.max(0, core.freePages - leave);
    core.allocStatePages(FrameState.SLAB, this.#hogged);
  }

  #writeback(): void {
    const { ranges } = this.#pager.queryDirtyRanges(this.#file, 0, EACH * PAGE);
    for (const { offset, length } of ranges) {
      this.#pager.opRange(PagerOp.WRITEBACK_BEGIN, this.#file, offset, length);
      const [first, pages] = [Number(offset) / PAGE, Number(length) / PAGE];
      for (let i = first; i < first + pages; i++) this.#disk[i] = this.#words.file[i]!;
      this.#pager.opRange(PagerOp.WRITEBACK_END, this.#file, offset, length);
    }
  }

  #serve({ command, offset, length }: PageRequest): void {
    if (command !== PagerCommand.READ) return;
    const aux = this.system.createVmo(length);
    try {
      const first = Number(offset) / PAGE;
      for (let i = 0; i < Number(length) / PAGE; i++) {
        aux.write(i * PAGE, bytesOf(this.#disk[first + i]!));
      }
      this.#pager.supplyPages(this.#file, offset, length, aux);
    } finally {
      aux.close();
    }
  }
}

const operation = fc.record<Op>({
  kind: fc.constantFrom(...KINDS), page: fc.nat(1000), pages: fc.integer({ min: 1, max: 40 }),
  value: fc.integer({ min: 1, max: 1 << 20 }),
});

const law = (t: Test, physicalPages: number): void => {
  let [borrowed, refused] = [0, 0];
  const programs = fc.array(operation, { minLength: 1, maxLength: 60, size: 'max' });
  const property = fc.property(programs, (ops) => {
    const world = new World(physicalPages);
    for (const [i, op] of ops.entries()) {
      const wrong = world.step(op);
      if (wrong.length > 0) throw new Error(`step ${i} ${JSON.stringify(op)}: ${wrong.join('\n')}`);
    }
    borrowed += world.borrowed;
    refused += world.refused;
  });
  const numRuns = Number(process.env['MEMSIM_RUNS'] ?? 0) || runs(100, 20_000);
  const found = fc.check(property, isLong ? { numRuns } : { numRuns, seed: 20273 });
  if (found.counterexample !== null) {
    const { message } = found.errorInstance as Error;
    t.comment(`seed ${found.seed}\n${JSON.stringify(found.counterexample[0])}\n${message}`);
  }
  t.notOk(found.failed, `${found.numRuns} programs`);
  t.ok(borrowed > numRuns, `${borrowed} pages were seen on loan`);
  t.ok(refused > 0, `${refused} calls were refused`);
  t.end();
};

t.test('with memory for all', (t) => law(t, 200));
t.test('with memory for some', (t) => law(t, 64));
