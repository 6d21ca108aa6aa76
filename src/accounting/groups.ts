/**
 * Groups of processes under `exact`: each page that a group reaches counts once for it, however
 * many members reach it.
 *
 * I1. A page is private to a group if only members reach it, else shared: the two add up to the
 *     distinct pages that the group reaches.
 * I2. Owners are processes as everywhere under `exact`, so a group's PSS is what its members pay,
 *     and private <= PSS <= private + shared.
 * I3. Every process is in a group, also those that nobody asked about: they are owners too.
 *     Whoever was not recorded (`outside`) is one by itself.
 */

import type { Core } from '../core/core.js';
import { EntryPass, type TreePass } from '../core/passes.js';
import { PAGE_BYTES } from '../objects/units.js';
import type { Collected } from './collect.js';
import { addShare, shareAt, shareColumn, type Figures } from './columns.js';
import { groupReaches } from './exact.js';
import type { Recorded } from './recorded.js';
import type { GroupTable } from './tables.js';

/** What processes can be grouped by; only recorded systems know users. */
export const GROUP_KEYS = ['name', 'user', 'job'] as const;

/** A key of {@link GROUP_KEYS}. */
export type GroupKey = (typeof GROUP_KEYS)[number];

/** How to group processes. */
export interface GroupPlan {
  /** By what. */ readonly by: GroupKey;
  /** Only processes below this job are in groups that are told. */ readonly jobKoid?: number;
}

/** What tells the group of a process. */
export interface GroupMember {
  /** Name of the process. */ readonly name: string;
  /** Its user's, where known. */ readonly user?: string | undefined;
  /** Koid of its job. */ readonly parentKoid: number;
}

/** What the members of a process's group have in common. */
export function memberKey({ name, user, parentKoid }: GroupMember, by: GroupKey): string | number {
  if (by === 'name') return name;
  return by === 'user' ? user || '-' : parentKoid;
}

/** Processes that belong together. */
interface Group {
  /** What they have in common. */ readonly key: string | number;
  /** Whether somebody asked about them. */ readonly isAsked: boolean;
  /** Indexes in {@link Collected.processes}. */ readonly members: number[];
}

/** Rows of a job's subtree; of all jobs without one. */
function subtree(
  { taskKoid, taskDepth }: Collected, jobKoid: number | undefined,
): [first: number, end: number] {
  if (jobKoid === undefined) return [0, taskKoid.length];
  const first = taskKoid.indexOf(jobKoid);
  if (first < 0) return [0, 0];
  let end = first + 1;
  while (end < taskKoid.length && taskDepth[end]! > taskDepth[first]!) end += 1;
  return [first, end];
}

function groupsOf(
  collected: Collected, { by, jobKoid }: GroupPlan, recorded: Recorded | undefined,
): Group[] {
  const groups = new Map<string, Group>();
  const [first, end] = subtree(collected, jobKoid);
  collected.processes.forEach(({ process, row }, i) => {
    const isAsked = row >= first && row < end;
    const user = recorded?.users?.get(process.koid);
    const key = memberKey({
      name: process.name, user, parentKoid: collected.taskParent[row] as number,
    }, by);
    const isOutside = process.koid === recorded?.outsideKoid;
    const place = `${isOutside ? 'outside' : isAsked} ${key}`;
    const group = groups.get(place);
    if (group === undefined) groups.set(place, { key, isAsked, members: [i] });
    else group.members.push(i);
  });
  return [...groups.values()];
}

/** Distinct pages, and those that nobody else reaches; a row for each group. */
interface GroupPages {
  readonly pages: number;
  readonly privatePages: number;
}

/** By present entries: on this thread, for a group's spaces are looked at one after the other. */
function presentPages(
  core: Core, collected: Collected, groups: readonly Group[], recorded: Recorded | undefined,
): GroupPages[] {
  const spaces = groups.map(({ members }) =>
    members.map((i) => collected.processes[i]!.aspace));
  const pass = new EntryPass(core, 'exact');
  try {
    pass.scanGroups(spaces);
    if (recorded !== undefined) pass.addOutside(recorded.extras);
    return pass.readGroups(spaces);
  } finally {
    pass.end();
  }
}

/** What a pass is told to group, and how it scans. */
export interface GroupPass {
  /** The groups. */ readonly plan: GroupPlan;
  /** By present entries, or by committed pages. */ readonly present: boolean;
  /** What a recording brought along. */ readonly recorded: Recorded | undefined;
  /** Scans the trees of a pass. */ readonly scan: (pass: TreePass) => Promise<void>;
}

/**
 * The groups that somebody asked about, in the order of their first members.
 *
 * @param tasks - the figures of the processes under `exact`
 */
export async function accountGroups(
  core: Core, collected: Collected, tasks: Figures, { plan, present, recorded, scan }: GroupPass,
): Promise<GroupTable> {
  const groups = groupsOf(collected, plan, recorded);
  const found = present
    ? presentPages(core, collected, groups, recorded)
    : await groupReaches(core, collected, groups.map(({ members }) => members), scan);
  const asked = groups.map((group, i) => ({ ...group, ...found[i]! }))
    .filter(({ isAsked }) => isAsked);
  const pss = shareColumn(asked.length);
  const privateBytes = new Float64Array(asked.length);
  const sharedBytes = new Float64Array(asked.length);
  asked.forEach(({ members, pages, privatePages }, at) => {
    for (const i of members) addShare(pss, at, shareAt(tasks.pss, collected.processes[i]!.row));
    privateBytes[at] = privatePages * PAGE_BYTES;
    sharedBytes[at] = (pages - privatePages) * PAGE_BYTES;
    const [only] = members;
    if (collected.processes[only!]!.process.koid !== recorded?.outsideKoid) return;
    // its pages are in no table: what the pass over processes found out
    const { row } = collected.processes[only!]!;
    privateBytes[at] = tasks.privateBytes[row] as number;
    sharedBytes[at] = tasks.sharedBytes[row] as number;
  });
  return {
    by: plan.by, count: asked.length, key: asked.map(({ key }) => key),
    processes: Uint32Array.from(asked, ({ members }) => members.length),
    pss, privateBytes, sharedBytes,
  };
}
