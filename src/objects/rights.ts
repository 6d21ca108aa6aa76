/**
 * Rights of handles (`zx_rights_t`): bits and the sets that new handles get.
 *
 * I1. A handle made from another never has a right that the other lacks, but for the two cases the
 *     rules name (children of VMOs, `replaceAsExecutable`). Memory-semantics 10.3 and 10.4.
 */

/** One bit for each right. */
export const Right = {
  DUPLICATE: 1 << 0,
  TRANSFER: 1 << 1,
  READ: 1 << 2,
  WRITE: 1 << 3,
  EXECUTE: 1 << 4,
  MAP: 1 << 5,
  GET_PROPERTY: 1 << 6,
  SET_PROPERTY: 1 << 7,
  ENUMERATE: 1 << 8,
  DESTROY: 1 << 9,
  SET_POLICY: 1 << 10,
  GET_POLICY: 1 << 11,
  SIGNAL: 1 << 12,
  SIGNAL_PEER: 1 << 13,
  WAIT: 1 << 14,
  INSPECT: 1 << 15,
  MANAGE_JOB: 1 << 16,
  MANAGE_PROCESS: 1 << 17,
  MANAGE_THREAD: 1 << 18,
  APPLY_PROFILE: 1 << 19,
  MANAGE_SOCKET: 1 << 20,
  OP_CHILDREN: 1 << 21,
  RESIZE: 1 << 22,
  ATTACH_VMO: 1 << 23,
  MANAGE_VMO: 1 << 24,
} as const;

/** Asks `duplicate` and `replace` for the rights the handle has. */
export const SAME_RIGHTS = 0x80000000;

const BASIC = Right.TRANSFER | Right.DUPLICATE | Right.WAIT | Right.INSPECT;
const IO = Right.READ | Right.WRITE;
const PROPERTY = Right.GET_PROPERTY | Right.SET_PROPERTY;
const POLICY = Right.GET_POLICY | Right.SET_POLICY;
const TASK = BASIC | IO | PROPERTY | Right.DESTROY | Right.SIGNAL;

/** Rights of a handle as its object's creator gets it. */
export const DefaultRights = {
  VMO: BASIC | IO | PROPERTY | Right.MAP | Right.SIGNAL,
  VMAR: (BASIC & ~Right.WAIT) | Right.OP_CHILDREN,
  PROCESS: TASK | Right.ENUMERATE | Right.MANAGE_PROCESS | Right.MANAGE_THREAD,
  THREAD: TASK | Right.MANAGE_THREAD,
  JOB:
    TASK | POLICY | Right.ENUMERATE | Right.MANAGE_JOB | Right.MANAGE_PROCESS | Right.MANAGE_THREAD,
} as const;

/**
 * The names of the rights in a set, lowest bit first.
 *
 * @param rights - a set of bits
 */
export function rightNames(rights: number): string[] {
  return Object.entries(Right)
    .filter(([, bit]) => (rights & bit) !== 0)
    .map(([name]) => name);
}
