/**
 * A scenario under way: its system, and the steps that are still to be done.
 *
 * Steps are done by hand, one by one or to the end, or by the system's clock: then each is done as
 * time reaches it.
 *
 * I1. Steps are done in the order of the file; what is repeated is never written out.
 * I2. A step that is refused, and does not say so (`fails`), ends the scenario with an error.
 */

import { ZxError } from '../../objects/errors.js';
import type { KernelSystem } from '../../objects/system.js';
import type { StatusName } from '../../objects/status.js';
import { buildScenario, inPlace, type MakeSystem } from './build.js';
import type { Maker } from './make.js';
import type { Scenario } from './schema.js';
import type { SimpleStep, Step } from './step-schema.js';
import { doStep } from './steps.js';
import { timeNs } from './values.js';
import { Where } from './where.js';

/** A step, and where it stands. */
interface Placed {
  readonly step: SimpleStep;
  readonly where: Where;
  /** When it is due, ns on the system's clock; undefined: behind the step before. */
  readonly atNs: bigint | undefined;
}

/** A step as the scenario says it; its keys are those of the published JSON Schema. */
export interface ScenarioStep {
  /** Its kind. */ readonly do: string;
  /** What it says. */ readonly [key: string]: unknown;
}

/** A step that was done. */
export interface DoneStep {
  /** The step. */ readonly step: ScenarioStep;
  /** Its JSON path. */ readonly path: string;
  /** When, on the system's clock. */ readonly atNs: bigint;
  /** The status that it was refused with, as it says. */ readonly refused?: StatusName;
}

/** Steps in the order in which they are done. */
function* inOrder(steps: readonly Step[], where: Where, startNs: bigint): Generator<Placed> {
  for (const [i, step] of steps.entries()) {
    const place = where.at(i);
    let atNs = step.at === undefined ? undefined : startNs + timeNs(step.at);
    if (step.do !== 'repeat') {
      yield { step, where: place, atNs };
      continue;
    }
    for (let time = 0; time < step.times; time++) {
      for (const inner of inOrder(step.steps, place.at('steps'), startNs)) {
        yield { ...inner, atNs };
        atNs = undefined;
      }
    }
  }
}

/** How many steps these are, what is repeated each time. */
function countSteps(steps: readonly Step[]): number {
  return steps.reduce((sum, step) =>
    sum + (step.do === 'repeat' ? step.times * countSteps(step.steps) : 1), 0);
}

/** A scenario under way. */
export class ScenarioRun<S extends KernelSystem = KernelSystem> {
  /** Its system. */
  readonly system: S;
  /** What it is about; empty if it does not say. */
  readonly title: string;
  /** What it shows, for readers, in lines. */
  readonly about: readonly string[];
  /** Steps in all; what is repeated counts each time. */
  readonly totalSteps: number;
  #doneSteps = 0;
  readonly #maker: Maker;
  readonly #steps: Iterator<Placed>;
  #next: Placed | undefined;
  #dueNs: bigint;

  /**
   * Builds the system that the scenario begins with; no step is done yet.
   *
   * @param scenario - what it says
   * @param file - what it is called in messages
   * @param make - makes an empty system
   * @throws InputError and ZxError with the JSON path of what cannot be built
   *
   * @internal
   */
  constructor(scenario: Scenario, file: string, make: MakeSystem<S>) {
    const where = new Where(file);
    const { system, maker } = buildScenario(scenario, where, make);
    const { title = '', about = [], steps = [] } = scenario;
    this.system = system;
    this.title = title;
    this.about = typeof about === 'string' ? [about] : about;
    this.totalSteps = countSteps(steps);
    this.#maker = maker;
    this.#dueNs = system.clock.nowNs;
    this.#steps = inOrder(steps, where.at('steps'), this.#dueNs);
    this.#step();
  }

  /** Steps that were done. */
  get doneSteps(): number {
    return this.#doneSteps;
  }

  /** When the next step is due, ns on the system's clock; undefined: all are done. */
  get dueNs(): bigint | undefined {
    return this.#next === undefined ? undefined : this.#dueNs;
  }

  /**
   * Lets time pass until the next step is due, and does it.
   *
   * @returns the step; undefined where none was left
   * @throws InputError with its JSON path for a name of nothing that lives, ZxError with its path
   *     where it is refused and does not say so, or is not refused and says so
   */
  next(): DoneStep | undefined {
    const { system } = this;
    if (this.#dueNs > system.clock.nowNs) system.advance(this.#dueNs - system.clock.nowNs);
    const placed = this.#next;
    if (placed === undefined) return undefined;
    const { step, where } = placed;
    const refused = this.#do(step, where);
    this.#doneSteps += 1;
    if (step.do === 'wait') this.#dueNs += timeNs(step.for);
    this.#step();
    const done = { step, path: where.path, atNs: system.clock.nowNs };
    return refused === undefined ? done : { ...done, refused };
  }

  /**
   * Does all the steps that are left.
   *
   * @param onStep - called for each, once it is done: steps done, steps in all
   */
  finish(onStep?: (done: number, total: number) => void): void {
    while (this.next() !== undefined) onStep?.(this.doneSteps, this.totalSteps);
  }

  /** Does the steps that are due, and leaves the others to the system's clock. */
  follow(): void {
    const { clock } = this.system;
    while (this.dueNs !== undefined && this.#dueNs <= clock.nowNs) this.next();
    if (this.dueNs !== undefined) clock.at(this.#dueNs, () => { this.follow(); });
  }

  #do(step: SimpleStep, where: Where): StatusName | undefined {
    try {
      inPlace(where, () => { doStep(this.#maker, step, where); });
    } catch (error) {
      if (error instanceof ZxError && error.status === step.fails) return error.status;
      throw error;
    }
    if (step.fails === undefined) return undefined;
    return where.at('fails').fail(step.fails, 'the status of the refusal: there was none');
  }

  #step(): void {
    const { value, done } = this.#steps.next();
    this.#next = done === true ? undefined : value;
    const atNs = this.#next?.atNs;
    if (atNs !== undefined && atNs > this.#dueNs) this.#dueNs = atNs;
  }
}
