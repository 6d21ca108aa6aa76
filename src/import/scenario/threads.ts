/**
 * Bringing a thread to the state that a scenario wants, from whatever it was in.
 */

import type { Thread } from '../../objects/thread.js';
import { ExceptionChannel, ThreadState, type ThreadObject } from '../../objects/thread-object.js';
import type { StepOf } from './step-schema.js';

/** A state that a thread can be brought to. */
type WantedState = StepOf<'thread'>['state'];

/** What a thread that is dying can still come to. */
const DYING_STATES: ReadonlySet<string> = new Set(['dying', 'exception', 'dead']);

/** What a thread can be brought to instead; undefined where it can come to the wanted state. */
export function otherStates(now: ThreadObject, wanted: WantedState): string | undefined {
  if (wanted === 'new' && now.state !== ThreadState.NEW) {
    return 'another state: this thread was started';
  }
  if (now.state === ThreadState.DYING && !DYING_STATES.has(wanted)) {
    return 'dying, exception or dead: this thread is dying';
  }
  return undefined;
}

/**
 * Brings a thread to a state.
 *
 * @param thread - a handle to it
 * @param wanted - a state that {@link otherStates} has nothing against
 */
export function bring(thread: Thread, wanted: WantedState): void {
  if (wanted === 'new') return;
  const now = thread.object;
  if (now.state === ThreadState.NEW) thread.start();
  if (now.exception !== ExceptionChannel.NONE) thread.handleException();
  while (now.state === ThreadState.SUSPENDED) thread.resume();
  if (now.state === ThreadState.BLOCKED) thread.unblock();
  if (wanted === 'suspended') thread.suspend();
  if (wanted === 'blocked') thread.block();
  if (wanted === 'exception') thread.raiseException();
  if (wanted === 'dying' && now.state !== ThreadState.DYING) thread.beginExit();
  if (wanted === 'dead') thread.exit();
}
