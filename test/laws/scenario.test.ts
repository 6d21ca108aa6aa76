/**
 * Laws of scenarios: whatever JSON is given, it is run or refused in one sentence; and by hand or
 * by the clock the same scenario ends in the same state.
 */
import fc from 'fast-check';
import t from 'tap';
import { InputError, openScenario, ZxError } from '../../src/index.js';
import { runs } from '../support/long.js';

/** A scenario in which everything that can be said is said once. */
const FULL = {
  scenario: 1, title: 'all', about: ['of', 'it'],
  system: {
    memory: '16M', rootJob: { name: 'root', koid: 1028 }, firstKoid: 2000, arch: 'x86-64', seed: 7,
    pageLoaning: true,
    pressure: { oom: '64k', imminentDelta: '64k', critical: '256k', warning: '512k',
      debounce: '16k', hysteresisSeconds: 1, evictAtWarning: true, compression: true,
      oomBehavior: 'jobkill' },
  },
  kernel: { wired: '64k', heap: '64k', heapFree: 100, ipc: '4k', mmu: '4k', iommu: '4k',
    cache: '4k', slab: '4k', other: '4k',
    aspace: { base: '0xffffff8000000000', size: '0x8000000000', regions: [
      { name: 'map', address: '0xffffff8000000000', size: '64k', vmoSize: 0 },
      { name: 'stacks', address: '0xffffff8000100000', size: '16k', times: 3, regions: [
        { address: '0xffffff8000101000', size: '8k', physicalAddress: 4096, perms: 'r',
          device: true },
      ] },
    ] } },
  vmos: [
    { id: 'lib', name: 'lib', koid: 1031, size: '64k', commit: [{ offset: '4k', size: '8k' }] },
    { id: 'copy', clone: { of: 'lib', kind: 'snapshot', offset: '4k', noWrite: false },
      size: '16k', resizable: true },
    { id: 'run', size: '16k', kind: 'contiguous' },
    { id: 'device', size: '4k', kind: 'physical', physicalAddress: '0xfed00000' },
    { id: 'purge', size: '32k', discardable: true, cache: 'cached', commit: '32k' },
    { id: 'vdso', size: '8k', commit: '8k', vdsoCode: '4k', write: [{ offset: 5, text: 'x' }] },
    { name: 'bootfs', size: '32k', kernel: true, commit: '32k' },
  ],
  processes: [{
    id: 'p', name: 'p', times: 2, rootVmar: { base: '0x1000000', size: '1G', name: 'r' },
    threads: [{ id: 'th', name: 'main', state: 'running' }],
    maps: [
      { id: 'm', vmo: { id: 'heap', name: 'heap', size: '64k' }, touch: '16k', read: '4k',
        write: [{ text: 'hi' }] },
      { vmo: 'lib', perms: 'r', offset: '4k', size: '8k', address: '0x3000000' },
    ],
    vmars: [{ id: 'v', name: 'area', address: '0x2000000', size: '1M', maps: [{ vmo: 'vdso' }],
      vmars: [] }],
    handles: [{ vmo: 'lib', rights: 'rmt', times: 2 },
      { make: 'channel', times: 2, queued: { messages: 2, bytes: 100 } }],
  }],
  jobs: [{ id: 'j', name: 'j', killOnOom: true,
    policy: [{ condition: 'NEW_EVENT', action: 'DENY', override: 'ALLOW' }],
    processes: [{ id: 'q', name: 'q' }], jobs: [] }],
  steps: [
    { do: 'note', text: 'begin' },
    { do: 'show', command: 'ps' },
    { do: 'create-job', id: 'k', name: 'k', job: 'j' },
    { do: 'create-process', id: 'n', job: 'k', name: 'n', maps: [{ id: 'a', vmo: 'copy' }] },
    { do: 'create-vmo', id: 'w', size: '32k', resizable: true },
    { do: 'map', process: 'p.*', vmo: 'w', id: 'wm', vmar: 'v' },
    { do: 'touch', at: '1s', process: 'p.1', map: 'wm', ranges: '8k' },
    { do: 'protect', process: 'p.2', map: 'wm', perms: 'r' },
    { do: 'unmap', process: 'p.2', map: 'wm', offset: '4k', size: '4k' },
    { do: 'write', vmo: 'w', offset: 3, text: 'abc' },
    { do: 'write', process: 'p.1', map: 'm', text: 'def' },
    { do: 'op', vmo: 'purge', op: 'lock' },
    { do: 'op', vmo: 'purge', op: 'unlock' },
    { do: 'resize', vmo: 'w', size: '64k' },
    { do: 'pin', id: 'pin', vmo: 'run', size: '4k' },
    { do: 'unpin', pin: 'pin' },
    { do: 'handle', process: 'q', vmo: 'lib' },
    { do: 'objects', process: 'q', make: 'event', times: 3, fails: 'ZX_ERR_ACCESS_DENIED' },
    { do: 'close', vmo: 'lib', process: 'q' },
    { do: 'fork', id: 'f', process: 'p.1', times: 3, name: 'f' },
    { do: 'touch', process: 'f.*', map: 'm', ranges: ['4k', { offset: '8k', size: 100 }] },
    { do: 'thread', thread: 'th.1', state: 'blocked' },
    { do: 'repeat', at: '2s', times: 3, steps: [
      { do: 'wait', for: '500ms' },
      { do: 'reclaim', how: 'dedup-zero-pages', pages: 5 },
    ] },
    { do: 'reclaim', how: 'compress', vmo: 'heap.1' },
    { do: 'kill', task: 'p.2' },
    { do: 'wait', for: '1min' },
  ],
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The ways to every value of a document. */
function* ways(value: unknown, way: (string | number)[] = []): Generator<(string | number)[]> {
  if (way.length > 0) yield way;
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    yield* ways((value as Record<string, unknown>)[key],
      [...way, Array.isArray(value) ? Number(key) : key]);
  }
}

const WAYS = [...ways(FULL)];
const ODD: Json[] = [
  null, true, -1, 0, 1, 1.5, 5, 4096, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300, '', 'x', 'lib', 'p',
  'p.*', 'p.9', 'j', 'm', '4k', '1', '16M', '1T', '0xffffffffffffffff', '0xfffffffffffff000',
  '18446744073709551615', '9s', 'rwx', [], {}, ['4k'], { vmo: 'lib' }, { size: '4k' }, 1028, 1031,
];

/** A document with a few of its values replaced, left out, or doubled. */
const broken = fc.array(fc.tuple(
  fc.nat(WAYS.length - 1), fc.constantFrom<'put' | 'drop' | 'double'>('put', 'drop', 'double'),
  fc.nat(ODD.length - 1),
), { minLength: 1, maxLength: 4 }).map((changes) => {
  const document = structuredClone(FULL) as unknown as Json;
  for (const [i, what, odd] of changes) {
    const way = WAYS[i]!;
    let at: Json | undefined = document;
    for (const key of way.slice(0, -1)) at = (at as Record<string, Json> | undefined)?.[key];
    if (typeof at !== 'object' || at === null) continue;
    const last = way.at(-1)!;
    if (Array.isArray(at)) {
      if (what === 'drop') at.splice(Number(last), 1);
      else if (what === 'double') at.push(structuredClone(at[Number(last)] ?? null));
      else at[Number(last)] = structuredClone(ODD[odd]!);
    } else if (what === 'drop') delete at[last];
    else at[last] = structuredClone(ODD[odd]!);
  }
  return document;
});

const STEPS_MAX = 500;

t.test('the full scenario runs to its end, by hand and by the clock alike', async (t) => {
  const byHand = await openScenario(FULL);
  byHand.finish();
  t.equal(byHand.doneSteps, byHand.totalSteps);
  const byClock = await openScenario(FULL);
  byClock.follow();
  byClock.system.advance(byHand.system.clock.nowNs);
  t.equal(byClock.dueNs, undefined);
  t.equal(byClock.system.core.digest(), byHand.system.core.digest());
  t.strictSame(byClock.system.kernelMemory(), byHand.system.kernelMemory());
  t.strictSame(byHand.system.core.audit(), []);
});

t.test('whatever is given runs or is refused in a sentence', async (t) => {
  let ran = 0;
  let refused = 0;
  await fc.assert(fc.asyncProperty(broken, async (document) => {
    try {
      const run = await openScenario(document as object);
      while (run.doneSteps < STEPS_MAX && run.next() !== undefined);
      ran += 1;
      return run.system.core.audit().length === 0;
    } catch (error) {
      refused += 1;
      if (error instanceof InputError) return /at \$|nested/.test(error.message);
      if (error instanceof ZxError) return /scenario at \$/.test(error.message);
      throw error;
    }
  }), { numRuns: runs(400, 20_000) });
  t.ok(ran > 10 && refused > 10, `${ran} ran, ${refused} were refused`);
});
