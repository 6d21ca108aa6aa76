/**
 * What a pass or a view may read of the objects, in the orders that Zircon's own walks have.
 *
 * I1. Nothing here changes anything, and nothing recurses.
 * I2. `walkTasks`: a job, its processes, then its child jobs, each followed by its own subtree.
 * I3. `walkAspace`: the address space, its root VMAR, then regions in pre-order by address; a
 *     mapping has one row for each range of equal permissions.
 */

import type { VmoRef } from '../core/core.js';
import { CoreVmoKind } from '../core/refs.js';
import type { AddressSpace } from './aspace.js';
import type { Handle } from './handle.js';
import { JobObject } from './job-object.js';
import { Mapping, type Piece } from './mapping.js';
import type { PageTree } from './page-tree.js';
import type { ProcessObject } from './process-object.js';
import type { KernelSystem } from './system.js';
import type { ThreadObject } from './thread-object.js';
import { VmarObject, type Region } from './vmar-object.js';
import { VmoObject } from './vmo-object.js';

/** One job, process or thread of the walk. */
export interface TaskRow<Task = JobObject | ProcessObject> {
  /** The job, process or thread. */ readonly task: Task;
  /** Generations below the root job. */ readonly depth: number;
  /** Koid of the job above; 0 for the root job. */ readonly parentKoid: number;
}

/** The task tree, see I2. */
export function* walkTasks(root: JobObject): Generator<TaskRow> {
  const waiting: { job: JobObject; depth: number }[] = [{ job: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { job, depth } = next;
    yield { task: job, depth, parentKoid: depth === 0 ? 0 : job.relatedKoid };
    for (const process of job.processes) {
      if (process === root.trailing) continue;
      yield { task: process, depth: depth + 1, parentKoid: job.koid };
    }
    const children = [...job.jobs].reverse();
    for (const child of children) waiting.push({ job: child, depth: depth + 1 });
  }
  const { trailing } = root;
  if (trailing?.isAlive === true) yield { task: trailing, depth: 1, parentKoid: root.koid };
}

/** The same, each process followed by its threads. */
export function* walkThreads(
  root: JobObject,
): Generator<TaskRow<JobObject | ProcessObject | ThreadObject>> {
  for (const row of walkTasks(root)) {
    yield row;
    const { task, depth } = row;
    if (task instanceof JobObject) continue;
    for (const thread of task.threads) {
      yield { task: thread, depth: depth + 1, parentKoid: task.koid };
    }
  }
}

/** The processes of the walk, in its order. */
export function* walkProcesses(root: JobObject): Generator<ProcessObject> {
  for (const { task } of walkTasks(root)) if (!(task instanceof JobObject)) yield task;
}

/** One row of an address space. */
export interface AspaceRow {
  /** 1 address space, 2 VMAR, 3 mapping. */ readonly type: 1 | 2 | 3;
  /** 0 address space, 1 root VMAR, 2 and more below. */ readonly depth: number;
  /** Its name. Untrusted text. */ readonly name: string;
  /** First virtual page. */ readonly basePage: number;
  /** Number of pages. */ readonly pages: number;
  /** Mappings: the mapping. */ readonly mapping?: Mapping;
  /** Mappings: the range of equal permissions; `first` counts from the mapping's first page. */
  readonly piece?: Piece;
}

/**
 * An address space, see I3.
 *
 * @param name - the name of the first row (`proc:<koid>`)
 */
export function* walkAspace(aspace: AddressSpace, name: string): Generator<AspaceRow> {
  const { root } = aspace;
  yield { type: 1, depth: 0, name, basePage: root.basePage, pages: root.pages };
  for (const { region, depth } of walkRegions(root)) {
    if (region instanceof VmarObject) {
      const { basePage, pages } = region;
      yield { type: 2, depth, name: region.name, basePage, pages };
      continue;
    }
    for (const piece of region.protections()) {
      const basePage = region.basePage + piece.first;
      const { pages } = piece;
      yield { type: 3, depth, name: region.vmo.name, basePage, pages, mapping: region, piece };
    }
  }
}

/** The mappings of an address space by address. */
export function* walkMappings(aspace: AddressSpace): Generator<Mapping> {
  for (const { region } of walkRegions(aspace.root)) if (region instanceof Mapping) yield region;
}

/** The regions of a VMAR, itself first (depth 1), in pre-order by address. */
export function* walkRegions(root: VmarObject): Generator<{ region: Region; depth: number }> {
  const stack = [root.regions.values()];
  yield { region: root, depth: 1 };
  for (let top = stack[stack.length - 1]; top !== undefined; top = stack[stack.length - 1]) {
    const { value: region } = top.next();
    if (region === undefined) stack.pop();
    else {
      yield { region, depth: stack.length + 1 };
      if (region instanceof VmarObject) stack.push(region.regions.values());
    }
  }
}

/** A window on a page tree of the core: what a mapping reaches, what a handle holds. */
export interface TreeWindow {
  /** The tree. */ readonly tree: PageTree;
  /** Its reference in the core. */ readonly ref: VmoRef;
  /** First page of the tree. */ readonly offsetPages: number;
  /** Number of pages, cut at the VMO's end. */ readonly pages: number;
}

/** The pages that a VMO is. */
export function vmoWindow(vmo: VmoObject): TreeWindow {
  const { tree, offsetPages, sizePages } = vmo;
  return { tree, ref: tree.ref, offsetPages, pages: sizePages };
}

/**
 * The pages that a mapping reaches.
 *
 * @param piece - a range of it; all of it if left out
 */
export function mappingWindow(mapping: Mapping, piece?: Piece): TreeWindow {
  const { vmo } = mapping;
  const first = mapping.vmoOffsetPages + (piece?.first ?? 0);
  const pages = Math.max(0, Math.min(piece?.pages ?? mapping.pages, vmo.sizePages - first));
  return { tree: vmo.tree, ref: vmo.tree.ref, offsetPages: vmo.offsetPages + first, pages };
}

/** A process's handles to VMOs in table order. */
export function* vmoHandles(process: ProcessObject): Generator<Handle<VmoObject>> {
  for (const handle of process.handles.values()) {
    if (handle.object instanceof VmoObject) yield handle as Handle<VmoObject>;
  }
}

/** Trees of paged VMOs that are gone, kept by slices, references or clones. */
export function ownerlessTrees(system: KernelSystem): PageTree[] {
  return [...system.trees].filter(({ owner, kind }) =>
    owner === undefined && kind !== CoreVmoKind.PHYSICAL);
}
