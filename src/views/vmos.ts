/**
 * `vmos`: the VMOs a process refers to, by handle and by mapping.
 *
 * I1. Every handle in table order, then every mapping by address; nothing is de-duplicated, so a
 *     VMO with two handles and a mapping has three rows.
 * I2. A parent prints only for copy-on-write clones; slices and references show `-`.
 */

import type { AccountTables } from '../accounting/tables.js';
import { VmoInfoFlag } from '../objects/info.js';
import { Right } from '../objects/rights.js';
import { type Era, sizeAlgorithmOf } from './era.js';
import { visibleName } from './escape.js';
import { addShares, type Share, shareAt } from './share.js';
import { formatSize } from './size.js';
import { type Column, joinLines, right } from './table.js';

/** Rights in the order of their letters. */
const RIGHT_LETTERS = [
  ['r', Right.READ], ['w', Right.WRITE], ['x', Right.EXECUTE], ['m', Right.MAP],
  ['d', Right.DUPLICATE], ['t', Right.TRANSFER],
] as const;

const NOTHING: Share = { bytes: 0n, fraction: 0n };

/** What is populated: committed and compressed. */
function populatedScaled(row: VmosRow): Share {
  return addShares(row.committedScaled, row.compressedScaled);
}

/** One row of `vmos`: the fields of ZX_INFO_VMO for one handle or mapping. Sizes are bytes. */
export interface VmosRow {
  /** Koid, 0 if it never had a user handle. */ readonly koid: number;
  /** Name, may be empty: untrusted. */ readonly name: string;
  /** Size. */ readonly sizeBytes: bigint;
  /** Koid of the parent, 0 for none. */ readonly parentKoid: number;
  /** Direct children made by users. */ readonly numChildren: number;
  /** Mappings of it in all address spaces. */ readonly numMappings: number;
  /** Zircon's share count. */ readonly shareCount: number;
  /** ZX_INFO_VMO_* bits, VIA_HANDLE or VIA_MAPPING among them. */ readonly flags: number;
  /** Committed bytes charged to it. */ readonly committedBytes: number;
  /** Rights of the handle; 0 via mapping. */ readonly handleRights: number;
  /** Cache policy 0..3. */ readonly cachePolicy: number;
  /** Heap bytes of its records. */ readonly metadataBytes: number;
  /** How often the kernel took pages that it sees; undefined where nobody knows. */
  readonly committedChangeEvents?: number;
  /** Bytes that no other VMO sees. */ readonly committedPrivateBytes: number;
  /** Its share of the pages it sees. */ readonly committedScaled: Share;
  /** Compressed bytes charged to it, by the size before. */ readonly compressedBytes: number;
  /** Of those, bytes that no other VMO sees. */ readonly compressedPrivateBytes: number;
  /** Its share of the compressed pages it sees. */ readonly compressedScaled: Share;
}

/**
 * One row of the VMO table.
 *
 * @param tables - one accounting pass
 * @param vmo - the row
 * @param via - VIA_HANDLE, VIA_MAPPING or 0
 * @param handleRights - rights of the handle, 0 for none
 */
export function vmoRowAt(
  { vmos }: AccountTables, vmo: number, via: number, handleRights: number,
): VmosRow {
  return {
    koid: vmos.koid[vmo] ?? 0,
    name: vmos.name[vmo] ?? '',
    sizeBytes: vmos.sizeBytes[vmo] ?? 0n,
    parentKoid: vmos.parentKoid[vmo] ?? 0,
    numChildren: vmos.numChildren[vmo] ?? 0,
    numMappings: vmos.numMappings[vmo] ?? 0,
    shareCount: vmos.shareCount[vmo] ?? 0,
    flags: ((vmos.flags[vmo] ?? 0) | via) >>> 0,
    committedBytes: vmos.committedBytes[vmo] ?? 0,
    handleRights,
    cachePolicy: vmos.cachePolicy[vmo] ?? 0,
    metadataBytes: vmos.metadataBytes[vmo] ?? 0,
    committedChangeEvents: vmos.changeEvents?.[vmo],
    committedPrivateBytes: vmos.privateBytes[vmo] ?? 0,
    committedScaled: shareAt(vmos.scaled, vmo),
    compressedBytes: vmos.compressed?.bytes[vmo] ?? 0,
    compressedPrivateBytes: vmos.compressed?.privateBytes[vmo] ?? 0,
    compressedScaled: vmos.compressed === undefined
      ? NOTHING : shareAt(vmos.compressed.scaled, vmo),
  };
}

/**
 * The rows of one process.
 *
 * @param tables - one accounting pass
 * @param taskRow - row of the process in `tables.tasks`
 */
export function vmosRows(tables: AccountTables, taskRow: number): VmosRow[] {
  const { vmoRefs, vmoRefsStart } = tables;
  const rows: VmosRow[] = [];
  const end = vmoRefsStart[taskRow + 1] ?? 0;
  for (let ref = vmoRefsStart[taskRow] ?? 0; ref < end; ref++) {
    const via = vmoRefs.viaHandle[ref] ? VmoInfoFlag.VIA_HANDLE : VmoInfoFlag.VIA_MAPPING;
    rows.push(vmoRowAt(tables, vmoRefs.vmo[ref] ?? 0, via, vmoRefs.rights[ref] ?? 0));
  }
  return rows;
}

/** Rights as `r-xmdt`; a single `-` for what came by a mapping. */
export function rightsText(row: VmosRow): string {
  if (!(row.flags & VmoInfoFlag.VIA_HANDLE)) return '-';
  return RIGHT_LETTERS.map(([letter, bit]) => (row.handleRights & bit ? letter : '-')).join('');
}

const HEADER = 'rights  koid parent #chld #map #shr    size   alloc name';

/**
 * The rows as the tool prints them, between two header lines.
 *
 * @see tool-formats, section 5
 */
export function vmosText(rows: readonly VmosRow[], era: Era): string {
  const algorithm = sizeAlgorithmOf(era);
  const size = (bytes: number | bigint): string => formatSize(bytes, '', algorithm);
  const lines = rows.map((row) => [
    right(rightsText(row), 6),
    right(row.koid, 5),
    right(row.flags & VmoInfoFlag.IS_COW_CLONE ? row.parentKoid : '-', 6),
    right(row.numChildren, 5),
    right(row.numMappings, 4),
    right(row.shareCount, 4),
    right(size(row.sizeBytes), 7),
    right(row.flags & VmoInfoFlag.PAGED ? size(row.committedBytes) : 'phys', 7),
    row.name === '' ? '-' : visibleName(row.name),
  ].join(' '));
  return joinLines([HEADER, ...lines, HEADER]);
}

/** The columns of `vmos --json` and `--csv`: keys of ZX_INFO_VMO in the order of its fields. */
export function vmosColumns(): Column<VmosRow>[] {
  return [
    { key: 'koid', value: (row) => row.koid },
    { key: 'name', value: (row) => row.name },
    { key: 'size_bytes', value: (row) => row.sizeBytes },
    { key: 'parent_koid', value: (row) => row.parentKoid },
    { key: 'num_children', value: (row) => row.numChildren },
    { key: 'num_mappings', value: (row) => row.numMappings },
    { key: 'share_count', value: (row) => row.shareCount },
    { key: 'flags', value: (row) => row.flags },
    { key: 'committed_bytes', value: (row) => row.committedBytes },
    { key: 'handle_rights', value: (row) => row.handleRights },
    { key: 'cache_policy', value: (row) => row.cachePolicy },
    { key: 'metadata_bytes', value: (row) => row.metadataBytes },
    { key: 'committed_change_events', value: (row) => row.committedChangeEvents },
    { key: 'populated_bytes', value: (row) => row.committedBytes + row.compressedBytes },
    { key: 'committed_private_bytes', value: (row) => row.committedPrivateBytes },
    {
      key: 'populated_private_bytes',
      value: (row) => row.committedPrivateBytes + row.compressedPrivateBytes,
    },
    { key: 'committed_scaled_bytes', value: (row) => row.committedScaled.bytes },
    { key: 'populated_scaled_bytes', value: (row) => populatedScaled(row).bytes },
    {
      key: 'committed_fractional_scaled_bytes',
      value: (row) => row.committedScaled.fraction,
    },
    {
      key: 'populated_fractional_scaled_bytes',
      value: (row) => populatedScaled(row).fraction,
    },
  ];
}
