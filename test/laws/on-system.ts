/**
 * Runs the operations of a random program on the real system, through the public API.
 *
 * I1. Objects are numbered as in the model's driver (`on-model.ts`, I1).
 */
import {
  type Pin, type Process, type System, type Vmar, type Vmo, ZxError, newSystem,
} from '../support/api.js';
import type { Answer, Op } from './operation.js';
import { rowOf } from './operations.js';

/** The real system, driven by operations. */
export class OnSystem {
  readonly system: System;
  readonly handles: Vmo[] = [];
  readonly processes: Process[] = [];
  /** Koids of every VMO ever made, in order. */
  readonly made: number[] = [];
  readonly pins: Pin[] = [];
  readonly vmars: Vmar[] = [];
  /** Handles that were closed. */
  readonly closed: Vmo[] = [];
  /** Processes that ended. */
  readonly dead: Process[] = [];

  constructor(variant: 'release' | 'debug' = 'release') {
    this.system = newSystem(undefined, variant);
  }

  /** Does one settled operation. */
  apply(op: Op): Answer {
    const { system } = rowOf(op);
    try {
      return { status: 'ZX_OK', value: system(this, op as never) as Answer['value'] };
    } catch (error) {
      if (error instanceof ZxError) return { status: error.status };
      throw error;
    }
  }

  /** Takes in the first handle to a new VMO. */
  hold(handle: Vmo): void {
    this.handles.push(handle);
    this.made.push(handle.koid);
  }
}
