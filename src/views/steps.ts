/**
 * `run`: what happened in a scenario, a row for each step and for what the kernel did by itself.
 *
 * I1. Names and texts come from the scenario: they are shown with control characters escaped.
 */

import { type Era, sizeAlgorithmOf } from './era.js';
import { visibleName } from './escape.js';
import { formatSize } from './size.js';
import { type Column, right } from './table.js';

/** Something that happened. */
export interface StepRow {
  /** When, on the system's clock. */ readonly atNs: bigint;
  /** JSON path of the step; undefined for what the kernel did by itself. */ readonly path?: string;
  /** Kind of step; `kernel` for what the kernel did. */ readonly kind: string;
  /** What it was about. Untrusted text. */ readonly what: string;
  /** The status that it was refused with, as the scenario says. */ readonly refused?: string;
  /** Unallocated memory behind it. */ readonly freeBytes: number;
  /** Memory committed to VMOs behind it. */ readonly vmoBytes: number;
  /** Processes behind it. */ readonly processes: number;
}

const NOT_SAID: ReadonlySet<string> = new Set(['do', 'at', 'fails']);
const NS_PER_MS = 1_000_000n;

/** A value of a step in a word or two. */
function wordOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordOf).join(' and ');
  if (typeof value !== 'object' || value === null) return String(value);
  const { name, id, offset, size } = value as Record<string, unknown>;
  if (offset !== undefined && size !== undefined) return `${wordOf(size)} from ${wordOf(offset)}`;
  if (name !== undefined || id !== undefined) return String(name ?? id);
  return Object.entries(value).map(([key, inner]) => `${key} ${wordOf(inner)}`).join(' ');
}

/**
 * What a step is about, in one line.
 *
 * @param step - the step, as the scenario says it
 */
export function stepWords(step: Readonly<Record<string, unknown>>): string {
  if (step['do'] === 'note') return String(step['text']);
  if (step['do'] === 'show') return String(step['command']);
  return Object.entries(step).filter(([key]) => !NOT_SAID.has(key))
    .map(([key, value]) => (Array.isArray(value) && value.length > 2
      ? `${value.length} ${key}` : `${key} ${wordOf(value)}`)).join(', ');
}

/** Seconds of a time, to the nearest millisecond. */
function seconds(ns: bigint): string {
  const ms = (ns + NS_PER_MS / 2n) / NS_PER_MS;
  return `${ms / 1000n}.${String(ms % 1000n).padStart(3, '0')}s`;
}

const TITLES = ['TIME', 'FREE', 'VMOS', 'PROCS'] as const;
const WIDTHS = [9, 9, 9, 6] as const;

/** The header of the text. */
export function stepsHeader(): string {
  return `${TITLES.map((title, i) => right(title, WIDTHS[i] as number)).join(' ')} STEP\n`;
}

/** One row as text; notes, and commands that are shown, are lines of their own. */
export function stepText(row: StepRow, era: Era): string {
  if (row.kind === 'note') return `# ${visibleName(row.what)}\n`;
  if (row.kind === 'show') return `\n> memsim ${visibleName(row.what)}\n`;
  const algorithm = sizeAlgorithmOf(era);
  const size = (bytes: number): string => formatSize(bytes, 'M', algorithm);
  const cells = [seconds(row.atNs), size(row.freeBytes), size(row.vmoBytes), row.processes];
  const numbers = cells.map((cell, i) => right(cell, WIDTHS[i] as number)).join(' ');
  const refused = row.refused === undefined ? '' : `: ${row.refused}`;
  return `${numbers} ${`${row.kind} ${visibleName(row.what)}`.trim()}${refused}\n`;
}

/** The columns for programs. */
export function stepColumns(): Column<StepRow>[] {
  return [
    { key: 'time_ns', value: (row) => row.atNs },
    { key: 'path', value: (row) => row.path },
    { key: 'kind', value: (row) => row.kind },
    { key: 'what', value: (row) => row.what },
    { key: 'refused', value: (row) => row.refused },
    { key: 'free_bytes', value: (row) => row.freeBytes },
    { key: 'vmo_bytes', value: (row) => row.vmoBytes },
    { key: 'processes', value: (row) => row.processes },
  ];
}
