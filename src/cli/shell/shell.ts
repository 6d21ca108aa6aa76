/**
 * `memsim shell`: a prompt on one live system.
 *
 * On a terminal: line editing, history, completion; an interrupt clears the line or ends the
 * command that runs. Else standard input is a script: its lines run one by one, and the exit status
 * is that of the last command.
 */

import { createInterface, type Interface } from 'node:readline';
import type { CliDeps } from '../context.js';
import { visibleName } from '../../views/escape.js';
import { complete, type Offers } from './complete.js';
import { historyPath, readHistory, writeHistory } from './history.js';
import type { Session } from './session.js';

/** The terminal or pipe that lines come from. */
export interface LineSource {
  /** Standard input. */ readonly input: NodeJS.ReadableStream & { isTTY?: boolean };
  /** Where the prompt and the echo go. */ readonly output: NodeJS.WritableStream;
  /** Environment variables, for the place of the history. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const GREETING = 'A live system: help says what can be typed, exit leaves.\n';

/** Lines from a terminal or a script, one at a time, however fast they come. */
class Lines {
  private readonly waiting: string[] = [];
  private taker: ((line: string | undefined) => void) | undefined;
  private ended = false;

  constructor(readonly reader: Interface) {
    reader.on('line', (line) => {
      if (this.taker === undefined) this.waiting.push(line);
      else this.give(line);
    });
    reader.on('close', () => {
      this.ended = true;
      this.give(undefined);
    });
  }

  /** The next line; undefined at the end of the input. */
  next(): Promise<string | undefined> {
    const line = this.waiting.shift();
    if (line !== undefined || this.ended) return Promise.resolve(line);
    return new Promise((resolve) => { this.taker = resolve; });
  }

  /** Whether no line waits that came while a command ran. */
  get isIdle(): boolean { return this.waiting.length === 0; }

  private give(line: string | undefined): void {
    const taker = this.taker;
    this.taker = undefined;
    taker?.(line);
  }
}

/** Runs lines until the input ends or one says exit; the status of the last command. */
async function loop(session: Session, lines: Lines, ask: () => void): Promise<number> {
  let status = 0;
  while (!session.isOver) {
    if (lines.isIdle) ask();
    const line = await lines.next();
    if (line === undefined) break;
    status = await session.run(line);
  }
  return status;
}

/** A script's lines. */
async function runScript(session: Session, source: LineSource): Promise<number> {
  const reader = createInterface({ input: source.input, terminal: false });
  const status = await loop(session, new Lines(reader), () => undefined);
  reader.close();
  return status;
}

/** A prompt on a terminal. */
async function runPrompt(
  session: Session, source: LineSource, offers: Offers, deps: CliDeps,
): Promise<number> {
  const path = historyPath(source.env);
  const reader = createInterface({
    input: source.input,
    output: source.output,
    terminal: true,
    history: path === undefined ? [] : await readHistory(path),
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(line, offers),
  });
  let kept: readonly string[] = [];
  reader.on('history', (lines: string[]) => { kept = [...lines]; });
  reader.on('SIGINT', () => {
    if (session.interrupt()) return;
    source.output.write('^C\n');
    reader.write(null, { ctrl: true, name: 'e' });
    reader.write(null, { ctrl: true, name: 'u' });
    reader.prompt();
  });
  await new Promise<void>((done) => deps.stdout.write(GREETING, () => { done(); }));
  await loop(session, new Lines(reader), () => {
    reader.setPrompt(`${visibleName(session.spec)}> `);
    reader.prompt();
  });
  reader.close();
  if (!session.isOver) source.output.write('\n');
  if (path !== undefined && kept.length > 0) await writeHistory(path, kept);
  return 0;
}

/**
 * Runs a shell to its end.
 *
 * @returns the exit status: 0 from a terminal, of a script that of its last command
 */
export function runLines(
  session: Session, source: LineSource, offers: Offers,
): Promise<number> {
  return source.input.isTTY === true
    ? runPrompt(session, source, offers, session.deps) : runScript(session, source);
}
