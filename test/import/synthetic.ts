/**
 * Small made-up machines, written out as Linux snapshots: for tests of the importer on what the
 * recorded ones don't have, and for breaking them line by line.
 *
 * A machine keeps a page table for each process (virtual page -> what stands there) and a frame
 * table. It shares no code with the importer.
 */

/** What a page-table entry holds. */
export type Entry = { pfn: number } | { swap: number };

/** A mapping of a made-up process. */
export interface Area {
  start: number;
  pages: number;
  perms: string;
  offset: number;
  dev: string;
  ino: number;
  name: string;
  vf?: string;
}

/** A made-up process. */
export interface Task {
  pid: number;
  ppid: number;
  comm: string;
  areas: Area[];
  entries: Map<number, Entry>;
}

/** A frame of a made-up machine. */
export interface Frame {
  /** kpageflags word. */ flags: bigint;
  /** Mappings by processes that are not recorded. */ outside: number;
}

/** kpageflags words the machine uses. */
export const Word = {
  ANON: 0x5828n,
  FILE: 0x40000086cn,
  SHMEM: 0x483cn,
  KSM: 0x205828n,
  ZERO: 0x101000000n,
  HUGETLB: 0x29808n,
  NO_PAGE: 0x100000n,
} as const;

const PRESENT_FILE = 0x140;
const PRESENT = 0x100;
const SWAPPED = 0x080;

/** A made-up machine. */
export class Machine {
  readonly tasks: Task[] = [];
  readonly frames = new Map<number, Frame>();
  meminfo: Record<string, number> = { MemTotal: 65536, MemFree: 32768, Slab: 64, KernelStack: 16 };
  consistent = true;

  /** Makes a frame. */
  frame(pfn: number, flags: bigint, outside = 0): number {
    this.frames.set(pfn, { flags, outside });
    return pfn;
  }

  /** Adds a process. */
  task(pid: number, ppid: number, comm = `task${pid}`): Task {
    const task: Task = { pid, ppid, comm, areas: [], entries: new Map() };
    this.tasks.push(task);
    return task;
  }

  /** Adds a process with the areas and entries of another. */
  fork(parent: Task, pid: number): Task {
    const task = this.task(pid, parent.pid);
    task.areas = parent.areas.map((area) => ({ ...area }));
    task.entries = new Map(parent.entries);
    return task;
  }

  /** Present entries of a frame in all recorded processes. */
  holders(pfn: number): number {
    let count = 0;
    for (const task of this.tasks) {
      for (const entry of task.entries.values()) if ('pfn' in entry && entry.pfn === pfn) count++;
    }
    return count;
  }

  /** The snapshot, a record for each line. */
  records(): Record<string, unknown>[] {
    const records: Record<string, unknown>[] = [
      {
        t: 'snap', v: 1, label: 'made-up', kernel: '6.0', page: 4096, time: 1,
        nproc: this.tasks.length, consistent: this.consistent, tries: 1, stopped: true, sf: [],
      },
      { t: 'meminfo', v: this.meminfo },
      { t: 'vmstat', v: {} },
      { t: 'text' },
      { t: 'pmflags', v: ['100', '140', '80'] },
    ];
    for (const task of this.tasks) {
      const { pid, ppid, comm } = task;
      const nmaps = task.areas.length;
      records.push({ t: 'proc', pid, ppid, comm, cmdline: comm, stat: '', nmaps });
      const areas = [...task.areas].sort((a, b) => a.start - b.start);
      for (const area of areas) records.push(this.mapRecord(task, area));
    }
    records.push(...this.frameRecords());
    return records;
  }

  /** The snapshot as text. */
  text(): string {
    return this.records().map((record) => `${JSON.stringify(record)}\n`).join('');
  }

  private mapRecord(task: Task, area: Area): Record<string, unknown> {
    const { start, pages, perms, offset, dev, ino, name, vf } = area;
    const hex = (page: number): string => (page === 0 ? '0' : `${page.toString(16)}000`);
    const runs = this.runs(task, area);
    return {
      t: 'map', pid: task.pid, a: `${hex(start)}-${hex(start + pages)}`, p: perms,
      off: hex(offset).padStart(8, '0'), dev, ino, name, vf: vf ?? 'rd mr mw me',
      ...(runs ? { r: runs } : {}),
    };
  }

  private runs(task: Task, area: Area): string {
    const runs: string[] = [];
    let end = area.start;
    let expected = 0;
    const list = [...task.entries].sort((a, b) => a[0] - b[0]);
    const here = list.filter(([vpn]) => vpn >= area.start && vpn < area.start + area.pages);
    for (let i = 0; i < here.length; ) {
      const [vpn, entry] = here[i] as [number, Entry];
      const [first, step, kind] = this.describe(entry);
      let length = 1;
      let sign = 1;
      for (; i + length < here.length; length++) {
        const [nextVpn, next] = here[i + length] as [number, Entry];
        const [word, , nextKind] = this.describe(next);
        if (nextVpn !== vpn + length || nextKind !== kind) break;
        if (length === 1 && kind !== 2 && word === first - 1) sign = -1;
        if (word !== first + sign * step * length) break;
      }
      runs.push(`${vpn - end}:${sign * length}:${first - expected}:${kind}`);
      end = vpn + length;
      expected = first + sign * step * length;
      i += length;
    }
    return runs.join(' ');
  }

  private describe(entry: Entry): readonly [word: number, step: number, kind: number] {
    if ('swap' in entry) return [entry.swap, 32, 2];
    const { flags } = this.frames.get(entry.pfn) as Frame;
    return [entry.pfn, 1, (flags >> 12n) & 1n ? 0 : 1];
  }

  private frameRecords(): Record<string, unknown>[] {
    const words = [...new Set([...this.frames.values()].map((frame) => frame.flags))];
    const runs: string[] = [];
    let next = 0;
    const listed = [...this.frames].sort((a, b) => a[0] - b[0]);
    for (const [pfn, { flags, outside }] of listed) {
      const mapcount = flags === Word.ZERO ? 0 : this.holders(pfn) + outside;
      runs.push(`${pfn - next}:1:${mapcount}:${words.indexOf(flags)}`);
      next = pfn + 1;
    }
    return [
      { t: 'kpageflags', v: words.map((word) => word.toString(16)) },
      ...(runs.length > 0 ? [{ t: 'frames', base: 0, r: runs.join(' ') }] : []),
      { t: 'end', frames: this.frames.size },
    ];
  }
}

/** Flags of pmflags, by index: for tests that write runs by hand. */
export const PM_WORDS = [PRESENT, PRESENT_FILE, SWAPPED];

/** A private anonymous mapping. */
export function anonymous(start: number, pages: number, name = ''): Area {
  return { start, pages, perms: 'rw-p', offset: 0, dev: '00:00', ino: 0, name };
}

/** A mapping of a file. */
export function fileArea(
  start: number,
  pages: number,
  ino: number,
  perms: string,
  offset = 0,
): Area {
  return { start, pages, perms, offset, dev: 'fe:00', ino, name: `/lib/file${ino}` };
}

/** Text as an input stream, in chunks of so many bytes. */
export async function* streamOf(
  bytes: string | Uint8Array,
  chunkBytes = 1 << 16,
): AsyncGenerator<Uint8Array> {
  const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  for (let at = 0; at < data.length; at += chunkBytes) yield data.subarray(at, at + chunkBytes);
}

/** A small machine with one of everything, the start of the bad-input tests. */
export function smallMachine(): Machine {
  const machine = new Machine();
  const parent = machine.task(100, 1, 'server');
  parent.areas.push(fileArea(0x400, 4, 7, 'r-xp'), anonymous(0x800, 16, '[heap]'));
  for (let i = 0; i < 4; i++) {
    parent.entries.set(0x400 + i, { pfn: machine.frame(1000 + i, Word.FILE, i) });
    parent.entries.set(0x800 + i, { pfn: machine.frame(2003 - i, Word.ANON) });
  }
  parent.entries.set(0x808, { swap: 32 * 5 });
  parent.entries.set(0x809, { swap: 32 * 6 });
  const child = machine.fork(parent, 101);
  child.entries.set(0x801, { pfn: machine.frame(3000, Word.ANON) });
  return machine;
}
