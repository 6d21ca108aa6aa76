/**
 * The runner: our own cases pass, so do the shared ones where they are; and it says what fails.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { sharedFiles, skipWithoutShared } from '../support/shared.js';
import { type Case, type Outcome, type Step, loadCases, report } from './cases.js';
import { runOnSystem } from './run.js';

const ownCases = fileURLToPath(new URL('../cases', import.meta.url));

const outcomesOf = async (path: string): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const one of loadCases(path)) outcomes.push(await runOnSystem(one));
  return outcomes;
};

const OLD_COPIES = 'copies that only the 2019-2023 tree makes';

t.test('our own cases pass, but for what only the old tree does', async (t) => {
  const outcomes = await outcomesOf(ownCases);
  const others = outcomes.filter((o) => o.result !== 'passed' && o.lacks !== OLD_COPIES);
  t.strictSame(others, [], report(outcomes));
  t.ok(outcomes.length > 25, 'and there are enough of them');
});

t.test('no shared case fails', { skip: skipWithoutShared }, async (t) => {
  for (const file of sharedFiles('cases', /\.json$/)) {
    const outcomes = await outcomesOf(file);
    t.strictSame(outcomes.filter((o) => o.result === 'failed'), [], file.split('/').at(-1)!);
    if (/clone2_(old|new)/.test(file)) {
      t.strictSame(outcomes.filter((o) => o.result === 'skipped'), [], 'and none is skipped');
    }
  }
});

const made = (...steps: Step[]): Case =>
  ({ file: 'made.json', name: 'made', source: '', rule: 'both', steps });

t.test('a case that does not hold fails with step, expected and got', async (t) => {
  const outcome = await runOnSystem(made(
    { op: 'vmo_create', out: 'v', pages: 1 },
    { op: 'write', vmo: 'v', page: 0, value: 7 },
    { op: 'read', vmo: 'v', page: 0, expect: 8 },
  ));
  t.match(outcome, { result: 'failed', step: 2, op: 'read', expected: '8', got: '7' });
});

t.test('a wrong status, and an unexpected one, fail', async (t) => {
  const wrong = await runOnSystem(made(
    { op: 'vmo_create', out: 'v', pages: 1 },
    { op: 'expect_error', of: { op: 'set_size', vmo: 'v', bytes: 1 }, error: 'ZX_ERR_NO_MEMORY' },
  ));
  t.match(wrong, { result: 'failed', expected: 'ZX_ERR_NO_MEMORY', got: 'ZX_ERR_UNAVAILABLE' });
  const none = await runOnSystem(made(
    { op: 'expect_error', of: { op: 'vmo_create', out: 'v', pages: 1 }, error: 'ZX_ERR_NO_MEMORY' },
  ));
  t.match(none, { result: 'failed', got: 'ZX_OK' });
  const refused = await runOnSystem(made(
    { op: 'vmo_create', out: 'v', pages: 1 }, { op: 'set_size', vmo: 'v', bytes: 1 },
  ));
  t.match(refused, { result: 'failed', expected: 'success', got: /ZX_ERR_UNAVAILABLE/ });
});

t.test('what cannot be done is skipped by name', async (t) => {
  const outcome = await runOnSystem(made({ op: 'arch_protect' }));
  t.match(outcome, { result: 'skipped', lacks: 'a bare page table' });
});

t.test('the command prints the count, writes JSON, and its exit status tells', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'conformance-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const hook = fileURLToPath(new URL('../../scripts/ts-hook.mjs', import.meta.url));
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const env = { ...process.env, NODE_OPTIONS: '' };
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', hook, main, ...args], { encoding: 'utf8', env });
  const good = { name: 'good', rule: 'both', steps: [{ op: 'vmo_create', out: 'v', pages: 1 }] };
  const step = { op: 'vmo_create', out: 'v', size_bytes: -1 };
  const bad = { name: 'bad', rule: 'both', steps: [step] };
  writeFileSync(join(dir, 'a.json'), JSON.stringify([good]));
  const json = join(dir, 'out.txt');
  const passed = run(dir, '--json', json);
  t.match(passed, { status: 0, stdout: '1 passed, 0 failed, 0 skipped\n' });
  const written: unknown = JSON.parse(readFileSync(json, 'utf8'));
  t.strictSame(written, [{ file: 'a.json', case: 'good', result: 'passed' }]);
  writeFileSync(join(dir, 'b.json'), JSON.stringify([bad]));
  const failed = run(dir);
  t.equal(failed.status, 1);
  t.match(failed.stdout, /^failed {2}b\.json: bad: step 0 \(vmo_create\): expected .*, got .*$/m);
  writeFileSync(join(dir, 'c.json'), '[{"name": "torn"');
  t.match(run(dir), { status: 1, stdout: '', stderr: /^c\.json: .*expected a JSON array/ });
  t.match(run(join(dir, 'nowhere')), { status: 1, stdout: '' });
  t.equal(run('--wrong').status, 2);
  t.end();
});
