/**
 * `vmaps`: one process's address space: its VMARs and mappings.
 *
 * I1. Rows are pre-order by address, as ZX_INFO_PROCESS_MAPS gives them; kinds other than address
 *     space, VMAR and mapping are skipped.
 * I2. The end of a printed range is exclusive.
 */

import { type AccountTables, type MapTable, MapType } from '../accounting/tables.js';
import { type Era, sizeAlgorithmOf } from './era.js';
import { visibleName } from './escape.js';
import { type Share, shareAt, shareValue } from './share.js';
import { formatSize } from './size.js';
import { type CellValue, type Column, joinLines, right } from './table.js';

/** What only a mapping has. Sizes are bytes. */
export interface VmapsMapping {
  /** READ 1, WRITE 2, EXECUTE 4. */ readonly perms: number;
  /** Koid of the VMO. */ readonly vmoKoid: number;
  /** Offset into the VMO. */ readonly vmoOffsetBytes: bigint;
  /** Committed (or present) bytes of the range. */ readonly committedBytes: number;
  /** Proportional share. */ readonly pss: Share;
  /** Bytes that only this process reaches. */ readonly privateBytes: number;
  /** Bytes that others reach too. */ readonly sharedBytes: number;
  /** Swapped bytes. */ readonly swapBytes: number;
}

/** One row of `vmaps`. */
export interface VmapsRow {
  /** Its kind. */ readonly type: 'aspace' | 'vmar' | 'mapping';
  /** 0 address space, 1 root VMAR, 2 and more below. */ readonly depth: number;
  /** `proc:<koid>`, the VMAR's or the VMO's name: untrusted. */ readonly name: string;
  /** First address. */ readonly base: bigint;
  /** Length in bytes. */ readonly sizeBytes: bigint;
  /** Mappings only. */ readonly mapping?: VmapsMapping;
}

const KINDS = new Map<number, VmapsRow['type']>([
  [MapType.ASPACE, 'aspace'],
  [MapType.VMAR, 'vmar'],
  [MapType.MAPPING, 'mapping'],
]);

function mappingAt(maps: MapTable, row: number): VmapsMapping {
  return {
    perms: maps.perms[row] ?? 0,
    vmoKoid: maps.vmoKoid[row] ?? 0,
    vmoOffsetBytes: maps.vmoOffset[row] ?? 0n,
    committedBytes: maps.committedBytes[row] ?? 0,
    pss: shareAt(maps.pss, row),
    privateBytes: maps.privateBytes[row] ?? 0,
    sharedBytes: maps.sharedBytes[row] ?? 0,
    swapBytes: maps.swapBytes[row] ?? 0,
  };
}

/**
 * The rows of one process.
 *
 * @param tables - one accounting pass
 * @param taskRow - row of the process in `tables.tasks`
 */
export function vmapsRows(tables: AccountTables, taskRow: number): VmapsRow[] {
  const { maps, mapsStart } = tables;
  const rows: VmapsRow[] = [];
  const end = mapsStart[taskRow + 1] ?? 0;
  for (let row = mapsStart[taskRow] ?? 0; row < end; row++) {
    const type = KINDS.get(maps.type[row] ?? 0);
    if (type === undefined) continue;
    rows.push({
      type,
      depth: maps.depth[row] ?? 0,
      name: maps.name[row] ?? '',
      base: maps.base[row] ?? 0n,
      sizeBytes: maps.size[row] ?? 0n,
      mapping: type === 'mapping' ? mappingAt(maps, row) : undefined,
    });
  }
  return rows;
}

/** Permissions as `r-x`. */
export function permsText(perms: number): string {
  return (perms & 1 ? 'r' : '-') + (perms & 2 ? 'w' : '-') + (perms & 4 ? 'x' : '-');
}

const LOW_ADDRESS_MAX = 0xffff_ffffn;

/** An address in 16 places: below 4 GiB the upper half is underscores. */
function addressText(address: bigint): string {
  const hex = address.toString(16);
  return address <= LOW_ADDRESS_MAX ? '_'.repeat(8) + hex.padStart(8, '0') : hex.padStart(16, '0');
}

const LETTERS = { aspace: 'A', vmar: 'R', mapping: 'M' } as const;
/** As wide as what only a mapping prints between its size and its name. */
const NO_MAPPING = ' '.repeat(19);

/** The tree cell. C prints a field of width -1 as one space: the quirk of a tree two deep. */
function treeCell(row: VmapsRow, maxDepth: number): string {
  const letter = LETTERS[row.type];
  if (row.depth < 2) return `/${letter}${' '.repeat(Math.abs(maxDepth - 3))}`;
  return ' '.repeat(row.depth - 2) + letter + ' '.repeat(maxDepth - row.depth);
}

type SizeText = (bytes: bigint | number) => string;

function rowText(row: VmapsRow, maxDepth: number, size: SizeText): string {
  const { mapping } = row;
  const range = `${addressText(row.base)}-${addressText(row.base + row.sizeBytes)}`;
  const perms = mapping ? ` ${permsText(mapping.perms)}` : '';
  const bytes = `${right(size(row.sizeBytes), mapping ? 5 : 9)}:sz`;
  const detail = mapping
    ? ` ${right(size(mapping.committedBytes), 4)}:res ${right(mapping.vmoKoid, 5)}:vmo`
    : NO_MAPPING;
  return `${treeCell(row, maxDepth)} ${range}${perms} ${bytes}${detail} '${visibleName(row.name)}'`;
}

/**
 * The rows as the tool prints them.
 *
 * @see tool-formats, section 4
 */
export function vmapsText(rows: readonly VmapsRow[], era: Era): string {
  const maxDepth = rows.reduce((deepest, row) => Math.max(deepest, row.depth), 2);
  const algorithm = sizeAlgorithmOf(era);
  const size: SizeText = (bytes) => formatSize(bytes, '', algorithm);
  return joinLines(rows.map((row) => rowText(row, maxDepth, size)));
}

/** The columns of `vmaps --json` and `--csv`. */
export function vmapsColumns(tables: AccountTables): Column<VmapsRow>[] {
  const of = (key: string, value: (mapping: VmapsMapping) => CellValue): Column<VmapsRow> => ({
    key,
    value: (row) => row.mapping && value(row.mapping),
  });
  return [
    { key: 'type', value: (row) => row.type },
    { key: 'depth', value: (row) => row.depth },
    { key: 'name', value: (row) => row.name },
    { key: 'base', value: (row) => `0x${row.base.toString(16)}` },
    { key: 'size_bytes', value: (row) => row.sizeBytes },
    of('perms', (mapping) => permsText(mapping.perms)),
    of('vmo_koid', (mapping) => mapping.vmoKoid),
    of('vmo_offset_bytes', (mapping) => mapping.vmoOffsetBytes),
    of('committed_bytes', (mapping) => mapping.committedBytes),
    of('pss_bytes', (mapping) => shareValue(mapping.pss, tables.policy)),
    of('private_bytes', (mapping) => mapping.privateBytes),
    of('shared_bytes', (mapping) => mapping.sharedBytes),
    of('swap_bytes', (mapping) => mapping.swapBytes),
  ];
}
