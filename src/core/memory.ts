/**
 * The core's memory and what can be said of it as a whole: views, physical pages by state, frames.
 *
 * I1. Views are made anew after the memory has grown: the old ones keep their old length.
 */
import { FrameState, type CoreOptions, type FrameInfo, type FrameKinds } from './refs.js';
import { instantiateCore, type RawConstants, type RawExports } from './wasm.js';

/** Pages that one call works on at most. */
export const CALL_PAGES = 65536;
const WASM_PAGE_BYTES = 65536;
const WASM_PAGES_MAX = 65536;
const FIRST_WASM_PAGES = 16;

/** A core's memory. */
export class CoreMemory {
  /** The shared memory that holds all state. */
  readonly memory: WebAssembly.Memory;
  /**
   * The compiled module, for workers.
   *
   * @internal
   */
  readonly module: WebAssembly.Module;
  /**
   * Raw exports, for hot loops.
   *
   * @internal
   */
  readonly raw: RawExports;
  /**
   * Layout numbers.
   *
   * @internal
   */
  readonly constants: RawConstants;
  /** Physical pages of the system. */
  readonly physicalPages: number;
  #u8: Uint8Array;
  #u32: Uint32Array;
  #f64: Float64Array;
  #u64: BigUint64Array;

  /**
   * @param options - size
   * @param module - the compiled core
   */
  protected constructor(options: CoreOptions, module: WebAssembly.Module) {
    const most =
      Math.min(WASM_PAGES_MAX, Math.floor((options.hostBytesMax ?? 2 ** 32) / WASM_PAGE_BYTES));
    this.memory = new WebAssembly.Memory({
      initial: FIRST_WASM_PAGES, maximum: WASM_PAGES_MAX, shared: true,
    });
    this.module = module;
    const { raw, constants } = instantiateCore(module, this.memory);
    this.raw = raw;
    this.constants = constants;
    this.physicalPages = options.physicalPages;
    this.hostBytesMax = most * WASM_PAGE_BYTES;
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
    this.#u64 = new BigUint64Array(this.memory.buffer);
  }

  /** Host memory this core may use, bytes. */
  readonly hostBytesMax: number;

  /** Bytes of the whole memory; made anew after it has grown. */
  get u8(): Uint8Array {
    if (this.#u8.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#u8;
  }

  /** 32-bit words of the whole memory. */
  get u32(): Uint32Array {
    if (this.#u32.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#u32;
  }

  /** Doubles of the whole memory. */
  get f64(): Float64Array {
    if (this.#f64.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#f64;
  }

  /** 64-bit words of the whole memory. */
  get u64(): BigUint64Array {
    if (this.#u64.byteLength !== this.memory.buffer.byteLength) this.#renew();
    return this.#u64;
  }

  #renew(): void {
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#u32 = new Uint32Array(this.memory.buffer);
    this.#f64 = new Float64Array(this.memory.buffer);
    this.#u64 = new BigUint64Array(this.memory.buffer);
  }

  /** A header word, by the name of its address. */
  protected word(name: string): number {
    return this.u32[(this.constants[name] as number) >>> 2] as number;
  }

  /** Free pages. */
  get freePages(): number {
    return this.pagesInState(FrameState.FREE);
  }

  /** Pages in a {@link FrameState}. */
  pagesInState(state: number): number {
    return this.u32[((this.constants.H_STATES as number) >>> 2) + state] as number;
  }

  /** Frames that were ever in use, the zero page included: no higher number stands anywhere. */
  get framesUsed(): number {
    return this.word('H_FRAME_BUMP');
  }

  /** Host bytes in use: up to the core's mark, less the columns of frames that were never used. */
  get hostBytesUsed(): number {
    const frameBytes = this.constants.FRAME_BYTES as number;
    const columns = frameBytes + (this.word('H_FRAME_WEIGHT') === 0 ? 0 : 4);
    const unused = (this.physicalPages + 1 - this.framesUsed) * columns;
    return this.word('H_BRK') * WASM_PAGE_BYTES - unused;
  }

  /** Host bytes that can still be had. */
  get hostBytesLeft(): number {
    return this.hostBytesMax - this.word('H_BRK') * WASM_PAGE_BYTES;
  }

  /** Moves free pages to a state that keeps no identity (wired, heap, ipc). 0 or NO_MEMORY. */
  allocStatePages(state: number, pages: number): number {
    return this.raw.takeFrames(state, pages);
  }

  /** Gives such pages back. 0, or BAD_STATE if there are not so many. */
  freeStatePages(state: number, pages: number): number {
    return this.raw.giveFrames(state, pages);
  }

  /** State, references, pins of a frame. */
  frameInfo(frame: number): FrameInfo {
    this.raw.frameInfo(frame);
    const at = (this.constants.H_OUT as number) >>> 2;
    const words = this.u32;
    return {
      state: words[at] as number, references: words[at + 1] as number, pins: words[at
        + 2] as number,
      hasContent: words[at + 3] !== 0,
    };
  }

  /** What a frame of a recorded system is. */
  frameKinds(frame: number): FrameKinds {
    const b = this.u32[(this.word('H_FRAME_B') >>> 2) + frame] as number;
    const has = (flag: string): boolean => (b & (this.constants[flag] as number)) !== 0;
    return {
      hugetlb: has('B_HUGETLB'), anonymous: has('B_ANON'), sharedMemory: has('B_SHMEM'),
      outside: has('B_OUTSIDE'),
    };
  }
}
