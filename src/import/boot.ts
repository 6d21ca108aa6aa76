/**
 * The embedded system `boot`: the twelve processes of the memory page's `ps`, and its `kstats -m`.
 *
 * Everything is built through the API and computed by a pass; the figures that go in are those that
 * come out of the page's sample when its rules are turned round (24 KiB and 4 KiB of vDSO shared by
 * twelve, private memory by process).
 */

import { FrameState, type Core } from '../core/core.js';
import type { KernelPlan, KernelRegion } from '../objects/kernel-aspace.js';
import type { Job } from '../objects/job.js';
import { Right } from '../objects/rights.js';
import { KernelSystem, type SystemOptions } from '../objects/system.js';
import { PAGE_BYTES } from '../objects/units.js';
import { Access, VmOption } from '../objects/vm-options.js';
import type { Vmo } from '../objects/vmo.js';
import { VmoOp } from '../objects/vmo-options.js';

const MEMORY_PAGES = 524288; // 2048M
const KERNEL = { wiredPages: 4545, heapPages: 1536, freeHeapBytes: 943718, ipcPages: 26 };
const KERNEL_THREADS = 30;
const KERNEL_STACKS_BASE = 0xffffff9000010000n;

/** The stack of a kernel thread: two pages, and a page without anything on either side. */
function kernelStack(thread: number): KernelRegion {
  const base = KERNEL_STACKS_BASE + BigInt(thread) * 0x4000n;
  const regions = [{ name: 'kernel-stack', base: base + 0x1000n, size: 0x2000n }];
  return { name: 'kernel_stack_vmar', base, size: 0x4000n, regions };
}

/**
 * The page's `asd kernel`: the physmap and two devices. Behind them what the page leaves out: 67
 * more regions, because 71 references to the address space are its owner's and 70 regions'.
 */
const KERNEL_PLAN: KernelPlan = {
  base: 0xffffff8000000000n,
  size: 0x8000000000n,
  regions: [
    { base: 0xffffff8000000000n, size: 0x1000000000n, vmoSize: 0 },
    { base: 0xffffff9000000000n, size: 0x1000n, physicalAddress: 0x7ffe2000 },
    {
      base: 0xffffff9000001000n, size: 0x1000n, physicalAddress: 0xfed00000, isDevice: true,
    },
    { base: 0xffffff9000002000n, size: 0x1000n, physicalAddress: 0xfee00000, isDevice: true },
    ...Array.from({ length: KERNEL_THREADS }, (_, thread) => kernelStack(thread)),
    { name: 'kernel heap', base: 0xffffffa000000000n, size: 1536n * 4096n },
    {
      name: 'kernel image', base: 0xffffffff80100000n, size: 0x400000n, regions: [
        { name: 'kernel code', base: 0xffffffff80100000n, size: 0x200000n, perms: 5 },
        { name: 'kernel rodata', base: 0xffffffff80300000n, size: 0x80000n, perms: 1 },
        { name: 'kernel data', base: 0xffffffff80380000n, size: 0x180000n },
      ],
    },
  ],
};
const OTHER_PAGES = 1;
const MMU_PAGES = 5121; // 20.0M, the processes' own tables included
const VMO_PAGES = 81345; // 317.8M, the processes' memory included
const KIB = 1024;
const STACK_BYTES = 256 * KIB;
const STACK_USED_BYTES = 12 * KIB;
const HEAP_BYTES = 32 * 2 ** 20;
const VDSO_DATA_BYTES = 24 * KIB;
const VDSO_CODE_BYTES = 4 * KIB;
const VDSO_RIGHTS = Right.READ | Right.EXECUTE | Right.MAP | Right.DUPLICATE | Right.TRANSFER;

type ProcessPlan = readonly [koid: number, name: string, privateKib: number];
type JobPlan = readonly [koid: number, name: string, processes: readonly ProcessPlan[]];

const ROOT: ProcessPlan = [1043, 'bin/devmgr', 1384];
const JOBS: readonly JobPlan[] = [
  [1082, 'zircon-drivers', [
    [1209, '/boot/bin/acpisvc', 772],
    [1565, 'driver_host:root', 248],
    [1619, 'driver_host:misc', 652],
    [1688, 'driver_host:platform', 256],
    [1867, 'driver_host:pci#1:1234:1111', 3876],
    [1916, 'driver_host:pci#3:8086:2922', 24944],
  ]],
  [1103, 'zircon-services', [
    [1104, 'crashlogger', 296],
    [1290, 'netsvc', 240],
    [2115, 'sh:console', 360],
    [2334, 'sh:vc', 264],
    [2441, '/boot/bin/ps', 304],
  ]],
];

/** Builds the system; `make` makes the empty one on the core that it is handed. */
export function buildBoot<S extends KernelSystem>(
  make: (core: Core, options: SystemOptions) => S,
): S {
  const core = KernelSystem.createCore({ physicalPages: MEMORY_PAGES });
  const system = make(core, { rootJobName: 'root', rootJobKoid: 1028 });
  const made = system.createVmo(VDSO_DATA_BYTES + VDSO_CODE_BYTES, 0, {
    name: 'vdso/full', koid: 1031,
  });
  made.opRange(VmoOp.COMMIT, 0, VDSO_DATA_BYTES + VDSO_CODE_BYTES);
  made.markVdso(VDSO_DATA_BYTES);
  const vdso = made.replaceAsExecutable();
  addProcess(system, system.rootJob, vdso, ROOT);
  for (const [koid, name, processes] of JOBS) {
    const job = system.rootJob.createJob(name, { koid });
    for (const plan of processes) addProcess(system, job, vdso, plan);
  }
  addKernel(system);
  return system;
}

function addProcess(
  system: KernelSystem, job: Job, vdso: Vmo, [koid, name, privateKib]: ProcessPlan,
): void {
  const process = job.createProcess(name, { koid });
  const { rootVmar } = process;
  const readWrite = VmOption.PERM_READ | VmOption.PERM_WRITE;
  const heap = system.createVmo(HEAP_BYTES, 0, { name: 'jemalloc-heap' });
  const stack = system.createVmo(STACK_BYTES, 0, { name: 'initial-stack' });
  const heapBase = rootVmar.map(readWrite, 0, heap, 0, HEAP_BYTES);
  const stackBase = rootVmar.map(readWrite, 0, stack, 0, STACK_BYTES);
  rootVmar.map(VmOption.PERM_READ, 0, vdso, 0, VDSO_DATA_BYTES);
  const codeOptions = VmOption.PERM_READ | VmOption.PERM_EXECUTE;
  rootVmar.map(codeOptions, 0, vdso, VDSO_DATA_BYTES, VDSO_CODE_BYTES);
  process.touch(heapBase, privateKib * KIB - STACK_USED_BYTES, Access.WRITE);
  process.touch(stackBase + BigInt(STACK_BYTES - STACK_USED_BYTES), STACK_USED_BYTES, Access.WRITE);
  process.insertHandle(vdso.duplicate(VDSO_RIGHTS));
  heap.close();
  stack.close();
}

/** What the kernel itself uses, and the VMOs that no process maps: the boot file system. */
function addKernel(system: KernelSystem): void {
  const { core } = system;
  const bootfsPages = VMO_PAGES - core.pagesInState(FrameState.OBJECT);
  const bootfs = system.createVmo(bootfsPages * PAGE_BYTES, 0, { name: 'bootfs', koid: 0 });
  bootfs.opRange(VmoOp.COMMIT, 0, bootfsPages * PAGE_BYTES);
  const mmuPages = MMU_PAGES - core.pagesInState(FrameState.MMU);
  system.layOutKernel(KERNEL_PLAN);
  system.addKernelUse({ ...KERNEL, mmuPages, otherPages: OTHER_PAGES });
}
