/**
 * The kernel console's timers in a shell: `pmm free`, `zx mwd` and `zx hwd` report each second of
 * the live system's time, until the same command is typed again.
 *
 * I1. A timer reports only while `run` lets time pass; with an option, such as --json, its command
 *     is one report as everywhere else.
 */

import { handleDropText, handleWatchText, hogRows, hogsText } from '../../views/zx/watchdogs.js';
import { freeText } from '../../views/zx/memory.js';
import type { CliSystem } from '../context.js';
import { HANDLES_LIMIT, HOG_LIMIT_MIB } from '../zx.js';
import { parseKoid } from '../options.js';

/** What a timer prints, each time it is due; empty for nothing. */
type Report = (system: CliSystem) => string | Promise<string>;

const freeMemory: Report = ({ console }) =>
  (console === undefined ? '' : freeText({ freeBytes: console.kmem.freeBytes }));

const memoryHogs = (limitMib = HOG_LIMIT_MIB): Report => async (system) =>
  hogsText(hogRows(await system.account({ policy: system.defaultPolicy }), limitMib));

/** Prints where the number of handles has changed since it printed last. */
const handleHogs = (limit = HANDLES_LIMIT): Report => {
  let before = 0;
  return ({ console }) => {
    const handles = console?.openHandles ?? 0;
    const last = before;
    before = handles;
    if (handles === last) return '';
    const row = { handles, limit };
    return handles <= limit && last > limit ? handleDropText(row) : handleWatchText(row);
  };
};

/** The timers by command, each made for the limit that stands behind it. */
const TIMERS = new Map<string, (limit?: number) => Report>([
  ['pmm free', () => freeMemory], ['zx mwd', memoryHogs], ['zx hwd', handleHogs],
]);

/** The timers of one shell. */
export class Watches {
  readonly #running = new Map<string, Report>();

  /** Whether any runs. */
  get any(): boolean {
    return this.#running.size > 0;
  }

  /** Ends all: another system is looked at. */
  clear(): void {
    this.#running.clear();
  }

  /**
   * Starts or ends the timer that words ask for.
   *
   * @returns what to print; undefined where the words ask for none
   */
  toggle(words: readonly string[]): string | undefined {
    const name = words.slice(0, 2).join(' ');
    const timer = TIMERS.get(name);
    if (timer === undefined || words.length > (name === 'pmm free' ? 2 : 3)) return undefined;
    const limit = words[2] === undefined ? undefined : parseKoid(words[2]);
    if (words[2] !== undefined && limit === undefined) return undefined;
    if (this.#running.delete(name)) return '';
    this.#running.set(name, limit === undefined ? timer() : timer(Number(limit)));
    return `${name}: issue the same command to stop.\n`;
  }

  /** A second has passed: what all print. */
  async tick(system: CliSystem): Promise<string> {
    let text = '';
    for (const report of this.#running.values()) text += await report(system);
    return text;
  }
}
