/**
 * From what a program asks about to the place it means: a frame, a page of a VMO, or an address.
 */

import { FrameState } from '../core/core.js';
import { fail } from '../objects/errors.js';
import type { Mapping } from '../objects/mapping.js';
import type { ProcessObject } from '../objects/process-object.js';
import type { KernelSystem } from '../objects/system.js';
import { hex, pageOf, refuse, toBytes, toCount, toOptions, toU64 } from '../objects/units.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { walkTasks } from '../objects/walk.js';
import { JobObject } from '../objects/job-object.js';
import type { PageTarget } from './page-types.js';
import type { Recorded } from './recorded.js';

/** The place that a target means. */
export interface Place {
  /** Frame there; 0 for none, or the zero page. */ readonly frame: number;
  /** A PFN that was recorded and is no page: what it is. */ readonly nonPage?: 'zero' | 'device';
  /** Its PFN then. */ readonly pfn?: number;
  /** Asked by VMO or process: the VMO there. */ readonly vmo?: VmoObject;
  /** Page in that VMO. */ readonly vmoPage?: number;
  /** Asked by process. */ readonly process?: ProcessObject;
  /** Virtual page. */ readonly page?: number;
  /** The mapping there. */ readonly mapping?: Mapping;
}

/**
 * Finds the place.
 *
 * @throws ZxError as `System.page` says
 */
export function placeOf(
  system: KernelSystem, recorded: Recorded | undefined, target: PageTarget,
): Place {
  const { pfn, koid, offset } = toOptions(target, 'target') as
    { pfn?: number; koid?: number; offset?: number | bigint };
  if (pfn !== undefined) {
    if (koid !== undefined) refuse(target, 'target', 'a pfn, or a koid and an offset, not both');
    toCount(pfn, 'pfn');
    return recorded === undefined ? frameAt(system, pfn) : recordedFrame(recorded, pfn);
  }
  if (koid === undefined || offset === undefined) {
    refuse(target, 'target', 'a pfn, or a koid and an offset');
  }
  toCount(koid, 'koid');
  const byte = toU64(offset, 'offset');
  for (const vmo of system.vmos) if (vmo.koid === koid) return inVmo(vmo, byte);
  for (const { task } of walkTasks(system.rootJob.object)) {
    if (task.koid !== koid) continue;
    if (!(task instanceof JobObject)) return inProcess(task, byte);
    fail('ZX_ERR_WRONG_TYPE', `koid ${koid} is a job: expected a VMO or a process`, { koid });
  }
  return fail('ZX_ERR_NOT_FOUND', `koid ${koid} is no VMO and no process of this system`, { koid });
}

function frameAt({ core }: KernelSystem, pfn: number): Place {
  if (pfn <= core.physicalPages) return { frame: pfn };
  return fail('ZX_ERR_NOT_FOUND', `pfn ${pfn}: this system has 0 to ${core.physicalPages}`, {
    pfn, maximumPfn: core.physicalPages,
  });
}

function recordedFrame({ pfns, firstFrame, nonPages }: Recorded, pfn: number): Place {
  const index = indexIn(pfns, pfn);
  if (index >= 0) return { frame: firstFrame + index };
  const odd = indexIn(nonPages.pfns, pfn);
  if (odd >= 0) return { frame: 0, nonPage: nonPages.isZero[odd] === 1 ? 'zero' : 'device', pfn };
  return fail('ZX_ERR_NOT_FOUND', `pfn ${pfn} was not recorded: no recorded process maps it`, {
    pfn,
  });
}

/** Index of a number in an ascending column, -1 if it is not there. */
function indexIn(column: Float64Array, wanted: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((column[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return column[low] === wanted ? low : -1;
}

function inVmo(vmo: VmoObject, byte: bigint): Place {
  const { koid, sizeBytes } = vmo;
  const vmoPage = pageOf(byte);
  if (vmoPage >= vmo.sizePages) {
    fail('ZX_ERR_OUT_OF_RANGE', `offset ${byte}: VMO ${koid} has ${sizeBytes} bytes`, {
      koid, offset: byte, sizeBytes,
    });
  }
  return { frame: shownAt(vmo, vmoPage), vmo, vmoPage };
}

function inProcess(process: ProcessObject, byte: bigint): Place {
  const page = pageOf(byte);
  const mapping = process.aspace.mappingAt(page);
  if (mapping === undefined) {
    fail('ZX_ERR_NOT_FOUND', `nothing is mapped at ${hex(byte)} in process ${process.koid}`, {
      koid: process.koid, address: byte,
    });
  }
  const { vmo } = mapping;
  const vmoPage = mapping.vmoOffsetPages + page - mapping.basePage;
  const inside = vmoPage < vmo.sizePages;
  if (!inside) {
    const what = `${hex(byte)} in process ${process.koid} lies behind the end of VMO ${vmo.koid}`;
    fail('ZX_ERR_OUT_OF_RANGE', what, {
      koid: process.koid, address: byte, vmoOffset: toBytes(vmoPage), sizeBytes: vmo.sizeBytes,
    });
  }
  return { frame: shownAt(vmo, vmoPage), vmo, vmoPage, process, page, mapping };
}

/** Frame that a VMO shows; 0 for none. */
function shownAt(vmo: VmoObject, page: number): number {
  if (vmo.isPhysical) return 0;
  return vmo.system.core.vmoFrame(vmo.tree.ref, vmo.offsetPages + page);
}

/** PFN of a frame; undefined for one that a recorded system made later. */
export function pfnOf(recorded: Recorded | undefined, frame: number): number | undefined {
  return recorded === undefined ? frame : recorded.pfns[frame - recorded.firstFrame];
}

/** Whether a frame holds a page of VMOs. */
export function isObject({ core }: KernelSystem, frame: number): boolean {
  if (frame === 0 || frame >= core.framesUsed) return false;
  return core.frameInfo(frame).state === FrameState.OBJECT;
}
