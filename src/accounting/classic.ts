/**
 * Policy `classic`: the figures of the memory page's own tools, their known faults included.
 *
 * A page is charged to the oldest living VMO that sees it; slices and references are charged
 * nothing. For each mapping, the committed pages of its VMO in its range are private if the VMO's
 * share count is 1, else shared, and scaled = bytes div share count, an integer division a mapping
 * (ZX_INFO_TASK_STATS until 2023).
 */

import type { Core } from '../core/core.js';
import { TreePass } from '../core/passes.js';
import type { Collected } from './collect.js';
import { addShare, setShare, type Figures, type VmoFigureColumns } from './columns.js';
import { PAGE_BYTES } from '../objects/units.js';

/** What a policy over trees fills in. */
export interface Outcome {
  /** By map row. */ readonly maps: Figures;
  /** By task row; jobs are summed later. */ readonly tasks: Figures;
  /** By VMO row. */ readonly vmos: VmoFigureColumns;
}

/** Fills the figures in. */
export async function accountClassic(
  core: Core, collected: Collected, outcome: Outcome, scan: (pass: TreePass) => Promise<void>,
): Promise<void> {
  const { vmos, windows, shareCount } = collected;
  const pass = new TreePass(core, 'least');
  try {
    pass.injectCreation(vmos.filter((vmo) => vmo.isOwner).map((vmo) => vmo.tree.ref));
    await scan(pass);
    vmos.forEach((vmo, row) => {
      if (!vmo.isOwner || vmo.isPhysical) return;
      const bytes = pass.least(vmo.tree.ref, 0, vmo.sizePages) * PAGE_BYTES;
      outcome.vmos.committedBytes[row] = bytes;
      outcome.vmos.privateBytes[row] = bytes;
      setShare(outcome.vmos.scaled, row, BigInt(bytes) << 63n);
    });
    const committed = new Float64Array(collected.mappingCount);
    for (const window of windows) {
      const vmo = vmos[window.vmo];
      if (vmo === undefined || !vmo.isOwner || vmo.isPhysical || window.pages === 0) continue;
      const bytes = pass.least(window.tree.ref, window.page, window.pages) * PAGE_BYTES;
      outcome.maps.committedBytes[window.row] = bytes;
      committed[window.mapping] = (committed[window.mapping] as number) + bytes;
      const shares = shareCount[window.vmo] as number;
      charge(outcome.maps, window.row, bytes, shares);
    }
    chargeTasks(collected, outcome, committed);
  } finally {
    pass.end();
  }
}

/** Adds bytes of a VMO with a share count to a row. */
function charge(figures: Figures, row: number, bytes: number, shares: number): void {
  const column = shares === 1 ? figures.privateBytes : figures.sharedBytes;
  column[row] = (column[row] as number) + bytes;
  addShare(figures.pss, row, BigInt(Math.floor(bytes / shares)) << 63n);
}

/** The division is for each whole mapping, whatever its ranges of permissions. */
function chargeTasks(collected: Collected, outcome: Outcome, committed: Float64Array): void {
  let done = -1;
  for (const window of collected.windows) {
    if (window.mapping === done) continue;
    done = window.mapping;
    const { row } = collected.processes[window.process] as { row: number };
    const shares = collected.shareCount[window.vmo] as number;
    charge(outcome.tasks, row, committed[done] as number, shares);
  }
}
