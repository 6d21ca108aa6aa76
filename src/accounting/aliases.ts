/**
 * Alias frames: one frame at several keys or in several families (KSM, mremap, doubly mapped
 * memfds).
 *
 * Trees that meet in one node at one key are settled by the core; an alias stands at different
 * keys, so a process that reaches it twice would count twice. Here each process's places of each
 * alias are counted, and all but one taken off again.
 *
 * Cost: nothing on a system without aliases, else one walk of the shared parts of what each process
 * reaches.
 */

import type { Core } from '../core/core.js';
import type { Sums, TreePass } from '../core/passes.js';
import { PAGE_BYTES } from '../objects/units.js';
import { joinShare } from './columns.js';
import type { Reach } from './reach.js';

/** By frame: how many times too often a holder reaches it. */
export type AliasSurplus = ReadonlyMap<number, number>;

/** The aliases that a holder reaches at more than one place. */
export function aliasSurplus(core: Core, reach: Reach): AliasSurplus {
  const surplus = new Map<number, number>();
  if (!core.hasAliases) return surplus;
  const places = new Map<number, Set<string>>();
  for (const [tree, runs] of reach) {
    const family = core.vmoFamily(tree.ref);
    for (const { start, end } of runs) {
      const pairs = core.vmoAliases(tree.ref, start, end - start);
      for (let i = 0; i < pairs.length; i += 2) {
        const frame = pairs[i] as number;
        let set = places.get(frame);
        if (set === undefined) places.set(frame, (set = new Set()));
        set.add(`${family}:${pairs[i + 1]}`);
      }
    }
  }
  for (const [frame, set] of places) if (set.size > 1) surplus.set(frame, set.size - 1);
  return surplus;
}

/** Before the scans: the surplus weighs nothing. */
export function injectSurplus(pass: TreePass, surplus: AliasSurplus, unit = 1): void {
  for (const [frame, times] of surplus) pass.weighFrame(frame, -times * unit);
}

/**
 * After a read: takes the surplus off a row of sums.
 *
 * @param ownersOf - owners that a weight stands for; 0 where the sums have no share of the page
 */
export function subtractSurplus(
  pass: TreePass, surplus: AliasSurplus, sums: Sums, row: number,
  ownersOf = (weight: number): number => weight,
): void {
  if (surplus.size === 0) return;
  let units = joinShare(sums.bytes[row] as bigint, sums.fraction[row] as bigint);
  for (const [frame, times] of surplus) {
    const owners = ownersOf(pass.frameWeight(frame));
    if (owners === 0) continue;
    units -= ((BigInt(PAGE_BYTES) << 63n) / BigInt(owners)) * BigInt(times);
    sums.pages[row] = (sums.pages[row] as number) - times;
    if (owners === 1) sums.privatePages[row] = (sums.privatePages[row] as number) - times;
  }
  sums.bytes[row] = units >> 63n;
  sums.fraction[row] = units & ((1n << 63n) - 1n);
}

/** Takes the surplus out of a count of pages by number of owners. */
export function subtractOwners(
  pass: TreePass, surplus: AliasSurplus, pages: Map<number, number>,
): void {
  for (const [frame, times] of surplus) {
    const owners = pass.frameWeight(frame);
    pages.set(owners, (pages.get(owners) ?? 0) - times);
  }
}
