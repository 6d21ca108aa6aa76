/**
 * What a job allows its processes (memory-semantics 10.6): an action for each condition, and
 * whether jobs below may choose another.
 *
 * I1. A policy never changes: setting one makes a new one, or fails with nothing changed.
 */

import { fail } from './errors.js';
import { refuse, toCount } from './units.js';

/** What a process may be kept from (`ZX_POL_*`). */
export const PolicyCondition = {
  /** A call with a handle that is not in its table. */ BAD_HANDLE: 0,
  /** A call with a handle to another kind of object. */ WRONG_OBJECT: 1,
  /** A mapping that is both writable and executable. */ VMAR_WX: 2,
  /** Every NEW_*. */ NEW_ANY: 3,
  /** A new VMO. */ NEW_VMO: 4,
  /** A new channel. */ NEW_CHANNEL: 5,
  /** A new event. */ NEW_EVENT: 6,
  /** A new event pair. */ NEW_EVENTPAIR: 7,
  /** A new port. */ NEW_PORT: 8,
  /** A new socket. */ NEW_SOCKET: 9,
  /** A new FIFO. */ NEW_FIFO: 10,
  /** A new timer. */ NEW_TIMER: 11,
  /** A new process. */ NEW_PROCESS: 12,
  /** A new profile. */ NEW_PROFILE: 13,
  /** A new pager. */ NEW_PAGER: 14,
  /** Making a VMO executable without a resource. */ AMBIENT_MARK_VMO_EXEC: 15,
  /** A new IO buffer. */ NEW_IOB: 16,
  /** A new sampler. */ NEW_SAMPLER: 17,
} as const;
/** A condition. */
export type PolicyCondition = (typeof PolicyCondition)[keyof typeof PolicyCondition];

/** What happens where a condition is met (`ZX_POL_ACTION_*`). */
export const PolicyAction = {
  /** Nothing. */ ALLOW: 0,
  /** The call is refused. */ DENY: 1,
  /** An exception for who debugs it, and the call goes on. */ ALLOW_EXCEPTION: 2,
  /** An exception for who debugs it, and the call is refused. */ DENY_EXCEPTION: 3,
  /** The process is killed. */ KILL: 4,
} as const;
/** An action. */
export type PolicyAction = (typeof PolicyAction)[keyof typeof PolicyAction];

/** Whether jobs below may choose another action (`ZX_POL_OVERRIDE_*`). */
export const PolicyOverride = {
  /** They may. */ ALLOW: 0,
  /** They may not. */ DENY: 1,
} as const;
/** Whether jobs below may choose another action. */
export type PolicyOverride = (typeof PolicyOverride)[keyof typeof PolicyOverride];

/** How a policy is set where the one above forbids another (`ZX_JOB_POL_*`). */
export const PolicyMode = {
  /** What the job above decided stays, without a word. */ RELATIVE: 0,
  /** All of it is set, or nothing. */ ABSOLUTE: 1,
} as const;
/** How a policy is set. */
export type PolicyMode = (typeof PolicyMode)[keyof typeof PolicyMode];

/** One line of a policy (`zx_policy_basic_v2_t`). */
export interface PolicyEntry {
  /** One of `PolicyCondition`. */ readonly condition: number;
  /** One of `PolicyAction`. */ readonly action: number;
  /** One of `PolicyOverride`; allowed if left out. */ readonly override?: number;
}

/** Conditions there are. */
const CONDITIONS = Object.keys(PolicyCondition).length;
const NEW_CONDITIONS = Object.entries(PolicyCondition)
  .filter(([name]) => name.startsWith('NEW_') && name !== 'NEW_ANY')
  .map(([, condition]) => condition);

interface Decided {
  readonly action: number;
  readonly override: number;
}

const UNDECIDED: Decided = { action: PolicyAction.ALLOW, override: PolicyOverride.ALLOW };

/** The policy of a job. */
export class JobPolicy {
  /** Allows everything, and jobs below may choose. */
  static readonly NONE = new JobPolicy(new Map());
  readonly #decided: ReadonlyMap<number, Decided>;

  private constructor(decided: ReadonlyMap<number, Decided>) {
    this.#decided = decided;
  }

  /** The action for a condition other than NEW_ANY. */
  actionOf(condition: PolicyCondition): number {
    return this.#at(condition).action;
  }

  /**
   * This policy with more said in it.
   *
   * @param mode - one of `PolicyMode`
   * @param entries - in order; a later one may override an earlier one
   * @throws ZxError ZX_ERR_INVALID_ARGS for a mode, condition or override that there is not,
   *     ZX_ERR_NOT_SUPPORTED for an action that there is not, ZX_ERR_OUT_OF_RANGE for more entries
   *     than conditions, ZX_ERR_ALREADY_EXISTS where ABSOLUTE meets an override that is denied
   */
  with(mode: number, entries: readonly PolicyEntry[]): JobPolicy {
    toCount(mode, 'mode', PolicyMode.RELATIVE, PolicyMode.ABSOLUTE);
    if (!Array.isArray(entries)) refuse(entries, 'entries', 'an array');
    if (entries.length > CONDITIONS) {
      fail('ZX_ERR_OUT_OF_RANGE', `${entries.length} entries: allowed 1 to ${CONDITIONS}`, {
        entries: entries.length,
      });
    }
    if (entries.length === 0) refuse(0, 'number of entries', `1 to ${CONDITIONS}`);
    const next = new Map(this.#decided);
    for (const entry of entries) {
      const { condition } = checkCondition(entry);
      const all = condition === PolicyCondition.NEW_ANY ? NEW_CONDITIONS : [condition];
      for (const one of all) decide(next, mode, one, entry);
    }
    return new JobPolicy(next);
  }

  #at(condition: number): Decided {
    return this.#decided.get(condition) ?? UNDECIDED;
  }
}

function checkCondition(entry: PolicyEntry): PolicyEntry {
  const given: unknown = entry;
  if (typeof given !== 'object' || given === null) refuse(given, 'entry', 'an object');
  toCount(entry.condition, 'condition', 0, CONDITIONS - 1);
  return entry;
}

function decide(
  policy: Map<number, Decided>, mode: number, condition: number, entry: PolicyEntry,
): void {
  const { action, override = PolicyOverride.ALLOW } = entry;
  if (!Object.values(PolicyAction).some((known) => known === action)) {
    refuse(action, 'action', `0 to ${PolicyAction.KILL}`, 'ZX_ERR_NOT_SUPPORTED');
  }
  toCount(override, 'override', PolicyOverride.ALLOW, PolicyOverride.DENY);
  const now = policy.get(condition) ?? UNDECIDED;
  if (now.override === PolicyOverride.ALLOW) {
    policy.set(condition, { action, override });
    return;
  }
  if (mode === PolicyMode.RELATIVE) return;
  if (now.action === action && override === PolicyOverride.DENY) return;
  fail('ZX_ERR_ALREADY_EXISTS', `condition ${condition}: a job above chose ${now.action}`, {
    condition, action, chosenAction: now.action,
  });
}
