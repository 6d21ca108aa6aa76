/**
 * Host memory for each committed page, all told: the core's memory up to its mark, so frames, page
 * lists, the spare records of every pool, and the scratch of an accounting pass.
 */
import type { AspaceRef, Core, VmoRef } from '../../src/core/core.js';
import { TreePass } from '../../src/core/passes.js';
import { makeRow } from '../support/report.js';
import type { Context, Group } from '../support/context.js';
import { WRITE } from '../support/machine.js';
import { good } from '../support/ours.js';
import { Core as CoreClass } from '../../src/core/core.js';

const CALL_PAGES = 65536;
const BASE_PAGES = 2 ** 18;
const READ_WRITE = 3;

function bytesEach(pages: number, withEntries: boolean): number {
  const tables = withEntries ? Math.ceil(pages / 512) + Math.ceil(pages / 2 ** 18) + 2 : 0;
  const core = CoreClass.create({ physicalPages: pages + tables + 16 }) as Core;
  const vmo = good<VmoRef>(core.vmoCreate(0, pages));
  const aspace = good<AspaceRef>(core.aspaceCreate());
  good(core.map(aspace, vmo, BASE_PAGES, pages, 0, READ_WRITE));
  for (let at = 0; at < pages; at += CALL_PAGES) {
    if (withEntries) good(core.faultRange(aspace, BASE_PAGES + at, CALL_PAGES, WRITE));
    else good(core.vmoCommit(vmo, at, CALL_PAGES));
  }
  const pass = new TreePass(core, 'sum');
  pass.inject({ vmo: [vmo], page: [0], pages: [pages], value: [1] });
  pass.scan();
  const sums = pass.read({ vmo: [vmo], page: [0], pages: [pages], value: [0] }, 1);
  pass.end();
  if (sums.privatePages[0] !== pages) throw new Error('the pass did not see all pages');
  return core.hostBytesUsed / pages;
}

async function run(context: Context): Promise<void> {
  const pages = context.isShort ? 2 ** 22 : 2 ** 24;
  const what = `core's memory in use / committed pages, ${pages} pages of one VMO`;
  context.emit(makeRow({
    name: 'host bytes a page', unit: 'bytes', ratioOf: 'ours', bar: 26,
    compares: `${what}: frames, lists, accounting scratch`,
  }, { ours: [bytesEach(pages, false)], other: [] }));
  context.emit(makeRow({
    name: 'host bytes a page, with entries', unit: 'bytes', ratioOf: 'ours', bar: 31,
    compares: `${what}: the same and page tables`,
  }, { ours: [bytesEach(pages, true)], other: [] }));
}

/** Memory a page. */
export const memory: Group = { name: 'memory', needsNative: false, run };
