/**
 * Sizes in text: `1386.3k`, `24.4M`, as Zircon's tools print them.
 *
 * There are two algorithms. Both choose the same unit and differ only in the digit after the point:
 * A (2017 to about 2020) takes the last division's remainder as if it were thousandths, so it leans
 * upwards; B (2021 and later) rounds the true quotient. 124 of 1023 remainders tell them apart.
 *
 * I1. At most four whole digits, but for the carry case `10000.0k`; eight characters in all.
 * I2. A size that a unit divides exactly prints without a point, in the largest such unit.
 * I3. An unknown unit letter never fails: it prints `?` and the natural form.
 */

/** How the digit after the point is found: `A` until about 2020, `B` since 2021. */
export type SizeAlgorithm = 'A' | 'B';

const UNITS = 'BkMGTPE';
const STEP = 1024n;
/** From here on a number is divided once more: it would need five digits. */
const FIVE_DIGITS = 10000n;
const MAX_BYTES = (1n << 64n) - 1n;

/** The size divided down to its unit, and what the divisions left over. */
interface Scaled {
  readonly whole: bigint;
  /** Index in {@link UNITS}; also the number of divisions by 1024. */
  readonly unitIndex: number;
  readonly lastRemainder: bigint;
  readonly exact: boolean;
}

/** Divides until `unit` is reached or the number is short; undefined: there is no such unit. */
function scale(bytes: bigint, unit: string): Scaled | undefined {
  let whole = bytes;
  let unitIndex = 0;
  let lastRemainder = 0n;
  let exact = true;
  const stepsOn = (): boolean =>
    unit === ''
      ? whole >= FIVE_DIGITS || (whole !== 0n && whole % STEP === 0n)
      : UNITS[unitIndex] !== unit;
  while (stepsOn()) {
    unitIndex++;
    if (unitIndex === UNITS.length) return undefined;
    lastRemainder = whole % STEP;
    if (lastRemainder !== 0n) exact = false;
    whole /= STEP;
  }
  return { whole, unitIndex, lastRemainder, exact };
}

/** Tenths of algorithm A: 0..10, where 10 carries into the whole part. */
function tenthsA(scaled: Scaled): bigint {
  const { lastRemainder } = scaled;
  return lastRemainder / 100n + (lastRemainder % 100n >= 50n ? 1n : 0n);
}

/** Tenths of algorithm B: 0..10, where 10 carries into the whole part. */
function tenthsB(bytes: bigint, scaled: Scaled): bigint {
  const divisor = STEP ** BigInt(scaled.unitIndex);
  const tenfold = (bytes % divisor) * 10n;
  return tenfold / divisor + (tenfold % divisor >= divisor / 2n ? 1n : 0n);
}

/**
 * Formats a size.
 *
 * @param bytes - 0 to 2^64 - 1, a whole number
 * @param unit - a letter of `BkMGTPE` to fix the unit to (only the first character counts); empty
 *   chooses one; any other letter gives `?` and the chosen form
 * @param algorithm - which digits: see {@link SizeAlgorithm}
 * @returns the text, unpadded
 * @throws RangeError where `bytes` is no whole number in that range
 * @see tool-formats, section 1 (pretty/sizes)
 */
export function formatSize(
  bytes: bigint | number,
  unit = '',
  algorithm: SizeAlgorithm = 'A',
): string {
  const value = BigInt(bytes);
  if (value < 0n || value > MAX_BYTES) {
    throw new RangeError(`size of ${value} bytes is outside 0..${MAX_BYTES}`);
  }
  const scaled = scale(value, unit.slice(0, 1));
  if (scaled === undefined) return `?${formatSize(value, '', algorithm)}`;
  const letter = UNITS.charAt(scaled.unitIndex);
  if (scaled.exact) return `${scaled.whole}${letter}`;
  const tenths = algorithm === 'A' ? tenthsA(scaled) : tenthsB(value, scaled);
  const carry = tenths / 10n;
  return `${scaled.whole + carry}.${tenths % 10n}${letter}`;
}
