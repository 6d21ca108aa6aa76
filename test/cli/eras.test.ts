/** `ps` of the built system `boot` in every layout, and the words of the tools' own help. */

import t from 'tap';
import { System } from '../../src/system.js';
import { golden } from '../views/samples.js';
import { memsim } from './fake.js';

const open = (spec: string): Promise<System> => System.open(spec);

t.test('ps of the built system is the golden one in the layouts of all eras', async (t) => {
  for (const era of ['2017', '2019', '2022', '2025']) {
    const { status, out, err } = await memsim(['ps', '--era', era], {}, { open });
    t.strictSame([status, err], [0, '']);
    t.equal(out, golden(`ps-boot-${era}.txt`), era);
    const jobs = await memsim(['ps', '-J', '--era', era], {}, { open });
    t.equal(jobs.out, golden(`ps-boot-J-${era}.txt`), `-J ${era}`);
  }
  t.equal((await memsim(['ps'], {}, { open })).out, golden('ps-boot.txt'));
});

/** The memory page as words: bullets, line ends and typographic quotes aside. */
function words(text: string): string {
  return text.replace(/[•:]/g, ' ').replace(/[‘’']/g, "'").replace(/[“”]/g, '"')
    .split(/\s+/).filter((word) => word !== '').join(' ');
}

const LEGENDS: Record<string, readonly string[]> = {
  vmaps: [
    "Usage: vmaps <process-koid> Dumps a process's memory maps to stdout.",
    'First column: "/A" -- Process address space "/R" -- Root VMAR "R" -- VMAR (R for Region) '
      + '"M" -- Mapping Indentation indicates parent/child relationship. Column tags:',
    ':sz: The virtual size of the entry, in bytes. Not all pages are necessarily backed by',
    'amount of memory “resident” in the entry, in bytes; i.e., the amount of physical memory that',
    ':vmo: The koid of the VMO mapped into this region.',
  ],
  vmos: [
    'this column shows the rights that the handle has, zero or more of:',
    "NOTE: Non-handle entries will have a single '-' in this column.",
    'koid: The koid of the VMO, if it has one. Zero otherwise. A VMO without a koid was created by',
    '#chld: The number of active children of the VMO.',
    '#map: The number of times the VMO is currently mapped into VMARs.',
    '#shr: The number of processes that map (share) the VMO.',
    "size: The VMO's current size, in bytes.",
    'points to a raw physical address range like a memory-mapped device.',
    "name: The name of the VMO, or '-' if its name is empty.",
  ],
};

t.test('vmaps help and vmos help say what the memory page says of them', async (t) => {
  for (const [command, legends] of Object.entries(LEGENDS)) {
    const { status, out } = await memsim([command, 'help']);
    t.equal(status, 0);
    for (const legend of legends) t.ok(words(out).includes(words(legend)), legend);
    const own = out.slice(0, out.indexOf('Options of every'));
    t.notOk(own.split('\n').some((line) => line.length > 80), 'fits a terminal');
  }
});

t.test('the koid is a number as C reads it, dashes before help do not count', async (t) => {
  const byDecimal = await memsim(['vmaps', '1043'], {}, { open });
  for (const koid of ['0x413', '0X413', '02023']) {
    t.equal((await memsim(['vmaps', koid], {}, { open })).out, byDecimal.out, koid);
  }
  t.match((await memsim(['vmos', '----help'])).out, /^Usage: vmos/);
});
