/**
 * `aspace` and `handle`: the debugger's views of one process.
 *
 * The layouts are those that the debugger's own guides show: an address space as a table whose
 * names are indented by depth, with totals below it; handles as a table, one handle as fields.
 */

import type { ConsoleHandle } from '../../accounting/console-types.js';
import { VmoInfoFlag } from '../../objects/info.js';
import { ObjectType } from '../../objects/object.js';
import { visibleName } from '../escape.js';
import { type Column, joinLines, right } from '../table.js';
import { type VmapsRow, permsText } from '../vmaps.js';
import type { VmosRow } from '../vmos.js';
import { pointer } from './labels.js';

const PAGE_BYTES = 4096;
const UNITS = ['B', 'K', 'M', 'G', 'T'] as const;

/** A size in the largest unit that leaves a whole number, cut off below it. */
function regionSize(bytes: bigint): string {
  let unit = 0;
  let whole = bytes;
  for (; whole >= 1024n && unit < UNITS.length - 1; unit++) whole /= 1024n;
  return `${whole}${UNITS[unit]}`;
}

/** Whether a row of an address space has an address in it. */
export function holdsAddress(row: VmapsRow, address: bigint): boolean {
  return address >= row.base && address < row.base + row.sizeBytes;
}

function aspaceLine(row: VmapsRow): string {
  const { mapping } = row;
  const shown = mapping === undefined ? ['', '', ''] : [
    String(mapping.vmoKoid), pointer(mapping.vmoOffsetBytes),
    String(Math.floor(mapping.committedBytes / PAGE_BYTES)),
  ];
  const [koid = '', offset = '', committed = ''] = shown;
  const perms = mapping === undefined ? '---' : permsText(mapping.perms);
  return [
    right(pointer(row.base), 16), right(pointer(row.base + row.sizeBytes), 16),
    ` ${perms} `, right(regionSize(row.sizeBytes), 6), right(koid, 9), right(offset, 12),
    right(committed, 8), ` ${'  '.repeat(row.depth)}${visibleName(row.name)}`,
  ].join(' ');
}

const ASPACE_HEADER =
  '           Start              End  Prot   Size      Koid       Offset  Cmt.Pgs  Name';

/**
 * An address space as the debugger prints it.
 *
 * @param rows - the rows of `vmaps`
 * @param address - the regions that hold it are marked with `-->`, and the totals left out
 */
export function aspaceText(rows: readonly VmapsRow[], address?: bigint): string {
  const mark = (row: VmapsRow): string => {
    if (address === undefined) return '';
    return holdsAddress(row, address) ? '--> ' : '    ';
  };
  const lines = rows.map((row) => mark(row) + aspaceLine(row));
  const totals = address === undefined ? totalLines(rows) : [];
  const header = (address === undefined ? '' : '    ') + ASPACE_HEADER;
  return joinLines([
    header, ...lines, '', `              Page size: ${PAGE_BYTES}`, ...totals,
  ]);
}

function totalLines(rows: readonly VmapsRow[]): string[] {
  let mapped = 0n;
  let committed = 0;
  for (const { mapping, sizeBytes } of rows) {
    if (mapping === undefined) continue;
    mapped += sizeBytes;
    committed += mapping.committedBytes;
  }
  const pages = Math.floor(committed / PAGE_BYTES);
  return [
    `     Total mapped bytes: ${mapped}`,
    `  Total committed pages: ${pages} = ${committed} bytes`,
  ];
}

/** Names of object types as programs know them. */
const OBJECT_TYPES = new Map<number, string>(
  Object.entries(ObjectType).map(([name, type]) => [type, name]));

function objectType(type: number): string {
  return `ZX_OBJ_TYPE_${OBJECT_TYPES.get(type) ?? type}`;
}

/** A handle of a process, or a VMO that it maps and has no handle to (`value` 0). */
export interface DebuggerHandle {
  /** Number in the process's table; 0 for a VMO that is only mapped. */ readonly value: number;
  /** Type of the object. */ readonly type: number;
  /** Koid of the object. */ readonly koid: number;
  /** Koid of the related object, 0 for none. */ readonly relatedKoid: number;
  /** Name of the object. */ readonly name: string;
  /** Rights of the handle. */ readonly rights: number;
  /** Of a VMO: what ZX_INFO_VMO says. */ readonly vmo?: VmosRow;
}

/**
 * The handles of a process, VMOs that it only maps first, by koid and then by number.
 *
 * @param handles - the handles in its table
 * @param vmos - the rows of `vmos`
 */
export function debuggerHandles(
  handles: readonly ConsoleHandle[], vmos: readonly VmosRow[],
): DebuggerHandle[] {
  // handles come first in `vmos`: what is held is described as held
  const byKoid = new Map([...vmos].reverse().map((vmo) => [vmo.koid, vmo]));
  const held = new Set(handles.map(({ koid }) => koid));
  const mapped = [...byKoid.values()].filter(({ koid }) => !held.has(koid))
    .sort((a, b) => a.koid - b.koid)
    .map((vmo): DebuggerHandle => ({
      value: 0, type: ObjectType.VMO, koid: vmo.koid, relatedKoid: vmo.parentKoid, name: vmo.name,
      rights: 0, vmo,
    }));
  const open = handles.map((handle): DebuggerHandle => {
    const { value, type, koid, relatedKoid, name, rights } = handle;
    const vmo = type === ObjectType.VMO ? byKoid.get(koid) : undefined;
    return { value, type, koid, relatedKoid, name, rights, ...(vmo === undefined ? {} : { vmo }) };
  });
  return [...mapped, ...open.sort((a, b) => a.value - b.value)];
}

function handleNumber({ value }: DebuggerHandle): string {
  return value === 0 ? '<none>' : String(value);
}

/** A table whose columns are as wide as what is in them: numbers right, words left. */
export function handlesText(rows: readonly DebuggerHandle[]): string {
  const cells = rows.map((row) => [handleNumber(row), objectType(row.type), String(row.koid)]);
  const [handle, type, koid] = ['Handle', 'Type', 'Koid'].map((title, column) =>
    cells.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), title.length)) as
    [number, number, number];
  const line = ([first = '', second = '', third = '']: readonly string[]): string =>
    `  ${first.padStart(handle)}  ${second.padEnd(type)}  ${third.padStart(koid)}`;
  return joinLines([['Handle', 'Type', 'Koid'], ...cells].map(line));
}

/** Names of the flags of ZX_INFO_VMO, lowest bit first. */
function flagNames(flags: number): string[] {
  const type = `ZX_INFO_VMO_TYPE_${flags & VmoInfoFlag.PAGED ? 'PAGED' : 'PHYSICAL'}`;
  const set = Object.entries(VmoInfoFlag)
    .filter(([name, bit]) => name !== 'PAGED' && (flags & bit) !== 0)
    .map(([name]) => `ZX_INFO_VMO_${name}`);
  return [type, ...set];
}

const CACHE_POLICIES = ['CACHED', 'UNCACHED', 'UNCACHED_DEVICE', 'WRITE_COMBINING'] as const;

/** The fields of one handle, as title and lines. */
function fieldsOf(
  row: DebuggerHandle, rightNames: readonly string[],
): [title: string, lines: readonly string[]][] {
  const fields: [string, readonly string[]][] = [
    ['Handle', [handleNumber(row)]], ['Type', [objectType(row.type)]],
    ['Koid', [String(row.koid)]],
  ];
  const names = rightNames.length === 0 ? ['NONE'] : rightNames;
  fields.push(['Rights', names.map((name) => `ZX_RIGHT_${name}`)]);
  const { vmo } = row;
  if (vmo === undefined) {
    if (row.relatedKoid !== 0) fields.push(['Related koid', [String(row.relatedKoid)]]);
    return fields;
  }
  return [...fields,
    ['Name', [visibleName(row.name)]],
    ['VMO size in bytes', [String(vmo.sizeBytes)]],
    ['Parent koid', [String(vmo.parentKoid)]],
    ['# children', [String(vmo.numChildren)]],
    ['# mappings', [String(vmo.numMappings)]],
    ['Share count', [String(vmo.shareCount)]],
    ['Flags', flagNames(vmo.flags)],
    ['Committed bytes', [String(vmo.committedBytes)]],
    ['Cache policy', [`ZX_CACHE_POLICY_${CACHE_POLICIES[vmo.cachePolicy] ?? vmo.cachePolicy}`]],
    ['Metadata bytes', [String(vmo.metadataBytes)]],
  ];
}

/** One handle as the debugger prints it; `rightNames` are those it has, lowest bit first. */
export function handleText(row: DebuggerHandle, rightNames: readonly string[]): string {
  const fields = fieldsOf(row, rightNames);
  const width = fields.reduce((widest, [title]) => Math.max(widest, title.length), 0);
  return joinLines(fields.flatMap(([title, lines]) => lines.map((line, index) =>
    `  ${(index === 0 ? title : '').padStart(width)}  ${line}`)));
}

/** The columns of handles for programs. */
export function debuggerColumns(): Column<DebuggerHandle>[] {
  return [
    { key: 'handle', value: (row) => (row.value === 0 ? undefined : row.value) },
    { key: 'type', value: (row) => objectType(row.type) },
    { key: 'koid', value: (row) => row.koid },
    { key: 'related_koid', value: (row) => row.relatedKoid },
    { key: 'name', value: (row) => row.name },
    { key: 'rights', value: (row) => (row.value === 0 ? undefined : row.rights) },
    { key: 'size_bytes', value: (row) => row.vmo?.sizeBytes },
    { key: 'committed_bytes', value: (row) => row.vmo?.committedBytes },
  ];
}
