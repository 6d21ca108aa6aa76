/**
 * One accounting pass: from a system to the tables of one instant.
 *
 * I1. While it runs the system is busy: a call that would change it fails with ZX_ERR_SHOULD_WAIT.
 * I2. The tables are the same for any number of workers; what is small is done on the calling
 *     thread.
 * I3. Looking changes nothing that a program can see.
 */

import type { TreePass, EntryPass } from '../core/passes.js';
import { PassMemoryError, PassStalledError } from '../core/passes.js';
import { fail, ZxError } from '../objects/errors.js';
import { FrameState } from '../core/core.js';
import type { KernelSystem } from '../objects/system.js';
import { refuse, toCount, toOptions } from '../objects/units.js';
import { accountAttributed, accountVmos } from './attributed.js';
import { assemble, type Extras } from './assemble.js';
import { accountClassic, type Outcome } from './classic.js';
import { collect, type Collected } from './collect.js';
import { figures, vmoFigures } from './columns.js';
import { accountExact } from './exact.js';
import { accountGroups, GROUP_KEYS, type GroupPlan } from './groups.js';
import { PassPool } from './pool.js';
import { accountPresent } from './present.js';
import type { Recorded } from './recorded.js';
import { reachesOf, type AccountTables, type Policy, type Reach } from './tables.js';

/** How to account. */
export interface AccountOptions {
  /** The rule; default `classic`,
    `mapcount` for recorded Linux systems. */ readonly policy?: Policy;
  /** What reaches a page; only `exact` leaves a choice. */ readonly reach?: Reach;
  /** Worker threads that help, 0 to 64; default 0. */ readonly workers?: number;
  /**
   * `exact`: whether to count every process's pages by number of owners. Costs time for each
   * process; default: up to 1024 processes.
   */
  readonly pagesByOwners?: boolean;
  /** Whether to count each process's handles by type of object; default false. */
  readonly handleCounts?: boolean;
  /** `exact`: groups of processes to account for too; other policies have none. */
  readonly groups?: GroupPlan;
  /** Pages from which on workers are asked to help; default 262,144. */
  readonly shareAbovePages?: number;
}

const SHARE_ABOVE_PAGES = 262144;
const OWNERS_PROCESSES = 1024;
const WORKERS_MAX = 64;

interface Plan {
  readonly policy: Policy;
  readonly reach: Reach;
  readonly workers: number;
  readonly shareAbove: number;
}

/** Pools by system, kept while the system lives. */
const pools = new WeakMap<KernelSystem, PassPool>();

/**
 * Accounts for every page of a system.
 *
 * @param system - the system
 * @param recorded - what a recording brought along
 * @param options - rule, reach, workers
 * @throws ZxError ZX_ERR_INVALID_ARGS for a rule and a reach that don't go together,
 * ZX_ERR_SHOULD_WAIT
 *     while another pass runs, ZX_ERR_NO_MEMORY without room for its scratch, ZX_ERR_INTERNAL if a
 *     worker died
 */
export async function account(
  system: KernelSystem, recorded: Recorded | undefined, options: AccountOptions = {},
): Promise<AccountTables> {
  const plan = planOf(recorded, options);
  system.assertNotBusy();
  system.beginPass();
  try {
    const collected = collect(system);
    const rows = collected.taskType.length;
    const outcome: Outcome = {
      maps: figures(collected.maps.type.length), tasks: figures(rows),
      vmos: vmoFigures(collected.vmos.length),
    };
    const wanted = options.pagesByOwners ?? collected.processes.length <= OWNERS_PROCESSES;
    const extras = await run(system, recorded, collected, outcome, plan, wanted);
    const { handleCounts = false, groups } = options;
    const tables =
      assemble(system, recorded, collected, outcome, plan, { ...extras, handleCounts });
    if (groups === undefined || plan.policy !== 'exact') return tables;
    return {
      ...tables,
      groups: await accountGroups(system.core, collected, outcome.tasks, {
        plan: groups, present: plan.reach === 'present', recorded,
        scan: (pass) => scanTrees(system, pass, plan),
      }),
    };
  } catch (error) {
    if (error instanceof PassMemoryError) {
      const { hostBytesLeft } = system.core;
      throw new ZxError('ZX_ERR_NO_MEMORY', `${error.message}: ${hostBytesLeft} are left`, {
        bytes: error.bytes, hostBytesLeft,
      });
    }
    if (error instanceof PassStalledError) throw new ZxError('ZX_ERR_INTERNAL', error.message);
    throw error;
  } finally {
    system.endPass();
  }
}

/** Ends a system's workers. */
export async function closePool(system: KernelSystem): Promise<void> {
  const pool = pools.get(system);
  pools.delete(system);
  await pool?.close();
}

function planOf(recorded: Recorded | undefined, options: AccountOptions): Plan {
  toOptions(options);
  const policy = options.policy ?? (recorded === undefined ? 'classic' : 'mapcount');
  if (!['classic', 'attributed', 'exact', 'mapcount'].includes(policy)) {
    refuse(policy, 'policy', 'classic, attributed, exact or mapcount');
  }
  const usual = recorded === undefined ? 'committed' : 'present';
  const reaches = reachesOf(policy);
  const reach = options.reach ?? (reaches.length === 1 ? reaches[0] as Reach : usual);
  if (reach !== 'committed' && reach !== 'present') refuse(reach, 'reach', 'committed or present');
  if (!reaches.includes(reach)) {
    const known = reaches.join(' or ');
    fail('ZX_ERR_INVALID_ARGS', `policy ${policy} accounts by reach ${known}, not ${reach}`, {
      policy, reach,
    });
  }
  const { pagesByOwners, workers = 0, shareAbovePages = SHARE_ABOVE_PAGES } = options;
  if (pagesByOwners !== undefined && typeof pagesByOwners !== 'boolean') {
    refuse(pagesByOwners, 'pagesByOwners', 'true or false');
  }
  if (typeof (options.handleCounts ?? false) !== 'boolean') {
    refuse(options.handleCounts, 'handleCounts', 'true or false');
  }
  checkGroups(options.groups);
  toCount(workers, 'workers', 0, WORKERS_MAX);
  return { policy, reach, workers, shareAbove: toCount(shareAbovePages, 'shareAbovePages') };
}

function checkGroups(groups: GroupPlan | undefined): void {
  if (groups === undefined) return;
  const { by, jobKoid } = toOptions(groups, 'groups');
  if (!GROUP_KEYS.includes(by)) refuse(by, 'groups.by', GROUP_KEYS.join(', '));
  if (jobKoid !== undefined) toCount(jobKoid, 'groups.jobKoid');
}

async function run(
  system: KernelSystem, recorded: Recorded | undefined, collected: Collected, outcome: Outcome,
  plan: Plan, wantOwners: boolean,
): Promise<Extras> {
  const { core } = system;
  const scan = (pass: TreePass): Promise<void> => scanTrees(system, pass, plan);
  if (plan.policy === 'exact' || plan.policy === 'mapcount') {
    await accountVmos(core, collected, outcome, scan);
  }
  if (plan.reach === 'present') {
    const rule = plan.policy === 'exact' ? 'exact' : 'mapcount';
    const aspaces = collected.processes.map(({ aspace }) => aspace);
    const scanAll = (pass: EntryPass): Promise<void> => scanEntries(system, pass, aspaces, plan);
    const want = wantOwners && rule === 'exact';
    return accountPresent(core, collected, outcome, rule, recorded, scanAll, want);
  }
  if (plan.policy === 'classic') await accountClassic(core, collected, outcome, scan);
  else if (plan.policy === 'attributed') await accountAttributed(core, collected, outcome, scan);
  else return accountExact(core, collected, outcome, scan, wantOwners);
  return {};
}

async function scanTrees(system: KernelSystem, pass: TreePass, plan: Plan): Promise<void> {
  const pages = system.core.pagesInState(FrameState.OBJECT);
  if (plan.workers === 0 || pages < plan.shareAbove) {
    pass.scan();
    return;
  }
  pass.share();
  const pool = poolOf(system, plan.workers);
  const tasks = Array.from({ length: plan.workers }, () => ({ kind: 'trees' as const }));
  await pool.run(tasks, () => pass.help());
}

async function scanEntries(
  system: KernelSystem, pass: EntryPass, aspaces: Parameters<EntryPass['scan']>[0], plan: Plan,
): Promise<void> {
  const { core } = system;
  const pages = aspaces.reduce((sum, aspace) => sum + core.aspacePresentPages(aspace), 0);
  if (plan.workers === 0 || pages < plan.shareAbove) {
    pass.scan(aspaces);
    return;
  }
  const [own, ...tasks] = pass.share(aspaces, plan.workers + 1);
  if (own === undefined) return;
  await poolOf(system, plan.workers).run(tasks, () => pass.help(own));
}

function poolOf(system: KernelSystem, workers: number): PassPool {
  let pool = pools.get(system);
  if (pool !== undefined && (pool.threads !== workers || pool.broken)) {
    void pool.close();
    pool = undefined;
  }
  if (pool === undefined) {
    pool = new PassPool(system.core, workers);
    pools.set(system, pool);
  }
  return pool;
}
