/** What the tests of the memory page share: a process with memory, and commands on its system. */

import { Access, type Process, System, type Vmo, VmOption } from '../../src/index.js';
import { memsim } from '../cli/fake.js';

/** Bytes of a page. */
export const PAGE = 4096;
/** Bytes of a kibibyte. */
export const KIB = 2 ** 10;
/** Bytes of a mebibyte. */
export const MIB = 2 ** 20;
/** Permissions of data. */
export const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

/** One row of a table as `--json` prints it. */
export type Row = Readonly<Record<string, string | number | string[]>>;

/** A system with commands to look at it. */
export interface Looked {
  readonly system: System;
  /** What a command prints; it must succeed and warn of nothing. */
  readonly text: (line: string) => Promise<string>;
  /** The rows of a command, as `--json` prints them. */
  readonly rows: (line: string) => Promise<Row[]>;
  /** One process's row of `ps`. */
  readonly ps: (process: Process, options?: string) => Promise<Row>;
}

/** A system that commands look at. */
export function look(system: System = System.boot({ rootJobName: 'root' })): Looked {
  const text = async (line: string): Promise<string> => {
    const open = (): Promise<System> => Promise.resolve(system);
    const { status, out, err } = await memsim(line.split(' '), {}, { open });
    if (status !== 0 || err !== '') throw new Error(`memsim ${line}: ${status} ${err}`);
    return out;
  };
  const rows = async (line: string): Promise<Row[]> =>
    JSON.parse(await text(`${line} --json`)) as Row[];
  const ps = async ({ koid }: Process, options = ''): Promise<Row> => {
    const found = (await rows(`ps ${options}`.trim())).find((row) => row['koid'] === koid);
    if (found === undefined) throw new Error(`ps shows no process ${koid}`);
    return found;
  };
  return { system, text, rows, ps };
}

/** Opens an embedded system to look at. */
export async function lookAt(spec: string): Promise<Looked> {
  return look(await System.open(spec));
}

/** Maps a whole VMO, or a part of it, where there is room; the address. */
export function map(
  process: Process, vmo: Vmo, perms: number = READ_WRITE, offset = 0,
  bytes = Number(vmo.getSize()) - offset,
): bigint {
  return process.rootVmar.map(perms, 0, vmo, offset, bytes);
}

/** A new VMO of a process, mapped, of which the first bytes are written. */
export function mapNew(
  { system }: Looked, process: Process, name: string, bytes: number, writtenBytes = bytes,
): { readonly vmo: Vmo; readonly address: bigint } {
  const vmo = system.createVmo(bytes, 0, { name });
  const address = map(process, vmo);
  if (writtenBytes > 0) process.touch(address, writtenBytes, Access.WRITE);
  return { vmo, address };
}

/** The lines of a text, without the empty one behind the last. */
export function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

/** The words of a line. */
export function wordsOf(line: string): string[] {
  return line.trim().split(/\s+/);
}
