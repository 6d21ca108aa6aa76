/**
 * Handles to threads: the calls of `zx_thread_*`, and what a thread does by itself.
 */

import { Handle } from './handle.js';
import { Right } from './rights.js';
import type { ThreadObject } from './thread-object.js';

/** A handle to a thread. */
export class Thread extends Handle<ThreadObject> {
  /**
   * Lets it run (`zx_thread_start`; needs MANAGE_THREAD).
   *
   * @throws ZxError ZX_ERR_BAD_STATE unless it is new
   */
  start(): void {
    this.change(Right.MANAGE_THREAD).start();
  }

  /**
   * Stops it until `resume` (`zx_task_suspend`; needs WRITE). Each `suspend` takes one `resume`.
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it is dead
   */
  suspend(): void {
    this.change(Right.WRITE).suspend();
  }

  /**
   * Takes one `suspend` back, as closing a suspend token does (needs WRITE).
   *
   * @throws ZxError ZX_ERR_BAD_STATE unless it is suspended
   */
  resume(): void {
    this.change(Right.WRITE).resume();
  }

  /**
   * It begins to wait for something; what for is not simulated.
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it was never started, or is dead
   */
  block(): void {
    this.change(0).setBlocked(true);
  }

  /**
   * It goes on.
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it was never started, or is dead
   */
  unblock(): void {
    this.change(0).setBlocked(false);
  }

  /**
   * It ends itself (`zx_thread_exit`). With the last thread that was started its process ends.
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it was never started, or is dead
   */
  exit(): void {
    this.change(0).exit();
  }

  protected remake(rights: number): Thread {
    return new Thread(this.object, rights);
  }
}
