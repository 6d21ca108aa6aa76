/**
 * Sizes and shares as the page prints them. Sizes are those of `ps` (algorithm A): `1386.3k`.
 *
 * Runs in the browser.
 */

const UNITS = 'BkMGTPE';

/** A size in its natural unit, as Zircon's tools print it. */
export function sizeText(bytes: number): string {
  let whole = bytes;
  let unit = 0;
  let remainder = 0;
  let exact = true;
  while (unit < UNITS.length - 1 && (whole >= 10000 || (whole !== 0 && whole % 1024 === 0))) {
    remainder = whole % 1024;
    if (remainder !== 0) exact = false;
    whole = Math.floor(whole / 1024);
    unit++;
  }
  if (exact) return `${whole}${UNITS[unit]}`;
  const tenths = Math.floor(remainder / 100) + (remainder % 100 >= 50 ? 1 : 0);
  return `${whole + Math.floor(tenths / 10)}.${tenths % 10}${UNITS[unit]}`;
}

/** Bytes with their digits in groups. */
export function bytesText(bytes: number): string {
  return `${String(bytes).replace(/\B(?=(\d{3})+$)/g, '\u2009')} bytes`;
}

/** A part of a whole, in percent. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${percent.toFixed(percent >= 99.95 ? 0 : 1)} %`;
}
