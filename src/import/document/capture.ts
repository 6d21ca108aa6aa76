/**
 * Reads what `mem --print` writes: a capture of processes and VMOs to a {@link DocumentDraft}.
 *
 * A capture lists the VMOs of each process and what is committed to each VMO, no mappings, no
 * handles, no jobs. So the figures are those of the `mem` tool: a VMO's bytes are private to the
 * one process that lists it, or shared equally among those that do. One job, koid 0, stands above
 * all processes.
 *
 * Source: tool-formats, section 9.1.
 */

import { joinShare } from '../../accounting/columns.js';
import { type KmemStats, TaskType } from '../../accounting/tables.js';
import type { DocumentDraft, TaskDraft, VmoDraft } from './builder.js';
import type { Field } from './fields.js';

const FRACTION_BITS = 63n;

interface Listed {
  readonly koid: number;
  readonly name: string;
  readonly vmos: readonly number[];
}

/** A table whose first row names its columns. */
function rowsOf(
  table: Field, columns: readonly string[],
): { row: Field; cell: (name: string) => Field }[] {
  const [header, ...rows] = table.items();
  if (header === undefined) table.fail(`rows below a row of column names (${columns.join(', ')})`);
  const names = header.items().map((name) => name.text());
  const places = new Map(names.map((name, i) => [name, i]));
  for (const column of columns) {
    if (!places.has(column)) header.fail(`a column named ${column}`);
  }
  return rows.map((row) => {
    const cells = row.items();
    if (cells.length < names.length) row.fail(`${names.length} cells`);
    return { row, cell: (name) => cells[places.get(name) as number] as Field };
  });
}

/** Who lists which VMO: rows of the VMO table. */
function readProcesses(capture: Field, vmoRow: ReadonlyMap<number, number>): Listed[] {
  const table = rowsOf(capture.at('Processes'), ['koid', 'name', 'vmos']);
  const koids = new Set<number>();
  return table.map(({ cell }) => {
    const koid = cell('koid').count();
    if (koids.has(koid)) cell('koid').fail('a koid that no process had before');
    koids.add(koid);
    const vmos = new Set<number>();
    for (const item of cell('vmos').items()) {
      vmos.add(vmoRow.get(item.count()) ?? item.fail('the koid of a row of Vmos'));
    }
    return { koid, name: cell('name').text(), vmos: [...vmos] };
  });
}

type CaptureVmo = Omit<VmoDraft, 'numChildren' | 'shareCount'>;

function readVmos(capture: Field): { vmos: CaptureVmo[]; vmoRow: Map<number, number> } {
  const names = capture.at('VmoNames').items();
  const vmoRow = new Map<number, number>();
  const columns = ['koid', 'name', 'parent_koid', 'committed_bytes', 'allocated_bytes'];
  const vmos = rowsOf(capture.at('Vmos'), columns).map(({ cell }, row): CaptureVmo => {
    const koid = cell('koid').count();
    if (vmoRow.has(koid)) cell('koid').fail('a koid that no VMO had before');
    vmoRow.set(koid, row);
    const name = names[cell('name').count()]
      ?? cell('name').fail('the place of a name in VmoNames');
    return {
      koid, name: name.text(), parentKoid: cell('parent_koid').count(),
      committedBytes: cell('committed_bytes').count(),
      sizeBytes: cell('allocated_bytes').size(), numMappings: 0,
    };
  });
  return { vmos, vmoRow };
}

function readKernel(kernel: Field): KmemStats {
  const bytes = (key: string): number => kernel.at(key).count();
  const freeBytes = bytes('free');
  return {
    totalBytes: bytes('total'), freeBytes, freeLoanedBytes: 0, wiredBytes: bytes('wired'),
    totalHeapBytes: bytes('total_heap'), freeHeapBytes: bytes('free_heap'),
    vmoBytes: bytes('vmo'), mmuOverheadBytes: bytes('mmu'), ipcBytes: bytes('ipc'),
    otherBytes: bytes('other'), availableBytes: freeBytes,
  };
}

function processDraft(
  { koid, name, vmos: rows }: Listed, vmos: readonly CaptureVmo[], holders: Uint32Array,
): TaskDraft {
  let privateBytes = 0;
  let sharedBytes = 0;
  let scaled = 0n;
  for (const row of rows) {
    const bytes = vmos[row]?.committedBytes ?? 0;
    const count = holders[row] as number;
    if (count === 1) {
      privateBytes += bytes;
    } else {
      sharedBytes += bytes;
      scaled += (BigInt(bytes) << FRACTION_BITS) / BigInt(count);
    }
  }
  return {
    type: TaskType.PROCESS, koid, name, privateBytes, sharedBytes,
    pss: joinShare(BigInt(privateBytes), 0n) + scaled,
    refs: rows.map((vmo) => ({ vmo, viaHandle: false, rights: 0 })),
    below: [],
  };
}

/**
 * Reads a capture.
 *
 * @param document - the JSON value, with or without `Capture` around it
 * @throws InputError with the JSON path of what is wrong
 */
export function readCapture(document: Field): DocumentDraft {
  const wrapped = document.at('Capture');
  const capture = wrapped.value === undefined ? document : wrapped;
  const kmem = readKernel(capture.at('Kernel'));
  const { vmos, vmoRow } = readVmos(capture);
  const processes = readProcesses(capture, vmoRow);
  const holders = new Uint32Array(vmos.length);
  for (const { vmos: rows } of processes) {
    for (const row of rows) holders[row] = (holders[row] as number) + 1;
  }
  const children = new Map<number, number>();
  for (const { parentKoid } of vmos) {
    children.set(parentKoid, (children.get(parentKoid) ?? 0) + 1);
  }
  return {
    policy: 'classic',
    root: {
      type: TaskType.JOB, koid: 0, name: 'capture',
      below: processes.map((process) => processDraft(process, vmos, holders)),
    },
    vmos: vmos.map((vmo, row) => ({
      ...vmo, numChildren: children.get(vmo.koid) ?? 0,
      shareCount: Math.max(1, holders[row] as number),
    })),
    kmem,
    missing: { maps: 'a mem capture has no address spaces' },
    notes: ['a mem capture has no jobs, mappings, handles or rights: processes stand below one job,'
      + ' and share each VMO that they list'],
  };
}
