/**
 * `scanner dump` and `scanner reclaim`: what the memory scanner finds, and what it took.
 *
 * Only pages that somebody wrote bytes into can be found to be zero: those that programs merely
 * touched stand for pages that were written. A rotation isolates the oldest generation at once, so
 * the least recently used generation is always the seventh before the newest.
 *
 * @see tool-formats, section 12.3
 */

import { ACTIVE_GENERATIONS, GENERATIONS } from '../../objects/page-queues.js';
import type { ScannerReclaim, ScannerReport } from '../../objects/scanner.js';
import { type Column, joinLines } from '../table.js';

const NS_DIGITS = 9;
const PAGES_PER_MIB = 256;

/** Seconds with nine digits behind the point. */
function seconds(ns: bigint): string {
  const digits = ns.toString().padStart(NS_DIGITS + 1, '0');
  return `${digits.slice(0, -NS_DIGITS)}.${digits.slice(-NS_DIGITS)}`;
}

/** The generation that goes next. */
function oldestOf({ newest }: ScannerReport): number {
  return newest.number - (GENERATIONS - 1);
}

/** Pages by age, the active ones in brackets, the least recently used ones in braces. */
function bucketsText(generations: readonly number[]): string {
  return generations.map((pages, age) => {
    if (age < ACTIVE_GENERATIONS) return `[${pages}],`;
    return age === GENERATIONS - 1 ? `{${pages}},` : `${pages},`;
  }).join('');
}

/** A scan as the console prints it; one that is switched off says only that. */
export function scanText(report: ScannerReport): string {
  const { disables, queues, newest } = report;
  if (disables > 0) return `[SCAN]: Scanner disabled with disable count of ${disables}\n`;
  const found = (pages: number, what: string): string => `[SCAN]: Found ${pages} ${what}`;
  const { generations, isolate, active, inactive } = queues;
  return joinLines([
    '[SCAN]: Scanner enabled. Triggering informational scan',
    found(report.zeroPages, 'zero pages across all of memory'),
    ...generations.map((pages, age) => found(pages, `user-pager backed pages in queue ${age}`)),
    found(isolate, 'user-pager backed pages in DontNeed queue'),
    found(queues.anonymousZeroFork, 'zero forked pages'),
    found(report.discardableLockedPages, 'locked pages in discardable vmos'),
    found(report.discardableUnlockedPages, 'unlocked pages in discardable vmos'),
    `pq: MRU generation is ${newest.number} set ${seconds(report.newestAgeNs)}s ago due to `
      + `"${newest.reason}", LRU generation is ${oldestOf(report)}`,
    `pq: Pager buckets ${bucketsText(generations)} evict first: ${isolate}, `
      + `live active/inactive totals: ${active}/${inactive}`,
  ]);
}

/** The columns of a scan for programs: every queue, in pages. */
export function scanColumns(): Column<ScannerReport>[] {
  const pages = (key: string, value: (row: ScannerReport) => number): Column<ScannerReport> =>
    ({ key: `${key}_pages`, value });
  return [
    { key: 'disable_count', value: (row) => row.disables },
    pages('zero', (row) => row.zeroPages),
    ...Array.from({ length: GENERATIONS }, (_, age) =>
      pages(`generation_${age}`, ({ queues }) => queues.generations[age] ?? 0)),
    pages('isolate', ({ queues }) => queues.isolate),
    pages('active', ({ queues }) => queues.active),
    pages('inactive', ({ queues }) => queues.inactive),
    pages('anonymous', ({ queues }) => queues.anonymous),
    pages('anonymous_zero_fork', ({ queues }) => queues.anonymousZeroFork),
    pages('wired', ({ queues }) => queues.wired),
    pages('pager_backed_dirty', ({ queues }) => queues.pagerBackedDirty),
    pages('high_priority', ({ queues }) => queues.highPriority),
    pages('failed_reclaim', ({ queues }) => queues.failedReclaim),
    pages('discardable_locked', (row) => row.discardableLockedPages),
    pages('discardable_unlocked', (row) => row.discardableUnlockedPages),
    { key: 'mru_generation', value: ({ newest }) => newest.number },
    { key: 'lru_generation', value: oldestOf },
    { key: 'mru_age_ns', value: (row) => row.newestAgeNs },
    { key: 'mru_reason', value: ({ newest }) => newest.reason },
  ];
}

/** What was taken, as the console prints it: nothing of a kind is no line. */
export function reclaimText(row: ScannerReclaim): string {
  const mib = (pages: number): number => Math.floor(pages / PAGES_PER_MIB);
  const { pagerPages, discardablePages, zeroPagesGone } = row;
  return joinLines([
    `[EVICT]: Free memory before eviction was ${mib(row.freePagesBefore)}MB and after eviction is `
      + `${mib(row.freePagesAfter)}MB`,
    ...(pagerPages > 0 ? [`[EVICT]: Evicted ${pagerPages} user pager backed pages`] : []),
    ...(discardablePages > 0
      ? [`[EVICT]: Evicted ${discardablePages} pages from discardable vmos`] : []),
    ...(zeroPagesGone === undefined ? [] : [
      `[SCAN]: De-duped ${zeroPagesGone} pages that were recently forked from the zero page`,
    ]),
  ]);
}

/** The columns of what was taken for programs. */
export function reclaimColumns(): Column<ScannerReclaim>[] {
  return [
    { key: 'pager_pages', value: (row) => row.pagerPages },
    { key: 'discardable_pages', value: (row) => row.discardablePages },
    { key: 'zero_pages', value: (row) => row.zeroPagesGone },
    { key: 'free_pages_before', value: (row) => row.freePagesBefore },
    { key: 'free_pages_after', value: (row) => row.freePagesAfter },
  ];
}
