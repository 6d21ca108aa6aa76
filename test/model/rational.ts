/**
 * Exact rationals over bigint, for shares: a third of a page is 4096/3, not a float.
 *
 * I1. The denominator is positive and the fraction is in lowest terms.
 */

/** A number n / d in lowest terms, d > 0. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** Zero. */
export const ZERO: Rational = { n: 0n, d: 1n };

const gcd = (a: bigint, b: bigint): bigint => {
  let x = a < 0n ? -a : a;
  let y = b < 0n ? -b : b;
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
};

/** The rational n / d. */
export const ratio = (n: number | bigint, d: number | bigint = 1n): Rational => {
  let top = BigInt(n);
  let bottom = BigInt(d);
  if (bottom === 0n) throw new RangeError(`a share of ${top} among nobody`);
  if (bottom < 0n) [top, bottom] = [-top, -bottom];
  const g = gcd(top, bottom) || 1n;
  return { n: top / g, d: bottom / g };
};

/** a + b. */
export const add = (a: Rational, b: Rational): Rational => ratio(a.n * b.d + b.n * a.d, a.d * b.d);

/** a - b. */
export const subtract = (a: Rational, b: Rational): Rational =>
  ratio(a.n * b.d - b.n * a.d, a.d * b.d);

/** a / k for a whole k > 0. */
export const divide = (a: Rational, k: number): Rational => ratio(a.n, a.d * BigInt(k));

/** Are the two the same number? */
export const equal = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;

/** The largest whole number not above a (a >= 0). */
export const floor = (a: Rational): bigint => a.n / a.d;

/** Sum of a list. */
export const sum = (list: Iterable<Rational>): Rational => {
  let total = ZERO;
  for (const item of list) total = add(total, item);
  return total;
};
