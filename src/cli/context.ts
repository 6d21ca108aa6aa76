/**
 * What every command works with: the options that all share, the system they name, the place for
 * results.
 *
 * I1. Options are checked before a system is opened: a usage error costs no load.
 * I2. Each note of a system or a pass is printed once, on standard error.
 */

import type { Console } from '../accounting/console.js';
import type { GroupPlan } from '../accounting/groups.js';
import type { PageReport, PageTarget } from '../accounting/page-types.js';
import { type AccountTables, type Policy, type Reach, reachesOf } from '../accounting/tables.js';
import { csvPieces } from '../views/csv.js';
import type { ScenarioRun } from '../import/scenario/run.js';
import type { System } from '../system.js';
import type { SystemCounters } from '../objects/counters.js';
import type { Era } from '../views/era.js';
import { visibleName } from '../views/escape.js';
import { jsonPieces } from '../views/json.js';
import type { Column } from '../views/table.js';
import { CommandError, UsageError } from './errors.js';
import { FileOutput, type Output, type OutStream, StreamOutput } from './output.js';
import { ProgressBar } from './progress.js';

/** The part of the public `System` that commands use. */
export interface CliSystem {
  /** Policy where none is asked for. */ readonly defaultPolicy: Policy;
  /** Reach where none is asked for. */ readonly defaultReach: Reach;
  /** Lines a user should see about how the system came to be. */ readonly notes: readonly string[];
  /** Host memory that holds the system, bytes. */ readonly hostBytesUsed?: number;
  /** One accounting pass. */
  account(options: {
    policy: Policy; reach?: Reach; workers?: number; handleCounts?: boolean; groups?: GroupPlan;
  }): Promise<AccountTables>;
  /** Its own time; undefined where it has none. */ readonly clock?: { readonly nowNs: bigint };
  /** What happened since it began; undefined where nobody counts. */
  readonly counters?: SystemCounters;
  /** Lets time pass on its clock, ns. */
  advance?(ns: bigint): void;
  /** Whose one page is. */
  page(target: PageTarget): Promise<PageReport>;
  /** The kernel's console; undefined where there are tables only. */
  readonly console?: Console;
}

/** Opens a system by its SPEC. */
export type OpenSystem = (
  spec: string,
  options: {
    onProgress?: (done: number, total: number, unit?: 'bytes' | 'steps') => void;
    steps?: 'end' | 'clock';
  },
) => Promise<CliSystem>;

/** A scenario under way. */
export type CliRun = ScenarioRun<System>;

/** The world outside, so that tests can stand in for it. */
export interface CliDeps {
  /** Standard output. */ readonly stdout: OutStream;
  /** Standard error. */ readonly stderr: OutStream & NodeJS.WritableStream;
  /** Whether standard input is a pipe or a file. */ readonly hasInput: () => boolean;
  /** Opens systems. */ readonly open: OpenSystem;
  /** Opens scenarios at their beginning. */
  readonly openScenario: (spec: string) => Promise<CliRun>;
  /** Standard input, where a command reads lines. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Environment variables. */ readonly env: Readonly<Record<string, string | undefined>>;
  /** In a shell: the system that commands without `-s` look at. */
  readonly live?: CliSystem | undefined;
  /** In a scenario's steps `show`: commands may look, and write nothing but what they print. */
  readonly looksOnly?: boolean;
  /** The clock, milliseconds since 1970. */ readonly nowMs: () => number;
  /** Aborts when the user interrupts; from then on an interrupt no longer ends the program. */
  readonly catchInterrupt: () => AbortSignal;
  /** Resident memory of this process at its highest so far, bytes. */
  readonly peakResidentBytes: () => number;
  /** MEMSIM_DEBUG=1: show where errors came from. */ readonly debug: boolean;
}

/** Options that every command takes. */
export interface SharedOptions {
  /** `-s`: which system. */ readonly system: string;
  /** `--policy`. */ readonly policy?: Policy;
  /** `--reach`. */ readonly reach?: Reach;
  /** `--workers`. */ readonly workers?: number;
  /** `--era`. */ readonly era: Era;
  /** `--stats`. */ readonly stats?: boolean;
  /** `--json`. */ readonly json?: boolean;
  /** `--csv`. */ readonly csv?: boolean;
  /** `-o`: a file for the result. */ readonly output?: string;
  /** Whether `-s` was given, or `boot` is what stands for it. */ readonly systemGiven?: boolean;
}

/** What a pass is to find beside the usual. */
interface Wanted {
  readonly handleCounts?: boolean;
  readonly groups?: GroupPlan;
  /** Another SPEC than that of `-s`. */ readonly system?: string;
}

/** A system, and one pass over it. */
interface Accounted {
  readonly system: CliSystem;
  readonly tables: AccountTables;
}

/** Characters printed at a time. */
const PIECE_CHARS = 1 << 20;

/** One run of one command. */
export class Context {
  private output: Output | undefined;
  private readonly noted = new Set<string>();

  /**
   * @param deps - the world outside
   * @param options - what every command takes
   * @param command - its name, for usage errors
   */
  constructor(
    readonly deps: CliDeps, readonly options: SharedOptions, private readonly command = '',
  ) {}

  /** True where the system changes by itself, so that a later look differs. */
  get isLive(): boolean {
    return /^linux(:|$)/.test(this.options.system);
  }

  /**
   * Opens the system and accounts for it: one instant's tables.
   *
   * @param policy - the rule where the user asks for none
   * @param wanted - whether to count handles by type; another SPEC than that of `-s`
   */
  async tables(policy?: Policy, wanted: Wanted = {}): Promise<AccountTables> {
    return (await this.account(policy, wanted)).tables;
  }

  /** The same, with the kernel's console on the same system. */
  async kernel(): Promise<{ tables: AccountTables; console: Console }> {
    const { system, tables } = await this.account();
    return { tables, console: consoleOf(system) };
  }

  /**
   * Opens the system at its first moment: steps of a scenario that come later happen as time passes
   * on its clock.
   */
  async openClocked(): Promise<CliSystem> {
    const system = await this.openSystem(undefined, 'clock');
    this.note(system.notes);
    return system;
  }

  /** Opens the system for the kernel's console; no pass is made. */
  async console(): Promise<Console> {
    const system = await this.openSystem();
    this.note(system.notes);
    return consoleOf(system);
  }

  /**
   * Opens the system.
   *
   * @param spec - another than the options name
   */
  async open(spec?: string): Promise<CliSystem> {
    const system = await this.openSystem(spec);
    this.note(system.notes);
    return system;
  }

  /** Accounts for a system that is open, as the options say. */
  async accountFor(
    system: CliSystem, policy?: Policy, counts: Omit<Wanted, 'system'> = {},
  ): Promise<AccountTables> {
    const { options } = this;
    const rule = options.policy ?? policy ?? system.defaultPolicy;
    this.checkReach(rule);
    const tables = await system.account({
      policy: rule,
      ...(options.reach === undefined ? {} : { reach: options.reach }),
      workers: options.workers,
      ...counts,
    });
    this.note(tables.notes);
    return tables;
  }

  private async account(policy?: Policy, wanted: Wanted = {}): Promise<Accounted> {
    const { options, deps } = this;
    const startMs = deps.nowMs();
    this.checkReach(options.policy ?? policy);
    const { system: spec, ...counts } = wanted;
    const system = await this.open(spec);
    const openedMs = deps.nowMs();
    const tables = await this.accountFor(system, policy, counts);
    this.noteStats(system, openedMs - startMs, `${deps.nowMs() - openedMs} ms to account`);
    return { system, tables };
  }

  /** Opens the system and asks about one page. */
  async page(target: PageTarget): Promise<PageReport> {
    const { deps } = this;
    const startMs = deps.nowMs();
    this.checkReach(this.options.policy);
    const system = await this.openSystem();
    const openedMs = deps.nowMs();
    this.note(system.notes);
    const report = await system.page(target);
    this.noteStats(system, openedMs - startMs, `${deps.nowMs() - openedMs} ms to look`);
    return report;
  }

  /** Prints rows in the format asked for; what may be longer than one text in pieces. */
  async show<Row>(
    rows: readonly Row[], columns: readonly Column<Row>[], text: () => string | Iterable<string>,
  ): Promise<void> {
    const { json, csv } = this.options;
    const shown = json ? jsonPieces(rows, columns) : csv ? csvPieces(rows, columns) : text();
    await this.printAll(typeof shown === 'string' ? [shown] : shown);
  }

  /**
   * Prints pieces of one result, about a mebibyte at a time: it may be longer than a text can be.
   *
   * @param pieces - small ones
   */
  async printAll(pieces: Iterable<string>): Promise<void> {
    let text = '';
    for (const piece of pieces) {
      text += piece;
      if (text.length < PIECE_CHARS) continue;
      await this.print(text);
      text = '';
    }
    await this.print(text);
  }

  /**
   * Prints a finished text to where results go.
   *
   * @param isOurs - nothing in it comes from elsewhere: its control characters are meant
   */
  async print(text: string, isOurs = false): Promise<void> {
    const { output } = this.options;
    this.output ??= output === undefined || output === '-'
      ? new StreamOutput(this.deps.stdout)
      : new FileOutput(output);
    await this.output.write(text, isOurs);
  }

  /** Finishes the result. */
  async close(): Promise<void> {
    await this.output?.close();
  }

  private async openSystem(
    spec = this.options.system, steps: 'end' | 'clock' = 'end',
  ): Promise<CliSystem> {
    const { stderr, live } = this.deps;
    const { system, systemGiven } = this.options;
    if (live !== undefined && systemGiven !== true && spec === system) return live;
    if (stderr.isTTY !== true) return this.deps.open(spec, { steps });
    const bar = new ProgressBar(stderr, visibleName(spec));
    try {
      return await this.deps.open(spec, {
        steps, onProgress: (done, total, unit) => { bar.step(done, total, unit); },
      });
    } finally {
      bar.stop();
    }
  }

  /** `--stats`: time and memory that it took. */
  private noteStats(system: CliSystem, loadMs: number, took: string): void {
    if (this.options.stats !== true) return;
    const peak = `${mebibytes(this.deps.peakResidentBytes())} resident at most`;
    const core = `${mebibytes(system.hostBytesUsed ?? 0)} of core memory in use`;
    this.note([`${loadMs} ms to load, ${took}; ${peak}, ${core}`]);
  }

  private checkReach(policy: Policy | undefined): void {
    const { reach } = this.options;
    if (policy === undefined || reach === undefined || reachesOf(policy).includes(reach)) return;
    const known = reachesOf(policy).join(' or ');
    const why = `policy ${policy} accounts by reach ${known}, not ${reach}`;
    throw new UsageError(why, this.command);
  }

  /** Prints lines on standard error, each once, made visible. */
  note(lines: readonly string[]): void {
    for (const line of lines) {
      if (this.noted.has(line)) continue;
      this.noted.add(line);
      this.deps.stderr.write(`${visibleName(line)}\n`, () => undefined);
    }
  }
}

function consoleOf({ console }: CliSystem): Console {
  if (console !== undefined) return console;
  throw new CommandError('this system is tables only: the kernel\'s console needs the objects');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
