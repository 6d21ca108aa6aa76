/**
 * The systems that come with the program: scenario files beside this one.
 */

import { readFileSync } from 'node:fs';
import { toScenario } from './read.js';
import type { Scenario } from './schema.js';

/** Names of the embedded systems. */
export const EMBEDDED_SYSTEMS = ['boot', 'page-vmaps', 'page-vmos'] as const;
/** Name of an embedded system. */
export type EmbeddedSystem = (typeof EMBEDDED_SYSTEMS)[number];

/** Whether a SPEC names an embedded system. */
export function isEmbedded(spec: string): spec is EmbeddedSystem {
  return EMBEDDED_SYSTEMS.some((name) => name === spec);
}

/** The scenario of an embedded system. */
export function embeddedScenario(name: EmbeddedSystem): Scenario {
  const file = new URL(`./systems/${name}.scenario.json`, import.meta.url);
  return toScenario(JSON.parse(readFileSync(file, 'utf8')), name);
}
