/**
 * `npm run conformance -- [DIR] [--json FILE]`: runs the cases of a folder or a file.
 *
 * Prints a line for each failing and each skipped case, then `N passed, N failed, N skipped`. Exit
 * status 0 if none fails, 1 if one does or there are no cases to read, 2 for wrong usage.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CaseFileError, type Outcome, loadCases, report } from './cases.js';
import { runOnSystem } from './run.js';

const OWN_CASES = fileURLToPath(new URL('../cases', import.meta.url));
const USAGE = 'usage: npm run conformance -- [DIR] [--json FILE]';

const run = async (path: string, jsonFile?: string): Promise<number> => {
  const outcomes: Outcome[] = [];
  for (const one of loadCases(path)) outcomes.push(await runOnSystem(one));
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(outcomes, null, 1)}\n`);
  console.log(report(outcomes));
  return outcomes.some((o) => o.result === 'failed') ? 1 : 0;
};

const main = async (): Promise<number> => {
  let parsed;
  try {
    parsed = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } });
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  if (parsed.positionals.length > 1) {
    console.error(`${parsed.positionals.length} folders; expected one\n${USAGE}`);
    return 2;
  }
  try {
    return await run(parsed.positionals[0] ?? OWN_CASES, parsed.values.json);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof CaseFileError) && code === undefined) throw error;
    console.error(message);
    return 1;
  }
};

process.exitCode = await main();
