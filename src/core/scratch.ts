/**
 * Want of host memory for what is only needed while a pass or a look goes on.
 */

/** No room for a pass's scratch. */
export class PassMemoryError extends Error {
  /** @param bytes - what was asked */
  constructor(readonly bytes: number) {
    super(`no host memory for ${bytes} bytes of accounting scratch`);
  }
}
