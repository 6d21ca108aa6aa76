/**
 * The numbers of `assembly/layout.ts`, read from its text, for tests that break a core's memory by
 * hand: what a test needs is not exported for its sake.
 */
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../assembly/layout.ts', import.meta.url), 'utf8');
const numbers = new Map<string, number>();
for (const [, name, value] of text.matchAll(/^export const (\w+): \w+ = ([^;<]+);/gm)) {
  const sum = (value as string).split('+').map((part) => part.trim());
  const terms = sum.map((part) => numbers.get(part) ?? Number(part));
  numbers.set(name as string, terms.reduce((a, b) => a + b, 0));
}

/** A constant of the layout that is a number or a sum. */
export function layout(name: string): number {
  const value = numbers.get(name);
  if (value === undefined || Number.isNaN(value)) throw new Error(`no ${name} in the layout`);
  return value;
}
