/**
 * `zx ht`, `zx koid` and `zx ch`: who holds which handle, and what waits in channels.
 *
 * @see tool-formats, sections 10.3 and 10.4
 */

import type { ConsoleChannel, ConsoleHandle, ConsoleTask } from '../../accounting/console-types.js';
import type { Era } from '../era.js';
import { visibleName } from '../escape.js';
import { type Column, joinLines, right } from '../table.js';
import { hexOrZero, rightColumns, rightsHeader, rightsMask, typeName } from './labels.js';
import type { LabelRow } from './processes.js';

/** `zx ht`: the handles of one process as the console prints them. */
export function htText(
  process: ConsoleTask, handles: readonly ConsoleHandle[], era: Era,
): string {
  const lines = handles.map(({ koid, value, rights, type }) =>
    `${right(koid, 7)} ${right(hexOrZero(value), 10)} ${right(hexOrZero(rights), 10)}: `
    + `${rightsMask(rights, era)} [${typeName(type)}]`);
  const titles = `${right('koid', 7)} ${right('handle', 10)} ${right('rights', 10)}`;
  return joinLines([
    `process ${process.koid} ('${visibleName(process.name)}') handles:`,
    `${titles}: ${rightsHeader(era)} [type]`,
    ...lines,
    `total: ${handles.length} handles`,
  ]);
}

/** `zx koid`: the handles to one object as the console prints them; there is at least one. */
export function koidText(handles: readonly ConsoleHandle[], era: Era): string {
  const { koid, type } = handles[0] as ConsoleHandle;
  const lines = handles.map(({ process, rights }) =>
    `${right(process.koid, 7)} ${right(hexOrZero(rights), 10)}: ${rightsMask(rights, era)} `
    + `[${visibleName(process.name)}]`);
  const processes = new Set(handles.map(({ process }) => process.koid)).size;
  return joinLines([
    `handles for koid ${koid} (${typeName(type)}):`,
    `${right('pid', 7)} ${right('rights', 10)}: ${rightsHeader(era)} [name]`,
    ...lines,
    `total: ${handles.length} handles in ${processes} processes`,
  ]);
}

/** The rows of `zx koid help`. */
export function koidHelpRows(era: Era): LabelRow[] {
  return rightColumns(era).map(([label, , name]) => ({ label, meaning: `ZX_RIGHT_${name}` }));
}

/** The columns of handles for programs. */
export function handleColumns(): Column<ConsoleHandle>[] {
  return [
    { key: 'process_koid', value: (row) => row.process.koid },
    { key: 'process_name', value: (row) => row.process.name },
    { key: 'handle', value: (row) => row.value },
    { key: 'rights', value: (row) => row.rights },
    { key: 'koid', value: (row) => row.koid },
    { key: 'type', value: (row) => typeName(row.type) },
    { key: 'name', value: (row) => row.name },
    { key: 'related_koid', value: (row) => row.relatedKoid },
  ];
}

/**
 * The rows of `zx ch`.
 *
 * @param channels - all ends of channels
 * @param processes - the processes
 * @param koid - of a process: its ends; of an end: this end and the other; all if left out
 */
export function channelRows(
  channels: readonly ConsoleChannel[], processes: readonly ConsoleTask[], koid?: number,
): readonly ConsoleChannel[] {
  if (koid === undefined) return channels;
  if (processes.some((process) => process.koid === koid)) {
    return channels.filter(({ process }) => process.koid === koid);
  }
  return channels.filter((row) => row.koid === koid || row.peerKoid === koid);
}

/** The channels as the console prints them, under the processes that hold them. */
export function channelsText(rows: readonly ConsoleChannel[]): string {
  const lines: string[] = [];
  let process: number | undefined;
  for (const row of rows) {
    if (row.process.koid !== process) {
      process = row.process.koid;
      lines.push(`${right(process, 7)} [${visibleName(row.process.name)}]`);
    }
    const { koid, peerKoid, numMessages, mostMessages } = row;
    lines.push(`    chan ${right(koid, 7)} ${right(peerKoid, 7)} `
      + `count ${numMessages} max ${mostMessages}`);
  }
  return joinLines(lines);
}

/** The columns of channels for programs. */
export function channelColumns(): Column<ConsoleChannel>[] {
  return [
    { key: 'process_koid', value: (row) => row.process.koid },
    { key: 'process_name', value: (row) => row.process.name },
    { key: 'koid', value: (row) => row.koid },
    { key: 'peer_koid', value: (row) => row.peerKoid },
    { key: 'messages', value: (row) => row.numMessages },
    { key: 'messages_max', value: (row) => row.mostMessages },
  ];
}
