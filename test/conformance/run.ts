/**
 * Runs conformance cases on fresh systems, through the tables of operations.
 */
import { archActions } from './arch.js';
import { Bench, type Action } from './bench.js';
import { type Case, Lacking, type Outcome, type Step, runCase } from './cases.js';
import { expectActions, expectError } from './expectations.js';
import { withOldTree } from './old-copies.js';
import { expectRequest, pagerActions } from './pager.js';
import { pmmActions } from './pmm.js';
import { queueActions } from './queues.js';
import { regionActions } from './regions.js';
import { taskActions } from './tasks.js';
import { text } from './values.js';
import { vmarActions } from './vmar.js';
import { vmoActions } from './vmo.js';

const actions: Readonly<Record<string, Action>> = {
  ...vmoActions, ...pagerActions, ...vmarActions, ...taskActions, ...regionActions,
  ...queueActions, ...pmmActions, ...archActions,
  ...expectActions,
};

/** Groups of operations by the first part of their name, and what they need. */
const PREFIXES: readonly [string, string][] = [
  ['region_', 'a bare region list'],
  ['arch_', 'a bare page table'],
];

const capability = (op: string): string =>
  PREFIXES.find(([prefix]) => op.startsWith(prefix))?.[1] ?? `the operation ${op}`;

const perform = async (bench: Bench, step: Step): Promise<void> => {
  if (step.op === 'expect_error') {
    return expectError(bench, text(step, 'error'), () => perform(bench, step['of'] as Step));
  }
  if (step.op === 'pager_expect_request_on') {
    return expectRequest(bench, step, (trigger) => perform(bench, trigger));
  }
  const action = actions[step.op];
  if (action === undefined) throw new Lacking(capability(step.op));
  await action(bench, step);
};

/** Runs one case on a fresh system. */
export const runOnSystem = (one: Case): Promise<Outcome> => {
  const bench = new Bench(one.rule);
  const pages = (): number => bench.objectFrames() - bench.framesAtStart;
  return runCase(one, withOldTree(one, (step) => perform(bench, step), pages));
};
