/**
 * `memsim record`: a snapshot of this machine into a file.
 *
 * I1. Processes that were stopped go on, whatever happens: see stop.ts.
 * I2. Nothing is written before everything is read.
 */

import { type Command, InvalidArgumentError } from 'commander';
import { writeLines } from '../export/file.js';
import { checkPids, isPid } from '../import/linux/live/live.js';
import { ProcFiles } from '../import/linux/live/proc-files.js';
import { maySeeFrames } from '../import/linux/live/rights.js';
import { type Scan, scanLinux } from '../import/linux/live/scan.js';
import { treeOf } from '../import/linux/live/select.js';
import { Stopped } from '../import/linux/live/stop.js';
import { UserNames } from '../import/linux/live/users.js';
import type { Context } from './context.js';
import { CommandError, osReason, UsageError } from './errors.js';
import { ProgressBar } from './progress.js';

/** Options of `record` as commander leaves them. */
interface RecordOptions {
  readonly pid?: readonly number[];
  readonly tree?: number;
  readonly stop?: boolean;
  readonly oracle?: boolean;
}

/** How often to try for an instant at which nothing changed. */
const TRIES = 5;

function parsePid(text: string): number {
  if (!isPid(text)) throw new InvalidArgumentError('Expected a process id.');
  return Number(text);
}

/** Takes `--pid 1,2 3 --pid 4`. */
function parsePids(text: string, before: readonly number[] = []): readonly number[] {
  return [...before, ...text.split(',').map(parsePid)];
}

/** Gives the command its options. */
export function defineRecord(command: Command): Command {
  return command
    .option('--pid <pids...>', '', parsePids)
    .option('--tree <pid>', '', parsePid)
    .option('--stop')
    .option('--oracle');
}

function checkOptions(context: Context, { pid, tree, stop }: RecordOptions): string {
  const { output, json, csv } = context.options;
  if (json || csv) throw new UsageError('record writes snapshots, found --json or --csv', 'record');
  if (output === undefined) throw new UsageError('record: expected -o FILE', 'record');
  if (stop && pid === undefined && tree === undefined) {
    const why = 'stopping every process would stop the terminal too';
    throw new UsageError(`record --stop: expected --pid or --tree, ${why}`, 'record');
  }
  return output;
}

/** The processes that the options name, as they are whenever it is asked. */
function selection(proc: ProcFiles, { pid, tree }: RecordOptions): () => readonly number[] {
  if (pid === undefined && tree === undefined) return () => proc.pids();
  const named = [...(pid ?? []), ...(tree === undefined ? [] : [tree])];
  if (named.includes(process.pid)) throw new CommandError('record: it cannot record itself');
  checkPids(proc, 'record', named);
  return () => [...new Set([...(pid ?? []), ...(tree === undefined ? [] : treeOf(proc, tree))])];
}

async function scan(
  context: Context, options: RecordOptions, proc: ProcFiles, pids: () => readonly number[],
): Promise<Scan> {
  const { stderr, catchInterrupt } = context.deps;
  const signal = catchInterrupt();
  const stopped = new Stopped(proc);
  const bar = stderr.isTTY === true ? new ProgressBar(stderr, 'recording') : undefined;
  try {
    const going = options.stop ? await stopped.stop(pids, signal) : [];
    if (going.length > 0) context.note([`record: ${going.join(', ')} could not be stopped`]);
    return await scanLinux({
      proc, pids, signal, users: UserNames.read(), label: 'record', detail: true, tries: TRIES,
      oracle: options.oracle === true, stopped: options.stop === true,
      onProgress: bar && ((done, total) => bar.step(done, total)),
    });
  } catch (error) {
    if (signal.aborted) throw new CommandError('record: interrupted, nothing was written');
    throw error;
  } finally {
    stopped.continue();
    bar?.stop();
  }
}

/** Runs the command. */
export async function runRecord(context: Context, options: RecordOptions): Promise<void> {
  const output = checkOptions(context, options);
  const proc = new ProcFiles();
  if (process.platform !== 'linux') throw new CommandError('record: this machine is no Linux');
  const pids = selection(proc, options);
  if (!maySeeFrames(proc)) {
    throw new CommandError('record: the kernel hides page frames from this user, '
      + 'expected root or CAP_SYS_ADMIN');
  }
  const { lines, processes, frames, consistent, unreadable } = await scan(
    context, options, proc, pids,
  );
  if (processes === 0) throw new CommandError('record: none of these processes has memory');
  if (unreadable.length > 0) {
    context.note([`record: not to be read, left out: ${unreadable.join(', ')}`]);
  }
  if (output === '-') await context.print(`${lines.join('\n')}\n`);
  else await write(output, lines);
  const moved = consistent ? '' : '; memory changed meanwhile (consistent: false)';
  const count = processes === 1 ? '1 process' : `${processes} processes`;
  context.note([`recorded ${count}, ${frames} pages${moved}`]);
}

async function write(path: string, lines: readonly string[]): Promise<void> {
  try {
    await writeLines(path, lines);
  } catch (error) {
    const reason = osReason(error);
    throw reason === undefined ? error : new CommandError(`cannot write ${path}: ${reason}`);
  }
}
