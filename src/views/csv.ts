/**
 * Rows as CSV (RFC 4180, with a line feed at the end of a line as Unix tools have it).
 *
 * I1. A header line with the columns' keys stands first, also when there are no rows.
 * I2. A cell that holds a comma, a quote, a line break or an outer space is quoted; quotes are
 *     doubled. Nothing else about a name is changed: who reads the cell gets the name back.
 */

import { jsonMap } from './json.js';
import type { CellValue, Column } from './table.js';

const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/** One cell, quoted where it has to be. */
export function csvCell(value: CellValue): string {
  if (value === undefined) return '';
  const text = value instanceof Map ? jsonMap(value) : String(value);
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The header line. */
export function csvHeader<Row>(columns: readonly Column<Row>[]): string {
  return `${columns.map((column) => csvCell(column.key)).join(',')}\n`;
}

/** The rows, a line each (a quoted name may hold line breaks of its own). */
export function csvRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const line = (row: Row): string => columns.map((column) => csvCell(column.value(row))).join(',');
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** Header and rows, in pieces that make them when put together. */
export function* csvPieces<Row>(
  rows: readonly Row[], columns: readonly Column<Row>[],
): Generator<string, void, void> {
  yield csvHeader(columns);
  for (const row of rows) yield csvRows([row], columns);
}

/** Header and rows as one text. */
export function csvTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  return [...csvPieces(rows, columns)].join('');
}
