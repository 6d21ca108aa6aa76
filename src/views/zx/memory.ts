/**
 * `pmm dump`, `pmm free` and `pmm mem_avail_state info`: physical memory as its allocator has it.
 *
 * @see tool-formats, sections 12.1 and 14
 */

import type { PagesInState, PhysicalPages } from '../../accounting/console-types.js';
import { type Era, sizeAlgorithmOf } from '../era.js';
import { visibleName } from '../escape.js';
import { formatSize } from '../size.js';
import { type Column, joinLines } from '../table.js';
import { hexOrZero, isLate, pointer } from './labels.js';

const PAGE_BYTES = 4096;
const MIB_BYTES = 2 ** 20;

/** States of pages that the kernels of an era know; of later ones, those in use are shown too. */
const STATES_2017 = ['free', 'alloc', 'wired', 'heap', 'object', 'mmu'];
const STATES_2019 = [...STATES_2017, 'iommu', 'ipc'];
const STATES_2022 = [...STATES_2019, 'cache', 'slab'];

function statesOf(era: Era): readonly string[] {
  if (era === '2025') return [...STATES_2022, 'zram'];
  if (era === '2022') return STATES_2022;
  return era === '2017' ? STATES_2017 : STATES_2019;
}

/** States that have no name on the console. */
const UNNAMED: ReadonlySet<string> = new Set(['iommu']);

/** The states that `pmm dump` shows. */
export function stateRows(memory: PhysicalPages, era: Era): PagesInState[] {
  const known = statesOf(era);
  return memory.states.filter(({ state, pages }) => known.includes(state) || pages > 0);
}

function nodeLine(memory: PhysicalPages, era: Era): string {
  const { nodeAddress, freePages, freeLoanedPages, totalPages } = memory;
  const head = `pmm node ${pointer(nodeAddress)}: free_count ${freePages}`;
  if (era === '2017') return head;
  const loaned = era === '2025'
    ? `, free_loaned_count: ${freeLoanedPages} (${freeLoanedPages * PAGE_BYTES} bytes)` : '';
  const total = totalPages * PAGE_BYTES;
  return `${head} (${freePages * PAGE_BYTES} bytes)${loaned}, total size ${total}`;
}

/** The node, its arena and the pages by state as the console prints them. */
export function pmmText(memory: PhysicalPages, era: Era): string {
  const { arenaAddress, arenaName, arrayAddress, base, freePages, totalPages } = memory;
  const bytes = totalPages * PAGE_BYTES;
  const early = era === '2017';
  const size = `${formatSize(bytes, '', sizeAlgorithmOf(era))} (0x${bytes.toString(16)})`;
  const name = `'${visibleName(arenaName)}'`;
  const array = [`\tpage_array ${pointer(arrayAddress)}`];
  if (early) array.push(`, free_count ${freePages}`);
  if (isLate(era)) array.push(' search_hint 0');
  return joinLines([
    nodeLine(memory, era),
    `${early ? '' : '  '}arena ${pointer(arenaAddress)}: name ${name} base ${hexOrZero(base)} `
      + `size ${size} ${early ? 'priority 0 ' : ''}flags 0x0`,
    array.join(''),
    '\tpage states:',
    ...stateRows(memory, era).map(({ state, pages }) => {
      const name = UNNAMED.has(state) ? 'unknown' : state;
      return `\t\t${name.padEnd(12)} ${String(pages).padEnd(16)} (${pages * PAGE_BYTES} bytes)`;
    }),
  ]);
}

/** The columns of `pmm dump` for programs. */
export function stateColumns(): Column<PagesInState>[] {
  return [
    { key: 'state', value: (row) => row.state },
    { key: 'pages', value: (row) => row.pages },
    { key: 'bytes', value: (row) => row.pages * PAGE_BYTES },
  ];
}

/** What `pmm free` reports. */
export interface FreeRow {
  /** Unallocated memory. */ readonly freeBytes: number;
}

/** `pmm free`: one report of what is a timer on the console. */
export function freeText({ freeBytes }: FreeRow): string {
  return ` ${Math.floor(freeBytes / MIB_BYTES)} free MBs\n`;
}

/** The columns of `pmm free` for programs. */
export function freeColumns(): Column<FreeRow>[] {
  return [{ key: 'free_bytes', value: (row) => row.freeBytes }];
}
