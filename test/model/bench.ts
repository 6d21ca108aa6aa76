/**
 * What the model's tables of operations work on: a world, and what a case has named in it.
 */
import { Mismatch, type Rule, type Step } from '../conformance/cases.js';
import type { Names } from '../conformance/values.js';
import type { ModelProcess } from './process.js';
import type { ModelPin } from './vmo-pin.js';
import type { ModelHandle } from './vmo.js';
import type { World } from './world.js';

/** What a running case has: the world and what it has named. */
export interface Bench {
  readonly world: World;
  readonly root: ModelProcess;
  readonly handles: Names<ModelHandle>;
  readonly maps: Names<number>;
  readonly pins: Names<ModelPin>;
  readonly processes: Names<ModelProcess>;
  readonly rule: Rule;
  nextBase: number;
}

/** What one operation does. */
export type Action = (bench: Bench, step: Step) => void;

/** Mismatch unless the two are the same whole number. */
export const expectSame = (expected: bigint | number, got: bigint | number): void => {
  if (BigInt(expected) !== BigInt(got)) throw new Mismatch(String(expected), String(got));
};
