/**
 * The job itself: a node of the task tree.
 *
 * I1. A job lives while a handle, a child job or a process needs it; the root job always does.
 * I2. Killing goes top-down, jobs before processes (memory-semantics 10.2), without recursion.
 * I3. Children stand in the order in which they were made.
 */

import { fail } from './errors.js';
import { Topic, type InfoByTopic } from './info.js';
import { JobPolicy, type PolicyEntry } from './job-policy.js';
import { kernelMemoryExtended } from './kernel-memory.js';
import type { Koid } from './koid.js';
import { NO_KOID } from './koid.js';
import { KernelObject, ObjectType, type NameOptions } from './object.js';
import { KillCode, type ProcessObject } from './process-object.js';
import { Signal } from './signals.js';
import type { KernelSystem } from './system.js';

/** How many generations of jobs can stand below the root job. */
export const ROOT_JOB_HEIGHT = 32;

/** A job. */
export class JobObject extends KernelObject {
  /** The job above; undefined for the root job. */
  readonly parent: JobObject | undefined;
  /** Child jobs, oldest first. */
  readonly jobs = new Set<JobObject>();
  /** Processes, oldest first. */
  readonly processes = new Set<ProcessObject>();
  /** Generations that can stand below it. */
  readonly height: number;
  /** A process that the walk lists after the child jobs: what stands for processes not recorded. */
  trailing: ProcessObject | undefined;
  /** Whether the kernel may kill it when memory runs out (ZX_PROP_JOB_KILL_ON_OOM). */
  killOnOom = false;
  #policy: JobPolicy;
  #returnCode = 0;
  #alive = true;

  /**
   * @param parent - the job above
   * @param options - name and koid
   * @throws ZxError ZX_ERR_OUT_OF_RANGE if the tree would be too deep, ZX_ERR_BAD_STATE if the
   *     parent died
   */
  constructor(system: KernelSystem, parent: JobObject | undefined, options: NameOptions) {
    const height = parent === undefined ? ROOT_JOB_HEIGHT : parent.height - 1;
    if (parent !== undefined) parent.checkRoom();
    super(system, ObjectType.JOB, options);
    this.parent = parent;
    this.height = height;
    this.#policy = parent === undefined ? JobPolicy.NONE : parent.#policy;
    parent?.jobs.add(this);
  }

  /** False once it died. */
  get isAlive(): boolean {
    return this.#alive;
  }

  /** TERMINATED, NO_JOBS, NO_PROCESSES, NO_CHILDREN. */
  protected override get stateSignals(): number {
    const noJobs = this.jobs.size === 0 ? Signal.NO_JOBS : 0;
    const noProcesses = this.processes.size === 0 ? Signal.NO_PROCESSES : 0;
    const noChildren = noJobs !== 0 && noProcesses !== 0 ? Signal.NO_CHILDREN : 0;
    return (this.#alive ? 0 : Signal.TERMINATED) | noJobs | noProcesses | noChildren;
  }

  /** What its processes may do. */
  get policy(): JobPolicy {
    return this.#policy;
  }

  /**
   * Sets a policy for all that will stand below.
   *
   * @throws ZxError ZX_ERR_BAD_STATE where something stands there already, and as `JobPolicy.with`
   */
  setPolicy(mode: number, entries: readonly PolicyEntry[]): void {
    const policy = this.#policy.with(mode, entries);
    const children = this.jobs.size + this.processes.size;
    if (children > 0) {
      fail('ZX_ERR_BAD_STATE', `job ${this.koid} has ${children} children: expected none`, {
        koid: this.koid, children,
      });
    }
    this.#policy = policy;
  }

  /** Koid of the job above, 0 for the root job. */
  override get relatedKoid(): Koid {
    return this.parent?.koid ?? NO_KOID;
  }

  /** Refuses a new child job. */
  checkRoom(): void {
    if (this.height === 0) {
      fail('ZX_ERR_OUT_OF_RANGE', `job ${this.koid} is as deep as jobs go`, {
        koid: this.koid,
        maximumDepth: ROOT_JOB_HEIGHT,
      });
    }
    this.assertAlive();
  }

  /** Refuses a job that died. */
  assertAlive(): void {
    if (this.#alive) return;
    fail('ZX_ERR_BAD_STATE', `job ${this.koid} died`, { koid: this.koid });
  }

  /**
   * Kills it with all that stands below. The root job stays.
   *
   * @param returnCode - what each ends with
   */
  kill(returnCode: number = KillCode.SYSCALL): void {
    const all: JobObject[] = [this];
    for (let i = 0; i < all.length; i++) {
      const job = all[i] as JobObject;
      if (job.parent !== undefined && job.#alive) {
        job.#alive = false;
        job.#returnCode = returnCode;
      }
      for (const child of job.jobs) all.push(child);
    }
    for (const job of all) {
      for (const process of [...job.processes]) process.end(returnCode);
    }
    for (const job of all.reverse()) job.settle();
  }

  /** Leaves the tree if nothing needs it any more; then the jobs above may follow. */
  settle(): void {
    let job: JobObject | undefined = this as JobObject;
    while (job?.parent !== undefined) {
      const needed = job.#alive && job.handleCount > 0;
      if (needed || job.jobs.size > 0 || job.processes.size > 0) return;
      job.#alive = false;
      job.parent.jobs.delete(job);
      if (job.handleCount === 0) job.freeRecord();
      job = job.parent;
    }
  }

  /** Answers the topics of jobs. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    if (topic === Topic.JOB_CHILDREN) return koids(this.jobs) as InfoByTopic[T];
    if (topic === Topic.JOB_PROCESSES) return koids(this.processes) as InfoByTopic[T];
    if (topic === Topic.JOB) {
      const { killOnOom } = this;
      return { returnCode: this.#returnCode, exited: !this.#alive, killOnOom } as InfoByTopic[T];
    }
    if (topic === Topic.KMEM_STATS && this.parent === undefined) {
      return this.system.kernelMemory() as InfoByTopic[T];
    }
    if (topic === Topic.KMEM_STATS_EXTENDED && this.parent === undefined) {
      return kernelMemoryExtended(this.system) as InfoByTopic[T];
    }
    if (topic === Topic.KMEM_STATS_COMPRESSION && this.parent === undefined) {
      return this.system.reclaim.compression.info(this.system.core) as InfoByTopic[T];
    }
    return this.commonInfo(topic, rights);
  }

  protected onLastHandle(): void {
    this.settle();
    if (!this.#alive) this.freeRecord();
  }
}

function koids(objects: Iterable<KernelObject>): Koid[] {
  return Array.from(objects, (object) => object.koid);
}
