/**
 * The lines typed before, kept in a file of the user's from one shell to the next.
 *
 * The file is `$XDG_STATE_HOME/memsim/history`, else `~/.local/state/memsim/history`. A file that
 * cannot be read or written is no error: then there is no history.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const LINES_MAX = 1000;

/** Path of the history file; undefined where the environment names no place for it. */
export function historyPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_STATE_HOME: state, HOME: home } = env;
  if (state !== undefined && state !== '') return join(state, 'memsim', 'history');
  return home === undefined || home === '' ? undefined
    : join(home, '.local', 'state', 'memsim', 'history');
}

/** The lines of the file, the newest first, as readline wants them. */
export async function readHistory(path: string): Promise<string[]> {
  try {
    const text = await readFile(path, 'utf8');
    return text.split('\n').filter((line) => line !== '').slice(-LINES_MAX).reverse();
  } catch {
    return [];
  }
}

/** Keeps the lines, given newest first. */
export async function writeHistory(path: string, lines: readonly string[]): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const kept = lines.slice(0, LINES_MAX).reverse();
    await writeFile(path, kept.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  } catch { /* no history, then */ }
}
