/**
 * Random programs on whole systems: after each step the core's own audit (may-be-shared masks,
 * counts, references, entries) finds nothing, looking changes nothing, and closing everything
 * gives every page back.
 */

import * as fc from 'fast-check';
import t from 'tap';
import type { Policy, Reach } from '../../src/accounting/tables.js';
import { System } from '../../src/system.js';
import { runs } from '../support/long.js';
import { checkFigures } from './by-frame.js';
import { P, programs, Stepper, type Step } from './random-steps.js';

const POLICIES: [Policy, Reach][] = [
  ['exact', 'committed'], ['exact', 'present'], ['classic', 'committed'],
  ['attributed', 'committed'], ['mapcount', 'present'],
];
const PLENTY = 20000;
const TIGHT = 400;

type Variant = 'release' | 'debug';

function boot(pages: number, variant: Variant): System {
  return System.boot({ memoryBytes: pages * P, variant });
}

function sound(system: System, step: Step, outcome: string): void {
  const found = system.core.audit();
  if (found.length > 0) throw new Error(`after ${step.kind} (${outcome}): ${found.join()}`);
}

/** Runs a program; every refused step has to leave the digest as it was. */
function run(program: readonly Step[], pages: number, variant: Variant): string {
  const system = boot(pages, variant);
  const before = system.core.freePages;
  const stepper = new Stepper(system);
  for (const step of program) {
    const digest = system.core.digest();
    const outcome = stepper.take(step);
    sound(system, step, outcome);
    if (outcome !== 'ok' && system.core.digest() !== digest) {
      throw new Error(`${step.kind} was refused with ${outcome}, and changed the system`);
    }
  }
  const digest = system.core.digest();
  stepper.closeAll(program.length);
  const left = system.core.audit();
  if (left.length > 0) throw new Error(`after closing: ${left.join()}`);
  const { freePages } = system.core;
  if (freePages !== before || system.vmos.size > 0 || system.trees.size > 0) {
    throw new Error(`${before - freePages} pages, ${system.vmos.size} VMOs are left after closing`);
  }
  return digest;
}

/** The same with a pass every few steps: the same digests, free pages, refusals. */
async function runWatched(program: readonly Step[], every: number): Promise<void> {
  const plain = boot(PLENTY, 'release');
  const watched = boot(PLENTY, 'release');
  const steppers = [new Stepper(plain), new Stepper(watched)] as const;
  for (const [i, step] of program.entries()) {
    const outcomes = steppers.map((stepper) => stepper.take(step));
    if (outcomes[0] !== outcomes[1]) throw new Error(`${step.kind}: ${outcomes.join(' or ')}`);
    if (i % every === every - 1) {
      for (const [policy, reach] of POLICIES) {
        const tables = await watched.account({ policy, reach });
        checkFigures(watched, tables);
        sound(watched, step, `watched under ${policy}`);
      }
    }
    const same = plain.core.digest() === watched.core.digest()
      && plain.core.freePages === watched.core.freePages;
    if (!same) throw new Error(`looking changed something, seen after ${step.kind}`);
  }
}

t.test('every invariant of the core holds after every step', async (t) => {
  fc.assert(
    fc.property(programs(80), (list) => void run(list, PLENTY, 'release')),
    { numRuns: runs(400, 20000) },
  );
  t.pass();
});

t.test('the same where memory runs out', async (t) => {
  fc.assert(
    fc.property(programs(80), (list) => void run(list, TIGHT, 'release')),
    { numRuns: runs(200, 10000) },
  );
  t.pass();
});

t.test('the debug build agrees, and no assert of it trips', async (t) => {
  fc.assert(
    fc.property(programs(60), fc.boolean(), (list, tight) => {
      const pages = tight ? TIGHT : PLENTY;
      const digests = (['release', 'debug'] as const).map((variant) => run(list, pages, variant));
      if (digests[0] !== digests[1]) throw new Error('debug and release have different digests');
    }),
    { numRuns: runs(80, 4000) },
  );
  t.pass();
});

t.test('looking changes nothing, and every policy agrees with a count frame by frame',
  async (t) => {
  await fc.assert(
    fc.asyncProperty(programs(60), fc.integer({ min: 3, max: 12 }), runWatched),
    { numRuns: runs(120, 5000) },
  );
  t.pass();
});
