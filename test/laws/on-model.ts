/**
 * Runs the operations of a random program on the slow model.
 *
 * I1. Objects are numbered by lists that grow and shrink exactly as those of the driver of the real
 *     system do: in the order made, a closed one taken out.
 */
import type { ModelProcess } from '../model/process.js';
import { attempt } from '../model/status.js';
import type { VmarHandle } from '../model/vmar.js';
import type { ModelPin } from '../model/vmo-pin.js';
import type { ModelHandle, ModelVmo } from '../model/vmo.js';
import { World } from '../model/world.js';
import {
  type Answer, LISTS, type ListName, type Op, listsOf, settleObjects,
} from './operation.js';
import { rowOf } from './operations.js';

/** The model, driven by operations. */
export class OnModel {
  readonly world = new World();
  readonly handles: ModelHandle[] = [];
  readonly processes: ModelProcess[] = [];
  /** Every VMO ever made, in order. */
  readonly made: ModelVmo[] = [];
  readonly pins: ModelPin[] = [];
  readonly vmars: VmarHandle[] = [];
  /** Handles that were closed. */
  readonly closed: ModelHandle[] = [];
  /** Processes that ended. */
  readonly dead: ModelProcess[] = [];
  readonly #names = new Map<object, string>();

  /** The operation with its arguments brought inside what lives now; undefined: nothing to do. */
  settle(op: Op): Op | undefined {
    const settled = settleObjects(this, op);
    const { settle } = rowOf(op);
    if (settled === undefined || settle === undefined || op.step !== undefined) return settled;
    return settle(this, settled as never) as unknown as Op;
  }

  /** A settled operation with names for its objects in place of numbers. */
  withNames(op: Op): Op {
    const renamed: Record<string, unknown> = { ...op };
    for (const [argument, list] of listsOf(op)) {
      renamed[argument] = this.#names.get(this[list][op[argument] as number]!);
    }
    return renamed as unknown as Op;
  }

  /** Number of an object in its list; below 0 if it does not live. */
  numberOf(list: ListName, name: string): number {
    return this[list].findIndex((one) => this.#names.get(one) === name);
  }

  /** Names the objects that a step has made after it. */
  nameNew(step: number): void {
    for (const list of Object.values(LISTS)) {
      for (const one of this[list]) if (!this.#names.has(one)) this.#names.set(one, `#${step}`);
    }
  }

  /** Does one settled operation. */
  apply(op: Op): Answer {
    const { model } = rowOf(op);
    return attempt(() => model(this, op as never) as Answer['value']);
  }

  /** Takes in the first handle to a new VMO. */
  hold(handle: ModelHandle): void {
    this.handles.push(handle);
    this.made.push(handle.vmo);
  }
}
