/**
 * `memsim treemap`: the system as one HTML page.
 *
 * I1. Without `-s` a document on standard input is what is shown, where that is a pipe or a file:
 *     `memsim memgraph -vt | memsim treemap > mem.html`.
 */

import { treemapPage } from '../export/treemap/page.js';
import { sourceName } from '../import/source.js';
import type { Context } from './context.js';
import { UsageError } from './errors.js';

/** Runs the command. */
export async function runTreemap(context: Context): Promise<void> {
  const { json, csv, systemGiven, system } = context.options;
  if (json || csv) {
    throw new UsageError('treemap prints an HTML page only, found --json or --csv', 'treemap');
  }
  const spec = systemGiven !== true && context.deps.hasInput() ? '-' : system;
  const tables = await context.tables(undefined, { system: spec });
  const now = context.isLive ? new Date(context.deps.nowMs()).toISOString() : undefined;
  const timestamp = tables.takenAt ?? now;
  await context.print(treemapPage(tables, {
    system: sourceName(spec), ...(timestamp === undefined ? {} : { timestamp }),
  }));
}
