/**
 * The areas of a process from /proc/PID/smaps: where they are, and the kernel's figures of each.
 *
 *   7f0000000000-7f0000021000 rw-p 00000000 00:00 0      [heap]
 *   Rss:                 132 kB
 *   VmFlags: rd wr mr mw me ac
 */

/** Figures of an area that a snapshot keeps, in its order. */
const COLUMNS = [
  'Rss', 'Pss', 'Pss_Dirty', 'Shared_Clean', 'Shared_Dirty', 'Private_Clean', 'Private_Dirty',
  'Referenced', 'Anonymous', 'KSM', 'LazyFree', 'AnonHugePages', 'ShmemPmdMapped',
  'FilePmdMapped', 'Shared_Hugetlb', 'Private_Hugetlb', 'Swap', 'SwapPss', 'Locked',
  'KernelPageSize',
] as const;

/** One area. */
export interface Area {
  /** `start-end` in hex, the end exclusive. */ readonly range: string;
  /** First virtual page. */ readonly startPage: number;
  /** Length in pages. */ readonly pages: number;
  /** `r-xp`. */ readonly perms: string;
  /** Offset into the file, hex bytes. */ readonly offset: string;
  /** Device, `major:minor`. */ readonly dev: string;
  /** Inode, 0 for none. */ readonly ino: number;
  /** Path, `[heap]` and the like, or empty. Untrusted text. */ readonly name: string;
  /** The kernel's figures, kB. */ readonly kb: ReadonlyMap<string, number>;
  /** VmFlags. */ readonly flags: string;
}

const HEAD =
  /^([0-9a-f]+)-([0-9a-f]+) ([rwxsp-]{4}) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)$/;
const FIGURE = /^([A-Za-z_]+): +(\d+) kB$/;

/**
 * Reads the areas of smaps (or of maps: then without figures).
 *
 * @param text - the whole file
 * @returns areas by address
 */
export function parseAreas(text: string): Area[] {
  const areas: Area[] = [];
  let kb = new Map<string, number>();
  for (const line of text.split('\n')) {
    const figure = FIGURE.exec(line);
    if (figure) {
      kb.set(figure[1] as string, Number(figure[2]));
      continue;
    }
    const last = areas.at(-1);
    if (line.startsWith('VmFlags:') && last !== undefined) {
      areas[areas.length - 1] = { ...last, flags: line.slice(8).trim() };
      continue;
    }
    const head = HEAD.exec(line);
    if (!head) continue;
    const [, start = '', end = '', perms = '', offset = '', dev = '', ino = '', name = ''] = head;
    const startPage = Number.parseInt(start.slice(0, -3) || '0', 16);
    const pages = Number.parseInt(end.slice(0, -3) || '0', 16) - startPage;
    kb = new Map();
    areas.push({
      range: `${start}-${end}`, startPage, pages, perms, offset, dev, ino: Number(ino), name, kb,
      flags: '',
    });
  }
  return areas;
}

/** The columns that this kernel's smaps has, of those a snapshot keeps. */
export function columnsOf(areas: readonly Area[]): readonly string[] {
  const first = areas[0];
  return first === undefined ? [] : COLUMNS.filter((name) => first.kb.has(name));
}

/** Sum of some figures of an area, kB. */
export function kbOf(area: Area, ...names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (area.kb.get(name) ?? 0), 0);
}

/**
 * Pages of an area that page tables have, but for pages of zeros: resident, swapped and hugetlb.
 * Zero: there is nothing in its pagemap that anybody counts.
 */
export function usedPages(area: Area): number {
  return kbOf(area, 'Rss', 'Swap', 'Shared_Hugetlb', 'Private_Hugetlb') / 4;
}
