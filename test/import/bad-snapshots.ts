/**
 * Broken snapshots for badinput.test.ts: each is the small machine with one thing changed.
 */

import { brotliCompressSync, gzipSync } from 'node:zlib';
import { smallMachine } from './synthetic.js';

type Rec = Record<string, unknown>;

// 1 snap, 2 meminfo, 3 vmstat, 4 text, 5 pmflags, 6 proc 100, 7-8 its maps, 9 proc 101,
// 10-11 its maps, 12 kpageflags, 13 frames, 14 end
/** Lines of the small machine's records. */
export const LINE = { snap: 1, meminfo: 2, pmflags: 5, proc: 6, file: 7, heap: 8, proc2: 9 };
const TAIL = { kpageflags: 12, frames: 13, end: 14 };

function broken(change: (records: Rec[]) => void): string {
  const records = smallMachine().records();
  change(records);
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** The small machine with one field of one line changed. */
export function set(line: number, field: string, value: unknown): string {
  return broken((records) => ((records[line - 1] as Rec)[field] = value));
}

/** One broken snapshot and the sentence it should end in. */
export interface Case {
  what: string;
  input: string | Uint8Array;
  line: number;
  found: RegExp;
  expected: RegExp;
}

/** The whole snapshot that the cases break. */
export const text = smallMachine().text();
const lines = text.split('\n');
const packed = gzipSync(text);

/** Broken snapshots. */
export const CASES: Case[] = [
  {
    what: 'an unknown version',
    input: set(1, 'v', 2),
    line: 1,
    found: /2 as "v" of snap/,
    expected: /version 1/,
  },
  {
    what: 'another page size',
    input: set(1, 'page', 16384),
    line: 1,
    found: /16384 as "page"/,
    expected: /4096/,
  },
  {
    what: 'no snap record first',
    input: broken((records) => records.shift()),
    line: 1,
    found: /a meminfo record/,
    expected: /a snap record first/,
  },
  {
    what: 'a line that is no JSON',
    input: text.replace('{"t":"vmstat"', '{"t":"vmstat'),
    line: 3,
    found: /vmstat.*no JSON/,
    expected: /a JSON object/,
  },
  {
    what: 'an array in place of a record',
    input: text.replace(lines[2] as string, '[1,2]'),
    line: 3,
    found: /\[1,2\]/,
    expected: /a JSON object/,
  },
  {
    what: 'an empty line',
    input: text.replace(lines[2] as string, ''),
    line: 3,
    found: /an empty line/,
    expected: /a JSON object/,
  },
  {
    what: 'a record without a kind',
    input: broken((records) => delete (records[2] as Rec).t),
    line: 3,
    found: /nothing as "t"/,
    expected: /a string/,
  },
  {
    what: 'an unknown kind of record',
    input: set(3, 't', 'vmstats'),
    line: 3,
    found: /"vmstats"/,
    expected: /snap, meminfo/,
  },
  {
    what: 'records out of order',
    input: broken((records) => records.splice(2, 0, records.splice(3, 1)[0] as Rec)),
    line: 4,
    found: /a vmstat record after text/,
    expected: /order/,
  },
  {
    what: 'a record that comes twice',
    input: broken((records) => records.splice(1, 0, records[1] as Rec)),
    line: 3,
    found: /a meminfo record after meminfo/,
    expected: /order/,
  },
  {
    what: 'pmflags left out',
    input: broken((records) => records.splice(4, 1)),
    line: 5,
    found: /a proc record/,
    expected: /a pmflags record before it/,
  },
  {
    what: 'a torn last line',
    input: text.slice(0, text.length - 5),
    line: TAIL.end,
    found: /cut off/,
    expected: /whole line/,
  },
  {
    what: 'a missing end record',
    input: broken((records) => records.pop()),
    line: TAIL.frames,
    found: /file's end after frames/,
    expected: /an end record/,
  },
  {
    what: 'records after the end',
    input: `${text}{"t":"end","frames":9}\n`,
    line: 15,
    found: /"t\\":\\"end/,
    expected: /nothing after the end/,
  },
  {
    what: 'an empty file',
    input: '',
    line: 1,
    found: /an empty file/,
    expected: /a snap record/,
  },
  {
    what: 'a truncated gzip file',
    input: packed.subarray(0, packed.length >> 1),
    line: 6,
    found: /gzip data that ends early/,
    expected: /a whole gzip stream/,
  },
  {
    what: 'a truncated brotli file',
    input: brotliCompressSync(text).subarray(0, 200),
    line: 3,
    found: /brotli data that ends early/,
    expected: /a whole brotli stream/,
  },
  {
    what: 'a damaged gzip file',
    input: Buffer.concat([packed.subarray(0, 60), Buffer.alloc(40, 0xff), packed.subarray(100)]),
    line: 1,
    found: /gzip data that is damaged/,
    expected: /a whole gzip stream/,
  },
  {
    what: 'a pid that is no whole number',
    input: set(LINE.proc, 'pid', 1.5),
    line: LINE.proc,
    found: /1\.5 as "pid" of proc/,
    expected: /a whole number/,
  },
  {
    what: 'a negative parent',
    input: set(LINE.proc, 'ppid', -1),
    line: LINE.proc,
    found: /-1 as "ppid"/,
    expected: /a whole number/,
  },
  {
    what: 'a count beyond 2^53',
    input: text.replace('"nmaps":2', '"nmaps":9007199254740993'),
    line: LINE.proc,
    found: /as "nmaps"/,
    expected: /2\^53/,
  },
  {
    what: 'a name of the wrong kind',
    input: set(LINE.proc, 'comm', 5),
    line: LINE.proc,
    found: /5 as "comm"/,
    expected: /a string/,
  },
  {
    what: 'a pid that comes twice',
    input: broken((records) => {
      for (const line of [9, 10, 11]) (records[line - 1] as Rec).pid = 100;
    }),
    line: LINE.proc2,
    found: /pid 100 again \(first in line 6\)/,
    expected: /each process once/,
  },
  {
    what: 'a map of a process nobody announced',
    input: set(LINE.file, 'pid', 999),
    line: LINE.file,
    found: /a map of pid 999/,
    expected: /maps of pid 100/,
  },
  {
    what: 'a map before any process',
    input: broken((records) => records.splice(5, 1)),
    line: 6,
    found: /a map of pid 100/,
    expected: /a proc record/,
  },
  {
    what: 'more maps than announced',
    input: set(LINE.proc, 'nmaps', 1),
    line: LINE.proc2,
    found: /2 maps of pid 100/,
    expected: /1 as line 6 says/,
  },
  {
    what: 'fewer processes than announced',
    input: set(1, 'nproc', 3),
    line: TAIL.end,
    found: /2 processes/,
    expected: /3 as "nproc"/,
  },
  {
    what: 'an address that is no hex range',
    input: set(LINE.file, 'a', '400000:404000'),
    line: LINE.file,
    found: /"400000:404000" as "a"/,
    expected: /two hex addresses/,
  },
  {
    what: 'an address inside a page',
    input: set(LINE.file, 'a', '400010-404000'),
    line: LINE.file,
    found: /"400010-404000"/,
    expected: /whole pages/,
  },
  {
    what: 'a mapping that ends before it starts',
    input: set(LINE.file, 'a', '404000-400000'),
    line: LINE.file,
    found: /"404000-400000"/,
    expected: /an end above the start/,
  },
  {
    what: 'maps that overlap',
    input: set(LINE.heap, 'a', '403000-810000'),
    line: LINE.heap,
    found: /a map at 0x403000/,
    expected: /0x404000/,
  },
  {
    what: 'a map in the kernel half',
    input: set(LINE.heap, 'a', 'ffff800000000000-ffff800000010000'),
    line: LINE.heap,
    found: /0xffff800000010000/,
    expected: /below 0x7ffffffff000/,
  },
  {
    what: 'perms that are none',
    input: set(LINE.file, 'p', 'r-x'),
    line: LINE.file,
    found: /"r-x" as "p"/,
    expected: /r-xp/,
  },
  {
    what: 'an offset inside a page',
    input: set(LINE.file, 'off', '00000800'),
    line: LINE.file,
    found: /"00000800" as "off"/,
    expected: /whole pages/,
  },
  {
    what: 'an offset beyond 2^63',
    input: set(LINE.file, 'off', 'fffffffffffff000'),
    line: LINE.file,
    found: /"fffffffffffff000" as "off"/,
    expected: /below 2\^63/,
  },
  {
    what: 'a negative inode',
    input: set(LINE.file, 'ino', -7),
    line: LINE.file,
    found: /-7 as "ino"/,
    expected: /inode/,
  },
  {
    what: 'smaps columns that nobody announced',
    input: set(LINE.file, 's', [4, 4]),
    line: LINE.file,
    found: /2 numbers as "s"/,
    expected: /0 as "sf"/,
  },
  {
    what: 'a run past its mapping',
    input: set(LINE.file, 'r', '0:3:1000:1 0:2:0:1'),
    line: LINE.file,
    found: /a run to page 5/,
    expected: /the mapping's 4 pages/,
  },
  {
    what: 'a run of no pages',
    input: set(LINE.file, 'r', '0:0:1000:1'),
    line: LINE.file,
    found: /a run of 0 pages/,
    expected: /at least one page/,
  },
  {
    what: 'a run with a negative gap',
    input: set(LINE.file, 'r', '0:1:1000:1 -1:1:0:1'),
    line: LINE.file,
    found: /"-1:1:0:1" as a run/,
    expected: /gap:length:delta:class/,
  },
  {
    what: 'a run that is no run',
    input: set(LINE.file, 'r', '0:1:1000'),
    line: LINE.file,
    found: /"0:1:1000" as a run/,
    expected: /gap:length:delta:class/,
  },
  {
    what: 'two spaces between runs',
    input: set(LINE.file, 'r', '0:1:1000:1  0:1:0:1'),
    line: LINE.file,
    found: /as a run/,
    expected: /gap:length:delta:class/,
  },
  {
    what: 'a frame number below 0',
    input: set(LINE.file, 'r', '0:-3:1:1'),
    line: LINE.file,
    found: /from frame 1 to -1/,
    expected: /frame numbers from 0/,
  },
  {
    what: 'an unknown pmflags index',
    input: set(LINE.file, 'r', '0:1:1000:3'),
    line: LINE.file,
    found: /pmflags index 3/,
    expected: /below 3/,
  },
  {
    what: 'pmflags that are present and swapped',
    input: set(LINE.pmflags, 'v', ['180']),
    line: LINE.pmflags,
    found: /"180"/,
    expected: /present or swapped/,
  },
  {
    what: 'a PFN of a map that is not listed',
    input: set(LINE.file, 'r', '0:4:1000:1').replace(/"0:4:1000:1"/, '"0:4:1001:1"'),
    line: LINE.file,
    found: /PFN 1004 in a map/,
    expected: /frames records/,
  },
  {
    what: 'a PFN listed twice',
    input: broken((records) => {
      records.splice(TAIL.frames, 0, { t: 'frames', base: 2002, r: '1:1:1:0' });
      (records[TAIL.frames - 1] as Rec).r = '1000:4:2:0 996:4:2:0';
    }),
    line: TAIL.frames + 1,
    found: /PFN 2003 after PFN 2003/,
    expected: /each PFN once/,
  },
  {
    what: 'an unknown kpageflags index',
    input: set(TAIL.frames, 'r', '1000:4:1:9'),
    line: TAIL.frames,
    found: /kpageflags index 9/,
    expected: /below 2/,
  },
  {
    what: 'a kpageflags word that is no hex',
    input: set(TAIL.kpageflags, 'v', ['xyz']),
    line: TAIL.kpageflags,
    found: /"xyz"/,
    expected: /hex words/,
  },
  {
    what: 'fewer frames than the end record says',
    input: set(TAIL.end, 'frames', 10),
    line: TAIL.end,
    found: /10 as "frames" of end/,
    expected: /9, as many as were listed/,
  },
  {
    what: 'meminfo without a total',
    input: set(LINE.meminfo, 'v', { MemFree: 5 }),
    line: LINE.meminfo,
    found: /MemFree/,
    expected: /MemTotal/,
  },
  {
    what: 'vmstat that is no object',
    input: set(3, 'v', 'none'),
    line: 3,
    found: /"none" as "v" of vmstat/,
    expected: /an object/,
  },
  {
    what: 'a number of threads that is none',
    input: set(LINE.proc, 'status', { Threads: -1 }),
    line: LINE.proc,
    found: /-1 as "status\.Threads"/,
    expected: /a whole number/,
  },
  {
    what: 'a meminfo count that is no number',
    input: set(LINE.meminfo, 'v', { MemTotal: 'much' }),
    line: LINE.meminfo,
    found: /"much" as "v\.MemTotal"/,
    expected: /a whole number/,
  },
];
