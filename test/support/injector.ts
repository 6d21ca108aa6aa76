/**
 * Memory that runs out: at each request of the core in turn (the debug build's injector), or at
 * each number of free physical pages; and all of a system's state, to see that nothing changed.
 */
import { FrameState } from '../../src/core/core.js';
import type { Mapping } from '../../src/objects/mapping.js';
import type { JobObject } from '../../src/objects/job-object.js';
import type { ProcessObject } from '../../src/objects/process-object.js';
import type { KernelSystem } from '../../src/objects/system.js';
import { VmarObject } from '../../src/objects/vmar-object.js';

/** What refuses memory. */
export interface Shortage {
  /** Makes memory short: `n` requests, or pages, less one are granted. */
  readonly begin: (system: KernelSystem, n: number) => void;
  /** Takes it back. */
  readonly end: (system: KernelSystem) => void;
}

const word = ({ core }: KernelSystem, name: string): number =>
  (core.constants[name] as number) >>> 2;

/**
 * The n-th request that may fail does. Pools have no spare records, so that each request that could
 * ever find none is one (assembly/heap.ts, I3).
 */
export const hostMemory: Shortage = {
  begin: (system, n) => {
    const { u32, constants } = system.core;
    const budget = word(system, 'H_BUDGET');
    u32.fill(0, budget, budget + (constants['POOL_COUNT'] as number));
    u32[word(system, 'H_LOW')] = 1;
    u32[word(system, 'H_STRICT')] = 1;
    u32[word(system, 'H_FAIL_AT')] = n;
  },
  end: (system) => {
    const { u32 } = system.core;
    for (const name of ['H_STRICT', 'H_FAIL_AT']) u32[word(system, name)] = 0;
    u32[word(system, 'H_LOW')] = 1;
  },
};

const nextKoid = (system: KernelSystem): number => {
  let koid = 1024;
  while (!system.koids.isFree(koid)) koid += 1;
  return koid;
};

const held = new WeakMap<KernelSystem, number>();

/** So many physical pages are free. */
export const physicalPages: Shortage = {
  begin: (system, n) => {
    const { core } = system;
    const pages = Math.max(0, core.freePages - (n - 1));
    core.allocStatePages(FrameState.SLAB, pages);
    held.set(system, pages);
  },
  end: (system) => {
    system.core.freeStatePages(FrameState.SLAB, held.get(system) ?? 0);
  },
};

const mappingState = (mapping: Mapping): unknown => [
  'mapping', mapping.basePage, mapping.pages, mapping.vmo.koid, mapping.vmoOffsetPages,
  mapping.maxPerms, mapping.pieces.map(({ first, pages, perms }) => [first, pages, perms]),
];

const vmarState = (vmar: VmarObject): unknown => [
  vmar.koid, vmar.basePage, vmar.pages, vmar.canMap, vmar.isAlive, vmar.handleCount,
  vmar.regions.overlapping(0, 2 ** 52).map((region) =>
    region instanceof VmarObject ? vmarState(region) : mappingState(region)),
];

const processState = (process: ProcessObject): unknown => [
  process.koid, process.name, process.isAlive, process.handleCount,
  [...process.handles.values()].map((handle) => [handle.object.koid, handle.rights]),
  process.aspace.placements, vmarState(process.aspace.root),
];

const jobState = (job: JobObject): unknown => [
  job.koid, job.name, job.handleCount, [...job.processes].map(processState),
  [...job.jobs].map(jobState),
];

/** Everything that a program could find out about a system, the pages' bytes as a digest. */
export const stateOf = (system: KernelSystem): unknown => ({
  digest: system.core.digest(),
  free: system.core.freePages,
  vmos: [...system.vmos].map((vmo) => [
    vmo.koid, vmo.name, vmo.role, vmo.sizePages, vmo.extent.streamSizeBytes, vmo.offsetPages,
    vmo.parentKoid, vmo.numChildren, vmo.numMappings, vmo.shareCount, vmo.numPins,
    vmo.handleCount, vmo.cachePolicy, vmo.options, vmo.tree.hasHiddenParent,
    vmo.tree.pinnedSpans(0, 2 ** 52),
  ]),
  trees: system.trees.size, nextKoid: nextKoid(system),
  tasks: jobState(system.rootJob.object),
});
