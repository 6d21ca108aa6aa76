/**
 * What a schema cannot say of a scenario: that sizes fit into 64 bits, that names are of something
 * the scenario makes, that time does not go back.
 *
 * I1. Nothing is built here. Names are checked as far as the text goes: whether something lives
 *     when a step uses it, the step finds out.
 */

import type { Scenario } from './schema.js';
import type { Step } from './step-schema.js';
import { sizeBytes, timeNs } from './values.js';
import type { Where } from './where.js';

/** Keys whose values are sizes. */
const SIZE_KEYS: ReadonlySet<string> = new Set([
  'size', 'offset', 'address', 'physicalAddress', 'base', 'bytes', 'vmoSize', 'vdsoCode',
  'memory', 'wired',
  'heap', 'heapFree', 'ipc', 'mmu', 'iommu', 'cache', 'slab', 'other', 'oom', 'imminentDelta',
  'critical', 'warning', 'debounce', 'commit', 'touch', 'read', 'ranges',
]);
/** Keys whose values are names of what the scenario made, or koids. */
const TARGET_KEYS: ReadonlySet<string> = new Set([
  'vmo', 'of', 'process', 'job', 'thread', 'task', 'map', 'vmar', 'pin',
]);
/** One value of a scenario, and where it stands. */
interface Entry {
  readonly value: unknown;
  readonly key: string;
  readonly where: Where;
}

/** Every value of a scenario, from the outside in. */
function* entries(scenario: Scenario, where: Where): Generator<Entry> {
  const waiting: Entry[] = [{ value: scenario, key: '', where }];
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    yield entry;
    const { value, key, where: here } = entry;
    if (typeof value !== 'object' || value === null) continue;
    const inner: Entry[] = Array.isArray(value)
      ? value.map((item, i) => ({ value: item, key, where: here.at(i) }))
      : Object.entries(value).map(([name, item]) => ({
        value: item, key: name, where: here.at(name),
      }));
    // one by one: as arguments of one call a long list would not fit on the stack
    for (const one of inner.reverse()) waiting.push(one);
  }
}

/** Whether a value is a size that 64 bits cannot hold. */
function isBadSize({ value, key }: Entry): boolean {
  return typeof value === 'string' && SIZE_KEYS.has(key) && /^\d/.test(value)
    && sizeBytes(value) === undefined;
}

/** Refuses names of nothing. */
function checkNames(all: readonly Entry[]): void {
  const known = new Set<unknown>();
  for (const { key, value } of all) if (key === 'id') known.add(value);
  for (const { key, value, where } of all) {
    if (!TARGET_KEYS.has(key) || typeof value !== 'string') continue;
    if (known.has(value.replace(/\..*$/, ''))) continue;
    const names = [...known].slice(0, 8).join(', ') + (known.size > 8 ? ' ...' : '');
    where.fail(value, known.size === 0
      ? 'an id, and nothing in the scenario has one' : `an id of the scenario: ${names}`);
  }
}

/** Nanoseconds that steps take; refuses an `at` that is over. */
function checkTimes(steps: readonly Step[], where: Where, beganNs: bigint, depth: number): bigint {
  let nowNs = beganNs;
  steps.forEach((step, i) => {
    if (step.at !== undefined) {
      const place = where.at(i, 'at');
      if (depth > 0) place.fail(step.at, 'no "at" in what is repeated: use a step "wait"');
      const atNs = timeNs(step.at);
      if (atNs < nowNs) place.fail(step.at, `a time from ${Number(nowNs) / 1e9}s on`);
      nowNs = atNs;
    }
    if (step.do === 'wait') nowNs += timeNs(step.for);
    if (step.do === 'repeat') {
      const once = checkTimes(step.steps, where.at(i, 'steps'), 0n, depth + 1);
      nowNs += once * BigInt(step.times);
    }
  });
  return nowNs;
}

/**
 * Checks what the schema let through.
 *
 * @throws InputError with the JSON path of what is wrong
 */
export function checkScenario(scenario: Scenario, where: Where): void {
  const all = [...entries(scenario, where)];
  for (const entry of all) {
    if (isBadSize(entry)) entry.where.fail(entry.value, 'a whole number of bytes below 2^64');
  }
  checkNames(all);
  checkTimes(scenario.steps ?? [], where.at('steps'), 0n, 0);
}
