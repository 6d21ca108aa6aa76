/**
 * Who pays for one page, under each policy: the rules of the passes, for one frame, as fractions.
 *
 * I1. `exact`, by either reach: the shares add up to 4096, or there are none.
 * I2. `attributed` and `classic`: the shares of VMOs add up to 4096 where a living VMO has the page
 *     in its own list (`classic`: as often as the VMO that pays has it), else there are none. Under
 *     `attributed` a VMO that is gone, but whose pages are kept, leaves its share to nobody. Those
 *     of processes are what the VMO's share comes to by its mappings, and obey no law.
 * I3. `mapcount`: 4096 less what the division cuts off, but in a torn recording.
 */

import { PAGE_BYTES } from '../objects/units.js';
import type { ProcessObject } from '../objects/process-object.js';
import type { VmoObject } from '../objects/vmo-object.js';
import { addFractions, fraction, NO_BYTES, type Fraction } from './fraction.js';
import type { FrameReach } from './page-reach.js';
import type { PageShare } from './page-types.js';
import type { Policy, Reach } from './tables.js';

/** Units of `mapcount`: 2^-12 byte. */
const UNITS_A_BYTE = 4096;

/** Processes that were not recorded, all in one. */
export interface Outside {
  /** Koid of the process that stands for them. */ readonly koid: number;
  /** Its name. */ readonly name: string;
  /** Entries of theirs that lead to the page; below 0 in a torn recording. */
  readonly entries: number;
}

/** What each pays, by the payer; in the order of first mention. */
class Bill<Payer extends ProcessObject | VmoObject> {
  readonly #shares = new Map<Payer, Fraction>();

  add(payer: Payer, share: Fraction): void {
    this.#shares.set(payer, addFractions(this.#shares.get(payer) ?? NO_BYTES, share));
  }

  rows(
    policy: Policy, reach: Reach, payer: 'vmo' | 'process', byHandle = false,
  ): PageShare[] {
    return [...this.#shares].map(([{ koid, name }, share]) =>
      ({ policy, reach, payer, koid, name, share, byHandle }));
  }
}

/**
 * Who pays for a page in page lists.
 *
 * @param reach - who reaches it
 * @param outside - those who were not recorded; undefined where there are none
 * @param isHugetlb - in no figure by `present`
 */
export function sharesOf(
  reach: FrameReach, outside: Outside | undefined, isHugetlb: boolean,
): PageShare[] {
  return [
    ...classicShares(reach), ...attributedShares(reach), ...exactCommitted(reach),
    ...(isHugetlb ? [] : [...exactPresent(reach, outside), ...mapcountShares(reach, outside)]),
  ];
}

/** The oldest living VMO that has it pays all; its mappings divide by address spaces. */
function classicShares({ vmos, mapped, shareCount }: FrameReach): PageShare[] {
  const charged = vmos.find(({ vmo, isOwn }) => isOwn && vmo.isOwner)?.vmo;
  if (charged === undefined) return [];
  const owner = new Bill<VmoObject>();
  for (const { vmo, isOwn } of vmos) {
    if (isOwn && vmo === charged) owner.add(vmo, fraction(PAGE_BYTES));
  }
  const processes = new Bill<ProcessObject>();
  for (const { process, place } of mapped) {
    if (!place.isOwn || place.vmo !== charged) continue;
    processes.add(process, fraction(PAGE_BYTES, shareCount.get(charged) ?? 1));
  }
  return [
    ...owner.rows('classic', 'committed', 'vmo'),
    ...processes.rows('classic', 'committed', 'process'),
  ];
}

/**
 * Shared among the VMOs that have it or whose kept pages it is of, then among the address spaces
 * that map each.
 */
function attributedShares({ trees, vmos, mapped, shareCount }: FrameReach): PageShare[] {
  const owners = vmos.filter(({ vmo, isOwn }) => isOwn && vmo.isOwner);
  let sharers = owners.length;
  for (const [tree, places] of trees) {
    if (tree.owner === undefined) sharers += places.filter(({ isOwn }) => isOwn).length;
  }
  const bill = new Bill<VmoObject>();
  for (const { vmo } of owners) bill.add(vmo, fraction(PAGE_BYTES, sharers));
  const processes = new Bill<ProcessObject>();
  for (const { process, place: { vmo, isOwn } } of mapped) {
    if (!isOwn || !vmo.isOwner) continue;
    const spaces = shareCount.get(vmo) ?? 1;
    processes.add(process, fraction(PAGE_BYTES, sharers * spaces));
  }
  return [
    ...bill.rows('attributed', 'committed', 'vmo'),
    ...processes.rows('attributed', 'committed', 'process'),
  ];
}

/** Distinct processes that map it; where none does, those that hold a handle. */
function exactCommitted({ mapped, held }: FrameReach): PageShare[] {
  const byHandle = mapped.length === 0;
  const owners = new Set((byHandle ? held : mapped).map(({ process }) => process));
  const bill = new Bill<ProcessObject>();
  for (const process of owners) bill.add(process, fraction(PAGE_BYTES, owners.size));
  return bill.rows('exact', 'committed', 'process', byHandle);
}

/** Distinct processes that have an entry; all that is outside is one more. */
function exactPresent({ mapped }: FrameReach, outside: Outside | undefined): PageShare[] {
  const isOutside = outside !== undefined && outside.entries > 0;
  const owners = new Set(mapped.filter((m) => m.isPresent).map(({ process }) => process));
  const share = fraction(PAGE_BYTES, Math.max(1, owners.size + (isOutside ? 1 : 0)));
  const bill = new Bill<ProcessObject>();
  for (const process of owners) bill.add(process, share);
  const rows = bill.rows('exact', 'present', 'process');
  if (isOutside) rows.push(outsideShare('exact', outside, share));
  return rows;
}

/** Each entry weighs 1 / number of entries, cut off to units as the kernel does. */
function mapcountShares({ mapped }: FrameReach, outside: Outside | undefined): PageShare[] {
  const present = mapped.filter(({ isPresent }) => isPresent);
  const extra = outside?.entries ?? 0;
  const entries = Math.max(1, present.length + extra);
  const units = Math.floor((PAGE_BYTES * UNITS_A_BYTE) / entries);
  const bill = new Bill<ProcessObject>();
  for (const { process } of present) bill.add(process, fraction(units, UNITS_A_BYTE));
  const rows = bill.rows('mapcount', 'present', 'process');
  if (outside !== undefined && extra > 0) {
    rows.push(outsideShare('mapcount', outside, fraction(units * extra, UNITS_A_BYTE)));
  }
  return rows;
}

function outsideShare(
  policy: Policy, { koid, name }: Outside, share: Fraction,
): PageShare {
  return { policy, reach: 'present', payer: 'outside', koid, name, share, byHandle: false };
}
