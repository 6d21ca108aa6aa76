/**
 * Scenarios: what the schema lets through and what it refuses, each kind of step by its effect,
 * time, groups, and the embedded systems.
 */
import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Validator, type Schema } from '@cfworker/json-schema';
import t from 'tap';
import { toScenario } from '../../src/import/scenario/read.js';
import type { Scenario } from '../../src/import/scenario/schema.js';
import { sizeBytes, timeNs } from '../../src/import/scenario/values.js';
import {
  CoreVmoKind, InputError, ObjectType, openScenario, openSystem, System, Topic, VmoOp, ZxError,
} from '../../src/index.js';
import { walkProcesses } from '../../src/objects/walk.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'memsim-scenario-'));
t.teardown(() => { rmSync(folder, { recursive: true, force: true }); });

/** A scenario with some steps, on a server with 16 pages of data. */
const scenario = (...steps: unknown[]): Scenario => toScenario({
  scenario: 1,
  system: { memory: '16M' },
  vmos: [{ id: 'lib', name: 'lib', size: '64k', commit: '64k' }, { id: 'spare', size: '8k' }],
  processes: [{
    id: 'server', name: 'server', threads: [{ id: 'main', name: 'main' }],
    maps: [
      { id: 'data', vmo: { id: 'heap', name: 'heap', size: '64k' }, touch: '16k' },
      { id: 'text', vmo: 'lib', perms: 'rx' },
    ],
    vmars: [{ id: 'area', size: '1M' }],
  }],
  steps,
}, 'test');

/** Runs a scenario to its end. */
const ran = async (...steps: unknown[]): Promise<System> => {
  const run = await openScenario(scenario(...steps));
  run.finish();
  return run.system;
};

const processes = (system: System): string[] =>
  [...walkProcesses(system.rootJob.object)].filter((process) => process.isAlive)
    .map(({ name }) => name);

/** Pages of the VMO of a name. */
const pagesOf = (system: System, name: string): number =>
  [...system.vmos].find((vmo) => vmo.name === name)?.ownPages ?? -1;

/** What a scenario is refused with. */
const refusal = async (value: unknown): Promise<string> => {
  try {
    (await openScenario(value as Scenario)).finish();
    return 'nothing';
  } catch (error) {
    if (error instanceof InputError || error instanceof ZxError) return error.message;
    throw error;
  }
};

t.test('sizes and times are read as they are written', async (t) => {
  const sizes: [string | number, bigint | undefined][] = [
    [4096, 4096n], ['4096', 4096n], ['16k', 16384n], ['2K', 2048n], ['1.5M', 1572864n],
    ['1G', 1n << 30n], ['3T', 3n << 40n], ['0x1000', 4096n],
    ['0xffffffffffffffff', (1n << 64n) - 1n], ['18446744073709551616', undefined],
    ['0.001k', undefined],
  ];
  for (const [text, bytes] of sizes) t.equal(sizeBytes(text), bytes, String(text));
  const times: [string, bigint][] = [
    ['5ns', 5n], ['3us', 3000n], ['250ms', 250_000_000n], ['1.5s', 1_500_000_000n],
    ['2min', 120_000_000_000n], ['1h', 3_600_000_000_000n],
  ];
  for (const [text, ns] of times) t.equal(timeNs(text), ns, text);
});

t.test('what is no scenario is refused with its JSON path', async (t) => {
  const base = { scenario: 1 };
  const cases: [unknown, string][] = [
    [{}, 'found nothing at $.scenario, expected a value: it cannot be left out'],
    [{ scenario: 2 }, 'found 2 at $.scenario, expected 1'],
    [5, 'found 5 at $, expected an object'],
    [{ ...base, vmo: [] }, 'found "vmo" at $, expected no such key'],
    [{ ...base, vmos: {} }, 'found {} at $.vmos, expected a list'],
    [{ ...base, vmos: [{ size: '4q' }] },
      'found "4q" at $.vmos[0].size, expected a size in bytes, such as 4096, "16k", "2M" or '
      + '"0x1000"'],
    [{ ...base, vmos: [{ size: '99999999999999999999' }] },
      'found "99999999999999999999" at $.vmos[0].size, expected a whole number of bytes'],
    [{ ...base, vmos: [{ name: 'x' }] },
      'found {"name":"x"} at $.vmos[0], expected a VMO with a "size"'],
    [{ ...base, vmos: [{ size: 1, kind: 'odd' }] },
      'found "odd" at $.vmos[0].kind, expected "anonymous", "contiguous", "physical", "file"'],
    [{ ...base, processes: [{ maps: [{ vmo: { sise: 1 } }] }] },
      'found "sise" at $.processes[0].maps[0].vmo, expected no such key'],
    [{ ...base, processes: [{ maps: [{ vmo: 'x' }] }] },
      'found "x" at $.processes[0].maps[0].vmo, expected an id, and nothing in the scenario has '
      + 'one'],
    [{ ...base, vmos: [{ id: 'a', size: 1 }], processes: [{ maps: [{ vmo: 'x' }] }] },
      'found "x" at $.processes[0].maps[0].vmo, expected an id of the scenario: a'],
    [{ ...base, jobs: [{ jobs: [{ koid: -1 }] }] },
      'found -1 at $.jobs[0].jobs[0].koid, expected a number from 1'],
    [{ ...base, steps: [{ do: 'dance' }] }, 'found "dance" at $.steps[0].do, expected "wait"'],
    [{ ...base, steps: [{ do: 'wait', for: 'soon' }] },
      'found "soon" at $.steps[0].for, expected a time, such as "250ms" or "1.5s"'],
    [{ ...base, steps: [{ do: 'wait', for: '2s' }, { do: 'note', at: '1s', text: '' }] },
      'found "1s" at $.steps[1].at, expected a time from 2s on'],
    [{ ...base, steps: [{ do: 'repeat', times: 2, steps: [{ do: 'note', at: '1s', text: '' }] }] },
      'found "1s" at $.steps[0].steps[0].at, expected no "at" in what is repeated'],
    [{ ...base, steps: [{ do: 'repeat', times: 2, steps: [] }] },
      'found [] at $.steps[0].steps, expected at least one step'],
    [{ ...base, system: { memory: '5k' } }, 'ZX_ERR_INVALID_ARGS: scenario at $.system: memoryB'],
    [{ ...base, kernel: { wired: 5 } }, 'found 5 at $.kernel.wired, expected a multiple of 4096'],
    [{ ...base, system: { memory: '1M' }, vmos: [{ size: '2M', commit: '2M' }] },
      'ZX_ERR_NO_MEMORY: scenario at $.vmos[0]: no memory'],
    [{ ...base, vmos: [{ size: 1, koid: 1024 }] },
      'ZX_ERR_ALREADY_EXISTS: scenario at $.vmos[0]: koid 1024 was given before'],
    [{ ...base, processes: [{ times: 2, koid: 2000 }] },
      'found 2000 at $.processes[0].koid, expected no koid for many'],
  ];
  for (const [value, words] of cases) {
    const said = await refusal(value);
    t.ok(said.replace(/^scenario: /, '').startsWith(words), said);
  }
});

t.test('what is nested without end is refused', async (t) => {
  for (const [key, leaf] of [['jobs', '{}'], ['steps', '{"do":"note","text":""}']] as const) {
    const open = key === 'jobs' ? '{"jobs":[' : '{"do":"repeat","times":1,"steps":[';
    for (const times of [300, 100_000]) {
      const text = `{"scenario":1,"${key}":[${open.repeat(times)}${leaf}${']}'.repeat(times)}]}`;
      t.equal(await refusal(JSON.parse(text)),
        'scenario: found values nested too deeply, expected at most 512 levels');
    }
  }
});

t.test('a scenario may have very many steps, and name things by koid in each', async (t) => {
  const many = await openScenario({
    scenario: 1, system: { memory: '256M' },
    processes: [{ name: 'p', times: 10_000 }, { name: 'last', koid: 50_000 }],
    vmos: [{ koid: 60_000, size: '4k' }],
    steps: Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0
      ? { do: 'op', op: 'commit', vmo: 60_000 }
      : { do: 'objects', process: 50_000, make: 'event' })),
  });
  const beganMs = Date.now();
  many.finish();
  t.equal(many.doneSteps, 200_000);
  t.ok(Date.now() - beganMs < 20_000, 'a walk over all processes for each would take minutes');
  const [process] = [...walkProcesses(many.system.rootJob.object)].filter(({ name }) =>
    name === 'last');
  t.equal(process?.handles.size, 100_000);
});

t.test('a koid that died is not found, and its name stands for nothing', async (t) => {
  t.match(await refusal({
    scenario: 1, processes: [{ name: 'p', koid: 5000 }],
    steps: [
      { do: 'objects', process: 5000, make: 'event' }, { do: 'kill', task: 5000 },
      { do: 'objects', process: 5000, make: 'event' },
    ],
  }), /\$\.steps\[2\]\.process, expected a process/);
});

t.test('a file that is broken names itself and its line', async (t) => {
  const file = join(folder, 'torn.scenario.json');
  writeFileSync(file, '{ "scenario": 1,\n "vmos": [\n');
  await t.rejects(openSystem(file), { name: 'InputError', file, line: 3 });
  await t.rejects(openScenario(join(folder, 'none.scenario.json')), { name: 'InputError' });
});

t.test('a scenario is told by its name and by its content', async (t) => {
  const text = JSON.stringify({ about: 'x', scenario: 1, processes: [{ name: 'one' }] });
  for (const name of ['a.scenario.json', 'b.json', 'c']) {
    const file = join(folder, name);
    writeFileSync(file, text);
    t.strictSame(processes(await System.open(file)), ['one'], name);
  }
});

t.test('memory: mappings, touches, writes, operations, sizes', async (t) => {
  const system = await ran(
    { do: 'touch', process: 'server', map: 'data', ranges: [{ offset: '32k', size: '8k' }] },
    { do: 'create-vmo', id: 'grows', name: 'grows', size: '4k', resizable: true },
    { do: 'resize', vmo: 'grows', size: '32k' },
    { do: 'op', vmo: 'grows', op: 'commit', offset: '4k', size: '12k' },
    { do: 'op', vmo: 'grows', op: 'decommit', offset: '12k' },
    { do: 'map', process: 'server', vmo: 'grows', id: 'g', vmar: 'area', address: '0x7000000',
      fails: 'ZX_ERR_INVALID_ARGS' },
    { do: 'map', process: 'server', vmo: 'grows', id: 'g', vmar: 'area' },
    { do: 'write', process: 'server', map: 'g', offset: '16k', text: 'hello' },
    { do: 'write', vmo: 'grows', offset: '16389', text: ' world' },
    { do: 'protect', process: 'server', map: 'g', perms: 'r', size: '4k' },
    { do: 'touch', process: 'server', map: 'g', ranges: '1', fails: 'ZX_ERR_ACCESS_DENIED' },
    { do: 'touch', process: 'server', map: 'g', ranges: '1', access: 'read' },
    { do: 'unmap', process: 'server', map: 'text' },
  );
  t.equal(pagesOf(system, 'heap'), 6);
  t.equal(pagesOf(system, 'grows'), 3, 'two committed, one written');
  t.equal(pagesOf(system, 'lib'), -1, 'nobody maps or holds it any more: it is gone');
  const process = [...walkProcesses(system.rootJob.object)][0]!;
  const vmo = [...system.vmos].find(({ name }) => name === 'grows')!;
  t.equal(vmo.numMappings, 1);
  t.equal(vmo.handleCount, 0, 'the scenario gave its own handle up');
  t.equal(process.rootVmar.object.regions.find(process.rootVmar.object.basePage) !== undefined,
    true);
});

t.test('VMOs: every kind, and every kind of child', async (t) => {
  const kinds = ['snapshot', 'at-least-on-write', 'slice', 'reference'];
  const system = await ran(
    { do: 'create-vmo', name: 'run', size: '16k', kind: 'contiguous' },
    { do: 'create-vmo', name: 'device', size: '16k', kind: 'physical',
      physicalAddress: '0xfed00000' },
    { do: 'create-vmo', name: 'file', size: '16k', kind: 'file' },
    { do: 'create-vmo', name: 'purge', size: '16k', discardable: true, cache: 'cached' },
    { do: 'create-vmo', name: 'kernel', size: '16k', kernel: true, write: [{ text: 'abc' }] },
    ...kinds.map((kind) => ({ do: 'create-vmo', name: kind, clone: { of: 'lib', kind } })),
    { do: 'create-vmo', name: 'never', clone: { of: 'lib', noWrite: true } },
    { do: 'create-vmo', name: 'part', size: '8k', clone: { of: 'lib', offset: '4k' } },
  );
  const vmo = (name: string): { [key: string]: unknown } =>
    [...system.vmos].find((one) => one.name === name) as unknown as { [key: string]: unknown };
  t.equal(pagesOf(system, 'run'), 4);
  t.equal(vmo('device')['physicalAddress'], 0xfed00000n);
  t.equal((vmo('file')['tree'] as { kind: number }).kind, CoreVmoKind.FILE);
  t.not(vmo('purge')['discardable'], undefined);
  t.strictSame([vmo('kernel')['koid'], pagesOf(system, 'kernel')], [0, 1]);
  t.equal(vmo('snapshot')['role'], 'snapshot');
  t.equal(vmo('slice')['role'], 'slice');
  t.equal(vmo('reference')['role'], 'reference');
  t.equal(vmo('never')['immutable'], true);
  t.equal(vmo('part')['sizePages'], 2);
});

t.test('jobs, processes, threads, forks and their ends', async (t) => {
  const system = await ran(
    { do: 'create-job', id: 'apps', name: 'apps', killOnOom: true,
      policy: [{ condition: 'NEW_EVENT', action: 'DENY' }] },
    { do: 'create-process', id: 'app', job: 'apps', name: 'app', times: 3,
      maps: [{ id: 'own', vmo: { id: 'ownvmo', name: 'own', size: '4k' } }] },
    { do: 'touch', process: 'app.*', map: 'own' },
    { do: 'objects', process: 'app.1', make: 'event', fails: 'ZX_ERR_ACCESS_DENIED' },
    { do: 'op', vmo: 'ownvmo.2', op: 'decommit' },
    { do: 'kill', task: 'app.3' },
    { do: 'fork', id: 'copy', process: 'server', times: 2 },
    { do: 'fork', id: 'last', process: 'server', name: 'last' },
    { do: 'touch', process: 'copy.*', map: 'data', ranges: '4k' },
    { do: 'thread', thread: 'main', state: 'blocked' },
    { do: 'thread', thread: 'main', state: 'suspended' },
  );
  t.strictSame(processes(system), ['server', 'server', 'server', 'last', 'app', 'app']);
  const owns = [...system.vmos].filter(({ name }) => name === 'own');
  t.strictSame(owns.map(({ ownPages }) => ownPages), [1, 0]);
  const [server] = walkProcesses(system.rootJob.object);
  t.strictSame([...server!.threads].map(({ state }) => state), [2]);
  t.equal(pagesOf(system, 'heap'), 4);
  const stopped = await ran(
    { do: 'thread', thread: 'main', state: 'exception' },
    { do: 'thread', thread: 'main', state: 'blocked' },
    { do: 'thread', thread: 'main', state: 'dying' },
    { do: 'thread', thread: 'main', state: 'exception' },
  );
  const [stoppedServer] = walkProcesses(stopped.rootJob.object);
  const [main] = stoppedServer!.threads;
  t.match(main, { state: 4, exception: 3 });
  await t.rejects(ran({ do: 'thread', thread: 'main', state: 'dying' },
    { do: 'thread', thread: 'main', state: 'running' }), /this thread is dying/);
  const ended = await ran({ do: 'thread', thread: 'main', state: 'dead' });
  t.strictSame(processes(ended), [], 'the last thread takes its process along');
});

t.test('a VMO that a step makes in each process of a group is a group', async (t) => {
  const system = await ran(
    { do: 'create-process', id: 'app', name: 'app', times: 3 },
    { do: 'map', process: 'app.*', vmo: { id: 'each', name: 'each', size: '8k' } },
    { do: 'op', vmo: 'each.2', op: 'commit' },
    { do: 'handle', process: 'app.*', vmo: { id: 'held', name: 'held', size: '8k' } },
    { do: 'op', vmo: 'held.*', op: 'commit' },
    { do: 'map', process: 'app.1', vmo: { id: 'each', name: 'again', size: '8k' } },
    { do: 'op', vmo: 'each', op: 'commit' },
  );
  const pages = (name: string): number[] =>
    [...system.vmos].filter((vmo) => vmo.name === name).map(({ ownPages }) => ownPages);
  t.strictSame([pages('each'), pages('held'), pages('again')], [[0, 2, 0], [2, 2, 2], [2]]);
});

t.test('what dies with its job leaves no handle of the scenario\'s behind', async (t) => {
  const handles = async (...steps: unknown[]): Promise<number> =>
    (await ran(...steps)).handleArena.open;
  t.equal(await handles(
    { do: 'create-job', id: 'above', name: 'above' },
    { do: 'create-job', id: 'apps', job: 'above', name: 'apps' },
    { do: 'create-process', id: 'app', job: 'apps', name: 'app', times: 3 },
    { do: 'kill', task: 'above' },
  ), await handles());
});

t.test('what is to die dies where no memory is left for a handle to it', async (t) => {
  const run = await openScenario(scenario(
    { do: 'create-job', id: 'apps', name: 'apps' },
    { do: 'create-process', id: 'app', job: 'apps', name: 'app' },
    { do: 'note', text: 'memory is taken' },
    { do: 'objects', process: 'app', make: 'event', times: 10_000, fails: 'ZX_ERR_NO_MEMORY' },
    { do: 'kill', task: 'apps' }, { do: 'kill', task: 'server' },
  ));
  while (run.doneSteps < 3) run.next();
  const { system } = run;
  const rest = system.createVmo(system.memoryBytes);
  for (let bytes = system.memoryBytes; bytes >= 4096; bytes /= 2) {
    for (let at = 0; at < system.memoryBytes; at += bytes) {
      try {
        rest.opRange(VmoOp.COMMIT, at, bytes);
      } catch (error) {
        if (!(error instanceof ZxError)) throw error;
      }
    }
  }
  t.equal(system.core.freePages, 0);
  run.finish();
  t.strictSame(processes(system), []);
});

t.test('handles, objects, messages', async (t) => {
  const made = ['channel', 'event', 'eventpair', 'port', 'socket', 'fifo', 'timer'];
  const system = await ran(
    { do: 'handle', process: 'server', vmo: 'lib', rights: 'r-xm--', times: 3 },
    ...made.map((make) => ({ do: 'objects', process: 'server', make, times: 2 })),
    { do: 'objects', process: 'server', make: 'channel', queued: { messages: 5, bytes: '64k' } },
    { do: 'close', vmo: 'spare' },
  );
  const [server] = walkProcesses(system.rootJob.object);
  const handles = [...server!.handles.values()];
  t.equal(handles.filter(({ object }) => object.type === ObjectType.VMO).length, 3);
  t.equal(handles.find(({ object }) => object.type === ObjectType.VMO)?.rights, 0b110100);
  t.equal(handles.length, 3 + 4 + 2 + 4 + 2 + 4 + 4 + 2 + 2);
  t.ok(system.kernelMemory().ipcBytes >= 5 * 65536);
  t.equal([...system.vmos].length, 2, 'the spare one is gone');
  const closed = await ran(
    { do: 'handle', process: 'server', vmo: { id: 'own', name: 'own', size: '4k' } },
    { do: 'close', vmo: 'own', process: 'server' },
  );
  t.equal(pagesOf(closed, 'own'), -1);
});

t.test('pins, and what the kernel takes back', async (t) => {
  const refused = await refusal(scenario(
    { do: 'pin', id: 'dma', vmo: 'lib', size: '8k' },
    { do: 'op', vmo: 'lib', op: 'decommit', size: '8k', fails: 'ZX_ERR_BAD_STATE' },
    { do: 'unpin', pin: 'dma' },
    { do: 'op', vmo: 'lib', op: 'decommit', size: '8k' },
    { do: 'unpin', pin: 'dma' },
  ));
  t.match(refused, /found "dma" at \$\.steps\[4\]\.pin/);
  const system = await ran(
    { do: 'reclaim', how: 'dedup-zero-pages', vmo: 'lib' },
    { do: 'write', vmo: 'heap', text: 'a'.repeat(4096) },
    { do: 'reclaim', how: 'compress', vmo: 'heap' },
    { do: 'create-vmo', name: 'cache', id: 'cache', size: '16k', discardable: true,
      commit: '16k' },
    { do: 'op', vmo: 'cache', op: 'lock' },
    { do: 'op', vmo: 'cache', op: 'unlock' },
    { do: 'reclaim', how: 'evict' },
    { do: 'reclaim', how: 'compress' },
    { do: 'reclaim', how: 'dedup-zero-pages', pages: 10 },
    { do: 'reclaim', how: 'evict', vmo: 'cache' },
  );
  t.equal(pagesOf(system, 'lib'), 0);
  t.equal(system.reclaim.compressedPages, 1);
  t.equal(pagesOf(system, 'cache'), 0);
});

t.test('time: what is due happens in order, at once or by the clock', async (t) => {
  const steps = [
    { do: 'touch', process: 'server', map: 'data', ranges: '20k' },
    { do: 'touch', at: '1s', process: 'server', map: 'data', ranges: '24k' },
    { do: 'repeat', at: '2s', times: 3, steps: [
      { do: 'op', vmo: 'spare', op: 'commit', size: '4k' },
      { do: 'wait', for: '500ms' },
      { do: 'op', vmo: 'spare', op: 'decommit' },
    ] },
    { do: 'touch', process: 'server', map: 'data', ranges: '28k' },
  ];
  const run = await openScenario(scenario(...steps));
  t.equal(run.totalSteps, 12);
  const seen: [string, number][] = [];
  for (let done = run.next(); done !== undefined; done = run.next()) {
    seen.push([done.step.do, Number(done.atNs / 1_000_000n)]);
  }
  t.strictSame(seen.map(([, ms]) => ms),
    [0, 1000, 2000, 2000, 2500, 2500, 2500, 3000, 3000, 3000, 3500, 3500]);
  t.equal(run.doneSteps, 12);

  const file = join(folder, 'clock.scenario.json');
  writeFileSync(file, JSON.stringify(scenario(...steps)));
  const system = await openSystem(file, { steps: 'clock' }) as System;
  const heap = (): number => pagesOf(system, 'heap');
  t.equal(heap(), 5);
  system.advance(999_999_999);
  t.equal(heap(), 5);
  system.advance(1);
  t.equal(heap(), 6);
  system.advance(10_000_000_000);
  t.equal(heap(), 7);
  t.equal(system.core.digest(), run.system.core.digest(), 'both ways lead to the same state');
});

t.test('a step that should be refused, and the other way round', async (t) => {
  t.match(await refusal(scenario({ do: 'op', vmo: 'lib', op: 'commit', fails: 'ZX_ERR_IO' })),
    /found "ZX_ERR_IO" at \$\.steps\[0\]\.fails, expected the status of the refusal/);
  t.match(await refusal(scenario({ do: 'op', vmo: 'lib', op: 'commit', size: '1M' })),
    /^ZX_ERR_OUT_OF_RANGE: scenario at \$\.steps\[0\]: /);
  const cases: [object, RegExp][] = [
    [{ do: 'touch', process: 'lib', map: 'data' }, /"lib" at \$\.steps\[0\]\.process, .* process/],
    [{ do: 'touch', process: 'server', map: 'lib' }, /\$\.steps\[0\]\.map, expected the id of a m/],
    [{ do: 'touch', process: 'server' }, /\$\.steps\[0\], expected either "map" or "address"/],
    [{ do: 'touch', process: 99, map: 'data' }, /found 99 at \$\.steps\[0\]\.process/],
    [{ do: 'map', process: 'server', vmo: 'lib', address: 4096 }, /expected an address from 0x/],
    [{ do: 'write', text: 'x' }, /either "vmo" or "process"/],
    [{ do: 'close', vmo: 'lib' }, /expected a VMO that only the scenario holds/],
    [{ do: 'fork', process: 'server.*', times: 1e7, fails: 'ZX_ERR_NO_MEMORY' }, /^nothing$/],
  ];
  for (const [step, words] of cases) t.match(await refusal(scenario(step)), words);
});

t.test('a process that cannot be made as described is not there', async (t) => {
  const system = await ran({
    do: 'create-process', name: 'half', fails: 'ZX_ERR_NO_MEMORY',
    maps: [{ vmo: { name: 'all', size: '64M' }, touch: '64M' }],
  });
  t.strictSame(processes(system), ['server']);
  t.equal(pagesOf(system, 'all'), -1);
});

t.test('the embedded systems are scenarios, and fit the published schema', async (t) => {
  const schema = JSON.parse(
    readFileSync(join(root, 'docs/scenario.schema.json'), 'utf8')) as Schema;
  const validator = new Validator(schema, '2020-12');
  for (const name of ['boot', 'page-vmaps', 'page-vmos']) {
    const file = join(root, `src/import/scenario/systems/${name}.scenario.json`);
    t.ok(validator.validate(JSON.parse(readFileSync(file, 'utf8'))).valid, name);
    const opened = await System.open(name);
    const read = await System.open(file);
    t.equal(opened.core.digest(), read.core.digest(), `${name} is its file`);
    t.equal(opened.rootJob.getInfo(Topic.HANDLE_BASIC).koid, 1028);
  }
  const whole = scenario({ do: 'wait', for: '1s' });
  t.ok(validator.validate(whole).valid);
  t.notOk(validator.validate({ ...whole, vmos: [{ sise: 1 }] }).valid);
});

t.test('the published schema is that of the program', async (t) => {
  const path = '../../scripts/scenario-schema.mjs';
  const { schemaText } = await import(path) as { schemaText: () => string };
  t.equal(readFileSync(join(root, 'docs/scenario.schema.json'), 'utf8'), schemaText(),
    'else: npm run build && node scripts/scenario-schema.mjs');
});
