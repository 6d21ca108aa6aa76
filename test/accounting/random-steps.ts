/**
 * Random steps on a whole system through the public API: VMOs of every kind of child, sizes,
 * mappings, pins, processes, handles. A step that is refused is a step too.
 *
 * Page numbers gather where trees of fan-out 32 have their seams, so that windows, cuts and
 * growth meet leaves and upper nodes in all ways.
 */

import * as fc from 'fast-check';
import { ZxError } from '../../src/objects/errors.js';
import type { Pin } from '../../src/objects/pin.js';
import type { Process } from '../../src/objects/process.js';
import { VmOption } from '../../src/objects/vm-options.js';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import type { Vmo } from '../../src/objects/vmo.js';
import type { System } from '../../src/system.js';

/** Bytes of a page. */
export const P = 4096;

const SEAMS = [0, 1, 2, 5, 30, 31, 32, 33, 40, 63, 64, 65, 96, 500, 1023, 1024, 1030, 32768, 32800];
const SIZES = [0, 1, 2, 3, 8, 32, 33, 40, 64, 70, 100, 1025, 1100, 33000];

const KINDS = [
  'create', 'file', 'snapshot', 'snapshot', 'snapshot', 'snapshot', 'least', 'least', 'modified',
  'slice', 'reference', 'write', 'write', 'write', 'write', 'commit', 'commit', 'decommit', 'zero',
  'zero', 'resize', 'resize', 'stream', 'map', 'map', 'map', 'map', 'touch', 'touch', 'touch',
  'touch',
  'touch', 'store', 'unmap', 'protect', 'close', 'close', 'pin', 'unpin', 'process', 'kill', 'give',
] as const;

/** One step: what, on which object, and three numbers that say where. */
export interface Step {
  /** What to do. */ readonly kind: (typeof KINDS)[number];
  /** Which object, taken modulo those that live. */ readonly which: number;
  /** Which other object. */ readonly other: number;
  /** Where: a page, most often. */ readonly at: number;
  /** How much: pages, most often. */ readonly much: number;
  /** Any variation. */ readonly odd: number;
}

const page = fc.oneof(fc.constantFrom(...SEAMS), fc.nat(70));

const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  which: fc.nat(40),
  other: fc.nat(40),
  at: page,
  much: fc.oneof(fc.constantFrom(...SIZES), fc.nat(40)),
  odd: fc.nat(15),
});

const start = (kind: Step['kind'], which: number, much: number, other = which): Step =>
  ({ kind, which, other, at: 0, much, odd: 1 });

/** What programs begin with, so that few of their steps find nothing to act on. */
const PROLOGUE: readonly Step[] = [
  start('process', 0, 0), start('process', 0, 0), start('create', 0, 70), start('file', 0, 40),
  start('map', 0, 0), start('map', 1, 0), start('write', 0, 3), start('touch', 0, 40),
];

/** Programs of half to all of so many steps, after a short prologue. */
export function programs(length: number): fc.Arbitrary<Step[]> {
  const list = fc.array(steps, { minLength: length / 2, maxLength: length, size: 'max' });
  return list.map((rest) => [...PROLOGUE, ...rest]);
}

/** A system that takes steps. */
export class Stepper {
  readonly vmos: Vmo[] = [];
  readonly pins: Pin[] = [];
  readonly processes: Process[] = [];
  readonly places: [process: Process, address: bigint, pages: number][] = [];

  /** @param system - an empty system */
  constructor(readonly system: System) {}

  /** Takes a step: `ok`, or the status it was refused with. */
  take(step: Step): string {
    try {
      this.#act(step);
      return 'ok';
    } catch (error) {
      if (error instanceof ZxError) return error.status;
      throw error;
    }
  }

  /** Lets go of everything. */
  closeAll(order: number): void {
    const acts: (() => void)[] = [
      ...this.processes.map((process) => () => process.kill()),
      ...this.vmos.map((vmo) => () => vmo.close()),
      ...this.pins.map((pin) => () => pin.unpin()),
    ];
    if (order % 2 === 1) acts.reverse();
    for (const act of acts) act();
  }

  #act(step: Step): void {
    const { kind, which, at, much, odd } = step;
    const vmo = this.vmos[which % Math.max(1, this.vmos.length)];
    if (kind === 'create') {
      this.vmos.push(this.system.createVmo(much * P, odd % 3 === 0 ? 0 : VmoOption.RESIZABLE));
    } else if (kind === 'file') this.vmos.push(this.system.createFileVmo(much * P));
    else if (kind === 'process') {
      if (this.processes.length < 8) this.processes.push(this.system.rootJob.createProcess('p'));
    } else if (kind === 'unpin') this.#takeOut(this.pins, which)?.unpin();
    else if (kind === 'kill') {
      if (odd < 4) this.#kill(which);
    } else if (kind === 'unmap' || kind === 'protect' || kind === 'touch' || kind === 'store') {
      this.#actOnPlace(step);
    } else if (vmo !== undefined) {
      this.#actOnVmo(step, vmo, Math.min(at, Math.max(0, pagesOf(vmo) - 1)));
    }
  }

  #actOnVmo(step: Step, vmo: Vmo, page: number): void {
    const { kind, at, much, odd, other } = step;
    const wild = odd === 15;
    const from = wild ? at : page;
    const few = wild ? much : Math.max(0, Math.min(much, pagesOf(vmo) - page, 80));
    const resizable = odd % 2 === 0 ? VmoChild.RESIZABLE : 0;
    const child = (options: number): void => {
      const offset = odd < 5 ? 0 : at;
      const size = odd < 3 ? pagesOf(vmo) : much;
      this.vmos.push(vmo.createChild(options, offset * P, size * P));
    };
    if (kind === 'snapshot') child(VmoChild.SNAPSHOT | resizable);
    else if (kind === 'least') child(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE | resizable);
    else if (kind === 'modified') child(VmoChild.SNAPSHOT_MODIFIED | resizable);
    else if (kind === 'slice') {
      // a slice of a reference may outlive a cut of its source: left out until that is refused
      if (vmo.object.role === 'reference') return;
      this.vmos.push(vmo.createChild(VmoChild.SLICE, from * P, few * P));
    }
    else if (kind === 'reference') this.vmos.push(vmo.createChild(VmoChild.REFERENCE | resizable));
    else if (kind === 'write') vmo.write(from * P + odd * 7, bytesFor(few, odd));
    else if (kind === 'commit') vmo.opRange(VmoOp.COMMIT, from * P, few * P);
    else if (kind === 'decommit') vmo.opRange(VmoOp.DECOMMIT, from * P, few * P);
    else if (kind === 'zero') {
      vmo.opRange(VmoOp.ZERO, from * P + (odd % 3) * 9, zeroBytes(vmo, step, from));
    }
    else if (kind === 'resize') vmo.setSize(much * P + (odd % 4) * 100);
    else if (kind === 'stream') vmo.setStreamSize(from * P + odd);
    else if (kind === 'pin') this.pins.push(vmo.pin(from * P, Math.max(1, few) * P));
    else if (kind === 'close') {
      this.#takeOut(this.vmos, step.which);
      vmo.close();
    } else if (kind === 'map') this.#map(step, vmo, odd < 12 ? 0 : page);
    else if (kind === 'give') {
      const process = this.processes[other % Math.max(1, this.processes.length)];
      process?.insertHandle(vmo.duplicate());
    }
  }

  #map({ other, much, odd }: Step, vmo: Vmo, page: number): void {
    const process = this.processes[other % Math.max(1, this.processes.length)];
    if (process === undefined) return;
    const pages = odd % 4 === 0 ? much : Math.max(1, pagesOf(vmo) - page);
    const perms = odd % 5 === 0 ? VmOption.PERM_READ : VmOption.PERM_READ | VmOption.PERM_WRITE;
    const options = perms | VmOption.ALLOW_FAULTS;
    const address = process.rootVmar.map(options, 0, vmo, page * P, pages * P);
    this.places.push([process, address, pages]);
  }

  #actOnPlace({ kind, which, at, much, odd }: Step): void {
    const place = this.places[which % Math.max(1, this.places.length)];
    if (place === undefined) return;
    const [process, address, pages] = place;
    const first = odd === 15 ? at : Math.min(at, pages - 1);
    const count = odd === 15 ? much : Math.min(much, pages - first, 80);
    const start = address + BigInt(first * P);
    if (kind === 'touch') process.touch(start, count * P, odd % 2 === 0 ? 1 : 2);
    else if (kind === 'store') {
      process.write(start + BigInt(odd), bytesFor(Math.min(1, count), odd));
    }
    else if (kind === 'unmap') process.rootVmar.unmap(start, count * P);
    else process.rootVmar.protect(odd % 3 === 0 ? 1 : odd % 3 === 1 ? 3 : 0, start, count * P);
  }

  #kill(which: number): void {
    const process = this.#takeOut(this.processes, which);
    if (process === undefined) return;
    process.kill();
    const left = this.places.filter(([owner]) => owner !== process);
    this.places.splice(0, this.places.length, ...left);
  }

  #takeOut<T>(list: T[], which: number): T | undefined {
    return list.length === 0 ? undefined : list.splice(which % list.length, 1)[0];
  }
}

function pagesOf(vmo: Vmo): number {
  return Number(vmo.getSize() / BigInt(P));
}

function bytesFor(pages: number, odd: number): Uint8Array {
  const length = Math.max(0, Math.min(pages, 3) * P - odd * 7);
  return new Uint8Array(length).fill(odd + 1);
}

function zeroBytes(vmo: Vmo, { much, odd }: Step, from: number): number {
  const left = Number(vmo.getSize()) - from * P - (odd % 3) * 9;
  return Math.max(0, Math.min(odd < 3 ? left : much * P + odd, left));
}
