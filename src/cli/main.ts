#!/usr/bin/env node
/**
 * The `memsim` command. The systems are loaded when a command needs one: help and usage errors
 * answer at once.
 */

import { runProcess } from './world.js';

await runProcess(async (spec, options) => {
  const { openSystem } = await import('../system.js');
  return openSystem(spec, options);
}, async (spec) => {
  const { openScenario } = await import('../system.js');
  return openScenario(spec);
});
