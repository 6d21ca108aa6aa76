/**
 * What `system.page` says of one page: the records that views and programs take.
 *
 * I1. All of it is of one instant; a report holds nothing of the system.
 */

import type { FrameKinds } from '../core/core.js';
import type { StatusName } from '../objects/status.js';
import type { Bytes } from '../objects/units.js';
import type { VmoRole } from '../objects/vmo-object.js';
import type { Fraction } from './fraction.js';
import type { Policy, Reach } from './tables.js';

/**
 * The page that is asked about: a physical page by its number (a recorded system: the recorded
 * PFN), or the page at a byte of a VMO, or at an address of a process.
 */
export type PageTarget =
  | {
    /** Number of the physical page. */ readonly pfn: number;
  }
  | {
    /** Koid of a VMO or of a process. */ readonly koid: number;
    /** Byte in the VMO, or address in the process. */ readonly offset: Bytes;
  };

/**
 * What stands there:
 * - `object`: a page in the page lists of VMOs
 * - `zero`: the one page of zeros, which many entries may lead to and nobody pays
 * - `mmu`: a page table
 * - `loaned`: a page of a contiguous VMO that is lent out
 * - `free`: nothing
 * - `unnamed`: nothing, or the kernel's: which of the pages without a holder it uses is not known
 * - `compressed`: a page whose bytes stand compressed in the kernel's store
 * - `swapped`: on a recorded system, a page that was swapped out
 * - `absent`: no page yet
 * - `device`: device memory, not one of the system's pages
 */
export type PageState =
  | 'object' | 'zero' | 'mmu' | 'loaned' | 'free' | 'unnamed' | 'compressed' | 'swapped' | 'absent'
  | 'device';

/** A VMO that has the page or shows it. */
export interface PageVmo {
  /** Koid; 0 if it never had a user handle. */ readonly koid: number;
  /** Name. Untrusted text. */ readonly name: string;
  /** Koid of its parent, 0 for none. */ readonly parentKoid: number;
  /** Byte in the VMO where the page is. */ readonly offset: bigint;
  /** How it came to be. */ readonly role: VmoRole;
  /** True: in its own page list; false: seen through the parent that it follows. */
  readonly isOwn: boolean;
  /** Mappings of it. */ readonly numMappings: number;
  /** Handles to it, those of the host program among them. */ readonly numHandles: number;
}

/** A place in a process where the page is mapped. */
export interface PageMapping {
  /** Koid of the process. */ readonly processKoid: number;
  /** Name of the process. Untrusted text. */ readonly processName: string;
  /** Address. */ readonly address: bigint;
  /** Koid of the VMO mapped. */ readonly vmoKoid: number;
  /** Byte in that VMO. */ readonly vmoOffset: bigint;
  /** READ 1, WRITE 2, EXECUTE 4. */ readonly perms: number;
  /** Whether the page table has an entry for it. */ readonly isPresent: boolean;
}

/** A handle of a process to a VMO that has the page or shows it. */
export interface PageHandle {
  /** Koid of the process. */ readonly processKoid: number;
  /** Name of the process. Untrusted text. */ readonly processName: string;
  /** Koid of the VMO. */ readonly vmoKoid: number;
  /** Rights of the handle. */ readonly rights: number;
}

/** What somebody pays for the page. */
export interface PageShare {
  /** The rule. */ readonly policy: Policy;
  /** What reaches a page. */ readonly reach: Reach;
  /** Who pays; `outside`: all processes that were not recorded. */
  readonly payer: 'vmo' | 'process' | 'outside';
  /** Koid of the payer. */ readonly koid: number;
  /** Name of the payer. Untrusted text. */ readonly name: string;
  /** Bytes, exactly. */ readonly share: Fraction;
  /** `exact`: reached by handles alone (UNMAPPED). */ readonly byHandle: boolean;
}

/** Whose page table a page is. */
export interface PageTable {
  /** Koid of the process. */ readonly processKoid: number;
  /** Name of the process. Untrusted text. */ readonly processName: string;
  /** 4 the top, 1 a leaf. */ readonly level: number;
  /** First address that it covers. */ readonly address: bigint;
}

/** An entry of a recorded page table that holds the same swap slot. */
export interface PageSwapHolder {
  /** Koid of the process. */ readonly processKoid: number;
  /** Name of the process. Untrusted text. */ readonly processName: string;
  /** Address. */ readonly address: bigint;
}

/** Where a swapped page is. */
export interface PageSwap {
  /** Number of the swap area. */ readonly area: number;
  /** Slot in it. */ readonly slot: number;
  /** Entries of recorded processes that hold the slot. */
  readonly holders: readonly PageSwapHolder[];
  /** What each entry pays: bytes, cut off to 2^-12 byte as the kernel's SwapPss. */
  readonly share: Fraction;
}

/** What an access there would do now. */
export interface PageAccess {
  /**
   * What a read shows: `page` this page, `zeros`, `swapped` what was swapped out, `lent` the page
   * that was lent out, taken back, `pager` what the pager supplies; or the status of the fault.
   */
  readonly read: 'page' | 'zeros' | 'swapped' | 'lent' | 'device' | 'pager' | StatusName;
  /**
   * What a write does: `in place`, `copy` into a page of its own, `new` page, `pager`: the pager is
   * asked first, for the page or for leave to change it; or the status of the fault.
   */
  readonly write: 'in place' | 'copy' | 'new' | 'pager' | StatusName;
  /** Pages that the write takes, that which a pager supplies among them. */
  readonly newPages: number;
  /** Page tables that the access takes (in a process). */ readonly newTables: number;
}

/** Everything about one page. */
export interface PageReport {
  /** What was asked about. */
  readonly target: {
    /** What the koid names; `pfn`: none. */ readonly kind: 'pfn' | 'vmo' | 'process';
    /** Koid of the VMO or process, else 0. */ readonly koid: number;
    /** Its name, else empty. Untrusted text. */ readonly name: string;
    /** First byte of the page in it. */ readonly offset: bigint;
  };
  /** What stands there. */ readonly state: PageState;
  /** Number of the physical page; undefined where there is none, or none was recorded. */
  readonly pfn: number | undefined;
  /** Recorded systems: what the page is. */ readonly kinds: FrameKinds;
  /** Page-list slots that have it, each shared part of lists once. */
  readonly references: number;
  /** Pins. */ readonly pins: number;
  /** Entries of the system's page tables that lead to it. */ readonly entries: number;
  /** Entries beyond them, of processes that were not recorded; below 0 in a torn recording. */
  readonly outsideEntries: number;
  /** VMOs that have it or show it, oldest first. */ readonly vmos: readonly PageVmo[];
  /** Where processes map it, in the order of the task walk. */
  readonly mappings: readonly PageMapping[];
  /** Handles of processes to those VMOs. */ readonly handles: readonly PageHandle[];
  /** Who pays for it, policy by policy. */ readonly shares: readonly PageShare[];
  /** A page table: whose. */ readonly table: PageTable | undefined;
  /** A swapped page: where it is. */ readonly swap: PageSwap | undefined;
  /** Asked by VMO or process: what an access would do. */
  readonly access: PageAccess | undefined;
  /** Lines a user should see. */ readonly notes: readonly string[];
}
