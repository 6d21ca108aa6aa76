/**
 * Operations on a private physical memory manager, through the test door.
 *
 * I1. A case has at most one; a second `pmm_node` replaces the first.
 */
import { PmmNode, type PmmPage } from '../../src/objects/pmm-node.js';
import { type Action, type Bench, expectSame } from './bench.js';
import { Mismatch, type Step } from './cases.js';
import { count, countOr, text, whole } from './values.js';

interface Pmm {
  readonly node: PmmNode;
  readonly lists: Map<string, PmmPage[]>;
}

const nodes = new WeakMap<Bench, Pmm>();

const pmmOf = (b: Bench): Pmm => {
  const found = nodes.get(b);
  if (found === undefined) throw new Error('no pmm_node before this step');
  return found;
};

const listOf = (b: Bench, s: Step): PmmPage[] => {
  const found = pmmOf(b).lists.get(text(s, 'list'));
  if (found === undefined) throw new Error(`no list ${text(s, 'list')}`);
  return found;
};

const expectCounts: Action = (b, s) => {
  const counts: Readonly<Record<string, number>> = { ...pmmOf(b).node.counts };
  for (const [name, wanted] of Object.entries(s)) {
    if (name !== 'op') expectSame(wanted as number, counts[name] ?? NaN);
  }
};

const setSignal: Action = (b, s) => {
  const upper = s['upper'] ?? s['upper_pages'];
  const armed = pmmOf(b).node.setFreeMemorySignal({
    lowerPages: count(s, 'lower_pages'),
    upperPages: upper === undefined || upper === 'MAX' ? Infinity : Number(upper),
    delayPages: s['delay_pages'] === 'MAX' ? Infinity : countOr(s, 'delay_pages', 0),
  });
  if (s['expect'] !== undefined && armed !== s['expect']) {
    throw new Mismatch(String(s['expect']), String(armed));
  }
};

/** Operations by name. */
export const pmmActions: Readonly<Record<string, Action>> = {
  pmm_node: (b, s) => {
    nodes.set(b, { node: new PmmNode(Number(whole(s, 'pages'))), lists: new Map() });
  },
  pmm_alloc: (b, s) => {
    const pages = pmmOf(b).node.alloc(count(s, 'count'), s['can_wait'] === true);
    pmmOf(b).lists.set(text(s, 'out'), pages);
  },
  pmm_alloc_loaned: (b, s) => {
    const { node, lists } = pmmOf(b);
    lists.set(text(s, 'out'), node.allocLoaned(count(s, 'count')));
  },
  pmm_free: (b, s) => pmmOf(b).node.free(listOf(b, s)),
  pmm_free_loaned: (b, s) => pmmOf(b).node.free(listOf(b, s)),
  pmm_begin_loan: (b, s) => pmmOf(b).node.beginLoan(listOf(b, s)),
  pmm_cancel_loan: (b, s) => pmmOf(b).node.cancelLoan(listOf(b, s)),
  pmm_end_loan: (b, s) => {
    const back = pmmOf(b).node.endLoan(listOf(b, s));
    if (s['out'] !== undefined) pmmOf(b).lists.set(text(s, 'out'), back);
  },
  pmm_expect_counts: expectCounts,
  pmm_set_free_memory_signal: setSignal,
  pmm_expect_event: (b, s) => {
    const { isSignalled } = pmmOf(b).node;
    if (isSignalled !== s['signalled']) {
      throw new Mismatch(String(s['signalled']), String(isSignalled));
    }
  },
  pmm_unsignal: (b) => pmmOf(b).node.unsignal(),
};
