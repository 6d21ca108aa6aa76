/**
 * `page`: whose is one page, as a few small tables for a person and as rows for programs.
 *
 * I1. Text, JSON and CSV show the same rows. Text shows the first of long tables only, and says how
 *     many it leaves out.
 * I2. Shares print exactly: whole bytes and a fraction in text, numerator and denominator for
 *     programs.
 */

import { addFractions, type Fraction, NO_BYTES } from '../accounting/fraction.js';
import type { PageReport, PageShare, PageVmo } from '../accounting/page-types.js';
import type { Policy, Reach } from '../accounting/tables.js';
import { visibleName } from './escape.js';
import { type Column, joinLines } from './table.js';

/** Rows of a table that text shows. */
const SHOWN = 20;

/** Which shares to show; all where left out. */
export interface PageSelection {
  /** One rule. */ readonly policy?: Policy | undefined;
  /** One kind of reach. */ readonly reach?: Reach | undefined;
}

/** One row for programs: of every kind of row, the fields that it has. */
export type PageRow = Readonly<Record<string, string | number | bigint | undefined>>
  & {
    /** `page`, `vmo`, `mapping`, `handle`, `share`, `table`, `swap` or `note`. */
    readonly type: string;
  };

/** The shares that are asked for. */
function selected(report: PageReport, { policy, reach }: PageSelection): PageShare[] {
  return report.shares.filter((share) => (policy === undefined || share.policy === policy)
    && (reach === undefined || share.reach === reach));
}

/** What a recorded page is, in a word; empty where nothing is known. */
function kindOf({ kinds, state }: PageReport): string {
  if (kinds.hugetlb === true) return 'hugetlb';
  if (kinds.anonymous === true) return 'anonymous';
  if (kinds.sharedMemory === true) return 'shared memory';
  return kinds.hugetlb === undefined || state !== 'object' ? '' : 'file';
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function permsText(perms: number): string {
  return ['r', 'w', 'x'].map((letter, bit) => (perms >> bit & 1 ? letter : '-')).join('');
}

/** The rows for programs: the page, who has it, who reaches it, who pays. */
export function pageRows(report: PageReport, selection: PageSelection = {}): PageRow[] {
  const { target, access, table, swap } = report;
  const kind = kindOf(report);
  return [
    {
      type: 'page', state: report.state, pfn: report.pfn, kind: kind === '' ? undefined : kind,
      koid: target.koid === 0 ? undefined : target.koid,
      name: target.koid === 0 ? undefined : target.name,
      address: target.kind === 'process' ? hex(target.offset) : undefined,
      offset_bytes: target.kind === 'vmo' ? target.offset : undefined,
      references: report.references, pins: report.pins, entries: report.entries,
      outside_entries: report.outsideEntries, read: access?.read, write: access?.write,
      new_pages: access?.newPages, new_tables: access?.newTables,
    },
    ...report.vmos.map((vmo) => ({
      type: 'vmo', koid: vmo.koid, name: vmo.name, parent_koid: vmo.parentKoid,
      offset_bytes: vmo.offset, role: vmo.role, own: vmo.isOwn ? 1 : 0,
      num_mappings: vmo.numMappings, num_handles: vmo.numHandles,
    })),
    ...report.mappings.map((mapping) => ({
      type: 'mapping', koid: mapping.processKoid, name: mapping.processName,
      address: hex(mapping.address), vmo_koid: mapping.vmoKoid, offset_bytes: mapping.vmoOffset,
      perms: permsText(mapping.perms), present: mapping.isPresent ? 1 : 0,
    })),
    ...report.handles.map((handle) => ({
      type: 'handle', koid: handle.processKoid, name: handle.processName,
      vmo_koid: handle.vmoKoid, handle_rights: handle.rights,
    })),
    ...selected(report, selection).map(shareRow),
    ...(table === undefined ? [] : [{
      type: 'table', koid: table.processKoid, name: table.processName,
      address: hex(table.address), level: table.level,
    }]),
    ...(swap?.holders ?? []).map((holder) => ({
      type: 'swap', koid: holder.processKoid, name: holder.processName,
      address: hex(holder.address), swap_area: swap?.area, swap_slot: swap?.slot,
      ...(swap === undefined ? {} : bytesOf(swap.share)),
    })),
    ...report.notes.map((text) => ({ type: 'note', text })),
  ];
}

function shareRow({ policy, reach, payer, koid, name, share, byHandle }: PageShare): PageRow {
  const by_handle = byHandle ? 1 : 0;
  return { type: 'share', koid, name, policy, reach, payer, by_handle, ...bytesOf(share) };
}

/** A fraction for programs: the nearest double, and exactly. */
function bytesOf({ numerator, denominator }: Fraction): Record<string, number | bigint> {
  return {
    share_bytes: Number(numerator) / Number(denominator),
    share_numerator: numerator, share_denominator: denominator,
  };
}

const KEYS = [
  'type', 'state', 'pfn', 'kind', 'koid', 'name', 'parent_koid', 'address', 'vmo_koid',
  'offset_bytes', 'role', 'own', 'perms', 'present', 'num_mappings', 'num_handles',
  'handle_rights', 'policy', 'reach', 'payer', 'by_handle', 'share_bytes', 'share_numerator',
  'share_denominator', 'references', 'pins', 'entries', 'outside_entries', 'read', 'write',
  'new_pages', 'new_tables', 'level', 'swap_area', 'swap_slot', 'text',
];

/** The columns of `page --json` and `--csv`. */
export function pageColumns(): Column<PageRow>[] {
  return KEYS.map((key) => ({ key, value: (row) => row[key] }));
}

/** A share as text: whole bytes, and what is left as a fraction; `-` for none. */
export function fractionText({ numerator, denominator }: Fraction): string {
  if (numerator === 0n) return '-';
  const whole = numerator / denominator;
  const rest = numerator % denominator;
  if (rest === 0n) return `${whole}`;
  return `${whole === 0n ? '' : `${whole} `}${rest}/${denominator}`;
}

/** The report as text. */
export function pageText(report: PageReport, selection: PageSelection = {}): string {
  const blocks = [
    headLines(report), vmoLines(report), mappingLines(report), handleLines(report),
    swapLines(report), shareLines(selected(report, selection)), report.notes.map(visibleName),
  ];
  return blocks.filter((block) => block.length > 0).map(joinLines).join('\n');
}

const STATES: Readonly<Record<PageReport['state'], string>> = {
  object: 'a page of VMOs', zero: 'the zero page', mmu: 'a page table',
  loaned: 'lent out by a contiguous VMO', free: 'free', unnamed: 'free, or the kernel\'s',
  compressed: 'compressed', swapped: 'swapped out', absent: 'no page yet', device: 'device memory',
};

function headLines(report: PageReport): string[] {
  const { target, pfn, access, table, swap } = report;
  const kind = kindOf(report);
  const facts = [STATES[report.state], ...(kind === '' ? [] : [kind])];
  if (report.references > 1) facts.push(`${report.references} references`);
  if (report.pins > 0) facts.push(`${report.pins} pins`);
  if (report.entries > 0) facts.push(many(report.entries, 'entry', 'entries'));
  if (report.outsideEntries !== 0) facts.push(`${report.outsideEntries} outside`);
  if (swap !== undefined) facts.push(`area ${swap.area}, slot ${swap.slot}`);
  const where = target.kind === 'pfn' ? [] : [
    `at ${hex(target.offset)} of ${target.kind === 'vmo' ? 'vmo' : 'p'}:${target.koid} `
    + visibleName(target.name),
  ];
  const number = pfn === undefined ? [] : [`page ${pfn}`];
  const lines = [`${[...number, ...where].join(' ')}: ${facts.join(', ')}`];
  if (access !== undefined) {
    const { read, write, newPages, newTables } = access;
    const takes = [
      ...(newPages > 0 ? [many(newPages, 'page', 'pages')] : []),
      ...(newTables > 0 ? [many(newTables, 'page table', 'page tables')] : []),
    ].join(' and ');
    const what = WRITES[write] ?? `faults: ${write}`;
    lines.push(`a read ${READS[read] ?? `faults: ${read}`}; a write ${what}`
      + (takes === '' ? '' : `, and takes ${takes}`));
  }
  if (table !== undefined) {
    const { level, processKoid, processName, address } = table;
    lines.push(`level ${level} of p:${processKoid} ${visibleName(processName)}, `
      + `from ${hex(address)} on`);
  }
  return lines;
}

const READS: Readonly<Record<string, string>> = {
  page: 'shows this page', zeros: 'shows zeros', swapped: 'shows what was swapped out',
  lent: 'takes the page back', device: 'shows what the device says',
  pager: 'asks the pager',
};
const WRITES: Readonly<Record<string, string>> = {
  'in place': 'changes it in place', copy: 'goes to a copy', new: 'makes a new page',
  pager: 'asks the pager first',
};

function many(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

/**
 * Lines of a table: a header, then rows; the last column is a name. `left`: columns that stand to
 * the left.
 */
function align(
  header: readonly string[], rows: readonly (readonly string[])[], left: readonly number[],
): string[] {
  if (rows.length === 0) return [];
  const all = [header, ...rows];
  const widths = header.map((_, at) =>
    all.reduce((widest, row) => Math.max(widest, (row[at] ?? '').length), 0));
  const last = header.length - 1;
  return all.map((row) => row.map((cell, at) => {
    if (at === last) return cell;
    return left.includes(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  }).join('  ').trimEnd());
}

/** The same, of the first rows only. */
function lines(
  header: readonly string[], rows: readonly (readonly string[])[], left: readonly number[],
): string[] {
  const text = align(header, rows.slice(0, SHOWN), left);
  const more = rows.length - SHOWN;
  return more > 0 ? [...text, `... and ${more} more: --json has all`] : text;
}

/** The VMOs as a tree: each below its parent, where that has the page too; see `inTreeOrder`. */
function vmoLines({ vmos }: PageReport): string[] {
  const rows = inTreeOrder(vmos).map(([vmo, depth]) => [
    `${'  '.repeat(Math.min(depth, SHOWN))}${vmo.koid}`,
    vmo.parentKoid === 0 ? '-' : `${vmo.parentKoid}`, hex(vmo.offset),
    vmo.role === 'slice' || vmo.role === 'reference' ? vmo.role : vmo.isOwn ? 'own' : 'parent\'s',
    vmo.numMappings > 0 ? `${vmo.numMappings}` : '-', `${vmo.numHandles}`,
    vmo.name === '' ? '-' : visibleName(vmo.name),
  ]);
  return lines(['VMO', 'PARENT', 'OFFSET', 'PAGE', '#MAP', '#HDL', 'NAME'], rows, [0, 3]);
}

function push<Value>(lists: Map<number, Value[]>, key: number, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** A parent, then its children, each followed by its own; with generations below the first. */
function inTreeOrder(vmos: readonly PageVmo[]): [vmo: PageVmo, depth: number][] {
  const places = new Map<number, PageVmo[]>();
  for (const vmo of vmos) push(places, vmo.koid, vmo);
  const below = new Map<number, PageVmo[][]>();
  const waiting: [places: PageVmo[], depth: number][] = [];
  for (const [koid, list] of places) {
    const above = list[0]?.parentKoid ?? 0;
    if (koid === 0 || above === 0 || !places.has(above)) waiting.push([list, 0]);
    else push(below, above, list);
  }
  const order: [PageVmo, number][] = [];
  waiting.reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [list, depth] = next;
    for (const vmo of list) order.push([vmo, depth]);
    const children = below.get(list[0]?.koid ?? 0) ?? [];
    for (const child of [...children].reverse()) waiting.push([child, depth + 1]);
  }
  return order;
}

function mappingLines({ mappings }: PageReport): string[] {
  const rows = mappings.map((mapping) => [
    `p:${mapping.processKoid}`, hex(mapping.address), `${mapping.vmoKoid}`,
    permsText(mapping.perms), mapping.isPresent ? 'present' : '-',
    visibleName(mapping.processName),
  ]);
  return lines(['MAPPED BY', 'ADDRESS', 'VMO', 'PERM', 'ENTRY', 'NAME'], rows, [0, 4]);
}

function handleLines({ handles }: PageReport): string[] {
  const rows = handles.map(({ processKoid, vmoKoid, processName }) =>
    [`p:${processKoid}`, `${vmoKoid}`, visibleName(processName)]);
  return lines(['HANDLE OF', 'VMO', 'NAME'], rows, [0]);
}

function swapLines({ swap }: PageReport): string[] {
  const rows = (swap?.holders ?? []).map(({ processKoid, address, processName }) => [
    `p:${processKoid}`, hex(address), fractionText(swap?.share ?? NO_BYTES),
    visibleName(processName),
  ]);
  return lines(['SLOT OF', 'ADDRESS', 'PAYS', 'NAME'], rows, [0]);
}

interface Payer {
  readonly label: string;
  readonly name: string;
  readonly shares: Map<string, Fraction>;
}

/** Who pays: a row for each payer, a column for each policy, and sums. */
function shareLines(shares: readonly PageShare[]): string[] {
  const payers = new Map<string, Payer>();
  const sums = { vmo: new Map<string, Fraction>(), process: new Map<string, Fraction>() };
  for (const { policy, reach, payer, koid, name, share } of shares) {
    const column = columnOf(policy, reach);
    const label = `${payer === 'vmo' ? 'vmo' : 'p'}:${koid}`;
    const row = payers.get(label) ?? { label, name, shares: new Map<string, Fraction>() };
    payers.set(label, row);
    row.shares.set(column, share);
    const sum = sums[payer === 'vmo' ? 'vmo' : 'process'];
    sum.set(column, addFractions(sum.get(column) ?? NO_BYTES, share));
  }
  const columns = joinEqual([...new Set(shares.map((s) => columnOf(s.policy, s.reach)))], payers);
  const cells = (row: ReadonlyMap<string, Fraction>): string[] =>
    columns.map(({ key }) => fractionText(row.get(key) ?? NO_BYTES));
  const rows = [...payers.values()].map((row) =>
    [row.label, ...cells(row.shares), row.name === '' ? '-' : visibleName(row.name)]);
  const header = ['PAYS', ...columns.map(({ title }) => title), 'NAME'];
  const isVmo = ([label = '']: readonly string[]): boolean => label.startsWith('vmo');
  return align(header, [
    ...firstOf(rows.filter(isVmo), columns.length),
    ...firstOf(rows.filter((row) => !isVmo(row)), columns.length),
    ...(sums.vmo.size === 0 ? [] : [['VMOs', ...cells(sums.vmo), 'sum']]),
    ...(sums.process.size === 0 ? [] : [['processes', ...cells(sums.process), 'sum']]),
  ], [0]);
}

/** The first rows, and one that says how many are left out. */
function firstOf(rows: readonly string[][], columns: number): string[][] {
  const more = rows.length - SHOWN;
  if (more <= 0) return [...rows];
  const blank = Array.from({ length: columns }, () => '');
  return [...rows.slice(0, SHOWN), ['...', ...blank, `and ${more} more: --json has all`]];
}

function columnOf(policy: Policy, reach: Reach): string {
  return policy === 'exact' ? `exact ${reach}` : policy;
}

/** The columns to show: one for both reaches of `exact` where they agree. */
function joinEqual(
  keys: readonly string[], payers: ReadonlyMap<string, Payer>,
): { key: string; title: string }[] {
  const [committed, present] = ['exact committed', 'exact present'];
  const texts = (key: string): string => [...payers.values()]
    .map(({ shares }) => fractionText(shares.get(key) ?? NO_BYTES)).join();
  const isOne = keys.includes(committed) && keys.includes(present)
    && texts(committed) === texts(present);
  return keys.filter((key) => !isOne || key !== present)
    .map((key) => ({ key, title: isOne && key === committed ? 'exact' : key }));
}
