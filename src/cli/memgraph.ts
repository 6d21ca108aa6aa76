/**
 * `memsim memgraph`: the system as one JSON document.
 *
 * I1. The document goes out in pieces: with `-v` it can be larger than a text may be.
 */

import type { Command } from 'commander';
import { type MemgraphOptions, memgraphPieces } from '../views/memgraph.js';
import { memgraphSchemaText } from '../views/memgraph-schema.js';
import type { Context } from './context.js';
import { UsageError } from './errors.js';

/** Options of `memgraph` as commander leaves them. */
interface MemgraphFlags {
  readonly threads?: boolean;
  readonly vmos?: boolean;
  readonly handles?: boolean;
  readonly schema?: boolean;
}

/** Gives the command its options. */
export function defineMemgraph(command: Command): Command {
  return command.allowExcessArguments(true).option('-t, --threads').option('-v, --vmos')
    .option('-H, --handles').option('-S, --schema');
}

/** Runs the command. */
export async function runMemgraph(
  context: Context, args: readonly string[], flags: MemgraphFlags,
): Promise<void> {
  if (args.length > 0) {
    throw new UsageError(`memgraph: unrecognized extra arguments: ${args.join(' ')}`, 'memgraph');
  }
  if (context.options.csv) {
    throw new UsageError('memgraph prints JSON only, found --csv', 'memgraph');
  }
  if (flags.schema) {
    await context.print(memgraphSchemaText());
    return;
  }
  const timestamp = new Date(context.deps.nowMs()).toISOString();
  const tables = await context.tables(undefined, { handleCounts: flags.handles === true });
  const options: MemgraphOptions = { ...flags, timestamp: tables.takenAt ?? timestamp };
  await context.printAll(memgraphPieces(tables, options));
}
