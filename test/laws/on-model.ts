/**
 * Runs the operations of a random program on the slow model.
 *
 * I1. Objects are numbered by lists that grow and shrink exactly as those of the driver of the real
 *     system do: in the order made, a closed one taken out.
 */
import type { ModelProcess } from '../model/process.js';
import { attempt } from '../model/status.js';
import type { ModelPin } from '../model/vmo-pin.js';
import type { ModelHandle, ModelVmo } from '../model/vmo.js';
import { World } from '../model/world.js';
import { type Answer, type Op, settleObjects } from './operation.js';
import { rowOf } from './operations.js';

/** The model, driven by operations. */
export class OnModel {
  readonly world = new World();
  readonly handles: ModelHandle[] = [];
  readonly processes: ModelProcess[] = [];
  /** Every VMO ever made, in order. */
  readonly made: ModelVmo[] = [];
  readonly pins: ModelPin[] = [];

  /** The operation with its arguments brought inside what lives now; undefined: nothing to do. */
  settle(op: Op): Op | undefined {
    const settled = settleObjects(this, op);
    const { settle } = rowOf(op);
    if (settled === undefined || settle === undefined) return settled;
    return settle(this, settled as never) as unknown as Op;
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
