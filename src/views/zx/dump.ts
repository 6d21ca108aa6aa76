/**
 * `zx asd` and `vmm aspaces`: the records of an address space, in the lines of each era.
 *
 * Two spaces for each level; the ends of ranges are inclusive.
 *
 * @see tool-formats, section 11
 */

import type {
  DumpAspace, DumpMapping, DumpRange, DumpRow, DumpVmar, DumpVmo,
} from '../../accounting/console-types.js';
import type { Era } from '../era.js';
import { visibleName } from '../escape.js';
import { type CellValue, type Column, joinLines } from '../table.js';
import { hexOrZero as hex, isLate, pointer } from './labels.js';

const PAGE_BYTES = 4096;
/** A VMAR and a mapping that live (`LifeCycleState::ALIVE`). */
const ALIVE = 1;

function pages(bytes: number): number {
  return Math.floor(bytes / PAGE_BYTES);
}

function rangeText({ base, sizeBytes }: DumpRange): string {
  return `[${hex(base)} ${hex(base + sizeBytes - 1n)}]`;
}

function quoted(name: string): string {
  return `'${visibleName(name)}'`;
}

/** A line and how much deeper it stands than its record. */
type Line = readonly [deeper: number, text: string];

function aspaceLine(row: DumpAspace, era: Era): Line {
  const head = `as ${pointer(row.address)} ${rangeText(row)} sz ${hex(row.sizeBytes)}`;
  const refs = `ref ${row.refs} ${quoted(row.name)}`;
  if (!isLate(era)) return [0, `${head} fl ${hex(row.type)} ${refs}`];
  return [0, `${head} typ ${row.type} ${refs} destroyed 0`];
}

function vmarLine(row: DumpVmar, era: Era): Line {
  const head = `vmar ${pointer(row.address)} ${rangeText(row)} sz ${hex(row.sizeBytes)}`;
  const state = isLate(era) ? ` state ${ALIVE}` : '';
  const regions = era === '2025' ? ` subregions ${row.numRegions}` : '';
  return [0, `${head} ref ${row.refs}${state} ${quoted(row.name)}${regions}`];
}

function mappingLines(row: DumpMapping, era: Era): Line[] {
  const map = `map ${pointer(row.address)} ${rangeText(row)} sz ${hex(row.sizeBytes)}`;
  const vmo = `vmo ${pointer(row.vmoAddress)}/k${row.vmoKoid} off ${hex(row.offsetBytes)}`;
  const name = `ref ${row.refs} ${quoted(row.name)}`;
  if (era === '2025') {
    return [
      [0, `${map} state ${ALIVE} mergeable ${row.mergeable}`],
      ...row.parts.map((part): Line => [1, ` ${rangeText(part)} mmufl ${hex(part.mmuFlags)}`]),
      [1, `${vmo} bytes (${row.committedBytes}/${row.compressedBytes}) ${name}`],
    ];
  }
  const flags = `mmufl ${hex(row.parts[0]?.mmuFlags ?? 0)}`;
  const what = `${vmo} pages ${pages(row.committedBytes)} ${name}`;
  if (era === 'page' || era === '2017') return [[0, `${map} ${flags} ${what}`]];
  return [[0, `${map} ${flags}`], [1, what]];
}

/** The line of a VMO's page list, which later kernels print under the VMO. */
function pageListLine(row: DumpVmo, era: Era): Line {
  const parent = `ref ${1 + Number(row.pagesParentAddress !== 0n)} `
    + `parent ${pointer(row.pagesParentAddress)}`;
  const count = pages(row.committedBytes);
  const size = `size ${hex(row.sizeBytes)} offset ${hex(row.offsetBytes)}`;
  const list = `cow_pages ${pointer(row.pagesAddress)}`;
  if (era === '2022') {
    const limits = `start limit ${hex(0)} limit ${hex(row.limitBytes)}`;
    return [0, `${list} ${size} ${limits} pages ${count} ${parent}`];
  }
  const limit = `limit ${hex(row.limitBytes)}`;
  const content = `content pages ${count} compressed pages ${pages(row.compressedBytes)}`;
  return [0, `${list} ${row.isSlice ? '(slice) ' : ''}${size} ${limit} ${content} ${parent}`];
}

function vmoLines(row: DumpVmo, era: Era): Line[] {
  const head = `vmo ${pointer(row.address)}/k${row.koid}`;
  const count = `pages ${pages(row.committedBytes)} ref ${row.refs}`;
  const size = `size ${hex(row.sizeBytes)}`;
  if (era === 'page' || era === '2017') {
    return [[0, `${head} ${size} ${count} parent k${row.parentKoid}`]];
  }
  const parent = `parent ${pointer(row.parentAddress)}/k${row.parentKoid}`;
  if (era === '2019') {
    const window = `offset ${hex(row.offsetBytes)} limit ${hex(row.limitBytes)}`;
    return [[0, `${head} ${size} ${window} ${count} ${parent}`]];
  }
  const lines: Line[] = [[0, `${head} ref ${row.refs} ${parent}`]];
  if (row.name !== '') lines.push([1, `name ${visibleName(row.name)}`]);
  lines.push(pageListLine(row, era));
  if (era === '2025' && row.isPagerBacked) lines.push([1, 'page_source preserves content 1']);
  return lines;
}

function linesOf(row: DumpRow, era: Era): Line[] {
  switch (row.kind) {
    case 'aspace': return [aspaceLine(row, era)];
    case 'vmar': return [vmarLine(row, era)];
    case 'mapping': return mappingLines(row, era);
    case 'vmo': return vmoLines(row, era);
    case 'physical': {
      const { address, physicalAddress, sizeBytes, refs } = row;
      const where = `base ${hex(physicalAddress)} size ${hex(sizeBytes)}`;
      return [[0, `object ${pointer(address)} ${where} ref ${refs}`]];
    }
  }
}

/** The records as the console prints them, in pieces: those of all address spaces are many. */
export function* dumpPieces(
  rows: readonly DumpRow[], era: Era,
): Generator<string, void, void> {
  for (const row of rows) {
    yield joinLines(linesOf(row, era).map(([deeper, text]) =>
      '  '.repeat(row.depth + deeper) + text));
  }
}

/** The same as one text. */
export function dumpText(rows: readonly DumpRow[], era: Era): string {
  return [...dumpPieces(rows, era)].join('');
}

/** The columns of a dump for programs: a cell is empty where a record has no such figure. */
export function dumpColumns(): Column<DumpRow>[] {
  const column = (key: string, value: (row: DumpRow) => CellValue): Column<DumpRow> =>
    ({ key, value });
  return [
    column('kind', (row) => row.kind),
    column('depth', (row) => row.depth),
    column('object', (row) => pointer(row.address)),
    column('name', (row) => row.name),
    column('refs', (row) => row.refs),
    column('base', (row) => ('base' in row ? pointer(row.base) : undefined)),
    column('size_bytes', (row) => row.sizeBytes),
    column('mmu_flags', (row) => (row.kind === 'mapping' ? row.parts[0]?.mmuFlags : undefined)),
    column('koid', (row) => ('koid' in row ? row.koid : undefined)),
    column('vmo_koid', (row) => (row.kind === 'mapping' ? row.vmoKoid : undefined)),
    column('vmo_object', (row) => (row.kind === 'mapping' ? pointer(row.vmoAddress) : undefined)),
    column('vmo_offset_bytes', (row) => (row.kind === 'mapping' ? row.offsetBytes : undefined)),
    column('committed_bytes', (row) =>
      ('committedBytes' in row ? row.committedBytes : undefined)),
    column('compressed_bytes', (row) =>
      ('compressedBytes' in row ? row.compressedBytes : undefined)),
    column('parent_koid', (row) => (row.kind === 'vmo' ? row.parentKoid : undefined)),
    column('physical_address', (row) =>
      (row.kind === 'physical' ? pointer(row.physicalAddress) : undefined)),
  ];
}
