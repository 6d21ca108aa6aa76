/**
 * What all views share: columns for programs, cells for people.
 *
 * A view turns tables into rows once; text, JSON and CSV all show those rows. For programs a view
 * lists its {@link Column}s: one list serves JSON (a value that is undefined leaves its key out)
 * and CSV (it leaves the cell empty).
 */

/** A value that JSON and CSV print; bigints print all their digits. */
export type CellValue = string | number | bigint | ReadonlyMap<number, number> | undefined;

/** One column for programs: its key, and a row's value in it. */
export interface Column<Row> {
  /** The key, units last: `pss_bytes`. */
  readonly key: string;
  /** The value of a row; undefined where the row has none. */
  readonly value: (row: Row) => CellValue;
}

/** `%<width>s`: right-aligned, never cut. */
export function right(text: string | number | bigint, width: number): string {
  return String(text).padStart(width);
}

/** Lines to a text: each ends in a line feed; no lines are an empty text. */
export function joinLines(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
