/**
 * `scanner dump`: what the memory scanner would find, without taking anything.
 *
 * Only what this simulator keeps is reported: pages of discardable VMOs, locked and unlocked.
 *
 * @see tool-formats, section 12.3
 */

import { type Column, joinLines } from '../table.js';

const PAGE_BYTES = 4096;

/** What a scan found. */
export interface ScanRow {
  /** Bytes of discardable VMOs that are locked. */ readonly discardableLockedBytes: number;
  /** Bytes of those that are not. */ readonly discardableUnlockedBytes: number;
}

/** A scan as the console prints it. */
export function scanText(row: ScanRow): string {
  const found = (bytes: number, what: string): string =>
    `[SCAN]: Found ${Math.floor(bytes / PAGE_BYTES)} ${what}`;
  return joinLines([
    '[SCAN]: Scanner enabled. Triggering informational scan',
    found(row.discardableLockedBytes, 'locked pages in discardable vmos'),
    found(row.discardableUnlockedBytes, 'unlocked pages in discardable vmos'),
  ]);
}

/** The columns of a scan for programs. */
export function scanColumns(): Column<ScanRow>[] {
  return [
    { key: 'vmo_discardable_locked_bytes', value: (row) => row.discardableLockedBytes },
    { key: 'vmo_discardable_unlocked_bytes', value: (row) => row.discardableUnlockedBytes },
  ];
}
