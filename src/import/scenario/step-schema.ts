/**
 * The steps of a scenario: what happens once the system stands, each one call or a few of the API.
 */

import * as v from 'valibot';
import { Status, type StatusName } from '../../objects/status.js';
import {
  handleEntries, jobEntries, mappingEntries, objectEntries, processEntries, THREAD_STATES,
  vmoEntries,
} from './parts.js';
import { howMany, id, key, perms, positive, ranges, size, target, text, time } from './values.js';

/** Operations of `op`. */
export const OPS = [
  'commit', 'decommit', 'zero', 'lock', 'unlock', 'dont-need', 'always-need', 'prefetch',
] as const;
/** What the kernel can be asked to take back. */
export const RECLAIMS = ['evict', 'compress', 'dedup-zero-pages'] as const;

const REFUSALS = (Object.keys(Status) as StatusName[]).filter((name) => name !== 'ZX_OK');
const at = key(time, 'when, since the scenario began; behind the step before if left out');
/** What every step may say. */
const common = { at, fails: key(v.picklist(REFUSALS), 'the status that it is refused with') };
const process = { process: v.pipe(target, v.description('the process, or all of a group')) };
const vmo = { vmo: v.pipe(target, v.description('the VMO, or all of a group')) };
const part = {
  offset: key(size, 'first byte; 0 if left out'),
  size: key(size, 'bytes; up to the end if left out'),
};
const place = {
  map: key(id, 'a mapping, by its id'),
  address: key(size, 'or an address of the process'),
};

/** A step of its own kind. */
function kind<K extends string, E extends v.ObjectEntries>(
  name: K, entries: E,
): v.StrictObjectSchema<
  { readonly do: v.LiteralSchema<K, undefined> } & typeof common & E, undefined
> {
  return v.strictObject({ do: v.literal(name), ...common, ...entries });
}

const job = key(target, 'the job that it is made in; the root job if left out');

/** The kinds of steps but `repeat`. */
const simple = [
  kind('wait', { for: time }),
  kind('note', { text }),
  kind('show', { command: v.pipe(text, v.description('a command of memsim, as typed')) }),
  kind('create-job', { ...jobEntries, job }),
  kind('create-process', { ...processEntries, job }),
  kind('create-vmo', vmoEntries),
  kind('map', { ...process, ...mappingEntries, vmar: key(id, 'a VMAR; the root if left out') }),
  kind('unmap', { ...process, ...place, ...part }),
  kind('protect', { ...process, ...place, ...part, perms }),
  kind('touch', {
    ...process, ...place, ranges: key(ranges, 'what of it; a whole mapping if left out'),
    access: key(v.picklist(['read', 'write']), 'write if left out'),
  }),
  kind('write', {
    process: key(target, 'the process that writes'), ...place,
    vmo: key(target, 'or the VMO that is written to'),
    offset: key(size, 'first byte; 0 if left out'), text,
  }),
  kind('op', { ...vmo, op: v.picklist(OPS), ...part }),
  kind('resize', { ...vmo, size }),
  kind('pin', { id: key(id, 'what the pin is called'), ...vmo, ...part }),
  kind('unpin', { pin: id }),
  kind('handle', { ...process, ...handleEntries }),
  kind('objects', { ...process, ...objectEntries }),
  kind('close', {
    vmo: target,
    process: key(target, "the process whose handles are closed; the scenario's own if left out"),
  }),
  kind('fork', {
    id: key(id, 'what the new processes are called'), process: target,
    name: key(text, "their name; the old one's if left out"),
    times: key(howMany, 'how many; 1 if left out'),
  }),
  kind('thread', { thread: target, state: v.picklist([...THREAD_STATES, 'dead']) }),
  kind('kill', { task: v.pipe(target, v.description('a process or a job')) }),
  kind('reclaim', {
    how: v.picklist(RECLAIMS), vmo: key(target, 'of one VMO; of all if left out'),
    pages: key(positive, 'at most so many; all if left out'),
  }),
] as const;

/** A step but `repeat`. */
export type SimpleStep = v.InferOutput<(typeof simple)[number]>;
/** Steps that are done several times. */
export interface RepeatStep {
  /** Its kind. */ do: 'repeat';
  /** When it begins. */ at?: string;
  /** How often. */ times: number;
  /** The steps. */ steps: Step[];
}
/** A step. */
export type Step = SimpleStep | RepeatStep;
/** A step of one kind. */
export type StepOf<K extends Step['do']> = Extract<Step, { do: K }>;

/** A step. */
export const step: v.GenericSchema<Step> = v.variant('do', [
  ...simple,
  v.strictObject({
    do: v.literal('repeat'), at, times: v.pipe(positive, v.maxValue(1e9)),
    steps: v.pipe(
      v.array(v.lazy(() => step)), v.minLength(1, 'at least one step'),
      v.description('none of them with "at"'),
    ),
  }),
]);
