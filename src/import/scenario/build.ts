/**
 * From a scenario to the system at its beginning: memory, kernel, VMOs, processes, jobs.
 */

import type { Core } from '../../core/core.js';
import { ZxError } from '../../objects/errors.js';
import type { KernelRegion } from '../../objects/kernel-aspace.js';
import { KernelSystem, type SystemOptions } from '../../objects/system.js';
import { physicalPagesOf } from '../../objects/system-options.js';
import { PAGE_BYTES } from '../../objects/units.js';
import type { PressureOptions } from '../../objects/watchdog.js';
import { bytesOf, Maker } from './make.js';
import type { KernelUsePlan, RegionPlan, Scenario, SystemPlan } from './schema.js';
import { permBits, type Size } from './values.js';
import type { Where } from './where.js';

const DEFAULT_MEMORY_BYTES = 2 ** 31;
const REGIONS_MAX = 1_000_000;

/** Makes an empty system on the core that it is handed. */
export type MakeSystem<S extends KernelSystem> = (core: Core, options: SystemOptions) => S;

/**
 * Does something that the system may refuse; the refusal says where in the scenario.
 *
 * @throws ZxError with the place in its message
 */
export function inPlace<R>(where: Where, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ZxError)) throw error;
    const { status, details, message } = error;
    const words = message.slice(`${status}: `.length);
    throw new ZxError(status, `${where.file} at ${where.path}: ${words}`, details);
  }
}

/** An object without the keys whose value is undefined. */
function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Partial<T>;
}

function bytesIf(size: Size | undefined): number | undefined {
  return size === undefined ? undefined : Number(bytesOf(size));
}

function systemOptions(plan: SystemPlan): SystemOptions {
  const { rootJob, firstKoid, arch, seed, pageLoaning, pressure } = plan;
  return given<SystemOptions>({
    rootJobName: rootJob?.name, rootJobKoid: rootJob?.koid, firstKoid, arch, pageLoaning,
    aslr: seed === undefined ? undefined : { seed },
    pressure: pressure === undefined ? undefined : given<PressureOptions>({
      oomBytes: bytesIf(pressure.oom),
      imminentDeltaBytes: bytesIf(pressure.imminentDelta),
      criticalBytes: bytesIf(pressure.critical),
      warningBytes: bytesIf(pressure.warning),
      debounceBytes: bytesIf(pressure.debounce),
      hysteresisSeconds: pressure.hysteresisSeconds,
      evictAtWarning: pressure.evictAtWarning,
      compression: pressure.compression,
      oomBehavior: pressure.oomBehavior,
    }),
  });
}

/** Regions of the kernel's address space: one that is there several times is written out. */
function regionsOf(plans: readonly RegionPlan[], movedBytes = 0n): KernelRegion[] {
  return plans.flatMap((plan) => Array.from({ length: plan.times ?? 1 }, (_, i) => {
    const size = bytesOf(plan.size);
    const moved = movedBytes + BigInt(i) * size;
    return {
      base: bytesOf(plan.address) + moved, size,
      ...given<Omit<KernelRegion, 'base' | 'size'>>({
        name: plan.name,
        vmoSize: plan.vmoSize === undefined ? undefined : bytesOf(plan.vmoSize),
        physicalAddress: plan.physicalAddress === undefined
          ? undefined : bytesOf(plan.physicalAddress),
        perms: plan.perms === undefined ? undefined : permBits(plan.perms),
        isDevice: plan.device,
        regions: plan.regions === undefined ? undefined : regionsOf(plan.regions, moved),
      }),
    };
  }));
}

/** How many regions these are, those inside too. */
function countRegions(plans: readonly RegionPlan[]): number {
  return plans.reduce((sum, { times = 1, regions = [] }) =>
    sum + times * (1 + countRegions(regions)), 0);
}

/** Whole pages of a size. */
function pagesOf(size: Size | undefined, where: Where): number {
  const bytes = bytesOf(size);
  if (bytes % BigInt(PAGE_BYTES) !== 0n) where.fail(size, 'a multiple of 4096');
  return Number(bytes) / PAGE_BYTES;
}

function addKernel(system: KernelSystem, plan: KernelUsePlan, where: Where): void {
  const { aspace } = plan;
  if (aspace !== undefined) {
    const { base, size, regions } = aspace;
    const count = countRegions(regions);
    if (count > REGIONS_MAX) {
      where.at('aspace', 'regions').fail(count, `at most ${REGIONS_MAX} regions in all`);
    }
    inPlace(where.at('aspace'), () => {
      system.layOutKernel({
        base: bytesOf(base), size: bytesOf(size), regions: regionsOf(regions),
      });
    });
  }
  const pages = (key: keyof KernelUsePlan & string): number =>
    pagesOf(plan[key] as Size | undefined, where.at(key));
  inPlace(where, () => {
    system.addKernelUse({
      wiredPages: pages('wired'), heapPages: pages('heap'), ipcPages: pages('ipc'),
      mmuPages: pages('mmu'), iommuPages: pages('iommu'), cachePages: pages('cache'),
      slabPages: pages('slab'), otherPages: pages('other'),
      freeHeapBytes: Number(bytesOf(plan.heapFree)),
    });
  });
}

/**
 * Builds the system that a scenario begins with.
 *
 * @param scenario - what it says
 * @param where - the scenario as a place, for messages
 * @param make - makes the empty system
 * @throws InputError with the JSON path for a name of nothing, ZxError with the path for what the
 *     system refuses
 */
export function buildScenario<S extends KernelSystem>(
  scenario: Scenario, where: Where, make: MakeSystem<S>,
): { system: S; maker: Maker } {
  const { system: plan = {}, vmos = [], processes = [], jobs = [], kernel } = scenario;
  const system = inPlace(where.at('system'), () => {
    const physicalPages = physicalPagesOf(
      plan.memory === undefined ? DEFAULT_MEMORY_BYTES : bytesOf(plan.memory));
    return make(KernelSystem.createCore({ physicalPages }), systemOptions(plan));
  });
  const maker = new Maker(system);
  const root = system.rootJob.object;
  vmos.forEach((vmo, i) => {
    const place = where.at('vmos', i);
    inPlace(place, () => maker.vmo(vmo, place));
  });
  processes.forEach((process, i) => {
    const place = where.at('processes', i);
    inPlace(place, () => maker.processes(process, root, place));
  });
  jobs.forEach((job, i) => {
    const place = where.at('jobs', i);
    inPlace(place, () => maker.job(job, root, place));
  });
  if (kernel !== undefined) addKernel(system, kernel, where.at('kernel'));
  return { system, maker };
}
