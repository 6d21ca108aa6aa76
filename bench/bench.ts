/**
 * `npm run bench`: what the core does, measured side by side with what it is compared with.
 *
 *   --short      small sizes and few repetitions: within two minutes
 *   --only NAME  groups or rows whose name begins with NAME
 *   --json FILE  the rows as JSON: { rows: [{ name, ours, other, ratio, bar, ok, ... }], notes }
 *
 * A ratio is the median over repetitions in which both sides take turns. The native baseline
 * (`bench/c`) is compiled with gcc -O3 -march=native, from the same record layout; where there is
 * no compiler its rows are left out with a note. Ends with status 0 whatever the ratios are.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Context, Group } from './support/context.js';
import { buildNative } from './support/native.js';
import { headText, rowText, writeRows } from './support/report.js';
import type { Row } from './support/report.js';
import { accounting } from './rows/accounting.js';
import { faults } from './rows/faults.js';
import { linux } from './rows/linux.js';
import { memory } from './rows/memory.js';
import { present } from './rows/present.js';
import { reclaim } from './rows/reclaim.js';
import { singles } from './rows/singles.js';
import { snapshots } from './rows/snapshots.js';
import { workers } from './rows/workers.js';

const GROUPS: readonly Group[] = [
  faults, snapshots, memory, accounting, reclaim, singles, present, workers,
  linux,
];

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});

const rows: Row[] = [];
const notes: string[] = [];

function note(text: string): void {
  notes.push(text);
  console.log(`# ${text}`);
}

const native = buildNative();
const context: Context = {
  isShort: values.short,
  native,
  note,
  emit(row) {
    rows.push(row);
    console.log(rowText(row));
  },
};

note(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`
  + (values.short ? ', --short: small sizes, figures are rough' : ''));
if (native.missing !== undefined) note(`no native baseline: ${native.missing}`);
console.log(headText());
try {
  for (const group of GROUPS) {
    if (values.only !== undefined && !group.name.startsWith(values.only)) continue;
    if (group.needsNative && native.missing !== undefined) {
      note(`${group.name}: left out`);
      continue;
    }
    await group.run(context);
  }
} finally {
  native.remove();
}
const measured = rows.filter((row) => row.ok !== null);
note(`${measured.filter((row) => row.ok).length} of ${measured.length} bars reached`);
if (values.json !== undefined) writeRows(values.json, rows, notes);
