/**
 * What a failure looks like on the command line: an exit status and one or two lines.
 *
 * I1. Status 2 is wrong usage, with a second line that says where help is; 1 is every other
 *     failure.
 * I2. A user's mistake never shows a stack trace; our own does only with MEMSIM_DEBUG=1.
 * I3. What is printed holds no control character, whatever the user or a file put into the message.
 */

import { InputError } from '../import/errors.js';
import { ZxError } from '../objects/errors.js';
import { visibleName, visibleText } from '../views/escape.js';

/** Wrong usage: status 2. */
export class UsageError extends Error {
  /**
   * @param message - upstream's own words, else one sentence
   * @param command - the command whose help is offered; empty for `memsim` itself
   */
  constructor(message: string, readonly command = '') {
    super(message);
    this.name = 'UsageError';
  }
}

/** A failure that is nobody's bug: status 1. The message is upstream's words, else one sentence. */
export class CommandError extends Error {
  /** @param message - the line to print */
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}

/** The reader of our output went away: no error. */
export class ClosedPipe extends Error {
  constructor() {
    super('the pipe was closed');
    this.name = 'ClosedPipe';
  }
}

/** What to print on standard error, and the exit status. */
export interface Failure {
  /** 0, 1 or 2. */ readonly status: number;
  /** Lines, each ended; empty where there is nothing to say. */ readonly text: string;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is no directory',
  ENOSPC: 'no space left',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file would be too large',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the device failed',
};

/** Why the operating system refused, in words; undefined for what is no error of its. */
export function osReason(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return REASONS[String(error.code)] ?? String(error.code);
}

/** An exception as what the user sees of it. */
export function failureOf(error: unknown, debug: boolean): Failure {
  if (error instanceof ClosedPipe) return { status: 0, text: '' };
  const line = visibleName(error instanceof Error ? error.message : String(error));
  if (error instanceof UsageError) {
    const help = ['memsim', error.command, '--help'].filter((word) => word !== '').join(' ');
    return { status: 2, text: `${line}\ntry ${help}\n` };
  }
  const known = error instanceof CommandError || error instanceof ZxError
    || error instanceof InputError;
  const stack = debug && error instanceof Error ? `${visibleText(error.stack ?? '')}\n` : '';
  if (known) return { status: 1, text: `${line}\n${stack}` };
  const reason = osReason(error);
  if (reason !== undefined) {
    const path = error instanceof Error && 'path' in error ? visibleName(String(error.path)) : '';
    return { status: 1, text: `${path || 'a system call failed'}: ${reason}\n${stack}` };
  }
  return { status: 1, text: `internal error: ${line} (MEMSIM_DEBUG=1 shows where)\n${stack}` };
}
