/**
 * Handles to jobs.
 *
 * I1. Processes and jobs made here are owned, as handles, by the host program.
 */

import type { AspaceRef } from '../core/core.js';
import { checkMemory, fail } from './errors.js';
import { Handle } from './handle.js';
import { JobObject } from './job-object.js';
import type { PolicyEntry } from './job-policy.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import { checkNames, OBJECT_BYTES, ObjectType } from './object.js';
import { Process } from './process.js';
import { ProcessObject } from './process-object.js';
import { DefaultRights, Right } from './rights.js';
import { checkAddressSpace } from './system-options.js';
import { pageOf, refuse, toOptions, toU64, type Bytes } from './units.js';
import { CAN_MAP_ALL } from './vm-options.js';

/** Heap bytes of a process: itself, its root VMAR, and a handle to each. */
const PROCESS_BYTES =
  OBJECT_BYTES[ObjectType.PROCESS] + OBJECT_BYTES[ObjectType.VMAR] + 2 * HANDLE_BYTES;

/** How a builder makes a process. */
export interface ProcessOptions {
  /** A koid that was never given; else the next one. */ readonly koid?: number;
  /** Range of the root VMAR; else the system's user range. */
  readonly rootVmar?: {
    /** First address, a multiple of 4096. */ readonly base: Bytes;
    /** Length in bytes, a multiple of 4096. */ readonly size: Bytes;
    /** Koid of the root VMAR; 0 for none. */ readonly koid?: number;
    /** Name; `root` if left out. */ readonly name?: string;
  };
}

/** A handle to a job. */
export class Job extends Handle<JobObject> {
  /**
   * Makes a job in this one (`zx_job_create`; needs MANAGE_JOB).
   *
   * @param name - its name
   * @param options - a builder's koid
   * @throws ZxError ZX_ERR_OUT_OF_RANGE where the tree is too deep, ZX_ERR_BAD_STATE in a dead job
   */
  createJob(name = '', options: { readonly koid?: number } = {}): Job {
    const job = this.change(Right.MANAGE_JOB);
    checkNames(job.system, { ...toOptions(options), name });
    const names = { ...options, name };
    return job.system.heap.hold(OBJECT_BYTES[ObjectType.JOB] + HANDLE_BYTES, () =>
      new Job(new JobObject(job.system, job, names), DefaultRights.JOB));
  }

  /**
   * Makes a process in this job (`zx_process_create`; needs MANAGE_PROCESS).
   *
   * @param name - its name
   * @param options - a builder's koid and root VMAR
   * @throws ZxError ZX_ERR_BAD_STATE in a dead job, ZX_ERR_NO_MEMORY
   */
  createProcess(name = '', options: ProcessOptions = {}): Process {
    const job = this.change(Right.MANAGE_PROCESS);
    job.assertAlive();
    const { system } = job;
    checkNames(system, { ...toOptions(options), name });
    if (options.rootVmar !== undefined) checkNames(system, options.rootVmar);
    const root = options.rootVmar ?? { base: system.userBase, size: system.userSize };
    const base = toU64(root.base, 'base');
    const size = toU64(root.size, 'size');
    checkAddressSpace(base, size, system.userEnd);
    if (options.koid !== undefined && options.koid === options.rootVmar?.koid) {
      fail('ZX_ERR_ALREADY_EXISTS', `koid ${options.koid} named twice`, { koid: options.koid });
    }
    const names = options.koid === undefined ? { name } : { name, koid: options.koid };
    const place = {
      name: 'root',
      ...(options.rootVmar ?? {}),
      basePage: pageOf(base),
      pages: pageOf(size),
      canMap: CAN_MAP_ALL,
    };
    return system.heap.hold(PROCESS_BYTES, () => {
      const aspace = checkMemory<AspaceRef>(
        system.core, system.core.aspaceCreate(), 'for a process');
      const object = new ProcessObject(system, job, names, place, aspace);
      return new Process(object, DefaultRights.PROCESS);
    });
  }

  /** Kills everything in the job (`zx_task_kill`; needs DESTROY). The root job itself stays. */
  kill(): void {
    this.change(Right.DESTROY).kill();
  }

  /**
   * Marks the job as one the kernel may kill when memory runs out (ZX_PROP_JOB_KILL_ON_OOM; needs
   * SET_PROPERTY).
   */
  setKillOnOom(kill: boolean): void {
    const job = this.change(Right.SET_PROPERTY);
    if (typeof kill !== 'boolean') refuse(kill, 'kill', 'true or false');
    job.killOnOom = kill;
  }

  /**
   * Says what processes of this job may do, and of the jobs that will be made in it
   * (`zx_job_set_policy`; needs SET_POLICY). It binds what processes do themselves
   * (`process.createVmo`, `vmar.map` in their address space ...), not the host program.
   *
   * @param mode - one of `PolicyMode`
   * @param entries - 1 to 18 lines; of two that meet the first stands where it denies overriding
   * @throws ZxError ZX_ERR_BAD_STATE where a job or process stands in it, ZX_ERR_INVALID_ARGS,
   *     ZX_ERR_NOT_SUPPORTED, ZX_ERR_OUT_OF_RANGE, ZX_ERR_ALREADY_EXISTS (memory-semantics 10.6)
   */
  setPolicy(mode: number, entries: readonly PolicyEntry[]): void {
    this.change(Right.SET_POLICY).setPolicy(mode, entries);
  }

  protected remake(rights: number): Job {
    return new Job(this.object, rights);
  }
}
