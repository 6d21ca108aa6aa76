/**
 * `memgraph`: jobs, processes, threads and VMOs as one JSON array, in the layout of Zircon's tool.
 *
 * I1. Records stand in the tool's order: kernel, tasks in the order of the walk, `__META` last. Of
 *     VMOs nothing is de-duplicated: the reader does that.
 * I2. Names are JSON strings whatever they hold (upstream's were not escaped); types of handles
 *     that have no name are one key, `unknown` (upstream printed one for each).
 * I3. All sizes are whole bytes, shares rounded down: the schema asks for integers.
 * I4. A tenth kernel record, `kernel/ipc`, follows the nine of the tool, so that the parts of
 *     physical memory add up to it.
 *
 * Source: tool-formats, section 7. What a policy changes are the figures of processes
 * (`private_bytes`, `shared_bytes`, `pss_bytes`) and of VMOs (`committed_bytes`); all but `classic`
 * are named in `__META`, and `exact` adds `unmapped_bytes` and `kernel_bytes` to processes.
 */

import { HANDLE_NAMES, MEMGRAPH_RIGHTS, THREAD_STATE_NAMES } from '../accounting/memgraph-words.js';
import { type AccountTables, type KmemStats, TaskType } from '../accounting/tables.js';
import { vmosRows, type VmosRow } from './vmos.js';

/** What to put into the document. */
export interface MemgraphOptions {
  /** `-t`: threads. */ readonly threads?: boolean;
  /** `-v`: VMOs of each process. */ readonly vmos?: boolean;
  /** `-H`: handles of each process by type, where the tables have them. */
  readonly handles?: boolean;
  /** When the figures were taken, ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string;
}

type Value = string | number | bigint | readonly string[];

/** `"key": value, ...` as the tool spaces it. */
function members(fields: Readonly<Record<string, Value>>): string {
  return Object.entries(fields).map(([key, value]) => {
    const text = typeof value === 'bigint' ? value.toString()
      : Array.isArray(value) ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
        : JSON.stringify(value);
    return `"${key}": ${text}`;
  }).join(', ');
}

/** The kernel records: id, id of the parent, size. */
function kernelParts(kmem: KmemStats): [id: string, parent: string, sizeBytes: number][] {
  const physmem = 'kernel/physmem';
  return [
    [physmem, '', kmem.totalBytes],
    ['kernel/free', physmem, kmem.freeBytes + kmem.freeLoanedBytes],
    ['kernel/vmo', physmem, kmem.vmoBytes],
    ['kernel/heap', physmem, kmem.totalHeapBytes],
    ['kernel/heap/allocated', 'kernel/heap', kmem.totalHeapBytes - kmem.freeHeapBytes],
    ['kernel/heap/free', 'kernel/heap', kmem.freeHeapBytes],
    ['kernel/wired', physmem, kmem.wiredBytes],
    ['kernel/mmu', physmem, kmem.mmuOverheadBytes],
    ['kernel/other', physmem, kmem.otherBytes],
    ['kernel/ipc', physmem, kmem.ipcBytes],
  ];
}

/** Lines of a nested array, each indented by six, the last one ended by a space. */
function nested(key: string, items: readonly string[]): string {
  const lines = items.map((item, i) => `      {${item}}${i === items.length - 1 ? ' ' : ','}\n`);
  return `   "${key}": [\n${lines.join('')}   ]`;
}

function vmoMembers(row: VmosRow): string {
  return members({
    koid: row.koid, name: row.name, size_bytes: row.sizeBytes, parent_koid: row.parentKoid,
    num_children: row.numChildren, num_mappings: row.numMappings, share_count: row.shareCount,
    committed_bytes: row.committedBytes,
  });
}

function refMembers(row: VmosRow, viaHandle: boolean): string {
  if (!viaHandle) return members({ vmo_koid: row.koid, via: ['MAPPING'] });
  const rights = MEMGRAPH_RIGHTS.filter(([, bit]) => row.handleRights & bit);
  return members({
    vmo_koid: row.koid, via: ['HANDLE'], handle_rights: rights.map(([name]) => name),
  });
}

/** The VMOs of a process and how it refers to them; none where it refers to none. */
function vmoParts(tables: AccountTables, row: number): string[] {
  const rows = vmosRows(tables, row);
  if (rows.length === 0) return [];
  const { viaHandle } = tables.vmoRefs;
  const from = tables.vmoRefsStart[row] ?? 0;
  return [
    nested('vmos', rows.map(vmoMembers)),
    nested('vmo_refs', rows.map((ref, i) => refMembers(ref, viaHandle[from + i] === 1))),
  ];
}

/** Handles by type; nothing for a process without any. */
function handlePart(counts: ReadonlyMap<number, number> | undefined): string[] {
  if (counts === undefined || counts.size === 0) return [];
  const named = new Map<string, number>();
  for (const [type, count] of [...counts].sort(([a], [b]) => a - b)) {
    const name = HANDLE_NAMES.get(type) ?? 'unknown';
    named.set(name, (named.get(name) ?? 0) + count);
  }
  const lines = [...named].map(([name, count]) => `      "${name}": ${count}`);
  return [`   "handle_stats": {\n${lines.join(',\n')}\n   }`];
}

function processMembers({ tasks }: AccountTables, row: number): string {
  const { unmappedBytes, kernelBytes } = tasks;
  return members({
    id: `p/${tasks.koid[row]}`, type: 'p', koid: tasks.koid[row] ?? 0,
    parent: `j/${tasks.parentKoid[row]}`, name: tasks.name[row] ?? '',
    private_bytes: tasks.privateBytes[row] ?? 0, shared_bytes: tasks.sharedBytes[row] ?? 0,
    pss_bytes: tasks.pss.bytes[row] ?? 0n,
    ...(unmappedBytes === undefined ? {} : { unmapped_bytes: unmappedBytes[row] ?? 0 }),
    ...(kernelBytes === undefined ? {} : { kernel_bytes: kernelBytes[row] ?? 0 }),
  });
}

/** One task's record; undefined for what was not asked for. */
function taskRecord(
  tables: AccountTables, row: number, options: MemgraphOptions,
): string | undefined {
  const { tasks } = tables;
  const koid = tasks.koid[row] ?? 0;
  const name = tasks.name[row] ?? '';
  switch (tasks.type[row]) {
    case TaskType.JOB: {
      const parent = row === 0 ? 'kernel/vmo' : `j/${tasks.parentKoid[row]}`;
      return members({ id: `j/${koid}`, type: 'j', koid, parent, name });
    }
    case TaskType.PROCESS:
      return [
        processMembers(tables, row),
        ...(options.vmos ? vmoParts(tables, row) : []),
        ...(options.handles ? handlePart(tasks.handleCounts?.[row]) : []),
      ].join(',\n');
    default: {
      if (!options.threads) return undefined;
      const state = THREAD_STATE_NAMES.get(tasks.state[row] ?? '') ?? '<UNKNOWN>';
      const parent = `p/${tasks.parentKoid[row]}`;
      return members({ id: `t/${koid}`, type: 't', koid, parent, name, state });
    }
  }
}

/**
 * The document, record by record: pieces that make it when put together.
 *
 * @param tables - one accounting pass
 * @param options - what to put in
 */
export function* memgraphPieces(
  tables: AccountTables, options: MemgraphOptions,
): Generator<string, void, void> {
  yield '[\n';
  for (const [id, parent, sizeBytes] of kernelParts(tables.kmem)) {
    const name = id.replace(/^kernel\//, '');
    yield `  {${members({ id, type: 'kernel', parent, name, size_bytes: sizeBytes })}},\n`;
  }
  for (let row = 0; row < tables.tasks.count; row++) {
    const record = taskRecord(tables, row, options);
    if (record !== undefined) yield `  {${record}},\n`;
  }
  const { policy } = tables;
  const { timestamp } = options;
  const named: Record<string, string> = policy === 'classic' ? {} : { policy };
  yield `  {${members({ type: '__META', timestamp, ...named })}}\n`;
  yield ']\n';
}

/**
 * The document as one text.
 *
 * @param tables - one accounting pass
 * @param options - what to put in
 * @returns JSON, a record a line
 */
export function memgraphText(tables: AccountTables, options: MemgraphOptions): string {
  return [...memgraphPieces(tables, options)].join('');
}
