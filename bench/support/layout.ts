/**
 * The core's record layout for the native baseline: `assembly/layout.ts` states it once, and the
 * C header is made from it, so that the two can never differ.
 */
import { readFileSync } from 'node:fs';

const CONSTANT = /^export const (\w+): (u32|u64|i32) = ([^;]+);/gm;
const source = readFileSync(new URL('../../assembly/layout.ts', import.meta.url), 'utf8');

/** Text of `layout.h`. */
export function layoutHeader(): string {
  const lines = [...source.matchAll(CONSTANT)].map(([, name, type, value]) => {
    const wide = type === 'u64' ? value?.replace(/\b1 <</, '1ull <<') : value;
    return `#define ${name} ((${type})(${wide}))`;
  });
  return `${lines.join('\n')}\n`;
}

/** A constant of the layout, where it is a number or a number after an earlier constant. */
export function layoutNumber(name: string): number {
  const found = [...source.matchAll(CONSTANT)].find((m) => m[1] === name);
  if (found === undefined) throw new Error(`assembly/layout.ts has no ${name}`);
  return (found[3] as string).split('+').reduce((sum, term) => {
    const text = term.trim();
    return sum + (/^\d/.test(text) ? Number(text) : layoutNumber(text));
  }, 0);
}
