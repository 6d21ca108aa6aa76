/**
 * A failing program becomes small, keeps its meaning, and can be said as a conformance case.
 */
import fc from 'fast-check';
import t from 'tap';
import { runCase, type Case } from '../conformance/cases.js';
import { runOnSystem } from '../conformance/run.js';
import { asCase } from './as-case.js';
import { runBoth } from './law.js';
import { OnModel } from './on-model.js';
import { ALL, programs } from './program.js';
import { named, shrink } from './shrink.js';

const some = fc.sample(programs(120, ALL, 100), { numRuns: 20, seed: 3 });

t.test('a program with names does what the drawn one does', async (t) => {
  for (const program of some) {
    const wrong = await runBoth(named(program), 'release', () => []);
    t.strictSame(wrong, [], 'and still does it on both');
    const [a, b] = [program, named(program)].map((one) => {
      const model = new OnModel();
      return one.flatMap((raw, at) => {
        const op = model.settle(raw);
        if (op === undefined) return [];
        const { status } = model.apply(op);
        model.nameNew(raw.step ?? at);
        return [`${op.kind} ${status}`];
      });
    });
    t.strictSame(b, a, 'with the same statuses');
  }
});

t.test('what fails becomes as small as it can, and a case', async (t) => {
  const isForked = async (program: readonly unknown[]): Promise<boolean> => {
    const model = new OnModel();
    for (const [at, raw] of (program as (typeof some)[0]).entries()) {
      const op = model.settle(raw);
      if (op !== undefined) model.apply(op);
      model.nameNew(raw.step ?? at);
    }
    return model.made.some((vmo) => vmo.isCow && vmo.tree.slots.size > 0);
  };
  const found = await Promise.all(some.map(async (one) => ({ one, fails: await isForked(one) })));
  const program = found.find(({ fails }) => fails)?.one ?? [];
  const small = await shrink(program, isForked);
  t.ok(small.length <= 4, `${program.length} operations became ${small.length}`);
  const text = asCase(small, 'small');
  const one = { file: 'made.json', source: '', ...JSON.parse(text) as object } as Case;
  t.match(await runOnSystem(one), { result: 'passed' }, text);
  t.match(await runCase(one, () => undefined), { result: 'passed' });
});
