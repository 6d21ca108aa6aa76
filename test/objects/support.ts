/**
 * What the tests of the objects share: a small system, and how a refusal is checked.
 */
import type { Test } from 'tap';
import { ZxError } from '../../src/objects/errors.js';
import type { Process } from '../../src/objects/process.js';
import type { StatusName } from '../../src/objects/status.js';
import { KernelSystem, type SystemOptions } from '../../src/objects/system.js';
import { VmOption } from '../../src/objects/vm-options.js';
import type { Vmo } from '../../src/objects/vmo.js';

/** Bytes of a page. */
export const P = 4096;

/** A system of some physical pages. */
export function makeSystem(physicalPages = 4096, options: SystemOptions = {}): KernelSystem {
  return new KernelSystem(KernelSystem.createCore({ physicalPages }), options);
}

/** A system with one process. */
export function makeProcess(physicalPages = 4096): { system: KernelSystem; process: Process } {
  const system = makeSystem(physicalPages);
  return { system, process: system.rootJob.createProcess('p') };
}

/** What must not change when a call is refused. */
function state(system: KernelSystem): unknown {
  return [
    system.core.digest(), system.core.freePages, system.vmos.size, system.trees.size,
    [...system.vmos].map((v) => [
      v.numChildren, v.numMappings, v.sizePages, v.parentKoid, v.extent.streamSizeBytes,
      v.numPins, v.cachePolicy, v.discardable?.state, v.discardable?.locks,
    ]),
  ];
}

/** A call is refused with a status, says why, and changes nothing. */
export function refused(
  t: Test, system: KernelSystem, status: StatusName, call: () => unknown, name: string,
): void {
  const before = state(system);
  let caught: unknown;
  try {
    call();
  } catch (error) {
    caught = error;
  }
  t.ok(caught instanceof ZxError, `${name}: refused`);
  if (caught instanceof ZxError) {
    t.equal(caught.status, status, `${name}: ${caught.message}`);
    t.ok(caught.message.length > status.length + 8, `${name}: says why`);
  }
  t.strictSame(state(system), before, `${name}: nothing changed`);
}

/** A word as vmo.write takes it. */
export function word(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

/** The first word of bytes. */
export function asWord(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** Status of a call that is expected to throw; `ZX_OK` if it does not. */
export function statusOf(call: () => unknown): string {
  try {
    call();
    return 'ZX_OK';
  } catch (error) {
    if (error instanceof ZxError) return error.status;
    throw error;
  }
}

/** A pager's VMO of so many supplied pages, page n beginning with n + 1, mapped for reading. */
export function mapFile(
  system: KernelSystem, process: Process, pages: number,
): { file: Vmo; at: bigint } {
  const size = pages * P;
  const pager = system.createPager();
  const file = pager.createVmo(size);
  const aux = system.createVmo(size);
  for (let page = 0; page < pages; page++) aux.write(page * P, word(page + 1));
  pager.supplyPages(file, 0, size, aux);
  aux.close();
  return { file, at: process.rootVmar.map(VmOption.PERM_READ, 0, file, 0, size) };
}
