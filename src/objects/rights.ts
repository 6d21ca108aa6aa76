/**
 * Rights of handles (`zx_rights_t`): bits and the sets that new handles get.
 *
 * I1. A handle made from another never has a right that the other lacks, but for the two cases the
 *     rules name (children of VMOs, `replaceAsExecutable`). Memory-semantics 10.3 and 10.4.
 */

/** One bit for each right. */
export const Right = {
  /** Duplicate the handle, make children. */
  DUPLICATE: 1 << 0,
  /** Pass the handle on. */
  TRANSFER: 1 << 1,
  /** Read contents. */
  READ: 1 << 2,
  /** Write contents. */
  WRITE: 1 << 3,
  /** Map as executable. */
  EXECUTE: 1 << 4,
  /** Map, pin. */
  MAP: 1 << 5,
  /** Read properties. */
  GET_PROPERTY: 1 << 6,
  /** Set properties. */
  SET_PROPERTY: 1 << 7,
  /** List children. */
  ENUMERATE: 1 << 8,
  /** Kill. */
  DESTROY: 1 << 9,
  /** Set policies. */
  SET_POLICY: 1 << 10,
  /** Read policies. */
  GET_POLICY: 1 << 11,
  /** Signal the object. */
  SIGNAL: 1 << 12,
  /** Signal the other end. */
  SIGNAL_PEER: 1 << 13,
  /** Wait for signals. */
  WAIT: 1 << 14,
  /** Ask about it. */
  INSPECT: 1 << 15,
  /** Make and manage jobs. */
  MANAGE_JOB: 1 << 16,
  /** Make and manage processes. */
  MANAGE_PROCESS: 1 << 17,
  /** Make and manage threads. */
  MANAGE_THREAD: 1 << 18,
  /** Apply scheduling profiles. */
  APPLY_PROFILE: 1 << 19,
  /** Manage sockets. */
  MANAGE_SOCKET: 1 << 20,
  /** Work on regions inside. */
  OP_CHILDREN: 1 << 21,
  /** Change the size. */
  RESIZE: 1 << 22,
  /** Attach VMOs to a pager. */
  ATTACH_VMO: 1 << 23,
  /** Manage a pager's VMOs. */
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
  /** Of VMOs; RESIZE comes with resizable ones. */
  VMO: BASIC | IO | PROPERTY | Right.MAP | Right.SIGNAL,
  /** Of VMARs; READ, WRITE, EXECUTE by what they allow. */
  VMAR: (BASIC & ~Right.WAIT) | Right.OP_CHILDREN,
  /** Of pagers. */
  PAGER: Right.INSPECT | Right.TRANSFER | Right.ATTACH_VMO | Right.MANAGE_VMO,
  /** Of processes. */
  PROCESS: TASK | Right.ENUMERATE | Right.MANAGE_PROCESS | Right.MANAGE_THREAD,
  /** Of threads. */
  THREAD: TASK | Right.MANAGE_THREAD,
  /** Of channels: no DUPLICATE. */
  CHANNEL: (BASIC & ~Right.DUPLICATE) | IO | Right.SIGNAL | Right.SIGNAL_PEER,
  /** Of events. */
  EVENT: BASIC | Right.SIGNAL,
  /** Of the kernel's events (`zx_system_get_event`): no SIGNAL. */
  SYSTEM_EVENT: Right.DUPLICATE | Right.TRANSFER | Right.WAIT,
  /** Of event pairs. */
  EVENTPAIR: BASIC | Right.SIGNAL | Right.SIGNAL_PEER,
  /** Of ports. */
  PORT: (BASIC & ~Right.WAIT) | IO,
  /** Of sockets. */
  SOCKET: BASIC | IO | PROPERTY | Right.SIGNAL | Right.SIGNAL_PEER | Right.MANAGE_SOCKET,
  /** Of FIFOs. */
  FIFO: BASIC | IO | Right.SIGNAL | Right.SIGNAL_PEER,
  /** Of timers. */
  TIMER: BASIC | Right.WRITE | Right.SIGNAL,
  /** Of jobs. */
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
