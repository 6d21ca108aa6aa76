/**
 * What the tables of operations work on: a fresh system, and what the case has named in it.
 *
 * I1. Everything goes through the public API; where the vocabulary asks for what no user sees
 *     (the frame behind a page), through the core door that the system shows for tests.
 */
import { KernelDoor } from '../../src/objects/kernel-door.js';
import {
  type AccountTables, type Handle, type Job, type Pager, type PagerHandler, type Pin, type Policy,
  type Process, type Vmar, type System, Vmo, ZxError, newSystem,
} from '../support/api.js';
import { Lacking, Mismatch, type Rule, type Step } from './cases.js';
import { Names, count, text, whole } from './values.js';

/** A mapping that a case has named: where it is, as first made. */
export interface NamedMap {
  readonly process: Process;
  readonly vmar: Vmar;
  readonly base: bigint;
  readonly sizeBytes: bigint;
  /** What it shows from its first page on. */ readonly vmo: Vmo['object'];
  readonly vmoOffsetPages: number;
}

/** One running case. */
export class Bench {
  readonly system: System;
  /** What the kernel does by itself. */
  readonly door: KernelDoor;
  readonly job: Job;
  readonly process: Process;
  readonly handles = new Names<Handle>();
  readonly processes = new Names<Process>();
  readonly jobs = new Names<Job>();
  readonly maps = new Names<NamedMap>();
  readonly pins = new Names<Pin[]>();
  /** OBJECT frames when the case began. */
  readonly framesAtStart: number;

  /** VMOs of the pager, by key. */
  readonly pagerVmos: Vmo[] = [];
  /** Answers the pager's requests while a step expects one. */
  answer: PagerHandler | undefined;
  #pager: Pager | undefined;

  constructor(readonly rule: Rule) {
    this.system = newSystem();
    this.door = new KernelDoor(this.system);
    this.job = this.system.rootJob;
    this.process = this.job.createProcess('case');
    this.handles.set('root', this.process.rootVmar);
    this.framesAtStart = this.objectFrames();
  }

  /** The case's pager. */
  get pager(): Pager {
    this.#pager ??= this.system.createPager((request) => this.answer?.(request));
    return this.#pager;
  }

  /** Key of the pager's next VMO. */
  nextPagerKey(): number {
    return this.pagerVmos.length;
  }

  /** The VMO handle under `key`. */
  vmo(step: Step, key = 'vmo'): Vmo {
    const handle = this.handles.get(text(step, key));
    if (!(handle instanceof Vmo)) throw new Error(`${text(step, key)} is no VMO`);
    return handle;
  }

  /** The VMAR handle under `key`, the root VMAR where the step has none. */
  vmar(step: Step, key = 'vmar'): Vmar {
    const name = step[key] === undefined ? 'root' : text(step, key);
    const handle = this.handles.get(name);
    if (handle instanceof Vmo) throw new Error(`${name} is no VMAR`);
    return handle as Vmar;
  }

  /** The process under `process`. */
  processOf(step: Step): Process {
    return this.processes.get(text(step, 'process'));
  }

  /** First address of what a step names: a mapping or a VMAR. */
  base(step: Step): bigint {
    if (step['map'] !== undefined) return this.maps.get(text(step, 'map')).base;
    return this.vmar(step).base;
  }

  /** Process whose memory a step names. */
  owner(step: Step): Process {
    return step['map'] === undefined ? this.process : this.maps.get(text(step, 'map')).process;
  }

  /** Address of a page (`page`, `byte`, `byte_offset`) of what a step names. */
  address(step: Step): bigint {
    const inside = ['byte', 'byte_offset', 'offset'].reduce(
      (sum, key) => sum + (step[key] === undefined ? 0n : whole(step, key)), 0n,
    );
    const page = step['page'] === undefined ? 0n : whole(step, 'page');
    return this.base(step) + page * 4096n + inside;
  }

  /** Figures of one instant under the case's rule. */
  tables(policy: Policy = this.rule === 'old' ? 'classic' : 'attributed'): Promise<AccountTables> {
    return this.system.account({ policy, workers: 0 });
  }

  /** Frame that a VMO shows at a page, 0 for none: through the core door. */
  frame(handle: Handle, page: number): number {
    if (!(handle instanceof Vmo)) throw new Error('only VMOs have pages');
    const { tree, offsetPages } = handle.object;
    return this.system.core.vmoFrame(tree.ref, offsetPages + page);
  }

  /** Permissions of the hardware entry at an address, 0 for none: through the core door. */
  entryPerms(process: Process, address: bigint): number {
    const aspace = process.object.aspace.ref;
    const entry = this.system.core.entry(aspace, Number(address / 4096n));
    return (entry & 1) === 0 ? 0 : 1 | (entry & 2) | (entry & 4);
  }

  /** Frames in OBJECT state. */
  objectFrames(): number {
    return this.system.kernelMemory().vmoBytes / 4096;
  }
}

/** What one operation does. */
export type Action = (bench: Bench, step: Step) => void | Promise<void>;

/** Mismatch unless the two are the same. */
export const expectSame = (expected: bigint | number, got: bigint | number): void => {
  if (BigInt(expected) !== BigInt(got)) throw new Mismatch(String(expected), String(got));
};

/** Units of 2^-63 byte by which a sum of shares may miss the whole. */
export const FRACTION_UNITS_ALLOWED = 64n;

/**
 * Mismatch unless units of 2^-63 byte, rounded down, are so many bytes. Three thirds of a page are
 * a page: the kernel cuts a share off at each page, and a case may count that or round once.
 */
export const expectWhole = (expected: bigint, units: bigint): void => {
  if (expected === (units + FRACTION_UNITS_ALLOWED) >> 63n) return;
  expectSame(expected, units >> 63n);
};

/** Bits of the named flags of `table`. */
export const bitsOf = (table: Readonly<Record<string, number>>, list: readonly string[]): number =>
  list.reduce((bits, name) => {
    const bit = table[name];
    if (bit === undefined) throw new Lacking(`the name ${name}`);
    return bits | bit;
  }, 0);

/** Permission bits of a subset of "rwx". */
export const permsOf = (letters: string): number =>
  [...letters].reduce((bits, letter) => bits | (1 << 'rwx'.indexOf(letter)), 0);

/** Offset and length of a ranged step, bytes: `page`/`pages` or `byte_offset`/`len`. */
export const rangeOf = (step: Step): { offset: bigint; length: bigint } => {
  const bytes = step['byte_offset'] !== undefined || step['len'] !== undefined;
  if (bytes) return { offset: BigInt(count(step, 'byte_offset')), length: whole(step, 'len') };
  return { offset: whole(step, 'page') * 4096n, length: whole(step, 'pages') * 4096n };
};

/** Status of a refusal, `ZX_OK` where there was none; other errors pass. */
export const statusOf = async (run: () => void | Promise<void>): Promise<string> => {
  try {
    await run();
    return 'ZX_OK';
  } catch (error) {
    if (error instanceof ZxError) return error.status;
    throw error;
  }
};
