/**
 * Builds a system from a Linux snapshot: jobs, processes, VMOs and mappings through the objects'
 * own calls, pages and page tables through the core's door for builders.
 *
 *   job linux
 *     job <name of a process whose parent isn't recorded>
 *       that process and all its descendants
 *     process outside                         only if frames have mappings nobody recorded
 *
 * I1. Koids: koids.ts. Names of VMOs are the paths of the snapshot, uncut.
 * I2. Files keep a handle that nobody closes: the page cache. Other VMOs live by their mappings.
 * I3. Free pages of the core are meminfo's MemFree (as far as 64 M pages reach), so that what a
 *     simulation may still allocate is what the machine could.
 */

import type { Core } from '../../core/core.js';
import { FrameState } from '../../core/core.js';
import { fail, ZxError } from '../../objects/errors.js';
import type { KernelMemory } from '../../objects/info.js';
import type { Job } from '../../objects/job.js';
import type { Mapping } from '../../objects/mapping.js';
import type { Process } from '../../objects/process.js';
import { statusName } from '../../objects/status.js';
import { KernelSystem, type SystemOptions } from '../../objects/system.js';
import { toBytes } from '../../objects/units.js';
import { VmOption } from '../../objects/vm-options.js';
import type { Vmo } from '../../objects/vmo.js';
import { VmoChild } from '../../objects/vmo-options.js';
import { planFamilies } from './families.js';
import { PageFiller, type NonPages } from './fill.js';
import { forkOrder, type ForkForest } from './forks.js';
import { ImportedMemory, meminfoFigures } from './kernel-memory.js';
import { FIRST_KOID, numberKoids, type LinuxKoids } from './koids.js';
import { offsetIn, type FamilyPlan, type VmoPlan } from './plan.js';
import { USER_END_PAGE } from './records.js';
import type { LinuxMapping, LinuxProcess, LinuxSnapshot } from './snapshot.js';
import { swapFigures, swapRuns, type SwapFigures } from './swap.js';

/** Most pages a core can have. */
const CORE_PAGES_MAX = 2 ** 26 - 1;
/** Paths are at most this long on Linux, bytes. */
const NAME_LIMIT_BYTES = 4096;
const ALL_PERMS = 7;

/** Makes the system that is filled: the public class, or a test's. */
export type MakeSystem<S extends KernelSystem> = (core: Core, options: SystemOptions) => S;

/** A system built from a snapshot, and what passes and views need to know of its origin. */
export interface LinuxImport<S extends KernelSystem = KernelSystem> {
  /** The system. */ readonly system: S;
  /** The process that stands for mappings nobody recorded; undefined if there are none. */
  readonly outside: Process | undefined;
  /** Pairs of frame and mappings beyond the page-table entries that were built; may be negative. */
  readonly extras: Int32Array;
  /** Swap of each mapping that has any. */ readonly swap: ReadonlyMap<Mapping, SwapFigures>;
  /** Swapped runs by koid of the process, see `swapRuns`. */
  readonly swapRuns: ReadonlyMap<number, { readonly runs: Float64Array }>;
  /** Frames that were recorded and not made. */ readonly nonPages: NonPages;
  /** Physical memory by use: meminfo's figures, and what happened since. */
  readonly kernelMemory: () => KernelMemory;
  /** MemAvailable when it was recorded, bytes; MemFree where it is missing. */
  readonly availableBytes: number;
  /** Bytes of VMOs whose pages no recorded process maps: counted, not made. */
  readonly notRecordedBytes: number;
  /** Number of the first frame that was made. */ readonly firstFrame: number;
  /** PFN of each frame that was made, from `firstFrame` on. */ readonly pfns: Float64Array;
  /** Lines a user should see. */ readonly notes: readonly string[];
}

/**
 * Builds a system from a snapshot.
 *
 * @param snapshot - the snapshot as read
 * @param make - makes the empty system on the core that it is handed
 * @returns the system and its facts
 * @throws ZxError ZX_ERR_NO_MEMORY if it does not fit into one core, with what was asked and left
 * @throws InputError if processes are their own ancestors
 */
export function buildLinux<S extends KernelSystem>(
  snapshot: LinuxSnapshot,
  make: MakeSystem<S>,
): LinuxImport<S> {
  const forest = forkOrder(snapshot);
  const plan = planFamilies(snapshot);
  const builder = new Builder(snapshot, forest, plan, make);
  builder.run();
  return builder.result();
}

class Builder<S extends KernelSystem> {
  private readonly system: S;
  private readonly filler: PageFiller;
  private readonly koids: LinuxKoids;
  private readonly jobs = new Map<number, Job>();
  private readonly vmos = new Map<VmoPlan, Vmo>();
  private readonly processes: Process[] = [];
  private readonly swap = new Map<Mapping, SwapFigures>();
  private readonly swapRuns = new Map<number, number[]>();
  private readonly figures: KernelMemory;
  private outside: Process | undefined;
  private extras: Int32Array = new Int32Array(0);

  constructor(
    private readonly snapshot: LinuxSnapshot,
    private readonly forest: ForkForest,
    private readonly plan: FamilyPlan,
    make: MakeSystem<S>,
  ) {
    this.figures = meminfoFigures(snapshot.meminfo);
    this.koids = numberKoids(snapshot, forest, plan);
    const core = KernelSystem.createCore({ physicalPages: this.physicalPages() });
    this.system = make(core, {
      rootJobName: 'linux',
      firstKoid: FIRST_KOID,
      nameLimitBytes: NAME_LIMIT_BYTES,
      countKernelMemory: false,
      userBase: 0,
      userSize: toBytes(USER_END_PAGE),
    });
    this.filler = new PageFiller(core, snapshot, plan, (status, what, pages) => {
      return fail(statusName(status), `no memory for ${pages} pages of ${what}: ${this.left()}`, {
        pages,
        ...this.room(),
      });
    });
  }

  /** Builds all, and sees to it that a refusal says what was left. */
  run(): void {
    try {
      this.build();
    } catch (error) {
      if (!(error instanceof ZxError) || error.status !== 'ZX_ERR_NO_MEMORY') throw error;
      if ('hostBytesLeft' in error.details) throw error;
      const said = error.message.replace(`${error.status}: `, '');
      fail(error.status, `${said}: ${this.left()}`, { ...error.details, ...this.room() });
    }
  }

  private build(): void {
    const { snapshot, plan } = this;
    snapshot.processes.forEach((process, index) => this.makeProcess(process, index));
    for (const vmo of plan.order) this.makeVmo(vmo);
    snapshot.mappings.forEach((mapping, i) => this.map(mapping, plan.vmoOf[i] as VmoPlan));
    for (const [{ kind }, vmo] of this.vmos) if (kind !== 'file') vmo.close();
    this.extras = this.filler.extras();
    if (this.extras.some((word, i) => i % 2 === 1 && word > 0)) {
      const { outside: koid } = this.koids;
      this.outside = this.system.rootJob.createProcess('outside', processOptions(koid));
      this.system.rootJob.object.trailing = this.outside.object;
    }
    this.useKernelPages();
  }

  result(): LinuxImport<S> {
    const { system, outside, extras, swap, filler, snapshot } = this;
    const memory = new ImportedMemory(system.core, this.figures);
    const { meminfo } = snapshot;
    return {
      system,
      outside,
      extras,
      swap,
      swapRuns: new Map([...this.swapRuns].map(([koid, runs]) =>
        [koid, { runs: Float64Array.from(runs) }])),
      nonPages: filler.nonPages,
      kernelMemory: () => memory.now(),
      availableBytes: 1024 * (meminfo.get('MemAvailable') ?? meminfo.get('MemFree') ?? 0),
      notRecordedBytes: memory.notRecordedBytes,
      firstFrame: filler.firstFrame,
      pfns: filler.pfns,
      notes: this.notes(),
    };
  }

  /** What the recording says of itself, and where it does not agree with itself. */
  private notes(): string[] {
    const { snapshot: { consistent, file, frames }, figures, extras } = this;
    const notes: string[] = [];
    if (!consistent) notes.push('the system changed while it was recorded (consistent: false)');
    const [shown, most] = [4096 * this.filler.pfns.length, figures.totalBytes];
    if (shown > most) notes.push(`${shown} bytes of pages are mapped, of ${most} as MemTotal says`);
    const short = extras.filter((extra, i) => i % 2 === 1 && extra < 0).length;
    if (short > 0) {
      const said = 'are mapped more often than their mapcount says';
      notes.push(`${short} of ${frames.count} pages ${said}`);
    }
    return notes.map((note) => `${file}: ${note}`);
  }

  private room(): { readonly freePages: number; readonly hostBytesLeft: number } {
    const { freePages, hostBytesLeft } = this.system.core;
    return { freePages, hostBytesLeft };
  }

  private left(): string {
    const { freePages, hostBytesLeft } = this.room();
    return `${freePages} pages and ${hostBytesLeft} bytes of host memory are left`;
  }

  /** All of MemTotal, and more where what was recorded does not fit into it. */
  private physicalPages(): number {
    const { snapshot, figures } = this;
    const tables = 4 * snapshot.processes.length + snapshot.mappings.length * 4;
    const leaves = Math.min(snapshot.presentPages, snapshot.runCount + snapshot.presentPages / 512);
    const recorded = snapshot.frames.count + tables + Math.ceil(leaves);
    const free = Math.floor(figures.freeBytes / 4096);
    const total = Math.max(Math.ceil(figures.totalBytes / 4096), recorded + free);
    return Math.min(CORE_PAGES_MAX, Math.max(total, 1));
  }

  private makeProcess({ pid, comm }: LinuxProcess, index: number): void {
    const root = this.forest.rootOf[index] as number;
    let job = this.jobs.get(root);
    if (!job) {
      const { comm: name } = this.snapshot.processes[root] as LinuxProcess;
      const koid = this.koids.jobs.get(root) as number;
      job = this.system.rootJob.createJob(name, { koid });
      this.jobs.set(root, job);
    }
    this.processes.push(job.createProcess(comm, processOptions(pid)));
  }

  private makeVmo(plan: VmoPlan): void {
    const koid = this.koids.vmos.get(plan) as number;
    const size = toBytes(plan.sizePages);
    const vmo = this.newVmo(plan, koid, size);
    if (plan.kind === 'anonymous' && plan.source) vmo.setName(plan.name);
    this.vmos.set(plan, vmo);
    this.filler.fill(plan, vmo.object.tree.ref);
  }

  private newVmo(plan: VmoPlan, koid: number, size: bigint): Vmo {
    const { kind, name, source, file } = plan;
    if (kind === 'file') return this.system.createFileVmo(size, { name, koid });
    if (source) {
      const parent = this.vmos.get(source) as Vmo;
      const offset = toBytes(plan.baseVpn - source.baseVpn);
      const how = file ? VmoChild.SNAPSHOT_MODIFIED : VmoChild.SNAPSHOT;
      return parent.createChild(how, offset, size, { koid });
    }
    if (!file) return this.system.createVmo(size, 0, { name, koid });
    const parent = this.vmos.get(file) as Vmo;
    return parent.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, size, { koid });
  }

  private map(mapping: LinuxMapping, plan: VmoPlan): void {
    const process = this.processes[mapping.process] as Process;
    const made = process.rootVmar.object.mapVmo({
      options: VmOption.SPECIFIC,
      offset: toBytes(mapping.startPage),
      pages: mapping.pages,
      maxPerms: ALL_PERMS,
      vmo: (this.vmos.get(plan) as Vmo).object,
      vmoOffsetPages: offsetIn(plan, mapping),
      perms: mapping.perms,
    });
    this.filler.installEntries(mapping, made.ref);
    const swap = swapFigures(this.snapshot, mapping);
    if (!swap) return;
    this.swap.set(made, swap);
    const { koid } = process.object;
    const runs = this.swapRuns.get(koid) ?? [];
    for (const word of swapRuns(this.snapshot, mapping)) runs.push(word);
    this.swapRuns.set(koid, runs);
  }

  /** Takes from the free pages what meminfo says the kernel and those not recorded use. */
  private useKernelPages(): void {
    const { core } = this.system;
    const { wiredBytes, totalHeapBytes, mmuOverheadBytes, freeBytes } = this.figures;
    let budget = core.freePages - Math.min(core.freePages, Math.floor(freeBytes / 4096));
    const take = (bytes: number): number => {
      const pages = Math.min(budget, Math.floor(bytes / 4096));
      budget -= pages;
      return pages;
    };
    const tables = core.pagesInState(FrameState.MMU) * 4096;
    const wiredPages = take(wiredBytes);
    const heapPages = take(totalHeapBytes);
    const mmuPages = take(Math.max(0, mmuOverheadBytes - tables));
    this.system.addKernelUse({ wiredPages, heapPages, mmuPages, otherPages: budget });
  }
}

function processOptions(koid: number): Parameters<Job['createProcess']>[1] {
  return { koid, rootVmar: { base: 0, size: toBytes(USER_END_PAGE), koid: 0 } };
}
