/**
 * The one error of the objects layer: a refusal, with Zircon's status and the numbers behind it.
 *
 * I1. Whoever catches a ZxError finds the system as it was before the call.
 * I2. The message has the value that was refused and the range that is allowed.
 */

import { Status, statusName, type StatusName } from './status.js';

/** The numbers that made an error. */
export type ErrorDetails = Readonly<Record<string, number | bigint | string>>;

/** A refused call: what a system call would have answered with a status. */
export class ZxError extends Error {
  /** Name of the status, such as `ZX_ERR_OUT_OF_RANGE`. */
  readonly status: StatusName;
  /** Number of the status (`zx_status_t`), such as -14. */
  readonly code: number;
  /** The refused value and what is allowed, by name; units stand last in the names. */
  readonly details: ErrorDetails;

  /**
   * @param status - name of the status
   * @param message - one sentence: which value, what is allowed
   * @param details - the same numbers for programs
   */
  constructor(status: StatusName, message: string, details: ErrorDetails = {}) {
    super(`${status}: ${message}`);
    this.name = 'ZxError';
    this.status = status;
    this.code = Status[status];
    this.details = details;
  }
}

/** Throws a {@link ZxError}; the parameters are its constructor's. */
export function fail(status: StatusName, message: string, details: ErrorDetails = {}): never {
  throw new ZxError(status, message, details);
}

/** What a core tells of the memory it has left. */
export interface MemoryLeft {
  /** Free physical pages. */ readonly freePages: number;
  /** Host memory that it may still take, bytes. */ readonly hostBytesLeft: number;
  /** Is told of each refusal. */ readonly onNoMemory?: (() => void) | undefined;
}

/**
 * Passes on what the core answered, or throws its refusal; where memory ran out with what is left.
 *
 * @param core - the core that answered
 * @param result - 0 or more, or a reference: success; negative: a status number
 * @param what - what was asked: follows "no memory", such as `to touch 5 pages`
 * @param details - the numbers of the call
 */
export function checkMemory<R extends number>(
  core: MemoryLeft, result: R | number, what: string, details: ErrorDetails = {},
): R {
  if (result >= 0) return result as R;
  const { freePages, hostBytesLeft } = core;
  core.onNoMemory?.();
  const left = `${freePages} pages and ${hostBytesLeft} bytes of host memory are left`;
  throw new ZxError(statusName(result), `no memory ${what}: ${left}`, {
    ...details, freePages, hostBytesLeft,
  });
}

/**
 * Passes on what the core answered, or throws its refusal.
 *
 * @param result - 0 or more, or a reference: success; negative: a status number
 * @param message - what was tried
 * @param details - the numbers of the call
 */
export function checkCore<R extends number>(
  result: R | number,
  message: string,
  details: ErrorDetails = {},
): R {
  if (result < 0) throw new ZxError(statusName(result), message, details);
  return result as R;
}
