/**
 * Looking changes nothing: a program with a pass every few steps and the same program without one
 * end in the same state, with the same frames in use and the same errors on the way; and nothing
 * changes while somebody looks.
 */
import t from 'tap';
import { ZxError, newSystem } from '../support/api.js';
import { PASSES, tablesText } from './compare.js';
import { law } from './law.js';
import { OnModel } from './on-model.js';
import { OnSystem } from './on-system.js';
import type { Op } from './operation.js';
import { ALL } from './program.js';

/** What a program left behind: errors on the way, digest, frames by state. */
const traceOf = async (program: readonly Op[], lookEvery: number): Promise<string[]> => {
  const model = new OnModel();
  const system = new OnSystem();
  const { core } = system.system;
  const trace: string[] = [];
  for (const [step, raw] of program.entries()) {
    const op = model.settle(raw);
    if (op !== undefined) {
      model.apply(op);
      trace.push(system.apply(op).status);
    }
    if (lookEvery > 0 && step % lookEvery === 0) {
      await system.system.account(PASSES[(step / lookEvery) % PASSES.length]!);
    }
    trace.push(core.digest());
  }
  for (let state = 0; state < 12; state++) trace.push(String(core.pagesInState(state)));
  for (const pass of PASSES) trace.push(tablesText(await system.system.account(pass)));
  return trace;
};

t.test('looking changes nothing', (t) => law(
  t, 'same errors, digests, frames and figures with and without passes',
  { usual: 250, long: 20_000, length: 80, mix: ALL },
  async (program) => {
    const [plain, looked] = [await traceOf(program, 0), await traceOf(program, 3)];
    const at = plain.findIndex((line, i) => line !== looked[i]);
    const [a, b] = [plain, looked].map((trace) => String(trace[at]).slice(0, 200));
    return at < 0 ? [] : [`entry ${at}: ${a}`, `with passes: ${b}`];
  },
));

t.test('a call that would change the system during a pass is told to wait', async (t) => {
  const system = newSystem();
  const vmo = system.createVmo(16 * 4096, 2);
  vmo.write(0, Uint8Array.of(1));
  const process = system.rootJob.createProcess('p');
  const base = process.rootVmar.map(3, 0, vmo, 0, 16 * 4096);
  const before = system.core.digest();
  const pass = system.account({ policy: 'exact' });
  const changes: Record<string, () => unknown> = {
    'createVmo': () => system.createVmo(4096),
    'write': () => vmo.write(0, Uint8Array.of(2)),
    'setSize': () => vmo.setSize(4096),
    'commit': () => vmo.opRange(1, 0, 4096),
    'createChild': () => vmo.createChild(1, 0, 4096),
    'map': () => process.rootVmar.map(3, 0, vmo, 0, 4096),
    'unmap': () => process.rootVmar.unmap(base, 4096),
    'protect': () => process.rootVmar.protect(1, base, 4096),
    'touch': () => process.touch(base, 4096, 1),
    'process.write': () => process.write(base, Uint8Array.of(3)),
    'kill': () => process.kill(),
    'close': () => vmo.close(),
    'createProcess': () => system.rootJob.createProcess('q'),
  };
  for (const [name, change] of Object.entries(changes)) {
    try {
      change();
      t.fail(`${name} went through during a pass`);
    } catch (error) {
      t.equal(error instanceof ZxError && error.status, 'ZX_ERR_SHOULD_WAIT', name);
    }
  }
  t.equal(vmo.read(0, 1)[0], 1, 'reading a VMO changes nothing and is allowed');
  await system.account({ policy: 'classic' }).then(
    () => t.fail('a second pass began during the first'),
    (error: ZxError) => t.equal(error.status, 'ZX_ERR_SHOULD_WAIT', 'a second pass'),
  );
  await pass;
  t.equal(system.core.digest(), before, 'nothing has changed');
  vmo.write(0, Uint8Array.of(2));
  t.equal(vmo.read(0, 1)[0], 2, 'afterwards it goes through');
});
