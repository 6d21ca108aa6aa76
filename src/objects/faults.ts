/**
 * Faults as events: what an exception handler of Zircon would be told of a program's access.
 */

import type { Koid } from './koid.js';
import type { StatusName } from './status.js';

/** One access that faulted (ZX_EXCP_FATAL_PAGE_FAULT and its report). */
export interface FaultRecord {
  /** Koid of the process. */ readonly process: Koid;
  /** First byte of the access that could not be reached. */ readonly address: bigint;
  /** READ 1, WRITE 2, EXECUTE 4. */ readonly access: number;
  /** Why (memory-semantics 9.12). */ readonly status: StatusName;
}

/** Is told of each fault, before the call that made it throws. */
export type FaultObserver = (fault: FaultRecord) => void;
