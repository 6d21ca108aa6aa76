/**
 * `zx htinfo`: how many handles there are, and the arena that they stand in.
 *
 * @see tool-formats, section 10.4
 */

import type { ArenaPoolRow, HandleArenaRow } from '../../accounting/console-types.js';
import type { Era } from '../era.js';
import { type Column, joinLines } from '../table.js';
import { dumpText } from './dump.js';
import { pointer } from './labels.js';

const PAGE_BYTES = 4096;

function poolLines(name: string, pool: ArenaPoolRow): string[] {
  const { address, slotBytes, taken, pages, mostPages, slots } = pool;
  const at = (bytes: number): string => pointer(address + BigInt(bytes));
  return [
    `  pool '${name}' slot size ${slotBytes}, ${pages} pages committed:`,
    `  |     start ${at(0)}`,
    `  |       top ${at(taken * slotBytes)} (${taken} slots popped)`,
    `  | committed ${at(pages * PAGE_BYTES)} (${pages} pages; ${mostPages} pages max)`,
    `  \\       end ${at(slots * slotBytes)} (${slots} slots total)`,
  ];
}

/** The arena as the console prints it. */
export function handleArenaText(row: HandleArenaRow, era: Era): string {
  const { handles, name, mappings, control, data } = row;
  return joinLines([
    `outstanding handles: ${handles}`,
    `${name} mappings:`,
    ...dumpText(mappings, era).split('\n').filter((line) => line !== ''),
    `${name} pools:`,
    ...poolLines('control', control),
    ...poolLines('data', data),
    `${name} free list: ${control.taken} nodes`,
  ]);
}

/** The columns of the arena for programs. */
export function handleArenaColumns(): Column<HandleArenaRow>[] {
  return [
    { key: 'handles', value: (row) => row.handles },
    { key: 'free_nodes', value: (row) => row.control.taken },
    { key: 'slots_popped', value: (row) => row.data.taken },
    { key: 'slots_total', value: (row) => row.data.slots },
    { key: 'slot_size_bytes', value: (row) => row.data.slotBytes },
    { key: 'data_committed_bytes', value: (row) => row.data.pages * PAGE_BYTES },
    { key: 'data_committed_max_bytes', value: (row) => row.data.mostPages * PAGE_BYTES },
    { key: 'control_committed_bytes', value: (row) => row.control.pages * PAGE_BYTES },
    { key: 'control_committed_max_bytes', value: (row) => row.control.mostPages * PAGE_BYTES },
  ];
}
