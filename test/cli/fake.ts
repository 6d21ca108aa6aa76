/** The world outside of the command line, for tests: streams that remember, hand-made systems. */

import { PassThrough } from 'node:stream';
import type { CliDeps, CliSystem } from '../../src/cli/context.js';
import type { OutStream } from '../../src/cli/output.js';
import { run } from '../../src/cli/program.js';
import { type SystemSpec, makeTables } from '../views/make-tables.js';

/** What one command line did. */
export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  /** How often the system was accounted for, and how. */
  readonly accounts: { policy: string; reach?: string; workers?: number }[];
  /** The SPECs that were opened. */
  readonly opened: string[];
}

/** What differs from a run on the system `spec` with plain pipes. */
export interface World {
  readonly stdout?: OutStream;
  readonly open?: CliDeps['open'];
  readonly isTty?: boolean;
  readonly input?: string;
  readonly debug?: boolean;
  readonly hasInput?: boolean;
  readonly signal?: AbortSignal;
  readonly system?: Partial<CliSystem>;
}

/** A stream as the command line takes one. */
type Stream = OutStream & NodeJS.WritableStream;

/** A stream that remembers. */
function collector(isTTY = false): { stream: Stream; text: string[] } {
  const text: string[] = [];
  const stream = Object.assign(new PassThrough(), {
    isTTY,
    write: (piece: string, done?: (error?: Error | null) => void): boolean => {
      text.push(piece);
      done?.();
      return true;
    },
  });
  return { stream: stream as unknown as Stream, text };
}

/** Runs one command line on a hand-made system. */
export async function memsim(
  argv: string[], spec: SystemSpec = {}, world: World = {},
): Promise<Outcome> {
  const accounts: Outcome['accounts'] = [];
  const opened: string[] = [];
  const out = collector(world.isTty);
  const err = collector();
  const system: CliSystem = {
    defaultPolicy: 'classic',
    defaultReach: 'committed',
    notes: [],
    account: (options) => {
      accounts.push(options);
      return Promise.resolve(makeTables({ ...spec, policy: options.policy }));
    },
    page: () => Promise.reject(new Error('hand-made tables have no pages')),
    ...world.system,
  };
  const status = await run(argv, {
    stdout: world.stdout ?? out.stream,
    stderr: err.stream,
    stdin: Object.assign(new PassThrough().end(world.input ?? ''), { isTTY: false }),
    env: {},
    open: world.open ?? ((name) => {
      opened.push(name);
      return Promise.resolve(system);
    }),
    openScenario: () => Promise.reject(new Error('hand-made systems have no scenario')),
    hasInput: () => world.hasInput ?? false,
    nowMs: Date.now,
    peakResidentBytes: () => 2 ** 27,
    catchInterrupt: () => world.signal ?? new AbortController().signal,
    debug: world.debug ?? false,
  }, '1.2.3');
  return { status, out: out.text.join(''), err: err.text.join(''), accounts, opened };
}
