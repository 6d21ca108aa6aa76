/**
 * The public system: the objects, with accounting and the ways to come by one.
 */

import { account, closePool, type AccountOptions } from './accounting/account.js';
import { figuresOf } from './accounting/figures.js';
import { pageReport } from './accounting/page.js';
import { Console } from './accounting/console.js';
import type { PageReport, PageTarget } from './accounting/page-types.js';
import type { Recorded } from './accounting/recorded.js';
import type { AccountTables, Policy, Reach } from './accounting/tables.js';
import type { Core } from './core/core.js';
import type { CoreVariant } from './core/wasm.js';
import { type DocumentSystem, readDocument } from './import/document/document.js';
import { shown } from './import/errors.js';
import { buildLinux } from './import/linux/build.js';
import { readSnapshot } from './import/linux/read.js';
import { recognise } from './import/recognise.js';
import { bytesOf, isLiveSpec, scanSpec, smapsOfSpec } from './import/linux/live/live.js';
import type { SmapsSystem } from './import/linux/live/smaps-system.js';
import type { LinuxSnapshot } from './import/linux/snapshot.js';
import { embeddedScenario, isEmbedded } from './import/scenario/embedded.js';
import { readScenario, toScenario } from './import/scenario/read.js';
import { ScenarioRun } from './import/scenario/run.js';
import type { Scenario } from './import/scenario/schema.js';
import { kindOfPath, sourceName, type SourceOptions } from './import/source.js';
import { fail } from './objects/errors.js';
import { KernelSystem, type SystemOptions } from './objects/system.js';
import { physicalPagesOf, systemSettings } from './objects/system-options.js';
import { refuse, toOptions, toText, toU64, type Bytes } from './objects/units.js';

/** How a system is booted. */
export interface BootOptions extends SystemOptions {
  /** Physical memory in bytes, a multiple of 4096; default 2 GiB, at most 256 GiB - 4096. */
  readonly memoryBytes?: Bytes;
  /** Host memory the core may use, bytes; default and most 4 GiB. */
  readonly hostBytesMax?: Bytes;
  /**
   * A door for tests: `debug` keeps the core's asserts and fault injector. Only a checkout has that
   * build.
   *
   * @internal
   */
  readonly variant?: CoreVariant;
}

/** How a system is opened. */
export interface OpenOptions {
  /** Called while a file is read: bytes done, bytes in all (0 if unknown); then steps. */
  readonly onProgress?: (done: number, total: number, unit?: 'bytes' | 'steps') => void;
  /**
   * Of a scenario: `end` (if left out), all its steps are done; `clock`, those of its first moment
   * are, and the others happen as time passes on the system's clock.
   */
  readonly steps?: 'end' | 'clock';
}

const DEFAULT_MEMORY_BYTES = 2 ** 31;
const SNAPSHOT = /\.snap\.jsonl(\.gz|\.br)?$/;
const SCENARIO = /\.scenario\.json(\.gz|\.br)?$/;

/** Refuses a SPEC that names no system and no file. */
async function checkFile(spec: string): Promise<void> {
  const kind = await kindOfPath(spec);
  if (kind === 'file') return;
  const what = kind === 'folder' ? 'a directory' : 'no such system or file';
  const expected = 'expected boot, page-vmaps, page-vmos, linux, a file, or -';
  fail('ZX_ERR_NOT_FOUND', `system ${shown(spec)}: ${what}, ${expected}`, { spec });
}

/** Whose the recorded processes are. */
function usersOf({ processes }: LinuxSnapshot): ReadonlyMap<number, string> {
  return new Map(processes.flatMap(({ pid, user }) => (user === undefined ? [] : [[pid, user]])));
}

/** A simulated system. */
export class System extends KernelSystem {
  /**
   * What the kernel's console finds in it.
   *
   * @internal
   */
  readonly console: Console = new Console(this, () => this.#recorded?.kmem());
  #recorded: Recorded | undefined;

  /**
   * @param core - a core that nobody else uses
   * @param options - names, koids, the user's address range
   */
  constructor(core: Core, options: SystemOptions = {}) {
    super(core, options);
    this.figures = (parts) => figuresOf(this, parts);
  }

  /**
   * Boots an empty system: physical memory and a root job.
   *
   * @throws ZxError ZX_ERR_INVALID_ARGS for an option of the wrong kind or out of range,
   *     ZX_ERR_NO_MEMORY if the host memory allowed cannot hold its frames
   */
  static boot(options: BootOptions = {}): System {
    const {
      memoryBytes = DEFAULT_MEMORY_BYTES, hostBytesMax, variant, ...rest
    } = toOptions(options);
    systemSettings(rest);
    const core = KernelSystem.createCore({
      physicalPages: physicalPagesOf(memoryBytes),
      ...(hostBytesMax === undefined
        ? {} : { hostBytesMax: Number(toU64(hostBytesMax, 'hostBytesMax')) }),
      ...(variant === undefined ? {} : { variant }),
    });
    return new System(core, rest);
  }

  /**
   * Opens a system by its SPEC: an embedded one (`boot`, `page-vmaps`, `page-vmos`), a scenario
   * (`FILE.scenario.json`), a recorded Linux snapshot (`FILE.snap.jsonl`, `.gz`, `.br`), this
   * machine (`linux`), or `-` for a file on standard input. Of a file of another name its content
   * decides. Documents of tables (`memgraph`, `mem --print`) are no such systems: see
   * {@link openSystem}.
   *
   * @throws InputError for a broken file, ZxError ZX_ERR_NO_MEMORY for one that does not fit,
   *     ZX_ERR_NOT_FOUND for a SPEC that names no kind of system, ZX_ERR_NOT_SUPPORTED for a
   *     document
   */
  static async open(spec: string, options: OpenOptions = {}): Promise<System> {
    const opened = await openSystem(spec, options);
    if (opened instanceof System) return opened;
    return fail('ZX_ERR_NOT_SUPPORTED',
      `system ${shown(spec)}: only tables of it are known, expected a system with pages`,
      { spec });
  }

  /**
   * Loads a recorded Linux snapshot.
   *
   * @internal
   */
  static async fromSnapshot(
    spec: string, options: SourceOptions, notes: readonly string[] = [],
  ): Promise<System> {
    const snapshot = await readSnapshot(spec, options);
    const built = buildLinux(snapshot, (core, rest) => new System(core, rest));
    const { system, outside, kernelMemory, availableBytes } = built;
    system.#recorded = {
      extras: built.extras, swap: built.swap, swapRuns: built.swapRuns,
      notes: [...notes, ...built.notes], nonPages: built.nonPages,
      notRecordedBytes: built.notRecordedBytes, pfns: built.pfns, firstFrame: built.firstFrame,
      outsideKoid: outside?.koid, users: usersOf(snapshot),
      kmem: () => ({ ...kernelMemory(), availableBytes }),
    };
    return system;
  }

  /** Host memory that holds the system, bytes. */
  get hostBytesUsed(): number {
    return this.core.hostBytesUsed;
  }

  /** Whether it was recorded elsewhere: then entries of page tables are what counts. */
  get isRecorded(): boolean {
    return this.#recorded !== undefined;
  }

  /** Policy where none is asked for: `mapcount` for recorded Linux systems, else `classic`. */
  get defaultPolicy(): Policy {
    return this.isRecorded ? 'mapcount' : 'classic';
  }

  /** Reach where none is asked for. */
  get defaultReach(): Reach {
    return this.isRecorded ? 'present' : 'committed';
  }

  /** Lines a user should see about how the system came to be. */
  get notes(): readonly string[] {
    return this.#recorded?.notes ?? [];
  }

  /**
   * Accounts for every page: the tables of one instant. Until it has settled, calls that would
   * change the system fail with ZX_ERR_SHOULD_WAIT.
   *
   * @throws ZxError ZX_ERR_INVALID_ARGS for a policy and a reach that don't go together,
   *     ZX_ERR_SHOULD_WAIT while another pass runs, ZX_ERR_NO_MEMORY without room for its scratch,
   *     ZX_ERR_NOT_SUPPORTED under `exact` where more than 65,535 processes hold handles to VMOs,
   *     or map VMOs of the families that are held
   */
  account(options: AccountOptions = {}): Promise<AccountTables> {
    return account(this, this.#recorded, options);
  }

  /**
   * Says whose one page is: its state, the VMOs that have it, the processes that reach it, and who
   * pays how much for it under each policy. Looks at every page list; changes nothing.
   *
   * @param target - a physical page by its number, or a byte of a VMO or address of a process
   * @throws ZxError ZX_ERR_INVALID_ARGS for what is no target, ZX_ERR_NOT_FOUND for a number, koid
   *     or address of nothing, ZX_ERR_OUT_OF_RANGE past the end of a VMO, ZX_ERR_NO_MEMORY without
   *     host memory to look with
   */
  page(target: PageTarget): Promise<PageReport> {
    return new Promise((resolve) => { resolve(pageReport(this, this.#recorded, target)); });
  }

  /** Ends the worker threads, if any were started. The system stays usable. */
  close(): Promise<void> {
    return closePool(this);
  }
}

/**
 * Opens what a SPEC names: a system, as {@link System.open} does, or tables without pages, from a
 * `memgraph` document or a `mem --print` capture. Files and standard input are told by content.
 *
 * @throws InputError for a broken file, ZxError as {@link System.open} throws
 */
export async function openSystem(
  spec: string, options: OpenOptions = {},
): Promise<System | DocumentSystem | SmapsSystem> {
  toText(spec, 'spec');
  const { onProgress, steps = 'end' } = toOptions(options);
  if (steps !== 'end' && steps !== 'clock') refuse(steps, 'steps', 'end or clock');
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    refuse(onProgress, 'onProgress', 'a function');
  }
  if (isEmbedded(spec)) return atMoment(await openScenario(spec), options);
  if (isLiveSpec(spec)) return openLive(spec, options);
  if (SNAPSHOT.test(spec)) return System.fromSnapshot(spec, options);
  if (spec !== '-') await checkFile(spec);
  if (SCENARIO.test(spec)) return atMoment(await openScenario(spec, options), options);
  const { kind, input } = await recognise(spec);
  const source = { ...options, ...(input === undefined ? {} : { input }) };
  switch (kind) {
    case 'document': return readDocument(spec, source);
    case 'scenario':
      return atMoment(startRun(await readScenario(spec, source), sourceName(spec)), options);
    case 'snapshot': return System.fromSnapshot(spec, source);
  }
}

/** A scenario's system: at its end, or with its clock to bring it there. */
function atMoment(
  run: ScenarioRun<System>, { steps = 'end', onProgress }: OpenOptions,
): System {
  if (steps === 'clock') run.follow();
  else run.finish((done, total) => { onProgress?.(done, total, 'steps'); });
  return run.system;
}

function startRun(scenario: Scenario, name: string): ScenarioRun<System> {
  return new ScenarioRun(scenario, name, (core, options) => new System(core, options));
}

/**
 * Opens a scenario at its beginning, so that its steps can be done one by one.
 *
 * @param given - path of a file, `-` for standard input, the name of an embedded system, or the
 *     scenario itself as a value: an object as `zircon-memsim/scenario.schema.json` describes it
 * @param options - progress
 * @throws InputError with the JSON path of what is wrong, ZxError with its path for what the system
 *     refuses
 */
export async function openScenario(
  given: string | object, options: Pick<OpenOptions, 'onProgress'> = {},
): Promise<ScenarioRun<System>> {
  if (typeof given !== 'string') return startRun(toScenario(given, 'scenario'), 'scenario');
  if (isEmbedded(given)) return startRun(embeddedScenario(given), given);
  return startRun(await readScenario(given, options), sourceName(given));
}

/** This machine, now: page by page, or without the rights to see pages as the kernel's figures. */
async function openLive(spec: string, options: OpenOptions): Promise<System | SmapsSystem> {
  const { onProgress } = options;
  const scan = await scanSpec(spec, onProgress);
  if (scan === undefined) return smapsOfSpec(spec);
  return System.fromSnapshot(spec, { input: bytesOf(scan.lines) }, scan.notes);
}
