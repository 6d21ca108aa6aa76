/**
 * Forking a process, which Zircon has not, but every question "what if there were a thousand of
 * these" asks for: a new process in the same job with the same mappings.
 *
 * What only this process maps, can write, and has in an anonymous VMO of its own becomes a
 * copy-on-write snapshot in the fork, one for each VMO; all else is shared. Handles and threads are
 * not inherited, and the VMARs of the parent are not made anew: each range is mapped in the root.
 * What a recording says may be run but not read can be read in the fork.
 */

import { CoreVmoKind } from '../core/core.js';
import { openHandle } from './handle.js';
import { Topic } from './info.js';
import { Job } from './job.js';
import { NO_KOID } from './koid.js';
import type { Process } from './process.js';
import { DefaultRights, Right } from './rights.js';
import { toBytes } from './units.js';
import { VmOption } from './vm-options.js';
import { Vmo } from './vmo.js';
import { VmoChild } from './vmo-options.js';
import type { VmoObject } from './vmo-object.js';
import { walkAspace } from './walk.js';

const ALL_RIGHTS = (DefaultRights.VMO | Right.EXECUTE) >>> 0;

/** A range that the parent maps. */
interface Shown {
  readonly vmo: VmoObject;
  readonly basePage: number;
  readonly pages: number;
  readonly perms: number;
  readonly vmoOffsetPages: number;
}

/**
 * Forks a process; all or nothing. The cost follows its mappings, whatever else there is.
 *
 * @param process - a living one
 * @param name - of the new process; the old one's if left out
 * @throws ZxError ZX_ERR_BAD_STATE for a dead one, ZX_ERR_NO_MEMORY
 */
export function forkProcess(process: Process, name = process.name): Process {
  process.getInfo(Topic.PROCESS);
  const { system, job, aspace } = process.object;
  process.object.assertAlive();
  const shown: Shown[] = [];
  for (const { mapping, piece, basePage, pages } of walkAspace(aspace, '')) {
    // the kernel's own nobody can name
    if (mapping === undefined || piece === undefined || mapping.vmo.koid === NO_KOID) continue;
    const { vmo } = mapping;
    const vmoOffsetPages = mapping.vmoOffsetPages + piece.first;
    shown.push({ vmo, basePage, pages, perms: piece.perms, vmoOffsetPages });
  }
  const parent = openHandle(system, () => new Job(job, DefaultRights.JOB));
  const handles = new Map<VmoObject, Vmo>();
  let fork: Process | undefined;
  try {
    fork = parent.createProcess(name);
    openAll(shown, handles);
    for (const part of shown) mapPart(fork, part, handles.get(part.vmo) as Vmo);
    return fork;
  } catch (error) {
    fork?.kill();
    fork?.rootVmar.close();
    fork?.close();
    throw error;
  } finally {
    for (const vmo of handles.values()) vmo.close();
    parent.close();
  }
}

/** Opens a handle to each VMO that is shown, or to a copy of it. */
function openAll(shown: readonly Shown[], handles: Map<VmoObject, Vmo>): void {
  const written = new Set(shown.flatMap(({ vmo, perms }) =>
    ((perms & VmOption.PERM_WRITE) === 0 ? [] : [vmo])));
  for (const { vmo } of shown) {
    if (handles.has(vmo)) continue;
    const whole = openHandle(vmo.system, () => new Vmo(vmo, ALL_RIGHTS));
    handles.set(vmo, whole);
    if (!written.has(vmo) || !isOwn(vmo)) continue;
    handles.set(vmo, whole.createChild(VmoChild.SNAPSHOT, 0, vmo.sizeBytes));
    whole.close();
  }
}

/** Whether a VMO that a process can write is its own alone, and can be copied. */
function isOwn(vmo: VmoObject): boolean {
  return vmo.isOwner && vmo.shareCount <= 1
    && vmo.tree.kind === CoreVmoKind.ANONYMOUS && vmo.tree.source === undefined;
}

function mapPart(
  fork: Process, { vmo, basePage, pages, perms, vmoOffsetPages }: Shown, handle: Vmo,
): void {
  // recorded systems have what may be executed and not read: here READ goes with every access
  const access = perms === 0 ? 0 : perms | VmOption.PERM_READ;
  const isSeen = access !== 0 && vmoOffsetPages + pages <= vmo.sizePages;
  const options = access | VmOption.SPECIFIC | VmOption.ALLOW_FAULTS
    | (isSeen ? VmOption.MAP_RANGE : 0);
  const offset = toBytes(basePage) - fork.rootVmar.base;
  fork.rootVmar.map(options, offset, handle, toBytes(vmoOffsetPages), toBytes(pages));
}
