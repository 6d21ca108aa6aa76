/**
 * `zx vmos`: the VMOs of a process by handle and by mapping, all there are, or the hidden ones.
 *
 * I1. Hidden is what no user's address space maps: held by handles alone, mapped by the kernel, or
 *     the kernel's own without anything.
 * I2. A total counts a VMO once for each handle, as the console does.
 *
 * @see tool-formats, section 10.2
 */

import type { AccountTables } from '../../accounting/tables.js';
import { VmoInfoFlag } from '../../objects/info.js';
import { type Era, sizeAlgorithmOf } from '../era.js';
import { visibleName } from '../escape.js';
import { formatSize } from '../size.js';
import { type Column, joinLines, right } from '../table.js';
import { type VmosRow, rightsText, vmoRowAt, vmosColumns, vmosRows } from '../vmos.js';
import { isLate, pointer } from './labels.js';

/** A row of `zx vmos`. */
export interface ZxVmosRow extends VmosRow {
  /** Where its record stands. */ readonly address: bigint;
  /** Number of the handle in the process's table; 0 for what came another way. */
  readonly handle: number;
}

/** The rows of a process, apart by how it refers to them. */
export interface ProcessVmos {
  /** By handle. */ readonly held: ZxVmosRow[];
  /** By mapping. */ readonly mapped: ZxVmosRow[];
}

/**
 * The rows of `zx vmos PID`.
 *
 * @param tables - one accounting pass
 * @param taskRow - row of the process
 * @param handles - numbers of its handles to VMOs, in table order
 * @param addresses - where the records stand, by row of the VMO table
 */
export function processVmos(
  tables: AccountTables, taskRow: number, handles: readonly number[], addresses: readonly bigint[],
): ProcessVmos {
  const first = tables.vmoRefsStart[taskRow] ?? 0;
  const rows = vmosRows(tables, taskRow).map((row, index): ZxVmosRow => {
    const vmo = tables.vmoRefs.vmo[first + index] ?? 0;
    return { ...row, address: addresses[vmo] ?? 0n, handle: handles[index] ?? 0 };
  });
  const isHeld = (row: VmosRow): boolean => (row.flags & VmoInfoFlag.VIA_HANDLE) !== 0;
  return { held: rows.filter(isHeld), mapped: rows.filter((row) => !isHeld(row)) };
}

/**
 * The rows of `zx vmos all` and `zx vmos hidden`, oldest first.
 *
 * @param tables - one accounting pass
 * @param which - all VMOs, or those that no process maps
 * @param addresses - as above
 */
export function systemVmos(
  tables: AccountTables, which: 'all' | 'hidden', addresses: readonly bigint[],
): ZxVmosRow[] {
  const { vmos, vmoRefs } = tables;
  const mapped = new Uint8Array(vmos.count);
  for (let ref = 0; ref < vmoRefs.count; ref++) {
    if (vmoRefs.viaHandle[ref] === 0) mapped[vmoRefs.vmo[ref] ?? 0] = 1;
  }
  const rows: ZxVmosRow[] = [];
  for (let vmo = 0; vmo < vmos.count; vmo++) {
    if (which === 'hidden' && mapped[vmo] === 1) continue;
    rows.push({ ...vmoRowAt(tables, vmo, 0, 0), address: addresses[vmo] ?? 0n, handle: 0 });
  }
  return rows;
}

const COLUMNS = 'parent #chld #map #shr    size   alloc name';

function header(era: Era, prefix: string): string {
  return `${prefix} koid ${isLate(era) ? 'obj                ' : ''}${COLUMNS}`;
}

/** How sizes print. */
type Size = (bytes: number | bigint) => string;

function sizeOf(era: Era, unit: string): Size {
  const algorithm = sizeAlgorithmOf(era);
  return (bytes) => formatSize(bytes, unit, algorithm);
}

function rowText(row: ZxVmosRow, era: Era, size: Size): string {
  const late = isLate(era);
  const hasParent = row.parentKoid !== 0 && (late || (row.flags & VmoInfoFlag.IS_COW_CLONE) !== 0);
  return [
    right(row.handle === 0 ? '-' : row.handle, 12),
    right(row.handleRights === 0 ? '-' : rightsText(row), 6),
    right(row.koid, 5),
    ...(late ? [pointer(row.address)] : []),
    right(hasParent ? row.parentKoid : '-', 6),
    right(row.numChildren, 5),
    right(row.numMappings, 4),
    right(row.shareCount, 4),
    right(size(row.sizeBytes), 7),
    right(row.flags & VmoInfoFlag.PAGED ? size(row.committedBytes) : 'phys', 7),
    row.name === '' ? '-' : visibleName(row.name),
  ].join(' ');
}

const WITH_HANDLES = '      handle rights ';
const WITHOUT_HANDLES = '           -      - ';

/** The rows of a process as the console prints them; `unit` fixes the sizes, empty chooses. */
export function processVmosText(
  koid: number, { held, mapped }: ProcessVmos, era: Era, unit: string,
): string {
  const size = sizeOf(era, unit);
  const lines = (rows: readonly ZxVmosRow[]): string[] =>
    rows.map((row) => rowText(row, era, size));
  const bytes = held.reduce((sum, row) => sum + row.sizeBytes, 0n);
  const committed = held.reduce((sum, row) => sum + row.committedBytes, 0);
  const plain = header(era, WITHOUT_HANDLES);
  return joinLines([
    `process [${koid}]:`, 'Handles to VMOs:', header(era, WITH_HANDLES), ...lines(held),
    `  total: ${held.length} VMOs, size ${size(bytes)}, alloc ${size(committed)}`,
    'Mapped VMOs:', plain, ...lines(mapped), plain,
  ]);
}

/** The VMOs of a system as the console prints them; `unit` fixes the sizes, empty chooses. */
export function systemVmosText(
  rows: readonly ZxVmosRow[], which: 'all' | 'hidden', era: Era, unit: string,
): string {
  const size = sizeOf(era, unit);
  const title = `${which === 'all' ? 'All' : '"Hidden"'} VMOs, oldest to newest:`;
  const plain = header(era, WITHOUT_HANDLES);
  return joinLines([title, plain, ...rows.map((row) => rowText(row, era, size)), plain]);
}

/** The columns of `zx vmos` for programs. */
export function zxVmosColumns(): Column<ZxVmosRow>[] {
  return [
    { key: 'handle', value: (row) => (row.handle === 0 ? undefined : row.handle) },
    { key: 'object', value: (row) => pointer(row.address) },
    ...vmosColumns(),
  ];
}
