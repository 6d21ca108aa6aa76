/**
 * Words of the kernel's console: names of object types, letters and columns of rights, which layout
 * goes with which era.
 *
 * @see tool-formats, section 10
 */

import type { Era } from '../era.js';

/** Object type names as the kernel prints them, by `zx_obj_type_t`. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'process', 2: 'thread', 3: 'vmo', 4: 'channel', 5: 'event', 6: 'port', 9: 'interrupt',
  11: 'pci-device', 12: 'log', 14: 'socket', 15: 'resource', 16: 'event-pair', 17: 'job',
  18: 'vmar', 19: 'fifo', 20: 'guest', 21: 'vcpu', 22: 'timer', 23: 'iommu', 24: 'bti',
  25: 'profile', 26: 'pmt', 27: 'suspend-token', 28: 'pager', 29: 'exception',
};

/** The name of an object type; `???` for one that has none. */
export function typeName(type: number): string {
  return TYPE_NAMES[type] ?? '???';
}

/** Whether an era has the layouts of 2020 and later. */
export function isLate(era: Era): boolean {
  return era === '2022' || era === '2025';
}

/** A column of the rights mask: label, width, name of the right; the bit is the column's place. */
export type RightColumn = readonly [label: string, width: number, right: string];

const RIGHT_COLUMNS: readonly RightColumn[] = [
  ['dup', 3, 'DUPLICATE'], ['tr', 2, 'TRANSFER'], ['r', 1, 'READ'], ['w', 1, 'WRITE'],
  ['x', 1, 'EXECUTE'], ['map', 3, 'MAP'], ['gpr', 3, 'GET_PROPERTY'], ['spr', 3, 'SET_PROPERTY'],
  ['enm', 3, 'ENUMERATE'], ['des', 3, 'DESTROY'], ['spo', 3, 'SET_POLICY'],
  ['gpo', 3, 'GET_POLICY'], ['sig', 3, 'SIGNAL'], ['sigp', 4, 'SIGNAL_PEER'], ['wt', 2, 'WAIT'],
  ['ins', 3, 'INSPECT'], ['mj', 2, 'MANAGE_JOB'], ['mp', 2, 'MANAGE_PROCESS'],
  ['mt', 2, 'MANAGE_THREAD'], ['ap', 2, 'APPLY_PROFILE'], ['ms', 2, 'MANAGE_SOCKET'],
];

/** The columns of the rights mask; the last one came in 2020. */
export function rightColumns(era: Era): readonly RightColumn[] {
  return isLate(era) ? RIGHT_COLUMNS : RIGHT_COLUMNS.slice(0, -1);
}

/** The header of the rights mask, in braces. */
export function rightsHeader(era: Era): string {
  return `{${rightColumns(era).map(([label]) => label).join(' ')}}`;
}

/** The rights of a handle as a mask of 0 and 1, in braces. */
export function rightsMask(rights: number, era: Era): string {
  const bits = rightColumns(era).map(([, width], bit) =>
    String((rights >>> bit) & 1).padStart(width));
  return `{${bits.join(' ')}}`;
}

/** `%#x`: with 0x, but for zero. */
export function hexOrZero(value: number | bigint): string {
  const digits = value.toString(16);
  return digits === '0' ? '0' : `0x${digits}`;
}

/** `%p`: with 0x always. */
export function pointer(value: bigint): string {
  return `0x${value.toString(16)}`;
}
