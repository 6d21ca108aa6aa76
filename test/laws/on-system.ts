/**
 * Runs the operations of a random program on the real system, through the public API.
 *
 * I1. Handles and processes are numbered as in the model's driver (`on-model.ts`, I1).
 */
import {
  type Pin, type Process, type System, type Vmo, VmoChild, VmoOp, VmoOption, VmOption, ZxError,
  newSystem,
} from '../support/api.js';
import { type Answer, NOTHING, type Settled, addressOf, filledPages, pattern } from './on-model.js';

/** The real system, driven by operations. */
export class OnSystem {
  readonly system: System;
  readonly handles: Vmo[] = [];
  readonly processes: Process[] = [];
  /** Koids of every VMO ever made, in order. */
  readonly made: number[] = [];
  readonly pins: Pin[] = [];

  constructor(variant: 'release' | 'debug' = 'release') {
    this.system = newSystem(undefined, variant);
  }

  /** Does one settled operation. */
  apply(op: Settled): Answer {
    const handle = 'handle' in op ? this.handles[op.handle] : undefined;
    const process = 'process' in op ? this.processes[op.process] : undefined;
    if (op.kind === 'nothing' || (op.kind === 'unpin' && !this.pins[op.pin])) return NOTHING;
    if (('handle' in op && !handle) || ('process' in op && !process)) return NOTHING;
    try {
      const bytes = this.#run(op, handle!, process!);
      return bytes === undefined ? { status: 'ZX_OK' } : { status: 'ZX_OK', bytes };
    } catch (error) {
      if (error instanceof ZxError) return { status: error.status };
      throw error;
    }
  }

  #run(op: Settled, handle: Vmo, process: Process): Uint8Array | undefined {
    switch (op.kind) {
      case 'create': {
        const options = op.resizable ? VmoOption.RESIZABLE : 0;
        return this.#made(this.system.createVmo(op.size * 4096, options));
      }
      case 'createFile': {
        const vmo = this.system.createFileVmo(op.size * 4096);
        for (const page of filledPages(op.size, op.filled)) {
          vmo.write(page * 4096, pattern(page, 4));
        }
        return this.#made(vmo);
      }
      case 'child': {
        const options = VmoChild[op.child] | (op.resizable ? VmoChild.RESIZABLE : 0)
          | (op.noWrite ? VmoChild.NO_WRITE : 0);
        return this.#made(handle.createChild(options, op.offset * 4096, op.size * 4096));
      }
      case 'duplicate':
        this.handles.push(handle.duplicate(handle.rights & ~op.drop));
        return undefined;
      case 'close':
        handle.close();
        this.handles.splice(op.handle, 1);
        return undefined;
      case 'pin':
        this.pins.push(handle.pin(op.page * 4096, op.pages * 4096));
        return undefined;
      case 'unpin':
        this.pins.splice(op.pin, 1)[0]?.unpin();
        return undefined;
      case 'write':
        handle.write(op.page * 4096 + op.byte, pattern(op.value, op.length));
        return undefined;
      case 'read': return handle.read(op.page * 4096 + op.byte, op.length);
      case 'range':
        handle.opRange(VmoOp[op.op], op.page * 4096 + op.odd, op.pages * 4096);
        return undefined;
      case 'setSize':
        handle.setSize(op.size * 4096 + op.odd);
        return undefined;
      default: return this.#runTask(op, handle, process);
    }
  }

  #made(handle: Vmo): undefined {
    this.handles.push(handle);
    this.made.push(handle.koid);
  }

  #give(handle: Vmo, process: Process): void {
    const copy = handle.duplicate();
    try {
      process.insertHandle(copy);
    } catch (error) {
      copy.close();
      throw error;
    }
  }

  #runTask(op: Settled, handle: Vmo, process: Process): Uint8Array | undefined {
    const at = addressOf(op) * 4096;
    const vmar = process?.rootVmar;
    switch (op.kind) {
      case 'process':
        this.processes.push(this.system.rootJob.createProcess(`p${this.processes.length}`));
        return undefined;
      case 'kill':
        process.kill();
        this.processes.splice(op.process, 1);
        return undefined;
      case 'give':
        this.#give(handle, process);
        return undefined;
      case 'map': {
        const offset = BigInt(at) - vmar.base;
        const options = VmOption.SPECIFIC | VmOption.ALLOW_FAULTS | op.perms;
        vmar.map(options, offset, handle, op.offset * 4096, op.pages * 4096);
        return undefined;
      }
      case 'unmap':
        vmar.unmap(at, op.pages * 4096);
        return undefined;
      case 'protect':
        vmar.protect(op.perms, at, op.pages * 4096);
        return undefined;
      case 'touch':
        process.touch(at, op.pages * 4096, op.access);
        return undefined;
      case 'processWrite':
        process.write(at + op.byte, pattern(op.value, 1));
        return undefined;
      case 'processRead': return process.read(at + op.byte, 1);
      default: throw new Error(`unknown operation ${op.kind}`);
    }
  }
}
