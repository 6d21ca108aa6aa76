/** `scanner` and `pmm mem_avail_state`: the system's own page queues and watchdog, as typed. */

import t from 'tap';
import { System, VmoLockState, VmoOp, VmoOption } from '../../src/index.js';
import { memsim, type Outcome } from './fake.js';

const P = 4096;
const MIB = 2 ** 20;

const on = (system: System) => (line: string): Promise<Outcome> =>
  memsim(line.split(' '), {}, { open: () => Promise.resolve(system) });

/** A pager's file of 600 pages and a discardable VMO of 2. */
const world = (): System => {
  const system = System.boot({ memoryBytes: 64 * MIB });
  const pager = system.createPager();
  const file = pager.createVmo(600 * P);
  const aux = system.createVmo(600 * P);
  aux.opRange(VmoOp.COMMIT, 0, 600 * P);
  pager.supplyPages(file, 0, 600 * P, aux);
  aux.close();
  const discardable = system.createVmo(2 * P, VmoOption.DISCARDABLE);
  discardable.opRange(VmoOp.LOCK, 0, 2 * P, new VmoLockState());
  discardable.opRange(VmoOp.COMMIT, 0, 2 * P);
  discardable.opRange(VmoOp.UNLOCK, 0, 2 * P);
  system.createVmo(P).write(0, new Uint8Array(P));
  return system;
};

t.test('scanner dump prints every queue', async (t) => {
  const system = world();
  const scanner = on(system);
  await scanner('scanner rotate_queue');
  system.advance(4_020_698_018);
  const queues = [0, 600, 0, 0, 0, 0, 0, 0];
  t.equal((await scanner('scanner dump')).out, [
    '[SCAN]: Scanner enabled. Triggering informational scan',
    '[SCAN]: Found 1 zero pages across all of memory',
    ...queues.map((pages, age) => `[SCAN]: Found ${pages} user-pager backed pages in queue ${age}`),
    '[SCAN]: Found 0 user-pager backed pages in DontNeed queue',
    '[SCAN]: Found 0 zero forked pages',
    '[SCAN]: Found 0 locked pages in discardable vmos',
    '[SCAN]: Found 2 unlocked pages in discardable vmos',
    'pq: MRU generation is 8 set 4.020698018s ago due to "Manual", LRU generation is 1',
    'pq: Pager buckets [0],[600],0,0,0,0,0,{0}, evict first: 0, '
      + 'live active/inactive totals: 600/0', '',
  ].join('\n'));
  const [row] = JSON.parse((await scanner('scanner dump --json')).out) as [object];
  t.match(row, {
    disable_count: 0, zero_pages: 1, generation_1_pages: 600, isolate_pages: 0, active_pages: 600,
    anonymous_pages: 3, discardable_unlocked_pages: 2, mru_generation: 8, lru_generation: 1,
    mru_age_ns: 4_020_698_018, mru_reason: 'Manual',
  });
});

t.test('scanner reclaims, rotates, and can be switched off', async (t) => {
  const scanner = on(world());
  const first = (await scanner('scanner reclaim 1 only_old')).out.split('\n');
  t.match(first[0],
    /^\[EVICT\]: Free memory before eviction was \d+MB and after eviction is \d+MB$/);
  t.strictSame(first.slice(1), ['[EVICT]: Evicted 2 pages from discardable vmos', '']);
  t.match((await scanner('scanner reclaim 1')).out,
    '\n[EVICT]: Evicted 256 user pager backed pages\n');
  for (let i = 0; i < 8; i++) t.equal((await scanner('scanner rotate_queue')).out, '');
  t.match((await scanner('scanner dump')).out,
    'Found 344 user-pager backed pages in DontNeed queue');
  t.equal((await scanner('scanner harvest_accessed')).status, 0);
  await scanner('scanner push_disable');
  t.equal((await scanner('scanner dump')).out,
    '[SCAN]: Scanner disabled with disable count of 1\n');
  t.match(await scanner('scanner reclaim_all'), {
    status: 1, out: '', err: 'the scanner is off, disabled 1 times: expected it on\n',
  });
  await scanner('scanner pop_disable');
  t.match(await scanner('scanner pop_disable'), { status: 1 });
  t.match((await scanner('scanner reclaim_all')).out,
    '[EVICT]: Evicted 344 user pager backed pages\n'
    + '[SCAN]: De-duped 0 pages that were recently forked from the zero page\n');
  t.match((await scanner('scanner reclaim_all --csv')).out, /^pager_pages,discardable_pages,/);
});

t.test('vmos --json counts how often the kernel took pages', async (t) => {
  const system = System.boot();
  const process = system.rootJob.createProcess('p', { koid: 2000 });
  const vmo = system.createVmo(2 * P);
  process.insertHandle(vmo);
  const events = async (): Promise<unknown> => {
    const rows = JSON.parse((await on(system)('vmos 2000 --json')).out) as object[];
    return (rows[0] as Record<string, unknown>)['committed_change_events'];
  };
  vmo.opRange(VmoOp.COMMIT, 0, 2 * P);
  vmo.opRange(VmoOp.DECOMMIT, 0, P);
  t.equal(await events(), 0, 'what programs do does not count');
  t.equal(system.reclaim.dedupZeroPages(vmo), 1);
  t.equal(await events(), 1);
  const linux = await memsim(['vmos', '9971', '--json'], {}, {
    open: () => System.open('test/fixtures/nginx-6w.snap.jsonl.gz'),
  });
  t.notMatch(linux.out, 'committed_change_events', 'of a recorded machine nobody knows');
});

t.test('mem_avail_state has the watchdog\'s marks, and its level while it lasts', async (t) => {
  const system = System.boot({
    memoryBytes: 128 * MIB, countKernelMemory: false,
    pressure: { oomBytes: 8 * MIB, imminentDeltaBytes: 2 * MIB, criticalBytes: 20 * MIB,
      warningBytes: 40 * MIB, debounceBytes: MIB / 2, hysteresisSeconds: 3 },
  });
  const pmm = on(system);
  t.equal((await pmm('pmm mem_avail_state info')).out, [
    'watermarks: [8M, 10M, 20M, 40M]', 'debounce: 512k', 'current state: 4',
    'current bounds: [39.5M, 16.0E]', 'free memory: 128M', '',
  ].join('\n'));
  const hog = system.createVmo(98 * MIB);
  hog.opRange(VmoOp.COMMIT, 0, 98 * MIB);
  t.match((await pmm('pmm mem_avail_state info')).out, 'current state: 3\n');
  hog.opRange(VmoOp.DECOMMIT, 0, 60 * MIB);
  t.match((await pmm('pmm mem_avail_state info')).out,
    'current state: 3\ncurrent bounds: [19.5M, 40.5M]\nfree memory: 90', 'it has not lasted');
  const [row] = JSON.parse((await pmm('pmm mem_avail_state info --json')).out) as [object];
  t.match(row, { state: 3, warning_bytes: 40 * MIB, hysteresis_ns: 3e9, watchdog: 'on' });
  system.advance(4e9);
  t.match((await pmm('pmm mem_avail_state info')).out, 'current state: 4\n');
  const empty = on(System.boot());
  const off = JSON.parse((await empty('pmm mem_avail_state info --json')).out) as object;
  t.match(off, [{ state: 4, watchdog: 'off', debounce_bytes: MIB }]);
});

t.test('mem_avail_state STATE takes pages until memory is in it, for a time', async (t) => {
  const system = System.boot({
    memoryBytes: 128 * MIB, countKernelMemory: false,
    pressure: { oomBytes: 8 * MIB, imminentDeltaBytes: 2 * MIB, criticalBytes: 20 * MIB,
      warningBytes: 40 * MIB, debounceBytes: MIB, hysteresisSeconds: 3 },
  });
  const discardable = system.createVmo(2 * MIB, VmoOption.DISCARDABLE);
  discardable.opRange(VmoOp.LOCK, 0, 2 * MIB, new VmoLockState());
  discardable.opRange(VmoOp.COMMIT, 0, 2 * MIB);
  discardable.opRange(VmoOp.UNLOCK, 0, 2 * MIB);
  const pmm = on(system);
  const { freePages } = system.core;
  const warned = freePages - 39 * 256 + 1;
  t.equal((await pmm('pmm mem_avail_state 3 5')).out, [
    'memory-pressure: memory availability state - Warning', `Leaked ${warned} pages`,
    'Sleeping for 5 seconds...', `Freed ${warned} pages`, '',
  ].join('\n'));
  t.equal(system.core.freePages, freePages);
  t.equal(system.clock.nowNs, 5_000_000_000n);
  system.advance(4e9);
  t.equal(system.watchdog.level, 4);
  const { out } = await pmm('pmm mem_avail_state step 2');
  t.strictSame(out.split('\n').filter((line) => !line.startsWith('Leaked')), [
    'memory-pressure: memory availability state - Warning', 'Sleeping for 1 second...',
    'memory-pressure: memory availability state - Critical',
    'memory-pressure: evicted 512 pages (free memory is 20MB)', 'Sleeping for 1 second...',
    'Sleeping for 10 seconds...', `Freed ${freePages - 19 * 256 + 1} pages`, '',
  ]);
  t.equal((await pmm('pmm mem_avail_state 4 0 --csv')).out, 'state,leaked_pages\n4,0\n');
  const off = on(System.boot({ memoryBytes: 512 * MIB, countKernelMemory: false }));
  t.match((await off('pmm mem_avail_state 0 1')).out, /^Leaked \d+ pages\n/, 'nobody watches');
});

t.test('what is refused', async (t) => {
  const scanner = on(world());
  for (const [line, status, err] of [
    ['scanner', 2, 'not enough arguments'],
    ['scanner pt_reclaim on', 2, "unknown command 'pt_reclaim', expected dump, push_disable, "
      + 'pop_disable, reclaim_all, rotate_queue, reclaim or harvest_accessed'],
    ['scanner dump it', 2, "unexpected word 'it' behind dump"],
    ['scanner reclaim', 2, "reclaim '': expected MB, 1 to 262144"],
    ['scanner reclaim 0', 2, "reclaim '0': expected MB, 1 to 262144"],
    ['scanner reclaim -1 x', 2, 'Unknown option'],
    ['scanner reclaim 5 old', 2, "'old' behind the MB, expected only_old or nothing"],
    ['pmm mem_avail_state 5', 2, 'Invalid memstate 5. Specify a value between 0 and 4.'],
    ['pmm mem_avail_state', 2, 'Invalid memstate . Specify a value between 0 and 4.'],
    ['pmm mem_avail_state step x', 2, 'Invalid memstate x. Specify a value between 0 and 4.'],
    ['pmm mem_avail_state 3 x', 2,
      "'x' behind the state, expected seconds, at most 1000000"],
    ['pmm mem_avail_state 3 5 6', 2,
      "'6' behind the state, expected seconds, at most 1000000"],
    ['scanner reclaim 5 only_old x', 2, "unexpected word 'x' behind reclaim"],
  ] as const) {
    const got = await scanner(line);
    t.equal(got.status, status, line);
    if (err !== 'Unknown option') t.equal(got.err.split('\n')[0], err);
  }
  const linux = await memsim(['scanner', 'dump'], {}, {
    open: () => System.open('test/fixtures/nginx-6w.snap.jsonl.gz'),
  });
  t.match(linux, { status: 1, err: /^scanner: nobody recorded in which queue/ });
});
