/**
 * Rows: what was compared, medians, spread, the bar; as a table and as JSON.
 */
import { writeFileSync } from 'node:fs';

/** Numbers of the repetitions of one row. */
export interface Samples {
  /** Ours, one each. */ readonly ours: readonly number[];
  /** The other side's; empty for a row about our own size. */ readonly other: readonly number[];
}

/** What a row says about itself. */
export interface RowSpec {
  /** Short name, unique. */ readonly name: string;
  /** What is compared with what; whether entries and contents are included. */
  readonly compares: string;
  /** Unit of `ours` and `other`. */ readonly unit: string;
  /** `ours/other`: small is good; `other/ours`: large is good; `ours`: the number itself. */
  readonly ratioOf: 'ours/other' | 'other/ours' | 'ours';
  /** Bar of the ratio, undefined for a row that only informs. */ readonly bar?: number;
}

/** A finished row. */
export interface Row extends RowSpec {
  readonly ours: number;
  readonly other: number | null;
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly reps: number;
  readonly ok: boolean | null;
}

/** The middle one, or the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** Works a row out of its samples: the median of the ratios, not the ratio of the medians. */
export function makeRow(spec: RowSpec, samples: Samples): Row {
  const { ours, other } = samples;
  const ratios = ours.map((a, i) => {
    if (spec.ratioOf === 'ours') return a;
    const b = other[i] as number;
    return spec.ratioOf === 'ours/other' ? a / b : b / a;
  });
  const ratio = median(ratios);
  const bar = spec.bar ?? 0;
  const within = spec.ratioOf === 'other/ours' ? ratio >= bar : ratio <= bar;
  return {
    ...spec, ours: median(ours), other: other.length === 0 ? null : median(other), ratio,
    ratioMin: Math.min(...ratios), ratioMax: Math.max(...ratios), reps: ratios.length,
    ok: spec.bar === undefined ? null : within,
  };
}

function short(value: number): string {
  if (value === 0) return '0';
  if (value >= 1000) return value.toFixed(0);
  return value.toPrecision(3);
}

const COLUMNS = ['name', 'ours', 'other', 'unit', 'ratio', 'min-max', 'bar', 'ok'] as const;

function cells(row: Row): string[] {
  const sign = row.ratioOf === 'other/ours' ? '>=' : '<=';
  return [
    row.name, short(row.ours), row.other === null ? '-' : short(row.other), row.unit,
    short(row.ratio), `${short(row.ratioMin)}-${short(row.ratioMax)}`,
    row.bar === undefined ? '-' : `${sign} ${row.bar}`,
    row.ok === null ? '' : row.ok ? 'ok' : 'SHORT',
  ];
}

const WIDTHS = [42, 9, 9, 14, 8, 16, 8, 5];

function line(texts: readonly string[]): string {
  return texts.map((text, i) => {
    const width = WIDTHS[i] as number;
    return i === 0 || i === 3 || i >= 6 ? text.padEnd(width) : text.padStart(width);
  }).join('  ').trimEnd();
}

/** Head of the table. */
export function headText(): string {
  return line(COLUMNS);
}

/** One row of the table, with what it compares below. */
export function rowText(row: Row): string {
  return `${line(cells(row))}\n    ${row.compares}`;
}

/** Writes rows as JSON. */
export function writeRows(file: string, rows: readonly Row[], notes: readonly string[]): void {
  writeFileSync(file, `${JSON.stringify({ rows, notes }, null, 2)}\n`);
}
