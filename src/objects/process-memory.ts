/**
 * `zx_process_read_memory` and `zx_process_write_memory`: the kernel copies bytes of another
 * process, past its page tables, as debuggers do.
 *
 * I1. Permissions of mappings are not asked, no entry is made, and no fault is seen by anybody. A
 *     write gives pages to the VMO, as `zx_vmo_write` does.
 * I2. A copy ends at the first byte that is not there: not mapped, or past the VMO's end
 *     (memory-semantics 9.13). It is refused only if that is the first one.
 */

import type { AddressSpace } from './aspace.js';
import { fail, ZxError } from './errors.js';
import { hex, pageOf, toBytes, toU64, type Bytes } from './units.js';
import { readBytes, writeBytes } from './vmo-bytes.js';
import type { VmoObject } from './vmo-object.js';
import { CachePolicy } from './vmo-options.js';
import { checkContents } from './vmo-range.js';

/** Most bytes of one call. */
const MAX_COPY_BYTES = 64 * 2 ** 20;

interface Part {
  readonly vmo: VmoObject;
  readonly offset: bigint;
  readonly at: number;
  readonly length: number;
}

/** The bytes from an address on, as many as are there. */
export function readMemory(aspace: AddressSpace, address: bigint, asked: Bytes): Uint8Array {
  const length = checkLength(toU64(asked, 'length'));
  const out = new Uint8Array(length);
  let done = 0;
  for (const part of partsFrom(aspace, address, length)) {
    out.set(readBytes(part.vmo, part.offset, BigInt(part.length)), part.at);
    done = part.at + part.length;
  }
  return done === length ? out : out.slice(0, done);
}

/** Stores bytes from an address on; how many. */
export function writeMemory(aspace: AddressSpace, address: bigint, data: Uint8Array): number {
  checkLength(BigInt(data.length));
  let done = 0;
  for (const part of partsFrom(aspace, address, data.length)) {
    try {
      writeBytes(part.vmo, part.offset, data.subarray(part.at, part.at + part.length));
    } catch (error) {
      if (done > 0 && error instanceof ZxError) break; // what was copied was copied
      throw error;
    }
    done = part.at + part.length;
  }
  return done;
}

function checkLength(length: bigint): number {
  if (length > 0n && length <= MAX_COPY_BYTES) return Number(length);
  return fail('ZX_ERR_INVALID_ARGS', `length ${length}: allowed 1 to ${MAX_COPY_BYTES}`, {
    length, maximumBytes: MAX_COPY_BYTES,
  });
}

/** The parts of VMOs that a range shows, up to the first byte that is not there. */
function* partsFrom(aspace: AddressSpace, address: bigint, length: number): Generator<Part> {
  for (let at = 0; at < length; ) {
    const from = address + BigInt(at);
    const mapping = aspace.mappingAt(pageOf(from));
    const vmo = mapping?.vmo;
    const skip = mapping === undefined ? 0n : from - toBytes(mapping.basePage);
    const offset = mapping === undefined ? 0n : toBytes(mapping.vmoOffsetPages) + skip;
    const mapped = mapping === undefined ? 0n : toBytes(mapping.pages) - skip;
    const inVmo = vmo === undefined ? 0n : vmo.sizeBytes - offset;
    const rest = Number(mapped < inVmo ? mapped : inVmo);
    if (vmo === undefined || rest <= 0) {
      if (at > 0) return;
      fail('ZX_ERR_NOT_FOUND', `no memory at ${hex(from)}`, { address: from });
    }
    if (at > 0 && (vmo.isDiscarded || vmo.cachePolicy !== CachePolicy.CACHED)) return;
    checkContents(vmo);
    const count = Math.min(length - at, rest);
    yield { vmo, offset, at, length: count };
    at += count;
  }
}
