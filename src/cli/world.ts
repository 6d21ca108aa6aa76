/**
 * The command line's view of this process: streams, clock, interrupts, the way to the systems.
 *
 * I1. Only {@link runProcess} ends the process, once everything is written.
 */

import { fstatSync, readFileSync } from 'node:fs';
import type { CliDeps, OpenSystem } from './context.js';
import { failureOf } from './errors.js';
import { run } from './program.js';

/** The version in package.json, from `src/cli/` and from `build/cli/` alike. */
function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}

/** Whether we were given something to read: a pipe (of a program's, a socket) or a file. */
function hasInput(): boolean {
  try {
    const stats = fstatSync(process.stdin.fd);
    return stats.isFIFO() || stats.isFile() || stats.isSocket();
  } catch {
    return false;
  }
}

/** A signal that aborts at the first interrupt; a second one ends the process as usual. */
function catchInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/**
 * Runs this process's command line and ends the process with its status.
 *
 * @param open - opens the system that `-s` names
 * @param openScenario - opens a scenario at its beginning
 */
export async function runProcess(
  open: OpenSystem, openScenario: CliDeps['openScenario'],
): Promise<never> {
  const debug = process.env['MEMSIM_DEBUG'] === '1';
  process.on('uncaughtException', (error) => {
    process.stderr.write(failureOf(error, debug).text);
    process.exit(1);
  });
  process.stderr.on('error', () => undefined);
  const status = await run(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    get stdin() { return process.stdin; },
    env: process.env,
    open,
    openScenario,
    hasInput,
    nowMs: Date.now,
    peakResidentBytes: () => process.resourceUsage().maxRSS * 1024,
    catchInterrupt,
    debug,
  }, readVersion());
  process.exit(status);
}
