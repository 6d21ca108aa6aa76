/**
 * Signals of objects (`ZX_*_SIGNALED`, `ZX_*_READABLE` ...). A bit means something else for each
 * kind of object.
 */

/** Bits of `handle.signals`. */
export const Signal = {
  /** Channels, sockets, FIFOs: something waits to be read. */ READABLE: 1 << 0,
  /** Channels, sockets, FIFOs: the other end takes more. */ WRITABLE: 1 << 1,
  /** Whatever has two ends: the other one is closed. */ PEER_CLOSED: 1 << 2,
  /** Events, event pairs, timers: it was signalled, it is due. */ SIGNALED: 1 << 3,
  /** Jobs, processes, threads: it ended. */ TERMINATED: 1 << 3,
  /** Jobs: no job stands right below. */ NO_JOBS: 1 << 4,
  /** Jobs: no process stands right below. */ NO_PROCESSES: 1 << 5,
  /** Jobs: neither does. */ NO_CHILDREN: 1 << 6,
  /** Threads: it was started, and is neither suspended nor dead. */ RUNNING: 1 << 4,
  /** Threads: it is suspended. */ SUSPENDED: 1 << 5,
  /** The first of eight bits that programs use as they like. */ USER_0: 1 << 24,
} as const;

/** The eight bits that programs may set on every object. */
export const USER_SIGNALS = 0xff000000;
