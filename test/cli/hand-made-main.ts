/**
 * The `memsim` command on hand-made systems, for tests of a real process: `boot`, `many` (100,000
 * processes), `broken` (a mistake of ours) and `late` (one that no promise leads back to).
 */

import type { CliSystem } from '../../src/cli/context.js';
import { runProcess } from '../../src/cli/world.js';
import { type SystemSpec, makeTables } from '../views/make-tables.js';
import { BOOT } from '../views/samples.js';

const MANY: SystemSpec = {
  tasks: Array.from({ length: 100_000 }, (_, koid) =>
    ({ type: 'p', koid, parent: 0, depth: 0, name: `process ${koid}`, pss: 4096n }) as const),
};

function system(spec: SystemSpec): CliSystem {
  return {
    defaultPolicy: 'classic',
    defaultReach: 'committed',
    notes: [],
    account: () => Promise.resolve(makeTables(spec)),
    page: () => Promise.reject(new Error('hand-made tables have no pages')),
  };
}

await runProcess((spec) => {
  if (spec === 'broken') throw new TypeError('x is undefined');
  if (spec === 'late') {
    setImmediate(() => {
      throw new TypeError('y is undefined');
    });
    return new Promise(() => undefined);
  }
  return Promise.resolve(system(spec === 'many' ? MANY : BOOT));
}, () => Promise.reject(new Error('hand-made systems have no scenario')));
