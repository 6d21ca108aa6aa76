/**
 * Operations on VMOs that a pager fills, and forced eviction. The case is the pager: it supplies
 * when a step says so, and answers the one request that a step expects.
 */
import {
  type PageRequest, PagerCommand, PagerOp, Status, type StatusName, type Vmo, VmoOption,
} from '../support/api.js';
import { type Action, type Bench, bitsOf, expectSame } from './bench.js';
import { Lacking, Mismatch, type Step } from './cases.js';
import { big, count, names, text, whole, wordBytes } from './values.js';

const PAGE = 4096n;

/** Supplies pages from a fresh VMO; the first word of each is `value`. */
const supplyFresh = (
  b: Bench, vmo: Vmo, offset: bigint, length: bigint, value?: bigint,
): void => {
  const aux = b.system.createVmo(length);
  try {
    for (let at = 0n; at < length; at += PAGE) aux.write(at, wordBytes(value ?? 0n));
    b.pager.supplyPages(vmo, offset, length, aux, 0);
  } finally {
    aux.close();
  }
};

const createPager: Action = (b, s) => {
  const options = bitsOf(VmoOption, names(s, 'options'));
  const vmo = b.pager.createVmo(whole(s, 'pages') * PAGE, options, { key: b.nextPagerKey() });
  for (const [page, value] of Object.entries((s['supply'] ?? {}) as Record<string, unknown>)) {
    supplyFresh(b, vmo, BigInt(page) * PAGE, PAGE, big(value, 'supply'));
  }
  b.pagerVmos.push(vmo);
  b.handles.set(text(s, 'out'), vmo);
};

/** Kernel SupplyPages into any VMO, a clone too: `transferData` does the same. */
const supplyKernel: Action = (b, s) => {
  const length = whole(s, 'pages') * PAGE;
  const named = s['aux'] !== undefined;
  const aux = named ? b.vmo(s, 'aux') : b.system.createVmo(length);
  if (!named) for (let at = 0n; at < length; at += PAGE) aux.write(at, wordBytes(0n));
  b.vmo(s).transferData(0, whole(s, 'page') * PAGE, length, aux, 0);
  if (!named) aux.close();
};

const asStatus = (name: string): number => {
  const status = Status[name as StatusName];
  if (status === undefined) throw new Lacking(`the status ${name}`);
  return status;
};

/**
 * `pager_expect_request_on`: the trigger makes one request, for these pages, which is answered as
 * `reply` says: "supply", {"supply": word}, "dirty" or {"fail": status}. A trigger that has to fail
 * then is an `expect_error`.
 */
export const expectRequest = async (
  b: Bench, s: Step, perform: (step: Step) => void | Promise<void>,
): Promise<void> => {
  const reply = (s['reply'] ?? 'supply') as string | { supply?: unknown; fail?: string };
  const seen: PageRequest[] = [];
  b.answer = (request) => {
    seen.push(request);
    const { key, offset, length } = request;
    const vmo = b.pagerVmos[Number(key)]!;
    if (reply === 'dirty') b.pager.opRange(PagerOp.DIRTY, vmo, offset, length);
    else if (typeof reply === 'object' && reply.fail !== undefined) {
      b.pager.opRange(PagerOp.FAIL, vmo, offset, length, asStatus(reply.fail));
    } else {
      const value = typeof reply === 'object' ? big(reply.supply, 'reply.supply') : undefined;
      supplyFresh(b, vmo, offset, length, value);
    }
  };
  try {
    await perform(s['trigger'] as Step);
  } finally {
    b.answer = undefined;
  }
  const isFailed = typeof reply === 'object' && reply.fail !== undefined;
  const name = (isDirty: boolean): string => (isFailed ? 'any' : isDirty ? 'DIRTY' : 'READ');
  const wanted = `${name(reply === 'dirty')} ${whole(s, 'page')}+${whole(s, 'len_pages')}`;
  const got = seen.map((r) =>
    `${name(r.command === PagerCommand.DIRTY)} ${r.offset / PAGE}+${r.length / PAGE}`);
  if (got.join(', ') !== wanted) throw new Mismatch(wanted, got.join(', ') || 'no request');
};

/** Operations by name. */
export const pagerActions: Readonly<Record<string, Action>> = {
  vmo_create_pager: createPager,
  pager_supply: (b, s) =>
    supplyFresh(b, b.vmo(s), whole(s, 'page') * PAGE, whole(s, 'pages') * PAGE),
  pager_supply_from: (b, s) => {
    const [page, pages, from] = ['page', 'pages', 'aux_page'].map((key) => whole(s, key) * PAGE);
    b.pager.supplyPages(b.vmo(s, 'pager_vmo'), page!, pages!, b.vmo(s, 'aux'), from!);
  },
  supply_pages_kernel: supplyKernel,
  pager_op_range: (b, s) => {
    const op = bitsOf(PagerOp, [text(s, 'range_op')]);
    const data = s['data'] === undefined ? 0 : typeof s['data'] === 'string'
      ? asStatus(s['data']) : count(s, 'data');
    b.pager.opRange(op, b.vmo(s), whole(s, 'page') * PAGE, whole(s, 'pages') * PAGE, data);
  },
  pager_detach: (b, s) => b.pager.detachVmo(b.vmo(s)),
  expect_dirty_ranges: (b, s) => {
    const { ranges } = b.pager.queryDirtyRanges(b.vmo(s), 0, b.vmo(s).getSize());
    const got = ranges.map((r) => [r.offset / PAGE, r.length / PAGE, r.isZero ? ' zero' : '']);
    const shown = got.map(([page, pages, zero]) => `${page}+${pages}${zero}`).join(', ');
    const wanted = names(s, 'ranges').join(', ');
    if (shown !== wanted) throw new Mismatch(wanted, shown);
  },
  evict: (b, s) => {
    const options = { ignoreHints: s['ignore_hint'] === true };
    const gone = b.system.evictPages(b.vmo(s), whole(s, 'page') * PAGE, PAGE, options);
    expectSame(whole(s, 'expect_pages'), gone);
  },
};
