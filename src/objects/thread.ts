/**
 * Handles to threads: the calls of `zx_thread_*`, and what a thread does by itself.
 */

import { Handle } from './handle.js';
import { Right } from './rights.js';
import { BlockedOn, ExceptionChannel, type ThreadObject } from './thread-object.js';
import { refuse, toCount } from './units.js';

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
   * It begins to wait for something.
   *
   * @param on - what for, which `getInfo` tells; nobody says if left out
   * @throws ZxError ZX_ERR_BAD_STATE if it was never started, is in an exception, dying or dead,
   *     ZX_ERR_INVALID_ARGS for what nobody can wait for
   */
  block(on: BlockedOn = BlockedOn.UNKNOWN): void {
    const thread = this.change(0);
    toCount(on, 'on', BlockedOn.UNKNOWN, BlockedOn.PAGER);
    if (on === BlockedOn.EXCEPTION) refuse(on, 'on', 'another: raiseException is for exceptions');
    thread.setBlocked(on);
  }

  /**
   * It goes on.
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it was never started, is in an exception, dying or dead
   */
  unblock(): void {
    this.change(0).setBlocked(undefined);
  }

  /**
   * It does what the processor or the kernel refuses, and waits until somebody has handled that.
   *
   * @param channel - who is asked
   * @throws ZxError ZX_ERR_BAD_STATE unless it runs or is dying, ZX_ERR_INVALID_ARGS for nobody
   */
  raiseException(channel: ExceptionChannel = ExceptionChannel.PROCESS): void {
    const thread = this.change(0);
    const { DEBUGGER, JOB_DEBUGGER } = ExceptionChannel;
    toCount(channel, 'channel', DEBUGGER, JOB_DEBUGGER);
    thread.raiseException(channel);
  }

  /**
   * Its exception was handled, as closing the exception's handle does (`ZX_PROP_EXCEPTION_STATE`
   * HANDLED): it goes on.
   *
   * @throws ZxError ZX_ERR_BAD_STATE unless it is in an exception
   */
  handleException(): void {
    this.change(0).handleException();
  }

  /**
   * It begins to end, as its debugger sees it (`ZX_EXCP_THREAD_EXITING`); `exit` ends it.
   *
   * @throws ZxError ZX_ERR_BAD_STATE if it was never started, is in an exception, dying or dead
   */
  beginExit(): void {
    this.change(0).beginExit();
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
