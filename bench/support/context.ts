/**
 * What a group of rows gets: sizes, the native baseline, and where finished rows go.
 */
import { deepStrictEqual } from 'node:assert/strict';
import type { Machine } from './machine.js';
import { NativeMachine } from './native.js';
import type { NativeBuild } from './native.js';
import { OurMachine } from './ours.js';
import { makeRow } from './report.js';
import type { Row, RowSpec, Samples } from './report.js';

/** Passed to every group. */
export interface Context {
  /** Small sizes and few repetitions: all groups within two minutes. */ readonly isShort: boolean;
  /** The compiled baseline; none where there is no compiler. */ readonly native: NativeBuild;
  /** Takes a finished row. */ emit(row: Row): void;
  /** Says something about the run. */ note(text: string): void;
}

/** A group of rows that are measured together. */
export interface Group {
  readonly name: string;
  /** Rows that cannot be had without a C compiler. */ readonly needsNative: boolean;
  run(context: Context): Promise<void>;
}

/** Both sides, booted alike. */
export interface Pair {
  readonly ours: OurMachine;
  readonly native: NativeMachine;
}

/** Starts both sides; what is given to `work` ends with it. */
export async function withPair(
  context: Context, physicalPages: number, hostBytes: number, work: (pair: Pair) => Promise<void>,
): Promise<void> {
  const native = await NativeMachine.start(context.native);
  try {
    const ours = new OurMachine();
    await ours.boot(physicalPages, hostBytes);
    await native.boot(physicalPages, hostBytes);
    await work({ ours, native });
  } finally {
    native.stop();
  }
}

/** Does the same on both sides, ours first, and hands back what each answered. */
export async function onBoth<T>(
  pair: Pair, work: (machine: Machine) => Promise<T>,
): Promise<[ours: T, native: T]> {
  const ours = await work(pair.ours);
  return [ours, await work(pair.native)];
}

/** Throws unless both sides have done the same work. */
export async function mustAgree(pair: Pair, phase: string): Promise<void> {
  const [ours, native] = await onBoth(pair, (machine) => machine.state());
  deepStrictEqual(ours, native, `core and C disagree after ${phase}`);
}

/** Samples of several rows that are collected in one loop. */
export class Collector {
  readonly #samples = new Map<string, { ours: number[]; other: number[] }>();

  /** Adds one repetition. */
  add(name: string, ours: number, other?: number): void {
    const entry = this.#samples.get(name) ?? { ours: [], other: [] };
    this.#samples.set(name, entry);
    entry.ours.push(ours);
    if (other !== undefined) entry.other.push(other);
  }

  /** Samples of one row. */
  of(name: string): Samples {
    const samples = this.#samples.get(name);
    if (samples === undefined) throw new Error(`no samples of ${name}`);
    return samples;
  }

  /** Emits a row. */
  emit(context: Context, spec: RowSpec): void {
    context.emit(makeRow(spec, this.of(spec.name)));
  }
}
