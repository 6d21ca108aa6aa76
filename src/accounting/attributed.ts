/**
 * Policy `attributed`: Zircon since RFC-0254. A page is shared first among the VMOs that see it
 * (one that is gone, but whose pages a slice or a reference keeps, has its share too, which nobody
 * pays), then among the address spaces that map the VMO (ZX_INFO_TASK_STATS, memory-semantics 11.1
 * NEW).
 *
 * For each mapping, with n the VMO's share count: n = 1: private is what no other VMO sees, the
 * rest is shared with its scaled part; n > 1: all is shared, and scaled is divided by n.
 */

import type { Core } from '../core/core.js';
import { TreePass, type Sums } from '../core/passes.js';
import type { Outcome } from './classic.js';
import type { Collected } from './collect.js';
import { addShare, joinShare, setShare, type Figures } from './columns.js';
import { PAGE_BYTES } from '../objects/units.js';
import { Windows } from './windows.js';

/** Fills the figures in. */
export async function accountAttributed(
  core: Core, collected: Collected, outcome: Outcome, scan: (pass: TreePass) => Promise<void>,
): Promise<void> {
  const { vmos, windows } = collected;
  await accountVmos(core, collected, outcome, scan, (pass) => {
    const parts = new Windows();
    windows.forEach(({ vmo, tree, page, pages }, i) => {
      const object = vmos[vmo];
      if (object?.isOwner === true && !object.isPhysical) parts.add(tree.ref, page, pages, i);
    });
    fillRows(collected, outcome, pass.read(parts, windows.length));
  });
}

/**
 * Fills in the figures of VMOs alone, shared among the VMOs that see a page: also those of the
 * policies that say who maps a page, not whose it is.
 *
 * @param more - what else to read before the pass ends
 */
export async function accountVmos(
  core: Core, { vmos, ownerless }: Collected, outcome: Outcome,
  scan: (pass: TreePass) => Promise<void>,
  more?: (pass: TreePass) => void,
): Promise<void> {
  const pass = new TreePass(core, 'sum');
  try {
    const owners = new Windows();
    const whole = new Windows();
    vmos.forEach((vmo, row) => {
      if (!vmo.isOwner || vmo.isPhysical) return;
      owners.add(vmo.tree.ref, 0, vmo.sizePages, 1);
      whole.add(vmo.tree.ref, 0, vmo.sizePages, row);
    });
    for (const { ref } of ownerless) owners.add(ref, 0, core.vmoSizePages(ref), 1);
    pass.inject(owners);
    await scan(pass);
    fillVmos(outcome, pass.read(whole, vmos.length));
    more?.(pass);
  } finally {
    pass.end();
  }
}

function fillVmos(outcome: Outcome, sums: Sums): void {
  const { vmos } = outcome;
  sums.pages.forEach((pages, row) => {
    vmos.committedBytes[row] = pages * PAGE_BYTES;
    vmos.privateBytes[row] = (sums.privatePages[row] as number) * PAGE_BYTES;
    setShare(vmos.scaled, row, joinShare(sums.bytes[row] as bigint, sums.fraction[row] as bigint));
  });
}

function fillRows(collected: Collected, outcome: Outcome, sums: Sums): void {
  collected.windows.forEach((window, i) => {
    const { row } = collected.processes[window.process] as { row: number };
    const shares = collected.shareCount[window.vmo] as number;
    const part = {
      bytes: (sums.pages[i] as number) * PAGE_BYTES,
      privateBytes: (sums.privatePages[i] as number) * PAGE_BYTES,
      share: joinShare(sums.bytes[i] as bigint, sums.fraction[i] as bigint),
    };
    outcome.maps.committedBytes[window.row] = part.bytes;
    charge(outcome.maps, window.row, part, shares);
    charge(outcome.tasks, row, part, shares);
  });
}

interface Part {
  readonly bytes: number;
  readonly privateBytes: number;
  readonly share: bigint;
}

function charge(figures: Figures, row: number, part: Part, shares: number): void {
  const own = shares === 1 ? part.privateBytes : 0;
  figures.privateBytes[row] = (figures.privateBytes[row] as number) + own;
  figures.sharedBytes[row] = (figures.sharedBytes[row] as number) + part.bytes - own;
  addShare(figures.pss, row, part.share / BigInt(shares));
}
