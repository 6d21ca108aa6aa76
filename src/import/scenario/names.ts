/**
 * What a scenario calls things: ids and groups of ids, and koids.
 *
 * I1. A name stands for a thing, or for a group (`id.1` to `id.n`, `id.*`); made again, it stands
 *     for the new. Mappings and VMARs have their names inside their process.
 * I2. Names hold nothing: what died is not there any more, whatever called it so.
 */

import { JobObject } from '../../objects/job-object.js';
import { Pin } from '../../objects/pin.js';
import { ProcessObject } from '../../objects/process-object.js';
import type { KernelSystem } from '../../objects/system.js';
import { ThreadObject, ThreadState } from '../../objects/thread-object.js';
import type { VmarObject } from '../../objects/vmar-object.js';
import { VmoObject } from '../../objects/vmo-object.js';
import { walkThreads } from '../../objects/walk.js';
import type { Target } from './values.js';
import type { Where } from './where.js';

/** What a name can stand for. */
export type Named = VmoObject | ProcessObject | JobObject | ThreadObject | Pin;

/** A range of addresses that a mapping was made with. */
export interface MappedRange {
  /** First address. */ readonly base: bigint;
  /** Bytes. */ readonly sizeBytes: bigint;
}

/** Names inside a process. */
interface Inside {
  readonly maps: Map<string, MappedRange>;
  readonly vmars: Map<string, VmarObject>;
}

/** A kind of thing that a name is expected to be. */
interface Kind<T extends Named> {
  /** What it is called. */ readonly word: string;
  /** Whether a thing is one. */ readonly is: (thing: Named) => thing is T;
}

function kindOf<T extends Named>(word: string, is: (thing: Named) => thing is T): Kind<T> {
  return { word, is };
}

/** Kinds of things. */
export const KINDS = {
  vmo: kindOf('VMO', (thing) => thing instanceof VmoObject),
  process: kindOf('process', (thing) => thing instanceof ProcessObject),
  job: kindOf('job', (thing) => thing instanceof JobObject),
  task: kindOf('process or job', (thing) =>
    thing instanceof ProcessObject || thing instanceof JobObject),
  thread: kindOf('thread', (thing) => thing instanceof ThreadObject),
  pin: kindOf('pin', (thing) => thing instanceof Pin),
} as const;

function isThere(thing: Named): boolean {
  if (thing instanceof VmoObject) return thing.system.vmos.has(thing);
  if (thing instanceof ThreadObject) return thing.state !== ThreadState.DEAD;
  return thing instanceof Pin || thing.isAlive;
}

/** The names of one scenario. */
export class Names {
  readonly #things = new Map<string, Named[]>();
  readonly #groups = new Set<string>();
  readonly #inside = new WeakMap<ProcessObject, Inside>();
  /** What was named by koid before: looking it up walks the whole system. */
  readonly #byKoids = new Map<number, Named>();

  /** @param system - where koids are looked up */
  constructor(private readonly system: KernelSystem) {}

  /** Forgets what a name stood for: it is made again. */
  renew(id: string | undefined, isGroup: boolean): void {
    if (id === undefined) return;
    this.#things.delete(id);
    if (isGroup) this.#groups.add(id);
    else this.#groups.delete(id);
  }

  /** A name stands for one thing more. */
  add(id: string | undefined, thing: Named): void {
    if (id === undefined) return;
    const things = this.#things.get(id);
    if (things === undefined) this.#things.set(id, [thing]);
    else if (this.#groups.has(id)) things.push(thing);
    else things[0] = thing;
  }

  /** Names inside a process; a fork begins with those of its parent. */
  inside(process: ProcessObject, parent?: ProcessObject): Inside {
    let inside = this.#inside.get(process);
    if (inside === undefined) {
      const old = parent === undefined ? undefined : this.#inside.get(parent);
      inside = { maps: new Map(old?.maps), vmars: new Map() };
      this.#inside.set(process, inside);
    }
    return inside;
  }

  /**
   * The living things that a target names.
   *
   * @param target - an id, `id.*`, `id.2` or a koid
   * @param kind - what they have to be
   * @param where - where the target stands
   * @throws InputError where there is none, or it is of another kind
   */
  all<T extends Named>(target: Target, kind: Kind<T>, where: Where): T[] {
    const found = typeof target === 'number'
      ? this.#byKoid(target, kind.word === KINDS.vmo.word) : this.#byName(target);
    const living = found.filter(isThere);
    if (living.length === 0) {
      where.fail(target, found.length > 0 ? `a ${kind.word} that still lives` : `a ${kind.word}`);
    }
    const fitting = living.filter(kind.is);
    if (fitting.length < living.length) where.fail(target, `a ${kind.word}`);
    return fitting;
  }

  /** The one thing that a target names; refuses as {@link Names.all} does, and groups. */
  one<T extends Named>(target: Target, kind: Kind<T>, where: Where): T {
    const [first, second] = this.all(target, kind, where);
    if (first === undefined || second !== undefined) {
      return where.fail(target, `one ${kind.word}, not a group`);
    }
    return first;
  }

  #byName(target: string): readonly Named[] {
    const [id = '', which] = target.split('.');
    const things = this.#things.get(id) ?? [];
    if (which === undefined || which === '*') return things;
    const one = things[Number(which) - 1];
    return one === undefined ? [] : [one];
  }

  #byKoid(koid: number, isVmo: boolean): readonly Named[] {
    const known = this.#byKoids.get(koid);
    const found = known !== undefined && isThere(known) ? known : this.#search(koid, isVmo);
    if (found === undefined) return [];
    this.#byKoids.set(koid, found);
    return [found];
  }

  #search(koid: number, isVmo: boolean): Named | undefined {
    if (isVmo) {
      for (const vmo of this.system.vmos) if (vmo.koid === koid) return vmo;
      return undefined;
    }
    for (const { task } of walkThreads(this.system.rootJob.object)) {
      if (task.koid === koid) return task;
    }
    return undefined;
  }
}
