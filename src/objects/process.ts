/**
 * Handles to processes, and what a process does itself: read, write and touch its memory.
 *
 * I1. An access is one range a call. It is checked as a whole; a fault anywhere in it touches
 *     nothing. It throws the fault's status with `address` and `access` among the details, and the
 *     system's observers are told (`system.onFault`).
 * I2. A handle that goes into a process's table stays usable by the host program.
 */

import type { Channel } from './channel.js';
import type { Event, Timer } from './event.js';
import type { Fifo } from './fifo.js';
import type { EventPair } from './peered.js';
import type { Port } from './port.js';
import { SocketOption, type Socket } from './socket.js';
import { ObjectMaker } from './object-create.js';
import { fail, ZxError } from './errors.js';
import { Handle, toHandle } from './handle.js';
import { PolicyCondition } from './job-policy.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import { checkNames, OBJECT_BYTES, ObjectType, type NameOptions } from './object.js';
import { readMemory, writeMemory } from './process-memory.js';
import type { ProcessObject } from './process-object.js';
import { KillCode } from './process-object.js';
import { DefaultRights, Right } from './rights.js';
import { Thread } from './thread.js';
import { ThreadObject } from './thread-object.js';
import {
  hex, newBytes, pageOf, pagesUp, PAGES_IN_64_BITS, refuse, toBytes, toCount, toData, toOptions,
  toU64, type Bytes,
} from './units.js';
import { Access, ALL_ACCESS } from './vm-options.js';
import type { Vmar } from './vmar.js';
import type { Vmo } from './vmo.js';
import { readBytes, writeTouched } from './vmo-bytes.js';
import type { VmoObject } from './vmo-object.js';

/** Pages that surely fit into an array. */
const ARRAY_PAGES = 256;

/** A handle to a process. */
export class Process extends Handle<ProcessObject> {
  /** The handle to its root VMAR that came with the process. */
  get rootVmar(): Vmar {
    return this.object.rootVmar;
  }

  /**
   * Touches memory as the process would, without moving bytes.
   *
   * @param address - first byte
   * @param length - bytes; 0 touches nothing
   * @param access - bits of `Access`
   * @returns pages touched
   * @throws ZxError ZX_ERR_NOT_FOUND, ZX_ERR_ACCESS_DENIED or ZX_ERR_OUT_OF_RANGE: the fault
   *     (9.12); ZX_ERR_NO_MEMORY; ZX_ERR_BAD_STATE if the process ended
   */
  touch(address: Bytes, length: Bytes, access: number): number {
    const process = this.#itself();
    toCount(access, 'access', 1, ALL_ACCESS);
    return accessRange(process, address, length, access, (page, pages, from) =>
      process.aspace.touch(page, pages, access, from)) ?? 0;
  }

  /**
   * Reads memory as the process would: faults pages in, and returns the bytes.
   *
   * @param address - first byte
   * @param length - bytes
   * @throws ZxError as `touch`
   */
  read(address: Bytes, length: Bytes): Uint8Array {
    const process = this.#itself();
    const out = accessRange(process, address, length, Access.READ, (page, pages, from) => {
      // A fault comes before a length that no array has.
      if (pages > ARRAY_PAGES) process.aspace.assertAccess(page, pages, Access.READ, from);
      const bytes = newBytes(BigInt(length));
      process.aspace.touch(page, pages, Access.READ, from);
      return bytes;
    }) ?? new Uint8Array(0);
    for (const part of byteParts(process, BigInt(address), out.length)) {
      out.set(readBytes(part.vmo, part.offset, BigInt(part.length)), part.at);
    }
    return out;
  }

  /**
   * Writes memory as the process would: faults pages in for writing, and stores the bytes.
   *
   * @param address - first byte
   * @param data - the bytes
   * @throws ZxError as `touch`
   */
  write(address: Bytes, data: Uint8Array): void {
    const process = this.#itself();
    toData(data);
    accessRange(process, address, data.length, Access.WRITE, (page, pages, from) =>
      process.aspace.touch(page, pages, Access.WRITE, from, pages));
    for (const part of byteParts(process, BigInt(address), data.length)) {
      writeTouched(part.vmo, part.offset, data.subarray(part.at, part.at + part.length));
    }
  }

  /**
   * Copies bytes out of it from outside, whatever its mappings allow (`zx_process_read_memory`;
   * needs READ). Ends at the first byte that is not there.
   *
   * @param address - first byte
   * @param length - bytes, 1 to 64 MiB
   * @returns the bytes: fewer than asked where the rest is not mapped
   * @throws ZxError ZX_ERR_INVALID_ARGS for the length, ZX_ERR_BAD_STATE if it ended or the memory
   *     is not cached, ZX_ERR_NOT_FOUND if the first byte is not there (9.13)
   */
  readMemory(address: Bytes, length: Bytes): Uint8Array {
    const process = this.look(Right.READ);
    process.assertAlive();
    return readMemory(process.aspace, toU64(address, 'address'), length);
  }

  /**
   * Stores bytes in it from outside, whatever its mappings allow (`zx_process_write_memory`; needs
   * WRITE). Ends at the first byte that is not there.
   *
   * @param address - first byte
   * @param data - the bytes, 1 to 64 MiB
   * @returns how many were stored
   * @throws ZxError as `readMemory`, ZX_ERR_NO_MEMORY
   */
  writeMemory(address: Bytes, data: Uint8Array): number {
    const process = this.change(Right.WRITE);
    process.assertAlive();
    return writeMemory(process.aspace, toU64(address, 'address'), toData(data));
  }

  /**
   * Moves a handle into the process's table (needs TRANSFER on that handle).
   *
   * @param handle - any open handle
   * @returns its value there
   */
  insertHandle(handle: Handle): number {
    const process = this.#running();
    toHandle(handle, Handle, 'handle', process.system).assertTransfers();
    return process.handles.insert(handle);
  }

  /**
   * Makes a thread (`zx_thread_create`; needs MANAGE_THREAD). It is new until it is started.
   *
   * @param name - its name
   * @param builder - a builder's koid
   * @throws ZxError ZX_ERR_BAD_STATE if the process ended, ZX_ERR_NO_MEMORY
   */
  createThread(name = '', builder: { readonly koid?: number } = {}): Thread {
    const process = this.change(Right.MANAGE_THREAD);
    process.assertAlive();
    const names = { ...toOptions(builder), name };
    checkNames(process.system, names);
    return process.system.heap.hold(OBJECT_BYTES[ObjectType.THREAD] + HANDLE_BYTES, () =>
      new Thread(new ThreadObject(process, names), DefaultRights.THREAD));
  }

  /**
   * Makes a VMO as the process would (`zx_vmo_create`): its job's policy is asked first, and the
   * handle is in its table.
   *
   * @param size - as `system.createVmo`
   * @param options - as `system.createVmo`
   * @param names - as `system.createVmo`
   * @throws ZxError ZX_ERR_ACCESS_DENIED by NEW_VMO, and as `system.createVmo`
   */
  createVmo(size: Bytes, options = 0, names: NameOptions = {}): Vmo {
    const process = this.#itself();
    process.enforce(PolicyCondition.NEW_VMO);
    const vmo = process.system.createVmo(size, options, names);
    process.handles.insert(vmo);
    return vmo;
  }

  /**
   * Makes a channel as the process would (`zx_channel_create`): its two ends.
   *
   * @throws ZxError ZX_ERR_ACCESS_DENIED by policy, ZX_ERR_NO_MEMORY
   */
  createChannel(): readonly [Channel, Channel] {
    return new ObjectMaker(this.#itself().system, this.object).channel();
  }

  /**
   * Makes an event as the process would (`zx_event_create`).
   *
   * @throws ZxError ZX_ERR_ACCESS_DENIED by policy, ZX_ERR_NO_MEMORY
   */
  createEvent(): Event {
    return new ObjectMaker(this.#itself().system, this.object).event();
  }

  /**
   * Makes an event pair as the process would (`zx_eventpair_create`): its two ends.
   *
   * @throws ZxError ZX_ERR_ACCESS_DENIED by policy, ZX_ERR_NO_MEMORY
   */
  createEventPair(): readonly [EventPair, EventPair] {
    return new ObjectMaker(this.#itself().system, this.object).eventPair();
  }

  /**
   * Makes a port as the process would (`zx_port_create`).
   *
   * @throws ZxError ZX_ERR_ACCESS_DENIED by policy, ZX_ERR_NO_MEMORY
   */
  createPort(): Port {
    return new ObjectMaker(this.#itself().system, this.object).port();
  }

  /**
   * Makes a socket as the process would (`zx_socket_create`): its two ends.
   *
   * @param options - one of `SocketOption`
   * @throws ZxError ZX_ERR_ACCESS_DENIED by policy, ZX_ERR_NO_MEMORY
   */
  createSocket(options: number = SocketOption.STREAM): readonly [Socket, Socket] {
    return new ObjectMaker(this.#itself().system, this.object).socket(options);
  }

  /**
   * Makes a FIFO as the process would (`zx_fifo_create`): its two ends.
   *
   * @param elements - elements that can wait at each end
   * @param elementBytes - bytes of an element; 4096 bytes in all at most
   * @throws ZxError ZX_ERR_OUT_OF_RANGE, ZX_ERR_ACCESS_DENIED by policy, ZX_ERR_NO_MEMORY
   */
  createFifo(elements: number, elementBytes: number): readonly [Fifo, Fifo] {
    return new ObjectMaker(this.#itself().system, this.object).fifo(elements, elementBytes);
  }

  /**
   * Makes a timer as the process would (`zx_timer_create`).
   *
   * @throws ZxError ZX_ERR_ACCESS_DENIED by policy, ZX_ERR_NO_MEMORY
   */
  createTimer(): Timer {
    return new ObjectMaker(this.#itself().system, this.object).timer();
  }

  /**
   * The handle with a value, as a system call of the process finds it.
   *
   * @param value - a value in its table
   * @throws ZxError ZX_ERR_BAD_HANDLE for none, ZX_ERR_ACCESS_DENIED by policy BAD_HANDLE
   */
  handle(value: number): Handle {
    const process = this.#itself();
    const found = process.handles.get(value);
    if (found !== undefined) return found;
    process.enforce(PolicyCondition.BAD_HANDLE);
    return refuse(value, 'handle', `one of process ${process.koid}`, 'ZX_ERR_BAD_HANDLE');
  }

  /** Its handles in table order. */
  handles(): Handle[] {
    return [...this.see(0).handles.values()];
  }

  /** Ends it from inside (`zx_process_exit`). */
  exit(returnCode = 0): void {
    const process = this.#running();
    if (!Number.isSafeInteger(returnCode)) refuse(returnCode, 'returnCode', 'a whole number');
    process.end(returnCode);
  }

  /** Kills it (`zx_task_kill`; needs DESTROY). Killing twice is no error. */
  kill(): void {
    this.change(Right.DESTROY).end(KillCode.SYSCALL);
  }

  protected remake(rights: number): Process {
    return new Process(this.object, rights);
  }

  #running(): ProcessObject {
    const process = this.change(0);
    process.assertAlive();
    return process;
  }

  /** The process for what it does without a system call, or by one that is counted elsewhere. */
  #itself(): ProcessObject {
    const process = this.use(0);
    process.assertAlive();
    return process;
  }
}

/**
 * An access of the program. A fault is told to the system's observers before it is thrown.
 *
 * @returns what `act` returns; undefined for no bytes, which touch nothing
 */
function accessRange<R>(
  process: ProcessObject, address: Bytes, length: Bytes, access: number,
  act: (page: number, pages: number, from: bigint) => R,
): R | undefined {
  const from = toU64(address, 'address');
  const bytes = toU64(length, 'length');
  if (bytes === 0n) return undefined;
  const page = pageOf(from);
  const end = pagesUp(from + bytes);
  try {
    if (end > PAGES_IN_64_BITS) {
      const details = { address: from, access, length: bytes };
      fail('ZX_ERR_NOT_FOUND', `access ${hex(from)}+${bytes}: passes 2^64`, details);
    }
    return act(page, end - page, from);
  } catch (error) {
    const at = error instanceof ZxError ? error.details['address'] : undefined;
    if (error instanceof ZxError && typeof at === 'bigint') {
      const { status } = error;
      process.system.reportFault({ process: process.koid, address: at, access, status });
    }
    throw error;
  }
}

interface BytePart {
  readonly vmo: VmoObject;
  readonly offset: bigint;
  readonly at: number;
  readonly length: number;
}

/** The parts of VMOs that a mapped byte range is. */
function* byteParts(process: ProcessObject, address: bigint, length: number): Generator<BytePart> {
  let at = 0;
  while (at < length) {
    const from = address + BigInt(at);
    const mapping = process.aspace.mappingAt(pageOf(from));
    if (mapping === undefined) throw new Error('process: a touched page is not mapped');
    const skip = from - toBytes(mapping.basePage);
    const rest = Number(toBytes(mapping.pages) - skip);
    const count = Math.min(length - at, rest);
    const offset = toBytes(mapping.vmoOffsetPages) + skip;
    yield { vmo: mapping.vmo, offset, at, length: count };
    at += count;
  }
}
