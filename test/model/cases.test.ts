/**
 * The model is trusted because it reproduces the numbers of the conformance cases: our own, and the
 * shared ones where they lie beside the repository.
 */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadCases, report } from '../conformance/cases.js';
import { sharedPath } from '../support/shared.js';
import { runOnModel } from './interpreter.js';

const folders = [fileURLToPath(new URL('../cases', import.meta.url))];
const shared = sharedPath('cases');
if (shared) folders.push(shared);

for (const folder of folders) {
  const name = folder === shared ? '../shared/cases' : 'test/cases';
  t.test(`the model fails no case of ${name}`, async (t) => {
    const outcomes = await Promise.all(loadCases(folder).map(runOnModel));
    const failed = outcomes.filter((o) => o.result === 'failed');
    t.strictSame(failed, [], report(failed));
    t.ok(outcomes.some((o) => o.result === 'passed'), 'and runs some');
  });
}
