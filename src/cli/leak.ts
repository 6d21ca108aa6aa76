/**
 * `pmm mem_avail_state [step] STATE [SECONDS]`: takes pages until memory is in a state, holds them
 * for a time of the system's clock, and gives them back. States only get worse that way.
 *
 * What the watchdog does meanwhile is printed, where there are such in the kernel's own words.
 *
 * @see tool-formats, sections 12.1 and 14
 */

import type { Console } from '../accounting/console.js';
import type { PressureRecord } from '../objects/watchdog.js';
import { memoryState } from '../views/zx/pressure.js';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';

const PAGE_BYTES = 4096;
const MIB_BYTES = 2 ** 20;
const STATES = ['OutOfMemory', 'Imminent-OOM', 'Critical', 'Warning', 'Normal'] as const;
const SECONDS = 10;
const SECONDS_MAX = 1_000_000;

/** What to do. */
interface LeakPlan {
  readonly state: number;
  readonly seconds: number;
  readonly step: boolean;
}

function planOf(words: readonly string[]): LeakPlan {
  const step = words[0] === 'step';
  const [state = '', seconds = String(SECONDS), excess] = step ? words.slice(1) : words;
  if (!/^\d{1,9}$/.test(state) || Number(state) >= STATES.length) {
    const most = STATES.length - 1;
    const allowed = `Specify a value between 0 and ${most}.`;
    throw new UsageError(`Invalid memstate ${state}. ${allowed}`, 'pmm');
  }
  if (!/^\d{1,7}$/.test(seconds) || Number(seconds) > SECONDS_MAX || excess !== undefined) {
    const found = excess ?? seconds;
    throw new UsageError(`'${found}' behind the state, expected seconds, at most 1000000`, 'pmm');
  }
  return { state: Number(state), seconds: Number(seconds), step };
}

/** What the kernel writes about something that its watchdog did; empty for nothing. */
function kernelLine({ what, level, freeBytes, pages = 0, jobKoid }: PressureRecord): string {
  const free = `free memory is ${Math.floor(freeBytes / MIB_BYTES)}MB`;
  switch (what) {
    case 'level': return `memory-pressure: memory availability state - ${STATES[level]}\n`;
    case 'evict': return `memory-pressure: evicted ${pages} pages (${free})\n`;
    case 'compress': return `memory-pressure: compressed ${pages} pages (${free})\n`;
    case 'kill': return `memory-pressure: killed job ${jobKoid ?? 0} (${free})\n`;
    case 'reboot': return 'memory-pressure: rebooting due to OOM\n';
  }
}

/** Pages to take until free memory is below a state's mark by more than the debounce. */
function pagesTo(console: Console, state: number): number {
  const { limitsBytes, debounceBytes, freeBytes } =
    memoryState(console.kmem.freeBytes, console.watchdog);
  const mark = limitsBytes[state];
  if (mark === undefined) return 0;
  const left = Math.max(0, mark - debounceBytes - PAGE_BYTES);
  return Math.max(0, Math.floor((freeBytes - left) / PAGE_BYTES));
}

/**
 * Runs the command.
 *
 * @param words - what stands behind `mem_avail_state`
 */
export async function runLeak(context: Context, words: readonly string[]): Promise<void> {
  const plan = planOf(words);
  const console = await context.console();
  if (console.isRecorded) {
    throw new CommandError('pmm: nothing can be taken from a recorded machine');
  }
  const lines: string[] = [];
  const end = console.observeMemory((record) => { lines.push(kernelLine(record)); });
  let pages = 0;
  try {
    const now = memoryState(console.kmem.freeBytes, console.watchdog).state;
    for (let state = plan.step ? Math.max(now - 1, plan.state) : plan.state; ; state--) {
      const more = pagesTo(console, state);
      console.takePages(more);
      pages += more;
      if (plan.step) {
        lines.push('Sleeping for 1 second...\n');
        console.pass(1);
      }
      if (state <= plan.state) break;
    }
    lines.push(`Leaked ${pages} pages\n`, `Sleeping for ${plan.seconds} seconds...\n`);
    console.pass(plan.seconds);
  } finally {
    console.givePages(pages);
    end();
  }
  lines.push(`Freed ${pages} pages\n`);
  return context.show([{ pages, state: plan.state }], [
    { key: 'state', value: (row) => row.state },
    { key: 'leaked_pages', value: (row) => row.pages },
  ], () => lines.join(''));
}
