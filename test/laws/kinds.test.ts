/**
 * Discardable and contiguous VMOs under random programs of 200 operations behave as the slow model
 * says: statuses, bytes, committed pages under both rules, lent pages, the core's invariants; and
 * what is refused changes nothing.
 */
import fc from 'fast-check';
import t from 'tap';
import { KernelDoor } from '../../src/objects/kernel-door.js';
import {
  type KindOp, type KindVmo, type Setting, discardKind, lockKind, makeContiguous, makeDiscardable,
  makeSlice, pinKind, rangeKind, readKind, refuseSnapshot, sizeKind, touchKind, unpinKind,
  writeKind,
} from '../model/kinds.js';
import { attempt } from '../model/status.js';
import {
  type Pin, type Process, type System, Topic, type Vmo, VmoChild, VmoLockState, VmoOp, VmoOption,
  VmOption, ZxError, newSystem,
} from '../support/api.js';
import { isLong, runs } from '../support/long.js';

const P = 4096;
const MAP_PAGES = 64;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE | VmOption.ALLOW_FAULTS;

type Op =
  | { kind: 'discardable'; pages: number; resizable: boolean }
  | { kind: 'contiguous'; pages: number; align: number }
  | { kind: 'child'; vmo: number; page: number; pages: number; slice: boolean }
  | { kind: 'lock'; vmo: number; op: 'LOCK' | 'TRY_LOCK' | 'UNLOCK'; part: boolean;
      buffer: boolean }
  | { kind: 'discard'; vmo: number }
  | { kind: 'loaning'; on: boolean }
  | { kind: 'range'; vmo: number; op: KindOp; page: number; pages: number; odd: number }
  | { kind: 'read' | 'write'; vmo: number; page: number; byte: number; length: number }
  | { kind: 'size'; vmo: number; what: 'size' | 'stream' | 'content'; page: number; odd: number }
  | { kind: 'pin'; vmo: number; page: number; pages: number }
  | { kind: 'unpin'; pin: number }
  | { kind: 'touch'; vmo: number; page: number; pages: number; write: boolean };

/** A VMO on both sides, and its mapping. */
interface Pair {
  readonly model: KindVmo;
  readonly real: Vmo;
  readonly address: bigint;
}

const pick = fc.nat(31);
const page = fc.oneof({ weight: 4, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(45) });
const pages = fc.oneof({ weight: 4, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.nat(45) });
const odd = fc.oneof({ weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(4095) });
const yes = (often: number): fc.Arbitrary<boolean> => fc.nat(9).map((n) => n < often);
const one = (kind: Op['kind'], fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Op> =>
  fc.record({ kind: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<Op>;

const ops: [number, fc.Arbitrary<Op>][] = [
  [2, one('discardable', { pages, resizable: yes(5) })],
  [2, one('contiguous', { pages, align: fc.constantFrom(0, 12, 13, 17) })],
  [2, one('child', { vmo: pick, page, pages, slice: yes(7) })],
  [8, one('lock', {
    vmo: pick, op: fc.constantFrom('LOCK', 'TRY_LOCK', 'UNLOCK', 'UNLOCK'), part: yes(1),
    buffer: yes(9),
  })],
  [5, one('discard', { vmo: pick })],
  [2, one('loaning', { on: yes(7) })],
  [8, one('range', {
    vmo: pick, page, pages, odd, op: fc.constantFrom(
      'COMMIT', 'COMMIT', 'DECOMMIT', 'DECOMMIT', 'ZERO', 'PREFETCH', 'DONT_NEED', 'ALWAYS_NEED',
      'CACHE_SYNC'),
  })],
  [4, one('read', { vmo: pick, page, byte: odd, length: fc.nat(5000) })],
  [8, one('write', { vmo: pick, page, byte: odd, length: fc.nat(5000) })],
  [3, one('size', {
    vmo: pick, what: fc.constantFrom('size', 'size', 'stream', 'content'), page, odd,
  })],
  [2, one('pin', { vmo: pick, page, pages: fc.nat(4) })],
  [3, one('unpin', { pin: pick })],
  [8, one('touch', { vmo: pick, page, pages, write: yes(5) })],
];

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i + 7) & 255);

/** Both sides, driven by operations. */
class Both {
  readonly setting: Setting = { loaning: false };
  readonly system: System;
  readonly door: KernelDoor;
  readonly process: Process;
  readonly pairs: Pair[] = [];
  readonly pins: { pair: Pair; first: number; pages: number; real: Pin }[] = [];

  constructor() {
    this.system = newSystem(4096, 'debug');
    this.door = new KernelDoor(this.system);
    this.process = this.system.rootJob.createProcess('p');
  }

  /** Does an operation on both; what differs. */
  apply(op: Op): string[] {
    const before = this.system.core.digest();
    const wanted = attempt(() => this.#onModel(op));
    let got: { status: string; value?: unknown };
    try {
      got = { status: 'ZX_OK', value: this.#onSystem(op, wanted.value) };
    } catch (error) {
      if (!(error instanceof ZxError)) throw error;
      got = { status: error.status };
    }
    const shown = JSON.stringify(op);
    if (got.status !== wanted.status) return [`${shown}: ${got.status}, model ${wanted.status}`];
    const wrong = this.system.core.audit();
    if (got.status !== 'ZX_OK' && this.system.core.digest() !== before) {
      wrong.push('a refusal changed something');
    }
    return [...wrong, ...this.#compare()].map((text) => `${shown}: ${text}`);
  }

  #pair(op: { readonly vmo: number }): Pair | undefined {
    return this.pairs[op.vmo % (this.pairs.length || 1)];
  }

  #onModel(op: Op): unknown {
    if (op.kind === 'loaning') this.setting.loaning = op.on;
    if (op.kind === 'discardable') return makeDiscardable(op.pages, op.resizable);
    if (op.kind === 'contiguous') return makeContiguous(op.pages);
    if (op.kind === 'unpin') {
      const pin = this.pins[op.pin % (this.pins.length || 1)];
      if (pin !== undefined) unpinKind(pin.pair.model, pin.first, pin.pages);
    }
    const vmo = 'vmo' in op ? this.#pair(op)?.model : undefined;
    if (vmo === undefined) return undefined;
    switch (op.kind) {
      case 'child': return op.slice ? makeSlice(vmo, op.page, op.pages) : refuseSnapshot(vmo);
      case 'lock': {
        const part = op.part ? 1 : 0;
        return lockKind(vmo, op.op, vmo.sizePages + part, op.buffer);
      }
      case 'discard': return discardKind(vmo);
      case 'range':
        return rangeKind(this.setting, vmo, op.op, op.page * P + op.odd, op.pages * P);
      case 'read': return readKind(vmo, op.page * P + op.byte, op.length);
      case 'write': return writeKind(vmo, op.page * P + op.byte, bytesOf(op.length));
      case 'size': return sizeKind(vmo, op.what, op.page * P + op.odd);
      case 'pin': return pinKind(vmo, op.page, op.pages);
      case 'touch': return touchKind(vmo, op.page, op.pages, op.write);
      default: return undefined;
    }
  }

  /** The same on the system; `model` is what the model made or answered. */
  #onSystem(op: Op, model: unknown): void {
    const { system } = this;
    if (op.kind === 'loaning') system.pageLoaning = op.on;
    if (op.kind === 'discardable') {
      const options = VmoOption.DISCARDABLE | (op.resizable ? VmoOption.RESIZABLE : 0);
      this.#made(system.createVmo(op.pages * P, options), model);
    }
    if (op.kind === 'contiguous') {
      this.#made(system.createContiguousVmo(op.pages * P, op.align), model);
    }
    if (op.kind === 'unpin') this.pins.splice(op.pin % (this.pins.length || 1), 1)[0]?.real.unpin();
    const pair = 'vmo' in op ? this.#pair(op) : undefined;
    if (pair !== undefined) this.#onVmo(op, pair, model);
  }

  #onVmo(op: Op, pair: Pair, model: unknown): void {
    const { real } = pair;
    switch (op.kind) {
      case 'child': {
        const kind = op.slice ? VmoChild.SLICE : VmoChild.SNAPSHOT;
        return this.#made(real.createChild(kind, op.page * P, op.pages * P), model);
      }
      case 'lock': return this.#lock(op, pair, model);
      case 'discard': return this.#expect('pages discarded', this.door.discard(real), model);
      case 'range': return real.opRange(VmoOp[op.op], op.page * P + op.odd, op.pages * P);
      case 'read': {
        const bytes = Buffer.from(real.read(op.page * P + op.byte, op.length));
        return this.#expect('bytes read', bytes.equals(model as Uint8Array), true);
      }
      case 'write': return real.write(op.page * P + op.byte, bytesOf(op.length));
      case 'size': {
        const bytes = op.page * P + op.odd;
        if (op.what === 'size') return real.setSize(bytes);
        return op.what === 'stream' ? real.setStreamSize(bytes) : real.setContentSize(bytes);
      }
      case 'pin': {
        const pin = real.pin(op.page * P, op.pages * P);
        this.pins.push({ pair, first: op.page, pages: op.pages, real: pin });
        return undefined;
      }
      case 'touch':
        this.process.touch(pair.address + BigInt(op.page * P), op.pages * P, op.write ? 2 : 1);
        return undefined;
      default: return undefined;
    }
  }

  #lock(op: Extract<Op, { kind: 'lock' }>, { real }: Pair, model: unknown): void {
    const state = op.buffer ? new VmoLockState() : undefined;
    const size = real.getSize();
    real.opRange(VmoOp[op.op], 0, size + (op.part ? 4096n : 0n), state);
    if (op.op === 'LOCK') {
      this.#expect('bytes locked', state?.size, size);
      this.#expect('bytes discarded', state?.discardedSize, BigInt(model as number) * 4096n);
    }
  }

  #made(real: Vmo, model: unknown): void {
    const address = this.process.rootVmar.map(READ_WRITE, 0, real, 0, MAP_PAGES * P);
    this.pairs.push({ model: model as KindVmo, real, address });
  }

  #expect(what: string, got: unknown, wanted: unknown): void {
    if (got !== wanted) throw new Error(`${what}: ${String(got)}, model ${String(wanted)}`);
  }

  /** What needs no pass over pages. */
  #compare(): string[] {
    const wrong: string[] = [];
    let lent = 0;
    let held = 0;
    for (const { model, real } of this.pairs) {
      const { tree, sizePages, discardable } = real.object;
      if (sizePages !== model.sizePages) wrong.push(`size ${sizePages}, model ${model.sizePages}`);
      if (real.getStreamSize() !== model.streamBytes) wrong.push('stream size');
      if (model.isSlice) continue;
      const { store } = model;
      held += store.pages.size;
      if (store.kind === 'contiguous') lent += sizePages - store.pages.size;
      const got = this.system.core.vmoCommittedPages(tree.ref, 0, sizePages);
      if (got !== store.pages.size) wrong.push(`${got} pages, model ${store.pages.size}`);
      if (discardable !== undefined && discardable.state !== store.state) {
        wrong.push(`state ${discardable.state}, model ${store.state}`);
      }
    }
    const memory = this.system.kernelMemory();
    if (memory.vmoBytes !== held * P) wrong.push(`${memory.vmoBytes} bytes of VMOs, model ${held}`);
    if (memory.freeLoanedBytes !== lent * P) wrong.push(`lent ${memory.freeLoanedBytes}, ${lent}`);
    return wrong;
  }

  /** ZX_INFO_VMO and the tables of both rules. */
  async compareFigures(): Promise<string[]> {
    const wrong: string[] = [];
    for (const policy of ['classic', 'attributed'] as const) {
      const { vmos } = await this.system.account({ policy });
      for (const { model, real } of this.pairs) {
        const wanted = model.isSlice ? 0 : model.store.pages.size * P;
        const row = vmos.koid.indexOf(real.koid);
        const got = [vmos.committedBytes[row], vmos.privateBytes[row], vmos.scaled.bytes[row]];
        if (got.some((bytes) => Number(bytes) !== wanted)) {
          wrong.push(`${policy}: ${got.join()}, model ${wanted}`);
        }
        const info = real.getInfo(Topic.VMO);
        const { committedBytes, committedScaledBytes, committedChangeEvents } = info;
        if (committedBytes !== wanted || committedScaledBytes !== wanted
          || committedChangeEvents !== model.store.discards) {
          wrong.push(`info ${committedBytes}, ${committedScaledBytes}, ${committedChangeEvents}`);
        }
      }
    }
    return wrong;
  }

  /** Contents of what can be read without taking anything back. */
  compareContents(): string[] {
    return this.pairs.flatMap(({ model, real }) => {
      if (model.store.state === 'discarded') return [];
      const { store, first, sizePages } = model;
      const pages = Array.from({ length: sizePages }, (_, at) => at)
        .filter((at) => store.kind === 'discardable' || store.pages.has(first + at));
      return pages.flatMap((at) => {
        const got = Buffer.from(real.read(at * P, P));
        return got.equals(readKind(model, at * P, P)) ? [] : [`page ${at} reads otherwise`];
      });
    });
  }
}

t.test('random programs on discardable and contiguous VMOs', async (t) => {
  const choices = ops.map(([weight, arbitrary]) => ({ weight, arbitrary }));
  const program = fc.array(fc.oneof(...choices), { minLength: 60, maxLength: 200, size: 'max' });
  const property = fc.asyncProperty(program, async (steps) => {
    const both = new Both();
    const wrong: string[] = [];
    for (const op of steps) {
      if (both.pairs.length > 20 && /discardable|contiguous|child/.test(op.kind)) continue;
      wrong.push(...both.apply(op));
      if (wrong.length > 0) break;
    }
    if (wrong.length === 0) wrong.push(...await both.compareFigures(), ...both.compareContents());
    if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join('\n'));
  });
  const asked = Number(process.env['MEMSIM_RUNS'] ?? 0);
  const numRuns = asked > 0 ? asked : runs(100, 10_000);
  const seed = Number(process.env['MEMSIM_SEED'] ?? 0) || (isLong ? undefined : 31);
  const found = await fc.check(property, { numRuns, ...(seed === undefined ? {} : { seed }) });
  if (found.counterexample !== null) {
    const lines = found.counterexample[0].map((op) => JSON.stringify(op)).join('\n');
    t.comment(`seed ${found.seed}\n${lines}\n${(found.errorInstance as Error).message}`);
  }
  t.notOk(found.failed, `${found.numRuns} programs`);
});
