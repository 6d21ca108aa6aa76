/**
 * Collects what a pass is about: tasks, address spaces, VMOs, and the windows on page trees that
 * they stand for, in columns. Figures come later; everything here is names, places and counts.
 *
 * I1. Rows stand in walk order (`tables.ts`, I1 and I2).
 * I2. A mapping row is one range of equal permissions; `mapping` numbers the whole mappings, so
 *     that a rule "for each mapping" can add its rows up first.
 */

import type { AspaceRef } from '../core/core.js';
import { JobObject } from '../objects/job-object.js';
import type { Mapping } from '../objects/mapping.js';
import type { PageTree } from '../objects/page-tree.js';
import type { ProcessObject } from '../objects/process-object.js';
import type { KernelSystem } from '../objects/system.js';
import { ExceptionChannel, ThreadObject } from '../objects/thread-object.js';
import type { VmoObject } from '../objects/vmo-object.js';
import {
  mappingWindow, ownerlessTrees, vmoHandles, walkAspace, walkThreads,
} from '../objects/walk.js';
import { TaskType } from './tables.js';
import { ShareCounter } from './share-count.js';

/** What `ps` calls the states of threads, by number. */
const THREAD_STATES = ['new', 'running', 'susp', 'blocked', 'dying', 'dead'] as const;

/** A process among the task rows. */
export interface ProcessEntry {
  /** The process. */ readonly process: ProcessObject;
  /** Its row in the task table. */ readonly row: number;
  /** Its address space in the core. */ readonly aspace: AspaceRef;
}

/** A window on a page tree, for one mapping row. */
export interface RowWindow {
  /** Row in the map table. */ readonly row: number;
  /** Index in {@link Collected.processes}. */ readonly process: number;
  /** Number of the whole mapping. */ readonly mapping: number;
  /** Row in the VMO table. */ readonly vmo: number;
  /** The tree. */ readonly tree: PageTree;
  /** First page of the tree. */ readonly page: number;
  /** Number of pages inside the VMO. */ readonly pages: number;
  /** First virtual page. */ readonly basePage: number;
  /** Number of virtual pages. */ readonly lengthPages: number;
  /** The mapping itself. */ readonly object: Mapping;
}

/** Everything a pass starts from. */
export interface Collected {
  /** Task rows. */ readonly taskType: Uint8Array;
  /** Koids of the task rows. */ readonly taskKoid: Float64Array;
  /** Koids above. */ readonly taskParent: Float64Array;
  /** Depths. */ readonly taskDepth: Uint16Array;
  /** Names. */ readonly taskName: string[];
  /** State words. */ readonly taskState: string[];
  /** Row of the job above each task row; -1 for the root job. */ readonly taskAbove: Int32Array;
  /** Processes in row order. */ readonly processes: ProcessEntry[];
  /** First map row of each task row, and the end. */ readonly mapsStart: Uint32Array;
  /** Rows of address spaces. */ readonly maps: MapRows;
  /** Windows of the mapping rows. */ readonly windows: RowWindow[];
  /** Number of whole mappings. */ readonly mappingCount: number;
  /** VMOs, oldest first. */ readonly vmos: VmoObject[];
  /** Trees that slices, references or clones keep when their VMO is gone. */
  readonly ownerless: readonly PageTree[];
  /** Row of each VMO. */ readonly vmoRow: ReadonlyMap<VmoObject, number>;
  /** Zircon's share count of each VMO row. */ readonly shareCount: Uint32Array;
  /** First reference row of each task row, and the end. */ readonly refsStart: Uint32Array;
  /** VMO row of each reference. */ readonly refVmo: number[];
  /** 1 via handle. */ readonly refViaHandle: number[];
  /** Rights of the handle. */ readonly refRights: number[];
}

/** Static columns of the map table, as they grow. */
export interface MapRows {
  /** Row types. */ readonly type: number[];
  /** Depths. */ readonly depth: number[];
  /** Names. */ readonly name: string[];
  /** First virtual pages. */ readonly basePage: number[];
  /** Lengths in pages. */ readonly pages: number[];
  /** Permissions. */ readonly perms: number[];
  /** VMO koids. */ readonly vmoKoid: number[];
  /** First page in the VMO. */ readonly vmoOffsetPages: number[];
}

interface Growing {
  readonly windows: RowWindow[];
  readonly maps: MapRows;
  readonly processes: ProcessEntry[];
  readonly vmoRow: Map<VmoObject, number>;
  readonly counter: ShareCounter;
  readonly refVmo: number[];
  readonly refViaHandle: number[];
  readonly refRights: number[];
  mappings: number;
}

/** Collects a whole system. */
export function collect(system: KernelSystem): Collected {
  const vmos = [...system.vmos];
  const growing: Growing = {
    windows: [], processes: [], vmoRow: new Map(vmos.map((vmo, row) => [vmo, row])),
    maps: {
      type: [], depth: [], name: [], basePage: [], pages: [], perms: [], vmoKoid: [],
      vmoOffsetPages: [],
    },
    counter: new ShareCounter(vmos), refVmo: [], refViaHandle: [], refRights: [], mappings: 0,
  };
  const tasks = [...walkThreads(system.rootJob.object)];
  const count = tasks.length;
  const taskType = new Uint8Array(count);
  const taskKoid = new Float64Array(count);
  const taskParent = new Float64Array(count);
  const taskDepth = new Uint16Array(count);
  const taskAbove = new Int32Array(count).fill(-1);
  const mapsStart = new Uint32Array(count + 1);
  const refsStart = new Uint32Array(count + 1);
  const taskName: string[] = [];
  const taskState: string[] = [];
  const jobRow = new Map<number, number>();
  tasks.forEach(({ task, depth, parentKoid }, row) => {
    taskKoid[row] = task.koid;
    taskParent[row] = parentKoid;
    taskDepth[row] = depth;
    taskAbove[row] = jobRow.get(parentKoid) ?? -1;
    taskName.push(task.name);
    if (task instanceof JobObject) {
      jobRow.set(task.koid, row);
      taskState.push(task.killOnOom ? 'killoom' : '');
    } else if (task instanceof ThreadObject) {
      taskType[row] = TaskType.THREAD;
      taskState.push(task.exception === ExceptionChannel.NONE
        ? THREAD_STATES[task.state] : 'excp');
    } else {
      taskType[row] = TaskType.PROCESS;
      taskState.push('');
      collectProcess(growing, task, row);
    }
    mapsStart[row + 1] = growing.maps.type.length;
    refsStart[row + 1] = growing.refVmo.length;
  });
  const { windows, maps, processes, vmoRow, refVmo, refViaHandle, refRights } = growing;
  return {
    taskType, taskKoid, taskParent, taskDepth, taskName, taskState, taskAbove, processes, mapsStart,
    maps, windows, mappingCount: growing.mappings, vmos, vmoRow,
    ownerless: ownerlessTrees(system),
    shareCount: growing.counter.counts(), refsStart, refVmo, refViaHandle, refRights,
  };
}

function collectProcess(growing: Growing, process: ProcessObject, row: number): void {
  const { maps, windows, processes, vmoRow } = growing;
  const index = processes.length;
  processes.push({ process, row, aspace: process.aspace.ref });
  for (const handle of vmoHandles(process)) {
    growing.refVmo.push(vmoRow.get(handle.object) as number);
    growing.refViaHandle.push(1);
    growing.refRights.push(handle.rights);
  }
  let last: Mapping | undefined;
  for (const entry of walkAspace(process.aspace, `proc:${process.koid}`)) {
    const { mapping, piece } = entry;
    maps.type.push(entry.type);
    maps.depth.push(entry.depth);
    maps.name.push(entry.name);
    maps.basePage.push(entry.basePage);
    maps.pages.push(entry.pages);
    maps.perms.push(piece?.perms ?? 0);
    maps.vmoKoid.push(mapping?.vmo.koid ?? 0);
    maps.vmoOffsetPages.push(mapping === undefined
      ? 0 : mapping.vmoOffsetPages + (piece?.first ?? 0));
    if (mapping === undefined) continue;
    const vmo = vmoRow.get(mapping.vmo) as number;
    if (mapping !== last) {
      last = mapping;
      growing.mappings += 1;
      growing.counter.add(vmo, index);
      growing.refVmo.push(vmo);
      growing.refViaHandle.push(0);
      growing.refRights.push(0);
    }
    const window = mappingWindow(mapping, piece);
    windows.push({
      row: maps.type.length - 1, process: index, mapping: growing.mappings - 1, vmo,
      tree: window.tree, page: window.offsetPages, pages: window.pages,
      basePage: entry.basePage, lengthPages: entry.pages, object: mapping,
    });
  }
}
