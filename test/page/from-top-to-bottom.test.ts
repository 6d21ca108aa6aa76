/** Whoever reads the memory page types its commands, one after the other, into one shell. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { golden } from '../views/samples.js';
import { linesOf, lookAt } from './support.js';

const MAIN = fileURLToPath(new URL('../../build/cli/main.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'memsim-walk-'));
t.teardown(() => { rmSync(dir, { recursive: true }); });

/** The page's commands and how what each prints begins, by the system that has its sample. */
const WALK: readonly (readonly [system: string, line: string, begins: string | RegExp])[] = [
  ['boot', 'ps', golden('ps-boot.txt')],
  ['boot', 'memgraph -vt | treemap > mem.html', ''],
  ['boot', 'vmaps help', 'Usage: vmaps <process-koid>\n'],
  ['page-vmaps', 'vmaps 2470', golden('vmaps-sh-2470.txt')],
  ['page-vmaps', 'aspace 2470', /^ +Start +End +Prot +Size +Koid +Offset +Cmt\.Pgs +Name\n/],
  ['page-vmos', 'vmos 1118', linesOf(golden('vmos-1118.txt')).slice(0, 3).join('\n')],
  ['page-vmos', 'handle 1118', /^ +Handle +Type +Koid\n/],
  ['page-vmos', 'k zx vmos hidden', '"Hidden" VMOs, oldest to newest:\n'],
  ['page-vmos', 'k zx vmos all', 'All VMOs, oldest to newest:\n'],
  ['page-vmos', 'k zx ps', '     id  #h:  #jb'],
  ['page-vmos', 'k zx ps help', 'id  : process id number\n#h  : total number of handles\n'],
  ['boot', 'kstats -m -n 1', golden('kstats-m.txt')],
  ['boot', 'kstats -m -t -n 1', /^\n--- [-\dT:.]+Z ---\nmem total/],
  ['boot', 'k zx asd kernel', golden('asd-kernel.txt')],
];

const anyTime = (text: string): string => text.replace(/--- \S+Z ---/g, '--- now ---');

t.test('each command of the page prints what the page shows, all of them in one shell too',
  async (t) => {
    const lines: string[] = [];
    let wanted = '';
    let at = 'boot';
    for (const [system, line, begins] of WALK) {
      if (system !== at) {
        lines.push(`system ${system}`);
        wanted += `${system}\n`;
        at = system;
      }
      lines.push(line);
      if (line.includes('>')) continue;
      const text = await (await lookAt(system)).text(line.replace(/^k /, ''));
      t.ok(typeof begins === 'string' ? text.startsWith(begins) : begins.test(text), line);
      wanted += text;
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'shell'],
      { cwd: dir, input: `${lines.join('\n')}\n`, encoding: 'utf8' });
    t.strictSame([status, stderr], [0, '']);
    t.equal(anyTime(stdout), anyTime(wanted));
    t.match(readFileSync(join(dir, 'mem.html'), 'utf8'), /^<!DOCTYPE html>[^]*driver_host:pci#3/);
  });
