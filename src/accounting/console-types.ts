/**
 * What the kernel's console finds in a system beside the tables of a pass: handles, channels, jobs,
 * address spaces as the kernel's records describe them, pages by state.
 *
 * I1. Each list is of one instant, in the order of the kernel's own walk.
 * I2. Names are untrusted text.
 */

/** A job or a process. */
export interface ConsoleTask {
  /** Its koid. */ readonly koid: number;
  /** Its name. */ readonly name: string;
}

/** A handle in a process's table. */
export interface ConsoleHandle {
  /** The process. */ readonly process: ConsoleTask;
  /** Number in the process's table. */ readonly value: number;
  /** Rights, bits of ZX_RIGHT_*. */ readonly rights: number;
  /** Koid of the object. */ readonly koid: number;
  /** Type of the object (`zx_obj_type_t`). */ readonly type: number;
  /** Name of the object. */ readonly name: string;
  /** Koid of the related object, 0 for none. */ readonly relatedKoid: number;
}

/** An end of a channel that a process holds. */
export interface ConsoleChannel {
  /** The process. */ readonly process: ConsoleTask;
  /** Koid of this end. */ readonly koid: number;
  /** Koid of the other end. */ readonly peerKoid: number;
  /** Messages that wait to be read here. */ readonly numMessages: number;
  /** Messages that waited here when there were most. */ readonly mostMessages: number;
}

/** What all records of an address space have. */
interface DumpBase {
  /** Records above it. */ readonly depth: number;
  /** Where the kernel's record of it stands. */ readonly address: bigint;
  /** References that the kernel counts. */ readonly refs: number;
  /** Its name; a mapping's is its VMO's. */ readonly name: string;
}

/** A range of addresses. */
export interface DumpRange {
  /** First address. */ readonly base: bigint;
  /** Length in bytes. */ readonly sizeBytes: bigint;
}

/** An address space. */
export interface DumpAspace extends DumpBase, DumpRange {
  /** Kind of record. */ readonly kind: 'aspace';
  /** 0 a user's, 1 the kernel's. */ readonly type: 0 | 1;
}

/** A VMAR. */
export interface DumpVmar extends DumpBase, DumpRange {
  /** Kind of record. */ readonly kind: 'vmar';
  /** Regions right inside. */ readonly numRegions: number;
}

/** A mapping. */
export interface DumpMapping extends DumpBase, DumpRange {
  /** Kind of record. */ readonly kind: 'mapping';
  /** Its parts, with the kernel's flags: cache policy, USER 4, READ 8, WRITE 16, EXECUTE 32. */
  readonly parts: readonly (DumpRange & {
    /** The flags. */ readonly mmuFlags: number;
  })[];
  /** Whether it may become one with a neighbour. */ readonly mergeable: boolean;
  /** Where the VMO's record stands. */ readonly vmoAddress: bigint;
  /** Koid of the VMO. */ readonly vmoKoid: number;
  /** First byte in the VMO. */ readonly offsetBytes: bigint;
  /** Committed bytes of the range. */ readonly committedBytes: number;
  /** Bytes of its compressed pages, by their size before. */ readonly compressedBytes: number;
}

/** A VMO that has pages. */
export interface DumpVmo extends DumpBase {
  /** Kind of record. */ readonly kind: 'vmo';
  /** Its koid, 0 for the kernel's own. */ readonly koid: number;
  /** Size. */ readonly sizeBytes: bigint;
  /** Committed bytes charged to it. */ readonly committedBytes: number;
  /** Bytes of its compressed pages, by their size before. */ readonly compressedBytes: number;
  /** Where the parent's record stands, 0 for none. */ readonly parentAddress: bigint;
  /** Koid of the parent, 0 for none. */ readonly parentKoid: number;
  /** First byte in the parent. */ readonly offsetBytes: bigint;
  /** Bytes of it that the parent shows through. */ readonly limitBytes: bigint;
  /** Where the record of its page list stands. */ readonly pagesAddress: bigint;
  /** Where that of its parent's page list stands, 0 for none. */
  readonly pagesParentAddress: bigint;
  /** Whether it is a window on another's pages. */ readonly isSlice: boolean;
  /** Whether a pager fills it. */ readonly isPagerBacked: boolean;
}

/** A VMO on device memory. */
export interface DumpPhysical extends DumpBase {
  /** Kind of record. */ readonly kind: 'physical';
  /** Its koid, 0 for the kernel's own. */ readonly koid: number;
  /** Address of the first byte. */ readonly physicalAddress: bigint;
  /** Size. */ readonly sizeBytes: bigint;
}

/** One record of an address space. */
export type DumpRow = DumpAspace | DumpVmar | DumpMapping | DumpVmo | DumpPhysical;

/** Pages of one state. */
export interface PagesInState {
  /** The state, as `vm_page_state` names it. */ readonly state: string;
  /** Number of pages. */ readonly pages: number;
}

/** Physical memory as the page allocator has it. */
export interface PhysicalPages {
  /** Where the node's record stands. */ readonly nodeAddress: bigint;
  /** Where the arena's record stands. */ readonly arenaAddress: bigint;
  /** Where the array of pages stands. */ readonly arrayAddress: bigint;
  /** Name of the arena. */ readonly arenaName: string;
  /** First physical address of the arena. */ readonly base: bigint;
  /** All pages. */ readonly totalPages: number;
  /** Unallocated pages. */ readonly freePages: number;
  /** Pages lent out and not in use. */ readonly freeLoanedPages: number;
  /** Pages by state, in the kernel's order. */ readonly states: readonly PagesInState[];
}

/** What the memory watchdog signals. */
export interface WatchdogState {
  /** The level, 0 the worst. */ readonly state: number;
  /** Free bytes below which each level but the best begins, ascending. */
  readonly limitsBytes: readonly number[];
  /** How far past a mark the level changes, bytes. */ readonly debounceBytes: number;
  /** How long a better level lasts before it is signalled, ns. */ readonly hysteresisNs: bigint;
}

/** A pool of the arena that handles stand in. */
export interface ArenaPoolRow {
  /** Where its first slot stands. */ readonly address: bigint;
  /** Bytes of a slot. */ readonly slotBytes: number;
  /** Slots taken. */ readonly taken: number;
  /** Pages committed. */ readonly pages: number;
  /** Pages committed when there were most. */ readonly mostPages: number;
  /** Slots that it has room for. */ readonly slots: number;
}

/** The arena that handles stand in. */
export interface HandleArenaRow {
  /** Handles that are open. */ readonly handles: number;
  /** Name of its VMAR. */ readonly name: string;
  /** The VMAR as the kernel's address space has it, at depth 1; none where nobody laid it out. */
  readonly mappings: readonly DumpRow[];
  /** Nodes of slots that are free again. */ readonly control: ArenaPoolRow;
  /** Slots of handles. */ readonly data: ArenaPoolRow;
}
