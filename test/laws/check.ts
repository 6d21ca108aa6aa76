/**
 * Checks a real system against the model in every way that needs no accounting pass: contents,
 * information, page-table entries, frames by state, the core's own audit.
 */
import { type Tree, getBytes, lookup } from '../model/tree.js';
import { type ModelVmo, sizePages } from '../model/vmo.js';
import { Right } from '../support/api.js';
import { wrongInfo } from './info.js';
import type { OnModel } from './on-model.js';
import type { OnSystem } from './on-system.js';

/** Pages worth reading of a VMO: those that it or a parent has, and their neighbours. */
const pagesToRead = (vmo: ModelVmo): number[] => {
  const pages = new Set<number>([0]);
  let shift = vmo.treeOffset;
  for (let tree: Tree | null = vmo.tree; tree !== null; tree = tree.parent) {
    for (const at of tree.slots.keys()) {
      for (const near of [-1, 0, 1]) pages.add(at - shift + near);
    }
    shift += tree.parentOffset;
  }
  return [...pages].filter((page) => page >= 0 && page < sizePages(vmo));
};

/** VMOs that read otherwise than the model says. */
const wrongContents = (model: OnModel, system: OnSystem): string[] => {
  const wrong: string[] = [];
  for (const [i, { vmo, rights }] of model.handles.entries()) {
    if ((rights & Right.READ) === 0) continue;
    const handle = system.handles[i]!;
    const size = handle.getSize();
    if (size !== BigInt(sizePages(vmo)) * 4096n) wrong.push(`handle ${i}: size ${size}`);
    if (vmo.cachePolicy !== 0) continue;
    for (const page of pagesToRead(vmo)) {
      const got = Buffer.from(handle.read(BigInt(page) * 4096n, 4096));
      const wanted = getBytes(lookup(vmo.tree, page + vmo.treeOffset), 0, 4096);
      const at = got.equals(wanted) ? -1 : got.findIndex((byte, k) => byte !== wanted[k]);
      if (at < 0) continue;
      wrong.push(`handle ${i} page ${page} byte ${at}: ${got[at]}, model ${wanted[at]}`);
    }
  }
  return wrong;
};

/**
 * Page-table entries that differ. Entries of the zero page may be there or not: nothing counts
 * them, and an operation on a range may drop them early.
 */
const wrongEntries = (model: OnModel, system: OnSystem): string[] => {
  const wrong: string[] = [];
  const { core } = system.system;
  const frames = new Map<unknown, number>();
  const pages = new Map<number, unknown>();
  for (const [i, process] of model.processes.entries()) {
    const aspace = system.processes[i]!.object.aspace.ref as Parameters<typeof core.entry>[0];
    let zeros = 0;
    for (const [address, page] of process.entries) {
      const entry = core.entry(aspace, address);
      const frame = entry >>> 5;
      if (page === null) {
        zeros += 1;
        if (frame !== 0) wrong.push(`process ${i} page ${address}: frame ${frame}, model zero`);
        continue;
      }
      const present = (entry & 1) !== 0 && frame !== 0;
      const known = frames.get(page) ?? frame;
      const owner = pages.get(frame) ?? page;
      if (!present || known !== frame || owner !== page) {
        const what = `entry ${entry.toString(16)}, model page ${page.id}`;
        wrong.push(`process ${i} page ${address}: ${what}`);
      }
      const writable = (entry & 2) !== 0;
      if (writable !== process.writable.has(address)) {
        wrong.push(`process ${i} page ${address}: entry ${writable ? '' : 'not '}writable`);
      }
      frames.set(page, frame);
      pages.set(frame, page);
    }
    const got = core.aspacePresentPages(aspace);
    const most = process.entries.size;
    if (got > most || got < most - zeros) wrong.push(`process ${i}: ${got} entries, model ${most}`);
  }
  return wrong;
};

/**
 * Forgets in the model what the core dropped early: a change of a file may take the entries of its
 * live clones along, also where a clone has a page of its own, and an operation on a range those of
 * the zero page. The next access faults them in again.
 */
export const forgetDropped = (model: OnModel, system: OnSystem): void => {
  const { core } = system.system;
  for (const [i, process] of model.processes.entries()) {
    const aspace = system.processes[i]!.object.aspace.ref as Parameters<typeof core.entry>[0];
    for (const [address, page] of [...process.entries]) {
      const live = process.mappingAt(address)?.vmo.tree.parent !== null;
      if (!live && page !== null) continue;
      if (core.entry(aspace, address) === 0) process.entries.delete(address);
    }
  }
};

/** What is wrong with frames: their number in use, their sum over the states. */
export const wrongFrames = (model: OnModel, system: OnSystem): string[] => {
  const { core } = system.system;
  const wrong: string[] = [];
  const wanted = model.world.allPages().size;
  const got = core.pagesInState(4);
  if (got !== wanted) wrong.push(`${got} frames of VMOs, model ${wanted}`);
  let sum = 0;
  for (let state = 0; state < 12; state++) sum += core.pagesInState(state);
  if (sum !== core.physicalPages) wrong.push(`states sum to ${sum} of ${core.physicalPages} pages`);
  return wrong;
};

/** Everything that is wrong with a system; nothing if all is well. */
export const checkSystem = (model: OnModel, system: OnSystem): string[] => [
  ...wrongInfo(model, system), ...wrongFrames(model, system), ...system.system.core.audit(),
  ...wrongContents(model, system), ...wrongEntries(model, system),
];
