/**
 * The records of a Linux snapshot, one JSON object a line, checked field by field.
 *
 * I1. What comes out of here has the right kinds: whole numbers are safe, addresses and offsets
 *     are in pages and aligned, flag words are decoded. Nobody behind this module checks a field
 *     again.
 * I2. A check fails with an {@link InputError} that names file, line, field, what stood there and
 *     what was expected. Fields nobody needs are ignored; an unknown kind of record is an error.
 *
 * Checked by hand: a schema library walks 64 k map records ten times slower than this.
 */

import { InputError, shown } from '../errors.js';

/** Page size of every snapshot, bytes. */
export const PAGE_BYTES = 4096;

/** First page that no mapping may reach: the end of the user half, 0x7ffffffff000. */
export const USER_END_PAGE = 0x7ffffffff;

/** Where a record stands. */
export interface Place {
  /** Name of the file. */ readonly file: string;
  /** Line, from 1. */ readonly line: number;
}

/** The first record. */
export interface SnapRecord {
  /** Name of the recording. */ readonly label: string;
  /** Kernel release. */ readonly kernel: string;
  /** Seconds since 1970; 0 if not recorded. */ readonly timeSeconds: number;
  /** Number of processes that follow; -1 if not recorded. */ readonly processes: number;
  /** False: the system changed during the recording. */ readonly consistent: boolean;
  /** Names of the smaps columns; empty if none were recorded. */
  readonly smapsNames: readonly string[];
}

/** A process. */
export interface ProcRecord {
  /** Process id. */ readonly pid: number;
  /** Process id of the parent; 0 for none. */ readonly ppid: number;
  /** Short name, at most 15 bytes on Linux. */ readonly comm: string;
  /** Command line. */ readonly cmdline: string;
  /** Number of threads; 1 if not recorded. */ readonly threads: number;
  /** Name of its user, if recorded. */ readonly user?: string;
  /** smaps_rollup in kB by name, if recorded. */ readonly rollup?: ReadonlyMap<string, number>;
  /** Number of map records that follow. */ readonly maps: number;
}

/** A mapping, not yet with its pages. */
export interface MapRecord {
  /** Process it belongs to. */ readonly pid: number;
  /** First virtual page. */ readonly startPage: number;
  /** Length in pages. */ readonly pages: number;
  /** READ 1, WRITE 2, EXECUTE 4. */ readonly perms: number;
  /** MAP_SHARED. */ readonly shared: boolean;
  /** Offset into the file, pages. */ readonly offsetPages: number;
  /** Device of the file, `major:minor`. */ readonly dev: string;
  /** Inode of the file, 0 for none. */ readonly ino: number;
  /** Path, `[heap]` and the like, or empty. */ readonly name: string;
  /** VmFlags has `pf`: page frames without reference counts (device memory). */
  readonly pfnmap: boolean;
  /** smaps columns in kB, if recorded and not all zero. */ readonly smaps?: readonly number[];
  /** Page runs as text; empty if no page is present or swapped. */ readonly runs: string;
}

/** Fails with the place of a record. */
export function fail(place: Place, found: string, expected: string): never {
  throw new InputError(place.file, place.line, found, expected);
}

/** The fields of one record, with checks. */
export class Fields {
  /** Kind of the record: its `t`. */
  readonly kind: string;

  /**
   * @param place - file and line, for messages
   * @param values - the parsed object
   */
  constructor(
    readonly place: Place,
    private readonly values: Readonly<Record<string, unknown>>,
  ) {
    this.kind = this.text('t');
  }

  /** True if the record has the field. */
  has(name: string): boolean {
    return this.values[name] !== undefined && this.values[name] !== null;
  }

  /** A safe whole number, 0 or more. */
  whole(name: string): number {
    const value = this.values[name];
    if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) return value;
    return this.wrong(name, 'a whole number from 0 to 2^53 - 1');
  }

  /** A string. */
  text(name: string): string {
    const value = this.values[name];
    return typeof value === 'string' ? value : this.wrong(name, 'a string');
  }

  /** A string, or empty if the field was left out. */
  optionalText(name: string): string {
    return this.has(name) ? this.text(name) : '';
  }

  /** An array of strings. */
  texts(name: string): readonly string[] {
    const value = this.values[name];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.wrong(name, 'an array of strings');
  }

  /** An array of safe whole numbers. */
  wholes(name: string): readonly number[] {
    const value = this.values[name];
    const good = (item: unknown): boolean => Number.isSafeInteger(item) && (item as number) >= 0;
    return Array.isArray(value) && value.every(good) ? value : this.wrong(name, 'whole numbers');
  }

  /** An object, whatever is in it. */
  object(name: string): Readonly<Record<string, unknown>> {
    const value = this.values[name];
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    return this.wrong(name, 'an object');
  }

  /** An object of safe whole numbers; of `only` these keys where others don't matter. */
  counts(name: string, only?: readonly string[]): ReadonlyMap<string, number> {
    const value = this.object(name);
    const counts = new Map<string, number>();
    for (const key of only ?? Object.keys(value)) {
      const count = value[key];
      if (only !== undefined && count === undefined) continue;
      if (!Number.isSafeInteger(count) || (count as number) < 0) {
        const where = `${name}.${shown(key).slice(1, -1)}`;
        return this.wrongValue(where, count, 'a whole number from 0 to 2^53 - 1');
      }
      counts.set(key, count as number);
    }
    return counts;
  }

  /** Hex words of at most 64 bits. */
  hexWords(name: string): readonly bigint[] {
    return this.texts(name).map((word) => {
      if (!/^[0-9a-f]{1,16}$/i.test(word)) this.wrongValue(name, word, 'hex words of 64 bits');
      return BigInt(`0x${word}`);
    });
  }

  /** True or false. */
  flag(name: string): boolean {
    const value = this.values[name];
    return typeof value === 'boolean' ? value : this.wrong(name, 'true or false');
  }

  /** The raw value, for a check of its own. */
  raw(name: string): unknown {
    return this.values[name];
  }

  /** Fails for a field. */
  wrong(name: string, expected: string): never {
    return this.wrongValue(name, this.values[name], expected);
  }

  private wrongValue(name: string, value: unknown, expected: string): never {
    const kind = this.kind === undefined ? '' : ` of ${this.kind}`;
    return fail(this.place, `${shown(value)} as "${name}"${kind}`, expected);
  }
}

/**
 * Parses one line.
 *
 * @param line - text of the line
 * @param place - file and line
 * @returns its fields
 * @throws {@link InputError} no JSON, or no object with a `t`
 */
export function parseRecord(line: string, place: Place): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    const found = line.trim() === '' ? 'an empty line' : `${shown(line)}, which is no JSON`;
    return fail(place, found, 'a JSON object on each line');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(place, shown(value), 'a JSON object');
  }
  return new Fields(place, value as Record<string, unknown>);
}

/** Checks the `snap` record: version 1, pages of 4096 bytes. */
export function checkSnap(fields: Fields): SnapRecord {
  if (fields.raw('v') !== 1) fields.wrong('v', 'version 1');
  if (fields.raw('page') !== PAGE_BYTES) fields.wrong('page', 'pages of 4096 bytes');
  return {
    label: fields.optionalText('label'),
    kernel: fields.optionalText('kernel'),
    timeSeconds: fields.has('time') ? fields.whole('time') : 0,
    processes: fields.has('nproc') ? fields.whole('nproc') : -1,
    consistent: fields.has('consistent') ? fields.flag('consistent') : true,
    smapsNames: fields.has('sf') ? fields.texts('sf') : [],
  };
}

/** Checks a `proc` record. */
export function checkProc(fields: Fields): ProcRecord {
  const status = fields.has('status') ? fields.counts('status', ['Threads']) : undefined;
  fields.optionalText('stat');
  const pid = fields.whole('pid');
  if (pid === 0 || pid >= 2 ** 22) fields.wrong('pid', 'a process id from 1 to 4194303');
  return {
    pid,
    ppid: fields.whole('ppid'),
    comm: fields.text('comm'),
    cmdline: fields.optionalText('cmdline'),
    threads: status?.get('Threads') ?? 1,
    ...(fields.has('user') ? { user: fields.text('user') } : {}),
    ...(fields.has('rollup') ? { rollup: fields.counts('rollup') } : {}),
    maps: fields.whole('nmaps'),
  };
}

/** Checks the records that nothing here needs: that they are what they say. */
export function checkUnused(fields: Fields): void {
  if (fields.kind === 'vmstat') fields.object('v');
  if (fields.kind === 'phys') fields.text('r');
  if (fields.kind === 'physclass') fields.whole('frames');
}

/** Checks a `map` record against the number of smaps columns announced. */
export function checkMap(fields: Fields, smapsColumns: number): MapRecord {
  const name = fields.text('name');
  const [startPage, endPage] = addressPages(fields);
  const perms = fields.text('p');
  if (!/^[r-][w-][x-][ps]$/.test(perms)) fields.wrong('p', 'perms such as r-xp');
  const pages = endPage - startPage;
  if (pages <= 0) fields.wrong('a', 'an end above the start');
  const smaps = fields.has('s') ? fields.wholes('s') : undefined;
  if (smaps && smaps.length !== smapsColumns) {
    const found = `${smaps.length} numbers as "s" of map`;
    fail(fields.place, found, `${smapsColumns} as "sf" of snap has`);
  }
  const flags = fields.optionalText('vf');
  return {
    pid: fields.whole('pid'),
    startPage,
    pages,
    perms: (perms[0] === 'r' ? 1 : 0) | (perms[1] === 'w' ? 2 : 0) | (perms[2] === 'x' ? 4 : 0),
    shared: perms[3] === 's',
    offsetPages: fileOffset(fields, pages),
    dev: fields.text('dev'),
    ino: inode(fields),
    name,
    pfnmap: flags !== '' && flags.split(' ').includes('pf'),
    ...(smaps ? { smaps } : {}),
    runs: fields.optionalText('r'),
  };
}

function fileOffset(fields: Fields, pages: number): number {
  const offset = hexPages(fields.text('off'));
  if (offset === undefined) return fields.wrong('off', 'a hex offset of whole pages');
  return offset + pages <= 2 ** 51 ? offset : fields.wrong('off', 'an end of the map below 2^63');
}

/** Inodes of 64 bits exist (overlay, NFS, XFS): beyond 2^53 they are a label, not a number. */
function inode(fields: Fields): number {
  const ino = fields.raw('ino');
  const good = typeof ino === 'number' && Number.isInteger(ino) && ino >= 0 && ino <= 2 ** 64;
  return good ? ino : fields.wrong('ino', 'an inode number, 0 or more');
}

function addressPages(fields: Fields): readonly [number, number] {
  const parts = fields.text('a').split('-');
  const start = hexPages(parts[0] ?? '');
  const end = hexPages(parts[1] ?? '');
  if (parts.length === 2 && start !== undefined && end !== undefined) return [start, end];
  return fields.wrong('a', 'two hex addresses of whole pages, as in 1000-3000');
}

/** Hex bytes to pages; undefined if it is no hex or not a multiple of a page. */
function hexPages(text: string): number | undefined {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) return undefined;
  if (/^0+$/.test(text)) return 0;
  return text.endsWith('000') ? Number.parseInt(text.slice(0, -3), 16) : undefined;
}
