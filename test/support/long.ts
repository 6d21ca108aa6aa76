/**
 * How much a random test does: a little in `npm test`, much more in `npm run test:long`.
 */

/** Whether this is a campaign (`npm run test:long`). */
export const isLong: boolean = process.env["MEMSIM_LONG"] === "1";

/** The number of runs for this kind of test run. */
export function runs(usual: number, long: number): number {
  return isLong ? long : usual;
}
