/**
 * Shares of one page as fractions of a byte: nothing is rounded before it is printed.
 *
 * I1. The denominator is above 0, and the fraction is in lowest terms.
 */

/** A number of bytes: `numerator / denominator`. */
export interface Fraction {
  /** Above the line. */ readonly numerator: bigint;
  /** Below the line, above 0. */ readonly denominator: bigint;
}

/** No bytes. */
export const NO_BYTES: Fraction = { numerator: 0n, denominator: 1n };

/** The fraction `numerator / denominator`, in lowest terms. */
export function fraction(numerator: number | bigint, denominator: number | bigint = 1): Fraction {
  const top = BigInt(numerator);
  const bottom = BigInt(denominator);
  let divisor = bottom;
  for (let rest = top; rest !== 0n; ) [divisor, rest] = [rest, divisor % rest];
  return { numerator: top / divisor, denominator: bottom / divisor };
}

/** The sum of two fractions. */
export function addFractions(a: Fraction, b: Fraction): Fraction {
  return fraction(
    a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator,
  );
}
