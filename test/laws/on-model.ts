/**
 * Runs the operations of a random program on the slow model.
 *
 * I1. Handles and processes are numbered by lists that grow and shrink exactly as those of the
 *     driver of the real system do: in the order made, a closed one taken out.
 */
import { ModelProcess } from '../model/process.js';
import { attempt } from '../model/status.js';
import { newPage, setBytes } from '../model/tree.js';
import {
  type ModelHandle, type ModelPin, type ModelVmo, closeHandle, createChild, createFileVmo,
  createVmo, duplicate, opRange, pinVmo,
  readVmo, setSize, sizePages, unpinVmo, writeVmo,
} from '../model/vmo.js';
import { World } from '../model/world.js';
import { type Op, placePage } from './program.js';

/** Status of an operation, and the bytes it read. */
export interface Answer {
  readonly status: string;
  readonly bytes?: Uint8Array;
}

/** An operation that found nothing to work on. */
export const NOTHING: Answer = { status: 'nothing' };

/** An operation with its numbers brought inside what lives, and its address in pages. */
export type Settled = Op & { address?: number };

/** Bytes that a write of `length` bytes stores. */
export const pattern = (value: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (value + i) & 255);

/** Words that the pages of a new file VMO begin with: page i has one if bit i mod 16 is set. */
export const filledPages = (size: number, filled: number): number[] =>
  Array.from({ length: Math.min(size, 64) }, (_, i) => i).filter((i) => (filled >> (i % 16)) & 1);

/** Address of an operation, in pages. */
export const addressOf = (op: Settled): number => {
  if (op.address !== undefined) return op.address;
  return 'place' in op ? placePage(op.place) + op.shift : 0;
};

/** The model, driven by operations. */
export class OnModel {
  readonly world = new World();
  readonly handles: ModelHandle[] = [];
  readonly processes: ModelProcess[] = [];
  /** Every VMO ever made, in order. */
  readonly made: ModelVmo[] = [];
  readonly pins: ModelPin[] = [];

  /** The operation with its numbers brought inside what lives now, for both drivers to do. */
  settle(op: Op): Settled {
    const settled = { ...op } as Op & { handle?: number; process?: number };
    if (settled.handle !== undefined) settled.handle %= this.handles.length || 1;
    if (settled.process !== undefined) settled.process %= this.processes.length || 1;
    if (settled.kind === 'unpin') settled.pin %= this.pins.length || 1;
    if (settled.kind === 'child' && settled.child === 'REFERENCE') {
      const resizable = this.handles[settled.handle]?.vmo.resizable ?? false;
      return { ...settled, offset: 0, size: 0, resizable };
    }
    if (settled.kind === 'child' && settled.child === 'SLICE' && settled.size % 4 !== 3) {
      const vmo = this.handles[settled.handle]?.vmo;
      const most = vmo ? sizePages(vmo) : 0;
      const offset = settled.offset % (most + 1);
      const size = Math.min(settled.size, most - offset);
      return { ...settled, offset, size, resizable: false };
    }
    if (!('wild' in settled) || settled.wild) return settled;
    if ('page' in settled) {
      const vmo = this.handles[settled.handle]?.vmo;
      const size = vmo ? sizePages(vmo) : 0;
      if (size === 0) return settled;
      settled.page %= size;
      const room = (size - settled.page) * 4096;
      if ('pages' in settled) {
        settled.pages = Math.min(settled.pages, size - settled.page - (settled.odd > 0 ? 1 : 0));
        settled.pages = Math.max(0, settled.pages);
      } else settled.length = Math.min(settled.length, room - settled.byte);
      return settled;
    }
    const mappings = this.processes[settled.process]?.mappings ?? [];
    const mapping = mappings[settled.place % (mappings.length || 1)];
    if (!mapping) return settled;
    settled.shift %= mapping.pages;
    if ('pages' in settled) settled.pages = Math.min(settled.pages, mapping.pages - settled.shift);
    return { ...settled, address: mapping.base + settled.shift };
  }

  /** Does one settled operation. */
  apply(op: Settled): Answer {
    const handle = 'handle' in op ? this.handles[op.handle] : undefined;
    const process = 'process' in op ? this.processes[op.process] : undefined;
    if (op.kind === 'nothing' || (op.kind === 'unpin' && !this.pins[op.pin])) return NOTHING;
    if (('handle' in op && !handle) || ('process' in op && !process)) return NOTHING;
    const { status, value } = attempt(() => this.#run(op, handle!, process!));
    return value === undefined ? { status } : { status, bytes: value };
  }

  #run(op: Settled, handle: ModelHandle, process: ModelProcess): Uint8Array | undefined {
    switch (op.kind) {
      case 'create':
        this.#made(createVmo(this.world, BigInt(op.size) * 4096n, op.resizable));
        return undefined;
      case 'createFile': return this.#createFile(op.size, op.filled);
      case 'child':
        this.#made(createChild(
          this.world, handle, op.child, BigInt(op.offset) * 4096n, BigInt(op.size) * 4096n,
          { resizable: op.resizable, noWrite: op.noWrite },
        ));
        return undefined;
      case 'duplicate':
        this.handles.push(duplicate(handle, handle.rights & ~op.drop));
        return undefined;
      case 'close':
        closeHandle(this.world, handle);
        this.handles.splice(op.handle, 1);
        return undefined;
      case 'pin':
        this.pins.push(pinVmo(this.world, handle, op.page, op.pages));
        return undefined;
      case 'unpin':
        unpinVmo(this.world, this.pins[op.pin]!);
        this.pins.splice(op.pin, 1);
        return undefined;
      case 'write': {
        const at = BigInt(op.page) * 4096n + BigInt(op.byte);
        writeVmo(this.world, handle, at, pattern(op.value, op.length));
        return undefined;
      }
      case 'read':
        return readVmo(handle, BigInt(op.page) * 4096n + BigInt(op.byte), op.length);
      case 'range': {
        const length = BigInt(op.pages) * 4096n;
        opRange(this.world, handle, op.op, BigInt(op.page) * 4096n + BigInt(op.odd), length);
        return undefined;
      }
      case 'setSize':
        setSize(this.world, handle, BigInt(op.size) * 4096n + BigInt(op.odd));
        return undefined;
      default: return this.#runTask(op, handle, process);
    }
  }

  #createFile(size: number, filled: number): undefined {
    const handle = createFileVmo(this.world, size);
    for (const page of filledPages(size, filled)) {
      const fresh = newPage();
      setBytes(fresh, 0, pattern(page, 4));
      handle.vmo.tree.slots.set(page, fresh);
    }
    return this.#made(handle);
  }

  #made(handle: ModelHandle): undefined {
    this.handles.push(handle);
    this.made.push(handle.vmo);
  }

  #runTask(op: Settled, handle: ModelHandle, process: ModelProcess): Uint8Array | undefined {
    const at = addressOf(op);
    switch (op.kind) {
      case 'process':
        this.processes.push(new ModelProcess(this.world));
        return undefined;
      case 'kill':
        process.kill();
        this.processes.splice(op.process, 1);
        return undefined;
      case 'give':
        process.give(handle);
        return undefined;
      case 'map':
        process.map(handle, at, op.pages, op.offset, op.perms);
        return undefined;
      case 'unmap':
        process.unmap(at, op.pages);
        return undefined;
      case 'protect':
        process.protect(at, op.pages, op.perms);
        return undefined;
      case 'touch':
        process.touch(at, op.pages, op.access);
        return undefined;
      case 'processWrite':
        process.writeBytes(at * 4096 + op.byte, pattern(op.value, 1));
        return undefined;
      case 'processRead': return process.readBytes(at * 4096 + op.byte, 1);
      default: throw new Error(`unknown operation ${op.kind}`);
    }
  }
}
