/**
 * What a scenario may say: the schema of `.scenario.json`. The types here and the published JSON
 * Schema (`docs/scenario.schema.json`) follow from it.
 *
 * A scenario describes a system (memory, kernel, VMOs, processes, jobs) and then steps.
 */

import * as v from 'valibot';
import { job, processes, vmos } from './parts.js';
import { step } from './step-schema.js';
import { key, koid, perms, positive, size, text, type Size } from './values.js';

/** Version of the format. */
export const SCENARIO_VERSION = 1;

/** A region of the kernel's address space. */
export interface RegionPlan {
  /** Name of the VMO, or of the VMAR. */ name?: string;
  /** First address. */ address: Size;
  /** Bytes. */ size: Size;
  /** Bytes of the VMO. */ vmoSize?: Size;
  /** Physical address behind it. */ physicalAddress?: Size;
  /** Permissions. */ perms?: string;
  /** Whether it is a device's. */ device?: boolean;
  /** How many there are. */ times?: number;
  /** Regions inside. */ regions?: RegionPlan[];
}

/** A region of the kernel's address space. */
export const region: v.GenericSchema<RegionPlan> = v.strictObject({
  name: key(text, 'name of the VMO, or of the VMAR'),
  address: v.pipe(size, v.description('first address')),
  size,
  vmoSize: key(size, 'bytes of the VMO; size if left out'),
  physicalAddress: key(size, 'physical address behind it'),
  perms: key(perms, 'permissions; rw if left out'),
  device: key(v.boolean(), "whether it is a device's: uncached"),
  times: key(v.pipe(positive, v.maxValue(65536)),
    'how many, each behind the one before, what is inside too; 1 if left out'),
  regions: key(v.array(v.lazy(() => region)), 'regions inside: then it is a VMAR'),
});

const kernel = v.strictObject({
  wired: key(size, 'image and boot data'),
  heap: key(size, 'heap, what is free in it too'),
  heapFree: key(size, 'free bytes of the heap'),
  ipc: key(size, 'message buffers'),
  mmu: key(size, 'page tables beside those of the processes'),
  iommu: key(size, 'page tables of devices'),
  cache: key(size, 'caches of free pages'),
  slab: key(size, 'slabs'),
  other: key(size, 'anything else'),
  aspace: key(v.strictObject({
    base: size, size, regions: v.array(region),
  }), "the kernel's address space"),
});
/** What the kernel itself has. */
export type KernelUsePlan = v.InferOutput<typeof kernel>;

const pressure = v.strictObject({
  oom: key(size, 'below so much free memory it has run out; 50M if left out'),
  imminentDelta: key(size, 'so much above that it is about to; 10M if left out'),
  critical: key(size, '150M if left out'),
  warning: key(size, '300M if left out'),
  debounce: key(size, 'how far past a mark a level changes; 1M if left out'),
  hysteresisSeconds: key(v.pipe(v.number(), v.minValue(0)),
    'how long a better level lasts before it counts; 10 if left out'),
  evictAtWarning: key(v.boolean(), 'whether pages are taken from WARNING on, not CRITICAL'),
  compression: key(v.boolean(), 'whether pages are compressed'),
  oomBehavior: key(v.picklist(['jobkill', 'reboot']), 'reboot if left out'),
});

const system = v.strictObject({
  memory: key(size, 'physical memory; 2G if left out'),
  rootJob: key(v.strictObject({
    name: key(text, 'its name; root if left out'), koid: key(koid, 'its koid'),
  }), 'the root job'),
  firstKoid: key(koid, 'first koid that is given without a name; 1024 if left out'),
  arch: key(v.picklist(['x86-64', 'arm64', 'riscv64']), 'x86-64 if left out'),
  seed: key(v.pipe(v.number(), v.safeInteger()), 'addresses are at random, by this seed'),
  pageLoaning: key(v.boolean(), 'whether contiguous VMOs lend out what they decommit'),
  pressure: key(pressure, 'what is done when memory is short; nothing if left out'),
});
/** The system before anything is in it. */
export type SystemPlan = v.InferOutput<typeof system>;

/** A scenario. */
export const scenario = v.strictObject({
  $schema: v.exactOptional(text),
  scenario: v.pipe(v.literal(SCENARIO_VERSION), v.description('version of the format')),
  title: key(text, 'what it is about, a phrase'),
  about: key(v.union([text, v.array(text)], 'a text, or a list of lines'),
    'what it shows, for readers'),
  system: key(system, 'the system before anything is in it'),
  kernel: key(kernel, 'what the kernel itself has'),
  vmos: key(vmos, 'VMOs that several processes share, or none has'),
  processes: key(processes, 'processes in the root job'),
  jobs: key(v.array(job), 'jobs in the root job'),
  steps: key(v.array(step), 'what happens then, in this order'),
});
/** A scenario. */
export type Scenario = v.InferOutput<typeof scenario>;
