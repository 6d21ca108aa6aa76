/**
 * Operations on page queues and zero-page dedup. A page that a case puts into a queue by hand is
 * the only page of a VMO that nobody else uses.
 */
import type { PageQueueName, Vmo } from '../support/api.js';
import { type Action, type Bench, expectSame } from './bench.js';
import { Lacking, Mismatch, type Step } from './cases.js';
import { big, count, countOr, text, whole } from './values.js';

const PAGE = 4096;

/** Names of queues as cases have them; Zircon's own names too. */
const NAMES: Readonly<Record<string, PageQueueName>> = {
  anonymous: 'anonymous', anonymous_zero_fork: 'anonymous_zero_fork', wired: 'wired',
  pager_backed_dirty: 'pager_backed_dirty', high_priority: 'high_priority',
  failed_reclaim: 'failed_reclaim', isolate: 'isolate', reclaim: 'reclaim',
  reclaim_isolate: 'isolate', reclaim_dont_need: 'isolate', dont_need: 'isolate',
};

const queueNamed = (name: string): PageQueueName => {
  const queue = NAMES[name];
  if (queue === undefined) throw new Lacking(`the queue ${name}`);
  return queue;
};

/** Pages go by names or by numbers. */
const pageName = (s: Step): string => {
  const { page } = s;
  return `page ${typeof page === 'number' ? page : text(s, 'page')}`;
};

/** The VMO whose page a case calls so. */
const pageVmo = (b: Bench, s: Step): Vmo =>
  b.vmo({ ...s, page: pageName(s) }, 'page');

const shown = (b: Bench, vmo: Vmo, page: bigint): string => {
  const place = b.system.queues.placeOf(vmo, page * BigInt(PAGE));
  if (place === undefined) return 'no page';
  return place.index === undefined ? place.queue : `${place.queue} ${place.index}`;
};

const expectPlace = (got: string, wanted: string, index?: unknown): void => {
  const full = index === undefined ? wanted : `${wanted} ${big(index, 'index')}`;
  if (index === undefined ? got.split(' ')[0] !== wanted : got !== full) {
    throw new Mismatch(full, got);
  }
};

const expectCounts: Action = (b, s) => {
  const { counts } = b.system.queues;
  const pages: Readonly<Record<PageQueueName, number>> = {
    anonymous: counts.anonymous, anonymous_zero_fork: counts.anonymousZeroFork,
    wired: counts.wired, pager_backed_dirty: counts.pagerBackedDirty,
    high_priority: counts.highPriority, failed_reclaim: counts.failedReclaim,
    isolate: counts.isolate, reclaim: counts.reclaim,
  };
  for (const [name, wanted] of Object.entries(s['counts'] as Record<string, unknown>)) {
    const queue = queueNamed(name);
    if (Array.isArray(wanted)) {
      if (queue !== 'reclaim') throw new Lacking(`counts by age of ${name}`);
      const ages = wanted.map((one) => Number(big(one, 'counts')));
      const got = counts.generations.slice(0, ages.length);
      if (String(got) !== String(ages)) throw new Mismatch(String(ages), String(got));
    } else expectSame(big(wanted, 'counts'), pages[queue]);
  }
};

const dedup = (b: Bench, s: Step, vmo: Vmo): void => {
  const isGone = b.door.dedupZeroPage(vmo, count(s, 'page'));
  if (s['expect'] !== undefined) expectSame(s['expect'] === true ? 1 : 0, isGone ? 1 : 0);
};

/**
 * A page in the hidden parent of a VMO: what the VMO shares, or else what the others of its family
 * have there.
 */
const dedupHidden: Action = (b, s) => {
  const of = b.vmo(s, 'of');
  const page = count(s, 'page') + of.object.tree.rootOffsetPages;
  const { core, vmos } = b.system;
  const family = [...vmos].filter((vmo) => vmo.isOwner && vmo !== of.object
    && core.vmoFamily(vmo.tree.ref) === core.vmoFamily(of.object.tree.ref));
  const frameOf = ({ tree }: Vmo['object']): number =>
    core.vmoFrame(tree.ref, page - tree.rootOffsetPages);
  const shares = family.some((vmo) => frameOf(vmo) === frameOf(of.object));
  const other = family.find((vmo) => frameOf(vmo) !== 0);
  if (shares || other === undefined) dedup(b, s, of);
  else b.system.reclaim.dedupZeroPage(other, page - other.tree.rootOffsetPages);
};

/** Operations by name. */
export const queueActions: Readonly<Record<string, Action>> = {
  pq_add: (b, s) => {
    const vmo = b.system.createVmo(PAGE);
    vmo.write(0, new Uint8Array([1]));
    b.handles.set(pageName(s), vmo);
    b.door.movePage(vmo, 0, queueNamed(text(s, 'queue')));
  },
  pq_move: (b, s) => b.door.movePage(pageVmo(b, s), 0, queueNamed(text(s, 'queue'))),
  pq_remove: (b, s) => pageVmo(b, s).close(),
  pq_rotate: (b, s) => {
    for (let i = countOr(s, 'times', 1); i > 0; i--) b.system.queues.rotate();
  },
  pq_mark_accessed: (b, s) => b.door.markAccessed(pageVmo(b, s), 0),
  pq_expect_counts: expectCounts,
  pq_expect_reclaim_index: (b, s) =>
    expectPlace(shown(b, pageVmo(b, s), 0n), 'reclaim', s['index']),
  pq_expect_active_inactive: (b, s) => {
    const { active, inactive } = b.system.queues.counts;
    if (s['active'] !== undefined) expectSame(whole(s, 'active'), active);
    if (s['inactive'] !== undefined) expectSame(whole(s, 'inactive'), inactive);
  },
  expect_page_queue: (b, s) => expectPlace(
    shown(b, b.vmo(s), whole(s, 'page')), queueNamed(text(s, 'queue')), s['index'],
  ),
  dedup_zero_page: (b, s) => dedup(b, s, b.vmo(s)),
  dedup_zero_page_hidden: dedupHidden,
};
