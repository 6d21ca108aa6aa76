/** `aspace` and `handle`: the debugger's layouts, marks, and what is refused. */

import t from 'tap';
import { Right, System, VmOption } from '../../src/index.js';
import { memsim, type Outcome } from './fake.js';

/** A process with a VMO that it maps and holds, one that it only maps, and a channel's end. */
function sample(): (line: string) => Promise<Outcome> {
  const system = System.boot();
  const process = system.rootJob.createProcess('p', { koid: 2000 });
  const held = system.createVmo(8192, 0, { name: 'held\x07', koid: 2001 });
  const mapped = system.createVmo(3 << 20, 0, { name: 'mapped', koid: 2002 });
  const [end, far] = system.createChannel();
  process.insertHandle(end);
  far.close();
  const options = VmOption.PERM_READ | VmOption.SPECIFIC;
  process.rootVmar.map(options | VmOption.PERM_WRITE, 0, mapped, 0, 3 << 20);
  process.rootVmar.map(options, 0x10000000, held, 4096, 4096);
  process.touch(0x1000000, 5000, 2);
  process.insertHandle(held.duplicate(Right.READ | Right.TRANSFER));
  mapped.close();
  return (line) => memsim(line.split(' '), {}, { open: () => Promise.resolve(system) });
}

const HEADER =
  '           Start              End  Prot   Size      Koid       Offset  Cmt.Pgs  Name';
const ROWS = [
  '       0x1000000   0x7ffffffff000  ---    127T                                  proc:2000',
  '       0x1000000   0x7ffffffff000  ---    127T                                    root',
  '       0x1000000        0x1300000  rw-      3M      2002          0x0        2      mapped',
  '      0x11000000       0x11001000  r--      4K      2001       0x1000        0      held\\x07',
];

t.test('aspace: ranges with exclusive ends, committed pages, totals', async (t) => {
  t.equal((await sample()('aspace 2000')).out, [
    HEADER, ...ROWS, '', '              Page size: 4096', '     Total mapped bytes: 3149824',
    '  Total committed pages: 2 = 8192 bytes', '',
  ].join('\n'));
});

t.test('aspace marks the regions that hold an address', async (t) => {
  const zxdb = sample();
  const marked = (marks: string): string[] =>
    [...marks].map((mark, row) => (mark === '>' ? '--> ' : '    ') + ROWS[row]!);
  for (const [address, marks] of [
    ['0x1000000', '>>> '], ['0x12fffff', '>>> '], ['0x1300000', '>>  '], ['285212672', '>> >'],
  ] as const) {
    const { out } = await zxdb(`aspace 2000 ${address}`);
    t.equal(out, [`    ${HEADER}`, ...marked(marks), '', '              Page size: 4096', '']
      .join('\n'), address);
  }
  const rows = JSON.parse((await zxdb('aspace 2000 0x11000000 --json')).out) as { name: string }[];
  t.strictSame(rows.map(({ name }) => name), ['proc:2000', 'root', 'held\x07']);
});

t.test('handle lists mapped VMOs without handles first, then by number', async (t) => {
  const zxdb = sample();
  const rows = JSON.parse((await zxdb('handle 2000 --json')).out) as
    { handle?: number; koid: number; type: string; rights?: number; related_koid: number }[];
  t.strictSame(rows.map(({ handle, type }) => [handle, type]), [
    [undefined, 'ZX_OBJ_TYPE_VMO'], [7, 'ZX_OBJ_TYPE_CHANNEL'], [11, 'ZX_OBJ_TYPE_VMO'],
  ]);
  const channel = rows[1]!;
  t.equal((await zxdb('handle 2000')).out, [
    '  Handle  Type                 Koid', '  <none>  ZX_OBJ_TYPE_VMO      2002',
    `       7  ZX_OBJ_TYPE_CHANNEL  ${String(channel.koid).padStart(4)}`,
    '      11  ZX_OBJ_TYPE_VMO      2001', '',
  ].join('\n'));
  t.equal((await zxdb('handle 2000 0xb')).out, [
    '             Handle  11', '               Type  ZX_OBJ_TYPE_VMO', '               Koid  2001',
    '             Rights  ZX_RIGHT_TRANSFER', '                     ZX_RIGHT_READ',
    '               Name  held\\x07', '  VMO size in bytes  8192', '        Parent koid  0',
    '         # children  0', '         # mappings  1', '        Share count  1',
    '              Flags  ZX_INFO_VMO_TYPE_PAGED', '                     ZX_INFO_VMO_VIA_HANDLE',
    '    Committed bytes  0', '       Cache policy  ZX_CACHE_POLICY_CACHED',
    '     Metadata bytes  0', '',
  ].join('\n'));
  t.match((await zxdb('handle 2000 7')).out, `  Related koid  ${channel.related_koid}\n`);
  t.match((await zxdb('handle 2000 7 --csv')).out, /^handle,type,koid,.*\n7,ZX_OBJ_TYPE_CHANNEL,/);
});

t.test('what is refused', async (t) => {
  const zxdb = sample();
  const refused: [line: string, status: number, err: string][] = [
    ['aspace', 2, 'Usage: aspace <process-koid> [<address>]'],
    ['aspace 2000 1 2', 2, 'Usage: aspace <process-koid> [<address>]'],
    ['aspace x', 2, 'ERROR: "x" is not a number'],
    ['aspace 2000 0xg', 2, 'ERROR: "0xg" is not a number'],
    ['aspace 9', 1, "ERROR: couldn't find process with koid 9: ZX_ERR_NOT_FOUND (-25)"],
    ['aspace 2000 0xfff', 1, 'Region not mapped.'],
    ['handle', 2, 'Usage: handle <process-koid> [<handle>]'],
    ['handle 2000 --frob', 2, "unknown option '--frob'"],
    ['handle 2001', 1, "ERROR: couldn't find process with koid 2001: ZX_ERR_NOT_FOUND (-25)"],
    ['handle 2000 0', 1, 'No handle with value 0 in the process.'],
    ['handle 2000 12', 1, 'No handle with value 12 in the process.'],
  ];
  for (const [line, status, err] of refused) {
    const got = await zxdb(line);
    const help = status === 2 ? `try memsim ${line.split(' ')[0]} --help\n` : '';
    t.strictSame([got.status, got.out, got.err], [status, '', `${err}\n${help}`], line);
  }
  for (const command of ['aspace', 'handle']) {
    t.match((await zxdb(`${command} --help`)).out, `Usage: ${command} <process-koid>`);
  }
});
