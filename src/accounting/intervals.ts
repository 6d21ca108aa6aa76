/**
 * Sets of pages as sorted, disjoint runs.
 *
 * I1. Runs are [start, end) with start < end; a run ends before the next one starts.
 */

/** A run of pages, end exclusive. */
export interface Run {
  /** First page. */ readonly start: number;
  /** First page behind it. */ readonly end: number;
}

/**
 * The pages that any of the runs has: sorted, joined. The input may overlap and be in any order.
 */
export function unite(runs: readonly Run[]): Run[] {
  if (runs.length < 2) return [...runs];
  const sorted = [...runs].sort((a, b) => a.start - b.start);
  const joined: Run[] = [];
  for (const run of sorted) {
    const last = joined[joined.length - 1];
    if (last === undefined || last.end < run.start) joined.push(run);
    else if (last.end < run.end) joined[joined.length - 1] = { start: last.start, end: run.end };
  }
  return joined;
}

/** The pages of `runs` that none of `holes` has. Both are sorted and disjoint. */
export function subtract(runs: readonly Run[], holes: readonly Run[]): Run[] {
  const left: Run[] = [];
  let h = 0;
  for (const { start, end } of runs) {
    let at = start;
    while (h > 0 && (holes[h - 1] as Run).end > at) h--;
    while (h < holes.length && (holes[h] as Run).start < end) {
      const hole = holes[h] as Run;
      if (hole.end > at) {
        if (hole.start > at) left.push({ start: at, end: hole.start });
        at = Math.max(at, hole.end);
      }
      h++;
    }
    if (at < end) left.push({ start: at, end });
  }
  return left;
}
