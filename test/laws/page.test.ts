/**
 * `system.page` under random programs: the VMOs that have a page, the mappings and handles that
 * reach it and what each pays are the slow model's, page by page, and the shares close.
 */
import t from 'tap';
import { type Page, lookup, ownPage } from '../model/tree.js';
import { type Rational, add, equal, ratio, ZERO } from '../model/rational.js';
import {
  holdingVmos, oldestHolder, ownersOf, reached, shareCount,
} from '../model/accounting.js';
import { type ModelVmo, isWindow, sizePages } from '../model/vmo.js';
import type { Fraction, PageReport, PageShare } from '../support/api.js';
import { law, runBoth } from './law.js';
import type { OnModel } from './on-model.js';
import type { OnSystem } from './on-system.js';
import { ALL } from './program.js';

const PAGE = 4096;
/** Pages of a system that are asked about. */
const SAMPLE = 12;

/** Payers and what they pay, as lines in any order. */
type Bill = Map<string, Rational>;

const charge = (bill: Bill, payer: string, share: Rational): void => {
  bill.set(payer, add(bill.get(payer) ?? ZERO, share));
};

/** Names of the model's objects: the koids of those of the system. */
class Names {
  constructor(readonly model: OnModel, readonly system: OnSystem) {}

  vmo(vmo: ModelVmo): number {
    return this.system.made[this.model.made.indexOf(vmo)]!;
  }

  process(process: OnModel['processes'][number]): number {
    return this.system.processes[this.model.processes.indexOf(process)]!.koid;
  }
}

/** Page numbers of a VMO that show a page. */
const shownAt = (vmo: ModelVmo, page: Page): number[] => {
  const found: number[] = [];
  for (let i = 0; i < Math.min(sizePages(vmo), 4096); i++) {
    if (lookup(vmo.tree, i + vmo.treeOffset) === page) found.push(i);
  }
  return found;
};

const vmoLines = (names: Names, page: Page): string[] => names.model.world.vmos.flatMap((vmo) =>
  shownAt(vmo, page).map((at) => {
    const own = ownPage(vmo.tree, at + vmo.treeOffset) === page;
    return `${names.vmo(vmo)} ${at} ${own ? 'own' : 'seen'}`;
  }));

const mappingLines = (names: Names, page: Page): string[] =>
  names.model.processes.flatMap((process) => process.mappings.flatMap((m) => {
    const lines: string[] = [];
    for (let i = 0; i < m.pages; i++) {
      const at = i + m.vmoOffset;
      if (at >= sizePages(m.vmo) || lookup(m.vmo.tree, at + m.vmo.treeOffset) !== page) continue;
      const present = process.entries.get(m.base + i) === page;
      const where = `${names.process(process)} ${m.base + i}`;
      lines.push(`${where} ${names.vmo(m.vmo)} ${m.perms[i]} ${present}`);
    }
    return lines;
  }));

const handleLines = (names: Names, page: Page): string[] =>
  names.model.processes.flatMap((process) => process.handles
    .filter(({ vmo }) => shownAt(vmo, page).length > 0)
    .map(({ vmo }) => `${names.process(process)} ${names.vmo(vmo)}`));

/** Who pays by each rule, from the definitions. */
const bills = (names: Names, page: Page): Map<string, Bill> => {
  const { world } = names.model;
  const found = new Map<string, Bill>();
  const bill = (name: string): Bill => {
    if (!found.has(name)) found.set(name, new Map());
    return found.get(name)!;
  };
  const oldest = oldestHolder(world, page);
  if (oldest !== undefined) charge(bill('classic'), `vmo ${names.vmo(oldest)}`, ratio(PAGE));
  const trees = world.holders(page).length;
  for (const vmo of holdingVmos(world, page)) {
    charge(bill('attributed'), `vmo ${names.vmo(vmo)}`, ratio(PAGE, trees));
  }
  for (const reach of ['committed', 'present'] as const) {
    const owners = ownersOf(world, reach).get(page) ?? new Set();
    for (const owner of owners) {
      charge(bill(`exact ${reach}`), `process ${names.process(owner)}`, ratio(PAGE, owners.size));
    }
    if (reach === 'present' || owners.size > 0) continue;
    const held = names.model.processes.filter(({ handles }) =>
      handles.some(({ vmo }) => shownAt(vmo, page).length > 0));
    for (const holder of held) {
      charge(bill('exact committed'), `process ${names.process(holder)}`, ratio(PAGE, held.length));
    }
  }
  let entries = 0;
  const present: number[] = [];
  for (const process of names.model.processes) {
    for (const m of process.mappings) {
      for (const got of reached(process, m, 'present')) {
        if (got !== page) continue;
        entries += 1;
        present.push(names.process(process));
      }
      const spaces = shareCount(world, m.vmo);
      if (isWindow(m.vmo)) continue;
      for (let i = 0; i < m.pages; i++) {
        const at = i + m.vmoOffset;
        if (at >= sizePages(m.vmo) || ownPage(m.vmo.tree, at) !== page) continue;
        const who = `process ${names.process(process)}`;
        if (m.vmo === oldest) charge(bill('classic'), who, ratio(PAGE, spaces));
        charge(bill('attributed'), who, ratio(PAGE, trees * spaces));
      }
    }
  }
  const units = Math.floor((PAGE * 4096) / Math.max(1, entries));
  for (const koid of present) charge(bill('mapcount'), `process ${koid}`, ratio(units, 4096));
  return found;
};

const asRational = ({ numerator, denominator }: Fraction): Rational =>
  ratio(numerator, denominator);

const ruleOf = ({ policy, reach }: PageShare): string =>
  (policy === 'exact' ? `exact ${reach}` : policy);

const billLines = (found: ReadonlyMap<string, Bill>): string[] =>
  [...found].flatMap(([rule, bill]) =>
    [...bill].map(([payer, { n, d }]) => `${rule}: ${payer} pays ${n}/${d}`));

const shareLines = ({ shares }: PageReport): string[] => shares.map((share) => {
  const { n, d } = asRational(share.share);
  return `${ruleOf(share)}: ${share.payer} ${share.koid} pays ${n}/${d}`;
});

/**
 * The sums that close: 4096 where there is a payer; under `attributed` less the part of VMOs that
 * are gone and whose pages are kept.
 */
const openSums = ({ world }: OnModel, page: Page, { shares }: PageReport): string[] => {
  const sums: Bill = new Map();
  for (const share of shares) {
    charge(sums, `${ruleOf(share)} ${share.payer}`, asRational(share.share));
  }
  const charged = ratio(PAGE * holdingVmos(world, page).length, world.holders(page).length);
  const closing: [rule: string, sum: Rational][] = [
    ['classic vmo', ratio(PAGE)], ['attributed vmo', charged],
    ['exact committed process', ratio(PAGE)], ['exact present process', ratio(PAGE)],
  ];
  return closing.filter(([rule, wanted]) => sums.has(rule) && !equal(sums.get(rule)!, wanted))
    .map(([rule]) => `${rule} sums to ${sums.get(rule)!.n}/${sums.get(rule)!.d}`);
};

const differs = (what: string, got: readonly string[], wanted: readonly string[]): string[] => {
  const [a, b] = [got, wanted].map((lines) => [...lines].sort().join('; '));
  return a === b ? [] : [`${what}: got ${a}, model ${b}`];
};

const compareReport = (names: Names, page: Page, report: PageReport): string[] => [
  ...(report.state === 'object' ? [] : [`state ${report.state}`]),
  ...differs('VMOs', report.vmos.map(({ koid, offset, isOwn }) =>
    `${koid} ${offset / 4096n} ${isOwn ? 'own' : 'seen'}`), vmoLines(names, page)),
  ...differs('mappings', report.mappings.map((m) =>
    `${m.processKoid} ${m.address / 4096n} ${m.vmoKoid} ${m.perms} ${m.isPresent}`),
  mappingLines(names, page)),
  ...differs('handles', report.handles.map((h) => `${h.processKoid} ${h.vmoKoid}`),
    handleLines(names, page)),
  ...differs('shares', shareLines(report), billLines(bills(names, page))),
  ...openSums(names.model, page, report),
];

/** Asks about some places of each living VMO; what the reports have wrong. */
const checkPages = async (model: OnModel, system: OnSystem): Promise<string[]> => {
  const names = new Names(model, system);
  const digest = system.system.core.digest();
  let asked = 0;
  for (const vmo of model.world.vmos) {
    for (let at = 0; at < Math.min(sizePages(vmo), 64) && asked < SAMPLE; at++) {
      const page = lookup(vmo.tree, at + vmo.treeOffset);
      if (vmo.tree.kind === 'physical' || (page === undefined && at > 2)) continue;
      asked += 1;
      const what = `page ${at} of VMO ${names.vmo(vmo)}`;
      const report = await system.system.page({ koid: names.vmo(vmo), offset: at * PAGE });
      if (page === undefined) {
        if (report.state !== 'absent' || report.vmos.length > 0) return [what, report.state];
        continue;
      }
      const again = await system.system.page({ pfn: report.pfn! });
      const wrong = [
        ...compareReport(names, page, report),
        ...differs('by PFN', shareLines(again), shareLines(report)),
      ];
      if (wrong.length > 0) return [what, ...wrong];
    }
  }
  const isSame = system.system.core.digest() === digest;
  return isSame ? system.system.core.audit() : ['looking changed the system'];
};

t.test('whose each page is, is what the model says', (t) => law(
  t, 'reports of pages after a program',
  { usual: 150, long: 20_000, length: 60, mix: ALL },
  (program) => runBoth(program, 'release', (model, system, step) =>
    step === program.length - 1 ? checkPages(model, system) : []),
));

t.test('and in the middle of long programs, in the debug build', (t) => law(
  t, 'reports of pages every 40 operations',
  { usual: 10, long: 1_000, length: 300, mix: ALL },
  (program) => runBoth(program, 'debug', (model, system, step) =>
    step % 40 === 39 ? checkPages(model, system) : []),
));
