/**
 * `memsim page`: one argument, a physical page, or a byte of a VMO or address of a process.
 */

import type { PageTarget } from '../accounting/page-types.js';
import { pageColumns, pageRows, pageText } from '../views/page.js';
import type { Context } from './context.js';
import { UsageError } from './errors.js';

/** What the command answers to a wrong argument. */
export const PAGE_USAGE = 'Usage: page PFN | KOID:OFFSET | PID:ADDRESS';

const NUMBER = /^(0x[0-9a-f]+|\d+)$/i;
const U64 = 1n << 64n;

/** A number in decimal, or 0x and hex; undefined for what is none, or above `most`. */
function parseNumber(text: string, most: bigint): bigint | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = BigInt(text);
  return value <= most ? value : undefined;
}

/** The page that an argument names; undefined for what names none. */
export function parsePageTarget(text: string): PageTarget | undefined {
  const [first = '', second, ...rest] = text.split(':');
  const number = parseNumber(first, BigInt(Number.MAX_SAFE_INTEGER));
  if (number === undefined || rest.length > 0) return undefined;
  if (second === undefined) return { pfn: Number(number) };
  const offset = parseNumber(second, U64 - 1n);
  return offset === undefined ? undefined : { koid: Number(number), offset };
}

/** Runs the command on the page that `argument` names. */
export async function runPage(context: Context, argument: string): Promise<void> {
  const target = parsePageTarget(argument);
  if (target === undefined) {
    throw new UsageError(`${PAGE_USAGE}, found "${argument}"`, 'page');
  }
  const { policy, reach } = context.options;
  const report = await context.page(target);
  const selection = { policy, reach };
  await context.show(pageRows(report, selection), pageColumns(), () =>
    pageText(report, selection));
}
