/**
 * Forking a process, which Zircon has not, but every question "what if there were a thousand of
 * these" asks for: a new process in the same job with the same mappings.
 *
 * What only this process maps, can write, and has in an anonymous VMO of its own becomes a
 * copy-on-write snapshot in the fork, one for each VMO; all else is shared. Handles and threads are
 * not inherited, and the VMARs of the parent are not made anew: each range is mapped in the root.
 */

import { CoreVmoKind } from '../core/core.js';
import { Topic } from './info.js';
import { Job } from './job.js';
import type { Process } from './process.js';
import { DefaultRights } from './rights.js';
import type { KernelSystem } from './system.js';
import { VmOption } from './vm-options.js';
import { Vmo } from './vmo.js';
import { VmoChild } from './vmo-options.js';
import type { VmoObject } from './vmo-object.js';

const MAPPING = 3;
const ALL_RIGHTS = (DefaultRights.VMO | 1 << 4) >>> 0; // and EXECUTE

/** Whether a fork gets a copy of what stands in a VMO. */
function isCopied(vmo: VmoObject, perms: number): boolean {
  return (perms & VmOption.PERM_WRITE) !== 0 && vmo.isOwner && vmo.shareCount <= 1
    && vmo.tree.kind === CoreVmoKind.ANONYMOUS && vmo.tree.source === undefined;
}

/**
 * Forks a process; all or nothing.
 *
 * @param process - a living one
 * @param name - of the new process; the old one's if left out
 * @throws ZxError ZX_ERR_BAD_STATE for a dead one, ZX_ERR_NO_MEMORY
 */
export function forkProcess(process: Process, name = process.name): Process {
  const { system, job } = process.object;
  const entries = process.getInfo(Topic.PROCESS_MAPS).filter(({ type }) => type === MAPPING);
  const byKoid = vmosByKoid(system, new Set(entries.map(({ vmoKoid }) => vmoKoid)));
  const parent = new Job(job, DefaultRights.JOB);
  const made: Vmo[] = [];
  let fork: Process | undefined;
  try {
    fork = parent.createProcess(name);
    const copies = new Map<VmoObject, Vmo>();
    for (const { base, size, perms, vmoKoid, vmoOffsetBytes } of entries) {
      const vmo = byKoid.get(vmoKoid);
      if (vmo === undefined) continue; // the kernel's own, nobody can name it
      let shown = copies.get(vmo);
      if (shown === undefined) {
        shown = isCopied(vmo, perms) ? snapshotOf(vmo) : new Vmo(vmo, ALL_RIGHTS);
        copies.set(vmo, shown);
        made.push(shown);
      }
      if ((perms & VmOption.PERM_READ) === 0) continue; // cannot be mapped so at once
      const isInside = vmoOffsetBytes + size <= vmo.sizeBytes;
      const options = perms | VmOption.SPECIFIC | VmOption.ALLOW_FAULTS
        | (isInside ? VmOption.MAP_RANGE : 0);
      const offset = base - fork.rootVmar.base;
      fork.rootVmar.map(options, offset, shown, vmoOffsetBytes, size);
    }
    return fork;
  } catch (error) {
    fork?.kill();
    fork?.close();
    throw error;
  } finally {
    for (const vmo of made) vmo.close();
    parent.close();
  }
}

function vmosByKoid(system: KernelSystem, koids: ReadonlySet<number>): Map<number, VmoObject> {
  const found = new Map<number, VmoObject>();
  for (const vmo of system.vmos) if (koids.has(vmo.koid)) found.set(vmo.koid, vmo);
  return found;
}

/** A snapshot of a whole VMO, with all rights. */
function snapshotOf(vmo: VmoObject): Vmo {
  const whole = new Vmo(vmo, ALL_RIGHTS);
  try {
    return whole.createChild(VmoChild.SNAPSHOT, 0, vmo.sizeBytes);
  } finally {
    whole.close();
  }
}
