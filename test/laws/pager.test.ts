/**
 * A pager's VMO with clones behaves as the slow model says: statuses, contents, the requests that
 * the pager sees, dirty ranges, pages and what each VMO pays; and the core's audit finds every
 * invariant whole after each operation.
 */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { type Answer, type Node, PagerModel, Refusal, suppliedWord } from '../model/pager.js';
import {
  type PageRequest, type Pager, PagerCommand, PagerOp, type Pin, type Process, Status, type System,
  type Vmo, VmoChild, VmoOp, VmOption, VmoOption, ZxError, newSystem,
} from '../support/api.js';
import { isLong, runs } from '../support/long.js';

const PAGE = 4096;
const HALF = 2048;
const PLACE_BYTES = 1 << 20;

interface RootOp {
  kind: 'supply' | 'dirty' | 'begin' | 'beginZeros' | 'end' | 'evict' | 'pin';
  page: number;
  pages: number;
}
type Op =
  | RootOp
  | { kind: 'write' | 'read' | 'zero'; node: number; from: number; halves: number; mapped: boolean;
      answer: Answer }
  | { kind: 'commit' | 'prefetch'; node: number; page: number; pages: number; answer: Answer }
  | { kind: 'clone'; node: number; modified: boolean; page: number; pages: number }
  | { kind: 'size'; halves: number; answer: Answer }
  | { kind: 'close' | 'unpin'; index: number }
  | { kind: 'reset' | 'detach' };

const page = fc.oneof(fc.nat(8), fc.constantFrom(0, 30, 31, 32, 33, 63, 64));
const pages = fc.oneof(
  { weight: 4, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.constantFrom(0, 31, 32, 40) },
);
const node = fc.nat(5);
const answer = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Answer>('all') },
  { weight: 2, arbitrary: fc.constantFrom<Answer>('first', 'fail', 'nothing') },
);
const onRoot = fc.record({
  kind: fc.constantFrom('supply', 'dirty', 'begin', 'beginZeros', 'end', 'evict', 'pin'),
  page, pages,
});
const onBytes = fc.record({
  kind: fc.constantFrom('write', 'read', 'zero'), node,
  from: fc.oneof(fc.nat(16), fc.constantFrom(61, 62, 63, 64, 65)), halves: fc.nat(12),
  mapped: fc.boolean(), answer,
});
const onPages = fc.record({
  kind: fc.constantFrom('commit', 'prefetch'), node, page, pages, answer,
});
const operation = fc.oneof(
  { weight: 7, arbitrary: onRoot },
  { weight: 9, arbitrary: onBytes },
  { weight: 2, arbitrary: onPages },
  { weight: 3, arbitrary: fc.record({
    kind: fc.constant('clone'), node, modified: fc.boolean(), page: fc.nat(6), pages }) },
  { weight: 2, arbitrary: fc.record({
    kind: fc.constant('size'), halves: fc.oneof(fc.nat(20), fc.nat(140)), answer }) },
  { weight: 2, arbitrary: fc.record({
    kind: fc.constantFrom('close', 'unpin'), index: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset') }) },
) as fc.Arbitrary<Op>;
const last = fc.record({ kind: fc.constant('detach') }) as fc.Arbitrary<Op>;

interface Program {
  readonly size: number;
  readonly traps: boolean;
  readonly ops: Op[];
}

const programs = (length: number): fc.Arbitrary<Program> => fc.record({
  size: fc.oneof(fc.nat(10), fc.constantFrom(31, 32, 33, 64, 70)), traps: fc.boolean(),
  ops: fc.tuple(
    fc.array(operation, { minLength: 1, maxLength: length, size: 'max' }),
    fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(last) }),
    fc.array(operation, { maxLength: 8 }),
  ).map((parts) => parts.flat() as Op[]),
});

/** The system under test, with the handles in the model's order: the root, then the clones. */
class Real {
  readonly system: System;
  readonly pager: Pager;
  readonly process: Process;
  readonly vmos: Vmo[];
  places: bigint[];
  pins: { pin: Pin; first: number; pages: number }[] = [];
  requests: string[] = [];
  answer: Answer = 'all';
  #nextPlace = 1;

  constructor(size: number, traps: boolean, variant: 'release' | 'debug') {
    this.system = newSystem(2048, variant);
    this.process = this.system.rootJob.createProcess('user');
    this.pager = this.system.createPager((request) => this.#serve(request));
    const options = VmoOption.RESIZABLE | (traps ? VmoOption.TRAP_DIRTY : 0);
    this.vmos = [this.pager.createVmo(size * PAGE, options)];
    this.places = [this.#map(this.vmos[0]!)];
  }

  #map(vmo: Vmo): bigint {
    const { PERM_READ, PERM_WRITE, SPECIFIC, ALLOW_FAULTS } = VmOption;
    const options = PERM_READ | PERM_WRITE | SPECIFIC | ALLOW_FAULTS;
    const offset = this.#nextPlace++ * PLACE_BYTES;
    return this.process.rootVmar.map(options, offset, vmo, 0, PLACE_BYTES);
  }

  #serve({ command, offset, length }: PageRequest): void {
    const first = Number(offset) / PAGE;
    const name = command === PagerCommand.READ ? 'READ' : 'DIRTY';
    if (command === PagerCommand.COMPLETE) return;
    this.requests.push(`${name} ${first}+${Number(length) / PAGE}`);
    const root = this.vmos[0]!;
    if (this.answer === 'fail') {
      this.pager.opRange(PagerOp.FAIL, root, offset, length, Status.ZX_ERR_IO);
    }
    if (this.answer === 'fail' || this.answer === 'nothing') return;
    const count = this.answer === 'first' ? 1 : Number(length) / PAGE;
    if (name === 'READ') this.supply(first, count);
    else this.pager.opRange(PagerOp.DIRTY, root, offset, count * PAGE);
  }

  supply(first: number, count: number): void {
    const aux = this.system.createVmo((count + 1) * PAGE);
    for (let i = 0; i < count; i++) {
      const word = suppliedWord(first + i);
      if (word !== null) aux.write((i + 1) * PAGE, new Uint8Array(Uint32Array.of(word).buffer));
    }
    // a snapshot of the source must keep its pages: then they are copied, not moved
    const copy = first % 3 === 0 ? aux.createChild(VmoChild.SNAPSHOT, 0, aux.getSize()) : undefined;
    try {
      this.pager.supplyPages(this.vmos[0]!, first * PAGE, count * PAGE, aux, PAGE);
    } finally {
      copy?.close();
      aux.close();
    }
  }

  /** Reads or writes halves, by handle or by address. */
  words(index: number, from: number, halves: number, mapped: boolean): number[] {
    const [vmo, place] = [this.vmos[index]!, this.places[index]!];
    const bytes = mapped && halves > 0
      ? this.process.read(place + BigInt(from * HALF), halves * HALF)
      : vmo.read(from * HALF, halves * HALF);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: halves }, (_, i) => view.getUint32(i * HALF, true));
  }

  write(index: number, from: number, halves: number, value: number, mapped: boolean): void {
    const data = new Uint8Array(halves * HALF);
    const view = new DataView(data.buffer);
    for (let i = 0; i < halves; i++) view.setUint32(i * HALF, value, true);
    if (mapped && halves > 0) this.process.write(this.places[index]! + BigInt(from * HALF), data);
    else this.vmos[index]!.write(from * HALF, data);
  }

  clone(parent: number, modified: boolean, first: number, count: number): void {
    const kind = modified ? VmoChild.SNAPSHOT_MODIFIED : VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE;
    this.vmos.push(this.vmos[parent]!.createChild(kind, first * PAGE, count * PAGE));
    this.places.push(this.#map(this.vmos.at(-1)!));
  }

  close(index: number): void {
    this.process.rootVmar.unmap(this.places[index]!, PLACE_BYTES);
    this.vmos.splice(index, 1)[0]!.close();
    this.places.splice(index, 1);
  }
}

const nodesOf = (model: PagerModel): Node[] => [model.root, ...model.clones];

type Calls = [inModel: () => unknown, inReal: () => unknown];

/** What a pager does with a range of its VMO, and eviction and pins. */
const onRange = (model: PagerModel, real: Real, op: RootOp): Calls => {
  const root = real.vmos[0]!;
  const { page: first, pages: count } = op;
  const pagerOp = (number: number, data = 0) => () =>
    real.pager.opRange(number, root, first * PAGE, count * PAGE, data);
  switch (op.kind) {
    case 'supply': return [() => model.supply(first, count), () => real.supply(first, count)];
    case 'dirty': return [() => model.allowDirty(first, count), pagerOp(PagerOp.DIRTY)];
    case 'begin':
      return [() => model.writebackBegin(first, count, false), pagerOp(PagerOp.WRITEBACK_BEGIN)];
    case 'beginZeros': return [
      () => model.writebackBegin(first, count, true), pagerOp(PagerOp.WRITEBACK_BEGIN, 1),
    ];
    case 'end': return [() => model.writebackEnd(first, count), pagerOp(PagerOp.WRITEBACK_END)];
    case 'evict': return [
      () => model.evict(first, count),
      () => real.system.evictPages(root, first * PAGE, count * PAGE),
    ];
    case 'pin': return [() => model.pin(first, count), () => {
      real.pins.push({ pin: root.pin(first * PAGE, count * PAGE), first, pages: count });
    }];
  }
};

/** Does an operation on the model and on the system: what they answer. */
const both = (model: PagerModel, real: Real, op: Op, step: number): Calls => {
  const root = real.vmos[0]!;
  const nodes = nodesOf(model);
  const at = 'node' in op ? op.node % nodes.length : 0;
  const one = nodes[at]!;
  if ('page' in op && !('node' in op)) return onRange(model, real, op);
  switch (op.kind) {
    case 'write': return [
      () => model.write(one, op.from, op.from + op.halves, step + 1),
      () => real.write(at, op.from, op.halves, step + 1, op.mapped),
    ];
    case 'read': return [
      () => model.read(one, op.from, op.from + op.halves).join(),
      () => real.words(at, op.from, op.halves, op.mapped).join(),
    ];
    case 'zero': return [
      () => model.zero(one, op.from, op.from + op.halves),
      () => real.vmos[at]!.opRange(VmoOp.ZERO, op.from * HALF, op.halves * HALF),
    ];
    case 'commit': case 'prefetch': {
      const number = op.kind === 'commit' ? VmoOp.COMMIT : VmoOp.PREFETCH;
      return [
        () => model[op.kind](one, op.page, op.pages),
        () => real.vmos[at]!.opRange(number, op.page * PAGE, op.pages * PAGE),
      ];
    }
    case 'clone': return [
      () => model.clone(one, op.modified, op.page, op.pages),
      () => real.clone(at, op.modified, op.page, op.pages),
    ];
    case 'size': return [() => model.setSize(op.halves), () => root.setSize(op.halves * HALF)];
    case 'close': {
      const isLeaf = (n: Node): boolean => !nodes.some((m) => m.parent === n);
      const leaves = nodes.flatMap((n, i) => (i > 0 && isLeaf(n) ? [i] : []));
      const index = leaves[op.index % leaves.length];
      if (index === undefined) return [() => 0, () => 0];
      return [() => model.close(index - 1), () => real.close(index)];
    }
    case 'unpin': {
      const held = real.pins.splice(op.index % (real.pins.length || 1), 1)[0];
      if (held === undefined) return [() => 0, () => 0];
      return [() => model.unpin(held.first, held.pages), () => held.pin.unpin()];
    }
    case 'reset': return [
      () => { const was = model.modified; model.modified = false; return was; },
      () => real.pager.queryVmoStats(root, 1).modified,
    ];
    case 'detach': return [() => model.detach(), () => real.pager.detachVmo(root)];
  }
  throw new Error(JSON.stringify(op));
};

const outcome = (call: () => unknown): string => {
  try {
    return `ZX_OK ${String(call() ?? '')}`;
  } catch (error) {
    if (error instanceof Refusal || error instanceof ZxError) return error.status;
    throw error;
  }
};

const wrongState = (model: PagerModel, real: Real): string[] => {
  const wrong = [...real.system.core.audit()];
  const root = real.vmos[0]!;
  const { ranges } = real.pager.queryDirtyRanges(root, 0, root.getSize());
  const dirty = ranges.map(({ offset, length, isZero }) =>
    `${offset / 4096n}+${length / 4096n}${isZero ? 'z' : ''}`).join();
  const wanted = model.dirtyRanges().join();
  if (dirty !== wanted) wrong.push(`dirty ${dirty}, model ${wanted}`);
  const frames = real.system.core.pagesInState(4);
  if (frames !== model.frames()) wrong.push(`${frames} frames, model ${model.frames()}`);
  for (const [i, one] of nodesOf(model).entries()) {
    const { ownPages } = real.vmos[i]!.object;
    const { pages: own } = model.charge(one);
    if (ownPages !== own) wrong.push(`VMO ${i} has ${ownPages} pages, model ${own}`);
  }
  return wrong;
};

/** What every VMO shows where nobody has to be asked, and what it pays. */
const wrongAtEnd = async (model: PagerModel, real: Real): Promise<string[]> => {
  const wrong: string[] = [];
  const { vmos } = await real.system.account({ policy: 'attributed', workers: 0 });
  for (const [i, one] of nodesOf(model).entries()) {
    for (let at = 0; at < one.size; at++) {
      if (model.isAbsent(one, at)) continue;
      const got = real.words(i, at * 2, 2, false).join();
      const wanted = (model.seen(one, at)?.halves ?? [0, 0]).join();
      if (got !== wanted) wrong.push(`VMO ${i} page ${at} reads ${got}, model ${wanted}`);
    }
    const row = vmos.koid.indexOf(real.vmos[i]!.koid);
    const scaled = Number(vmos.scaled.bytes[row]) + Number(vmos.scaled.fraction[row]) / 2 ** 63;
    const { scaled: wanted } = model.charge(one);
    if (Math.abs(scaled - wanted * PAGE) > 1e-3) wrong.push(`VMO ${i} pays ${scaled}`);
  }
  return wrong;
};

const broken = async (program: Program, variant: 'release' | 'debug'): Promise<string[]> => {
  const model = new PagerModel(program.size, program.traps);
  const real = new Real(program.size, program.traps, variant);
  for (const [step, op] of program.ops.entries()) {
    model.answer = real.answer = 'answer' in op ? op.answer : 'all';
    model.requests = [];
    real.requests = [];
    const [inModel, inReal] = both(model, real, op, step);
    const what = `step ${step} ${JSON.stringify(op)}`;
    const wanted = outcome(inModel);
    const before = real.system.core.digest();
    const got = outcome(inReal);
    if (got !== wanted) return [`${what}: ${got}, model ${wanted}`];
    const asked = model.requests.map((r) => `${r.command} ${r.page}+${r.pages}`).join();
    if (real.requests.join() !== asked) return [`${what}: ${real.requests.join()}, model ${asked}`];
    if (!got.startsWith('ZX_OK') && asked === '' && real.system.core.digest() !== before) {
      return [`${what}: refused, but something changed`];
    }
    const wrong = wrongState(model, real);
    if (wrong.length > 0) return [what, ...wrong];
  }
  return wrongAtEnd(model, real);
};

const law = async (
  t: Test, variant: 'release' | 'debug', usual: number, long: number, length: number,
): Promise<void> => {
  const property = fc.asyncProperty(programs(length), async (program) => {
    const wrong = await broken(program, variant);
    if (wrong.length > 0) throw new Error(wrong.slice(0, 12).join('\n'));
  });
  const numRuns = Number(process.env['MEMSIM_RUNS'] ?? 0) || runs(usual, long);
  const seed = Number(process.env['MEMSIM_SEED'] ?? 0) || (isLong ? undefined : 20261);
  const found = await fc.check(property, { numRuns, ...(seed === undefined ? {} : { seed }) });
  if (found.counterexample !== null) {
    const [program] = found.counterexample;
    const { message } = found.errorInstance as Error;
    t.comment(`seed ${found.seed}\n${JSON.stringify(program)}\n${message}`);
  }
  t.notOk(found.failed, `${found.numRuns} programs`);
};

t.test('a pager and its clones behave as the model says', (t) =>
  law(t, 'release', 500, 50_000, 60));
t.test('long programs, with the asserts of the debug core', (t) =>
  law(t, 'debug', 60, 10_000, 220));
