/**
 * Rows as JSON: one array, or one object a line.
 *
 * I1. Every integer prints all its digits, also above 2^53 (`JSON.stringify` knows no bigints).
 * I2. One row is one line, so that line tools can be used on the array too.
 * I3. Maps print as objects with their keys in ascending order.
 */

import type { CellValue, Column } from './table.js';

/** One value as JSON text; undefined has none. */
function jsonValue(value: Exclude<CellValue, undefined>): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return jsonMap(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError(`${value} is no JSON number`);
  }
  return JSON.stringify(value);
}

/** A map from number to number as a JSON object: `{"1":20,"2":3}`, keys ascending. */
export function jsonMap(map: ReadonlyMap<number, number>): string {
  const entries = [...map].sort(([a], [b]) => a - b);
  return `{${entries.map(([key, count]) => `"${key}":${count}`).join(',')}}`;
}

/** One row as a JSON object on one line, keys in the order of the columns. */
export function jsonObject<Row>(row: Row, columns: readonly Column<Row>[]): string {
  const members: string[] = [];
  for (const column of columns) {
    const value = column.value(row);
    if (value !== undefined) members.push(`${JSON.stringify(column.key)}:${jsonValue(value)}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * All rows as one JSON array, a line each; `[]` for none. Ends in a line feed. In pieces that make
 * it when put together.
 */
export function* jsonPieces<Row>(
  rows: readonly Row[], columns: readonly Column<Row>[],
): Generator<string, void, void> {
  let before = '[\n';
  for (const row of rows) {
    yield before + jsonObject(row, columns);
    before = ',\n';
  }
  yield rows.length === 0 ? '[]\n' : '\n]\n';
}

/** The array as one text. */
export function jsonArray<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  return [...jsonPieces(rows, columns)].join('');
}

/** One JSON object a line (JSON Lines). */
export function jsonLines<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  return rows.map((row) => `${jsonObject(row, columns)}\n`).join('');
}
