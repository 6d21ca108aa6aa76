/**
 * The process itself: an address space, a table of handles, a place in its job.
 *
 * I1. A process lives until it exits or is killed, whether or not anybody holds a handle to it.
 *     Then its handles are closed and its address space is gone; its koid and return code can still
 *     be asked.
 */

import type { AspaceRef } from '../core/core.js';
import { AddressSpace } from './aspace.js';
import { HandleTable } from './handle-table.js';
import { fail } from './errors.js';
import { Topic, type InfoByTopic } from './info.js';
import type { JobObject } from './job-object.js';
import { PolicyAction, PolicyCondition } from './job-policy.js';
import type { Koid } from './koid.js';
import { KernelObject, ObjectType, type NameOptions } from './object.js';
import { Signal } from './signals.js';
import type { KernelSystem } from './system.js';
import { processMaps, processVmos, taskStats } from './task-info.js';
import type { ThreadObject } from './thread-object.js';
import { Vmar, vmarRights } from './vmar.js';
import type { VmarPlace } from './vmar-object.js';

/** What a task ends with that was killed (`ZX_TASK_RETCODE_*`). */
export const KillCode = {
  /** By `zx_task_kill`. */ SYSCALL: -1024,
  /** Because memory ran out. */ OOM: -1025,
  /** Because its job's policy says so. */ POLICY: -1026,
} as const;

/** A process. */
export class ProcessObject extends KernelObject {
  /** The job it belongs to. */
  readonly job: JobObject;
  /** Its handles. */
  readonly handles: HandleTable;
  /** Its threads that did not end, oldest first. */
  readonly threads = new Set<ThreadObject>();
  /** How many of them were started. */
  startedThreads = 0;
  /** Its address space. */
  readonly aspace: AddressSpace;
  /** The first handle to its root VMAR, owned by the host program. */
  readonly rootVmar: Vmar;
  #returnCode: number | undefined;

  /**
   * @param job - the job it belongs to
   * @param options - name and koid
   * @param root - range and rules of the root VMAR
   * @param aspace - the core's address space, which nobody else uses
   */
  constructor(
    system: KernelSystem,
    job: JobObject,
    options: NameOptions,
    root: VmarPlace,
    aspace: AspaceRef,
  ) {
    super(system, ObjectType.PROCESS, options);
    this.job = job;
    this.handles = new HandleTable(this);
    this.aspace = new AddressSpace(system, root, aspace);
    this.aspace.process = this;
    this.rootVmar = new Vmar(this.aspace.root, vmarRights(root.canMap));
    job.processes.add(this);
    system.runningProcesses += 1;
  }

  /** False once it ended. */
  get isAlive(): boolean {
    return this.#returnCode === undefined;
  }

  /** What it ended with; undefined while it runs. */
  get returnCode(): number | undefined {
    return this.#returnCode;
  }

  /** TERMINATED. */
  protected override get stateSignals(): number {
    return this.isAlive ? 0 : Signal.TERMINATED;
  }

  /** Koid of its job. */
  override get relatedKoid(): Koid {
    return this.job.koid;
  }

  /** Refuses a process that ended. */
  assertAlive(): void {
    if (this.isAlive) return;
    fail('ZX_ERR_BAD_STATE', `process ${this.koid} ended`, { koid: this.koid });
  }

  /**
   * Does what its job's policy says about something that the process is about to do.
   *
   * @throws ZxError ZX_ERR_ACCESS_DENIED where it may not; with KILL the process is dead then
   */
  enforce(condition: PolicyCondition): void {
    const action = this.job.policy.actionOf(condition);
    const { ALLOW, ALLOW_EXCEPTION, DENY_EXCEPTION } = PolicyAction;
    if (action === ALLOW_EXCEPTION || action === DENY_EXCEPTION) this.system.counters.raised += 1;
    if (action === ALLOW || action === ALLOW_EXCEPTION) return;
    if (action === PolicyAction.KILL) this.end(KillCode.POLICY);
    const { koid } = this.job;
    const name = Object.entries(PolicyCondition).find(([, bit]) => bit === condition)?.[0] ?? '';
    fail('ZX_ERR_ACCESS_DENIED', `policy ${name} of job ${koid}: action ${action}`, {
      condition: name, action, jobKoid: koid,
    });
  }

  /** Ends it: handles closed, address space gone, no longer in its job. */
  end(returnCode: number): void {
    if (!this.isAlive) return;
    this.#returnCode = returnCode;
    this.job.processes.delete(this);
    this.system.runningProcesses -= 1;
    for (const thread of [...this.threads]) thread.end();
    this.handles.closeAll();
    this.aspace.destroy();
    this.job.settle();
    if (this.handleCount === 0) this.freeRecord();
  }

  /** Answers the topics of processes; one that ended refuses those about its memory (11.4). */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    const answer = this.#answer(topic);
    if (answer === undefined) return this.commonInfo(topic, rights);
    return answer() as InfoByTopic[T];
  }

  protected onLastHandle(): void {
    // While it runs it lives on; see I1.
    if (!this.isAlive) this.freeRecord();
  }

  #answer(topic: Topic): (() => unknown) | undefined {
    const ofLiving = <R>(ask: (process: ProcessObject) => R) => (): R => {
      this.assertAlive();
      return ask(this);
    };
    if (topic === Topic.PROCESS) {
      return () => ({ returnCode: this.#returnCode ?? 0, exited: !this.isAlive });
    }
    if (topic === Topic.PROCESS_THREADS) {
      return () => Array.from(this.threads, (thread) => thread.koid);
    }
    if (topic === Topic.PROCESS_MAPS) return ofLiving(processMaps);
    if (topic === Topic.PROCESS_VMOS) return ofLiving(processVmos);
    if (topic === Topic.TASK_STATS) return ofLiving(taskStats);
    return undefined;
  }
}
