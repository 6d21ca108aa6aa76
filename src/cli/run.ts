/**
 * `memsim run`: a scenario from its beginning to its end, a line for each step.
 *
 * I1. Steps `show` run memsim's own commands on the system as it is then, and these only look: a
 *     scenario, wherever it comes from, writes no file and runs no other.
 */

import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { PressureRecord } from '../objects/watchdog.js';
import { csvHeader, csvRows } from '../views/csv.js';
import { visibleName } from '../views/escape.js';
import { sourceName } from '../import/source.js';
import { jsonLines } from '../views/json.js';
import { stepColumns, stepsHeader, type StepRow, stepText, stepWords } from '../views/steps.js';
import type { CliRun, Context } from './context.js';
import { UsageError } from './errors.js';
import type { OutStream } from './output.js';
import { type RunCommand, Session } from './shell/session.js';

/** Options of `run` as commander leaves them. */
interface RunOptions {
  readonly schema?: boolean;
}

const SCHEMA = new URL('../../docs/scenario.schema.json', import.meta.url);
const LEVELS = ['OUT OF MEMORY', 'IMMINENT OUT OF MEMORY', 'CRITICAL', 'WARNING', 'NORMAL'];

/** Gives the command its options. */
export function defineRun(command: Command): Command {
  return command.option('-S, --schema').argument('[file]');
}

/** What the kernel did by itself, in words. */
function kernelWords({ what, level, pages, jobKoid }: PressureRecord): string {
  switch (what) {
    case 'level': return `memory is ${LEVELS[level] ?? level}`;
    case 'evict': return `evicted ${pages ?? 0} pages`;
    case 'compress': return `compressed ${pages ?? 0} pages`;
    case 'kill': return `killed job ${jobKoid ?? 0}: out of memory`;
    case 'reboot': return 'rebooted: out of memory';
  }
}

/** How a system stands behind a step. */
function figuresOf({ system }: CliRun): Pick<StepRow, 'freeBytes' | 'vmoBytes' | 'processes'> {
  const { freeBytes, vmoBytes } = system.kernelMemory();
  return { freeBytes, vmoBytes, processes: system.runningProcesses };
}

/** Prints rows as they come. */
class Rows {
  #begun = false;

  constructor(private readonly context: Context) {}

  async print(rows: readonly StepRow[]): Promise<void> {
    const { json, csv, era } = this.context.options;
    const columns = stepColumns();
    if (json) await this.context.print(jsonLines(rows, columns));
    else if (csv) {
      await this.context.print((this.#begun ? '' : csvHeader(columns)) + csvRows(rows, columns));
    } else {
      const text = rows.map((row) => stepText(row, era)).join('');
      await this.context.print((this.#begun ? '' : stepsHeader()) + text);
    }
    this.#begun = true;
  }
}

/** Where shown commands print: where the rows go. */
function printed(context: Context): OutStream {
  const { stdout } = context.deps;
  const isTTY = context.options.output === undefined && stdout.isTTY === true;
  return {
    isTTY,
    write: (text, done) => { context.print(text, isTTY).then(() => { done(); }, done); },
    on: () => undefined,
  };
}

/** Prints what a scenario is about. */
async function printTitle(context: Context, { title, about }: CliRun): Promise<void> {
  const { json, csv } = context.options;
  const lines = [title, ...about].filter((line) => line !== '');
  if (json || csv || lines.length === 0) return;
  await context.print(lines.map((line) => `# ${visibleName(line)}\n`).join(''));
}

/**
 * Runs the command.
 *
 * @param runCommand - runs the commands that steps show
 * @param file - the scenario; what `-s` names if left out
 * @returns the exit status: that of the first command shown that failed, else 0
 */
export async function runScenario(
  context: Context, runCommand: RunCommand, file: string | undefined, options: RunOptions,
): Promise<number> {
  const { json, csv, system: spec, systemGiven } = context.options;
  if (options.schema === true) {
    await context.print(await readFile(SCHEMA, 'utf8'), true);
    return 0;
  }
  if (file === undefined && systemGiven !== true) throw new UsageError('Usage: run FILE', 'run');
  if (file !== undefined && systemGiven === true) {
    throw new UsageError(`run: expected FILE or -s ${spec}, not both`, 'run');
  }
  const name = file ?? spec;
  const run = await context.deps.openScenario(name);
  const kernel: StepRow[] = [];
  const end = run.system.watchdog.observe((record) => {
    const what = kernelWords(record);
    kernel.push({ atNs: record.atNs, kind: 'kernel', what, ...figuresOf(run) });
  });
  const deps = { ...context.deps, stdout: printed(context), looksOnly: true };
  const session = new Session(deps, runCommand, new Map());
  session.change(name, run.system);
  const rows = new Rows(context);
  await printTitle(context, run);
  try {
    for (let done = run.next(); done !== undefined; done = run.next()) {
      const { step, path, atNs, refused } = done;
      const row = { atNs, path, kind: step.do, what: stepWords(step), ...figuresOf(run) };
      await rows.print([...kernel.splice(0), refused === undefined ? row : { ...row, refused }]);
      if (step.do !== 'show' || json || csv) continue;
      const status = await session.run(String(step['command']));
      if (status !== 0) {
        context.note([`${sourceName(name)} at ${path}: the command that is shown failed`]);
        return status;
      }
    }
    await rows.print(kernel);
    return 0;
  } finally {
    end();
  }
}
