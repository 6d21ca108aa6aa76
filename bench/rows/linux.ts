/**
 * The machine's own kernel, for the scale: fork, then write each page in the child. It takes a trap
 * and fills 4 KiB; the simulation keeps books. The row says what a simulated fault costs of one
 * that is taken, not that it is faster than Linux.
 */
import { Collector, withPair } from '../support/context.js';
import type { Context, Group } from '../support/context.js';
import type { AspaceRef, Core, VmoRef } from '../../src/core/core.js';
import { WRITE } from '../support/machine.js';
import { good, timed } from '../support/ours.js';

const BASE_PAGES = 2 ** 18;
const READ_WRITE = 3;
const PAGE_BYTES = 4096;

/** ns a page of writing every page of a VMO behind a snapshot. */
function copyOnWrite(core: Core, pages: number, filled: boolean): number {
  const vmo = good<VmoRef>(core.vmoCreate(0, pages));
  const space = good<AspaceRef>(core.aspaceCreate());
  good(core.map(space, vmo, BASE_PAGES, pages, 0, READ_WRITE));
  good(core.faultRange(space, BASE_PAGES, pages, WRITE));
  if (filled) {
    const bytes = new Uint8Array(2 ** 20).fill(7);
    for (let at = 0; at < pages * PAGE_BYTES; at += bytes.length) {
      good(core.vmoWrite(vmo, at, bytes));
    }
  }
  const child = good<VmoRef>(core.vmoSnapshot(vmo, 0, pages));
  const ns = timed(() => good(core.faultRange(space, BASE_PAGES, pages, WRITE)));
  core.vmoRelease(child);
  core.aspaceDestroy(space);
  core.vmoRelease(vmo);
  return ns / pages;
}

async function run(context: Context): Promise<void> {
  const pages = context.isShort ? 2 ** 13 : 2 ** 15;
  const hostBytes = pages * (2 * PAGE_BYTES + 128) + 2 ** 24;
  await withPair(context, pages * 2 + 4096, hostBytes, async ({ ours, native }) => {
    const rows = new Collector();
    const metadata = 'Linux copy-on-write / simulated';
    const contents = 'the same with contents copied';
    for (let i = -2; i < (context.isShort ? 5 : 11); i++) {
      const plain = copyOnWrite(ours.core, pages, false);
      const filled = copyOnWrite(ours.core, pages, true);
      const taken = (await native.ask('linux', pages))[2] as number / pages;
      if (i < 0) continue;
      rows.add(metadata, plain, taken);
      rows.add(contents, filled, taken);
    }
    rows.emit(context, {
      name: metadata, unit: 'ns/page', ratioOf: 'other/ours', bar: 20,
      compares: `simulating a fault costs 1/ratio of taking one: ${pages} pages in order, fork and `
        + 'write in the kernel (trap, 4 KiB copied, small pages) / the core, metadata only',
    });
    rows.emit(context, {
      name: contents, unit: 'ns/page', ratioOf: 'other/ours', bar: 2,
      compares: 'the same where the simulated pages have contents and the fault copies 4 KiB too',
    });
  });
}

/** The Linux kernel, for the scale. */
export const linux: Group = { name: 'linux', needsNative: true, run };
