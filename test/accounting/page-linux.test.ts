/**
 * `system.page` on recorded Linux systems: for a sample of PFNs and swap slots the owners are those
 * that a walk over all page runs of the file finds.
 */
import { basename } from 'node:path';
import t, { type Test } from 'tap';
import type { PageReport } from '../../src/accounting/page-types.js';
import { System } from '../../src/system.js';
import { frameOf, readLines, snapshotFiles, type Lines } from './snapshot-lines.js';

/** PFNs of each kind that are asked about, and swap slots. */
const SAMPLE = 12;
const ANON = 12;
const NO_PAGE = 20;
const HUGETLB = 17;
const KSM = 21;
const THP = 22;
const ZERO = 24;

/** Places by PFN or swap word: `pid address`. */
type Places = Map<number, string[]>;

function has(flags: number, bit: number): boolean {
  return Math.floor(flags / 2 ** bit) % 2 === 1;
}

/** Calls with every present entry of the file that is one of the system's own. */
function walk(lines: Lines, visit: (pfn: number, pid: number, page: bigint) => void): void {
  for (const { pid, mappings } of lines.processes) {
    for (const { start, isDevice, pfns, at } of mappings) {
      pfns.forEach((pfn, i) => {
        if (isDevice && !has(frameOf(lines, pfn).flags, ANON)) return;
        visit(pfn, pid, (start >> 12n) + BigInt(at[i] as number));
      });
    }
  }
}

/** A sample of PFNs: some of each kind, so that the odd ones are among them. */
function sample(lines: Lines): Set<number> {
  const kinds = new Map<string, number[]>();
  const seen = new Map<number, number>();
  walk(lines, (pfn) => { seen.set(pfn, (seen.get(pfn) ?? 0) + 1); });
  for (const [pfn, entries] of seen) {
    const { flags, mapcount } = frameOf(lines, pfn);
    const kind = [
      has(flags, NO_PAGE), has(flags, ZERO), has(flags, HUGETLB), has(flags, KSM), has(flags, THP),
      has(flags, ANON), Math.min(entries, 3), Math.sign(mapcount - entries),
    ].join();
    const list = kinds.get(kind);
    if (list === undefined) kinds.set(kind, [pfn]);
    else list.push(pfn);
  }
  const chosen = [...kinds.values()].flatMap((pfns) => {
    const step = Math.max(1, Math.floor(pfns.length / SAMPLE));
    return pfns.filter((_, i) => i % step === 0).slice(0, SAMPLE);
  });
  return new Set(chosen);
}

function placesOf(lines: Lines, wanted: ReadonlySet<number>): Places {
  const places: Places = new Map([...wanted].map((pfn) => [pfn, []]));
  walk(lines, (pfn, pid, page) => places.get(pfn)?.push(`${pid} ${page}`));
  return places;
}

/** A share as text, in lowest terms. */
function shares(report: PageReport, rule: string): string[] {
  return report.shares.filter(({ policy, reach }) => `${policy} ${reach}` === rule)
    .map(({ payer, koid, share: { numerator, denominator } }) =>
      `${payer === 'outside' ? payer : koid} ${Number(numerator) / Number(denominator)}`).sort();
}

function counted(pids: readonly string[], each: number): Map<string, number> {
  const bill = new Map<string, number>();
  for (const pid of pids) bill.set(pid, (bill.get(pid) ?? 0) + each);
  return bill;
}

function asLines(bill: ReadonlyMap<string, number>): string[] {
  return [...bill].map(([payer, bytes]) => `${payer} ${bytes}`).sort();
}

/** What is wrong with the report of one PFN. */
function wrongFrame(lines: Lines, pfn: number, report: PageReport, places: string[]): string[] {
  const { flags, mapcount } = frameOf(lines, pfn);
  if (has(flags, ZERO) || has(flags, NO_PAGE)) {
    const wanted = has(flags, ZERO) ? 'zero' : 'device';
    return report.state === wanted && report.shares.length === 0 ? [] : [report.state];
  }
  const pids = places.map((place) => place.split(' ')[0] as string);
  const extra = mapcount - places.length;
  const wrong: string[] = [];
  const same = (what: string, got: unknown, wanted: unknown): void => {
    const [a, b] = [String(got), String(wanted)];
    if (a !== b) wrong.push(`${what}: ${a}, not ${b}`);
  };
  same('state', report.state, 'object');
  same('PFN', report.pfn, pfn);
  const present = report.mappings.filter(({ isPresent }) => isPresent)
    .map(({ processKoid, address }) => `${processKoid} ${address >> 12n}`);
  same('places', [...present].sort(), [...places].sort());
  same('entries', report.entries, places.length);
  same('outside', report.outsideEntries, extra);
  const owners = [...new Set(pids), ...(extra > 0 ? ['outside'] : [])];
  const isHuge = has(flags, HUGETLB);
  const exact = isHuge ? new Map<string, number>() : counted(owners, 4096 / owners.length);
  same('exact', shares(report, 'exact present'), asLines(exact));
  const each = Math.floor(2 ** 24 / Math.max(1, mapcount)) / 4096;
  const bill = isHuge ? new Map<string, number>() : counted(pids, each);
  if (!isHuge && extra > 0) bill.set('outside', extra * each);
  same('mapcount', shares(report, 'mapcount present'), asLines(bill));
  same('exact by committed', shares(report, 'exact committed').reduce((sum, line) =>
    sum + Number(line.split(' ')[1]), 0).toFixed(6), '4096.000000');
  const parts = report.vmos.filter(({ isOwn }) => isOwn).length;
  same('a VMO has it', parts > 0, true);
  return wrong.map((line) => `PFN ${pfn}: ${line}`);
}

async function checkFrames(t: Test, system: System, lines: Lines): Promise<void> {
  const wanted = sample(lines);
  const places = placesOf(lines, wanted);
  const wrong: string[] = [];
  for (const pfn of wanted) {
    const report = await system.page({ pfn });
    wrong.push(...wrongFrame(lines, pfn, report, places.get(pfn) as string[]));
    const place = report.mappings.find(({ isPresent }) => isPresent);
    if (place === undefined) continue;
    const { processKoid: koid, address } = place;
    const there = await system.page({ koid, offset: address + 7n });
    if (there.pfn !== pfn) wrong.push(`${koid}:${address} is PFN ${there.pfn}, not ${pfn}`);
  }
  t.strictSame(wrong.slice(0, 10), [], `${wanted.size} PFNs`);
  const refusal: unknown = await system.page({ pfn: 1 }).catch((error: unknown) => error);
  t.match(String(refusal), /ZX_ERR_NOT_FOUND: pfn 1 was not recorded/);
}

async function checkSwap(t: Test, system: System, lines: Lines): Promise<void> {
  const holders: Places = new Map();
  for (const { pid, mappings } of lines.processes) {
    for (const { start, swapWords } of mappings) {
      for (const [page, word] of swapWords) {
        if (word % 32 >= 23) continue; // no slot of a swap file
        const list = holders.get(word) ?? [];
        holders.set(word, list);
        list.push(`${pid} ${(start >> 12n) + BigInt(page)}`);
      }
    }
  }
  const words = [...holders.keys()];
  const step = Math.max(1, Math.floor(words.length / SAMPLE));
  const wrong: string[] = [];
  for (let i = 0; i < words.length; i += step) {
    const word = words[i] as number;
    const wanted = holders.get(word) as string[];
    const [pid = '', page = ''] = (wanted[0] as string).split(' ');
    const { state, swap, pfn } = await system.page({
      koid: Number(pid), offset: BigInt(page) << 12n,
    });
    const got = (swap?.holders ?? []).map((h) => `${h.processKoid} ${h.address >> 12n}`).sort();
    const isRight = state === 'swapped' && pfn === undefined && swap?.area === word % 32
      && swap.slot === Math.floor(word / 32)
      && Number(swap.share.numerator * (4096n / swap.share.denominator))
        === Math.floor(2 ** 24 / wanted.length)
      && got.join() === [...wanted].sort().join();
    if (!isRight) wrong.push(`${pid} ${page}: ${state}, ${got.join()}, not ${wanted.join()}`);
  }
  t.strictSame(wrong.slice(0, 10), [], `${words.length} slots, each ${step}th`);
}

for (const path of snapshotFiles()) {
  t.test(basename(path), async (t) => {
    const lines = readLines(path);
    const system = await System.open(path);
    await checkFrames(t, system, lines);
    await checkSwap(t, system, lines);
    t.strictSame(system.core.audit(), [], 'looking changed nothing');
  });
}
