/**
 * What a shell works with: one live system, and the way a line runs on it.
 *
 * I1. A command runs by the same code as from the system's shell; it differs only in what it takes
 *     for its world: the live system where no `-s` is given, the result of the command before as
 *     standard input, the next one's input or a file as standard output.
 * I2. A line stops at its first command that fails: nobody takes half a result for a whole one.
 * I3. An interrupt ends the command that runs, never the shell.
 * I4. `-` is what the command before has printed, never the standard input that lines come from.
 */

import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliDeps, CliSystem } from '../context.js';
import { ClosedPipe, CommandError, failureOf, osReason, UsageError } from '../errors.js';
import { FileOutput, type OutStream, StreamOutput } from '../output.js';
import { Watches } from './watches.js';
import { parseLine, type Words } from './words.js';

/** Runs one command line of `memsim` in a world; its exit status. */
export type RunCommand = (argv: readonly string[], deps: CliDeps) => Promise<number>;

/** A word of the shell's own: prints to `print`. */
export type Verb = (
  session: Session, args: readonly string[], print: (text: string) => Promise<void>,
) => Promise<void>;

/** A stream that keeps what is written to it. */
class Kept implements OutStream {
  readonly isTTY = false;
  text = '';

  write(text: string, done: (error?: Error | null) => void): void {
    this.text += text;
    done();
  }

  on(): void { /* nothing can go wrong */ }
}

/** Words that may stand before a command. */
const PREFIXES: ReadonlySet<string> = new Set(['k', 'memsim']);

/** One shell. */
export class Session {
  #system: CliSystem | undefined;
  #running: AbortController | undefined;
  #over = false;
  #status = 0;

  /**
   * @param deps - the world outside
   * @param runCommand - runs what is no verb
   * @param verbs - words of the shell's own, by name
   */
  constructor(
    readonly deps: CliDeps, private readonly runCommand: RunCommand,
    readonly verbs: ReadonlyMap<string, Verb>,
  ) {}

  /** Timers of the kernel's console that run. */
  readonly watches = new Watches();

  /** SPEC of the system that is looked at. */
  spec = '';

  /** Whether the last line asked the shell to end. */
  get isOver(): boolean { return this.#over; }

  /** Opens another system, at its first moment. */
  open(spec: string): Promise<CliSystem> {
    return openPiped(spec, undefined, (from) => this.deps.open(from, { steps: 'clock' }));
  }

  /** The live system. */
  get system(): CliSystem {
    if (this.#system === undefined) throw new CommandError('no system is open, type system SPEC');
    return this.#system;
  }

  /** Changes over to another system; the one before stays where this one cannot be opened. */
  change(spec: string, system: CliSystem): void {
    this.#system = system;
    this.spec = spec;
    this.watches.clear();
  }

  /** Ends the shell after this line. */
  end(): void { this.#over = true; }

  /** Whether the command that runs is to end. */
  get isInterrupted(): boolean { return this.#running?.signal.aborted === true; }

  /** Ends the command that runs, if one does: true, or false at the prompt. */
  interrupt(): boolean {
    this.#running?.abort();
    return this.#running !== undefined;
  }

  /**
   * Runs one line; what goes wrong is printed on standard error.
   *
   * @returns the exit status of the last command that ran: a line without any, and the one that
   *   ends the shell, leave it as it was
   */
  async run(line: string): Promise<number> {
    this.#running = new AbortController();
    try {
      const status = await this.runLine(line);
      if (!this.#over) this.#status = status ?? this.#status;
      return this.#status;
    } catch (error) {
      if (error instanceof ClosedPipe) this.end(); // nobody reads any more
      const { status, text } = failureOf(error, this.deps.debug);
      await new Promise<void>((done) => this.deps.stderr.write(text, () => { done(); }));
      this.#status = status;
      return status;
    } finally {
      this.#running = undefined;
    }
  }

  /** Runs a line; undefined where it has no command. */
  private async runLine(line: string): Promise<number | undefined> {
    const { commands, file, append } = parseLine(line);
    if (commands.length === 0) return undefined;
    if (file !== undefined && this.deps.looksOnly === true) {
      throw new UsageError(`what is shown writes no file, found > ${file}`);
    }
    let input: string | undefined;
    for (const [i, words] of commands.entries()) {
      const isLast = i === commands.length - 1;
      const kept = isLast && file === undefined ? undefined : new Kept();
      const status = await this.runWords(words, input, kept ?? this.deps.stdout);
      if (status !== 0) return status;
      input = kept?.text;
    }
    if (file !== undefined) await this.keep(file, append, input ?? '');
    return 0;
  }

  private async runWords(
    given: Words, input: string | undefined, stdout: OutStream,
  ): Promise<number> {
    // `k` is how the console's commands are typed at a shell; `memsim`, how ours are at others
    const words = PREFIXES.has(given[0] ?? '') && given.length > 1 ? given.slice(1) : given;
    const [name = '', ...args] = words;
    const signal = this.#running?.signal ?? AbortSignal.abort();
    const verb = this.verbs.get(name);
    const deps: CliDeps = {
      ...this.deps, stdout, live: this.#system, catchInterrupt: () => signal,
      hasInput: () => input !== undefined,
      open: (spec, options) =>
        openPiped(spec, input, (from) => this.deps.open(from, options)),
    };
    const isPrompt = this.deps.looksOnly !== true;
    const started = verb === undefined && isPrompt ? this.watches.toggle(words) : undefined;
    if (started !== undefined) {
      await new StreamOutput(stdout).write(started);
      return 0;
    }
    if (verb === undefined) return this.runCommand(words, deps);
    const output = new StreamOutput(stdout);
    await verb(this, args, (text) => output.write(text));
    return 0;
  }

  private async keep(file: string, append: boolean, text: string): Promise<void> {
    if (!append) {
      const output = new FileOutput(file);
      await output.write(text);
      await output.close();
      return;
    }
    try {
      await appendFile(file, text);
    } catch (error) {
      const reason = osReason(error);
      if (reason === undefined) throw error;
      throw new CommandError(`cannot write ${file}: ${reason}`);
    }
  }
}

/** Opens what a SPEC names, where `-` is what the command before has printed, as if in a file. */
async function openPiped(
  spec: string, input: string | undefined, open: (from: string) => Promise<CliSystem>,
): Promise<CliSystem> {
  if (spec !== '-') return open(spec);
  if (input === undefined) throw new CommandError('-: no command before this one prints a system');
  const folder = await mkdtemp(join(tmpdir(), 'memsim-'));
  try {
    const file = join(folder, 'piped');
    await writeFile(file, input);
    return await open(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A word that takes so many arguments; with fewer or more it does nothing, and says how it is used.
 *
 * @param usage - the word and what stands behind it
 * @param least - arguments that it needs
 * @param most - arguments that it takes
 */
export function verbOf(usage: string, least: number, most: number, act: Verb): Verb {
  return (session, args, print) => {
    if (args.length < least || args.length > most) throw new UsageError(`Usage: ${usage}`);
    return act(session, args, print);
  };
}
